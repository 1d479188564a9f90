//! Texts that try to use up time, memory or the stack end in a message, in a debug build and on a thread of 2 MiB.

use super::*;
use crate::template::{Sql, Tree, Vars};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Time that this thread has had on a processor: unlike the clock, it does not run while others do. Off Linux, the clock.
fn spent() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = times.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Compiles and evaluates in every way; what happens does not matter, only that something does. Gives the longest part of it.
fn everything(source: &str, scope: &Scope) -> Duration {
    let started = spent();
    if let Ok(expression) = Expression::from_text(source) {
        let _ = expression.evaluate(scope);
        let _ = expression.test(scope);
    }
    let bare = spent() - started;
    let started = spent();
    if let Ok(text) = Text::from_text(source) {
        if let Ok(evaluated) = text.evaluate(scope) {
            assert!(
                text.is_literal() || evaluated.value.kind() != "a text" || evaluated.value.bare().len() <= 64 * 1024
            );
        }
        let _ = text.preview(scope);
    }
    if let Ok(sql) = Sql::from_text(source) {
        let _ = sql.bind(scope, crate::template::Dialect::Sqlite);
    }
    bare.max(spent() - started)
}

fn on_a_small_stack(task: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(task).unwrap().join().unwrap();
}

/// For one text, in a debug build; the release build is some ten times faster.
const ENOUGH: Duration = Duration::from_secs(1);

fn shapes() -> Vec<String> {
    let list = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let many = list(900);
    vec![
        "{{ 'x' * 100000000 }}".into(),
        format!("{{{{ {} }}}}", ["'x' * 60000"; 30].join(" ~ ")),
        "{{ ('a' * 50000) | replace('a', 'b' * 50000) }}".into(),
        format!("{{{{ [{many}] | join('x' * 60000) }}}}"),
        "{{ [1] * 100000000 }}".into(),
        "{{ [] * 100000000000 }}".into(),
        "{{ '' * 100000000000 }}".into(),
        format!("{{{{ ([{many}] * 1000) | sort | list | length }}}}"),
        "{% set a = 'x' * 60000 %}{% set b = a ~ a %}{% set c = b ~ b %}{{ c }}".into(),
        "{{ 'a\\nb' | indent(100000000) }}".into(),
        "{{ range(1000000000) }}".into(),
        format!(
            "{{% for a in [{many}] %}}{{% for b in [{many}] %}}{{% for c in rows %}}{{{{ a }}}}{{% endfor %}}{{% endfor %}}{{% endfor %}}"
        ),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".into(),
        format!("{{{{ {}1{} }}}}", "(".repeat(2000), ")".repeat(2000)),
        format!("{{{{ x{} }}}}", " | lower".repeat(500)),
        format!("{{{{ x{} }}}}", ".a".repeat(2000)),
        format!("{{{{ {}x }}}}", "not ".repeat(1000)),
        format!("{{{{ {}1 }}}}", "-".repeat(4000)),
        format!("{{{{ 1{} }}}}", " ~ 1".repeat(1000)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(300)),
        format!("{{{{ 1{} }}}}", " if a else 1".repeat(300)),
        format!("{{{{ {}{} }}}}", "[".repeat(2000), "]".repeat(2000)),
        format!("{}{}", "{% if a %}".repeat(400), "{% endif %}".repeat(400)),
        format!("{}{}", "{% for a in rows %}".repeat(60), "{% endfor %}".repeat(60)),
        "{{ '%1000000000s' | format(1) }}".into(),
        "{{ 2 ** 100000 }}".into(),
        "{{ 9 ** 127 ** 127 }}".into(),
        "{{ ('x' * 65000) | urlencode | urlencode }}".into(),
        format!("{{{{ [{many}] | map('string') | map('replace', '1', 'y' * 60000) | list | length }}}}"),
        format!("{{{{ [{many}] | unique | length }}}}"),
        format!("{{{{ [{many}] | select('in', [{}]) | list | length }}}}", list(100)),
        "{{ big | select('in', big) | list | length }}".into(),
        "{{ big | map('string') | unique | sort | join(',') }}".into(),
        "{{ big | map(attribute='x', default='y' * 60000) | join }}".into(),
        "{% set x = [big] * 400 %}{{ x | tojson }}".into(),
    ]
}

