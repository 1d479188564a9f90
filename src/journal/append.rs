//! Appending: a group of events of one run, durable together.

use super::{
    chain::{self, Hash},
    claim::{Claim, lost},
    compressed,
    event::{Event, Of},
    failure::JournalError,
    projection::{Change, unlisted},
    sql::{Cell, Sql},
    store::{Held, Journal},
    write::{Deed, Done, OnItsWay},
};
use crate::base::{identity::RunId, time::Stamp};

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the last event of the group within its run, from 1.
    pub seq: u64,
    /// Its hash: the head of the run.
    pub head: Hash,
}

/// An event on its way into the store: sealed and encoded before any lock is taken.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) kind: &'static str,
    pub(super) at: Stamp,
    /// As it is stored.
    pub(super) payload: Vec<u8>,
    pub(super) hash: Hash,
    /// What it changes in the lists.
    pub(super) change: Change,
    /// The journal's own chain takes it in.
    pub(super) is_head: bool,
}

impl Journal {
    /// Appends a group of events and returns when they are durable. All of them are recorded or none. Groups that are
    /// appended at the same time share one COMMIT. The first event of a run is `run.created`; its saved plan must not
    /// have been used.
    ///
    /// An error means that nothing was recorded, with two exceptions: after [`JournalError::Disk`] and
    /// [`JournalError::Unsure`] nobody knows.
    pub async fn append(&self, run: RunId, events: &[Event]) -> Result<Appended, JournalError> {
        self.append_at(run, None, events, self.inner.world.now()).await
    }

    /// As [`Journal::append`], but refused when the claim was taken over or given back: what an executor uses. The end of
    /// the run gives the claim back.
    pub async fn append_claimed(&self, claim: &Claim, events: &[Event]) -> Result<Appended, JournalError> {
        self.append_at(claim.run, Some(claim.fence), events, self.inner.world.now()).await
    }

    /// As [`Journal::append_claimed`], without waiting: the caller goes on with what has no effect, and asks before anything
    /// that has one.
    pub fn append_beside(&self, claim: &Claim, events: &[Event]) -> Result<Appending, JournalError> {
        let group = self.inner.group(events, self.inner.world.now())?;
        let deed = Deed::Append { chain: claim.run, fence: Some(claim.fence), group };
        Ok(Appending { chain: claim.run, on_its_way: self.hand_over(deed) })
    }

    /// As [`Journal::append`], without waiting: the caller goes on with what comes behind it, and asks before it counts on it.
    pub fn append_ahead(&self, run: RunId, events: &[Event]) -> Result<Appending, JournalError> {
        let group = self.inner.group(events, self.inner.world.now())?;
        Ok(Appending { chain: run, on_its_way: self.hand_over(Deed::Append { chain: run, fence: None, group }) })
    }

    pub(super) async fn append_at(
        &self,
        chain: RunId,
        fence: Option<u64>,
        events: &[Event],
        at: Stamp,
    ) -> Result<Appended, JournalError> {
        let group = self.inner.group(events, at)?;
        appended(chain, self.write(Deed::Append { chain, fence, group }).await?)
    }
}

fn appended(chain: RunId, done: Done) -> Result<Appended, JournalError> {
    match done {
        Done::Appended(_, end) => Ok(end),
        _ => Err(JournalError::OutOfOrder { run: chain, what: "it was taken for something else" }),
    }
}

/// A group of events that is being recorded. Dropped at once, it may be withdrawn.
#[derive(Debug)]
pub struct Appending {
    chain: RunId,
    on_its_way: OnItsWay,
}

impl Appending {
    /// Waits until they are durable; errors as of [`Journal::append`].
    pub async fn durable(self) -> Result<Appended, JournalError> {
        appended(self.chain, self.on_its_way.answer().await?)
    }
}

impl super::store::Inner {
    pub(super) fn group(&self, events: &[Event], at: Stamp) -> Result<Vec<Ready>, JournalError> {
        events.iter().map(|event| self.ready(event, at)).collect()
    }

