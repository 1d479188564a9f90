//! Is everything as it was written? Recomputes every hash of the file and says what is wrong, and what it cannot see.

use super::{
    append::Appended,
    chain::{self, Hash},
    event::{Event, Of},
    failure::JournalError,
    link::{Link, Payload},
    read::MISSING,
    sql::{Row, Sql},
    store::{Held, Journal},
    write::Deed,
};
use crate::base::{identity::RunId, seal::Sealer, secret::Masks};
use std::{collections::HashMap, fmt, str::FromStr};

/// A line of the journal's own chain that somebody kept elsewhere: what makes a cut or rewritten end visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Number of the entry, from 1.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = ();
    /// `NUMBER:HASH`.
    fn from_str(text: &str) -> Result<Anchor, ()> {
        let (number, hash) = text.split_once(':').ok_or(())?;
        Ok(Anchor { number: number.parse().map_err(|_| ())?, hash: hash.parse()? })
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An event, and what about it.
    Event(String),
    /// A run that the journal's own chain names is gone, or has fewer events than it had.
    Cut,
    /// A run that the journal's own chain does not name.
    Foreign,
    /// The list of runs says something else than the events.
    List,
    /// An entry of the journal's own chain, and what about it.
    Head(&'static str),
    /// Something is recorded under a name that is not the id of a run.
    Name(String),
    /// The anchor names an entry that is not there or has another hash.
    Anchor,
}

/// One thing that is wrong, the first of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The run; nothing when it is about the journal's own chain.
    pub run: Option<RunId>,
    /// The first event (or entry of the journal's own chain) that is wrong.
    pub seq: u64,
    /// What.
    pub what: What,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.run {
            Some(run) => write!(f, "run {run}, event {}: ", self.seq)?,
            None => write!(f, "journal chain, entry {}: ", self.seq)?,
        }
        match &self.what {
            What::Event(what) => f.write_str(what),
            What::Cut => f.write_str("events are missing at the end"),
            What::Foreign => f.write_str("the journal's own chain does not know this run"),
            What::List => f.write_str("the list of runs says something else than the events"),
            What::Head(what) => f.write_str(what),
            What::Name(name) => write!(f, "`{name}` is not the id of a run"),
            What::Anchor => f.write_str("the anchor names an entry that is not there, or another one"),
        }
    }
}

/// What was looked at and found.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many runs.
    pub runs: u64,
    /// How many events.
    pub events: u64,
    /// Empty when everything holds.
    pub findings: Vec<Finding>,
    /// The end of the journal's own chain: keep it elsewhere. Nothing in an empty journal.
    pub anchor: Option<Anchor>,
    /// How many runs were purged: of these, only the hashes are left.
    pub purged: u64,
    /// What this could not see, one sentence each.
    pub blind: Vec<&'static str>,
}

/// True of every chain that is looked at from inside.
const WITHOUT_ANCHOR: &[&str] = &[
    "events cut off the end of a run that is not closed, together with its line in the list of runs",
    "runs cut off the end of the journal together with their entries in its own chain",
    "an end that was cut off and written anew, and a journal that was rewritten as a whole: hashes need no key",
    LISTS,
];
const WITH_ANCHOR: &[&str] =
    &["changes after the anchor was taken, made by somebody who computes the hashes anew", LISTS];
const LISTS: &str = "names, states and reasons in the list of runs, open questions and used plans: they are made from the events, \
                     and a rebuild makes them again";

const PURGED: &str = "what purged events said, their names and their times: only the hashes of their payloads are left";

impl Journal {
    /// Reads everything and recomputes every hash. Personal values are not opened.
    pub async fn verify(&self, anchor: Option<Anchor>) -> Result<Report, JournalError> {
        let mut held = self.connection().await?;
        held.begin_reading().await?;
        let work = held.verify_inside(anchor).await;
        held.end(work).await
    }

