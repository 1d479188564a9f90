//! T7: two processes at one run. Several take up the same run at the same moment; one that slept past its lease wakes while
//! another has finished its work.

use super::{
    dice::Dice,
    figures::{self, Figures, size},
    history::{Blow, History},
    judge,
    procedures::{self, Procedure},
    process::{self, Came},
    world::{Kind, Point, World},
};
use crate::servers::block_on;
use std::time::Duration;
use tokio::process::Child;
use trueup::journal::words::End;

fn named(name: &str) -> &'static Procedure {
    procedures::ALL.iter().find(|procedure| procedure.name == name).unwrap()
}

/// A run is killed somewhere; then so many go on with it at the same time. Nobody may be in another one's way, and what
/// nobody finished the next one finishes.
async fn several_at_once(kind: Kind, rounds: usize) {
    let mut figures = Figures::new("T7", format!("four go on with one run at once, {}", kind.words()));
    let mut world = World::build(kind).await;
    let mut dice = Dice::new(figures::seed() ^ 7);
    let names = ["row-with-audit", "block-as-one", "call-with-key", "rows"];
    for _ in 0..rounds {
        let procedure = named(names[dice.below(names.len())]);
        let point = world.point(procedure).await;
        let apply = ["apply", procedure.name, "--yes", "--reason", "a proof", "--actor", "anna"];
        let at = (8 + dice.below(30)).to_string();
        process::wait(point.program(&apply, &[("TRUEUP_CRASH_AT", at.clone())]).spawn().unwrap()).await.unwrap();
        if let Some((run, state)) = point.state().await.filter(|(_, state)| state.closed.is_none()) {
            drop(state);
            let run = run.to_string();
            let go_on = || process::wait(point.program(&["resume", &run, "--actor", "ben"], &[]).spawn().unwrap());
            let (a, b, c, d) = tokio::join!(go_on(), go_on(), go_on(), go_on());
            for came in [a, b, c, d] {
                match came {
                    // 2: somebody else has it, or it is over.
                    Ok(came) if matches!(came.exit, Some(0 | 1 | 2 | 6)) => {
                        figures.faults += usize::from(came.exit != Some(0))
                    }
                    Ok(came) => figures.wrong(format!("{} killed at {at}: {}", procedure.name, came.said())),
                    Err(hang) => figures.wrong(hang),
                }
            }
        }
        let mut history = History::new(&mut world, &point, procedure, Vec::new());
        history.until_over(&mut figures).await;
        point.clear();
    }
    world.clear().await;
    figures.end(rounds);
}

#[test]
fn of_several_that_go_on_at_once_one_does_on_sqlite() {
    block_on(several_at_once(Kind::SQLITE, size(12, 150)));
}

#[test]
fn of_several_that_go_on_at_once_one_does_on_postgres() {
    block_on(several_at_once(Kind::POSTGRES, size(8, 150)));
}

#[test]
fn of_several_that_go_on_at_once_one_does_on_mariadb() {
    block_on(several_at_once(Kind::MYSQL, size(2, 150)));
}

#[test]
fn of_several_that_go_on_at_once_one_does_on_mariadb_with_a_ledger() {
    block_on(several_at_once(Kind::MYSQL_LEDGER, size(2, 150)));
}

/// A plan is saved; so many begin it at the same time.
async fn one_plan(kind: Kind, rounds: usize) {
    let mut figures = Figures::new("T7", format!("eight begin one saved plan at once, {}", kind.words()));
    let mut world = World::build(kind).await;
    let procedure = named("row-with-audit");
    for round in 0..rounds {
        figures.points += 1;
        let point = world.point(procedure).await;
        let plan = ["plan", procedure.name, "--reason", "a proof", "--actor", "anna", "--out", "the.plan"];
        let made = point.run(&plan).await;
        let begin = || point.run(&["apply", "the.plan", "--yes", "--actor", "ben"]);
        let (a, b, c, d, e, f, g, h) =
            tokio::join!(begin(), begin(), begin(), begin(), begin(), begin(), begin(), begin());
        let mut won = 0;
        for came in [a, b, c, d, e, f, g, h] {
            match came {
                Ok(came) if came.exit == Some(0) => won += 1,
                // 2: the plan is used; 5: the rows are no longer as planned, because the first one has changed them.
                Ok(came) if matches!(came.exit, Some(2 | 5)) => figures.faults += 1,
                Ok(came) => figures.wrong(format!("round {round}: {:?} {}", came.exit, came.said())),
                Err(hang) => figures.wrong(hang),
            }
        }
        if won != 1 {
            figures.wrong(format!("round {round}: {won} of eight carried the plan out: {:?}", made.map(|m| m.said())));
        }
        let traces = world.traces(&point).await;
        let state = point.state().await.map(|(_, state)| state);
        judge::always(procedure, &traces, state.as_ref(), "eight at once", &mut figures);
        judge::whole(procedure, &traces, "eight at once", &mut figures);
        point.clear();
    }
    world.clear().await;
    figures.end(rounds * 7);
}

