//! Names that the author gives (steps, params, vars, parts of an answer): usable in expressions, not taken, each once.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
    },
    check::{
        mentions::{GRAMMAR, RESERVED},
        scene::Scene,
    },
};
use std::collections::HashMap;

/// Two steps with one name.
pub static DUPLICATE: Code = Code {
    id: "E0232",
    title: "two steps with the same name",
    explain: "The `id` of a step is the name of its result, and of the step itself in plans, journals and `retry --from`. Two steps \
        with one name could not be told apart, not even in different sections. Give one of them another name.",
};
/// A name that cannot be used.
pub static BAD_NAME: Code = Code {
    id: "E0233",
    title: "a name that cannot be used",
    explain: "Names of steps, params, vars and parts of an answer are used in expressions, so they consist of small letters, digits and \
        `_` and begin with a letter: `dqt_before`, not `dqt-before` (an expression would read that as a subtraction). \
        `params`, `vars`, `env`, `run`, `item`, `self`, `error` and `now` are taken by the language, and words such as `and`, \
        `not` or `in` by the grammar of expressions.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&DUPLICATE, &BAD_NAME];

/// Looks at every name.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Word> = HashMap::new();
    for visit in &scene.visits {
        if let Some(word) = &visit.step.common.id {
            name(word, true, problems);
            match seen.get(word.as_str()) {
                Some(first) => problems.push(
                    Diagnostic::error(
                        &DUPLICATE,
                        word.span,
                        format!("another step is called `{}` already", word.as_str()),
                    )
                    .label(first.span, "this one")
                    .help("give one of the two another `id`"),
                ),
                None => {
                    seen.insert(word.as_str(), word);
                }
            }
        }
        if let Act::Ask(ask) = &visit.step.act {
            ask.answer.entries.iter().for_each(|(word, _)| name(word, false, problems));
        }
    }
    scene.playbook.params.entries.iter().for_each(|(word, _)| name(word, false, problems));
    scene.playbook.vars.entries.iter().for_each(|(word, _)| name(word, false, problems));
}

fn name(word: &Word, stands_alone: bool, problems: &mut Diagnostics) {
    let text = word.as_str();
    if stands_alone && RESERVED.contains(&text) {
        problems.push(
            Diagnostic::error(&BAD_NAME, word.span, format!("`{text}` is taken by the language"))
                .help(format!("choose another name, such as `the_{text}`")),
        );
    } else if stands_alone && GRAMMAR.contains(&text) {
        problems.push(
            Diagnostic::error(&BAD_NAME, word.span, format!("`{text}` is a word of the grammar of expressions"))
                .help("choose another name"),
        );
    } else if !well_formed(text) {
        let better: String =
            text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut problem =
            Diagnostic::error(&BAD_NAME, word.span, format!("`{text}` cannot be used as a name in expressions"));
        problem = if well_formed(&better) {
            problem.help(format!("write `{better}`"))
        } else {
            problem.help("use small letters, digits and `_`, a letter first")
        };
        problems.push(problem);
    }
}

fn well_formed(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
