//! `trueup runs`, `trueup show`, `trueup inbox`

use super::{
    answer::actor,
    arguments::{Inbox, ItemsAs, Runs, Show},
    output::Output,
};
use crate::{
    base::{
        counted::counted,
        identity::{RunId, SINGLE_ITEM},
    },
    engine::{
        fleet::roll::Roll,
        state::{ItemState, RunState},
    },
    journal::RunFilter,
    ops::{
        self, Failure, Surroundings,
        history::Shown,
        over::{self, Kind},
        record::Record,
    },
    report::{audit, exit::Exit, inbox as drawn_inbox, look::View, many, reminders, run, run_json, runs as drawn_runs},
};
use std::{
    io::{BufWriter, Write},
    path::Path,
};

pub async fn runs(
    given: &Runs,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let filter = RunFilter { playbook: given.playbook.clone(), unfinished: given.open, ..RunFilter::default() };
    let found = ops::history::runs(&record, &filter, given.limit).await?;
    let passed = ops::history::passed_over(&record, &found).await?;
    let taken_back = ops::history::taken_back(&record, &found).await?;
    output.data(&if given.json {
        run_json::runs(&found, &passed, &taken_back)
    } else {
        drawn_runs::text(&found, &passed, &taken_back, &filter, output.look())
    });
    Ok(Exit::Done)
}

pub async fn inbox(
    given: &Inbox,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let mut exit = Exit::Done;
    if given.remind {
        let actor = actor(given.actor.as_deref(), surroundings)?;
        // Where somebody is told by hand there is nothing to pass on: the list below says it all.
        let reminded = ops::notify::all(surroundings, &record, &opened, &actor, &|_| {}).await?;
        output.note(&reminders::text(&reminded, output.look()));
        if !reminded.left.is_empty() || reminded.sent.iter().any(|sent| !sent.told) {
            exit = Exit::Failed;
        }
    }
    let found = ops::history::inbox(&record, surroundings.world.now()).await?;
    output.data(&if given.json {
        run_json::inbox(&found.questions, &found.in_doubt, found.now)
    } else {
        drawn_inbox::text(&found.questions, &found.in_doubt, found.now, output.look())
    });
    Ok(exit)
}

pub async fn show(
    given: &Show,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let facts = |table: &crate::effect::change::TableName| opened.project.facts(table);
    let view = View { look: output.look(), facts: &facts, draw: &|_, _, _| String::new() };
    let (id, state) = match ops::history::show(surroundings, &record, &given.run).await? {
        Shown::Whole(id, state) => (id, *state),
        Shown::Many(id, state, roll) => {
            return of_many(given, id, *state, &roll, &record, surroundings, output, &view).await;
        }
        Shown::Left(run, at) if given.json => {
            output.data(&audit::left_of_json(&run, at));
            return Ok(Exit::Done);
        }
        Shown::Left(run, at) => {
            output.data(&audit::left_of(&run, at, output.look()));
            return Ok(Exit::Done);
        }
    };
    let about_items = given.items.is_some() || given.item.as_deref().is_some_and(|item| item != SINGLE_ITEM);
    if about_items
        && state.created.as_ref().is_some_and(|created| &*created.purpose == ops::apply::RECONCILE)
        && run::is_many(&state)
    {
        return Err(Failure::usage(format!("run {} compared, and no item was begun in it", id.short()))
            .help(format!("`trueup reconcile report {}` tells what differs; `--json` lists it", id.short())));
    }
    if let Some(item) = given.item.as_deref().filter(|item| *item != SINGLE_ITEM) {
        return Err(Failure::usage(format!("run {} has no item `{item}`", id.short()))
            .help("it worked on one record; leave `--item` out"));
    }
    if given.items.is_some() {
        return Err(Failure::usage(format!("run {} worked on one record and has no list of items", id.short()))
            .help("leave `--items` out to see all of it"));
    }
    if given.json {
        output.data(&run_json::run(id, &state, &facts));
    } else {
        output.data(&run::text(id, &state, &view));
    }
    Ok(Exit::Done)
}

