//! Arguments of a job: as a playbook writes them, and as ActiveJob writes them. Both directions are inverse to each other, so
//! that `args: "{{ item.args }}"` enqueues what was found. Pure.
//!
//! ActiveJob (`active_job/arguments.rb`, Rails 6.1 and 7.1): texts, numbers, booleans and null as they are; a record as its
//! GlobalID; a hash with the list of its symbol keys; dates, times and symbols as `_aj_serialized` objects.

use super::{gid::GlobalId, settings::Rails};
use crate::base::{
    time,
    value::{Data, Map, Value},
};
use std::sync::Arc;

const GLOBAL_ID: &str = "_aj_globalid";
const SYMBOL_KEYS: &str = "_aj_symbol_keys";
const KEYWORDS: &str = "_aj_ruby2_keywords";
const INDIFFERENT: &str = "_aj_hash_with_indifferent_access";
const SERIALIZED: &str = "_aj_serialized";
const RESERVED: [&str; 5] = [GLOBAL_ID, SYMBOL_KEYS, KEYWORDS, INDIFFERENT, SERIALIZED];

const DATE: &str = "ActiveJob::Serializers::DateSerializer";
const TIME: &str = "ActiveJob::Serializers::TimeWithZoneSerializer";
const SYMBOL: &str = "ActiveJob::Serializers::SymbolSerializer";

/// The words that make a map of one key a value of its own.
pub const WORDS: [&str; 5] = ["record", "date", "time", "symbol", "symbol_keys"];

/// Who reads the arguments.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The application's name in GlobalIDs.
    pub app: Option<&'a str>,
    /// Its Rails.
    pub rails: Rails,
}

impl Reader<'_> {
    /// The list under `arguments`: what a playbook gives, and keyword arguments as the last one. The error is a sentence
    /// fragment without values of people. What is unknown stays so.
    pub fn list(self, args: &[Value], keywords: &Map) -> Result<Value, String> {
        let mut all = args.iter().map(|value| self.one(value)).collect::<Result<Vec<_>, _>>()?;
        if !keywords.is_empty() {
            all.push(self.hash(keywords, KEYWORDS, true)?);
        }
        Ok(Value::list(all))
    }

    fn one(self, value: &Value) -> Result<Value, String> {
        let marks = value.marks;
        let made = match &value.data {
            Data::Unknown(_) | Data::Null | Data::Bool(_) | Data::Int(_) | Data::Text(_) => value.clone(),
            Data::Decimal(decimal)
                if decimal.as_str().bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')) =>
            {
                value.clone()
            }
            Data::Float(f) if f.is_finite() => value.clone(),
            Data::Date(date) => serialized(DATE, Value::text(date.to_string()), None),
            Data::Instant(stamp) => self.time(*stamp),
            Data::Uuid(uuid) => Value::text(uuid.to_string()),
            Data::Json(json) => return self.one(&json.tree().clone().marked(marks)),
            Data::List(values) => Value::list(values.iter().map(|v| self.one(v)).collect::<Result<Vec<_>, _>>()?),
            Data::Map(map) => match map.first() {
                Some((word, inner)) if map.len() == 1 && WORDS.contains(&&**word) => self.word(word, inner)?,
                _ => self.hash(map, SYMBOL_KEYS, false)?,
            },
            Data::Timestamp(_) => {
                return Err("a timestamp without a zone is no argument: say `{ time: … }` with its zone".into());
            }
            _ => return Err(format!("{} is no argument of a job", value.kind())),
        };
        Ok(made.marked(marks))
    }

    fn word(self, word: &str, inner: &Value) -> Result<Value, String> {
        if let Data::Unknown(_) = &inner.data {
            return Ok(inner.clone());
        }
        let text = || inner.as_str().ok_or_else(|| format!("`{word}` takes a text, not {}", inner.kind()));
        let made = match word {
            "record" => {
                let app = self.app.ok_or("a record needs the application's name: `app:` at the connection")?;
                let id = GlobalId::of(app, text()?).ok_or("a record is written `Model/id`")?;
                Value::map([(GLOBAL_ID, Value::text(id.to_string()))])
            }
            "date" => match &inner.data {
                Data::Date(_) => return self.one(inner),
                _ => {
                    let date: time::Date = text()?.parse().map_err(|_| "`date` takes a day such as 2025-07-27")?;
                    serialized(DATE, Value::text(date.to_string()), None)
                }
            },
            "time" => match &inner.data {
                Data::Instant(_) => return self.one(inner),
                _ => self.time(
                    time::instant(text()?)
                        .map_err(|_| "`time` takes a moment with its zone, such as 2025-07-27T10:00:00Z")?,
                ),
            },
            "symbol" => serialized(SYMBOL, Value::text(text()?), None),
            _ => match inner.as_map() {
                Some(map) => self.hash(map, SYMBOL_KEYS, true)?,
                None => return Err("`symbol_keys` takes a map".into()),
            },
        };
        Ok(made.marked(inner.marks))
    }

    fn time(self, stamp: time::Stamp) -> Value {
        let zone = (self.rails != Rails::V61).then_some("Etc/UTC");
        serialized(TIME, Value::text(nanos(stamp)), zone)
    }

    fn hash(self, map: &Map, kind: &str, symbols: bool) -> Result<Value, String> {
        let mut made = Map::default();
        for (key, value) in map {
            if RESERVED.contains(&&**key) {
                return Err(format!("`{key}` is ActiveJob's own and cannot be a key"));
            }
            made.insert(key.clone(), self.one(value)?);
        }
        let keys: Vec<Value> =
            if symbols { map.keys().map(|key| Value::text(key.clone())).collect() } else { Vec::new() };
        made.insert(kind.into(), Value::list(keys));
        Ok(made.into())
    }
}

