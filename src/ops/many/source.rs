//! The source of a playbook's items, read to its end and found good, before anything else happens.

use super::expression;
use crate::{
    action::resolve::Known,
    effect::change::TableName,
    engine::{
        grants,
        setting::{Setting, Workplace},
        trouble::Trouble,
    },
    ops::Failure,
    report::exit::Exit,
    targets::{
        Targets,
        faults::Faults,
        gather::{GatherError, Gathering, Listing},
        model::Source,
        source::{self, Reach, SourceError, key_of},
    },
    template::{Datum, Scope},
};

/// So many faults are told; the others are counted.
const TOLD: usize = 50;

/// Reads it. Everything that is wrong with it is told in one go.
pub async fn read(
    setting: &Setting,
    targets: &Targets,
    scope: &Scope,
    workplace: &Workplace,
) -> Result<Listing, Failure> {
    granted(setting, targets, scope)?;
    let key = key_of(targets, setting);
    let mut gathering = Gathering::new(targets, key, scope, &workplace.sealer, &workplace.aside);
    let reach =
        Reach { databases: &setting.databases, jobs: &setting.jobs, known: setting, folder: workplace.folder.clone() };
    source::read(targets, scope, &reach, &mut gathering).await.map_err(|error| failed(error, setting))?;
    let take = number(targets.take.as_ref(), "take", scope, setting)?;
    let (listing, faults) = gathering.finish(take).map_err(|error| failed(error.into(), setting))?;
    if !faults.is_empty() {
        return Err(wrong(&faults, targets));
    }
    within_limits(setting, scope, &listing)?;
    Ok(listing)
}

/// What the source reads is declared under `uses`.
fn granted(setting: &Setting, targets: &Targets, scope: &Scope) -> Result<(), Failure> {
    let allowed = match &targets.from.source {
        Source::Find(find) => match TableName::parse(find.table.as_str()) {
            Some(table) => grants::reads(setting, &table, find.table.span),
            None => Ok(()),
        },
        Source::Query(query) => {
            let bound = query.sql.bind(scope, setting.dialect(&query.db.text));
            let bound = bound.map_err(|failure| expression(&failure, setting, "targets"))?;
            grants::statement(setting, &query.db.text, &bound.sql, query.at)
        }
        Source::Csv(_) | Source::List(_) => Ok(()),
    };
    allowed.map_err(|trouble| Failure::usage(format!("the source: {}", trouble.message())))
}

/// Refuses a source with too many items, or with none where there should be some.
fn within_limits(setting: &Setting, scope: &Scope, listing: &Listing) -> Result<(), Failure> {
    let Some(limits) = &setting.playbook.limits else { return Ok(()) };
    let most = number(limits.max_items.as_ref(), "max_items", scope, setting)?;
    if let Some(most) = most.filter(|most| listing.count > *most) {
        let message = format!("the source has {} items, and `max_items` allows {most}", listing.count);
        return Err(Failure::refused(Exit::Stopped, message)
            .help("nothing was changed; look whether the source is the right one")
            .help("`take:` works on the first ones only"));
    }
    if limits.refuse_empty == Some(true) && listing.count == 0 {
        return Err(Failure::refused(
            Exit::Stopped,
            "the source has no items, and `refuse_empty` finds that suspicious",
        )
        .help("nothing was changed; look whether the source is the right one"));
    }
    Ok(())
}

/// A number that the playbook gives.
fn number(datum: Option<&Datum>, name: &str, scope: &Scope, setting: &Setting) -> Result<Option<u64>, Failure> {
    let Some(datum) = datum else { return Ok(None) };
    let value = datum.evaluate(scope).map_err(|failure| expression(&failure, setting, name))?.value;
    if value.is_null() {
        return Ok(None);
    }
    match value.as_int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0) {
        Some(number) => Ok(Some(number)),
        None => Err(Failure::usage(format!("`{name}` is a whole number above zero, not {}", value.shown()))),
    }
}

/// All that is wrong with the source, line by line.
fn wrong(faults: &Faults, targets: &Targets) -> Failure {
    let (count, word) = (faults.count(), targets.from.source.word());
    let things = if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") };
    let mut failure = Failure::usage(format!("{things} wrong with the `{word}` of `targets`; nothing was changed"));
    for fault in faults.kept().iter().take(TOLD) {
        failure = failure.help(fault.to_string());
    }
    let more = count.saturating_sub(TOLD.min(faults.kept().len()) as u64);
    if more > 0 { failure.help(format!("and {more} more")) } else { failure }
}

/// Why a source cannot be read.
pub fn failed(error: SourceError, setting: &Setting) -> Failure {
    match error {
        SourceError::Database(name, fault) => {
            Failure::refused(Exit::Failed, format!("failed to read the source from `{name}`: {fault}"))
                .help(fault.help())
        }
        SourceError::File(name, bad) => Failure::usage(format!("`{name}` {}", bad.0)),
        SourceError::OtherFile(name) => {
            Failure::usage(format!("`{name}` was changed while it was read")).help("start again")
        }
        SourceError::Expression(failure) => expression(&failure, setting, "targets"),
        SourceError::Resolve(trouble) => {
            let trouble = Trouble::of_resolving(trouble, &setting.source);
            Failure::usage(format!("the source: {}", trouble.message()))
        }
        SourceError::Gather(GatherError::Expression(failure, place)) => expression(&failure, setting, &place),
        SourceError::Gather(GatherError::Spool(error)) => Failure::refused(Exit::Failed, format!("failed to {error}")),
        SourceError::Gather(GatherError::Misfit(what)) | SourceError::Misfit(what) => Failure::usage(what),
    }
}
