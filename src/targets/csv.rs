//! A CSV file: header, typed cells, every bad line told. Bounded in bytes, rows and the size of a cell. Reads what it is
//! given and opens nothing.

use super::{
    faults::Faults,
    model::{CsvColumn, CsvSource},
    spool::SpoolError,
};
use crate::base::{
    counted::counted,
    shape::Word,
    suggest,
    time::{self, Date, Stamp},
    value::{Data, Map, Marks, Value},
};
use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
    num::{IntErrorKind, ParseIntError},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The most rows of a file.
pub const MOST_ROWS: u64 = 1_000_000;
/// The largest file, in bytes.
pub const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// The largest cell, in bytes.
pub const MOST_CELL: usize = 64 * 1024;
/// A row that is longer, in bytes, is a quote that was never closed.
const MOST_ROW: u64 = 16 * 1024 * 1024;

/// Why a file cannot be read at all. A fragment that reads well after the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile(pub String);

/// Receives a row with its line.
pub type Each<'a> = &'a mut dyn FnMut(u64, Map) -> Result<(), SpoolError>;

/// Why reading ended early.
#[derive(Debug)]
pub enum Ended {
    /// The file.
    File(BadFile),
    /// Where the rows went.
    Spool(SpoolError),
}

impl From<SpoolError> for Ended {
    fn from(error: SpoolError) -> Ended {
        Ended::Spool(error)
    }
}

/// Reads every row. Rows in which something is wrong are noted and left out; the file is read to its end all the same.
pub fn read(file: impl BufRead, spec: &CsvSource, faults: &mut Faults, each: Each<'_>) -> Result<(), Ended> {
    let (file, delimiter) = begun(file, spec).map_err(|e| Ended::File(unreadable(&e)))?;
    let since_row = Arc::new(AtomicU64::new(0));
    let records = Arc::new(Mutex::new(Records::of(delimiter)));
    let counting = Counted { file, whole: 0, since_row: since_row.clone(), records: records.clone() };
    let next = || records.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(counting);
    let mut record = ::csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(bad)? {
        return Err(Ended::File(BadFile("is empty: its first line names the columns".into())));
    }
    if let Some(Begun { line, wrong: Some(wrong) }) = next() {
        return Err(Ended::File(BadFile(format!("has no header that can be read: in line {line} {wrong}"))));
    }
    let columns = header(&record, spec)?;
    let mut rows = 0;
    loop {
        since_row.store(0, Ordering::Relaxed);
        if !reader.read_byte_record(&mut record).map_err(bad)? {
            return Ok(());
        }
        rows += 1;
        if rows > MOST_ROWS {
            return Err(Ended::File(BadFile(format!("has more than {MOST_ROWS} rows"))));
        }
        let Begun { line, wrong } = next().unwrap_or_default();
        if let Some(wrong) = wrong {
            faults.add([line], wrong);
            continue;
        }
        if record.len() != columns.len() {
            faults.add([line], format!("{}, and the header has {}", counted(record.len(), "cell"), columns.len()));
            continue;
        }
        let mut row = Map::with_capacity(columns.len());
        let mut good = true;
        for ((name, column), bytes) in columns.iter().zip(record.iter()) {
            match cell(column, bytes) {
                Ok(value) => drop(row.insert(name.clone(), value)),
                Err(why) => {
                    good = false;
                    faults.add([line], format!("`{name}` {why}"));
                }
            }
        }
        if good {
            each(line, row)?;
        }
    }
}

fn bad(error: ::csv::Error) -> Ended {
    Ended::File(match error.into_kind() {
        ::csv::ErrorKind::Io(error) => unreadable(&error),
        _ => BadFile("is not CSV".into()),
    })
}

fn unreadable(error: &io::Error) -> BadFile {
    match error.kind() {
        io::ErrorKind::FileTooLarge => BadFile(error.to_string()),
        _ => BadFile(format!("cannot be read: {error}")),
    }
}

/// The file behind a byte order mark, and what stands between its cells.
fn begun(mut file: impl BufRead, spec: &CsvSource) -> io::Result<(impl BufRead, u8)> {
    let mut head = Vec::new();
    file.by_ref().take(MOST_CELL as u64).read_until(b'\n', &mut head)?;
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    let given = spec.delimiter.as_ref().and_then(|word| word.as_str().bytes().next());
    let guessed = if head.contains(&b';') && !head.contains(&b',') { b';' } else { b',' };
    Ok((io::Cursor::new(head).chain(file), given.unwrap_or(guessed)))
}

