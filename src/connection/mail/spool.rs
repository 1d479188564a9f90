//! A Maildir: letters are written aside and come in under their final name whole, or not at all.

use super::{Address, Letter};
use crate::base::time::Stamp;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Where letters are laid down, and whose they are.
#[derive(Clone, Debug)]
pub struct Spool {
    /// The Maildir. It is made when the first letter comes.
    pub folder: PathBuf,
    /// The sender.
    pub from: Address,
}

impl Spool {
    /// Lays a letter down. One of this name that is there already stays, and no second one comes. The error is a sentence
    /// fragment; the letter is then not there.
    pub fn lay_down(&self, to: &[Address], subject: &str, text: &str, id: &str, at: Stamp) -> Result<(), String> {
        let letter = Letter { from: &self.from, to, subject, text, id, at }.written();
        self.write(&letter, &format!("{}.{id}.trueup", at.micros / 1_000_000), id)
            .map_err(|error| format!("the mail folder `{}`: {error}", self.folder.display()))
    }

    fn write(&self, letter: &str, name: &str, id: &str) -> io::Result<()> {
        for part in ["tmp", "new", "cur"] {
            folder(&self.folder.join(part))?;
        }
        if self.holds(id)? {
            return Ok(());
        }
        let (aside, place) = (self.folder.join("tmp").join(name), self.folder.join("new").join(name));
        let written = private(&aside).and_then(|mut file| {
            file.write_all(letter.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &place)
        });
        if written.is_err() {
            // What is left aside is no letter; a mail program never looks there.
            let _ = fs::remove_file(&aside);
        }
        written?;
        // The name itself must outlive a power cut, as what the journal says of it does.
        File::open(self.folder.join("new"))?.sync_all()
    }

    /// A letter of this name has come in, and was perhaps read.
    fn holds(&self, id: &str) -> io::Result<bool> {
        let mark = format!(".{id}.trueup");
        for part in ["new", "cur"] {
            for entry in fs::read_dir(self.folder.join(part))? {
                if entry?.file_name().to_string_lossy().contains(&mark) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Letters may name people: nobody else reads them.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_in_whole_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let spool = Spool { folder: home.path().join("mail"), from: Address::parse("a@b.c").unwrap() };
        let (to, at) = (Address::list("d@e.f").unwrap(), Stamp { micros: 1_753_264_800_000_000, digits: 6 });
        spool.lay_down(&to, "one", "text", "77-1", at).unwrap();
        spool.lay_down(&to, "one", "text", "77-1", Stamp { micros: at.micros + 9_000_000, ..at }).unwrap();
        let new = spool.folder.join("new");
        let names: Vec<_> = fs::read_dir(&new).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["1753264800.77-1.trueup"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&new.join(&names[0])), mode(&new), mode(&spool.folder)), (0o600, 0o700, 0o700));
        // A mail program has taken it into `cur`.
        fs::rename(new.join(&names[0]), spool.folder.join("cur").join("1753264800.77-1.trueup:2,S")).unwrap();
        spool.lay_down(&to, "one", "text", "77-1", at).unwrap();
        spool.lay_down(&to, "two", "text", "77-2", at).unwrap();
        assert_eq!(fs::read_dir(&new).unwrap().count(), 1);
        assert_eq!(fs::read_dir(spool.folder.join("tmp")).unwrap().count(), 0);
        let blocked = Spool { folder: new.join("1753264800.77-2.trueup"), ..spool };
        assert!(blocked.lay_down(&to, "x", "y", "z", at).unwrap_err().starts_with("the mail folder `"));
    }
}
