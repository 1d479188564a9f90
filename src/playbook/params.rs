//! Parameters: declared types, and the values that a person gives, accepted or refused before anything is opened.

use crate::{
    action::ask::AnswerField,
    base::{
        counted::counted,
        decimal::Decimal,
        shape::{Length, Named, Placed, Word},
        source::Span,
        suggest,
        time::{self, Date, Stamp},
        value::{Data, Map, Marks, Value},
    },
    effect::change::TableName,
    playbook::project::Project,
    shape,
    targets::source::FileParam,
    words,
};

shape! {
    /// One parameter.
    "a parameter" pub struct Param {
        /// `string`, `int`, `decimal`, `bool`, `date`, `timestamp`, `duration` (`7d`), `uuid`, `enum`, `email`, `list`, `file`, or an enum column
        /// of a declared table: `register.trainees.training_route`.
        #[schemars(schema_with = "type_schema")]
        kind as "type": Word,
        /// Of a list: the type of its elements.
        #[schemars(default, schema_with = "type_schema")]
        of: Option<Word>,
        /// Of a file: what is in it; `csv` is all that is read.
        format: Option<FileFormat>,
        /// Of an enum: the words.
        #[schemars(default)]
        values: Vec<Word>,
        /// A pattern that the whole text must match.
        pattern: Option<Word>,
        /// Smallest value; of a list: fewest elements.
        min: Option<Placed<Value>>,
        /// Largest value; of a list: most elements.
        max: Option<Placed<Value>>,
        /// Fewest characters.
        min_length: Option<u32>,
        /// Most characters.
        max_length: Option<u32>,
        /// Taken when nothing is given; `null` makes the parameter optional.
        default: Option<Placed<Value>>,
        /// What it means, for the person who runs the playbook.
        description: Option<Word>,
        /// One good value.
        example: Option<Placed<Value>>,
        /// Good values.
        #[schemars(default)]
        examples: Vec<Placed<Value>>,
        /// About a person: masked and sealed.
        personal: Option<bool>,
        /// A secret: never shown, never stored.
        secret: Option<bool>,
    }
}

words! {
    "a form of a file"
    pub enum FileFormat {
        /// Lines of cells, with a header.
        Csv = "csv",
    }
}

/// The types that need nothing else.
pub const TYPES: &[&str] =
    &["string", "int", "decimal", "bool", "date", "timestamp", "duration", "uuid", "enum", "email", "list", "file"];

/// What an editor offers as a type.
fn type_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "anyOf": [
        { "enum": TYPES },
        { "type": "string", "pattern": "^[^.]+\\.[^.]+(\\.[^.]+)+$", "description": "An enum column of a declared table: `connection.table.column`." }
    ] })
}

impl Param {
    /// The marks of its value.
    pub fn marks(&self) -> Marks {
        let personal = if self.personal == Some(true) { Marks::PERSONAL } else { Marks::NONE };
        personal | if self.secret == Some(true) { Marks::SECRET } else { Marks::NONE }
    }

    /// Its type, and that of its elements, exists.
    pub fn has_type(&self, project: &Project) -> bool {
        let exists = |kind: &str| {
            let column = |(table, column): (TableName, &str)| {
                let names = project.facts(&table).and_then(|facts| facts.enums.get(column));
                names.is_some_and(|names| !names.is_unread())
            };
            TYPES.contains(&kind) || self::column(kind).is_some_and(column)
        };
        exists(self.kind.as_str()) && self.of.iter().all(|of| exists(of.as_str()))
    }

    /// The words of an enum, its own or those of the column that gives its type.
    pub fn words<'a>(&'a self, project: &'a Project) -> Vec<&'a str> {
        if self.kind.as_str() == "enum" {
            return self.values.iter().map(Word::as_str).collect();
        }
        column(self.kind.as_str())
            .and_then(|(table, column)| project.facts(&table)?.enums.get(column))
            .map(|names| names.names().collect())
            .unwrap_or_default()
    }
}

/// The parts of an answer, as parameters: what `ask` declares is accepted by the same rules.
pub fn of_answer<'a>(fields: impl IntoIterator<Item = (&'a str, &'a AnswerField)>) -> Named<Param> {
    let word = |text: &str| Word { text: text.into(), span: Span::default() };
    let param = |field: &AnswerField| Param {
        kind: field.kind.clone(),
        of: None,
        format: None,
        values: Vec::new(),
        description: field.description.clone(),
        pattern: field.pattern.clone(),
        min: None,
        max: None,
        min_length: None,
        max_length: None,
        default: (field.optional == Some(true)).then_some(Placed { value: Value::NULL, at: field.at }),
        example: None,
        examples: Vec::new(),
        personal: None,
        secret: None,
        at: field.at,
    };
    Named { entries: fields.into_iter().map(|(name, field)| (word(name), param(field))).collect(), at: Span::default() }
}

/// Table and column of `connection.table.column`.
pub fn column(kind: &str) -> Option<(TableName, &str)> {
    let (table, column) = kind.rsplit_once('.')?;
    Some((TableName::parse(table)?, column))
}