/// Counts bytes, and ends a file or a row that is too long.
struct Counted<R> {
    file: R,
    whole: u64,
    since_row: Arc<AtomicU64>,
    records: Arc<Mutex<Records>>,
}

/// What the reader of the crate does not tell: the line in which each record begins, whatever ends the lines, and where quotes do not fit. The crate
/// takes whatever it is given for some cell, and a file that was cut off, or lacks a quote, would be half of what was meant.
struct Records {
    delimiter: u8,
    at: At,
    line: u64,
    /// The last byte was a carriage return.
    returned: bool,
    /// Where the quote stands that is open.
    opened: u64,
    /// Records that nobody has asked for yet.
    begun: VecDeque<Begun>,
}

/// Where a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between two records.
    Between,
    Cell,
    Bare,
    Quoted,
    /// Behind a quote that ends the cell, or is the first of two that stand for one.
    Quote,
}

/// A record.
#[derive(Default)]
struct Begun {
    /// In which line it begins.
    line: u64,
    /// What is wrong with its quotes.
    wrong: Option<String>,
}

impl Records {
    fn of(delimiter: u8) -> Records {
        Records { delimiter, at: At::Between, line: 1, returned: false, opened: 0, begun: VecDeque::new() }
    }

    fn next(&mut self) -> Option<Begun> {
        self.begun.pop_front()
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let ends = matches!(byte, b'\r' | b'\n');
            if self.at == At::Between && !ends {
                self.begun.push_back(Begun { line: self.line, wrong: None });
                self.at = At::Cell;
            }
            self.at = match (self.at, byte) {
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => At::Quoted,
                (At::Between, _) => At::Between,
                _ if ends => At::Between,
                (_, byte) if byte == self.delimiter => At::Cell,
                (At::Cell, b'"') => {
                    self.opened = self.line;
                    At::Quoted
                }
                (At::Quote, b'"') => At::Quoted,
                (At::Quote, _) => {
                    self.wrong(
                        "text stands behind the quote that ends a cell (a quote in a cell is written twice)".into(),
                    );
                    At::Bare
                }
                (At::Cell | At::Bare, _) => At::Bare,
            };
            self.line += u64::from(byte == b'\r' || byte == b'\n' && !self.returned);
            self.returned = byte == b'\r';
        }
    }

    /// There is no more.
    fn end(&mut self) {
        if self.at == At::Quoted {
            self.wrong(format!(
                "the quote of line {} is never closed: the file was cut off, or a quote is missing",
                self.opened
            ));
            self.at = At::Between;
        }
    }

    /// The first thing is told.
    fn wrong(&mut self, what: String) {
        if let Some(record) = self.begun.back_mut() {
            record.wrong.get_or_insert(what);
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            0 if !into.is_empty() => records.end(),
            _ => records.take(&into[..read]),
        }
        self.whole += read as u64;
        let row = self.since_row.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
        let too_large = |what: String| Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        if self.whole > MOST_BYTES {
            return too_large(format!("is larger than {} MiB", MOST_BYTES >> 20));
        }
        if row > MOST_ROW {
            return too_large(format!(
                "has a row of more than {} MiB: perhaps a quote that is not closed",
                MOST_ROW >> 20
            ));
        }
        Ok(read)
    }
}

/// The columns in the order of the file. Every column is declared, and every declared one is there.
fn header<'a>(record: &::csv::ByteRecord, spec: &'a CsvSource) -> Result<Vec<(Arc<str>, &'a CsvColumn)>, Ended> {
    let mut columns: Vec<(Arc<str>, &CsvColumn)> = Vec::new();
    let mut wrong = Vec::new();
    for bytes in record {
        let name = String::from_utf8_lossy(bytes);
        let name = name.trim();
        match spec.columns.entries.iter().find(|(word, _)| word.as_str() == name) {
            Some((word, _)) if columns.iter().any(|(known, _)| *known == word.text) => {
                wrong.push(format!("the column `{name}` is there twice"));
            }
            Some((word, column)) => columns.push((word.text.clone(), column)),
            None => {
                let help = suggest::help(name, spec.columns.names()).map_or(String::new(), |help| format!(" ({help})"));
                let name: String = name.chars().take(60).collect();
                wrong.push(format!("`columns` does not declare its column `{name}`{help}"));
            }
        }
    }
    for name in spec.columns.names().filter(|name| !columns.iter().any(|(known, _)| **known == **name)) {
        wrong.push(format!("it has no column `{name}`"));
    }
    if wrong.is_empty() {
        return Ok(columns);
    }
    Err(Ended::File(BadFile(format!("does not have the columns of the playbook: {}", wrong.join("; ")))))
}

