//! `reconcile:`: caps under which something can happen at all.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::{Scene, visits},
    playbook::{model::Playbook, schedules::Caps},
    targets::{limits::Share, model::Source},
};

/// Caps that cannot be meant so.
pub static CAPS: Code = Code {
    id: "E0831",
    title: "caps that do not fit",
    explain: "`most:` of a reconcile is how many items one run may heal: one or more. Who wants nothing to be healed leaves `heal:` and `--heal` \
        out: a reconcile then only reports. `share:` and `stop_after:` are shares of many items, so they belong to a playbook with \
        `targets:`.",
};

/// A share of nothing that is known.
pub static SHARE: Code = Code {
    id: "W0831",
    title: "a share in per cent of what differs",
    explain: "`share: 5%` of a reconcile is a share of all items that the source finds. A source that finds only what differs (its `where` asks for \
        a column that a step sets) finds no other ones: a hundred in a hundred differ, every time, and nothing is ever healed. Write a number of \
        items, `share: 20`, or let the source find all records: those that are as wanted are left alone.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&CAPS, &SHARE];

/// Looks at the playbook's caps.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let Some(given) = scene.playbook.reconcile.as_ref().and_then(|rule| rule.heal.as_ref()) else { return };
    caps(given, problems);
    if scene.playbook.targets.is_none() && (given.share.is_some() || given.stop_after.is_some()) {
        let problem =
            Diagnostic::error(&CAPS, given.at, "these caps are about many items, and the playbook has no `targets`");
        problems.push(problem.help("leave `share` and `stop_after` out"));
    }
    if let Some(share @ Share::Percent(_)) = given.share
        && let Some(column) = finds_what_differs(scene.playbook)
    {
        problems.push(share_of_what_differs(given.at, share, &column));
    }
}

/// The column by which the source finds only what differs: it is asked for, and a step sets it.
pub fn finds_what_differs(playbook: &Playbook) -> Option<String> {
    let Source::Find(find) = &playbook.targets.as_ref()?.from.source else { return None };
    let visits = visits(playbook);
    let found_by = |id: &str| {
        let step = visits.iter().find(|visit| visit.step.id() == Some(id))?.step;
        if let Act::Find(found) = &step.act { Some(found.table.as_str()) } else { None }
    };
    let sets = |column: &str| {
        visits.iter().any(|visit| {
            let (table, set) = match &visit.step.act {
                Act::Row(row) => {
                    let of = || row.of.as_ref().and_then(|of| found_by(of.as_str()));
                    (row.table.as_ref().map(|table| table.as_str()).or_else(of), &row.set)
                }
                Act::Rows(rows) => (Some(rows.table.as_str()), &rows.set),
                _ => return false,
            };
            table == Some(find.table.as_str()) && set.get(column).is_some()
        })
    };
    find.conditions.names().find(|column| sets(column)).map(str::to_owned)
}

/// What is said of such a share, wherever it stands.
pub fn share_of_what_differs(at: Span, share: Share, column: &str) -> Diagnostic {
    let message = format!(
        "`share: {share}` is of all items, and this source finds only those that differ (by `{column}`): nothing would ever be healed"
    );
    Diagnostic::warning(&SHARE, at, message)
        .help("write a number of items, `share: 20`, or use `most` alone")
        .help("or let the source find all records: those that are as wanted are left alone")
}

/// What is wrong with caps, wherever they stand.
pub(in crate::check) fn caps(given: &Caps, problems: &mut Diagnostics) {
    if let Some(most) = given.most.as_ref().filter(|most| most.value == 0) {
        problems.push(
            Diagnostic::error(&CAPS, most.at, "with `most: 0` nothing could ever be healed")
                .help("write 1 or more, or leave healing out"),
        );
    }
}
