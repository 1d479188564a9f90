//! The part of a plan that a run keeps: what it rests on and the rows it would change, without loss, for the comparison
//! at apply, perhaps days later.

use super::{Also, Effect, Foreseen, ItemPlan, Plan, Reversal, Section, StepPlan, item::CHOOSE};
use crate::{
    base::{
        json,
        source::Span,
        value::{Map, Value},
    },
    effect::{
        change::{Deed, RowChange, TableName},
        kept::Kept,
        label::Label,
        record::Field,
    },
    template::{Path, Step},
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Of a step that looked for rows: none fits.
const NONE: &str = "none";
/// Of a step: its `when` does not hold.
const LEFT_OUT: &str = "left_out";
/// Of a step that does not show by its rows or its request that it surely does something.
const SURELY: &str = "surely";
/// Of a decision table: the way that it goes.
const WAY: &str = "way";
/// Of a step that was tried out and can be taken back: what goes along with its rows. Plans that were stored before this was kept do not tell it.
const ALONG: &str = "along";

/// An item as a value; personal parts keep their marks, so that whoever stores it seals them.
pub fn store(item: &ItemPlan) -> Value {
    let rests_on = item.rests_on.iter().map(|(path, value)| Value::list([path_value(path), value.clone()]));
    let steps = item.steps.iter().filter_map(|step| {
        let rows: Vec<Value> = step
            .effects
            .iter()
            .filter_map(|e| if let Effect::Rows { changes, .. } = e { Some(changes) } else { None })
            .flatten()
            .map(row_value)
            .collect();
        let sent =
            step.effects.iter().find_map(|e| if let Effect::Request { sent, .. } = e { sent.clone() } else { None });
        let exact = step.label == Label::Exact;
        // That no row fits, or that it is left out, is what apply has to find as well.
        let none = rows.is_empty() && step.effects.iter().any(|effect| matches!(effect, Effect::Rows { .. }));
        let (left_out, way) = (step.is_left_out(), step.way());
        let surely = step.surely_acts() && !(exact && (sent.is_some() || !rows.is_empty()));
        // Of an item that was to end, how far it was to come counts as well.
        let told = !rows.is_empty() || sent.is_some() || none || left_out || surely || way.is_some();
        (told || item.stop.is_some()).then(|| {
            let parts =
                [("path", Value::text(step.path.clone())), ("exact", exact.into()), ("rows", Value::list(rows))];
            let more = [
                ("sent", sent),
                (NONE, none.then(|| true.into())),
                (LEFT_OUT, left_out.then(|| true.into())),
                (SURELY, surely.then(|| true.into())),
                (WAY, way.map(Value::text)),
                (ALONG, step.tells_what_goes_along().then(|| along(step))),
            ];
            Value::map(parts.into_iter().chain(more.into_iter().filter_map(|(name, value)| Some((name, value?)))))
        })
    });
    let kept =
        [("key", Value::text(item.key.clone())), ("rests_on", Value::list(rests_on)), ("steps", Value::list(steps))];
    let of_many =
        [("item", item.item.clone()), ("lane", item.lane.clone().map(Value::text)), ("stop", item.stop.store())];
    Value::map(kept.into_iter().chain(of_many.into_iter().filter_map(|(name, value)| Some((name, value?)))))
}

/// All that goes along with the rows of a step.
fn along(step: &StepPlan) -> Value {
    let of_effects =
        step.effects.iter().filter_map(|e| if let Effect::Rows { also, .. } = e { Some(also) } else { None });
    Value::list(of_effects.flatten().filter_map(Field::store))
}

/// The same, as a run keeps it.
pub fn kept(item: &ItemPlan) -> Kept {
    Kept::Value(store(item))
}

/// A line of a plan file, as far as a run that begins has to know it.
pub struct OfLine<'l> {
    /// The item's key.
    pub key: String,
    /// Its stored form.
    pub kept: String,
    /// What its source gave.
    pub item: Option<&'l str>,
}

