//! Saved plans: written by `plan --out`, read by `plan show`, `approve` and `apply FILE`, and refused when they say nothing
//! about today any more.

use super::{
    Failure, Surroundings, included,
    plan::{Prepared, Request, assemble},
    playbook,
    playbook::Loaded,
    project::Opened,
    record::Record,
};
use crate::{
    approval::Demand,
    base::{diagnostic::Diagnostics, identity::RunId, seal::Sealer, source::Source, time::Stamp, value::Marks},
    connection::{
        database::Database,
        fault::Fault,
        standing::{Standing, Unlike, unlike},
    },
    engine::{
        setting::{Elsewhere, RunFacts, Setting},
        watch::Watch,
    },
    plan::{
        ItemPlan, Plan,
        file::{self, BadPlan, FORMAT, Header, MANY_FORMAT, Saved},
        many::PlanFile,
    },
    playbook::{lifecycle::operation, model::Playbook, project::Project},
    report::exit::Exit,
};
use std::{
    io::{BufReader, BufWriter, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a plan may be begun after it was made, unless said otherwise.
pub const LASTS: Duration = Duration::from_secs(24 * 3600);

/// Writes a plan to a file that only its owner may read. What is given back is what stands there.
#[allow(clippy::too_many_arguments, reason = "what a plan file is made of, one by one")]
pub fn save(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    reason: Option<&str>,
    out: &str,
    lasts: Duration,
) -> Result<Saved, Failure> {
    let path = kept_at(surroundings, setting, out)?;
    let header = header(surroundings, opened, record, setting, plan, reason, lasts);
    save_as(surroundings, record, path, &header, plan, out)
}

/// Writes a plan with this first line.
pub(super) fn save_as(
    surroundings: &Surroundings,
    record: &Record,
    path: PathBuf,
    header: &Header,
    plan: &Plan,
    out: &str,
) -> Result<Saved, Failure> {
    let draft = path.with_file_name(format!(".trueup-plan-{}", surroundings.world.id().simple()));
    let written = write(&draft, header, plan, &record.sealer).and_then(|saved| {
        std::fs::rename(&draft, &path).map_err(BadPlan::Io)?;
        Ok(saved)
    });
    if written.is_err() {
        // The draft may not even be there; the first trouble is the one to tell.
        let _ = std::fs::remove_file(&draft);
    }
    written.map_err(|why| Failure::usage(format!("the plan cannot be saved as `{out}`: it {why}")).help(why.help()))
}

/// A parameter that is kept nowhere: a run that another process goes on with does not have it.
pub(super) fn secret_of(setting: &Setting) -> Option<&str> {
    let secret = setting.params.iter().find(|(_, value)| value.all_marks().has(Marks::SECRET));
    secret.map(|(name, _)| &**name)
}

/// Where a plan will stand, if it may be kept there, and at all.
pub(super) fn kept_at(surroundings: &Surroundings, setting: &Setting, out: &str) -> Result<PathBuf, Failure> {
    let path = surroundings.folder.join(out);
    writable(&path, out)?;
    if let Some(name) = secret_of(setting) {
        return Err(Failure::usage(format!(
            "the plan cannot be saved: `{name}` is a secret, and secrets are kept nowhere"
        ))
        .help("carry it out at once with `trueup apply PLAYBOOK …`"));
    }
    Ok(path)
}

/// The first line of a plan file.
pub(super) fn header(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    reason: Option<&str>,
    lasts: Duration,
) -> Header {
    let facts = opened.source.text();
    Header {
        trueup_plan: if plan.many.is_some() { MANY_FORMAT } else { FORMAT },
        engine: env!("CARGO_PKG_VERSION").into(),
        id: surroundings.world.id().to_string().into(),
        run: setting.run.id,
        journal: record.journal.id().to_string().into(),
        playbook: plan.playbook.clone(),
        version: plan.version,
        title: plan.title.clone(),
        path: place(&surroundings.folder.join(setting.source.name()), opened).into(),
        shown: setting.source.name().into(),
        text: setting.source.text().into(),
        sha256: plan.text_hash.as_str().into(),
        facts: facts.into(),
        facts_sha256: file::sum(facts).into(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        targets: plan.targets.clone(),
        actor: setting.run.actor.clone(),
        reason: reason.map(str::to_owned),
        made_at: plan.at,
        expires_at: Stamp { micros: plan.at.micros.saturating_add(micros(lasts)), digits: 6 },
        items_of: plan.many.as_ref().map(|many| many.of),
        lone: plan.many.as_ref().map(|many| many.lone),
        matched: plan.many.as_ref().and_then(|many| many.matched.clone()),
        undo: None,
        names: super::states::kept(&setting.project),
    }
}

/// Plans many items straight into a file. What is given back is what stands there.
#[allow(clippy::too_many_arguments, reason = "what a plan file is made of, one by one")]
pub async fn save_many(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    setting: &Setting,
    request: &Request,
    out: &str,
    lasts: Duration,
    watch: Watch<'_>,
) -> Result<Saved, Failure> {
    let path = kept_at(surroundings, setting, out)?;
    let draft = super::many::plan::beside(&path);
    let reason = request.reason.as_deref();
    let header = |plan: &Plan| header(surroundings, opened, record, setting, plan, reason, lasts);
    let into = super::many::plan::Into { path: draft.clone(), header: &header };
    let answers = super::plan::answers(setting, request)?;
    let (_, saved) = super::many::plan::plan(setting, answers, watch, Some(into)).await?;
    moved_to(path, &draft, saved, out)
}

/// Writes some of the items of a plan of many as a plan of its own.
#[allow(clippy::too_many_arguments, reason = "what a plan file is made of, one by one")]
pub(super) fn save_some(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    setting: &Setting,
    plan: &Plan,
    turn: impl FnMut(&ItemPlan) -> Option<u32>,
    reason: Option<&str>,
    out: &str,
) -> Result<Saved, Failure> {
    let path = kept_at(surroundings, setting, out)?;
    let draft = super::many::plan::beside(&path);
    let header = |plan: &Plan| header(surroundings, opened, record, setting, plan, reason, LASTS);
    let into = super::many::plan::Into { path: draft.clone(), header: &header };
    let (_, saved) = super::many::plan::only(setting, plan, &record.sealer, turn, Some(into))?;
    moved_to(path, &draft, saved, out)
}

/// A plan of many items that was written beside its place gets there.
pub(super) fn moved_to(path: PathBuf, draft: &Path, saved: Option<Saved>, out: &str) -> Result<Saved, Failure> {
    let moved = std::fs::rename(draft, &path);
    let moved = moved.map_err(|e| Failure::usage(format!("the plan cannot be saved as `{out}`: {e}")));
    if moved.is_err() {
        // The first trouble is the one to tell.
        let _ = std::fs::remove_file(draft);
    }
    moved?;
    let mut saved = saved.ok_or_else(|| Failure::usage("the plan was not kept"))?;
    let written = saved.plan.many.as_ref().and_then(|many| Some(many.file.as_ref()?.sha256.clone()));
    if let Some(sha256) = written {
        with_file(&mut saved, path, sha256);
    }
    Ok(saved)
}

/// Tells a plan of many items which file it stands in, and the sum of its lines.
fn with_file(saved: &mut Saved, path: PathBuf, sha256: Arc<str>) {
    if let Some(many) = &mut saved.plan.many {
        many.file = Some(Arc::new(PlanFile { path, passing: false, held: None, sha256 }));
    }
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// Only a plan is written over, never something else.
fn writable(path: &Path, out: &str) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!("`{out}` is a folder")).help("name a file, for example `--out award.plan`"));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("`{out}` cannot be saved: there is no folder `{}`", folder.display()))
            .help("make the folder first, or name a file elsewhere"));
    }
    if path.exists() && !begins(path) {
        return Err(Failure::usage(format!("`{out}` is there already, and it is not a saved plan"))
            .help("name another file: only saved plans are written over"));
    }
    Ok(())
}

