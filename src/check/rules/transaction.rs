//! What may stand inside `block: { transaction }`.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Role, Scene, connection_of, writes},
};

/// Somebody else would have to be waited for.
pub static WAITS_IN_TRANSACTION: Code = Code {
    id: "E0308",
    title: "a call, a person or a wait inside a transaction",
    explain: "A transaction holds locks until it ends. A call may take half a minute and a person days, and what they were told cannot be \
        rolled back. Call and ask before the block, tell after it. What leads elsewhere (`choose`, `rescue`) stands around it: all of a \
        transaction is one.",
};
/// Another database.
pub static OTHER_DATABASE: Code = Code {
    id: "E0309",
    title: "a change of another database inside a transaction",
    explain: "`transaction: NAME` makes all changes to that one database commit together or not at all. A change of another database would \
        commit by itself, whatever becomes of the block. There is no transaction over two databases: put it into a step of its own, \
        before or after the block.",
};
/// A transaction in a transaction.
pub static NESTED: Code = Code {
    id: "E0310",
    title: "a transaction inside a transaction",
    explain: "All that stands inside a `block: { transaction }` commits at its end, also what stands in a block inside it. Leave \
        `transaction:` away there.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&WAITS_IN_TRANSACTION, &OTHER_DATABASE, &NESTED];

/// Looks at every step inside a transaction.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in scene.visits.iter().filter(|v| v.role == Role::Listed) {
        let Some(transaction) = visit.transaction else { continue };
        let step = visit.step;
        let problem = |code, message: String| {
            Diagnostic::error(code, step.act_at, message).label(transaction.span, "the transaction")
        };
        match &step.act {
            Act::Http(_) | Act::Resource(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a call inside a transaction".into())
                    .help("move it before the block (a read) or after it"),
            ),
            Act::Command(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a program inside a transaction".into())
                    .help("move it before the block (a look) or after it"),
            ),
            Act::Ask(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a question to a person inside a transaction".into())
                    .help("ask before the block"),
            ),
            Act::Tell(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a message inside a transaction".into())
                    .help("tell after the block: a message cannot be rolled back"),
            ),
            Act::Wait(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a wait inside a transaction".into())
                    .help("wait before the block, or after it"),
            ),
            Act::Call(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a call of another playbook inside a transaction".into())
                    .help("call it before the block or after it: it has transactions of its own"),
            ),
            Act::Choose(_) | Act::Undo(_) | Act::Use(_) | Act::End(_) => problems.push(
                problem(&WAITS_IN_TRANSACTION, format!("`{}` inside a transaction", step.act.word()))
                    .help("put it around the block: inside, all steps are one"),
            ),
            Act::Block(block) if block.has_ends() => problems.push(
                problem(&WAITS_IN_TRANSACTION, "a block with `rescue` or `always` inside a transaction".into())
                    .help("put it around the transaction: inside, all steps are one"),
            ),
            Act::Block(block) => {
                if let Some(inner) = &block.transaction {
                    problems.push(
                        Diagnostic::error(&NESTED, inner.span, "a transaction inside a transaction")
                            .label(transaction.span, "the outer one")
                            .help("leave the inner `transaction:` away"),
                    );
                }
            }
            _ if writes(step) => {
                let table = scene.table(step);
                let name = table.as_ref().map(|t| &*t.connection).or(connection_of(step).map(|(name, _)| name));
                if let Some(name) = name.filter(|name| *name != transaction.as_str()) {
                    let message = format!("a change of `{name}` inside a transaction of `{}`", transaction.as_str());
                    problems.push(problem(&OTHER_DATABASE, message).help("move it before or after the block"));
                }
            }
            _ => {}
        }
    }
}
