//! A saved plan: JSON Lines, streamed. A header, one line an item, of many items what they come to, a trailer that holds the rest together. What
//! is in it is all that apply needs beside the project and the journal. Knows nothing of clocks, folders and journals: `ops` compares.
//!
//! Two things are held by the trailer: `sha256` over every byte before it, which anybody can compute, and `seal`, the
//! same under the journal's key, which only its owner can. `digest` is what an approval signs.

use super::{
    ItemPlan, Many, Plan, Tally,
    digest::{self, PlanDigest, Promise},
    many::HELD,
    stored,
};
use crate::{
    base::{
        identity::RunId,
        seal::{SealError, Sealer},
        time::Stamp,
        value::{Map, Value},
    },
    effect::{
        kept::Kept,
        matched::Matched,
        record::{BadRecord, Field},
    },
};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    io::{self, BufRead, Read, Seek, Write},
    sync::Arc,
};

/// The form of a plan.
pub const FORMAT: u32 = 1;
/// The form of a plan that takes a run back: a version that does not know it must not take it for a plan of the playbook.
pub const UNDO_FORMAT: u32 = 2;
/// The form of a plan of many items, whether it takes a run back or not, and the newest that this version reads: behind the items stands what
/// they come to, so that nobody has to take all of them apart to know it.
pub const MANY_FORMAT: u32 = 3;
/// How every plan file begins.
pub const BEGINS: &str = "{\"trueup_plan\":";
/// How the line of what many items come to begins.
const TALLIES: &str = "{\"trueup_plan_tally\":";
/// How the last line begins.
const ENDS: &str = "{\"trueup_plan_end\":";
/// A longer line is not one of ours.
const LONGEST_LINE: u64 = 256 * 1024 * 1024;

record! {
    /// The first line: whose plan it is, of what, against what, and until when.
    pub struct Header {
        /// The form of the file.
        trueup_plan: u32,
        /// Version of the engine that made it.
        engine: Arc<str>,
        /// Its identity: it is used once, and approvals name it.
        id: Arc<str>,
        /// The run that it will be: what it says of `run.id` stays true.
        run: RunId,
        /// The journal that it was made for.
        journal: Arc<str>,
        /// Name of the playbook.
        playbook: Arc<str>,
        /// Its version.
        version: u32,
        /// Its title.
        title: Arc<str>,
        /// Its file, relative to the project's folder where it lies below it.
        path: Arc<str>,
        /// The file as messages name it.
        shown: Arc<str>,
        /// Its text.
        text: Arc<str>,
        /// SHA-256 of the text.
        sha256: Arc<str>,
        /// The project file's text.
        facts: Arc<str>,
        /// SHA-256 of that.
        facts_sha256: Arc<str>,
        /// The environment.
        environment: Arc<str>,
        /// Parameters as accepted.
        params: Map,
        /// Which systems it was made against: connection and identity.
        targets: Vec<(Arc<str>, String)>,
        /// Who asked for it: may not approve it.
        actor: Arc<str>,
        /// Why, if that was said.
        reason: Option<String>,
        /// When it was made.
        made_at: Stamp,
        /// When it is too old to be begun.
        expires_at: Stamp,
        /// Of a playbook with targets: how many items the source had.
        items_of: Option<u64>,
        /// Of a playbook with targets: how many groups of one row were left out.
        lone: Option<u64>,
        /// Of a playbook whose items come from a comparison: how many records it looked at.
        matched: Option<Matched>,
        /// Of a plan that takes a run back: which one, and how.
        undo: Option<UndoOf>,
        /// The names of stored values that were read from tables of the target: by table, by column.
        names: Option<Value>,
    }
}

record! {
    /// What a plan takes back.
    pub struct UndoOf {
        /// The run.
        run: RunId,
        /// Only this item.
        item: Option<String>,
        /// One row that cannot be taken back stops the whole.
        all_or_nothing: bool,
    }
}

record! {
    /// Behind the items of many: what they come to.
    pub struct Tallied {
        /// All of it.
        trueup_plan_tally: Tally,
    }
}

record! {
    /// The last line.
    pub struct Trailer {
        /// The form of the file.
        trueup_plan_end: u32,
        /// How many items stand before.
        items: u64,
        /// What an approval signs.
        digest: Arc<str>,
        /// SHA-256 of every byte before this line.
        sha256: Arc<str>,
        /// HMAC of the three above under the journal's key.
        seal: Arc<str>,
    }
}

