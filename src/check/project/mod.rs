//! The one table of rules about the project file; one file a rule.

use super::knowledge::Knowledge;
use crate::{
    base::diagnostic::{Code, Diagnostics},
    playbook::project::Project,
};

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// What it can find.
    pub codes: &'static [&'static Code],
    /// Looks at a project file and notes what is wrong.
    pub look: fn(&Project, &Knowledge, &mut Diagnostics),
}

macro_rules! rules {
    ($($name:ident;)*) => {
        $(pub(super) mod $name;)*
        /// Every rule, in the order in which they look.
        pub static RULES: &[Rule] = &[$(Rule { codes: $name::CODES, look: $name::look }),*];
    };
}

rules! {
    connections;
    journal;
    audits;
    facts;
    people;
    environments;
    resources;
    schedules;
    live;
}
