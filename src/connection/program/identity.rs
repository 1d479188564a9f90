//! Which system stands behind a program, as a plan and a run keep it: short hashes of what only this process's surroundings say.
//!
//! A run carries its project file, so what stands there in plain text needs no keeping. A reference may lead elsewhere tomorrow, in
//! another shell or on another machine, and so may a name that is looked up in `PATH`.

use super::{Program, ProgramSettings, quoted};
use crate::connection::standing::short_hash;
use std::collections::HashMap;

/// Begins the text.
const KIND: &str = "program";

/// `program 4be0…-77a1… 09cc…-13d2…`: a pair for each thing that says which system it is, its name and its value. Names are hashed too:
/// a text that holds a secret is sealed where it is kept, and would come back as something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pairs: Vec<Pair>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    /// The variable; nothing for the program itself.
    variable: Option<String>,
    name: String,
    value: String,
}

impl Identity {
    /// Nothing where the project file says it all.
    pub(super) fn of(program: &Program) -> Option<Identity> {
        let settings = &program.settings;
        let by_name = !settings.program.as_str().starts_with('/');
        let itself = by_name.then(|| Pair::of(None, &program.path.to_string_lossy()));
        let said = program.variables.iter().filter(|(name, _)| settings.says_where(name));
        let said = said.map(|(name, value)| Pair::of(Some(name), value.reveal()));
        let pairs: Vec<Pair> = itself.into_iter().chain(said).collect();
        let words = pairs.iter().map(|pair| format!(" {}-{}", pair.name, pair.value));
        let text = words.fold(KIND.to_owned(), |text, word| text + &word);
        (!pairs.is_empty()).then_some(Identity { pairs, text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is not as it was when `then` was kept, where it still counts, and what to do about it.
    pub(super) fn unlike(&self, then: &str, today: &ProgramSettings, program: &Program) -> Option<Vec<String>> {
        let words = then.strip_prefix(KIND).unwrap_or_default().split(' ');
        let kept: HashMap<&str, &str> = words.filter_map(|word| word.split_once('-')).collect();
        let differs = |pair: &&Pair| kept.get(&*pair.name).is_some_and(|value| *value != pair.value);
        let counts = |pair: &&Pair| pair.variable.as_ref().is_none_or(|name| !today.is_credential(name));
        let pair = self.pairs.iter().filter(differs).find(counts)?;
        Some(match &pair.variable {
            Some(name) => {
                let from = program.settings.reference(name).map_or_else(String::new, |from| format!(", from {from},"));
                vec![
                    format!("its variable `{name}`{from} is not what it was: give it the value of then"),
                    "a variable that says who asks, and not where, belongs under `credentials:` of the connection"
                        .into(),
                ]
            }
            None => {
                let (name, path) = (program.settings.program.as_str(), program.path.to_string_lossy());
                let what = format!("`{name}` is {} here, and was found in another place then", quoted(&path));
                vec![format!("{what}: set `PATH` as it was, or put a link there")]
            }
        })
    }
}

impl Pair {
    fn of(variable: Option<&str>, value: &str) -> Pair {
        let kind = format!("program {}", variable.unwrap_or_default());
        let name = short_hash("program's part", variable.unwrap_or_default());
        Pair { variable: variable.map(str::to_owned), name: name[..8].to_owned(), value: short_hash(&kind, value) }
    }
}
