//! Numbers for Prometheus, in its text format (0.0.4). Names and counts only: no value of a row, a parameter or a secret can
//! come here, because none is given.

use crate::base::time::Stamp;
use std::{collections::BTreeMap, fmt::Write};

/// What is measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Of each schedule: what its times came to, and how many.
    pub occurrences: Vec<(String, String, u64)>,
    /// Of each schedule: when it last did what it is for.
    pub succeeded: Vec<(String, Stamp)>,
    /// Of each schedule: when it comes next, whether it is paused, whether it is blocked.
    pub schedules: Vec<(String, Option<Stamp>, bool, bool)>,
    /// Of each schedule: how many items its last time looked at, differed, were healed.
    pub looked: Vec<(String, [u64; 3])>,
    /// Schedules of which nothing else is known: what is recorded of them cannot be read.
    pub unseen: Vec<String>,
    /// The last reconcile of each playbook and environment.
    pub reconciles: Vec<Last>,
    /// Playbooks and environments of which the last reconcile cannot be read.
    pub unseen_reconciles: Vec<(String, String)>,
    /// How many runs stand so.
    pub runs: Vec<(String, u64)>,
    /// Questions that wait for somebody.
    pub questions: u64,
}

/// The last reconcile of a playbook.
#[derive(Clone, Debug)]
pub struct Last {
    /// The playbook.
    pub playbook: String,
    /// The environment.
    pub environment: String,
    /// How many items were looked at, differed, were healed.
    pub counts: [u64; 3],
    /// When.
    pub at: Stamp,
    /// What it came to.
    pub word: String,
}

/// Words that mean that a schedule has done what it is for.
pub const GOOD: &[&str] = &["clean", "healed", "drifted"];

/// The whole text.
pub fn text(measured: &Measured) -> String {
    let mut out = String::new();
    family(&mut out, "trueup_build_info", "gauge", "The version that is at work.");
    sample(&mut out, "trueup_build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    family(&mut out, "trueup_runs", "gauge", "Runs of the journal by where they stand.");
    for (state, count) in &measured.runs {
        sample(&mut out, "trueup_runs", &[("state", state)], &count.to_string());
    }
    family(&mut out, "trueup_open_questions", "gauge", "Questions that wait for a person.");
    sample(&mut out, "trueup_open_questions", &[], &measured.questions.to_string());
    let schedules: [Family<'_>; 3] = [
        ("trueup_schedule_next_timestamp_seconds", "When a schedule comes next.", &|(_, next, ..)| next.map(seconds)),
        ("trueup_schedule_paused", "1 while somebody has paused the schedule.", &|(_, _, paused, _)| {
            Some(flag(*paused))
        }),
        ("trueup_schedule_blocked", "1 while the schedule may not run as it stands.", &|(.., blocked)| {
            Some(flag(*blocked))
        }),
    ];
    for (name, about, of) in schedules {
        family(&mut out, name, "gauge", about);
        for schedule in &measured.schedules {
            if let Some(value) = of(schedule) {
                sample(&mut out, name, &[("schedule", &schedule.0)], &value);
            }
        }
    }
    let name = "trueup_schedule_unseen";
    family(&mut out, name, "gauge", "1 while what is recorded of the schedule cannot be read.");
    let (seen, unseen) =
        (measured.schedules.iter().map(|(name, ..)| (name, false)), measured.unseen.iter().map(|n| (n, true)));
    for (schedule, is) in seen.chain(unseen) {
        sample(&mut out, name, &[("schedule", schedule)], &flag(is));
    }
    let name = "trueup_schedule_occurrences_total";
    family(&mut out, name, "counter", "Times of a schedule that came, whatever became of them.");
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (schedule, _, count) in &measured.occurrences {
        *sums.entry(schedule).or_default() += count;
    }
    for (schedule, count) in sums {
        sample(&mut out, name, &[("schedule", schedule)], &count.to_string());
    }
    // What one came to changes when somebody agrees to it, answers, goes on with it or does it again: no counter.
    let name = "trueup_schedule_occurrences";
    family(&mut out, name, "gauge", "Times of a schedule by what they came to, as far as it is known by now.");
    for (schedule, word, count) in &measured.occurrences {
        sample(&mut out, name, &[("schedule", schedule), ("came_to", word)], &count.to_string());
    }
    let name = "trueup_schedule_last_success_timestamp_seconds";
    family(&mut out, name, "gauge", "When a schedule last did what it is for.");
    for (schedule, at) in &measured.succeeded {
        sample(&mut out, name, &[("schedule", schedule)], &seconds(*at));
    }
    let numbers: [(&str, &str, usize); 3] = [
        ("trueup_schedule_items", "Items that the last time of a schedule looked at.", 0),
        ("trueup_schedule_drifted_items", "Items that differed at the last time of a schedule.", 1),
        ("trueup_schedule_healed_items", "Items that the last time of a schedule healed.", 2),
    ];
    for (name, about, which) in numbers {
        family(&mut out, name, "gauge", about);
        for (schedule, counts) in &measured.looked {
            sample(&mut out, name, &[("schedule", schedule)], &counts[which].to_string());
        }
    }
    let numbers: [(&str, &str, usize); 3] = [
        ("trueup_reconcile_items", "Items that the last reconcile looked at.", 0),
        ("trueup_reconcile_drifted_items", "Items that differed in the last reconcile.", 1),
        ("trueup_reconcile_healed_items", "Items that the last reconcile healed.", 2),
    ];
    for (name, about, which) in numbers {
        family(&mut out, name, "gauge", about);
        for last in &measured.reconciles {
            let labels = [("playbook", last.playbook.as_str()), ("environment", last.environment.as_str())];
            sample(&mut out, name, &labels, &last.counts[which].to_string());
        }
    }
    let name = "trueup_reconcile_unseen";
    family(&mut out, name, "gauge", "1 while what is recorded of the last reconcile cannot be read.");
    let seen = measured.reconciles.iter().map(|last| (&last.playbook, &last.environment, false));
    let unseen = measured.unseen_reconciles.iter().map(|(playbook, environment)| (playbook, environment, true));
    for (playbook, environment, is) in seen.chain(unseen) {
        sample(&mut out, name, &[("playbook", playbook), ("environment", environment)], &flag(is));
    }
    let name = "trueup_reconcile_last_timestamp_seconds";
    family(&mut out, name, "gauge", "When the last reconcile looked, and what it came to.");
    for last in &measured.reconciles {
        let labels = [
            ("playbook", last.playbook.as_str()),
            ("environment", last.environment.as_str()),
            ("came_to", last.word.as_str()),
        ];
        sample(&mut out, name, &labels, &seconds(last.at));
    }
    out
}

type Schedule = (String, Option<Stamp>, bool, bool);
type Family<'f> = (&'f str, &'f str, &'f dyn Fn(&Schedule) -> Option<String>);

