//! How much of a playbook its tests go through: steps, branches, rows of decision tables; and what they do not.

use crate::{
    action::{choose::ChooseSpec, kinds::Act, step::Step},
    base::source::Source,
    engine::reached::Spot,
    playbook::{error_table::SUFFIX, errors::ErrorRow, model::Playbook},
};
use std::{collections::BTreeSet, sync::Arc};

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A step is done in some case.
    Step,
    /// A `when` holds in one case and does not in another; an `otherwise` is taken.
    Branch,
    /// A row of a decision table, or of the errors table, decides.
    Row,
}

/// One thing that a test can go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub sort: Sort,
    /// In words: ``step `clear` ``.
    pub what: String,
    /// The file that it stands in: the playbook, or a table that it uses.
    pub file: String,
    /// Where in it.
    pub line: usize,
    /// Some case went through it.
    pub reached: bool,
}

/// One playbook, or one shared errors table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Its name.
    pub playbook: String,
    /// Its parts, in the order of its text.
    pub parts: Vec<Part>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Reached.
    pub reached: usize,
    /// There are.
    pub all: usize,
}

impl Share {
    /// Of a hundred thousand; all of nothing is all. Never rounded up: what is not whole does not look so.
    pub fn millis(self) -> usize {
        (self.reached * 100_000).checked_div(self.all).unwrap_or(100_000)
    }

    /// `97.2 %`
    pub fn words(self) -> String {
        match self.millis() {
            100_000 => "100 %".into(),
            millis => format!("{}.{} %", millis / 1000, millis % 1000 / 100),
        }
    }

    fn add(self, other: Share) -> Share {
        Share { reached: self.reached + other.reached, all: self.all + other.all }
    }
}

impl Coverage {
    /// Of a playbook, by what its cases went through.
    pub fn of(name: &str, playbook: &Playbook, source: &Source, spots: &BTreeSet<Spot>) -> Coverage {
        let mut found = Found { parts: Vec::new(), source, spots };
        for (section, steps) in playbook.sections() {
            found.steps(section, steps);
        }
        let mut ways: Vec<(String, usize, bool)> = Vec::new();
        for (index, row) in playbook.errors.iter().enumerate() {
            let spot = Spot::Error(index);
            let Some(table) = shared(playbook, source, row) else {
                found.add(Sort::Row, titled(row), row.at.start, &spot);
                continue;
            };
            // What the rows of a shared table say is tested once, at the table. Here it matters what becomes of this playbook
            // when a call ends in each of the ways that the table has.
            let way = row.then.as_ref().or(row.otherwise.as_ref()).map_or("nothing", |then| then.verdict.word());
            let what = format!("an answer that `{table}` ends with `{way}`");
            match ways.iter_mut().find(|(known, ..)| *known == what) {
                Some((_, _, reached)) => *reached |= spots.contains(&spot),
                None => ways.push((what, row.at.start, spots.contains(&spot))),
            }
        }
        for (what, at, reached) in ways {
            let (file, line) = (source.name_at(at).to_owned(), source.place(at).line);
            found.parts.push(Part { sort: Sort::Row, what, file, line, reached });
        }
        Coverage { playbook: name.to_owned(), parts: found.parts }
    }

    /// Of a shared errors table: its rows, by the lines on which those stand that decided in any playbook, or in its own tests.
    pub fn of_table(table: &str, rows: &[ErrorRow], source: &Source, lines: &BTreeSet<usize>) -> Coverage {
        let part = |row: &ErrorRow| {
            let line = source.place(row.at.start).line;
            let (file, reached) = (source.name().to_owned(), lines.contains(&line));
            Part { sort: Sort::Row, what: titled(row), file, line, reached }
        };
        Coverage { playbook: table.to_owned(), parts: rows.iter().map(part).collect() }
    }

    /// Of one sort.
    pub fn share(&self, sort: Sort) -> Share {
        let parts = || self.parts.iter().filter(|part| part.sort == sort);
        Share { reached: parts().filter(|part| part.reached).count(), all: parts().count() }
    }

    /// Of all sorts.
    pub fn whole(&self) -> Share {
        SORTS.iter().map(|sort| self.share(*sort)).fold(Share::default(), Share::add)
    }

    /// What no case went through.
    pub fn missed(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.reached)
    }
}

fn titled(row: &ErrorRow) -> String {
    let name = row.name.as_ref().map_or("without a name".to_owned(), |name| format!("`{}`", name.as_str()));
    format!("row {name} of the errors table")
}

/// The shared table that a row comes from; nothing for a row of the playbook's own.
pub fn shared<'a>(playbook: &'a Playbook, source: &Source, row: &ErrorRow) -> Option<&'a str> {
    let file = source.name_at(row.at.start);
    let used = playbook.errors.uses.iter().map(|word| word.as_str());
    used.into_iter().find(|table| file != source.name() && file.ends_with(&format!("{table}{SUFFIX}")))
}

/// Every sort.
pub const SORTS: [Sort; 3] = [Sort::Step, Sort::Branch, Sort::Row];

