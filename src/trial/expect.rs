//! What a case expects: outcome, changes over all tables, messages, requests. Shapes only; `compare` holds them against
//! what happened.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Lowering, Named, ONE_OF, Word, field},
        source::Span,
        value::Value,
        yaml::Node,
    },
    journal::words::End,
    shape, words,
};

shape! {
    /// What must come of a case. What is not named is not looked at, except that `changes` names every changed row; a case without
    /// it tells how many rows it did not look at.
    "an expectation" pub struct Expect {
        /// How it ends: `changed`, `unchanged`, `stopped`, …
        outcome: Option<End>,
        /// The exit code of the command.
        exit: Option<u32>,
        /// What is said at the end.
        message: Option<TextTest>,
        /// Of an `error`: the name of the row of the errors table that decides; `none`: no row does.
        row: Option<Word>,
        /// Of an `error`: what that row does: `retry`, `stop`, `skip`, `fail`, `accept`, `escalate`.
        then: Option<Word>,
        /// To whom it is escalated.
        to: Option<Word>,
        /// Of a run over many items: exactly so many of them end in these ways, `{ changed: 2, stopped: 1 }`, and these in this one,
        /// `{ by_key: { "17": stopped } }`. What is said of them stands also in `message`, a line for each.
        items: Option<Items>,
        /// Exactly these rows of all tables of all databases are changed, in exactly these columns; or `none`.
        changes: Option<Changes>,
        /// Rows and columns that stay as they are: `register.trainees.1`, `register.trainees.1.progress`.
        #[schemars(default)]
        unchanged: Vec<Word>,
        /// Messages, by person. `{}`: nobody is told anything.
        told: Option<Named<TextTest>>,
        /// Calls of APIs and of programs.
        sent: Option<Sent>,
        /// Background jobs that wait afterwards, by `connection.table`: exactly these, each with the columns that matter.
        jobs: Option<Named<Vec<Named<ValueTest>>>>,
        /// Labels of the preview.
        preview: Option<Preview>,
        /// What is no longer as planned: columns by row, `register.trainees.1: [state]`.
        drift: Option<Named<Vec<Word>>>,
        /// The parameter that is refused before anything is opened.
        invalid: Option<Invalid>,
    }
}

impl Expect {
    /// It says something that only a run can come to.
    pub fn of_a_run(&self) -> bool {
        let whole = [self.outcome.is_some(), self.exit.is_some(), self.items.is_some(), self.changes.is_some()];
        let sent = [self.told.is_some(), self.sent.is_some(), self.jobs.is_some(), self.preview.is_some()];
        let rest = [self.drift.is_some(), self.invalid.is_some(), !self.unchanged.is_empty()];
        whole.into_iter().chain(sent).chain(rest).any(|is| is)
    }
}

shape! {
    /// A parameter that is refused.
    "a refusal" pub struct Invalid {
        /// Its name.
        param: Word,
        /// What is said.
        message: Option<TextTest>,
    }
}

shape! {
    /// Labels of the preview.
    "labels of a preview" pub struct Preview {
        /// `all`: no step of the preview has unknowns or could not be tried out.
        exact: Option<ExactAll>,
        /// Label by step: `clear_award: exact`.
        #[schemars(default)]
        labels: Named<Word>,
    }
}

words! {
    "a set of steps"
    pub enum ExactAll {
        /// Every step.
        All = "all",
    }
}

/// A text, whole or in part.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// Exactly this.
    Is(Word),
    /// All of these parts.
    Contains(Vec<Word>),
}

impl TextTest {
    /// Whether a text passes.
    pub fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::Is(word) => text.trim() == word.as_str().trim(),
            TextTest::Contains(parts) => parts.iter().all(|part| text.contains(part.as_str())),
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            TextTest::Is(word) => format!("{:?}", word.as_str()),
            TextTest::Contains(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| format!("{:?}", part.as_str())).collect();
                format!("a text with {}", parts.join(" and "))
            }
        }
    }
}

