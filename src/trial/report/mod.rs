//! What the tests of a file gave, as data; drawn for people by `terminal`, for programs by `json` and `junit`.

mod covered;
mod json;
mod junit;
mod terminal;

pub use covered::{covered, missed};
pub use json::json;
pub use junit::junit;
pub use terminal::{file, summary};

use super::{coverage::Coverage, model::Proof};
use crate::{base::source::Place, report::look::Look};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Everything that was played.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The files, each on each kind of database.
    pub files: Vec<Report>,
    /// Kinds of databases on which nothing was played.
    pub skipped: Vec<Skipped>,
    /// How much of each playbook the cases went through; empty where only some of the cases were played.
    pub coverage: Vec<Coverage>,
}

/// A kind of database on which nothing was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// `postgres` or `mysql`.
    pub on: &'static str,
    /// Why.
    pub why: String,
    /// So many cases would have been.
    pub cases: usize,
}

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
    /// Rows that changed and that nobody looked at, because the case says nothing of `changes`: how many, by table.
    pub unlooked: BTreeMap<String, usize>,
    /// Proofs that were made.
    pub proofs: Vec<Proof>,
    /// What was done to it for them.
    pub torture: Torture,
    /// How long it took.
    pub took: Duration,
}

/// What was done to a case for its proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Torture {
    /// So often it was killed, each time at another boundary.
    pub kills: usize,
    /// So many boundaries there were; where they are more than a few, some of them were taken.
    pub boundaries: usize,
    /// So many answers got lost, one at a time.
    pub lost: usize,
    /// So many answers there were.
    pub answers: usize,
    /// So often two were carried out at once.
    pub at_once: usize,
    /// So often a person has to decide, as the test file says under `once`.
    pub in_doubt: usize,
}

impl Torture {
    /// `killed at 31 boundaries, 4 answers lost`; `60 of 412 boundaries` where some were taken; empty when nothing was done to it.
    pub fn words(self) -> String {
        let one = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(one.to_owned()),
            n => Some(many.replace('#', &n.to_string())),
        };
        let some = |count: usize, all: usize, word: &str| {
            if count < all { format!("# of {all} {word}") } else { format!("# {word}") }
        };
        let boundaries = some(self.kills, self.boundaries, "boundaries");
        let answers = some(self.lost, self.answers, "answers");
        let parts = [
            one(self.kills, "killed at 1 boundary", &format!("killed at {boundaries}")),
            one(self.lost, "1 answer lost", &format!("{answers} lost")),
            one(self.at_once, "two at once", "two at once, # times"),
            one(self.in_doubt, "once in doubt as declared", "# times in doubt as declared"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Together with another one.
    pub fn and(self, other: Torture) -> Torture {
        Torture {
            kills: self.kills + other.kills,
            boundaries: self.boundaries + other.boundaries,
            lost: self.lost + other.lost,
            answers: self.answers + other.answers,
            at_once: self.at_once + other.at_once,
            in_doubt: self.in_doubt + other.in_doubt,
        }
    }
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
}

/// As on a terminal of 80 columns, without colours.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let results = Results { files: vec![self.clone()], ..Results::default() };
        let text = file(self, Look::default()) + &summary(&results, None, Look::default());
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
            unlooked: BTreeMap::new(),
            proofs: vec![Proof::PreviewEqualsApply],
            torture: Torture::default(),
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
    fn a_case_that_says_nothing_of_changes_tells_what_it_did_not_look_at() {
        let mut report = sample();
        report.cases.truncate(1);
        report.unreached.clear();
        report.cases[0].unlooked = [("shop.audits".to_owned(), 1), ("shop.things".to_owned(), 2)].into();
        let expected = "\
a.test.yaml on sqlite
  ok      one                                                              1.2 s
          not looked at: 1 changed row of shop.audits, 2 of shop.things

1 of 1 case passed; 1 proof made; 1 case says nothing of `changes`, and rows
changed.
";
        assert_eq!(report.to_string(), expected);
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
