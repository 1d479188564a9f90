//! The one table of rules. A new rule is one file with its codes and its `look`, one line here, one case folder.
//!
//! A rule that says that something is *missing* from a playbook belongs to those `of_the_whole`: they look only when all could be read. What is
//! missing from a step is for those `of_steps`, and whether a name is known can be told of any part.

use super::scene::Scene;
use crate::base::diagnostic::{Code, Diagnostics};

/// What a rule has to see of a playbook so that what it says is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Any parts: what is left of steps that could not be read as a whole is looked at, too.
    Parts,
    /// Steps that could be read: it never blames one of them for what is missing elsewhere.
    Steps,
    /// The whole playbook: it says what is missing.
    Whole,
}

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    /// What it can find.
    pub codes: &'static [&'static Code],
    /// What it looks at where parts of the playbook could not be read.
    pub needs: Needs,
    /// Looks at a playbook and notes what is wrong.
    pub look: fn(&Scene<'_>, &mut Diagnostics),
}

macro_rules! rules {
    (of_parts { $($part:ident;)* } of_steps { $($step:ident;)* } of_the_whole { $($whole:ident;)* }) => {
        $(pub mod $part;)*
        $(pub mod $step;)*
        $(pub mod $whole;)*
        /// Every rule.
        pub static RULES: &[Rule] = &[
            $(Rule { name: stringify!($part), codes: $part::CODES, needs: Needs::Parts, look: $part::look },)*
            $(Rule { name: stringify!($step), codes: $step::CODES, needs: Needs::Steps, look: $step::look },)*
            $(Rule { name: stringify!($whole), codes: $whole::CODES, needs: Needs::Whole, look: $whole::look },)*
        ];
    };
}

rules! {
    of_parts {
        // names
        unknown_name;
        unknown_attribute;
        unknown_connection;
        unknown_table;
        unknown_column;
        unknown_person;
        // rows
        enum_name;
        literal_fits;
        constant_form;
        no_braces;
    }
    of_steps {
        // names
        playbook_name;
        step_name;
        later_result;
        no_result;
        skipped_result;
        var_cycle;
        env_gap;
        question_time;
        resource;
        comparison;
        never_equal;
        // params
        param_type;
        param_value;
        unused_param;
        secret_later;
        // steps
        read_only;
        unreachable;
        transaction;
        loop_bounds;
        block_ends;
        choose_rows;
        reconcile;
        taken_back;
        lost_answer;
        audit_because;
        touches;
        uses;
        granted_columns;
        row_target;
        // rows and SQL
        protected_column;
        merge_only;
        append_only;
        // many items
        targets;
        lifecycle;
        shared_row;
        sql_statement;
        prepared;
        rights;
        // jobs
        job_step;
        job_rights;
        // calls
        call;
        http_call;
        command_call;
        retry;
    }
    of_the_whole {
        unused_value;
        verification;
        high_risk;
        adjacent_writes;
        // calls
        errors_table;
        errors_reach;
        stage_time;
    }
}
