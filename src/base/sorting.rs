//! Fingerprints of many things, put in order to find those that are there twice. A part of them stays in memory; what goes beyond it
//! stands sorted in a file without a name until it is merged. So memory does not grow with their number.
//!
//! A file can be read by who later gets hold of the disk, and a bare hash of an email address is found out by trying. So fingerprints are
//! made with a key that only this process has ([`Printer`]): no two runs share one.

use super::key_file;
use sha2::{Digest, Sha256};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The first half of a SHA-256: equal for equal bytes, as far as anybody will ever see.
pub type Print = [u8; 16];

/// Makes fingerprints that nobody can compare with others. Those of a clone are the same.
#[derive(Clone)]
pub struct Printer(Sha256);

impl Printer {
    /// With a key of its own.
    pub fn new() -> io::Result<Printer> {
        let key = key_file::passing().map_err(io::Error::other)?;
        Ok(Printer(Sha256::new_with_prefix(&key[..])))
    }

    /// Of these bytes.
    pub fn of(&self, bytes: &[u8]) -> Print {
        let (mut print, whole) = (Print::default(), self.0.clone().chain_update(bytes).finalize());
        print.copy_from_slice(&whole[..16]);
        print
    }
}

/// So many records are held.
const HELD: usize = 1 << 15;
/// So many bytes of the parts are held while they are merged, and at least so many of each.
const MERGING: (usize, usize) = (1 << 20, 1 << 12);

/// Records of `N` bytes, taken in in any order.
pub struct Sorting<const N: usize> {
    folder: PathBuf,
    held: Vec<[u8; N]>,
    file: Option<File>,
    /// How many records each part in the file has.
    parts: Vec<usize>,
}

impl<const N: usize> Sorting<N> {
    /// None yet; `folder` takes the file if there are many.
    pub fn new(folder: &Path) -> Sorting<N> {
        Sorting { folder: folder.to_owned(), held: Vec::new(), file: None, parts: Vec::new() }
    }

    /// Where the file goes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One more.
    pub fn add(&mut self, record: [u8; N]) -> io::Result<()> {
        self.held.push(record);
        if self.held.len() == HELD { self.put_aside() } else { Ok(()) }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(nameless(&self.folder)?),
        };
        file.write_all(self.held.as_flattened())?;
        self.parts.push(self.held.len());
        self.held.clear();
        Ok(())
    }

    /// All of them, the smallest first.
    pub fn sorted(mut self) -> io::Result<Sorted<N>> {
        if self.file.is_some() && !self.held.is_empty() {
            self.put_aside()?;
        }
        self.held.sort_unstable();
        let Some(file) = self.file else {
            return Ok(Sorted::Held(self.held.into_iter()));
        };
        drop(self.held);
        let most = (MERGING.0 / self.parts.len()).max(MERGING.1) / N;
        let mut merging = Merging { file, parts: Vec::with_capacity(self.parts.len()), next: BinaryHeap::new() };
        let mut at = 0;
        for records in self.parts {
            let length = (records * N) as u64;
            merging.parts.push(Part { at, end: at + length, most: most * N, read: Vec::new(), used: 0 });
            at += length;
        }
        for part in 0..merging.parts.len() {
            merging.step(part)?;
        }
        Ok(Sorted::Merging(merging))
    }
}

/// Records in their order.
pub enum Sorted<const N: usize> {
    /// They were few.
    Held(std::vec::IntoIter<[u8; N]>),
    /// They come from the file.
    Merging(Merging<N>),
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Sorted::Held(held) => held.next().map(Ok),
            Sorted::Merging(merging) => {
                let Reverse((record, part)) = merging.next.pop()?;
                Some(merging.step(part).map(|()| record))
            }
        }
    }
}

/// Parts of a file, each sorted, on the way to one order.
pub struct Merging<const N: usize> {
    file: File,
    parts: Vec<Part>,
    /// The smallest of each part that has any left.
    next: BinaryHeap<Reverse<([u8; N], usize)>>,
}

struct Part {
    at: u64,
    end: u64,
    /// So many bytes are read at once.
    most: usize,
    read: Vec<u8>,
    used: usize,
}

impl<const N: usize> Merging<N> {
    /// The next of this part comes to the others, if there is one.
    fn step(&mut self, number: usize) -> io::Result<()> {
        let part = &mut self.parts[number];
        if part.used == part.read.len() {
            let left = usize::try_from(part.end - part.at).unwrap_or(usize::MAX);
            part.read.resize(left.min(part.most), 0);
            self.file.read_exact_at(&mut part.read, part.at)?;
            part.at += part.read.len() as u64;
            part.used = 0;
        }
        if let Some(record) = part.read.get(part.used..).and_then(|rest| rest.first_chunk::<N>()) {
            self.next.push(Reverse((*record, number)));
            part.used += N;
        }
        Ok(())
    }
}

/// A file that nobody else can open, and that goes away with the process.
pub fn nameless(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    for number in 0..1000 {
        let path = folder.join(format!(".trueup-rows-{}-{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            // Left by a process of the same number that was killed in between.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_however_many_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let printer = Printer::new().unwrap();
        for count in [0, 1, HELD - 1, HELD, HELD + 1, 5 * HELD, 5 * HELD + 7] {
            let mut sorting = Sorting::<16>::new(folder.path());
            // Each is there twice, far apart.
            let records: Vec<Print> = (0..count).map(|n| printer.of(&(n / 2).to_be_bytes())).collect();
            let order = (0..count).step_by(2).chain((1..count).step_by(2));
            order.for_each(|n| sorting.add(records[n]).unwrap());
            assert_eq!(sorting.file.is_some(), count >= HELD);
            assert!(sorting.held.capacity() <= HELD);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
            let mut expected = records;
            expected.sort_unstable();
            let found: Vec<Print> = sorting.sorted().unwrap().map(Result::unwrap).collect();
            assert!(found == expected, "{count}");
        }
    }

    #[test]
    fn a_file_that_ends_early_is_an_error_and_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorting = Sorting::<4>::new(folder.path());
        (0..2 * HELD as u32).for_each(|n| sorting.add(n.to_be_bytes()).unwrap());
        sorting.file.as_ref().unwrap().set_len(HELD as u64 * 7).unwrap();
        let found = sorting.sorted().and_then(|mut sorted| sorted.try_for_each(|one| one.map(drop)));
        assert_eq!(found.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_print_is_the_same_for_one_printer_and_another_for_each() {
        let (one, other) = (Printer::new().unwrap(), Printer::new().unwrap());
        assert_eq!(one.of(b"ab"), one.clone().of(b"ab"));
        assert_ne!(one.of(b"ab"), other.of(b"ab"));
        assert_ne!(one.of(b"ab"), one.of(b"ac"));
    }
}
