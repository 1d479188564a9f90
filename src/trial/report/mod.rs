//! What the tests of a file gave, as data; drawn for people by `terminal`, for programs by `json` and `junit`.

mod json;
mod junit;
mod terminal;

pub use json::json;
pub use junit::junit;
pub use terminal::{file, summary};

use super::model::Proof;
use crate::{base::source::Place, report::look::Look};
use std::{collections::BTreeMap, fmt, time::Duration};

/// The tests of one file on one kind of database.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file, as the user gave it.
    pub file: String,
    /// `sqlite`, `postgres` or `mysql`.
    pub on: &'static str,
    /// Why the file could not be played at all, line by line.
    pub refused: Vec<String>,
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
    /// How long it took.
    pub took: Duration,
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
    /// Of a file of which no case was played yet.
    pub fn new(file: String, on: &'static str) -> Report {
        Report { file, on, refused: Vec::new(), cases: Vec::new(), unreached: Vec::new() }
    }

    /// It could be played, and every case passed.
    pub fn is_good(&self) -> bool {
        self.refused.is_empty() && self.cases.iter().all(|case| case.problems.is_empty())
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

/// As on a terminal of 80 columns, without colours.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = file(self, Look::default()) + &summary(std::slice::from_ref(self), None, Look::default());
        write!(f, "{}", anstream::adapter::strip_str(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two cases; the second fails in one line and in a text of several.
    pub fn sample() -> Report {
        let case = |name: &str, problems| CaseReport {
            name: name.into(),
            at: Place { line: 7, column: 5 },
            problems,
            proofs: vec![Proof::PreviewEqualsApply],
            not_run: vec![],
            took: Duration::from_millis(1_234),
        };
        let problems = vec![
            Problem::new("outcome", "changed", "stopped\nNo trainee & <none>."),
            Problem::new("message", "one\ntwo\nthree", "one\n2\nthree"),
        ];
        let mut report = Report::new("a.test.yaml".into(), "sqlite");
        report.cases = vec![case("one", vec![]), case("two", problems)];
        report.unreached = vec![Unreached { row: "server error".into(), file: "t.errors.yaml".into(), line: 9 }];
        report
    }

    #[test]
    fn a_failure_says_where_what_was_expected_and_what_was_found() {
        let report = sample();
        assert!(!report.is_good());
        let expected = "\
a.test.yaml on sqlite
  ok      one                                                              1.2 s
  FAILED  two (a.test.yaml:7)                                              1.2 s
          outcome
            expected  changed
            found     stopped
                      No trainee & <none>.
          message (- expected, + found)
              one
            - two
            + 2
              three
  1 row of the errors table reached by no case:
    server error (t.errors.yaml:9)

1 of 2 cases passed, 1 failed; 2 proofs made.
";
        assert_eq!(report.to_string(), expected);
    }
}