fn flag(is: bool) -> String {
    if is { "1" } else { "0" }.to_owned()
}

fn seconds(at: Stamp) -> String {
    format!("{}", at.micros.div_euclid(1_000_000))
}

fn family(out: &mut String, name: &str, kind: &str, about: &str) {
    // Writing to a text cannot fail.
    let _ = write!(out, "# HELP {name} {about}\n# TYPE {name} {kind}\n");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: &str) {
    out.push_str(name);
    if !labels.is_empty() {
        let all: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let _ = write!(out, "{{{}}}", all.join(","));
    }
    let _ = writeln!(out, " {value}");
}

/// As the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_told_once_and_labels_cannot_break_out() {
        let at = Stamp { micros: 1_764_124_200_500_000, digits: 6 };
        let last = Last {
            playbook: "a\"} 1\nevil 1".into(),
            environment: "live".into(),
            counts: [120, 3, 1],
            at,
            word: "refused".into(),
        };
        let measured = Measured {
            occurrences: vec![
                ("nightly".into(), "clean".into(), 7),
                ("nightly".into(), "missed".into(), 12),
                ("nightly".into(), "waiting".into(), 2),
            ],
            succeeded: vec![("nightly".into(), at)],
            schedules: vec![("nightly".into(), Some(at), true, false), ("other".into(), None, false, true)],
            looked: vec![("nightly".into(), [120, 3, 1])],
            unseen: vec!["spoiled".into()],
            reconciles: vec![last],
            unseen_reconciles: vec![("spoiled".into(), "live".into())],
            runs: vec![("closed".into(), 9)],
            questions: 2,
        };
        let text = text(&measured);
        let helps: Vec<&str> = text.lines().filter(|line| line.starts_with("# HELP")).collect();
        let mut once = helps.clone();
        once.dedup();
        assert_eq!(helps.len(), once.len());
        for line in [
            "trueup_schedule_occurrences{schedule=\"nightly\",came_to=\"missed\"} 12",
            "trueup_schedule_occurrences_total{schedule=\"nightly\"} 21",
            "trueup_schedule_occurrences{schedule=\"nightly\",came_to=\"waiting\"} 2",
            "trueup_schedule_last_success_timestamp_seconds{schedule=\"nightly\"} 1764124200",
            "trueup_schedule_next_timestamp_seconds{schedule=\"nightly\"} 1764124200",
            "trueup_schedule_paused{schedule=\"nightly\"} 1",
            "trueup_schedule_blocked{schedule=\"other\"} 1",
            "trueup_schedule_drifted_items{schedule=\"nightly\"} 3",
            "trueup_schedule_unseen{schedule=\"nightly\"} 0",
            "trueup_schedule_unseen{schedule=\"spoiled\"} 1",
            "trueup_reconcile_drifted_items{playbook=\"a\\\"} 1\\nevil 1\",environment=\"live\"} 3",
            "trueup_reconcile_unseen{playbook=\"a\\\"} 1\\nevil 1\",environment=\"live\"} 0",
            "trueup_reconcile_unseen{playbook=\"spoiled\",environment=\"live\"} 1",
            "trueup_open_questions 2",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("evil")), "{text}");
        assert_eq!(text.matches("occurrences_total{").count(), 1, "{text}");
        assert_eq!(text.matches("last_success_timestamp_seconds{").count(), 1);
    }
}
