//! `trueup graph`

use super::{arguments::Graph, doc::deliver, output::Output};
use crate::{
    ops::{self, Failure, Surroundings},
    report::{exit::Exit, graph},
};
use std::path::Path;

pub fn run(
    given: &Graph,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::playbook::load(surroundings, &opened, &given.playbook)?;
    let flow = graph::of(&loaded.checked);
    let text = if given.svg { graph::svg(&flow) } else { graph::mermaid(&flow) };
    deliver(&text, given.out.as_deref(), surroundings, output)
}