/// Why a given value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The parameter.
    pub param: String,
    /// A sentence fragment.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Refused {
    /// In one line: which parameter, once, why, and what to do.
    pub fn line(&self) -> String {
        let Refused { param, message, help } = self;
        let named = message.contains(&format!("`{param}`"));
        let why = if named { message.clone() } else { format!("{param}: {message}") };
        help.iter().fold(why, |why, help| format!("{why}; {help}"))
    }
}

/// The parameters of a run from what a person gave (`name`, text or typed value). All refusals in one go.
pub fn accept(declared: &Named<Param>, given: &[(String, Value)], project: &Project) -> Result<Map, Vec<Refused>> {
    let mut refused = Vec::new();
    for (name, _) in given.iter().filter(|(name, _)| declared.get(name).is_none()) {
        let help = suggest::help(name, declared.names());
        refused.push(Refused { param: name.clone(), message: format!("the playbook has no parameter `{name}`"), help });
    }
    for (name, _) in declared.iter() {
        if given.iter().filter(|(n, _)| n == name).count() > 1 {
            let (message, help) = (format!("`{name}` is given twice"), Some("leave one of them out".to_owned()));
            refused.push(Refused { param: name.to_owned(), message, help });
        }
    }
    let mut accepted = Map::default();
    for (name, param) in declared.iter() {
        let value = match given.iter().find(|(n, _)| n == name) {
            Some((_, value)) => one(param, value, project),
            None => match &param.default {
                Some(value) if value.is_null() => Ok(Value::NULL),
                Some(value) => one(param, value, project),
                None => Err((format!("`{name}` is missing"), Some(missing_help(name, param)))),
            },
        };
        match value {
            Ok(value) => {
                accepted.insert(name.into(), value.marked(param.marks()));
            }
            Err((message, help)) => refused.push(Refused { param: name.to_owned(), message, help }),
        }
    }
    if refused.is_empty() { Ok(accepted) } else { Err(refused) }
}

fn missing_help(name: &str, param: &Param) -> String {
    let example = param
        .example
        .as_ref()
        .or(param.examples.first())
        .map_or_else(|| format!("<{}>", param.kind.as_str()), |v| v.plain().into_owned());
    let what = param.description.as_ref().map_or(String::new(), |d| format!(" ({})", d.as_str().trim()));
    format!("give it as `{name}={example}`{what}")
}

/// The typed value, or a message and help.
pub type Verdict = Result<Value, (String, Option<String>)>;

/// One parameter from one given value: the typed value, or why it is refused and what to do.
pub fn one(param: &Param, given: &Value, project: &Project) -> Verdict {
    if param.kind.as_str() == "list" {
        return list(param, given, project);
    }
    let value = typed(param.kind.as_str(), param, given, project)?;
    bounds(param, &value)?;
    Ok(value)
}

/// A refused value in a message. What is hidden stays so: who sees the message need not be who gave the value.
fn told(param: &Param, value: &Value) -> String {
    if param.marks().hidden() { "its value".into() } else { value.shown() }
}

fn so_long(param: &Param, length: usize) -> String {
    match param.marks().hidden() {
        true => "its value has another number of characters".into(),
        false => format!("the text has {}", counted(length, "character")),
    }
}

fn list(param: &Param, given: &Value, project: &Project) -> Verdict {
    let of = param.of.as_ref().map_or("string", Word::as_str);
    let parts: Vec<Value> = match (&given.data, given.as_list()) {
        (_, Some(values)) => values.to_vec(),
        (Data::Text(text), _) if text.trim().is_empty() => Vec::new(),
        (Data::Text(text), _) => text.split(',').map(|part| Value::text(part.trim())).collect(),
        _ => {
            return Err((
                format!("{} is not a list", told(param, given)),
                Some("write the elements with commas between them: `a,b,c`".into()),
            ));
        }
    };
    for (bound, less) in [(&param.min, true), (&param.max, false)] {
        if let Some(n) = bound.as_ref().and_then(|bound| bound.as_int())
            && (if less { (parts.len() as i64) < n } else { parts.len() as i64 > n })
        {
            return Err((
                format!(
                    "the list has {}; {} {n}",
                    counted(parts.len(), "element"),
                    if less { "at least" } else { "at most" }
                ),
                None,
            ));
        }
    }
    let elements = parts.iter().map(|v| typed(of, param, v, project)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::list(elements))
}

