//! What the project file says of a table: key, enum names, rules. Knowledge lives here once, not in every playbook.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{BAD_FORM, FromNode, Lowering, Named, Word},
        source::Span,
        value::{Data, Map, Marks, Value},
        yaml::Node,
    },
    shape, words,
};
use std::sync::Arc;

shape! {
    /// Facts about one table.
    "a table" pub struct Facts {
        /// Column or columns of the key by which rows are locked, changed and shown.
        key: Columns,
        /// Other unique keys: `[[slug]]`.
        #[schemars(default)]
        unique: Vec<Columns>,
        /// Columns about a person: masked in every output, sealed in journal and plan files.
        #[schemars(default)]
        personal: Vec<Word>,
        /// Columns that the database computes or a trigger sets: they may not be set, and what they become is no drift.
        #[schemars(default)]
        generated: Vec<Word>,
        /// Columns that nobody may set through trueup.
        #[schemars(default)]
        read_only: Vec<Word>,
        /// The column that is set to the database's time on every real change; `by_hand` when the column is a datum itself.
        updated_at: Option<Word>,
        /// The column that marks a row as discarded; `find` leaves such rows out unless `with_discarded: true`.
        soft_delete: Option<Word>,
        /// Rules for JSON columns: `merge_only` refuses to overwrite the whole document.
        #[schemars(default)]
        json: Named<JsonRule>,
        /// The audit row that is written with every change; `false` where the application keeps none.
        audit: Option<AuditUse>,
        /// What the application does in its own hooks and SQL does not; shown in every preview that writes this table.
        app_hooks: Option<Word>,
        /// What a change of this table sets off elsewhere (triggers, cascades): shown, not taken back.
        side_effects: Option<Word>,
        /// Rows are only ever added.
        append_only: Option<bool>,
        /// Enum columns: names and the values they are stored as, or `{ from: TABLE, name: COLUMN, value: COLUMN }` where a table of the same
        /// database holds them.
        #[schemars(default)]
        enums: Named<EnumNames>,
        /// `false` when a dry-run may not really execute changes of this table (NOTIFY, mailing triggers, dblink).
        rehearse: Option<bool>,
        /// Why not.
        because: Option<Word>,
    }
}

words! {
    "a rule for a JSON column"
    pub enum JsonRule {
        /// Only single keys may be changed.
        MergeOnly = "merge_only",
    }
}

/// One column or several: `id` or `[code, year]`.
#[derive(Clone, Debug, Default)]
pub struct Columns(pub Vec<Word>);

impl Columns {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Word::as_str)
    }
}

impl FromNode for Columns {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::List(nodes, at) if nodes.is_empty() => {
                cx.push(Diagnostic::error(&BAD_FORM, *at, "a key needs at least one column"));
                None
            }
            Node::List(..) => Vec::from_node(node, cx).map(Columns),
            _ => Word::from_node(node, cx).map(|w| Columns(vec![w])),
        }
    }
}
crate::plain_schema!(Columns, { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] });

/// The names of an enum column's values.
#[derive(Clone, Debug, Default)]
pub struct EnumNames {
    /// Names and stored values; of a table that holds them only once it was read.
    pub names: Named<Value>,
    /// The table that holds them.
    pub from: Option<EnumTable>,
    /// What the rows of that table say of the order, smallest first, name by name.
    pub order: Vec<(Arc<str>, Value)>,
}

impl EnumNames {
    /// The names stand in a table that was not read yet.
    pub fn is_unread(&self) -> bool {
        self.from.is_some() && self.names.entries.is_empty()
    }
}

impl std::ops::Deref for EnumNames {
    type Target = Named<Value>;
    fn deref(&self) -> &Named<Value> {
        &self.names
    }
}

shape! {
    /// A table of the same database that holds the names of an enum column's values.
    "a table of names" pub struct EnumTable {
        /// The table: `user_api_retirementstate`.
        from: Word,
        /// The column with the names.
        name: Word,
        /// The column with the stored values: mostly the key.
        value: Word,
        /// The column that says in which order the values follow each other, smallest first. A `lifecycle:` compares its stages with it.
        order: Option<Word>,
    }
}

impl FromNode for EnumNames {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        // Names of values may be any words: it is a table only if it says what a table must say.
        let text = |key: &str| matches!(node.get(key), Some(Node::Scalar(s)) if s.value().as_str().is_some());
        if ["from", "name", "value"].into_iter().all(text) {
            let table = EnumTable::from_node(node, cx)?;
            return Some(EnumNames { from: Some(table), ..EnumNames::default() });
        }
        Named::from_node(node, cx).map(|names| EnumNames { names, ..EnumNames::default() })
    }
}
impl schemars::JsonSchema for EnumNames {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnumNames".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<EnumTable>();
        let names = generator.subschema_for::<Named<Value>>();
        schemars::json_schema!({ "anyOf": [table, names] })
    }
}

