//! `trueup explain`, `trueup schema`, `trueup completions`

use super::{
    arguments::{Arguments, Completions, Explain, Schema, SchemaOf},
    complete,
    output::Output,
};
use crate::{
    ops::Failure,
    playbook::schema as schemas,
    report::{exit::Exit, explain as explained},
};
use clap::CommandFactory;

pub fn explain(given: &Explain, output: &Output) -> Result<Exit, Failure> {
    match explained::explain(&given.topic, &[("test", crate::trial::schema())], output.columns(explained::WIDTH)) {
        Ok(text) => {
            output.data(&if given.json { explained::json(&given.topic, &text) } else { text });
            Ok(Exit::Done)
        }
        Err(help) => Err(Failure::usage(format!("there is nothing to explain under `{}`", given.topic)).help(help)),
    }
}

pub fn schema(given: &Schema, output: &Output) -> Result<Exit, Failure> {
    let schema = match given.file {
        SchemaOf::Playbook => schemas::playbook(),
        SchemaOf::Project => schemas::project(),
        SchemaOf::Test => crate::trial::schema(),
        SchemaOf::Errors => schemas::errors(),
    };
    output.data(&format!("{schema:#}\n"));
    Ok(Exit::Done)
}

pub fn completions(given: &Completions, output: &Output) -> Result<Exit, Failure> {
    if let Some(script) = complete::script(given.shell) {
        output.data(script);
        return Ok(Exit::Done);
    }
    let mut text = Vec::new();
    clap_complete::generate(given.shell, &mut Arguments::command(), "trueup", &mut text);
    output.data(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
