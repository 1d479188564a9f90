//! The one table of rules. A new rule is one file with its codes and its `look`, one line here, one case folder.

use super::scene::Scene;
use crate::base::diagnostic::{Code, Diagnostics};

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    /// What it can find.
    pub codes: &'static [&'static Code],
    /// Looks at a playbook and notes what is wrong.
    pub look: fn(&Scene<'_>, &mut Diagnostics),
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        $($(#[doc = $doc])* pub mod $name;)*
        /// Every rule, in the order in which they look.
        pub static RULES: &[Rule] = &[$(Rule { name: stringify!($name), codes: $name::CODES, look: $name::look }),*];
    };
}

rules! {
    // names
    playbook_name;
    step_name;
    unknown_name;
    unknown_attribute;
    later_result;
    no_result;
    skipped_result;
    var_cycle;
    env_gap;
    unknown_connection;
    unknown_table;
    unknown_column;
    unknown_person;
    // params and vars
    unused_param;
    param_type;
    param_value;
    unused_value;
    // steps and flow
    read_only;
    unreachable;
    taken_back;
    lost_answer;
    audit_because;
    transaction;
    touches;
    verification;
    high_risk;
    adjacent_writes;
    uses;
    // rows and SQL
    row_target;
    protected_column;
    merge_only;
    append_only;
    enum_name;
    literal_fits;
    sql_statement;
    prepared;
    // calls
    http_call;
    errors_table;
    errors_reach;
    retry;
}
