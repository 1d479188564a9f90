//! Patterns, defaults and examples of parameters: each must be good by the parameter's own rules.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{Placed, Word},
        value::Value,
    },
    check::scene::Scene,
    playbook::params::{self, Param},
};

/// The pattern cannot be read.
pub static BAD_PATTERN: Code = Code {
    id: "E0604",
    title: "a pattern that cannot be read",
    explain: "Patterns are regular expressions as in Rust's `regex` crate: no look-ahead and no back references, so that matching always \
        ends quickly. The whole text must match; `^` and `$` may be left out.",
};
/// A value that its own rules refuse.
pub static OWN_VALUE: Code = Code {
    id: "E0605",
    title: "a default or example that its own parameter refuses",
    explain: "A `default`, `example` or bound (`min`, `max`) is checked like a value that a person gives. This one breaks the parameter's \
        type, pattern or bounds, so either it or the rule is wrong.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&BAD_PATTERN, &OWN_VALUE];

/// Looks at every parameter.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (name, param) in scene.playbook.params.iter() {
        if !param.pattern.iter().all(|word| pattern(word, problems)) {
            continue;
        }
        // Of an unknown type, which is reported, nothing can be told.
        if !param.has_type(scene.project) {
            continue;
        }
        if let Some(default) = param.default.as_ref().filter(|value| !value.is_null()) {
            judge(scene, name, param, default, "default", problems);
        }
        for example in param.example.iter().chain(&param.examples) {
            judge(scene, name, param, example, "example", problems);
        }
    }
    for visit in &scene.visits {
        if let Act::Ask(ask) = &visit.step.act {
            ask.answer.iter().filter_map(|(_, field)| field.pattern.as_ref()).for_each(|word| {
                pattern(word, problems);
            });
        }
    }
}

fn pattern(word: &Word, problems: &mut Diagnostics) -> bool {
    let Err(error) = regex::Regex::new(word.as_str()) else { return true };
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
    problems.push(Diagnostic::error(&BAD_PATTERN, word.span, format!("the pattern cannot be read: {reason}")));
    false
}

fn judge(scene: &Scene<'_>, name: &str, param: &Param, value: &Placed<Value>, what: &str, problems: &mut Diagnostics) {
    if let Err((message, help)) = params::one(param, value, scene.project) {
        let problem = Diagnostic::error(&OWN_VALUE, value.at, format!("the {what} of `{name}` is refused: {message}"));
        // "A good one looks like" the example: no help where the example itself is in question.
        problems.push(help.into_iter().filter(|help| !help.starts_with("a good one")).fold(problem, Diagnostic::help));
    }
}
