//! `targets: { from: { compare: … } }`: two sources of any kind, compared by key, as items of a run.

use super::servers::{block_on, mysql, postgres, request, said, surroundings};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};
use trueup::{
    base::{source::Source, value::Value, world::World},
    connection::database::Database,
    engine::drive::Stopped,
    journal::words::End,
    mock::{Mock, server::Running},
    ops::{self, Surroundings, plan::Prepared, project::Opened, undo::Wish as Back},
    plan::Plan,
    report::{
        self,
        look::{Look, View},
    },
    trial::{
        bench::{Bench, On, Place},
        snapshot,
    },
};

/// Keys that no two databases sort alike.
const CODES: [&str; 12] = ["a1", "B2", "_c", "Zz", "äb", "z-9", "10", "9", "b 3", "é", "O'Neill", "~x"];

const TABLE: &str = "create table people (code varchar(40) primary key, name varchar(80), email varchar(80), born date, score integer);";

/// A row of `people`.
#[derive(Clone, Debug, PartialEq)]
struct Person {
    name: String,
    born: String,
    score: i64,
}

/// The rows of one system: by the seed other keys are there, and some fields are otherwise.
fn people(seed: usize) -> BTreeMap<String, Person> {
    let mut all = BTreeMap::new();
    for (n, code) in CODES.iter().enumerate().filter(|(n, _)| !(n + seed).is_multiple_of(4)) {
        let name = if (n + seed).is_multiple_of(5) { format!("ADA  {n}") } else { format!("Ada {n}") };
        let day = if n.is_multiple_of(3) { seed + 1 } else { 1 };
        all.insert((*code).to_owned(), Person { name, born: format!("1990-02-0{day}"), score: n as i64 });
    }
    all
}

fn insert(rows: &BTreeMap<String, Person>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let one = |(code, p): (&String, &Person)| {
        format!(
            "({}, {}, {}, {}, {})",
            quoted(code),
            quoted(&p.name),
            quoted("ada@example.org"),
            quoted(&p.born),
            p.score
        )
    };
    format!(
        "insert into people (code, name, email, born, score) values {};",
        rows.iter().map(one).collect::<Vec<_>>().join(", ")
    )
}

/// Several databases, one of each kind, and an API, in one project.
struct World3 {
    folder: tempfile::TempDir,
    here: Surroundings,
    opened: Opened,
    databases: HashMap<Arc<str>, Database>,
    benches: Vec<Bench>,
    api: Running,
}

/// Names of the connections and what is behind them.
const KINDS: [&str; 3] = ["lite", "post", "maria"];

