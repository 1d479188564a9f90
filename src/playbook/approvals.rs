//! Who must agree before a plan is carried out, as a project file says it. What it means for one plan: `approval`.

use super::{errors::OneOrMore, model::Risk};
use crate::{
    base::shape::{Placed, Word},
    shape,
};

shape! {
    /// How many people must agree before a plan is carried out. Never counted: who asked for it, and anybody twice.
    "approvals" pub struct Approvals {
        /// For playbooks of low risk. Default 0.
        low: Option<u32>,
        /// For playbooks of medium risk. Default 0.
        medium: Option<u32>,
        /// For playbooks of high risk. Default 0.
        high: Option<u32>,
        /// Who counts for these numbers: groups under `approvers`. Default: everybody.
        #[schemars(default)]
        by: Option<OneOrMore<Word>>,
        /// What is needed besides, by what the plan would do. Every rule that fits must be met; one approval counts for all
        /// that it fits.
        #[schemars(default)]
        rules: Vec<ApprovalRule>,
    }
}

shape! {
    /// Who must agree when a plan does something.
    "an approval rule" pub struct ApprovalRule {
        /// What the plan would do; all of it.
        when: Occasion,
        /// How many. Default 1.
        need: Option<Placed<u32>>,
        /// Who counts: groups under `approvers`. Default: everybody.
        #[schemars(default)]
        by: Option<OneOrMore<Word>>,
    }
}

shape! {
    /// What a plan would do.
    "an occasion" pub struct Occasion {
        /// It changes more rows than this, or their number cannot be known before.
        rows_over: Option<u32>,
        /// It changes rows of one of these tables (`connection.table`), or may change them.
        table: Option<OneOrMore<Word>>,
        /// At least one of its steps cannot be taken back: `true`.
        irreversible: Option<Placed<bool>>,
        /// Its playbook has one of these risks.
        risk: Option<OneOrMore<Risk>>,
    }
}

impl Approvals {
    /// The number for a risk.
    pub fn need(&self, risk: Risk) -> u32 {
        let number = match risk {
            Risk::Low => self.low,
            Risk::Medium => self.medium,
            Risk::High => self.high,
        };
        number.unwrap_or(0)
    }
}

impl Occasion {
    /// It says nothing.
    pub fn is_empty(&self) -> bool {
        self.rows_over.is_none() && self.table.is_none() && self.irreversible.is_none() && self.risk.is_none()
    }
}
