//! minijinja's tree → our own: names of filters looked up, arguments counted, what the language does not have refused.

use crate::{
    base::value::{Data, Value},
    template::{
        builtin::{self, Described},
        problem::{ARGUMENTS, NOT_ALLOWED, Problem, UNKNOWN_FUNCTION},
        syntax::{At, Block, Call, Kind, Loop, Node, Operator, Relation, Sort},
    },
};
use minijinja::{
    machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, Spanned, Stmt, UnaryOpKind},
    value::ValueKind,
};
use std::sync::Arc;

/// One pass over one text.
pub struct Lowering<'a> {
    text: &'a str,
    problems: &'a mut Vec<Problem>,
    /// For each loop around us: was `loop` used?
    loops: Vec<bool>,
}

fn span(span: minijinja::machinery::Span) -> At {
    At { start: span.start_offset, end: span.end_offset.max(span.start_offset) }
}

impl<'a> Lowering<'a> {
    /// Reads places from `text`; what is wrong goes to `problems`.
    pub fn new(text: &'a str, problems: &'a mut Vec<Problem>) -> Lowering<'a> {
        Lowering { text, problems, loops: Vec::new() }
    }

    fn refuse(&mut self, at: At, message: impl Into<String>, help: &str) -> Kind {
        self.problems.push(Problem::new(&NOT_ALLOWED, at.range(), message).help(help));
        Kind::Refused(Vec::new())
    }

    fn boxed(&mut self, expr: &Expr<'_>) -> Box<Node> {
        Box::new(self.node(expr))
    }

    fn nodes(&mut self, exprs: &[Expr<'_>]) -> Vec<Node> {
        exprs.iter().map(|expr| self.node(expr)).collect()
    }

    /// An expression.
    pub fn node(&mut self, expr: &Expr<'_>) -> Node {
        let whole = span(expr.span());
        let kind = match expr {
            Expr::Var(var) => {
                if var.id == "loop"
                    && let Some(used) = self.loops.last_mut()
                {
                    *used = true;
                }
                Kind::Name(var.id.into())
            }
            Expr::Const(constant) => self.constant(&constant.value, whole),
            Expr::GetAttr(get) => Kind::Attribute(self.boxed(&get.expr), get.name.into()),
            Expr::GetItem(get) => Kind::Item(self.boxed(&get.expr), self.boxed(&get.subscript_expr)),
            Expr::Slice(slice) => self.slice(slice, whole),
            Expr::UnaryOp(op) => match op.op {
                UnaryOpKind::Not => Kind::Not(self.boxed(&op.expr)),
                UnaryOpKind::Neg => Kind::Negative(self.boxed(&op.expr)),
            },
            Expr::BinOp(op) => self.binary(op),
            Expr::Compare(compare) => {
                let first = self.boxed(&compare.expr);
                let rest = compare.ops.iter().map(|op| (relation(op.op), self.node(&op.expr))).collect();
                Kind::Compare(first, rest)
            }
            Expr::IfExpr(if_expr) => {
                let (test, yes) = (self.boxed(&if_expr.test_expr), self.boxed(&if_expr.true_expr));
                Kind::If(test, yes, if_expr.false_expr.as_ref().map(|no| self.boxed(no)))
            }
            Expr::Filter(filter) => return self.filter(filter),
            Expr::Test(test) => {
                let subject = self.node(&test.expr);
                return self.call(Sort::Test, test.name, span(test.span()), Some(subject), &test.args);
            }
            Expr::Call(call) => return self.function(call),
            Expr::List(list) => Kind::List(self.nodes(&list.items)),
            Expr::Tuple(tuple) => Kind::List(self.nodes(&tuple.items)),
            Expr::Map(map) => {
                Kind::Map(map.keys.iter().zip(&map.values).map(|(k, v)| (self.node(k), self.node(v))).collect())
            }
        };
        let at = place(&kind, whole, self.text);
        Node { at, kind }
    }

    /// Numbers are read again from the text: minijinja has only binary fractions.
    fn constant(&mut self, value: &minijinja::Value, at: At) -> Kind {
        let written = self.text.get(at.range()).unwrap_or("").replace('_', "");
        Kind::Const(match value.kind() {
            ValueKind::None => Value::NULL,
            ValueKind::Bool => value.is_true().into(),
            ValueKind::Number if value.is_integer() => match i64::try_from(value.clone()) {
                Ok(n) => n.into(),
                Err(_) => {
                    return self.refuse(
                        at,
                        "the number does not fit into 64 bits",
                        "put it into quotes if it is meant as text",
                    );
                }
            },
            ValueKind::Number => match written.parse() {
                Ok(decimal) => Data::Decimal(decimal).into(),
                Err(_) => Data::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)).into(),
            },
            _ => Value::text(value.as_str().unwrap_or("")),
        })
    }

    fn slice(&mut self, slice: &Spanned<ast::Slice<'_>>, at: At) -> Kind {
        if slice.step.is_some() {
            return self.refuse(at, "a slice has no step here", "write `[from:to]`; `| reverse` turns a list round");
        }
        let over = self.boxed(&slice.expr);
        let (start, stop) = (slice.start.as_ref().map(|e| self.boxed(e)), slice.stop.as_ref().map(|e| self.boxed(e)));
        Kind::Slice(over, start, stop)
    }

    fn binary(&mut self, op: &Spanned<ast::BinOp<'_>>) -> Kind {
        let (left, right) = (self.boxed(&op.left), self.boxed(&op.right));
        let operator = match op.op {
            BinOpKind::ScAnd => return Kind::And(left, right),
            BinOpKind::ScOr => return Kind::Or(left, right),
            BinOpKind::Eq => return Kind::Compare(left, vec![(Relation::Equal, *right)]),
            BinOpKind::Ne => return Kind::Compare(left, vec![(Relation::NotEqual, *right)]),
            BinOpKind::Lt => return Kind::Compare(left, vec![(Relation::Less, *right)]),
            BinOpKind::Lte => return Kind::Compare(left, vec![(Relation::AtMost, *right)]),
            BinOpKind::Gt => return Kind::Compare(left, vec![(Relation::Greater, *right)]),
            BinOpKind::Gte => return Kind::Compare(left, vec![(Relation::AtLeast, *right)]),
            BinOpKind::In => return Kind::Compare(left, vec![(Relation::In, *right)]),
            BinOpKind::Add => Operator::Add,
            BinOpKind::Sub => Operator::Subtract,
            BinOpKind::Mul => Operator::Multiply,
            BinOpKind::Div => Operator::Divide,
            BinOpKind::FloorDiv => Operator::FloorDivide,
            BinOpKind::Rem => Operator::Remainder,
            BinOpKind::Pow => Operator::Power,
            BinOpKind::Concat => Operator::Join,
        };
        Kind::Binary(operator, left, right)
    }

    fn filter(&mut self, filter: &Spanned<ast::Filter<'_>>) -> Node {
        let at = span(filter.span());
        match &filter.expr {
            Some(subject) => {
                let subject = self.node(subject);
                self.call(Sort::Filter, filter.name, at, Some(subject), &filter.args)
            }
            None => Node { at, kind: self.refuse(at, "a filter without a value", "write `value | filter`") },
        }
    }

    fn function(&mut self, call: &Spanned<ast::Call<'_>>) -> Node {
        let at = span(call.span());
        match &call.expr {
            Expr::Var(var) => {
                let name_at = span(var.span());
                self.call(Sort::Function, var.id, name_at.join(at), None, &call.args)
            }
            Expr::GetAttr(get) => {
                let subject = self.node(&get.expr);
                let at = subject.at.join(at);
                let help =
                    builtin::as_filter_or_test(get.name).unwrap_or_else(|| "use a filter: `value | filter`".into());
                self.problems.push(
                    Problem::new(
                        &NOT_ALLOWED,
                        at.range(),
                        format!("values have no methods, so `.{}()` cannot be called", get.name),
                    )
                    .help(help),
                );
                Node { at, kind: Kind::Refused(vec![subject]) }
            }
            _ => Node {
                at,
                kind: self.refuse(
                    at,
                    "only functions can be called",
                    "the functions are `now()`, `days(n)` and their kin",
                ),
            },
        }
    }

    /// A filter, test or function: looked up, its arguments counted.
    fn call(&mut self, sort: Sort, name: &str, at: At, subject: Option<Node>, args: &[CallArg<'_>]) -> Node {
        let name_at = At { start: at.start, end: at.start + u32::try_from(name.len()).unwrap_or(0) };
        let whole = subject.as_ref().map_or(at, |subject| subject.at.join(at));
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for arg in args {
            match arg {
                CallArg::Pos(expr) => positional.push(self.node(expr)),
                CallArg::Kwarg(name, expr) => named.push((Arc::from(*name), self.node(expr))),
                CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    positional.push(self.node(expr));
                    self.problems.push(
                        Problem::new(&NOT_ALLOWED, at.range(), "`*` and `**` cannot stand before an argument")
                            .help("write the arguments one by one"),
                    );
                }
            }
        }
        let end =
            positional.iter().chain(named.iter().map(|(_, node)| node)).map(|node| node.at.end).max().unwrap_or(0);
        let whole = At { start: whole.start, end: whole.end.max(end) };
        let known = match sort {
            Sort::Filter => builtin::FILTERS,
            Sort::Test => builtin::TESTS,
            Sort::Function => builtin::FUNCTIONS,
        };
        let Some(about) = known.iter().find(|known| known.name == name) else {
            let word = sort.word();
            self.problems.push(unknown_function(word, name, name_at, known));
            let parts = subject.into_iter().chain(positional).chain(named.into_iter().map(|(_, node)| node));
            return Node { at: whole, kind: Kind::Refused(parts.collect()) };
        };
        self.arguments(about, name_at, &positional, &named);
        let call = Call { sort, about, name_at, subject, args: positional, named };
        Node { at: whole, kind: Kind::Call(Box::new(call)) }
    }

    fn arguments(&mut self, about: &'static Described, at: At, args: &[Node], named: &[(Arc<str>, Node)]) {
        let (least, most) = about.takes;
        // An argument may be given by its name where it has one.
        let given = args.len()
            + named.iter().filter(|(name, _)| about.named.iter().take(most).any(|known| *known == &**name)).count();
        if given < least || args.len() > most {
            let problem = Problem::new(&ARGUMENTS, at.range(), format!("`{}` takes other arguments", about.name));
            self.problems.push(problem.help(format!("its form: `{}`", about.form)));
        }
        for (name, node) in named {
            if !about.named.contains(&&**name) {
                let problem =
                    Problem::new(&ARGUMENTS, node.at.range(), format!("`{}` has no argument `{name}`", about.name));
                self.problems.push(problem.help(format!("its form: `{}`", about.form)));
            }
        }
        self.inner(about, args);
    }

    /// `map('upper')`, `select('eq', 1)`: the inner name is a constant, known, and takes the rest of the arguments.
    fn inner(&mut self, about: &'static Described, args: &[Node]) {
        let Some((place, tests)) = builtin::inner_name(about.name) else { return };
        let Some(node) = args.get(place) else { return };
        let Kind::Const(Value { data: Data::Text(name), .. }) = &node.kind else {
            self.problems.push(
                Problem::new(&ARGUMENTS, node.at.range(), format!("`{}` needs a name in quotes here", about.name))
                    .help(format!("its form: `{}`", about.form)),
            );
            return;
        };
        let known = if tests { builtin::TESTS } else { builtin::FILTERS };
        let word = if tests { "test" } else { "filter" };
        let rest = args.len() - place - 1;
        match known.iter().find(|known| known.name == &**name) {
            None => self.problems.push(unknown_function(word, name, node.at, known)),
            Some(inner)
                if inner.takes.0 > rest || inner.takes.1 < rest || builtin::inner_name(inner.name).is_some() =>
            {
                self.problems.push(
                    Problem::new(&ARGUMENTS, node.at.range(), format!("`{}` takes other arguments", inner.name))
                        .help(format!("its form: `{}`", inner.form)),
                )
            }
            Some(_) => {}
        }
    }

    /// The parts of a text.
    pub fn blocks(&mut self, statements: &[Stmt<'_>]) -> Vec<Block> {
        statements.iter().map(|statement| self.block(statement)).collect()
    }

    fn block(&mut self, statement: &Stmt<'_>) -> Block {
        match statement {
            Stmt::EmitRaw(raw) => {
                // Both point into the same text; the parser's span leaves out what whitespace control trimmed.
                let start = (raw.raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
                Block::Raw(raw.raw.into(), At::new(start, start + raw.raw.len()))
            }
            Stmt::EmitExpr(emit) => {
                let at = span(emit.span());
                let end = self
                    .text
                    .get(at.end as usize..)
                    .and_then(|rest| rest.find("}}"))
                    .map_or(at.end as usize, |n| at.end as usize + n + 2);
                Block::Emit(self.node(&emit.expr), At::new(at.start as usize, end))
            }
            Stmt::IfCond(cond) => {
                Block::If(self.node(&cond.expr), self.blocks(&cond.true_body), self.blocks(&cond.false_body))
            }
            Stmt::ForLoop(for_loop) => self.for_loop(for_loop),
            Stmt::Set(set) => match &set.target {
                Expr::Var(var) => Block::Set(var.id.into(), self.node(&set.expr)),
                other => self.refuse_block(span(other.span()), "`set` names one variable"),
            },
            Stmt::WithBlock(s) => self.refuse_block(span(s.span()), "there is no `{% with %}`"),
            Stmt::SetBlock(s) => self.refuse_block(span(s.span()), "`set` takes a value: `{% set x = … %}`"),
            Stmt::AutoEscape(s) => self.refuse_block(span(s.span()), "there is no `{% autoescape %}`"),
            Stmt::FilterBlock(s) => self.refuse_block(span(s.span()), "there is no `{% filter %}`"),
            Stmt::Do(s) => self.refuse_block(span(s.span()), "there is no `{% do %}`"),
            Stmt::Template(_) => Block::Refused,
        }
    }

    fn refuse_block(&mut self, at: At, message: &str) -> Block {
        self.refuse(at, message, "the blocks are `{% if %}`, `{% for %}` and `{% set %}`");
        Block::Refused
    }

    fn for_loop(&mut self, for_loop: &Spanned<ast::ForLoop<'_>>) -> Block {
        if for_loop.recursive {
            return self.refuse_block(span(for_loop.span()), "a loop cannot be `recursive`");
        }
        let targets = match &for_loop.target {
            Expr::List(list) => list.items.iter().collect(),
            single => vec![single],
        };
        let names: Option<Vec<Arc<str>>> = targets
            .into_iter()
            .map(|target| if let Expr::Var(var) = target { Some(var.id.into()) } else { None })
            .collect();
        let Some(names) = names else {
            return self.refuse_block(span(for_loop.target.span()), "a loop names its variables: `{% for x in … %}`");
        };
        let over = self.node(&for_loop.iter);
        let only_if = for_loop.filter_expr.as_ref().map(|filter| self.node(filter));
        self.loops.push(false);
        let body = self.blocks(&for_loop.body);
        let counts = self.loops.pop().unwrap_or(false);
        let otherwise = self.blocks(&for_loop.else_body);
        Block::For(Box::new(Loop { names, over, only_if, body, otherwise, counts }))
    }
}

fn unknown_function(word: &str, name: &str, at: At, known: &'static [Described]) -> Problem {
    let problem = Problem::new(&UNKNOWN_FUNCTION, at.range(), format!("there is no {word} `{name}`"));
    match builtin::other_name(name) {
        Some(meant) if known.iter().any(|known| known.name == meant) => {
            problem.help(format!("did you mean `{meant}`?"))
        }
        // `len(items)`: a filter or a test, written as a function.
        _ if word == "function" && builtin::as_filter_or_test(name).is_some() => {
            builtin::as_filter_or_test(name).into_iter().fold(problem, Problem::help)
        }
        _ => problem.suggest(name, known.iter().map(|known| known.name)),
    }
}

fn relation(op: CompareOpKind) -> Relation {
    match op {
        CompareOpKind::Eq => Relation::Equal,
        CompareOpKind::Ne => Relation::NotEqual,
        CompareOpKind::Lt => Relation::Less,
        CompareOpKind::Lte => Relation::AtMost,
        CompareOpKind::Gt => Relation::Greater,
        CompareOpKind::Gte => Relation::AtLeast,
        CompareOpKind::In => Relation::In,
        CompareOpKind::NotIn => Relation::NotIn,
    }
}

/// The parser's spans of operators begin one token too early: take the place of the parts.
fn place(kind: &Kind, whole: At, text: &str) -> At {
    match kind {
        Kind::Attribute(inner, _) | Kind::Item(inner, _) | Kind::Slice(inner, ..) => {
            At { start: inner.at.start, end: whole.end }
        }
        Kind::And(a, b) | Kind::Or(a, b) | Kind::Binary(_, a, b) => a.at.join(b.at),
        Kind::Compare(first, rest) => rest.iter().fold(first.at, |at, (_, node)| at.join(node.at)),
        Kind::If(test, yes, no) => no.as_ref().map_or(yes.at.join(test.at), |no| yes.at.join(no.at)),
        Kind::Not(inner) if text.get(whole.start as usize..).is_some_and(|rest| rest.starts_with("not")) => {
            whole.join(inner.at)
        }
        Kind::Not(inner) => inner.at,
        _ => whole,
    }
}
