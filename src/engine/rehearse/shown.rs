//! What a step of the plan looks like: its label, its effects, its remarks, and how it is taken back.

use super::Pass;
use crate::{
    action::{
        deed::{Judgement, Restore},
        kinds::Act,
        step::{Step, Undo},
    },
    base::{shape::Length, value::Value},
    check::Recovery,
    effect::{change::TableName, label::Label},
    engine::{
        carry_out::Carried,
        probe,
        setting::Setting,
        trouble::{Missed, Trouble},
        undo,
    },
    plan::{Effect, Foreseen, Reversal, Section, StepPlan},
    template::{Path, Scope},
};
use std::{collections::BTreeSet, sync::Arc};

impl Pass<'_> {
    pub(super) fn changed(&mut self, path: &Arc<str>, step: &Step, carried: Carried, result: Value) {
        if let Some(id) = &step.common.id {
            let value = if carried.unknown { Value::unknown() } else { result };
            self.scope.insert(id.text.clone(), value);
        }
        let guessed = carried.rests_on_example();
        let label = if carried.unknown || guessed { Label::HasUnknowns } else { Label::Exact };
        let foreseen =
            if carried.is_nothing() && carried.also.is_empty() { Foreseen::Unchanged } else { Foreseen::Changes };
        let mut notes = Vec::new();
        notes.extend(guessed.then(|| "as it would be if the answer were as its example says".to_owned()));
        if foreseen == Foreseen::Changes {
            notes.extend(hooks(self.setting, &carried));
            for connection in carried.changes.iter().map(|c| c.table.connection.clone()).collect::<BTreeSet<_>>() {
                self.behind(&connection, step);
            }
        }
        let inserted = carried.changes.iter().any(|c| c.before.is_none() && c.after.is_some());
        if inserted && self.section == Section::Steps {
            notes.push(
                "numbers given by the database (ids) are taken at apply; trying this out may leave gaps in them".into(),
            );
        }
        let effect = Effect::Rows { changes: carried.changes, also: carried.also };
        self.show(path, step, label, foreseen, vec![effect], notes);
        if let (Some(why), Some(shown)) = (carried.half_seen, self.steps.last_mut())
            && shown.undo == Some(Reversal::Automatic)
        {
            shown.undo = Some(Reversal::Irreversible(Some(why.into())));
        }
    }

    /// Rows that were put back, and those that were left alone.
    pub(super) fn put_back(&mut self, path: &Arc<str>, step: &Step, deed: &Restore, carried: Carried) {
        let nothing = carried.is_nothing() && carried.also.is_empty();
        let foreseen = match (nothing, carried.left_alone.is_empty()) {
            (false, _) => Foreseen::Changes,
            (true, true) => Foreseen::Unchanged,
            (true, false) => Foreseen::Warns,
        };
        let notes = if nothing { Vec::new() } else { hooks(self.setting, &carried) };
        let along = undo::restore::not_followed(deed, &carried);
        let label = if foreseen == Foreseen::Warns { Label::Read } else { Label::Exact };
        let mut effects = Vec::new();
        if !carried.changes.is_empty() || !carried.also.is_empty() {
            effects.push(Effect::Rows { changes: carried.changes, also: carried.also });
        }
        if !carried.left_alone.is_empty() {
            effects.push(Effect::LeftAlone { rows: carried.left_alone });
        }
        self.show(path, step, label, foreseen, effects, notes);
        if let (Some(along), Some(shown)) = (along, self.steps.last_mut()) {
            shown.undo = Some(Reversal::Irreversible(Some(along)));
        }
    }

    /// A step that could not be executed here; its result is unknown.
    pub(super) fn unexecuted(&mut self, path: &Arc<str>, step: &Step, label: Label) {
        if let Some(id) = &step.common.id {
            self.scope.insert(id.text.clone(), Value::unknown());
        }
        self.show(
            path,
            step,
            label,
            Foreseen::Changes,
            Vec::new(),
            vec!["not tried out: it rests on something known only after apply".into()],
        );
    }

    pub(super) fn show(
        &mut self,
        path: &Arc<str>,
        step: &Step,
        label: Label,
        foreseen: Foreseen,
        effects: Vec<Effect>,
        mut notes: Vec<String>,
    ) {
        let title = step.common.title.as_ref().and_then(|t| t.preview(&self.scope).ok());
        notes.extend(self.if_lost(step, foreseen));
        // What an undo does is taken back by an undo of it.
        let together = self.setting.checked.facts(step).is_some_and(|facts| facts.together);
        let shows = foreseen.acts() && self.root.outline.scope.is_none();
        let undo = if shows { way_back(step, together) } else { None };
        let rows =
            effects.iter().filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None });
        let fixed = rows.into_iter().find_map(|rows| undo::outline::only_added(rows, self.setting));
        let undo = match (undo, fixed) {
            (Some(Reversal::Automatic), Some(why)) => Some(Reversal::Irreversible(Some(why))),
            (undo, _) => undo,
        };
        let section = self.section;
        self.steps.push(StepPlan {
            section,
            path: path.clone(),
            kind: step.act.word(),
            title,
            label,
            foreseen,
            effects,
            notes,
            undo,
            at: step.act_at,
        });
    }

    /// Who will be asked when the answer of this step is lost. That rows are compared with their images goes without saying.
    pub(super) fn if_lost(&self, step: &Step, foreseen: Foreseen) -> Option<String> {
        let recovery = self.setting.checked.facts(step)?.recovery;
        let acts = matches!(foreseen, Foreseen::Changes | Foreseen::Sends | Foreseen::Undecided);
        let plain =
            matches!(recovery, Recovery::Repeats | Recovery::Images) || matches!(step.act, Act::Ask(_) | Act::Tell(_));
        let settle = step.common.probe.as_ref().filter(|probe| probe.not_done.is_some() && recovery == Recovery::Probe);
        let settle =
            settle.map(|probe| probe::settle(step, probe, self.setting).length()).filter(|length| !length.is_zero());
        let believed =
            settle.map_or_else(String::new, |length| format!("; \"not done\" is believed after {}", Length(length)));
        (acts && !plain).then(|| format!("if its answer is lost: {}{believed}", recovery.words()))
    }

    pub(super) fn note_reads(&mut self, paths: impl IntoIterator<Item = Path>) {
        for path in paths {
            if !self.reads.contains(&path) {
                self.reads.push(path);
            }
        }
    }
}

