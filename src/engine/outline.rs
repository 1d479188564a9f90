//! The playbook's steps as a tree of places, each with a lasting path: what `decide` walks along. Which places there are in the
//! end (the turns of a loop, what an `undo` step takes back) follows from the tree and from where the item stands, and from
//! nothing else.

use super::{
    resource::Left,
    state::{ItemState, StepState},
};
use crate::{
    action::{
        call::DEEPEST,
        deed::{Jobs, Restore},
        kinds::Act,
        step::{ALWAYS, RESCUE, Step},
    },
    base::{time::Stamp, value::Value},
    effect::left::Stays,
    journal::words::Outcome,
    plan::Section,
    playbook::model::Playbook,
    template::Scope,
};
use std::{collections::HashMap, sync::Arc};

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
    /// In a run that takes another one back by a step of the author's: the rows as that run left them.
    pub since: Option<Arc<Restore>>,
    /// In a run that takes another one back: what was known in the turn of a loop that it takes back, where that is more.
    pub known: Option<Scope>,
    /// Inside an `undo:` step: the path of the place that is taken back here.
    pub origin: Option<Arc<str>>,
    /// Which list of its own playbook.
    pub list: Section,
    /// The turns of loops and the calls that it belongs to, the outermost first.
    pub realms: Vec<Realm>,
    /// The block of its own playbook in whose `rescue` or `always` it stands, the innermost.
    pub ends_of: Option<Arc<str>>,
    /// All blocks in whose `rescue` or `always` it stands, also around the calls that it belongs to.
    pub after: Vec<Arc<str>>,
    /// A block around it has something to do at its end.
    pub guarded: bool,
    /// A block around it has a `rescue` for what fails here.
    pub rescued: bool,
}

/// What has names of its own, beside those around it or instead of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Realm {
    /// A turn of a loop: an element, and the results of its steps.
    Turn(Turn),
    /// A called playbook: nothing of what is around it.
    Call(Call),
}

impl Realm {
    /// Its path: `steps/notify[0]`, `steps/award`.
    pub fn at(&self) -> &Arc<str> {
        match self {
            Realm::Turn(turn) => &turn.at,
            Realm::Call(call) => &call.at,
        }
    }

    /// The call that it is.
    pub fn call(&self) -> Option<&Call> {
        if let Realm::Call(call) = self { Some(call) } else { None }
    }
}

/// One call of another playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `steps/award`.
    pub at: Arc<str>,
    /// The name of the other playbook.
    pub playbook: Arc<str>,
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
    Resource(Box<Left>),
    /// Background jobs become what they were.
    Jobs(Jobs),
    /// Nothing: it cannot be taken back, or need not.
    Left(Stays),
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
            since: None,
            known: None,
            origin: None,
            list: Section::Steps,
            realms: Vec::new(),
            ends_of: None,
            after: Vec::new(),
            guarded: false,
            rescued: false,
        }
    }

    /// The innermost call that it belongs to.
    pub fn call(&self) -> Option<&Call> {
        self.realms.iter().rev().find_map(Realm::call)
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
    /// Which list of the whole.
    pub section: Section,
    /// Which list of its own playbook.
    pub list: Section,
    /// Its name, or its action with its number: the last part of its path.
    pub label: Arc<str>,
    /// Its path outside of all turns of loops.
    pub(super) at: Arc<str>,
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
    /// Nothing for a block's own steps; `block.rescue`, `block.always`, `paths.ARM`; of a call the lists of the other playbook: `preconditions`,
    /// `steps`, `verification`, `afterwards`.
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
            // Asked for at each step of each item.
            None if self.at.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) == Some(&self.label) => {
                self.at.clone()
            }
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
    pub nodes: Arc<Vec<Node>>,
    /// What the run knows at its beginning, where that is more than its parameters: the captured values of a run that
    /// is taken back.
    pub scope: Option<Scope>,
}