fn serialized(kind: &str, value: Value, zone: Option<&str>) -> Value {
    let mut map = Map::default();
    map.insert(SERIALIZED.into(), Value::text(kind));
    map.insert("value".into(), value);
    map.extend(zone.map(|zone| ("time_zone".into(), Value::text(zone))));
    map.into()
}

/// With nine decimals, as Rails writes moments: `2025-07-27T10:00:00.000000000Z`.
pub fn nanos(stamp: time::Stamp) -> String {
    format!("{}000Z", time::Stamp { digits: 6, ..stamp })
}

/// What the arguments of a job are, as playbooks write them.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Those by place.
    pub args: Vec<Value>,
    /// Those by name.
    pub keywords: Map,
    /// Every record among them, in the order of the text.
    pub records: Vec<GlobalId>,
}

/// Reads the list under `arguments`.
pub fn read(list: &[Value]) -> Given {
    let mut given = Given::default();
    for (index, value) in list.iter().enumerate() {
        let last = index + 1 == list.len();
        match value.as_map() {
            Some(map) if last && map.contains_key(KEYWORDS) => {
                let rest = map.iter().filter(|(key, _)| &***key != KEYWORDS);
                given.keywords = rest.map(|(key, value)| (key.clone(), back(value, &mut given.records))).collect();
            }
            _ => {
                let one = back(value, &mut given.records);
                given.args.push(one);
            }
        }
    }
    given
}

