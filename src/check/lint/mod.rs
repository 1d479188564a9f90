//! What a good reviewer says about a playbook that is right: one file a rule, as in `check/rules`.
//!
//! Advice, never an error, and only for a playbook without errors. Whoever knows better writes `# lint: W0059` with the reason
//! into a comment behind the line, or above it.

mod head;
mod hidden_value;
mod mute_check;
mod params;
mod plain_name;
mod retry_together;
mod unnamed_row;
mod untested;
mod untitled;
mod unverified;
mod wide_touches;

use super::{
    checked::Checked,
    knowledge::Knowledge,
    scene::{Others, Scene},
};
use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Source,
    },
    playbook::called::Called,
};
use std::collections::HashSet;

/// What is known of the folder around a playbook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around {
    /// A test file stands beside it; nothing where nobody looked.
    pub tested: Option<bool>,
}

/// One rule.
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    /// What it can find.
    pub codes: &'static [&'static Code],
    look: fn(&Scene<'_>, Around, &mut Diagnostics),
}

macro_rules! rules {
    ($($name:ident)*) => {
        /// Every rule.
        pub static RULES: &[Rule] =
            &[$(Rule { name: stringify!($name), codes: $name::CODES, look: $name::look },)*];
    };
}

rules! {
    head
    params
    untested
    unverified
    wide_touches
    hidden_value
    retry_together
    mute_check
    plain_name
    untitled
    unnamed_row
}

/// All advice for a playbook, but for what its comments allow.
pub fn lint(checked: &Checked, around: Around) -> Diagnostics {
    let knowledge = Knowledge::default();
    let (playbook, source) = (checked.playbook(), checked.source());
    let called = Called::of_sound(source);
    let others = Others { called: &called, root: playbook };
    let scene = Scene::new(playbook, others, HashSet::new(), source, checked.project(), &knowledge);
    let mut found = Diagnostics::new(source.clone());
    RULES.iter().for_each(|rule| (rule.look)(&scene, around, &mut found));
    let mut kept = Diagnostics::new(source.clone());
    // What stands in a table that playbooks share is for the table's own check.
    let own = |advice: &&&Diagnostic| advice.span.start < source.own().end;
    for advice in found.sorted().iter().filter(own).filter(|advice| !is_allowed(advice, source)) {
        kept.push((*advice).clone());
    }
    kept
}

/// A comment of this line or of those right above it names the code behind `lint:`.
fn is_allowed(advice: &Diagnostic, source: &Source) -> bool {
    let text = source.text();
    let line_start = text[..advice.span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let above = text[..line_start].lines().rev().take_while(|line| line.trim_start().starts_with('#'));
    std::iter::once(line).chain(above).any(|line| {
        line.rsplit_once('#')
            .and_then(|(_, comment)| comment.trim().strip_prefix("lint:"))
            .is_some_and(|codes| codes.contains(advice.code.id))
    })
}