/// Key and stored form of an item, from its line in a plan file: the texts of its parts are put together anew, and none of them is taken apart. That
/// takes a tenth of the time. Nothing where it cannot be done so: a part that must be known is sealed.
pub fn of_line(line: &str) -> Option<OfLine<'_>> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    let key: String = serde_json::from_str(line.key.get()).ok()?;
    // In the journal these stand three brackets deeper than here, steps do not.
    if ![line.rests_on, line.item, line.stop].into_iter().flatten().all(|part| json::is_shallow(part.get())) {
        return None;
    }
    let mut out = String::with_capacity(2048);
    let mut put = |texts: &[&str]| texts.iter().for_each(|text| out.push_str(text));
    put(&["{\"key\":", line.key.get(), ",\"rests_on\":", text(line.rests_on, "[]"), ",\"steps\":["]);
    let mut comma = "";
    for step in &line.steps {
        let changes = || step.effects.iter().filter_map(|effect| effect.rows.as_ref()).flat_map(|rows| &rows.changes);
        let sent = step.effects.iter().find_map(|effect| effect.request.as_ref()?.sent);
        let is = |part: &RawValue, word: &str| part.get().trim_matches('"') == word;
        let none = changes().next().is_none() && step.effects.iter().any(|effect| effect.rows.is_some());
        let left_out = is(step.foreseen, Foreseen::Skipped.word()) && is(step.label, "exact");
        let decides = is(step.kind, CHOOSE) && is(step.label, "read");
        let way =
            decides.then(|| step.effects.iter().find_map(|effect| Some(effect.answer.as_ref()?.summary))).flatten();
        let exact = is(step.label, "exact");
        let acts = Foreseen::SURE.iter().any(|sure| is(step.foreseen, sure.word()));
        let surely = acts && !(exact && (sent.is_some() || changes().next().is_some()));
        let told = changes().next().is_some() || sent.is_some() || none || left_out || surely || way.is_some();
        if !told && line.stop.is_none() {
            continue;
        }
        let exact = if exact { "true" } else { "false" };
        put(&[comma, "{\"path\":", step.path.get(), ",\"exact\":", exact, ",\"rows\":["]);
        let mut between = "";
        for change in changes() {
            put(&[between, "{\"table\":", change.table.get(), ",\"key\":", change.key.get()]);
            put(&[",\"before\":", text(change.before, "null"), ",\"after\":", text(change.after, "null")]);
            put(&[",\"by_rule\":", text(change.by_rule, "false"), ",\"stamps\":", text(change.stamps, "[]"), "}"]);
            between = ",";
        }
        put(&["]"]);
        sent.iter().for_each(|sent| put(&[",\"sent\":", sent.get()]));
        [(NONE, none), (LEFT_OUT, left_out), (SURELY, surely)]
            .iter()
            .filter(|(_, is)| *is)
            .for_each(|(name, _)| put(&[",\"", name, "\":true"]));
        way.iter().for_each(|way| put(&[",\"", WAY, "\":", way.get()]));
        if exact == "true" && step.undo.is_some() {
            put(&[",\"", ALONG, "\":["]);
            let lists = step.effects.iter().filter_map(|effect| effect.rows.as_ref()?.also);
            let mut between = "";
            for list in lists.map(|list| list.get().trim_matches(['[', ']'])).filter(|list| !list.is_empty()) {
                put(&[between, list]);
                between = ",";
            }
            put(&["]"]);
        }
        put(&["}"]);
        comma = ",";
    }
    put(&["]"]);
    line.item.iter().for_each(|item| put(&[",\"item\":", item.get()]));
    line.lane.iter().for_each(|lane| put(&[",\"lane\":", lane.get()]));
    line.stop.iter().for_each(|stop| put(&[",\"stop\":", stop.get()]));
    put(&["}"]);
    Some(OfLine { key, kept: out, item: line.item.map(RawValue::get) })
}

fn text<'t>(part: Option<&'t RawValue>, else_: &'static str) -> &'t str {
    part.map_or(else_, RawValue::get)
}

/// A part that is there, be it null.
fn there<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// A line of a plan file (`plan::whole`), as far as it must be known here.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow, default)]
    steps: Vec<LineStep<'a>>,
    #[serde(borrow, default, deserialize_with = "there")]
    rests_on: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    item: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    lane: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    stop: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LineStep<'a> {
    #[serde(borrow)]
    path: &'a RawValue,
    #[serde(borrow)]
    kind: &'a RawValue,
    #[serde(borrow)]
    label: &'a RawValue,
    #[serde(borrow)]
    foreseen: &'a RawValue,
    #[serde(borrow, default)]
    undo: Option<&'a RawValue>,
    #[serde(borrow, default)]
    effects: Vec<LineEffect<'a>>,
}

