//! What can be typed.

use crate::base::shape::Length;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Preview, apply, verify and record a support procedure that is written as a playbook.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage or invalid playbook, 3 changes are planned \
    (plan --detailed-exitcode), 4 stopped by a check, an escalation or a question, 5 drifted, 6 in doubt.\n\
    Start with `trueup demo`."
)]
pub struct Arguments {
    /// The project file, or its folder. Default: the nearest trueup.yaml from here upwards.
    #[arg(long, global = true, value_name = "PATH")]
    pub project: Option<PathBuf>,
    /// Colours: auto, always, never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find every problem of the playbooks and the project file, without running anything.
    Check(Check),
    /// Write a first playbook for a table, and its test.
    New(New),
    /// Write playbooks in their canonical form; comments stay.
    Fmt(Fmt),
    /// Say what a good reviewer would say, beside what `check` finds.
    Lint(Lint),
    /// Repair what can be computed: `uses:` from what the steps touch.
    Fix(Fix),
    /// Print a playbook as the page that support staff read.
    Doc(Doc),
    /// Draw the flow of a playbook.
    Graph(Graph),
    /// Show exactly what a playbook would change: try it out and roll it back.
    Plan(Plan),
    /// Preview, ask, and carry a playbook or a saved plan out.
    Apply(Apply),
    /// Agree to a saved plan, or to a run that waits for approval.
    Approve(Approve),
    /// Answer a question that a run waits for, and go on with the run.
    Answer(Answer),
    /// Go on with a run that was paused, is in doubt, or was left by a process that is gone.
    Resume(Resume),
    /// Say what became of an effect of which nobody could tell, and go on with the run.
    Resolve(Resolve),
    /// Do again what failed in a run, from the failed step on.
    Retry(Retry),
    /// End a run that is not over: no new step starts.
    Cancel(Cancel),
    /// Take a run back: show what that would do, ask, and do it.
    Undo(Undo),
    /// Compare a playbook with the world: tell what differs, and heal it where that is wanted.
    Reconcile(Box<Reconcile>),
    /// Reconcile at the times of the project file's schedules, until it is asked to stop.
    Scheduler(Scheduler),
    /// Look at schedules, pause, resume or begin them.
    Schedule(ScheduleOf),
    /// List the questions that wait for an answer, and what is in doubt.
    Inbox(Inbox),
    /// List the newest runs.
    Runs(Runs),
    /// Show one run: what it did, step by step, and why.
    Show(Show),
    /// Look after records that carry their own state machine: where they stand, put back, run again, cancel, advance.
    Lifecycle(super::lifecycle::Lifecycle),
    /// Say what an error means and what to do about it, from the errors table of a playbook alone.
    Diagnose(Diagnose),
    /// Explain a code of a message, an action, or a key of a playbook.
    Explain(Explain),
    /// Print the JSON Schema of a file that people write.
    Schema(Schema),
    /// Look at the record itself: is it whole, what to keep elsewhere, what may go.
    Audit(Audit),
    /// Look at the outside systems of the project.
    Connection(Connection),
    /// Play the tests of playbooks: every `*.test.yaml`, on databases and mocks of its own.
    Test(Test),
    /// Serve a declared API mock until Ctrl-C.
    Mock(Mock),
    /// Build a small sandbox and walk through check, plan, apply, verify and show.
    Demo(Demo),
    /// Build a larger sandbox and play everything around it until Ctrl-C, for commands in another terminal.
    Sandbox(Sandbox),
    /// Print shell completions.
    Completions(Completions),
    /// Say what may follow on a line; the scripts of `completions` ask it.
    #[command(hide = true)]
    Complete(Complete),
    /// Print the manual page, or write one for each command.
    Man(Man),
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// Playbooks, by name (register/correct-award) or path, or folders. Default: all playbooks of the project.
    pub paths: Vec<PathBuf>,
    /// Also ask the databases of this environment about tables, columns and every statement.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print the problems as JSON.
    #[arg(long, conflicts_with = "sarif")]
    pub json: bool,
    /// Print the problems as SARIF 2.1.0, for code hosts.
    #[arg(long)]
    pub sarif: bool,
    /// Also report playbooks whose meaning changed since this git revision without their `version` growing.
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Check again whenever a file changes, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["json", "sarif"])]
    pub watch: bool,
}

