//! Every write that can be lost says how to find out whether it happened (decisions 16, 17).

use crate::{
    action::{kinds::Act, step::Step},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Recovery,
        scene::{Role, Scene, Visit, writes},
    },
    connection::settings::Connection,
};

/// Free SQL that nobody can look up.
pub static NO_LOOK_UP: Code = Code {
    id: "E0305",
    title: "a statement of which nobody could tell whether it was committed",
    explain: "When the connection breaks during COMMIT, `row` and `rows` compare the row with its images. A free `sql` statement has no \
        images, so after a crash nobody could tell whether it was committed, and repeating it could do it twice. Use `row` or `rows`, \
        or give\n\n\
        - `probe: { read: …, done: … }`: how to look\n\
        - `ledger: true` at the connection in the project file: a row that commits together with the change\n\
        - `repeatable: \"why\"`: running the statement twice does the same as once",
};
/// A request that nobody can look up.
pub static IN_DOUBT: Code = Code {
    id: "W0002",
    title: "a request whose lost answer leaves the item in doubt",
    explain: "When the answer of this request is lost, trueup cannot tell whether the request was carried out, and never sends it again on a \
        guess: the item ends *in doubt*, and a person looks and decides. If there is a way to find out, say it:\n\n\
        - `probe: { read: …, done: …, not_done: …, settle: 30s }`\n\
        - `idempotency_key: HEADER` at the connection, when the API honours one\n\
        - `repeatable: \"why\"`: sending the same bytes twice does the same as once",
};
/// A probe where there is nothing to find out.
pub static ODD_LOOK_UP: Code = Code {
    id: "E0306",
    title: "a way to find out where there is nothing to find out",
    explain: "`probe:` and `repeatable:` say what to do when the answer of a change is lost. This step changes nothing (it is simply done \
        again), or its rows tell by themselves.",
};

/// Rows that are not told apart by their declared key.
pub static NO_KEY: Code = Code {
    id: "E0375",
    title: "rows of which nobody could tell after a crash whether they were changed",
    explain: "When the connection breaks during COMMIT, rows are found again by the `key:` that the project file declares, and compared with their images. \
        The live database does not keep that key unique: two rows may have it, and then nobody can tell which one was changed. Declare columns \
        that are a primary key or a unique index there, or keep a ledger: `ledger: true` at the connection.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_LOOK_UP, &IN_DOUBT, &ODD_LOOK_UP, &NO_KEY];

/// Looks at every write.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in scene.visits.iter().filter(|v| v.role != Role::Probe) {
        let step = visit.step;
        odd(step, problems);
        untold(scene, visit, problems);
        match (&step.act, recovery(scene, visit)) {
            (Act::Sql(_), Recovery::Person) => problems.push(
                Diagnostic::error(
                    &NO_LOOK_UP,
                    step.act_at,
                    "after a crash nobody could tell whether this statement was committed",
                )
                .help("use `row` or `rows`, which compare the rows themselves")
                .help("or add `probe:`, or `repeatable: \"why\"`, or `ledger: true` at the connection"),
            ),
            (Act::Http(call), Recovery::Person) => problems.push(
                Diagnostic::warning(
                    &IN_DOUBT,
                    step.act_at,
                    format!(
                        "if the answer of this {} is lost, a person must find out whether it was carried out",
                        call.method().map_or("call", |(m, _)| m)
                    ),
                )
                .help(
                    "add `probe:` if there is a way to ask, or `repeatable: \"why\"` if sending it twice does no harm",
                ),
            ),
            (Act::Command(_), Recovery::Person) => problems.push(
                Diagnostic::warning(
                    &IN_DOUBT,
                    step.act_at,
                    "if trueup ends while this program runs, a person must find out whether it did its work",
                )
                .help(
                    "add `probe:` if there is a way to ask, or `repeatable: \"why\"` if running it twice does no harm",
                ),
            ),
            _ => {}
        }
    }
}

/// The images of a row are found again by its key: it must be one in the database too.
fn untold(scene: &Scene<'_>, visit: &Visit<'_>, problems: &mut Diagnostics) {
    if recovery(scene, visit) != Recovery::Images {
        return;
    }
    let Some(table) = scene.table(visit.step) else { return };
    let (Some(facts), Some(known)) = (scene.facts(&table), scene.catalogue(&table)) else { return };
    let key = facts.key_columns();
    let holds = |unique: &[std::sync::Arc<str>]| !unique.is_empty() && unique.iter().all(|column| key.contains(column));
    if known.view || holds(&known.primary_key) || known.unique.iter().any(|unique| holds(unique)) {
        return;
    }
    let columns: Vec<_> = key.iter().map(|column| format!("`{column}`")).collect();
    problems.push(
        Diagnostic::error(
            &NO_KEY,
            visit.step.act_at,
            format!("the database does not keep {} of `{table}` unique", columns.join(", ")),
        )
        .help("correct `key:` of the table in the project file, or make the index that it speaks of")
        .help(format!("or say `ledger: true` at `{}`", table.connection)),
    );
}

fn odd(step: &Step, problems: &mut Diagnostics) {
    let at = match (&step.common.probe, &step.common.repeatable) {
        (Some(probe), _) => probe.at,
        (None, Some(why)) => why.scalar().span,
        (None, None) => return,
    };
    if !writes(step) {
        let message = format!("`{}` changes nothing here, so there is nothing to find out", step.act.word());
        problems.push(Diagnostic::error(&ODD_LOOK_UP, at, message).help("take `probe:` and `repeatable:` out"));
    } else if matches!(step.act, Act::Job(_)) && step.common.repeatable.is_some() {
        problems.push(
            Diagnostic::error(&ODD_LOOK_UP, at, "jobs are changed once, by themselves: Redis keeps a mark of it")
                .help("take `repeatable:` out"),
        );
    } else if matches!(step.act, Act::Row(_) | Act::Rows(_) | Act::Resource(_)) {
        let who = if matches!(step.act, Act::Resource(_)) {
            "a resource tells by itself whether it was changed"
        } else {
            "rows tell by themselves whether they were changed"
        };
        problems.push(Diagnostic::error(&ODD_LOOK_UP, at, who).help("take `probe:` and `repeatable:` out"));
    }
}

/// How a lost answer of this step is judged.
pub fn recovery(scene: &Scene<'_>, visit: &Visit<'_>) -> Recovery {
    let common = &visit.step.common;
    if !writes(visit.step) {
        return Recovery::Repeats;
    }
    let ledger = |connection: &str| scene.connection(connection).is_some_and(|c| c.ledger == Some(true));
    match &visit.step.act {
        Act::Resource(_) => Recovery::Images,
        Act::Row(_) | Act::Rows(_) => {
            let has = scene.table(visit.step).is_some_and(|table| ledger(&table.connection));
            if has { Recovery::Ledger } else { Recovery::Images }
        }
        Act::Job(_) => Recovery::Marker,
        Act::Sql(sql) if ledger(sql.db.as_str()) => Recovery::Ledger,
        // The key comes first: it also gives the answer. The probe is asked when the key is too old.
        Act::Http(call) if scene.connection(call.api.as_str()).is_some_and(has_key) => Recovery::Key,
        _ if common.probe.is_some() => Recovery::Probe,
        _ if common.repeatable.is_some() => Recovery::Repeatable,
        _ => Recovery::Person,
    }
}

/// The API honours an idempotency key.
fn has_key(connection: &Connection) -> bool {
    connection.http.as_ref().is_some_and(|http| http.idempotency_key.is_some())
}
