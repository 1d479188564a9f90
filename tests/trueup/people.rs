//! People as they are really reached: Slack's webhook, a webhook of one's own, a Maildir. What is asked has a deadline, what is
//! sent is recorded first, and nothing is sent twice, whatever becomes of answers and processes.

use super::{
    proof::process::{program, wait},
    servers::{Shop, block_on, request, said},
};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use trueup::{
    base::{identity::RunId, value::Value, world::World},
    engine::{drive::Stopped, notices::Reminded, watch::Tick},
    journal::{event::Event, words::End},
    mock::{Mock, server::Running},
    ops::{self, Failure, Surroundings, apply::Carried},
    report::{inbox, look::Look},
    trial::bench::On,
};

const DAY: i64 = 86_400_000_000;
const ROWS: &str = "insert into things (id, name, state, count, email, created_at, updated_at) values (1, 'lamp', 0, 1, 'ada@example.org', '2024-01-01 00:00:00', '2024-01-01 00:00:00');";
const PATH: &str = "/services/T0/B0/hush-hush-hush";
const TAKES: &str = "answer: { text: ok }";

/// A shop, somebody who is told by `by`, and a clock that a test sets.
struct Scene {
    shop: Shop,
    chat: Running,
    later: Arc<AtomicI64>,
    passed_on: Mutex<Vec<String>>,
}

fn playbook(steps: &str) -> String {
    format!(
        "trueup: v1\nname: people/asked\nversion: 1\ntitle: Ask <everybody> & wait\nuses:\n  shop: {{ read: [things], write: [things, audits] }}\n\
         preconditions:\n- id: thing\n  find: {{ table: shop.things, where: {{ id: 1 }}, expect: one }}\nsteps:\n{steps}"
    )
}

