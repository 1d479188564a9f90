//! What the playbook says under `targets:`.

use super::comparing::Comparing;
use crate::{
    action::{ends::Otherwise, kinds::Act, step::Step},
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Lowering, Named, ONE_OF, UNKNOWN_KEY, Word},
        source::Span,
        suggest,
        yaml::{Node, Style},
    },
    read::{find::FindSpec, http::HttpSpec, query::QuerySpec},
    shape,
    table::facts::Columns,
    template::{Datum, Expression, Text},
    words,
};

shape! {
    /// The items that the playbook works on, one after the other: each is `item` in the steps. Without it the playbook works
    /// on a single record.
    "targets" pub struct Targets {
        /// Where they come from: exactly one source.
        from: From,
        /// The columns that tell the items apart; no two items may have the same. Of a `find` the key of its table unless said
        /// otherwise, of a list the element itself.
        key: Option<Columns>,
        /// Rows with the same value become one item: `item.key`, `item.rows` and, of a CSV file, `item.lines`.
        group_by: Option<GroupBy>,
        /// What becomes of a group of one row. Default: `keep`.
        lone_groups: Option<LoneGroups>,
        /// In which order the items come: columns (`-column` for the largest first) or `{{ … }}`. Default: the order of the
        /// source.
        #[schemars(default)]
        order_by: Vec<Text>,
        /// Items with the same subject are carried out one after the other, in their order.
        subject: Option<Text>,
        /// What an item waits for within its subject.
        after: Option<After>,
        /// What must hold for the whole source, looked at before the first item; all faults are told in one go.
        #[schemars(default)]
        check: Vec<SourceCheck>,
        /// Of `from: { lifecycle: waiting }`: only records that are old enough.
        cool_off: Option<CoolOff>,
        /// Only the first so many items; the rest next time. A number, or `{{ params.many }}`.
        take: Option<Datum>,
    }
}

shape! {
    /// How old a record must be before it is worked on.
    "a cool-off" pub struct CoolOff {
        /// The column that holds its beginning.
        column: Word,
        /// A length of time: `7d`, or `"{{ params.cool_off }}"`. Counted back from `run.now`.
        older_than: Text,
    }
}

words! {
    "which records of a lifecycle"
    pub enum Waiting {
        /// Those that wait for a stage: at `start`, or at the `done` of a stage. None on which somebody works, that failed, or that are over.
        Waiting = "waiting",
    }
}

words! {
    "what an item waits for"
    pub enum After {
        /// The item before it with the same subject ended as changed or unchanged; else this one is skipped.
        PreviousDone = "previous_done",
    }
}

words! {
    "what becomes of a group of one"
    pub enum LoneGroups {
        /// It is an item like the others.
        Keep = "keep",
        /// It is left out.
        Skip = "skip",
    }
}

/// One source.
#[derive(Clone, Debug)]
pub struct From {
    /// Which.
    pub source: Source,
    /// A `find`, `query` or `http` as the step that it would be: the rules for steps hold for it as well.
    pub step: Option<Step>,
    /// It was written as `{ lifecycle: waiting }`.
    pub waiting: bool,
    /// Where it stands.
    pub at: Span,
}

/// Where items come from.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one per playbook")]
pub enum Source {
    /// Rows of a declared table.
    Find(FindSpec),
    /// Rows of a SELECT.
    Query(QuerySpec),
    /// Lines of a file.
    Csv(CsvSource),
    /// Elements of a list.
    List(Datum),
    /// Entries of a list that an API gives.
    Http(Box<HttpSpec>),
    /// What two sources do not have in common.
    Compare(Box<Comparing>),
}

impl Source {
    /// The key in the playbook.
    pub fn word(&self) -> &'static str {
        match self {
            Source::Find(_) => "find",
            Source::Query(_) => "query",
            Source::Csv(_) => "csv",
            Source::List(_) => "list",
            Source::Http(_) => "http",
            Source::Compare(_) => "compare",
        }
    }
}

impl From {
    /// The steps that it would be, each with its place below `targets`.
    pub fn steps(&self) -> Vec<(&'static str, &Step)> {
        match &self.source {
            Source::Compare(comparing) => {
                let [(_, left), (_, right)] = comparing.sides();
                let sides = [("from/left", left), ("from/right", right)];
                sides.into_iter().filter_map(|(place, side)| Some((place, side.step.as_ref()?))).collect()
            }
            _ => self.step.iter().map(|step| ("from", step)).collect(),
        }
    }

