//! `uses:`, enforced where the world is touched. The rules looked at the text before; this looks at what really comes, so that a
//! mistake of the rules, or a name that is only known now, reaches no further than whoever approved the playbook could see.

use super::{
    setting::Setting,
    trouble::{CallTrouble, Trouble},
};
use crate::{
    action::{
        change::{Change, Wanted},
        deed::{Call, Command, JobsChange, Outgoing},
    },
    base::source::Span,
    connection::{sidekiq::Place, sql_rules},
    effect::change::{Deed, RowChange, TableName},
    playbook::{errors::FailureKind, model::Uses},
};
use std::sync::Arc;

fn granted<'a>(setting: &'a Setting, connection: &str) -> Option<&'a Uses> {
    setting.playbook.uses.get(connection)
}

fn refused(what: String, at: Span) -> Trouble {
    Trouble::Step {
        message: format!("{what}, which `uses` does not declare"),
        at,
        help: vec!["declare it under `uses:`, and give the playbook a new `version`".into()],
    }
}

/// The playbook may look at this table.
pub fn reads(setting: &Setting, table: &TableName, at: Span) -> Result<(), Trouble> {
    let name = |list: &[crate::base::shape::Word]| list.iter().any(|word| *word.text == *table.table);
    match granted(setting, &table.connection) {
        Some(uses) if name(&uses.read) || name(&uses.write) => Ok(()),
        _ => Err(refused(format!("this reads `{table}`"), at)),
    }
}

/// The playbook may change this table.
pub fn writes(setting: &Setting, table: &TableName, at: Span) -> Result<(), Trouble> {
    match granted(setting, &table.connection) {
        Some(uses) if uses.write.iter().any(|word| *word.text == *table.table) => Ok(()),
        _ => Err(refused(format!("this writes `{table}`"), at)),
    }
}

/// The playbook may run this statement: whatever the parser sees that it reads and writes.
pub fn statement(setting: &Setting, connection: &Arc<str>, sql: &str, at: Span) -> Result<(), Trouble> {
    let Some(database) = setting.database(connection) else { return Ok(()) };
    let verdict = sql_rules::judge(sql, database.dialect());
    let table = |name: &String| TableName { connection: connection.clone(), table: name.as_str().into() };
    for name in &verdict.writes {
        writes(setting, &table(name), at)?;
    }
    for name in verdict.reads.difference(&verdict.writes) {
        reads(setting, &table(name), at)?;
    }
    Ok(())
}

/// The columns of a table that may be changed; nothing where all of them may.
fn columns<'a>(setting: &'a Setting, table: &TableName) -> Option<Vec<&'a str>> {
    let listed = granted(setting, &table.connection)?.columns.get(&table.table)?;
    Some(listed.iter().map(crate::base::shape::Word::as_str).collect())
}

/// The playbook may change these columns of this table.
pub fn change(setting: &Setting, change: &Change, at: Span) -> Result<(), Trouble> {
    writes(setting, &change.table, at)?;
    let Some(allowed) = columns(setting, &change.table) else { return Ok(()) };
    let Wanted::Present { set, create } = &change.wanted else {
        return Err(refused(format!("this deletes rows of `{}`: every column", change.table), at));
    };
    let all = set.keys().chain(create.iter().flat_map(|create| create.keys()));
    match all.into_iter().find(|column| !allowed.contains(&&***column)) {
        Some(column) => Err(refused(format!("this sets `{}.{column}`", change.table), at)),
        None => Ok(()),
    }
}

/// The playbook may change what these rows show; what rules and stamps wrote is their own.
pub fn images(setting: &Setting, changes: &[RowChange], at: Span) -> Result<(), Trouble> {
    for row in changes.iter().filter(|row| !row.by_rule && row.deed() != Deed::Nothing) {
        let Some(allowed) = columns(setting, &row.table) else { continue };
        let stamp = setting.facts_of(&row.table).and_then(|facts| facts.stamp());
        let mut stray = row.differing().into_iter().map(|(column, ..)| column);
        let own = |c: &Arc<str>| row.stamps.contains(c) || stamp == Some(&**c);
        if let Some(column) = stray.find(|c| !allowed.contains(&&**c) && !own(c)) {
            return Err(refused(format!("this changes `{}.{column}`", row.table), at));
        }
    }
    Ok(())
}

/// Why this must not leave.
pub fn outgoing(setting: &Setting, outgoing: &Outgoing) -> Option<CallTrouble> {
    let what = match outgoing {
        Outgoing::Call(call) => method(setting, call)?,
        Outgoing::Command(command) => beginning(setting, command)?,
        Outgoing::Jobs(change) => place(setting, change)?,
    };
    Some(CallTrouble {
        attempt: 1,
        api: outgoing.connection().clone(),
        line: outgoing.line(setting),
        status: None,
        code: None,
        kind: FailureKind::NotGranted,
        in_doubt: false,
        perhaps: false,
        message: format!("{what}, which `uses` does not declare: nothing was sent"),
        retry_after: None,
        said: None,
        answer: None,
    })
}

fn place(setting: &Setting, change: &JobsChange) -> Option<String> {
    let uses = granted(setting, &change.connection);
    let has = |place: &str| uses.is_some_and(|uses| uses.write.iter().any(|word| word.as_str() == place));
    // What was put aside for later stands in its queue when its time has come: an undo takes it out there.
    let is = |place: Place| has(place.word()) || place == Place::Queued && has(Place::Scheduled.word());
    let stray = change.change.places().into_iter().find(|place| !is(*place))?;
    Some(format!("this changes `{}.{}`", change.connection, stray.word()))
}

fn method(setting: &Setting, call: &Call) -> Option<String> {
    let uses = granted(setting, &call.api);
    if let Some(name) = &call.resource {
        let has = |list: &[crate::base::shape::Word]| list.iter().any(|word| word.text == *name);
        let is = uses.is_some_and(|uses| has(&uses.write) || call.is_read() && has(&uses.read));
        let verb = if call.is_read() { "reads" } else { "writes" };
        return (!is).then(|| format!("this {verb} the resource `{name}` of `{}`", call.api));
    }
    let is = uses.is_some_and(|uses| uses.methods.iter().any(|word| word.as_str() == call.method));
    (!is).then(|| format!("this sends {} to `{}`", call.method, call.api))
}

fn beginning(setting: &Setting, command: &Command) -> Option<String> {
    let words: Vec<_> = command.arguments.iter().map(|value| value.bare()).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let program = setting.program(&command.program)?;
    let begins = |change: bool| program.settings().allowed(&words, change);
    // A preview may be listed under either.
    let begins = if command.change { begins(true) } else { begins(false).or_else(|| begins(true)) };
    let uses = granted(setting, &command.program);
    match begins {
        Some(begins) if uses.is_some_and(|uses| uses.commands.iter().any(|word| word.as_str() == begins)) => None,
        Some(begins) => Some(format!("this starts `{}` with `{begins}`", command.program)),
        None => Some(format!("this starts `{}` with arguments that the connection does not list", command.program)),
    }
}
