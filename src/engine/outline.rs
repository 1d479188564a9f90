//! The playbook's steps as a tree of places, each with a lasting path: what `decide` walks along. Which places there are in the
//! end (the turns of a loop, what an `undo` step takes back) follows from the tree and from where the item stands, and from
//! nothing else.

use super::state::ItemState;
use crate::{
    action::{
        deed::{Jobs, Restore},
        kinds::Act,
        step::{ALWAYS, RESCUE, Step},
    },
    base::value::Value,
    effect::change::RowChange,
    plan::Section,
    playbook::model::Playbook,
    template::Scope,
};
use std::sync::Arc;

/// How a place is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does what its step says.
    Plain,
    /// As `Plain`, and it is over only when it says so: what it has read so far is no result yet.
    Patient,
    /// A block whose inner places follow: here only its `when` is looked at.
    Gate,
    /// It is entered, its inner places follow, and it is left when they are over.
    Frame,
    /// A step that is done once for each element of a list: here the list is made.
    Loop,
}

/// One place: a step, a block, or a turn of a loop.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which list.
    pub section: Section,
    /// `steps/change`, `steps/change/route`, `steps/notify[0]`: lasting, part of effect ids.
    pub path: Arc<str>,
    /// The step.
    pub step: Arc<Step>,
    /// How it is gone through.
    pub kind: Kind,
    /// In a run that takes another one back: what to do instead of the step's own action.
    pub back: Option<Back>,
    /// In a run that takes another one back: what was known in the turn of a loop that it takes back, where that is more.
    pub known: Option<Scope>,
    /// Inside an `undo:` step: the path of the place that is taken back here.
    pub origin: Option<Arc<str>>,
    /// The turns of loops that it belongs to, the outermost first.
    pub turns: Vec<Turn>,
    /// The block in whose `rescue` or `always` it stands, the innermost.
    pub ends_of: Option<Arc<str>>,
    /// A block around it has something to do at its end.
    pub guarded: bool,
    /// A block around it has a `rescue` for what fails here.
    pub rescued: bool,
}

/// One turn of a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// `steps/notify[0]`.
    pub at: Arc<str>,
    /// `steps/notify`.
    pub list: Arc<str>,
    /// From 0.
    pub index: usize,
    /// The name of the element.
    pub name: Arc<str>,
}

/// What a place of an undo does.
#[derive(Clone, Debug)]
pub enum Back {
    /// Rows become what they were.
    Rows(Restore),
    /// A thing behind an API becomes what it was before this change.
    Resource(Box<RowChange>),
    /// Background jobs become what they were.
    Jobs(Jobs),
    /// Nothing: it cannot be taken back, or need not. Why, for people.
    Left(String),
    /// Nothing any more. Why, for people.
    Already(String),
    /// The step's own action, with this value under this name: what the effect answered that it takes back.
    Step(Arc<str>, Value),
}

impl Place {
    /// A place of a run that takes another one back.
    pub fn of_undo(path: Arc<str>, step: Step, back: Option<Back>) -> Place {
        Place {
            section: Section::Steps,
            path,
            step: Arc::new(step),
            kind: Kind::Plain,
            back,
            known: None,
            origin: None,
            turns: Vec::new(),
            ends_of: None,
            guarded: false,
            rescued: false,
        }
    }

    /// The name of its result.
    pub fn id(&self) -> Option<&str> {
        self.step.id()
    }

    /// Its step's own action is done, and gives its result.
    pub fn is_plain(&self) -> bool {
        matches!(self.back, None | Some(Back::Step(..)))
    }