#[test]
fn of_eight_that_begin_one_plan_one_carries_it_out_on_sqlite() {
    block_on(one_plan(Kind::SQLITE, size(8, 150)));
}

#[test]
fn of_eight_that_begin_one_plan_one_carries_it_out_on_postgres() {
    block_on(one_plan(Kind::POSTGRES.for_a_team(), size(5, 150)));
}

#[test]
fn of_eight_that_begin_one_plan_one_carries_it_out_on_mariadb() {
    block_on(one_plan(Kind::MYSQL, size(2, 150)));
}

/// Waits until a process stands still, or has ended.
pub async fn stands_still(child: &mut Child) -> bool {
    let path = format!("/proc/{}/stat", child.id().unwrap_or(0));
    let since = std::time::Instant::now();
    while since.elapsed() < process::DEADLINE {
        let state = std::fs::read_to_string(&path).unwrap_or_default();
        let state = state.rsplit(')').next().unwrap_or_default().trim().chars().next();
        if state == Some('T') {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    false
}

/// Goes on with the run as soon as it may be taken.
async fn take_over(point: &Point, run: &str) -> Result<Came, String> {
    let since = std::time::Instant::now();
    loop {
        let came = point.run(&["resume", run, "--actor", "ben"]).await?;
        let refused = came.exit != Some(0) && came.exit != Some(6);
        if !refused || since.elapsed() > process::DEADLINE {
            return Ok(came);
        }
        // The sleeper holds the row's lock for longer than one waits: then the run is over, as failed.
        if point.state().await.is_none_or(|(_, state)| state.closed.is_some()) {
            return Ok(came);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A holder stands still at its nth moment until its lease is over and another has gone on; then it wakes.
async fn asleep(kind: Kind, names: &[&str], stride: usize) {
    let mut changed = 0;
    let mut figures =
        Figures::new("T7", format!("a holder sleeps past its lease, {}, {}", kind.words(), names.join(" ")));
    let mut world = World::build(kind).await;
    for name in names {
        let procedure = named(name);
        let point = world.point(procedure).await;
        let mut history = History::new(&mut world, &point, procedure, Vec::new());
        history.until_over(&mut figures).await;
        let moments = history.moments[0].len();
        point.clear();
        // Before the sixth the run is not claimed yet.
        for n in (6..moments).step_by(stride) {
            let point = world.point(procedure).await;
            let apply = ["apply", procedure.name, "--yes", "--reason", "a proof", "--actor", "anna"];
            let mut holder = point.program(&apply, &[("TRUEUP_STOP_AT", n.to_string())]).spawn().unwrap();
            let pid = holder.id().unwrap_or(0);
            let still = stands_still(&mut holder).await;
            let run = point.state().await.map(|(run, _)| run.to_string());
            let at = format!("{name} on {}, asleep at moment {n}", kind.words());
            if let (true, Some(run)) = (still, &run) {
                figures.faults += 1;
                if let Err(hang) = take_over(&point, run).await {
                    figures.wrong(format!("{at}: {hang}"));
                }
            }
            process::go_on(pid);
            match process::wait(holder).await {
                Ok(came) if came.killed() => figures.wrong(format!("{at}: it died: {}", came.said())),
                Ok(_) => {}
                Err(hang) => figures.wrong(format!("{at}: {hang}")),
            }
            let traces = world.traces(&point).await;
            let state = point.state().await.map(|(_, state)| state);
            judge::always(procedure, &traces, state.as_ref(), &at, &mut figures);
            // The sleeper may have held the row's lock for longer than the other one waits: then the run failed, and says so.
            let mut history = History::new(&mut world, &point, procedure, vec![Blow::None]);
            history.may_fail = true;
            if history.until_over(&mut figures).await == Some(End::Changed) {
                changed += 1;
            }
            point.clear();
        }
    }
    if changed == 0 {
        figures.wrong("no run came to its end".into());
    }
    world.clear().await;
    figures.end(1);
}

// On SQLite and MariaDB one test a playbook: they wait for leases, and may do that at the same time.
#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_on_sqlite() {
    block_on(asleep(Kind::SQLITE, &["row-with-audit"], size(13, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_calls_nobody_again_on_sqlite() {
    block_on(asleep(Kind::SQLITE, &["call-with-key"], size(13, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_on_postgres() {
    block_on(asleep(Kind::POSTGRES, &["row-with-audit", "block-as-one"], size(17, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_with_a_ledger() {
    block_on(asleep(Kind::POSTGRES_LEDGER, &["sql-with-ledger"], size(17, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_on_mariadb() {
    block_on(asleep(Kind::MYSQL, &["row-with-audit"], size(29, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_of_a_block_on_mariadb() {
    block_on(asleep(Kind::MYSQL, &["block-as-one"], size(29, 1)));
}

#[test]
fn a_holder_that_slept_past_its_lease_changes_nothing_on_mariadb_with_a_ledger() {
    block_on(asleep(Kind::MYSQL_LEDGER, &["sql-with-ledger"], size(61, 1)));
}
