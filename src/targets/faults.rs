//! What is wrong with a source: every place is counted and kept, as far as memory is bounded.

use std::fmt;

/// So many are kept, about ten MiB of them; a file with more is another file.
pub const MOST: usize = 100_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, from 1; several where it concerns several.
    pub lines: Vec<u64>,
    /// What; names nothing personal. A fragment.
    pub what: String,
    /// Which of two sources; nothing where there is one.
    pub side: Option<&'static str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(side) = self.side {
            write!(f, "{side}: ")?;
        }
        match self.lines.as_slice() {
            [] => f.write_str(&self.what),
            [one] => write!(f, "line {one}: {}", self.what),
            many => write!(f, "lines {}: {}", listed(many), self.what),
        }
    }
}

/// `2, 7 and 9`, the first ten.
pub fn listed(lines: &[u64]) -> String {
    let shown: Vec<String> = lines.iter().take(10).map(u64::to_string).collect();
    let more = lines.len().saturating_sub(10);
    match shown.split_last() {
        _ if more > 0 => format!("{} and {more} more", shown.join(", ")),
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

/// All that is wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    count: u64,
}

impl Faults {
    /// One more.
    pub fn add(&mut self, lines: impl IntoIterator<Item = u64>, what: impl Into<String>) {
        self.count += 1;
        if self.kept.len() < MOST {
            // A group can have any number of lines; more than are told are not kept.
            let lines = lines.into_iter().take(1_000).collect();
            self.kept.push(Fault { lines, what: what.into(), side: None });
        }
    }

    /// Several rows have something in common that no two may have; without a file they are told by their number.
    pub fn same(&mut self, at: &[u64], what: &str, from_file: bool) {
        if from_file {
            self.add(at.iter().copied(), what);
        } else {
            self.add([], format!("{what} (rows {})", listed(at)));
        }
    }

    /// Those of another look at the same source, behind these.
    pub fn append(&mut self, other: Faults) {
        self.count += other.count;
        self.kept.extend(other.kept);
        self.kept.truncate(MOST);
    }

    /// The same, each with the source that it is about.
    pub fn of(mut self, side: &'static str) -> Faults {
        self.kept.iter_mut().for_each(|fault| fault.side = Some(side));
        self
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them, or the first [`MOST`].
    pub fn kept(&self) -> &[Fault] {
        &self.kept
    }
}