const ASKS: &str = "- id: agreed
  ask:
    who: boss
    question: \"May <{{ thing.name }}> of {{ thing.email }} go?\"
    evidence: { count: \"{{ thing.count }}\", mail: \"{{ thing.email }}\" }
    answer: { ticket: { type: string, description: The number } }
    within: 3d
    remind: 1d
  otherwise: { escalate: boss, say: \"Nobody has agreed for {{ thing.name }}.\" }
- id: change
  row: { of: thing, set: { count: 2 } }
";

impl Scene {
    /// `boss` is what stands under `people` for him; `$` in it is the address of the chat.
    async fn open(boss: &str, answer: &str) -> Scene {
        let mock = format!("trueup: v1\nmock: chat\nroutes:\n- post: {PATH}\n  {answer}\n");
        let chat = Mock::from_yaml(&mock).unwrap_or_else(|p| panic!("{:?}", p.sorted()));
        let chat = chat.start(World::real()).await.unwrap();
        let mail = "\"mail\": { \"maildir\": \"post\", \"from\": \"trueup@example.org\" }, \"people\"";
        let mut shop = Shop::open(&On::Sqlite, "http://127.0.0.1:9", |text| {
            let with = text.replacen(r#""boss":{"by":"hand"}"#, &format!(r#""boss":{boss}"#), 1);
            assert_ne!(with, text, "the project file has no boss");
            with.replacen("\"people\"", mail, 1)
        })
        .await;
        let later = Arc::new(AtomicI64::new(0));
        let (url, by) = (format!("{}{PATH}", chat.url()), later.clone());
        let below = shop.here.variable.clone();
        shop.here.variable = Arc::new(move |name| match name {
            "CHAT_URL" => Some(url.clone()),
            "BOSS_MAIL" => Some("boss@example.org, deputy@example.org".into()),
            name => below(name),
        });
        let real = World::real();
        shop.here.world = World::real().with_pause(|_| std::future::ready(())).with_clock(move || {
            let now = real.now();
            trueup::base::time::Stamp { micros: now.micros + by.load(Ordering::SeqCst), ..now }
        });
        shop.sql(ROWS).await;
        Scene { shop, chat, later, passed_on: Mutex::default() }
    }

    async fn slack(answer: &str) -> Scene {
        Scene::open(r##"{"by":"slack","to":{"secret":"CHAT_URL"},"channel":"#boss"}"##, answer).await
    }

    fn days(&self, days: f64) {
        self.later.store((days * DAY as f64) as i64, Ordering::SeqCst);
    }

    fn watch(&self) -> impl Fn(Tick) + Send + Sync {
        |tick| {
            if let Tick::PassOn { text, .. } = tick {
                self.passed_on.lock().unwrap().push(text);
            }
        }
    }

    async fn apply(&self, steps: &str) -> (RunId, Carried) {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let loaded = self.shop.playbook(&playbook(steps));
        let prepared =
            ops::plan::setting(here, opened, loaded, &request(&[])).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let plan =
            ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let record = ops::record::open(here, opened).await.unwrap();
        let pause = AtomicBool::new(false);
        let carried = ops::apply::apply(here, &record, opened, &prepared.setting, &plan, &self.watch(), &pause).await;
        record.journal.close().await.unwrap();
        (prepared.setting.run.id, carried.unwrap_or_else(|f| panic!("{}", said(&f))))
    }

    async fn resume(&self, run: RunId) -> Result<Carried, Failure> {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let record = ops::record::open(here, opened).await?;
        let pause = AtomicBool::new(false);
        let carried = ops::resume::resume(here, &record, opened, run, "ben", &self.watch(), &pause).await;
        record.journal.close().await.unwrap();
        carried
    }

    async fn answer(&self, run: RunId) -> Result<Carried, Failure> {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let record = ops::record::open(here, opened).await?;
        let (pause, given) = (AtomicBool::new(false), [("ticket".to_owned(), Value::from("T-1"))]);
        let carried =
            ops::answer::answer(here, &record, opened, run, "agreed", None, &given, "boss", &self.watch(), &pause)
                .await;
        record.journal.close().await.unwrap();
        carried
    }

    async fn remind(&self) -> Reminded {
        let (here, opened) = (&self.shop.here, &self.shop.opened);
        let record = ops::record::open(here, opened).await.unwrap();
        let reminded = ops::notify::all(here, &record, opened, "ben", &self.watch()).await;
        record.journal.close().await.unwrap();
        reminded.unwrap_or_else(|f| panic!("{}", said(&f)))
    }

    async fn inbox(&self) -> String {
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap();
        let found = ops::history::inbox(&record, self.shop.here.world.now()).await.unwrap();
        record.journal.close().await.unwrap();
        let styled = inbox::text(&found.questions, &found.in_doubt, found.now, Look::default());
        anstream::adapter::strip_str(&styled).to_string()
    }

    async fn events(&self, run: RunId) -> Vec<Event> {
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap();
        let events = record.journal.events(run).await.unwrap().into_iter().map(|stored| stored.event).collect();
        record.journal.close().await.unwrap();
        events
    }

    /// The journal as it was when the process died before the first such event.
    async fn died_before(&self, run: RunId, is: impl Fn(&Event) -> bool) {
        let events = self.events(run).await;
        let kept = events.iter().position(is).expect("the run has such an event");
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", self.shop.opened.journal().display()));
        }
        let record = ops::record::open(&self.shop.here, &self.shop.opened).await.unwrap();
        record.journal.append(run, &events[..kept]).await.unwrap();
        record.journal.close().await.unwrap();
    }

    /// What the chat got, text by text.
    fn texts(&self) -> Vec<String> {
        self.chat.log().iter().map(|call| call.body.get("text").unwrap().as_str().unwrap().to_owned()).collect()
    }

    fn letters(&self) -> Vec<String> {
        let new = self.shop.folder.path().join("post/new");
        let mut paths: Vec<PathBuf> = fs::read_dir(new).into_iter().flatten().map(|e| e.unwrap().path()).collect();
        paths.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

/// `question 0 posted`, in the order of the journal.
fn notices(events: &[Event]) -> Vec<String> {
    let told = events.iter().filter_map(|e| if let Event::HumanNotified(told) = e { Some(told) } else { None });
    told.map(|t| format!("{} {} {}", t.kind, t.number, t.result.as_deref().unwrap_or("leaves"))).collect()
}

#[test]
fn a_question_goes_to_slack_once_with_what_it_rests_on_and_without_personal_values() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let (run, carried) = scene.apply(ASKS).await;
        assert_eq!(carried.stopped, Stopped::Waits("steps/agreed".into()));
        let log = scene.chat.log();
        assert_eq!(log.len(), 1);
        let text = &scene.texts()[0];
        let short = run.short();
        for part in [
            "May &lt;lamp&gt; of (personal) go?",
            "count: 1\nmail: (personal)",
            "To answer, until 20",
            &format!("trueup answer {short} agreed --set ticket=TICKET"),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("ada@example.org") && !text.contains("May <"), "{text}");
        assert_eq!(log[0].body.get("channel").unwrap().as_str(), Some("#boss"));
        assert_eq!(log[0].body.get("mrkdwn").unwrap().as_bool(), Some(false));
        assert_eq!(notices(&scene.events(run).await), ["question 0 leaves", "question 0 posted to Slack"]);
        // It is refused to go on, and nobody is told again.
        let refused = said(&scene.resume(run).await.err().unwrap());
        assert!(refused.contains("waits for the answer of boss to `agreed`"), "{refused}");
        assert!(scene.remind().await.sent.is_empty());
        assert_eq!(scene.chat.log().len(), 1);
        let carried = scene.answer(run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        scene.shop.close().await;
    });
}

#[test]
fn each_reminder_is_sent_once_and_the_inbox_says_what_is_due() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let (run, _) = scene.apply(ASKS).await;
        scene.days(0.9);
        assert!(scene.remind().await.sent.is_empty());
        scene.days(1.1);
        let reminded = scene.remind().await;
        assert_eq!((reminded.sent.len(), reminded.sent[0].due.number, reminded.sent[0].told), (1, 1, true));
        assert!(scene.remind().await.sent.is_empty(), "a reminder came twice");
        let shown = scene.inbox().await;
        assert!(shown.contains("due by ") && shown.contains("(1 d 21 h left)"), "{shown}");
        assert!(shown.contains("count  1") && shown.contains("mail   (personal)"), "{shown}");
        // `resume` finds nothing to do but that, too; two at once send one.
        scene.days(2.2);
        let refused = said(&scene.resume(run).await.err().unwrap());
        assert!(refused.contains("waits for the answer"), "{refused}");
        assert!(scene.remind().await.sent.is_empty());
        let texts = scene.texts();
        assert_eq!(texts.len(), 3);
        assert!(
            texts[2].starts_with("Reminder: this question still waits for an answer.\nMay &lt;lamp&gt;"),
            "{texts:?}"
        );
        assert!(texts[2].contains("(19 h 1"), "{texts:?}");
        let noted = notices(&scene.events(run).await);
        assert_eq!(noted.iter().filter(|n| n.ends_with("leaves")).count(), 3, "{noted:?}");
        // The list of runs still says that it waits: reminding is not working on it.
        let record = ops::record::open(&scene.shop.here, &scene.shop.opened).await.unwrap();
        assert_eq!(record.journal.run(run).await.unwrap().unwrap().state.word(), "waiting");
        record.journal.rebuild().await.unwrap();
        assert_eq!(record.journal.run(run).await.unwrap().unwrap().state.word(), "waiting");
        record.journal.close().await.unwrap();
        scene.shop.close().await;
    });
}

