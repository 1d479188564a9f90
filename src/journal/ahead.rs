//! The links of a long run are looked at on other processors while the store still delivers, and handed over in their order.
//!
//! What costs time is not the chain but what stands in it: hashing each payload, and finding the items that it is about. Neither
//! needs the link before, so several are done at once; that each link follows the one before it is seen when they are handed over.

use super::{
    chain::Hash,
    failure::JournalError,
    link::{Link, Payload},
    mention::Mention,
};
use crate::base::identity::RunId;
use std::{
    collections::VecDeque,
    ops::Range,
    sync::mpsc::{Receiver, sync_channel},
};

/// So many bytes are looked at as they come. A short run has no tasks, and who only wants the first words of a long one does
/// not wait for more of it.
const AT_ONCE: usize = 1 << 20;
/// So many bytes are worth a task of their own.
const WORTH: usize = 1 << 19;
/// So many tasks are under way at most: what is read and not handed over yet is held.
const UNDER_WAY: usize = 3;

/// What another processor found out about a link.
pub(super) struct Seen {
    /// Its hash is that of its content, and its payload's too, which is text; or what is wrong.
    pub(super) holds: Result<(), &'static str>,
    /// Its row says what its payload begins with.
    pub(super) alike: bool,
    /// Which items it is about, where its text tells.
    pub(super) mention: Option<Mention<'static>>,
}

/// Takes a link, and what was found out about it already.
pub(super) type Hand<'h> = &'h mut (dyn FnMut(&Link<'_>, Option<&Seen>) -> Result<(), JournalError> + Send);

/// The links that are looked at elsewhere.
pub(super) struct Ahead {
    run: RunId,
    /// So many bytes came so far, up to [`AT_ONCE`].
    came: usize,
    next: Batch,
    under_way: VecDeque<Receiver<(Batch, Vec<Seen>)>>,
    /// One was not taken: nothing behind it is handed over.
    refused: bool,
}

/// Some links, with their bytes one behind the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    links: Vec<Placed>,
}

struct Placed {
    seq: i64,
    at: i64,
    prev: Option<Hash>,
    hash: Hash,
    payload_hash: Option<Hash>,
    kind: Range<usize>,
    payload: Option<Range<usize>>,
}

impl Ahead {
    pub(super) fn of(run: RunId) -> Ahead {
        Ahead { run, came: 0, next: Batch::default(), under_way: VecDeque::new(), refused: false }
    }

    /// The next link. It is handed over now, or later, behind those that came before it.
    pub(super) fn add(&mut self, link: &Link<'_>, hand: Hand<'_>) -> Result<(), JournalError> {
        let added = self.added(link, hand);
        self.refused |= added.is_err();
        added
    }

    fn added(&mut self, link: &Link<'_>, hand: Hand<'_>) -> Result<(), JournalError> {
        if self.came < AT_ONCE {
            self.came += link.size();
            return hand(link, None);
        }
        self.next.add(link);
        if self.next.bytes.len() < WORTH {
            return Ok(());
        }
        let (run, batch) = (self.run, std::mem::take(&mut self.next));
        let (tell, told) = sync_channel(1);
        tokio::task::spawn_blocking(move || {
            let seen = batch.looked_at(run);
            // Nobody waits for it any more: an error came before it.
            let _ = tell.send((batch, seen));
        });
        self.under_way.push_back(told);
        if self.under_way.len() > UNDER_WAY { self.hand_over(hand) } else { Ok(()) }
    }

    /// All that came is handed over, if nothing was refused.
    pub(super) fn finish(mut self, hand: Hand<'_>) -> Result<(), JournalError> {
        if self.refused {
            return Ok(());
        }
        while !self.under_way.is_empty() {
            self.hand_over(hand)?;
        }
        self.next.links.iter().try_for_each(|placed| hand(&self.next.link(placed), None))
    }

    /// The oldest task's links. Nothing else could be done on this thread meanwhile than to hold more of them.
    fn hand_over(&mut self, hand: Hand<'_>) -> Result<(), JournalError> {
        let Some(told) = self.under_way.pop_front() else { return Ok(()) };
        let broken = |_| JournalError::Tampered { run: self.run, seq: 0, what: "reading it broke off".to_owned() };
        let (batch, seen) = told.recv().map_err(broken)?;
        batch.links.iter().zip(&seen).try_for_each(|(placed, seen)| hand(&batch.link(placed), Some(seen)))
    }
}

impl Batch {
    fn add(&mut self, link: &Link<'_>) {
        let mut put = |bytes: &[u8]| {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            from..self.bytes.len()
        };
        let (kind, payload) = (put(link.kind), link.bytes.map(&mut put));
        let Link { seq, at, prev, hash, payload_hash, .. } = *link;
        self.links.push(Placed { seq, at, prev, hash, payload_hash, kind, payload });
    }

    fn link(&self, placed: &Placed) -> Link<'_> {
        let part = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        let Placed { seq, at, prev, hash, payload_hash, .. } = *placed;
        Link { seq, at, prev, hash, payload_hash, kind: part(&placed.kind), bytes: placed.payload.as_ref().map(part) }
    }

    fn looked_at(&self, run: RunId) -> Vec<Seen> {
        let seen = |placed: &Placed| {
            let link = self.link(placed);
            let payload = link.holds_by_itself(run).and_then(|()| link.payload());
            let text = match &payload {
                Ok(Payload::Text(text)) if link.is_written_by_us(text) => Some(text),
                _ => None,
            };
            let mention = text.and_then(|text| Mention::of_text(link.kind(), text)).map(Mention::kept);
            Seen { alike: text.is_some(), mention, holds: payload.map(drop) }
        };
        self.links.iter().map(seen).collect()
    }
}