    /// Takes in how far every open run is, and gives the end of the journal's own chain, to be kept elsewhere: from then on
    /// everything up to now is covered by it. Nothing in an empty journal.
    pub async fn anchor(&self) -> Result<Option<Anchor>, JournalError> {
        self.write(Deed::Anchor).await?;
        let mut held = self.connection().await?;
        let row = held.row("SELECT number, hash FROM heads ORDER BY number DESC LIMIT 1", &[]).await?;
        let Some(row) = row else { return Ok(None) };
        let (number, hash) = (row.int(0)?.unsigned_abs(), Hash::from_slice(&row.bytes(1)?));
        let hash = hash.ok_or_else(|| held.damaged(format!("entry {number} of its chain has no hash")))?;
        Ok(Some(Anchor { number, hash }))
    }
}

impl Held<'_> {
    /// What others append meanwhile comes after it.
    pub(super) async fn anchor_inside(&mut self) -> Result<(), JournalError> {
        let open = self
            .rows(
                "SELECT id, seq, head FROM runs WHERE state <> 'closed'
                 AND NOT EXISTS (SELECT 1 FROM heads WHERE heads.run = runs.id AND heads.seq = runs.seq) ORDER BY id",
                &[],
            )
            .await?;
        for row in open {
            let (run, seq) = (self.run_id(&row.text(0)?)?, row.int(1)?.unsigned_abs());
            let head = Hash::from_slice(&row.bytes(2)?);
            let head = head.ok_or_else(|| self.damaged("the list of runs: a hash"))?;
            self.extend_heads(run, Appended { seq, head }).await?;
        }
        Ok(())
    }
}

/// Where a chain was when it was recorded elsewhere.
type Heads = HashMap<Vec<u8>, Vec<(u64, Vec<u8>)>>;

/// Every chain that is named anywhere. The casts are for files that somebody put other types into.
const CHAINS: Sql = Sql {
    sqlite: "SELECT CAST(run AS BLOB) FROM events UNION SELECT CAST(run AS BLOB) FROM heads
             UNION SELECT CAST(id AS BLOB) FROM runs ORDER BY 1",
    postgres: "SELECT convert_to(run, 'UTF8') FROM events UNION SELECT convert_to(run, 'UTF8') FROM heads
               UNION SELECT convert_to(id, 'UTF8') FROM runs ORDER BY 1",
};
const HEADS: Sql = Sql {
    sqlite: "SELECT CAST(number AS INTEGER), CAST(run AS BLOB), CAST(seq AS INTEGER), CAST(head AS BLOB),
                    CAST(prev AS BLOB), CAST(hash AS BLOB) FROM heads ORDER BY number",
    postgres: "SELECT number, convert_to(run, 'UTF8'), seq, head, prev, hash FROM heads ORDER BY number",
};
const LISTED: Sql = Sql {
    sqlite: "SELECT CAST(id AS BLOB), CAST(seq AS INTEGER), CAST(head AS BLOB) FROM runs",
    postgres: "SELECT convert_to(id, 'UTF8'), seq, head FROM runs",
};

/// What one chain turned out to be.
struct Looked {
    events: u64,
    purged: bool,
    /// The first thing that is wrong.
    found: Option<Finding>,
}

