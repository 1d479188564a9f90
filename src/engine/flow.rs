//! Places that hold others: loops, blocks with an end, decision tables, what an `undo:` step takes back; and `wait`, which looks again
//! and again. What they find is recorded before anything inside begins, and never found anew.

use super::{
    decide::trouble_in,
    drift,
    drive::{Driver, Halt, Went},
    names,
    outline::{Kind, Place, turns},
    reached::Spot,
    step::unknown_now,
    trouble::{Missed, Trouble},
    undo,
    watch::Tick,
};
use crate::{
    action::{
        choose::{Choice, ChooseSpec, OTHERWISE},
        ends::Otherwise,
        kinds::Act,
        resolve::{self, resolve},
        step::Step,
        wait::WaitSpec,
    },
    base::{
        counted::counted,
        secret::Masks,
        value::{Data, Value},
    },
    journal::{payload::*, words::Outcome},
    read::facts,
    template::Scope,
};
use std::{sync::Arc, time::Duration};

/// A long pause is cut into such pieces, so that whoever asks to pause or to cancel is heard soon.
const LISTEN: Duration = Duration::from_secs(1);

/// What a decision table comes to.
pub(super) enum Chosen<'a> {
    /// An arm: its row and its name.
    Arm(&'a str, &'a str),
    /// An end: its row, and the end.
    End(&'a str, &'a Otherwise),
    /// A fact is not known, and why.
    Unknown(Arc<str>),
}

impl<'a> Chosen<'a> {
    /// The row that decided.
    pub(super) fn row(&self) -> Option<&'a str> {
        match self {
            Chosen::Arm(row, _) | Chosen::End(row, _) => Some(row),
            Chosen::Unknown(_) => None,
        }
    }
}

