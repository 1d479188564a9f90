//! Conditions that compare a name with something that it can never be.

use super::enum_name::UNKNOWN_ENUM_NAME;
use crate::{
    base::{
        decimal::Decimal,
        diagnostic::{Code, Diagnostic, Diagnostics},
        suggest,
        time::Date,
        value::{Data, Value},
        yaml::Scalar,
    },
    check::{
        families::{self, Known},
        mentions::Mention,
        scene::{Scene, System},
    },
    effect::change::TableName,
    table::catalogue::Kind,
    template::{
        Dialect, Expression, Text,
        compare::{self, Clock, Family},
        compared::{Comparison, Side},
    },
};

/// The two are never equal.
pub static NEVER_EQUAL: Code = Code {
    id: "E0417",
    title: "a comparison with something that it never is",
    explain: "An expression compares a column of a found row, a parameter or a part of an answer with a value that it can never have: a name that \
        the project file does not give to any of the column's values (`enums:`), a text where the database holds numbers, a number or a text \
        where it holds true and false, a number where it holds texts or dates. `==` would never hold, and `!=` always. A number is written without \
        quotes (`thing.code == 5`), a text and a date with them (`thing.trn == '0234567'`, `thing.born == '2001-03-31'`; without them the date \
        would be a subtraction), true and false stand by themselves (`thing.seen`, `not thing.seen`). \
        What the database holds is compared with its catalogue, which `trueup check --env NAME` reads.",
};
/// Equal only if the database holds what is not meant for its column.
pub static HARDLY_EQUAL: Code = Code {
    id: "W0065",
    title: "a comparison that the column's type speaks against",
    explain: "A SQLite column holds what it is given, whatever its type, and a `tinyint(1)` of MySQL holds other numbers than 0 and 1. By its type the \
        column never has the value that the expression compares it with, and then `==` never holds and `!=` always does: write a value of the \
        column's type. Where some application does store such values, the comparison is right.",
};

/// The comparison fails whenever it is looked at.
pub static NO_ORDER: Code = Code {
    id: "E0419",
    title: "a comparison that fails",
    explain: "Which of two comes first can be asked of two numbers, two texts and two times of one kind; of others the question has no answer, and the \
        run would stop there. `| int` and `| decimal` make a number of a text.\n\n\
        A date, a timestamp (in no zone) and an instant (a moment, as `now()` is one) are three kinds of times. `| date` makes a date of the other two, \
        `| timestamp` a timestamp: `order.closed_at < (now() | timestamp) - days(30)` compares with the time in UTC, `order.due < (now() | date)` \
        with the day. A text beside a time is read as that kind: `order.due < '2025-07-23'`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NEVER_EQUAL, &UNKNOWN_ENUM_NAME, &HARDLY_EQUAL, &NO_ORDER];

/// Looks at every expression, also at those in texts and statements.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in &scene.mentions {
        let scalar = mention.spot.scalar;
        if !may_compare(&scalar.text) {
            continue;
        }
        let (known, clock) = (families::of_mention(scene, mention), families::clock_of(scene, mention));
        if known.is_none() && clock.is_none() {
            continue;
        }
        for one in comparisons(scalar).iter().filter(|one| one.name == mention.usage.range) {
            let pair = |known| Pair { scene, mention, known, one };
            let times = clock.and_then(|clock| untimely(&pair(known.as_ref()), clock));
            if let Some(found) = times.or_else(|| never(&pair(Some(known.as_ref()?)))) {
                let at = scalar.inner(scene.source, one.at.clone());
                let problem = match found.code {
                    code if std::ptr::eq(code, &HARDLY_EQUAL) => Diagnostic::warning(code, at, found.message),
                    code => Diagnostic::error(code, at, found.message),
                };
                problems.push(found.help.into_iter().fold(problem, Diagnostic::help));
            }
        }
    }
}

/// Most texts are a name and nothing else: they need not be taken apart to see that.
fn may_compare(text: &str) -> bool {
    text.contains(['=', '<', '>']) || text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "in")
}

/// In a text only what stands between braces is an expression; a name that stands in no braces is part of a bare one.
fn comparisons(scalar: &Scalar) -> Vec<Comparison> {
    match ["{{", "{%"].iter().any(|mark| scalar.text.contains(mark)) {
        true => Text::compile(scalar).map(|text| text.comparisons()).unwrap_or_default(),
        false => Expression::compile(scalar).map(|expression| expression.comparisons()).unwrap_or_default(),
    }
}

/// A name of which something is known, and what it is compared with.
struct Pair<'a> {
    scene: &'a Scene<'a>,
    mention: &'a Mention<'a>,
    /// Nothing where only the kind of a time is known.
    known: Option<&'a Known>,
    one: &'a Comparison,
}

/// Why the two are never equal, and what to write.
struct Found {
    code: &'static Code,
    message: String,
    help: Option<String>,
}

