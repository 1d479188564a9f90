//! Values of a statement as arguments of the driver, each in the type that the server reported for it.

use super::{
    super::{
        fault::{Fault, FaultKind},
        sql_lexer,
        statement::Statement,
    },
    column,
    encode::{Encoded, encode},
    form::{self, Form},
};
use crate::base::counted::counted;
use sqlx::{
    Arguments, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};

/// The text to run (with casts where only the server can parse a value) and its arguments.
pub fn bind(infos: &[PgTypeInfo], statement: &Statement) -> Result<(String, PgArguments), Fault> {
    if infos.len() != statement.binds.len() {
        let message =
            format!("the statement takes {} and got {}", counted(infos.len(), "value"), statement.binds.len());
        return Err(Fault::new(FaultKind::Syntax, message));
    }
    let mut arguments = PgArguments::default();
    let mut casts = Vec::new();
    for (n, (info, value)) in (1..).zip(infos.iter().zip(&statement.binds)) {
        let misfit = |why| {
            let column = column::of_placeholder(&statement.sql, n);
            let what = column.map_or_else(|| format!("${n}"), |column| format!("`{column}` (${n})"));
            Fault::new(FaultKind::Data, format!("{what} takes {} and got {why}", form::name(info)))
        };
        let raw = match encode(&Form::of(info), value).map_err(misfit)? {
            Encoded::Null => Raw { info: info.clone(), bytes: None },
            Encoded::Bytes(bytes) => Raw { info: info.clone(), bytes: Some(bytes) },
            Encoded::AsText(text) => {
                casts.push((n, format!("(${n}::text::{})", form::cast(info))));
                Raw { info: TEXT, bytes: Some(text.into_bytes()) }
            }
        };
        arguments.add(raw).map_err(|e| Fault::new(FaultKind::Data, format!("${n} could not be encoded: {e}")))?;
    }
    Ok((sql_lexer::with_casts(&statement.sql, &casts), arguments))
}

const TEXT: PgTypeInfo = PgTypeInfo::with_oid(Oid(25));

/// An argument whose bytes are made already.
struct Raw {
    info: PgTypeInfo,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for Raw {
    fn type_info() -> PgTypeInfo {
        TEXT
    }
}

impl Encode<'_, Postgres> for Raw {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match &self.bytes {
            None => Ok(IsNull::Yes),
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
        }
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.info.clone())
    }
}
