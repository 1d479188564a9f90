//! Unknowns, marks, reads and lazy vars.

use super::*;
use crate::template::{Tree, Truth, Vars};

#[test]
fn what_rests_on_an_unknown_is_unknown_and_short_circuits_are_exact() {
    for text in [
        "answer.id",
        "answer.id + 1",
        "answer.id == 3",
        "answer.id | upper",
        "answer.list | length",
        "answer.list[0].x",
        "answer.id ~ 'x'",
        "answer.id is none",
        "1 if answer.id else 2",
        "not answer.id",
        "answer.id in [1]",
        "1 in answer.list",
        "false or answer.id",
        "true and answer.id",
        "mixed | sum",
        "mixed | join(',')",
        "mixed == [1, 2]",
        "7 in mixed",
        "mixed | select('gt', 0) | list",
        "mixed[1]",
        "-answer.id",
        "answer.nothing.at.all.id if answer.id else 1",
    ] {
        assert_eq!(eval(text), "an unknown (known after apply)", "{text}");
    }
    check(&[
        ("true or answer.id", "a boolean true"),
        ("false and answer.id", "a boolean false"),
        ("0 if true else answer.id", "an integer 0"),
        ("answer is ran", "a boolean true"),
        ("answer.id is defined", "a boolean true"),
        ("answer.id | default(1) == 1 or true", "an unknown (known after apply)"),
        ("1 in mixed", "a boolean true"),
        ("mixed[0]", "an integer 1"),
        ("mixed | length", "an integer 2"),
        ("mixed | first", "an integer 1"),
        ("[1, answer.id + 1] | length", "an integer 2"),
        ("[1, answer.id + 1] | first", "an integer 1"),
        ("mixed | map('string') | first", "a text 1"),
        ("answer.idd", "! `answer.idd` does not exist: there is no `idd`; did you mean `id`?"),
        ("trainee.sate or answer.id", "! `trainee.sate` does not exist: there is no `sate`; did you mean `state`?"),
    ]);
    assert!(Expression::from_text("[1, answer.id]").unwrap().evaluate(&scope()).unwrap().value.is_unknown());
}

#[test]
fn a_step_of_which_only_apply_shows_whether_it_runs_is_unknown_in_every_use() {
    let scope = scope().with_undecided("maybe");
    for text in ["maybe is ran", "maybe is skipped", "maybe.x", "maybe is none", "maybe == 1", "maybe | default(1)"] {
        assert_eq!(eval_in(text, &scope), "an unknown (known after apply)", "{text}");
    }
}

#[test]
fn conditions_answer_yes_no_or_unknown() {
    let test = |text: &str| Expression::from_text(text).unwrap().test(&scope()).unwrap().0;
    assert_eq!(test("trainee.state"), Truth::Yes);
    assert_eq!(test("trainee.trn"), Truth::No);
    assert_eq!(test("params.none_ids"), Truth::No);
    assert_eq!(test("answer.id == 1"), Truth::Unknown("known after apply".into()));
}

#[test]
fn marks_of_everything_looked_at_reach_the_result() {
    let marks = |text: &str| Expression::from_text(text).unwrap().evaluate(&scope()).unwrap().value.marks;
    assert_eq!(marks("trainee.email"), Marks::PERSONAL);
    assert_eq!(marks("trainee.email ~ '!'"), Marks::PERSONAL);
    assert_eq!(marks("'a' if trainee.email == 'x' else 'b'"), Marks::PERSONAL);
    assert_eq!(marks("trainee | tojson"), Marks::PERSONAL);
    assert_eq!(marks("[trainee.email] | join(',')"), Marks::PERSONAL);
    assert_eq!(marks("trainee.email | default('x')"), Marks::PERSONAL);
    assert_eq!(marks("true or trainee.email"), Marks::NONE);
    assert_eq!(marks("trainee.state"), Marks::NONE);
    assert_eq!(marks("trainee.email is none"), Marks::NONE, "that it is not null says nothing of its content");
    assert_eq!(marks("now()"), Marks::CLOCK);
    assert_eq!(marks("(now() + days(1)) | date"), Marks::CLOCK);
    let secret = scope().with("s", Value::from("hush").marked(Marks::SECRET));
    let joined = Expression::from_text("s ~ trainee.email").unwrap().evaluate(&secret).unwrap().value;
    assert_eq!(joined.marks, Marks::SECRET | Marks::PERSONAL);
    // A whole row that is only handed on keeps its marks at its parts.
    let row = Expression::from_text("trainee").unwrap().evaluate(&scope()).unwrap().value;
    assert_eq!((row.marks, row.get("email").unwrap().marks), (Marks::NONE, Marks::PERSONAL));
}