impl FromNode for TextTest {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(..) = node else { return Word::from_node(node, cx).map(TextTest::Is) };
        cx.unknown_keys(node, &["contains"], "a test of a text");
        match node.get("contains") {
            Some(list @ Node::List(..)) => Vec::from_node(list, cx).map(TextTest::Contains),
            _ => field::<Word>(node, "contains", &["contains"], "a test of a text", cx)
                .map(|word| TextTest::Contains(vec![word])),
        }
    }
}
crate::plain_schema!(TextTest, {
    "description": "A text, or `{ contains: part }`, or `{ contains: [part, part] }`.",
    "anyOf": [
        { "type": "string" },
        { "type": "object", "additionalProperties": false, "required": ["contains"],
          "properties": { "contains": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] } } }
    ]
});

/// A value, whole or in part.
#[derive(Clone, Debug)]
pub enum ValueTest {
    /// Whatever it is.
    Any,
    /// The same value.
    Is(Value),
    /// A text with this part, or a document with these entries.
    Contains(Value),
}

impl FromNode for ValueTest {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if &*s.text == "any" => Some(ValueTest::Any),
            Node::Map(entries, _) if entries.len() == 1 && &*entries[0].key.text == "contains" => {
                Value::from_node(&entries[0].node, cx).map(ValueTest::Contains)
            }
            _ => Value::from_node(node, cx).map(ValueTest::Is),
        }
    }
}
crate::plain_schema!(ValueTest, { "description": "A value, `any`, or `{ contains: part }`." });

/// All changes of a case.
#[derive(Clone, Debug)]
pub enum Changes {
    /// Nothing in any table.
    None,
    /// By `connection.table`.
    Tables(Named<TableChanges>),
}

impl FromNode for Changes {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if &*s.text == "none" => Some(Changes::None),
            Node::Map(..) => Named::from_node(node, cx).map(Changes::Tables),
            _ => cx.wrong_type(node, "`none` or a map of tables"),
        }
    }
}
impl schemars::JsonSchema for Changes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Changes".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<TableChanges>();
        schemars::json_schema!({ "anyOf": [{ "const": "none" }, { "type": "object", "additionalProperties": table }] })
    }
}

/// Changes of one table.
#[derive(Clone, Debug, Default)]
pub struct TableChanges {
    /// By the row's key, several key columns with `/` between them.
    pub rows: Vec<(Word, RowTest)>,
    /// New rows: the columns that matter.
    pub new: Vec<Named<ValueTest>>,
}

impl FromNode for TableChanges {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let entries = match node {
            Node::List(..) => return Vec::from_node(node, cx).map(|new| TableChanges { rows: Vec::new(), new }),
            Node::Map(entries, _) => entries,
            _ => return cx.wrong_type(node, "new rows (a list) or changed rows (a map by key)"),
        };
        let mut read = TableChanges::default();
        let mut sound = true;
        for entry in entries {
            if &*entry.key.text == "new" {
                match Vec::from_node(&entry.node, cx) {
                    Some(new) => read.new = new,
                    None => sound = false,
                }
                continue;
            }
            let key = Word { text: entry.key.text.clone(), span: entry.key.span };
            match RowTest::from_node(&entry.node, cx) {
                Some(row) => read.rows.push((key, row)),
                None => sound = false,
            }
        }
        sound.then_some(read)
    }
}
impl schemars::JsonSchema for TableChanges {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TableChanges".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (new, row) = (generator.subschema_for::<Vec<Named<ValueTest>>>(), generator.subschema_for::<RowTest>());
        schemars::json_schema!({
            "description": "A list: new rows, with the columns that matter. A map: changed rows by key (`\"1\": { column: [old, new] }`, `\"1\": deleted`), and new ones under `new`.",
            "anyOf": [new, { "type": "object", "properties": { "new": new }, "additionalProperties": row }]
        })
    }
}

/// What becomes of one row.
#[derive(Clone, Debug)]
pub enum RowTest {
    /// It is gone.
    Deleted,
    /// Exactly these columns change.
    Columns(Named<ColumnTest>),
}