impl Pair<'_> {
    fn found(&self, message: String, help: Option<String>) -> Found {
        Found { code: &NEVER_EQUAL, message, help }
    }

    fn value(&self) -> Option<&Value> {
        if let Side::Value(value) = &self.one.other { Some(value) } else { None }
    }

    /// The text of the other side.
    fn written(&self) -> &str {
        self.mention.spot.scalar.text.get(self.one.at.clone()).unwrap_or("")
    }

    /// The other side, where it is a name.
    fn beside(&self) -> Option<&Mention<'_>> {
        let here =
            |m: &&Mention<'_>| std::ptr::eq(m.spot.scalar, self.mention.spot.scalar) && m.usage.range == self.one.at;
        self.scene.mentions.iter().find(here)
    }

    /// What the other side can be, where that is one family.
    fn other(&self) -> Option<Family> {
        match &self.one.other {
            Side::Value(value) => Family::of(value),
            Side::Made(family, _) => Some(*family),
            Side::Name => {
                let mention = self.beside()?;
                match families::of_mention(self.scene, mention)? {
                    Known::Column(table, column) => families::of_kind(kind(self.scene, &table, &column)?),
                    Known::Words(_) => Some(Family::Text),
                    Known::Family(family) => Some(family),
                }
            }
        }
    }
}

/// The kind of a column whose values have no names.
fn kind<'a>(scene: &Scene<'a>, table: &TableName, column: &str) -> Option<&'a Kind> {
    let named = scene.facts(table).is_some_and(|facts| facts.enums.get(column).is_some());
    let held = scene.system(&table.connection) != Some(System::Sidekiq) && !named;
    scene.catalogue(table).filter(|_| held)?.columns.get(column).map(|column| &column.kind)
}

/// Two kinds of times, or a text that is not read as the kind beside it.
fn untimely(pair: &Pair<'_>, clock: Clock) -> Option<Found> {
    let other = match &pair.one.other {
        Side::Value(value) => value.clone(),
        Side::Made(_, clock) => (*clock)?.sample(),
        Side::Name => families::clock_of(pair.scene, pair.beside()?)?.sample(),
    };
    let why = compare::untimely(&clock.sample(), &other).err()?;
    let (what, help) = why.split_once(": ").map_or((&*why, None), |(what, help)| (what, Some(help.to_owned())));
    let mut found = Found { code: &NO_ORDER, message: format!("`{}`: {what}", pair.mention.usage.path), help };
    let column = pair
        .known
        .and_then(|known| if let Known::Column(table, column) = known { Some((table, column)) } else { None });
    if let Some((table, column)) = column
        && kind(pair.scene, table, column).is_none_or(|kind| !is_sure(pair, table, kind))
    {
        found.code = &HARDLY_EQUAL;
    }
    Some(found)
}

/// Which of two comes first is asked, and they have no order.
fn unordered(pair: &Pair<'_>) -> Option<Found> {
    let (family, column) = match pair.known? {
        Known::Words(_) => (Family::Text, None),
        Known::Family(family) => (*family, None),
        Known::Column(table, column) => {
            let kind = kind(pair.scene, table, column)?;
            (families::of_kind(kind)?, Some((table, kind)))
        }
    };
    let other = pair.other()?;
    let none = |family: Family| matches!(family, Family::Truth | Family::List | Family::Map);
    if family.meets(other) && !none(family) {
        return None;
    }
    let said = &pair.mention.usage.path;
    let message = match family == other {
        true => format!("`{said}` is {}, which has no order", family.words()),
        false => format!("`{said}` is {}, and {} comes neither before nor after it", family.words(), other.words()),
    };
    let mut found = Found { code: &NO_ORDER, message, help: help(pair, family, other) };
    if column.is_some_and(|(table, kind)| !is_sure(pair, table, kind)) {
        found.code = &HARDLY_EQUAL;
    }
    Some(found)
}

fn never(pair: &Pair<'_>) -> Option<Found> {
    if pair.one.ordered {
        return unordered(pair);
    }
    match pair.known? {
        Known::Words(words) => {
            one_of(pair, words.iter().map(String::as_str)).or_else(|| unlike(pair, Family::Text, None))
        }
        Known::Family(family) => unlike(pair, *family, None),
        Known::Column(table, column) => match named(pair, table, column) {
            Some(found) => found,
            None => {
                let kind = kind(pair.scene, table, column)?;
                if let Kind::Enum(labels) = kind
                    && let Some(found) = one_of(pair, labels.iter().map(String::as_str))
                {
                    return Some(found);
                }
                unlike(pair, families::of_kind(kind)?, Some((table, kind)))
            }
        },
    }
}

