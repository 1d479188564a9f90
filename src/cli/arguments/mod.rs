//! What can be typed.

mod author;
mod operate;
mod run;

pub use author::{
    Check, Complete, Completions, Demo, Diagnose, Doc, Explain, Fix, Fmt, Graph, Lint, Man, Mock, New, OnKind, RiskOf,
    Sandbox, Schema, SchemaOf, Test,
};
pub use operate::{
    Audit, AuditAnchor, AuditCommand, AuditPurge, AuditVerify, Connection, ConnectionCommand, Inspect, Prepare,
    Reconcile, ReconcileCommand, ReconcileReport, ScheduleCommand, ScheduleNext, ScheduleOf, ScheduleRun, ScheduleWord,
    Scheduler,
};
pub use run::{
    Again, Answer, Apply, Approve, Cancel, DiffPlans, Inbox, ItemsAs, Plan, PlanCommand, Resolve, Resume, Retry, Runs,
    Show, ShowPlan, Undo, Which,
};

use clap::{Parser, Subcommand, ValueEnum};
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