impl FromNode for RowTest {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if &*s.text == "deleted" => Some(RowTest::Deleted),
            Node::Map(..) => Named::from_node(node, cx).map(RowTest::Columns),
            _ => cx.wrong_type(node, "`deleted` or a map of columns"),
        }
    }
}
impl schemars::JsonSchema for RowTest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RowTest".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let column = generator.subschema_for::<ColumnTest>();
        schemars::json_schema!({ "anyOf": [{ "const": "deleted" }, { "type": "object", "additionalProperties": column }] })
    }
}

/// How one column changes.
#[derive(Clone, Debug)]
pub enum ColumnTest {
    /// Somehow.
    Any(Span),
    /// From one value to another.
    Pair(ValueTest, ValueTest, Span),
    /// A JSON document: exactly these keys change.
    Keys(Named<ColumnTest>),
}

impl FromNode for ColumnTest {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if &*s.text == "any" => Some(ColumnTest::Any(s.span)),
            Node::List(nodes, at) => {
                let [old, new] = nodes.as_slice() else {
                    let problem =
                        Diagnostic::error(&BAD_FORM, *at, format!("a change has two values, here are {}", nodes.len()));
                    cx.push(problem.help("write `[old, new]`, or `any`"));
                    return None;
                };
                let (old, new) = (ValueTest::from_node(old, cx), ValueTest::from_node(new, cx));
                Some(ColumnTest::Pair(old?, new?, *at))
            }
            Node::Map(..) => Named::from_node(node, cx).map(ColumnTest::Keys),
            _ => cx.wrong_type(node, "`[old, new]`, `any`, or a map of a document's keys"),
        }
    }
}
crate::plain_schema!(ColumnTest, {
    "description": "`[old, new]`, `any`, or for a JSON column a map of the keys that change.",
    "anyOf": [{ "const": "any" }, { "type": "array", "minItems": 2, "maxItems": 2 }, { "type": "object" }]
});

/// How the items of a run end.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// How many in which way; without any, nobody counts.
    pub counts: Named<Count>,
    /// These in this way, by key.
    pub by_key: Named<ItemTest>,
}

impl FromNode for Items {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else { return cx.wrong_type(node, "a map of ends: `{ changed: 2 }`") };
        let counts: Vec<_> = entries.iter().filter(|entry| &*entry.key.text != "by_key").cloned().collect();
        for entry in &counts {
            // A misspelt end would count nothing, and nothing is what most ends have.
            End::from_node(&Node::Scalar(entry.key.clone()), cx)?;
        }
        let counts = Named::from_node(&Node::Map(counts, *at), cx);
        let by_key = node.get("by_key").map_or(Some(Named::default()), |node| Named::from_node(node, cx));
        Some(Items { counts: counts?, by_key: by_key? })
    }
}
impl schemars::JsonSchema for Items {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Items".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (count, item) = (generator.subschema_for::<Count>(), generator.subschema_for::<Named<ItemTest>>());
        schemars::json_schema!({
            "description": "How many items end in which way (`{ changed: 2, stopped: 1 }`); under `by_key` how those with these keys do.",
            "type": "object",
            "properties": { "by_key": item },
            "additionalProperties": count
        })
    }
}

/// How one item ends.
#[derive(Clone, Debug)]
pub struct ItemTest {
    /// In this way.
    pub outcome: End,
    /// What is said of it.
    pub message: Option<TextTest>,
}

shape! {
    /// How one item ends, and what is said of it.
    "an end of an item" pub struct ItemEnd {
        /// `changed`, `unchanged`, `stopped`, …
        outcome: End,
        /// What is said of it.
        message: Option<TextTest>,
    }
}

