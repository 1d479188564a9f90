//! The stored form of everything that a plan shows, for plan files: what comes back prints as it did. Personal parts keep
//! their marks, so that whoever stores it seals them. Field names are a format that lasts ([`super::file::FORMAT`]).

use super::{Also, Effect, Foreseen, ItemPlan, Reversal, Section, StepPlan, Stop};
use crate::{
    action::{ends::Way, kinds::KINDS},
    base::{
        json::Cursor,
        seal::Writing,
        source::Span,
        value::{Map, Value},
    },
    effect::{
        change::RowChange,
        compared::Comparison,
        label::Label,
        left,
        record::{BadRecord, Field, map, part, there, word},
    },
    template::{Path, Step},
};

fn of(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Option<Value> {
    Some(Value::map(fields.into_iter().filter_map(|(name, stored)| Some((name, stored?)))))
}

impl Field for ItemPlan {
    fn store(&self) -> Option<Value> {
        of([
            ("key", self.key.store()),
            ("steps", self.steps.store()),
            ("stop", self.stop.store()),
            ("rests_on", self.rests_on.store()),
            ("item", self.item.store()),
            ("lane", self.lane.store()),
        ])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        Ok(ItemPlan {
            key: part(map, "key")?,
            steps: part(map, "steps")?,
            stop: part(map, "stop")?,
            rests_on: part(map, "rests_on")?,
            item: part(map, "item")?,
            lane: part(map, "lane")?,
        })
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        out.raw("{");
        out.field("key", |out| self.key.write(out));
        out.field("steps", |out| self.steps.write(out));
        out.field("stop", |out| self.stop.write(out));
        out.field("rests_on", |out| self.rests_on.write(out));
        out.field("item", |out| self.item.write(out));
        out.field("lane", |out| self.lane.write(out));
        out.raw("}");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        read_fields!(from => ItemPlan { key; steps; stop; rests_on; item; lane; })
    }
}

impl Field for StepPlan {
    fn store(&self) -> Option<Value> {
        of([
            ("section", Some(self.section.word().into())),
            ("path", self.path.store()),
            ("kind", Some(self.kind.into())),
            ("title", self.title.store()),
            ("label", self.label.store()),
            ("foreseen", Some(self.foreseen.word().into())),
            ("effects", self.effects.store()),
            ("notes", self.notes.store()),
            ("undo", self.undo.store()),
            ("at", self.at.store()),
        ])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        Ok(StepPlan {
            section: word(map.get("section"), section_of).map_err(|e| e.within("section"))?,
            path: part(map, "path")?,
            kind: word(map.get("kind"), kind_of).map_err(|e| e.within("kind"))?,
            title: part(map, "title")?,
            label: part(map, "label")?,
            foreseen: word(map.get("foreseen"), Foreseen::of).map_err(|e| e.within("foreseen"))?,
            effects: part(map, "effects")?,
            notes: part(map, "notes")?,
            undo: part(map, "undo")?,
            at: part(map, "at")?,
        })
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        let word = |word: &'static str| {
            move |out: &mut Writing<'_>| {
                out.text(word);
                true
            }
        };
        out.raw("{");
        out.field("section", word(self.section.word()));
        out.field("path", |out| self.path.write(out));
        out.field("kind", word(self.kind));
        out.field("title", |out| self.title.write(out));
        out.field("label", |out| self.label.write(out));
        out.field("foreseen", word(self.foreseen.word()));
        out.field("effects", |out| self.effects.write(out));
        out.field("notes", |out| self.notes.write(out));
        out.field("undo", |out| self.undo.write(out));
        out.field("at", |out| self.at.write(out));
        out.raw("}");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        read_fields!(from => StepPlan {
            section by |from: &mut Cursor<'_, '_>| section_of(&from.text()?);
            path;
            kind by |from: &mut Cursor<'_, '_>| kind_of(&from.text()?);
            title;
            label;
            foreseen by |from: &mut Cursor<'_, '_>| Foreseen::of(&from.text()?);
            effects;
            notes;
            undo;
            at;
        })
    }
}

fn section_of(word: &str) -> Option<Section> {
    Section::ALL.into_iter().find(|section| section.word() == word)
}

fn kind_of(word: &str) -> Option<&'static str> {
    KINDS.iter().map(|kind| kind.word).find(|known| *known == word)
}

impl Field for Stop {
    fn store(&self) -> Option<Value> {
        of([
            ("way", Some(self.way.word().into())),
            ("message", self.message.store()),
            ("who", self.who.store()),
            ("step", self.step.store()),
            ("at", self.at.store()),
            ("seen", self.seen.store()),
        ])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        Ok(Stop {
            way: word(map.get("way"), Way::of).map_err(|e| e.within("way"))?,
            message: part(map, "message")?,
            who: part(map, "who")?,
            step: part(map, "step")?,
            at: part(map, "at")?,
            seen: part(map, "seen")?,
        })
    }
}

