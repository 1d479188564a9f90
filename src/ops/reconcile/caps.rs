//! How far a reconcile may heal: the caps of all who have a say, and what they refuse.

use super::found::Found;
use crate::{base::shape::Placed, journal::occasion::WouldHeal, playbook::schedules::Caps, targets::limits::Share};

/// At most so many items, where nobody says how many. A share says when nothing at all is healed, which is no leave to heal more.
const MOST: u32 = 100;

/// Those of the command or schedule together with the playbook's own: of each the stricter one.
pub fn all(given: &Caps, own: Option<&Caps>, of: u64) -> Caps {
    let none = Caps::none();
    let mut caps = given.with(own.unwrap_or(&none), of);
    caps.most = caps.most.or(Some(Placed { value: MOST, at: caps.at }));
    caps
}

/// Why nothing at all is healed within them.
fn share(caps: &Caps, found: &Found) -> Option<String> {
    let share = caps.share.filter(|share| found.drifted > share.of(found.of))?;
    let of = found.of.max(found.drifted);
    // Nobody can tell a wrong source from one that finds only what differs: of that, a share of all refuses every time.
    if matches!(share, Share::Percent(_)) && !found.compared && found.drifted == of && of > 1 {
        return Some(format!(
            "all {of} items that the source finds differ, more than `share: {share}` allows; if it finds only what differs, there is no total to \
             take a share of: write a number of items instead (`share: 20`); else look whether the source is right before anything is healed"
        ));
    }
    let differ = if found.drifted == 1 { "differs" } else { "differ" };
    Some(format!(
        "{} of {of} items {differ}, more than `share: {share}` allows; look whether the source is right before anything is healed",
        found.drifted
    ))
}

/// How many are healed in one run.
fn most(caps: &Caps) -> u64 {
    caps.most.as_ref().map_or(u64::MAX, |most| u64::from(most.value))
}

/// Refuses what goes beyond them.
pub fn apply(caps: &Caps, found: &mut Found) {
    if let Some(why) = share(caps, found) {
        return found.refuse_all(why);
    }
    let most = most(caps);
    let items = if most == 1 { "one item".to_owned() } else { format!("{most} items") };
    found.heal_at_most(most, &format!("beyond the {items} that one run may heal (`most`)"));
}

/// What healing would come to within them.
pub fn would(caps: &Caps, found: &Found) -> WouldHeal {
    let could = found.could();
    if let Some(why) = share(caps, found) {
        return WouldHeal { items: 0, beyond: 0, refused: Some(why) };
    }
    let items = if found.refused.is_some() { 0 } else { could.min(most(caps)) };
    WouldHeal { items, beyond: could - items, refused: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_says_how_many_may_heal_more_than_a_hundred() {
        let caps = |most: Option<u32>, share: Option<&str>| Caps {
            most: most.map(|value| Placed { value, at: Default::default() }),
            share: share.and_then(Share::parse),
            ..Caps::none()
        };
        for (given, own, most) in [
            (caps(None, None), None, 100),
            (caps(None, Some("60%")), None, 100),
            (caps(None, None), Some(caps(None, Some("20"))), 100),
            (caps(None, Some("60%")), Some(caps(Some(500), None)), 500),
            (caps(Some(300), None), Some(caps(Some(500), None)), 300),
        ] {
            let all = all(&given, own.as_ref(), 1000);
            assert_eq!(all.most.map(|most| most.value), Some(most), "{given:?} {own:?}");
        }
    }
}
