//! Names that can be typed: playbooks, parameters, connections, environments, people. For completions in a shell: what cannot be
//! read has no names, and nobody is told so in the middle of a line.

use super::{Surroundings, playbook, project::Opened};
use crate::{
    playbook::{error_table::SUFFIX, params::Param},
    table::facts::Facts,
};

/// Of all playbooks below the folder.
pub fn playbooks(opened: &Opened) -> Vec<String> {
    playbook::all(&opened.playbooks()).iter().filter_map(|path| playbook::name_of(path, opened)).collect()
}

/// Of shared errors tables.
pub fn tables_of_errors(opened: &Opened) -> Vec<String> {
    let folder = opened.playbooks();
    let named = playbook::all_tables(&folder);
    let below = named.iter().filter_map(|path| path.strip_prefix(&folder).ok());
    below.map(|path| path.to_string_lossy().trim_end_matches(SUFFIX).to_owned()).collect()
}

/// `environments` of the project file.
pub fn environments(opened: &Opened) -> Vec<String> {
    opened.project.environments.names().map(str::to_owned).collect()
}

/// `connections` of the project file.
pub fn connections(opened: &Opened) -> Vec<String> {
    opened.project.connections.names().map(str::to_owned).collect()
}

/// The declared tables of a connection.
pub fn tables(opened: &Opened, connection: &str) -> Vec<String> {
    let settings = opened.project.connections.get(connection);
    settings.into_iter().flat_map(|settings| settings.tables.names()).map(str::to_owned).collect()
}

/// `people` of the project file.
pub fn people(opened: &Opened) -> Vec<String> {
    opened.project.people.names().map(str::to_owned).collect()
}

/// The parameters of a playbook, each with the values of which it takes one.
pub fn params(surroundings: &Surroundings, opened: &Opened, name: &str) -> Vec<(String, Vec<String>)> {
    let Ok(loaded) = playbook::load(surroundings, opened, name) else { return Vec::new() };
    let params = &loaded.checked.playbook().params;
    params.iter().map(|(name, param)| (name.to_owned(), values(param, opened))).collect()
}

fn values(param: &Param, opened: &Opened) -> Vec<String> {
    if param.kind.as_str() == "bool" {
        return ["true", "false"].map(str::to_owned).to_vec();
    }
    if !param.values.is_empty() {
        return param.values.iter().map(|word| word.as_str().to_owned()).collect();
    }
    // `register.trainees.training_route`: the names of an enum column.
    let parts: Vec<&str> = param.kind.as_str().split('.').collect();
    let [connection, table, column] = parts.as_slice() else { return Vec::new() };
    let facts = opened.project.connections.get(connection).and_then(|settings| settings.tables.get(table));
    facts
        .and_then(|facts: &Facts| facts.enums.get(column))
        .map_or_else(Vec::new, |names| names.names().map(str::to_owned).collect())
}
