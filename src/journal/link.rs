//! One link of a chain as it stands in the store, and whether it fits the one before it.

use super::{
    chain::{self, Hash},
    compressed,
    event::{Event, FORMAT},
    failure::JournalError,
    sql::Sql,
    sqlite,
    store::{Held, Store},
};
use crate::base::{identity::RunId, seal::Sealer, time::Stamp};
use futures_util::TryStreamExt;
use sqlx::{ColumnIndex, Database, Decode, Row, Type, postgres::PgRow};
use std::borrow::Cow;

/// The chain of a run behind one event up to another, for [`Link::of`]. The casts are for files that somebody put other types into: that is a finding,
/// not an error.
const CHAIN: Sql = Sql {
    sqlite: "
        SELECT CAST(e.seq AS INTEGER), CAST(e.kind AS BLOB), CAST(e.at AS INTEGER), CAST(e.prev AS BLOB),
               CAST(e.hash AS BLOB), CAST(e.payload_hash AS BLOB), CAST(p.bytes AS BLOB)
        FROM events e LEFT JOIN payloads p ON p.run = e.run AND p.seq = e.seq
        WHERE e.run = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq",
    postgres: "
        SELECT e.seq, convert_to(e.kind, 'UTF8'), e.at, e.prev, e.hash, e.payload_hash, p.bytes
        FROM events e LEFT JOIN payloads p ON p.run = e.run AND p.seq = e.seq
        WHERE e.run = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq",
};

/// How many events come in one row, where they are as this version writes them and not large.
const PACK: u64 = 64;

/// Stands between the parts of a piece that are text: number, name, time, length of the payload. Then come the three hashes and the payload as
/// they are.
const WITHIN: u8 = 0x1f;
const HASHES: usize = 3 * 32;

/// The chain of a run behind one event, many events in one row: what a row costs on its way through the driver is more than what
/// verifying it takes. Events without a payload, with a large one or with parts of another type or length than this version writes are left out, and read as
/// [`CHAIN`] has them.
const PACKS: Sql = Sql {
    sqlite: "
        WITH RECURSIVE
            last(seq) AS (SELECT CAST(seq AS INTEGER) FROM events WHERE run = $1 ORDER BY seq DESC LIMIT 1),
            pack(first) AS (SELECT $2 UNION ALL SELECT first + 64 FROM pack WHERE first + 64 < (SELECT seq FROM last))
        SELECT first, (
            SELECT CAST(group_concat(piece, '') AS BLOB) FROM (
                SELECT CAST(e.seq AS INTEGER) || char(31) || e.kind || char(31) || CAST(e.at AS INTEGER) || char(31) ||
                       length(p.bytes) || char(31) || e.prev || e.hash || e.payload_hash || p.bytes AS piece
                FROM events e JOIN payloads p ON p.run = e.run AND p.seq = e.seq
                WHERE e.run = $1 AND e.seq > first AND e.seq <= first + 64 AND length(p.bytes) <= 8192
                  AND typeof(p.bytes) = 'blob' AND length(e.prev) = 32 AND length(e.hash) = 32 AND length(e.payload_hash) = 32
                ORDER BY e.seq))
        FROM pack WHERE first < (SELECT seq FROM last)",
    postgres: "
        SELECT first, (
            SELECT string_agg(convert_to(concat_ws(E'\\x1f', e.seq, e.kind, e.at, octet_length(p.bytes), ''), 'UTF8')
                              || e.prev || e.hash || e.payload_hash || p.bytes, ''::bytea ORDER BY e.seq)
            FROM events e JOIN payloads p ON p.run = e.run AND p.seq = e.seq
            WHERE e.run = $1 AND e.seq > first AND e.seq <= first + 64 AND octet_length(p.bytes) <= 8192
              AND octet_length(e.prev) = 32 AND octet_length(e.hash) = 32 AND octet_length(e.payload_hash) = 32)
        FROM generate_series($2::bigint, (SELECT max(seq) FROM events WHERE run = $1) - 1, 64) AS first",
};

/// One row of a chain.
pub(super) struct Link<'r> {
    pub(super) seq: i64,
    pub(super) kind: &'r [u8],
    pub(super) at: i64,
    /// Nothing: not 32 bytes.
    pub(super) prev: Option<Hash>,
    pub(super) hash: Hash,
    pub(super) payload_hash: Option<Hash>,
    /// The payload as it is stored.
    pub(super) bytes: Option<&'r [u8]>,
}

/// What an event says.
pub(super) enum Payload<'r> {
    Text(Cow<'r, str>),
    Missing,
}