impl Held<'_> {
    async fn verify_inside(&mut self, anchor: Option<Anchor>) -> Result<Report, JournalError> {
        let mut findings = Vec::new();
        let (heads, end) = self.verify_heads(anchor, &mut findings).await?;
        let listed = self.listed().await?;
        let chains = self.rows(CHAINS, &[]).await?.iter().map(|row| row.bytes(0)).collect::<Result<Vec<_>, _>>()?;
        let (mut events, mut purged, mut runs) = (0, 0, 0);
        for name in &chains {
            let Some(run) = std::str::from_utf8(name).ok().and_then(|name| name.parse::<RunId>().ok()) else {
                let name = String::from_utf8_lossy(name).into_owned();
                findings.push(Finding { run: None, seq: 0, what: What::Name(name) });
                continue;
            };
            let known = heads.get(name).map_or(&[][..], Vec::as_slice);
            let looked = self.verify_chain(run, known, listed.get(name)).await?;
            events += looked.events;
            purged += u64::from(looked.purged);
            runs += u64::from(listed.contains_key(name));
            findings.extend(looked.found);
        }
        let mut blind = if anchor.is_some() { WITH_ANCHOR } else { WITHOUT_ANCHOR }.to_vec();
        blind.extend((purged > 0).then_some(PURGED));
        Ok(Report { runs, events, purged, findings, anchor: end, blind })
    }

    /// The journal's own chain, and what it says about each run.
    async fn verify_heads(
        &mut self,
        anchor: Option<Anchor>,
        findings: &mut Vec<Finding>,
    ) -> Result<(Heads, Option<Anchor>), JournalError> {
        let rows = self.rows(HEADS, &[]).await?;
        let mut heads = Heads::new();
        let (mut prev, mut end, mut sound) = (chain::journal_genesis(self.inner.id), None, true);
        for (i, row) in rows.iter().enumerate() {
            let (number, entry) = (i as u64 + 1, Entry::read(row)?);
            if let (true, Err(what)) = (sound, entry.follows(number, prev)) {
                findings.push(Finding { run: None, seq: number, what: What::Head(what) });
                sound = false;
            }
            prev = entry.hash;
            end = Some(Anchor { number: entry.number.unsigned_abs(), hash: entry.hash });
            if anchor.is_some_and(|a| Some(a.number) == end.map(|e| e.number) && Some(a) != end) {
                findings.push(Finding { run: None, seq: number, what: What::Anchor });
            }
            heads.entry(entry.run).or_default().push((entry.seq.unsigned_abs(), entry.head));
        }
        if let Some(a) = anchor.filter(|a| end.is_none_or(|end| end.number < a.number)) {
            findings.push(Finding { run: None, seq: a.number, what: What::Anchor });
        }
        Ok((heads, end))
    }

    /// Last event and hash of every run as the list of runs has it.
    async fn listed(&mut self) -> Result<HashMap<Vec<u8>, (u64, Vec<u8>)>, JournalError> {
        let rows = self.rows(LISTED, &[]).await?;
        rows.iter().map(|row| Ok((row.bytes(0)?, (row.int(1)?.unsigned_abs(), row.bytes(2)?)))).collect()
    }

    async fn verify_chain(
        &mut self,
        run: RunId,
        known: &[(u64, Vec<u8>)],
        listed: Option<&(u64, Vec<u8>)>,
    ) -> Result<Looked, JournalError> {
        // Names and times are compared without the key: what is sealed does not matter for that.
        let mut walk = Walk::new(run, known, chain::genesis(self.inner.id, run));
        self.links(run, 0, u64::MAX, &mut |link| {
            walk.step(link);
            Ok(())
        })
        .await?;
        let found = walk.verdict(listed).map(|(seq, what)| Finding { run: Some(run), seq, what });
        Ok(Looked { events: walk.count, purged: walk.purged_through.is_some(), found })
    }
}

/// Along a chain, link by link.
struct Walk<'a> {
    run: RunId,
    known: &'a [(u64, Vec<u8>)],
    keyless: Sealer,
    head: Hash,
    count: u64,
    /// The first event without a payload.
    missing: Option<u64>,
    /// What the last event says, when it says that payloads were removed.
    purged_through: Option<u64>,
    /// Of a plan or a schedule: no list names it, and the journal's own chain has every event.
    apart: bool,
    wrong: Option<(u64, String)>,
}