#[derive(Deserialize)]
struct LineEffect<'a> {
    #[serde(borrow)]
    rows: Option<LineRows<'a>>,
    #[serde(borrow)]
    request: Option<LineRequest<'a>>,
    #[serde(borrow)]
    answer: Option<LineAnswer<'a>>,
}

#[derive(Deserialize)]
struct LineAnswer<'a> {
    #[serde(borrow)]
    summary: &'a RawValue,
}

#[derive(Deserialize)]
struct LineRows<'a> {
    #[serde(borrow, default)]
    changes: Vec<LineChange<'a>>,
    #[serde(borrow, default)]
    also: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LineRequest<'a> {
    #[serde(borrow, default, deserialize_with = "there")]
    sent: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LineChange<'a> {
    #[serde(borrow)]
    table: &'a RawValue,
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow, default, deserialize_with = "there")]
    before: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    after: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    by_rule: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    stamps: Option<&'a RawValue>,
}

/// Back from the value; nothing when it is not one.
pub fn load(value: &Value) -> Option<ItemPlan> {
    let rests_on = value.get("rests_on")?;
    let rests_on = rests_on
        .as_list()?
        .iter()
        .map(|pair| Some((path_of(pair.as_list()?.first()?)?, pair.as_list()?.get(1)?.clone())));
    let steps = value.get("steps")?;
    let steps = steps.as_list()?.iter().map(|step| {
        let rows = step.get("rows")?;
        let changes = rows.as_list()?.iter().map(row_of).collect::<Option<Vec<_>>>()?;
        let request = step.get("sent").map(|sent| Effect::Request {
            line: String::new(),
            headers: Vec::new(),
            body: None,
            sent: Some(sent),
        });
        let is = |name: &str| step.get(name).and_then(|value| value.as_bool()) == Some(true);
        let exact = step.get("exact")?.as_bool()?;
        let acts = request.is_some() || changes.iter().any(|change| change.deed() != Deed::Nothing);
        let foreseen = match () {
            () if is(LEFT_OUT) => Foreseen::Skipped,
            () if is(SURELY) || (exact && acts) => Foreseen::Changes,
            () if exact => Foreseen::Unchanged,
            () => Foreseen::Undecided,
        };
        let along: Option<Vec<Also>> = step.get(ALONG).map(|list| Field::load(Some(&list))).transpose().ok()?;
        // That it was tried out; how it is taken back is asked anew.
        let undo = along.is_some().then_some(Reversal::NotNeeded(None));
        let also = along.unwrap_or_default();
        let rows = (!changes.is_empty() || !also.is_empty() || is(NONE)).then_some(Effect::Rows { changes, also });
        let way = step.get(WAY).and_then(|way| Some(Effect::Answer { summary: way.as_str()?.to_owned() }));
        Some(StepPlan {
            section: Section::Steps,
            path: step.get("path")?.as_str()?.into(),
            kind: if way.is_some() { CHOOSE } else { "row" },
            title: None,
            label: match (exact, way.is_some()) {
                (true, _) => Label::Exact,
                (false, true) => Label::Read,
                (false, false) => Label::HasUnknowns,
            },
            foreseen,
            effects: rows.into_iter().chain(request).chain(way).collect(),
            notes: Vec::new(),
            undo,
            at: Span::default(),
        })
    });
    Some(ItemPlan {
        key: value.get("key")?.as_str()?.into(),
        steps: steps.collect::<Option<_>>()?,
        stop: Field::load(value.get("stop").as_ref()).ok()?,
        rests_on: rests_on.collect::<Option<_>>()?,
        item: value.get("item"),
        lane: value.get("lane").and_then(|lane| lane.as_str().map(Arc::from)),
    })
}

/// A whole plan as a value, for a run that people have to agree to first: they must see all of it.
pub fn whole(plan: &Plan) -> Value {
    plan.items.store().unwrap_or(Value::NULL)
}

