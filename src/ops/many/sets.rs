//! Many items tried out together: a chunk of them shares one transaction that is rolled back. Each goes through the same preview as it would
//! on its own; where it cannot be told whose doing something is, it begins anew, in a smaller set or alone.

use super::plan::{Crowd, Kept, Own, empty, failing};
use crate::{
    base::value::Value,
    connection::{
        database::Database,
        fault::FaultKind,
        set::{Known, Purpose},
    },
    engine::{
        rehearse::{self, Answers, PlanFailure},
        sets::{
            chunk::{Chunk, Went},
            coupled, fit,
            near::Near,
            size::Size,
        },
        setting::Setting,
        trouble::Trouble,
        watch::{Standing as Far, Tick},
    },
    ops::Failure,
    plan::ItemPlan,
    report::exit::Exit,
    template::Dialect,
};
use futures_util::{Stream, StreamExt};
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};
use tokio::task::JoinSet;

/// How items are tried out together.
pub(super) struct Sets {
    database: Database,
    known: Known,
    size: Size,
    /// How many sets at the same time.
    pub at_once: usize,
}

/// More than two sets at the same time only wait for each other.
const AT_ONCE: usize = 2;

/// Whether the items of this playbook can be tried out together, and how.
pub(super) fn rehearsal(run: &Setting) -> Option<Sets> {
    let database = run.database(&fit::rehearsal(run)?)?.clone();
    if coupled::are_coupled(run) {
        return None;
    }
    Some(Sets { database, known: Known::default(), size: Size::default(), at_once: AT_ONCE })
}

/// The same of ways back: rows are put back by their keys, so none sees what another one would do.
pub(super) fn rehearsal_back(run: &Setting) -> Option<Sets> {
    let fit::Way::InSets { connection, .. } = fit::way_back(run) else { return None };
    let database = run.database(&connection)?.clone();
    Some(Sets { database, known: Known::default(), size: Size::default(), at_once: AT_ONCE })
}

type Planned = (usize, Result<ItemPlan, Failure>);
type Together = (Vec<Planned>, Went);

impl Crowd<'_> {
    /// All of them in sets, kept in their order. Gives the number of the next one where the rest has to go one by one, and the one that was read
    /// and not tried out, if there is one.
    pub(super) async fn in_sets(
        &self,
        mut sets: Sets,
        settings: &mut (impl Stream<Item = (usize, Result<Own, Failure>)> + Unpin),
        count: u64,
        kept: &mut Kept<'_>,
    ) -> Result<Option<(usize, Option<(usize, Own)>)>, Failure> {
        let mut under_way: JoinSet<Together> = JoinSet::new();
        let mut ready: BTreeMap<usize, ItemPlan> = BTreeMap::new();
        let (mut next, mut over, mut apart) = (0, false, false);
        let accents = sets.database.dialect() == Dialect::Mysql;
        // It may be the same, for a database, as one of the set before it, and would see there what that one does.
        let mut held = None;
        loop {
            while !over && !apart && under_way.len() < sets.at_once && ready.is_empty() {
                let (mut items, most) = (Vec::new(), sets.size.most());
                let mut near = Near::new(accents);
                while items.len() < most {
                    let next: Option<(usize, Own)> = match held.take() {
                        Some(next) => Some(next),
                        None => match settings.next().await {
                            Some((number, own)) => Some((number, own?)),
                            None => None,
                        },
                    };
                    let Some(next) = next else {
                        over = true;
                        break;
                    };
                    if !near.takes(&next.1.0.about.key) {
                        held = Some(next);
                        break;
                    }
                    items.push(next);
                }
                if !items.is_empty() {
                    let (database, known) = (sets.database.clone(), sets.known.clone());
                    under_way.spawn(together(database, known, self.answers.clone(), self.of, items));
                }
            }
            let Some(done) = under_way.join_next().await else {
                return Ok((!over).then_some((next, held)));
            };
            let (planned, went) =
                done.map_err(|e| Failure::refused(Exit::Failed, format!("a set of items broke off: {e}")))?;
            sets.size = sets.size.after(went.divided);
            apart |= went.stirs;
            for (number, item) in planned {
                ready.insert(number, item?);
            }
            while let Some(item) = ready.remove(&next) {
                kept.add(item)?;
                next += 1;
                (self.watch)(Tick::Items(Box::new(Far { over: next as u64, of: count, ..Far::default() })));
            }
        }
    }
}

async fn together(
    database: Database,
    known: Known,
    answers: Arc<Answers>,
    of: &'static str,
    own: Vec<(usize, Own)>,
) -> Together {
    let chunk = Chunk::new(&database, own.len(), Purpose::Rehearse, &known);
    let mut items: Vec<Pin<Box<dyn Future<Output = Planned> + Send>>> = Vec::new();
    for (seat, (number, (setting, lane))) in own.into_iter().enumerate() {
        let (setting, answers) = (chunk.seated(seat, setting), answers.clone());
        items.push(Box::pin(async move {
            let planned = match of_one(&setting, &answers).await {
                Ok(mut plan) => Ok(plan.items.pop().unwrap_or_else(|| empty(setting.about.key.clone()))),
                Err(failure) => failing(*failure, &setting, of),
            };
            let whole = |planned: ItemPlan| ItemPlan { lane, item: planned.item.or(Some(Value::NULL)), ..planned };
            (number, planned.map(whole))
        }));
    }
    let mut planned = Vec::with_capacity(items.len());
    let went = chunk.drive(items, None, |one| planned.push(one)).await;
    (planned, went)
}

/// Tries one out, from its beginning again when the set that it was in was divided.
async fn of_one(setting: &Setting, answers: &Answers) -> Result<crate::plan::Plan, Box<PlanFailure>> {
    loop {
        match rehearse::plan(setting, answers, &|_| {}).await {
            Err(failure) if is_divided(&failure) => {}
            done => return done,
        }
    }
}

fn is_divided(failure: &PlanFailure) -> bool {
    matches!(&failure.trouble, Trouble::Database { fault, .. } if fault.kind == FaultKind::Divided)
}