impl World3 {
    async fn open() -> World3 {
        let folder = tempfile::tempdir().unwrap();
        let (mut benches, mut connections, mut variables) = (Vec::new(), String::new(), Vec::new());
        for (seed, (name, on)) in
            KINDS.into_iter().zip([On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())]).enumerate()
        {
            let mark = World::real().id().simple().to_string();
            let script = format!("{TABLE}\n{}", insert(&people(seed + 1)));
            let inner = folder.path().join(format!("{name}.models"));
            std::fs::create_dir(&inner).unwrap();
            let bench = Bench::build(&on, &inner, &mark[20..], vec![(name.into(), script)]).await.unwrap();
            let place = bench.fresh(name, folder.path()).await.unwrap();
            let variable = format!("{}_URL", name.to_uppercase());
            let settings = match &place {
                Place::File(path) => format!("sqlite: {{ path: {} }}", path.display()),
                Place::Server(url) => {
                    variables.push((variable.clone(), url.reveal().to_owned()));
                    format!("postgres: {{ url: {{ secret: {variable} }}, timezone: UTC }}")
                }
                Place::MysqlServer(url) => {
                    variables.push((variable.clone(), url.reveal().to_owned()));
                    format!("mysql: {{ url: {{ secret: {variable} }} }}")
                }
            };
            connections += &format!(
                "  {name}:\n    {settings}\n    tables: {{ people: {{ key: code, personal: [email], audit: false }} }}\n"
            );
            benches.push(bench);
        }
        let page = |from: usize, to: usize| {
            let entry = |(code, p): (&String, &Person)| {
                format!(
                    "{{ id: \"{code}\", person: {{ name: \"{}\", dob: \"{}T00:00:00Z\" }}, score: \"{}\" }}",
                    p.name, p.born, p.score
                )
            };
            people(1).iter().skip(from).take(to - from).map(entry).collect::<Vec<_>>().join(", ")
        };
        let mock = format!(
            "trueup: v1\nmock: api\nroutes:\n- {{ get: /people, query: {{ at: \"0\" }}, answer: {{ json: {{ list: [{}], next: 5 }} }} }}\n- {{ get: /people, query: {{ at: \"5\" }}, answer: {{ json: {{ list: [{}] }} }} }}\n- {{ get: /plain, answer: {{ json: {{ a: 1 }} }} }}\n",
            page(0, 5),
            page(5, 99)
        );
        let api = Mock::from_yaml(&mock).unwrap().start(World::real()).await.unwrap();
        connections += &format!("  api:\n    http: {{ base: \"{}\", internal: true }}\n", api.url());
        let project =
            format!("trueup: v1\nproject: three\nenvironments: {{ test: {{}} }}\nconnections:\n{connections}");
        std::fs::write(folder.path().join("trueup.yaml"), project).unwrap();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let here = surroundings(folder.path(), &variables);
        let opened = ops::project::open(&here, None).unwrap_or_else(|f| panic!("{}", said(&f)));
        let databases = ops::plan::databases(&here, &opened, "test").unwrap();
        World3 { folder, here, opened, databases, benches, api }
    }

    async fn prepare(&self, text: &str, params: &[(&str, Value)]) -> Result<Prepared, ops::Failure> {
        let loaded = ops::playbook::of_source(Source::new("playbook.yaml", text), &self.opened, None)?;
        let record = ops::record::open(&self.here, &self.opened).await?;
        let mut prepared = ops::plan::setting(&self.here, &self.opened, loaded, &request(params)).await?;
        ops::record::seal_with(&mut prepared.setting, &record);
        record.journal.close().await?;
        Ok(prepared)
    }

    async fn plan(&self, text: &str, params: &[(&str, Value)]) -> Result<(Prepared, Plan), ops::Failure> {
        let prepared = self.prepare(text, params).await?;
        let plan = ops::plan::plan(&prepared.setting, &request(params), &|_| {}).await?;
        Ok((prepared, plan))
    }

    async fn rows(&self, connection: &str) -> Vec<String> {
        let taken = snapshot::take(&self.databases, &self.opened.project).await.unwrap();
        let table = taken.tables.iter().find(|(table, _)| &*table.connection == connection).unwrap().1;
        let mut rows: Vec<String> = table
            .rows
            .values()
            .map(|row| format!("{} {} {}", row["code"].bare(), row["name"].bare(), row["born"].bare()))
            .collect();
        rows.sort();
        rows
    }

    async fn close(self) {
        for bench in self.benches {
            bench.clear().await.unwrap();
        }
    }
}

/// What `plan` found: difference, key and fields that differ, sorted.
fn found(plan: &Plan) -> Vec<String> {
    let items = plan.items.iter().filter_map(|item| item.item.as_ref());
    let mut all: Vec<String> = items
        .map(|item| {
            let text = |name: &str| item.get(name).unwrap().bare().into_owned();
            format!("{} {} {}", text("difference"), text("key"), text("differs"))
        })
        .collect();
    all.sort();
    all
}

/// The same from the rows, written independently.
fn model(left: &BTreeMap<String, Person>, right: &BTreeMap<String, Person>) -> Vec<String> {
    let words = |name: &str| name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut all = Vec::new();
    for (code, ours) in left {
        match right.get(code) {
            None => all.push(format!("only_left {code} []")),
            Some(theirs) => {
                let mut differs = Vec::new();
                if words(&ours.name) != words(&theirs.name) {
                    differs.push("\"name\"");
                }
                if ours.born != theirs.born {
                    differs.push("\"birthday\"");
                }
                if !differs.is_empty() {
                    all.push(format!("different {code} [{}]", differs.join(",")));
                }
            }
        }
    }
    all.extend(right.keys().filter(|code| !left.contains_key(*code)).map(|code| format!("only_right {code} []")));
    all.sort();
    all
}

/// How much the plan says was compared.
fn matched(plan: &Plan) -> String {
    report::compared::sentence(plan.many.as_ref().unwrap().matched.as_ref().unwrap())
}

/// The same from the rows, written independently.
fn counted(ours: &str, left: &BTreeMap<String, Person>, theirs: &str, right: &BTreeMap<String, Person>) -> String {
    let lines = model(left, right);
    let times = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    let (one, other, differ) = (times("only_left"), times("only_right"), times("different"));
    let (agree, word) = (left.len() - one - differ, if differ == 1 { "differs" } else { "differ" });
    let agreeing = if agree == 1 { "agrees" } else { "agree" };
    format!(
        "Compared {} records of {ours} with {} of {theirs}: {agree} {agreeing}, {differ} {word}, {one} only in {ours}, {other} only in {theirs}.",
        left.len(),
        right.len()
    )
}

