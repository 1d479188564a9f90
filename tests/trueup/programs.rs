//! Programs that are really started by the real binary: at the system that the plan was made for, and never twice.

use crate::{hidden::Desk, proof::process::Came, servers::block_on};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A tool whose system is the file that `SYSTEM` names; `TOKEN` only says who asks.
const TOOL: &str = r#"#!/bin/sh
case "$1" in
  look) grep -c "^$2\$" "$SYSTEM" 2>/dev/null || true ;;
  do) echo "$2" >>"$SYSTEM"; test "$2" != lost || kill -9 $$ ;;
  back) echo "back $2" >>"$SYSTEM" ;;
esac
"#;

const STEP: &str = "params: { what: { type: string } }\nuses: { tool: { commands: [look, do, back] } }\nsteps:\n- id: s\n  \
    command: { program: tool, change: [do, \"{{ params.what }}\"] }\n  undo: { command: { program: tool, change: [back, \"{{ params.what }}\"] } }\n";

/// A desk with this program beside the project, and what its connection says besides.
pub(super) fn desk(tool: &str, settings: &str, playbook: &str) -> Desk {
    let project = format!(
        "connections:\n  tool:\n    command: {{ program: PROGRAM, looks: [[look]], changes: [[do], [back]]{settings} }}\n"
    );
    let desk = Desk::new(&project, &[], &[("work", playbook)]);
    let path = desk.folder.path().join("tool");
    fs::write(&path, tool).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let file = desk.folder.path().join("trueup.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("PROGRAM", &path.display().to_string());
    fs::write(file, text).unwrap();
    desk
}

/// Its system and its token come from outside.
const OUTSIDE: &str = ", variables: { SYSTEM: { secret: SYSTEM }, TOKEN: { secret: TOKEN } }";

struct Two {
    desk: Desk,
    right: PathBuf,
    wrong: PathBuf,
}

impl Two {
    fn new(settings: &str) -> Two {
        let desk = desk(TOOL, &format!("{OUTSIDE}{settings}"), STEP);
        let (right, wrong) = (desk.folder.path().join("staging"), desk.folder.path().join("production"));
        Two { desk, right, wrong }
    }

    async fn at(&mut self, system: &Path, token: &str, words: &[&str]) -> Came {
        let variables = [("SYSTEM", system.display().to_string()), ("TOKEN", token.to_owned())];
        self.desk.tried_with(&variables, words).await
    }

    async fn right(&mut self, words: &[&str]) -> Came {
        self.at(&self.right.clone(), "token-one", words).await
    }

    async fn wrong(&mut self, words: &[&str]) -> Came {
        self.at(&self.wrong.clone(), "token-one", words).await
    }

    /// What was done at either.
    fn done(&self) -> (String, String) {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default().replace('\n', " ");
        (read(&self.right), read(&self.wrong))
    }

    async fn newest(&mut self) -> String {
        newest(&mut self.desk).await
    }
}

pub(super) async fn newest(desk: &mut Desk) -> String {
    let runs: serde_json::Value = serde_json::from_str(&desk.run(&["runs", "--json"], 0).await.out).unwrap();
    runs["runs"][0]["short"].as_str().unwrap().to_owned()
}

fn refused(came: &Came, then: &str, variable: &str) {
    let said = came.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(came.exit, Some(2), "{}", came.said());
    assert!(said.contains(&format!("`tool` leads to another system than {then}")), "{said}");
    let what = format!("its variable `{variable}`, from the environment variable `{variable}`, is not what it was");
    assert!(said.contains(&what), "{said}");
}

fn pair(right: &str, wrong: &str) -> (String, String) {
    (right.to_owned(), wrong.to_owned())
}

#[test]
fn a_plan_of_a_program_is_carried_out_at_the_system_that_it_was_made_for() {
    block_on(async {
        let mut two = Two::new(", credentials: [TOKEN]");
        let came = two.right(&["plan", "work", "what=one", "--out", "a.plan", "--reason", "a test"]).await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        refused(&two.wrong(&["apply", "a.plan", "--yes"]).await, "when the plan was made", "SYSTEM");
        assert_eq!(two.done(), pair("", ""));
        // Another token at the same system is as good.
        let came = two.at(&two.right.clone(), "token-two", &["apply", "a.plan", "--yes"]).await;
        assert_eq!((came.exit, two.done()), (Some(0), pair("one ", "")), "{}", came.said());
        let plan = fs::read_to_string(two.desk.folder.path().join("a.plan")).unwrap();
        assert!(plan.contains("[\"tool\",\"program ") && !plan.contains("token-one"), "{plan}");
    });
}

#[test]
fn what_a_program_left_in_doubt_is_found_out_and_taken_back_at_its_own_system() {
    block_on(async {
        let mut two = Two::new("");
        let came = two.right(&["apply", "work", "what=lost", "--yes", "--reason", "a test"]).await;
        assert_eq!((came.exit, two.done()), (Some(6), pair("lost ", "")), "{}", came.said());
        let run = two.newest().await;
        let then = format!("run {run} was made for");
        refused(&two.wrong(&["resume", &run]).await, &then, "SYSTEM");
        refused(&two.wrong(&["resolve", &run, "--not-done", "--reason", "a test"]).await, &then, "SYSTEM");
        // Whoever does not say that it is a credential has said that it counts.
        let right = two.right.clone();
        refused(&two.at(&right, "token-two", &["resume", &run]).await, &then, "TOKEN");
        let came = two.right(&["resolve", &run, "--done", "--reason", "it stands there"]).await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        let came = two.right(&["apply", "work", "what=two", "--yes", "--reason", "a test"]).await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        let run = two.newest().await;
        let then = format!("run {run} was made for");
        let undo = ["undo", &run, "--yes", "--reason", "a test"];
        refused(&two.wrong(&undo).await, &then, "SYSTEM");
        refused(&two.at(&right, "token-two", &undo).await, &then, "TOKEN");
        assert_eq!(two.done(), pair("lost two ", ""));
        // The old token is gone for good: the project file may still say that it is one.
        let file = two.desk.folder.path().join("trueup.yaml");
        let text = fs::read_to_string(&file).unwrap().replace("variables:", "credentials: [TOKEN], variables:");
        fs::write(file, text).unwrap();
        refused(&two.wrong(&undo).await, &then, "SYSTEM");
        let came = two.at(&right, "token-two", &undo).await;
        assert_eq!((came.exit, two.done()), (Some(0), pair("lost two back two ", "")), "{}", came.said());
    });
}

#[test]
fn a_program_that_path_finds_elsewhere_is_another_one() {
    block_on(async {
        let mut desk = desk(TOOL, ", variables: { SYSTEM: here }", STEP);
        let root = desk.folder.path().to_owned();
        let file = root.join("trueup.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&root.join("tool").display().to_string(), "tool")).unwrap();
        fs::create_dir(root.join("other")).unwrap();
        fs::copy(root.join("tool"), root.join("other/tool")).unwrap();
        let path = |folder: &Path| [("PATH", format!("{}:/usr/bin:/bin", folder.display()))];
        let plan = ["plan", "work", "what=one", "--out", "a.plan", "--reason", "a test"];
        let came = desk.tried_with(&path(&root), &plan).await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        let came = desk.tried_with(&path(&root.join("other")), &["apply", "a.plan", "--yes"]).await;
        assert!(came.exit == Some(2) && came.err.contains("was found in another place then"), "{}", came.said());
        assert!(!root.join("here").exists());
        let came = desk.tried_with(&path(&root), &["apply", "a.plan", "--yes"]).await;
        assert_eq!((came.exit, root.join("here").exists()), (Some(0), true), "{}", came.said());
    });
}

#[test]
fn what_a_program_printed_is_told_and_no_transaction_is_advised_for_it() {
    block_on(async {
        let tool = "#!/bin/sh\necho 'hello {'\n";
        let steps = "uses: { tool: { commands: [do] } }\nsteps:\n- id: s\n  command: { program: tool, change: [do], output: json }\n  irreversible: a test\n\
             - id: t\n  command: { program: tool, change: [do] }\n  irreversible: a test\n";
        let mut desk = desk(tool, "", steps);
        let came = desk.run(&["check"], 0).await;
        assert!(!came.said().contains("W0004"), "{}", came.said());
        let came = desk.run(&["apply", "work", "--yes", "--reason", "a test"], 0).await;
        assert!(came.said().contains("exit code 0, output that is no JSON"), "{}", came.said());
    });
}
