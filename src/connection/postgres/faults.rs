//! PostgreSQL's error codes and the driver's errors as faults. Cuts row data out of messages.

use super::{
    super::fault::{Fault, FaultKind},
    guard,
};
use sqlx::postgres::{PgDatabaseError, PgErrorPosition, PgSeverity};

/// An error of a statement or of connecting.
pub fn fault(error: sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast::<PgDatabaseError>() {
            Ok(error) => of_server(&error),
            Err(error) => Fault::new(FaultKind::Other, error.to_string()),
        },
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Fault::new(FaultKind::Refused, "nobody listens there")
        }
        sqlx::Error::Io(error) => Fault::new(FaultKind::Lost, format!("the connection broke: {error}")),
        sqlx::Error::Tls(error) => Fault::new(FaultKind::TlsFailed, format!("no encrypted connection: {error}")),
        sqlx::Error::Configuration(error) => {
            Fault::new(FaultKind::Settings, format!("the address cannot be used: {error}"))
        }
        sqlx::Error::Encode(error) => Fault::new(FaultKind::Data, error.to_string()),
        // The driver asks what kind of type it is, and knows no multiranges ('m').
        error if error.to_string().contains("unknown type code 109") => Fault::new(
            FaultKind::Lost,
            "a column is a multirange, which trueup cannot read: the driver does not know such types".to_owned(),
        )
        .advise("declare a view of the table in which it is cast to text, or leaves it out"),
        // A protocol error leaves the session in an unknown state: it counts as lost.
        error => Fault::new(FaultKind::Lost, format!("the server's answer was not understood: {error}")),
    }
}

fn of_server(error: &PgDatabaseError) -> Fault {
    let code = error.code();
    if let Some(refused) = guard::refused(error.message()).filter(|_| code == "22P02") {
        return refused;
    }
    let fatal = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    let mut fault = Fault::new(kind(code, error.message(), fatal), message(code, error.message()));
    fault.position = match error.position() {
        Some(PgErrorPosition::Original(at)) => Some(at),
        _ => None,
    };
    // A hint speaks of the statement (`Perhaps you meant the column "t.id"`), except where the data is at fault.
    fault.hint = error.hint().filter(|_| !code.starts_with("22") && !code.starts_with("23")).map(str::to_owned);
    fault.constraint = error.constraint().map(Into::into);
    match code {
        "22021" => fault.advise(
            "a text is not of the encoding that the database has, in a value or, where a database takes any bytes (SQL_ASCII), in the \
             row that is read: have it put right there, or select it as `encode(convert_to(…), 'hex')`",
        ),
        "53100" => fault.advise("make space on the disk of the database server, then try again"),
        "53200" => fault.advise("the database server is out of memory: try again when it is less busy"),
        _ => fault,
    }
}

/// What a code means for us.
fn kind(code: &str, message: &str, fatal: bool) -> FaultKind {
    match code {
        "28P01" | "28000" => FaultKind::Auth,
        "3D000" => FaultKind::NoDatabase,
        "42P01" | "3F000" => FaultKind::NoTable,
        "42703" => FaultKind::NoColumn,
        "42501" => FaultKind::Denied,
        "55P03" => FaultKind::LockTimeout,
        "57014" => FaultKind::StatementTimeout,
        "25006" => FaultKind::ReadOnly,
        "40001" | "40P01" => FaultKind::Serialization,
        // The table was altered since the statement was prepared on this connection: nothing was done, and the next one knows.
        "0A000" if message.starts_with("cached plan must not change") => FaultKind::Serialization,
        "53300" | "57P03" => FaultKind::Refused,
        _ if fatal || code.starts_with("08") || code.starts_with("57P") => FaultKind::Lost,
        _ => match &code[..code.len().min(2)] {
            "23" => FaultKind::Constraint,
            "22" => FaultKind::Data,
            "42" => FaultKind::Syntax,
            _ => FaultKind::Other,
        },
    }
}

/// Messages about bad data quote the data.
fn message(code: &str, text: &str) -> String {
    let text = if code.starts_with("22") { without_values(text) } else { text.to_owned() };
    match code {
        "55P03" => "a lock that somebody else holds was not released in time".into(),
        "57014" => "the statement ran into `statement_timeout`".into(),
        "28P01" => "the password was not accepted".into(),
        _ => text,
    }
}

/// `invalid input syntax for type date: "…"`.
fn without_values(text: &str) -> String {
    // A value may hold quotes itself: everything up to the last one may be of it.
    let Some((before, rest)) = text.split_once('"') else { return text.to_owned() };
    let behind = rest.rsplit_once('"').map_or("", |(_, behind)| behind);
    format!("{before}\"…\"{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_out_of_messages_about_data() {
        assert_eq!(
            message("22P02", "invalid input syntax for type date: \"secret\""),
            "invalid input syntax for type date: \"…\""
        );
        assert_eq!(message("42703", "column \"idd\" does not exist"), "column \"idd\" does not exist");
        assert_eq!(without_values("a \"b"), "a \"…\"");
        assert_eq!(without_values("value \"a\"Jane\"b\" is out of range"), "value \"…\" is out of range");
        assert_eq!(without_values("division by zero"), "division by zero");
    }

    #[test]
    fn codes_say_what_to_do_next() {
        assert_eq!(kind("40P01", "", false), FaultKind::Serialization);
        assert_eq!(kind("23505", "", false), FaultKind::Constraint);
        assert_eq!(kind("57P01", "", true), FaultKind::Lost);
        assert_eq!(kind("42601", "", false), FaultKind::Syntax);
        assert_eq!(kind("XX000", "", false), FaultKind::Other);
        assert_eq!(kind("XX000", "", true), FaultKind::Lost);
    }
}
