//! The events of a run one after another, verified as they are read, and taken apart only where somebody asks for what is in
//! them: a run of a million items is looked through without holding it.
//!
//! What was passed over can be read later: by its number, and against the hash that the first reading came to. So nothing
//! is used that the chain did not cover when the run was read.

use super::{
    ahead::{Ahead, Seen},
    append::Appended,
    chain, compressed,
    event::Event,
    failure::JournalError,
    link::Link,
    mention::Mention,
    read::{MISSING, Stored},
    store::{Held, Inner, Journal},
};
use crate::base::{identity::RunId, time::Stamp};
use std::{borrow::Cow, sync::atomic::Ordering};

/// An event as it stands in the store. Its place in the chain and its bytes hold.
pub struct Sifted<'a> {
    run: RunId,
    /// Where it stands.
    pub place: Appended,
    kind: &'a str,
    stored: &'a [u8],
    /// Where it was unpacked to look at it.
    text: Option<Cow<'a, str>>,
    /// The row says what the payload begins with; else the payload is read to the end to compare.
    alike: bool,
    at: i64,
    /// Found out on another processor.
    seen: Option<&'a Seen>,
    inner: &'a Inner,
}

/// Takes one event after the other.
pub type Take<'t> = &'t mut (dyn FnMut(&Sifted<'_>) -> Result<(), JournalError> + Send);

impl Sifted<'_> {
    /// Its name: `step.read`.
    pub fn name(&self) -> &str {
        self.kind
    }

    /// When, and what.
    pub fn event(&self) -> Result<Stored, JournalError> {
        let (run, Appended { seq, head }) = (self.run, self.place);
        self.inner.decoded.fetch_add(1, Ordering::Relaxed);
        let decoded = Event::decode(&self.text()?, &self.inner.sealer);
        let (at, event) = decoded.map_err(|why| JournalError::Unreadable { run, seq, why })?;
        if !self.alike && (self.kind != event.name() || self.at != at.micros) {
            return Err(tampered(run, seq, "its name or time is not that of its payload"));
        }
        Ok(Stored { run, seq, at, hash: head, event })
    }

    /// Which items it is about, told to `each`. It is taken apart only where that cannot be told otherwise.
    pub fn mentions<T>(&self, each: impl FnOnce(&Mention<'_>) -> T) -> Result<T, JournalError> {
        let (text, found);
        let known = match self.seen {
            Some(seen) => seen.mention.as_ref(),
            None => {
                text = self.text()?;
                found = Mention::of_text(self.kind, &text).filter(|_| self.alike);
                found.as_ref()
            }
        };
        match known {
            Some(mention) => Ok(each(mention)),
            None => Ok(each(&Mention::of(&self.event()?.event))),
        }
    }

    /// Nothing: its payload is missing.
    fn of<'s>(
        link: &Link<'s>,
        seen: Option<&'s Seen>,
        run: RunId,
        inner: &'s Inner,
    ) -> Result<Option<Sifted<'s>>, JournalError> {
        let Some(stored) = link.bytes else { return Ok(None) };
        let place = Appended { seq: link.number(), head: link.hash };
        let (text, alike) = match seen {
            Some(seen) => (None, seen.alike),
            None => {
                let text = compressed::text(stored).map_err(|what| tampered(run, place.seq, what))?;
                let alike = link.is_written_by_us(&text);
                (Some(text), alike)
            }
        };
        Ok(Some(Sifted { run, place, kind: link.kind(), stored, text, alike, at: link.at, seen, inner }))
    }

    fn text(&self) -> Result<Cow<'_, str>, JournalError> {
        match &self.text {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => compressed::text(self.stored).map_err(|what| tampered(self.run, self.place.seq, what)),
        }
    }
}

/// Events that stand so near to each other are read in one go.
const NEAR: u64 = 64;