fn head(uses: &str) -> String {
    format!("trueup: v1\nname: compared/playbook\nversion: 1\ntitle: Compared\nuses:\n{uses}")
}

const FIELDS: &str =
    "      fields:\n      - { name: name, as: words }\n      - { name: birthday, left: born, right: born, as: date }\n";

/// Left is as it should be; right is made so.
fn healing(left: &str, right: &str) -> String {
    let uses = format!("  {left}: {{ read: [people] }}\n  {right}: {{ read: [people], write: [people] }}\n");
    let source = format!(
        "targets:\n  from:\n    compare:\n      left: {{ find: {{ table: {left}.people }} }}\n      right: {{ query: {{ db: {right}, sql: \"select code, name, email, born from people order by name desc\", as: {right}.people }} }}\n      key: code\n{FIELDS}"
    );
    let steps = format!(
        "steps:\n- id: make\n  when: item.difference == 'only_left'\n  row: {{ table: {right}.people, key: {{ code: \"{{{{ item.key }}}}\" }}, set: {{}}, create: {{ name: \"{{{{ item.left.name }}}}\", email: \"{{{{ item.left.email }}}}\", born: \"{{{{ item.left.born }}}}\", score: \"{{{{ item.left.score }}}}\" }} }}\n- id: mend\n  when: item.difference == 'different'\n  row: {{ table: {right}.people, key: {{ code: \"{{{{ item.right.code }}}}\" }}, set: {{ name: \"{{{{ item.left.name }}}}\", born: \"{{{{ item.left.born }}}}\" }} }}\n- id: remove\n  when: item.difference == 'only_right'\n  row: {{ table: {right}.people, key: {{ code: \"{{{{ item.key }}}}\" }}, ensure: absent }}\n"
    );
    head(&uses) + &source + &steps
}

#[test]
fn two_databases_of_any_kinds_are_compared_healed_and_taken_back() {
    block_on(async {
        let world = World3::open().await;
        for (l, left) in KINDS.into_iter().enumerate() {
            for (r, right) in KINDS.into_iter().enumerate().filter(|(r, _)| *r != l) {
                let text = healing(left, right);
                let (prepared, plan) = world.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                let expected = model(&people(l + 1), &people(r + 1));
                assert_eq!(found(&plan), expected, "{left} and {right}");
                let kinds = ["only_left", "only_right", "different"];
                assert!(kinds.iter().all(|kind| expected.iter().any(|line| line.starts_with(kind))), "{expected:?}");
                let looked = matched(&plan);
                assert_eq!(looked, counted(left, &people(l + 1), right, &people(r + 1)), "{left} and {right}");
                // A personal value stays one on its way through a comparison, and a name of the item is none.
                let email = plan.items.iter().find_map(|item| item.item.as_ref()?.get("left")?.get("email")).unwrap();
                assert!(email.all_marks().hidden(), "{email:?}");
                let before = world.rows(right).await;
                let record = ops::record::open(&world.here, &world.opened).await.unwrap();
                let (here, opened, stop) = (&world.here, &world.opened, AtomicBool::new(false));
                let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &|_| {}, &stop).await;
                let carried = carried.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{left} and {right}");
                let run = prepared.setting.run.id;
                let (state, look) =
                    (record.state(run).await.unwrap(), Look { width: 120, unicode: true, ..Look::default() });
                let came = carried.many.as_ref().unwrap();
                let pages = [
                    report::many::applied(run, &carried.state, came, look),
                    report::run::text(run, &state, &View::bare(look)),
                ];
                let pages = pages.map(|page| page.split_whitespace().collect::<Vec<_>>().join(" "));
                assert!(pages.iter().all(|page| page.contains(&looked)), "{looked}\n{pages:?}");
                let (_, again) = world.plan(&text, &[]).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert_eq!(found(&again), Vec::<String>::new(), "{left} and {right}");
                let all = people(l + 1).len();
                let agree = format!("Compared {all} records of {left} with {all} of {right}: {all} agree, 0 differ,");
                assert!(matched(&again).starts_with(&agree), "{agree}\n{}", matched(&again));
                assert_ne!(world.rows(right).await, before);
                let wish = Back { actor: Some("anna".into()), ..Back::default() };
                let ready = ops::undo::prepare(here, &record, opened, run, &wish).await.unwrap();
                let back = ops::undo::plan(&ready, &|_| {}).await.unwrap();
                ops::undo::undo(here, &record, &ready, &back, &wish, &|_| {}, &stop).await.unwrap();
                record.journal.close().await.unwrap();
                assert_eq!(world.rows(right).await, before, "{left} and {right}");
            }
        }
        world.close().await;
    });
}

