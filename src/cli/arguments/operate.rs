//! What whoever operates trueup types: reconciles, schedules, the journal, connections.

use crate::base::shape::Length;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `reconcile`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit codes: 0 nothing differs, or all of it was healed; 5 something differs and was only told; 4 a rule refused to heal \
    something, it was cancelled, or it waits for a person; 1 something failed; 6 in doubt. Of several the worst."
)]
pub struct Reconcile {
    #[command(subcommand)]
    pub command: Option<ReconcileCommand>,
    /// Name (register/correct-award) or path of the playbook.
    #[arg(required_unless_present_any = ["all", "due"])]
    pub playbook: Option<String>,
    /// Parameters, as name=value.
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// A parameter whose value stands in an environment variable; may be given several times. For secrets: everybody on the machine sees
    /// the words of a command.
    #[arg(long, value_name = "NAME=VARIABLE", conflicts_with_all = ["all", "due"])]
    pub param_from_env: Vec<String>,
    /// Every playbook that says `reconcile:`.
    #[arg(long, conflicts_with_all = ["playbook", "due"])]
    pub all: bool,
    /// What the schedules of the project file say is due now, and no more: for cron, systemd or Kubernetes.
    #[arg(long, conflicts_with_all = ["playbook", "heal", "env"])]
    pub due: bool,
    /// Heal what differs, within the caps of the playbook and of the command. Without it nothing is changed.
    #[arg(long)]
    pub heal: bool,
    /// Heal at most so many items in one run. Default: what the playbook says, else 100.
    #[arg(long, value_name = "N", requires = "heal")]
    pub most: Option<u32>,
    /// Heal nothing when more items differ than this share of all: 5%, or a number.
    #[arg(long, value_name = "SHARE", requires = "heal")]
    pub share: Option<String>,
    /// Stop when so many items did not end well: a number, or a share of those that are healed.
    #[arg(long, value_name = "SHARE", requires = "heal")]
    pub stop_after: Option<String>,
    /// Do not ask for confirmation of a healing. Refused in protected environments.
    #[arg(long)]
    pub yes: bool,
    /// The environment. Default: the first one of the project file, unless it is protected.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Why this is done; goes into the audit trail (1 to 500 characters). Needed by --heal.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Also write the report to this file, as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Also write the metrics to this file, for a collector of text files (node_exporter).
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// What else there is about reconciles.
#[derive(Debug, Subcommand)]
pub enum ReconcileCommand {
    /// Show the report of a reconcile again.
    Report(ReconcileReport),
}

/// `reconcile report`
#[derive(Debug, Args)]
pub struct ReconcileReport {
    /// Its run: the id, or the beginning of it. Default: the newest.
    pub run: Option<String>,
    /// The newest of this playbook.
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    pub playbook: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Write it to this file, as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `scheduler`
#[derive(Debug, Args)]
#[command(
    after_help = "SIGTERM or Ctrl-C: what is under way reaches a safe point, and another scheduler, or the next start, goes on with it."
)]
pub struct Scheduler {
    /// Answer Prometheus at this address, for example 127.0.0.1:9464, under /metrics; /healthz says that it lives.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<std::net::SocketAddr>,
}

/// `schedule`
#[derive(Debug, Args)]
pub struct ScheduleOf {
    #[command(subcommand)]
    pub command: ScheduleCommand,
}

/// The commands about schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// How every schedule stands, and what became of its last times.
    List(ScheduleList),
    /// The next times.
    Next(ScheduleNext),
    /// Begin nothing of a schedule, and go on with nothing that was left behind, until it is resumed.
    Pause(ScheduleWord),
    /// Go on with a schedule that was paused: with what was left behind, and the times that come from now on.
    Resume(ScheduleWord),
    /// Begin a schedule now, beside its times.
    Run(ScheduleRun),
}

/// `schedule list`
#[derive(Debug, Args)]
pub struct ScheduleList {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `schedule next`
#[derive(Debug, Args)]
pub struct ScheduleNext {
    /// The schedule. Default: all.
    pub name: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 10)]
    pub count: u16,
    /// From this moment on, UTC: 2027-03-28T00:00:00. Default: now.
    #[arg(long, value_name = "TIME")]
    pub after: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `schedule pause` and `schedule resume`
#[derive(Debug, Args)]
pub struct ScheduleWord {
    /// The schedule.
    pub name: String,
    /// Why; goes into the journal (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// `schedule run`
#[derive(Debug, Args)]
pub struct ScheduleRun {
    #[command(flatten)]
    pub word: ScheduleWord,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `audit`
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// The commands of `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute every hash of the journal; ends with 1 when something is not as it was written.
    Verify(AuditVerify),
    /// Print the end of the journal's chain as `number hash time`, to be kept elsewhere.
    Anchor(AuditAnchor),
    /// Remove what closed runs recorded, when they are old enough. The chain still holds; the runs stay in the list.
    Purge(AuditPurge),
}

/// `audit verify`
#[derive(Debug, Args)]
pub struct AuditVerify {
    /// An anchor that was kept elsewhere, as NUMBER:HASH, or a file of them: shows an end that was cut off or written anew.
    #[arg(long, value_name = "FILE|NUMBER:HASH")]
    pub anchor: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `audit anchor`
#[derive(Debug, Args)]
pub struct AuditAnchor {
    /// Also add the line to this file. Keep it where those who can write to the journal cannot.
    #[arg(long, value_name = "FILE")]
    pub append: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `audit purge`
#[derive(Debug, Args)]
pub struct AuditPurge {
    /// Runs that were closed at least so long ago: 90d, 12h. Default: `journal: { keep: … }` of the project file.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<Length>,
    /// Only show what would go, and end with 0.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Really remove it. Without this, it is only shown what would go.
    #[arg(long)]
    pub yes: bool,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Print what went, or would go, as JSON.
    #[arg(long)]
    pub json: bool,
}

fn age(text: &str) -> Result<Length, String> {
    text.parse().map_err(|()| "an age is a number and a unit: 90d, 12h, 30m".to_owned())
}

/// `connection`
#[derive(Debug, Args)]
pub struct Connection {
    #[command(subcommand)]
    pub command: ConnectionCommand,
}

/// The commands of `connection`.
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Print what a database's catalogue says, as facts for the project file.
    Inspect(Inspect),
    /// Make the ledger table in a database, or print what a DBA has to run.
    Prepare(Prepare),
}

/// `connection prepare`
#[derive(Debug, Args)]
pub struct Prepare {
    /// Name of the connection.
    pub name: String,
    /// The environment.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print the SQL (table, first row, grants) instead of running it. Connects to nothing.
    #[arg(long, conflicts_with = "json")]
    pub print: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `connection inspect`
#[derive(Debug, Args)]
pub struct Inspect {
    /// Name of the connection.
    pub name: String,
    /// Tables. Default: all.
    pub tables: Vec<String>,
    /// The environment.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