fn back(value: &Value, records: &mut Vec<GlobalId>) -> Value {
    if let Some(list) = value.as_list() {
        return Value::list(list.iter().map(|v| back(v, records)).collect::<Vec<_>>());
    }
    let Some(map) = value.as_map() else { return value.clone() };
    if map.len() == 1
        && let Some(id) = map.get(GLOBAL_ID).and_then(Value::as_str).and_then(GlobalId::parse)
    {
        let record = Value::text(id.record());
        records.push(id);
        return Value::map([("record", record)]);
    }
    if let Some(found) = object(map) {
        return found;
    }
    let symbols = map.get(SYMBOL_KEYS).or_else(|| map.get(KEYWORDS)).and_then(Value::as_list).unwrap_or_default();
    let inner = map.iter().filter(|(key, _)| !RESERVED.contains(&&***key));
    let inner: Map = inner.map(|(key, value)| (key.clone(), back(value, records))).collect();
    // With all of its keys as symbols it is written so; a mixture is shown by its keys alone.
    let all = !inner.is_empty() && inner.keys().all(|key| symbols.iter().any(|s| s.as_str() == Some(key)));
    if all { Value::map([("symbol_keys", Value::from(inner))]) } else { inner.into() }
}

/// A date, a time, a symbol; an object of another kind stays as it is.
fn object(map: &Map) -> Option<Value> {
    let kind = map.get(SERIALIZED)?.as_str()?;
    let text = map.get("value").and_then(Value::as_str);
    let read = match (kind, text) {
        (DATE, Some(text)) => text.parse().ok().map(|date| Data::Date(date).into()),
        (SYMBOL, Some(text)) => Some(Value::map([("symbol", Value::text(text))])),
        (TIME, Some(text)) => moment(text).map(|stamp| Data::Instant(stamp).into()),
        _ => None,
    };
    Some(read.unwrap_or_else(|| Value::from(map.clone())))
}

/// A moment with up to nine decimals; those beyond microseconds must be zero, else the text would lose something.
pub fn moment(text: &str) -> Option<time::Stamp> {
    if let Ok(stamp) = time::instant(text) {
        return Some(stamp);
    }
    let point = text.find('.')? + 1;
    let digits = text[point..].bytes().take_while(u8::is_ascii_digit).count();
    let beyond = text.get(point + 6..point + digits)?;
    if !beyond.bytes().all(|b| b == b'0') {
        return None;
    }
    time::instant(&format!("{}{}", &text[..point + 6], &text[point + digits..])).ok()
}