/// Judged by the names that the project file gives to the column's values; nothing where it gives none.
fn named(pair: &Pair<'_>, table: &TableName, column: &str) -> Option<Option<Found>> {
    let names = pair.scene.facts(table).and_then(|facts| facts.enums.get(column))?;
    let Some(value) = pair.value().filter(|value| !names.is_unread() && !value.is_null()) else { return Some(None) };
    let said = &pair.mention.usage.path;
    if names.iter().any(|(name, _)| value.as_str() == Some(name)) {
        return Some(None);
    }
    if let Some((name, _)) = names.iter().find(|(_, stored)| *stored == value) {
        let help = format!("that is how it is stored; expressions see the name: `'{name}'`");
        return Some(Some(pair.found(format!("`{said}` is never `{}`", value.plain()), Some(help))));
    }
    // A number without a name is seen as it is stored, where numbers are.
    let Some(text) = value.as_str() else {
        let by_text = names.iter().all(|(_, stored)| matches!(stored.data, Data::Text(_)));
        if !by_text || Family::of(value) != Some(Family::Number) {
            return Some(None);
        }
        let message = format!("`{said}` is never `{}`: its values are texts", value.plain());
        let mut found = pair.found(message, suggest::help("", names.names()));
        if pair.scene.dialect(&table.connection) == Dialect::Sqlite {
            found.code = &HARDLY_EQUAL;
        }
        return Some(Some(found));
    };
    let by_number = names.iter().all(|(_, stored)| matches!(stored.data, Data::Int(_)));
    let help = suggest::help(text, names.names());
    Some(Some(match by_number {
        true => pair.found(format!("`{said}` is never `{text}`"), help),
        false => {
            Found { code: &UNKNOWN_ENUM_NAME, message: format!("`{text}` is not a name of `{table}.{column}`"), help }
        }
    }))
}

/// A text that is none of these.
fn one_of<'a>(pair: &Pair<'_>, words: impl Iterator<Item = &'a str> + Clone) -> Option<Found> {
    let text = pair.value()?.as_str()?;
    let found =
        || pair.found(format!("`{}` is never `{text}`", pair.mention.usage.path), suggest::help(text, words.clone()));
    (!words.clone().any(|word| word == text)).then(found)
}

/// Judged by the kinds of values on both sides.
fn unlike(pair: &Pair<'_>, family: Family, column: Option<(&TableName, &Kind)>) -> Option<Found> {
    let other = pair.other().filter(|other| !family.meets(*other))?;
    let said = &pair.mention.usage.path;
    let message = match pair.one.other {
        Side::Name => {
            format!("`{said}` is {}, and never equal to `{}`, {}", family.words(), pair.written(), other.words())
        }
        _ => format!("`{said}` is {}, and never equal to {}", family.words(), other.words()),
    };
    let mut found = pair.found(message, help(pair, family, other));
    if column.is_some_and(|(table, kind)| !is_sure(pair, table, kind)) {
        found.code = &HARDLY_EQUAL;
    }
    Some(found)
}

/// The database itself sees to it that a column of this kind never holds what it is compared with.
fn is_sure(pair: &Pair<'_>, table: &TableName, kind: &Kind) -> bool {
    let value = pair.value().map(|value| &value.data);
    // 0 and 1 are false and true wherever numbers stand for them.
    let for_truth = matches!(value, Some(Data::Int(0 | 1)));
    match (pair.scene.dialect(&table.connection), kind) {
        (Dialect::Postgres, _) => true,
        (_, Kind::Bool) => for_truth || pair.scene.dialect(&table.connection) == Dialect::Mysql && !is_number(pair),
        (Dialect::Mysql, _) => true,
        // By its affinity: digits become a number in the one, a number becomes digits in the other.
        (Dialect::Sqlite, Kind::Int { .. } | Kind::Float) => match value {
            Some(Data::Text(text)) => text.trim().parse::<Decimal>().is_ok(),
            other => matches!(other, Some(Data::Bool(_))),
        },
        (Dialect::Sqlite, Kind::Text(_)) => matches!(pair.other(), Some(Family::Number | Family::Truth)),
        (Dialect::Sqlite, _) => matches!(value, Some(Data::Bool(_))),
    }
}

fn is_number(pair: &Pair<'_>) -> bool {
    pair.other() == Some(Family::Number)
}

fn help(pair: &Pair<'_>, family: Family, other: Family) -> Option<String> {
    let (said, written) = (&pair.mention.usage.path, pair.written());
    match (family, other, pair.value().map(|value| &value.data)) {
        (Family::Number, _, Some(Data::Text(text))) if text.trim().parse::<Decimal>().is_ok() => {
            Some(format!("write the number without quotes: `{}`", text.trim()))
        }
        (Family::Text, Family::Number | Family::Truth, Some(_)) => {
            Some(format!("put quotes around it: `'{}'`", pair.value()?.plain()))
        }
        (Family::Truth, ..) => Some(format!("write `{said}` or `not {said}`, without a comparison")),
        (Family::Time, Family::Number, _) if written.parse::<Date>().is_ok() => {
            Some(format!("put quotes around it, else it is a subtraction: `'{written}'`"))
        }
        (Family::Time, Family::Number, _) => Some("a date stands in quotes: `'2025-07-23'`".into()),
        (Family::Number, Family::Text, None) => Some(format!("convert one side: `{said} | string`")),
        (Family::Text, Family::Number, None) if pair.one.other == Side::Name => {
            Some(format!("convert one side: `{written} | string`"))
        }
        _ => None,
    }
}
