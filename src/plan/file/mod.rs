//! A saved plan: JSON Lines, streamed. A header, one line an item, of many items what they come to, a trailer that holds the rest together. What
//! is in it is all that apply needs beside the project and the journal. Knows nothing of clocks, folders and journals: `ops` compares.
//!
//! Two things are held by the trailer: `sha256` over every byte before it, which anybody can compute, and `seal`, the
//! same under the journal's key, which only its owner can. `digest` is what an approval signs.

mod bad;
mod items;
mod read;
mod write;

pub use bad::BadPlan;
pub use items::{Items, Listed};
pub use read::{claimed, read, read_with_sum};
pub use write::{Writer, write};

use super::{ItemPlan, Many, Plan, Tally, many::HELD};
use crate::{
    base::{
        identity::RunId,
        seal::Sealer,
        time::Stamp,
        value::{Map, Value},
    },
    effect::{matched::Matched, record::Field},
};
use sha2::{Digest, Sha256};
use std::{
    io::{BufRead, Read},
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
        /// Names or paths of steps whose effects are left as they are.
        leave: Option<Vec<Arc<str>>>,
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
