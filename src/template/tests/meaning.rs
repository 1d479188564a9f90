//! Values, operators, filters and tests.

use super::*;

#[test]
fn values_keep_their_kind_through_an_expression() {
    check(&[
        ("trainee.id", "an integer 7"),
        ("trainee.date_of_birth", "a date 1990-02-28"),
        ("trainee.awarded_at", "a timestamp 2025-07-23T10:00:00.5"),
        ("trainee.fee", "a decimal 12.50"),
        ("trainee.trn", "null null"),
        ("dqt.body.fee", "a decimal 12.5"),
        (
            "dqt.body",
            "JSON {\"qtsDate\": null, \"trn\": \"1234567\", \"itt\": [{\"provider\": {\"ukprn\": \"100\"}, \"result\": \"Pass\"}, {\"provider\": {\"ukprn\": \"200\"}, \"result\": \"Fail\"}], \"fee\": 12.5}",
        ),
        ("1.10", "a decimal 1.10"),
        ("-3", "an integer -3"),
        ("{'a': trainee.id, 'b': [1]}", "a map {\"a\":7,\"b\":[1]}"),
        ("params.ids[-1]", "an integer 3"),
        ("params.ids[1:]", "a list [2,3]"),
        ("'abcdef'[1:3]", "a text bc"),
    ]);
}

#[test]
fn arithmetic_is_exact() {
    check(&[
        ("0.1 + 0.2", "a decimal 0.3"),
        ("0.1 + 0.2 == 0.3", "a boolean true"),
        ("trainee.fee * 2", "a decimal 25.00"),
        ("7 / 2", "a decimal 3.5"),
        ("6 / 2", "an integer 3"),
        ("7 // 2 + 7 % 2", "an integer 4"),
        ("2 ** 10", "an integer 1024"),
        ("-(1 + 2)", "an integer -3"),
        ("9223372036854775807 + 1", "a decimal 9223372036854775808"),
        ("1 / 0", "! division by zero"),
        ("1 + 'a'", "! `+` does not work on an integer and a text; `~` joins texts"),
        ("'a' + 'b'", "a text ab"),
        ("[1] + [2]", "a list [1,2]"),
        ("1 + trainee.trn", "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"),
    ]);
}

#[test]
fn dates_are_calculated_and_compared_by_value() {
    check(&[
        ("trainee.date_of_birth == '1990-02-28'", "a boolean true"),
        ("trainee.date_of_birth < '1991-01-01'", "a boolean true"),
        ("trainee.date_of_birth == '28/02/1990'", "! the text compared with a date is no date (`2025-07-23`)"),
        ("trainee.date_of_birth + days(1)", "a date 1990-03-01"),
        ("'2024-01-31' | date + months(1)", "a date 2024-02-29"),
        ("(trainee.awarded_at - hours(11)) | date", "a date 2025-07-22"),
        (
            "trainee.awarded_at == trainee.date_of_birth",
            "! a timestamp is compared with a date: `| date` makes a date of it",
        ),
        ("now()", "an instant 2025-07-23T10:00:00.000000Z"),
        ("(now() + months(1)) | date", "a date 2025-08-23"),
        ("now() - days(2) < now()", "a boolean true"),
        ("(now() | date) - trainee.date_of_birth > days(365 * 30)", "a boolean true"),
        (
            "trainee.date_of_birth + hours(1)",
            "! a date has no time of day: only whole days can be added; make a timestamp of it: `| timestamp`",
        ),
        ("days(1)", "! a duration is no value by itself; add it to a date or moment: `now() + days(4)`"),
        ("'2025-07-23T10:00:00Z' | timestamp", "a timestamp 2025-07-23T10:00:00"),
        ("'soon' | date", "! `'soon'` is not a date like 2025-07-23"),
        ("trainee.date_of_birth + days(999999999999999)", "! the duration is too long"),
        ("trainee.date_of_birth + months(99999999)", "! the date lies outside of what databases can hold"),
    ]);
}

