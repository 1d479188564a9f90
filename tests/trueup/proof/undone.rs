//! T26: a run is taken back, and whoever takes it back is killed at every boundary of the protocol and in the middle of the call
//! that takes a call back. Whoever goes on leaves what an undo leaves that nobody disturbed: each row put back once, each call sent
//! once, the rows as they were.

use super::{
    dice::Dice,
    figures::{self, Figures, full, size},
    procedures::Procedure,
    process::{self, Came},
    stub::{SPOTS, Spot},
    world::{Kind, Point, World},
};
use crate::servers::block_on;
use std::collections::BTreeMap;
use trueup::journal::words::End;

/// Changes, makes and removes rows, and calls an API that knows the same bytes again; each has its way back.
const PROCEDURE: Procedure = Procedure {
    name: "taken-back",
    uses: "
  shop: { read: [things, prices, parts], write: [things, prices, parts, audits] }
  plain: { methods: [POST, DELETE] }",
    body: "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - id: first
    row: { of: thing, set: { count: 7 } }
  - id: made
    row: { table: shop.prices, key: { code: A, year: 2025 }, set: { amount: \"9.90\" }, create: {} }
  - id: removed
    row: { table: shop.parts, key: { id: 5 }, ensure: absent }
  - id: call
    http: { api: plain, post: /repeat/card, json: { thing: 1 } }
    repeatable: the same card
    undo: { http: { api: plain, delete: /repeat/card }, repeatable: the same card is gone once }
  - id: last
    row: { of: thing, set: { note: seen } }
",
    effects: &[],
    question: None,
    ledger: false,
};

/// What is left of a world, however it came about.
type Traces = BTreeMap<String, usize>;

/// Where whoever takes back is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    /// Nowhere.
    Never,
    /// At the nth moment, from 1.
    Moment(usize),
    /// In the call that takes the call back.
    Call(Spot),
}

async fn start(world: &World, point: &Point, words: &[&str], kill: Kill) -> Result<Came, String> {
    let mut more = vec![("TRUEUP_MOMENTS", point.folder.join("moments").display().to_string())];
    match kill {
        Kill::Never => {}
        Kill::Moment(n) => more.push(("TRUEUP_CRASH_AT", n.to_string())),
        Kill::Call(spot) => world.stub.memory().strike_at(1, spot),
    }
    let child = point.program(words, &more).spawn().map_err(|e| e.to_string())?;
    world.stub.memory().client = child.id();
    process::wait(child).await
}

/// Does it, takes it back with this kill (and kills the next process at `then`), and goes on to the end. What is left, and how many moments the
/// process that took back has reached.
async fn history(
    world: &mut World,
    kill: Kill,
    then: Option<usize>,
    figures: &mut Figures,
) -> Result<(Traces, usize), String> {
    figures.points += 1;
    let point = world.point(&PROCEDURE).await;
    let done = point.run(&["apply", PROCEDURE.name, "--yes", "--reason", "a proof", "--actor", "anna"]).await?;
    let Some((run, _)) = point.state().await.filter(|_| done.exit == Some(0)) else {
        return Err(format!("it could not be done: {}", done.said()));
    };
    let run = run.to_string();
    let undo = ["undo", &run, "--yes", "--actor", "anna"];
    let mut came = start(world, &point, &undo, kill).await?;
    let names = std::fs::read_to_string(point.folder.join("moments")).unwrap_or_default();
    let moments = names.lines().count();
    let mut then = then;
    for _ in 0..8 {
        figures.faults += usize::from(came.killed());
        let newest =
            point.state().await.filter(|(_, state)| state.created.as_ref().is_some_and(|c| &*c.purpose == "undo"));
        let next = then.take().map_or(Kill::Never, Kill::Moment);
        match newest {
            None => came = start(world, &point, &undo, next).await?,
            Some((id, state)) => match &state.closed {
                None => came = start(world, &point, &["resume", &id.to_string(), "--actor", "ben"], next).await?,
                Some(closed) if closed.end == End::Changed => {
                    let twice = point.run(&undo).await?;
                    if twice.exit != Some(2) || !twice.said().contains("was taken back already") {
                        return Err(format!("it was taken back twice: {}", twice.said()));
                    }
                    let traces = world.traces(&point).await;
                    point.clear();
                    return Ok((traces, moments));
                }
                Some(closed) => return Err(format!("it ended {}: {}", closed.end.word(), came.said())),
            },
        }
    }
    Err(format!("it does not come to an end: {}", came.said()))
}

async fn at_every_boundary(kind: Kind, stride: usize) {
    let mut figures = Figures::new("T26", format!("an undo is killed at every boundary, {}", kind.words()));
    let (mut world, mut dice) = (World::build(kind).await, Dice::new(figures::seed() ^ 26));
    let (quiet, moments) = history(&mut world, Kill::Never, None, &mut figures).await.unwrap();
    // Each row was changed and changed back, with its audit rows; the call was made and taken back.
    assert!(quiet.len() > 6, "{quiet:?}");
    assert_eq!((quiet.get("POST /repeat/card"), quiet.get("DELETE /repeat/card")), (Some(&1), Some(&1)), "{quiet:?}");
    let mut kills: Vec<Kill> = (1..=moments).map(Kill::Moment).collect();
    kills.extend(SPOTS.map(Kill::Call));
    for kill in kills.into_iter().step_by(stride) {
        let then = (full() && dice.percent(50)).then(|| 1 + dice.below(20));
        match history(&mut world, kill, then, &mut figures).await {
            Ok((traces, _)) if traces == quiet => {}
            Ok((traces, _)) => {
                let more = traces.iter().filter(|(what, times)| quiet.get(*what).is_none_or(|known| known < times));
                figures.duplicates += more.count();
                figures.wrong(format!("{kill:?}, {then:?}: left {traces:?}\ninstead of {quiet:?}"));
            }
            Err(what) => figures.wrong(format!("{kill:?}, {then:?}: {what}")),
        }
    }
    world.clear().await;
    let at_least = figures.points / 2;
    figures.end(at_least);
}

#[test]
fn an_undo_is_killed_at_every_boundary_on_sqlite() {
    block_on(at_every_boundary(Kind::SQLITE, size(9, 1)));
}

#[test]
fn an_undo_is_killed_at_every_boundary_on_postgres() {
    block_on(at_every_boundary(Kind::POSTGRES, size(17, 1)));
}

#[test]
fn an_undo_is_killed_at_every_boundary_on_postgres_with_a_ledger_and_a_journal_for_a_team() {
    block_on(at_every_boundary(Kind::POSTGRES_LEDGER.for_a_team(), size(37, 1)));
}

#[test]
fn an_undo_is_killed_at_every_boundary_on_mariadb() {
    block_on(at_every_boundary(Kind::MYSQL, size(37, 1)));
}
