//! Things behind an API whose change was lost: who remembers is the thing itself. A process dies between any two events, with
//! the change made and not made.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const STEP: &str = "steps/changed";

/// People with and without a version, and a way for the test to bring one into a state.
const PEOPLE: &str = "trueup: v1\nmock: crm\ncollections:\n  people:\n    key: id\n    rows:\n    - { id: \"1\", plan: basic, note: n, phone: 0700-OLD }\n    - { id: \"20\", plan: basic, note: n }\nroutes:\n- get: /people/{id}\n  of: people\n  when: row.id == '20'\n  answer: { headers: { ETag: '\"v-{{ row.plan }}\"' }, json: \"{{ row }}\" }\n- get: /people/{id}\n  of: people\n  answer: { json: \"{{ row }}\" }\n- patch: /people/{id}\n  of: people\n  set: \"{{ body }}\"\n  answer: { json: \"{{ row }}\" }\n- post: /be/{id}/{plan}\n  of: people\n  set: { plan: \"{{ path.plan }}\" }\n";

fn text(id: u32) -> String {
    format!(
        "trueup: v1\nname: lost/answer\nversion: 1\ntitle: One effect\nuses:\n  crm: {{ write: [person] }}\nsteps:\n- id: changed\n  resource: {{ set: person, key: {{ id: \"{id}\" }}, state: {{ plan: gold }} }}\n"
    )
}

async fn scene() -> Scene {
    Scene::open(&On::Sqlite, PEOPLE, |text| text).await
}

impl Scene {
    /// Somebody brings the person into this plan.
    async fn be(&self, id: u32, plan: &str) {
        self.post("be", id, plan).await;
    }

    async fn post(&self, way: &str, id: u32, plan: &str) {
        self.somebody(&format!("/{way}/{id}/{plan}")).await;
        assert_eq!(self.plan(id), plan);
    }