#[test]
fn equality_between_kinds_is_false_and_order_is_an_error() {
    check(&[
        ("trainee.id == '7'", "a boolean false"),
        ("trainee.fee == 12.5", "a boolean true"),
        ("trainee.fee > 12", "a boolean true"),
        ("trainee.trn == none", "a boolean true"),
        ("trainee.trn is none", "a boolean true"),
        (
            "trainee.id < '8'",
            "! an integer and a text have no common order; convert one side: `| int`, `| date`, `| string`",
        ),
        ("trainee.trn < 1", "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"),
        ("1 < 2 <= 2 < 3", "a boolean true"),
        ("trainee.state in ['awarded', 'draft']", "a boolean true"),
        ("trainee.state not in ['draft']", "a boolean true"),
        ("'war' in trainee.state", "a boolean true"),
        ("'trn' in dqt.body", "a boolean true"),
        ("none in [1, none]", "a boolean true"),
        ("1 in trainee.trn", "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"),
        ("(rows | map(attribute='n') | list) == [3, 1, 2]", "a boolean true"),
        ("true and not false or false", "a boolean true"),
        ("true == 1", "a boolean false"),
    ]);
}

#[test]
fn what_does_not_exist_is_an_error_and_never_null() {
    check(&[
        (
            "trane.id",
            "! there is nothing named `trane` here; possible here: `answer`, `dqt`, `mixed`, `params`, `rows`, `teacher`, `trainee`",
        ),
        ("traineee.id", "! there is nothing named `traineee` here; did you mean `trainee`?"),
        ("traineee is none", "! there is nothing named `traineee` here; did you mean `trainee`?"),
        ("trainee.sate", "! `trainee.sate` does not exist: there is no `sate`; did you mean `state`?"),
        ("trainee.sate is none", "! `trainee.sate` does not exist: there is no `sate`; did you mean `state`?"),
        (
            "rows | selectattr('nmae', 'eq', 'a') | list",
            "! `'nmae'` does not exist: there is no `nmae`; did you mean `name`?",
        ),
        ("rows | map(attribute='nmae') | list", "! `'nmae'` does not exist: there is no `nmae`; did you mean `name`?"),
        ("'x' if false", "! `'x' if false` has no value: the condition is false and there is no `else`"),
        ("[] | first", "! `[] | first` has no value: the list has 0 elements"),
        ("params.ids[9]", "! `params.ids[9]` has no value: the list has 3 elements"),
        ("none ~ 'x'", "! `none` is null; say what to do then: `… if none is not none else …`"),
        (
            "trainee.trn.x",
            "! `trainee.trn` is null and has no `x`; say what to do then: `… if trainee.trn is not none else …`, or use `| path('…')`",
        ),
        ("trainee.state.x", "! `trainee.state` is a text and has no `x`"),
        (
            "rows.name",
            "! `rows` is a list and has no `name`; take one element (`| first`, `[0]`) or all: `| map(attribute='name')`",
        ),
        ("null", "! there is nothing named `null` here; null is written `none`"),
        ("trainee.sate is defined", "a boolean false"),
        ("trainee.trn is defined", "a boolean true"),
        ("trainee.sate | default('x')", "a text x"),
        ("dqt.body.nothing | default(none)", "null null"),
        ("[] | first | default('none there')", "a text none there"),
        ("dqt.body | path('itt.0.provider.ukprn')", "a text 100"),
        ("dqt.body | path('itt.9.provider')", "null null"),
        ("dqt.body | path('qtsDate.x.y')", "null null"),
        ("dqt.body.qtsDate is none", "a boolean true"),
    ]);
}

#[test]
fn the_result_of_a_skipped_step_can_only_be_asked_about() {
    check(&[
        ("teacher is ran", "a boolean false"),
        ("teacher is skipped", "a boolean true"),
        ("dqt is ran", "a boolean true"),
        ("teacher is ran and teacher.status == 200", "a boolean false"),
        (
            "teacher.status",
            "! `teacher` did not run: its `when` was false; ask `teacher is ran` first, or put the same `when:` here",
        ),
        (
            "teacher is none",
            "! `teacher` did not run: its `when` was false; ask `teacher is ran` first, or put the same `when:` here",
        ),
        (
            "teacher | default(1)",
            "! `teacher` did not run: its `when` was false; ask `teacher is ran` first, or put the same `when:` here",
        ),
        ("taecher is ran", "! there is nothing named `taecher` here; did you mean `teacher`?"),
    ]);
}

