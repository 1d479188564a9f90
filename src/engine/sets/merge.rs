//! What several items have to say, in few events: the same words about the same step become one event that names all of them. The order of
//! what one item says is kept.

use crate::journal::{event::Event, payload::*};

/// Events of several lists, put together.
#[derive(Debug, Default)]
pub struct Merged {
    /// What is to be recorded.
    pub events: Vec<Event>,
    /// Of each event, whose words stand in it, in this order: the number of the list, and how many.
    whose: Vec<Vec<(usize, usize)>>,
    lists: usize,
}

/// Puts the events of several items together.
pub fn merge(lists: Vec<Vec<Event>>) -> Merged {
    let mut merged = Merged { lists: lists.len(), ..Merged::default() };
    let mut waiting: Vec<std::vec::IntoIter<Event>> = lists.into_iter().map(Vec::into_iter).collect();
    let mut heads: Vec<Option<Event>> = waiting.iter_mut().map(Iterator::next).collect();
    loop {
        let Some(first) = heads.iter_mut().position(|head| head.is_some()) else { return merged };
        let Some(mut event) = heads[first].take() else { return merged };
        heads[first] = waiting[first].next();
        let mut words = words(&event);
        let mut whose = vec![(first, words)];
        for at in first + 1..heads.len() {
            if let Some(head) = heads[at].take() {
                match join(&mut event, head) {
                    None => {
                        heads[at] = waiting[at].next();
                        let now = self::words(&event);
                        whose.push((at, now - words));
                        words = now;
                    }
                    Some(other) => heads[at] = Some(other),
                }
            }
        }
        merged.events.push(event);
        merged.whose.push(whose);
    }
}

impl Merged {
    /// The lists again, as they were.
    pub fn apart(self) -> Vec<Vec<Event>> {
        let mut lists = vec![Vec::new(); self.lists];
        for (mut event, mut whose) in self.events.into_iter().zip(self.whose) {
            while whose.len() > 1 {
                let Some((list, count)) = whose.pop() else { break };
                let Some(words) = part(&mut event, count) else { break };
                lists[list].push(words);
            }
            if let Some((list, _)) = whose.pop() {
                lists[list].push(event);
            }
        }
        lists
    }
}

/// Of how many items an event tells.
fn words(event: &Event) -> usize {
    match event {
        Event::ItemStarted(of) => of.items.len(),
        Event::ItemVerified(of) => of.items.len(),
        Event::ItemClosed(of) => of.items.len(),
        Event::StepRead(of) => of.reads.len(),
        Event::StepIntent(of) => of.intents.len(),
        Event::StepAttempt(of) => of.attempts.len(),
        Event::StepImages(of) => of.images.len(),
        Event::StepOutcome(of) => of.outcomes.len(),
        _ => 1,
    }
}

/// Takes the last words out of an event.
fn part(event: &mut Event, count: usize) -> Option<Event> {
    let from = words(event).checked_sub(count)?;
    Some(match event {
        Event::ItemStarted(of) => ItemStarted { items: of.items.split_off(from) }.into(),
        Event::ItemVerified(of) => ItemVerified { items: of.items.split_off(from) }.into(),
        Event::ItemClosed(of) => ItemClosed { items: of.items.split_off(from) }.into(),
        Event::StepRead(of) => StepRead { step: of.step.clone(), reads: of.reads.split_off(from) }.into(),
        Event::StepIntent(of) => StepIntent {
            step: of.step.clone(),
            class: of.class.clone(),
            connection: of.connection.clone(),
            intents: of.intents.split_off(from),
        }
        .into(),
        Event::StepAttempt(of) => StepAttempt { step: of.step.clone(), attempts: of.attempts.split_off(from) }.into(),
        Event::StepImages(of) => StepImages { step: of.step.clone(), images: of.images.split_off(from) }.into(),
        Event::StepOutcome(of) => StepOutcome { step: of.step.clone(), outcomes: of.outcomes.split_off(from) }.into(),
        _ => return None,
    })
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
        journal::words::{End, Outcome},
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

    /// Events are not compared by the program.
    fn same(one: &[Vec<Event>], other: &[Vec<Event>]) {
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    #[test]
    fn alike_events_become_one_and_each_item_keeps_its_order() {
        let lists = vec![
            vec![read("1", "a"), read("1", "b"), closed("1")],
            vec![read("2", "b"), closed("2")],
            vec![],
            vec![read("3", "a"), read("3", "c"), read("3", "b")],
        ];
        let merged = merge(lists.clone());
        assert_eq!(said(&merged.events), ["a:1,3", "b:1,2", "closed:1,2", "c:3", "b:3"]);
        same(&merged.apart(), &lists);
    }

    #[test]
    fn one_list_stays_as_it_is() {
        let list = vec![read("1", "a"), read("1", "a"), closed("1")];
        let merged = merge(vec![list.clone()]);
        assert_eq!(said(&merged.events), ["a:1", "a:1", "closed:1"]);
        same(&merged.apart(), &[list]);
    }

    #[test]
    fn whatever_was_put_together_comes_apart_again() {
        let outcome = |item: &str| ItemOutcome {
            item: item.into(),
            generation: 0,
            outcome: Outcome::Done,
            value: None,
            message: None,
            response: None,
            micros: 1,
            ends: None,
            error: None,
        };
        let events = |item: &str| -> Vec<Event> {
            vec![
                read(item, "r"),
                StepOutcome { step: "s".into(), outcomes: vec![outcome(item), outcome(item)] }.into(),
                RunPaused { reason: item.to_owned(), until: None, behind: None }.into(),
                closed(item),
            ]
        };
        let lists = vec![events("1"), Vec::new(), events("2"), events("3")];
        let merged = merge(lists.clone());
        assert!(merged.events.len() < lists.iter().map(Vec::len).sum(), "{:?}", merged.events);
        same(&merged.apart(), &lists);
    }
}
