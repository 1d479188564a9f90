//! SQL in which every `{{ … }}` is a bound value, never text.

use super::{
    expression::value_of,
    grammar,
    names::{self, Use},
    path::Path,
    problem::{Failure, Problem, Refused, SQL_PLACE, SQL_TEXT},
    run::{Result as Ran, Run, Stop, flat, unless_unknown},
    scope::Scope,
    sql_words::{self, Fault, Kind as Word, MARKER, What},
    syntax::{At, Block, Kind, Node},
};
use crate::base::{
    value::{AFTER_APPLY, Data, Marks, Value},
    yaml::Scalar,
};
use std::{fmt, ops::Range, sync::Arc};

/// Values of one list: SQLite takes 32 766 parameters in one statement, PostgreSQL 65 535.
const MAX_LIST: usize = 30_000;

/// How a database writes placeholders and quotes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `$1`, `"name"`.
    Postgres,
    /// `?`, `"name"`.
    Sqlite,
}

/// A compiled statement.
#[derive(Clone)]
pub struct Sql {
    scalar: Scalar,
    parts: Arc<[Part]>,
    names: Arc<[Use]>,
}

/// A part of the template.
#[derive(Debug)]
enum Part {
    /// Literal characters and the byte at which they begin.
    Raw(String, usize),
    Value(Node, At, Place),
    Identifier(Node, At),
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Plain,
    /// After `in` and alone in its parentheses, if it has any: a list may stand here. The keywords belong to the part.
    List {
        negated: bool,
    },
    /// Inside `[ ]`, which quotes a name in SQLite.
    Bracket,
}

/// A statement ready to be prepared, with its values.
#[derive(Clone, Debug)]
pub struct Bound {
    /// One statement without a closing `;`, placeholders in the dialect's form.
    pub sql: String,
    /// In the order of the placeholders, each with its own marks; may hold unknowns.
    pub binds: Vec<Value>,
    /// Names that came through `| identifier` and must be compared with the catalogue, with the place of each in the template.
    pub identifiers: Vec<(String, Range<usize>)>,
    /// What the expressions looked at.
    pub reads: Vec<Path>,
    /// Which part of `sql` came from which part of the template, in order.
    pub pieces: Vec<Piece>,
}

/// A part of the statement and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of [`Bound::sql`].
    pub sql: Range<usize>,
    /// Bytes of the template's decoded text.
    pub source: Range<usize>,
    /// The text is the template's own, byte by byte; else it stands for the whole of `source`.
    pub literal: bool,
}

impl Bound {
    /// Any value is not known yet: the statement may be prepared, not executed.
    pub fn has_unknown(&self) -> bool {
        self.binds.iter().any(Value::is_unknown)
    }

    /// The range of the template that a character of `sql` came from, counted from 1 as PostgreSQL reports error positions:
    /// the word that begins there, or the whole `{{ … }}`.
    pub fn origin(&self, character: usize) -> Range<usize> {
        let at = self.sql.char_indices().nth(character.saturating_sub(1)).map_or(self.sql.len(), |(at, _)| at);
        let piece = self.pieces.iter().find(|piece| piece.sql.contains(&at)).or(self.pieces.last());
        match piece {
            Some(piece) if piece.literal => {
                let at = at.min(piece.sql.end);
                let word: usize = self.sql[at..piece.sql.end]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .map(char::len_utf8)
                    .sum();
                let start = piece.source.start + at - piece.sql.start;
                start..(start + word.max(1)).min(piece.source.end.max(start))
            }
            Some(piece) => piece.source.clone(),
            None => 0..0,
        }
    }
}

impl Sql {
    /// Compiles a statement; refuses expressions where no value can stand, literal placeholders and several statements.
    pub fn compile(scalar: &Scalar) -> Result<Sql, Refused> {
        let mut problems = Vec::new();
        let blocks = grammar::template(&scalar.text, &mut problems)?;
        let names = names::of_blocks(&blocks);
        let parts = Assembly::of(blocks, scalar.text.len(), &mut problems).parts(&mut problems);
        if problems.is_empty() {
            Ok(Sql { scalar: scalar.clone(), parts: parts.into(), names: names.into() })
        } else {
            problems.sort_by_key(|problem| problem.range.start);
            Err(Refused { problems, names })
        }
    }

