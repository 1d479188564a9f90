//! The command line: arguments → ops → report. Thin on purpose; the only place that prints.

mod answer;
mod apply;
mod approve;
mod arguments;
mod audit;
mod cancel;
mod check;
mod complete;
mod connection;
mod demo;
mod diagnose;
mod doc;
mod explain;
mod fix;
mod fmt;
mod graph;
mod history;
mod lifecycle;
mod lint;
mod man;
mod mock;
mod new;

mod output;
mod pause;
mod plan;
mod reconcile;
mod resume;
mod retry;
mod sandbox;
mod schedule;
mod test;
mod undo;

use crate::{
    engine::fleet::workers::Workers,
    ops::{self, STACK, Surroundings},
    report::exit::Exit,
};
use arguments::{Arguments, Command};
use clap::Parser;
use output::Output;
use std::process::ExitCode;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    if let Some(code) = crate::connection::program::of_process() {
        return code;
    }
    #[cfg(unix)]
    crate::connection::program::by_own_binary();
    let arguments = Arguments::parse();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || start(arguments));
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit.into(),
        // The panic's own message is on stderr already; it names no value of a run.
        Ok(Err(_)) | Err(_) => Exit::Failed.into(),
    }
}

fn start(arguments: Arguments) -> Exit {
    let surroundings = Surroundings {
        witness: ops::witness::Witness::awake(),
        workers: Workers::of_process(STACK),
        ..Surroundings::of_process()
    };
    let output = Output::new(&arguments, surroundings.masks.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("failed to start: {error}"), &[]);
            return Exit::Failed;
        }
    };
    runtime.block_on(run(&arguments, &surroundings, &output))
}

async fn run(arguments: &Arguments, surroundings: &Surroundings, output: &Output) -> Exit {
    let project = arguments.project.as_deref();
    let done = match &arguments.command {
        Command::Check(given) => check::run(given, project, surroundings, output).await,
        Command::New(given) => new::run(given, project, surroundings, output).await,
        Command::Fmt(given) => fmt::run(given, project, surroundings, output),
        Command::Lint(given) => lint::run(given, project, surroundings, output),
        Command::Fix(given) => fix::run(given, project, surroundings, output),
        Command::Doc(given) => doc::run(given, project, surroundings, output),
        Command::Graph(given) => graph::run(given, project, surroundings, output),
        Command::Plan(given) => plan::run(given, project, surroundings, output).await,
        Command::Apply(given) => apply::run(given, project, surroundings, output).await,
        Command::Approve(given) => approve::run(given, project, surroundings, output).await,
        Command::Answer(given) => answer::answer(given, project, surroundings, output).await,
        Command::Resume(given) => resume::resume(given, project, surroundings, output).await,
        Command::Resolve(given) => resume::resolve(given, project, surroundings, output).await,
        Command::Retry(given) => retry::run(given, project, surroundings, output).await,
        Command::Cancel(given) => cancel::run(given, project, surroundings, output).await,
        Command::Undo(given) => undo::run(given, project, surroundings, output).await,
        Command::Reconcile(given) => reconcile::run(given, project, surroundings, output).await,
        Command::Scheduler(given) => schedule::scheduler(given, project, surroundings, output).await,
        Command::Schedule(given) => schedule::run(given, project, surroundings, output).await,
        Command::Inbox(given) => history::inbox(given, project, surroundings, output).await,
        Command::Runs(given) => history::runs(given, project, surroundings, output).await,
        Command::Show(given) => history::show(given, project, surroundings, output).await,
        Command::Lifecycle(given) => lifecycle::run(given, project, surroundings, output).await,
        Command::Diagnose(given) => diagnose::run(given, project, surroundings, output),
        Command::Explain(given) => explain::explain(given, output),
        Command::Schema(given) => explain::schema(given, output),
        Command::Audit(given) => audit::run(given, project, surroundings, output).await,
        Command::Connection(given) => connection::run(given, project, surroundings, output).await,
        Command::Test(given) => test::run(given, project, surroundings, output).await,
        Command::Mock(given) => mock::run(given, project, surroundings, output).await,
        Command::Demo(given) => demo::run(given, surroundings, output).await,
        Command::Sandbox(given) => sandbox::run(given, surroundings, output).await,
        Command::Completions(given) => explain::completions(given, output),
        Command::Complete(given) => {
            output.data(&complete::run(given, surroundings));
            Ok(Exit::Done)
        }
        Command::Man(given) => man::run(given, surroundings, output),
    };
    ops::trace::flush(surroundings).await;
    ops::witness::keep(surroundings).await;
    surroundings.notes.take().iter().for_each(|note| output.note(&format!("note: {note}\n")));
    let exit = done.unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit()
    });
    match output.lost() {
        Some(why) => {
            let help = "make room there, or send it elsewhere; what the command did is done all the same".to_owned();
            output.error(&format!("the result could not be written to stdout: {why}"), &[help]);
            match exit {
                Exit::Done | Exit::Changes if !is_of_a_run(&arguments.command) => Exit::Failed,
                exit => exit,
            }
        }
        None => exit,
    }
}

/// The command works on a run: its exit code says what became of that, and `trueup show` tells the rest.
fn is_of_a_run(command: &Command) -> bool {
    match command {
        Command::Undo(given) => !given.plan,
        Command::Apply(_)
        | Command::Answer(_)
        | Command::Resume(_)
        | Command::Resolve(_)
        | Command::Retry(_)
        | Command::Cancel(_)
        | Command::Reconcile(_)
        | Command::Scheduler(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Commands that give no data of their own: they write files, start something, print a document or a script, or only say that it is done.
    const NO_DATA: [&str; 15] = [
        "new",
        "fmt",
        "fix",
        "doc",
        "graph",
        "schema",
        "mock",
        "demo",
        "sandbox",
        "completions",
        "complete",
        "man",
        "scheduler",
        "schedule pause",
        "schedule resume",
    ];

    fn leaves(command: &clap::Command, path: &str, all: &mut Vec<(String, bool)>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let name = format!("{path} {}", inner.get_name()).trim().to_owned();
            if inner.has_subcommands() {
                leaves(inner, &name, all);
            } else {
                let json = inner.get_arguments().any(|a| a.get_long().is_some_and(|l| l == "json" || l == "format"));
                all.push((name, json));
            }
        }
    }

    #[test]
    fn whatever_gives_data_gives_it_to_machines_too() {
        let mut all = Vec::new();
        leaves(&Arguments::command(), "", &mut all);
        assert!(all.len() > 40, "{all:?}");
        let wrong: Vec<&str> =
            all.iter().filter(|(name, json)| *json == NO_DATA.contains(&&**name)).map(|(name, _)| &**name).collect();
        assert!(wrong.is_empty(), "with `--json`, or a reason why not: {wrong:?}");
    }
}