impl Outline {
    /// Of a playbook.
    pub fn of(playbook: &Playbook, called: &HashMap<Arc<str>, Arc<Playbook>>) -> Outline {
        let lists = Section::ALL.into_iter().zip(playbook.sections());
        let all = lists.flat_map(|(section, (_, steps))| {
            Builder { called, section, depth: 0 }.nodes(section, section.word(), steps)
        });
        Outline { nodes: Arc::new(all.collect()), scope: None }
    }

    /// Of a run that takes another one back.
    pub fn of_undo(places: Vec<Place>, scope: Scope) -> Outline {
        let node = |place: Place| Node {
            section: place.section,
            list: place.list,
            label: place.name().into(),
            at: place.path.clone(),
            step: place.step.clone(),
            kind: place.kind,
            parts: Vec::new(),
            given: Some(Box::new(place)),
        };
        Outline { nodes: Arc::new(places.into_iter().map(node).collect()), scope: Some(scope) }
    }

    /// The names of all results; those in a call are known in it alone.
    pub fn names(&self) -> Vec<&str> {
        fn of<'n>(nodes: &'n [Node], all: &mut Vec<&'n str>) {
            for node in nodes {
                all.extend(node.step.id());
                if matches!(node.step.act, Act::Call(_)) {
                    continue;
                }
                node.parts.iter().for_each(|part| of(&part.nodes, all));
            }
        }
        let mut all = Vec::new();
        of(&self.nodes, &mut all);
        all
    }

    /// The step at a path, whatever turn of a loop the path is of.
    pub fn node(&self, path: &str) -> Option<&Node> {
        let (word, rest) = path.split_once('/')?;
        let mut nodes: Vec<&Node> = self.nodes.iter().filter(|n| n.section.word() == word).collect();
        let mut segments = rest.split('/').peekable();
        loop {
            let (label, _) = indexed(segments.next()?);
            let node = nodes.into_iter().find(|node| &*node.label == label)?;
            let Some(next) = segments.peek() else { return Some(node) };
            let word = node.parts.iter().filter_map(|part| part.word.as_deref()).find(|word| word == next);
            if word.is_some() {
                segments.next();
            }
            nodes = node.part(word).iter().collect();
        }
    }

    /// The place of a path.
    pub fn place(&self, path: &str) -> Option<Place> {
        if self.scope.is_some() {
            return self.nodes.iter().filter_map(|node| node.given.as_deref()).find(|p| &*p.path == path).cloned();
        }
        let (word, rest) = path.split_once('/')?;
        let section = Section::ALL.into_iter().find(|section| section.word() == word)?;
        self.find((section, &self.nodes), word, rest, Around::default())
    }

    /// `rest` is what follows behind `prefix`.
    fn find(
        &self,
        (section, nodes): (Section, &[Node]),
        prefix: &str,
        rest: &str,
        mut around: Around,
    ) -> Option<Place> {
        let (segment, rest) = rest.split_once('/').map_or((rest, None), |(segment, rest)| (segment, Some(rest)));
        let (label, index) = indexed(segment);
        let node = nodes.iter().find(|node| node.section == section && &*node.label == label)?;
        let at = if index.is_none() { node.path(prefix) } else { format!("{prefix}/{segment}").into() };
        if let Some(looped) = &node.step.common.for_each {
            let list: Arc<str> = format!("{prefix}/{label}").into();
            let Some(index) = index else {
                return rest.is_none().then(|| around.place(node, at, Kind::Loop));
            };
            let name = looped.name.text.clone();
            around.realms.push(Realm::Turn(Turn { at: at.clone(), list, index, name }));
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
        let (prefix, rest, word): (Arc<str>, _, _) = match part.and_then(|part| part.word.as_deref()) {
            Some(word) => (format!("{at}/{word}").into(), rest.get(word.len() + 1..)?, Some(word)),
            None => (at.clone(), rest, None),
        };
        if node.ends() {
            around.guarded = true;
            match word {
                None => around.rescued |= !node.part(Some(RESCUE)).is_empty(),
                Some(_) => {
                    around.ends_of = Some(at.clone());
                    around.after.push(at);
                }
            }
        } else if let Act::Call(call) = &node.step.act {
            // An end of the other playbook may be the end of the call alone, and it knows no `error` of ours.
            (around.guarded, around.ends_of) = (true, None);
            around.realms.push(Realm::Call(Call { at, playbook: call.playbook.text.clone() }));
        }
        self.find((section, node.part(word)), &prefix, rest, around)
    }

    /// A place inside an `undo:` step: it stands for another one, in the same section.
    fn taken_back(&self, node: &Node, at: &str, rest: &str, around: Around) -> Option<Place> {
        let origin: Arc<str> = format!("{}/{rest}", node.section.word()).into();
        let of = self.place(&origin)?;
        let path = format!("{at}/{rest}").into();
        // What it needs to know is what was known there.
        Some(Place { path, origin: Some(origin), realms: of.realms.clone(), kind: Kind::Plain, ..around.of(of) })
    }

    /// Every place, loops with the turns that the item knows of, in the order of a run.
    pub fn all(&self, item: &ItemState) -> Vec<Place> {
        let mut paths = Vec::new();
        for node in self.nodes.iter() {
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
        let calls = |place: &Place| place.realms.iter().filter_map(Realm::call).cloned().collect::<Vec<_>>();
        let around = self.place(path).map(|place| calls(&place)).unwrap_or_default();
        // A name is one of the playbook in which the `undo:` stands: of its steps, a call among them, not of those in a call.
        let named = |place: &Place| {
            let inner = calls(place);
            if !inner.starts_with(&around) {
                return false;
            }
            let from = around.last().map_or(0, |call| call.at.len());
            let to = inner.get(around.len()).map_or(place.path.len(), |call| call.at.len());
            let mut segments = place.path[from..to].split('/').map(|segment| indexed(segment).0);
            segments.any(|segment| names.contains(&segment))
        };
        let own = |at: &str| {
            let rest = at.strip_prefix(section)?.strip_prefix('/')?;
            Some::<Arc<str>>(format!("{path}/{rest}").into())
        };
        // What another `undo:` of the run has taken back is no effect any more, unless it was done again since.
        let taken: HashMap<Arc<str>, Option<Stamp>> = item
            .steps
            .iter()
            .filter(|(_, step)| {
                step.outcome.as_ref().is_some_and(|o| matches!(o.outcome, Outcome::Done | Outcome::Unchanged))
            })
            .filter_map(|(back, step)| Some((self.place(back)?.origin?, step.at)))
            .collect();
        let is_taken = |at: &Arc<str>, step: &StepState| taken.get(at).is_some_and(|back| *back >= step.last_attempt);
        // What this one has begun stays its own.
        let begun = |at: &str| own(at).is_some_and(|own| item.steps.contains_key(&own));
        let effects = item.steps.iter().rev().filter(|(at, step)| {
            // Not what stands inside an `undo:` step itself: that is a taking back and no step of the author's.
            step.changed()
                && same_turns(path, at)
                && self.place(at).is_some_and(|place| place.origin.is_none() && named(&place))
                && (begun(at) || !is_taken(at, step))
        });
        effects.filter_map(|(at, _)| Some((own(at)?, at.clone()))).collect()
    }
}

/// In every loop that both stand in they belong to the same turn: inside a turn a name means what is called so in that turn.
pub(super) fn same_turns(one: &str, other: &str) -> bool {
    let both = one.split('/').zip(other.split('/')).map(|(a, b)| (indexed(a), indexed(b)));
    both.take_while(|((a, _), (b, _))| a == b).all(|((_, a), (_, b))| a == b)
}

/// What stands around a place.
#[derive(Clone, Default)]
struct Around {
    realms: Vec<Realm>,
    ends_of: Option<Arc<str>>,
    after: Vec<Arc<str>>,
    guarded: bool,
    rescued: bool,
}

impl Around {
    fn place(self, node: &Node, path: Arc<str>, kind: Kind) -> Place {
        let Around { realms, ends_of, after, guarded, rescued } = self;
        let (section, list, step) = (node.section, node.list, node.step.clone());
        let (back, since, known, origin) = (None, None, None, None);
        Place { section, list, path, step, kind, back, since, known, origin, realms, ends_of, after, guarded, rescued }
    }

    fn of(self, place: Place) -> Place {
        let Around { realms, ends_of, after, guarded, rescued } = self;
        Place { realms, ends_of, after, guarded, rescued, ..place }
    }
}

/// Makes the nodes of one section of the whole.
#[derive(Clone, Copy)]
struct Builder<'a> {
    called: &'a HashMap<Arc<str>, Arc<Playbook>>,
    section: Section,
    /// How many calls stand around.
    depth: usize,
}