    /// Compiles a text that stands in no file.
    pub fn from_text(text: &str) -> Result<Sql, Refused> {
        Sql::compile(&super::scalar_of(text))
    }

    /// The text it came from.
    pub fn scalar(&self) -> &Scalar {
        &self.scalar
    }

    /// The names it uses, in order of the text.
    pub fn names(&self) -> &[Use] {
        &self.names
    }

    /// The statement with its values.
    pub fn bind(&self, scope: &Scope, dialect: Dialect) -> Result<Bound, Failure> {
        let mut run = Run::new(scope, &self.scalar);
        let mut writer = Writer::new(dialect);
        let result = self.parts.iter().try_for_each(|part| writer.part(&mut run, part));
        let evaluated = run.finish(result.map(|()| Value::NULL))?;
        Ok(Bound { reads: evaluated.reads, ..writer.bound })
    }

    /// The statement with an unknown in each place, for preparing it in a check; fails when an identifier is not a constant.
    pub fn outline(&self, dialect: Dialect) -> Result<Bound, Failure> {
        let scope = Scope::new();
        let mut run = Run::new(&scope, &self.scalar);
        let mut writer = Writer::new(dialect);
        let result = self.parts.iter().try_for_each(|part| match part {
            Part::Value(_, at, place) => writer.unknown(AFTER_APPLY.into(), *at, *place),
            other => writer.part(&mut run, other),
        });
        run.finish(result.map(|()| Value::NULL))?;
        Ok(writer.bound)
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sql({})", self.scalar.text)
    }
}

/// The whole statement as one text, each `{{ … }}` one [`MARKER`], and how its bytes map to the template.
struct Assembly {
    text: String,
    /// Byte of `text` → byte of the template, for the beginning of each literal part and marker.
    origins: Vec<(usize, usize)>,
    markers: Vec<(Node, At)>,
    end: usize,
}

impl Assembly {
    fn of(blocks: Vec<Block>, end: usize, problems: &mut Vec<Problem>) -> Assembly {
        let mut assembly = Assembly { text: String::new(), origins: Vec::new(), markers: Vec::new(), end };
        for block in blocks {
            match block {
                Block::Raw(text, at) => {
                    if let Some(found) = text.find(MARKER) {
                        let start = at.start as usize + found;
                        problems.push(Problem::new(
                            &SQL_TEXT,
                            start..start + 1,
                            "a control character stands in the SQL",
                        ));
                    }
                    assembly.origins.push((assembly.text.len(), at.start as usize));
                    assembly.text.push_str(&text.replace(MARKER, " "));
                }
                Block::Emit(node, at) => {
                    assembly.origins.push((assembly.text.len(), at.start as usize));
                    assembly.text.push(MARKER);
                    assembly.markers.push((node, at));
                }
                Block::If(node, ..) | Block::Set(_, node) => refuse_block(node.at, problems),
                Block::For(each) => refuse_block(each.over.at, problems),
                Block::Refused => {}
            }
        }
        assembly
    }

    fn source(&self, at: usize) -> usize {
        let index = self.origins.partition_point(|(start, _)| *start <= at);
        match index.checked_sub(1).and_then(|index| self.origins.get(index)) {
            Some((start, origin)) => (origin + at - start).min(self.end),
            None => 0,
        }
    }

    /// The place in the template of a range of the text.
    fn place(&self, range: &Range<usize>) -> Range<usize> {
        let markers_before = self.text[..range.start].matches(MARKER).count();
        if self.text[range.clone()].starts_with(MARKER)
            && let Some((_, at)) = self.markers.get(markers_before)
        {
            return at.range();
        }
        let start = self.source(range.start);
        start..self.source(range.end.saturating_sub(1)).max(start) + 1
    }

