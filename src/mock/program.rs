//! A program that plays along, for tests of playbooks: what it prints, with which code it ends, what it remembers, and what it
//! changes in the project's databases. Shapes, their rules, and one call in, one end out. It starts nothing: who hands its end to
//! a step stands above.

use super::{
    behind::{Behind, Finds, Looks, RowDeed, Writes, found},
    check::{self as rules, ANSWER, ROUTE},
    model::{Effect, Last},
    play::said,
};
use crate::{
    base::{
        diagnostic::Diagnostic,
        json,
        shape::{Lowering, Named, Word},
        time::Stamp,
        value::{Map, Value},
    },
    shape,
    template::{Datum, Expression, Scope, Text, Truth},
    words,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::runtime::Handle;

shape! {
    /// One way of calling a program, and what it does then. The first one that fits is done.
    "a call of a program" pub struct Run {
        /// How its arguments begin, behind the fixed ones of the connection: `[set, env, "deployment/web"]`; `*` is any one argument.
        run: Vec<Word>,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// What it prints, and its exit code. Default: nothing, and 0.
        answer: Option<Print>,
        /// One for each call, in turn.
        #[schemars(default)]
        answers: Vec<Print>,
        /// What comes after the last of `answers`. Default `repeats`.
        last: Option<Last>,
        /// What it remembers from now on: `state.NAME` in expressions.
        #[schemars(default)]
        sets: Named<Datum>,
        /// Rows of the project's databases that it looks up first: `found.trainee` is a list of rows.
        #[schemars(default)]
        finds: Named<Finds>,
        /// What it changes in the project's databases.
        #[schemars(default)]
        writes: Vec<Writes>,
    }
}

shape! {
    /// What a program prints, and how it ends.
    "an end of a program" pub struct Print {
        /// Its standard output.
        output: Option<Text>,
        /// Its standard output as JSON.
        json: Option<Datum>,
        /// Its standard error.
        errors: Option<Text>,
        /// Its exit code. Default 0.
        code: Option<u32>,
        /// What goes wrong.
        fault: Option<Odd>,
        /// Whether it changes what it says it changes. Default: what `fault` says, else `done` with the code 0.
        effect: Option<Effect>,
    }
}

words! {
    "a fault of a program"
    pub enum Odd {
        /// It cannot be started.
        NotStarted = "not_started",
        /// It runs until its time is over, and is ended.
        Hangs = "hangs",
        /// A signal ends it, after it has done what it does.
        Killed = "killed",
    }
}

/// The names that its expressions know.
pub const NAMES: &[&str] = &["arguments", "input", "state", "found", "calls"];

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// What it printed.
    pub output: String,
    /// What it printed on the other way.
    pub errors: String,
    /// Its exit code.
    pub code: i32,
    /// What went wrong.
    pub odd: Option<Odd>,
}

/// One call, for those who count.
#[derive(Clone, Debug)]
pub struct Called {
    /// The arguments by which it was recognised: `set env deployment/web`; all of them where nothing fitted.
    pub call: String,
    /// All of them, as typed.
    pub line: String,
    /// Its exit code.
    pub code: i32,
    /// It came after all those with a smaller number, to whatever mock or program.
    pub number: u64,
    /// Something was changed.
    pub effect: bool,
}

/// A program while it plays.
#[derive(Debug)]
pub struct Played {
    name: Arc<str>,
    runs: Vec<Run>,
    behind: Option<Arc<dyn Behind>>,
    memory: Mutex<Memory>,
    /// Where it was made: a program is a process of its own, which goes on to its end when the run that called it is killed.
    home: Option<Handle>,
    /// One call after the other.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Memory {
    state: Map,
    calls: HashMap<usize, usize>,
    log: Vec<Called>,
}

/// What one call comes to, before anything is changed.
struct Outcome {
    end: End,
    effect: bool,
    sets: Map,
    deeds: Vec<RowDeed>,
    call: String,
}

impl Run {
    fn fits(&self, arguments: &[String]) -> bool {
        arguments.len() >= self.run.len()
            && self
                .run
                .iter()
                .zip(arguments)
                .all(|(word, given)| matches!(word.as_str(), "*") || word.as_str() == given)
    }

    fn changes(&self) -> bool {
        !self.sets.entries.is_empty() || !self.writes.is_empty()
    }
}

