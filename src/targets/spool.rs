//! Where rows stay between the reading of a source and the work on them: few of them in memory, many in a file without a
//! name, personal parts sealed. So memory does not grow with the source.

use crate::base::{
    seal::{SealError, Sealer},
    sorting::nameless,
    value::Value,
};
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// So many rows stay in memory.
const IN_MEMORY: usize = 2_000;

/// Values, one after the other; each is found again by its place.
pub struct Spool {
    folder: PathBuf,
    sealer: Sealer,
    few: Vec<Value>,
    file: Option<BufWriter<File>>,
    at: u64,
    count: u64,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Spool {
    /// An empty one; `folder` takes the file if there are many.
    pub fn new(folder: &Path, sealer: &Sealer) -> Spool {
        let (folder, sealer) = (folder.to_owned(), sealer.clone());
        Spool { folder, sealer, few: Vec::new(), file: None, at: 0, count: 0 }
    }

    /// Another empty one in the same place.
    pub fn beside(&self) -> Spool {
        Spool::new(&self.folder, &self.sealer)
    }

    /// Where a file goes if there are many.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// One more.
    pub fn add(&mut self, value: Value) -> Result<Place, SpoolError> {
        self.count += 1;
        if self.file.is_none() && self.few.len() < IN_MEMORY {
            self.few.push(value);
            return Ok(Place(self.few.len() as u64 - 1));
        }
        if self.file.is_none() {
            self.file = Some(BufWriter::with_capacity(1 << 16, nameless(&self.folder)?));
        }
        let mut line = self.sealer.sealed_json(&value)?;
        line.push('\n');
        let place = Place(IN_MEMORY as u64 + self.at);
        self.at += line.len() as u64;
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes())?;
        }
        Ok(place)
    }

    /// Ready for reading.
    pub fn done(self) -> Result<Spooled, SpoolError> {
        let file = match self.file {
            None => None,
            Some(file) => Some(file.into_inner().map_err(io::IntoInnerError::into_error)?),
        };
        Ok(Spooled { few: self.few, file, sealer: self.sealer, count: self.count })
    }
}

/// Everything that was added.
pub struct Spooled {
    few: Vec<Value>,
    file: Option<File>,
    sealer: Sealer,
    count: u64,
}

impl Spooled {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them, in the order in which they were added, each with its place.
    pub fn all(&self) -> Result<impl Iterator<Item = Result<(Place, Value), SpoolError>> + '_, SpoolError> {
        let few = self.few.iter().enumerate().map(|(at, value)| Ok((Place(at as u64), value.clone())));
        let many = match &self.file {
            None => None,
            Some(file) => {
                let file = BufReader::with_capacity(1 << 16, Reader { file, at: 0 });
                Some(Lines { file, at: 0, sealer: &self.sealer })
            }
        };
        Ok(few.chain(many.into_iter().flatten()))
    }

    /// The value at a place.
    pub fn at(&self, place: Place) -> Result<Value, SpoolError> {
        let gone = || SpoolError::Io(Arc::new(io::Error::from(io::ErrorKind::UnexpectedEof)));
        let Some(offset) = place.0.checked_sub(IN_MEMORY as u64) else {
            return self.few.get(place.0 as usize).cloned().ok_or_else(gone);
        };
        let Some(file) = &self.file else { return Err(gone()) };
        let mut line = String::new();
        BufReader::with_capacity(2048, Reader { file, at: offset }).read_line(&mut line)?;
        Ok(self.sealer.open_json(line.trim_end())?)
    }
}

/// The file from a place on; several readers do not disturb one another.
struct Reader<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = std::os::unix::fs::FileExt::read_at(self.file, into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct Lines<'a> {
    file: BufReader<Reader<'a>>,
    at: u64,
    sealer: &'a Sealer,
}

impl Iterator for Lines<'_> {
    type Item = Result<(Place, Value), SpoolError>;
    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        match self.file.by_ref().read_line(&mut line) {
            Ok(0) => None,
            Ok(length) => {
                let place = Place(IN_MEMORY as u64 + self.at);
                self.at += length as u64;
                let value = self.sealer.open_json(line.trim_end());
                Some(value.map(|value| (place, value)).map_err(SpoolError::from))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Why rows could not be kept. Reads well after `failed to`.
#[derive(Clone, Debug)]
pub enum SpoolError {
    /// The file.
    Io(Arc<io::Error>),
    /// Sealing.
    Seal(String),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> SpoolError {
        SpoolError::Io(Arc::new(error))
    }
}
impl From<SealError> for SpoolError {
    fn from(error: SealError) -> SpoolError {
        SpoolError::Seal(error.to_string())
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpoolError::Io(error) => write!(f, "keep the rows of the source for a while: {error}"),
            SpoolError::Seal(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for SpoolError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Marks;

    #[test]
    fn rows_come_back_in_order_and_by_place_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let keys = tempfile::tempdir().unwrap();
        let sealer = Sealer::open_or_create(&keys.path().join("key"), Default::default()).unwrap();
        let mut spool = Spool::new(folder.path(), &sealer);
        let mut places = Vec::new();
        for n in 0..5_000_i64 {
            let name = Value::from(format!("name {n}")).marked(Marks::PERSONAL);
            places.push(spool.add(Value::map([("n", Value::from(n)), ("name", name)])).unwrap());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let spooled = spool.done().unwrap();
        let all: Vec<_> = spooled.all().unwrap().map(Result::unwrap).collect();
        assert_eq!(all.len(), 5_000);
        for (n, (place, value)) in all.iter().enumerate() {
            assert_eq!((*place, value.get("n").unwrap().as_int()), (places[n], Some(n as i64)));
        }
        for n in [4_999, 0, 2_000, 1_999, 3_333] {
            let value = spooled.at(places[n]).unwrap();
            assert_eq!(value.get("name").unwrap().bare(), format!("name {n}"));
            assert!(value.get("name").unwrap().marks.has(Marks::PERSONAL));
        }
    }
}
