//! What is compared and healed by itself: `reconcile:` of a playbook, `schedules:` of a project file.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, Placed, Word},
        time::Stamp,
        value::Value,
        yaml::Node,
    },
    schedule::{
        cron::Cron,
        due::{Overlap, Times},
        window::Zone,
    },
    shape,
    targets::limits::Share,
    words,
};
use jiff::{Timestamp, civil::Date};
use std::time::Duration;

shape! {
    /// That the playbook says how things should be, and may be compared with the world again and again: `trueup reconcile`.
    "a rule for reconciling" pub struct Reconcile {
        /// How far `--heal` and schedules that heal may go, at most.
        heal: Option<Caps>,
    }
}

shape! {
    /// How far a reconcile that heals may go.
    "caps" pub struct Caps {
        /// At most so many items are healed in one run; the others are refused and told.
        most: Option<Placed<u32>>,
        /// Nothing is healed when more items differ than this share of all that were looked at (`5%`, or a number): then the
        /// source is wrong rather than the items.
        share: Option<Share>,
        /// The run stops when so many items did not end well: a number, or a share of those that are healed.
        stop_after: Option<Share>,
    }
}

words! {
    "what a schedule does"
    pub enum Mode {
        /// It compares and tells.
        Report = "report",
        /// It compares, heals within its caps, and tells.
        Heal = "heal",
    }
}

shape! {
    /// A playbook that is reconciled at set times, by `trueup scheduler` or `trueup reconcile --due`.
    "a schedule" pub struct Schedule {
        /// Name of the playbook.
        playbook: Word,
        /// When, as cron says it: minute, hour, day of the month, month, weekday. `30 2 * * *` is half past two every night.
        cron: Cron,
        /// The zone of these times: `Europe/London`. On the nights in which the clocks change a set hour comes exactly once.
        zone: Zone,
        /// The environment.
        env: Word,
        /// In whose name it runs: a name under `people` or in a group of `approvers`. A schedule whose owner is gone is blocked.
        owner: Word,
        /// `report` unless said otherwise.
        mode: Option<Mode>,
        /// How far it may heal; the playbook's own caps hold besides.
        caps: Option<Caps>,
        /// The beginning of the SHA-256 of the playbook, 12 digits or more: with another text the schedule is blocked until
        /// somebody has read it. Needed by `mode: heal`.
        pin: Option<Word>,
        /// While the occurrence before still goes on: `skip` (default) or `allow`.
        overlap: Option<Overlap>,
        /// So late an occurrence may still be begun; afterwards it is recorded as missed. Default 1h. Of several that are late only
        /// the newest is begun.
        catch_up: Option<Length>,
        /// The beginning is spread over this stretch of time, so that not all schedules begin at once. One schedule always begins
        /// at the same moment of it.
        jitter: Option<Length>,
        /// The last day, in the schedule's zone; afterwards it is blocked until somebody renews it.
        expires: Option<Day>,
        /// Parameters of the playbook.
        #[schemars(default)]
        params: Named<Value>,
        /// Why, for the audit trail. Default: the schedule's name.
        reason: Option<Word>,
    }
}

/// A day: `2027-03-31`.
#[derive(Clone, Copy, Debug)]
pub struct Day(pub Date);

impl FromNode for Day {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Scalar(s) = node else { return cx.wrong_type(node, "a day such as `2027-03-31`") };
        match s.text.parse() {
            Ok(day) => Some(Day(day)),
            Err(_) => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, s.span, format!("`{}` is not a day", s.text))
                        .help("write year, month and day: `2027-03-31`"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Day, { "type": "string", "format": "date", "examples": ["2027-03-31"] });

/// So late an occurrence may be begun unless something else is said.
const CATCH_UP: Duration = Duration::from_secs(3600);

impl Schedule {
    /// When it is due.
    pub fn times(&self, name: &str) -> Times {
        Times {
            cron: self.cron.clone(),
            zone: self.zone.rules().clone(),
            delay: crate::schedule::due::delay(name, self.jitter.map_or(Duration::ZERO, |jitter| jitter.0)),
            catch_up: self.catch_up.map_or(CATCH_UP, |length| length.0),
            overlap: self.overlap.unwrap_or(Overlap::Skip),
        }
    }

    /// What it does.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or(Mode::Report)
    }

    /// Its last day is over.
    pub fn is_expired(&self, now: Stamp) -> bool {
        let Some(Day(day)) = self.expires else { return false };
        let end = day.tomorrow().ok().and_then(|next| next.to_zoned(self.zone.rules().clone()).ok());
        end.is_some_and(|end| Timestamp::from_microsecond(now.micros).is_ok_and(|now| now >= end.timestamp()))
    }

    /// What decides when it is due, as a text: when this changes, the times begin anew.
    pub fn definition(&self) -> String {
        let jitter = self.jitter.map_or_else(String::new, |jitter| jitter.to_string());
        format!("{}\n{}\n{jitter}", self.cron.text, self.zone.name.as_str())
    }
}

impl Caps {
    /// Caps that say nothing.
    pub fn none() -> Caps {
        Caps { most: None, share: None, stop_after: None, at: Default::default() }
    }

    /// These and others: of each the one that lets less happen among `of` items.
    pub fn with(&self, other: &Caps, of: u64) -> Caps {
        let less = |one: Option<Share>, other: Option<Share>| match (one, other) {
            (Some(one), Some(other)) => Some(if one.of(of) <= other.of(of) { one } else { other }),
            (one, other) => one.or(other),
        };
        let most = match (&self.most, &other.most) {
            (Some(one), Some(other)) => Some(if one.value <= other.value { one } else { other }.clone()),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        Caps {
            most,
            share: less(self.share, other.share),
            stop_after: less(self.stop_after, other.stop_after),
            at: self.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(most: Option<u32>, share: &str) -> Caps {
        let most = most.map(|value| Placed { value, at: Default::default() });
        Caps { most, share: Share::parse(share), ..Caps::none() }
    }

    #[test]
    fn of_two_caps_the_one_that_lets_less_happen_holds() {
        let both = caps(Some(50), "10%").with(&caps(Some(20), "40"), 100);
        assert_eq!((both.most.unwrap().value, both.share.unwrap()), (20, Share::Percent(10.0)));
        // Of 1000 items ten in a hundred are more than 40.
        assert_eq!(caps(None, "10%").with(&caps(Some(7), "40"), 1000).share.unwrap(), Share::Items(40));
        assert_eq!(caps(None, "").with(&caps(Some(7), ""), 1000).most.unwrap().value, 7);
        assert!(Caps::none().with(&Caps::none(), 5).share.is_none());
    }
}