    /// Other places stand inside.
    pub fn holds_places(&self) -> bool {
        matches!(self.kind, Kind::Gate | Kind::Frame | Kind::Loop)
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// A step in the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// Which list.
    pub section: Section,
    /// Its name, or its action with its number: the last part of its path.
    pub label: Arc<str>,
    /// The step.
    pub step: Arc<Step>,
    /// How it is gone through, once it is its turn.
    pub kind: Kind,
    /// The lists of steps inside.
    pub parts: Vec<Part>,
    /// In a run that takes another one back, the whole place.
    given: Option<Box<Place>>,
}

/// A list of steps inside a step.
#[derive(Clone, Debug)]
pub struct Part {
    /// Nothing for a block's own steps; `block.rescue`, `block.always`, `paths.ARM`.
    pub word: Option<Arc<str>>,
    /// The steps.
    pub nodes: Vec<Node>,
}

impl Node {
    /// It is done once for each element of a list.
    pub fn loops(&self) -> bool {
        self.step.common.for_each.is_some()
    }

    /// Its path below `prefix`.
    pub fn path(&self, prefix: &str) -> Arc<str> {
        match &self.given {
            Some(place) => place.path.clone(),
            None => format!("{prefix}/{}", self.label).into(),
        }
    }

    /// The steps of one of its lists.
    pub fn part(&self, word: Option<&str>) -> &[Node] {
        self.parts.iter().find(|part| part.word.as_deref() == word).map_or(&[], |part| &part.nodes)
    }

    fn ends(&self) -> bool {
        matches!(&self.step.act, Act::Block(block) if block.has_ends())
    }
}

/// All places of a run. A `block: transaction` is one place: it happens as one.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The steps at the top, in the order of a run.
    pub nodes: Vec<Node>,
    /// What the run knows at its beginning, where that is more than its parameters: the captured values of a run that
    /// is taken back.
    pub scope: Option<Scope>,
}

impl Outline {
    /// Of a playbook.
    pub fn of(playbook: &Playbook) -> Outline {
        let lists = [&playbook.preconditions, &playbook.steps, &playbook.verification, &playbook.afterwards];
        let nodes = Section::ALL.into_iter().zip(lists).flat_map(|(section, steps)| nodes(section, steps));
        Outline { nodes: nodes.collect(), scope: None }
    }

    /// Of a run that takes another one back.
    pub fn of_undo(places: Vec<Place>, scope: Scope) -> Outline {
        let node = |place: Place| Node {
            section: place.section,
            label: place.name().into(),
            step: place.step.clone(),
            kind: place.kind,
            parts: Vec::new(),
            given: Some(Box::new(place)),
        };
        Outline { nodes: places.into_iter().map(node).collect(), scope: Some(scope) }
    }

