//! Files that are made for people and other programs: one that is there is written over only if it is of the same kind. A slip on the command line
//! costs no key, no journal, no database and no playbook.

use super::{Failure, Surroundings};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A report as a page.
    Html,
    /// Numbers for Prometheus.
    Metrics,
    /// Items as a table.
    Csv,
    /// Items as lines of JSON.
    Jsonl,
    /// Results of tests (JUnit).
    Junit,
    /// A drawing or a text that says what a playbook does.
    Document,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Kind::Html => "an HTML page",
            Kind::Metrics => "a file of metrics",
            Kind::Csv => "a table of items",
            Kind::Jsonl => "a list of items",
            Kind::Junit => "a file of test results",
            Kind::Document => "a document",
        }
    }

    /// Whether a file that begins so may be one.
    fn fits(self, begins: &[u8]) -> bool {
        let text = String::from_utf8_lossy(begins).to_lowercase();
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match self {
            Kind::Html => text.starts_with("<!doctype html") || text.starts_with("<html"),
            Kind::Metrics => text.starts_with("# help") || text.starts_with("# type"),
            Kind::Csv => text.starts_with("item,"),
            Kind::Jsonl => text.starts_with("{\"") && text.contains("\"item\":") && text.contains("\"rows_changed\":"),
            Kind::Junit => text.starts_with("<?xml") || text.starts_with("<testsuite"),
            // Whatever is no text, and the files that trueup itself reads.
            Kind::Document => {
                let own = ["trueup:", "trueup-", "{\"trueup"];
                !begins.contains(&0) && !own.iter().any(|own| text.lines().any(|line| line.starts_with(own)))
            }
        }
    }
}

/// The path of a file that may be made, or written over. Devices and pipes are as their owner wants them.
pub fn place(surroundings: &Surroundings, given: &Path, kind: Kind) -> Result<PathBuf, Failure> {
    let path = surroundings.folder.join(given);
    let shown = given.display();
    if path.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is a folder")).help("name a file in it"));
    }
    if !path.is_file() {
        return Ok(path);
    }
    let mut begins = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(512).read_to_end(&mut begins));
    read.map_err(|error| Failure::usage(format!("`{shown}` cannot be read, and is not written over: {error}")))?;
    if begins.is_empty() || kind.fits(&begins) {
        return Ok(path);
    }
    Err(Failure::usage(format!("`{shown}` is there already, and it is not {}", kind.words()))
        .help("name another file: only one of the same kind is written over"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_and_nothing_that_trueup_or_a_database_needs() {
        let needed: [&[u8]; 5] = [
            b"SQLite format 3\0\x10\0",
            b"trueup: v1\nproject: shop\n",
            b"# our project\ntrueup: v1\n",
            b"{\"trueup\":\"plan\"",
            b"trueup-key-v1 QUJD\n",
        ];
        let own: [(Kind, &str); 6] = [
            (Kind::Html, "<!DOCTYPE html>\n<html>"),
            (Kind::Metrics, "# HELP trueup_up Whether\n"),
            (Kind::Csv, "item,end,rows_changed\n"),
            (
                Kind::Jsonl,
                "{\"at\":null,\"end\":\"changed\",\"item\":\"1\",\"last_step\":null,\"reason\":null,\"rows_changed\":1}",
            ),
            (Kind::Junit, "<?xml version=\"1.0\"?>"),
            (Kind::Document, "# Award withdrawn\n"),
        ];
        for (kind, text) in own {
            assert!(kind.fits(text.as_bytes()), "{kind:?}");
            for bytes in needed {
                assert!(!kind.fits(bytes), "{kind:?} {:?}", String::from_utf8_lossy(bytes));
            }
        }
    }
}
