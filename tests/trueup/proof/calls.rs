//! T10: an API that does everything wrong that an API can do. Every fault, every class of recovery, every method; then
//! random sequences of faults and kills. The API counts what it really did.

use super::{
    dice::Dice,
    figures::{self, Figures, size},
    history::{Blow, History},
    procedures::{Class, Effect, Procedure},
    stub::{Fault, SPOTS},
    world::{Kind, World},
};
use crate::servers::block_on;
use futures_util::stream::{self, StreamExt};

/// Who remembers: the first part of the path.
const CLASSES: [&str; 4] = ["keyed", "probed", "repeat", "once"];
const METHODS: [&str; 3] = ["post", "put", "patch"];
const FAULTS: [Fault; 21] = [
    Fault::HangBefore,
    Fault::HangAfter,
    Fault::ResetBefore,
    Fault::ResetMid,
    Fault::ResetAfter,
    Fault::DropReply,
    Fault::Late,
    Fault::Error500Before,
    Fault::Error500After,
    Fault::Error502,
    Fault::Error503,
    Fault::TooMany,
    Fault::TooManyDate,
    Fault::TooManyAbsurd,
    Fault::Accepted,
    Fault::Truncated,
    Fault::Garbled,
    Fault::Huge,
    Fault::Drip,
    Fault::WrongLength,
    Fault::Duplicate,
];
/// So many histories at a time: most of them wait.
const AT_ONCE: usize = 4;