fn wide_scope() -> Scope {
    scope().with("big", Value::list((0..50_000).map(Value::from)))
}

#[test]
fn every_shape_of_exhaustion_ends_in_time_on_a_small_stack() {
    on_a_small_stack(|| {
        let scope = wide_scope();
        for shape in shapes() {
            // Once as it is and once as a bare expression.
            let bare = shape.trim_start_matches("{{").trim_end_matches("}}").trim().to_owned();
            for source in [shape, bare] {
                let took = everything(&source, &scope);
                assert!(took < ENOUGH, "{took:?}: {}", source.chars().take(80).collect::<String>());
            }
        }
    });
}

#[test]
fn an_expression_as_long_as_may_be_runs_on_a_small_stack() {
    on_a_small_stack(|| {
        let scope = scope().with("x", Value::from(1));
        let ok = |source: String| assert!(Expression::from_text(&source).unwrap().evaluate(&scope).is_ok(), "{source}");
        ok(format!("x{}", " | string".repeat(199)));
        ok(format!("{}x", "not ".repeat(200)));
        ok(format!("{}x", "-".repeat(200)));
        ok(format!("1{}", " ~ 1".repeat(200)));
        ok(format!("1{}", " if x else 1".repeat(100)));
        ok(format!("{}1{}", "(".repeat(24), ")".repeat(24)));
        ok(format!("{}1{}", "[".repeat(24), "]".repeat(24)));
        ok(format!("{}1{}", "not (1 if x else ".repeat(24), ")".repeat(24)));
        assert!(Expression::from_text(&format!("{}1{}", "(".repeat(25), ")".repeat(25))).is_err());
        let blocks = format!("{}x{}", "{% if x %}".repeat(32), "{% endif %}".repeat(32));
        assert_eq!(text(&blocks).evaluate(&scope).unwrap().value.bare(), "x");
    });
}

#[test]
fn vars_inside_vars_end_before_the_stack_does() {
    on_a_small_stack(|| {
        let entries = (0..400).map(|i| {
            let template = format!("{{{{ {}vars.v{}{} }}}}", "not (1 and ".repeat(20), i + 1, ")".repeat(20));
            (Arc::from(format!("v{i}")), Tree::Scalar(text(&template)))
        });
        let vars: Vars = entries.chain([(Arc::from("v400"), Tree::Scalar(text("{{ 1 }}")))]).collect();
        let scope = Scope::new().with_vars(Arc::new(vars));
        let failure = Expression::from_text("vars.v0").unwrap().evaluate(&scope).unwrap_err();
        assert!(failure.message.contains("too deep"), "{failure}");
        // One value is evaluated once, however often it is used.
        let doubling = (0..60).map(|i| {
            (Arc::from(format!("d{i}")), Tree::Scalar(text(&format!("{{{{ (vars.d{0} + vars.d{0}) % 7 }}}}", i + 1))))
        });
        let vars: Vars = doubling.chain([(Arc::from("d60"), Tree::Scalar(text("{{ 1 }}")))]).collect();
        let scope = Scope::new().with_vars(Arc::new(vars));
        assert!(Expression::from_text("vars.d0").unwrap().evaluate(&scope).is_ok());
    });
}

#[test]
fn texts_and_sources_of_the_largest_size_are_taken_and_larger_ones_refused() {
    let plain = "x".repeat(100_000);
    assert_eq!(text(&plain).evaluate(&scope()).unwrap().value.bare().len(), 100_000);
    assert!(Text::from_text(&format!("{}{{{{ 1 }}}}", "x".repeat(65_000))).is_ok());
    assert!(Text::from_text(&format!("{}{{{{ 1 }}}}", "x".repeat(66_000))).is_err());
    assert!(Expression::from_text(&format!("'{}'", "x".repeat(4_000))).is_ok());
    assert!(Expression::from_text(&format!("'{}'", "x".repeat(4_100))).is_err());
    let whole = text("{{ big }}").evaluate(&wide_scope()).unwrap().value;
    assert_eq!(
        whole.as_list().map(<[Value]>::len),
        Some(50_000),
        "a large value that is only handed on is not bounded"
    );
}