/// The items back from [`whole`].
pub fn of_whole(value: &Value) -> Option<Vec<ItemPlan>> {
    // An undo keeps more than its plan.
    let part = value.as_map().map(|_| value.get(WHOLE));
    Field::load(Some(part.as_ref().map_or(Some(value), Option::as_ref)?)).ok()
}

/// The plan among other things that a run keeps.
pub const WHOLE: &str = "whole";

fn path_value(path: &Path) -> Value {
    Value::list(path.steps.iter().map(|step| match step {
        Step::Name(name) => Value::text(name.clone()),
        Step::Index(i) => Value::from(i64::try_from(*i).unwrap_or(i64::MAX)),
        Step::Length => Value::NULL,
        Step::Each => Value::from(true),
    }))
}

fn path_of(value: &Value) -> Option<Path> {
    let step = |v: &Value| match (v.as_str(), v.as_int(), v.as_bool()) {
        (Some(name), ..) => Some(Step::Name(name.into())),
        (_, Some(i), _) => Some(Step::Index(usize::try_from(i).ok()?)),
        (.., Some(_)) => Some(Step::Each),
        _ => Some(Step::Length),
    };
    Some(Path { steps: value.as_list()?.iter().map(step).collect::<Option<_>>()? })
}

fn row_value(change: &RowChange) -> Value {
    let image = |row: &Option<Map>| row.clone().map_or(Value::NULL, Value::from);
    Value::map([
        ("table", Value::text(change.table.text())),
        ("key", change.key.clone().into()),
        ("before", image(&change.before)),
        ("after", image(&change.after)),
        ("by_rule", change.by_rule.into()),
        ("stamps", Value::list(change.stamps.iter().map(|s| Value::text(s.clone())))),
    ])
}

fn row_of(value: &Value) -> Option<RowChange> {
    let image = |name: &str| value.as_map().and_then(|m| m.get(name)).and_then(Value::as_map).cloned();
    let stamps: Vec<Arc<str>> =
        value.get("stamps")?.as_list()?.iter().filter_map(|s| s.as_str().map(Arc::from)).collect();
    Some(RowChange {
        table: TableName::parse(value.get("table")?.as_str()?)?,
        key: image("key")?,
        before: image("before"),
        after: image("after"),
        by_rule: value.get("by_rule")?.as_bool()?,
        stamps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_keeps_of_its_plan_comes_back_as_it_was() {
        let row: Map = [
            ("id".into(), Value::from(1)),
            ("name".into(), Value::from("x").marked(crate::base::value::Marks::PERSONAL)),
        ]
        .into_iter()
        .collect();
        let change = RowChange {
            table: TableName::parse("r.t").unwrap(),
            key: row.clone(),
            before: Some(row.clone()),
            after: None,
            by_rule: false,
            stamps: vec!["u".into()],
        };
        let goes = Also { table: "r.others".into(), inserted: 0, updated: 1, deleted: 2 };
        let step = StepPlan {
            section: Section::Steps,
            path: "steps/a".into(),
            kind: "row",
            title: None,
            label: Label::Exact,
            foreseen: Foreseen::Changes,
            effects: vec![Effect::Rows { changes: vec![change], also: vec![goes.clone()] }],
            notes: Vec::new(),
            undo: Some(Reversal::Automatic),
            at: Span::default(),
        };
        let path =
            Path { steps: vec![Step::Name("rows".into()), Step::Index(2), Step::Name("id".into()), Step::Length] };
        let item = ItemPlan {
            key: "-".into(),
            steps: vec![step],
            stop: None,
            rests_on: vec![(path, Value::from(3))],
            item: Some(Value::from(7)),
            lane: Some("t".into()),
        };
        let stored = store(&item);
        let back = load(&crate::base::json::decode(&crate::base::json::encode(&stored)).unwrap()).unwrap();
        assert_eq!(crate::base::json::encode(&store(&back)), crate::base::json::encode(&stored));
        let [Effect::Rows { also, .. }] = &back.steps[0].effects[..] else { panic!("{back:?}") };
        assert!(back.steps[0].tells_what_goes_along() && also[..] == [goes]);
    }
}