    /// The connection that it is read from, else the kind of source.
    pub fn system(&self) -> &str {
        match &self.source {
            Source::Find(find) => find.table.as_str().split('.').next().unwrap_or_default(),
            Source::Query(query) => query.db.as_str(),
            Source::Http(call) => call.api.as_str(),
            Source::Csv(_) => "file",
            source => source.word(),
        }
    }
}

shape! {
    /// A CSV file with a header line.
    "a CSV source" pub struct CsvSource {
        /// The file: `"{{ params.file }}"`, where the parameter has the type `file`.
        csv: Text,
        /// Every column of the file, with its type.
        columns: Named<CsvColumn>,
        /// What stands between two cells. Default: `,`, or `;` where the header has no comma.
        delimiter: Option<Word>,
    }
}

/// What a column of a CSV file holds.
#[derive(Clone, Debug)]
pub struct CsvColumn {
    /// `string`, `int`, `decimal`, `bool`, `date`, `timestamp`, `uuid`, `enum` or `email`.
    pub kind: Word,
    /// About a person: masked and sealed.
    pub personal: bool,
    /// An empty cell is refused.
    pub not_blank: bool,
    /// What means true. Default: `true`.
    pub truthy: Option<Vec<Word>>,
    /// What means false. Default: `false`.
    pub falsy: Option<Vec<Word>>,
    /// The words of an enum.
    pub values: Vec<Word>,
    /// Where it stands.
    pub at: Span,
}

shape! {
    /// What a column of a CSV file holds. A cell without anything in it is null.
    "a column" pub struct CsvColumnSpec {
        /// `string`, `int`, `decimal`, `bool`, `date`, `timestamp`, `uuid`, `enum` or `email`.
        #[schemars(schema_with = "type_schema")]
        kind as "type": Word,
        /// About a person: masked and sealed.
        personal: Option<bool>,
        /// An empty cell is refused.
        not_blank: Option<bool>,
        /// Of a bool: what means true. Default: `true`.
        truthy: Option<Vec<Word>>,
        /// Of a bool: what means false; `""` is an empty cell. Default: `false`.
        falsy: Option<Vec<Word>>,
        /// Of an enum: the words.
        #[schemars(default)]
        values: Vec<Word>,
    }
}

/// The types of a column.
pub const TYPES: &[&str] = &["string", "int", "decimal", "bool", "date", "timestamp", "uuid", "enum", "email"];

fn type_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": TYPES })
}

impl FromNode for CsvColumn {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let spec = match node {
            Node::Map(..) => CsvColumnSpec::from_node(node, cx)?,
            _ => CsvColumnSpec {
                kind: Word::from_node(node, cx)?,
                personal: None,
                not_blank: None,
                truthy: None,
                falsy: None,
                values: Vec::new(),
                at: node.span(),
            },
        };
        Some(CsvColumn {
            kind: spec.kind,
            personal: spec.personal == Some(true),
            not_blank: spec.not_blank == Some(true),
            truthy: spec.truthy,
            falsy: spec.falsy,
            values: spec.values,
            at: spec.at,
        })
    }
}
impl schemars::JsonSchema for CsvColumn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CsvColumn".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let spec = generator.subschema_for::<CsvColumnSpec>();
        schemars::json_schema!({ "anyOf": [spec, { "enum": TYPES }] })
    }
}

shape! {
    /// Exactly one of these; `columns` and `delimiter` belong to `csv`.
    "a source" pub struct FromSpec {
        /// Rows of a declared table.
        #[schemars(extend("not" = { "required": ["expect"] }))]
        find: Option<FindSpec>,
        /// Rows of a SELECT.
        #[schemars(extend("not" = { "required": ["expect"] }))]
        query: Option<QuerySpec>,
        /// Lines of a CSV file with a header: `"{{ params.file }}"`, where the parameter has the type `file`.
        csv: Option<Text>,
        /// Of a CSV file: every column with its type.
        columns: Option<Named<CsvColumn>>,
        /// Of a CSV file: what stands between two cells. Default: `,`, or `;` where the header has no comma.
        delimiter: Option<Word>,
        /// Elements of a list: `"{{ params.ids }}"`.
        list: Option<Datum>,
        /// Entries of the list that an API gives; with `pages` all of them, page after page.
        http: Option<HttpSpec>,
        /// What two sources do not have in common.
        compare: Option<Comparing>,
        /// Records of the playbook's `lifecycle` that wait for a stage.
        lifecycle: Option<Waiting>,
    }
}