    pub(super) fn ready(&self, event: &Event, at: Stamp) -> Result<Ready, JournalError> {
        let unstorable = |why| JournalError::Unstorable { event: event.name(), why };
        let payload = compressed::stored(event.encode(at, &self.sealer).map_err(unstorable)?);
        let hash = Hash::of_payload(&payload);
        let change = Change::of(event, &self.sealer);
        Ok(Ready { kind: event.name(), at, payload, hash, change, is_head: event.is_head() })
    }
}

/// The end of a chain.
struct End {
    place: Appended,
    of: Of,
}

/// A run begins with its creation, once. A plan has approvals and nothing else, a schedule what happened to it. `of`: what
/// there is so far.
fn in_order(of: Option<Of>, kind: &str) -> Result<(), &'static str> {
    match (of, Of::kind(kind)) {
        (None, Of::Run) if kind != Event::CREATED => Err("there is no such run yet"),
        (Some(Of::Run), Of::Run) if kind == Event::CREATED => Err("it was made before"),
        (None, _) => Ok(()),
        (Some(of), kind) if of == kind => Ok(()),
        (Some(Of::Plan), _) => Err("this is the id of a plan that was approved, not of a run"),
        (Some(Of::Schedule), _) => Err("this is the id of a schedule, not of a run"),
        (Some(Of::Run), _) => Err("this is the id of a run, not of a plan"),
    }
}

/// A link of the chain that is to be stored.
struct Linked<'a> {
    seq: u64,
    prev: Hash,
    hash: Hash,
    ready: &'a Ready,
}

impl Linked<'_> {
    fn event<'c>(&'c self, run: &'c String) -> [Cell<'c>; 7] {
        [
            run.into(),
            self.seq.into(),
            self.ready.kind.into(),
            self.ready.at.micros.into(),
            (&self.prev).into(),
            (&self.hash).into(),
            (&self.ready.hash).into(),
        ]
    }

    fn payload<'c>(&'c self, run: &'c String) -> [Cell<'c>; 3] {
        [run.into(), self.seq.into(), Cell::Bytes(&self.ready.payload)]
    }
}

/// The statements that take so many rows into a file: one text, so that the thread that has the file is waited for once.
#[derive(Clone, Copy)]
struct Rows {
    rows: usize,
    insert: &'static str,
    /// As the last of a group: the run's line in the list as well.
    insert_and_point: &'static str,
}

macro_rules! rows {
    ($count:literal: $first:literal $($more:literal)*) => {
        rows!(@ $count,
            "INSERT INTO events (run, seq, kind, at, prev, hash, payload_hash) VALUES ",
            "(?, ?, ?, ?, ?, ?, ?)", $($more, "(?, ?, ?, ?, ?, ?, ?)",)*
            "; INSERT INTO payloads (run, seq, bytes) VALUES ", "(?, ?, ?)", $($more, "(?, ?, ?)",)*
        )
    };
    (@ $count:literal, $($text:literal,)*) => {
        Rows {
            rows: $count,
            insert: concat!($($text),*),
            insert_and_point: concat!($($text,)* "; UPDATE runs SET seq = ?, head = ?, changed_at = ? WHERE id = ?"),
        }
    };
}

/// The largest first. Of few rows there is one for each number: a group of items that go one by one has some five.
const ROWS: [Rows; 10] = [
    rows!(32: "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," ","),
    rows!(16: "," "," "," "," "," "," "," "," "," "," "," "," "," "," "," ","),
    rows!(8: "," "," "," "," "," "," "," ","),
    rows!(7: "," "," "," "," "," "," ","),
    rows!(6: "," "," "," "," "," ","),
    rows!(5: "," "," "," "," ","),
    rows!(4: "," "," "," ","),
    rows!(3: "," "," ","),
    rows!(2: "," ","),
    rows!(1: ","),
];