fn write(path: &Path, header: &Header, plan: &Plan, sealer: &Sealer) -> Result<Saved, BadPlan> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(path).map_err(BadPlan::Io)?);
    let saved = file::write(&mut out, header, &plan.items, sealer)?;
    out.get_ref().sync_all().map_err(BadPlan::Io)?;
    Ok(saved)
}

/// A file below the project's folder is named from there, so that a plan holds wherever the folder is.
fn place(path: &Path, opened: &Opened) -> String {
    let (Ok(path), Ok(root)) = (path.canonicalize(), opened.root.canonicalize()) else {
        return path.display().to_string();
    };
    path.strip_prefix(&root).unwrap_or(&path).display().to_string()
}

/// The file of a saved plan, if what was given names one.
pub fn is_plan(surroundings: &Surroundings, given: &str) -> Option<PathBuf> {
    let path = surroundings.folder.join(given);
    // Under such a name nobody looks for a playbook: whatever is wrong with the file, or that there is none, is said of a plan.
    let named = path.extension().is_some_and(|e| e == "plan") && !path.is_dir();
    (named || path.is_file() && (begins(&path) || is_meant(&path))).then_some(path)
}

fn first(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.take(64).read_to_end(&mut bytes);
    }
    bytes
}

fn begins(path: &Path) -> bool {
    file::begins(&first(path))
}

