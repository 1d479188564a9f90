//! `trueup test`

use super::{
    arguments::{OnKind, Test},
    output::Output,
};
use crate::{
    ops::{
        self, Failure, Surroundings,
        over::{self, Kind},
        test::{
            Listed, Wanted,
            servers::{KINDS, Servers},
        },
    },
    report::exit::Exit,
    template::Dialect,
    trial::{
        coverage::together,
        report::{self, Report, Results},
    },
};
use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

pub async fn run(
    given: &Test,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let projects = if project.is_some() || given.paths.is_empty() || ops::project::is_here(surroundings) {
        vec![ops::project::open(surroundings, project)?]
    } else {
        ops::project::around(surroundings, &given.paths)?
    };
    let mut wanted = Wanted {
        paths: given.paths.clone(),
        only: given.only.clone(),
        jobs: given.jobs.map(usize::from),
        torture: given.torture,
        ..Wanted::default()
    };
    if let Some(run) = &given.record {
        let draft = ops::test::draft(surroundings, &projects[0], run).await?;
        output.note(&format!("written: {}\n", draft.file.display()));
        draft.notes.iter().for_each(|note| output.note(&format!("to do: {note}\n")));
        wanted.paths = vec![draft.file];
    }
    if given.list {
        return list(given, &ops::test::list(surroundings, &projects, &wanted)?, output);
    }
    let began = Instant::now();
    let junit = given.junit.as_ref().map(|path| over::place(surroundings, path, Kind::Junit)).transpose()?;
    let servers = Arc::new(Servers::default());
    on_signals(&wanted, &servers, output);
    let (kinds, all) = kinds(&given.on);
    let say = |text: &str| output.note(&format!("{text} …\n"));
    (wanted.on, wanted.missing) = servers.of(surroundings, &kinds, all, &say).await?;
    let look = output.look();
    let mut tell = |report: &Report, failure: Option<&Failure>| {
        if let Some(failure) = failure {
            output.failure(failure);
        }
        if !given.json && failure.is_none() {
            output.data(&report::file(report, look));
        }
    };
    let results = ops::test::run(surroundings, &projects, &wanted, &mut tell).await;
    servers.stop();
    let results = results?;
    if given.json {
        output.data(&format!("{:#}\n", report::json(&results)));
    } else {
        if given.coverage || given.min_coverage.is_some() {
            output.data(&report::covered(&results.coverage, look));
        }
        output.data(&report::summary(&results, Some(began.elapsed()), look));
        if !given.coverage && given.min_coverage.is_none() {
            output.data(&report::missed(&results.coverage, look));
        }
    }
    if let (Some(path), Some(place)) = (&given.junit, junit) {
        std::fs::write(place, output.masks().apply(&report::junit(&results)).as_bytes())
            .map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))?;
    }
    Ok(exit(&results).max(too_little(given, &results, output)))
}

/// A file that is wrong weighs more than a case that failed: nobody knows what it would have said.
fn exit(results: &Results) -> Exit {
    if results.files.iter().any(|report| !report.refused.is_empty()) {
        Exit::Invalid
    } else if results.files.iter().all(Report::is_good) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn too_little(given: &Test, results: &Results, output: &Output) -> Exit {
    let Some(least) = given.min_coverage else { return Exit::Done };
    let share = together(&results.coverage, None);
    if share.millis() >= least {
        return Exit::Done;
    }
    let least = format!("{}", f64::from(u32::try_from(least).unwrap_or(u32::MAX)) / 1000.0);
    let message = format!("the coverage is {}, and `--min-coverage` asks for {least} %", share.words());
    output.error(&message, &["the table above names what no case went through".to_owned()]);
    Exit::Failed
}

/// What was asked for, and whether a kind without a server is only left out.
fn kinds(on: &[OnKind]) -> (Vec<Dialect>, bool) {
    if on.contains(&OnKind::All) {
        return (KINDS.to_vec(), true);
    }
    let of = |kind: &OnKind| match kind {
        OnKind::Postgres => Dialect::Postgres,
        OnKind::Mysql => Dialect::Mysql,
        OnKind::Sqlite | OnKind::All => Dialect::Sqlite,
    };
    let asked: Vec<Dialect> = on.iter().map(of).collect();
    // In one order, each once.
    (
        KINDS
            .into_iter()
            .filter(|kind| asked.contains(kind) || (asked.is_empty() && *kind == Dialect::Sqlite))
            .collect(),
        false,
    )
}

/// The first signal ends the tests after the cases that are being played, the second one at once; the servers go in both cases.
fn on_signals(wanted: &Wanted, servers: &Arc<Servers>, output: &Output) {
    let (stop, servers, masks) = (wanted.stop.clone(), servers.clone(), output.masks().clone());
    tokio::spawn(async move {
        let mut signals = Signals::listen();
        while signals.next().await {
            if stop.swap(true, Ordering::Relaxed) {
                servers.stop();
                std::process::exit(130);
            }
            let text = "\nStopping when the cases that are being played are over; once more ends at once.\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), masks.apply(text).as_bytes());
        }
    });
}

/// Ctrl-C, and where there are signals also those that end a program in good order.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Signals(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// False when none will ever come.
    async fn next(&mut self) -> bool {
        let any = std::future::poll_fn(|context| {
            let mut ready = self.0.iter_mut().filter_map(|one| match one.poll_recv(context) {
                std::task::Poll::Ready(got) => Some(got.is_some()),
                std::task::Poll::Pending => None,
            });
            ready.next().map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        });
        any.await
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Signals {
        Signals
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

fn list(given: &Test, cases: &[Listed], output: &Output) -> Result<Exit, Failure> {
    if given.json {
        let cases = cases.iter().map(|c| serde_json::json!({ "file": c.file, "line": c.line, "name": c.name }));
        output.data(&format!("{:#}\n", serde_json::Value::from_iter(cases)));
    } else {
        let lines = cases.iter().map(|c| format!("{}:{}: {}\n", c.file, c.line, c.name));
        output.data(&lines.collect::<String>());
    }
    Ok(Exit::Done)
}
