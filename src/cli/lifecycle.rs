//! `trueup lifecycle`: where the records of a lifecycle stand, and what an operator does with them.

use super::{
    apply,
    arguments::{Apply, Plan, Which},
    output::Output,
    plan,
};
use crate::{
    ops::{self, Failure, Surroundings, lifecycle::Asked},
    playbook::lifecycle::operation::Does,
    report::{exit::Exit, lifecycle as drawn, page},
};
use clap::{Args, Subcommand};
use std::path::Path;

/// `lifecycle`
#[derive(Debug, Args)]
pub struct Lifecycle {
    #[command(subcommand)]
    pub command: LifecycleCommand,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum LifecycleCommand {
    /// How many records stand where, since when, and what went wrong. Changes nothing.
    Status(Status),
    /// Put records back that failed or were left behind by a run that died: to the state before the stage.
    Rewind(Rewind),
    /// Let records that are over begin again.
    Rerun(Rerun),
    /// Cancel records that are exactly at the start.
    Cancel(Cancel),
    /// Take stages as done that were done by hand.
    Advance(Advance),
}

/// `lifecycle status`
#[derive(Debug, Args)]
pub struct Status {
    /// Name or path of the playbook with the lifecycle.
    pub playbook: String,
    /// The environment. Default: the first one of the project file, unless it is protected.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print it as JSON.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print it as CSV: a line for each state, and one for each way to fail.
    #[arg(long)]
    pub csv: bool,
}

/// What all operations take.
#[derive(Debug, Args)]
pub struct Operation {
    /// Name or path of the playbook with the lifecycle.
    pub playbook: String,
    /// The environment. Default: the first one of the project file, unless it is protected.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Why this is done; goes into the audit trail (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Show only what would be done.
    #[arg(long)]
    pub plan: bool,
    /// Keep the plan in this file, for `trueup approve` and `trueup apply`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
    /// Do not ask for confirmation. Refused in protected environments.
    #[arg(long, conflicts_with_all = ["plan", "out"])]
    pub yes: bool,
    /// Print the plan or the run as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A window of time.
#[derive(Debug, Args)]
pub struct Window {
    /// Only records since this moment: `2025-01-31`, or with a time of day.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Only records before this moment.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// The column that `--from` and `--until` look at. Default: since when a record is in its state.
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
}

/// Parameters that are not typed.
#[derive(Debug, Default, Args)]
pub struct FromEnv {
    /// A parameter whose value stands in an environment variable; may be given several times. For secrets: everybody on the machine sees
    /// the words of a command.
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub param_from_env: Vec<String>,
}

/// `lifecycle rewind`
#[derive(Debug, Args)]
pub struct Rewind {
    #[command(flatten)]
    pub operation: Operation,
    /// Parameters of the playbook on which a stage's `when` rests, as the run had them. Without them such a stage is taken to be left out, and
    /// the record goes further back.
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    #[command(flatten)]
    pub from_env: FromEnv,
    /// Only this record, by its key; may be given several times.
    #[arg(long = "item", value_name = "KEY")]
    pub items: Vec<String>,
    /// To this state, which is not behind the one where the record goes on by itself.
    #[arg(long, value_name = "STATE")]
    pub to: Option<String>,
    #[command(flatten)]
    pub window: Window,
}

/// `lifecycle rerun`
#[derive(Debug, Args)]
pub struct Rerun {
    #[command(flatten)]
    pub operation: Operation,
    /// Only this record, by its key; may be given several times.
    #[arg(long = "item", value_name = "KEY")]
    pub items: Vec<String>,
    #[command(flatten)]
    pub window: Window,
}

/// `lifecycle cancel`
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    pub operation: Operation,
    /// Values that the cancelling asks for, as name=value.
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    #[command(flatten)]
    pub from_env: FromEnv,
    /// The record, by its key; may be given several times.
    #[arg(long = "item", value_name = "KEY")]
    pub items: Vec<String>,
}

/// `lifecycle advance`
#[derive(Debug, Args)]
pub struct Advance {
    #[command(flatten)]
    pub operation: Operation,
    /// The record, by its key; may be given several times.
    #[arg(long = "item", value_name = "KEY")]
    pub items: Vec<String>,
    /// The state behind the last stage that was done by hand.
    #[arg(long, value_name = "STATE")]
    pub to: Option<String>,
}

pub async fn run(
    given: &Lifecycle,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let within = |items: &[String], to: &Option<String>, window: Option<&Window>| Asked {
        items: items.to_vec(),
        to: to.clone(),
        column: window.and_then(|window| window.column.clone()),
        from: window.and_then(|window| window.from.clone()),
        until: window.and_then(|window| window.until.clone()),
        given: Vec::new(),
    };
    let named = |words: &[String]| {
        words.iter().filter_map(|param| Some(param.split_once('=')?.0.to_owned())).collect::<Vec<_>>()
    };
    let none = (&[][..], &[][..]);
    let (does, operation, asked, (params, from_env)): (Does, &Operation, Asked, (&[String], &[String])) =
        match &given.command {
            LifecycleCommand::Status(given) => return status(given, project, surroundings, output).await,
            LifecycleCommand::Rewind(given) => {
                let words = (&given.params[..], &given.from_env.param_from_env[..]);
                let asked = within(&given.items, &given.to, Some(&given.window));
                let asked = Asked { given: [named(words.0), named(words.1)].concat(), ..asked };
                (Does::Rewind, &given.operation, asked, words)
            }
            LifecycleCommand::Rerun(given) => {
                (Does::Rerun, &given.operation, within(&given.items, &None, Some(&given.window)), none)
            }
            LifecycleCommand::Cancel(given) => {
                let words = (&given.params[..], &given.from_env.param_from_env[..]);
                (Does::Cancel, &given.operation, within(&given.items, &None, None), words)
            }
            LifecycleCommand::Advance(given) => {
                (Does::Advance, &given.operation, within(&given.items, &given.to, None), none)
            }
        };
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::lifecycle::operation(surroundings, &opened, &operation.playbook, does, &asked).await?;
    let which = Which {
        playbook: operation.playbook.clone(),
        params: params.to_vec(),
        param_from_env: from_env.to_vec(),
        env: operation.env.clone(),
        reason: operation.reason.clone(),
        actor: operation.actor.clone(),
    };
    if operation.plan || operation.out.is_some() {
        let plan = Plan {
            command: None,
            which: None,
            out: operation.out.clone(),
            expires: None,
            answers: Vec::new(),
            item: None,
            json: operation.json,
            detailed_exitcode: false,
        };
        let again = Some(command(does, operation, &asked, params, from_env));
        return plan::of_loaded(&plan, &which, &opened, loaded, again, surroundings, output).await;
    }
    let apply = Apply { which, yes: operation.yes, json: operation.json, one_by_one: false };
    apply::of_loaded(&apply, &opened, loaded, surroundings, output).await
}

/// The command that would carry it out.
fn command(does: Does, operation: &Operation, asked: &Asked, params: &[String], from_env: &[String]) -> String {
    let mut words = vec!["trueup lifecycle".to_owned(), does.word().to_owned(), operation.playbook.clone()];
    words.extend(params.iter().map(|param| match param.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => page::quoted(param),
    }));
    words.extend(from_env.iter().map(|given| format!("--param-from-env {}", page::quoted(given))));
    words.extend(asked.items.iter().map(|item| format!("--item {}", page::quoted(item))));
    let flags = [
        ("to", &asked.to),
        ("from", &asked.from),
        ("until", &asked.until),
        ("column", &asked.column),
        ("env", &operation.env),
    ];
    words.extend(flags.iter().filter_map(|(name, value)| Some(format!("--{name} {}", page::quoted(value.as_ref()?)))));
    let reason = operation.reason.as_deref().map_or("\"…\"".to_owned(), page::quoted);
    words.push(format!("--reason {reason}"));
    words.join(" ")
}

async fn status(
    given: &Status,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let status = ops::lifecycle::status::status(surroundings, &opened, &given.playbook, given.env.as_deref()).await?;
    output.data(&if given.json {
        drawn::document(&status)
    } else if given.csv {
        drawn::csv(&status)
    } else {
        drawn::text(&status, output.look())
    });
    Ok(Exit::Done)
}