/// A plan with what its file says of it.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The first line.
    pub header: Header,
    /// The plan.
    pub plan: Plan,
    /// What an approval signs.
    pub digest: String,
}

impl Saved {
    /// The last eight digits of its identity: what people and commands use.
    pub fn short(&self) -> &str {
        self.header.short()
    }
}

impl Header {
    /// The last eight digits of the identity.
    pub fn short(&self) -> &str {
        self.id.get(self.id.len().saturating_sub(8)..).unwrap_or(&self.id)
    }

    fn plan(&self) -> Plan {
        Plan {
            playbook: self.playbook.clone(),
            version: self.version,
            title: self.title.clone(),
            text_hash: self.sha256.to_string(),
            params: self.params.clone(),
            environment: self.environment.clone(),
            targets: self.targets.clone(),
            at: self.made_at,
            items: Vec::new(),
            many: None,
        }
    }

    /// What is known of many items before the first of them.
    fn many(&self) -> Option<Box<Many>> {
        let of = self.items_of?;
        let (tally, digest, lone) = (Tally::default(), String::new(), self.lone.unwrap_or(0));
        let matched = self.matched.clone();
        Some(Box::new(Many { tally, digest, of, lone, matched, goes: None, file: None }))
    }
}

/// Writes the file. The plan that it gives back is the one that stands there, with what was masked and left out.
pub fn write(out: &mut impl Write, header: &Header, items: &[ItemPlan], sealer: &Sealer) -> Result<Saved, BadPlan> {
    let mut writer = Writer::begin(out, header, sealer)?;
    items.iter().try_for_each(|item| writer.add(item))?;
    Ok(writer.end()?.1)
}

/// A plan file that is written item by item. Holds the first ones.
pub struct Writer<'a, W: Write> {
    lines: Lines<W>,
    sealer: &'a Sealer,
    header: Header,
    plan: Plan,
    digest: PlanDigest,
    count: u64,
}

impl<'a, W: Write> Writer<'a, W> {
    /// The first line.
    pub fn begin(out: W, header: &Header, sealer: &'a Sealer) -> Result<Writer<'a, W>, BadPlan> {
        let mut lines = Lines { out, hash: Sha256::new() };
        let header: Header = lines.add(header, sealer)?;
        let mut plan = header.plan();
        plan.many = header.many();
        let digest = PlanDigest::of(&plan);
        Ok(Writer { lines, sealer, header, plan, digest, count: 0 })
    }

    /// The next item.
    pub fn add(&mut self, item: &ItemPlan) -> Result<(), BadPlan> {
        let mut item = item.clone();
        let mask = |text: &str| self.sealer.masked(text);
        item.steps.iter_mut().for_each(|step| step.masked(&mask));
        item.stop.iter_mut().for_each(|stop| stop.masked(&mask));
        let text = self.lines.put(&item, self.sealer)?;
        // What nobody hid comes back as it is; else what counts is what a reader will find.
        let hidden = text.contains("\"$sealed\"") || text.contains("\"$secret\"");
        debug_assert!(hidden || digest::alike(&item, &back(&text, self.sealer)?), "{text}");
        let item = if hidden { back(&text, self.sealer)? } else { item };
        self.digest.item(&item);
        self.count += 1;
        keep(&mut self.plan, item);
        Ok(())
    }

    /// The last line; gives back where it was written to, the plan, and the sum of all lines before the last.
    pub fn end(mut self) -> Result<(W, Saved, Arc<str>), BadPlan> {
        let digest = self.digest.end();
        if let Some(many) = self.plan.many.as_ref().filter(|_| self.header.trueup_plan >= MANY_FORMAT) {
            self.lines.put(&Tallied { trueup_plan_tally: many.tally.clone() }, self.sealer)?;
        }
        let trailer = Trailer::of(self.count, &digest, &hex(self.lines.hash.clone()), self.sealer)?;
        self.lines.add::<Trailer>(&trailer, self.sealer)?;
        self.lines.out.flush().map_err(BadPlan::Io)?;
        if let Some(many) = &mut self.plan.many {
            many.digest.clone_from(&digest);
        }
        all_taken(&mut self.plan, &self.header);
        Ok((self.lines.out, Saved { header: self.header, plan: self.plan, digest }, trailer.sha256))
    }
}

/// An undo takes every item that it has something to do for; how many those are is known at the end.
fn all_taken(plan: &mut Plan, header: &Header) {
    if let (Some(many), Some(_)) = (&mut plan.many, &header.undo) {
        many.of = many.tally.items;
    }
}

/// One item more of a plan: of many only the first ones stay, and all are counted.
pub fn keep(plan: &mut Plan, item: ItemPlan) {
    if let Some(many) = &mut plan.many {
        many.tally.add(&item);
        if plan.items.len() > HELD {
            return;
        }
    }
    plan.items.push(item);
}

/// The items of a file whose seal was looked at before.
pub struct Items<R> {
    file: R,
    sealer: Sealer,
    hash: Sha256,
    sha256: Arc<str>,
    over: bool,
}

impl<R: BufRead> Items<R> {
    /// Behind the first line. At the end the sum of all lines must be this one.
    pub fn of(mut file: R, sealer: &Sealer, sha256: Arc<str>) -> Result<Items<R>, BadPlan> {
        let mut line = Vec::new();
        next(&mut file, &mut line)?;
        Ok(Items { file, sealer: sealer.clone(), hash: Sha256::new_with_prefix(&line), sha256, over: false })
    }

