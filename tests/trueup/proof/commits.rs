//! T5: the answer to COMMIT is lost, whether it got through or not: a wire is cut at COMMIT, hundreds of times, also so
//! that the server does not learn of it. The living process finds out; where it could not, the next one does.

use super::{
    figures::{self, Figures, size},
    history::History,
    procedures,
    proxy::Proxy,
    world::{Kind, Target, World},
};
use crate::servers::{self, block_on};

async fn cut_at_commit(kind: Kind, cuts: usize) {
    let mut figures = Figures::new("T5", format!("cut at COMMIT, {}", kind.words()));
    let server = if kind.target == Target::Mysql { servers::mysql() } else { servers::postgres() };
    let proxy = Proxy::before(server.reveal(), figures::seed() ^ 5).await;
    let mut world = World::build(kind).await;
    world.through = Some(proxy.port);
    let procedure = procedures::many_commits(8);
    let mut seen = [0; 3];
    while figures.faults < cuts {
        let point = world.point(&procedure).await;
        proxy.plan().percent = [30, 25, 5];
        let mut history = History::new(&mut world, &point, &procedure, Vec::new());
        history.until_over(&mut figures).await;
        {
            let mut plan = proxy.plan();
            plan.percent = [0; 3];
            seen = plan.cuts;
        }
        figures.faults = seen.iter().sum();
        point.clear();
        if figures.findings() > 20 {
            break;
        }
    }
    if seen.contains(&0) {
        figures.wrong(format!("a kind of cut never happened: {seen:?} before, after, half open"));
    }
    world.clear().await;
    figures.end(cuts);
}

#[test]
fn a_lost_answer_to_commit_is_found_out_by_the_row_images() {
    block_on(cut_at_commit(Kind::POSTGRES, size(60, 300)));
}

#[test]
fn a_lost_answer_to_commit_is_found_out_by_the_ledger() {
    block_on(cut_at_commit(Kind::POSTGRES_LEDGER, size(60, 300)));
}

#[test]
fn a_lost_answer_to_commit_of_mariadb_is_found_out_by_the_row_images() {
    block_on(cut_at_commit(Kind::MYSQL, size(12, 300)));
}

#[test]
fn a_lost_answer_to_commit_of_mariadb_is_found_out_by_the_ledger() {
    block_on(cut_at_commit(Kind::MYSQL_LEDGER, size(12, 300)));
}