/// What is wrong with the calls of a program.
pub fn check(runs: &[Run], cx: &mut Lowering<'_>) {
    let texts = |all: Vec<&Text>, cx: &mut Lowering<'_>| {
        all.into_iter().for_each(|text| rules::uses(text.scalar(), text.names(), &[], NAMES, cx));
    };
    for run in runs {
        if run.run.is_empty() {
            cx.push(Diagnostic::error(&ROUTE, run.at, "`run` says how the arguments begin, with one word at least"));
        }
        if !run.answers.is_empty() && run.answer.is_some() {
            cx.push(Diagnostic::error(&ANSWER, run.at, "a call has `answer` or `answers`, not both"));
        }
        if run.last.is_some() && run.answers.is_empty() {
            cx.push(Diagnostic::error(&ROUTE, run.at, "`last` says what comes after `answers`, and there are none"));
        }
        for print in run.answers.iter().chain(&run.answer) {
            if print.output.is_some() && print.json.is_some() {
                cx.push(Diagnostic::error(&ANSWER, print.at, "a program prints `output` or `json`, not both"));
            }
            if let Some(code) = print.code.filter(|code| *code > 255) {
                let message = format!("{code} is no exit code: they go from 0 to 255");
                cx.push(Diagnostic::error(&ANSWER, print.at, message));
            }
            texts(print.json.iter().flat_map(|datum| datum.tree.texts()).collect(), cx);
            texts(print.output.iter().chain(&print.errors).collect(), cx);
        }
        texts(run.sets.iter().flat_map(|(_, datum)| datum.tree.texts()).collect(), cx);
        for (_, finds) in run.finds.iter() {
            finds.conditions.iter().for_each(|(_, datum)| texts(datum.tree.texts(), cx));
        }
        run.writes.iter().for_each(|writes| rules::writes(writes, &[], NAMES, cx));
        if let Some(when) = &run.when {
            rules::uses(when.scalar(), when.names(), &[], NAMES, cx);
        }
    }
}

impl Played {
    /// At its start.
    pub fn new(name: Arc<str>, runs: Vec<Run>, behind: Option<Arc<dyn Behind>>) -> Played {
        let home = Handle::try_current().ok();
        Played { name, runs, behind, memory: Mutex::default(), home, turn: tokio::sync::Mutex::default() }
    }

