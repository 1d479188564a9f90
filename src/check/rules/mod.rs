//! The one table of rules. A new rule is one file with its codes and its `look`, one line here, one case folder.
//!
//! A rule that says that something is *missing* belongs to those `of_the_whole`: they look only when all could be read.

use super::scene::Scene;
use crate::base::diagnostic::{Code, Diagnostics};

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    /// What it can find.
    pub codes: &'static [&'static Code],
    /// Also right when parts of the playbook could not be read: it never blames the rest for what is missing.
    pub always: bool,
    /// Looks at a playbook and notes what is wrong.
    pub look: fn(&Scene<'_>, &mut Diagnostics),
}

macro_rules! rules {
    (always { $($always:ident;)* } of_the_whole { $($whole:ident;)* }) => {
        $(pub mod $always;)*
        $(pub mod $whole;)*
        /// Every rule.
        pub static RULES: &[Rule] = &[
            $(Rule { name: stringify!($always), codes: $always::CODES, always: true, look: $always::look },)*
            $(Rule { name: stringify!($whole), codes: $whole::CODES, always: false, look: $whole::look },)*
        ];
    };
}

rules! {
    always {
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
        question_time;
        resource;
        comparison;
        // params
        param_type;
        param_value;
        // steps
        read_only;
        unreachable;
        transaction;
        loop_bounds;
        block_ends;
        choose_rows;
        reconcile;
        // rows and SQL
        protected_column;
        merge_only;
        append_only;
        enum_name;
        literal_fits;
        // many items
        targets;
        lifecycle;
        shared_row;
        sql_statement;
        prepared;
        rights;
    }
    of_the_whole {
        // params and vars
        unused_param;
        unused_value;
        // steps
        taken_back;
        lost_answer;
        audit_because;
        touches;
        verification;
        high_risk;
        adjacent_writes;
        uses;
        granted_columns;
        row_target;
        // jobs
        job_step;
        // calls
        call;
        http_call;
        command_call;
        errors_table;
        errors_reach;
        retry;
        stage_time;
    }
}
