//! What the project file says of a program. Shapes only; `mod.rs` starts it.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic},
        shape::{Length, Named, Word},
    },
    connection::{http::Size, reference::Setting},
    shape,
};
use std::time::Duration;

shape! {
    /// A program on this machine: what it is, how it may be called, what it sees. No shell is ever started.
    "a program connection" pub struct ProgramSettings {
        /// A name that is looked up in `PATH`, or an absolute path: `kubectl`, `/opt/tools/register`.
        program: Word,
        /// Arguments that always come first: `[-n, bat-production]`.
        #[schemars(default)]
        fixed: Vec<Word>,
        /// How an argument list of a `look:` may begin: `[[get], [rollout, status]]`. With these words it only looks, whatever
        /// follows.
        #[schemars(default)]
        looks: Vec<Vec<Word>>,
        /// How an argument list of a `change:` may begin: `[[set, env], [rollout, restart]]`.
        #[schemars(default)]
        changes: Vec<Vec<Word>>,
        /// Environment variables, and nothing else but `PATH`, `LANG` and `TZ`; secrets by reference.
        #[schemars(default)]
        variables: Named<Setting>,
        /// Those of `variables` that say who asks, and not which system is meant: `[TOKEN]`. They may change under a plan and under a
        /// run. Any other one that comes from a reference says which system it is: with another value nothing is gone on with.
        #[schemars(default)]
        credentials: Vec<Word>,
        /// The folder that it runs in, relative to the project file. Default: that of the project file.
        folder: Option<Word>,
        /// How long it may run. Default 60s; then it is asked to end, and killed 5 s later, with all that it started.
        timeout: Option<Length>,
        /// More output than this ends it. Default `1MiB`.
        max_output: Option<Size>,
        /// Exit codes with which it certainly changed nothing: `[1, 64]`. After any other bad code of a change nobody knows.
        #[schemars(default)]
        unchanged: Vec<u32>,
        /// What it prints is about persons: masked in every output, sealed in journal and plan files.
        personal: Option<bool>,
    }
}

/// A shell runs whatever text it is given.
pub static SHELL: Code = Code {
    id: "E0246",
    title: "a shell as a program",
    explain: "A playbook never holds a script: a shell runs whatever text it is given, and a value that somebody typed would become \
        a command. Name the program itself, with its arguments as a list. A script of your own may be named by its path, or be the first \
        of `fixed:`: `{ program: bash, fixed: [/opt/register/restart.sh] }`.",
};

/// A relative path, or a list of arguments that allows everything.
pub static ODD_PROGRAM: Code = Code {
    id: "E0247",
    title: "a program that is not said clearly",
    explain: "`program:` is a name without slashes, looked up in `PATH`, or an absolute path: what a relative path means depends on where \
        trueup is started. `looks:` and `changes:` list how its argument lists may begin, each with one word at least; the same beginning \
        cannot stand in both. `credentials:` names entries of `variables:`.",
};

const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "pwsh", "env", "xargs",
    "nohup", "setsid", "sudo", "su", "doas", "ssh", "eval", "watch", "timeout", "nice", "script",
];

impl ProgramSettings {
    /// How long it may run.
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(60), |length| length.0)
    }

    /// Bytes of output that it may print, on both ways together.
    pub fn max_output(&self) -> usize {
        self.max_output.map_or(1024 * 1024, |size| size.0)
    }

    /// What is wrong with it.
    pub fn problems(&self, name: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let program = self.program.as_str();
        let short = program.rsplit('/').next().unwrap_or(program);
        let script =
            self.fixed.first().is_some_and(|first| !first.as_str().starts_with('-') && first.as_str().contains('/'));
        if SHELLS.contains(&short) && !script {
            let message = format!("`{name}` is `{short}`, which runs whatever it is given");
            found.push(
                Diagnostic::error(&SHELL, self.program.span, message)
                    .help("name the program itself; a script of your own by its absolute path"),
            );
        }
        if program.is_empty() || program.contains('/') && !program.starts_with('/') {
            found.push(
                Diagnostic::error(
                    &ODD_PROGRAM,
                    self.program.span,
                    format!("`{program}` is neither a name nor an absolute path"),
                )
                .help("write a name that is looked up in PATH, or the whole path"),
            );
        }
        if self.looks.is_empty() && self.changes.is_empty() {
            found.push(
                Diagnostic::error(&ODD_PROGRAM, self.at, format!("nothing may be done with the program `{name}`"))
                    .help("list how its arguments may begin: `looks: [[get]]`, `changes: [[set, env]]`"),
            );
        }
        for _ in self.looks.iter().chain(&self.changes).filter(|words| words.is_empty()) {
            found.push(
                Diagnostic::error(&ODD_PROGRAM, self.at, format!("an empty beginning allows everything of `{name}`"))
                    .help("write at least one word: `[get]`"),
            );
        }
        let same = |a: &[Word], b: &[Word]| a.iter().map(Word::as_str).eq(b.iter().map(Word::as_str));
        for look in &self.looks {
            if let Some(both) = self.changes.iter().find(|change| same(change, look))
                && let Some(word) = both.first()
            {
                found.push(
                    Diagnostic::error(
                        &ODD_PROGRAM,
                        word.span,
                        format!("`{}` stands under `looks` and under `changes`", said(both)),
                    )
                    .help("it either only looks or changes something"),
                );
            }
        }
        for name in self.credentials.iter().filter(|name| self.variables.get(name.as_str()).is_none()) {
            let message = format!("`{}` is a credential, and no variable", name.as_str());
            found.push(Diagnostic::error(&ODD_PROGRAM, name.span, message).help("name one of `variables:`"));
        }
        found
    }

    /// This variable says which system is meant. (Of one that stands in the project file nothing is kept: a run carries the file.)
    pub fn says_where(&self, variable: &str) -> bool {
        let by_reference = matches!(self.variables.get(variable), Some(Setting::Secret(_)));
        by_reference && !self.is_credential(variable)
    }

    /// This variable only says who asks.
    pub fn is_credential(&self, variable: &str) -> bool {
        self.credentials.iter().any(|name| name.as_str() == variable)
    }

    /// Where a variable comes from, if not from the project file: `the environment variable `KUBECONFIG``.
    pub fn reference(&self, variable: &str) -> Option<String> {
        match self.variables.get(variable)? {
            Setting::Secret(reference) => Some(reference.to_string()),
            Setting::Plain(_) => None,
        }
    }

    /// The longest listed beginning of these words, among what may look or among what may change.
    pub fn allowed(&self, words: &[&str], change: bool) -> Option<String> {
        let list = if change { &self.changes } else { &self.looks };
        let fits = |beginning: &&Vec<Word>| {
            !beginning.is_empty()
                && beginning.len() <= words.len()
                && beginning.iter().zip(words).all(|(listed, word)| listed.as_str() == *word)
        };
        list.iter().filter(fits).max_by_key(|beginning| beginning.len()).map(|beginning| said(beginning))
    }

    /// Every listed beginning, in words.
    pub fn beginnings(&self, change: bool) -> Vec<String> {
        let list = if change { &self.changes } else { &self.looks };
        list.iter().map(|beginning| said(beginning)).collect()
    }
}

fn said(words: &[Word]) -> String {
    words.iter().map(Word::as_str).collect::<Vec<_>>().join(" ")
}
