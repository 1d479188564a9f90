//! Audit rules: declared, with a declared table and readable columns.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{BAD_FORM, Word},
        yaml::Node,
    },
    check::knowledge::Knowledge,
    effect::change::TableName,
    playbook::project::Project,
    table::{audit::AuditRule, facts::AuditUse},
    template::{Tree, UseKind},
};

/// A rule that does not exist, or without its table.
pub static AUDIT_RULE: Code = Code {
    id: "E0611",
    title: "an audit rule that does not fit",
    explain: "A table's `audit: { rule: NAME, type: … }` names a rule under `audits:`. The rule's `table` is declared in the same connection, \
        because the audit row is written in the same transaction as the change. A table that keeps no audit says `audit: false`.\n\n\
        The columns of the audit row are templates over `event` (create, update, destroy), `changes`, `row`, `audit` (`type`, \
        `associated`), `run` and `now()`, or `{ next_of: column, per: [columns] }` for a running number.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&AUDIT_RULE];

const NAMES: &[&str] = &["event", "changes", "row", "audit", "run"];

/// Looks at every table's rule and at every rule.
pub fn look(project: &Project, knowledge: &Knowledge, problems: &mut Diagnostics) {
    for (table, facts) in project.tables() {
        let Some(AuditUse::Rule(used)) = &facts.audit else { continue };
        let Some(rule) = project.audits.get(used.rule.as_str()) else {
            let problem = Diagnostic::error(
                &AUDIT_RULE,
                used.rule.span,
                format!("there is no audit rule `{}`", used.rule.as_str()),
            );
            problems.push(match project.audits.names().next() {
                Some(_) => problem.suggest(used.rule.as_str(), project.audits.names()),
                None => {
                    problem.help("declare it under `audits:`, or write `audit: false` when the application keeps none")
                }
            });
            continue;
        };
        let place = TableName { connection: table.connection.clone(), table: rule.table.text.clone() };
        if project.facts(&place).is_none() {
            problems.push(
                Diagnostic::error(
                    &AUDIT_RULE,
                    rule.table.span,
                    format!("the table `{place}` of the audit rule is not declared"),
                )
                .label(used.rule.span, format!("`{table}` uses the rule"))
                .help(format!(
                    "declare it under `connections: {{ {}: {{ tables: {{ {}: {{ key: id, append_only: \
                        true }} }} }} }}`",
                    place.connection, place.table
                )),
            );
        }
        columns(rule, &place, knowledge, problems);
    }
    for (_, rule) in project.audits.iter() {
        for (column, node) in &rule.row.entries {
            value(rule, column, node, problems);
        }
    }
}

fn columns(rule: &AuditRule, place: &TableName, knowledge: &Knowledge, problems: &mut Diagnostics) {
    let Some(known) = knowledge.catalogues.get(&place.connection).and_then(|c| c.get(&place.table)) else { return };
    for (column, _) in rule.row.entries.iter().filter(|(column, _)| known.column(column.as_str()).is_none()) {
        problems.push(
            Diagnostic::error(&AUDIT_RULE, column.span, format!("`{place}` has no column `{}`", column.as_str()))
                .suggest(column.as_str(), known.columns.keys().map(|c| &**c)),
        );
    }
}

fn value(rule: &AuditRule, column: &Word, node: &Node, problems: &mut Diagnostics) {
    if let Some(next) = node.entry("next_of") {
        let of = next.node.value();
        if of.as_str().is_none_or(|of| rule.row.get(of).is_none()) {
            problems.push(
                Diagnostic::error(&BAD_FORM, next.node.span(), "`next_of` names the column that is counted")
                    .help(format!("write `next_of: {}`", column.as_str())),
            );
        }
        let per = node.get("per").map(Node::value).unwrap_or(crate::base::value::Value::NULL);
        for name in per.as_list().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)) {
            if rule.row.get(&name).is_none() {
                problems.push(
                    Diagnostic::error(
                        &AUDIT_RULE,
                        next.key.span,
                        format!("`per` names `{name}`, which the rule does not write"),
                    )
                    .suggest(&name, rule.row.names()),
                );
            }
        }
        return;
    }
    match Tree::compile(node) {
        Ok(tree) => {
            for text in tree.texts() {
                for usage in text.names().iter().filter(|u| matches!(u.kind, UseKind::Variable | UseKind::Optional)) {
                    let root = usage.path.root();
                    if !NAMES.contains(&root) {
                        let at = text.scalar().inner(&problems.source().clone(), usage.range.clone());
                        problems.push(
                            Diagnostic::error(&AUDIT_RULE, at, format!("an audit rule knows no `{root}`"))
                                .suggest(root, NAMES.iter().copied()),
                        );
                    }
                }
            }
        }
        Err(refused) => {
            let source = problems.source().clone();
            refused.diagnostics(&source).into_iter().for_each(|problem| problems.push(problem));
        }
    }
}
