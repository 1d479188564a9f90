//! The one table of kinds. A new kind is one file with its shape, one line here, one case folder.

use super::{ask::AskSpec, block::BlockSpec, row::RowSpec, rows::RowsSpec, sql::SqlSpec, tell::TellSpec};
use crate::{
    base::{
        shape::{FromNode, Lowering},
        yaml::Node,
    },
    read::{find::FindSpec, http::HttpSpec, query::QuerySpec},
    template::{Datum, Expression},
};

/// What a kind does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Changes nothing: allowed everywhere.
    Read,
    /// Changes something: allowed in `steps` only.
    Write,
    /// Reads or writes, as its content says.
    Either,
    /// A person takes part.
    People,
    /// Neither: looks at values.
    Flow,
}

/// One kind of action.
#[derive(Debug)]
pub struct Kind {
    /// The key in a step.
    pub word: &'static str,
    /// What it does to the world.
    pub nature: Nature,
    /// One sentence for lists and editors.
    pub summary: &'static str,
    /// Its schema.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $word:literal $variant:ident($ty:ty) $nature:ident;)*) => {
        /// What a step does.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant, reason = "one per step of a playbook; boxing would only hide the shape")]
        pub enum Act { $($(#[doc = $doc])* $variant($ty),)* }

        /// Every kind, in the order of the reference.
        pub static KINDS: &[Kind] = &[$(Kind {
            word: $word,
            nature: Nature::$nature,
            summary: concat!($($doc,)*),
            schema: |generator| generator.subschema_for::<$ty>(),
        }),*];

        impl Act {
            /// Reads the action under `word`.
            pub fn read(word: &str, node: &Node, cx: &mut Lowering<'_>) -> Option<Act> {
                match word { $($word => <$ty>::from_node(node, cx).map(Act::$variant),)* _ => None }
            }

            /// Its word.
            pub fn word(&self) -> &'static str {
                match self { $(Act::$variant(_) => $word),* }
            }
        }
    };
}

kinds! {
    /// Find rows of a declared table.
    "find" Find(FindSpec) Read;
    /// Ask a database with any SELECT.
    "query" Query(QuerySpec) Read;
    /// Call an API; GET and HEAD read, the others write.
    "http" Http(HttpSpec) Either;
    /// Declare the state of one row; the engine finds the difference.
    "row" Row(RowSpec) Write;
    /// Change or delete several rows of one table, with a bound.
    "rows" Rows(RowsSpec) Write;
    /// One INSERT, UPDATE or DELETE statement, for what `row` and `rows` cannot say.
    "sql" Sql(SqlSpec) Write;
    /// Go on only if an expression is true.
    "assert" Assert(Expression) Flow;
    /// Give a value a name.
    "let" Let(Datum) Flow;
    /// Ask a person and wait for the answer, for days if need be.
    "ask" Ask(AskSpec) People;
    /// Tell somebody something; nobody waits.
    "tell" Tell(TellSpec) People;
    /// Several steps as one, for example in one transaction.
    "block" Block(BlockSpec) Flow;
}

/// The words of all kinds.
pub fn words() -> Vec<&'static str> {
    KINDS.iter().map(|k| k.word).collect()
}
