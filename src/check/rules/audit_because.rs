//! Leaving out the audit row or the stamp needs a reason.

use crate::{
    action::{
        kinds::Act,
        row::{AuditMode, StampMode},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::Scene,
    template::Text,
};

/// No reason given.
pub static AUDIT_BECAUSE: Code = Code {
    id: "E0307",
    title: "an exception without a reason",
    explain: "`audit: none` leaves the application's own audit row out, `updated_at: keep` leaves the time of the last change as it is. Both \
        make a change harder to see later, so the action says why in its `because:`. The reason stands in every plan.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&AUDIT_BECAUSE];

/// Looks at every change of rows.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let common = visit.step.common.because.as_ref();
        match &visit.step.act {
            Act::Row(row) => {
                judge(row.audit, row.updated_at, row.because.as_ref().or(common), visit.step.act_at, problems)
            }
            Act::Rows(rows) => {
                judge(rows.audit, rows.updated_at, rows.because.as_ref().or(common), visit.step.act_at, problems)
            }
            _ => {}
        }
    }
}

fn judge(
    audit: Option<AuditMode>,
    stamp: Option<StampMode>,
    because: Option<&Text>,
    at: Span,
    problems: &mut Diagnostics,
) {
    if because.is_some() {
        return;
    }
    let what = match (audit, stamp) {
        (Some(AuditMode::None), _) => "`audit: none`",
        (_, Some(StampMode::Keep)) => "`updated_at: keep`",
        _ => return,
    };
    problems.push(
        Diagnostic::error(&AUDIT_BECAUSE, at, format!("{what} without a reason"))
            .help("add `because: \"why\"` beside it"),
    );
}