/// What is done to one history.
#[derive(Clone, Debug, Default)]
struct Ill {
    faults: Vec<Fault>,
    /// So many reads are stale.
    stale: usize,
    blows: Vec<Blow>,
    /// The API speaks no TLS, and the project says that it does.
    tls: bool,
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// A call of this class and method, and a row after it.
fn procedure(class: &'static str, method: &'static str) -> Procedure {
    let api = if class == "keyed" { "keyed" } else { "plain" };
    let more = match class {
        "probed" => {
            "probe: { read: { http: { api: plain, get: /probed/card } }, done: self.body.count == 1, not_done: self.body.count == 0, settle: 10s }"
        }
        "repeat" => "repeatable: the same card",
        _ => "title: a call",
    };
    let lost = match class {
        "keyed" | "repeat" => {
            "  - { name: lost, status: 5xx, then: { retry: { attempts: 2, backoff: 1s..2s } } }\n  - { name: slow, kind: timeout, then: { retry: { attempts: 2, backoff: 1s..2s } } }\n"
        }
        _ => "",
    };
    let body = format!(
        "
preconditions:
  - id: thing
    find: {{ table: shop.things, where: {{ id: 1 }}, expect: one }}
steps:
  - id: call
    http: {{ api: {api}, {method}: /{class}/card, json: {{ thing: 1 }} }}
    irreversible: a card stays
    {more}
  - id: last
    row: {{ of: thing, set: {{ count: 7 }} }}
errors:
  - {{ name: busy, status: 429, then: {{ retry: {{ attempts: 2, backoff: 1s..2s }} }} }}
{lost}  - {{ otherwise: fail }}
"
    );
    let methods = if api == "plain" { "GET, POST, PUT, PATCH" } else { "POST, PUT, PATCH" };
    let methods = if class == "probed" { methods } else { methods.trim_start_matches("GET, ") };
    let uses = format!("\n  shop: {{ read: [things], write: [things, audits] }}\n  {api}: {{ methods: [{methods}] }}");
    let call = Effect {
        step: "steps/call",
        class: if class == "once" { Class::Once } else { Class::Exactly },
        traces: vec![leak(format!("{} /{class}/card", method.to_uppercase()))].leak(),
    };
    let last = Effect { step: "steps/last", class: Class::Exactly, traces: &["thing 1 7 -", "audit 1 1"] };
    Procedure {
        name: "a-call",
        uses: leak(uses),
        body: leak(body),
        effects: vec![call, last].leak(),
        question: None,
        ledger: false,
    }
}

/// One history in a world of its own.
async fn history(class: &'static str, method: &'static str, ill: Ill) -> Figures {
    let mut figures = Figures::new("T10", "");
    let procedure = procedure(class, method);
    let mut world = World::build(Kind::SQLITE).await;
    let point = world.point(&procedure).await;
    if ill.tls {
        let project = std::fs::read_to_string(point.folder.join("trueup.yaml")).unwrap();
        point.write("trueup.yaml", &project.replace("base: 'http:", "base: 'https:"));
        figures.faults += 1;
    }
    {
        let mut memory = world.stub.memory();
        memory.faults = ill.faults.iter().copied().collect();
        memory.stale = ill.stale;
    }
    let mut history = History::new(&mut world, &point, &procedure, ill.blows.clone());
    history.may_fail = true;
    let before = figures.findings();
    history.until_over(&mut figures).await;
    if figures.findings() > before {
        figures.wrong(format!("… that was {class} {method} with {ill:?}"));
    }
    figures.faults += world.stub.memory().happened;
    point.clear();
    world.clear().await;
    figures
}

async fn all(mut figures: Figures, histories: Vec<(&'static str, &'static str, Ill)>, at_least: usize) {
    let mut running = stream::iter(histories.into_iter().map(|(class, method, ill)| history(class, method, ill)))
        .buffer_unordered(AT_ONCE);
    while let Some(one) = running.next().await {
        figures.add(one);
    }
    figures.end(at_least);
}

/// Every fault with every method: 24 × 3 for each class.
async fn cells(class: &'static str) {
    let mut histories = Vec::new();
    for method in METHODS {
        // A request that somebody in between doubles is doubled, unless the API can tell.
        let sensible = |fault: &&Fault| **fault != Fault::Duplicate || matches!(class, "keyed" | "repeat");
        for fault in FAULTS.iter().filter(sensible) {
            histories.push((class, method, Ill { faults: vec![*fault], ..Ill::default() }));
        }
        histories.push((class, method, Ill { blows: vec![Blow::Refused], ..Ill::default() }));
        histories.push((class, method, Ill { tls: true, ..Ill::default() }));
        histories.push((class, method, Ill { faults: vec![Fault::DropReply], stale: 2, ..Ill::default() }));
    }
    let at_least = histories.len();
    all(Figures::new("T10", format!("every fault of an API, {class}")), histories, at_least).await;
}

#[test]
fn every_fault_of_an_api_that_knows_a_key() {
    block_on(cells("keyed"));
}

#[test]
fn every_fault_of_an_api_that_can_be_asked() {
    block_on(cells("probed"));
}

#[test]
fn every_fault_of_an_api_where_twice_is_once() {
    block_on(cells("repeat"));
}

#[test]
fn every_fault_of_an_api_that_remembers_nothing() {
    block_on(cells("once"));
}

#[test]
fn random_faults_and_kills_in_a_row() {
    let mut dice = Dice::new(figures::seed() ^ 10);
    let many = size(100, 1500);
    let mut histories = Vec::new();
    for _ in 0..many {
        let class = *dice.of(&CLASSES);
        let mut ill = Ill { stale: dice.below(3), ..Ill::default() };
        for _ in 0..1 + dice.below(4) {
            let fault = *dice.of(&FAULTS);
            if fault != Fault::Duplicate || matches!(class, "keyed" | "repeat") {
                ill.faults.push(fault);
            }
        }
        for _ in 0..dice.below(4) {
            ill.blows.push(match dice.below(4) {
                0 => Blow::None,
                1 => Blow::Refused,
                2 => Blow::Call(1, *dice.of(&SPOTS)),
                _ => Blow::Moment(1 + dice.below(25)),
            });
        }
        histories.push((class, *dice.of(&METHODS), ill));
    }
    block_on(all(Figures::new("T10", "random faults and kills in a row"), histories, many));
}
