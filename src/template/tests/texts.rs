//! Texts with expressions, for machines and for people.

use super::*;
use crate::template::Path;
use crate::template::path::Step;
use std::borrow::Cow;

#[test]
fn a_text_that_is_exactly_one_expression_keeps_the_kind() {
    let value = |template: &str| text(template).evaluate(&scope()).unwrap().value;
    assert_eq!(value("{{ trainee.id }}").kind(), "an integer");
    assert_eq!(value("{{ params.ids }}").kind(), "a list");
    assert_eq!(value("{{ trainee.trn }}").kind(), "null");
    assert_eq!(value("{{ trainee.id }}\n").kind(), "an integer");
    assert_eq!(value("no {{ trainee.id }}").bare(), "no 7");
    assert_eq!(value("{{ trainee.id }} ").bare(), "7 ");
    assert_eq!(value("plain").bare(), "plain");
    assert_eq!(value("{{ params.ids }} {{ trainee.date_of_birth }} {{ true }}").bare(), "[1,2,3] 1990-02-28 true");
}

#[test]
fn literals_keep_their_yaml_type() {
    use crate::base::{
        source::Span,
        yaml::{Scalar, Style},
    };
    let plain =
        |text: &str| Text::compile(&Scalar { text: text.into(), style: Style::Plain, span: Span::default() }).unwrap();
    assert_eq!(plain("5").evaluate(&scope()).unwrap().value.kind(), "an integer");
    assert_eq!(plain("1.10").evaluate(&scope()).unwrap().value.bare(), "1.10");
    assert!(plain("5").is_literal());
}

#[test]
fn blocks_choose_and_repeat() {
    let shown = |template: &str| {
        text(template).evaluate(&scope()).map(|e| e.value.bare().into_owned()).unwrap_or_else(|f| format!("! {f}"))
    };
    assert_eq!(shown("a{% if trainee.trn %}b{% elif trainee.id == 7 %}c{% else %}d{% endif %}"), "ac");
    assert_eq!(shown("{% for row in rows %}{{ row.name }}{% if not loop.last %}, {% endif %}{% endfor %}"), "a, b, a");
    assert_eq!(shown("{% for row in rows if row.keep %}{{ loop.index }}{{ row.n }} {% endfor %}"), "13 22 ");
    assert_eq!(shown("{% for x in [] %}x{% else %}none{% endfor %}"), "none");
    assert_eq!(shown("{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }} {% endfor %}"), "3 7 ");
    assert_eq!(shown("{% set x = trainee.id + 1 %}{{ x }}{# nothing #}"), "8");
    assert_eq!(
        shown("x {{ trainee.trn }}"),
        "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"
    );
    assert_eq!(
        shown("x {{ 'y' if false }}"),
        "! `'y' if false` has no value: the condition is false and there is no `else`"
    );
    assert_eq!(
        shown("{{ row }}{% for row in rows %}{% endfor %}"),
        "! there is nothing named `row` here; did you mean `rows`?"
    );
}

/// The name that Open edX gives a retired learner (user-util 2.0.0, `get_retired_username`): the salt before the name in small letters.
#[test]
fn sha1_makes_the_names_of_retired_learners() {
    let value = |template: &str| text(template).evaluate(&scope()).unwrap().value.bare().into_owned();
    assert_eq!(value("{{ 'abc' | sha1 }}"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        value("{{ 'retired__user_' ~ (('sandbox-salt' ~ ('Ada.Lind' | lower)) | sha1) }}"),
        "retired__user_39f33cc273da499f5183581278af4c4940d2acec"
    );
    let personal = text("{{ trainee.email | sha1 }}").evaluate(&scope());
    assert!(personal.is_err() || personal.unwrap().value.marks.hidden(), "made from a personal value");
}

#[test]
fn blocks_of_other_kinds_are_refused() {
    for template in [
        "{% macro f() %}x{% endmacro %}",
        "{% include 'x' %}",
        "{% block a %}{% endblock %}",
        "{% with a = 1 %}{% endwith %}",
        "{% set x %}a{% endset %}",
        "{% filter upper %}a{% endfilter %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do x() %}",
        "{% import 'a' as b %}",
        "{% for x in y recursive %}{% endfor %}",
        "{{ f(*x) }}",
        "{{ x.y() }}",
        "{{ self.a() }}",
        "{{ loop(1) }}",
    ] {
        assert!(Text::from_text(template).is_err(), "{template}");
    }
}

#[test]
fn an_unknown_makes_the_whole_text_unknown_but_a_person_can_read_the_rest() {
    let template = text("Ticket {{ answer.id }} for {{ trainee.state }}{% if answer.id %} yes{% endif %}.");
    assert_eq!(template.evaluate(&scope()).unwrap().value.kind(), "an unknown");
    assert_eq!(template.preview(&scope()).unwrap(), "Ticket (known after apply) for awarded(known after apply).");
    assert_eq!(text("{{ answer.id }}").preview(&scope()).unwrap(), "(known after apply)");
}

#[test]
fn hidden_values_are_masked_for_people_unless_they_are_revealed() {
    let scope = scope().with("s", Value::from("hush").marked(Marks::SECRET));
    let path = |steps: &[&str]| Path { steps: steps.iter().map(|step| Step::Name((*step).into())).collect() };
    let template = text("{{ trainee.state }} {{ trainee.email }} {{ s }}");
    assert_eq!(template.preview(&scope).unwrap(), "awarded (personal) (secret)");
    let revealed = [path(&["trainee", "email"]), path(&["s"])];
    assert_eq!(template.message(&scope, &revealed).unwrap(), "awarded ann@example.org (secret)");
    let both = text("{{ trainee.email ~ s }}");
    assert_eq!(both.message(&scope, &revealed).unwrap(), "(secret)");
    let value = template.evaluate(&scope).unwrap().value;
    assert_eq!(
        (value.bare().into_owned(), value.marks),
        ("awarded ann@example.org hush".to_owned(), Marks::PERSONAL | Marks::SECRET)
    );
}

#[test]
fn values_in_a_path_are_encoded_and_literal_parts_are_not() {
    let scope = scope().with("x", Value::from("a/../b"));
    let encode = |text: &str| -> Cow<'static, str> { text.replace('/', "%2F").into() };
    let rendered = text("/v2/{{ x }}/{{ trainee.id }}").render(&scope, |t| Cow::Owned(encode(t).into_owned())).unwrap();
    assert_eq!(rendered.value.bare(), "/v2/a%2F..%2Fb/7");
}