    fn line(&mut self) -> Option<Result<Vec<u8>, BadPlan>> {
        if self.over {
            return None;
        }
        let mut line = Vec::new();
        if let Err(error) = next(&mut self.file, &mut line) {
            return Some(Err(error));
        }
        if line.starts_with(TALLIES.as_bytes()) {
            self.hash.update(&line);
            if let Err(error) = next(&mut self.file, &mut line) {
                return Some(Err(error));
            }
        }
        if line.is_empty() || line.starts_with(ENDS.as_bytes()) {
            self.over = true;
            let same = !line.is_empty() && hex(self.hash.clone()) == *self.sha256;
            return (!same).then(|| Err(damaged("it is another file than the one that was looked at")));
        }
        self.hash.update(&line);
        Some(Ok(line))
    }

    /// The next item, as it is recorded when a run begins; with what its source gave if that is asked for.
    pub fn listed(&mut self, with_given: bool) -> Option<Result<Listed, BadPlan>> {
        Some(self.line()?.and_then(|line| {
            let text = std::str::from_utf8(&line).map_err(|_| damaged("it is not text"))?;
            // Put together from the text of the line; where a secret in it is known by now, or the text does not tell enough, from the item.
            let whole = (!self.sealer.catches(text)).then(|| stored::of_line(text)).flatten();
            debug_assert!(whole.as_ref().is_none_or(|whole| same(text, whole, &self.sealer)), "{text}");
            let listed = whole.and_then(|whole| {
                let given =
                    whole.item.filter(|_| with_given).map(|item| self.sealer.open_json(item)).transpose().ok()?;
                Some(Listed { key: whole.key.into(), kept: Kept::Text(whole.kept), given })
            });
            match listed {
                Some(listed) => Ok(listed),
                None => decoded(&line, &self.sealer).map(|item: ItemPlan| Listed {
                    kept: stored::kept(&item),
                    key: item.key,
                    given: item.item,
                }),
            }
        }))
    }
}

/// An item of a plan, as it is recorded when a run begins.
pub struct Listed {
    /// Its key.
    pub key: Arc<str>,
    /// What the run keeps of it.
    pub kept: Kept,
    /// `item` as its steps see it.
    pub given: Option<Value>,
}

impl<R: BufRead> Iterator for Items<R> {
    type Item = Result<ItemPlan, BadPlan>;
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.line()?.and_then(|line| decoded(&line, &self.sealer)))
    }
}

/// What was put together from a line is what the item taken apart gives. Only looked at in builds with debug assertions.
fn same(line: &str, whole: &stored::OfLine<'_>, sealer: &Sealer) -> bool {
    let (Ok(item), Ok(found)) = (back::<ItemPlan>(line, sealer), sealer.open_json(&whole.kept)) else { return false };
    *item.key == *whole.key && format!("{found:?}") == format!("{:?}", stored::store(&item))
}

struct Lines<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Lines<W> {
    /// One line. What cannot be read back is not written.
    fn add<T: Field>(&mut self, record: &T, sealer: &Sealer) -> Result<T, BadPlan> {
        back(&self.put(record, sealer)?, sealer)
    }