impl<'a> Walk<'a> {
    fn new(run: RunId, known: &'a [(u64, Vec<u8>)], genesis: Hash) -> Walk<'a> {
        let keyless = Sealer::without_key(Masks::default());
        let (count, missing, purged_through, apart, wrong) = (0, None, None, false, None);
        Walk { run, known, keyless, head: genesis, count, missing, purged_through, apart, wrong }
    }

    fn step(&mut self, link: &Link<'_>) {
        self.count += 1;
        // Also behind something wrong: whether payloads may be missing is said at the very end.
        (self.purged_through, self.apart) = (self.purge_of(link), Of::kind(link.kind()) != Of::Run);
        if self.wrong.is_none()
            && let Err(what) = self.look(link)
        {
            self.wrong = Some((self.count, what.to_owned()));
        }
    }

    fn look(&mut self, link: &Link<'_>) -> Result<(), &'static str> {
        let seq = self.count;
        link.follows(self.run, seq, self.head)?;
        match link.payload()? {
            Payload::Missing => {
                self.missing.get_or_insert(seq);
            }
            Payload::Text(text) => link.says_what_its_payload_says(&text, &self.keyless)?,
        }
        self.head = link.hash;
        let named = self.known.iter().filter(|(at, _)| *at == seq).all(|(_, hash)| *hash == self.head.0);
        if named { Ok(()) } else { Err("it is not the one that the journal's own chain names") }
    }

    /// Up to which event payloads were removed, when this is the event that says so.
    fn purge_of(&self, link: &Link<'_>) -> Option<u64> {
        if !link.is(Event::PURGED) {
            return None;
        }
        match link.payload() {
            Ok(Payload::Text(text)) => match Event::decode(&text, &self.keyless) {
                Ok((_, Event::RunPurged(purged))) => Some(purged.through),
                _ => None,
            },
            _ => None,
        }
    }

    /// The first thing that is wrong, and at which event.
    fn verdict(&mut self, listed: Option<&(u64, Vec<u8>)>) -> Option<(u64, What)> {
        let count = self.count;
        // A payload that is missing without a reason comes before whatever is wrong behind it.
        let unpurged = self.missing.filter(|seq| self.purged_through.is_none_or(|through| through < *seq));
        match (unpurged, self.wrong.take()) {
            (Some(seq), wrong) if wrong.as_ref().is_none_or(|(at, _)| seq < *at) => {
                return Some((seq, What::Event(MISSING.to_owned())));
            }
            (_, Some((seq, what))) => return Some((seq, What::Event(what))),
            _ => {}
        }
        match self.known.iter().map(|(seq, _)| *seq).max() {
            None => Some((count, What::Foreign)),
            Some(last) if last > count => Some((count + 1, What::Cut)),
            Some(last) if self.apart && last < count => Some((last + 1, What::Foreign)),
            _ if self.apart => None,
            _ if listed != Some(&(count, self.head.0.to_vec())) => Some((count, What::List)),
            _ => None,
        }
    }
}

/// One row of the journal's own chain as it stands in the file.
struct Entry {
    number: i64,
    run: Vec<u8>,
    seq: i64,
    head: Vec<u8>,
    prev: Vec<u8>,
    hash: Hash,
}

impl Entry {
    fn read(row: &Row) -> Result<Entry, JournalError> {
        Ok(Entry {
            number: row.int(0)?,
            run: row.bytes(1)?,
            seq: row.int(2)?,
            head: row.bytes(3)?,
            prev: row.bytes(4)?,
            hash: Hash::from_slice(&row.bytes(5)?).unwrap_or(Hash([0; 32])),
        })
    }

    fn follows(&self, number: u64, prev: Hash) -> Result<(), &'static str> {
        if u64::try_from(self.number) != Ok(number) {
            return Err("entries before it are missing");
        }
        if self.prev != prev.0 {
            return Err("it does not follow the entry before it");
        }
        let run = std::str::from_utf8(&self.run).ok().and_then(|run| run.parse().ok());
        let Some(run) = run else { return Err("it names a run that is none") };
        let Some(head) = Hash::from_slice(&self.head) else { return Err("its hash is not one") };
        if chain::journal_link(number, prev, run, self.seq.unsigned_abs(), head) != self.hash {
            return Err("its hash is not that of its content");
        }
        Ok(())
    }
}
