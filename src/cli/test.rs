//! `trueup test`

use super::{arguments::Test, output::Output};
use crate::{
    ops::{self, Failure, Surroundings, test::Wanted},
    report::exit::Exit,
    trial::{
        bench::On,
        report::{self, Report},
    },
};
use std::{path::Path, time::Instant};

pub async fn run(
    given: &Test,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let wanted = Wanted {
        paths: given.paths.clone(),
        only: given.only.clone(),
        on: vec![On::Sqlite],
        jobs: given.jobs.map(usize::from),
    };
    if given.list {
        return list(given, &ops::test::list(surroundings, &opened, &wanted)?, output);
    }
    let (began, look) = (Instant::now(), output.look());
    let mut tell = |report: &Report, failure: Option<&Failure>| {
        if let Some(failure) = failure {
            output.failure(failure);
        }
        if !given.json && failure.is_none() {
            output.data(&report::file(report, look));
        }
    };
    let reports = ops::test::run(surroundings, &opened, &wanted, &mut tell).await?;
    if given.json {
        output.data(&format!("{:#}\n", report::json(&reports)));
    } else {
        output.data(&report::summary(&reports, Some(began.elapsed()), look));
    }
    if let Some(path) = &given.junit {
        std::fs::write(surroundings.folder.join(path), output.masks().apply(&report::junit(&reports)).as_bytes())
            .map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))?;
    }
    Ok(exit(&reports))
}

/// A file that is wrong weighs more than a case that failed: nobody knows what it would have said.
fn exit(reports: &[Report]) -> Exit {
    if reports.iter().any(|report| !report.refused.is_empty()) {
        Exit::Invalid
    } else if reports.iter().all(Report::is_good) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn list(given: &Test, cases: &[ops::test::Listed], output: &Output) -> Result<Exit, Failure> {
    if given.json {
        let cases = cases.iter().map(|c| serde_json::json!({ "file": c.file, "line": c.line, "name": c.name }));
        output.data(&format!("{:#}\n", serde_json::Value::from_iter(cases)));
    } else {
        let lines = cases.iter().map(|c| format!("{}:{}: {}\n", c.file, c.line, c.name));
        output.data(&lines.collect::<String>());
    }
    Ok(Exit::Done)
}