#[test]
fn after_the_deadline_no_answer_is_taken_and_the_playbook_says_what_happens() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let (run, _) = scene.apply(ASKS).await;
        scene.days(3.01);
        assert!(scene.remind().await.sent.is_empty(), "nobody is reminded of what he can no longer do");
        let shown = scene.inbox().await;
        let resume = format!("trueup resume {}", run.short());
        assert!(
            shown.contains("overdue since ") && shown.contains(&resume) && !shown.contains("trueup answer"),
            "{shown}"
        );
        let refused = said(&scene.answer(run).await.err().unwrap());
        assert!(refused.contains("comes too late: it was due by 20") && refused.contains(&resume), "{refused}");
        let record = ops::record::open(&scene.shop.here, &scene.shop.opened).await.unwrap();
        assert_eq!(ops::resume::only_one(&scene.shop.here, &record).await.unwrap(), run);
        record.journal.close().await.unwrap();
        let carried = scene.resume(run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Escalated));
        let why = carried.state.closed.as_ref().unwrap().reason.clone().unwrap();
        assert_eq!(why, "For boss: Nobody has agreed for lamp.");
        // He is told, and that was recorded with the end it is about.
        assert_eq!(scene.texts().last().unwrap(), "Nobody has agreed for lamp.");
        let events = scene.events(run).await;
        assert_eq!(notices(&events)[2..], ["escalation 0 leaves", "escalation 0 posted to Slack"]);
        let late = said(&scene.answer(run).await.err().unwrap());
        assert!(late.contains("is over: escalated"), "{late}");
        scene.shop.close().await;
    });
}

