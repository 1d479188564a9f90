//! How items go together: how many sets, on which threads, with how many transactions, and the beginning of a set.

use super::{
    Fleet,
    flow::{Flow, Over},
    lanes::Pick,
    rules,
    work::{Gone, Work},
};
use crate::{
    connection::set::{Gate, Known, Purpose},
    engine::{
        crew::Crew,
        sets::{
            chunk::{Chunk, Recorder},
            fit::{self, Way},
            size::{MOST, Size},
        },
        watch::Tick,
    },
    template::scope::Entry,
};
use std::{future::Future, sync::Arc};
use tokio::{runtime::Handle, sync::mpsc::UnboundedSender};

/// How items go together.
pub(super) struct Together {
    pub(super) connection: Arc<str>,
    /// What its sets know of its tables.
    pub(super) known: Known,
    pub(super) size: Size,
    /// How many sets may be under way.
    pub(super) at_once: usize,
    /// So many may be open at a time where they are everybody's own; one where nothing comes of that.
    pub(super) transactions: usize,
    /// Where they are: so many of each thread.
    pub(super) gates: Vec<Arc<Gate>>,
    pub(super) under_way: usize,
    /// Where they are carried out, if not here, and how many each has.
    pub(super) threads: Vec<(&'static Handle, usize)>,
    /// How many in a row waited long for a call.
    pub(super) slow: u32,
}

impl Together {
    /// From here on transactions are everybody's own, if several of them may be open.
    pub(super) fn goes_apart(&mut self) -> bool {
        if self.transactions > 1 && self.gates.is_empty() {
            self.gates = gates(self.transactions, self.threads.len());
        }
        self.transactions > 1
    }

    /// One more is under way, on the thread that has the fewest.
    pub(super) fn begins(&mut self) -> Option<(usize, &'static Handle)> {
        self.under_way += 1;
        let (number, (thread, busy)) = self.threads.iter_mut().enumerate().min_by_key(|(_, (_, busy))| *busy)?;
        *busy += 1;
        Some((number, thread))
    }
}

/// On one thread, more than two sets at the same time only wait for each other.
const SETS_AT_ONCE: usize = 2;
/// On several threads, twice as many keep them busy, half as large: what is held in memory is the same.
const SETS_ON_THREADS: (usize, usize) = (2 * SETS_AT_ONCE, MOST / 2);

/// While some sets wait for their calls, the others work.
const CALLING_SETS: usize = 4;
/// After so many sets in a row that waited long for a call, the API is a slow one.
pub(super) const SLOW_SETS: u32 = 3;

/// Of so many transactions that may be open at a time each thread has its share, at least one. They go in step, and record together what they did: a gate for
/// each set (half as many in step) was a fifth slower.
fn gates(at_once: usize, threads: usize) -> Vec<Arc<Gate>> {
    let threads = threads.max(1);
    (0..threads).map(|n| Arc::new(Gate::new(((at_once + n) / threads).max(1)))).collect()
}

impl Fleet<'_> {
    /// How the items go in sets, if they do.
    pub(super) fn together(&self) -> Option<Together> {
        let way = if self.is_back() { fit::way_back(self.setting) } else { fit::way(self.setting) };
        let at_once = rules(self.setting, self.of).at_once;
        let (connection, most, calls, apart) = match way {
            Way::InSets { connection, most, calls } => (connection, most, calls, false),
            Way::Apart { connection, .. } => (connection, MOST, false, true),
            Way::OneByOne(_) => return None,
        };
        // One after the other they are as well off here.
        let threads = if at_once > 1 { self.setting.workers.threads() } else { &[] };
        let (sets, most) = match threads {
            _ if calls => (CALLING_SETS, most),
            [] => (SETS_AT_ONCE, most),
            _ => SETS_ON_THREADS,
        };
        let transactions =
            if fit::takes_several(self.setting, &connection) && !calls && !self.is_back() { at_once } else { 1 };
        Some(Together {
            connection,
            known: Known::default(),
            size: Size::up_to(most),
            at_once: at_once.min(sets),
            transactions,
            gates: if apart { gates(at_once, threads.len()) } else { Vec::new() },
            under_way: 0,
            threads: threads.iter().map(|thread| (thread, 0)).collect(),
            slow: 0,
        })
    }