    /// One line; as it was written.
    fn put<T: Field>(&mut self, record: &T, sealer: &Sealer) -> Result<String, BadPlan> {
        let mut out = sealer.writing();
        if !record.write(&mut out) {
            out.raw("null");
        }
        let mut text = out.end().map_err(BadPlan::Sealed)?;
        text.push('\n');
        self.hash.update(text.as_bytes());
        self.out.write_all(text.as_bytes()).map_err(BadPlan::Io)?;
        Ok(text)
    }
}

fn back<T: Field>(text: &str, sealer: &Sealer) -> Result<T, BadPlan> {
    let read: Option<T> = sealer.open_as(text, T::read);
    debug_assert!(read.as_ref().is_none_or(|read| is(read, text, sealer)), "{text}");
    match read {
        Some(read) => Ok(read),
        // It is wrong, and this says how; or it is only unusual.
        None => of_tree(text, sealer),
    }
}

/// What was read field by field is what the tree gives. Only looked at in builds with debug assertions.
fn is<T: Field>(read: &T, text: &str, sealer: &Sealer) -> bool {
    let tree = of_tree::<T>(text, sealer).ok().and_then(|tree| tree.store());
    tree.is_some_and(|tree| format!("{tree:?}") == format!("{:?}", read.store().unwrap_or(Value::NULL)))
}

fn of_tree<T: Field>(text: &str, sealer: &Sealer) -> Result<T, BadPlan> {
    let back = sealer.open_json(text).map_err(BadPlan::Sealed)?;
    T::load(Some(&back)).map_err(BadPlan::Record)
}

impl Trailer {
    fn of(items: u64, digest: &str, sha256: &str, sealer: &Sealer) -> Result<Trailer, BadPlan> {
        let seal = Trailer::seal(items, digest, sha256, sealer)?;
        Ok(Trailer {
            trueup_plan_end: FORMAT,
            items,
            digest: digest.into(),
            sha256: sha256.into(),
            seal: seal.as_str().into(),
        })
    }

    fn seal(items: u64, digest: &str, sha256: &str, sealer: &Sealer) -> Result<String, BadPlan> {
        let text = format!("trueup plan {FORMAT} {items} {digest} {sha256}");
        sealer.fingerprint(&Value::from(text)).map_err(BadPlan::Sealed)
    }
}

/// Reads a file that [`write`] made; every byte is as it was written, or it is refused. Without its key the personal
/// parts are unknown, and only the sum that anybody can compute is compared.
pub fn read(file: &mut (impl BufRead + Seek), sealer: &Sealer) -> Result<Saved, BadPlan> {
    read_with_sum(file, sealer).map(|(saved, _)| saved)
}

/// What the first line says, before anything else was looked at: to be believed only once the file was read.
pub fn claimed(file: &mut impl BufRead, sealer: &Sealer) -> Result<Header, BadPlan> {
    let mut line = Vec::new();
    first(file, &mut line)?;
    decoded(&line, sealer)
}

/// The same as [`read`], with the sum of every line before the last.
pub fn read_with_sum(file: &mut (impl BufRead + Seek), sealer: &Sealer) -> Result<(Saved, Arc<str>), BadPlan> {
    let (trailer, before) = checked(file)?;
    let sealed = sealer.key_id().is_some();
    if sealed && Trailer::seal(trailer.items, &trailer.digest, &trailer.sha256, sealer)? != *trailer.seal {
        return Err(BadPlan::OtherSeal);
    }
    file.rewind().map_err(BadPlan::Io)?;
    let mut line = Vec::new();
    next(file, &mut line)?;
    let header: Header = decoded(&line, sealer)?;
    let mut plan = header.plan();
    plan.many = header.many();
    // Under the seal stands what this journal's owner wrote. Who has no key counts for himself.
    let tallied = header.trueup_plan >= MANY_FORMAT && sealed;
    if let Some(many) = plan.many.as_mut().filter(|_| tallied) {
        let tallied: Tallied = decoded(&before, sealer)?;
        many.tally = tallied.trueup_plan_tally;
        for _ in 0..trailer.items.min(HELD as u64 + 1) {
            next(file, &mut line)?;
            plan.items.push(decoded(&line, sealer)?);
        }
        #[cfg(debug_assertions)]
        file.rewind().map_err(BadPlan::Io).and_then(|()| as_counted(file, &header, &plan, &trailer, sealer))?;
    } else {
        counted(file, &header, &mut plan, &trailer, sealer)?;
    }
    if let Some(many) = &mut plan.many {
        many.digest = trailer.digest.to_string();
    }
    all_taken(&mut plan, &header);
    Ok((Saved { header, plan, digest: trailer.digest.to_string() }, trailer.sha256))
}

