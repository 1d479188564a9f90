//! Values of a statement as arguments of the driver, by the value's own kind: the server does not say what it expects. It
//! converts them itself, and in strict mode refuses what would lose something.

use super::super::{
    fault::{Fault, FaultKind},
    statement::Statement,
};
use crate::base::{
    counted::counted,
    json,
    value::{Data, Value},
};
use sqlx::{
    Arguments, Either, Encode, MySql, Statement as _, Type,
    encode::IsNull,
    error::BoxDynError,
    mysql::{MySqlArguments, MySqlStatement, MySqlTypeInfo},
};

/// How many values a statement takes.
pub fn parameters(statement: &MySqlStatement) -> usize {
    match statement.parameters() {
        Some(Either::Right(count)) => count,
        Some(Either::Left(infos)) => infos.len(),
        None => 0,
    }
}

/// The arguments of a statement.
pub fn bind(
    prepared: &MySqlStatement,
    statement: &Statement,
    decimal: &MySqlTypeInfo,
) -> Result<MySqlArguments, Fault> {
    let count = parameters(prepared);
    if count != statement.binds.len() {
        let message = format!("the statement takes {} and got {}", counted(count, "value"), statement.binds.len());
        return Err(Fault::new(FaultKind::Syntax, message));
    }
    let mut arguments = MySqlArguments::default();
    for (n, value) in (1..).zip(&statement.binds) {
        let bad = |why: String| Fault::new(FaultKind::Data, format!("?{n} got {why}"));
        add(&mut arguments, value, decimal).map_err(|e| bad(e.to_string()))?;
    }
    Ok(arguments)
}

fn add(arguments: &mut MySqlArguments, value: &Value, decimal: &MySqlTypeInfo) -> Result<(), BoxDynError> {
    match &value.data {
        Data::Null => arguments.add(None::<String>),
        Data::Bool(b) => arguments.add(i64::from(*b)),
        Data::Int(n) => arguments.add(*n),
        Data::Float(f) if !f.is_finite() => Err("a number that is not finite, which MySQL does not have".into()),
        Data::Float(f) => arguments.add(*f),
        // As a text it would be compared as a floating-point number.
        Data::Decimal(d) if !d.as_str().starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') => {
            Err("a number that is not finite, which MySQL does not have".into())
        }
        Data::Decimal(d) => arguments.add(Digits { text: d.as_str().to_owned(), info: decimal.clone() }),
        Data::Bytes(bytes) => arguments.add(bytes.to_vec()),
        Data::Timestamp(stamp) | Data::Instant(stamp) if stamp.is_finite() => arguments.add(stamp.written(' ')),
        Data::Timestamp(_) | Data::Instant(_) => Err("an infinite time, which MySQL does not have".into()),
        Data::Date(date) if date.0 == i32::MIN || date.0 == i32::MAX => {
            Err("an infinite date, which MySQL does not have".into())
        }
        Data::Json(json) => arguments.add(json.text().to_owned()),
        Data::List(_) | Data::Map(_) => arguments.add(json::text_of(value)),
        Data::Unknown(_) => Err("an unknown, which has no value yet".into()),
        Data::Text(_) | Data::Date(_) | Data::Time(_) | Data::Uuid(_) => arguments.add(value.bare().into_owned()),
    }
}

/// A decimal: its digits, under the server's own type.
struct Digits {
    text: String,
    info: MySqlTypeInfo,
}

impl Type<MySql> for Digits {
    fn type_info() -> MySqlTypeInfo {
        <str as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Digits {
    fn encode_by_ref(&self, buffer: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        Encode::<MySql>::encode_by_ref(&self.text, buffer)
    }

    fn produces(&self) -> Option<MySqlTypeInfo> {
        Some(self.info.clone())
    }
}
