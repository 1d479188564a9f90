//! The figures of a proof: how much was tried, what was found, and one line of the table that `scripts/prove` prints.

use std::{io::Write, time::Instant};

/// How much is tried: `TRUEUP_PROOF=full` is the size of the release, anything else that of the gate.
pub fn full() -> bool {
    std::env::var("TRUEUP_PROOF").is_ok_and(|size| size == "full")
}

/// One number for the gate, another for the release.
pub fn size(small: usize, large: usize) -> usize {
    if full() { large } else { small }
}

/// Where chance begins: `TRUEUP_PROOF_SEED`, else always the same, so that the gate of today is the gate of tomorrow.
pub fn seed() -> u64 {
    std::env::var("TRUEUP_PROOF_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_125)
}

/// What one proof has seen so far.
pub struct Figures {
    /// `T1`.
    test: &'static str,
    /// In words.
    what: String,
    /// Faults that really happened.
    pub faults: usize,
    /// Histories, points, rounds.
    pub points: usize,
    /// An effect that happened more than once.
    pub duplicates: usize,
    /// An effect that was called done and is not there, or half of one.
    pub lost: usize,
    /// Ends that a person has to resolve.
    pub in_doubt: usize,
    wrong: Vec<String>,
    since: Instant,
}

/// At most so many findings are told in full.
const TOLD: usize = 12;

impl Figures {
    pub fn new(test: &'static str, what: impl Into<String>) -> Figures {
        Figures {
            test,
            what: what.into(),
            faults: 0,
            points: 0,
            duplicates: 0,
            lost: 0,
            in_doubt: 0,
            wrong: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Something that must not be.
    pub fn wrong(&mut self, what: String) {
        // At once, because a proof may take minutes.
        println!("{}: {what}", self.test);
        self.wrong.push(what);
    }

    /// How many of them so far.
    pub fn findings(&self) -> usize {
        self.wrong.len()
    }

    /// What another one has seen.
    pub fn add(&mut self, other: Figures) {
        self.faults += other.faults;
        self.points += other.points;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.in_doubt += other.in_doubt;
        self.wrong.extend(other.wrong);
    }

    /// The machine cannot do what the proof needs: the line of the table says so.
    pub fn skip(self, why: &str) {
        self.write(&format!("skipped: {why}"));
    }

    fn write(&self, verdict: &str) {
        let line = format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{:.1}\t{verdict}\n",
            self.test,
            self.what,
            self.faults,
            self.points,
            self.duplicates,
            self.lost,
            self.in_doubt,
            self.since.elapsed().as_secs_f64()
        );
        print!("{line}");
        let Ok(folder) = std::env::var("TRUEUP_PROOF_DIR") else { return };
        let name: String = self.what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let path = std::path::Path::new(&folder).join(format!("{}-{name}.txt", self.test));
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }

    /// Writes the line of the table, then fails the test unless all is well and at least this many faults happened.
    pub fn end(self, at_least: usize) {
        let well = self.wrong.is_empty() && self.duplicates == 0 && self.lost == 0;
        let enough = self.faults >= at_least.max(1);
        let verdict = match (well, enough) {
            (true, true) => "holds",
            (true, false) => "too few faults",
            (false, _) => "BROKEN",
        };
        self.write(verdict);
        let more = self.wrong.len().saturating_sub(TOLD);
        let told: Vec<&str> = self.wrong.iter().take(TOLD).map(String::as_str).collect();
        assert!(
            well,
            "{} findings of {} (seed {}):\n{}\n… {more} more",
            self.wrong.len(),
            self.test,
            seed(),
            told.join("\n")
        );
        assert!(
            enough,
            "{}: only {} faults really happened, at least {at_least} were meant to",
            self.test, self.faults
        );
    }
}