/// Takes one link after the other.
pub(super) type Each<'a> = &'a mut (dyn FnMut(&Link<'_>) -> Result<(), JournalError> + Send);

impl<'r> Link<'r> {
    pub(super) fn of<R>(row: &'r R) -> Result<Link<'r>, sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
        &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
        R::Database: Database,
    {
        Ok(Link {
            seq: row.try_get(0)?,
            kind: row.try_get(1)?,
            at: row.try_get(2)?,
            prev: Hash::from_slice(row.try_get(3)?),
            // Not 32 bytes: a hash that fits nothing.
            hash: Hash::from_slice(row.try_get(4)?).unwrap_or(Hash([0; 32])),
            payload_hash: Hash::from_slice(row.try_get(5)?),
            bytes: row.try_get(6)?,
        })
    }

    /// The first one of a pack, and what comes behind it; nothing when that is not as it is written.
    fn first_of(pack: &'r [u8]) -> Option<(Link<'r>, &'r [u8])> {
        let mut parts = pack.splitn(5, |byte| *byte == WITHIN);
        let (seq, kind, at, length, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let int = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<i64>().ok();
        let (hashes, rest) = rest.split_at_checked(HASHES)?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(int(length)?).ok()?)?;
        let hash = |at: usize| Hash::from_slice(hashes.get(32 * at..32 * at + 32)?);
        let (prev, own, payload_hash) = (hash(0)?, hash(1)?, hash(2)?);
        let link = Link {
            seq: int(seq)?,
            kind,
            at: int(at)?,
            prev: Some(prev),
            hash: own,
            payload_hash: Some(payload_hash),
            bytes: Some(bytes),
        };
        Some((link, rest))
    }

    /// It is event `seq` of `run` and comes after the event with the hash `head`.
    pub(super) fn follows(&self, run: RunId, seq: u64, head: Hash) -> Result<(), &'static str> {
        self.stands_behind(seq, head)?;
        self.holds(run, seq, head)
    }

    /// It says that it is event `seq` and comes after the event with the hash `head`.
    pub(super) fn stands_behind(&self, seq: u64, head: Hash) -> Result<(), &'static str> {
        if self.number() != seq {
            return Err("events before it are missing");
        }
        if self.prev != Some(head) {
            return Err("it does not follow the event before it");
        }
        Ok(())
    }

    /// Its hash is that of its content: of the number and of the event before it that it says.
    pub(super) fn holds_by_itself(&self, run: RunId) -> Result<(), &'static str> {
        let Some(prev) = self.prev else { return Err("it does not follow the event before it") };
        self.holds(run, self.number(), prev)
    }

    /// How many bytes the text of its payload has.
    pub(super) fn size(&self) -> usize {
        self.bytes.map_or(0, compressed::length)
    }

    /// Number within the run; of a row that has none, one that no event has.
    pub(super) fn number(&self) -> u64 {
        u64::try_from(self.seq).unwrap_or(0)
    }

    /// It is still the event with this hash, which an earlier reading of the whole chain came to.
    pub(super) fn is_still(&self, run: RunId, known: Hash) -> Result<(), &'static str> {
        self.holds_by_itself(run)?;
        if self.hash == known { Ok(()) } else { Err("it was changed since the run was read") }
    }

    fn holds(&self, run: RunId, seq: u64, head: Hash) -> Result<(), &'static str> {
        let Some(payload_hash) = self.payload_hash else {
            return Err("its payload's hash is not one");
        };
        if chain::link(run, seq, head, payload_hash) != self.hash {
            return Err("its hash is not that of its content");
        }
        match self.bytes {
            Some(bytes) if Hash::of_payload(bytes) != payload_hash => Err("its payload was changed"),
            _ => Ok(()),
        }
    }

    pub(super) fn payload(&self) -> Result<Payload<'r>, &'static str> {
        self.bytes.map_or(Ok(Payload::Missing), |bytes| compressed::text(bytes).map(Payload::Text))
    }

    /// The name as the row has it.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind.as_bytes()
    }

    /// The name as the row has it; of a row whose name is not even text, one that no event has.
    pub(super) fn kind(&self) -> &'r str {
        std::str::from_utf8(self.kind).unwrap_or_default()
    }

    /// Name and time as the row has them.
    pub(super) fn row(&self) -> (Vec<u8>, i64) {
        (self.kind.to_vec(), self.at)
    }

    /// The name and the time that its payload says are those of the row.
    fn says(&self, at: Stamp, kind: &str) -> Result<(), &'static str> {
        if self.is(kind) && at.micros == self.at { Ok(()) } else { Err("its name or time is not that of its payload") }
    }

    /// The same, by the outermost fields of the payload. An event of a later version passes: it is as it was written,
    /// even if this version cannot use it.
    pub(super) fn says_what_its_payload_says(&self, text: &str, sealer: &Sealer) -> Result<(), &'static str> {
        if self.is_written_by_us(text) {
            return Ok(());
        }
        match Event::header(text, sealer) {
            Ok((at, kind)) => self.says(at, &kind),
            Err(_) => Ok(()),
        }
    }

    /// It begins as this version writes an event of this name at this time, so it need not be read to the end.
    pub(super) fn is_written_by_us(&self, text: &str) -> bool {
        let Ok(kind) = std::str::from_utf8(self.kind) else { return false };
        // For each of very many: nothing is put together to be compared.
        let rest = text.strip_prefix(r#"{"trueup":"#).and_then(|rest| number_of(rest, i64::from(FORMAT)));
        let rest =
            rest.and_then(|rest| rest.strip_prefix(r#","event":""#)?.strip_prefix(kind)?.strip_prefix(r#"","at":"#));
        rest.and_then(|rest| number_of(rest, self.at)).is_some_and(|rest| rest.starts_with([',', '}']))
    }
}

impl Held<'_> {
    /// The links of a chain behind event `after` up to event `through`, in order, as they come out of the store.
    pub(super) async fn links(
        &mut self,
        run: RunId,
        after: u64,
        through: u64,
        each: Each<'_>,
    ) -> Result<(), JournalError> {
        let (place, unfinished, name) = (self.inner.place.clone(), self.state.unfinished, run.to_string());
        let cells = [(&name).into(), number(after).into(), number(through).into()];
        match &mut self.state.store {
            Store::File(None) => Err(self.closed()),
            Store::File(Some(file)) => {
                let mut rows = CHAIN.for_sqlite(&cells).fetch(file);
                let failed = |e| sqlite::failed(&place, e);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    each(&Link::of(&row).map_err(failed)?)?;
                }
                Ok(())
            }
            Store::Server(server) => {
                let take = &mut |row: &PgRow| Ok(each(&Link::of(row)?));
                server.stream(CHAIN, &cells, unfinished, take).await
            }
        }
    }

    /// All links behind event `after`, as [`Held::links`] gives them, and several times as fast: many come in one row. Whatever is
    /// not as this version writes it comes row by row after all, so that what is wrong with it is said in the same words.
    pub(super) async fn all_links(&mut self, run: RunId, after: u64, each: Each<'_>) -> Result<(), JournalError> {
        let mut at = after;
        while let Some(odd) = self.packed(run, &mut at, each).await? {
            let mut found = 0_u64;
            let mut counted = |link: &Link<'_>| {
                found += 1;
                each(link)
            };
            self.links(run, at, odd, &mut counted).await?;
            if found == 0 {
                return self.links(run, at, u64::MAX, each).await;
            }
            at = odd;
        }
        // A pack does not tell that something is missing at its end: what stands behind the last one comes row by row too.
        self.links(run, at, u64::MAX, each).await
    }

    /// The links behind event `at` that come in packs; `at` moves on to the last that was taken. Where a pack holds something
    /// odd: the event to which they are to be read row by row.
    pub(super) async fn packed(
        &mut self,
        run: RunId,
        at: &mut u64,
        each: Each<'_>,
    ) -> Result<Option<u64>, JournalError> {
        let (place, unfinished, name) = (self.inner.place.clone(), self.state.unfinished, run.to_string());
        let cells = [(&name).into(), number(*at).into()];
        match &mut self.state.store {
            Store::File(None) => Err(self.closed()),
            Store::File(Some(file)) => {
                let mut rows = PACKS.for_sqlite(&cells).fetch(file);
                let failed = |e| sqlite::failed(&place, e);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    let (first, pack): (i64, Option<&[u8]>) =
                        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
                    if let Some(odd) = unpacked(first, pack, at, each)? {
                        return Ok(Some(odd));
                    }
                }
                Ok(None)
            }
            Store::Server(server) => {
                let mut odd = None;
                let take = &mut |row: &PgRow| {
                    let (first, pack): (i64, Option<&[u8]>) = (row.try_get(0)?, row.try_get(1)?);
                    if odd.is_none() {
                        match unpacked(first, pack, at, each) {
                            Ok(found) => odd = found,
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    Ok(Ok(()))
                };
                server.stream(PACKS, &cells, unfinished, take).await?;
                Ok(odd)
            }
        }
    }
}

/// The links of one pack, behind event `first`. Gives the last event that the pack could hold when something in it is not as it
/// is written.
fn unpacked(first: i64, pack: Option<&[u8]>, at: &mut u64, each: Each<'_>) -> Result<Option<u64>, JournalError> {
    let first = u64::try_from(first).unwrap_or(0);
    let end = Some(first.saturating_add(PACK));
    if first != *at {
        return Ok(end);
    }
    let mut rest = pack.unwrap_or_default();
    if rest.is_empty() {
        return Ok(end);
    }
    while !rest.is_empty() {
        match Link::first_of(rest) {
            Some((link, behind)) if link.number() == *at + 1 => {
                each(&link)?;
                *at += 1;
                rest = behind;
            }
            // A gap, and what somebody wrote into it: row by row shows which.
            _ => return Ok(end),
        }
    }
    Ok(None)
}

/// What comes behind a number, where the text begins with it as it is written.
fn number_of(text: &str, number: i64) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let canonical = !(digits.len() > 1 && digits.trim_start_matches('-').starts_with('0'));
    (canonical && digits.parse() == Ok(number)).then_some(rest)
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