    /// The names of all results.
    pub fn names(&self) -> Vec<&str> {
        fn of<'n>(nodes: &'n [Node], all: &mut Vec<&'n str>) {
            for node in nodes {
                all.extend(node.step.id());
                node.parts.iter().for_each(|part| of(&part.nodes, all));
            }
        }
        let mut all = Vec::new();
        of(&self.nodes, &mut all);
        all
    }

    /// The place of a path.
    pub fn place(&self, path: &str) -> Option<Place> {
        if self.scope.is_some() {
            return self.nodes.iter().filter_map(|node| node.given.as_deref()).find(|p| &*p.path == path).cloned();
        }
        let (word, rest) = path.split_once('/')?;
        let section = Section::ALL.into_iter().find(|section| section.word() == word)?;
        let at = Around { turns: Vec::new(), ends_of: None, guarded: false, rescued: false };
        let top: Vec<&Node> = self.nodes.iter().filter(|node| node.section == section).collect();
        self.find(&top, word, rest, at)
    }

    /// `rest` is what follows behind `prefix`.
    fn find(&self, nodes: &[&Node], prefix: &str, rest: &str, mut around: Around) -> Option<Place> {
        let (segment, rest) = rest.split_once('/').map_or((rest, None), |(segment, rest)| (segment, Some(rest)));
        let (label, index) = indexed(segment);
        let node = nodes.iter().find(|node| &*node.label == label)?;
        let at: Arc<str> = format!("{prefix}/{segment}").into();
        if let Some(looped) = &node.step.common.for_each {
            let list: Arc<str> = format!("{prefix}/{label}").into();
            let Some(index) = index else {
                return rest.is_none().then(|| around.place(node, at, Kind::Loop));
            };
            around.turns.push(Turn { at: at.clone(), list, index, name: looped.name.text.clone() });
        } else if index.is_some() {
            return None;
        }
        let Some(rest) = rest else { return Some(around.place(node, at, node.kind)) };
        if matches!(node.step.act, Act::Undo(_)) {
            return self.taken_back(node, &at, rest, around);
        }
        let part = node.parts.iter().find(|part| {
            part.word.as_deref().is_some_and(|w| rest.strip_prefix(w).is_some_and(|r| r.starts_with('/')))
        });
        let (prefix, rest, word) = match part.and_then(|part| part.word.as_deref()) {
            Some(word) => (format!("{at}/{word}"), rest.get(word.len() + 1..)?, Some(word)),
            None => (at.to_string(), rest, None),
        };
        if node.ends() {
            around.guarded = true;
            match word {
                None => around.rescued |= !node.part(Some(RESCUE)).is_empty(),
                Some(_) => around.ends_of = Some(at),
            }
        }
        let inner: Vec<&Node> = node.part(word).iter().collect();
        self.find(&inner, &prefix, rest, around)
    }

    /// A place inside an `undo:` step: it stands for another one, in the same section.
    fn taken_back(&self, node: &Node, at: &str, rest: &str, around: Around) -> Option<Place> {
        let origin: Arc<str> = format!("{}/{rest}", node.section.word()).into();
        let of = self.place(&origin)?;
        let path = format!("{at}/{rest}").into();
        // What it needs to know is what was known there.
        Some(Place { path, origin: Some(origin), turns: of.turns.clone(), kind: Kind::Plain, ..around.of(of) })
    }

    /// Every place, loops with the turns that the item knows of, in the order of a run.
    pub fn all(&self, item: &ItemState) -> Vec<Place> {
        let mut paths = Vec::new();
        for node in &self.nodes {
            self.expand(node, &node.path(node.section.word()), item, &mut paths);
        }
        paths.iter().filter_map(|path| self.place(path)).collect()
    }

    fn expand(&self, node: &Node, path: &Arc<str>, item: &ItemState, paths: &mut Vec<Arc<str>>) {
        paths.push(path.clone());
        if !node.loops() {
            return self.inside(node, path, item, paths);
        }
        for index in 0..turns(item, path) {
            let turn = turn(path, index);
            paths.push(turn.clone());
            self.inside(node, &turn, item, paths);
        }
    }

    fn inside(&self, node: &Node, path: &Arc<str>, item: &ItemState, paths: &mut Vec<Arc<str>>) {
        if matches!(node.step.act, Act::Undo(_)) {
            paths.extend(self.undone(node, path, item).into_iter().map(|(path, _)| path));
        }
        for part in &node.parts {
            let prefix = part.word.as_ref().map_or_else(|| path.to_string(), |word| format!("{path}/{word}"));
            for inner in &part.nodes {
                self.expand(inner, &inner.path(&prefix), item, paths);
            }
        }
    }

    /// The places inside an `undo:` step, each with the path that it takes back: the newest effect first.
    pub fn undone(&self, node: &Node, path: &str, item: &ItemState) -> Vec<(Arc<str>, Arc<str>)> {
        let Act::Undo(spec) = &node.step.act else { return Vec::new() };
        let names: Vec<&str> = spec.steps.iter().map(|word| word.as_str()).collect();
        let section = node.section.word();
        let named = |at: &str| {
            let mut segments = at.split('/').map(|segment| indexed(segment).0);
            segments.any(|segment| names.contains(&segment))
        };
        let effects = item.steps.iter().rev().filter(|(at, step)| {
            // Not what stands inside an `undo:` step itself: that is a taking back and no step of the author's.
            step.changed() && named(at) && self.place(at).is_some_and(|place| place.origin.is_none())
        });
        effects
            .filter_map(|(at, _)| {
                let rest = at.strip_prefix(section)?.strip_prefix('/')?;
                Some((format!("{path}/{rest}").into(), at.clone()))
            })
            .collect()
    }
}

/// What stands around a place.
#[derive(Clone)]
struct Around {
    turns: Vec<Turn>,
    ends_of: Option<Arc<str>>,
    guarded: bool,
    rescued: bool,
}