/// JSON under a name that no playbook has: a plan of which the first bytes are damaged.
fn is_meant(path: &Path) -> bool {
    let named = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    !named && first(path).starts_with(b"{\"")
}

/// Reads a plan.
pub fn read(surroundings: &Surroundings, given: &str, sealer: &Sealer) -> Result<Saved, Failure> {
    let bad = |why: BadPlan| Failure::usage(format!("`{given}` {why}")).help(why.help());
    let opened = std::fs::File::open(surroundings.folder.join(given)).map_err(|e| bad(BadPlan::Io(e)))?;
    let mut lines = BufReader::with_capacity(1 << 16, opened);
    let (mut saved, sha256) = file::read_with_sum(&mut lines, sealer).map_err(bad)?;
    with_file(&mut saved, surroundings.folder.join(given), sha256);
    Ok(saved)
}

/// A plan that may be carried out or approved now, with the checked playbook that it carries.
pub struct Usable {
    /// The plan.
    pub saved: Saved,
    /// Its playbook.
    pub loaded: Loaded,
}

/// Reads a plan and refuses it when it is void: made for another journal, used, too old, or of a playbook or project that
/// is another one now. Looks at files and the journal only.
pub async fn usable(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
    given: &str,
) -> Result<Usable, Failure> {
    // Which journal it belongs to is said before its key is missed.
    let nobody = Sealer::without_key(surroundings.masks.clone());
    let first = std::fs::File::open(surroundings.folder.join(given)).ok();
    let claimed = first.and_then(|file| file::claimed(&mut BufReader::new(file), &nobody).ok());
    if claimed.is_none_or(|header| of_this_journal(record, &header, given).is_err())
        && let Ok(saved) = read(surroundings, given, &nobody)
    {
        of_this_journal(record, &saved.header, given)?;
    }
    let saved = read(surroundings, given, &record.sealer)?;
    of_this_journal(record, &saved.header, given)?;
    unused(record, &saved.header).await?;
    in_time(surroundings, &saved.header)?;
    if saved.header.undo.is_some() {
        // Playbook and project file are those of the run that is taken back, whatever they are today.
        let then = Source::new("the run's project file", saved.header.facts.to_string());
        let then = super::project::of_source(then, opened.root.clone())?;
        let text = Source::new(saved.header.shown.to_string(), saved.header.text.to_string());
        let loaded = playbook::of_run(text, &then)?;
        return Ok(Usable { saved, loaded });
    }
    same_project(opened, &saved.header)?;
    same_playbook(surroundings, opened, &saved.header)?;
    let text = Source::new(saved.header.shown.to_string(), saved.header.text.to_string());
    let loaded = playbook::of_source(text, opened, None)?;
    Ok(Usable { saved, loaded })
}

fn of_this_journal(record: &Record, header: &Header, given: &str) -> Result<(), Failure> {
    if *header.journal == *record.journal.id().to_string() {
        return Ok(());
    }
    Err(Failure::usage(format!("`{given}` was made for another journal"))
        .help("a plan is used once, and only its own journal knows whether it was: carry it out where it was made")
        .help("or plan again here"))
}