/// A longer text of a cell is not told.
const LONGEST_SHOWN: usize = 60;

/// The typed value of a cell. An error never shows what is personal.
fn cell(column: &CsvColumn, bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > MOST_CELL {
        return Err(format!("has {} bytes; at most {MOST_CELL}", bytes.len()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("is not UTF-8".into()) };
    let blank = text.trim().is_empty();
    if blank && column.not_blank {
        return Err("is blank".into());
    }
    let marks = if column.personal { Marks::PERSONAL } else { Marks::NONE };
    let value = match column.kind.as_str() {
        "bool" => boolean(column, text.trim()),
        "string" => Ok(if text.is_empty() { Data::Null } else { Data::Text(text.into()) }),
        _ if blank => Ok(Data::Null),
        kind => typed(kind, column, text.trim()),
    };
    // No part of a long text: it might be the part of a secret.
    let shown = || match text.chars().count() {
        _ if column.personal => "its value".to_owned(),
        length if length > LONGEST_SHOWN => format!("a text of {}", counted(length, "character")),
        _ => Value::text(text).shown(),
    };
    value.map(|data| Value::from(data).marked(marks)).map_err(|what| format!("{}: {what}", shown()))
}

fn boolean(column: &CsvColumn, text: &str) -> Result<Data, String> {
    let has = |words: &Option<Vec<Word>>, default: &str| match words {
        Some(words) => words.iter().any(|word| word.as_str() == text),
        None => text == default,
    };
    if has(&column.truthy, "true") {
        return Ok(Data::Bool(true));
    }
    if has(&column.falsy, "false") {
        return Ok(Data::Bool(false));
    }
    if text.is_empty() {
        return Ok(Data::Null);
    }
    let words = |words: &Option<Vec<Word>>, default: &str| match words {
        Some(words) => words.iter().map(|w| format!("\"{}\"", w.as_str())).collect::<Vec<_>>().join(", "),
        None => format!("\"{default}\""),
    };
    Err(format!("neither {} nor {}", words(&column.truthy, "true"), words(&column.falsy, "false")))
}

fn typed(kind: &str, column: &CsvColumn, text: &str) -> Result<Data, String> {
    match kind {
        "int" => text.parse().map(Data::Int).map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => format!("larger than the largest whole number, {}", i64::MAX),
            IntErrorKind::NegOverflow => format!("smaller than the smallest whole number, {}", i64::MIN),
            _ => "not a whole number".into(),
        }),
        "decimal" => text
            .strip_prefix('+')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(text)
            .parse()
            .map(Data::Decimal)
            .map_err(|_| "not a decimal number".into()),
        "date" => text.parse::<Date>().map(Data::Date).map_err(|_| "not a date such as 2024-03-31".into()),
        "timestamp" => match (text.parse::<Stamp>(), time::instant(text)) {
            (Ok(stamp), _) => Ok(Data::Timestamp(stamp)),
            (_, Ok(stamp)) => Ok(Data::Instant(stamp)),
            _ => Err("not a timestamp such as 2024-03-31T09:30:00".into()),
        },
        "uuid" => uuid::Uuid::parse_str(text).map(Data::Uuid).map_err(|_| "not a uuid".into()),
        "email" => match text.split_once('@') {
            Some((user, host)) if !user.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) => {
                Ok(Data::Text(text.into()))
            }
            _ => Err("not an e-mail address".into()),
        },
        _ if column.values.iter().any(|word| word.as_str() == text) => Ok(Data::Text(text.into())),
        _ => {
            let words: Vec<&str> = column.values.iter().map(Word::as_str).collect();
            Err(format!("not one of {}", words.join(", ")))
        }
    }
}

/// A cell of a file that somebody opens in a spreadsheet: what would be taken for a formula begins with `'`.
pub fn safe_cell(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