shape! {
    /// One side of a comparison: exactly one of these; `columns` and `delimiter` belong to `csv`.
    "a side" pub struct SideSpec {
        /// Rows of a declared table.
        #[schemars(extend("not" = { "required": ["expect"] }))]
        find: Option<FindSpec>,
        /// Rows of a SELECT.
        #[schemars(extend("not" = { "required": ["expect"] }))]
        query: Option<QuerySpec>,
        /// Lines of a CSV file with a header.
        csv: Option<Text>,
        /// Of a CSV file: every column with its type.
        columns: Option<Named<CsvColumn>>,
        /// Of a CSV file: what stands between two cells.
        delimiter: Option<Word>,
        /// Elements of a list, each a map.
        list: Option<Datum>,
        /// Entries of the list that an API gives; with `pages` all of them, page after page.
        http: Option<HttpSpec>,
    }
}

/// The sources that can be compared.
const PLAIN: [&str; 5] = ["find", "query", "csv", "list", "http"];
/// All sources.
const SOURCES: [&str; 7] = ["find", "query", "csv", "list", "http", "compare", "lifecycle"];

impl FromNode for From {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        source(node, cx, ("from", "a source"), &SOURCES, FromSpec::KEYS)
    }
}
impl schemars::JsonSchema for From {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Source".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<FromSpec>()
    }
}

/// One of two sources that are compared: any but another comparison.
#[derive(Clone, Debug)]
pub struct Side(pub From);

impl FromNode for Side {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        source(node, cx, ("a side", "a side"), &PLAIN, SideSpec::KEYS).map(Side)
    }
}
impl schemars::JsonSchema for Side {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Side".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<SideSpec>()
    }
}

/// Reads one of `words`; `(place, what)` for messages.
fn source(
    node: &Node,
    cx: &mut Lowering<'_>,
    (place, what): (&str, &str),
    words: &[&str],
    keys: &[&str],
) -> Option<From> {
    let Node::Map(entries, at) = node else { return cx.wrong_type(node, &format!("{what}, which is a map")) };
    if words.iter().filter(|word| node.get(word).is_some()).count() != 1 {
        let place = if place == "from" { "`from`" } else { place };
        let problem = Diagnostic::error(&ONE_OF, *at, format!("{place} takes exactly one source"));
        cx.unknown_keys(node, keys, what);
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        cx.push(problem.help(format!("write one of {}", words.join(", "))));
        return None;
    }
    if node.get("csv").is_some() {
        let csv = CsvSource::from_node(node, cx)?;
        return Some(From { at: csv.at, source: Source::Csv(csv), step: None, waiting: false });
    }
    if let Some(odd) = ["columns", "delimiter"].into_iter().find(|word| node.get(word).is_some()) {
        let at = node.get(odd).map_or(node.span(), Node::span);
        cx.push(Diagnostic::error(&ONE_OF, at, format!("`{odd}` belongs to a CSV file")).help("leave it out"));
        return None;
    }
    cx.unknown_keys(node, keys, what);
    if let Some(word) = node.entry("lifecycle").filter(|_| words.contains(&"lifecycle")) {
        // It was written out as a `find`, unless there is none.
        Waiting::from_node(&word.node, cx)?;
        let problem = Diagnostic::error(&ONE_OF, word.key.span, "there is no lifecycle whose records could wait");
        cx.push(problem.help("write the `lifecycle:` of the playbook, or correct it"));
        return None;
    }
    if let Some(list) = node.get("list") {
        return Datum::from_node(list, cx).map(|list| From {
            source: Source::List(list),
            step: None,
            waiting: false,
            at: *at,
        });
    }
    if let Some(compare) = node.get("compare").filter(|_| words.contains(&"compare")) {
        let comparing = Comparing::from_node(compare, cx)?;
        return Some(From { source: Source::Compare(Box::new(comparing)), step: None, waiting: false, at: *at });
    }
    for read in ["find", "query"].into_iter().filter_map(|word| node.get(word)) {
        // Else it would be led to a key that no source has.
        let Node::Map(keys, _) = read else { continue };
        let near =
            |key: &str| key != "expect" && suggest::nearest(key, FindSpec::KEYS.iter().copied()) == Some("expect");
        if let Some(odd) = keys.iter().find(|entry| near(&entry.key.text)) {
            let message = format!("{what} has no key `{}`", odd.key.text);
            let help = "say how many items are right under `limits:`: `max_items`, `refuse_empty`";
            cx.push(Diagnostic::error(&UNKNOWN_KEY, odd.key.span, message).help(help));
            return None;
        }
    }
    let asked = entries.iter().filter(|entry| words.contains(&&*entry.key.text)).cloned().collect();
    let step = Step::from_node(&Node::Map(asked, *at), cx)?;
    let source = match &step.act {
        Act::Find(find) => Source::Find(find.clone()),
        Act::Query(query) => Source::Query(query.clone()),
        Act::Http(call) => Source::Http(Box::new(call.clone())),
        _ => return None,
    };
    let waiting = node.entry("find").is_some_and(|find| find.key.style == Style::Made);
    Some(From { source, step: Some(step), waiting, at: *at })
}