/// First byte and one past the last.
impl Field for Span {
    fn store(&self) -> Option<Value> {
        let number = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
        Some(Value::list([number(self.start), number(self.end)]))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let number = |v: Option<&Value>| v.and_then(Value::as_int).and_then(|n| usize::try_from(n).ok());
        match there(stored)?.as_list() {
            Some([start, end]) => match (number(Some(start)), number(Some(end))) {
                (Some(start), Some(end)) => Ok(Span::new(start, end)),
                _ => Err(BadRecord::new("is not a place in a text")),
            },
            _ => Err(BadRecord::new("is not a place in a text")),
        }
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        let (start, end): (usize, usize) = Field::read(from)?;
        Some(Span::new(start, end))
    }
}

/// `exact`, or `{not_previewable: why}`.
impl Field for Label {
    fn store(&self) -> Option<Value> {
        Some(match self {
            Label::Exact => "exact".into(),
            Label::HasUnknowns => "has_unknowns".into(),
            Label::Read => "read".into(),
            Label::NotPreviewable(why) => Value::map([("not_previewable", Value::text(why.as_str()))]),
        })
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let value = there(stored)?;
        if let Some(map) = value.as_map() {
            return Ok(Label::NotPreviewable(part(map, "not_previewable")?));
        }
        word(Some(value), label_of)
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        if from.is_text() { label_of(&from.text()?) } else { Label::load(Some(&from.value()?)).ok() }
    }
}

fn label_of(word: &str) -> Option<Label> {
    match word {
        "exact" => Some(Label::Exact),
        "has_unknowns" => Some(Label::HasUnknowns),
        "read" => Some(Label::Read),
        _ => None,
    }
}

/// `{way: by_step, action: http}`, `{way: irreversible, why: …}`.
impl Field for Reversal {
    fn store(&self) -> Option<Value> {
        let (action, why) = match self {
            Reversal::Automatic | Reversal::SameWay | Reversal::ByText => (None, None),
            Reversal::ByStep(action) | Reversal::ImagesOrStep(action) => (action.store(), None),
            Reversal::NotNeeded(why) | Reversal::Irreversible(why) => (None, why.store()),
        };
        of([("way", Some(self.word().into())), ("action", action), ("why", why)])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        let way = there(map.get("way"))?.as_str().unwrap_or_default();
        Ok(match way {
            "automatic" => Reversal::Automatic,
            "same_way" => Reversal::SameWay,
            "by_text" => Reversal::ByText,
            "by_step" => Reversal::ByStep(part(map, "action")?),
            "images_or_step" => Reversal::ImagesOrStep(part(map, "action")?),
            "not_needed" => Reversal::NotNeeded(part(map, "why")?),
            "irreversible" => Reversal::Irreversible(part(map, "why")?),
            _ => return Err(BadRecord::new("is a word that this version does not know").within("way")),
        })
    }
}

/// A name, a number (an element), `true` (each), null (how many).
impl Field for Path {
    fn store(&self) -> Option<Value> {
        Some(Value::list(self.steps.iter().map(|step| match step {
            Step::Name(name) => Value::text(name.clone()),
            Step::Index(i) => Value::from(i64::try_from(*i).unwrap_or(i64::MAX)),
            Step::Length => Value::NULL,
            Step::Each => Value::from(true),
        })))
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let bad = || BadRecord::new("is not a path");
        let steps = there(stored)?.as_list().ok_or_else(bad)?;
        Ok(Path { steps: steps.iter().map(step_of).collect::<Option<_>>().ok_or_else(bad)? })
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        let mut steps = Vec::with_capacity(2);
        from.elements(|from| {
            steps.push(if from.is_text() { Step::Name(Field::read(from)?) } else { step_of(&from.value()?)? });
            Some(())
        })?;
        Some(Path { steps })
    }
}

fn step_of(value: &Value) -> Option<Step> {
    match (value.as_str(), value.as_int(), value.as_bool()) {
        (Some(name), ..) => Some(Step::Name(name.into())),
        (_, Some(i), _) => Some(Step::Index(usize::try_from(i).ok()?)),
        (.., Some(true)) => Some(Step::Each),
        _ => value.is_null().then_some(Step::Length),
    }
}

