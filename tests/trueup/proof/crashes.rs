//! T1: the program is killed at every boundary of its protocol, by itself at a moment and by the API in the middle of a
//! call, and a new process goes on. T2: the same at random times.

use super::{
    dice::Dice,
    figures::{self, Figures, size},
    history::{Blow, History},
    procedures::{self, Procedure},
    stub::SPOTS,
    world::{Kind, World},
};
use crate::servers::block_on;
use std::{collections::BTreeSet, time::Duration};
use trueup::journal::words::End;

/// The playbooks that can run on databases of this kind; one of them, where `TRUEUP_PROOF_ONLY` names it.
fn fitting(kind: Kind) -> impl Iterator<Item = &'static Procedure> {
    let only = std::env::var("TRUEUP_PROOF_ONLY").ok();
    let wanted = move |name: &str| only.as_ref().is_none_or(|only| only == name);
    procedures::ALL.iter().filter(move |procedure| (!procedure.ledger || kind.ledger) && wanted(procedure.name))
}

/// Runs one history in a fresh world; the moments that its processes reached.
async fn history(
    world: &mut World,
    procedure: &Procedure,
    blows: Vec<Blow>,
    figures: &mut Figures,
) -> Vec<Vec<String>> {
    let point = world.point(procedure).await;
    let mut history = History::new(world, &point, procedure, blows);
    history.until_over(figures).await;
    let moments = history.moments;
    point.clear();
    moments
}

/// The moments of each process of an undisturbed run.
async fn undisturbed(world: &mut World, procedure: &Procedure, figures: &mut Figures) -> Vec<Vec<String>> {
    let point = world.point(procedure).await;
    let mut history = History::new(world, &point, procedure, Vec::new());
    let end = history.until_over(figures).await;
    if end != Some(End::Changed) {
        figures.wrong(format!("{}: nothing was done to it, and it did not end well", history.tell()));
    }
    let moments = history.moments;
    point.clear();
    moments
}

/// Every boundary of every playbook; every `stride`th of them where a proof has to be quick.
async fn at_every_boundary(kind: Kind, stride: usize) {
    let mut figures = Figures::new("T1", format!("killed at every boundary, {}", kind.words()));
    let mut world = World::build(kind).await;
    let mut names = BTreeSet::new();
    for procedure in fitting(kind) {
        let mut blows = Vec::new();
        for (process, moments) in undisturbed(&mut world, procedure, &mut figures).await.iter().enumerate() {
            names.extend(moments.iter().cloned());
            blows.extend((1..=moments.len()).map(|n| (process, Blow::Moment(n))));
        }
        if procedure.effects.iter().any(|effect| effect.step.contains("call")) {
            let process = usize::from(procedure.question.is_some());
            blows.extend(SPOTS.map(|spot| (process, Blow::Call(1, spot))));
        }
        for (process, blow) in blows.into_iter().step_by(stride) {
            let mut all = vec![Blow::None; process];
            all.push(blow);
            history(&mut world, procedure, all, &mut figures).await;
        }
    }
    if names.len() < 7 {
        figures.wrong(format!("the program has only these boundaries: {names:?}"));
    }
    world.clear().await;
    let at_least = figures.points / 2;
    figures.end(at_least);
}

#[test]
fn killed_at_every_boundary_on_sqlite() {
    block_on(at_every_boundary(Kind::SQLITE, size(2, 1)));
}

#[test]
fn killed_at_every_boundary_on_postgres() {
    block_on(at_every_boundary(Kind::POSTGRES, size(7, 1)));
}

#[test]
fn killed_at_every_boundary_on_sqlite_with_a_journal_for_a_team() {
    block_on(at_every_boundary(Kind::SQLITE.for_a_team(), size(11, 1)));
}

#[test]
fn killed_at_every_boundary_on_postgres_with_a_ledger_and_a_journal_for_a_team() {
    block_on(at_every_boundary(Kind::POSTGRES_LEDGER.for_a_team(), size(17, 1)));
}

#[test]
fn killed_at_every_boundary_on_sqlite_with_a_ledger() {
    block_on(at_every_boundary(Kind::SQLITE_LEDGER, size(5, 1)));
}

#[test]
fn killed_at_every_boundary_on_postgres_with_a_ledger() {
    block_on(at_every_boundary(Kind::POSTGRES_LEDGER, size(9, 1)));
}

#[test]
fn killed_at_every_boundary_on_mariadb() {
    block_on(at_every_boundary(Kind::MYSQL, size(61, 1)));
}

#[test]
fn killed_at_every_boundary_on_mariadb_with_a_ledger() {
    block_on(at_every_boundary(Kind::MYSQL_LEDGER, size(67, 1)));
}

/// Killed again while another process repairs what the first one left.
async fn again_and_again(kind: Kind, rounds: usize) {
    let mut figures = Figures::new("T1", format!("killed two and three times, {}", kind.words()));
    let mut world = World::build(kind).await;
    let mut dice = Dice::new(figures::seed());
    let all: Vec<&Procedure> = fitting(kind).collect();
    for _ in 0..rounds {
        let procedure = *dice.of(&all);
        let first = Blow::Moment(4 + dice.below(50));
        let mut blows = vec![first, Blow::Moment(1 + dice.below(20))];
        if dice.percent(50) {
            blows.push(Blow::Moment(1 + dice.below(20)));
        }
        history(&mut world, procedure, blows, &mut figures).await;
    }
    world.clear().await;
    figures.end(rounds);
}

#[test]
fn killed_two_and_three_times_on_sqlite() {
    block_on(again_and_again(Kind::SQLITE, size(60, 1000)));
}

#[test]
fn killed_two_and_three_times_on_postgres() {
    block_on(again_and_again(Kind::POSTGRES, size(30, 1000)));
}

#[test]
fn killed_two_and_three_times_on_mariadb() {
    block_on(again_and_again(Kind::MYSQL, size(6, 1000)));
}

/// T2: at a random time, wherever the process is.
async fn at_random_times(kind: Kind, kills: usize) {
    let mut figures = Figures::new("T2", format!("killed at random times, {}", kind.words()));
    let mut world = World::build(kind).await;
    let mut dice = Dice::new(figures::seed() ^ 2);
    let all: Vec<&Procedure> = fitting(kind).collect();
    // A process that ended before its time was not killed: another history stands in for it, within bounds.
    for _ in 0..kills * 4 {
        if figures.faults >= kills {
            break;
        }
        let after = Duration::from_millis(8 + dice.below(90) as u64);
        let procedure = all[dice.below(all.len())];
        history(&mut world, procedure, vec![Blow::After(after), Blow::After(after)], &mut figures).await;
    }
    world.clear().await;
    figures.end(kills);
}

#[test]
fn killed_at_random_times_on_sqlite() {
    block_on(at_random_times(Kind::SQLITE, size(60, 250)));
}

#[test]
fn killed_at_random_times_on_postgres() {
    block_on(at_random_times(Kind::POSTGRES, size(60, 250)));
}

#[test]
fn killed_at_random_times_on_mariadb() {
    block_on(at_random_times(Kind::MYSQL, size(10, 250)));
}
