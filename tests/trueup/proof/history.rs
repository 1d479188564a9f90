//! One history: a run is begun, its processes are struck, new ones go on, until it is over. After each process the world
//! is judged.

use super::{
    figures::Figures,
    judge,
    procedures::{Class, Effect, Procedure},
    process::{self, Came},
    stub::Spot,
    world::{Point, World},
};
use std::time::Duration;
use trueup::{
    engine::state::{RunState, StepState},
    journal::words::End,
};

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// Nothing.
    None,
    /// Killed at its nth moment, from 1.
    Moment(usize),
    /// Killed in its nth call that changes something, from 1.
    Call(usize, Spot),
    /// Killed after this time.
    After(Duration),
    /// While it runs nobody listens at the API's port.
    Refused,
    /// After this time its database server is stopped at once, and started again.
    Restart(Duration),
    /// After this time the server ends its sessions.
    Terminate(Duration),
}

/// A run is taken up at most so often.
const MOST: usize = 14;

/// One history.
pub struct History<'a> {
    pub world: &'a mut World,
    pub point: &'a Point,
    pub procedure: &'a Procedure,
    /// What happens to the first process, the second, …; then nothing.
    pub blows: Vec<Blow>,
    /// The run may end otherwise than done, if then nothing of the effect is there.
    pub may_fail: bool,
    /// What became of each process, for people.
    told: Vec<String>,
    /// The moments that each process reached.
    pub moments: Vec<Vec<String>>,
    last: Option<(String, Came)>,
    /// Something was done to the last process, or to its calls: what it could not find out, the next one may.
    troubled: bool,
}

/// What comes next, judging from the journal as a person would.
enum Next {
    Command(Vec<String>),
    Over(End),
    Wrong(String),
}

