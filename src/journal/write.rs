//! Group commit: whatever waits while one COMMIT is on its way shares the next one.
//!
//! A writer task takes all waiting deeds, carries them out in one transaction, and answers each by itself. It runs to its
//! end even if a caller went away, so that no COMMIT is ever cut off in the middle. A deed that is refused is rolled back to
//! its savepoint and spoils nothing.
//!
//! Where the answer to a COMMIT is lost, the writer finds out: on a new connection, behind the same locks (so that it waits
//! for what the old session may still do), it looks for an event of the batch. All of the batch is there, or nothing.

use super::{
    append::{Appended, Ready},
    claim::{Claim, Holder},
    event::Event,
    failure::JournalError,
    failure::Place,
    purge::Purging,
    schedules::Decided,
    store::{Held, Inner, Journal},
};
use crate::base::{identity::RunId, moment, time::Stamp};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// One transaction takes at most this many deeds, so that nobody waits for long.
const TOGETHER: usize = 256;
/// A transaction that a server took back, or that went away with it, is tried again so many times.
const TRIES: usize = 5;

/// Something to be written.
pub(super) enum Deed {
    /// Events at the end of a chain. The deed of an executor names his fence.
    Append { chain: RunId, fence: Option<u64>, group: Vec<Ready> },
    /// The first events of a run that is new, and the claim on it: both or neither, so that nobody takes a run which another one has begun.
    Begin { run: RunId, group: Vec<Ready>, holder: Holder, since: Stamp, ttl: Duration },
    /// A run is taken, from the holder with the fence `seen` even if his time is not over.
    Take { run: RunId, holder: Holder, since: Stamp, ttl: Duration, seen: Option<u64> },
    /// Its holder is still at work.
    Beat { claim: Claim, now: Stamp, ttl: Duration },
    /// Events of a schedule, if `seen` is still its last one. With a claim an occurrence is taken (from the holder with the fence
    /// `from`), and `give` is one that is over.
    Decide {
        chain: RunId,
        seen: u64,
        group: Vec<Ready>,
        claim: Option<Claim>,
        from: Option<u64>,
        give: Option<(RunId, u64)>,
        now: Stamp,
    },
    /// A run is given back.
    Release { run: RunId, fence: u64, now: Stamp },
    /// The payloads of a run go.
    Purge(Purging),
    /// The lists are made again.
    Rebuild,
    /// The journal's own chain takes in how far every open run is.
    Anchor,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Appended(RunId, Appended),
    Claimed(Claim, Appended),
    Beaten(Claim),
    Nothing,
}

type Answer = Result<Done, JournalError>;

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(Deed, oneshot::Sender<Answer>)>,
    /// A writer is at work and will see whatever is added.
    writing: bool,
}

impl std::fmt::Debug for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deed")
    }
}

impl Deed {
    /// The chain that it extends or whose claim it changes.
    fn chain(&self) -> Option<RunId> {
        match self {
            Deed::Append { chain, .. } | Deed::Decide { chain, .. } => Some(*chain),
            Deed::Begin { run, .. } | Deed::Take { run, .. } | Deed::Release { run, .. } => Some(*run),
            Deed::Beat { claim, .. } => Some(claim.run),
            Deed::Purge(purging) => Some(purging.run),
            Deed::Rebuild | Deed::Anchor => None,
        }
    }

    /// It appends to the chain to which the other one appends, by the same right; neither ends the run.
    fn goes_on_from(&self, other: &Deed) -> bool {
        let open = |group: &[Ready]| group.iter().all(|one| one.kind != Event::CLOSED);
        match (self, other) {
            (
                Deed::Append { chain, fence, group },
                Deed::Append { chain: other_chain, fence: other_fence, group: other_group },
            ) => chain == other_chain && fence == other_fence && open(group) && open(other_group),
            _ => false,
        }
    }

    /// Whether the journal's own chain grows with it.
    fn adds_a_head(&self) -> bool {
        match self {
            Deed::Append { group, .. } | Deed::Begin { group, .. } => group.iter().any(|one| one.is_head),
            Deed::Decide { .. } | Deed::Purge(_) | Deed::Rebuild | Deed::Anchor => true,
            Deed::Take { .. } | Deed::Beat { .. } | Deed::Release { .. } => false,
        }
    }
}

