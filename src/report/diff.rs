//! Row changes as a diff: one block a row, only what differs, enum values by name, personal values masked. The same for
//! what is planned and for what was done.

use super::{
    columns::{cut, first_columns, last_columns, shortened, width},
    line::{Line, Tone, clean},
    look::{Look, View},
    page::Page,
};
use crate::{
    base::{
        counted::counted,
        json,
        value::{Data, Map, Marks, Value},
    },
    effect::change::{Deed, RowChange},
    table::facts::Facts,
};
use std::sync::Arc;

/// When a change is looked at: what comes from the clock is not known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before: as tried out.
    Planned,
    /// After: as it was done.
    Done,
}

/// More rows of one step than this are counted, not shown.
const MOST_ROWS: usize = 20;
/// Names of columns longer than this are shortened.
const LONGEST_NAME: usize = 36;
/// The values of a block begin at most so many columns in; a longer name has a line of its own.
const WIDEST_NAMES: usize = 28;
/// A value gets at least so many columns.
const NARROWEST: usize = 24;
/// So much of what two long values have in common is left before the place where they differ.
const CONTEXT: usize = 8;

/// The value for people: never masked parts in clear, unknowns with their reason, documents in one line.
pub fn said(value: &Value) -> String {
    match &value.data {
        Data::Unknown(why) => format!("({why})"),
        Data::List(_) | Data::Map(_) | Data::Json(_) => json::masked(value),
        _ => value.shown(),
    }
}

/// The blocks of a step's rows; those written by a rule in one line each.
pub fn rows(page: &mut Page, indent: usize, changes: &[RowChange], view: &View<'_>, moment: Moment) {
    for change in changes.iter().take(MOST_ROWS) {
        let facts = (view.facts)(&change.table);
        match change.deed() {
            Deed::Nothing => {
                let head = heading(change, facts, Tone::Dim).add(Tone::Dim, "  already as wanted");
                page.line(indent, head);
            }
            Deed::Insert if change.by_rule => by_rule(page, indent, change, facts),
            _ => block(page, indent, change, facts, moment),
        }
    }
    if changes.len() > MOST_ROWS {
        let more = format!(
            "{} and {} more; `--json` shows all",
            page.look.ellipsis(),
            counted(changes.len() - MOST_ROWS, "row")
        );
        page.line(indent, Line::of(Tone::Dim, more));
    }
}

/// The sign of a deed and its colour.
pub fn sign(deed: Deed) -> (&'static str, Tone) {
    match deed {
        Deed::Insert => ("+", Tone::Good),
        Deed::Update => ("~", Tone::Care),
        Deed::Delete => ("-", Tone::Bad),
        Deed::Nothing => ("=", Tone::Dim),
    }
}

/// `~ register.trainees  id 4711`
fn heading(change: &RowChange, facts: Option<&Facts>, tone: Tone) -> Line {
    let (mark, colour) = sign(change.deed());
    let key: Vec<String> = change.key.iter().map(|(c, v)| format!("{c} {}", said(&seen(facts, c, v)))).collect();
    Line::of(colour, mark).plain(" ").add(tone, change.table.to_string()).plain("  ").add(tone, key.join(", "))
}

/// As playbooks see it: the enum's name, the column's marks.
fn seen(facts: Option<&Facts>, column: &str, value: &Value) -> Value {
    facts.map_or_else(|| value.clone(), |f| f.named(column, value.clone()).marked(f.marks(column)))
}

/// One line of a block; a side that is not there has no value at all.
struct Entry {
    name: String,
    old: Option<String>,
    new: Option<String>,
    stamp: bool,
}

fn block(page: &mut Page, indent: usize, change: &RowChange, facts: Option<&Facts>, moment: Moment) {
    page.line(indent, heading(change, facts, Tone::Plain));
    let entries = entries(change, facts, moment, page.look);
    let longest = entries.iter().map(|e| width(&e.name)).max().unwrap_or(0);
    let indent = indent + 4;
    let names = longest.min(WIDEST_NAMES).min(page.width().saturating_sub(indent + 2 + NARROWEST));
    for entry in entries {
        line(page, indent, names, entry);
    }
}

