//! What several items have to say, in few events: the same words about the same step become one event that names all of them. The order of
//! what one item says is kept.

use crate::journal::event::Event;

/// Puts the events of several items together.
pub fn merge(lists: Vec<Vec<Event>>) -> Vec<Event> {
    let mut merged: Vec<Event> = Vec::new();
    let mut waiting: Vec<std::vec::IntoIter<Event>> = lists.into_iter().map(Vec::into_iter).collect();
    let mut heads: Vec<Option<Event>> = waiting.iter_mut().map(Iterator::next).collect();
    loop {
        let Some(first) = heads.iter_mut().position(|head| head.is_some()) else { return merged };
        let Some(mut event) = heads[first].take() else { return merged };
        heads[first] = waiting[first].next();
        for at in first + 1..heads.len() {
            if let Some(head) = heads[at].take() {
                match join(&mut event, head) {
                    None => heads[at] = waiting[at].next(),
                    Some(other) => heads[at] = Some(other),
                }
            }
        }
        merged.push(event);
    }
}

/// Takes the second into the first, or gives it back.
fn join(event: &mut Event, other: Event) -> Option<Event> {
    match (event, other) {
        (Event::ItemStarted(one), Event::ItemStarted(other)) => one.items.extend(other.items),
        (Event::ItemVerified(one), Event::ItemVerified(other)) => one.items.extend(other.items),
        (Event::ItemClosed(one), Event::ItemClosed(other)) => one.items.extend(other.items),
        (Event::StepRead(one), Event::StepRead(other)) if one.step == other.step => one.reads.extend(other.reads),
        (Event::StepIntent(one), Event::StepIntent(other))
            if one.step == other.step && one.class == other.class && one.connection == other.connection =>
        {
            one.intents.extend(other.intents);
        }
        (Event::StepAttempt(one), Event::StepAttempt(other)) if one.step == other.step => {
            one.attempts.extend(other.attempts);
        }
        (Event::StepImages(one), Event::StepImages(other)) if one.step == other.step => {
            one.images.extend(other.images);
        }
        (Event::StepOutcome(one), Event::StepOutcome(other)) if one.step == other.step => {
            one.outcomes.extend(other.outcomes);
        }
        (_, other) => return Some(other),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::value::Value,
        journal::{payload::*, words::End},
    };

    fn read(item: &str, step: &str) -> Event {
        let value = Value::NULL;
        let read = ReadValue { item: item.into(), request: String::new(), request_hash: None, value };
        StepRead { step: step.into(), reads: vec![read] }.into()
    }

    fn closed(item: &str) -> Event {
        ItemClosed { items: vec![ClosedItem { item: item.into(), end: End::Changed, reason: None }] }.into()
    }

    /// `a b x c`: what each event says, and of whom.
    fn said(events: &[Event]) -> Vec<String> {
        let one = |event: &Event| match event {
            Event::StepRead(read) => {
                format!("{}:{}", read.step, read.reads.iter().map(|r| &*r.item).collect::<Vec<_>>().join(","))
            }
            Event::ItemClosed(closed) => {
                format!("closed:{}", closed.items.iter().map(|i| &*i.item).collect::<Vec<_>>().join(","))
            }
            other => other.name().to_owned(),
        };
        events.iter().map(one).collect()
    }

    #[test]
    fn alike_events_become_one_and_each_item_keeps_its_order() {
        let lists = vec![
            vec![read("1", "a"), read("1", "b"), closed("1")],
            vec![read("2", "b"), closed("2")],
            vec![],
            vec![read("3", "a"), read("3", "c"), read("3", "b")],
        ];
        assert_eq!(said(&merge(lists)), ["a:1,3", "b:1,2", "closed:1,2", "c:3", "b:3"]);
    }

    #[test]
    fn one_list_stays_as_it_is() {
        let list = vec![read("1", "a"), read("1", "a"), closed("1")];
        assert_eq!(said(&merge(vec![list])), ["a:1", "a:1", "closed:1"]);
    }
}