impl Done {
    /// The event whose presence proves that the transaction was committed.
    fn proof(&self) -> Option<(RunId, Appended)> {
        match self {
            Done::Appended(chain, end) => Some((*chain, *end)),
            Done::Claimed(claim, end) => Some((claim.run, *end)),
            Done::Beaten(_) | Done::Nothing => None,
        }
    }
}

/// A deed on its way into the journal. Dropped before the writer took it, it is withdrawn; afterwards it is carried out whole.
#[derive(Debug)]
pub(super) struct OnItsWay {
    answer: oneshot::Receiver<Answer>,
    place: Arc<Place>,
}

impl OnItsWay {
    /// Waits until it is durable.
    pub(super) async fn answer(self) -> Answer {
        self.answer.await.unwrap_or_else(|_| {
            let what = "the writer broke off; whether it was recorded shows when the run is read again".into();
            Err(JournalError::Unsure { place: (*self.place).clone(), what })
        })
    }
}

impl Journal {
    /// Hands a deed to the writer, which takes deeds in this order.
    pub(super) fn hand_over(&self, deed: Deed) -> OnItsWay {
        let (answer, waiting) = oneshot::channel();
        let start = {
            let mut queue = self.inner.queue();
            queue.waiting.push_back((deed, answer));
            !std::mem::replace(&mut queue.writing, true)
        };
        if start {
            let writer = Writer { inner: self.inner.clone(), over: false };
            match *self.inner.place {
                // The thread that has the file is spoken to several times a COMMIT, and nothing but it is waited for: on a thread of its
                // own no other item's work comes between.
                Place::File(_) if !moment::stands_for_a_process() => {
                    let here = tokio::runtime::Handle::current();
                    drop(tokio::task::spawn_blocking(move || here.block_on(writer.run())));
                }
                Place::File(_) | Place::Server(_) => drop(tokio::spawn(writer.run())),
            }
        }
        OnItsWay { answer: waiting, place: self.inner.place.clone() }
    }

    /// Hands a deed to the writer and waits until it is durable.
    pub(super) async fn write(&self, deed: Deed) -> Answer {
        self.hand_over(deed).answer().await
    }
}

/// The task that writes, until nothing is left.
struct Writer {
    inner: Arc<Inner>,
    /// It ended by itself, and another one may be at work already.
    over: bool,
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.over {
            // It broke off. Those who wait are told so, and the next deed starts another writer.
            *self.inner.queue() = Queue::default();
        }
    }
}

impl Writer {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            let (deeds, callers): (Vec<Deed>, Vec<_>) = batch.into_iter().unzip();
            let answers = match self.inner.connection().await {
                Ok(mut held) => held.write_all(&deeds).await,
                Err(error) => deeds.iter().map(|_| Err(error.clone())).collect(),
            };
            for (caller, answer) in callers.into_iter().zip(answers) {
                if let (Ok(Done::Claimed(claim, end)), Some(on_claim)) = (&answer, self.inner.on_claim.get()) {
                    on_claim.tell(claim.run, *end);
                }
                // Whoever went away does not want to know.
                let _ = caller.send(answer);
            }
        }
    }

    /// All that waits, up to a bound; leaves out whose caller went away. With nothing left the writer is over, in the same
    /// breath, so that a deed that comes now starts another one.
    fn next(&mut self) -> Option<Vec<(Deed, oneshot::Sender<Answer>)>> {
        let mut queue = self.inner.queue();
        let mut batch = Vec::new();
        while batch.len() < TOGETHER {
            match queue.waiting.pop_front() {
                Some((_, caller)) if caller.is_closed() => {}
                Some(waiting) => batch.push(waiting),
                None => break,
            }
        }
        queue.writing = !batch.is_empty();
        self.over = !queue.writing;
        queue.writing.then_some(batch)
    }
}

impl Inner {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a try to write a batch ended without an answer for each.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nothing of it was recorded.
    Before(JournalError),
    /// COMMIT was sent; these are the answers if it went through.
    InDoubt(Vec<Answer>, JournalError),
}