impl Around {
    fn place(self, node: &Node, path: Arc<str>, kind: Kind) -> Place {
        let Around { turns, ends_of, guarded, rescued } = self;
        let (section, step) = (node.section, node.step.clone());
        Place { section, path, step, kind, back: None, known: None, origin: None, turns, ends_of, guarded, rescued }
    }

    fn of(self, place: Place) -> Place {
        let Around { turns, ends_of, guarded, rescued } = self;
        Place { turns, ends_of, guarded, rescued, ..place }
    }
}

fn nodes(section: Section, steps: &[Step]) -> Vec<Node> {
    let node = |(index, step): (usize, &Step)| {
        let together = matches!(&step.act, Act::Block(block) if block.transaction.is_some());
        let parts = if together { Vec::new() } else { step.parts() };
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|(word, steps)| Part { word: word.map(Into::into), nodes: nodes(section, steps) })
            .collect();
        let kind = match &step.act {
            Act::Block(_) if together => Kind::Plain,
            Act::Block(block) if block.has_ends() || step.common.for_each.is_some() => Kind::Frame,
            Act::Block(_) => Kind::Gate,
            Act::Choose(_) | Act::Undo(_) => Kind::Frame,
            Act::Wait(_) => Kind::Patient,
            _ => Kind::Plain,
        };
        Node { section, label: step.label(index).into(), step: Arc::new(step.clone()), kind, parts, given: None }
    };
    steps.iter().enumerate().map(node).collect()
}

/// The path of a step within its list.
pub fn path(prefix: &str, step: &Step, index: usize) -> Arc<str> {
    format!("{prefix}/{}", step.label(index)).into()
}

/// The path of the steps in a part of the step at `path`.
pub fn inside(path: &str, part: Option<&str>) -> String {
    part.map_or_else(|| path.to_owned(), |word| format!("{path}/{word}"))
}

/// The path of a turn of the loop at `path`.
pub fn turn(path: &str, index: usize) -> Arc<str> {
    format!("{path}[{index}]").into()
}

/// How many turns the loop at `path` has; none before its list is known.
pub fn turns(item: &ItemState, path: &str) -> usize {
    let list = item.steps.get(path).and_then(|step| step.value.as_ref());
    list.and_then(Value::as_list).map_or(0, <[Value]>::len)
}

/// `notify[3]` → `notify` and 3.
pub fn indexed(segment: &str) -> (&str, Option<usize>) {
    let split = segment.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match split.and_then(|(label, index)| Some((label, index.parse().ok()?))) {
        Some((label, index)) => (label, Some(index)),
        None => (segment, None),
    }
}

/// A path without the numbers of turns: what the playbook's text knows it by.
pub fn without_turns(path: &str) -> String {
    path.split('/').map(|segment| indexed(segment).0).collect::<Vec<_>>().join("/")
}

/// What stands around a step and tells it from others of its name, for people: `each[0] / `, `rescue / `; mostly nothing.
pub fn around(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    let own = segments.pop().and_then(|own| indexed(own).1);
    let told = segments.into_iter().filter_map(|segment| match segment {
        RESCUE => Some("rescue"),
        ALWAYS => Some("always"),
        _ => indexed(segment).1.map(|_| segment),
    });
    let mut words: String = told.map(|word| format!("{word} / ")).collect();
    if let Some(index) = own {
        words.push_str(&format!("[{index}] "));
    }
    words
}

/// Steps inside may not have run although it was entered: the arms that were not chosen, what stands behind a failure.
pub fn may_pass_over(step: &Step) -> bool {
    match &step.act {
        Act::Choose(_) => true,
        Act::Block(block) => block.has_ends(),
        _ => false,
    }
}

/// The steps in a block's `always`.
pub fn always(node: &Node) -> &[Node] {
    node.part(Some(ALWAYS))
}

/// The steps in a block's `rescue`.
pub fn rescue(node: &Node) -> &[Node] {
    node.part(Some(RESCUE))
}
