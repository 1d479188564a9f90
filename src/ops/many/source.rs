//! The source of a playbook's items, read to its end and found good, before anything else happens.

use super::expression;
use crate::{
    action::{
        deed::{Deed, Outgoing},
        resolve::{Known, resolve},
        step::Step,
    },
    base::value::Value,
    effect::change::TableName,
    engine::{
        grants, outgoing,
        setting::{Setting, Workplace},
        trouble::Trouble,
    },
    ops::Failure,
    report::exit::Exit,
    targets::{
        Targets,
        csv::safe_cell,
        faults::Faults,
        gather::{GatherError, Gathering, Listing},
        model::{From, Source},
        source::{self, Calls, Reach, SourceError, key_of},
    },
    template::{Datum, Scope},
};
use std::{path::Path, sync::Arc};

/// So many faults are told; where there are more, all of them are in a file.
const TOLD: usize = 50;
/// Where more faults than are told are listed, beside the journal; the next reading writes it anew.
const LIST: &str = "bad-rows.csv";

/// Reads it. Everything that is wrong with it is told in one go.
pub async fn read(
    setting: &Setting,
    targets: &Targets,
    scope: &Scope,
    workplace: &Workplace,
) -> Result<Listing, Failure> {
    let take = number(targets.take.as_ref(), "take", scope, setting)?;
    let listing = gathered(setting, targets, scope, workplace, take).await?;
    within_limits(setting, scope, &listing)?;
    Ok(listing)
}

/// Reads it, whatever the limits say, and takes so many of its items; nothing: all.
pub(super) async fn gathered(
    setting: &Setting,
    targets: &Targets,
    scope: &Scope,
    workplace: &Workplace,
    take: Option<u64>,
) -> Result<Listing, Failure> {
    granted(setting, &targets.from, scope)?;
    let key = key_of(targets, setting);
    let gathering = Gathering::new(targets, key, scope, &workplace.sealer, &workplace.aside);
    let mut gathering = gathering.map_err(|error| failed(error.into(), setting))?;
    let asked = Arc::new(setting.clone());
    let calls: &Calls<'_> = &move |step, place, scope, each| {
        let setting = asked.clone();
        Box::pin(async move { entries(&setting, step, place, scope, each).await })
    };
    let reach = Reach {
        databases: &setting.databases,
        jobs: &setting.jobs,
        known: setting,
        folder: workplace.folder.clone(),
        calls,
    };
    source::read(targets, scope, &reach, &mut gathering).await.map_err(|error| failed(error, setting))?;
    let (listing, faults) = gathering.finish(take).map_err(|error| failed(error.into(), setting))?;
    if !faults.is_empty() {
        return Err(wrong(&faults, targets, &workplace.aside));
    }
    Ok(listing)
}

/// Asks an API for a list, entry by entry.
async fn entries(
    setting: &Setting,
    step: &Step,
    place: &str,
    scope: &Scope,
    each: &mut (dyn FnMut(Value) -> bool + Send),
) -> Result<(), String> {
    let resolved = resolve(step, scope, setting).map_err(|t| Trouble::of_resolving(t, &setting.source).message())?;
    match resolved.map(|resolved| resolved.deed) {
        Some(Deed::Outgoing(Outgoing::Call(call))) if call.is_read() => {
            outgoing::entries(setting, step, place, &call, each).await.map_err(|trouble| trouble.message)
        }
        _ => Err("only `get` gives items".into()),
    }
}

/// What the source reads is declared under `uses`. (A call is looked at when it is sent.)
fn granted(setting: &Setting, from: &From, scope: &Scope) -> Result<(), Failure> {
    let allowed = match &from.source {
        Source::Find(find) => match TableName::parse(find.table.as_str()) {
            Some(table) => grants::reads(setting, &table, find.table.span),
            None => Ok(()),
        },
        Source::Query(query) => {
            let bound = query.sql.bind(scope, setting.dialect(&query.db.text));
            let bound = bound.map_err(|failure| expression(&failure, setting, "targets"))?;
            grants::statement(setting, &query.db.text, &bound.sql, query.at)
        }
        Source::Compare(comparing) => {
            return comparing.sides().into_iter().try_for_each(|(_, side)| granted(setting, side, scope));
        }
        Source::Csv(_) | Source::List(_) | Source::Http(_) => Ok(()),
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
    let most = number(limits.max_found.as_ref(), "max_found", scope, setting)?;
    if let Some(most) = most.filter(|most| listing.of > *most) {
        let message = format!("the source finds {} items, and `max_found` allows {most}", listing.of);
        return Err(Failure::refused(Exit::Stopped, message)
            .help("nothing was changed; look why there are so many, before the first of them is taken"));
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
fn wrong(faults: &Faults, targets: &Targets, folder: &Path) -> Failure {
    let (count, word) = (faults.count(), targets.from.source.word());
    let things = if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") };
    let mut failure = Failure::usage(format!("{things} wrong with the `{word}` of `targets`; nothing was changed"));
    for fault in faults.kept().iter().take(TOLD) {
        failure = failure.help(fault.to_string());
    }
    let more = count.saturating_sub(TOLD.min(faults.kept().len()) as u64);
    if more == 0 {
        return failure;
    }
    let path = folder.join(LIST);
    let unlisted = count - faults.kept().len() as u64;
    failure.help(match list(faults, &path) {
        Ok(()) if unlisted == 0 => format!("and {more} more: all of them are listed in {}", path.display()),
        Ok(()) => format!("and {more} more: all but the last {unlisted} are listed in {}", path.display()),
        Err(error) => format!("and {more} more; they could not be listed in {}: {error}", path.display()),
    })
}

/// Every fault, a row for each of its lines, for those who mend the file.
fn list(faults: &Faults, path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut rows = ::csv::Writer::from_writer(options.open(path)?);
    rows.write_record(["line", "what"])?;
    for fault in faults.kept() {
        let what = fault.side.map_or_else(|| fault.what.clone(), |side| format!("{side}: {}", fault.what));
        let what = safe_cell(&what);
        let lines: Vec<String> = fault.lines.iter().map(u64::to_string).collect();
        for line in if lines.is_empty() { vec![String::new()] } else { lines } {
            rows.write_record([line.as_str(), &what])?;
        }
    }
    rows.flush()
}

/// Why a source cannot be read.
pub fn failed(error: SourceError, setting: &Setting) -> Failure {
    match error {
        SourceError::Database(name, fault) => {
            Failure::refused(Exit::Failed, format!("failed to read the source from `{name}`: {fault}"))
                .help(fault.help())
        }
        SourceError::Call(api, why) => {
            Failure::refused(Exit::Failed, format!("failed to read the source from `{api}`: {why}"))
                .help("nothing was changed")
        }
        SourceError::File(name, bad) => Failure::usage(format!("`{name}` {}", bad.0)),
        SourceError::OtherFile(name) => Failure::usage(format!("`{name}` has another content than when it was named"))
            .help("start again; behind a saved plan: plan again"),
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
