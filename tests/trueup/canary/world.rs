//! The world of the canaries: a PostgreSQL database, five APIs, a program, a CSV file, people; the real program in it, command
//! by command, and all that came out.

use super::canaries::{self, Canary, Sink, forms};
use crate::{
    proof::process::{Came, program, wait},
    servers::postgres,
};
use base64::Engine;
use sqlx::{Connection, Executor};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use trueup::{
    base::world::World as Clock,
    mock::{Mock, server::Running},
    trial::bench::{Bench, On, Place},
};

const TABLES: &str = "
create table things (id integer primary key, name text not null, email text unique, note text, count integer);
create table audits (id bigserial primary key, record_id integer, changes json, comment text);
";

/// The payloads of a journal that lie in it compressed, as they were before.
async fn unpacked(journal: &Path) -> Vec<String> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(journal).read_only(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let stored: Vec<(Vec<u8>,)> = sqlx::query_as("select bytes from payloads where hex(substr(bytes, 1, 1)) = '04'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let text = |(bytes,): (Vec<u8>,)| {
        let length = u32::from_le_bytes(bytes[1..5].try_into().unwrap());
        let text = lz4_flex::block::decompress(&bytes[5..], length as usize).unwrap();
        String::from_utf8(text).unwrap()
    };
    stored.into_iter().map(text).collect()
}