impl Driver<'_> {
    /// What is known at a place: leaves the turns of loops that it does not belong to, enters those that it does.
    pub(super) fn move_to(&mut self, place: &Place) {
        let same = self.turns.iter().zip(&place.realms).take_while(|((at, _), realm)| *at == *realm.at()).count();
        while self.turns.len() > same {
            if let Some((_, around)) = self.turns.pop() {
                self.scope = around;
            }
        }
        self.unplanned = false;
        self.setting = self.root.of_call(place.call().map(|call| &*call.playbook));
        if let Some(known) = &place.known {
            let around = std::mem::replace(&mut self.scope, known.clone());
            self.turns.push((place.path.clone(), around));
            return;
        }
        let Some(item) = self.state.items.get(&self.item) else { return };
        for realm in &place.realms[same..] {
            self.turns.push((realm.at().clone(), self.scope.clone()));
            let root = self.root;
            names::enter(root, &root.run, &root.outline, realm, item, &mut self.scope);
        }
        // What is done after a failure was not tried out.
        self.unplanned = place.after.iter().any(|block| self.error_in(block).is_some());
        if let Some(block) = &place.ends_of {
            let error = self.error_in(block);
            let error = error.unwrap_or(Value::NULL);
            self.scope.insert("error", error);
            if let Some(of) = self.root.outline.place(block) {
                names::missing(&of.step, &mut self.scope);
            }
        }
    }

    /// What went wrong in a block: what its `rescue` and `always` know as `error`.
    fn error_in(&self, block: &str) -> Option<Value> {
        let ended = trouble_in(&self.root.outline, self.state.items.get(&self.item)?, block)?;
        let told = ended.at.as_ref().and_then(|at| self.standing(at)?.outcome.as_ref()?.error.clone());
        let plain = || {
            let text = ended.reason.as_deref().map_or(Value::NULL, Value::text);
            Value::map([
                ("text", text),
                ("status", Value::NULL),
                ("code", Value::NULL),
                ("body", Value::NULL),
                ("step", Value::NULL),
                ("said", Value::NULL),
            ])
        };
        Some(told.unwrap_or_else(plain))
    }

    /// The place of a path, with what it takes back where it stands inside an `undo:` step.
    pub(super) fn place_of(&mut self, path: &str) -> Option<Place> {
        let place = self.root.outline.place(path)?;
        self.move_to(&place);
        let Some(origin) = &place.origin else { return Some(place) };
        let item = self.state.items.get(&self.item)?;
        let done = undo::done::of_state(item.steps.get(origin)?)?;
        let back = undo::outline::one(self.setting, &self.scope, item, &done, &place.step);
        Some(Place { step: back.step, back: back.back, ..place })
    }

    pub(super) fn recorded(&mut self, place: &Place, request: String, value: Value) {
        let read = ReadValue { item: self.item.clone(), request, request_hash: None, value };
        self.note(StepRead { step: place.path.clone(), reads: vec![read] }.into());
    }

    /// The list of a loop: made once, recorded before the first turn.
    pub(super) fn make_list(&mut self, place: &Place) -> Result<(), Halt> {
        let Some(spec) = &place.step.common.for_each else { return Ok(()) };
        let list = elements(&place.step, &self.scope).map_err(|trouble| match trouble {
            resolve::Trouble::Expression(failure) => Trouble::of_expression(&failure, &self.setting.source),
            resolve::Trouble::Misfit { message, at } => Trouble::Step { message, at, help: Vec::new() },
        })?;
        let Some(list) = list else { return Err(unknown_now(&place.step, None).into()) };
        let differs = self.plan.and_then(|plan| drift::of_list(plan, &place.path, &list));
        if let Some(difference) = differs.filter(|_| !self.unplanned) {
            return Err(Trouble::Drifted(vec![difference]).into());
        }
        let count = list.as_list().map_or(0, <[Value]>::len);
        self.recorded(place, format!("for each {}: {}", spec.name.as_str(), times(count)), list);
        Ok(())
    }

    /// Enters a place that holds others; where a decision table leads to an end, that is the trouble.
    pub(super) async fn enter(&mut self, place: &Place) -> Result<(), Halt> {
        if let Act::Call(spec) = &place.step.act {
            return self.begin_call(place, spec);
        }
        let Act::Choose(spec) = &place.step.act else {
            self.recorded(place, place.step.act.word().to_owned(), Value::NULL);
            return Ok(());
        };
        let chosen = choose(spec, &self.scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
        if let Some(row) = chosen.row() {
            self.setting.reached.note(Spot::Choice(place.step.act_at.start, row.into()));
        }
        match chosen {
            Chosen::Arm(row, arm) => {
                self.goes_as_shown(&place.path, arm)?;
                let value = Value::map([("row", Value::text(row)), ("arm", Value::text(arm))]);
                if let Some(id) = place.id() {
                    self.scope.insert(id, value.clone());
                }
                self.recorded(place, format!("row `{row}`, arm `{arm}`"), value);
                names::missing(&place.step, &mut self.scope);
                let summary = format!("{row} → {arm}");
                (self.watch)(Tick::Over { path: place.path.clone(), outcome: Outcome::Done, summary });
                Ok(())
            }
            Chosen::End(row, otherwise) => {
                // Which row decided is kept, so that `show` can tell.
                self.recorded(
                    place,
                    format!("row `{row}`"),
                    Value::map([("row", Value::text(row)), ("arm", Value::NULL)]),
                );
                self.author_ends(place, otherwise, format!("the row `{row}` decides")).await?;
                Ok(())
            }
            Chosen::Unknown(why) => Err(unknown_now(&place.step, Some(&why)).into()),
        }
    }

    /// All inside a place is over. Gives what went wrong, where what a called playbook gives back cannot be made.
    pub(super) fn leave(&mut self, path: &Arc<str>) -> Option<(Place, Trouble)> {
        let place = self.root.outline.place(path)?;
        self.move_to(&place);
        if let Act::Call(spec) = &place.step.act
            && place.kind != Kind::Loop
        {
            let went = match self.end_call(&place, spec) {
                Ok(went) => went,
                Err(trouble) => return Some((place, trouble)),
            };
            let (outcome, summary) = (went.outcome, went.message.clone().unwrap_or_default());
            self.outcome(path, went, 0);
            self.name_result(&place);
            (self.watch)(Tick::Over { path: path.clone(), outcome, summary });
            return None;
        }
        let mut went = Went { outcome: Outcome::Done, value: None, message: None, response: None };
        let empty = Default::default();
        let item = self.state.items.get(&self.item).unwrap_or(&empty);
        if place.kind == Kind::Loop {
            names::lists(&place.step, path, item, &mut self.scope);
            went.response = Some(times(turns(item, path)));
        }
        match &place.step.act {
            _ if place.kind == Kind::Loop => {}
            Act::Block(_) => {
                names::missing(&place.step, &mut self.scope);
                let ended = trouble_in(&self.root.outline, item, path);
                went.message = ended.and_then(|e| e.reason).map(|why| format!("Rescued: {why}"));
            }
            Act::Undo(_) => {
                let inside = |p: &str| p.strip_prefix(&**path).is_some_and(|rest| rest.starts_with('/'));
                let steps = || item.steps.iter().filter(|(p, _)| inside(p)).map(|(_, step)| step);
                if !steps().any(|step| step.changed()) {
                    went.outcome = Outcome::Unchanged;
                }
                let words: Vec<String> = steps().filter_map(|step| step.outcome.as_ref()?.message.clone()).collect();
                went.message = Some(words.join(" ")).filter(|words| !words.is_empty());
            }
            _ => names::missing(&place.step, &mut self.scope),
        }
        if place.kind != Kind::Loop {
            went.value = item.steps.get(path).and_then(|step| step.value.clone()).filter(|value| !value.is_null());
        }
        self.outcome(path, went, 0);
        if place.kind != Kind::Loop {
            self.name_result(&place);
        }
        None
    }

    /// Looks again and again. The deadline counts from the first look, wherever that was.
    pub(super) async fn wait(&mut self, place: &Place, spec: &WaitSpec) -> Result<Went, Halt> {
        if self.standing(&place.path).is_none_or(|step| step.value.is_none()) {
            self.recorded(place, format!("wait, at most {}", spec.at_most), Value::NULL);
            self.flush().await?;
        }
        let begun = self.standing(&place.path).and_then(|step| step.begun).unwrap_or_else(|| self.setting.world.now());
        let most = spec.at_most.0;
        loop {
            self.listen().await?;
            let latest = match self.look_once(place, spec).await {
                Ok(answer) => {
                    let scope = self.scope_of_answer(&place.step, &answer);
                    if let Some(fails) = &spec.fail_when
                        && self.is_so(fails, &scope)?
                    {
                        let text = fails.scalar().text.trim();
                        return Err(Trouble::Missed(missed(
                            &place.step,
                            format!("it holds that {text}"),
                            &answer,
                            &self.setting.masks,
                        ))
                        .into());
                    }
                    if self.is_so(&spec.until, &scope)? {
                        return Ok(Went::done(answer));
                    }
                    facts::short(&answer, &self.setting.masks)
                }
                Err(Halt::Trouble(trouble)) if matches!(trouble, Trouble::Missed(_) | Trouble::Call(_)) => {
                    trouble.message()
                }
                Err(halt) => return Err(halt),
            };
            let waited = self.setting.world.now().micros - begun.micros;
            let left = most.saturating_sub(Duration::from_micros(u64::try_from(waited).unwrap_or(0)));
            if left.is_zero() {
                let until = spec.until.scalar().text.trim();
                let message =
                    format!("waited {}, and it is not so that {until}; the last answer: {latest}", spec.at_most);
                if let Some(id) = place.id()
                    && self.scope.get(id).is_none()
                {
                    self.scope.insert(id, Value::NULL);
                }
                return Err(Trouble::Missed(Missed { message, seen: Vec::new(), at: place.step.act_at }).into());
            }
            let pause = spec.every.0.max(LISTEN).min(left);
            (self.watch)(Tick::Again { path: place.path.clone(), why: format!("not yet: {latest}"), pause });
            self.sleep(pause).await?;
        }
    }

    async fn look_once(&mut self, place: &Place, spec: &WaitSpec) -> Result<Value, Halt> {
        let read = &spec.read;
        // What `until` looks at, too.
        self.look_again(&place.step).await?;
        self.look_again(read).await?;
        let resolved =
            resolve(read, &self.scope, self.setting).map_err(|t| Trouble::of_resolving(t, &self.setting.source))?;
        let Some(resolved) = resolved else { return Err(unknown_now(read, None).into()) };
        let (answer, _) = self.read(place, read, resolved.deed).await?;
        if let Some(id) = place.id() {
            self.scope.insert(id, answer.clone());
        }
        // Nothing is held open while nothing happens.
        self.close_readers().await;
        Ok(answer)
    }

    fn scope_of_answer(&self, step: &Step, answer: &Value) -> Scope {
        let scope = self.scope.clone().with("self", answer.clone());
        match step.id() {
            Some(id) => scope.with(id, answer.clone()),
            None => scope,
        }
    }

    fn is_so(&self, expression: &crate::template::Expression, scope: &Scope) -> Result<bool, Trouble> {
        let judged = resolve::judge(expression, scope).map_err(|f| Trouble::of_expression(&f, &self.setting.source))?;
        Ok(judged.holds == Some(true))
    }

    /// A pause that ends when somebody asks to pause.
    pub(super) async fn sleep(&mut self, length: Duration) -> Result<(), Halt> {
        let mut left = length;
        while !left.is_zero() {
            let piece = left.min(LISTEN);
            self.setting.world.pause(piece).await;
            left -= piece;
            if let Some(why) = self.hindrance()? {
                return Err(Halt::Rest(why));
            }
        }
        Ok(())
    }

    /// Whether somebody asked to pause, or recorded that the run is to end.
    async fn listen(&mut self) -> Result<(), Halt> {
        if let Some(why) = self.hindrance()? {
            return Err(Halt::Rest(why));
        }
        self.flush().await?;
        let seen = self.journal.run(self.claim.run).await?.map(|run| run.events);
        if seen.is_some_and(|seen| seen != self.state.events) {
            self.catch_up().await?;
        }
        // In a cancelled run nobody waits any more, unless it is for what is done at the end.
        if self.state.cancelled && !self.always { Err(Halt::Round) } else { Ok(()) }
    }
}

