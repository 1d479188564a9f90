//! Connections: what each one is.

use crate::{
    base::{
        diagnostic::{Code, Diagnostics},
        shape::ONE_OF,
    },
    check::knowledge::Knowledge,
    playbook::project::Project,
};

/// All codes of this file; the connection itself knows what is wrong with it.
pub static CODES: &[&Code] = &[&ONE_OF];

/// Looks at every connection.
pub fn look(project: &Project, _: &Knowledge, problems: &mut Diagnostics) {
    for (name, connection) in project.connections.iter() {
        connection.problems(name).into_iter().for_each(|problem| problems.push(problem));
    }
}
