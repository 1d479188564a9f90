//! Programs: previewed by themselves, started once, and found out about when trueup died beside them. The program is real and
//! counts what it did.

use super::*;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

const STEP: &str = "steps/flag";

/// A program with a state: `get`, `set VALUE [--dry-run]`. What it is asked to do stands in a log beside it; `mode` makes it fail.
const TOOL: &str = r#"#!/bin/sh
here=${0%/*}; mode=$(cat "$here/mode" 2>/dev/null)
case "$1" in
  get) echo "{\"value\": \"$(cat "$here/value" 2>/dev/null)\", \"key\": \"$KEY\"}" ;;
  set)
    if [ "$mode" = refuse ]; then echo "no such flag" >&2; exit 3; fi
    if [ "$3" = --dry-run ]; then echo "would set $2"; exit 0; fi
    echo "set $2" >>"$here/log"; printf %s "$2" >"$here/value"
    if [ "$mode" = break ]; then echo "broken pipe" >&2; exit 9; fi
    if [ "$mode" = die ]; then kill -9 $$; fi
    echo '{"set": "'"$2"'"}' ;;
esac
"#;

struct Tool {
    scene: Scene,
    folder: tempfile::TempDir,
}

impl Tool {
    async fn open() -> Tool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        fs::write(&path, TOOL).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let settings = format!(
            "\"connections\":{{\"tool\":{{\"command\":{{\"program\":\"{}\",\"looks\":[[\"get\"]],\"changes\":[[\"set\"]],\"unchanged\":[3],\"variables\":{{\"KEY\":\"here\"}}}}}},",
            path.display()
        );
        let scene = Scene::open(&On::Sqlite, QUIET, |text| {
            let changed = text.replacen("\"connections\":{", &settings, 1);
            assert_ne!(text, changed, "{text}");
            changed
        });
        Tool { scene: scene.await, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn mode(&self, mode: &str) {
        fs::write(self.file("mode"), mode).unwrap();
    }
}

/// One change of the flag, with `more` keys of the step, and a step that needs its answer.
fn flag(more: &str) -> String {
    format!(
        "trueup: v1\nname: lost/flag\nversion: 1\ntitle: One flag\nuses:\n  shop: {{ read: [things], write: [things, audits] }}\n  tool: {{ commands: [get, set] }}\n\
         preconditions:\n- id: thing\n  find: {{ table: shop.things, where: {{ id: 1 }}, expect: one }}\n- id: before\n  command: {{ program: tool, look: [get], output: json }}\n\
         steps:\n- id: flag\n  command: {{ program: tool, change: [set, \"{{{{ thing.name }}}}\"], preview: [set, \"{{{{ thing.name }}}}\", --dry-run], output: json }}\n  undo: {{ command: {{ program: tool, change: [set, \"{{{{ before.output.value }}}}x\"] }} }}\n{more}\
         - id: noted\n  row: {{ of: thing, set: {{ note: \"{{{{ flag.output.set }}}}\" }} }}\n\
         verification:\n- id: after\n  command: {{ program: tool, look: [get], output: json }}\n  is: after.output.value == thing.name and after.output.key == 'here'\n"
    )
}

const PROBE: &str = "  probe: { read: { command: { program: tool, look: [get], output: json } }, done: self.output.value == thing.name, not_done: self.output.value != thing.name }\n";

#[test]
fn a_dry_run_shows_what_the_program_says_itself_and_starts_nothing_that_changes() {
    block_on(async {
        let mut tool = Tool::open().await;
        let loaded = tool.scene.shop.playbook(&flag(PROBE));
        let here = tool.scene.shop.here.clone();
        let prepared = ops::plan::setting(&here, &tool.scene.shop.opened, loaded, &request(&[])).await.unwrap();
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
        let step = plan.items[0].steps.iter().find(|s| &*s.path == STEP).unwrap();
        assert!(step.notes.iter().any(|note| note.trim() == "would set lamp"), "{:?}", step.notes);
        assert!(format!("{:?}", step.effects).contains("tool set lamp"), "{:?}", step.effects);
        assert_eq!((tool.read("log"), tool.read("value")), (String::new(), String::new()));
        tool.scene.applied(&flag(PROBE)).await;
        assert_eq!((tool.read("log"), tool.scene.cell("things", "note").await), ("set lamp\n".into(), "lamp".into()));
        // A program that refuses in the dry-run ends it there.
        tool.mode("refuse");
        let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await.unwrap();
        let stop = plan.items[0].stop.as_ref().unwrap();
        assert!(stop.message.contains("exit code 3") && stop.message.contains("no such flag"), "{}", stop.message);
        tool.scene.close().await;
    });
}

#[test]
fn a_start_that_nobody_saw_the_end_of_is_found_out_and_never_repeated_on_a_guess() {
    block_on(async {
        for (more, found) in [
            (PROBE, Some("Its answer was lost; its probe says that it was done.")),
            ("", None),
            ("  repeatable: The same value twice is the same.\n", Some("")),
        ] {
            let mut tool = Tool::open().await;
            tool.scene.applied(&flag(more)).await;
            tool.scene.shop.sql("update things set note = null where id = 1; delete from audits").await;
            tool.scene.died_before(|e| is_outcome(e, STEP)).await;
            match found {
                Some("") => {
                    tool.scene.found_out(STEP).await;
                    assert_eq!(tool.read("log"), "set lamp\nset lamp\n", "the same arguments again");
                }
                Some(expected) => {
                    // The probe tells that it happened, and not what it printed.
                    let carried = tool.scene.resume().await.unwrap_or_else(|f| panic!("{}", said(&f)));
                    assert_eq!(super::found(&carried, STEP), expected);
                    assert_eq!(tool.read("log"), "set lamp\n");
                }
                None => {
                    let why = tool.scene.stays_in_doubt(STEP).await;
                    assert!(why.contains("person has to look into `tool` and decide"), "{why}");
                    assert_eq!(tool.read("log"), "set lamp\n");
                }
            }
            tool.scene.close().await;
        }
    });
}

#[test]
fn exit_codes_prove_what_the_project_file_says_and_nothing_more() {
    block_on(async {
        // A code of `unchanged` proves that nothing was done, a good code with a probe is asked for, another code is in doubt.
        for (mode, ends, log) in
            [("refuse", Some(End::Failed), ""), ("break", None, "set lamp\n"), ("die", None, "set lamp\n")]
        {
            let mut tool = Tool::open().await;
            let text = flag("").replace("preview: [set, \"{{ thing.name }}\", --dry-run], ", "");
            tool.mode(mode);
            let carried = tool.scene.apply(&text).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            match ends {
                Some(end) => assert_eq!(carried.stopped, Stopped::Closed(end), "{mode}"),
                None => {
                    let why = in_doubt(&carried, STEP);
                    assert!(why.contains("whether it was done is not known"), "{mode}: {why}");
                }
            }
            assert_eq!(tool.read("log"), log, "{mode}");
            // With a probe the same is found out at once: the flag is set. In a journal of its own: what is in doubt no other run does.
            if ends.is_none() {
                tool.scene.close().await;
                tool = Tool::open().await;
                tool.mode(mode);
                let probed = text
                    .replace("- id: noted\n", &format!("{PROBE}- id: noted\n"))
                    .replace("{{ flag.output.set }}", "{{ thing.name }}");
                let carried = tool.scene.apply(&probed).await.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{mode} {:?}", carried.state.closed);
                assert_eq!(tool.read("log"), "set lamp\n", "{mode}");
            }
            tool.scene.close().await;
        }
    });
}

#[test]
fn no_value_becomes_an_option_or_a_second_argument() {
    block_on(async {
        let tool = Tool::open().await;
        let here = tool.scene.shop.here.clone();
        for (name, expected) in [("--dry-run", "take it for an option"), ("a b; touch x", "")] {
            tool.scene.shop.sql(&format!("update things set name = '{name}' where id = 1")).await;
            let loaded = tool.scene.shop.playbook(&flag(PROBE));
            let prepared = ops::plan::setting(&here, &tool.scene.shop.opened, loaded, &request(&[])).await.unwrap();
            let plan = ops::plan::plan(&prepared.setting, &request(&[]), &|_| {}).await;
            match plan {
                Err(failure) => {
                    assert!(!expected.is_empty() && said(&failure).contains(expected), "{}", said(&failure))
                }
                Ok(plan) => {
                    let step = plan.items[0].steps.iter().find(|s| &*s.path == STEP).unwrap();
                    assert!(
                        expected.is_empty() && step.notes.iter().any(|n| n.trim() == format!("would set {name}")),
                        "{:?}",
                        step.notes
                    );
                }
            }
        }
        tool.scene.close().await;
    });
}

#[test]
fn an_undo_starts_the_program_with_what_was_captured_before() {
    block_on(async {
        let mut tool = Tool::open().await;
        fs::write(tool.file("value"), "old").unwrap();
        tool.scene.applied(&flag(PROBE)).await;
        assert_eq!(tool.read("value"), "lamp");
        let record = tool.scene.record().await;
        let (here, opened) = (&tool.scene.shop.here, &tool.scene.shop.opened);
        let wish = ops::undo::Wish {
            reason: Some("a mistake".into()),
            actor: Some("ben".into()),
            ..ops::undo::Wish::default()
        };
        let ready = ops::undo::prepare(here, &record, opened, tool.scene.run, &wish).await.unwrap();
        let plan = ops::undo::plan(&ready, &|_| {}).await.unwrap();
        let pause = AtomicBool::new(false);
        ops::undo::undo(here, &record, &ready, &plan, &wish, &|_| {}, &pause).await.unwrap();
        assert_eq!(tool.read("log"), "set lamp\nset oldx\n");
        record.journal.close().await.unwrap();
        tool.scene.close().await;
    });
}

#[test]
fn a_row_of_errors_tries_a_program_again_by_its_exit_code_and_says_who_is_told() {
    block_on(async {
        let mut tool = Tool::open().await;
        let rows = "errors:\n- { name: no such flag, step: flag, code: 3, message: no such flag, then: { retry: { attempts: 2, backoff: 1s..1s, exhausted: { escalate: boss, say: \"{{ error.code }}: {{ error.body }}\" } } } }\n";
        let text = format!("{}{rows}", flag(PROBE));
        let (mode, here) = (tool.file("mode"), tool.scene.shop.here.clone());
        // It refuses from the moment on at which it is really started.
        let refuses = |tick: &Tick| {
            if matches!(tick, Tick::Begins { path, .. } if &**path == STEP) {
                fs::write(&mode, "refuse").unwrap();
            }
        };
        let carried = tool.scene.apply_in(&here, &text, &refuses).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Closed(End::Escalated), "{:?}", carried.state.closed);
        let reason = carried.state.closed.as_ref().unwrap().reason.clone().unwrap();
        assert!(reason.contains("3: no such flag"), "{reason}");
        let again = tool.scene.ticks().iter().filter(|tick| tick.starts_with("steps/flag again")).count();
        assert_eq!((again, tool.read("log")), (2, String::new()));
        tool.scene.close().await;
    });
}