#[test]
fn reads_name_the_parts_that_were_looked_at_and_can_be_found_again() {
    let reads = |text: &str| {
        let evaluated = Expression::from_text(text).unwrap().evaluate(&scope()).unwrap();
        evaluated.reads.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(reads("dqt.body.trn == '1'"), "dqt.body.trn");
    assert_eq!(reads("dqt.body.qtsDate is none and dqt.status == 200"), "dqt.body.qtsDate dqt.status");
    assert_eq!(reads("dqt.body.nothing is defined"), "dqt.body.nothing");
    assert_eq!(reads("dqt.body.itt | length"), "dqt.body.itt.#");
    assert_eq!(
        reads("(dqt.body.itt | selectattr('provider.ukprn', 'eq', '200') | first).result"),
        "dqt.body.itt.# dqt.body.itt.0.provider.ukprn dqt.body.itt.1.provider.ukprn dqt.body.itt.1.result"
    );
    assert_eq!(reads("dqt.body | path('itt.0.result')"), "dqt.body.itt.0.result");
    assert_eq!(reads("dqt.body | tojson"), "dqt.body");
    assert_eq!(reads("true or dqt.status == 1"), "");
    let evaluated = Expression::from_text("dqt.body.itt[1].result").unwrap().evaluate(&scope()).unwrap();
    assert_eq!(evaluated.reads[0].look_up(scope().get("dqt").unwrap()).unwrap().as_str(), Some("Fail"));
}

fn vars(entries: &[(&str, &str)]) -> Arc<Vars> {
    Arc::new(entries.iter().map(|(name, template)| (Arc::from(*name), Tree::Scalar(text(template)))).collect())
}

#[test]
fn vars_are_evaluated_when_used_in_the_scope_of_the_use() {
    let scope = scope().with_vars(vars(&[
        ("early", "{{ params.slug is startingwith 'a' }}"),
        ("later", "{{ step.x }}"),
        ("label", "slug {{ params.slug }}"),
        ("broken", "{{ trainee.sate }}"),
        ("secretive", "{{ 'x' if trainee.email else 'y' }}"),
        ("a", "{{ vars.b }}"),
        ("b", "{{ vars.a }}"),
    ]));
    assert_eq!(eval_in("vars.early and not false", &scope), "a boolean true");
    assert_eq!(eval_in("vars.label", &scope), "a text slug abc");
    assert!(eval_in("vars.later", &scope).starts_with("! there is nothing named `step`"));
    let later = scope.clone().with("step", Value::map([("x", Value::from(5))]));
    assert_eq!(eval_in("vars.later + vars.later", &later), "an integer 10");
    assert_eq!(
        eval_in("vars.eraly", &scope),
        "! `vars.eraly` does not exist: there is no `eraly`; did you mean `early`?"
    );
    assert_eq!(eval_in("vars.a", &scope), "! `vars.a` needs itself: a → b → a");
    assert_eq!(eval_in("vars", &scope), "! `vars` is used by name: `vars.…`");
    let failure = Expression::from_text("1 + vars.broken").unwrap().evaluate(&scope).unwrap_err();
    assert_eq!(&*failure.scalar.text, "{{ trainee.sate }}", "the failure points into the text of the var");
    assert_eq!(&failure.scalar.text[failure.range], "trainee.sate");
    let evaluated = Expression::from_text("vars.secretive").unwrap().evaluate(&scope).unwrap();
    assert_eq!((evaluated.value.marks, evaluated.reads[0].to_string()), (Marks::PERSONAL, "trainee.email".to_owned()));
}

#[test]
fn no_failure_says_a_hidden_value() {
    for text in [
        "rows[0][trainee.email]",
        "trainee.trn[trainee.email]",
        "trainee.state[trainee.email]",
        "{trainee.email: 1, ('ann@example.org' ~ ''): 2}",
        "trainee.email | int",
        "trainee.email | date",
        "trainee.date_of_birth == trainee.email",
        "trainee.email < 1",
        "rows | map(attribute=trainee.email) | list",
        "trainee.email.x",
        "[trainee.email] | reject_null(rows[0])",
        "rows | sort(attribute=trainee.email)",
    ] {
        let found = eval(text);
        assert!(
            found.starts_with("! ") && !found.replace(text, "").replace("'ann@example.org'", "").contains("ann@"),
            "{text}: {found}"
        );
    }
}

#[test]
fn compiled_texts_and_scopes_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Expression>();
    shared::<Text>();
    shared::<Tree>();
    shared::<crate::template::Sql>();
    shared::<Scope>();
}
