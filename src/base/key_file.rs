//! The file that holds the key of sealed values: made on first use, readable by its owner alone.
//!
//! Knows files and their rights; what the key is used for is [`super::seal`]'s. It asks the operating system for
//! randomness itself: a key that a test clock or a replay could reproduce would be no key.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// 32 random bytes.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// First word of the one line in the file; the second is the key in base64.
const HEAD: &str = "trueup-seal-key-v1";

/// The key in the file; the file is made (0600, in a directory made 0700) when there is none.
/// The error is a sentence fragment about the file.
pub(super) fn open_or_create(path: &Path) -> Result<Key, String> {
    match read(path) {
        Err(Absent::Missing) => create(path),
        found => found.map_err(Absent::text),
    }
}

/// The key in the file.
pub(super) fn open(path: &Path) -> Result<Key, String> {
    read(path).map_err(Absent::text)
}

/// A key that no file holds and that goes away with its last holder.
pub(super) fn passing() -> Result<Key, String> {
    let mut key = Key::default();
    getrandom::fill(key.as_mut()).map_err(|e| e.to_string())?;
    Ok(key)
}

enum Absent {
    Missing,
    Unusable(String),
}

impl Absent {
    fn text(self) -> String {
        match self {
            Absent::Missing => "there is no such file; without it sealed values cannot be read".into(),
            Absent::Unusable(why) => why,
        }
    }
}

fn read(path: &Path) -> Result<Key, Absent> {
    let unusable = |e: std::io::Error| Absent::Unusable(said(path, &e));
    let facts = match fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(Absent::Missing),
        found => found.map_err(unusable)?,
    };
    if !facts.is_file() {
        return Err(Absent::Unusable("it is not a file".into()));
    }
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Absent::Unusable(format!(
            "other users may open it (mode {mode:04o}); run `chmod 600 {}`, and if others could really have read it, treat what it seals as seen",
            path.display()
        )));
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        let mode = fs::metadata(folder).map_err(unusable)?.permissions().mode();
        // Somebody who may write the folder may put a key of his own there. (The sticky bit forbids that in /tmp.)
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            return Err(Absent::Unusable(format!(
                "other users may write its folder; run `chmod 700 {}`",
                folder.display()
            )));
        }
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unusable)?);
    parse(&text).ok_or_else(|| Absent::Unusable("it does not hold a key in a form that this version knows".into()))
}

/// What the operating system says, and what to do about it.
fn said(path: &Path, error: &std::io::Error) -> String {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let owner = fs::metadata(path).or_else(|_| fs::metadata(folder)).map(|facts| owner(facts.uid()));
            let owner = owner.map_or_else(|_| "its owner".to_owned(), |owner| format!("the user {owner}"));
            format!(
                "permission denied: only {owner} may work with this journal; run trueup as that user, or let several people share one on a server: `journal: {{ postgres: … }}`"
            )
        }
        ErrorKind::StorageFull => "the disk is full; make space and try again".into(),
        ErrorKind::ReadOnlyFilesystem => format!(
            "the file system is read-only, and the key and the journal are kept there; mount {} for writing, or name another place: `journal: {{ sqlite: PATH }}`",
            folder.display()
        ),
        kind => kind.to_string(),
    }
}

/// The name of a user, where the machine has one for the number.
fn owner(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let number = uid.to_string();
    named
        .filter_map(|parts| (*parts.get(2)? == number).then(|| parts[0].to_owned()))
        .next()
        .unwrap_or_else(|| format!("with the number {uid}"))
}

fn parse(text: &str) -> Option<Key> {
    let encoded = text.trim_end().strip_prefix(HEAD)?.strip_prefix(' ')?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let mut key = Key::default();
    (bytes.len() == key.len()).then(|| key.copy_from_slice(&bytes))?;
    Some(key)
}

fn create(path: &Path) -> Result<Key, String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| said(path, &e))?;
    let (mut key, mut tag) = (Key::default(), [0; 8]);
    getrandom::fill(key.as_mut()).and_then(|()| getrandom::fill(&mut tag)).map_err(|e| e.to_string())?;
    // Written whole under another name and then linked: nobody ever reads half a key, and of two processes that make
    // one at the same time the second finds the first one's.
    let draft = folder.join(format!(".seal-key-{:016x}", u64::from_be_bytes(tag)));
    let made = write(&draft, &key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| fs::File::open(folder)?.sync_all()),
    });
    let removed = fs::remove_file(&draft);
    made.and(removed).map_err(|e| said(path, &e))?;
    open(path)
}

fn write(path: &Path, key: &Key) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let line = Zeroizing::new(format!("{HEAD} {}\n", STANDARD.encode(key.as_ref())));
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_for_its_owner() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/seal.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open_or_create(&path).unwrap())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|k| **k == *keys[0] && **k != [0; 32]));
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_could_read_or_replace_is_refused_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k/seal.key");
        assert!(open(&path).unwrap_err().contains("no such file"));
        open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let text = open_or_create(&path).unwrap_err();
        assert!(text.contains("mode 0640") && text.contains("chmod 600"), "{text}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(home.path().join("k"), fs::Permissions::from_mode(0o770)).unwrap();
        assert!(open(&path).unwrap_err().contains("chmod 700"));
    }

    #[test]
    fn a_damaged_key_is_refused_and_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k/seal.key");
        open_or_create(&path).unwrap();
        for bad in ["", "trueup-seal-key-v1 AAAA\n", "trueup-seal-key-v2 x\n", "x"] {
            fs::write(&path, bad).unwrap();
            assert!(open_or_create(&path).unwrap_err().contains("does not hold a key"));
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }
}