    /// Somebody else asks the service for something.
    async fn somebody(&self, path: &str) {
        let url = self.crm.url();
        let host = url.strip_prefix("http://").unwrap();
        let mut wire = TcpStream::connect(host).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        wire.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        wire.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn plan(&self, id: u32) -> String {
        let people = self.crm.rows("people");
        let one = people.iter().find(|p| p.get("id").unwrap().bare() == id.to_string()).unwrap();
        one.get("plan").unwrap().bare().into_owned()
    }

    fn patches(&self) -> usize {
        self.sent().iter().filter(|call| call.starts_with("PATCH")).count()
    }
}

#[test]
fn wherever_the_process_died_the_thing_is_changed_once() {
    block_on(async {
        for id in [1, 20] {
            let mut scene = scene().await;
            scene.applied(&text(id)).await;
            assert_eq!((scene.plan(id).as_str(), scene.patches()), ("gold", 1));
            let attempt = scene.events.iter().position(is_attempt).unwrap();
            let outcome = scene.events.iter().position(|e| is_outcome(e, STEP)).unwrap();
            assert!(scene.events[..attempt].iter().any(is_images), "the images stand before the attempt");
            for kept in 1..scene.events.len() {
                // After the attempt both may be: it was carried out, or it never arrived.
                let states: &[&str] = match kept {
                    _ if kept <= attempt => &["basic"],
                    _ if kept <= outcome => &["basic", "gold"],
                    _ => &["gold"],
                };
                for state in states {
                    scene.be(id, state).await;
                    scene.keep(&scene.events[..kept]).await;
                    let before = scene.patches();
                    let carried = scene.resume().await.unwrap_or_else(|f| panic!("{kept}: {}", said(&f)));
                    let place = format!("{kept} of {}, {state}, person {id}", scene.events.len());
                    assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{place}: {:?}", carried.state.closed);
                    assert_eq!(scene.plan(id), "gold", "{place}");
                    assert_eq!(scene.patches() - before, usize::from(*state == "basic"), "{place}");
                }
            }
            scene.close().await;
        }
    });
}

#[test]
fn a_thing_that_is_neither_as_it_was_nor_as_wanted_is_in_doubt() {
    block_on(async {
        for id in [1, 20] {
            let mut scene = scene().await;
            scene.applied(&text(id)).await;
            scene.died_before(|e| is_outcome(e, STEP)).await;
            scene.be(id, "other").await;
            let told = scene.stays_in_doubt(STEP).await;
            assert!(told.contains("plan is other and not gold") && told.contains("somebody else"), "{told}");
            assert_eq!((scene.patches(), scene.plan(id).as_str()), (1, "other"));
            scene.close().await;
        }
    });
}

#[test]
fn what_was_found_out_is_told() {
    block_on(async {
        let mut scene = scene().await;
        scene.applied(&text(1)).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        let told = scene.found_out(STEP).await;
        assert_eq!(told, "Its answer was lost; reading it again shows that it was done.");
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.be(1, "basic").await;
        scene.ticks.lock().unwrap().clear();
        scene.found_out(STEP).await;
        let ticks = scene.ticks();
        assert!(ticks.iter().any(|t| t.contains("reading it again shows that it was not done")), "{ticks:?}");
        assert!(ticks.iter().any(|t| t.contains("still be at work")), "a late one is waited for: {ticks:?}");
        scene.close().await;
    });
}

#[test]
fn a_version_that_comes_with_an_answer_does_not_say_that_nothing_need_be_waited_for() {
    block_on(async {
        let mut scene = scene().await;
        scene.applied(&text(20)).await;
        let sent = scene.crm.log().into_iter().find(|l| l.method == "PATCH").unwrap();
        assert_eq!(sent.header("if-match"), Some("\"v-basic\""));
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.be(20, "basic").await;
        scene.ticks.lock().unwrap().clear();
        scene.found_out(STEP).await;
        assert!(scene.ticks().iter().any(|t| t.contains("still be at work")), "{:?}", scene.ticks());
        scene.close().await;
    });
}

impl Scene {
    /// Takes a run back; gives the run that does it, and how it went.
    async fn taken_back(&self, run: RunId) -> (RunId, Carried) {
        let here = &self.shop.here;
        let opened = ops::project::open(here, None).unwrap();
        let record = self.record().await;
        let wish = ops::undo::Wish { actor: Some("ben".into()), ..ops::undo::Wish::default() };
        let stop = AtomicBool::new(false);
        let went = async {
            let ready = ops::undo::prepare(here, &record, &opened, run, &wish).await?;
            let plan = ops::undo::plan(&ready, &|_| {}).await?;
            let carried = ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &stop).await?;
            Ok::<_, Failure>((ready.prepared.setting.run.id, carried))
        };
        let went = went.await.unwrap_or_else(|f| panic!("{}", said(&f)));
        record.journal.close().await.unwrap();
        went
    }
}

#[test]
fn an_undo_writes_the_old_value_and_an_undo_of_it_the_new_one() {
    block_on(async {
        let mut scene = scene().await;
        scene.applied(&text(1)).await;
        let (undo, carried) = scene.taken_back(scene.run).await;
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!((scene.plan(1).as_str(), scene.patches()), ("basic", 2));
        let (_, carried) = scene.taken_back(undo).await;
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!((scene.plan(1).as_str(), scene.patches()), ("gold", 3));
        scene.close().await;
    });
}

#[test]
fn what_somebody_changed_since_is_left_alone_and_shown_in_three_versions() {
    block_on(async {
        let mut scene = scene().await;
        scene.applied(&text(1)).await;
        scene.be(1, "other").await;
        let (_, carried) = scene.taken_back(scene.run).await;
        assert_eq!(carried.state.end(), End::Drifted, "{:?}", carried.state.closed);
        assert_eq!((scene.plan(1).as_str(), scene.patches()), ("other", 1), "nothing is sent");
        let left: Vec<_> = carried.state.items["-"].steps.values().flat_map(|step| step.left_alone()).collect();
        let versions = &left[0].columns[0];
        let bare = |value: &Option<Value>| value.as_ref().unwrap().bare().into_owned();
        assert_eq!(
            (
                left[0].subject().as_str(),
                &*versions.column,
                bare(&versions.before),
                bare(&versions.ours),
                bare(&versions.now)
            ),
            ("crm.person id 1", "plan", "basic".to_owned(), "gold".to_owned(), "other".to_owned())
        );
        // Somebody took it back by hand: nothing is left to do.
        scene.be(1, "basic").await;
        let (_, carried) = scene.taken_back(scene.run).await;
        assert_eq!(carried.state.end(), End::Unchanged, "{:?}", carried.state.closed);
        assert_eq!(scene.patches(), 1);
        scene.close().await;
    });
}

