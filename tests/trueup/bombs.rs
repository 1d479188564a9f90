//! T12: YAML bombs. Each is refused, quickly, by the limits of the parser; what is too large is refused before it is read.

use super::shipped;
use std::time::{Duration, Instant};
use trueup::{
    base::{
        diagnostic::{MOST, Severity},
        source::Source,
    },
    check::{self, Knowledge},
};

/// A debug build on a busy machine is an order of magnitude slower than the promise of 250 ms.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2500 } else { 250 });

fn laughs(levels: usize) -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..levels {
        let before = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    text
}

/// Name and text of each shape, about `size` bytes large where the shape can grow.
fn shapes(size: usize) -> Vec<(&'static str, String)> {
    let times = |piece: &str| piece.repeat((size / piece.len()).max(1));
    let numbered = |form: &dyn Fn(usize) -> String| (0..size / 12).map(form).collect::<String>();
    vec![
        ("billion laughs", laughs(9)),
        ("more laughs than levels", laughs(60)),
        ("quadratic aliases", format!("a: &a {}\nb: [{}]\n", "x".repeat(size / 2), "*a, ".repeat(size / 8))),
        ("an alias of itself", "a: &a [*a]\n".into()),
        ("deep lists", times("[")),
        ("deep maps", times("{a: ")),
        ("deep blocks", (0..size.min(4000) / 4).map(|n| format!("{}a:\n", " ".repeat(n % 400))).collect()),
        ("dashes", times("- ")),
        ("many keys", numbered(&|n| format!("k{n}: 1\n"))),
        ("many list entries", format!("steps:\n{}", times("- a\n"))),
        ("one large text", format!("trueup: v1\ntitle: {}\n", times("x"))),
        ("one large block of text", format!("trueup: v1\ndescription: |\n{}", times("  xxxxxxxxxxxxxxxxx\n"))),
        ("merge keys", format!("a: &a {{x: 1}}\n{}", numbered(&|n| format!("b{n}: {{<<: *a}}\n")))),
        ("a storm of documents", times("---\na\n")),
        ("tags", format!("a: !!python/object/apply:os.system [ls]\n{}", times("- !!int 1\n"))),
        ("duplicate keys", times("a: 1\n")),
        ("many anchors", numbered(&|n| format!("- &a{n} x\n"))),
        ("odd numbers", times("- [.inf, .nan, 0o777, yes, 1e999999, 0x7fffffffffffffffffff, 99999999999999999999]\n")),
        ("question marks", times("? ")),
        ("quotes without an end", format!("a: \"{}", times("\\u0041"))),
        ("comments", format!("{}\na: 1", times("# x\n"))),
        ("expressions", format!("trueup: v1\ntitle: \"{}\"\n", times("{{ a }}"))),
    ]
}

#[test]
fn every_bomb_is_refused_in_time_whatever_its_size() {
    let project = shipped::sandbox();
    let mut slow = Vec::new();
    for size in [1024, 16 * 1024, 255 * 1024, 1024 * 1024] {
        for (name, text) in shapes(size) {
            let started = Instant::now();
            let (checked, problems) =
                check::read_and_check(Source::new("bomb.yaml", text), project.clone(), &Knowledge::default());
            let took = started.elapsed();
            assert!(checked.is_none() && problems.errors() > 0, "{name} at {size} bytes passed");
            let first = problems.sorted().into_iter().find(|p| p.severity == Severity::Error).unwrap();
            assert!(!first.message.is_empty());
            assert!(problems.errors() <= MOST, "{name} at {size} bytes: {} problems", problems.errors());
            if took > LIMIT {
                slow.push(format!("{name} at {size} bytes took {took:?} ({} problems)", problems.errors()));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