/// The trouble of a condition that does not hold.
pub fn not_so(judgement: &Judgement, step: &Step) -> Trouble {
    let text = match (&step.act, &step.common.is) {
        (Act::Assert(expression), _) | (_, Some(expression)) => expression.scalar().text.trim().to_owned(),
        _ => String::new(),
    };
    let seen = judgement.seen.iter().map(|(path, value)| (path.to_string(), value.shown())).collect();
    Trouble::Missed(Missed { message: format!("it does not hold that {text}"), seen, at: judgement.at })
}

/// The author's text of an `ask` or `tell`, readable although parts may be unknown or hidden.
pub fn text_of(step: &Step, scope: &Scope) -> Option<String> {
    match &step.act {
        Act::Ask(spec) => spec.question.preview(scope).ok(),
        Act::Tell(spec) => spec.message.preview(scope).ok(),
        _ => None,
    }
}

/// What the application does in its own hooks and SQL does not.
fn hooks(setting: &Setting, carried: &Carried) -> Vec<String> {
    let tables: BTreeSet<&TableName> = carried.changes.iter().filter(|c| !c.by_rule).map(|c| &c.table).collect();
    let facts = tables.into_iter().filter_map(|t| setting.facts_of(t));
    facts
        .flat_map(|f| [&f.app_hooks, &f.side_effects])
        .flatten()
        .map(|w| w.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// How a step is taken back; nothing for one that changes nothing. `together`: with the others of its transaction, by the images of all rows.
pub fn way_back(step: &Step, together: bool) -> Option<Reversal> {
    let text = |text: &crate::template::Text| text.scalar().text.trim().to_owned();
    if let Some(why) = &step.common.irreversible {
        return Some(Reversal::Irreversible(Some(text(why))));
    }
    match (&step.common.undo, &step.act) {
        (_, Act::Row(_) | Act::Rows(_)) if together => Some(Reversal::Automatic),
        (Some(Undo::Step(step)), Act::Sql(_)) if together => Some(Reversal::ImagesOrStep(step.act.word().into())),
        (Some(Undo::NoneNeeded(_)), _) => Some(Reversal::NotNeeded(step.common.because.as_ref().map(text))),
        (Some(Undo::Step(step)), _) => Some(Reversal::ByStep(step.act.word().into())),
        (Some(Undo::Automatic(_)), Act::Resource(_)) => Some(Reversal::SameWay),
        (Some(Undo::Automatic(_)), Act::Job(_)) => Some(Reversal::ByText),
        (Some(Undo::Automatic(_)), _) | (_, Act::Row(_) | Act::Rows(_)) => Some(Reversal::Automatic),
        (None, Act::Resource(_)) => Some(Reversal::SameWay),
        (None, Act::Job(_)) => Some(Reversal::ByText),
        (
            None,
            Act::Ask(_) | Act::Tell(_) | Act::Undo(_) | Act::End(_) | Act::Use(_) | Act::Wait(_) | Act::Choose(_),
        ) => None,
        (None, _) => Some(Reversal::Irreversible(None)),
    }
}
