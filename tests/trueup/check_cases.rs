//! Case folders `tests/cases/check-<what>/` and `tests/cases/lint-<what>/`: `playbook.yaml` (or only `project.yaml`), and `expected.txt`, what `trueup check` (`trueup lint`)
//! says at 80 columns. A `catalogue.yaml` stands for the live database. `TRUEUP_BLESS=1` writes the expected texts anew.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use trueup::{
    base::{
        diagnostic::Diagnostics,
        source::Source,
        value::{Map, Value},
        yaml,
    },
    check::{
        self, Knowledge,
        lint::{Around, lint},
    },
    connection::survey::Survey,
    playbook::project::Project,
    report::diagnostics,
    table::{
        catalogue::{Catalogue, Column, Kind, Renewed, Table},
        rights::Rights,
    },
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn folders() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && (is_called(path, "check-") || is_called(path, "lint-")))
        .collect();
    all.sort();
    all
}

fn is_called(folder: &Path, beginning: &str) -> bool {
    folder.file_name().unwrap().to_string_lossy().starts_with(beginning)
}

/// The project of a case, its own or the common one, and what is wrong with it.
fn project(folder: &Path, knowledge: &Knowledge) -> (Option<Arc<Project>>, Diagnostics, bool) {
    let own = folder.join("project.yaml");
    let (path, is_own) = if own.exists() { (own, true) } else { (root().join("project.yaml"), false) };
    let source = Source::new("trueup.yaml", fs::read_to_string(path).unwrap());
    let mut problems = Diagnostics::new(source.clone());
    let project = Project::parse(&source, &mut problems);
    if let Some(project) = &project {
        check::check_project(project, knowledge, &mut problems);
    }
    (project.map(Arc::new), problems, is_own)
}

/// `connection: { table: { column: type } }`; a type with `!` is not null, `=` generated, `#` in the primary key. Beside it
/// `live.yaml`: what each database is like, `connection: { ledger: …, role: …, rights: { table: { insert: true,
/// update: a b, … } } }`.
fn catalogues(folder: &Path) -> Knowledge {
    let mut knowledge = Knowledge { surveys: surveys(folder), ..Knowledge::default() };
    for (connection, tables) in &read(folder, "catalogue.yaml") {
        let mut catalogue = Catalogue::new();
        for (name, columns) in tables.as_map().unwrap() {
            let mut table = Table::default();
            for (column, word) in columns.as_map().unwrap() {
                let word = word.as_str().unwrap();
                let type_name = word.trim_end_matches(['!', '=', '#']);
                if word.contains('#') {
                    table.primary_key.push(column.clone());
                }
                let column = Column {
                    name: column.clone(),
                    type_name: type_name.into(),
                    kind: kind(type_name),
                    nullable: !word.contains('!'),
                    has_default: false,
                    generated: word.contains('='),
                    numbered: false,
                    renewed: Renewed::Never,
                    invisible: false,
                };
                table.columns.insert(column.name.clone(), column);
            }
            catalogue.insert(name.clone(), table);
        }
        knowledge.catalogues.insert(connection.clone(), catalogue);
    }
    knowledge
}

fn read(folder: &Path, file: &str) -> Map {
    let Ok(text) = fs::read_to_string(folder.join(file)) else { return Map::default() };
    let source = Source::new(file, text);
    let node = yaml::parse(&source, yaml::LIMITS, &mut Diagnostics::new(source.clone())).unwrap().value();
    node.as_map().unwrap().clone()
}

/// How a playbook that a case calls is named: `NAME.called.yaml`.
const CALLED: &str = ".called.yaml";

/// A case may bring errors tables along: `NAME.errors.yaml` is the table `NAME`; and playbooks that it calls.
fn with_others(folder: &Path, source: &Arc<Source>) -> Arc<Source> {
    let mut others: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| [".errors.yaml", CALLED].iter().any(|end| path.to_string_lossy().ends_with(end)))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .map(|(name, text)| (name.replace(CALLED, ".yaml"), text))
        .collect();
    others.sort();
    if others.is_empty() { source.clone() } else { source.including(&others) }
}

/// The names of the playbooks of a case that calls any.
fn names(source: &Source) -> Option<Vec<String>> {
    let called = source.included().iter().filter(|part| !part.name.ends_with(".errors.yaml"));
    let names: Vec<String> = called.map(|part| part.name.trim_end_matches(".yaml").to_owned()).collect();
    (!names.is_empty()).then_some(names)
}

fn surveys(folder: &Path) -> HashMap<Arc<str>, Survey> {
    let is = |value: &Value, name: &str| value.get(name).and_then(|v| v.as_bool()).unwrap_or(false);
    let text = |value: &Value, name: &str| value.get(name).and_then(|v| v.as_str().map(str::to_owned));
    let rights = |value: &Value| Rights {
        insert: is(value, "insert"),
        delete: is(value, "delete"),
        update: text(value, "update").iter().flat_map(|columns| columns.split(' ')).map(Arc::from).collect(),
        select: is(value, "select"),
    };
    let survey = |value: &Value| Survey {
        has_ledger: is(value, "ledger"),
        replica: is(value, "replica"),
        role: text(value, "role").unwrap_or_default(),
        rights: value.get("rights").map_or_else(HashMap::new, |all| {
            all.as_map().unwrap().iter().map(|(table, value)| (table.clone(), rights(value))).collect()
        }),
        not_writable: text(value, "not_writable"),
        pooled: text(value, "pooled"),
    };
    read(folder, "live.yaml").iter().map(|(name, value)| (name.clone(), survey(value))).collect()
}

