//! `trueup audit verify`, `trueup audit anchor`, `trueup audit purge`

use super::{
    arguments::{Audit, AuditAnchor, AuditCommand, AuditPurge, AuditVerify},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{audit as drawn, exit::Exit},
};
use std::path::Path;

pub async fn run(
    given: &Audit,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    match &given.command {
        AuditCommand::Verify(given) => verify(given, project, surroundings, output).await,
        AuditCommand::Anchor(given) => anchor(given, project, surroundings, output).await,
        AuditCommand::Purge(given) => purge(given, project, surroundings, output).await,
    }
}

async fn verify(
    given: &AuditVerify,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let anchor = given.anchor.as_deref().map(|a| ops::audit::read_anchor(surroundings, a)).transpose()?;
    let record = ops::record::open(surroundings, &opened).await?;
    let report = ops::audit::verify(&record, anchor).await?;
    output.data(&match given.json {
        true => drawn::verified_json(&report, anchor),
        false => drawn::verified(&report, anchor, output.look()),
    });
    Ok(if report.findings.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn anchor(
    given: &AuditAnchor,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let Some(taken) = ops::audit::anchor(surroundings, &record).await? else {
        output.note("No run is recorded, so there is nothing to anchor.\n");
        return Ok(Exit::Done);
    };
    let line = drawn::anchor_line(taken.anchor, taken.at);
    if let Some(file) = &given.append {
        ops::audit::append_anchor(surroundings, file, &line)?;
    }
    output.data(&if given.json { drawn::anchor_json(taken.anchor, taken.at) } else { format!("{line}\n") });
    Ok(Exit::Done)
}

async fn purge(
    given: &AuditPurge,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let before = ops::audit::closed_before(surroundings, &opened, given.older_than)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let runs = ops::audit::purgeable(&record, before).await?;
    let shown = drawn::purgeable(&runs, before, output.look());
    if given.json {
        output.note(&shown)
    } else {
        output.data(&shown)
    }
    let done = given.yes && !given.dry_run && !runs.is_empty();
    if done {
        let actor = given.actor.clone().or_else(|| surroundings.actor()).ok_or_else(|| {
            Failure::usage("it is not known who does this").help("give `--actor NAME`, or set TRUEUP_ACTOR")
        })?;
        ops::audit::purge(&record, &runs, &actor, before).await?;
    }
    if given.json {
        output.data(&drawn::purgeable_json(&runs, before, done));
    }
    match (done, runs.is_empty() || given.dry_run) {
        (true, _) => output.note("Removed, for good. The chain still holds: `trueup audit verify` looks at it.\n"),
        (false, true) => {}
        (false, false) => {
            output.note("Nothing was removed: it is for good, so give `--yes` when this is what you want.\n");
            return Ok(Exit::Stopped);
        }
    }
    Ok(Exit::Done)
}