    /// All calls so far.
    pub fn log(&self) -> Vec<Called> {
        self.memory().log.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: what it changes is changed when this returns.
    pub async fn call(self: &Arc<Self>, arguments: &[String], input: Option<&str>, now: Stamp) -> End {
        let Some(home) = &self.home else { return self.called(arguments, input, now).await };
        let (this, arguments, input) = (self.clone(), arguments.to_vec(), input.map(str::to_owned));
        let called = home.spawn(async move { this.called(&arguments, input.as_deref(), now).await });
        called.await.unwrap_or_else(|_| End { code: 255, odd: Some(Odd::NotStarted), ..End::default() })
    }

    /// Waits until the calls that have begun are over.
    pub async fn at_rest(&self) {
        drop(self.turn.lock().await);
    }

    async fn called(&self, arguments: &[String], input: Option<&str>, now: Stamp) -> End {
        let _turn = self.turn.lock().await;
        match self.done(arguments, input, now).await {
            Ok(outcome) => {
                self.remember(arguments, outcome.call, outcome.end.code, outcome.effect);
                outcome.end
            }
            // Nobody sees a half-played program as a good one.
            Err(problem) => {
                self.remember(arguments, arguments.join(" "), 255, false);
                let errors = format!("the stand-in for `{}` cannot answer: {problem}", self.name);
                End { errors, code: 255, odd: Some(Odd::NotStarted), ..End::default() }
            }
        }
    }

    fn remember(&self, arguments: &[String], call: String, code: i32, effect: bool) {
        let number = super::record::next();
        self.memory().log.push(Called { call, line: arguments.join(" "), code, number, effect });
    }

    async fn done(&self, arguments: &[String], input: Option<&str>, now: Stamp) -> Result<Outcome, String> {
        let mut known = Vec::new();
        for (index, run) in self.runs.iter().enumerate().filter(|(_, run)| run.fits(arguments)) {
            let calls = self.memory().calls.get(&index).copied().unwrap_or(0);
            let scope = Scope::new()
                .with("arguments", Value::list(arguments.iter().map(|one| Value::text(one.as_str()))))
                .with("input", input.map_or(Value::NULL, Value::text))
                .with("state", Value::from(self.memory().state.clone()))
                .with("calls", Value::from(calls as i64 + 1))
                .with("found", Value::map::<&str>([]))
                .with_now(now);
            let one = |(name, finds): (&str, &Finds)| Ok((name.into(), finds.look(&scope)?));
            let looks: Looks = run.finds.iter().map(one).collect::<Result<_, String>>()?;
            let scope =
                scope.clone().with("found", Value::from(found(self.behind.as_deref(), &looks, &mut known).await?));
            if let Some(when) = &run.when
                && when.test(&scope).map_err(|e| said(&e))?.0 != Truth::Yes
            {
                continue;
            }
            let print = match (run.answers.get(calls).or(run.answer.as_ref()), run.last) {
                (None, Some(Last::Passes)) => continue,
                (None, Some(Last::Fails)) => return Err(format!("it has no answer for call {}", calls + 1)),
                (None, _) => run.answers.last(),
                (some, _) => some,
            };
            let outcome = outcome(run, print, &scope, arguments)?;
            if outcome.effect {
                super::behind::change(self.behind.as_deref(), &outcome.deeds).await?;
                self.memory().state.extend(outcome.sets.clone());
            }
            self.memory().calls.insert(index, calls + 1);
            return Ok(outcome);
        }
        Err(format!("no `run` of the test begins as `{}`", arguments.join(" ")))
    }
}

fn outcome(run: &Run, print: Option<&Print>, scope: &Scope, arguments: &[String]) -> Result<Outcome, String> {
    let text = |text: Option<&Text>| match text {
        Some(text) => text.evaluate(scope).map(|made| made.value.bare().into_owned()).map_err(|e| said(&e)),
        None => Ok(String::new()),
    };
    let value = |datum: &Datum| datum.evaluate(scope).map(|made| made.value).map_err(|e| said(&e));
    let output = match print.and_then(|print| print.json.as_ref()) {
        Some(datum) => json::text_of(&value(datum)?),
        None => text(print.and_then(|print| print.output.as_ref()))?,
    };
    let errors = text(print.and_then(|print| print.errors.as_ref()))?;
    let code = print.and_then(|print| print.code).unwrap_or(0);
    let odd = print.and_then(|print| print.fault);
    let by_default = match odd {
        Some(Odd::NotStarted | Odd::Hangs) => false,
        Some(Odd::Killed) => true,
        None => code == 0,
    };
    let effect = run.changes() && print.and_then(|print| print.effect).map_or(by_default, |e| e == Effect::Done);
    let sets: BTreeMap<Arc<str>, Value> =
        run.sets.iter().map(|(name, datum)| Ok((name.into(), value(datum)?))).collect::<Result<_, String>>()?;
    let deeds = run.writes.iter().map(|writes| writes.deeds(scope)).collect::<Result<Vec<_>, _>>()?.concat();
    let call = arguments[..run.run.len()].join(" ");
    let code = i32::try_from(code).unwrap_or(255);
    Ok(Outcome { end: End { output, errors, code, odd }, effect, sets: sets.into_iter().collect(), deeds, call })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{diagnostic::Diagnostics, shape::FromNode, source::Source, time::instant, yaml};

    fn runs(text: &str) -> Result<Vec<Run>, String> {
        let source = Source::new("t", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::DATA_LIMITS, &mut problems).unwrap();
        let mut cx = Lowering::new(&mut problems);
        let runs = Vec::from_node(&node, &mut cx);
        runs.iter().for_each(|runs: &Vec<Run>| check(runs, &mut cx));
        if problems.errors() > 0 {
            return Err(problems.sorted().into_iter().map(|p| p.message.clone()).collect::<Vec<_>>().join("\n"));
        }
        Ok(runs.unwrap())
    }

    #[test]
    fn it_answers_in_turn_remembers_what_it_did_and_says_what_it_does_not_know() {
        let text = "- { run: [get, '*'], answer: { json: { value: \"{{ state.value | default('old') }}\" } } }\n- { run: [set, flag], sets: { value: \"{{ arguments[2] }}\" }, answers: [{ code: 3, errors: busy }, { output: done }, { fault: killed }] }\n";
        let played = Arc::new(Played::new("tool".into(), runs(text).unwrap(), None));
        let now = instant("2025-07-23T10:00:00Z").unwrap();
        let call = |words: &str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(played.call(&words, None, now))
        };
        assert_eq!(call("get x").output, "{\"value\":\"old\"}");
        // A call that ends badly has changed nothing.
        assert_eq!((call("set flag new").code, call("get x").output), (3, "{\"value\":\"old\"}".into()));
        assert_eq!((call("set flag new").output, call("get x").output), ("done".into(), "{\"value\":\"new\"}".into()));
        // One that is killed afterwards has.
        assert_eq!(
            (call("set flag newer").odd, call("get x").output),
            (Some(Odd::Killed), "{\"value\":\"newer\"}".into())
        );
        let odd = call("drop everything");
        assert!(odd.code == 255 && odd.errors.contains("no `run` of the test begins as `drop everything`"), "{odd:?}");
        let log = played.log();
        let calls: Vec<_> = log.iter().filter(|one| one.effect).map(|one| one.call.as_str()).collect();
        assert_eq!((log.len(), calls), (8, vec!["set flag", "set flag"]));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let said = runs("- { run: [], answer: { output: a, json: b }, answers: [{ code: 300 }], sets: { a: \"{{ argument }}\" } }\n").unwrap_err();
        for part in ["one word at least", "not both", "no exit code", "no name `argument`"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
