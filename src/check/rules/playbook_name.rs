//! The name of a playbook: well formed, and the one that its path says.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::Scene,
};

/// The name is not the path's, or not well formed.
pub static PLAYBOOK_NAME: Code = Code {
    id: "E0231",
    title: "a playbook whose name is not its place",
    explain: "A playbook is found by its name, in runs, schedules and other playbooks. So that nobody has to search, the name equals \
        the path below the playbook folder, without `.yaml`: `playbooks/register/correct-award.yaml` has the name \
        `register/correct-award`. Names consist of small letters, digits, `-` and `_`, with `/` between folders.\n\n\
        Rename the file, or write the name that the message gives.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&PLAYBOOK_NAME];

/// Compares name and place.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let name = &scene.playbook.name;
    match &scene.knowledge.name {
        Some(place) if place != name.as_str() => problems.push(
            Diagnostic::error(
                &PLAYBOOK_NAME,
                name.span,
                format!("the file's place says `{place}`, the name says `{}`", name.as_str()),
            )
            .help(format!("write `name: {place}`, or move the file")),
        ),
        Some(_) => {}
        None if !well_formed(name.as_str()) => problems.push(
            Diagnostic::error(
                &PLAYBOOK_NAME,
                name.span,
                format!("`{}` cannot be the name of a playbook", name.as_str()),
            )
            .help("use small letters, digits, `-` and `_`, with `/` between folders: `register/correct-award`"),
        ),
        None => {}
    }
}

fn well_formed(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.split('/').all(|part| !part.is_empty() && part.chars().all(good))
}