fn kind(type_name: &str) -> Kind {
    match type_name {
        "int4" => Kind::Int { min: i32::MIN.into(), max: i32::MAX.into() },
        "date" => Kind::Date,
        "timestamp" => Kind::Timestamp,
        "json" => Kind::Json,
        "uuid" => Kind::Uuid,
        "bool" => Kind::Bool,
        "varchar(7)" => Kind::Text(Some(7)),
        _ => Kind::Text(None),
    }
}

/// What `trueup check` says of a case.
fn said(folder: &Path) -> String {
    let knowledge = catalogues(folder);
    let (project, problems, is_own) = project(folder, &knowledge);
    let mut text = String::new();
    assert!(is_own || problems.is_empty(), "the common project is sound: {}", diagnostics::terminal(&problems, 80));
    text.push_str(&diagnostics::terminal(&problems, 80));
    if let (Ok(playbook), Some(project)) = (fs::read(folder.join("playbook.yaml")), project) {
        let name = format!("{}/playbook.yaml", folder.file_name().unwrap().to_string_lossy());
        let found = match yaml::decode(&name, &playbook) {
            Ok(source) => {
                let source = with_others(folder, &source);
                let knowledge = Knowledge { names: names(&source), ..knowledge };
                let (checked, found) = check::read_and_check(source, project, &knowledge);
                match checked {
                    Some(checked) if is_called(folder, "lint-") => {
                        assert!(found.is_empty(), "{}", diagnostics::terminal(&found, 80));
                        lint(&checked, Around { tested: Some(false) })
                    }
                    _ => found,
                }
            }
            Err(problems) => *problems,
        };
        text.push_str(&diagnostics::terminal(&found, 80));
    }
    if text.is_empty() {
        text.push_str("no problems\n");
    }
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn every_case_says_what_is_expected() {
    let bless = std::env::var_os("TRUEUP_BLESS").is_some();
    let mut failed = Vec::new();
    let folders = folders();
    for folder in &folders {
        let found = said(folder);
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
        if found == expected {
            continue;
        }
        if bless {
            fs::write(folder.join("expected.txt"), &found).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&expected, &found).unified_diff().to_string();
            failed.push(format!("{}:\n{diff}", folder.display()));
        }
    }
    assert!(folders.len() >= 60, "only {} cases", folders.len());
    assert!(failed.is_empty(), "{} cases differ (TRUEUP_BLESS=1 rewrites them):\n{}", failed.len(), failed.join("\n"));
}

/// Codes that no playbook alone can show: the file with the test that shows each, and words of that test.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("E0206", "src/template/tests/meaning.rs", "`trainee.trn` is null"),
    ("E0207", "src/template/tests/meaning.rs", "did not run: its `when` was false"),
    ("E0421", "src/check/rules/prepared.rs", "E0421 11:19"),
    ("E0424", "tests/trueup/jobs/rights.rs", "E0424"),
    ("E0617", "tests/trueup/jobs/faults.rs", "E0617"),
    ("W0010", "tests/trueup/jobs/faults.rs", "W0010"),
    ("E0701", "tests/golden/tools/since.txt", "E0701"),
    ("E0702", "tests/trueup/tools/since.rs", "E0702"),
    ("E0703", "src/ops/fmt.rs", "(\"E0703\", 1)"),
    ("E0832", "tests/trueup/nightly_told.rs", "E0832"),
    ("W0833", "tests/trueup/nightly_told.rs", "W0833"),
    ("E0901", "src/mock/tests.rs", "a route has exactly one method"),
    ("E0902", "src/mock/tests.rs", "the mock has no collection `d`"),
    ("E0873", "tests/trueup/lifecycle/mod.rs", "comes before `RETIRING_FORUM` in the target"),
    ("E0903", "src/mock/tests.rs", "a mock knows no name `bodi`"),
];

fn tested(file: &str, words: &str) -> bool {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).is_ok_and(|text| text.contains(words))
}

#[test]
fn every_code_is_explained_and_shown_by_a_case() {
    let shown: String =
        folders().iter().map(|folder| fs::read_to_string(folder.join("expected.txt")).unwrap_or_default()).collect();
    let mut seen = BTreeSet::new();
    let mut missing = Vec::new();
    for code in check::codes() {
        assert!(seen.insert(code.id), "{} stands twice", code.id);
        assert!(code.explain.split_whitespace().count() > 12, "{} explains nothing", code.id);
        assert!(!code.title.ends_with('.') && !code.title.is_empty(), "{}: {}", code.id, code.title);
        if !shown.contains(&format!("[{}]", code.id))
            && !ELSEWHERE.iter().any(|(id, file, words)| *id == code.id && tested(file, words))
        {
            missing.push(code.id);
        }
    }
    assert!(missing.is_empty(), "no case shows {}", missing.join(", "));
}