fn missed(step: &Step, message: String, answer: &Value, masks: &Masks) -> Missed {
    let seen = vec![(step.id().unwrap_or("answer").to_owned(), facts::short(answer, masks))];
    Missed { message, seen, at: step.act_at }
}

/// `3 times`.
pub(super) fn times(count: usize) -> String {
    match count {
        0 => "nothing to do".into(),
        1 => "once".into(),
        n => format!("{n} times"),
    }
}

/// The list of a loop: nothing while it is unknown.
pub(super) fn elements(step: &Step, scope: &Scope) -> Result<Option<Value>, resolve::Trouble> {
    let Some(spec) = &step.common.for_each else { return Ok(None) };
    let misfit = |message: String| resolve::Trouble::Misfit { message, at: spec.list.span() };
    let value = spec.list.evaluate(scope)?.value;
    if let Data::Unknown(_) = &value.data {
        return Ok(None);
    }
    let Some(list) = value.as_list() else {
        return Err(misfit(format!("`for_each` needs a list, and this is {}", value.kind())));
    };
    let count = list.len();
    let bound = spec.bound();
    if count > bound {
        let more = if spec.at_most.is_none() { "; `at_most:` raises the bound" } else { "" };
        return Err(misfit(format!(
            "the list has {}, and at most {bound} are allowed{more}",
            counted(count, "element")
        )));
    }
    // The marks stay on a list without elements, too.
    Ok(Some(Value::list(list.iter().map(|one| one.clone().marked(value.marks))).marked(value.marks)))
}