/// Takes every item apart: counts them, holds the first ones, and looks whether they promise what was signed.
fn counted(
    file: &mut impl BufRead,
    header: &Header,
    plan: &mut Plan,
    trailer: &Trailer,
    sealer: &Sealer,
) -> Result<(), BadPlan> {
    let mut digest = PlanDigest::of(plan);
    let mut left = trailer.items;
    while left > 0 {
        // Two processors take them apart; what is counted is counted in order.
        let (one, other) = (block(file, &mut left)?, block(file, &mut left)?);
        let (one, other) = if other.is_empty() {
            (judged(&one, sealer), Vec::new())
        } else {
            std::thread::scope(|scope| {
                let beside = scope.spawn(|| judged(&other, sealer));
                (judged(&one, sealer), beside.join().unwrap_or_else(|_| vec![Err(damaged("it cannot be read"))]))
            })
        };
        for judged in one.into_iter().chain(other) {
            let (item, promise) = judged?;
            digest.promise(&promise);
            keep(plan, item);
        }
    }
    let mut line = Vec::new();
    next(file, &mut line)?;
    if header.trueup_plan >= MANY_FORMAT && line.starts_with(TALLIES.as_bytes()) {
        next(file, &mut line)?;
    }
    if !line.starts_with(ENDS.as_bytes()) {
        return Err(damaged("it has another number of items than it says"));
    }
    if sealer.key_id().is_some() && digest.end() != *trailer.digest {
        return Err(damaged("its digest is not that of its content"));
    }
    Ok(())
}

/// What stands there is what counting gives: tested with every plan that a test reads.
#[cfg(debug_assertions)]
fn as_counted(
    file: &mut impl BufRead,
    header: &Header,
    plan: &Plan,
    trailer: &Trailer,
    sealer: &Sealer,
) -> Result<(), BadPlan> {
    next(file, &mut Vec::new())?;
    let mut again = header.plan();
    again.many = header.many();
    counted(file, header, &mut again, trailer, sealer)?;
    assert_eq!(format!("{:?}", again.tally()), format!("{:?}", plan.tally()));
    assert_eq!(again.items.len(), plan.items.len());
    Ok(())
}

/// So many items are taken apart by one processor at a time.
const BLOCK: u64 = 128;

/// The lines of the next items.
fn block(file: &mut impl BufRead, left: &mut u64) -> Result<Vec<Vec<u8>>, BadPlan> {
    let count = (*left).min(BLOCK);
    *left -= count;
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = Vec::new();
        next(file, &mut line)?;
        lines.push(line);
    }
    Ok(lines)
}

fn judged(lines: &[Vec<u8>], sealer: &Sealer) -> Vec<Result<(ItemPlan, Promise), BadPlan>> {
    let one = |line: &Vec<u8>| {
        let item: ItemPlan = decoded(line, sealer)?;
        let promise = Promise::of(&item);
        Ok((item, promise))
    };
    lines.iter().map(one).collect()
}

/// The trailer and the line before it, when the sum fits: looked at before anything of the content is believed.
fn checked(file: &mut (impl BufRead + Seek)) -> Result<(Trailer, Vec<u8>), BadPlan> {
    file.rewind().map_err(BadPlan::Io)?;
    let (mut line, mut before, mut hash) = (Vec::new(), Vec::new(), Sha256::new());
    first(file, &mut line)?;
    loop {
        if line.is_empty() {
            return Err(damaged("its end is missing"));
        }
        if line.starts_with(ENDS.as_bytes()) {
            break;
        }
        hash.update(&line);
        std::mem::swap(&mut line, &mut before);
        next(file, &mut line)?;
    }
    let (last, mut more) = (line, Vec::new());
    next(file, &mut more)?;
    if !more.is_empty() {
        return Err(damaged("something stands behind its end"));
    }
    let nobody = Sealer::without_key(Default::default());
    let trailer: Trailer = decoded(&last, &nobody)?;
    // One trailer has one text: a blank or another order of its parts is a changed byte too.
    let again = nobody.sealed_json(&trailer.store().unwrap_or(Value::NULL)).map_err(BadPlan::Sealed)?;
    if format!("{again}\n").as_bytes() != last || trailer.trueup_plan_end != FORMAT {
        return Err(damaged("its last line is not as it was written"));
    }
    if hex(hash) != *trailer.sha256 {
        return Err(damaged("its content does not fit its sum"));
    }
    Ok((trailer, before))
}