/// Converts to the declared type.
fn typed(kind: &str, param: &Param, given: &Value, project: &Project) -> Verdict {
    let text = given.bare();
    let refuse = |what: &str, help: &str| {
        Err((format!("{} is not {what}", told(param, given)), (!help.is_empty()).then(|| help.to_owned())))
    };
    if kind == "file" {
        // Already a file with its sum: a value that was accepted before.
        return FileParam::of(given).map_or_else(|| refuse("the path of a file", ""), |file| Ok(file.value()));
    }
    let data = match kind {
        "string" => Data::Text(text.as_ref().into()),
        "int" => match text.parse() {
            Ok(n) => Data::Int(n),
            Err(_) => return refuse("a whole number", ""),
        },
        "decimal" => match text.parse() {
            Ok(d) if Decimal::is_finite(&d) => Data::Decimal(d),
            _ => return refuse("a decimal number", "write digits with a point: `12.50`"),
        },
        "bool" => match text.as_ref() {
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            _ => return refuse("a boolean", "write `true` or `false`"),
        },
        "date" => match text.parse::<Date>() {
            Ok(d) => Data::Date(d),
            Err(_) => return refuse("a date", "write year, month and day: `2024-03-31`"),
        },
        "timestamp" => match (text.parse::<Stamp>(), time::instant(&text)) {
            (Ok(s), _) => Data::Timestamp(s),
            (_, Ok(s)) => Data::Instant(s),
            _ => return refuse("a timestamp", "write `2024-03-31T09:30:00`, with `Z` for UTC"),
        },
        "duration" => match text.parse::<Length>() {
            Ok(_) => Data::Text(text.as_ref().into()),
            Err(()) => return refuse("a length of time", "write a whole number and a unit: `30s`, `5m`, `2h`, `7d`"),
        },
        "uuid" => match uuid::Uuid::parse_str(&text) {
            Ok(u) => Data::Uuid(u),
            Err(_) => return refuse("a uuid", "write it as `6f1c1c5e-…` with 32 hexadecimal digits"),
        },
        "email" => match text.split_once('@') {
            Some((user, host)) if !user.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) => {
                Data::Text(text.as_ref().into())
            }
            _ => return refuse("an e-mail address", ""),
        },
        _ => {
            let words = param.words(project);
            if !words.contains(&text.as_ref()) {
                // The word that is nearest would tell much of what is hidden.
                let help = if param.marks().hidden() { None } else { suggest::help(&text, words) };
                return Err((format!("{} is not one of its values", told(param, given)), help));
            }
            Data::Text(text.as_ref().into())
        }
    };
    Ok(data.into())
}

fn bounds(param: &Param, value: &Value) -> Result<(), (String, Option<String>)> {
    let text = value.bare();
    if param.kind.as_str() == "duration" {
        let length = |text: &str| text.parse::<Length>().ok();
        for (bound, less) in [(&param.min, true), (&param.max, false)] {
            let Some(bound) = bound.as_ref().and_then(|bound| length(&bound.bare())) else { continue };
            let odd = length(&text).is_some_and(|given| if less { given < bound } else { given > bound });
            if odd {
                let word = if less { "below the shortest" } else { "above the longest" };
                return Err((format!("{} is {word}, {bound}", told(param, value)), None));
            }
        }
    }
    if let Some(pattern) = &param.pattern {
        // The pattern was compiled by check; one that does not compile cannot reach a run.
        let matches = regex::Regex::new(&format!("^(?:{})$", pattern.as_str())).is_ok_and(|r| r.is_match(&text));
        if !matches {
            let help = param
                .example
                .as_ref()
                .or(param.examples.first())
                .map(|v| format!("a good one looks like {}", v.plain()));
            return Err((format!("{} does not match the pattern {}", told(param, value), pattern.as_str()), help));
        }
    }
    let length = text.chars().count();
    if let Some(least) = param.min_length.filter(|n| length < *n as usize) {
        return Err((format!("{}; at least {least}", so_long(param, length)), None));
    }
    if let Some(most) = param.max_length.filter(|n| length > *n as usize) {
        return Err((format!("{}; at most {most}", so_long(param, length)), None));
    }
    let order = |bound: &Value| compare(value, bound);
    if let Some(min) = param.min.as_ref().filter(|b| order(b) == Some(std::cmp::Ordering::Less)) {
        return Err((format!("{} is below the smallest value {}", told(param, value), min.plain()), None));
    }
    if let Some(max) = param.max.as_ref().filter(|b| order(b) == Some(std::cmp::Ordering::Greater)) {
        return Err((format!("{} is above the largest value {}", told(param, value), max.plain()), None));
    }
    Ok(())
}

/// How two bounds of a type stand to each other; nothing when one of them is not of that type.
pub fn order(kind: &str, a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match kind {
        "duration" => Some(a.bare().parse::<Length>().ok()?.cmp(&b.bare().parse().ok()?)),
        "date" => Some(a.bare().parse::<Date>().ok()?.cmp(&b.bare().parse().ok()?)),
        "timestamp" => Some(a.bare().parse::<Stamp>().ok()?.cmp(&b.bare().parse().ok()?)),
        _ => Some(a.bare().parse::<Decimal>().ok()?.cmp(&b.bare().parse().ok()?)),
    }
}

fn compare(value: &Value, bound: &Value) -> Option<std::cmp::Ordering> {
    let decimal = |v: &Value| v.bare().parse::<Decimal>().ok();
    match &value.data {
        Data::Int(_) | Data::Decimal(_) => Some(decimal(value)?.cmp(&decimal(bound)?)),
        Data::Date(d) => Some(d.cmp(&bound.bare().parse().ok()?)),
        Data::Timestamp(s) | Data::Instant(s) => Some(s.cmp(&bound.bare().parse().ok()?)),
        _ => None,
    }
}