fn checked(source: &str, uses: &str) -> String {
    head(uses) + source + "steps:\n- assert: item.difference != 'x'\n"
}

#[test]
fn a_file_and_the_pages_of_an_api_are_compared_by_what_each_calls_its_fields() {
    block_on(async {
        let world = World3::open().await;
        let rows = people(2);
        let lines: String = rows.iter().map(|(code, p)| format!("{code},{},{}\n", p.name, p.born)).collect();
        std::fs::write(world.folder.path().join("list.csv"), format!("nr,called,day\n{lines}")).unwrap();
        let pages = "http: { api: api, get: /people, query: { }, pages: { at_most: 3, cursor: at, after: \"self.body.next | default(none)\", items: self.body.list } }";
        let pages = pages.replace("query: { }", "query: { at: 0 }");
        let source = format!(
            "params: {{ file: {{ type: file, format: csv, description: A list }} }}\ntargets:\n  from:\n    compare:\n      left: {{ csv: \"{{{{ params.file }}}}\", columns: {{ nr: string, called: {{ type: string, personal: true }}, day: date }} }}\n      right: {{ {pages} }}\n      key: {{ left: nr, right: id }}\n      names: {{ left: list, right: service }}\n      fields:\n      - {{ name: name, left: called, right: person.name, as: words }}\n      - {{ name: birthday, left: day, right: \"{{{{ item.right.person.dob }}}}\", as: date }}\n"
        );
        let uses = "  api: { methods: [GET] }\n";
        let params = [("file", Value::text("list.csv"))];
        let (_, plan) = world.plan(&checked(&source, uses), &params).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(found(&plan), model(&rows, &people(1)));
        assert_eq!(world.api.log().len(), 2, "each page is asked for once");
        let texts: Vec<Value> = plan.items.iter().filter_map(|item| item.item.as_ref()?.get("text")).collect();
        assert!(texts.iter().any(|text| text.bare() == "only in service"), "{texts:?}");
        let birthday = texts.iter().find(|text| text.bare().starts_with("birthday: list 1990-02-03, service 1990"));
        assert!(birthday.is_some(), "{texts:?}");
        // Only what is asked for.
        let only = source.replace("      names:", "      differences: [only_right]\n      names:");
        let (_, plan) = world.plan(&checked(&only, uses), &params).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let right: Vec<String> =
            model(&rows, &people(1)).into_iter().filter(|line| line.starts_with("only_right")).collect();
        assert_eq!(found(&plan), right);
        // What is no item was looked at all the same; of fields nobody asked for only the keys were compared.
        let looked = matched(&plan);
        let (both, ours) = (rows.keys().filter(|code| people(1).contains_key(*code)).count(), rows.len());
        let words = format!("Compared {ours} records of list with {} of service: {both} in both, ", people(1).len());
        assert!(looked.starts_with(&words), "{words}\n{looked}");
        world.close().await;
    });
}