/// How a saved plan stands.
#[derive(Debug, Default)]
pub struct Stands {
    /// Who agreed so far.
    pub agreed: Vec<String>,
    /// Why it cannot be carried out any more, or not here.
    pub void: Option<String>,
}

/// How a saved plan stands by the clock and by the project's journal. Makes no journal where there is none.
pub async fn stands(
    surroundings: &Surroundings,
    opened: &Opened,
    saved: &Saved,
    given: &str,
) -> Result<Stands, Failure> {
    let mut void = in_time(surroundings, &saved.header).err();
    if !super::record::is_there(opened) {
        return Ok(Stands { void: void.map(|why| why.in_short()), ..Stands::default() });
    }
    let record = super::record::open(surroundings, opened).await?;
    if let Err(other) = of_this_journal(&record, &saved.header, given) {
        return Ok(Stands { void: Some(other.in_short()), ..Stands::default() });
    }
    match unused(&record, &saved.header).await {
        Err(used @ Failure::Usage { .. }) => void = Some(used),
        other => other?,
    }
    let agreed = super::approve::of_saved(&record, saved).await?;
    let agreed = agreed.into_iter().map(|approval| approval.actor.to_string()).collect();
    Ok(Stands { agreed, void: void.map(|why| why.in_short()) })
}

async fn unused(record: &Record, header: &Header) -> Result<(), Failure> {
    match record.journal.plan_used(&header.id).await? {
        Some((run, _)) => Err(used(record, run).await?),
        None => Ok(()),
    }
}

/// The refusal of a plan that became this run.
pub async fn used(record: &Record, run: RunId) -> Result<Failure, Failure> {
    let made = record.journal.run(run).await?;
    let purged = made.as_ref().is_some_and(|made| made.purged_at.is_some());
    let who = made.map_or_else(String::new, |made| format!(" by {}, {}", made.actor, moment(made.started_at)));
    let failure = Failure::usage(format!("this plan was used already: it became run {}{who}", run.short()));
    if !purged {
        let roll = record.roll(run).await?;
        let there = roll.count() as u64;
        if let Some(planned) = roll.run.broke_off(there) {
            return Ok(failure
                .help(format!("{there} of {planned} items were recorded, and nothing was changed; unless that goes on now, it broke off"))
                .help(match roll.run.closed {
                    Some(_) => "it is over; plan again".to_owned(),
                    None => format!("`trueup cancel {} --reason …` ends it; then plan again", run.short()),
                }));
        }
    }
    Ok(failure.help(format!("`trueup show {}` tells what it did; to do the same once more, plan again", run.short())))
}

fn in_time(surroundings: &Surroundings, header: &Header) -> Result<(), Failure> {
    if surroundings.world.now() < header.expires_at {
        return Ok(());
    }
    let message = format!("plan {} is too old: it could be begun until {}", header.short(), moment(header.expires_at));
    Err(Failure::usage(message).help("plan again; `--expires 3d` gives a plan more time"))
}

/// `2025-07-23 10:00:02 UTC`
fn moment(at: Stamp) -> String {
    format!("{} UTC", Stamp { digits: 0, ..at }.written(' '))
}

fn same_project(opened: &Opened, header: &Header) -> Result<(), Failure> {
    let now = opened.source.text();
    if *header.facts == *now {
        return Ok(());
    }
    let name = opened.source.name();
    Err(Failure::usage(format!(
        "the project file is not the one of the plan: line {} of {name} differs",
        line(&header.facts, now)
    ))
    .help("a plan rests on the whole project file; put it back, or plan again"))
}