fn entries(change: &RowChange, facts: Option<&Facts>, moment: Moment, look: Look) -> Vec<Entry> {
    let deed = change.deed();
    let mut entries = Vec::new();
    for (column, old, new) in change.differing() {
        if deed != Deed::Update && change.key.contains_key(&column) {
            continue;
        }
        let stamp = change.stamps.contains(&column);
        let (old, new) = (seen(facts, &column, &old), seen(facts, &column, &new));
        if deed == Deed::Update && !stamp && is_document(&old, &new) {
            keys(&column, &old, &new, look, &mut entries);
            continue;
        }
        let (old, new) = match deed {
            Deed::Delete => (Some(said(&old)), None),
            _ if stamp && moment == Moment::Planned => (None, Some("(time of apply)".to_owned())),
            // A stamp is a by-product: what it was before says nothing.
            _ if stamp || deed == Deed::Insert => (None, Some(said(&new))),
            _ if !is_there(&change.before, &column) => (Some(ABSENT.into()), Some(said(&new))),
            _ if !is_there(&change.after, &column) => (Some(said(&old)), Some(ABSENT.into())),
            _ if old.marks.hidden() => (Some(said(&old)), Some(said(&new))),
            _ => told_apart(&said(&old), &said(&new), look),
        };
        entries.push(Entry { name: short_name(&column, look), old, new, stamp });
    }
    // A clock that counts in seconds may have said the same twice while this was tried out; at apply it will be later.
    if deed == Deed::Update && moment == Moment::Planned {
        let unmoved = change.stamps.iter().filter(|stamp| {
            let after = change.after.as_ref().and_then(|after| after.get(stamp));
            after.is_some() && after == change.before.as_ref().and_then(|before| before.get(stamp))
        });
        let later = || Some("(time of apply)".to_owned());
        entries.extend(unmoved.map(|name| Entry {
            name: short_name(name, look),
            old: None,
            new: later(),
            stamp: true,
        }));
    }
    entries.sort_by_key(|entry| entry.stamp);
    entries
}

/// A field of a thing behind an API may be null, or not there at all.
fn is_there(side: &Option<Map>, column: &str) -> bool {
    side.as_ref().is_none_or(|side| side.contains_key(column))
}

/// Both sides are JSON objects that may be looked into.
fn is_document(old: &Value, new: &Value) -> bool {
    let object = |v: &Value| matches!(v.data, Data::Json(_) | Data::Map(_)) && v.as_map().is_some();
    !old.marks.hidden() && !new.marks.hidden() && object(old) && object(new)
}

/// The keys in which two documents differ, as `column.key`.
fn keys(path: &str, old: &Value, new: &Value, look: Look, entries: &mut Vec<Entry>) {
    let empty = Map::default();
    let (olds, news) = (old.as_map().unwrap_or(&empty), new.as_map().unwrap_or(&empty));
    for (key, old) in olds {
        let path = format!("{path}.{key}");
        match news.get(key) {
            Some(new) if new == old => {}
            Some(new) if is_document(old, new) => keys(&path, old, new, look, entries),
            Some(new) => {
                let (old, new) = told_apart(&said(old), &said(new), look);
                entries.push(Entry { name: short_name(&path, look), old, new, stamp: false });
            }
            None => entries.push(Entry {
                name: short_name(&path, look),
                old: Some(said(old)),
                new: Some(ABSENT.into()),
                stamp: false,
            }),
        }
    }
    for (key, new) in news.iter().filter(|(key, _)| !olds.contains_key(key)) {
        let name = short_name(&format!("{path}.{key}"), look);
        entries.push(Entry { name, old: Some(ABSENT.into()), new: Some(said(new)), stamp: false });
    }
}

/// A key that is not in the document.
const ABSENT: &str = "(not there)";

/// Two values that differ and look alike (a hard blank, another way to write é) are shown by their codes.
fn told_apart(old: &str, new: &str, look: Look) -> (Option<String>, Option<String>) {
    let (old, new) = (look.hidden(old).into_owned(), look.hidden(new).into_owned());
    let codes = |text: &str| {
        text.chars().map(|c| if c.is_ascii() { c.into() } else { c.escape_unicode().to_string() }).collect()
    };
    let alike = |c: char| if c.is_whitespace() { ' ' } else { c };
    let same = old != new && (old.chars().map(alike).eq(new.chars().map(alike)));
    let decomposed = |text: &str| text.chars().any(|c| matches!(c, '\u{300}'..='\u{36f}'));
    if same || (decomposed(&old) != decomposed(&new)) {
        (Some(codes(&old)), Some(codes(&new)))
    } else {
        (Some(old), Some(new))
    }
}

fn short_name(name: &str, look: Look) -> String {
    shortened(&clean(&look.hidden(name)), LONGEST_NAME, Look { unicode: true, ..look })
}