/// A run over many items, of which only what is shown is ever held.
#[allow(clippy::too_many_arguments, reason = "what is shown, and how, one by one")]
async fn of_many(
    given: &Show,
    id: RunId,
    state: RunState,
    roll: &Roll,
    record: &Record,
    surroundings: &Surroundings,
    output: &Output,
    view: &View<'_>,
) -> Result<Exit, Failure> {
    if let Some(form) = given.items {
        return table(given, form, state.worked_on_by.is_some(), roll, record, surroundings, output).await;
    }
    if let Some(key) = &given.item {
        if let Some(item) = ops::history::item(record, id, roll, key).await? {
            output.data(&run::one(key, &item, &state, view));
        }
    } else if given.json {
        return document(id, &state, roll, record, output, view).await;
    } else if roll.count() <= many::LISTED {
        let whole = known(&state, record.state(id).await?);
        output.data(&run::text(id, &whole, view));
    } else {
        let summary = roll.sums(&record.journal, state.worked_on_by.is_some()).await.map_err(Failure::from)?;
        output.data(&many::run(id, &state, &summary, view));
    }
    Ok(Exit::Done)
}

/// With what no event of the run says.
fn known(of: &RunState, state: RunState) -> RunState {
    RunState { taken_back_by: of.taken_back_by, worked_on_by: of.worked_on_by.clone(), ..state }
}

/// The whole run as one document, written as it is made.
async fn document(
    id: RunId,
    state: &RunState,
    roll: &Roll,
    record: &Record,
    output: &Output,
    view: &View<'_>,
) -> Result<Exit, Failure> {
    let item = run_json::each_item(state, view.facts);
    let (lines, found) = ops::history::items(record, roll, &item).await?;
    output.data(&run_json::begun(id, &known(state, found), roll.count() as u64));
    let once = state.items.get(SINGLE_ITEM).map(|once| Ok(item(SINGLE_ITEM, once)));
    let mut first = true;
    for line in once.into_iter().chain(lines.each()) {
        let line = line?;
        output.data(&if std::mem::take(&mut first) { line } else { format!("{}{line}", run_json::COMMA) });
    }
    output.data(run_json::ENDED);
    Ok(Exit::Done)
}

/// The items as CSV or JSON lines, to where it is wanted.
async fn table(
    given: &Show,
    form: ItemsAs,
    live: bool,
    roll: &Roll,
    record: &Record,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let head = match form {
        ItemsAs::Csv => many::CSV_HEAD,
        ItemsAs::Jsonl => "",
    };
    let line = move |key: &str, item: &ItemState| match form {
        ItemsAs::Csv => many::csv_line(key, item, live),
        ItemsAs::Jsonl => many::json_line(key, item, live),
    };
    let kind = match form {
        ItemsAs::Csv => Kind::Csv,
        ItemsAs::Jsonl => Kind::Jsonl,
    };
    let place = given.out.as_ref().map(|path| over::place(surroundings, path, kind)).transpose()?;
    let (lines, _) = ops::history::items(record, roll, &line).await?;
    let (Some(path), Some(place)) = (&given.out, place) else {
        output.data(head);
        for line in lines.each() {
            output.data(&line?);
        }
        return Ok(Exit::Done);
    };
    let bad = |e: std::io::Error| Failure::usage(format!("`{}` cannot be written: {e}", path.display()));
    let mut file = BufWriter::new(std::fs::File::create(place).map_err(bad)?);
    let mut count = usize::from(!head.is_empty());
    file.write_all(head.as_bytes()).map_err(bad)?;
    for line in lines.each() {
        file.write_all(output.masks().apply(&line?).as_bytes()).map_err(bad)?;
        count += 1;
    }
    file.flush().map_err(bad)?;
    output.note(&format!("{} in {}\n", counted(count, "line"), path.display()));
    Ok(Exit::Done)
}
