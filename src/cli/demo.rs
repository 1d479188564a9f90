//! `trueup demo`: the main job on a sandbox, with the real commands, each shown as one would type it.

use super::{
    arguments::{Arguments, Demo},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings},
    report::exit::Exit,
};
use clap::Parser;
use std::path::Path;

const SLUG: &str = "slug=7xKqRmT2pZ9sVbN4wYcD6fGh";
const REGRET: &str = "Zendesk 4712: the award was right after all";
const REASON: &str = "Zendesk 4711: recommended for award by mistake";

pub async fn run(given: &Demo, surroundings: &Surroundings, output: &Output) -> Result<Exit, Failure> {
    ops::sandbox::build(surroundings, &ops::sandbox::REGISTER, &given.folder, "trueup demo").await?;
    let folder = given.folder.clone();
    let demo = Walk { folder: &folder, surroundings, output };
    output.data(&format!(
        "A sandbox of the service \"Register trainee teachers\" is in {}: SQLite databases with\ninvented people, playbooks, and mocks of the systems around it. One trainee was\nrecommended for award by mistake. Let us take that back.\n",
        folder.display()
    ));
    demo.step("Is everything that was written sound?", &["check"]).await?;
    demo.step("What would happen? It is really tried out, and rolled back.", &["plan", "register/correct-award", SLUG])
        .await?;
    demo.step(
        "Do it. The playbook asks a person first, and the run waits for the answer.",
        &["apply", "register/correct-award", SLUG, "--reason", REASON, "--actor", "anna", "--yes"],
    )
    .await?;
    let opened = ops::project::open(surroundings, Some(&surroundings.folder.join(&folder)))?;
    let record = ops::record::open(surroundings, &opened).await?;
    let waiting = ops::history::inbox(&record, surroundings.world.now()).await?;
    let Some(run) = waiting.questions.last().map(|w| w.run.short()) else {
        return Err(Failure::usage("the demo's run does not wait for an answer as it should"));
    };
    drop(record);
    demo.step(
        "Days later, DQT has answered. The run goes on where it stood, and verifies.",
        &["answer", &run, "dqt_agreed", "--set", "ticket=DQT-20713", "--actor", "anna"],
    )
    .await?;
    demo.step("What was done, by whom, and why?", &["show", &run]).await?;
    demo.step("And once more? There is nothing left to do.", &["plan", "register/correct-award", SLUG]).await?;
    demo.step(
        "And if that was wrong? A run can be taken back; what somebody changed since is left alone.",
        &["undo", &run, "--reason", REGRET, "--actor", "anna", "--yes"],
    )
    .await?;
    output.data(&format!(
        "\nTry next:\n  trueup --project {0} plan register/change-training-route \\\n    slug=… route=school_direct_salaried\n  trueup --project {0} explain row\n  edit {0}/playbooks/register/correct-award.yaml, make a mistake, and run\n  trueup --project {0} check\n",
        folder.display()
    ));
    Ok(Exit::Done)
}

struct Walk<'a> {
    folder: &'a Path,
    surroundings: &'a Surroundings,
    output: &'a Output,
}

impl Walk<'_> {
    /// Shows and runs one command. Its exit code is part of what is shown.
    async fn step(&self, why: &str, words: &[&str]) -> Result<(), Failure> {
        let (bold, dim) = (anstyle::Style::new().bold(), anstyle::Style::new().dimmed());
        let typed: Vec<String> =
            words.iter().map(|w| if w.contains(' ') { format!("\"{w}\"") } else { (*w).to_owned() }).collect();
        let (project, folder) = (String::from("--project"), self.folder.display().to_string());
        self.output
            .data(&format!("\n{bold}{why}{bold:#}\n{dim}$ trueup --project {folder} {}{dim:#}\n\n", typed.join(" ")));
        let line = ["trueup".to_owned(), project, folder].into_iter().chain(words.iter().map(|w| (*w).to_owned()));
        let arguments = Arguments::try_parse_from(line).map_err(|e| Failure::usage(e.to_string()))?;
        match Box::pin(super::run(&arguments, self.surroundings, self.output)).await {
            Exit::Done | Exit::Stopped => Ok(()),
            other => Err(Failure::usage(format!("the demo's command ended with {}", other.code()))),
        }
    }
}
