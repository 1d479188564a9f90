//! Parameters that nothing uses.

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        suggest,
    },
    check::{
        mentions::{Meaning, Mention},
        scene::Scene,
    },
};
use std::collections::{HashMap, HashSet};

/// Nothing uses it.
pub static UNUSED_PARAM: Code = Code {
    id: "E0601",
    title: "a parameter that nothing uses",
    explain: "The person who runs the playbook is asked for this value, and it changes nothing. That is an error, because most often the \
        playbook was meant to use it: a filter that was forgotten makes a change too wide. Use it as `params.NAME`, or take it out.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNUSED_PARAM];

/// Compares what is declared with what is mentioned.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let mentions = || scene.mentions.iter().filter(|m| m.meaning == Meaning::Params);
    // `params` as a whole (in a body, say) uses all of them.
    if mentions().any(|m| m.attribute().is_none()) {
        return;
    }
    let used: HashSet<&str> = mentions().filter_map(Mention::attribute).collect();
    let words = if scene.named.is_empty() { None } else { Some(Words::of(scene.source.text())) };
    let idle = |name: &str| {
        let meant = || scene.mentions.iter().any(|mention| is_meant(scene, mention, name));
        !used.contains(name) && words.as_ref().is_none_or(|words| words.are_without(name)) && !meant()
    };
    for (word, _) in scene.playbook.params.entries.iter().filter(|(word, _)| idle(word.as_str())) {
        problems.push(
            Diagnostic::error(&UNUSED_PARAM, word.span, format!("nothing uses the parameter `{}`", word.as_str()))
                .help(format!("use it as `{{{{ params.{} }}}}`, or take it out", word.as_str())),
        );
    }
}

/// A misspelt use of it, which is reported as such: `params.slg`, `parms.slug`, `slug`.
fn is_meant(scene: &Scene<'_>, mention: &Mention<'_>, name: &str) -> bool {
    match mention.meaning {
        Meaning::Params => {
            mention.attribute().is_some_and(|other| scene.playbook.params.get(other).is_none() && is_like(other, name))
        }
        _ => is_near(mention, name),
    }
}

/// Nothing has the name that is used, and this one is nearly the same.
pub(super) fn is_near(mention: &Mention<'_>, name: &str) -> bool {
    let words = [Some(mention.usage.path.root()), mention.attribute()];
    mention.meaning == Meaning::Nothing && words.into_iter().flatten().any(|word| is_like(word, name))
}

/// The two are the same, or one is the other misspelt.
pub(super) fn is_like(word: &str, name: &str) -> bool {
    word == name || suggest::nearest(word, [name]).is_some()
}

/// The words of a text of which a part could not be read.
struct Words<'a> {
    count: HashMap<&'a str, usize>,
    /// `params` stands somewhere by itself and means all of them.
    all: bool,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Words<'a> {
        let (mut count, mut all) = (HashMap::new(), false);
        let mut rest = text;
        while let Some(start) = rest.find(is_of_word) {
            rest = &rest[start..];
            let (word, after) = rest.split_at(rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()));
            *count.entry(word).or_insert(0) += 1;
            all |= word == "params" && !after.starts_with(['.', ':']);
            rest = after;
        }
        Words { count, all }
    }

    /// Nothing but the declaration has this name.
    fn are_without(&self, name: &str) -> bool {
        !self.all && self.count.get(name).is_none_or(|count| *count <= 1)
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