impl Held<'_> {
    /// One answer for each deed, in order.
    async fn write_all(&mut self, deeds: &[Deed]) -> Vec<Answer> {
        match self.write_together(deeds).await {
            Ok(answers) => answers,
            Err(error) if deeds.len() > 1 && error.may_be_of_one() => {
                let mut answers = Vec::with_capacity(deeds.len());
                for deed in deeds {
                    let alone = self.write_together(std::slice::from_ref(deed)).await;
                    answers.push(alone.and_then(|mut one| one.pop().unwrap_or(Ok(Done::Nothing))));
                }
                answers
            }
            Err(error) => deeds.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn write_together(&mut self, deeds: &[Deed]) -> Result<Vec<Answer>, JournalError> {
        let mut doubt: Option<Vec<Answer>> = None;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_to_write(deeds, doubt.as_deref()).await {
                Ok(answers) => return Ok(answers),
                Err(Broken::Before(error)) => {
                    let again = match &error {
                        JournalError::Contended { .. } | JournalError::Away { .. } => self.is_server(),
                        // The old session, of which the COMMIT may be on its way, still holds its locks.
                        JournalError::Locked { .. } => doubt.is_some(),
                        _ => false,
                    };
                    match error {
                        _ if again && tries < TRIES => {}
                        error if doubt.is_some() => {
                            let place = (*self.inner.place).clone();
                            return Err(JournalError::Unsure { place, what: error.to_string() });
                        }
                        error => return Err(error),
                    }
                }
                Err(Broken::InDoubt(answers, error)) => {
                    if tries == TRIES {
                        let place = (*self.inner.place).clone();
                        return Err(JournalError::Unsure { place, what: error.to_string() });
                    }
                    doubt = Some(answers);
                }
            }
        }
    }

    /// One transaction. `doubt`: the answers of an earlier try whose COMMIT was sent.
    pub(super) async fn try_to_write(
        &mut self,
        deeds: &[Deed],
        doubt: Option<&[Answer]>,
    ) -> Result<Vec<Answer>, Broken> {
        self.begin().await.map_err(Broken::Before)?;
        let work = match self.lock(deeds).await {
            Ok(()) => match self.was_committed(doubt).await {
                Ok(true) => {
                    self.roll_back().await;
                    return Ok(doubt.unwrap_or_default().to_vec());
                }
                Ok(false) => self.carry_out_all(deeds, doubt.is_some()).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let answers = match work {
            Ok(answers) if answers.iter().any(Result::is_ok) => answers,
            Ok(answers) => {
                self.roll_back().await;
                return Ok(answers);
            }
            Err(error) => return Err(Broken::Before(self.end::<()>(Err(error.clone())).await.err().unwrap_or(error))),
        };
        match self.end(Ok(())).await {
            Ok(()) => Ok(answers),
            Err(error @ JournalError::Away { .. }) => Err(Broken::InDoubt(answers, error)),
            Err(error) => Err(Broken::Before(error)),
        }
    }

    /// On a server: the rows of the runs, in the order of their ids, and then the journal's own chain, so that no two
    /// processes wait for each other. A file was locked as a whole.
    async fn lock(&mut self, deeds: &[Deed]) -> Result<(), JournalError> {
        if !self.is_server() {
            return Ok(());
        }
        let chains: BTreeSet<String> = deeds.iter().filter_map(Deed::chain).map(|run| run.to_string()).collect();
        self.lock_runs(&chains.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        if deeds.iter().any(Deed::adds_a_head) {
            self.lock_heads().await?;
        }
        Ok(())
    }

    async fn was_committed(&mut self, doubt: Option<&[Answer]>) -> Result<bool, JournalError> {
        let proof = doubt.into_iter().flatten().find_map(|answer| answer.as_ref().ok().and_then(Done::proof));
        let Some((chain, end)) = proof else { return Ok(false) };
        let row = self
            .row("SELECT hash FROM events WHERE run = $1 AND seq = $2", &[(&chain.to_string()).into(), end.seq.into()])
            .await?;
        Ok(row.map(|row| row.bytes(0)).transpose()?.is_some_and(|hash| hash == end.head.0))
    }

    /// Every deed under a savepoint of its own, where there are several.
    pub(super) async fn carry_out_all(&mut self, deeds: &[Deed], again: bool) -> Result<Vec<Answer>, JournalError> {
        if let [one] = deeds {
            return match self.carry_out(one, again).await {
                Err(error) if error.ends_transaction() => Err(error),
                answer => Ok(vec![answer]),
            };
        }
        let mut answers = Vec::with_capacity(deeds.len());
        let mut left = deeds;
        while let [first, others @ ..] = left {
            let alike = 1 + others.iter().take_while(|deed| deed.goes_on_from(first)).count();
            let (some, others) = left.split_at(if first.goes_on_from(first) { alike } else { 1 });
            if some.len() > 1
                && let Some(together) = self.append_together(some, some.len() == deeds.len()).await?
            {
                answers.extend(together.into_iter().map(Ok));
            } else {
                for deed in some {
                    answers.push(self.carry_out_alone(deed, again).await?);
                }
            }
            left = others;
        }
        Ok(answers)
    }

    async fn carry_out_alone(&mut self, deed: &Deed, again: bool) -> Result<Answer, JournalError> {
        self.execute("SAVEPOINT deed", &[]).await?;
        let answer = self.carry_out(deed, again).await;
        match &answer {
            Ok(_) => {}
            Err(error) if error.ends_transaction() => return Err(error.clone()),
            Err(_) => drop(self.execute("ROLLBACK TO SAVEPOINT deed", &[]).await?),
        }
        self.execute("RELEASE SAVEPOINT deed", &[]).await?;
        Ok(answer)
    }

    /// What several items of one run have to say, as one group: its claim, its end and its line in the list are looked at
    /// once. Nothing where that is refused: then each is tried by itself, and those that are fit go in. `all`: nothing else is in the
    /// transaction, which needs no savepoint then.
    async fn append_together(&mut self, deeds: &[Deed], all: bool) -> Result<Option<Vec<Done>>, JournalError> {
        let Some(Deed::Append { chain, fence, .. }) = deeds.first() else { return Ok(None) };
        let groups: Vec<&[Ready]> = deeds
            .iter()
            .filter_map(|deed| if let Deed::Append { group, .. } = deed { Some(&group[..]) } else { None })
            .collect();
        if !all {
            self.execute("SAVEPOINT deed", &[]).await?;
        }
        let together = match self.extend_by(*chain, *fence, &groups).await {
            Ok(ends) => Some(ends.into_iter().map(|end| Done::Appended(*chain, end)).collect()),
            Err(error) if error.ends_transaction() => return Err(error),
            Err(_) if all => {
                self.roll_back().await;
                self.begin().await?;
                self.lock(deeds).await?;
                None
            }
            Err(_) => {
                self.execute("ROLLBACK TO SAVEPOINT deed", &[]).await?;
                None
            }
        };
        if !all {
            self.execute("RELEASE SAVEPOINT deed", &[]).await?;
        }
        Ok(together)
    }

    /// Inside a transaction. `again`: it may be that it was done before, and the answer was lost.
    async fn carry_out(&mut self, deed: &Deed, again: bool) -> Answer {
        match deed {
            Deed::Append { chain, fence, group } => self.append_inside(*chain, *fence, group).await,
            Deed::Begin { run, group, holder, since, ttl } => {
                self.append_inside(*run, None, group).await?;
                let (claim, end) = self.take_inside(*run, holder, *since, *ttl, None).await?;
                Ok(Done::Claimed(claim, end))
            }
            Deed::Take { run, holder, since, ttl, seen } => {
                let (claim, end) = self.take_inside(*run, holder, *since, *ttl, *seen).await?;
                Ok(Done::Claimed(claim, end))
            }
            Deed::Decide { chain, seen, group, claim, from, give, now } => {
                let (seen, from, give, now) = (*seen, *from, *give, *now);
                let decided = Decided { seen, group, claim: claim.as_ref(), from, give, now };
                Ok(Done::Appended(*chain, self.decide_inside(*chain, decided).await?))
            }
            Deed::Beat { claim, now, ttl } => self.beat_inside(claim, *now, *ttl).await.map(Done::Beaten),
            Deed::Release { run, fence, now } => {
                match self.give_back(*run, *fence, *now).await {
                    Err(JournalError::ClaimLost { .. }) if again && self.gave_back(*run, *fence, *now).await? => {}
                    given => given?,
                }
                Ok(Done::Nothing)
            }
            Deed::Purge(purging) => {
                let end = self.purge_inside(purging).await?;
                Ok(Done::Appended(purging.run, end))
            }
            Deed::Rebuild => self.rebuild_inside().await.map(|()| Done::Nothing),
            Deed::Anchor => self.anchor_inside().await.map(|()| Done::Nothing),
        }
    }

    async fn append_inside(&mut self, chain: RunId, fence: Option<u64>, group: &[Ready]) -> Answer {
        let end = self.extend_held(chain, fence, group).await?;
        if let (Some(fence), Some(closed)) = (fence, group.iter().find(|one| one.kind == Event::CLOSED)) {
            self.give_back(chain, fence, closed.at).await?;
        }
        Ok(Done::Appended(chain, end))
    }
}
