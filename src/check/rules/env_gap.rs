//! Values of the environment that only some environments have.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{mentions::Meaning, scene::Scene},
};

/// Missing in some environments.
pub static ENV_GAP: Code = Code {
    id: "W0005",
    title: "a value that some environments do not have",
    explain: "`env.x` is taken from the `vars` of the environment in which the playbook runs. In the named environments there is no such \
        value, so the playbook cannot run there. Add it to them, or leave it if the playbook is not meant for them.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ENV_GAP];

/// Looks at every `env.…`.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in scene.mentions.iter().filter(|m| m.meaning == Meaning::Env) {
        let Some(name) = mention.attribute() else { continue };
        let without: Vec<&str> =
            scene.project.environments.iter().filter(|(_, e)| e.vars.get(name).is_none()).map(|(n, _)| n).collect();
        if !without.is_empty() && without.len() < scene.project.environments.entries.len() {
            let list = crate::base::suggest::list(&without);
            problems.push(
                Diagnostic::warning(&ENV_GAP, mention.part(scene, 1), format!("`env.{name}` does not exist in {list}"))
                    .help(format!("add `{name}: …` to the `vars` of {list} in the project file")),
            );
        }
    }
}