impl FromNode for ItemTest {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(..) = node else {
            return End::from_node(node, cx).map(|outcome| ItemTest { outcome, message: None });
        };
        ItemEnd::from_node(node, cx).map(|end| ItemTest { outcome: end.outcome, message: end.message })
    }
}
impl schemars::JsonSchema for ItemTest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ItemTest".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (end, whole) = (generator.subschema_for::<End>(), generator.subschema_for::<ItemEnd>());
        schemars::json_schema!({ "anyOf": [end, whole] })
    }
}

/// Calls of APIs and of programs.
#[derive(Clone, Debug)]
pub struct Sent {
    /// By connection and `METHOD /path`; of a program the arguments by which it was recognised.
    pub apis: Vec<(Word, Named<Count>)>,
    /// These calls one after the other.
    pub order: Vec<InOrder>,
    /// Other calls are failures.
    pub nothing_else: bool,
}

impl FromNode for Sent {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, _) = node else { return cx.wrong_type(node, "a map of connections") };
        let mut sent = Sent { apis: Vec::new(), order: Vec::new(), nothing_else: false };
        for entry in entries {
            if &*entry.key.text == "nothing_else" {
                sent.nothing_else = bool::from_node(&entry.node, cx)?;
            } else if &*entry.key.text == "order" {
                sent.order = Vec::from_node(&entry.node, cx)?;
            } else {
                let api = Word { text: entry.key.text.clone(), span: entry.key.span };
                sent.apis.push((api, Named::from_node(&entry.node, cx)?));
            }
        }
        Some(sent)
    }
}
impl schemars::JsonSchema for Sent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sent".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (count, order) = (generator.subschema_for::<Count>(), generator.subschema_for::<Vec<InOrder>>());
        schemars::json_schema!({
            "description": "Calls by connection: `dqt: { \"GET /v2/teachers/1\": { at_least: 2 } }`. `order`: from when the run applies, those that are named in it come in this order. `nothing_else: true`: any other call is a failure.",
            "type": "object",
            "properties": { "nothing_else": { "type": "boolean" }, "order": order },
            "additionalProperties": { "type": "object", "additionalProperties": count }
        })
    }
}

/// One call of an order.
#[derive(Clone, Debug)]
pub struct InOrder {
    /// The connection.
    pub api: Word,
    /// `METHOD /path`.
    pub call: Word,
}

impl FromNode for InOrder {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(entries, _) if entries.len() == 1 => {
                let key = &entries[0].key;
                let call = Word::from_node(&entries[0].node, cx)?;
                Some(InOrder { api: Word { text: key.text.clone(), span: key.span }, call })
            }
            _ => cx.wrong_type(node, "one call of one connection: `dqt: GET /v2/teachers/1`"),
        }
    }
}
crate::plain_schema!(InOrder, {
    "description": "One call of one connection: `dqt: GET /v2/teachers/1`.",
    "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": { "type": "string" }
});

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub least: u32,
    /// At most.
    pub most: u32,
}

shape! {
    /// Bounds of a count.
    "a count" pub struct Bounds {
        /// At least so often.
        at_least: Option<u32>,
        /// At most so often.
        at_most: Option<u32>,
    }
}

impl FromNode for Count {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(_, at) = node else { return u32::from_node(node, cx).map(|n| Count { least: n, most: n }) };
        let bounds = Bounds::from_node(node, cx)?;
        if bounds.at_least.is_none() && bounds.at_most.is_none() {
            cx.push(Diagnostic::error(&ONE_OF, *at, "a count needs `at_least`, `at_most` or both"));
            return None;
        }
        Some(Count { least: bounds.at_least.unwrap_or(0), most: bounds.at_most.unwrap_or(u32::MAX) })
    }
}
impl schemars::JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let bounds = generator.subschema_for::<Bounds>();
        schemars::json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, bounds] })
    }
}

impl Count {
    /// In words.
    pub fn words(self) -> String {
        match (self.least, self.most) {
            (least, most) if least == most => format!("{least} times"),
            (least, u32::MAX) => format!("at least {least} times"),
            (0, most) => format!("at most {most} times"),
            (least, most) => format!("{least} to {most} times"),
        }
    }
}