    fn parts(self, problems: &mut Vec<Problem>) -> Vec<Part> {
        let (mut pieces, faults) = sql_words::cut(&self.text);
        problems.extend(faults.iter().map(|fault| self.problem(fault)));
        if let Some(end) = pieces.iter().position(|piece| piece.kind == Word::Sign(';')) {
            match pieces.get(end + 1) {
                Some(more) => problems.push(
                    Problem::new(&SQL_TEXT, self.place(&more.at), "a second statement begins here")
                        .help("one step, one statement: make it a step of its own"),
                ),
                None => pieces.truncate(end),
            }
        }
        if pieces.is_empty() {
            problems.push(Problem::new(&SQL_TEXT, 0..self.end, "the statement is empty"));
        }
        self.alone(&pieces, problems);
        if problems.is_empty() { self.split(&pieces) } else { Vec::new() }
    }

    fn problem(&self, fault: &Fault) -> Problem {
        let at = self.place(&fault.at);
        match fault.what {
            What::MarkerInside(what) => {
                let problem = Problem::new(&SQL_PLACE, at, format!("an expression inside {what}"));
                match what {
                    "a quoted text" => problem
                        .help("leave the quotes away: the value is bound, and quoted by nobody")
                        .help("build a pattern in the expression: `like {{ x ~ '%' }}`"),
                    "a quoted name" => problem.help("write `{{ name | identifier }}` without quotes"),
                    _ => problem.help("take it out of the comment"),
                }
            }
            What::Open(what) => Problem::new(&SQL_TEXT, at, format!("{what} that begins here has no end")),
            What::Placeholder => Problem::new(&SQL_TEXT, at, "a placeholder in the SQL")
                .help("write the value where it is needed: `{{ params.id }}`")
                .help("for PostgreSQL's `?` operator use `jsonb_exists(column, {{ key }})`"),
            What::NestedComment => Problem::new(&SQL_TEXT, at, "a comment inside a comment")
                .help("databases differ in where it ends: take one away"),
            What::BackslashQuote => {
                Problem::new(&SQL_TEXT, at, "a quote behind a backslash").help("write two quotes: `''`")
            }
            What::Control => Problem::new(&SQL_TEXT, at, "a control character stands in the SQL"),
        }
    }

    /// A marker touches no word, text or other marker: `a{{ x }}` would make one word of two.
    fn alone(&self, pieces: &[sql_words::Piece], problems: &mut Vec<Problem>) {
        for pair in pieces.windows(2) {
            let [a, b] = pair else { continue };
            let marker = matches!(a.kind, Word::Marker(_)) || matches!(b.kind, Word::Marker(_));
            let sign = matches!(a.kind, Word::Sign(_)) || matches!(b.kind, Word::Sign(_));
            if a.at.end == b.at.start && marker && !sign {
                let at = if let Word::Marker(_) = b.kind { &b.at } else { &a.at };
                problems.push(
                    Problem::new(&SQL_PLACE, self.place(at), "an expression glued to its neighbour")
                        .help("join texts in the expression, `{{ a ~ b }}`, or put a space or comma between"),
                );
            }
        }
    }