/// Which audit rule a table follows.
#[derive(Clone, Debug)]
pub enum AuditUse {
    /// The application keeps no audit of this table.
    None,
    /// A rule of `audits:` with the facts it needs.
    Rule(AuditFacts),
}

shape! {
    /// How a table takes part in an audit rule.
    "an audit fact" pub struct AuditFacts {
        /// Name under `audits:`.
        rule: Word,
        /// The record's class in the application: `Trainee`.
        kind as "type": Word,
        /// The record that this one belongs to.
        associated: Option<Associated>,
    }
}

shape! {
    /// The record that an audited one belongs to.
    "an association" pub struct Associated {
        /// Its class in the application.
        kind as "type": Word,
        /// The column that holds its key.
        id: Word,
    }
}

impl FromNode for AuditUse {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => AuditFacts::from_node(node, cx).map(AuditUse::Rule),
            Node::Scalar(s) if s.value().as_bool() == Some(false) => Some(AuditUse::None),
            _ => cx.wrong_type(node, "`false` or a map with `rule` and `type`"),
        }
    }
}
impl schemars::JsonSchema for AuditUse {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AuditUse".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rule = generator.subschema_for::<AuditFacts>();
        schemars::json_schema!({ "anyOf": [{ "const": false }, rule] })
    }
}

impl Facts {
    /// Nothing but a key: of a table that nobody declares.
    pub fn keyed_by(column: &str, at: Span) -> Facts {
        Facts {
            key: Columns(vec![Word { text: column.into(), span: at }]),
            unique: Vec::new(),
            personal: Vec::new(),
            generated: Vec::new(),
            read_only: Vec::new(),
            updated_at: None,
            soft_delete: None,
            json: Named::default(),
            audit: None,
            app_hooks: None,
            side_effects: None,
            append_only: None,
            enums: Named::default(),
            rehearse: None,
            because: None,
            at,
        }
    }

    /// Where it stands in the project file.
    pub fn place(&self) -> Span {
        self.at
    }

    /// The marks of a column's values.
    pub fn marks(&self, column: &str) -> Marks {
        if self.personal.iter().any(|w| w.as_str() == column) { Marks::PERSONAL } else { Marks::NONE }
    }

    /// The stored value of an enum name. A name that the table does not have is an error with the known names;
    /// a column without names, null, an unknown and a stored value itself pass through.
    pub fn stored(&self, column: &str, value: Value) -> Result<Value, UnknownName> {
        let Some(names) = self.enums.get(column).filter(|names| !names.is_unread()) else { return Ok(value) };
        let marks = value.marks;
        match &value.data {
            Data::Null | Data::Unknown(_) => Ok(value),
            Data::Text(name) if names.get(name).is_some() => {
                Ok(names.get(name).cloned().unwrap_or(Value::NULL).marked(marks))
            }
            _ if names.iter().any(|(_, stored)| *stored == value) => Ok(value),
            _ => Err(UnknownName {
                column: column.to_owned(),
                name: value.plain().into_owned(),
                known: names.names().map(str::to_owned).collect(),
            }),
        }
    }

    /// The name of a stored enum value; a value without a name stays as it is.
    pub fn named(&self, column: &str, value: Value) -> Value {
        let Some(names) = self.enums.get(column) else { return value };
        let found =
            names.iter().find(|(_, stored)| **stored == value).map(|(name, _)| Value::text(name).marked(value.marks));
        found.unwrap_or(value)
    }

    /// A stored row as playbooks see it: enum names, personal columns marked.
    pub fn seen(&self, row: &Map) -> Map {
        if self.enums.entries.is_empty() {
            return self.marked(row);
        }
        row.mapped(|(c, v)| self.named(c, v.clone()).marked(self.marks(c)))
    }

    /// A stored row with personal columns marked.
    pub fn marked(&self, row: &Map) -> Map {
        if self.personal.is_empty() {
            return row.clone();
        }
        row.mapped(|(c, v)| v.clone().marked(self.marks(c)))
    }

    /// The column stamped on every change, unless it is kept by hand.
    pub fn stamp(&self) -> Option<&str> {
        self.updated_at.as_ref().map(Word::as_str).filter(|w| *w != "by_hand")
    }

    /// The key columns as owned names.
    pub fn key_columns(&self) -> Vec<Arc<str>> {
        self.key.0.iter().map(|w| w.text.clone()).collect()
    }
}

/// A name that an enum column does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The column.
    pub column: String,
    /// What was given.
    pub name: String,
    /// What exists.
    pub known: Vec<String>,
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not a name of `{}`", self.name, self.column)?;
        match crate::base::suggest::help(&self.name, self.known.iter().map(String::as_str)) {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}
