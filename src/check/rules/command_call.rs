//! Programs: one list of arguments, beginning as the connection allows, and reasons for odd exit codes.

use crate::{
    action::{
        command::{CommandSpec, beginning},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::ONE_OF,
        source::Span,
    },
    check::scene::Scene,
    connection::program::ProgramSettings,
    template::Datum,
};

/// The connection does not list this beginning.
pub static NOT_ALLOWED: Code = Code {
    id: "E0371",
    title: "a command that the connection does not allow",
    explain: "The project file says for each program how its argument lists may begin: under `looks` with what only looks, under `changes` with what \
        changes something. The first arguments of a step must be literal words that are listed there; expressions may only come \
        behind them. So a value can never choose what the program does.\n\n\
        ```yaml\n\
        connections:\n\
        \x20 kube: { command: { program: kubectl, looks: [[get], [rollout, status]], changes: [[set, env]] } }\n\
        ```",
};
/// A preview of something that changes nothing.
pub static ODD_PREVIEW: Code = Code {
    id: "E0372",
    title: "a preview where nothing changes",
    explain: "`preview:` is what a dry-run starts in place of `change:`, so that the program itself says what it would do. A `look:` is \
        really started in a dry-run and needs none. The arguments of `preview:` must differ from those of `change:`: the same would do it.",
};
/// An odd code without a reason.
pub static ODD_CODE: Code = Code {
    id: "W0031",
    title: "an odd exit code that is accepted without a reason",
    explain: "`accept:` makes an exit code good that usually means a failure. Say why, so that the next reader need not guess: \
        `accept: [0, { code: 1, because: \"grep found nothing\" }]`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_ALLOWED, &ODD_PREVIEW, &ODD_CODE];

/// Looks at every command.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Command(command) = &visit.step.act else { continue };
        let Some((arguments, change)) = command.arguments() else {
            problems.push(
                Diagnostic::error(&ONE_OF, visit.step.act_at, "a command has exactly one list of arguments")
                    .help("write `look: [get, …]` for what only looks, or `change: [set, …]`"),
            );
            continue;
        };
        for accept in command.accept.iter().filter(|a| a.because.is_none() && a.code != 0) {
            problems.push(
                Diagnostic::warning(&ODD_CODE, accept.at, format!("exit code {} is accepted without a reason", accept.code))
                    .help(format!("write `{{ code: {}, because: \"…\" }}`", accept.code)),
            );
        }
        preview(command, change, problems);
        let Some(settings) = scene.connection(command.program.as_str()).and_then(|c| c.command.as_ref()) else { continue };
        listed(settings, command, arguments, &[change], visit.step.act_at, problems);
        if !command.preview.is_empty() {
            listed(settings, command, &command.preview, &[false, true], visit.step.act_at, problems);
        }
    }
}

fn preview(command: &CommandSpec, change: bool, problems: &mut Diagnostics) {
    let Some(first) = command.preview.first() else { return };
    if !change {
        problems.push(
            Diagnostic::error(&ODD_PREVIEW, first.span(), "`look:` is really started in a dry-run").help("take `preview:` out"),
        );
    } else if texts(&command.preview) == texts(&command.change) {
        problems.push(
            Diagnostic::error(&ODD_PREVIEW, first.span(), "this would do in a dry-run what the step does")
                .help("add the option with which the program only says what it would do, such as `--dry-run=server`"),
        );
    }
}

fn texts(arguments: &[Datum]) -> Vec<String> {
    arguments.iter().flat_map(|datum| datum.tree.texts()).map(|text| text.scalar().text.to_string()).collect()
}

fn listed(
    settings: &ProgramSettings,
    command: &CommandSpec,
    arguments: &[Datum],
    kinds: &[bool],
    at: Span,
    problems: &mut Diagnostics,
) {
    let words = beginning(arguments);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if kinds.iter().any(|change| settings.allowed(&words, *change).is_some()) {
        return;
    }
    let name = command.program.as_str();
    let span = arguments.first().map_or(at, Datum::span);
    let change = kinds.contains(&true);
    let deed = if change { "change" } else { "look" };
    let known: Vec<String> = kinds.iter().flat_map(|change| settings.beginnings(*change)).collect();
    let shown = words.iter().take(3).copied().collect::<Vec<_>>().join(" ");
    let message = if words.is_empty() {
        format!("the first argument is computed, and `{name}` allows only listed words there")
    } else {
        format!("`{name}` does not allow a {deed} that begins with `{shown}`")
    };
    let mut problem = Diagnostic::error(&NOT_ALLOWED, span, message);
    if known.is_empty() {
        let list = if change { "changes" } else { "looks" };
        problem = problem.help(format!("the connection lists nothing under `{list}`"));
    } else {
        problem = problem.suggest(&shown, known.iter().map(String::as_str));
    }
    if !change && settings.allowed(&words, true).is_some() {
        problem = problem.help(format!("`{shown}` is listed under `changes`: write it under `change:`"));
    }
    problems.push(problem);
}
