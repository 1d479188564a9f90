//! `trueup complete`: what may follow on a line that somebody is typing; called by the scripts of `trueup completions`. It says
//! one candidate in a line, and nothing else, whatever is wrong with the project.

use super::arguments::{Arguments, Complete};
use crate::{
    action::kinds::KINDS,
    ops::{
        Surroundings, names,
        project::{self, Opened},
    },
};
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::path::{Path, PathBuf};

/// The candidates, each with what goes on behind it: `slug=` is not over, `--env` is.
pub fn run(given: &Complete, surroundings: &Surroundings) -> String {
    let line = Line::read(&given.words);
    let mut found = line.candidates(surroundings);
    found.retain(|one| one.starts_with(line.last));
    found.sort();
    found.dedup();
    found.iter().map(|one| format!("{one}\n")).collect()
}

/// A line up to the cursor.
struct Line<'a> {
    /// The command that it has come to.
    command: Command,
    /// Options that hold everywhere.
    global: Vec<Arg>,
    /// The option whose value comes next.
    open: Option<Arg>,
    /// What was given without a name, after the last command.
    given: Vec<&'a str>,
    /// The options that are there already.
    used: Vec<String>,
    project: Option<PathBuf>,
    /// What is being typed.
    last: &'a str,
}

impl<'a> Line<'a> {
    fn read(words: &'a [String]) -> Line<'a> {
        let command = Arguments::command();
        let global: Vec<Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
        let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        let (given, used) = (Vec::new(), Vec::new());
        let mut line = Line { command, global, open: None, given, used, project: None, last };
        before.iter().for_each(|word| line.take(word));
        line
    }

    fn take(&mut self, word: &'a str) {
        if let Some(open) = self.open.take() {
            if open.get_id() == "project" {
                self.project = Some(word.into());
            }
            return;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            self.used.push(name.to_owned());
            match (self.option(name), value) {
                (Some(arg), Some(value)) if arg.get_id() == "project" => self.project = Some(value.into()),
                (Some(arg), None) if takes_value(&arg) => self.open = Some(arg),
                _ => {}
            }
            return;
        }
        if word.starts_with('-') && word.len() > 1 {
            return;
        }
        match self.command.find_subcommand(word).cloned() {
            Some(below) if self.given.is_empty() => self.command = below,
            _ => self.given.push(word),
        }
    }

    fn option(&self, name: &str) -> Option<Arg> {
        let all = self.command.get_arguments().chain(&self.global);
        all.into_iter().find(|arg| arg.get_long() == Some(name)).cloned()
    }

    fn candidates(&self, surroundings: &Surroundings) -> Vec<String> {
        if let Some(open) = &self.open {
            return self.values(open, surroundings);
        }
        if let Some((name, _)) = self.last.strip_prefix("--").and_then(|long| long.split_once('=')) {
            let values = self.option(name).map_or_else(Vec::new, |arg| self.values(&arg, surroundings));
            return values.into_iter().map(|value| format!("--{name}={value}")).collect();
        }
        if self.last.starts_with('-') {
            let all = self.command.get_arguments().chain(&self.global).filter(|arg| !arg.is_hide_set());
            let longs = all.filter_map(|arg| Some((arg.get_long()?, arg)));
            let again = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append);
            let free = longs.filter(|(name, arg)| again(arg) || !self.used.iter().any(|used| used == name));
            return free.map(|(name, _)| format!("--{name}")).chain(["--help".to_owned()]).collect();
        }
        let below = self.command.get_subcommands().filter(|below| !below.is_hide_set() && self.given.is_empty());
        let mut found: Vec<String> = below.map(|below| below.get_name().to_owned()).collect();
        let places: Vec<&Arg> = self.command.get_positionals().collect();
        if let Some(place) = places.get(self.given.len()).or(places.last()) {
            found.extend(self.values(place, surroundings));
        }
        found
    }

