//! The names that a text uses, found without running it, each with its place. Loop variables and `set` are left out; what is
//! looked at through them counts for what they stand for.

use super::{
    builtin::inner_name,
    path::{Path, Step},
    syntax::{At, Block, Call, Kind, Node, Sort},
};
use crate::base::value::{Data, Value};
use std::{ops::Range, sync::Arc};

/// What a name is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// A value is needed: a name in the scope with constant attributes.
    Variable,
    /// As `Variable`, but its absence is asked for or provided for: `x is defined`, `x | default(…)`.
    Optional,
    /// `x is ran`, `x is skipped`: the name of a step.
    Step,
    /// `| name`, or the name given to `map`.
    Filter,
    /// `is name`, or the name given to `select` and its kin.
    Test,
    /// `name(…)`.
    Function,
}

/// One use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What as.
    pub kind: UseKind,
    /// The name, for variables with as many constant attributes as follow: `trainee.state`, `rows.*.id`.
    pub path: Path,
    /// Bytes of the scalar's decoded text.
    pub range: Range<usize>,
}

/// The names in an expression.
pub(super) fn of_expression(node: &Node) -> Vec<Use> {
    let mut finder = Finder::default();
    finder.node(node, UseKind::Variable);
    finder.sorted()
}

/// The names in a text.
pub(super) fn of_blocks(blocks: &[Block]) -> Vec<Use> {
    let mut finder = Finder::default();
    finder.blocks(blocks);
    finder.sorted()
}

#[derive(Default)]
struct Finder {
    found: Vec<Use>,
    /// Loop variables and `set`, and the path each stands for where that is known.
    locals: Vec<(Arc<str>, Option<Vec<Step>>)>,
}

/// What a chain of attributes begins with.
enum Chain {
    Path(Vec<Step>),
    /// A local of which nothing is known.
    Local,
    /// Something made.
    Made,
}

impl Finder {
    fn sorted(mut self) -> Vec<Use> {
        self.found.sort_by_key(|used| (used.range.start, used.range.end));
        self.found.dedup();
        self.found
    }

    fn add(&mut self, kind: UseKind, steps: Vec<Step>, at: At) {
        self.found.push(Use { kind, path: Path { steps }, range: at.range() });
    }

    fn named(&mut self, kind: UseKind, name: &str, at: At) {
        self.add(kind, vec![Step::Name(name.into())], at);
    }

    /// The path that an expression stands for, if it only walks from a name: attributes, constant items, filters that keep elements.
    fn chain(&self, node: &Node) -> Chain {
        let extended = |inner: &Node, step: Step| match self.chain(inner) {
            Chain::Path(mut steps) => {
                steps.push(step);
                Chain::Path(steps)
            }
            other => other,
        };
        match &node.kind {
            Kind::Name(name) => match self.locals.iter().rev().find(|(local, _)| local == name) {
                Some((_, Some(steps))) => Chain::Path(steps.clone()),
                Some((_, None)) => Chain::Local,
                None => Chain::Path(vec![Step::Name(name.clone())]),
            },
            Kind::Attribute(inner, name) => extended(inner, Step::Name(name.clone())),
            Kind::Item(inner, key) => match constant(key) {
                Some(Data::Text(name)) => extended(inner, Step::Name(name.clone())),
                Some(Data::Int(_)) => extended(inner, Step::Each),
                _ => Chain::Made,
            },
            Kind::Slice(inner, ..) => self.chain(inner),
            Kind::Call(call) if call.sort == Sort::Filter => match (call.about.name, &call.subject) {
                (
                    "list" | "sort" | "reverse" | "unique" | "select" | "reject" | "selectattr" | "rejectattr",
                    Some(inner),
                ) => self.chain(inner),
                ("first" | "last" | "min" | "max", Some(inner)) => extended(inner, Step::Each),
                _ => Chain::Made,
            },
            _ => Chain::Made,
        }
    }

