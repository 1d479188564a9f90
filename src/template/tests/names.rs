//! Names found without running.

use super::*;
use crate::template::{Use, UseKind};

fn shown(template: &str, uses: &[Use]) -> Vec<String> {
    uses.iter()
        .map(|used| {
            let kind = match used.kind {
                UseKind::Variable => "",
                UseKind::Optional => "?",
                UseKind::Step => "step ",
                UseKind::Filter => "|",
                UseKind::Test => "is ",
                UseKind::Function => "fn ",
            };
            format!("{kind}{} `{}`", used.path, &template[used.range.clone()])
        })
        .collect()
}

fn names(expression: &str) -> Vec<String> {
    shown(expression, Expression::from_text(expression).unwrap().names())
}

fn names_of_text(template: &str) -> Vec<String> {
    shown(template, text(template).names())
}

#[test]
fn every_name_has_its_path_and_place() {
    assert_eq!(names("trainee.state == 'x' and not a.b"), ["trainee.state `trainee.state`", "a.b `a.b`"]);
    assert_eq!(
        names("a is ran or b.c is defined"),
        ["step a `a`", "is ran `ran`", "?b.c `b.c`", "is defined `defined`"]
    );
    assert_eq!(names("x.y | default(z)"), ["?x.y `x.y`", "|default `default`", "z `z`"]);
    assert_eq!(names("vars.rank[item.job]"), ["vars.rank `vars.rank`", "item.job `item.job`"]);
    assert_eq!(names("a['b'][0].c"), ["a.b.*.c `a['b'][0].c`"]);
    assert_eq!(names("now() + days(n)"), ["fn now `now`", "fn days `days`", "n `n`"]);
    assert_eq!(names("a.b if c else d"), ["a.b `a.b`", "c `c`", "d `d`"]);
}

#[test]
fn attributes_of_elements_are_found_behind_filters() {
    assert_eq!(
        names("rows | selectattr('state', 'eq', x) | map(attribute='id') | list"),
        [
            "rows `rows`",
            "|selectattr `selectattr`",
            "rows.*.state `'state'`",
            "is eq `'eq'`",
            "x `x`",
            "|map `map`",
            "rows.*.id `'id'`",
            "|list `list`"
        ]
    );
    assert_eq!(names("(t.body.list | selectattr('a.b') | first).result").last().unwrap(), "|first `first`");
    assert!(
        names("(t.body.list | selectattr('a.b') | first).result")
            .contains(&"t.body.list.*.result `t.body.list | selectattr('a.b') | first).result`".to_owned())
    );
}

#[test]
fn local_names_are_left_out_and_stand_for_what_they_hold() {
    assert_eq!(
        names_of_text("{% for row in rows %}{{ row.name }}{{ loop.index }}{% endfor %}{{ row }}"),
        ["rows `rows`", "rows.*.name `row.name`", "row `row`"]
    );
    assert_eq!(
        names_of_text("{% set a = b.c %}{{ a.d }}{% if a %}{% set e = 1 %}{% endif %}{{ e }}"),
        ["b.c `b.c`", "b.c.d `a.d`", "b.c `a`"]
    );
}

#[test]
fn names_are_known_even_when_something_else_is_refused() {
    let refused = Expression::from_text("trane.id | uper").unwrap_err();
    assert_eq!(shown("trane.id | uper", &refused.names), ["trane.id `trane.id`"]);
}
