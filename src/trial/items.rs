//! The items of a run over many: how they were expected to end against how they did.

use super::{
    compare::{Happened, nothing_if_empty},
    expect::Items,
    report::Problem,
};

/// How many items ended in which way, and how each that is named did.
pub fn compare(expected: &Items, happened: &Happened, problems: &mut Vec<Problem>) {
    let found = |way: &str| happened.items.iter().find(|(end, _)| end.word() == way).map_or(0, |(_, count)| *count);
    for (way, count) in expected.counts.iter() {
        let found = found(way);
        if found < u64::from(count.least) || found > u64::from(count.most) {
            let said = if happened.message.is_empty() { String::new() } else { format!("\n{}", happened.message) };
            problems.push(Problem::new(format!("items that are {way}"), count.words(), format!("{found}{said}")));
        }
    }
    let uncounted = happened.items.iter().filter(|(end, _)| expected.counts.get(end.word()).is_none());
    for (end, count) in uncounted.filter(|_| !expected.counts.entries.is_empty()) {
        problems.push(Problem::new(format!("items that are {}", end.word()), "none", count.to_string()));
    }
    for (key, test) in expected.by_key.iter() {
        let what = format!("item {key}");
        let Some((end, why)) = happened.by_key.get(key) else {
            let keys: Vec<&str> = happened.by_key.keys().map(|key| &**key).take(20).collect();
            let found =
                if keys.is_empty() { "no item ended".to_owned() } else { format!("items: {}", keys.join(", ")) };
            problems.push(Problem::new(what, test.outcome.word(), found));
            continue;
        };
        let why = why.as_deref().unwrap_or_default();
        if *end != test.outcome {
            let said = if why.is_empty() { String::new() } else { format!("\n{why}") };
            problems.push(Problem::new(what, test.outcome.word(), format!("{}{said}", end.word())));
        } else if let Some(message) = test.message.as_ref().filter(|message| !message.holds(why)) {
            problems.push(Problem::new(format!("what is said of {what}"), message.words(), nothing_if_empty(why)));
        }
    }
}
