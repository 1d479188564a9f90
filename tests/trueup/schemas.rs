//! The schemas that editors read: committed, and what the types say. `TRUEUP_BLESS=1` writes them anew.

use std::{fs, path::Path};
use trueup::playbook::schema;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let bless = std::env::var_os("TRUEUP_BLESS").is_some();
    let schemas = [
        ("playbook", schema::playbook()),
        ("project", schema::project()),
        ("test", trueup::trial::schema()),
        ("errors", schema::errors()),
    ];
    for (name, schema) in schemas {
        let path = folder.join(format!("{name}.schema.json"));
        let made = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &made).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made, "{} is not what the types say; TRUEUP_BLESS=1 writes it anew", path.display());
    }
}