fn same_playbook(surroundings: &Surroundings, opened: &Opened, header: &Header) -> Result<(), Failure> {
    let path = opened.root.join(&*header.path);
    let shown = super::project::shown(&path, &surroundings.folder);
    let again = "a changed byte of the playbook voids the plan: plan again";
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::usage(format!("the playbook of the plan is gone: there is no {shown}")).help(again));
        }
        Err(error) => return Err(Failure::usage(format!("the playbook of the plan cannot be read: {shown}: {error}"))),
    };
    let now = String::from_utf8_lossy(&bytes);
    let now = now.strip_prefix('\u{feff}').unwrap_or(&now);
    let planned = Source::new(header.shown.to_string(), header.text.to_string());
    let own = planned.slice(planned.own());
    // An operation on the records of a lifecycle is no part of the file.
    let with_operation = operation::carried_over(own, now);
    let now = with_operation.as_deref().unwrap_or(now);
    // Before the files that it uses a line break was added where it had none.
    if own != now && own.strip_suffix('\n') != Some(now) {
        return Err(Failure::usage(format!(
            "the playbook is not the one of the plan: line {} of {shown} differs",
            line(own, now)
        ))
        .help(again));
    }
    let source = Source::new(header.shown.to_string(), now.to_owned());
    let today = included::with_included(surroundings, opened, &path, source)?;
    if *header.text == *today.text() {
        return Ok(());
    }
    Err(unlike_included(&planned, &today).help(again))
}

/// Which of the files that a playbook uses is not the one of the plan.
fn unlike_included(planned: &Source, today: &Source) -> Failure {
    let text = |source: &Source, name: &str| {
        let part = source.included().iter().find(|part| part.name == name);
        part.map(|part| source.slice(part.span).trim_end_matches('\n').to_owned())
    };
    for part in planned.included() {
        let name = part.name.as_str();
        let Some(then) = text(planned, name) else { continue };
        match text(today, name) {
            None => {
                return Failure::usage(format!(
                    "a file that the playbook of the plan uses is gone: there is no {name}"
                ));
            }
            Some(now) if now != then => {
                let version = |text: &str| {
                    let found = text.lines().find_map(|line| line.strip_prefix("version:"));
                    found.map(|version| version.split('#').next().unwrap_or("").trim().to_owned())
                };
                let what = match (version(&then), version(&now)) {
                    (Some(then), Some(now)) if then != now => {
                        format!("it was version {then}, and is version {now} now")
                    }
                    _ => format!("line {} differs", line(&then, &now)),
                };
                return Failure::usage(format!("{name}, which the playbook uses, is not the one of the plan: {what}"));
            }
            Some(_) => {}
        }
    }
    Failure::usage("the playbook uses other files than in the plan")
}

/// The first line that differs, from 1.
fn line(then: &str, now: &str) -> usize {
    let same = then.split('\n').zip(now.split('\n')).take_while(|(then, now)| then == now).count();
    let lines = then.split('\n').count().max(now.split('\n').count());
    (same + 1).min(lines)
}

/// Refuses what may not be said anew: a plan has its parameters and its environment.
pub fn nothing_else(usable: &Usable, asked: &Request) -> Result<(), Failure> {
    let header = &usable.saved.header;
    if let Some((name, _)) = asked.params.first() {
        return Err(Failure::usage(format!("a saved plan has its parameters already; `{name}` cannot be given again"))
            .help("leave it out, or plan again with other parameters"));
    }
    match &asked.environment {
        Some(environment) if **environment != *header.environment => {
            Err(Failure::usage(format!("the plan is for `{}`, not for `{environment}`", header.environment))
                .help(format!("plan again with `--env {environment}`")))
        }
        _ => Ok(()),
    }
}

/// What carrying the plan out needs. The run has the identity that the plan gave it.
pub async fn setting(
    surroundings: &Surroundings,
    opened: &Opened,
    usable: &Usable,
    actor: &str,
    reason: &str,
) -> Result<Prepared, Failure> {
    let header = &usable.saved.header;
    let run = RunFacts { id: header.run, actor: actor.into(), reason: reason.into(), now: surroundings.world.now() };
    let checked = usable.loaded.checked.clone();
    let mut prepared = assemble(surroundings, opened, checked, &header.environment, run, header.params.clone()).await?;
    prepared.setting.saved = true;
    Ok(prepared)
}