#[test]
fn what_is_wrong_with_a_side_is_told_with_its_name_and_nothing_is_planned() {
    block_on(async {
        let world = World3::open().await;
        std::fs::write(
            world.folder.path().join("bad.csv"),
            "code,born\na1,1990-01-01\n,1990-01-02\na1,x\na1,1990-01-04\n",
        )
        .unwrap();
        let file = "params: { file: { type: file, format: csv, description: A list } }\ntargets:\n  from:\n    compare:\n      left: { csv: \"{{ params.file }}\", columns: { code: string, born: date } }\n      right: RIGHT\n      key: code\n      fields: [{ name: born, as: date }]\n";
        let params = [("file", Value::text("bad.csv"))];
        let refused = async |right: &str, uses: &str| {
            let text = checked(&file.replace("RIGHT", right), uses);
            match world.plan(&text, &params).await {
                Ok((_, plan)) => panic!("planned: {:?}", found(&plan)),
                Err(failure) => said(&failure),
            }
        };
        let table = refused("{ find: { table: post.people } }", "  post: { read: [people] }\n").await;
        for part in [
            "3 things are wrong with the `compare` of `targets`; nothing was changed",
            "left: line 4: `born` x: not a date",
            "left: line 3: its key `code` is null",
            "left: lines 2 and 5: the same `code` 2 times",
        ] {
            assert!(table.contains(part), "{part}\n{table}");
        }
        let twice = "{ query: { db: lite, sql: \"select 'x' as code, born from people where code in ('a1', 'B2')\" } }";
        let twice = refused(twice, "  lite: { read: [people] }\n").await;
        assert!(twice.contains("right: the same `code` 2 times (rows 1 and 2)"), "{twice}");
        std::fs::write(world.folder.path().join("bad.csv"), "code,born\na1,1990-01-01\n").unwrap();
        let lacking = "{ query: { db: lite, sql: \"select code, born as birthday from people\" } }";
        let lacking = refused(lacking, "  lite: { read: [people] }\n").await;
        assert!(lacking.contains("the records of `right` have no `born`"), "{lacking}");
        let plain = refused("{ http: { api: api, get: /plain } }", "  api: { methods: [GET] }\n").await;
        assert!(plain.contains("failed to read the source from `api`") && plain.contains("not a list"), "{plain}");
        let gone = refused("{ http: { api: api, get: /gone } }", "  api: { methods: [GET] }\n").await;
        assert!(gone.contains("404"), "{gone}");
        world.close().await;
    });
}

/// Runs the program with a bound on the memory that it may ask for, in KiB.
fn bounded(folder: &Path, most: u64, arguments: &str) -> (bool, String) {
    let program = env!("CARGO_BIN_EXE_trueup");
    let line = format!("ulimit -v {most}; export MALLOC_ARENA_MAX=2; exec {program} {arguments}");
    let done = std::process::Command::new("bash").args(["-c", &line]).current_dir(folder).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success() || done.status.code() == Some(3), said)
}

#[test]
fn a_hundred_thousand_rows_a_side_are_compared_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, skip: usize, old: usize| {
        let mut text = "id,name\n".to_owned();
        for n in (1..=100_000_usize).filter(|n| n % 10_000 != skip) {
            let name = if n.is_multiple_of(old) { "old" } else { "name" };
            text += &format!("{n},{name} {n} and what else is written of somebody\n");
        }
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    file("left.csv", 7, usize::MAX);
    file("right.csv", 9, 25_000);
    let columns = "columns: { id: int, name: string }";
    let book = format!(
        "trueup: v1\nname: both\nversion: 1\ntitle: Both\nparams:\n  one: {{ type: file, format: csv, description: One }}\n  other: {{ type: file, format: csv, description: Another }}\ntargets:\n  from:\n    compare:\n      left: {{ csv: \"{{{{ params.one }}}}\", {columns} }}\n      right: {{ csv: \"{{{{ params.other }}}}\", {columns} }}\n      key: id\n      fields: [{{ name: name, as: words }}]\nsteps:\n- assert: item.difference != 'x'\n"
    );
    std::fs::write(folder.path().join("both.yaml"), book).unwrap();
    std::fs::write(folder.path().join("trueup.yaml"), "trueup: v1\nproject: both\nenvironments: { test: {} }\n")
        .unwrap();
    let line = "plan both.yaml --env test --reason r --actor anna one=left.csv other=right.csv --json";
    // What the program asks for when there is one row, and 64 MiB: the rows of both sides together take more than twice as much.
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    for name in ["both.yaml", "trueup.yaml"] {
        std::fs::copy(folder.path().join(name), small.join(name)).unwrap();
    }
    for name in ["left.csv", "right.csv"] {
        std::fs::write(small.join(name), "id,name\n1,Ada\n").unwrap();
    }
    let least = (2..64).map(|step| step * 32 * 1024).find(|most| bounded(&small, *most, line).0).unwrap();
    let (well, said) = bounded(folder.path(), least + 64 * 1024, line);
    assert!(well, "{said}");
    for (difference, times) in [("only_left", 10), ("only_right", 10), ("different", 4)] {
        assert_eq!(said.matches(&format!("\"difference\": \"{difference}\"")).count(), times, "{difference}\n{said}");
    }
    let counts =
        [("left_records", 99_990), ("right_records", 99_990), ("in_both", 99_980), ("agree", 99_976), ("different", 4)];
    for (name, n) in counts {
        assert!(said.contains(&format!("\"{name}\": {n}")), "{name} {n}\n{said}");
    }
}