/// One key, its kind, over what it holds.
impl Field for Effect {
    fn store(&self) -> Option<Value> {
        let (kind, fields) = match self {
            Effect::Rows { changes, also } => ("rows", of([("changes", changes.store()), ("also", also.store())])),
            Effect::Request { line, headers, body, sent } => (
                "request",
                of([
                    ("line", line.store()),
                    ("headers", headers.store()),
                    ("body", body.store()),
                    ("sent", sent.store()),
                ]),
            ),
            Effect::Jobs { jobs } => ("jobs", of([("jobs", jobs.store())])),
            Effect::Answer { summary } => ("answer", of([("summary", summary.store())])),
            Effect::Question { who, text, answer } => {
                ("question", of([("who", who.store()), ("text", text.store()), ("answer", answer.store())]))
            }
            Effect::Message { who, text } => ("message", of([("who", who.store()), ("text", text.store())])),
            Effect::LeftAlone { rows } => ("left_alone", Some(left::store(rows))),
            Effect::Compared(comparison) => ("compared", Some(comparison.value())),
            Effect::IfFails { at, steps } => ("if_fails", of([("at", at.store()), ("steps", steps.store())])),
        };
        of([(kind, fields)])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let whole = map(stored)?;
        let Some((kind, fields)) = whole.first() else { return Err(BadRecord::new("is empty")) };
        if &**kind == "left_alone" {
            return Ok(Effect::LeftAlone { rows: left::load(fields) });
        }
        if &**kind == "compared" {
            let comparison = Comparison::of_value(fields);
            return comparison.map(Effect::Compared).ok_or_else(|| BadRecord::new("is no comparison"));
        }
        let fields: &Map = map(Some(fields))?;
        Ok(match &**kind {
            "rows" => Effect::Rows { changes: part(fields, "changes")?, also: part(fields, "also")? },
            "request" => Effect::Request {
                line: part(fields, "line")?,
                headers: part(fields, "headers")?,
                body: part(fields, "body")?,
                sent: part(fields, "sent")?,
            },
            "jobs" => Effect::Jobs { jobs: part(fields, "jobs")? },
            "answer" => Effect::Answer { summary: part(fields, "summary")? },
            "question" => Effect::Question {
                who: part(fields, "who")?,
                text: part(fields, "text")?,
                answer: part(fields, "answer")?,
            },
            "if_fails" => Effect::IfFails { at: part(fields, "at")?, steps: part(fields, "steps")? },
            "message" => Effect::Message { who: part(fields, "who")?, text: part(fields, "text")? },
            _ => return Err(BadRecord::new("is of a kind that this version does not know")),
        })
    }
    fn write(&self, out: &mut Writing<'_>) -> bool {
        // Rows are nearly all of a plan.
        let Effect::Rows { changes, also } = self else {
            self.store().iter().for_each(|stored| out.value(stored));
            return true;
        };
        out.raw("{");
        out.field("rows", |out| {
            out.raw("{");
            out.field("changes", |out| changes.write(out));
            out.field("also", |out| also.write(out));
            out.raw("}");
            true
        });
        out.raw("}");
        true
    }
    fn read(from: &mut Cursor<'_, '_>) -> Option<Self> {
        let mut effect = None;
        from.fields(|kind, from| {
            effect = Some(match kind {
                _ if effect.is_some() => return None,
                "rows" => {
                    let rows: Rows = read_fields!(from => Rows { changes; also; })?;
                    Effect::Rows { changes: rows.changes, also: rows.also }
                }
                "answer" => {
                    let answer: Answer = read_fields!(from => Answer { summary; })?;
                    Effect::Answer { summary: answer.summary }
                }
                kind => Effect::load(Some(&Value::map([(kind, from.value()?)]))).ok()?,
            });
            Some(())
        })?;
        effect
    }
}

struct Rows {
    changes: Vec<RowChange>,
    also: Vec<Also>,
}

struct Answer {
    summary: String,
}

impl Field for Also {
    fn store(&self) -> Option<Value> {
        of([
            ("table", self.table.store()),
            ("inserted", self.inserted.store()),
            ("updated", self.updated.store()),
            ("deleted", self.deleted.store()),
        ])
    }
    fn load(stored: Option<&Value>) -> Result<Self, BadRecord> {
        let map = map(stored)?;
        Ok(Also {
            table: part(map, "table")?,
            inserted: part(map, "inserted")?,
            updated: part(map, "updated")?,
            deleted: part(map, "deleted")?,
        })
    }
}

impl StepPlan {
    /// With every text for people masked, as it is printed: so it is printed from a file too.
    pub fn masked(&mut self, mask: &dyn Fn(&str) -> String) {
        let each = |text: &mut String| *text = mask(text);
        self.title.iter_mut().for_each(each);
        self.notes.iter_mut().for_each(each);
        if let Label::NotPreviewable(why) = &mut self.label {
            each(why);
        }
        if let Some(Reversal::NotNeeded(Some(why)) | Reversal::Irreversible(Some(why))) = &mut self.undo {
            each(why);
        }
        for effect in &mut self.effects {
            match effect {
                Effect::Rows { .. } | Effect::Jobs { .. } | Effect::LeftAlone { .. } | Effect::Compared(_) => {}
                Effect::IfFails { steps, .. } => steps.iter_mut().for_each(|step| step.masked(mask)),
                Effect::Request { line, headers, body, .. } => {
                    each(line);
                    headers.iter_mut().for_each(|(_, value)| each(value));
                    body.iter_mut().for_each(each);
                }
                Effect::Answer { summary: text } | Effect::Question { text, .. } | Effect::Message { text, .. } => {
                    each(text)
                }
            }
        }
    }
}

impl Stop {
    /// The same for an end.
    pub fn masked(&mut self, mask: &dyn Fn(&str) -> String) {
        self.message = mask(&self.message);
        self.seen.iter_mut().for_each(|(_, value)| *value = mask(value));
    }
}
