//! How fast and how far a run over many items goes: what the playbook says under `limits:`.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Lowering, Placed},
        yaml::Node,
    },
    connection::http::rate::Rate,
    schedule::window::Window,
    shape,
    template::Datum,
};
shape! {
    /// How fast and how far a run over many items goes.
    "limits" pub struct Limits {
        /// How many items are carried out at the same time. Default: 4, or 1 where a step reads what other items may change. Changes of a SQLite file come one after
        /// the other whatever is said here.
        concurrency: Option<Placed<u32>>,
        /// How many items are begun in a stretch of time: `300/min`, `5/s`.
        rate: Option<Rate>,
        /// A careful beginning: `[1, 10]` carries out one item, then ten, then the rest. After each stage the run stops if one
        /// of its items did not end well.
        #[schemars(default)]
        canary: Vec<Placed<u32>>,
        /// Stop when so many items did not end well.
        stop_after: Option<StopAfter>,
        /// Refuse before the first change when there are more items. A number, or `{{ params.max }}`.
        max_items: Option<Datum>,
        /// Refuse before the first change when the source finds more items than this, those that `take` leaves for the next time among them. A
        /// number, or `{{ params.max }}`.
        max_found: Option<Datum>,
        /// Refuse when there is no item at all: a source that suddenly finds nothing is suspicious.
        refuse_empty: Option<bool>,
        /// Only one run at a time for each value of this: `"{{ params.batch_id }}"`, or `true` for one run of the playbook in
        /// the environment, whatever it is given. While one is not over, another one with the same value is refused. Of use
        /// where a service does the same thing twice when it is asked twice. It holds for all who share the journal.
        one_at_a_time: Option<Datum>,
        /// Times of day at which no step starts.
        window: Option<Window>,
    }
}

impl Default for Limits {
    /// None.
    fn default() -> Limits {
        Limits {
            concurrency: None,
            rate: None,
            canary: Vec::new(),
            stop_after: None,
            max_items: None,
            max_found: None,
            refuse_empty: None,
            one_at_a_time: None,
            window: None,
            at: Default::default(),
        }
    }
}

shape! {
    /// When a run over many items stops by itself.
    "a stop rule" pub struct StopAfter {
        /// So many items that failed, drifted, were stopped or are in doubt: a number, or a share of all items such as `1%`. What was left to another
        /// driver is none of them.
        failed: Share,
    }
}

/// A number of items, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// So many.
    Items(u32),
    /// So many of a hundred.
    Percent(f64),
}

impl Share {
    /// Reads `3` or `1%`.
    pub fn parse(text: &str) -> Option<Share> {
        match text.trim().strip_suffix('%') {
            Some(number) => {
                let percent: f64 = number.trim().parse().ok()?;
                (percent > 0.0 && percent <= 100.0).then_some(Share::Percent(percent))
            }
            None => text.trim().parse().ok().filter(|n| *n > 0).map(Share::Items),
        }
    }

    /// How many of `all` items it is: at least one.
    pub fn of(self, all: u64) -> u64 {
        match self {
            Share::Items(n) => u64::from(n),
            // Whole items, rounded up: 1 % of 50 items is reached by the first.
            Share::Percent(percent) => ((all as f64 * percent / 100.0).ceil() as u64).max(1),
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Share::Items(n) => write!(f, "{n}"),
            Share::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromNode for Share {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a number such as `3`, or a share such as `1%`") };
        Share::parse(&s.text).or_else(|| {
            cx.push(
                Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a number of items", s.text))
                    .help("write `3` or `1%`"),
            );
            None
        })
    }
}
crate::plain_schema!(Share, { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9.]+ ?%$" }] });

/// The time between two items, in microseconds.
pub fn gap_micros(rate: Rate) -> i64 {
    i64::try_from(rate.per.as_micros() / u128::from(rate.calls)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_at_least_one_item() {
        assert_eq!(Share::parse("1%").unwrap().of(50), 1);
        assert_eq!(Share::parse("1 %").unwrap().of(250), 3);
        assert_eq!(Share::parse("3").unwrap().of(2), 3);
        for bad in ["0", "0%", "101%", "-1", "x", ""] {
            assert_eq!(Share::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_rate_has_a_gap() {
        assert_eq!(gap_micros(Rate::parse("300/min").unwrap()), 200_000);
        assert_eq!(gap_micros(Rate::parse("10/30s").unwrap()), 3_000_000);
    }
}