/// `new`
#[derive(Debug, Args)]
#[command(
    after_help = "On a terminal, what is not given is asked for. A file that is there already is never overwritten."
)]
pub struct New {
    /// The playbook's name, which is its path below the playbook folder: register/correct-email.
    pub name: String,
    /// The table that it changes, as connection.table; it has to be declared in the project file.
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// The column by which a person names the row. Default: the first unique column, else the key.
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// A column that it changes; once for each.
    #[arg(long = "set", value_name = "COLUMN")]
    pub set: Vec<String>,
    /// What it does, in one line that a person would say.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Who looks after it: a name under `people`. Default: the first one.
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// How much harm a mistake does.
    #[arg(long, value_name = "RISK")]
    pub risk: Option<RiskOf>,
    /// The environment whose database is asked for the table's columns. Default: the first one of the project file.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Ask nothing, also on a terminal.
    #[arg(long)]
    pub no_input: bool,
}

/// How much harm a mistake does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RiskOf {
    /// A mistake is a nuisance.
    Low,
    /// A mistake costs somebody time.
    Medium,
    /// A mistake harms people.
    High,
}

/// `fmt`
#[derive(Debug, Args)]
pub struct Fmt {
    /// Playbooks and errors tables, by name (register/correct-award) or path, or folders. Default: all of the
    /// project.
    pub paths: Vec<PathBuf>,
    /// Write nothing; show what would change, and end with 1 when something would.
    #[arg(long)]
    pub check: bool,
}

/// `lint`
#[derive(Debug, Args)]
#[command(
    after_help = "A comment `# lint: W0059` with the reason, behind the line or above it, allows what the line does."
)]
pub struct Lint {
    /// Playbooks, by name (register/correct-award) or path, or folders. Default: all playbooks of the project.
    pub paths: Vec<PathBuf>,
    /// End with 1 when there is advice.
    #[arg(long)]
    pub strict: bool,
    /// Print the advice as JSON.
    #[arg(long, conflicts_with = "sarif")]
    pub json: bool,
    /// Print the advice as SARIF 2.1.0, for code hosts.
    #[arg(long)]
    pub sarif: bool,
}

/// `fix`
#[derive(Debug, Args)]
pub struct Fix {
    /// Playbooks, by name (register/correct-award) or path, or folders. Default: all playbooks of the project.
    pub paths: Vec<PathBuf>,
    /// Write `uses:` from what the steps touch: tables, methods, programs. `columns:` stays as it is.
    #[arg(long, required = true)]
    pub uses: bool,
    /// Write nothing; show what would change, and end with 1 when something would.
    #[arg(long)]
    pub check: bool,
}