/// What the program sees of itself is kept, and it says something about a person.
const TOOL: &str = r#"#!/bin/sh
here=${0%/*}
{ tr '\0' '\n' </proc/$$/cmdline; env; echo; } >>"$here/tool.log"
case "$1" in
  get) printf '%s' "$OUTPUT_OF_TOOL" | cat - "$here/says" ;;
  bad) cat "$here/says" >&2; exit 9 ;;
  *) echo "set" ;;
esac
"#;

pub struct World {
    pub canaries: BTreeMap<&'static str, Canary>,
    pub commands: usize,
    /// How many of them did not end well, as they should.
    pub failed: usize,
    folder: TempDir,
    bench: Bench,
    role: String,
    address: String,
    mocks: BTreeMap<&'static str, Running>,
    variables: Vec<(String, String)>,
    sinks: BTreeMap<Sink, String>,
}

fn url_form(text: &str) -> String {
    forms(text)[1].clone()
}

async fn mock(text: &str) -> Running {
    let mock = Mock::from_yaml(text).unwrap_or_else(|p| panic!("{:?}", p.sorted()));
    mock.start(Clock::real()).await.unwrap()
}

impl World {
    pub async fn build() -> World {
        let canaries = canaries::all();
        let value = |origin: &str| canaries[origin].value.clone();
        let mut folder = tempfile::tempdir().unwrap();
        // For a look at what came out.
        folder.disable_cleanup(std::env::var_os("TRUEUP_KEEP_CANARIES").is_some());
        let mark = Clock::real().id().simple().to_string();
        let (on, script) = (On::Postgres(postgres()), vec![("shop".into(), TABLES.into())]);
        let bench = Bench::build(&on, folder.path(), &mark[20..], script);
        let bench = bench.await.unwrap();
        let Place::Server(url) = bench.fresh("shop", folder.path()).await.unwrap() else { panic!() };
        let address = url.reveal().to_owned();
        let role = format!("canary_{}", &mark[20..]);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        sql(
            &address,
            &format!(
                "create role {role} login superuser password {}",
                quoted(&value("database password, environment"))
            ),
        )
        .await;
        for (id, name, email) in
            [(1, "lamp", "personal column, read"), (2, "desk", "personal column, in a constraint that fails")]
        {
            sql(&address, &format!("insert into things values ({id}, '{name}', {}, null, 1)", quoted(&value(email))))
                .await;
        }
        let with = |user: &str, password: &str| {
            let mut url = url::Url::parse(&address).unwrap();
            url.set_username(user).unwrap();
            url.as_str().replacen(&url.password().unwrap().to_owned(), &url_form(password), 1)
        };
        let shop = with(&role, &value("database password, environment"));
        let broken = with("nobody_at_all", &value("database password, file"));
        let json = |text: &str| serde_json::to_string(text).unwrap();
        let mocks = BTreeMap::from([
            ("crm", mock(&format!(
                "trueup: v1\nmock: crm\nroutes:\n- get: /person\n  answer: {{ json: {{ id: 1, email: {}, echo: \"{{{{ headers.authorization }}}}\" }} }}\n\
                 - post: /fails\n  answer: {{ status: 422, json: {{ error: \"{{{{ headers.authorization }}}} is not {{{{ body.email }}}}\" }} }}\n\
                 - get: /breaks\n  answer: {{ status: 500, json: {{ error: \"{{{{ headers.authorization }}}} {{{{ query.email }}}}\" }} }}\n\
                 - post: /lost\n  answer: {{ fault: drop_reply }}\n- post: /**\n  answer: {{ status: 201, json: {{ number: 7, email: \"{{{{ body.email }}}}\" }} }}\n",
                json(&value("personal part of an answer"))
            )).await),
            ("basic", mock("trueup: v1\nmock: basic\nroutes:\n- get: /breaks\n  answer: { status: 500, json: { error: \"{{ headers.authorization }}\" } }\n- get: /**\n  answer: { json: { echo: \"{{ headers.authorization }}\" } }\n").await),
            ("head", mock("trueup: v1\nmock: head\nroutes:\n- get: /breaks\n  answer: { status: 500, text: \"{{ headers['x-key'] }}\" }\n- get: /**\n  answer: { json: { echo: \"{{ headers['x-key'] }}\" } }\n").await),
            ("oauth", mock(&format!(
                "trueup: v1\nmock: oauth\nroutes:\n- post: /token\n  answer: {{ json: {{ access_token: {}, token_type: bearer, expires_in: 3600 }} }}\n\
                 - post: /refuses\n  answer: {{ status: 401, json: {{ error: invalid_client, error_description: \"{{{{ body.client_secret }}}} {{{{ headers.authorization }}}}\" }} }}\n\
                 - get: /breaks\n  answer: {{ status: 500, json: {{ error: \"{{{{ headers.authorization }}}}\" }} }}\n- get: /**\n  answer: {{ json: {{ echo: \"{{{{ headers.authorization }}}}\" }} }}\n",
                json(&value("OAuth2 access token"))
            )).await),
            ("other", mock("trueup: v1\nmock: other\nroutes:\n- get: /**\n  answer: { json: { ok: true, filler: 0123456789012345678901234567890123456789012345678901234567890123456789 } }\n").await),
            ("chat", mock("trueup: v1\nmock: chat\nroutes:\n- post: /**\n  answer: { text: ok }\n").await),
        ]);
        let private = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        fs::create_dir_all(folder.path().join("secrets")).unwrap();
        private("secrets/broken", &broken);
        private("secrets/header", &value("header secret, file"));
        fs::create_dir_all(folder.path().join("tool")).unwrap();
        fs::write(folder.path().join("tool/tool"), TOOL).unwrap();
        fs::set_permissions(folder.path().join("tool/tool"), fs::Permissions::from_mode(0o755)).unwrap();
        private("tool/says", &format!("{{\"who\": {}}}", json(&value("personal output of a program"))));
        let variables = vec![
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("SHOP_URL".into(), shop),
            ("REDIS_URL".into(), format!("redis://:{}@127.0.0.1:9/0", url_form(&value("Redis password")))),
            ("CRM_KEY".into(), value("bearer token")),
            ("BASIC_KEY".into(), value("basic password")),
            ("OAUTH_SECRET".into(), value("OAuth2 client secret")),
            ("TOOL_KEY".into(), value("program's variable")),
            ("NOBODYS".into(), value("environment variable that nobody asked for")),
            ("BOSS_MAIL".into(), value("mail address of a person")),
            ("CHAT_URL".into(), format!("{}/services/{}", mocks["chat"].url(), value("webhook URL"))),
            ("TMPDIR".into(), folder.path().join("tmp").display().to_string()),
        ];
        fs::create_dir_all(folder.path().join("tmp")).unwrap();
        let csv = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let (good, bad) =
            (value("personal column of a CSV file"), value("personal column of a CSV row that is refused"));
        fs::create_dir_all(folder.path().join("csv")).unwrap();
        private("csv/good.csv", &format!("id,email,born\n1,{},1990-01-01\n2,x,1990-01-01\n", csv(&good)));
        private("csv/bad.csv", &format!("id,email,born\n1,x,1990-01-01\n2,{},{}\n", csv(&bad), csv(&bad)));
        let world = World {
            canaries,
            commands: 0,
            failed: 0,
            bench,
            role,
            address,
            mocks,
            variables,
            sinks: BTreeMap::new(),
            folder,
        };
        world.texts();
        world
    }

    /// Project file and playbooks, with where the APIs and the program are.
    fn texts(&self) {
        let source = crate::servers::root().join("tests/trueup/canary/books");
        let mut project = fs::read_to_string(source.join("project.yaml")).unwrap();
        for (word, name) in
            [("CRM", "crm"), ("BASIC", "basic"), ("HEAD", "head"), ("OAUTH", "oauth"), ("OTHER", "other")]
        {
            let url = self.mocks[name].url();
            project = project.replace(&format!("\"{word}\""), &format!("\"{url}\""));
            project = project.replace(&format!("\"{word}/"), &format!("\"{url}/"));
        }
        let tool = self.path("tool/tool").display().to_string();
        fs::write(self.path("trueup.yaml"), project.replace("TOOL\"", &format!("{tool}\""))).unwrap();
        fs::create_dir_all(self.path("books/canary")).unwrap();
        for name in ["whole", "unique", "guard", "database", "redis", "bearer", "basic", "head", "oauth", "refused"]
            .into_iter()
            .chain(["fails", "lost", "tool", "expression", "many", "saved"])
        {
            let book = format!("{name}.yaml");
            fs::copy(source.join(&book), self.path("books/canary").join(&book)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A parameter with the canary of an origin.
    fn with(&self, name: &str, origin: &str) -> String {
        format!("{name}={}", self.canaries[origin].value)
    }

    fn into(&mut self, sink: Sink, text: &str) {
        let all = self.sinks.entry(sink).or_default();
        all.push_str(text);
        all.push('\n');
    }

    async fn run_with(&mut self, more: &[(&str, String)], arguments: &[&str]) -> Came {
        let mut variables = self.variables.clone();
        variables.extend(more.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
        let child = program(self.folder.path(), &variables, arguments).spawn().unwrap();
        // What everybody on the machine may see of it. Parameters are given there by whoever types them.
        let seen = child.id().and_then(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok()).unwrap_or_default();
        let typed = arguments.iter().any(|a| a.contains("Kanari"));
        let came = wait(child).await.unwrap();
        self.commands += 1;
        if !typed {
            self.into(Sink::Files, &String::from_utf8_lossy(&seen));
        }
        let out = match arguments {
            [_, "--json", ..] | ["schema", ..] => Sink::Json,
            _ if arguments.contains(&"--json") || arguments.contains(&"--sarif") => Sink::Json,
            ["show", ..] => Sink::Show,
            ["audit", ..] => Sink::Audit,
            _ => Sink::Out,
        };
        self.into(out, &came.out);
        self.into(Sink::Err, &came.err);
        came
    }

    async fn run(&mut self, arguments: &[&str], exit: i32) -> Came {
        let came = self.run_with(&[], arguments).await;
        assert_eq!(came.exit, Some(exit), "{arguments:?}\n{}", came.said());
        came
    }

    /// The parameters of `canary/whole`.
    fn whole(&self) -> Vec<String> {
        [
            ("who", "personal part of a body"),
            ("token", "secret parameter"),
            ("mail", "personal column, written"),
            ("ask", "personal part of a query"),
            ("argument", "personal argument of a program"),
        ]
        .map(|(name, origin)| self.with(name, origin))
        .to_vec()
    }

    pub async fn plans_and_applies(&mut self) {
        self.run(&["check"], 0).await;
        self.run(&["check", "--sarif"], 0).await;
        // One of its databases does not take the password, and says so.
        self.run(&["check", "--env", "test", "books/canary/whole.yaml"], 2).await;
        let parameters = self.whole();
        let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
        let with = |words: &[&'static str]| {
            words.iter().copied().chain(parameters.iter().copied()).map(str::to_owned).collect::<Vec<String>>()
        };
        for words in [
            &["plan", "canary/whole", "--reason", "a test", "--actor", "anna"][..],
            &["plan", "canary/whole", "--json", "--reason", "a test", "--actor", "anna"],
            &["apply", "canary/whole", "--yes", "--reason", "a test", "--actor", "anna"],
        ] {
            fs::create_dir_all(self.path("plans")).unwrap();
            let all = with(words);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let exit = if words[0] == "apply" { 4 } else { 0 };
            self.run(&all, exit).await;
        }
        let (who, ask) = (self.with("who", "personal parameter"), self.with("ask", "personal part of a query"));
        let file = "plans/saved.plan";
        let keep = ["plan", "canary/saved", &who, &ask, "--out", file, "--reason", "a test", "--actor", "anna"];
        self.run(&keep, 0).await;
        self.run(&["plan", "show", file], 0).await;
        self.run(&["plan", "diff", file, file], 0).await;
        self.run(&["plan", "show", file, "--json"], 0).await;
        self.run(&["apply", file, "--yes", "--reason", "a test", "--actor", "anna"], 0).await;
    }

    pub async fn fails_in_every_step(&mut self) {
        let parameters: [(&str, &[(&str, &str)]); 13] = [
            ("unique", &[]),
            ("guard", &[]),
            ("database", &[]),
            ("redis", &[]),
            ("bearer", &[("ask", "personal part of a query")]),
            ("basic", &[]),
            ("head", &[]),
            ("oauth", &[]),
            ("refused", &[]),
            ("fails", &[("who", "personal parameter"), ("token", "secret parameter")]),
            ("lost", &[("who", "personal parameter"), ("token", "secret parameter")]),
            ("tool", &[("argument", "personal argument of a program")]),
            ("expression", &[("who", "personal parameter"), ("token", "secret parameter")]),
        ];
        for (name, given) in parameters {
            let book = format!("canary/{name}");
            let given: Vec<String> = given.iter().map(|(n, origin)| self.with(n, origin)).collect();
            for more in [&["plan"][..], &["plan", "--json"], &["apply", "--yes"], &["apply", "--yes", "--json"]] {
                let mut arguments = vec![more[0], book.as_str()];
                arguments.extend(given.iter().map(String::as_str));
                arguments.extend(["--reason", "a test", "--actor", "anna"]);
                arguments.extend(&more[1..]);
                let came = self.run_with(&[], &arguments).await;
                // A panic, or a mistake in the playbooks, is none of these.
                let known = [0, 1, 3, 4, 5, 6].contains(&came.exit.unwrap_or(-1)) || name == "expression";
                assert!(known, "{arguments:?} {:?}\n{}", came.exit, came.said());
                self.failed += usize::from(came.exit != Some(0));
            }
        }
        // A secret that is missing, or open to everybody, is named by its place.
        self.run_with(&[("CRM_KEY", String::new())], &["plan", "canary/bearer", "ask=x"]).await;
        let header = self.path("secrets/header");
        fs::set_permissions(&header, fs::Permissions::from_mode(0o644)).unwrap();
        self.run(&["plan", "canary/head"], 2).await;
        fs::set_permissions(&header, fs::Permissions::from_mode(0o600)).unwrap();
        let bad = self.with("file", "personal column of a CSV row that is refused");
        self.run_with(&[], &["plan", "canary/whole", &bad]).await;
        for connection in ["shop", "broken"] {
            self.run_with(&[], &["connection", "tables", connection]).await;
        }
        fs::write(self.path("error.txt"), "status: 500, body: {\"error\": 1}").unwrap();
        self.run_with(&[], &["diagnose", "canary/bearer", "--error", "error.txt"]).await;
    }

    /// The run that waits for an answer.
    async fn waiting(&mut self) -> String {
        let inbox = self.run(&["inbox", "--json"], 0).await;
        let inbox: serde_json::Value = serde_json::from_str(&inbox.out).unwrap();
        inbox["questions"][0]["short"].as_str().expect("a question waits").to_owned()
    }

    pub async fn answers_and_reminds(&mut self) {
        let run = self.waiting().await;
        self.run(&["inbox"], 0).await;
        self.run(&["show", &run], 0).await;
        // Two days later, by a clock that runs faster since a day ago.
        let now = Clock::real().now().micros;
        let later = format!("3:{}", now - 86_400_000_000);
        let came = self.run_with(&[("TRUEUP_TIME", later)], &["inbox", "--remind", "--actor", "ben"]).await;
        assert!(came.err.contains("reminder"), "{}", came.said());
        let token = self.with("token", "secret parameter");
        self.run_with(&[], &["answer", &run, "agreed", "--set", &token, "--actor", "ben"]).await;
        let came = self.run_with(&[], &["answer", &run, "agreed", "--set", "ticket=T-1", "--actor", "ben"]).await;
        assert!(came.exit.is_some(), "{}", came.said());
        self.run(&["show", &run], 0).await;
        self.run(&["show", &run, "--json"], 0).await;
    }

    pub async fn takes_back(&mut self) {
        let found = self.run(&["runs", "--json", "--limit", "60"], 0).await;
        let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
        self.run(&["runs", "--limit", "60"], 0).await;
        let runs: Vec<(String, bool)> = found["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| (run["short"].as_str().unwrap().to_owned(), run["playbook"] == "canary/whole"))
            .collect();
        for (run, whole) in runs {
            self.run(&["show", &run], 0).await;
            self.run(&["show", &run, "--json"], 0).await;
            if whole {
                self.run_with(&[], &["undo", &run, "--dry-run", "--reason", "back", "--actor", "ben"]).await;
                self.run_with(&[], &["undo", &run, "--yes", "--reason", "back", "--actor", "ben"]).await;
            }
            self.run_with(&[], &["retry", &run, "--actor", "ben"]).await;
            self.run_with(&[], &["resume", &run, "--actor", "ben"]).await;
        }
        self.run_with(&[], &["inbox"]).await;
    }

    pub async fn many(&mut self) {
        let reason = ["--reason", "a test", "--actor", "anna"];
        let plan = |file: &'static str, more: &[&'static str]| {
            let mut all = vec!["plan", "canary/many", file];
            all.extend(reason);
            all.extend(more);
            all
        };
        self.run_with(&[], &plan("file=csv/bad.csv", &[])).await;
        self.run_with(&[], &plan("file=csv/good.csv", &[])).await;
        self.run_with(&[], &plan("file=csv/good.csv", &["--json"])).await;
        self.run_with(&[], &plan("file=csv/good.csv", &["--out", "plans/many.plan"])).await;
        let came = self
            .run_with(
                &[],
                &["apply", "canary/many", "file=csv/good.csv", "--yes", "--reason", "a test", "--actor", "anna"],
            )
            .await;
        assert!(came.exit.is_some_and(|exit| exit != 2), "{}", came.said());
        let found = self.run(&["runs", "--json", "--playbook", "canary/many"], 0).await;
        let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
        let run = found["runs"][0]["short"].as_str().expect("a run over many items").to_owned();
        for form in ["csv", "jsonl"] {
            self.run_with(&[], &["show", &run, "--items", form]).await;
        }
        self.run(&["show", &run], 0).await;
        self.run_with(&[], &["show", &run, "--item", "1"]).await;
        self.reconciles().await;
    }

    /// Reports in all their forms, metrics, and traces that leave for somebody else.
    async fn reconciles(&mut self) {
        let collector = [("OTEL_EXPORTER_OTLP_ENDPOINT", self.mocks["other"].url())];
        let calls = self.mocks["other"].log().len();
        let files = ["--html", "drift.html", "--metrics-file", "drift.prom"];
        for more in [&files[..], &["--json"], &["--heal", "--yes", "--reason", "a test"]] {
            let mut arguments = vec!["reconcile", "canary/many", "file=csv/good.csv", "--actor", "anna"];
            arguments.extend(more);
            let came = self.run_with(&collector, &arguments).await;
            assert!(came.exit.is_some_and(|exit| exit != 2), "{}", came.said());
        }
        self.run_with(&[], &["reconcile", "report"]).await;
        for file in ["drift.html", "drift.prom"] {
            let text = fs::read_to_string(self.path(file)).unwrap();
            assert!(text.len() > 500, "{file}: {text}");
            self.into(Sink::Files, &text);
        }
        let traces = self.mocks["other"].log().into_iter().skip(calls).filter(|call| call.path.ends_with("/v1/traces"));
        assert!(traces.count() >= 3, "no trace left");
    }

    /// Killed at some moments of a run: what is in the write-ahead log stays there.
    pub async fn dies(&mut self) {
        let parameters = self.whole();
        for at in [3, 6, 9, 12, 15] {
            let mut arguments = vec!["apply", "canary/whole"];
            arguments.extend(parameters.iter().map(String::as_str));
            arguments.extend(["--yes", "--reason", "a test", "--actor", "anna"]);
            self.run_with(&[("TRUEUP_CRASH_AT", at.to_string())], &arguments).await;
            let wal = fs::read(self.path("journal/journal.db-wal")).unwrap_or_default();
            self.into(Sink::Wal, &String::from_utf8_lossy(&wal));
        }
    }

    pub async fn looks_at_the_record(&mut self) {
        self.run(&["audit", "verify"], 0).await;
        self.run(&["audit", "anchor", "--append", "anchors"], 0).await;
        self.run_with(&[], &["audit", "purge", "--older-than", "1d", "--dry-run"]).await;
        let anchors = fs::read_to_string(self.path("anchors")).unwrap();
        self.into(Sink::Audit, &anchors);
        self.run(&["runs"], 0).await;
    }

    /// All that came out.
    pub async fn sinks(&mut self) -> BTreeMap<Sink, String> {
        let mut files = Vec::new();
        list(self.folder.path(), &mut files);
        for file in files {
            let name = file.strip_prefix(self.folder.path()).unwrap().display().to_string();
            let bytes = fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let sink = match name.as_str() {
                // What the test has put there.
                n if n.starts_with("secrets/") || n.starts_with("csv/") || n == "tool/says" => continue,
                "tool/tool.log" => Sink::Child,
                "told.jsonl" => Sink::Told,
                n if n.starts_with("mail/") => Sink::Mail,
                n if n.starts_with("plans/") => Sink::PlanFile,
                n if n.ends_with("journal.db-wal") => Sink::Wal,
                n if n.ends_with("journal.db") => Sink::Journal,
                _ => Sink::Files,
            };
            self.into(sink, &name);
            // The bodies of letters are encoded; their words are looked for as a reader sees them, and as they are.
            if sink == Sink::Mail {
                self.into(sink, &text.replace("=\n", "").replace("=3D", "=").replace("=20", " "));
            }
            self.into(sink, &text);
            if sink == Sink::Journal {
                let unpacked = unpacked(&file).await;
                assert!(unpacked.len() > 10, "{name}: nothing in it was compressed");
                unpacked.iter().for_each(|payload| self.into(sink, payload));
            }
        }
        for call in self.mocks["chat"].log() {
            self.into(Sink::Slack, &trueup::base::json::text_of(&call.body));
            // As its reader sees it.
            let text = call.body.get("text").map_or(String::new(), |text| text.bare().into_owned());
            self.into(Sink::Slack, &text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        }
        for call in self.mocks["other"].log() {
            self.into(Sink::OtherHost, &format!("{} {:?} {:?} {:?}", call.path, call.query, call.headers, call.body));
        }
        self.sinks.clone()
    }

    /// The canaries that were really there: in a request to whom they are for, in the database, in what a program got.
    pub async fn used(&self) -> BTreeSet<&'static str> {
        let mut all = String::new();
        for (name, mock) in &self.mocks {
            for call in mock.log() {
                let body = trueup::base::json::text_of(&call.body);
                all.push_str(&format!("{name} {} {:?} {:?} {body}\n", call.path, call.query, call.headers));
                if let Some(basic) = call.header("authorization").and_then(|h| h.strip_prefix("Basic ")) {
                    let plain = base64::engine::general_purpose::STANDARD.decode(basic).unwrap_or_default();
                    all.push_str(&String::from_utf8_lossy(&plain));
                }
            }
        }
        all.push_str(&self.sinks[&Sink::Child]);
        all.push_str(&self.sinks[&Sink::Mail]);
        let mut connection = sqlx::PgConnection::connect(&self.address).await.unwrap();
        let rows: Vec<(String,)> =
            sqlx::query_as("select changes::text from audits").fetch_all(&mut connection).await.unwrap();
        rows.iter().for_each(|(changes,)| all.push_str(changes));
        connection.close().await.unwrap();
        let failures = &self.sinks[&Sink::Err];
        let told = |part: &str| failures.contains(part);
        self.canaries
            .values()
            .filter(|canary| {
                let escaped = format!("{:?}", canary.value);
                forms(&canary.value).iter().any(|form| all.contains(form))
                    || all.contains(escaped.trim_matches('"'))
                    || match canary.origin {
                        // No run begins without it.
                        "database password, environment" | "environment variable that nobody asked for" => true,
                        "database password, file" => told("nobody_at_all") || told("password"),
                        "Redis password" => told("`jobs`"),
                        // It prints it whenever it is asked.
                        "personal output of a program" => self.sinks[&Sink::Child].contains("\nget\n"),
                        "personal column, in a constraint that fails" => told("unique") || told("things_email_key"),
                        "personal column of a CSV row that is refused" => told("line 3"),
                        _ => false,
                    }
            })
            .map(|canary| canary.origin)
            .collect()
    }

    pub async fn clear(self) {
        self.bench.clear().await.unwrap();
        sql(postgres().reveal(), &format!("drop role if exists {}", self.role)).await;
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

#[expect(clippy::disallowed_methods, reason = "statements of the test itself, on a database of its own")]
async fn sql(address: &str, text: &str) {
    let mut connection = sqlx::PgConnection::connect(address).await.unwrap();
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}