#[test]
fn without_an_otherwise_an_unanswered_question_stops_the_run() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let (run, _) = scene.apply("- id: agreed\n  ask: { who: clerk, question: Done?, within: 2h }\n").await;
        assert!(scene.chat.log().is_empty(), "the clerk is told by hand");
        scene.days(1.0);
        let carried = scene.resume(run).await.unwrap();
        assert_eq!(carried.stopped, Stopped::Closed(End::Stopped));
        assert_eq!(carried.state.closed.unwrap().reason.as_deref(), Some("Clerk has not answered within 2h."));
        scene.shop.close().await;
    });
}

#[test]
fn a_message_of_which_nobody_knows_whether_it_arrived_is_never_sent_again() {
    block_on(async {
        for (fault, why) in [
            ("fault: drop_reply", "nobody knows whether it arrived, and it is not sent again"),
            ("fault: reset_after", "nobody knows whether it arrived, and it is not sent again"),
            ("status: 500, text: rollup_error", "answered 500 `rollup_error`; nobody knows"),
            ("status: 410, text: channel_is_archived", "answered 410 `channel_is_archived`; it did not arrive"),
            ("status: 200, text: no", "answered 200 `no`; it says nothing that means it was taken"),
        ] {
            let scene = Scene::slack(&format!("answer: {{ {fault} }}")).await;
            let (run, carried) = scene.apply(ASKS).await;
            assert_eq!(carried.stopped, Stopped::Waits("steps/agreed".into()), "{fault}");
            assert_eq!(scene.chat.log().len(), 1, "{fault}");
            let noted = notices(&scene.events(run).await);
            assert_eq!(noted.len(), 2, "{fault}: {noted:?}");
            assert!(noted[1].starts_with("question 0 not told: ") && noted[1].contains(why), "{fault}: {noted:?}");
            assert!(!noted[1].contains("hush"), "{noted:?}");
            assert!(scene.remind().await.sent.is_empty(), "{fault}");
            assert_eq!(scene.chat.log().len(), 1, "{fault}");
            scene.shop.close().await;
        }
    });
}

#[test]
fn what_was_certainly_not_taken_is_sent_again_within_bounds() {
    block_on(async {
        let pause = "{ status: 429, headers: { Retry-After: '1' } }";
        let scene = Scene::slack(&format!("answers: [{pause}, {pause}, {{ text: ok }}]")).await;
        let (run, _) = scene.apply(ASKS).await;
        assert_eq!(scene.chat.log().len(), 3);
        assert_eq!(notices(&scene.events(run).await), ["question 0 leaves", "question 0 posted to Slack"]);
        scene.shop.close().await;
        let scene = Scene::slack("answer: { status: 429, headers: { Retry-After: '1' } }").await;
        let (run, _) = scene.apply(ASKS).await;
        assert_eq!(scene.chat.log().len(), 3, "three times at most");
        assert!(notices(&scene.events(run).await)[1].contains("it asks for a pause; it did not arrive"));
        scene.shop.close().await;
    });
}

#[test]
fn a_process_that_died_around_a_message_sends_it_at_most_once() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let (run, _) = scene.apply(ASKS).await;
        // Between the recorded question and the message: nothing has left, so the next process sends it.
        scene.died_before(run, |e| matches!(e, Event::HumanNotified(_))).await;
        assert_eq!(scene.remind().await.sent.len(), 1);
        assert_eq!(scene.chat.log().len(), 2);
        // Between "it leaves" and its outcome: nobody knows, so nobody sends it again.
        scene.died_before(run, |e| matches!(e, Event::HumanNotified(told) if told.result.is_some())).await;
        assert!(scene.remind().await.sent.is_empty());
        assert!(scene.resume(run).await.is_err());
        assert_eq!(scene.chat.log().len(), 2);
        scene.shop.close().await;
    });
}

