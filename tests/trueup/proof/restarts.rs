//! T4: the server is stopped as by a power cut and started again while a run is at work, and sessions are
//! ended by an administrator.

use super::{
    dice::Dice,
    figures::{self, Figures, size},
    history::{Blow, History},
    mariadb::MariaDb,
    procedures,
    server::Server,
    world::{Kind, Own, World},
};
use crate::servers::block_on;
use std::time::Duration;
use trueup::trial::bench::On;

/// Histories until so many blows have really fallen on somebody.
async fn struck(mut figures: Figures, mut world: World, blow: impl Fn(Duration) -> Blow, blows: usize) {
    let procedure = procedures::many_commits(10);
    let mut dice = Dice::new(figures::seed() ^ 4);
    for _ in 0..blows * 3 {
        if figures.faults >= blows {
            break;
        }
        let point = world.point(&procedure).await;
        let mut next = || blow(Duration::from_millis(40 + dice.below(160) as u64));
        let all = vec![next(), next()];
        let mut history = History::new(&mut world, &point, &procedure, all);
        // A statement whose session is gone was not committed: the run fails, and says so.
        history.may_fail = true;
        history.until_over(&mut figures).await;
        point.clear();
    }
    world.clear().await;
    figures.end(blows);
}

#[test]
fn the_server_is_stopped_and_started_while_a_run_is_at_work() {
    block_on(async {
        let server = Server::start().await;
        let mut world = World::build_on(Kind::POSTGRES, On::Postgres(server.url.clone())).await;
        world.server = Some(Own::Postgres(server));
        let figures = Figures::new("T4", "the server is stopped at once and started");
        struck(figures, world, Blow::Restart, size(8, 40)).await;
    });
}

#[test]
fn an_administrator_ends_the_sessions_of_a_run() {
    block_on(async {
        let figures = Figures::new("T4", "sessions are terminated");
        struck(figures, World::build(Kind::POSTGRES).await, Blow::Terminate, size(25, 100)).await;
    });
}

#[test]
fn the_mariadb_server_is_killed_and_started_while_a_run_is_at_work() {
    block_on(async {
        let server = MariaDb::start().await;
        let mut world = World::build_on(Kind::MYSQL, On::Mysql(server.url.clone())).await;
        world.server = Some(Own::Mysql(server));
        let figures = Figures::new("T4", "the server is killed and started, MariaDB");
        struck(figures, world, Blow::Restart, size(2, 40)).await;
    });
}

#[test]
fn an_administrator_of_mariadb_kills_the_sessions_of_a_run() {
    block_on(async {
        let figures = Figures::new("T4", "sessions are killed, MariaDB");
        struck(figures, World::build(Kind::MYSQL).await, Blow::Terminate, size(6, 100)).await;
    });
}