/// The first row that fits.
pub(super) fn choose<'a>(spec: &'a ChooseSpec, scope: &Scope) -> Result<Chosen<'a>, crate::template::Failure> {
    let mut known = Vec::new();
    for (name, datum) in spec.facts.iter() {
        known.push((name, datum.evaluate(scope)?.value));
    }
    let mut found = (OTHERWISE, &spec.otherwise);
    'rows: for row in &spec.rows {
        for (name, wanted) in row.is.iter() {
            let Some((_, fact)) = known.iter().find(|(known, _)| *known == name) else { continue 'rows };
            if let Some(why) = fact.unknown_because() {
                return Ok(Chosen::Unknown(why));
            }
            let wanted = wanted.evaluate(&Scope::new())?.value;
            if !facts::fits(fact, &wanted) {
                continue 'rows;
            }
        }
        if let Some(when) = &row.when {
            let judged = resolve::judge(when, scope)?;
            match (judged.holds, judged.unknown) {
                (Some(true), _) => {}
                (Some(false), _) => continue,
                (None, why) => return Ok(Chosen::Unknown(why.unwrap_or_else(|| "an unknown value".into()))),
            }
        }
        found = (row.name.as_str(), &row.action);
        break;
    }
    Ok(match found.1 {
        Choice::Arm(arm) => Chosen::Arm(found.0, arm.as_str()),
        Choice::End(otherwise, _) => Chosen::End(found.0, otherwise),
    })
}