#[test]
fn a_real_process_that_is_killed_at_each_moment_of_a_message_sends_it_at_most_once() {
    block_on(async {
        let scene = Scene::slack(TAKES).await;
        let folder = scene.shop.folder.path();
        fs::create_dir_all(folder.join("books/people")).unwrap();
        fs::write(folder.join("books/people/asked.yaml"), playbook(ASKS)).unwrap();
        let project = fs::read_to_string(folder.join("trueup.yaml")).unwrap();
        let world = super::servers::root().join("tests/cases/world");
        fs::write(folder.join("trueup.yaml"), project.replace(&world.display().to_string(), "books")).unwrap();
        let chat = format!("{}{PATH}", scene.chat.url());
        let variables = |more: &[(&str, String)]| {
            let own = [("CHAT_URL", chat.clone()), ("CRM_KEY", "k-e-y".into()), ("PATH", "/usr/bin".into())];
            own.iter().chain(more).map(|(n, v)| ((*n).to_owned(), v.clone())).collect::<Vec<_>>()
        };
        let apply = ["apply", "people/asked", "--env", "test", "--yes", "--reason", "a test", "--actor", "anna"];
        let moments = folder.join("moments");
        let named = |more: &[(&str, String)]| {
            let _ = fs::remove_file(&moments);
            variables(&[&[("TRUEUP_MOMENTS", moments.display().to_string())], more].concat())
        };
        let came = wait(program(folder, &named(&[]), &apply).spawn().unwrap()).await.unwrap();
        assert_eq!(came.exit, Some(4), "{}", came.said());
        let passed = || -> Vec<String> { fs::read_to_string(&moments).unwrap().lines().map(str::to_owned).collect() };
        let names = passed();
        let first = names.iter().position(|n| *n == "before a message").expect("a message has its moments") + 1;
        let (mut sent, mut killed, mut before) = (scene.chat.log().len(), 0, 0);
        assert_eq!(sent, 1);
        // From the last words before the message to the last ones after it, and round again should none have stopped right before it.
        let all = first - 2..=names.len();
        let whole = all.clone().count();
        for (nth, at) in all.cycle().take(5 * whole).enumerate() {
            if nth % whole == 0 && before > 0 {
                break;
            }
            let more = named(&[("TRUEUP_CRASH_AT", at.to_string())]);
            let came = wait(program(folder, &more, &apply).spawn().unwrap()).await.unwrap();
            killed += usize::from(came.killed());
            // Its own last moment: how many words the journal needs before a message is not the same in each run.
            let last = passed().pop().filter(|_| came.killed());
            before += usize::from(last.as_deref() == Some("before a message"));
            // Two others look after it, and the question is there for the one who is asked.
            for _ in 0..2 {
                let arguments = ["inbox", "--remind", "--actor", "ben"];
                let came = wait(program(folder, &variables(&[]), &arguments).spawn().unwrap()).await.unwrap();
                assert_eq!(came.exit, Some(0), "{at}: {}", came.said());
            }
            let now = scene.chat.log().len();
            let wanted = if last.as_deref() == Some("before a message") { 0..=0 } else { 0..=1 };
            assert!(wanted.contains(&(now - sent)), "moment {at} ({last:?}): {} messages", now - sent);
            sent = now;
        }
        assert!(killed >= 3 && before >= 1, "killed {killed} times, {before} of them before a message");
        scene.shop.close().await;
    });
}