impl Held<'_> {
    /// Inside a transaction: the events at the end of the chain.
    pub(super) async fn extend(&mut self, run: RunId, group: &[Ready]) -> Result<Appended, JournalError> {
        self.extend_held(run, None, group).await
    }

    /// The same, where the holder with this fence still has the run.
    pub(super) async fn extend_held(
        &mut self,
        run: RunId,
        fence: Option<u64>,
        group: &[Ready],
    ) -> Result<Appended, JournalError> {
        let ends = self.extend_by(run, fence, &[group]).await?;
        ends.into_iter().next().ok_or(JournalError::OutOfOrder { run, what: "there is nothing to append" })
    }

    /// The same of several groups, one behind the other: where each of them ends.
    pub(super) async fn extend_by(
        &mut self,
        run: RunId,
        fence: Option<u64>,
        groups: &[&[Ready]],
    ) -> Result<Vec<Appended>, JournalError> {
        let out_of_order = |what| JournalError::OutOfOrder { run, what };
        if groups.iter().any(|group| group.is_empty()) {
            return Err(out_of_order("there is nothing to append"));
        }
        let Some(last) = groups.last().and_then(|group| group.last()) else { return Ok(Vec::new()) };
        let begun = self.head(run, fence).await?;
        let mut of = begun.as_ref().map(|end| end.of);
        // A run that is listed is pointed at with the rows themselves, where they go into a file.
        let with_rows = begun.is_some() && of == Some(Of::Run) && !self.is_server();
        let genesis = Appended { seq: 0, head: chain::genesis(self.inner.id, run) };
        let mut end = begun.map_or(genesis, |end| end.place);
        let mut links = Vec::with_capacity(groups.iter().map(|group| group.len()).sum());
        let mut ends = Vec::with_capacity(groups.len());
        for group in groups {
            for ready in *group {
                in_order(of, ready.kind).map_err(out_of_order)?;
                of = Some(Of::kind(ready.kind));
                let (seq, prev) = (end.seq + 1, end.head);
                end = Appended { seq, head: chain::link(run, seq, prev, ready.hash) };
                links.push(Linked { seq, prev, hash: end.head, ready });
            }
            ends.push(end);
        }
        self.insert(run, &links, with_rows.then_some((end, last.at))).await?;
        for link in &links {
            let now = Appended { seq: link.seq, head: link.hash };
            self.apply(run, now, link.ready.at, &link.ready.change).await?;
            if link.ready.is_head {
                self.extend_heads(run, now).await?;
            }
        }
        if of == Some(Of::Run) && !with_rows {
            self.point(run, end, last.at).await?;
        }
        Ok(ends)
    }

    /// The last event of a chain, compared with what the list of runs says (of a plan or schedule: the journal's own chain), so
    /// that an append never hides a cut. An executor must still have the run: the clock is not asked, for as long as nobody else has it,
    /// finishing is better than stopping.
    async fn head(&mut self, run: RunId, fence: Option<u64>) -> Result<Option<End>, JournalError> {
        const LAST: &str = "SELECT e.seq, e.hash, e.kind, r.seq, r.head, r.purged_at, c.fence, c.released_at
                            FROM events e LEFT JOIN runs r ON r.id = e.run LEFT JOIN claims c ON c.run = e.run
                            WHERE e.run = $1 ORDER BY e.seq DESC LIMIT 1";
        const LAST_HEAD: &str = "SELECT seq, head FROM heads WHERE run = $1 ORDER BY number DESC LIMIT 1";
        let name = run.to_string();
        let row = self.row(LAST, &[(&name).into()]).await?;
        if let Some(fence) = fence {
            let holder = row.as_ref().map(|row| Ok((row.maybe_int(6)?, row.maybe_int(7)?))).transpose()?;
            if holder.is_none_or(|(held, released)| held.map(i64::unsigned_abs) != Some(fence) || released.is_some()) {
                return Err(lost(run, fence));
            }
        }
        let Some(row) = row else { return Ok(None) };
        let (seq, hash, of) = (row.int(0)?.unsigned_abs(), row.bytes(1)?, Of::kind(&row.text(2)?));
        let mut listed = (row.maybe_int(3)?, row.maybe_bytes(4)?);
        if of != Of::Run
            && let Some(head) = self.row(LAST_HEAD, &[(&name).into()]).await?
        {
            listed = (head.maybe_int(0)?, head.maybe_bytes(1)?);
        }
        let tampered = |what: &str| JournalError::Tampered { run, seq, what: what.to_owned() };
        let head = Hash::from_slice(&hash).ok_or_else(|| tampered("its hash is not one"))?;
        if (listed.0.map(i64::unsigned_abs), listed.1) != (Some(seq), Some(hash)) {
            return Err(tampered("the list of runs names another last event"));
        }
        if let Some(at) = row.maybe_int(5)? {
            return Err(JournalError::Purged { run, at: Stamp { micros: at, digits: 6 } });
        }
        Ok(Some(End { place: Appended { seq, head }, of }))
    }

    /// `point`: where the list of runs points to from now on.
    async fn insert(
        &mut self,
        run: RunId,
        links: &[Linked<'_>],
        point: Option<(Appended, Stamp)>,
    ) -> Result<(), JournalError> {
        if self.is_server() {
            return self.insert_at_once(run, links).await;
        }
        let name = run.to_string();
        let mut left = links;
        while !left.is_empty() {
            // Each text is handed to the thread that has the file, and waited for: few of many rows are cheaper.
            let few = ROWS.into_iter().find(|few| few.rows <= left.len()).unwrap_or(ROWS[ROWS.len() - 1]);
            let (some, others) = left.split_at(few.rows.min(left.len()));
            let events = some.iter().flat_map(|link| link.event(&name));
            let payloads = some.iter().flat_map(|link| link.payload(&name));
            let mut cells: Vec<Cell<'_>> = events.chain(payloads).collect();
            let last = point.as_ref().filter(|_| others.is_empty());
            let text = match last {
                None => few.insert,
                Some((end, at)) => {
                    cells.extend([end.seq.into(), (&end.head).into(), at.micros.into(), (&name).into()]);
                    few.insert_and_point
                }
            };
            let written = self.execute(text, &cells).await?;
            let expected = 2 * some.len() as u64 + 1;
            if let Some((end, _)) = last
                && written != expected
            {
                return Err(unlisted(run, end.seq));
            }
            left = others;
        }
        Ok(())
    }

    /// A whole group in one statement: over a network every statement costs a journey.
    async fn insert_at_once(&mut self, run: RunId, links: &[Linked<'_>]) -> Result<(), JournalError> {
        const INSERT: &str = "
            WITH linked AS (
                INSERT INTO events (run, seq, kind, at, prev, hash, payload_hash)
                SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[])
            )
            INSERT INTO payloads (run, seq, bytes) SELECT $1, * FROM unnest($2::bigint[], $8::bytea[])";
        let numbers: Vec<i64> = links.iter().map(|link| link.seq as i64).collect();
        let times: Vec<i64> = links.iter().map(|link| link.ready.at.micros).collect();
        let kinds: Vec<&str> = links.iter().map(|link| link.ready.kind).collect();
        let prev: Vec<&[u8]> = links.iter().map(|l| &l.prev.0[..]).collect();
        let hash: Vec<&[u8]> = links.iter().map(|l| &l.hash.0[..]).collect();
        let payload_hash: Vec<&[u8]> = links.iter().map(|l| &l.ready.hash.0[..]).collect();
        let payload: Vec<&[u8]> = links.iter().map(|l| &l.ready.payload[..]).collect();
        let name = run.to_string();
        let cells = [
            (&name).into(),
            Cell::Ints(&numbers),
            Cell::Texts(&kinds),
            Cell::Ints(&times),
            Cell::Blobs(&prev),
            Cell::Blobs(&hash),
            Cell::Blobs(&payload_hash),
            Cell::Blobs(&payload),
        ];
        self.execute(Sql { sqlite: "", postgres: INSERT }, &cells).await.map(drop)
    }

    /// The journal's own chain.
    pub(super) async fn extend_heads(&mut self, run: RunId, now: Appended) -> Result<(), JournalError> {
        let last = self.row("SELECT number, hash FROM heads ORDER BY number DESC LIMIT 1", &[]).await?;
        let (number, prev) = match last {
            None => (1, chain::journal_genesis(self.inner.id)),
            Some(row) => {
                let (number, hash) = (row.int(0)?, row.bytes(1)?);
                let hash = Hash::from_slice(&hash);
                (number + 1, hash.ok_or_else(|| self.damaged(format!("entry {number} of its chain has no hash")))?)
            }
        };
        let hash = chain::journal_link(number.unsigned_abs(), prev, run, now.seq, now.head);
        self.execute(
            "INSERT INTO heads (number, run, seq, head, prev, hash) VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                number.into(),
                (&run.to_string()).into(),
                now.seq.into(),
                (&now.head).into(),
                (&prev).into(),
                (&hash).into(),
            ],
        )
        .await
        .map(drop)
    }
}