/// Rows that are one item.
#[derive(Clone, Debug)]
pub struct GroupBy {
    /// The column.
    pub key: Word,
    /// Which values are the same.
    pub fold: Fold,
}

words! {
    "a way to compare"
    pub enum Fold {
        /// Only the very same value.
        Exact = "exact",
        /// Small and capital letters are the same; the item's key is in small letters.
        Caseless = "caseless",
    }
}

shape! {
    /// Rows that are one item.
    "a grouping" pub struct GroupBySpec {
        /// The column.
        key: Word,
        /// Which values are the same. Default: `exact`.
        fold: Option<Fold>,
    }
}

impl FromNode for GroupBy {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => {
                let spec = GroupBySpec::from_node(node, cx)?;
                Some(GroupBy { key: spec.key, fold: spec.fold.unwrap_or(Fold::Exact) })
            }
            _ => Word::from_node(node, cx).map(|key| GroupBy { key, fold: Fold::Exact }),
        }
    }
}
impl schemars::JsonSchema for GroupBy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GroupBy".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let spec = generator.subschema_for::<GroupBySpec>();
        schemars::json_schema!({ "anyOf": [spec, { "type": "string" }] })
    }
}

/// What must hold for the whole source.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    /// The rule.
    pub rule: Rule,
    /// What is said of each fault.
    pub otherwise: Option<Otherwise>,
    /// Where it stands.
    pub at: Span,
}

/// One rule over a source.
#[derive(Clone, Debug)]
pub enum Rule {
    /// No two rows have the same value in these columns.
    Unique(Columns),
    /// Holds for every row: `item` is the row.
    EachRow(Expression),
    /// Holds for every group: `item` is the group.
    EachGroup(Expression),
}

shape! {
    /// What must hold for the whole source: exactly one of `unique`, `each_row`, `each_group`.
    "a check of the source" pub struct SourceCheckSpec {
        /// No two rows have the same value in this column, or in these columns together.
        unique: Option<Columns>,
        /// Holds for every row; `item` is the row.
        each_row: Option<Expression>,
        /// Holds for every group; `item` is the group.
        each_group: Option<Expression>,
        /// What is said of each row or group for which it does not hold: a text, or `{ stop: text }`.
        otherwise: Option<Otherwise>,
    }
}

impl FromNode for SourceCheck {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let spec = SourceCheckSpec::from_node(node, cx)?;
        let mut rules: Vec<Rule> = spec.unique.map(Rule::Unique).into_iter().collect();
        rules.extend(spec.each_row.map(Rule::EachRow));
        rules.extend(spec.each_group.map(Rule::EachGroup));
        match (rules.pop(), rules.is_empty()) {
            (Some(rule), true) => Some(SourceCheck { rule, otherwise: spec.otherwise, at: spec.at }),
            _ => {
                let problem = Diagnostic::error(&ONE_OF, spec.at, "a check of the source is exactly one rule");
                cx.push(problem.help("write one of `unique`, `each_row`, `each_group`"));
                None
            }
        }
    }
}
impl schemars::JsonSchema for SourceCheck {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SourceCheck".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<SourceCheckSpec>()
    }
}