#[test]
fn filters_on_texts_and_numbers() {
    check(&[
        ("trainee.first_names | words | first", "a text Ann"),
        ("trainee.state | upper ~ '!'", "a text AWARDED!"),
        ("' a ' | trim", "a text a"),
        ("'a.b' | upper | replace('.', '__')", "a text A__B"),
        ("'x/y z' | urlencode", "a text x%2Fy%20z"),
        ("'a\\nb' | indent(2)", "a text a\n  b"),
        ("trainee.id | string", "a text 7"),
        ("[1, 'a'] | tojson", "a text [1,\"a\"]"),
        (r#"('{"a": [1, "b"]}' | fromjson).a[1]"#, "a text b"),
        ("'42' | int + 1", "an integer 43"),
        ("'4x' | int", "! `'4x'` is no whole number"),
        ("'1.10' | decimal", "a decimal 1.10"),
        ("2.5 | round", "an integer 3"),
        ("2.345 | round(2)", "a decimal 2.35"),
        ("2.9 | round(0, 'floor')", "an integer 2"),
        ("-5 | abs", "an integer 5"),
        ("trainee.id | upper", "! `trainee.id` is an integer, not a text; `| string` makes a text of it"),
        ("trainee.trn | upper", "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"),
        ("'abc' | length", "an integer 3"),
        ("trainee.state is startingwith 'aw'", "a boolean true"),
        ("trainee.state is endingwith('x')", "a boolean false"),
        ("trainee.state is containing 'war'", "a boolean true"),
    ]);
}

#[test]
fn filters_on_lists() {
    check(&[
        ("rows | map(attribute='name') | unique | join(', ')", "a text a, b"),
        ("rows | selectattr('keep') | map(attribute='n') | list", "a list [3,2]"),
        ("rows | rejectattr('keep') | map(attribute='n') | first", "an integer 1"),
        ("rows | selectattr('n', 'gt', 1) | list | length", "an integer 2"),
        ("rows | sort(attribute='n') | map(attribute='n') | list", "a list [1,2,3]"),
        ("rows | sort(attribute='n', reverse=true) | map(attribute='n') | list", "a list [3,2,1]"),
        ("rows | map(attribute='n') | sum", "an integer 6"),
        ("rows | sum(attribute='n')", "an integer 6"),
        ("rows | map(attribute='n') | max", "an integer 3"),
        ("(rows | min(attribute='n')).name", "a text b"),
        ("params.ids | reject('in', [1, 2]) | list", "a list [3]"),
        ("['b', 'a'] | map('upper') | sort | list", "a list [\"A\",\"B\"]"),
        ("[1, none, 2] | reject('none') | list", "a list [1,2]"),
        ("[0, 1, ''] | select | list", "a list [1]"),
        ("params.ids | reverse | list", "a list [3,2,1]"),
        ("trainee | list | length", "an integer 8"),
        ("{'a': 1, 'b': 2} | values", "a list [1,2]"),
        ("rows[0] | values | length", "an integer 3"),
        ("rows | values", "! `rows` is a list, not a map"),
        ("x.items()", "!! values have no methods, so `.items()` cannot be called @0..9 use the filter: `map | values`"),
        ("['trn', 'state'] | reject_null(trainee) | join(', ')", "a text state"),
        ("['trm'] | reject_null(trainee)", "! `trainee` has no `trm`"),
        ("rows | all_match('a', 'name')", "a boolean false"),
        ("rows | selectattr('keep') | all_equal(rows[0], ['name', 'keep'])", "a boolean true"),
        ("[1, 1.0] | all_equal(1)", "a boolean true"),
        ("['A', 'a'] | all_equal('a', fold='caseless')", "a boolean true"),
        ("dqt.body.itt | selectattr('provider.ukprn', 'eq', '200') | map(attribute='result') | first", "a text Fail"),
        ("rows | map(attribute='x', default=0) | list", "a list [0,0,0]"),
        ("[{'n': 'a', 'v': 1}, {'n': 'b'}, {'n': 'a', 'v': 2}] | to_map('n', 'v')", r#"a map {"a":2,"b":null}"#),
        ("{'a': 1} | to_list('n', 'v')", r#"a list [{"n":"a","v":1}]"#),
        ("['a'] | to_list('n', extra={'$patch': 'delete'})", r#"a list [{"n":"a","$patch":"delete"}]"#),
        ("[1] | to_map('n', 'v')", "! `'n'` is an integer and has no `n`"),
        ("[1, 'a'] | sort", "! a text and an integer have no common order"),
        ("[1, 1.0, 2] | unique | list", "a list [1,2]"),
        ("'abc' | first", "! `'abc'` is a text, not a list"),
        ("trainee.trn | length", "! `trainee.trn` is null; say what to do then: `… if trainee.trn is not none else …`"),
    ]);
}

#[test]
fn problems_before_running_have_a_place_and_a_way_out() {
    check(&[
        ("x | uper", "!! there is no filter `uper` @4..8 did you mean `upper`?"),
        ("x | len", "!! there is no filter `len` @4..7 did you mean `length`?"),
        ("x is null", "!! there is no test `null` @5..9 did you mean `none`?"),
        ("x is startswith 'a'", "!! there is no test `startswith` @5..15 did you mean `startingwith`?"),
        ("today()", "!! there is no function `today` @0..5 did you mean `now`?"),
        (
            "x | select('foo')",
            "!! there is no test `foo` @11..16 possible here: `boolean`, `containing`, `defined`, `endingwith`, `eq`, `false`, `ge`, `gt`, `in`, `le`, `list`, `lt`, `mapping`, `ne`, `none`, `number`, `ran`, `skipped`, `startingwith`, `string`, `true`, `undefined`",
        ),
        (
            "x.values() | list",
            "!! values have no methods, so `.values()` cannot be called @0..10 use the filter: `map | values`",
        ),
        ("x | replace('a')", "!! `replace` takes other arguments @4..11 its form: `text | replace(old, new)`"),
        ("x | sort(by='a')", "!! `sort` has no argument `by` @12..15 its form: `list | sort(attribute='name')`"),
        ("{{ x }}", "!! a bare expression stands without braces @0..7 write `x`"),
        ("", "!! the expression is empty @0..0 "),
        ("a = b", "!! the expression is complete before `=` @2..3 compare with `==`"),
        ("a == 'x' && b", "!! `&` is no part of an expression @9..10 write `and`"),
        ("a == 'x' ? b", "!! `?` is no part of an expression @9..10 write `a if condition else b`"),
        (
            "99999999999999999999",
            "!! the number does not fit into 64 bits @0..20 put it into quotes if it is meant as text",
        ),
    ]);
}

#[test]
fn broken_grammar_is_explained_in_plain_words() {
    let said = |template: &str| match Text::from_text(template).map_err(|refused| refused.problems) {
        Ok(_) => "fine".to_owned(),
        Err(problems) => problems
            .iter()
            .map(|p| format!("`{}` {} {}", &template[p.range.clone()], p.message, p.help.join(" ")))
            .collect(),
    };
    for (template, expected) in [
        ("{{ a && b }}", "`&` `&` is no part of an expression write `and`"),
        ("{{ a || b }}", "`|` `|` cannot stand here, expected a name write `or`"),
        ("{{ !a }}", "`!` `!` is no part of an expression write `not`"),
        ("{{ a ? b : c }}", "`?` `?` is no part of an expression write `a if condition else b`"),
        // Behind a quoted text too, where the parser would take them for the end.
        ("{{ a == 'x' && b }}", "`&` `&` is no part of an expression write `and`"),
        ("{{ a == 'x'; b }}", "`;` `;` is no part of an expression "),
        ("{{ a == \"x\" & b }}", "`&` `&` is no part of an expression write `and`"),
        ("{{ a == 'x'' and b }}", "`' and b }}` the text that begins here has no closing quote "),
        ("{{ a == }}", "`}}` a value is missing before `}}` "),
        ("{{ }}", "`}}` a value is missing before `}}` "),
        ("{{ a", "`a` the text ends too early, expected the closing `}}` "),
        ("{{ 'a }}", "`'a }}` the text that begins here has no closing quote "),
        ("{{ a b }}", "`b` `b` cannot stand here, expected the closing `}}` "),
        ("{% if a %}x", "`x` the text ends too early, expected the closing `%}`, or the block that ends this one "),
        (
            "{% foo %}",
            "`foo` `{% foo %}` has no meaning here the blocks are `{% if %}` … `{% endif %}`, `{% for %}` … `{% endfor %}` and `{% set %}`",
        ),
    ] {
        assert_eq!(said(template), expected, "{template}");
    }
    for template in [
        "{{ (a }}",
        "{{ a | }}",
        "{{ a is }}",
        "{{ [1, 2 }}",
        "{{ a..b }}",
        "{{ 1 +* 2 }}",
        "{{ a if }}",
        "{{ a[ }}",
        "{% raw %}x",
        "{% for x %}",
        "x {% endif %}",
        "{{ a }",
    ] {
        assert_ne!(said(template), "fine", "{template}");
    }
}
