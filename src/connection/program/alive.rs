//! Which processes belong to a call of a program, as the system tells: by their parents, and by the variable that each of them inherits.
//! Where there is no `/proc`, nothing can be told.

use crate::connection::standing::short_hash;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

/// The variable that a program sees in each attempt at one step, and hands on to all that it starts.
pub(super) const MARK: &str = "TRUEUP_CALL";

/// The name of a process that keeps a program.
pub(super) const KEEPER: &str = "program-keeper";

/// A process that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// Its number.
    pub pid: u32,
    /// Its short name, as the system keeps it.
    pub name: String,
}

/// Processes can be looked at here.
pub fn can_be_told() -> bool {
    Path::new("/proc/self/environ").exists()
}

/// The mark of all attempts at one effect. Its name is hashed, because that of an item may be about a person.
pub fn mark_of(effect: &str) -> String {
    short_hash("program's call", effect)
}

/// What still runs of the calls with this mark: the programs, what they started, and who keeps them.
pub fn of(mark: &str) -> Vec<Alive> {
    let wanted = format!("{MARK}={mark}");
    let carries = |pid: &u32| {
        let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    let ours = std::process::id();
    let found = processes().filter(|pid| *pid != ours).filter(carries);
    found.filter_map(|pid| Some(Alive { pid, name: stat(pid)?.0 })).collect()
}

/// A keeper of somebody else is there, whose variables may not be read: it may be the one of a call that is looked for.
pub fn is_one_hidden() -> bool {
    let hidden = |pid: &u32| fs::read(format!("/proc/{pid}/environ")).is_err();
    processes().filter(|pid| stat(*pid).is_some_and(|(name, _)| name == KEEPER)).any(|pid| hidden(&pid))
}

/// The processes below this one, at any depth.
pub(super) fn below(top: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in processes() {
        if let Some((_, parent)) = stat(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut seen, mut next) = (Vec::new(), HashSet::from([top]), vec![top]);
    while let Some(parent) = next.pop() {
        for pid in children.get(&parent).into_iter().flatten().filter(|pid| seen.insert(**pid)) {
            found.push(*pid);
            next.push(*pid);
        }
    }
    found
}

fn processes() -> impl Iterator<Item = u32> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok())
}

/// Name and parent of a process; nothing of one that has ended, also where nobody has taken notice of that yet.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets, and may hold some.
    let (before, after) = text.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let mut parts = after.split(' ');
    let state = parts.next()?;
    let parent = parts.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some((name, parent))
}