/// Refuses where another database stands behind a connection than when the plan was made, or where its tables are built in
/// another way: a trigger or a default that nobody saw would do what nobody agreed to.
pub async fn same_systems(setting: &Setting, saved: &Saved) -> Result<(), Failure> {
    let mut differing = Vec::new();
    for (name, planned) in &saved.plan.targets {
        if let Some(elsewhere) = setting.leads_elsewhere(name, planned, None) {
            return Err(
                another_service(&elsewhere, name, "when the plan was made").help("to call this one, plan again")
            );
        }
        let Some(database) = setting.database(name) else { continue };
        let found = standing(setting, database).await.map_err(|fault| {
            Failure::refused(Exit::Failed, format!("failed to look at `{name}`: {fault}")).help(fault.help())
        })?;
        match unlike(&setting.masks.apply(planned), &setting.masks.apply(&found.text())) {
            None => {}
            Some(Unlike::Database { planned, found, exchanged }) => {
                let failure = Failure::usage(format!("`{name}` is another database than when the plan was made"))
                    .help(format!("planned: {planned}"))
                    .help(format!("found:   {found}"));
                return Err(if exchanged {
                    failure
                        .help("the file was exchanged for another one, as a restore or a copy does: if it is the right one, plan again")
                        .help("a backup that is read into the file (`sqlite3 FILE '.restore BACKUP'`) leaves it the same database")
                } else {
                    failure.help("look where the connection leads; to change this one, plan again")
                });
            }
            Some(Unlike::Schema(tables)) => differing.extend(tables.into_iter().map(|table| format!("{name}.{table}"))),
        }
    }
    let message = match differing.as_slice() {
        [] => return Ok(()),
        [one] => format!("the table `{one}` is no longer built as when the plan was made"),
        more => format!("the tables `{}` are no longer built as when the plan was made", more.join("`, `")),
    };
    Err(Failure::refused(Exit::Drifted, message)
        .help("its columns, types, defaults, keys or triggers differ; nothing was changed")
        .help("`trueup connection inspect` tells how it is now; then plan again"))
}

/// The address of an API or of a Redis comes from a reference, which led to another one then; or what says where a program goes.
pub(super) fn another_service(elsewhere: &Elsewhere, name: &str, then: &str) -> Failure {
    let failure = |what: &str| Failure::usage(format!("`{name}` leads to another {what} than {then}"));
    match elsewhere {
        Elsewhere::Service(None) => failure("service"),
        Elsewhere::Service(Some(from)) => {
            failure("service").help(format!("its address comes from {from}: give it the one of then"))
        }
        Elsewhere::Program(helps) => helps.iter().fold(failure("system"), |failure, help| failure.help(help.clone())),
    }
}

/// Looked at by the role that looked when the plan was made. Nothing is kept.
pub(super) async fn standing(setting: &Setting, database: &Database) -> Result<Standing, Fault> {
    if setting.may_write(database.name()) {
        let mut session = database.rehearsing().await?;
        let found = setting.standing(&mut session, true).await;
        session.rollback().await?;
        return found;
    }
    let mut session = database.reading().await?;
    let found = setting.standing(&mut session, false).await;
    session.close().await;
    found
}

/// What a saved plan needs to be shown: the project file and the playbook that it carries, and who must agree to it.
pub struct Carried {
    /// The project file.
    pub project: Project,
    /// The playbook's text.
    pub source: Arc<Source>,
    /// Who must agree.
    pub demands: Vec<Demand>,
}

/// Reads what a plan carries; asks nobody else.
pub fn carried(saved: &Saved) -> Result<Carried, Failure> {
    let facts = Source::new("the plan's project file", saved.header.facts.to_string());
    let mut problems = Diagnostics::new(facts.clone());
    let Some(mut project) = Project::parse(&facts, &mut problems) else { return Err(Failure::Texts(vec![problems])) };
    if let Some(names) = &saved.header.names {
        super::states::with_kept(&mut project, names);
    }
    let source = Source::new(saved.header.shown.to_string(), saved.header.text.to_string());
    let mut problems = Diagnostics::new(source.clone());
    let Some(playbook) = Playbook::parse(&source, &mut problems) else { return Err(Failure::Texts(vec![problems])) };
    let demands = super::approve::demands(&project, &playbook, &saved.plan);
    Ok(Carried { project, source, demands })
}