impl Journal {
    /// Every event of a run behind `after` (nothing: from the first), in order, each verified before it is handed over: a chain
    /// that does not hold is an error. Where the run ends now; nothing for an unknown run.
    ///
    /// The store is held meanwhile: `take` only notes.
    pub async fn sift(
        &self,
        run: RunId,
        after: Option<Appended>,
        take: Take<'_>,
    ) -> Result<Option<Appended>, JournalError> {
        let mut held = self.connection().await?;
        let inner = held.inner;
        let genesis = Appended { seq: 0, head: chain::genesis(inner.id, run) };
        let (mut end, mut missing, mut purged) = (after.unwrap_or(genesis), None, None);
        let mut hand = |link: &Link<'_>, seen: Option<&Seen>| {
            let seq = end.seq + 1;
            let holds = link.stands_behind(seq, end.head).and_then(|()| match seen {
                Some(seen) => seen.holds,
                None => link.holds_by_itself(run),
            });
            holds.map_err(|what| tampered(run, seq, what))?;
            let sifted = Sifted::of(link, seen, run, inner)?;
            end = Appended { seq, head: link.hash };
            match sifted {
                Some(sifted) => {
                    purged = if link.is(Event::PURGED) { Some(sifted.event()?.at) } else { None };
                    // What is behind a gap is looked at only to find out why the gap is there.
                    if missing.is_none() { take(&sifted) } else { Ok(()) }
                }
                None => {
                    missing.get_or_insert(seq);
                    Ok(())
                }
            }
        };
        let mut ahead = Ahead::of(run);
        let read = held.all_links(run, end_of(after), &mut |link| ahead.add(link, &mut hand)).await;
        // What the store could not deliver stands behind all that it did.
        ahead.finish(&mut hand).and(read)?;
        match (missing, purged) {
            (None, _) => Ok((end.seq > 0).then_some(end)),
            (Some(_), Some(at)) => Err(JournalError::Purged { run, at }),
            (Some(seq), None) => Err(tampered(run, seq, MISSING)),
        }
    }

    /// The events at these places, in order, compared with the hashes that an earlier reading came to.
    pub async fn events_at(&self, run: RunId, places: &[Appended]) -> Result<Vec<Stored>, JournalError> {
        let mut places = places.to_vec();
        places.sort_unstable_by_key(|place| place.seq);
        places.dedup_by_key(|place| place.seq);
        let mut held = self.connection().await?;
        let mut events = Vec::with_capacity(places.len());
        let mut rest = places.as_slice();
        while !rest.is_empty() {
            let near = rest.windows(2).position(|two| two[1].seq - two[0].seq > NEAR).map_or(rest.len(), |at| at + 1);
            let (now, later) = rest.split_at(near);
            held.events_in(run, now, &mut events).await?;
            rest = later;
        }
        Ok(events)
    }

    /// The last event of this name, as it stands in the store: for a look at what others wrote meanwhile.
    pub async fn latest(&self, run: RunId, name: &'static str) -> Result<Option<Stored>, JournalError> {
        let mut held = self.connection().await?;
        let statement = "SELECT seq FROM events WHERE run = $1 AND kind = $2 ORDER BY seq DESC LIMIT 1";
        let row = held.row(statement, &[(&run.to_string()).into(), name.into()]).await?;
        let Some(seq) = row.map(|row| row.int(0)).transpose()?.map(i64::unsigned_abs) else { return Ok(None) };
        let inner = held.inner;
        let mut found = None;
        held.links(run, seq.saturating_sub(1), seq, &mut |link| {
            link.is_still(run, link.hash).map_err(|what| tampered(run, seq, what))?;
            if let Some(sifted) = Sifted::of(link, None, run, inner)? {
                found = Some(sifted.event()?);
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }
}

fn tampered(run: RunId, seq: u64, what: &str) -> JournalError {
    JournalError::Tampered { run, seq, what: what.to_owned() }
}

fn end_of(after: Option<Appended>) -> u64 {
    after.map_or(0, |after| after.seq)
}

impl Held<'_> {
    /// Places that are near to each other.
    async fn events_in(
        &mut self,
        run: RunId,
        places: &[Appended],
        events: &mut Vec<Stored>,
    ) -> Result<(), JournalError> {
        let [first, ..] = places else { return Ok(()) };
        let inner = self.inner;
        let last = places.last().map_or(first.seq, |last| last.seq);
        let mut wanted = places.iter().peekable();
        self.links(run, first.seq - 1, last, &mut |link| {
            let seq = link.number();
            let Some(place) = wanted.next_if(|place| place.seq == seq) else { return Ok(()) };
            link.is_still(run, place.head).map_err(|what| tampered(run, seq, what))?;
            let sifted = Sifted::of(link, None, run, inner)?.ok_or_else(|| tampered(run, seq, MISSING))?;
            events.push(sifted.event()?);
            Ok(())
        })
        .await?;
        match wanted.next() {
            None => Ok(()),
            Some(gone) => Err(tampered(run, gone.seq, "it is gone since the run was read")),
        }
    }
}

impl Stored {
    /// Where it stands.
    pub fn place(&self) -> Appended {
        Appended { seq: self.seq, head: self.hash }
    }

    /// When, and what.
    pub fn said(self) -> (Stamp, Event) {
        (self.at, self.event)
    }
}
