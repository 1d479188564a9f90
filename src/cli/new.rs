//! `trueup new`

use super::{
    arguments::{New, RiskOf},
    output::Output,
};
use crate::{
    ops::{self, Failure, Surroundings, new::Looked, project::Opened},
    playbook::draft::Wish,
    report::exit::Exit,
    trial::report,
};
use std::{
    io::{BufRead, IsTerminal},
    path::Path,
};

pub async fn run(
    given: &New,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    ops::new::free(surroundings, &opened, &given.name)?;
    let asker = Asker { asks: !given.no_input && std::io::stdin().is_terminal(), output };
    let table = match &given.table {
        Some(table) => table.clone(),
        None => asker.one_of("Which table does it change?", &ops::new::tables(&opened), "--table")?,
    };
    let looked = ops::new::look(surroundings, &opened, given.env.as_deref(), &table).await?;
    let wish = wish(given, &opened, &looked, &asker)?;
    let written = ops::new::write(surroundings, &opened, &looked, &wish).await?;
    output.data(&format!("wrote {}\nwrote {}\n", written.playbook, written.test));
    if let Some(tables) = &written.tables {
        output.data(&format!("wrote {tables}, the tables on which tests run\n"));
    }
    output.data(&format!("\n{}", report::file(&written.report, output.look())));
    if !written.report.is_good() {
        output.note(
            "\nThe test is not green yet: most often a row that the table needs beside the one that is changed.\nAdd it under `given:` in the test file.\n",
        );
        return Ok(Exit::Failed);
    }
    output.data(&format!(
        "\nNext: say in the description when this is the right procedure, then\n  trueup check {0}\n  trueup test {1}\n  trueup plan {2} …\n",
        written.playbook, written.test, wish.name
    ));
    Ok(Exit::Done)
}

fn wish(given: &New, opened: &Opened, looked: &Looked, asker: &Asker<'_>) -> Result<Wish, Failure> {
    let by = match &given.by {
        Some(by) => Some(by.clone()),
        None if asker.asks => {
            Some(asker.one_of("By which column does a person name the row?", &looked.names(opened), "--by")?)
        }
        None => None,
    };
    let by = looked.by(opened, by.as_deref())?;
    let mut set = given.set.clone();
    if set.is_empty() && asker.asks {
        let possible = looked.changeable(opened);
        set.push(asker.one_of("Which column does it change?", &possible, "--set")?);
    }
    looked.settable(opened, &set)?;
    let usual = format!("Change the {} of a row of {}", set.join(" and ").replace('_', " "), looked.table.table);
    let title = match &given.title {
        Some(title) => title.clone(),
        None => asker.text("What does it do, in one line?", &usual)?,
    };
    let people: Vec<String> = opened.project.people.names().map(str::to_owned).collect();
    let owner = match (&given.owner, people.as_slice()) {
        (Some(owner), _) => Some(owner.clone()),
        (None, []) => None,
        (None, [only]) => Some(only.clone()),
        (None, [first, ..]) if !asker.asks => Some(first.clone()),
        (None, people) => Some(asker.one_of("Who looks after it?", people, "--owner")?),
    };
    let risk = match given.risk {
        Some(RiskOf::Low) => "low",
        Some(RiskOf::High) => "high",
        Some(RiskOf::Medium) => "medium",
        None if asker.asks => {
            let words = ["medium", "low", "high"].map(str::to_owned);
            match asker.one_of("How much harm does a mistake do?", &words, "--risk")?.as_str() {
                "low" => "low",
                "high" => "high",
                _ => "medium",
            }
        }
        None => "medium",
    };
    Ok(Wish {
        name: given.name.clone(),
        title,
        connection: looked.table.connection.to_string(),
        table: looked.table.table.to_string(),
        by,
        set,
        owner,
        risk,
        environment: opened.project.environments.get(&looked.environment).map(|_| looked.environment.clone()),
        schema: None,
    })
}

/// Asks the person at the terminal; says what to give where nobody sits there.
struct Asker<'a> {
    asks: bool,
    output: &'a Output,
}

/// So many wrong answers, and one has to begin again.
const TRIES: usize = 3;

impl Asker<'_> {
    /// One of these words, by itself or by its number. The first is taken for an empty line.
    fn one_of(&self, question: &str, words: &[String], flag: &str) -> Result<String, Failure> {
        let Some(first) = words.first() else {
            return Err(Failure::usage(format!("nothing can be chosen for `{flag}`"))
                .help("the project file declares none: `trueup connection inspect NAME` prints facts to add"));
        };
        if !self.asks {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let failure = Failure::usage(format!("`{flag}` is missing"));
            return Err(match crate::base::suggest::help("", words) {
                Some(help) => failure.help(help),
                None => failure,
            });
        }
        self.output.note(&format!("{question}\n"));
        for (index, word) in words.iter().enumerate() {
            self.output.note(&format!("  {}  {word}\n", index + 1));
        }
        for _ in 0..TRIES {
            self.output.note(&format!("[{first}] "));
            let line = self.line()?;
            let numbered = line.parse::<usize>().ok().and_then(|n| words.get(n.checked_sub(1)?));
            match numbered.or_else(|| words.iter().find(|word| **word == line)) {
                Some(word) => return Ok(word.clone()),
                None if line.is_empty() => return Ok(first.clone()),
                None => {
                    let help = crate::base::suggest::help(&line, words.iter().map(String::as_str)).unwrap_or_default();
                    self.output.note(&format!("`{line}` is none of these; {help}\n"));
                }
            }
        }
        Err(Failure::usage(format!("no answer to: {question}")).help(format!("give it as `{flag}`")))
    }

    /// A line of text; the usual one for an empty line, or where nobody is asked.
    fn text(&self, question: &str, usual: &str) -> Result<String, Failure> {
        if !self.asks {
            return Ok(usual.to_owned());
        }
        self.output.note(&format!("{question}\n[{usual}] "));
        Ok(Some(self.line()?).filter(|line| !line.is_empty()).unwrap_or_else(|| usual.to_owned()))
    }

    fn line(&self) -> Result<String, Failure> {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        match read {
            Ok(1..) => Ok(line.trim().to_owned()),
            Ok(0) => Err(Failure::usage("the answers ended; nothing was written")),
            Err(error) => Err(Failure::usage(format!("the answer cannot be read: {error}"))),
        }
    }
}
