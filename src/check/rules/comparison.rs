//! `compare`: two sides, fields with names of their own, and a way to compare that makes sense.

use crate::{
    action::{
        compare::{CompareSpec, ComparedField, Side},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{Named, Word},
        source::Span,
    },
    check::{
        mentions::Meaning,
        scene::Scene,
        shape::{self, Misstep, Shape},
    },
    effect::alike::{As, Match},
    template::{Datum, Step as Part, Tree},
};

/// Something in it makes no sense.
pub static ODD_COMPARISON: Code = Code {
    id: "E0463",
    title: "a comparison that makes no sense",
    explain: "`compare:` has two sides, each with one name and its record (`left: { register: \"{{ trainee }}\" }`), and at least one field. \
        Each field has a name of its own, and says where each record has it: a path (`address.postcode`) or an expression. A field \
        without `left:` and `right:` has its name in both records. `match: starts_with` and `contains` look at texts and lists, not at \
        dates, moments and numbers.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_COMPARISON];

/// Looks at every comparison.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Compare(spec) = &visit.step.act else { continue };
        sides(spec, problems);
        for (index, field) in spec.fields.iter().enumerate() {
            self::field(field, &spec.fields[..index], problems);
            for (record, side) in [(&spec.left, &field.left), (&spec.right, &field.right)] {
                there(scene, record, field, side, problems);
            }
        }
    }
}

/// A field behind others of the same comparison.
pub(super) fn field(field: &ComparedField, before: &[ComparedField], problems: &mut Diagnostics) {
    if let Some(first) = before.iter().find(|other| other.name.text == field.name.text) {
        let message = format!("two fields are called `{}`", field.name.as_str());
        problems.push(
            Diagnostic::error(&ODD_COMPARISON, field.name.span, message)
                .label(first.name.span, "the first one")
                .help("give each a name of its own: the result tells them apart by it"),
        );
    }
    way(field, problems);
}

fn odd(problems: &mut Diagnostics, at: Span, message: String, help: &str) {
    problems.push(Diagnostic::error(&ODD_COMPARISON, at, message).help(help.to_owned()));
}

fn sides(spec: &CompareSpec, problems: &mut Diagnostics) {
    for (word, side) in [("left", &spec.left), ("right", &spec.right)] {
        if side.entries.len() != 1 {
            let help = format!("write `{word}: {{ NAME: \"{{{{ record }}}}\" }}`");
            odd(problems, side.at, format!("`{word}:` has one name and one record"), &help);
        }
    }
    if spec.fields.is_empty() {
        odd(problems, spec.at, "nothing is compared".into(), "add `fields: [{ name: … }]`");
    }
}

fn way(field: &ComparedField, problems: &mut Diagnostics) {
    let (Some(kind), Some(matching)) = (field.kind, field.matching) else { return };
    if matches!(kind, As::Date | As::Moment | As::Number) && matching != Match::Equal {
        let message = format!("`as: {}` and `match: {}` do not go together", kind.word(), matching.word());
        odd(problems, field.at, message, "take `match:` out, or compare as `text`");
    }
}

/// The record has such a part, as far as that is known.
fn there(
    scene: &Scene<'_>,
    record: &Named<Datum>,
    field: &ComparedField,
    side: &Option<Side>,
    problems: &mut Diagnostics,
) {
    let (Some(path), [(_, datum)]) = (field.path(side), record.entries.as_slice()) else { return };
    let Some((shape, name)) = of_record(scene, datum) else { return };
    let steps: Vec<&str> = path.as_str().split('.').collect();
    let part = |step: &&str| step.parse().map_or_else(|_| Part::Name((*step).into()), Part::Index);
    let parts: Vec<Part> = std::iter::once(Part::Name("".into())).chain(steps.iter().map(part)).collect();
    if let Err(Misstep::NoSuch(index, known)) = shape.walk(&parts) {
        let step = steps.get(index - 1).copied().unwrap_or_default();
        let problem = Diagnostic::error(&ODD_COMPARISON, place(path), format!("`{name}` has no field `{step}`"));
        problems.push(problem.suggest(step, known.iter().map(String::as_str).filter(|known| *known != "now")));
    }
}

fn place(path: &Word) -> Span {
    path.span
}

/// What is known of a record that is the result of a step, whole or a part of it.
fn of_record(scene: &Scene<'_>, datum: &Datum) -> Option<(Shape, String)> {
    let Tree::Scalar(text) = &datum.tree else { return Some((shape::of_datum(datum), "this".into())) };
    let [usage] = text.names() else { return None };
    let mention = scene.mentions.iter().find(|m| std::ptr::eq(m.usage, usage))?;
    let Meaning::Result(index) = mention.meaning else { return None };
    let whole = text.scalar().text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim() == usage.path.to_string();
    (whole && usage.path.steps.len() == 1).then(|| (shape::of_result(scene, index), usage.path.to_string()))
}