fn any_expression() -> impl Strategy<Value = String> {
    let names = vec![
        "trainee",
        "trainee.id",
        "trainee.trn",
        "trainee.fee",
        "rows",
        "dqt.body",
        "answer.id",
        "mixed",
        "teacher",
        "vars.x",
        "nothing",
        "params.ids",
        "trainee.awarded_at",
        "now()",
        "days(3)",
        "trainee.email",
    ];
    let consts = vec!["1", "-2.50", "'text'", "'2025-01-31'", "none", "true", "[]", "{}", "'é😀'", "99999999999", "''"];
    let leaf = prop_oneof![
        prop::sample::select(names).prop_map(str::to_owned),
        prop::sample::select(consts).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let operators =
            vec!["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"];
        let filters: Vec<&'static str> = crate::template::builtin::FILTERS.iter().map(|known| known.name).collect();
        let tests: Vec<&'static str> = crate::template::builtin::TESTS.iter().map(|known| known.name).collect();
        let args = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (inner.clone(), prop::sample::select(operators), inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), prop::sample::select(filters.clone()), args.clone()).prop_map(|(a, name, args)| {
                if args.is_empty() { format!("({a}) | {name}") } else { format!("({a}) | {name}({})", args.join(", ")) }
            }),
            (inner.clone(), prop::sample::select(tests), args).prop_map(|(a, name, args)| if args.is_empty() {
                format!("({a}) is {name}")
            } else {
                format!("({a}) is {name}({})", args.join(", "))
            }),
            (
                inner.clone(),
                prop::sample::select(filters),
                prop::sample::select(vec!["map", "select", "sort", "reject"])
            )
                .prop_map(|(a, name, outer)| format!("({a}) | {outer}('{name}') | list")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) if ({b}) else ({c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[({b}):]")),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{'k': {a}, ('x' ~ ({b})): 1}}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_panics_or_takes_long(source in any_expression()) {
        let vars: Vars = [(Arc::from("x"), Tree::Scalar(text("{{ trainee.id + 1 }}")))].into_iter().collect();
        let scope = scope().with_vars(Arc::new(vars));
        prop_assert!(everything(&source, &scope) < ENOUGH);
        let inside = format!("a {{{{ {source} }}}} b");
        prop_assert!(everything(&inside, &scope) < ENOUGH);
    }

    #[test]
    fn no_text_at_all_panics(source in "([{}%#'\"|.()a-c1 \\-=\\[\\]:;$?*/~,!&]|é|\\{\\{|\\}\\}|\\{% (if|for|set|endif|endfor|else|elif) |%\\}| in | not |--|/\\*|\\*/|\\$a\\$| is ){0,40}") {
        everything(&source, &scope());
    }

    #[test]
    fn a_result_never_holds_an_unknown_as_something_else(source in any_expression()) {
        // With the unknown known to be 1 or 2 the answers differ, or the unknown played no part.
        let with = |id: Value| scope().with("answer", Value::map([("id", id)])).with("mixed", Value::list([Value::from(1)]));
        let Ok(expression) = Expression::from_text(&source) else { return Ok(()) };
        if let Ok(evaluated) = expression.evaluate(&with(Value::unknown())) && !evaluated.value.is_unknown() {
            for id in [Value::from(1), Value::from("a"), Value::NULL] {
                if let Ok(known) = expression.evaluate(&with(id)) {
                    prop_assert_eq!(evaluated.value.bare(), known.value.bare(), "{}", source);
                }
            }
        }
    }
}

#[test]
#[ignore = "prints times; run by hand"]
fn times() {
    let scope = wide_scope();
    for shape in shapes() {
        let took = everything(&shape, &scope);
        println!("{took:>12?} {}", shape.chars().take(70).collect::<String>());
    }
    for text in
        ["trainee.id > 3", "trainee.state == 'active' and trainee.id > 3", "trainee.state | upper ~ '-' ~ trainee.id"]
    {
        let (expression, started) = (Expression::from_text(text).unwrap(), Instant::now());
        for _ in 0..10_000 {
            expression.evaluate(&scope).unwrap();
        }
        println!("{:?} {text}", started.elapsed() / 10_000);
        let started = Instant::now();
        for _ in 0..1_000 {
            Expression::from_text(text).unwrap();
        }
        println!("{:?} compile {text}", started.elapsed() / 1_000);
    }
}
