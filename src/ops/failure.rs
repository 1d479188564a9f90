//! Why a command could not do what it was asked for, with the exit code that says so.

use crate::{
    base::diagnostic::{Diagnostic, Diagnostics, Severity},
    engine::trouble::Trouble,
    journal::failure::JournalError,
    report::exit::Exit,
};
use std::sync::Arc;

/// A command that ends without its result.
#[derive(Debug)]
pub enum Failure {
    /// The texts are wrong: every problem at its place.
    Texts(Vec<Diagnostics>),
    /// The command was used wrongly, or something it needs is not there.
    Usage {
        /// What, as a sentence without a full stop.
        message: String,
        /// What to do.
        help: Vec<String>,
    },
    /// Used rightly, and refused all the same.
    Refused {
        /// The exit code.
        exit: Exit,
        /// What, as a sentence without a full stop.
        message: String,
        /// What to do.
        help: Vec<String>,
    },
    /// A step could not be tried out or carried out.
    Step {
        /// The step's path.
        path: Arc<str>,
        /// What went wrong.
        trouble: Box<Trouble>,
        /// The same as a problem at its place in the playbook, to be drawn.
        drawn: Option<Box<(Diagnostic, Arc<crate::base::source::Source>)>>,
    },
    /// The journal could not be read or written.
    Journal(JournalError),
    /// A run stopped on its way: the journal did not take its words any more, or somebody else has it now.
    Halted {
        /// What, as a sentence without a full stop.
        message: String,
        /// What became of the last step, and what to do.
        help: Vec<String>,
    },
}

impl Failure {
    /// Used wrongly.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage { message: message.into(), help: Vec::new() }
    }

    /// Refused, with an exit code that says why.
    pub fn refused(exit: Exit, message: impl Into<String>) -> Failure {
        Failure::Refused { exit, message: message.into(), help: Vec::new() }
    }

    /// Adds what to do.
    pub fn help(mut self, text: impl Into<String>) -> Failure {
        if let Failure::Usage { help, .. } | Failure::Refused { help, .. } | Failure::Halted { help, .. } = &mut self {
            help.push(text.into());
        }
        self
    }

    /// In one line, where it is not the failure of the command itself.
    pub fn in_short(&self) -> String {
        match self {
            Failure::Texts(problems) => first(problems),
            Failure::Usage { message, .. } | Failure::Refused { message, .. } | Failure::Halted { message, .. } => {
                message.clone()
            }
            Failure::Step { path, trouble, .. } => format!("{path}: {}", trouble.message()),
            Failure::Journal(error) => error.to_string(),
        }
    }

    /// In one line, with what there is to say besides: where nobody draws it.
    pub fn in_full(&self) -> String {
        let help = match self {
            Failure::Usage { help, .. } | Failure::Refused { help, .. } | Failure::Halted { help, .. } => &help[..],
            Failure::Texts(_) | Failure::Step { .. } | Failure::Journal(_) => &[],
        };
        help.iter().fold(self.in_short(), |all, one| all + "; " + one)
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Texts(_) | Failure::Usage { .. } => Exit::Invalid,
            Failure::Refused { exit, .. } => *exit,
            Failure::Step { trouble, .. } => Exit::of_trouble(trouble),
            Failure::Journal(JournalError::NoSuchRun { .. } | JournalError::Ambiguous { .. }) => Exit::Invalid,
            Failure::Journal(_) | Failure::Halted { .. } => Exit::Failed,
        }
    }
}

/// The first error with its place, and how many there are besides.
fn first(problems: &[Diagnostics]) -> String {
    let errors = problems.iter().flat_map(|of| of.sorted().into_iter().map(move |one| (of.source(), one)));
    let mut errors = errors.filter(|(_, one)| one.severity == Severity::Error);
    let Some((source, one)) = errors.next() else {
        return "the playbook or the project file that it carries is refused".into();
    };
    let (file, place) = (source.name_at(one.span.start), source.place(one.span.start));
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more; `trueup check` shows them)"),
    };
    format!("{file}:{}:{}: {}: {}{more}", place.line, place.column, one.code.id, one.message)
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        Failure::Journal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_draws_it_a_failure_is_told_with_what_there_is_to_say_besides() {
        let halted = Failure::Halted { message: "paused".into(), help: vec!["`a` ended (done)".into()] };
        assert_eq!(halted.help("resume it").in_full(), "paused; `a` ended (done); resume it");
        assert_eq!(Failure::usage("no").in_full(), "no");
    }
}
