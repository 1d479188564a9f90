//! What the author of a playbook types: check, write, test, read up.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