impl Builder<'_> {
    fn nodes(self, list: Section, prefix: &str, steps: &[Step]) -> Vec<Node> {
        steps.iter().enumerate().map(|(index, step)| self.node(list, prefix, index, step)).collect()
    }

    fn node(self, list: Section, prefix: &str, index: usize, step: &Step) -> Node {
        let at = path(prefix, step, index);
        let together = matches!(&step.act, Act::Block(block) if block.transaction.is_some());
        let own = if together { Vec::new() } else { step.parts() };
        let own = own.into_iter().map(|(word, steps)| {
            let nodes = self.nodes(list, &inside(&at, word.as_deref()), steps);
            Part { word: word.map(Into::into), nodes }
        });
        let kind = match &step.act {
            Act::Block(_) if together => Kind::Plain,
            Act::Block(block) if block.has_ends() || step.common.for_each.is_some() => Kind::Frame,
            Act::Block(_) => Kind::Gate,
            Act::Choose(_) | Act::Undo(_) | Act::Call(_) => Kind::Frame,
            Act::Wait(_) => Kind::Patient,
            _ => Kind::Plain,
        };
        let parts = own.chain(self.lists_of(&at, step)).collect();
        let (section, label) = (self.section, step.label(index).into());
        Node { section, list, label, at, step: Arc::new(step.clone()), kind, parts, given: None }
    }

    /// The lists of a called playbook. The checks refuse calls that go round; a text that nobody checked must not lead deeper either.
    fn lists_of(self, at: &str, step: &Step) -> Vec<Part> {
        let Act::Call(call) = &step.act else { return Vec::new() };
        let Some(called) = self.called.get(&call.playbook.text).filter(|_| self.depth < DEEPEST) else {
            return Vec::new();
        };
        let inner = Builder { depth: self.depth + 1, ..self };
        let lists = Section::ALL.into_iter().zip(called.sections()).filter(|(_, (_, steps))| !steps.is_empty());
        lists
            .map(|(list, (word, steps))| Part {
                word: Some(word.into()),
                nodes: inner.nodes(list, &inside(at, Some(word)), steps),
            })
            .collect()
    }
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

/// What stands around a step and tells it from others of its name, for people: `each[0] / `, `rescue / `, the name of a call; mostly
/// nothing.
pub fn around(path: &str) -> String {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    let own = segments.pop().and_then(|own| indexed(own).1);
    // What a list of a called playbook follows is the call.
    let calls = |at: usize| segments.get(at + 1).is_some_and(|next| Section::ALL.iter().any(|s| s.word() == *next));
    let told = segments.iter().enumerate().filter_map(|(at, segment)| match *segment {
        RESCUE => Some("rescue"),
        ALWAYS => Some("always"),
        segment => (calls(at) || indexed(segment).1.is_some()).then_some(segment),
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