fn line(page: &mut Page, indent: usize, names: usize, entry: Entry) {
    let look = page.look;
    let Entry { name, old, new, stamp } = entry;
    let tone = |tone: Tone| if stamp { Tone::Dim } else { tone };
    let clean = |side: Option<String>| side.map(|text| clean(&look.hidden(&text)).into_owned());
    let (old, new) = (clean(old), clean(new));
    let fits_name = width(&name) <= names;
    let column = if fits_name { indent + names + 2 } else { indent + 4 };
    let head = Line::of(tone(Tone::Plain), &name);
    let room = page.width().saturating_sub(column);
    let start = |page: &mut Page, value: Line| {
        if fits_name {
            page.hung(indent, column, head.clone().pad(names + 2, 2).beside(value));
        } else {
            page.line(indent, head.clone());
            page.line(column, value);
        }
    };
    match (old, new) {
        (Some(old), Some(new)) => {
            let arrow = look.arrow();
            if width(&old) + width(&new) + width(arrow) + 2 <= room {
                let value = Line::of(tone(Tone::Bad), old).plain(" ").add(Tone::Dim, arrow).plain(" ");
                return start(page, value.add(tone(Tone::Good), new));
            }
            let (old, new) = fitted(&old, &new, room.saturating_sub(width(arrow) + 1), look);
            start(page, Line::default().pad(width(arrow) + 1, 0).add(tone(Tone::Bad), old).kept());
            page.line(column, Line::of(Tone::Dim, arrow).plain(" ").add(tone(Tone::Good), new).kept());
        }
        (Some(old), None) => start(page, Line::of(tone(Tone::Bad), shortened(&old, room, look)).kept()),
        (None, Some(new)) => start(page, Line::of(tone(Tone::Good), shortened(&new, room, look)).kept()),
        (None, None) => start(page, Line::default()),
    }
}

/// Both cut to `most` columns so that the place where they differ stays to be seen.
fn fitted(old: &str, new: &str, most: usize, look: Look) -> (String, String) {
    if width(old) <= most && width(new) <= most {
        return (old.to_owned(), new.to_owned());
    }
    let common: usize = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    let prefix = &old[..common];
    if width(prefix) <= most / 3 {
        return (middle(old, common, most, look), middle(new, common, most, look));
    }
    let kept = last_columns(prefix, CONTEXT).len();
    let left_out = look.ellipsis();
    let side = |text: &str| middle(&format!("{left_out}{}", &text[common - kept..]), left_out.len() + kept, most, look);
    (side(old), side(new))
}

/// At most `most` columns: what stands right behind `from` and the end stay, the middle goes.
fn middle(text: &str, from: usize, most: usize, look: Look) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    let tail = last_columns(text, (most / 4).min(12));
    let head =
        first_columns(text, most.saturating_sub(width(tail) + width(left_out)).max(width(&text[..from]).min(most)));
    format!("{head}{left_out}{tail}")
}

/// A row that a rule wrote, in one line: its event, and its plain columns that say more than which record it is about.
fn by_rule(page: &mut Page, indent: usize, change: &RowChange, facts: Option<&Facts>) {
    // The event, then numbers, then texts, the longest first: that is usually the reason.
    let mut parts: Vec<(usize, std::cmp::Reverse<usize>, String)> = Vec::new();
    for (column, value) in change.after.iter().flatten() {
        let value = seen(facts, column, value);
        let refers = change.key.contains_key(column) || column.ends_with("_id") || column.ends_with("_type");
        let plain =
            matches!(value.data, Data::Text(_) | Data::Int(_) | Data::Decimal(_) | Data::Bool(_) | Data::Unknown(_));
        let id = value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok());
        if refers || id || !plain || value.marks.has(Marks::CLOCK) || change.stamps.contains(column) {
            continue;
        }
        let (rank, text) = match value.as_str().filter(|_| !value.marks.hidden()) {
            Some("create" | "update" | "destroy" | "delete" | "insert") => (0, said(&value)),
            Some(text) if text.contains(' ') => (2, format!("{column} {}", quoted(text))),
            Some(_) => (2, format!("{column} {}", said(&value))),
            None => (1, format!("{column} {}", said(&value))),
        };
        parts.push((rank, std::cmp::Reverse(if rank == 2 { width(&text) } else { 0 }), text));
    }
    parts.sort();
    let parts: Vec<String> = parts.into_iter().map(|(.., text)| text).collect();
    let (mark, colour) = sign(change.deed());
    let head = Line::of(colour, mark).plain(" ").plain(change.table.to_string()).plain("  ");
    let room = page.width().saturating_sub(indent + head.width());
    let text = cut(&clean(&page.look.hidden(&parts.join(", "))), room, page.look);
    page.line(indent, head.add(Tone::Dim, text).kept());
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::quote(text, &mut out);
    out
}

/// Names of tables with how many of their rows were inserted, updated, deleted: `register.trainees  1 row changed`.
pub fn tables<'a>(changes: impl IntoIterator<Item = &'a RowChange>) -> Vec<(String, String)> {
    let mut counts: indexmap::IndexMap<Arc<str>, [usize; 3]> = indexmap::IndexMap::new();
    for change in changes {
        let index = match change.deed() {
            Deed::Insert => 0,
            Deed::Update => 1,
            Deed::Delete => 2,
            Deed::Nothing => continue,
        };
        counts.entry(change.table.to_string().into()).or_default()[index] += 1;
    }
    let words = |counts: [usize; 3]| {
        let parts = counts.into_iter().zip(["added", "changed", "deleted"]).filter(|(n, _)| *n > 0);
        parts.map(|(n, deed)| format!("{} {deed}", counted(n, "row"))).collect::<Vec<_>>().join(", ")
    };
    counts.into_iter().map(|(table, counts)| (table.to_string(), words(counts))).collect()
}