/// People that can be made and removed; the service fills in fields by itself, and counts in one of them.
const MADE: &str = "trueup: v1\nmock: crm\ncollections:\n  people:\n    key: id\n    rows: []\nroutes:\n- get: /people/{id}\n  of: people\n  missing: { status: 404 }\n  answer: { json: \"{{ row }}\" }\n- put: /people/{id}\n  of: people\n  insert: { id: \"{{ path.id }}\", plan: \"{{ body.plan }}\", tier: standard, seen: 1 }\n  answer: { status: 201, json: \"{{ row }}\" }\n- delete: /people/{id}\n  of: people\n  missing: { status: 404 }\n  remove: true\n  answer: { status: 204 }\n- post: /be/{id}/{plan}\n  of: people\n  set: { plan: \"{{ path.plan }}\" }\n- post: /also/{id}/{field}/{value}\n  of: people\n  insert: \"{{ ((row | to_list('k', 'v')) + ({ path.field: path.value } | to_list('k', 'v'))) | to_map('k', 'v') }}\"\n";

/// What was made would be removed whole: so what the service filled in counts, and what somebody added since. What the service counts by itself does not.
#[test]
fn what_was_made_is_removed_only_if_all_of_it_is_as_it_was_made() {
    block_on(async {
        let make = text(7).replace("state: { plan: gold } }", "state: { plan: gold }, create: {} }");
        for (then, stays) in [
            ("", None),
            ("seen/9", None),
            ("note/mine", Some(("note", "mine"))),
            ("tier/special", Some(("tier", "special"))),
        ] {
            let mut scene = Scene::open(&On::Sqlite, MADE, |text| text).await;
            scene.applied(&make).await;
            if let Some((field, value)) = then.split_once('/') {
                scene.somebody(&format!("/also/7/{field}/{value}")).await;
            }
            let (_, carried) = scene.taken_back(scene.run).await;
            let people = scene.crm.rows("people");
            let Some((field, value)) = stays else {
                assert_eq!(
                    (carried.state.end(), people.len()),
                    (End::Changed, 0),
                    "{then}: {:?}",
                    carried.state.closed
                );
                scene.close().await;
                continue;
            };
            assert_eq!((carried.state.end(), people.len()), (End::Drifted, 1), "{then}: {:?}", carried.state.closed);
            let left: Vec<_> = carried.state.items["-"].steps.values().flat_map(|step| step.left_alone()).collect();
            let columns: Vec<&str> = left[0].columns.iter().map(|one| &*one.column).collect();
            assert_eq!(columns, [field], "{then}");
            assert_eq!(left[0].columns[0].now.as_ref().unwrap().bare(), value);
            assert!(left[0].why.contains("`ignore:`"), "{}", left[0].why);
            assert!(!scene.sent().iter().any(|call| call.starts_with("DELETE")), "{:?}", scene.sent());
            scene.close().await;
        }
    });
}

#[test]
fn a_personal_field_stands_in_no_file_in_clear_and_is_put_back_all_the_same() {
    block_on(async {
        let mut scene = scene().await;
        scene.applied(&text(1).replace("plan: gold", "phone: \"{{ '0700-' ~ 'NEW' }}\"")).await;
        let phone = |scene: &Scene| scene.crm.rows("people")[0].get("phone").unwrap().bare().into_owned();
        assert_eq!(phone(&scene), "0700-NEW");
        let journal = scene.shop.opened.journal();
        let folder = journal.parent().unwrap();
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            let bytes = std::fs::read(&file).unwrap();
            read += bytes.len();
            let holds = |canary: &[u8]| bytes.windows(canary.len()).any(|window| window == canary);
            assert!(!holds(b"0700-NEW") && !holds(b"0700-OLD"), "{}", file.display());
        }
        assert!(read > 10_000, "the journal was read: {read} bytes");
        assert!(!scene.ticks().iter().any(|tick| tick.contains("0700-")), "{:?}", scene.ticks());
        let (_, carried) = scene.taken_back(scene.run).await;
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!(phone(&scene), "0700-OLD");
        scene.close().await;
    });
}

