//! The flow as a tree, whatever it is drawn in.

use crate::{
    action::{
        choose::{Choice, OTHERWISE},
        ends::{Otherwise, Way},
        kinds::Act,
        step::Step,
    },
    check::Checked,
    report::procedure::{self, Piece},
};

/// What a step is to somebody who looks at the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something is looked at.
    Look,
    /// Something must hold.
    Check,
    /// Something is changed.
    Change,
    /// A person is asked.
    Question,
    /// A person is told.
    Message,
    /// It waits.
    Wait,
    /// The end.
    End,
}

impl Kind {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Look => "look",
            Kind::Check => "check",
            Kind::Change => "change",
            Kind::Question => "question",
            Kind::Message => "message",
            Kind::Wait => "wait",
            Kind::End => "end",
        }
    }
}

/// Where it leads when a check fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// On the arrow: the row of a decision; empty for `otherwise`.
    pub case: String,
    /// `stops`, `goes to dqt-team`.
    pub to: String,
    /// Which.
    pub way: Way,
}

/// A part of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// One step.
    Step {
        /// What it is.
        kind: Kind,
        /// Its title, or what it does.
        text: String,
        /// `only if …`, `for each …`.
        under: Vec<String>,
        /// Where it leads when it fails.
        exits: Vec<Exit>,
    },
    /// Steps that belong together.
    Group {
        /// What it is called.
        title: String,
        /// `only if …`, `for each …`.
        under: Vec<String>,
        /// The steps.
        parts: Vec<Part>,
        /// What is done when one of them fails.
        rescue: Vec<Part>,
        /// What is done whatever happens.
        always: Vec<Part>,
        /// A rescue that went well makes it good.
        recovered: bool,
        /// Where it leads when it fails.
        exits: Vec<Exit>,
    },
    /// A decision.
    Choice {
        /// What is looked at.
        text: String,
        /// `only if …`, `for each …`.
        under: Vec<String>,
        /// Rows that lead to an end.
        exits: Vec<Exit>,
        /// The ways: name, the rows that lead there, steps.
        ways: Vec<(String, Vec<String>, Vec<Part>)>,
    },
    /// Goes on with another way of the decision around it.
    Use(String),
    /// Ends here.
    End(Exit),
}

/// The whole flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The playbook's title.
    pub title: String,
    /// `Once for each item`, where it works on many.
    pub each: Option<String>,
    /// The sections with their headings.
    pub sections: Vec<(&'static str, Vec<Part>)>,
}

/// The flow of a playbook.
pub fn of(checked: &Checked) -> Flow {
    let playbook = checked.playbook();
    let sections = playbook.sections().into_iter().filter(|(_, steps)| !steps.is_empty()).map(|(word, steps)| {
        let heading = match word {
            "preconditions" => "Checked first",
            "steps" => "What is done",
            "verification" => "Looked at afterwards",
            _ => "Afterwards",
        };
        (heading, parts(steps, checked))
    });
    Flow {
        title: playbook.title.as_str().to_owned(),
        each: playbook.targets.as_ref().map(|_| "once for each item".to_owned()),
        sections: sections.collect(),
    }
}

fn parts(steps: &[Step], checked: &Checked) -> Vec<Part> {
    steps.iter().map(|step| part(step, checked)).collect()
}

fn part(step: &Step, checked: &Checked) -> Part {
    let common = &step.common;
    let text = words(&procedure::label(step, checked));
    let mut under = Vec::new();
    if let Some(when) = &common.when {
        under.push(format!("only if {}", when.scalar().text.trim()));
    }
    if let Some(each) = &common.for_each {
        under.push(format!("for each {}", each.name.as_str()));
    }
    let exits: Vec<Exit> = common.otherwise.iter().map(|end| exit("", end)).collect();
    match &step.act {
        Act::Block(block) => Part::Group {
            title: text,
            under,
            parts: parts(&block.steps, checked),
            rescue: parts(&block.rescue, checked),
            always: parts(&block.always, checked),
            recovered: block.recovered == Some(true),
            exits,
        },
        Act::Choose(choose) => {
            let rows = |name: &str| {
                let leads = |choice: &Choice| matches!(choice, Choice::Arm(arm) if arm.as_str() == name);
                choose.choices().filter(|(_, choice)| leads(choice)).map(|(row, _)| case(row)).collect::<Vec<_>>()
            };
            let ends = choose.choices().filter_map(|(row, choice)| match choice {
                Choice::End(end, _) => Some(exit(&case(row), end)),
                Choice::Arm(_) => None,
            });
            Part::Choice {
                text,
                under,
                exits: ends.chain(exits).collect(),
                ways: choose
                    .paths
                    .iter()
                    .map(|(name, steps)| (name.to_owned(), rows(name), parts(steps, checked)))
                    .collect(),
            }
        }
        Act::Use(arm) => Part::Use(arm.as_str().to_owned()),
        Act::End(end) => Part::End(exit("", end)),
        act => Part::Step { kind: kind(act, step, checked), text, under, exits },
    }
}

fn kind(act: &Act, step: &Step, checked: &Checked) -> Kind {
    match act {
        Act::Assert(_) => Kind::Check,
        Act::Ask(_) => Kind::Question,
        Act::Tell(_) => Kind::Message,
        Act::Wait(_) => Kind::Wait,
        Act::Undo(_) => Kind::Change,
        _ if checked.facts(step).is_some_and(|facts| facts.writes) => Kind::Change,
        _ if step.common.is.is_some() => Kind::Check,
        _ => Kind::Look,
    }
}

fn case(row: &str) -> String {
    if row == OTHERWISE { "in every other case".to_owned() } else { row.to_owned() }
}

fn exit(case: &str, end: &Otherwise) -> Exit {
    let to = match end.way {
        Way::Stop => "stops".to_owned(),
        Way::Skip => "is left out".to_owned(),
        Way::Done => "is done already".to_owned(),
        Way::Warn => "goes on with a warning".to_owned(),
        Way::Fail => "fails".to_owned(),
        Way::Escalate => format!("goes to {}", end.who.as_ref().map_or("", |who| who.as_str())),
    };
    Exit { case: case.to_owned(), to, way: end.way }
}

fn words(pieces: &[Piece]) -> String {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Code(text) | Piece::Strong(text) => text.as_str(),
        })
        .collect();
    text.trim().to_owned()
}