    fn node(&mut self, node: &Node, kind: UseKind) {
        match &node.kind {
            Kind::Const(_) => {}
            Kind::Name(_) | Kind::Attribute(..) | Kind::Item(..) => self.walk(node, kind),
            Kind::Slice(of, start, stop) => {
                self.node(of, UseKind::Variable);
                start.iter().chain(stop).for_each(|bound| self.node(bound, UseKind::Variable));
            }
            Kind::Not(inner) | Kind::Negative(inner) => self.node(inner, UseKind::Variable),
            Kind::And(left, right) | Kind::Or(left, right) | Kind::Binary(_, left, right) => {
                self.node(left, UseKind::Variable);
                self.node(right, UseKind::Variable);
            }
            Kind::Compare(first, rest) => {
                self.node(first, UseKind::Variable);
                rest.iter().for_each(|(_, node)| self.node(node, UseKind::Variable));
            }
            Kind::If(test, yes, no) => {
                self.node(test, UseKind::Variable);
                self.node(yes, kind);
                no.iter().for_each(|no| self.node(no, kind));
            }
            Kind::Call(call) => self.call(call),
            Kind::List(nodes) | Kind::Refused(nodes) => {
                nodes.iter().for_each(|node| self.node(node, UseKind::Variable))
            }
            Kind::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.node(key, UseKind::Variable);
                self.node(value, UseKind::Variable);
            }),
        }
    }

    /// A chain of attributes: one use for the whole of it, and the uses inside computed keys.
    fn walk(&mut self, node: &Node, kind: UseKind) {
        match self.chain(node) {
            Chain::Path(steps) => {
                self.add(kind, steps, node.at);
                self.inside(node);
            }
            Chain::Local => {}
            Chain::Made => match &node.kind {
                Kind::Attribute(inner, _) => self.node(inner, UseKind::Variable),
                Kind::Item(inner, key) => {
                    self.node(inner, UseKind::Variable);
                    self.node(key, UseKind::Variable);
                }
                _ => {}
            },
        }
    }

    /// The filters and arguments inside a chain that counts as one path.
    fn inside(&mut self, node: &Node) {
        match &node.kind {
            Kind::Attribute(inner, _) | Kind::Item(inner, _) => self.inside(inner),
            Kind::Call(_) | Kind::Slice(..) => self.node(node, UseKind::Variable),
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        let kind = match call.sort {
            Sort::Filter => UseKind::Filter,
            Sort::Test => UseKind::Test,
            Sort::Function => UseKind::Function,
        };
        self.named(kind, call.about.name, call.name_at);
        if let Some(subject) = &call.subject {
            self.node(
                subject,
                match (call.sort, call.about.name) {
                    (Sort::Test, "defined" | "undefined") | (Sort::Filter, "default") => UseKind::Optional,
                    (Sort::Test, "ran" | "skipped") => UseKind::Step,
                    _ => UseKind::Variable,
                },
            );
            self.attributes(call, subject);
        }
        call.args
            .iter()
            .chain(call.named.iter().map(|(_, node)| node))
            .for_each(|node| self.node(node, UseKind::Variable));
    }

    /// `map(attribute='id')`, `selectattr('id', …)`: an attribute of each element; and the names of inner filters and tests.
    fn attributes(&mut self, call: &Call, subject: &Node) {
        if call.sort != Sort::Filter {
            return;
        }
        let inner = inner_name(call.about.name).and_then(|(place, tests)| Some((call.args.get(place)?, tests)));
        let mut kind = UseKind::Variable;
        if let Some((node, tests)) = inner
            && let Some(Data::Text(name)) = constant(node)
        {
            self.named(if tests { UseKind::Test } else { UseKind::Filter }, name, node.at);
            if matches!(&**name, "defined" | "undefined") {
                kind = UseKind::Optional;
            }
        }
        let named = call.named.iter().find(|(name, _)| &**name == "attribute").map(|(_, node)| node);
        let attribute = match call.about.name {
            "selectattr" | "rejectattr" => call.args.first(),
            "all_match" | "join" => named.or_else(|| call.args.get(1)),
            _ => named,
        };
        if call.named.iter().any(|(name, _)| &**name == "default") {
            kind = UseKind::Optional;
        }
        let (Some(node), Chain::Path(mut steps)) = (attribute, self.chain(subject)) else { return };
        let Some(Data::Text(name)) = constant(node) else { return };
        steps.push(Step::Each);
        steps.extend(
            name.split('.')
                .map(|step| if step.parse::<usize>().is_ok() { Step::Each } else { Step::Name(step.into()) }),
        );
        self.add(kind, steps, node.at);
    }

    fn blocks(&mut self, blocks: &[Block]) {
        let depth = self.locals.len();
        for block in blocks {
            match block {
                Block::Raw(..) | Block::Refused => {}
                Block::Emit(node, _) => self.node(node, UseKind::Variable),
                Block::If(test, yes, no) => {
                    self.node(test, UseKind::Variable);
                    // A `set` in a branch is seen behind it.
                    self.unscoped(yes);
                    self.unscoped(no);
                }
                Block::For(each) => {
                    self.node(&each.over, UseKind::Variable);
                    let before = self.locals.len();
                    let path = match (self.chain(&each.over), each.names.len()) {
                        (Chain::Path(mut steps), 1) => {
                            steps.push(Step::Each);
                            Some(steps)
                        }
                        _ => None,
                    };
                    self.locals.extend(each.names.iter().map(|name| (name.clone(), path.clone())));
                    self.locals.push(("loop".into(), None));
                    each.only_if.iter().for_each(|test| self.node(test, UseKind::Variable));
                    self.blocks(&each.body);
                    self.locals.truncate(before);
                    self.blocks(&each.otherwise);
                }
                Block::Set(name, node) => {
                    self.node(node, UseKind::Variable);
                    let path = if let Chain::Path(steps) = self.chain(node) { Some(steps) } else { None };
                    self.locals.push((name.clone(), path));
                }
            }
        }
        self.locals.truncate(depth);
    }

    fn unscoped(&mut self, blocks: &[Block]) {
        let before = self.locals.clone();
        self.blocks(blocks);
        self.locals = before;
        for block in blocks {
            if let Block::Set(name, _) = block {
                self.locals.push((name.clone(), None));
            }
        }
    }
}

fn constant(node: &Node) -> Option<&Data> {
    match &node.kind {
        Kind::Const(Value { data, .. }) => Some(data),
        _ => None,
    }
}