/// `doc`
#[derive(Debug, Args)]
pub struct Doc {
    /// Name (register/correct-award) or path of the playbook.
    pub playbook: String,
    /// One HTML file with everything in it, instead of Markdown.
    #[arg(long)]
    pub html: bool,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `graph`
#[derive(Debug, Args)]
pub struct Graph {
    /// Name (register/correct-award) or path of the playbook.
    pub playbook: String,
    /// A picture, instead of Mermaid's text.
    #[arg(long)]
    pub svg: bool,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write the pages of all commands into this folder: trueup.1, trueup-check.1 and so on.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What playbook, with which parameters, where.
#[derive(Debug, Args)]
pub struct Which {
    /// Name (register/correct-award) or path of the playbook; for `apply` also the file of a saved plan.
    pub playbook: String,
    /// Parameters, as name=value.
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
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
    #[arg(long)]
    pub all_or_nothing: bool,
    /// Why it is taken back; goes into the audit trail (1 to 500 characters).
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who does it. Default: TRUEUP_ACTOR, else the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Do not ask for confirmation. Refused in protected environments.
    #[arg(long)]
    pub yes: bool,
    /// Print the run as JSON at the end; with --plan, the plan.
    #[arg(long)]
    pub json: bool,
}

/// `reconcile`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit codes: 0 nothing differs, or all of it was healed; 5 something differs and was only told; 4 a rule refused to heal \
    something, or it waits for a person; 1 something failed; 6 in doubt. Of several the worst."
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

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// A code (E0101), an action (row), or a key (row.only_if).
    pub topic: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Of which file.
    #[arg(default_value = "playbook")]
    pub file: SchemaOf,
}

/// `diagnose`
#[derive(Debug, Args)]
pub struct Diagnose {
    /// Name or path of a playbook (register/repair-dqt-job) or of a shared table (register/dqt-errors).
    #[arg(value_name = "PLAYBOOK|TABLE")]
    pub table: String,
    /// The error's text, as a file or `-` for standard input: a line such as `status: 404, body: {…}`, a raw HTTP answer,
    /// JSON, a job of Sidekiq, or plain words.
    #[arg(long, value_name = "FILE")]
    pub error: PathBuf,
    /// The step whose call failed; needed only where rows tell steps apart.
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// The files with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A playbook.
    Playbook,
    /// The project file.
    Project,
    /// A test file beside a playbook.
    Test,
    /// A shared errors table.
    Errors,
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

/// `test`
#[derive(Debug, Args)]
pub struct Test {
    /// Test files, folders or playbooks. Default: all playbooks of the project.
    pub paths: Vec<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// On which databases: on throw-away servers, or those that TRUEUP_TEST_POSTGRES and TRUEUP_TEST_MYSQL name. `all` leaves
    /// out what has no server, and says so. Default: sqlite.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub on: Vec<OnKind>,
    /// Show how much of the playbooks the cases went through, and what they did not.
    #[arg(long, conflicts_with_all = ["only", "list"])]
    pub coverage: bool,
    /// Fail where the cases went through less than this share of all steps, branches and rows: 95%.
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with_all = ["only", "list"])]
    pub min_coverage: Option<usize>,
    /// Also kill each case at every boundary and go on, lose every answer, run it twice, two at once, and undo it; names the
    /// step that does not bear it, and what to add.
    #[arg(long, conflicts_with = "list")]
    pub torture: bool,
    /// So many cases at the same time. Default: two for each processor.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Write a first test from a run of a playbook, beside it, and play it. A run: its id, or the beginning of it.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["list", "only", "coverage", "min_coverage", "paths"])]
    pub record: Option<String>,
    /// Only name the cases.
    #[arg(long, conflicts_with = "junit")]
    pub list: bool,
    /// Also write the result to this file as JUnit XML, for CI.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnKind {
    /// Files that are made for the test.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
    /// A MariaDB or MySQL server.
    Mysql,
    /// Every kind that has a server.
    All,
}

/// `95%`, `99.5`: of a hundred thousand.
fn share(text: &str) -> Result<usize, String> {
    let wrong = || "a share is a number up to 100, as in `95%`".to_owned();
    let number: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| wrong())?;
    // Exact for every share with up to three decimals, which is what is compared.
    if (0.0..=100.0).contains(&number) { Ok((number * 1000.0).round() as usize) } else { Err(wrong()) }
}

/// `mock`
#[derive(Debug, Args)]
pub struct Mock {
    /// The mock file.
    pub file: PathBuf,
}

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the sandbox is built.
    #[arg(long, value_name = "FOLDER", default_value = ".trueup/demo")]
    pub folder: PathBuf,
}

/// `sandbox`
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Which one: `register`, `huleedu` or `edx`.
    pub name: String,
    /// Where it is built. Default: `.trueup/sandboxes/NAME`.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// `complete`
#[derive(Debug, Args)]
pub struct Complete {
    /// The words behind `trueup`, the last one as far as it is typed.
    #[arg(last = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    pub shell: clap_complete::Shell,
}
