//! Whether an open journal is still the one at its place, and who is told of every run that is taken: what somebody outside the journal
//! needs who remembers how far it was.

use super::{
    append::Appended,
    failure::{JournalError, Place},
    store::Journal,
};
use crate::base::identity::RunId;
use std::{fs, io, os::unix::fs::MetadataExt, path::Path, sync::Arc};

/// Whether what was opened is still what stands at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It is.
    Same,
    /// Another file, or another journal in the same file or database, stands there.
    Exchanged,
    /// Nothing stands there: the file was moved away.
    Gone,
}

/// Device and inode. While a file is open no other one gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn at(path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|facts| FileId { device: facts.dev(), inode: facts.ino() })
    }
}

/// Is told of every run that is taken, new or not, with the last event of it then: after that is durable, and before whoever took it
/// hears so, which is before the first effect. It must not take long, and asks the journal nothing.
#[derive(Clone)]
pub struct OnClaim(Arc<dyn Fn(RunId, Appended) + Send + Sync>);

impl std::fmt::Debug for OnClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnClaim")
    }
}

impl OnClaim {
    /// One that does this.
    pub fn new(deed: impl Fn(RunId, Appended) + Send + Sync + 'static) -> OnClaim {
        OnClaim(Arc::new(deed))
    }

    pub(super) fn tell(&self, run: RunId, end: Appended) {
        (self.0)(run, end);
    }
}

impl Journal {
    /// From now on this one is told; the first one that was named stays.
    pub fn on_claim(&self, told: OnClaim) {
        let _ = self.inner.on_claim.set(told);
    }

    /// Whether it is still the journal at its place. Errors of reading it.
    pub async fn stands(&self) -> Result<Stands, JournalError> {
        if let (Some(opened), Place::File(path)) = (self.inner.file, &*self.inner.place) {
            match FileId::at(path) {
                Ok(found) if found == opened => {}
                Ok(_) => return Ok(Stands::Exchanged),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stands::Gone),
                Err(source) => return Err(JournalError::Io { path: path.clone(), source: Arc::new(source) }),
            }
        }
        let mut held = self.connection().await?;
        let row = held.row("SELECT journal FROM meta WHERE one = 1", &[]).await?;
        let Some(row) = row else { return Err(held.damaged("its description is missing")) };
        Ok(if row.text(0)? == self.inner.id.to_string() { Stands::Same } else { Stands::Exchanged })
    }
}
