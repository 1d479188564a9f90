//! The last writer: data to stdout, everything else to stderr, colours only where they are wanted, every registered secret
//! masked.

use super::arguments::{Arguments, Color};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        secret::Masks,
    },
    ops::Failure,
    report::{columns::fitted, diagnostics, line::clean, look::Look},
};
use anstream::{AutoStream, ColorChoice};
use std::{
    io::{ErrorKind, IsTerminal, Write},
    sync::OnceLock,
};

/// Where a command's words go.
pub struct Output {
    choice: ColorChoice,
    /// As long as the process: reports look through every text before they break it into lines.
    masks: &'static Masks,
    /// Why a part of the result is not there.
    lost: OnceLock<String>,
}

impl Output {
    /// As the arguments and the terminal want it. `NO_COLOR` and `CLICOLOR` are obeyed.
    pub fn new(arguments: &Arguments, masks: Masks) -> Output {
        let choice = match arguments.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Output { choice, masks: Box::leak(Box::new(masks)), lost: OnceLock::new() }
    }

    /// The secrets to mask.
    pub fn masks(&self) -> &Masks {
        self.masks
    }

    /// Columns of the reader's terminal; so many through a pipe.
    pub fn columns(&self, piped: usize) -> usize {
        let given = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let terminal = if std::io::stdout().is_terminal() { width_of(&console::Term::stdout()) } else { None };
        terminal.or(given).unwrap_or(piped)
    }

    /// Width and characters of the reader's terminal; 80 columns through a pipe.
    pub fn look(&self) -> Look {
        let ascii = std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).is_ok_and(|l| l == "C" || l == "POSIX");
        Look { width: self.columns(80), unicode: !ascii, hides: Some(self.masks) }
    }

    /// The result of the command, styled.
    pub fn data(&self, text: &str) {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.choice(std::io::stdout().is_terminal()));
        let written = out.write_all(self.masks.apply(text).as_bytes()).and_then(|()| out.flush());
        // A reader that went away (`| head`) is no failure of ours; a full disk is one.
        if let Some(error) = written.err().filter(|error| error.kind() != ErrorKind::BrokenPipe) {
            self.lost.get_or_init(|| error.to_string());
        }
    }

    /// Why a part of the result could not be written, if that was so.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    /// A word to the person beside the result.
    pub fn note(&self, text: &str) {
        let mut out = AutoStream::new(std::io::stderr().lock(), self.choice(std::io::stderr().is_terminal()));
        // A secret is masked before it could be broken in two. Through a pipe a line stays a line.
        let mut text = self.masks.apply(text);
        if let Some(width) = std::io::stderr().is_terminal().then(|| width_of(&console::Term::stderr())).flatten() {
            text = fitted(&text, width.max(NARROWEST));
        }
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Whether words beside the result are coloured.
    pub fn coloured_notes(&self) -> bool {
        self.choice(std::io::stderr().is_terminal()) != ColorChoice::Never
    }

    fn choice(&self, terminal: bool) -> ColorChoice {
        match self.choice {
            ColorChoice::Auto if !terminal || std::env::var_os("NO_COLOR").is_some() => ColorChoice::Never,
            ColorChoice::Auto => ColorChoice::Always,
            other => other,
        }
    }

    /// `error: …` with what to do.
    pub fn error(&self, message: &str, help: &[String]) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let bold = anstyle::Style::new().bold();
        // A name of which something may come that a terminal obeys: a key, a file, an answer.
        let mut text = format!("{red}error{red:#}: {}\n", clean(message));
        for line in help {
            text.push_str(&format!("  {bold}help{bold:#}: {}\n", clean(line)));
        }
        self.note(&text);
    }

    /// Problems of texts, drawn with their lines, to stderr.
    pub fn problems(&self, problems: &[Diagnostics]) {
        for one in problems {
            self.note(&diagnostics::terminal(&self.masked_problems(one), self.look().width));
        }
    }

    /// Masked before its lines are broken: a secret on two lines is not found.
    fn masked(&self, problem: &Diagnostic) -> Diagnostic {
        let mut problem = problem.clone();
        let texts = [&mut problem.message, &mut problem.caret].into_iter().chain(&mut problem.help);
        let labels = problem.labels.iter_mut().map(|label| &mut label.text);
        texts.chain(labels).filter(|text| self.masks.catches(text)).for_each(|text| *text = self.masks.apply(text));
        problem
    }

    fn masked_problems(&self, problems: &Diagnostics) -> Diagnostics {
        let mut masked = Diagnostics::new(problems.source().clone());
        problems.sorted().into_iter().for_each(|problem| masked.push(self.masked(problem)));
        masked
    }

    /// Why a command could not do what it was asked for.
    pub fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Texts(problems) => self.problems(problems),
            Failure::Usage { message, help }
            | Failure::Refused { message, help, .. }
            | Failure::Halted { message, help } => self.error(message, help),
            Failure::Step { drawn: Some(drawn), .. } => {
                let problem = self.masked(&drawn.0);
                self.note(&format!("{}\n", diagnostics::drawn(&problem, &drawn.1, self.look().width)));
            }
            Failure::Step { path, trouble, .. } => {
                self.error(&format!("{path}: {}", trouble.message()), &trouble.help())
            }
            Failure::Journal(error) => self.error(&error.to_string(), &[]),
        }
    }
}

/// On fewer columns than this nothing is broken any further.
const NARROWEST: usize = 40;

fn width_of(terminal: &console::Term) -> Option<usize> {
    let (_, columns) = terminal.size_checked()?;
    Some(usize::from(columns)).filter(|w| *w > 0)
}
