//! The digest of a plan: what an approval signs. Equal plans have equal digests, whenever and wherever they were made.

use super::{Effect, ItemPlan, Plan, StepPlan};
use crate::base::{
    json,
    value::{Marks, Value},
};
use sha2::{Digest, Sha256};

impl Plan {
    /// SHA-256 over everything that the plan promises, as hexadecimal digits. Values that come from the clock and keys that
    /// the database gives are left out: they differ from one rehearsal to the next and promise nothing.
    pub fn digest(&self) -> String {
        if let Some(many) = &self.many {
            return many.digest.clone();
        }
        let mut digest = PlanDigest::of(self);
        self.items.iter().for_each(|item| digest.item(item));
        digest.end()
    }
}

/// Two items promise the same.
pub(super) fn alike(one: &ItemPlan, other: &ItemPlan) -> bool {
    Promise::of(one).0 == Promise::of(other).0
}

/// A digest that is made item by item.
pub struct PlanDigest(Sha256);

impl PlanDigest {
    /// What stands before the items.
    pub fn of(plan: &Plan) -> PlanDigest {
        let mut digest = Promise::default();
        digest.text("trueup plan 1");
        digest.text(&plan.playbook);
        digest.text(&plan.version.to_string());
        digest.text(&plan.text_hash);
        digest.text(&stored(&Value::from(plan.params.clone())));
        digest.text(&plan.environment);
        for (connection, identity) in &plan.targets {
            digest.text(connection);
            digest.text(identity);
        }
        PlanDigest(Sha256::new_with_prefix(&digest.0))
    }

    /// The next item.
    pub fn item(&mut self, item: &ItemPlan) {
        self.promise(&Promise::of(item));
    }

    /// The next item, by what it promises.
    pub fn promise(&mut self, promise: &Promise) {
        self.0.update(&promise.0);
    }

    /// The hexadecimal digits.
    pub fn end(self) -> String {
        self.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// What goes into the digest of one item, in bytes: these can be put together beside one another.
#[derive(Default)]
pub struct Promise(Vec<u8>);

impl Promise {
    /// Of this item.
    pub fn of(item: &ItemPlan) -> Promise {
        let mut promise = Promise(Vec::with_capacity(1024));
        promise.item(item);
        promise
    }

    fn item(&mut self, item: &ItemPlan) {
        self.text(&item.key);
        if let Some(value) = &item.item {
            self.text("item");
            self.value(value);
            self.text(item.lane.as_deref().unwrap_or_default());
        }
        for (path, value) in &item.rests_on {
            self.text(&path.to_string());
            self.value(value);
        }
        item.steps.iter().for_each(|step| self.step(step));
        self.text(&item.stop.as_ref().map_or(String::new(), |s| format!("{} {}", s.step, s.way.word())));
    }

    /// Length first, so that two texts never run into one another.
    fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        if value.marks.has(Marks::CLOCK) { self.text("(clock)") } else { self.text(&stored(value)) }
    }

    fn step(&mut self, step: &StepPlan) {
        self.text(&step.path);
        self.text(step.foreseen.word());
        self.text(&step.label.words());
        step.effects.iter().for_each(|effect| self.effect(effect));
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Rows { changes, also } => {
                for change in changes {
                    self.text(&change.table.text());
                    let made = change.before.is_none();
                    if !made {
                        self.value(&change.key.clone().into());
                    }
                    for (column, old, new) in change.differing() {
                        let given_by_database = made && change.key.contains_key(&column);
                        if given_by_database || change.stamps.contains(&column) {
                            continue;
                        }
                        self.text(&column);
                        self.value(&old);
                        self.value(&new);
                    }
                }
                for table in also {
                    self.text(&table.table);
                    self.text(&format!("{} {} {}", table.inserted, table.updated, table.deleted));
                }
            }
            Effect::Jobs { jobs } => jobs.iter().for_each(|job| self.text(&job.promise())),
            Effect::Request { line, headers, body, .. } => {
                self.text(line);
                headers.iter().for_each(|(name, value)| {
                    self.text(name);
                    self.text(value);
                });
                self.text(body.as_deref().unwrap_or(""));
            }
            Effect::Question { who, text, .. } | Effect::Message { who, text } => {
                self.text(who);
                self.text(text);
            }
            Effect::LeftAlone { rows } => rows.iter().for_each(|row| {
                self.text("left alone");
                self.text(&row.table.text());
                self.text(&json::encode(&Value::from(row.key.clone())));
            }),
            // The values are among the facts that the plan rests on.
            Effect::Compared(comparison) => comparison.fields.iter().for_each(|field| {
                self.text(&field.name);
                self.text(field.equal.map_or("unknown", |equal| if equal { "equal" } else { "different" }));
            }),
            Effect::IfFails { at, steps } => {
                at.iter().for_each(|name| self.text(name));
                steps.iter().for_each(|step| self.step(step));
            }
            Effect::Answer { .. } => {}
        }
    }
}

/// As it is stored, but for secrets, which are not.
fn stored(value: &Value) -> String {
    json::encode_with(value, &|part| {
        part.marks.has(Marks::SECRET).then(|| Value::map([("$secret", Value::from(true))]))
    })
}
