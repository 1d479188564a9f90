//! A world that is not as the project says: each trouble ends in a message that says what, where and what to do; nothing is
//! half done, and no secret stands in a message, an output or the journal. All through the real program.

use super::{
    places::{KEY, PASSWORD, Place, files},
    proof::full_disk::Small,
    servers::{block_on, free_port, postgres},
};
use std::{collections::BTreeMap, os::unix::fs::MetadataExt, path::Path};
use trueup::{base::world::World, connection::sandbox, mock::Running, ops, trial::bench::On};

/// What came of one call of the program.
struct Came {
    exit: i32,
    out: String,
    err: String,
}

impl Came {
    fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Starts the program in the place, with these changes to its environment variables (an empty one is taken away).
async fn trueup(place: &Place, arguments: &[&str], changed: &[(&str, &str)], uid: Option<u32>) -> Came {
    let mut variables: BTreeMap<String, String> = place.variables().into_iter().collect();
    for (name, value) in changed {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    variables.retain(|_, value| !value.is_empty());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"));
    command.args(arguments).current_dir(place.path()).env_clear().envs(variables).kill_on_drop(true);
    if let Some(uid) = uid {
        command.uid(uid);
    }
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Came { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

const APPLY: &[&str] = &["--yes", "--reason", "a test", "--actor", "anna"];

async fn apply(place: &Place, playbook: &str, changed: &[(&str, &str)]) -> Came {
    trueup(place, &[&["apply", playbook], APPLY].concat(), changed, None).await
}

/// What stands in the database, as text.
async fn rows(place: &Place) -> String {
    let things = place.seen("select id, name, count, note from things order by id").await;
    format!("{things} / {}", place.seen("select count(*) from audits").await)
}

/// Holds what came against what should have: exit code, the words, no secret, nothing changed.
struct Judge<'a> {
    place: &'a Place,
    before: String,
    wrong: Vec<String>,
    judged: usize,
}

impl<'a> Judge<'a> {
    async fn new(place: &'a Place) -> Judge<'a> {
        Judge { place, before: rows(place).await, wrong: Vec::new(), judged: 0 }
    }

    async fn hold(&mut self, name: &str, came: &Came, exit: i32, words: &[&str]) {
        self.judged += 1;
        let all = came.all();
        let mut wrong = Vec::new();
        if came.exit != exit {
            wrong.push(format!("exit {} instead of {exit}", came.exit));
        }
        // A terminal of 80 columns breaks sentences anywhere between two words.
        let said = all.split_whitespace().collect::<Vec<_>>().join(" ");
        let missing = |w: &&&str| !all.contains(**w) && !said.contains(**w);
        wrong.extend(words.iter().filter(missing).map(|w| format!("`{w}` is not said")));
        wrong.extend([KEY, PASSWORD].iter().filter(|s| all.contains(**s)).map(|s| format!("`{s}` is printed")));
        wrong.extend(["panicked", "RUST_BACKTRACE"].iter().filter(|s| all.contains(**s)).map(|s| format!("`{s}`")));
        wrong.extend(written(self.place.path()));
        let after = rows(self.place).await;
        if after != self.before {
            wrong.push(format!("half done: {after}"));
        }
        if !wrong.is_empty() {
            self.wrong.push(format!("== {name}: {}\n{all}", wrong.join("; ")));
        }
    }

    fn over(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.judged >= at_least, "only {} were judged", self.judged);
    }
}

/// Files of the place that hold a secret.
fn written(folder: &Path) -> Vec<String> {
    let holds = |path: &Path, secret: &str| {
        std::fs::read(path).unwrap().windows(secret.len()).any(|window| window == secret.as_bytes())
    };
    let found = files(folder).into_iter().filter(|path| [KEY, PASSWORD].iter().any(|s| holds(path, s)));
    found.map(|path| format!("{} holds a secret", path.display())).collect()
}

const WRITES: &str = "  shop: { read: [things], write: [things, audits] }";

fn playbooks(place: &Place) {
    place.playbook(
        "change",
        WRITES,
        "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
steps:
  - row: { of: thing, set: { count: 7 } }
",
    );
    let after = |name: &str, uses: &str, step: &str| {
        let body = format!(
            "
preconditions:
  - id: thing
    find: {{ table: shop.things, where: {{ id: 1 }}, expect: one }}
steps:
  - row: {{ of: thing, set: {{ count: 7 }} }}
  - id: then
    {step}
  - row: {{ of: thing, set: {{ note: \"{{{{ then | length }}}}\" }} }}
"
        );
        place.playbook(name, uses, &body);
    };
    let reads = "  shop: { read: [things, missing], write: [things, audits] }";
    after("no-table", reads, "find: { table: shop.missing, where: { id: 1 }, expect: many }");
    after("no-column", WRITES, "find: { table: shop.things, where: { colour: red }, expect: many }");
    after("none", WRITES, "find: { table: shop.things, where: { name: chair }, expect: one }");
    after("two", WRITES, "find: { table: shop.things, where: { name: desk }, expect: one }");
    let calls = format!("{WRITES}\n  crm: {{ methods: [GET] }}");
    for path in ["status-500", "moved", "huge", "bomb", "garbled", "not-http", "cut", "hang"] {
        after(path, &calls, &format!("http: {{ api: crm, get: /{path} }}"));
    }
    place.playbook(
        "later",
        &calls,
        "
preconditions:
  - id: thing
    find: { table: shop.things, where: { id: 1 }, expect: one }
  - id: asked
    http: { api: crm, get: /later }
steps:
  - row: { of: thing, set: { note: \"{{ asked.body.word }}\" } }
",
    );
}

/// The URL of the place with something of it exchanged.
fn url(place: &Place, change: impl FnOnce(&mut url::Url)) -> String {
    let mut url = url::Url::parse(place.url().unwrap().reveal()).unwrap();
    change(&mut url);
    url.into()
}

#[test]
fn a_postgres_that_is_not_as_the_project_says() {
    block_on(async {
        let place = Place::make(&On::Postgres(postgres())).await;
        playbooks(&place);
        let mut judge = Judge::new(&place).await;

        let port = free_port();
        let refused = url(&place, |url| {
            url.set_port(Some(port)).unwrap();
            url.set_password(Some(PASSWORD)).unwrap();
        });
        let came = apply(&place, "change", &[("SHOP_URL", &refused)]).await;
        judge
            .hold("refused", &came, 1, &["`shop`", &port.to_string(), "check that the server runs", "`SHOP_URL`"])
            .await;

        let wrong = url(&place, |url| url.set_password(Some(PASSWORD)).unwrap());
        let came = apply(&place, "change", &[("SHOP_URL", &wrong)]).await;
        judge.hold("wrong password", &came, 1, &["`shop`", "password", "`SHOP_URL`"]).await;

        let nowhere = url(&place, |url| url.set_path("no_such_database"));
        let came = apply(&place, "change", &[("SHOP_URL", &nowhere)]).await;
        judge.hold("wrong database", &came, 1, &["`shop`", "no_such_database", "check the database name"]).await;

        let came = apply(&place, "change", &[("SHOP_URL", PASSWORD)]).await;
        judge.hold("no URL at all", &came, 2, &["`shop`", "URL"]).await;

        let came = apply(&place, "change", &[("SHOP_URL", "")]).await;
        judge.hold("variable missing", &came, 2, &["`shop`", "`SHOP_URL`", "it is not set", "set it"]).await;

        let role = format!("trueup_world_reader_{}", std::process::id());
        place
            .admin(&format!(
                "create role {role} login password '{PASSWORD}'; grant usage on schema public to {role}; grant select on all tables in schema public to {role}"
            ))
            .await;
        let reader = url(&place, |url| {
            url.set_username(&role).unwrap();
            url.set_password(Some(PASSWORD)).unwrap();
        });
        let came = apply(&place, "change", &[("SHOP_URL", &reader)]).await;
        place.admin(&format!("drop owned by {role}; drop role {role}")).await;
        judge
            .hold(
                "may only read",
                &came,
                1,
                &["`shop`", "things", "permission denied", "grant select, update on things to"],
            )
            .await;

        let came = apply(&place, "no-table", &[]).await;
        judge.hold("no table", &came, 1, &["`shop`", "missing", "trueup connection inspect"]).await;
        let came = apply(&place, "no-column", &[]).await;
        judge.hold("no column", &came, 1, &["`shop`", "colour", "trueup connection inspect"]).await;

        judge.over(8);
        place.clear().await;
    });
}

#[test]
fn a_sqlite_file_that_is_not_as_the_project_says() {
    block_on(async {
        let place = Place::make(&On::Sqlite).await;
        playbooks(&place);
        let mut judge = Judge::new(&place).await;

        let came = apply(&place, "no-table", &[]).await;
        judge.hold("no table", &came, 1, &["`shop`", "missing", "trueup connection inspect"]).await;
        let came = apply(&place, "no-column", &[]).await;
        judge.hold("no column", &came, 1, &["`shop`", "colour", "trueup connection inspect"]).await;
        let came = apply(&place, "none", &[]).await;
        judge.hold("no row", &came, 4, &["`shop.things`", "gave none, expected exactly one row"]).await;
        let came = apply(&place, "two", &[]).await;
        judge.hold("two rows", &came, 4, &["`shop.things`", "expected exactly one row"]).await;

        let arguments = [&["apply", "change", "--env", "tset"], APPLY].concat();
        let came = trueup(&place, &arguments, &[], None).await;
        judge.hold("unknown environment", &came, 2, &["`tset`", "environment", "`test`"]).await;
        let came = apply(&place, "chnage", &[]).await;
        judge.hold("unknown playbook", &came, 2, &["`chnage`", "`change`"]).await;
        let came = apply(&place, "status-500", &[("CRM_KEY", "")]).await;
        judge.hold("key missing", &came, 2, &["crm", "`CRM_KEY`", "it is not set", "set it"]).await;

        // Seen through another project file the database is not there; `rows` needs the right one again.
        place.project_with("sqlite: { path: nowhere.db }", "http://127.0.0.1:9");
        let came = apply(&place, "change", &[]).await;
        place.project("http://127.0.0.1:9");
        judge.hold("no file", &came, 1, &["`shop`", "nowhere.db", "never creates a database"]).await;
        assert!(!place.path().join("nowhere.db").exists());
        std::fs::write(place.path().join("garbage.db"), "this is no database at all, ".repeat(100)).unwrap();
        place.project_with("sqlite: { path: garbage.db }", "http://127.0.0.1:9");
        let came = apply(&place, "change", &[]).await;
        place.project("http://127.0.0.1:9");
        judge.hold("no database", &came, 1, &["`shop`", "garbage.db", "not a SQLite database"]).await;

        judge.over(9);
    });
}

const MOCK: &str = "
trueup: v1
mock: crm
routes:
  - get: /status-500
    answer: { status: 500, json: { title: out of order } }
  - get: /moved
    answer: { status: 302, headers: { Location: 'http://127.0.0.1:9/elsewhere' } }
  - { get: /huge, answer: { json: { word: x }, fault: huge } }
  - { get: /bomb, answer: { json: { word: x }, fault: bomb } }
  - { get: /garbled, answer: { json: { word: x }, fault: garbled } }
  - { get: /not-http, answer: { fault: not_http } }
  - { get: /cut, answer: { json: { word: x }, fault: truncate } }
  - { get: /hang, answer: { fault: hang } }
  - get: /later
    answers: [{ json: { word: heard } }, { status: 500, json: { title: out of order } }]
";

async fn mock(place: &Place) -> Running {
    let path = place.path().join("crm.mock.yaml");
    std::fs::write(&path, MOCK).unwrap();
    let mut here = place.surroundings();
    here.world = World::real();
    ops::mock::start(&here, &path).await.unwrap()
}

#[test]
fn an_api_that_does_not_answer_as_it_should() {
    block_on(async {
        let place = Place::make(&On::Sqlite).await;
        playbooks(&place);
        let running = mock(&place).await;
        place.project(&running.url());
        let mut judge = Judge::new(&place).await;
        let cases: &[(&str, &[&str])] = &[
            ("status-500", &["`crm`", "500", "out of order"]),
            ("moved", &["`crm`", "302"]),
            ("huge", &["/huge", "max_body"]),
            ("bomb", &["/bomb", "max_body"]),
            ("garbled", &["/garbled", "JSON"]),
            ("not-http", &["/not-http", "`base` of the", "address"]),
            ("cut", &["/cut", "ask the API's people"]),
        ];
        for (name, words) in cases {
            let came = apply(&place, name, &[]).await;
            judge.hold(name, &came, 1, words).await;
        }
        let came = apply(&place, "later", &[]).await;
        judge.hold("500 between preview and change", &came, 1, &["`crm`", "500"]).await;
        assert!(place.path().join("journal/journal.db").is_file(), "the run is in the journal");
        let shown = trueup(&place, &["runs", "--json"], &[], None).await;
        judge.hold("the list of runs", &shown, 0, &["failed"]).await;

        // One second of patience, so that the test is quick; nothing is waited for here.
        let text = std::fs::read_to_string(place.path().join("trueup.yaml")).unwrap();
        std::fs::write(place.path().join("trueup.yaml"), text.replace("total: 20s", "total: 1s")).unwrap();
        let came = apply(&place, "hang", &[]).await;
        judge.hold("timeout", &came, 1, &["/hang", "timeout: { total: "]).await;

        let nobody = free_port();
        place.project(&format!("http://127.0.0.1:{nobody}"));
        let came = apply(&place, "status-500", &[]).await;
        judge.hold("refused", &came, 1, &[&nobody.to_string(), "nobody listens there"]).await;
        judge.over(11);
        let keys = running.log().iter().filter(|l| l.header("authorization") == Some(&format!("Bearer {KEY}"))).count();
        assert!(keys > 8, "the key was really sent, and is a good canary: {keys}");
    });
}

#[test]
fn a_journal_that_cannot_be_used() {
    block_on(async {
        let place = Place::make(&On::Sqlite).await;
        playbooks(&place);
        let mut judge = Judge::new(&place).await;
        let folder = place.path().join("journal");
        let journal = folder.join("journal.db");

        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&journal, "this is no database at all, ".repeat(100)).unwrap();
        let came = apply(&place, "change", &[]).await;
        judge.hold("no database", &came, 1, &["journal.db", "not a journal of trueup", "move the file away"]).await;
        std::fs::remove_file(&journal).unwrap();

        sandbox::sqlite(&journal, &["create table theirs (id integer)"]).await.unwrap();
        let came = apply(&place, "change", &[]).await;
        judge.hold("somebody else's database", &came, 1, &["journal.db", "not a journal", "another path"]).await;
        std::fs::remove_file(&journal).unwrap();

        let here = place.surroundings();
        let record = ops::record::open(&here, &place.opened(&here)).await.unwrap_or_else(|f| panic!("{f:?}"));
        record.journal.close().await.unwrap();
        newer(&journal).await;
        let came = apply(&place, "change", &[]).await;
        judge.hold("newer format", &came, 1, &["journal.db", "format 9999", "use the version that made it"]).await;
        std::fs::remove_dir_all(&folder).unwrap();

        std::fs::write(&folder, "a file where the folder should be").unwrap();
        let came = apply(&place, "change", &[]).await;
        assert_ne!(came.exit, 0);
        judge.hold("a file in the way", &came, came.exit, &["journal"]).await;
        std::fs::remove_file(&folder).unwrap();

        judge.over(4);
    });
}

/// Makes the journal one of a version that does not exist yet.
async fn newer(journal: &Path) {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(journal);
    let mut connection = options.connect().await.unwrap();
    let done = sqlx::query("UPDATE meta SET format = 9999").execute(&mut connection).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    sqlx::Connection::close(connection).await.unwrap();
}

#[test]
fn a_journal_folder_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt;
    block_on(async {
        let place = Place::make(&On::Sqlite).await;
        playbooks(&place);
        let mut judge = Judge::new(&place).await;
        let folder = place.path().join("journal");
        let rights = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::create_dir(&folder).unwrap();
        rights(&folder, 0o555);
        // The root user may write everywhere: then the program is started as nobody, who may read and write all the rest.
        let is_root = std::fs::metadata(place.path()).unwrap().uid() == 0;
        if is_root {
            rights(place.path(), 0o777);
            files(place.path()).iter().for_each(|path| rights(path, 0o666));
        }
        let came = trueup(&place, &[&["apply", "change"], APPLY].concat(), &[], is_root.then_some(65534)).await;
        rights(&folder, 0o755);
        assert_ne!(came.exit, 0, "{}", came.all());
        judge.hold("read-only folder", &came, came.exit, &["journal", "ermission denied"]).await;
        judge.over(1);
    });
}

/// Puts away what stands beside a SQLite file while it is open.
async fn close(file: &Path) {
    use sqlx::ConnectOptions;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    assert!(!file.with_file_name("journal.db-shm").exists(), "the last one who closes it takes them away");
}

/// What belongs to another user, stands on a full disk, or is gone: whose it is, what to do, and nothing is half done.
#[test]
fn files_of_somebody_else_a_full_disk_and_a_journal_that_is_gone() {
    use std::os::unix::fs::{PermissionsExt, chown};
    const NOBODY: u32 = 65534;
    let rights = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let line = [&["apply", "change"], APPLY].concat();
    block_on(async {
        let place = Place::make(&On::Sqlite).await;
        playbooks(&place);
        let mut judge = Judge::new(&place).await;
        let (folder, database) = (place.path().join("journal"), place.path().join("shop.db"));
        let database = files(place.path()).into_iter().find(|path| path.ends_with(&database)).unwrap_or_else(|| {
            files(place.path()).into_iter().find(|path| path.extension().is_some_and(|e| e == "db")).unwrap()
        });
        let is_root = std::fs::metadata(place.path()).unwrap().uid() == 0;

        // A journal is made, and goes away with all that it knows.
        trueup(&place, &["runs"], &[], None).await;
        let made = trueup(&place, &["runs", "--json"], &[], None).await;
        assert_eq!(made.exit, 0, "{}", made.all());
        std::fs::remove_file(folder.join("journal.db")).unwrap();
        let came = trueup(&place, &["runs"], &[], None).await;
        let words = ["this is not the journal that stood here until", "If it was moved, put it back"];
        judge.hold("another journal", &came, 0, &words).await;
        let came = trueup(&place, &["runs"], &[], None).await;
        assert!(!came.all().contains("stood here"), "it is said once: {}", came.all());

        // What stands where a plan should.
        let apply = |file| ["apply", file, "--yes", "--actor", "anna"];
        for (name, bytes) in [("empty.plan", &b""[..]), ("noise.plan", &[0xff, 0, 7, 0x80][..])] {
            std::fs::write(place.path().join(name), bytes).unwrap();
            let came = trueup(&place, &apply(name), &[], None).await;
            judge.hold(name, &came, 2, &[name, "--out FILE"]).await;
        }
        let came = trueup(&place, &apply("gone.plan"), &[], None).await;
        judge.hold("no plan", &came, 2, &["`gone.plan` cannot be read: there is no such file"]).await;
        let came = trueup(&place, &["plan", "change", "--out", "nowhere/a.plan", "--actor", "anna"], &[], None).await;
        judge.hold("no folder", &came, 2, &["there is no folder", "nowhere"]).await;

        if is_root {
            let nobody = Some(NOBODY);
            rights(place.path(), 0o777);
            rights(&folder, 0o755);
            files(place.path()).iter().filter(|path| !path.starts_with(&folder)).for_each(|path| rights(path, 0o666));
            let came = trueup(&place, &line, &[], nobody).await;
            let words = [
                "failed to use the key file",
                "only the user root may work with this journal",
                "run trueup as that user",
            ];
            judge.hold("the key of another user", &came, 2, &words).await;

            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::create_dir(&folder).unwrap();
            chown(&folder, nobody, nobody).unwrap();
            rights(&folder, 0o700);
            rights(&database, 0o444);
            let came = trueup(&place, &line, &[], nobody).await;
            judge
                .hold(
                    "a database that may be read only",
                    &came,
                    1,
                    &["cannot be written: permission denied", "whose file it is"],
                )
                .await;
            rights(&database, 0o666);
            rights(place.path(), 0o755);
            let came = trueup(&place, &line, &[], nobody).await;
            judge
                .hold(
                    "a folder in which no file can be made",
                    &came,
                    1,
                    &["no file can be made beside", "write the folder"],
                )
                .await;
            rights(place.path(), 0o777);
            std::fs::remove_dir_all(&folder).unwrap();
        } else {
            println!("skipped: files of another user, which needs root");
        }

        let _ = std::fs::remove_dir_all(&folder);
        match Small::mount(folder.clone()) {
            Some(small) => {
                assert_eq!(trueup(&place, &["runs"], &[], None).await.exit, 0);
                small.fill();
                let came = trueup(&place, &line, &[], None).await;
                judge.hold("a full disk", &came, 1, &["the disk is full; nothing was recorded", "make space"]).await;
                // A plan writes nothing into the journal, but opening one takes space, unless somebody has left its files open.
                small.free();
                close(&folder.join("journal.db")).await;
                small.fill();
                let came = trueup(&place, &["plan", "change", "--out", "a.plan", "--actor", "anna"], &[], None).await;
                judge.hold("a plan beside a full disk", &came, 1, &["the disk is full"]).await;
                small.free();
                let came = trueup(&place, &["runs"], &[], None).await;
                judge.hold("space again", &came, 0, &["No run is recorded"]).await;
                small.read_only();
                let came = trueup(&place, &line, &[], None).await;
                judge.hold("a read-only file system", &came, 1, &["cannot be written", "mounted read-only"]).await;
            }
            None => println!("skipped: a full disk, which needs the right to mount"),
        }
        judge.over(if is_root { 8 } else { 5 });
    });
}