    /// Begins this item and those behind it that may begin now, together.
    pub(super) async fn begin_set(
        &mut self,
        crew: &Arc<Crew>,
        flow: &mut Flow<'_>,
        first: Work,
        most: usize,
        once: &Arc<Vec<(Arc<str>, Entry)>>,
        send: &UnboundedSender<Tick>,
    ) {
        let shared = flow
            .together
            .as_ref()
            .and_then(|together| Some((self.setting.database(&together.connection)?.clone(), together)))
            .map(|(database, together)| (database, together.known.clone(), together.gates.clone()));
        let Some((database, known, gates)) = shared else {
            return self.begin(crew, flow, first, once, send);
        };
        let mut room = flow.pace.room(&flow.rules, most);
        let mut works = vec![first];
        while works.len() < room {
            flow.fill().await;
            match flow.pick() {
                Pick::Begin(Work { drifted: Some(why), number, plan, .. }) => {
                    self.is_over(crew, flow, (number, plan), why).await;
                    if flow.failed.is_some() {
                        return;
                    }
                    if flow.pace.is_enough(&flow.rules) {
                        break;
                    }
                    // It was one of its stage, and one that did not end well.
                    room = flow.pace.room(&flow.rules, most);
                }
                Pick::Begin(work) if !work.has_begun() => works.push(work),
                // It was begun before a crash: it goes on by itself.
                Pick::Begin(work) => {
                    flow.near.ended(&work.plan.key);
                    flow.lanes.put_back(work);
                    break;
                }
                Pick::Skip(..) | Pick::Wait => break,
            }
        }
        let now = self.setting.world.now().micros;
        works.iter().for_each(|_| flow.pace.began(&flow.rules, now));
        let thread = flow.together.as_mut().and_then(Together::begins);
        let gate = gates.get(thread.map_or(0, |(number, _)| number)).cloned();
        let (one, once, tell) = (self.one(crew, send), once.clone(), flow.tell_gone.clone());
        let set = async move {
            let mut made = Vec::with_capacity(works.len());
            let mut turns = None;
            for work in works {
                match (one.make)(&work.plan, &once).await {
                    Ok(mut setting) => {
                        if let Some(of_run) = &setting.turns {
                            setting.turns = Some(turns.get_or_insert_with(|| Arc::new(of_run.of_set())).clone());
                        }
                        made.push((setting, work));
                    }
                    Err(error) => drop(tell.send(Gone::without(work, error))),
                }
            }
            let chunk = match gate {
                Some(gate) => Chunk::apart(&database, made.len(), gate, &known),
                None => Chunk::new(&database, made.len(), Purpose::Apply, &known),
            };
            let mut items: Vec<std::pin::Pin<Box<dyn Future<Output = Gone> + Send + '_>>> = Vec::new();
            for (number, (mut setting, work)) in made.into_iter().enumerate() {
                let (seat, databases) = chunk.seat(number, &setting.databases);
                setting.databases = databases;
                items.push(Box::pin(one.drive(setting, work, Some(seat))));
            }
            let recorder = Recorder { crew: &one.crew, journal: &one.journal, claim: &one.claim, world: &one.world };
            let went = chunk.drive(items, Some(recorder), |gone| drop(tell.send(gone))).await;
            let slow = turns.is_some_and(|turns| turns.were_slow());
            Over::Set { went, thread: thread.map(|(number, _)| number), slow }
        };
        match thread {
            Some((_, thread)) => flow.under_way.spawn_on(set, thread),
            None => flow.under_way.spawn(set),
        };
    }
}