/// Of several playbooks; of one sort, or of all.
pub fn together(all: &[Coverage], sort: Option<Sort>) -> Share {
    let share = |one: &Coverage| sort.map_or_else(|| one.whole(), |sort| one.share(sort));
    all.iter().map(share).fold(Share::default(), Share::add)
}

struct Found<'a> {
    parts: Vec<Part>,
    source: &'a Source,
    spots: &'a BTreeSet<Spot>,
}

impl Found<'_> {
    fn add(&mut self, sort: Sort, what: String, at: usize, spot: &Spot) {
        let (file, line) = (self.source.name_at(at).to_owned(), self.source.place(at).line);
        self.parts.push(Part { sort, what, file, line, reached: self.spots.contains(spot) });
    }

    /// `inside` tells steps of one name apart, and gives those without one a place.
    fn steps(&mut self, inside: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            let (at, label) = (step.act_at.start, step.label(index));
            let name = if step.id().is_some() { format!("`{label}`") } else { format!("`{inside}/{label}`") };
            self.add(Sort::Step, format!("step {name}"), at, &Spot::Step(at));
            if let Some(when) = &step.common.when {
                let text = when.scalar().text.trim().to_owned();
                let place = when.scalar().span.start;
                self.add(Sort::Branch, format!("step {name} when {text}"), place, &Spot::When(at, true));
                self.add(Sort::Branch, format!("step {name} when not {text}"), place, &Spot::When(at, false));
            }
            if let Some(otherwise) = step.common.otherwise.as_ref().filter(|_| !matches!(step.act, Act::End(_))) {
                let what = format!("`otherwise: {}` of step {name}", otherwise.way.word());
                self.add(Sort::Branch, what, at, &Spot::Otherwise(at));
            }
            if let Act::Choose(choose) = &step.act {
                self.rows(&name, at, choose);
            }
            for (word, steps) in step.parts() {
                let inside =
                    word.map_or_else(|| format!("{inside}/{label}"), |word| format!("{inside}/{label}/{word}"));
                self.steps(&inside, steps);
            }
        }
    }

    fn rows(&mut self, name: &str, at: usize, choose: &ChooseSpec) {
        for row in &choose.rows {
            let spot = Spot::Choice(at, Arc::from(row.name.as_str()));
            self.add(Sort::Row, format!("row `{}` of step {name}", row.name.as_str()), row.at.start, &spot);
        }
        let spot = Spot::Choice(at, crate::action::choose::OTHERWISE.into());
        self.add(Sort::Row, format!("`otherwise` of the table of step {name}"), at, &spot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Diagnostics;

    const TEXT: &str = "trueup: v1\nname: p\nversion: 1\ntitle: t\nparams: { id: { type: int, description: d } }\nsteps:\n  - id: a\n    when: params.id > 1\n    assert: params.id < 5\n    otherwise: { skip: No. }\n  - block:\n      steps: [{ id: b, assert: true }]\n      rescue: [{ assert: false }]\n  - id: way\n    choose:\n      match: { id: \"{{ params.id }}\" }\n      rows: [{ name: one, is: { id: 1 }, do: go }]\n      otherwise: { stop: No. }\n      paths: { go: [{ id: c, assert: true }] }\nerrors:\n  - { name: lost, status: 404, then: stop }\n";

    #[test]
    fn every_step_branch_and_row_is_a_part_and_what_no_case_reached_is_named_with_its_line() {
        let source = Source::new("p.yaml", TEXT);
        let mut problems = Diagnostics::new(source.clone());
        let playbook = Playbook::parse(&source, &mut problems).unwrap();
        let at = |text: &str| TEXT.find(text).unwrap();
        let spots: BTreeSet<Spot> = [
            Spot::Step(at("assert: params")),
            Spot::When(at("assert: params"), true),
            Spot::Otherwise(at("assert: params")),
            Spot::Choice(at("choose:"), "one".into()),
        ]
        .into();
        let coverage = Coverage::of("p", &playbook, &source, &spots);
        let counts = SORTS.map(|sort| coverage.share(sort));
        let share = |reached, all| Share { reached, all };
        assert_eq!(counts, [share(1, 6), share(2, 3), share(1, 3)]);
        assert_eq!(coverage.whole().words(), "33.3 %");
        let missed: Vec<_> = coverage.missed().map(|part| format!("{}: {}", part.line, part.what)).collect();
        let expected = [
            "8: step `a` when not params.id > 1",
            "11: step `steps/block-2`",
            "12: step `b`",
            "13: step `steps/block-2/block.rescue/assert-1`",
            "15: step `way`",
            "15: `otherwise` of the table of step `way`",
            "19: step `c`",
            "21: row `lost` of the errors table",
        ];
        assert_eq!(missed, expected);
    }

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!(Share { reached: 1999, all: 2000 }.words(), "99.9 %");
        assert_eq!(Share { reached: 0, all: 0 }.words(), "100 %");
        assert_eq!(Share { reached: 2, all: 3 }.words(), "66.6 %");
    }
}
