//! The digest of a plan: what an approval signs. Equal plans have equal digests, whenever and wherever they were made.

use super::{Effect, Plan};
use crate::base::{
    json,
    value::{Marks, Value},
};
use sha2::{Digest, Sha256};

impl Plan {
    /// SHA-256 over everything that the plan promises, as hexadecimal digits. Values that come from the clock and keys that
    /// the database gives are left out: they differ from one rehearsal to the next and promise nothing.
    pub fn digest(&self) -> String {
        let mut hash = Hash(Sha256::new());
        hash.text("trueup plan 1");
        hash.text(&self.playbook);
        hash.text(&self.version.to_string());
        hash.text(&self.text_hash);
        hash.text(&json::encode(&Value::from(self.params.clone())));
        hash.text(&self.environment);
        for (connection, identity) in &self.targets {
            hash.text(connection);
            hash.text(identity);
        }
        for item in &self.items {
            hash.text(&item.key);
            for (path, value) in &item.rests_on {
                hash.text(&path.to_string());
                hash.value(value);
            }
            for step in &item.steps {
                hash.text(&step.path);
                hash.text(&format!("{:?}", step.foreseen));
                hash.text(&step.label.words());
                step.effects.iter().for_each(|effect| hash.effect(effect));
            }
            hash.text(&item.stop.as_ref().map_or(String::new(), |s| format!("{} {}", s.step, s.way.word())));
        }
        hash.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

struct Hash(Sha256);

impl Hash {
    /// Length first, so that two texts never run into one another.
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        if value.marks.has(Marks::CLOCK) { self.text("(clock)") } else { self.text(&json::encode(value)) }
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Rows { changes, .. } => {
                for change in changes {
                    self.text(&change.table.to_string());
                    let made = change.before.is_none();
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
            }
            Effect::Request { line, headers, body } => {
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
                self.text(&row.table.to_string());
                self.text(&json::encode(&Value::from(row.key.clone())));
            }),
            Effect::Answer { .. } => {}
        }
    }
}
