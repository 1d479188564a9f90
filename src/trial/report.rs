//! What the tests of a file gave, as data, and as text that says for each failure what was expected and what was found.

use super::model::Proof;
use crate::base::source::Place;
use std::{collections::BTreeMap, fmt};

/// The tests of one file on one kind of database.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file, as the user gave it.
    pub file: String,
    /// `sqlite` or `postgres`.
    pub on: &'static str,
    /// The cases, in the order of the file.
    pub cases: Vec<CaseReport>,
    /// Rows of the playbook's errors table that no case reached.
    pub unreached: Vec<Unreached>,
}

/// A row of an errors table that no case reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Its name.
    pub row: String,
    /// The file that it stands in: the playbook, or a table that it uses.
    pub file: String,
    /// Where in it.
    pub line: usize,
}

/// One case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub at: Place,
    /// What is not as expected; empty for a case that passed.
    pub problems: Vec<Problem>,
    /// Proofs that were made.
    pub proofs: Vec<Proof>,
    /// Proofs that this version of trueup cannot make yet.
    pub not_run: Vec<Proof>,
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What: `outcome`, `register.trainees 1, column state`.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Problem {
    /// One problem.
    pub fn new(what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Problem {
        Problem { what: what.into(), expected: expected.into(), found: found.into() }
    }
}

impl Report {
    /// Every case passed.
    pub fn is_good(&self) -> bool {
        self.cases.iter().all(|case| case.problems.is_empty())
    }

    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.problems.is_empty()).count()
    }

    /// How often each proof was asked for and could not be made.
    pub fn not_run(&self) -> BTreeMap<Proof, usize> {
        let mut counts = BTreeMap::new();
        for proof in self.cases.iter().flat_map(|case| &case.not_run) {
            *counts.entry(*proof).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", self.file, self.on)?;
        for case in &self.cases {
            case.write(f, &self.file)?;
        }
        let proofs: usize = self.cases.iter().map(|case| case.proofs.len()).sum();
        write!(f, "{} of {} cases passed, {proofs} proofs made", self.passed(), self.cases.len())?;
        let not_run = self.not_run();
        if !not_run.is_empty() {
            let words: Vec<_> = not_run.iter().map(|(proof, n)| format!("{} ({n})", proof.word())).collect();
            write!(
                f,
                "; {} not run, because they come with the next version: {}",
                not_run.values().sum::<usize>(),
                words.join(", ")
            )?;
        }
        writeln!(f)?;
        if !self.unreached.is_empty() {
            let rows = self.unreached.len();
            writeln!(f, "{rows} {} of the errors table reached by no case:", if rows == 1 { "row" } else { "rows" })?;
        }
        self.unreached.iter().try_for_each(|row| writeln!(f, "  {} ({}:{})", row.row, row.file, row.line))
    }
}

impl CaseReport {
    fn write(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        if self.problems.is_empty() {
            return writeln!(f, "  ok      {}", self.name);
        }
        writeln!(f, "  FAILED  {} ({file}:{})", self.name, self.at.line)?;
        for problem in &self.problems {
            writeln!(f, "          {}", problem.what)?;
            write_indented(f, "expected", &problem.expected)?;
            write_indented(f, "found", &problem.found)?;
        }
        Ok(())
    }
}

/// A text of several lines keeps its shape under its word.
fn write_indented(f: &mut fmt::Formatter<'_>, word: &str, text: &str) -> fmt::Result {
    for (index, line) in text.lines().enumerate() {
        let word = if index == 0 { word } else { "" };
        writeln!(f, "            {word:<8}  {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_where_what_was_expected_and_what_was_found_and_proofs_that_did_not_run_are_counted() {
        let case = |name: &str, problems| CaseReport {
            name: name.into(),
            at: Place { line: 7, column: 5 },
            problems,
            proofs: vec![Proof::PreviewEqualsApply],
            not_run: vec![Proof::KillEverywhere],
        };
        let problem = Problem::new("outcome", "changed", "stopped\nNo trainee.");
        let report = Report {
            file: "a.test.yaml".into(),
            on: "sqlite",
            cases: vec![case("one", vec![]), case("two", vec![problem])],
            unreached: vec![Unreached { row: "server error".into(), file: "t.errors.yaml".into(), line: 9 }],
        };
        assert!(!report.is_good());
        assert_eq!(
            report.to_string(),
            "a.test.yaml on sqlite\n  ok      one\n  FAILED  two (a.test.yaml:7)\n          outcome\n            expected  changed\n            found     stopped\n                      No trainee.\n1 of 2 cases passed, 2 proofs made; 2 not run, because they come with the next version: kill_everywhere (2)\n1 row of the errors table reached by no case:\n  server error (t.errors.yaml:9)\n"
        );
    }
}