/// Things of which the service counts the versions, and refuses what was not meant for the one that is there; somebody else can write them.
const COUNTED: &str = "trueup: v1\nmock: crm\ncollections:\n  people:\n    key: id\n    rows:\n    - { id: \"1\", plan: basic, v: 1 }\nroutes:\n- get: /people/{id}\n  of: people\n  answer: { headers: { ETag: '\"{{ row.v }}\"' }, json: { id: \"{{ row.id }}\", plan: \"{{ row.plan }}\" } }\n- patch: /people/{id}\n  of: people\n  when: headers['if-match'] != '\"' ~ (row.v | string) ~ '\"'\n  answer: { status: 412 }\n- patch: /people/{id}\n  of: people\n  set: { plan: \"{{ body.plan }}\", v: \"{{ row.v + 1 }}\" }\n  answer: { status: 204 }\n- post: /be/{id}/{plan}\n  of: people\n  set: { plan: \"{{ path.plan }}\", v: \"{{ row.v + 1 }}\" }\n- post: /never/{id}/{plan}\n  of: people\n  set: { plan: \"{{ path.plan }}\", v: 1 }\n";

impl Scene {
    /// The versions that the changes were held to, in order.
    fn held_to(&self) -> Vec<String> {
        let log = self.crm.log();
        let patches = log.iter().filter(|l| l.method == "PATCH");
        patches.map(|l| l.header("if-match").unwrap_or("none").to_owned()).collect()
    }
}

#[test]
fn what_is_as_before_under_another_version_is_not_written_again() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, COUNTED, |text| text).await;
        scene.applied(&text(1)).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.be(1, "basic").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(
            told.contains("as before, but under another version than the one that was sent: somebody may have taken"),
            "{told}"
        );
        assert_eq!((scene.held_to(), scene.plan(1).as_str()), (vec!["\"1\"".to_owned()], "basic"));
        // A person who knows better decides, and then it is held to what is there.
        let carried =
            scene.resolve(Decision::NotDone, Some("looked"), false).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.unwrap().stopped, Stopped::Closed(End::Changed));
        assert_eq!((scene.held_to(), scene.plan(1).as_str()), (vec!["\"1\"".to_owned(), "\"3\"".to_owned()], "gold"));
        scene.close().await;
    });
}

#[test]
fn what_has_the_version_that_was_sent_is_written_once_more_under_it() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, COUNTED, |text| text).await;
        scene.applied(&text(1)).await;
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.post("never", 1, "basic").await;
        scene.ticks.lock().unwrap().clear();
        let told = scene.found_out(STEP).await;
        assert!(told.contains("reading it again shows that it was not done"), "{told}");
        assert!(scene.ticks().iter().any(|t| t.contains("still be at work")), "{:?}", scene.ticks());
        assert_eq!((scene.held_to(), scene.plan(1).as_str()), (vec!["\"1\"".to_owned(); 2], "gold"));
        // This process died as well, before it sent anything; the lost request arrived, and somebody took it back.
        let record = scene.record().await;
        let events: Vec<Event> =
            record.journal.events(scene.run).await.unwrap().into_iter().map(|stored| stored.event).collect();
        record.journal.close().await.unwrap();
        let again = events.iter().rposition(|e| matches!(e, Event::StepIntent(_))).unwrap();
        scene.keep(&events[..again]).await;
        scene.post("never", 1, "basic").await;
        scene.be(1, "gold").await;
        scene.be(1, "basic").await;
        let told = scene.stays_in_doubt(STEP).await;
        assert!(told.contains("under another version than the one that was sent"), "{told}");
        assert_eq!((scene.patches(), scene.plan(1).as_str()), (2, "basic"));
        scene.close().await;
    });
}