    /// What a place or an option takes. Nothing: the shell offers files.
    fn values(&self, arg: &Arg, surroundings: &Surroundings) -> Vec<String> {
        let fixed: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if !fixed.is_empty() && takes_value(arg) {
            return fixed;
        }
        let command = self.command.get_name();
        match (arg.get_id().as_str(), command) {
            ("topic", _) => return KINDS.iter().map(|kind| kind.word.to_owned()).collect(),
            ("name", "sandbox") => return ["register", "huleedu"].map(str::to_owned).to_vec(),
            _ => {}
        }
        let Some(opened) = self.opened(surroundings) else { return Vec::new() };
        match (arg.get_id().as_str(), command) {
            ("playbook", _) | ("paths", "test" | "lint") => names::playbooks(&opened),
            ("table", "diagnose") => [names::playbooks(&opened), names::tables_of_errors(&opened)].concat(),
            ("params", _) => self.params(surroundings, &opened),
            ("env", _) => names::environments(&opened),
            ("name", "inspect" | "prepare") => names::connections(&opened),
            ("tables", _) => self.given.first().map_or_else(Vec::new, |name| names::tables(&opened, name)),
            ("table", "new") => {
                let of = |name: String| {
                    let tables = names::tables(&opened, &name);
                    tables.into_iter().map(move |table| format!("{name}.{table}"))
                };
                names::connections(&opened).into_iter().flat_map(of).collect()
            }
            ("owner" | "actor", _) => names::people(&opened),
            _ => Vec::new(),
        }
    }

    /// `route=`, and after it the words of an enum.
    fn params(&self, surroundings: &Surroundings, opened: &Opened) -> Vec<String> {
        let Some((playbook, given)) = self.given.split_first() else { return Vec::new() };
        let all = names::params(surroundings, opened, playbook);
        match self.last.split_once('=') {
            Some((name, _)) => {
                let values =
                    all.into_iter().find(|(known, _)| known == name).map_or_else(Vec::new, |(_, values)| values);
                values.into_iter().map(|value| format!("{name}={value}")).collect()
            }
            None => {
                let there = |name: &str| given.iter().any(|one| one.split('=').next() == Some(name));
                all.into_iter().filter(|(name, _)| !there(name)).map(|(name, _)| format!("{name}=")).collect()
            }
        }
    }

    fn opened(&self, surroundings: &Surroundings) -> Option<Opened> {
        project::open(surroundings, self.project.as_deref().map(Path::new)).ok()
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The script for a shell that asks `trueup complete`; nothing for shells that get a fixed one.
pub fn script(shell: clap_complete::Shell) -> Option<&'static str> {
    match shell {
        clap_complete::Shell::Bash => Some(BASH),
        clap_complete::Shell::Zsh => Some(ZSH),
        clap_complete::Shell::Fish => Some(FISH),
        _ => None,
    }
}

const BASH: &str = r#"# Completions of trueup for bash: `source <(trueup completions bash)` in ~/.bashrc.
_trueup() {
    local line=${COMP_LINE:0:COMP_POINT} words=() found=() cut
    # bash takes `slug=` apart; the line itself does not.
    read -r -a words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    mapfile -t found < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    cut=${words[-1]}
    COMPREPLY=()
    local one
    for one in "${found[@]}"; do
        # What stands before the last `=` is on the line already.
        [[ $cut == *=* ]] && one=${one#"${cut%"${cut##*=}"}"}
        COMPREPLY+=("$one")
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o bashdefault -o default -F _trueup trueup
"#;

const ZSH: &str = r#"#compdef trueup
# Completions of trueup for zsh: `source <(trueup completions zsh)` in ~/.zshrc, after compinit; or as the file _trueup in $fpath.
_trueup() {
    local -a found open over
    found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    open=(${(M)found:#*=})
    over=(${found:#*=})
    (( ${#found} )) || { _files; return }
    compadd -S '' -- $open
    compadd -- $over
}
if [[ $funcstack[1] == _trueup ]]; then _trueup "$@"; else compdef _trueup trueup; fi
"#;

const FISH: &str = r#"# Completions of trueup for fish: `trueup completions fish > ~/.config/fish/completions/trueup.fish`.
function __trueup_complete
    set -l before (commandline -opc)
    set -l found ($before[1] complete -- $before[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c trueup -f -a '(__trueup_complete)'
"#;