/// The first line. What does not begin as a plan is none, however it ends.
fn first(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<(), BadPlan> {
    match next(file, line) {
        Err(unread @ BadPlan::Io(_)) => Err(unread),
        read => format_of(line).and(read),
    }
}

/// The form that the first line names.
fn format_of(line: &[u8]) -> Result<(), BadPlan> {
    if !line.starts_with(BEGINS.as_bytes()) {
        return Err(BadPlan::NotAPlan);
    }
    // Only the number: what else a later form holds is not known here.
    let digits: String =
        line[BEGINS.len()..].iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    match digits.parse::<u32>() {
        Ok(FORMAT..=MANY_FORMAT) => Ok(()),
        Ok(format) if format > MANY_FORMAT => Err(BadPlan::Newer { format }),
        _ => Err(damaged("its first line names no form")),
    }
}

/// The next line with its line feed; empty at the end.
fn next(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<(), BadPlan> {
    line.clear();
    file.by_ref().take(LONGEST_LINE).read_until(b'\n', line).map_err(BadPlan::Io)?;
    if line.last().is_some_and(|b| *b != b'\n') {
        return Err(damaged("its last line has no end"));
    }
    Ok(())
}

fn decoded<T: Field>(line: &[u8], sealer: &Sealer) -> Result<T, BadPlan> {
    back(std::str::from_utf8(line).map_err(|_| damaged("it is not text"))?, sealer)
}

/// SHA-256 of a text, as hexadecimal digits.
pub fn sum(text: &str) -> String {
    hex(Sha256::new_with_prefix(text.as_bytes()))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// The number of a plan file's form, if the text begins as one: to tell it from a playbook.
pub fn begins(text: &[u8]) -> bool {
    text.starts_with(BEGINS.as_bytes())
}

fn damaged(what: &'static str) -> BadPlan {
    BadPlan::Damaged { what }
}

/// Why a file is not a plan that can be used. Reads well after `PATH `.
#[derive(Debug)]
pub enum BadPlan {
    /// It cannot be read or written.
    Io(io::Error),
    /// Something else.
    NotAPlan,
    /// Made by a later version.
    Newer {
        /// Its form.
        format: u32,
    },
    /// Not as it was written, and what shows it.
    Damaged {
        /// A fragment.
        what: &'static str,
    },
    /// Whole, but not sealed with the key of this journal.
    OtherSeal,
    /// A sealed part that does not open, or that cannot be sealed.
    Sealed(SealError),
    /// A part is missing or of another form.
    Record(BadRecord),
}

impl BadPlan {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            BadPlan::Io(_) => "look at the path and its rights",
            BadPlan::NotAPlan => "`trueup plan PLAYBOOK … --out FILE` makes one",
            BadPlan::Newer { .. } => {
                "use the version of trueup that made it, or a later one; or plan again with this one"
            }
            BadPlan::Damaged { .. } | BadPlan::Record(_) => {
                "plan again, and hand the file on as it is: every byte counts"
            }
            BadPlan::OtherSeal | BadPlan::Sealed(_) => {
                "use it with the journal and the key that it was made with; or plan again"
            }
        }
    }
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadPlan::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                f.write_str("cannot be read: there is no such file")
            }
            BadPlan::Io(error) => write!(f, "cannot be used: {}", error.kind()),
            BadPlan::NotAPlan => f.write_str("is not a saved plan"),
            BadPlan::Newer { format } => {
                write!(f, "is a plan in form {format}; this version of trueup reads up to {MANY_FORMAT}")
            }
            BadPlan::Damaged { what } => write!(f, "is not as it was written: {what}"),
            BadPlan::OtherSeal => {
                f.write_str("is not sealed with the key of this journal: it was changed, or made elsewhere")
            }
            BadPlan::Sealed(why) => write!(f, "cannot be opened: {why}"),
            BadPlan::Record(bad) => write!(f, "is not as it was written: {bad}"),
        }
    }
}

impl std::error::Error for BadPlan {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BadPlan::Io(error) => Some(error),
            BadPlan::Sealed(error) => Some(error),
            _ => None,
        }
    }
}