#[test]
fn a_journal_without_the_version_is_found_out_as_where_there_is_none() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, COUNTED, |text| text).await;
        scene.applied(&text(1)).await;
        for event in &mut scene.events {
            if let Event::StepIntent(intent) = event {
                intent.intents.iter_mut().for_each(|one| one.request = None);
            }
        }
        scene.died_before(|e| is_outcome(e, STEP)).await;
        scene.be(1, "basic").await;
        scene.ticks.lock().unwrap().clear();
        scene.found_out(STEP).await;
        assert!(scene.ticks().iter().any(|t| t.contains("still be at work")), "{:?}", scene.ticks());
        assert_eq!(scene.held_to(), ["\"1\"", "\"3\""]);
        scene.close().await;
    });
}

/// The same, where reads show the old state for a while, and the first change has no answer.
fn lagging(reads: usize) -> String {
    let old = "{ headers: { ETag: '\"1\"' }, json: { id: \"1\", plan: basic } }";
    let new = "{ headers: { ETag: '\"{{ row.v }}\"' }, json: { id: \"{{ row.id }}\", plan: \"{{ row.plan }}\" } }";
    let answers = [vec![old; reads], vec![new]].concat().join(", ");
    let now = format!("  answer: {new}\n- patch");
    assert!(COUNTED.contains(&now));
    let text = COUNTED.replacen(&now, &format!("  answers: [{answers}]\n- patch"), 1);
    format!("{text}troubles:\n- patch: /people/{{id}}\n  times: 1\n  answer: {{ fault: drop_reply }}\n")
}

#[test]
fn a_412_to_the_second_one_is_waited_for_until_the_first_one_shows() {
    block_on(async {
        // Plan, apply, four looks after the loss, one before the second sending, and two behind its 412.
        let mut scene = Scene::open(&On::Sqlite, &lagging(9), |text| text).await;
        let carried = scene.apply(&text(1)).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state);
        let (sent, ticks) = (scene.held_to(), scene.ticks());
        assert_eq!((sent, scene.plan(1).as_str()), (vec!["\"1\"".to_owned(); 2], "gold"), "{ticks:?}");
        assert!(ticks.iter().any(|t| t.contains("412 says that it was changed")), "{ticks:?}");
        assert!(ticks.iter().any(|t| t.contains("reading it again shows that it was done")), "{ticks:?}");
        scene.close().await;
        // It never shows: nobody sends it a third time, and what is said is what was seen.
        let mut scene = Scene::open(&On::Sqlite, &lagging(100), |text| text).await;
        let carried = scene.apply(&text(1)).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let told = in_doubt(&carried, STEP);
        assert!(told.contains("answered 412") && told.contains("sent again under the version"), "{told}");
        assert!(told.contains("perhaps by the request whose answer was lost"), "{told}");
        assert_eq!(scene.held_to().len(), 2);
        scene.close().await;
    });
}

#[test]
fn an_undo_does_not_write_again_what_somebody_wrote_since() {
    block_on(async {
        let mut scene = Scene::open(&On::Sqlite, COUNTED, |text| text).await;
        scene.applied(&text(1)).await;
        let (undo, carried) = scene.taken_back(scene.run).await;
        assert_eq!(carried.state.end(), End::Changed, "{:?}", carried.state.closed);
        assert_eq!(scene.held_to(), ["\"1\"", "\"2\""]);
        let record = scene.record().await;
        let events: Vec<Event> =
            record.journal.events(undo).await.unwrap().into_iter().map(|stored| stored.event).collect();
        record.journal.close().await.unwrap();
        let kept = events.iter().position(|e| matches!(e, Event::StepOutcome(_))).unwrap();
        scene.keep(&scene.events).await;
        let record = scene.record().await;
        record.journal.append(undo, &events[..kept]).await.unwrap();
        record.journal.close().await.unwrap();
        scene.run = undo;
        scene.be(1, "gold").await;
        let carried = scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
        let Stopped::InDoubt(path) = &carried.stopped else { panic!("{:?}", carried.stopped) };
        let told = in_doubt(&carried, path);
        assert!(told.contains("under another version than the one that was sent"), "{told}");
        assert_eq!((scene.patches(), scene.plan(1).as_str()), (2, "gold"));
        scene.close().await;
    });
}