/// A name for a job with these arguments (as ActiveJob writes them) that is the same for equal ones: what "no equal job is
/// waiting" compares. Keys of maps in any order, numbers by value.
pub fn likeness(job: &str, list: &Value) -> Arc<str> {
    use sha2::{Digest, Sha256};
    let bytes = crate::base::canonical::bytes(&Value::list([Value::text(job), list.clone()]));
    Sha256::digest(bytes).iter().take(16).map(|b| format!("{b:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    fn reader(rails: Rails) -> Reader<'static> {
        Reader { app: Some("register"), rails }
    }

    fn list(text: &str) -> Vec<Value> {
        json::parse(text).unwrap().as_list().unwrap().to_vec()
    }

    fn written(args: &str, keywords: &str, rails: Rails) -> Result<String, String> {
        let keywords = json::parse(keywords).unwrap().as_map().cloned().unwrap_or_default();
        reader(rails).list(&list(args), &keywords).map(|value| json::text_of(&value))
    }

    #[test]
    fn arguments_are_written_as_active_job_writes_them() {
        let args = r#"[{"record":"Trainee/122803"},{"date":"2025-07-27"},{"time":"2025-07-27T12:00:00.5+02:00"},{"symbol":"contact"},"x",1,1.50,null,true,{"a":[{"record":"Dqt::TrnRequest/1"}]},{"symbol_keys":{"b":1}}]"#;
        let common = r#"[{"_aj_globalid":"gid://register/Trainee/122803"},{"_aj_serialized":"ActiveJob::Serializers::DateSerializer","value":"2025-07-27"},{"_aj_serialized":"ActiveJob::Serializers::TimeWithZoneSerializer","value":"2025-07-27T10:00:00.500000000Z"ZONE},{"_aj_serialized":"ActiveJob::Serializers::SymbolSerializer","value":"contact"},"x",1,1.50,null,true,{"a":[{"_aj_globalid":"gid://register/Dqt::TrnRequest/1"}],"_aj_symbol_keys":[]},{"b":1,"_aj_symbol_keys":["b"]},{"trainee":{"_aj_globalid":"gid://register/Trainee/1"},"_aj_ruby2_keywords":["trainee"]}]"#;
        let keywords = r#"{"trainee":{"record":"Trainee/1"}}"#;
        assert_eq!(written(args, keywords, Rails::V61).unwrap(), common.replace("ZONE", ""));
        assert_eq!(written(args, keywords, Rails::V71).unwrap(), common.replace("ZONE", r#","time_zone":"Etc/UTC""#));
    }

    #[test]
    fn what_was_written_reads_back_as_it_was_given() {
        let args =
            r#"[{"record":"Trainee/1"},{"symbol":"s"},"x",[1,{"k":null}],{"symbol_keys":{"b":{"record":"User/2"}}}]"#;
        let keywords = json::parse(r#"{"who":{"record":"User/3"}}"#).unwrap();
        let made = reader(Rails::V71).list(&list(args), keywords.as_map().unwrap()).unwrap();
        let given = read(made.as_list().unwrap());
        assert_eq!(json::text_of(&Value::list(given.args)), args);
        assert_eq!(Value::from(given.keywords), keywords);
        let records: Vec<_> = given.records.iter().map(GlobalId::record).collect();
        assert_eq!(records, ["Trainee/1", "User/2", "User/3"]);
        let day = Value::from(Data::Date("2025-07-27".parse().unwrap()));
        let at = Value::from(Data::Instant(time::instant("2025-07-27T10:00:00.123456Z").unwrap()));
        let made = reader(Rails::V71).list(&[day.clone(), at.clone()], &Map::default()).unwrap();
        assert_eq!(read(made.as_list().unwrap()).args, [day, at]);
    }

    #[test]
    fn what_is_no_argument_says_why() {
        for (args, why) in [
            (r#"[{"record":"Trainee"}]"#, "`Model/id`"),
            (r#"[{"record":1}]"#, "takes a text"),
            (r#"[{"date":"tomorrow"}]"#, "a day"),
            (r#"[{"time":"2025-07-27T10:00:00"}]"#, "with its zone"),
            (r#"[{"_aj_globalid":"x","b":1}]"#, "ActiveJob's own"),
            (r#"[{"symbol_keys":1}]"#, "takes a map"),
        ] {
            assert!(written(args, "{}", Rails::V71).unwrap_err().contains(why), "{args}");
        }
        let nobody = Reader { app: None, rails: Rails::V71 };
        assert!(nobody.list(&list(r#"[{"record":"T/1"}]"#), &Map::default()).unwrap_err().contains("`app:`"));
    }

    #[test]
    fn arguments_of_others_never_break_the_reading() {
        for text in [
            r#"[{"_aj_globalid":1}]"#,
            r#"[{"_aj_globalid":"x"}]"#,
            r#"[{"_aj_serialized":"Other","value":1}]"#,
            r#"[{"_aj_serialized":"ActiveJob::Serializers::DateSerializer","value":"x"}]"#,
            r#"[{"_aj_ruby2_keywords":1}]"#,
            r#"[{"a":1,"_aj_symbol_keys":{"x":1}}]"#,
        ] {
            read(&list(text));
        }
        assert_eq!(moment("2025-07-27T10:00:00.123456789Z"), None, "nanoseconds are not thrown away");
    }

    #[test]
    fn equal_arguments_have_one_likeness() {
        let of = |text: &str| likeness("A", &json::parse(text).unwrap());
        assert_eq!(of(r#"[{"a":1,"b":1.0}]"#), of(r#"[{"b":1.00,"a":1}]"#));
        assert_ne!(of("[1]"), of("[\"1\"]"));
        assert_ne!(likeness("B", &json::parse("[1]").unwrap()), of("[1]"));
    }
}
