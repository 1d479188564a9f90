//! Secret parameters of a run that exists: kept nowhere, but for a fingerprint by which the same value is known when somebody gives it again.

use super::{Failure, Surroundings};
use crate::{
    base::{
        identity::RunId,
        seal::Sealer,
        suggest,
        value::{Map, Marks, Value},
    },
    engine::state::RunState,
    journal::payload::RunCreated,
    playbook::{
        model::Playbook,
        params::{self, Refused},
        project::Project,
    },
};
use std::sync::Arc;

fn is_secret(value: &Value) -> bool {
    value.all_marks().has(Marks::SECRET)
}

/// What a run keeps of its secret parameters: name → 64 hexadecimal digits. Nothing where it has none, or without a key.
pub(super) fn fingerprints(sealer: &Sealer, params: &Map) -> Option<Value> {
    let secret = params.iter().filter(|(_, value)| is_secret(value) && !value.is_null());
    let prints = secret.filter_map(|(name, value)| Some((name.clone(), Value::text(sealer.fingerprint(value).ok()?))));
    let prints: Map = prints.collect();
    (!prints.is_empty()).then(|| Value::from(prints))
}

/// The parameters of a run, with the secret ones that were given again: the values that it was begun with, and no others.
pub(super) fn params(
    surroundings: &Surroundings,
    sealer: &Sealer,
    playbook: &Playbook,
    project: &Project,
    run: RunId,
    created: &RunCreated,
) -> Result<Map, Failure> {
    let mut all = created.params.clone();
    for (name, given) in &surroundings.given_again {
        let short = run.short();
        let Some(param) = playbook.params.get(name) else {
            let failure = Failure::usage(format!("the playbook of run {short} has no parameter `{name}`"));
            return Err(match suggest::help(name, playbook.params.names()) {
                Some(help) => failure.help(help),
                None => failure,
            });
        };
        if !param.marks().has(Marks::SECRET) {
            return Err(Failure::usage(format!(
                "`{name}` cannot be given again: it is no secret, so run {short} knows it"
            ))
            .help("leave it out; with other parameters plan a new run"));
        }
        let refused = |(message, help)| Failure::usage(Refused { param: name.clone(), message, help }.line());
        let value = params::one(param, given, project).map_err(refused)?;
        let value = value.marked(param.marks());
        let known = created
            .secrets
            .as_ref()
            .and_then(|prints| prints.get(name))
            .and_then(|print| print.as_str().map(str::to_owned));
        let Some(known) = known else {
            return Err(Failure::usage(format!("run {short} does not know which `{name}` it was begun with"))
                .help("an older version began it, or it was given none; end it, and plan a new run with the value"));
        };
        let print = sealer.fingerprint(&value).map_err(|why| Failure::usage(format!("failed to {why}")))?;
        if print != known {
            return Err(Failure::usage(format!("this is not the `{name}` with which run {short} was begun"))
                .help("give the same value again; with another one plan a new run"));
        }
        all.insert(name.as_str().into(), value);
    }
    Ok(all)
}

/// What is said of a run that was gone on with and did not end well, where somebody did not give all of its secrets again: it does what needs none of them.
pub fn without(surroundings: &Surroundings, run: RunId, state: &RunState) -> Option<String> {
    let secrets = state.created.as_ref()?.secrets.as_ref()?.as_map()?;
    let given = |name: &str| surroundings.given_again.iter().any(|(given, _)| given == name);
    let missing: Vec<&Arc<str>> = secrets.keys().filter(|name| !given(name)).collect();
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let options = missing.iter().map(|name| format!(" --param-from-env {name}=VARIABLE")).collect::<String>();
    (!missing.is_empty()).then(|| format!(
        "run {short} went on without {names}: secrets are kept nowhere. What needs them can be done by `trueup retry {short}{options} --reason …`",
        short = run.short()
    ))
}
