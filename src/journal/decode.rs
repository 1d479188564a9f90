//! Payloads of a long run become events on several processors, while the store still delivers.

use super::{chain::Hash, event::Event, failure::JournalError, link::Link, read::Stored};
use crate::base::{identity::RunId, seal::Sealer};
use tokio::task::JoinHandle;

/// So many bytes of payloads are worth a task of their own. A short run never has one.
const WORTH: usize = 1 << 20;

/// A payload whose hash holds.
struct Raw {
    seq: u64,
    hash: Hash,
    text: String,
    /// Name and time of its row, where they still have to be compared with what the payload says.
    row: Option<(Vec<u8>, i64)>,
}

/// The events of one run, in order.
pub(super) struct Decoding {
    run: RunId,
    sealer: Sealer,
    begun: Vec<JoinHandle<Result<Vec<Stored>, JournalError>>>,
    raw: Vec<Raw>,
    bytes: usize,
}

impl Decoding {
    pub(super) fn of(run: RunId, sealer: Sealer) -> Decoding {
        Decoding { run, sealer, begun: Vec::new(), raw: Vec::new(), bytes: 0 }
    }

    /// The next one. Its place in the chain was looked at.
    pub(super) fn add(&mut self, seq: u64, link: &Link<'_>, text: String) {
        let row = (!link.is_written_by_us(&text)).then(|| link.row());
        self.bytes += text.len();
        self.raw.push(Raw { seq, hash: link.hash, text, row });
        if self.bytes >= WORTH {
            let (run, sealer, raw) = (self.run, self.sealer.clone(), std::mem::take(&mut self.raw));
            self.bytes = 0;
            self.begun.push(tokio::task::spawn_blocking(move || decoded(run, &sealer, raw)));
        }
    }

    /// All of them.
    pub(super) async fn finish(self) -> Result<Vec<Stored>, JournalError> {
        let last = decoded(self.run, &self.sealer, self.raw)?;
        let mut events = Vec::new();
        for task in self.begun {
            let broken = |e: tokio::task::JoinError| JournalError::Tampered {
                run: self.run,
                seq: 0,
                what: format!("reading it broke off: {e}"),
            };
            events.extend(task.await.map_err(broken)??);
        }
        events.extend(last);
        Ok(events)
    }
}

fn decoded(run: RunId, sealer: &Sealer, raw: Vec<Raw>) -> Result<Vec<Stored>, JournalError> {
    let one = |Raw { seq, hash, text, row }: Raw| {
        let decoded = Event::decode(&text, sealer);
        let (at, event) = decoded.map_err(|why| JournalError::Unreadable { run, seq, why })?;
        match row {
            Some((kind, when)) if kind != event.name().as_bytes() || when != at.micros => {
                let what = "its name or time is not that of its payload".to_owned();
                Err(JournalError::Tampered { run, seq, what })
            }
            _ => Ok(Stored { run, seq, at, hash, event }),
        }
    };
    raw.into_iter().map(one).collect()
}
