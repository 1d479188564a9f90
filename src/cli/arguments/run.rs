//! What is typed about one procedure: plan, approve, apply, answer, recover, take back, look.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What playbook, with which parameters, where.
#[derive(Debug, Args)]
pub struct Which {
    /// Name (register/correct-award) or path of the playbook; for `apply` also the file of a saved plan.
    pub playbook: String,
    /// Parameters, as name=value.
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// A parameter whose value stands in an environment variable; may be given several times. For secrets: everybody on the machine sees
    /// the words of a command.
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub param_from_env: Vec<String>,
    /// The environment. Default: the first one of the project file, unless it is protected.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Why this is done; goes into the audit trail (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// `plan`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Plan {
    #[command(subcommand)]
    pub command: Option<PlanCommand>,
    #[command(flatten)]
    pub which: Option<Which>,
    /// Keep the plan in this file, for `trueup approve` and `trueup apply`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<String>,
    /// How long the saved plan may be begun: 30m, 24h, 3d. Default: 24h.
    #[arg(long, value_name = "LENGTH", requires = "out")]
    pub expires: Option<String>,
    /// Answer a question for this preview, as STEP.NAME=VALUE.
    #[arg(long = "answer", value_name = "STEP.NAME=VALUE")]
    pub answers: Vec<String>,
    /// Of many items, show this one whole.
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Print the plan as JSON.
    #[arg(long)]
    pub json: bool,
    /// End with 3 instead of 0 when changes are planned.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// The commands about saved plans. A playbook of such a name is reached by its path: `trueup plan ./show.yaml`.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Show a saved plan, as `plan` showed it when it was made.
    Show(ShowPlan),
    /// Tell what differs between two saved plans. Ends with 3 when something does.
    Diff(DiffPlans),
}

/// `plan show`
#[derive(Debug, Args)]
pub struct ShowPlan {
    /// The file of the plan.
    pub file: String,
    /// Of many items, show this one whole.
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Print the plan as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `plan diff`
#[derive(Debug, Args)]
pub struct DiffPlans {
    /// The file of the older plan.
    pub one: String,
    /// The file of the newer plan.
    pub other: String,
    /// Print the differences as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `apply`
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    pub which: Which,
    /// Do not ask for confirmation. Refused in protected environments.
    #[arg(long)]
    pub yes: bool,
    /// Give each of many items transactions of its own, also where they could go in sets.
    #[arg(long)]
    pub one_by_one: bool,
    /// Print the run as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// `approve`
#[derive(Debug, Args)]
pub struct Approve {
    /// The file of a saved plan, or a run: its id, or the beginning of it.
    #[arg(value_name = "FILE|RUN")]
    pub what: String,
    /// Why you agree; goes into the journal (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who agrees. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Do not ask for confirmation.
    #[arg(long)]
    pub yes: bool,
    /// Print what came of it as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a run that exists does not keep.
#[derive(Debug, Args)]
pub struct Again {
    /// A secret parameter of the run, which is kept nowhere: the environment variable that holds its value; may be given several times.
    #[arg(long, value_name = "NAME=VARIABLE")]
    pub param_from_env: Vec<String>,
}

/// `answer`
#[derive(Debug, Args)]
pub struct Answer {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// The step that asks.
    pub step: String,
    /// The item, where several wait for an answer.
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// A part of the answer, as name=value; once for each part.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Who answers. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    #[command(flatten)]
    pub again: Again,
    /// Print the run as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// `resume`
#[derive(Debug, Args)]
pub struct Resume {
    /// The run: its id, or the beginning of it. Default: the only one that can go on.
    pub run: Option<String>,
    /// Who goes on. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    #[command(flatten)]
    pub again: Again,
    /// Print the run as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// `resolve`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("decision").required(true).args(["done", "not_done", "abort"])))]
pub struct Resolve {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// The item, where several are in doubt.
    pub item: Option<String>,
    /// The step, by its name or path, where several are in doubt.
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// It was done: its result stays unknown, and the run goes on behind it.
    #[arg(long)]
    pub done: bool,
    /// It was not done and cannot happen any more: it is done now.
    #[arg(long)]
    pub not_done: bool,
    /// Nobody will know: the item ends as cancelled.
    #[arg(long)]
    pub abort: bool,
    /// How one knows; goes into the journal (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who decides. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    #[command(flatten)]
    pub again: Again,
    /// Only record it; `trueup resume` goes on later.
    #[arg(long)]
    pub no_run: bool,
    /// Print the run as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// `retry`
#[derive(Debug, Args)]
pub struct Retry {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// Why it is done again; goes into the journal (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// From this step on, by its name or path. Default: from the step that failed.
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// Only this item.
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    #[command(flatten)]
    pub again: Again,
    /// Print the run as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// `cancel`
#[derive(Debug, Args)]
pub struct Cancel {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// Why; goes into the journal (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who ends it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Print the run as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `undo`
#[derive(Debug, Args)]
pub struct Undo {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// Only what was done for this item.
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Only show what would be done.
    #[arg(long)]
    pub plan: bool,
    /// With --plan: keep the plan in this file, for `trueup approve` and `trueup apply`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub out: Option<String>,
    /// How long the saved plan may be begun: 30m, 24h, 3d. Default: 24h.
    #[arg(long, value_name = "LENGTH", requires = "out")]
    pub expires: Option<String>,
    /// Do nothing at all if a row is not as the run left it. Without it such rows are left alone, and the others are taken back.
    #[arg(long, conflicts_with = "leave")]
    pub all_or_nothing: bool,
    /// Leave what this step did as it is, by its name or path, and take back the rest: where its own way back cannot be done, or somebody did
    /// it by hand. May be given several times.
    #[arg(long, value_name = "STEP")]
    pub leave: Vec<String>,
    /// Why it is taken back; goes into the audit trail (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    #[command(flatten)]
    pub again: Again,
    /// Do not ask for confirmation. Refused in protected environments.
    #[arg(long)]
    pub yes: bool,
    /// Print the run as JSON at the end; with --plan, the plan.
    #[arg(long)]
    pub json: bool,
}

/// `inbox`
#[derive(Debug, Args)]
pub struct Inbox {
    /// First tell everybody who has not been told yet, and remind those whose reminder is due. For a timer: each message is
    /// sent at most once.
    #[arg(long)]
    pub remind: bool,
    /// Who reminds. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME", requires = "remind")]
    pub actor: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `runs`
#[derive(Debug, Args)]
pub struct Runs {
    /// At most so many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Only runs of this playbook.
    #[arg(long, value_name = "NAME")]
    pub playbook: Option<String>,
    /// Only runs that are not over.
    #[arg(long)]
    pub open: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// The run: its id, or the beginning of it.
    pub run: String,
    /// Of many items, show this one whole.
    #[arg(long, value_name = "KEY", conflicts_with = "items")]
    pub item: Option<String>,
    /// Of many items, a table: one line for each, as csv or jsonl.
    #[arg(long, value_name = "FORM")]
    pub items: Option<ItemsAs>,
    /// Write the table to this file.
    #[arg(long, value_name = "FILE", requires = "items")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How the items of a run are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ItemsAs {
    /// With a header line; no cell is taken for a formula.
    Csv,
    /// JSON, one item a line.
    Jsonl,
}