impl<'a> History<'a> {
    pub fn new(world: &'a mut World, point: &'a Point, procedure: &'a Procedure, blows: Vec<Blow>) -> History<'a> {
        History {
            world,
            point,
            procedure,
            blows,
            may_fail: false,
            told: Vec::new(),
            moments: Vec::new(),
            last: None,
            troubled: false,
        }
    }

    /// For a finding: which history it was.
    pub fn tell(&self) -> String {
        let kind = self.world.kind.words();
        format!("{} on {kind}, {:?}: {}", self.procedure.name, self.blows, self.told.join(" → "))
    }

    /// To the end of the run, and how it ended.
    pub async fn until_over(&mut self, figures: &mut Figures) -> Option<End> {
        figures.points += 1;
        for nth in 0..MOST {
            let found = self.point.state().await.map(|(run, state)| (run.to_string(), state));
            if self.last.as_ref().is_some_and(|(_, came)| came.exit.is_some()) {
                self.world.stub.rest().await;
            }
            let traces = self.world.traces(self.point).await;
            judge::always(self.procedure, &traces, found.as_ref().map(|f| &f.1), &self.tell(), figures);
            match self.next(found.as_ref(), &traces, figures) {
                Next::Over(End::Changed) => {
                    judge::whole(self.procedure, &traces, &self.tell(), figures);
                    return Some(End::Changed);
                }
                Next::Over(End::Failed | End::Stopped) if self.may_fail => {
                    judge::nothing(self.procedure, &traces, found.as_ref().map(|f| &f.1), &self.tell(), figures);
                    return Some(End::Failed);
                }
                Next::Over(end) => {
                    let said = self.last.as_ref().map_or(String::new(), |(_, came)| came.said());
                    figures.wrong(format!("{}: it ended {}: {said}", self.tell(), end.word()));
                    return Some(end);
                }
                Next::Wrong(what) => {
                    figures.wrong(format!("{}: {what}", self.tell()));
                    return None;
                }
                Next::Command(arguments) => {
                    let blow = self.blows.get(nth).copied().unwrap_or(Blow::None);
                    if let Err(what) = self.start(arguments, blow, figures).await {
                        figures.wrong(format!("{}: {what}", self.tell()));
                        return None;
                    }
                }
            }
        }
        figures.wrong(format!("{}: it does not come to an end", self.tell()));
        None
    }

    /// Only the first process, with what happens to it.
    pub async fn start_once(&mut self, figures: &mut Figures) {
        let name = self.procedure.name;
        let words = ["apply", name, "--yes", "--reason", "a proof", "--actor", "anna"].map(str::to_owned);
        let blow = self.blows.first().copied().unwrap_or(Blow::None);
        if let Err(what) = self.start(words.to_vec(), blow, figures).await {
            figures.wrong(format!("{}: {what}", self.tell()));
        }
    }

    fn next(
        &self,
        found: Option<&(String, RunState)>,
        traces: &std::collections::BTreeMap<String, usize>,
        figures: &mut Figures,
    ) -> Next {
        let command = |words: &[&str]| Next::Command(words.iter().map(|w| (*w).to_owned()).collect());
        let name = self.procedure.name;
        let Some((run, state)) = found else {
            return command(&["apply", name, "--yes", "--reason", "a proof", "--actor", "anna"]);
        };
        if let Some(closed) = &state.closed {
            return Next::Over(closed.end);
        }
        let step = |path: &str| state.items.get("-").and_then(|item| item.steps.get(path));
        if let Some((question, answer)) = self.procedure.question
            && step(&format!("steps/{question}")).is_some_and(|s| s.asked.is_some() && s.decided.is_none())
        {
            return command(&["answer", run, question, "--set", answer, "--actor", "boss"]);
        }
        match &self.last {
            Some((word, came)) if word == "resume" && came.exit == Some(6) && !self.troubled => {
                let doubtful = |effect: &&Effect| step(effect.step).is_some_and(StepState::is_in_doubt);
                let Some(effect) = self.procedure.effects.iter().find(doubtful) else {
                    return Next::Wrong(format!("in doubt, and no step of the journal is: {}", came.said()));
                };
                figures.in_doubt += 1;
                if effect.class != Class::Once {
                    return Next::Wrong(format!(
                        "{} is in doubt, and could be found out: {}",
                        effect.step,
                        came.said()
                    ));
                }
                let done = judge::is_there(self.procedure, traces, effect.step);
                let done = if done { "--done" } else { "--not-done" };
                command(&["resolve", run, "-", done, "--reason", "somebody looked", "--actor", "boss"])
            }
            _ => command(&["resume", run, "--actor", "ben"]),
        }
    }

    /// One process, struck.
    async fn start(&mut self, arguments: Vec<String>, blow: Blow, figures: &mut Figures) -> Result<(), String> {
        let names = self.point.folder.join("moments");
        let mut more = vec![("TRUEUP_MOMENTS", names.display().to_string())];
        if let Blow::Moment(n) = blow {
            more.push(("TRUEUP_CRASH_AT", n.to_string()));
        }
        if let Blow::Call(nth, spot) = blow {
            self.world.stub.memory().strike_at(nth, spot);
        }
        if blow == Blow::Refused {
            self.world.stub.refuse().await;
            figures.faults += 1;
        }
        let happened = self.world.stub.memory().happened;
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = self.point.program(&words, &more).spawn().map_err(|e| e.to_string())?;
        let pid = child.id();
        self.world.stub.memory().client = pid;
        let strike = async {
            match blow {
                Blow::After(time) => {
                    tokio::time::sleep(time).await;
                    pid.map(process::kill);
                    0
                }
                Blow::Restart(time) => {
                    tokio::time::sleep(time).await;
                    self.world.restart().await;
                    1
                }
                Blow::Terminate(time) => {
                    tokio::time::sleep(time).await;
                    self.point.terminate().await
                }
                _ => 0,
            }
        };
        let (came, struck) = tokio::join!(process::wait(child), strike);
        let came = came?;
        figures.faults += struck;
        self.world.stub.listen().await;
        let reached = std::fs::read_to_string(&names).unwrap_or_default();
        let reached: Vec<String> = reached.lines().map(str::to_owned).collect();
        std::fs::remove_file(&names).unwrap_or_default();
        figures.faults += usize::from(came.killed());
        self.told.push(match came.exit {
            Some(exit) => format!("{} {exit}", arguments[0]),
            None => format!("{} killed after {} ({})", arguments[0], reached.len(), reached.last().map_or("", |s| s)),
        });
        self.moments.push(reached);
        let well = matches!(came.exit, None | Some(0 | 4 | 6)) || self.may_fail && came.exit == Some(1);
        if !well {
            return Err(came.said());
        }
        self.troubled = blow != Blow::None || self.world.stub.memory().happened > happened;
        self.last = Some((arguments[0].clone(), came));
        Ok(())
    }
}
