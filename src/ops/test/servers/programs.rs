//! Where the programs of a server are: in the folders of the packages, else on the search path.

use std::path::{Path, PathBuf};

/// The newest of the folders `<before><version>/bin` that has the program, as Debian and Red Hat lay PostgreSQL out.
pub fn newest(before: &str, program: &str) -> Option<PathBuf> {
    let (above, start) = before.rsplit_once('/')?;
    let mut found: Vec<(Vec<u32>, PathBuf)> = std::fs::read_dir(if above.is_empty() { "/" } else { above })
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version: Option<Vec<u32>> =
                name.strip_prefix(start)?.split('.').map(|part| part.parse().ok()).collect();
            let path = entry.path().join("bin").join(program);
            Some((version?, path)).filter(|(_, path)| path.is_file())
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// The first of these programs on the search path, or where servers stand that only root calls.
pub fn on_path(search: Option<&str>, names: &[&str]) -> Option<PathBuf> {
    let folders = search.unwrap_or_default().split(':').filter(|folder| !folder.is_empty());
    let more = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
    let folders: Vec<&Path> = folders.chain(more).map(Path::new).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_newest_version_is_taken_by_number_and_the_search_path_by_order() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "17", "15.2", "old"] {
            let bin = folder.path().join("pg").join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            fs::write(bin.join("initdb"), "").unwrap();
        }
        fs::create_dir_all(folder.path().join("pg/18/bin")).unwrap();
        let before = format!("{}/pg/", folder.path().display());
        assert_eq!(newest(&before, "initdb").unwrap(), folder.path().join("pg/17/bin/initdb"));
        assert_eq!(newest(&before, "postgres"), None);
        let search = format!("/nowhere::{0}/pg/15.2/bin:{0}/pg/17/bin", folder.path().display());
        assert_eq!(on_path(Some(&search), &["x", "initdb"]).unwrap(), folder.path().join("pg/15.2/bin/initdb"));
    }
}