    /// Cuts the text at its markers; `in` and its parentheses go with a list.
    fn split(mut self, pieces: &[sql_words::Piece]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = pieces.first().map_or(0, |piece| piece.at.start);
        let end = pieces.last().map_or(from, |piece| piece.at.end);
        let mut markers: Vec<Option<(Node, At)>> = std::mem::take(&mut self.markers).into_iter().map(Some).collect();
        let mut brackets = 0_usize;
        for (index, piece) in pieces.iter().enumerate() {
            match piece.kind {
                Word::Sign('[') => brackets += 1,
                Word::Sign(']') => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            let Word::Marker(number) = piece.kind else { continue };
            let Some((node, at)) = markers.get_mut(number).and_then(Option::take) else { continue };
            let (covers, place) = self
                .list_place(pieces, index)
                .unwrap_or((piece.at.clone(), if brackets > 0 { Place::Bracket } else { Place::Plain }));
            parts.push(Part::Raw(self.text[from..covers.start].to_owned(), self.source(from)));
            from = covers.end;
            parts.push(match node.kind {
                Kind::Call(mut call) if call.about.name == "identifier" && call.subject.is_some() => {
                    match call.subject.take() {
                        Some(subject) => Part::Identifier(subject, at),
                        None => continue,
                    }
                }
                kind => Part::Value(Node { at: node.at, kind }, at, place),
            });
        }
        parts.push(Part::Raw(self.text[from..end].to_owned(), self.source(from)));
        parts
    }

    /// `[not] in ({{ x }})` or `[not] in {{ x }}`: what belongs to it.
    fn list_place(&self, pieces: &[sql_words::Piece], marker: usize) -> Option<(Range<usize>, Place)> {
        let word = |index: Option<usize>, word: &str| {
            let piece = pieces.get(index?)?;
            (piece.kind == Word::Word && self.text[piece.at.clone()].eq_ignore_ascii_case(word)).then_some(piece)
        };
        let sign = |index: Option<usize>, sign: char| {
            index.and_then(|index| pieces.get(index)).filter(|piece| piece.kind == Word::Sign(sign))
        };
        let (before, end) = match (sign(marker.checked_sub(1), '('), sign(marker.checked_add(1), ')')) {
            (Some(_), Some(close)) => (marker.checked_sub(2), close.at.end),
            (None, _) => (marker.checked_sub(1), pieces.get(marker)?.at.end),
            _ => return None,
        };
        let keyword = word(before, "in")?;
        let not = word(before.and_then(|before| before.checked_sub(1)), "not");
        // A parenthesis alone after `in` may hold one value too: the parts are written again, so nothing is lost.
        Some((not.unwrap_or(keyword).at.start..end, Place::List { negated: not.is_some() }))
    }
}

fn refuse_block(at: At, problems: &mut Vec<Problem>) {
    problems.push(
        Problem::new(&SQL_TEXT, at.range(), "a block in SQL would hide which statement is run")
            .help("write two steps with `when:`, or let SQL decide: `({{ x }} is null or column = {{ x }})`"),
    );
}

/// The statement as far as it is written.
struct Writer {
    bound: Bound,
    dialect: Dialect,
}

impl Writer {
    fn new(dialect: Dialect) -> Writer {
        let bound = Bound {
            sql: String::new(),
            binds: Vec::new(),
            identifiers: Vec::new(),
            reads: Vec::new(),
            pieces: Vec::new(),
        };
        Writer { bound, dialect }
    }

    fn put(&mut self, text: &str, source: Range<usize>, literal: bool) {
        let start = self.bound.sql.len();
        self.bound.sql.push_str(text);
        if !text.is_empty() {
            self.bound.pieces.push(Piece { sql: start..self.bound.sql.len(), source, literal });
        }
    }

    fn part(&mut self, run: &mut Run<'_>, part: &Part) -> Ran<()> {
        match part {
            Part::Raw(text, source) => {
                self.put(text, *source..source + text.len(), true);
                Ok(())
            }
            Part::Identifier(node, at) => self.identifier(run, node, *at),
            Part::Value(node, at, place) => {
                let before = std::mem::replace(&mut run.marks, Marks::NONE);
                let value = value_of(run, node);
                let marks = std::mem::replace(&mut run.marks, before);
                match value {
                    Err(Stop::Unknown(why)) => self.unknown(why, *at, *place),
                    Err(failed) => Err(failed),
                    Ok(value) => self.value(run, flat_list(value).marked(marks), node, *at, *place),
                }
            }
        }
    }