#[test]
fn mail_is_laid_down_as_a_letter_of_its_own_and_what_is_revealed_only_there() {
    block_on(async {
        let scene = Scene::open(r#"{"by":"email","to":{"secret":"BOSS_MAIL"}}"#, TAKES).await;
        let steps = "- id: agreed
  ask: { who: boss, question: \"Is {{ thing.email }} right?\", evidence: { mail: \"{{ thing.email }}\" }, reveal: [thing.email], answer: { ticket: { type: string } } }
- tell: { who: boss, message: \"Thanks for {{ thing.email }}.\", reveal: [thing.email] }
- tell: { who: boss, message: \"Not for you: {{ thing.email }}.\" }
- assert: thing.count == 7
  otherwise: { escalate: boss, say: \"Look at {{ thing.email }}\\r\\nBcc: eve@example.org\", reveal: [thing.email] }
";
        let (run, _) = scene.apply(steps).await;
        let letter = scene.letters().pop().unwrap();
        for part in [
            "From: trueup@example.org\nTo: boss@example.org,\n deputy@example.org\n",
            &format!("\nSubject: Ask <everybody> & wait (run {}, test)\n", run.short()),
            "\n\nIs ada@example.org right?\n\nmail: ada@example.org\n",
        ] {
            assert!(letter.contains(part), "{part}: {letter}");
        }
        let carried = scene.answer(run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Escalated));
        let letters = scene.letters().join("\n====\n");
        assert_eq!(scene.letters().len(), 4, "{letters}");
        assert!(
            letters.contains("Thanks for ada@example.org.\n") && letters.contains("Not for you: (personal).\n"),
            "{letters}"
        );
        assert!(
            letters.contains("Look at ada@example.org\n") && !letters.contains("\nBcc: eve@example.org\n\n"),
            "{letters}"
        );
        assert!(
            letters.split("====").all(|l| l.split_once("\n\n").is_some_and(|(head, _)| !head.contains("Bcc"))),
            "{letters}"
        );
        // Sealed in the journal, hidden in all that people are shown here.
        let bytes = fs::read(scene.shop.opened.journal()).unwrap();
        let journal = String::from_utf8_lossy(&bytes);
        assert!(!journal.contains("ada@example.org") && journal.contains("human.notified"));
        assert!(scene.passed_on.lock().unwrap().is_empty());
        scene.shop.close().await;
    });
}

#[test]
fn a_webhook_and_a_file_get_each_message_with_a_name_of_its_own() {
    block_on(async {
        let steps = "- tell: { who: boss, message: \"one {{ thing.name }}\" }\n- tell: { who: boss, message: two }\n";
        let scene = Scene::open(r#"{"by":"webhook","to":{"secret":"CHAT_URL"}}"#, TAKES).await;
        let (run, carried) = scene.apply(steps).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed));
        assert_eq!(scene.texts(), ["one lamp", "two"]);
        let field = |n: usize, name: &str| scene.chat.log()[n].body.get(name).unwrap().as_str().unwrap().to_owned();
        assert_eq!((field(0, "run"), field(0, "who")), (run.to_string(), "boss".into()));
        assert_ne!(field(0, "id"), field(1, "id"));
        scene.shop.close().await;
        let scene = Scene::open(r#"{"by":"file","to":"told.jsonl"}"#, TAKES).await;
        scene.apply(steps).await;
        let told = fs::read_to_string(scene.shop.folder.path().join("told.jsonl")).unwrap();
        assert!(told.lines().count() == 2 && told.contains("\"text\":\"one lamp\""), "{told}");
        scene.shop.close().await;
    });
}

#[test]
fn what_is_no_address_is_refused_before_anything_begins_and_not_repeated() {
    block_on(async {
        for (boss, variable, why) in [
            (r#"{"by":"email","to":{"secret":"X"}}"#, "ben@example.org\nBcc: eve@x", "is not a mail address"),
            (r#"{"by":"slack","to":{"secret":"X"}}"#, "http://hooks.example/hush", "anybody on the way can read"),
            (r#"{"by":"webhook","to":{"secret":"X"}}"#, "not a hush url", "people.boss"),
        ] {
            let mut scene = Scene::open(boss, TAKES).await;
            let below: Arc<trueup::ops::surroundings::Variables> = scene.shop.here.variable.clone();
            scene.shop.here = Surroundings {
                variable: Arc::new(move |name| if name == "X" { Some(variable.to_owned()) } else { below(name) }),
                ..scene.shop.here.clone()
            };
            let failure =
                scene.shop.prepare(&playbook("- tell: { who: boss, message: x }\n"), &[]).await.err().unwrap();
            let text = said(&failure);
            assert!(text.contains(why) && !text.contains("hush") && !text.contains("eve@"), "{text}");
            scene.shop.close().await;
        }
    });
}