    fn value(&mut self, run: &Run<'_>, value: Value, node: &Node, at: At, place: Place) -> Ran<()> {
        if place == Place::Bracket && self.dialect == Dialect::Sqlite {
            return run.fail_with_help(
                at,
                "an expression inside `[ ]`, which quotes a name in SQLite",
                "write the value outside",
            );
        }
        let list = match (&value.data, place) {
            (Data::List(list), Place::List { .. }) => list,
            (Data::List(_), _) => {
                let help = "a list stands only after `in`: `id in {{ ids }}`; `| tojson` makes a text of it, `| first` takes one element";
                return run.fail_with_help(at, format!("`{}` is a list", run.written(node.at)), help);
            }
            (Data::Unknown(why), _) => return self.unknown(why.clone(), at, place),
            (_, Place::List { negated }) => {
                self.put(keyword(negated), at.range(), false);
                self.put(" (", at.range(), false);
                self.placeholder(value, at);
                self.put(")", at.range(), false);
                return Ok(());
            }
            _ => {
                self.placeholder(value, at);
                return Ok(());
            }
        };
        let Place::List { negated } = place else { return Ok(()) };
        if list.len() > MAX_LIST {
            let message =
                format!("`{}` holds {} values; at most {MAX_LIST} can be bound", run.written(node.at), list.len());
            return run.fail_with_help(at, message, "select them in SQL, or take a smaller part");
        }
        if list.is_empty() {
            self.empty(negated, at);
            return Ok(());
        }
        self.put(keyword(negated), at.range(), false);
        self.put(" (", at.range(), false);
        for (index, element) in list.iter().enumerate() {
            match &element.data {
                Data::Null => {
                    let message =
                        format!("`{}` holds null (element {index}), which is in no list", run.written(node.at));
                    return run.fail_with_help(at, message, "leave nulls out first: `| reject('none')`");
                }
                Data::List(_) | Data::Map(_) => {
                    return run
                        .fail(at, format!("`{}` holds {} (element {index})", run.written(node.at), element.kind()));
                }
                _ => {}
            }
            if index > 0 {
                self.put(", ", at.range(), false);
            }
            self.placeholder(element.clone().marked(value.marks), at);
        }
        self.put(")", at.range(), false);
        Ok(())
    }

    /// False for `in` and true for `not in`, also for a null on the left, whatever type stands there.
    fn empty(&mut self, negated: bool, at: At) {
        let text = match (self.dialect, negated) {
            (Dialect::Postgres, false) => "= any ('{}')",
            (Dialect::Postgres, true) => "<> all ('{}')",
            (Dialect::Sqlite, false) => "in ()",
            (Dialect::Sqlite, true) => "not in ()",
        };
        self.put(text, at.range(), false);
    }

    fn unknown(&mut self, why: Arc<str>, at: At, place: Place) -> Ran<()> {
        let value = Value::from(Data::Unknown(why));
        if let Place::List { negated } = place {
            self.put(keyword(negated), at.range(), false);
            self.put(" (", at.range(), false);
            self.placeholder(value, at);
            self.put(")", at.range(), false);
        } else {
            self.placeholder(value, at);
        }
        Ok(())
    }

    fn placeholder(&mut self, value: Value, at: At) {
        self.bound.binds.push(value);
        match self.dialect {
            Dialect::Postgres => self.put(&format!("${}", self.bound.binds.len()), at.range(), false),
            Dialect::Sqlite => self.put("?", at.range(), false),
        }
    }

    fn identifier(&mut self, run: &mut Run<'_>, node: &Node, at: At) -> Ran<()> {
        let item = unless_unknown(run.eval(node))?;
        let name = match run.text(&item, node.at) {
            Err(Stop::Unknown(_)) => {
                return run.fail_with_help(
                    at,
                    "the name of a table or column is not known before apply",
                    "take it from `params` or `vars`",
                );
            }
            other => other?,
        };
        if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
            return run.fail(at, "this is no name of a table or column");
        }
        self.put(&format!("\"{}\"", name.replace('"', "\"\"")), at.range(), false);
        self.bound.identifiers.push((name.to_string(), at.range()));
        Ok(())
    }
}

fn keyword(negated: bool) -> &'static str {
    if negated { "not in" } else { "in" }
}

/// A JSON array is a list here; other JSON stays a document.
fn flat_list(value: Value) -> Value {
    if value.as_list().is_some() { flat(value) } else { value }
}
