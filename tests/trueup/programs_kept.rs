//! Who keeps a program: it is ended when its time is over, with all that it started, also where trueup was killed beside it; and while
//! something of it may still be at work, that nothing is there yet proves nothing.

use crate::{
    hidden::Desk,
    programs::{desk, newest},
    proof::process::{Came, program, wait},
    servers::block_on,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, path::PathBuf, process::Command, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

/// What is done stands in `done`, who was started in `started`, and who shall be looked for in `child`. `gate` is a pipe: whoever reads it
/// waits for the test.
const TOOL: &str = r#"#!/bin/sh
here=${0%/*}; cd "$here"
wrote() { echo x >>done; }
case "$1" in
  look) cat done 2>/dev/null | wc -l ;;
  do)
    first=; test -e started || first=yes
    echo "$TRUEUP_CALL" >>calls; echo $$ >>started
    case "$2$first" in
      gateyes) read x <gate; wrote ;;
      longyes) sleep 600; wrote ;;
      childyes) setsid sh -c 'trap "" TERM; echo $$ >child; while ! test -e never; do sleep 0.05; done; echo x >>done' & sleep 600 ;;
      serviceyes) setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! >child; wrote ;;
      *) wrote ;;
    esac ;;
esac
"#;

const PROBE: &str = "  probe: { read: { command: { program: tool, look: [look] } }, done: self.output != '0', not_done: self.output == '0', settle: 1s }\n";

struct Scene {
    desk: Desk,
}

impl Scene {
    /// With one step, which does `what`, and another one behind it that does nothing outside.
    fn new(what: &str, timeout: &str, probe: &str) -> Scene {
        let playbook = format!(
            "uses: {{ tool: {{ commands: [look, do] }} }}\nsteps:\n- id: s\n  command: {{ program: tool, change: [do, {what}] }}\n  irreversible: a test\n{probe}\
             - id: then\n  command: {{ program: tool, change: [do, then] }}\n  irreversible: a test\n"
        );
        let desk = desk(TOOL, &format!(", timeout: {timeout}"), &playbook);
        assert!(Command::new("mkfifo").arg(desk.folder.path().join("gate")).status().unwrap().success());
        Scene { desk }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.desk.folder.path().join(name)
    }

    fn lines(&self, name: &str) -> usize {
        fs::read_to_string(self.file(name)).unwrap_or_default().lines().count()
    }

    /// The number of a process that stands in this file, once it does.
    async fn pid(&self, name: &str) -> u32 {
        let read = || fs::read_to_string(self.file(name)).ok()?.lines().next()?.parse().ok();
        until("a process has begun", || read().is_some()).await;
        read().unwrap()
    }

    fn apply(&self, before: &[&str]) -> Child {
        let variables =
            [("PATH", "/usr/bin:/bin"), ("TRUEUP_ACTOR", "anna")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let words = ["apply", "work", "--yes", "--reason", "a test"];
        let Some(first) = before.first() else {
            return program(self.desk.folder.path(), &variables, &words).spawn().unwrap();
        };
        let mut command = tokio::process::Command::new(first);
        command.args(&before[1..]).arg(env!("CARGO_BIN_EXE_trueup")).args(words);
        command.current_dir(self.desk.folder.path()).env_clear().envs(variables).kill_on_drop(true);
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    }

    /// Whoever waits at the gate goes on.
    fn open_gate(&self) {
        fs::write(self.file("gate"), "x\n").unwrap();
    }

    async fn resume(&mut self) -> Came {
        let run = newest(&mut self.desk).await;
        self.desk.tried(&["resume", &run]).await
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within its time: {what}");
}

fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

fn parent(pid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    text.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

fn one_line(came: &Came) -> String {
    format!("{} {}", came.out, came.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_program_beside_which_trueup_is_killed_is_ended_and_then_done_once() {
    block_on(async {
        let mut scene = Scene::new("long", "5m", PROBE);
        let child = scene.apply(&[]);
        let tool = scene.pid("started").await;
        send(child.id().unwrap(), Signal::KILL);
        wait(child).await.unwrap();
        until("the program is ended, though nobody else is left to do it", || !runs(tool)).await;
        let came = scene.resume().await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        // Once of the step, and once of the one behind it.
        assert_eq!((scene.lines("started"), scene.lines("done")), (3, 2), "{}", came.said());
        let calls = fs::read_to_string(scene.file("calls")).unwrap();
        let calls: Vec<&str> = calls.lines().collect();
        assert!(calls[0].len() > 16 && calls[0] == calls[1] && calls[1] != calls[2], "{calls:?}");
    });
}

#[test]
fn while_something_of_a_program_runs_its_probe_is_not_believed_that_it_was_not_done() {
    block_on(async {
        let mut scene = Scene::new("gate", "2s", PROBE);
        let child = scene.apply(&[]);
        let tool = scene.pid("started").await;
        // Whoever would end it is killed as well.
        send(child.id().unwrap(), Signal::STOP);
        send(parent(tool), Signal::KILL);
        send(child.id().unwrap(), Signal::KILL);
        wait(child).await.unwrap();
        let came = scene.resume().await;
        assert_eq!((came.exit, scene.lines("started")), (Some(6), 1), "{}", came.said());
        let still = format!("something that `tool` started still runs: process {tool} (`tool`)");
        assert!(
            one_line(&came).contains(&format!("Its probe says that it was not done, but {still}")),
            "{}",
            came.said()
        );
        scene.open_gate();
        until("it has ended", || !runs(tool)).await;
        let came = scene.resume().await;
        assert_eq!((came.exit, scene.lines("started"), scene.lines("done")), (Some(0), 2, 2), "{}", came.said());
    });
}

#[test]
fn what_a_program_started_in_a_session_of_its_own_is_ended_with_it() {
    block_on(async {
        let scene = Scene::new("child", "2s", PROBE);
        let child = scene.apply(&[]);
        let started = scene.pid("child").await;
        let came = wait(child).await.unwrap();
        assert!(!runs(started), "{}", came.said());
        // It was ended before it wrote, so it is started once more, and that one writes.
        assert_eq!((came.exit, scene.lines("started"), scene.lines("done")), (Some(0), 3, 2), "{}", came.said());
    });
}

#[test]
fn what_a_program_leaves_behind_when_it_ends_by_itself_is_left_alone() {
    block_on(async {
        let scene = Scene::new("service", "30s", "");
        let came = wait(scene.apply(&[])).await.unwrap();
        let service = scene.pid("child").await;
        let (was_there, _) = (runs(service), send(service, Signal::KILL));
        assert_eq!((came.exit, was_there, scene.lines("done")), (Some(0), true, 2), "{}", came.said());
    });
}

#[test]
fn a_terminal_that_is_closed_pauses_behind_the_step_and_nohup_goes_on() {
    block_on(async {
        let mut scene = Scene::new("gate", "30s", "");
        let mut child = scene.apply(&[]);
        scene.pid("started").await;
        send(child.id().unwrap(), Signal::HUP);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended at once"));
            if line.starts_with("Pausing after this step; send SIGHUP again") {
                break;
            }
        }
        scene.open_gate();
        let status = child.wait().await.unwrap();
        assert_eq!((status.code(), scene.lines("started"), scene.lines("done")), (Some(4), 1, 1));
        let came = scene.resume().await;
        assert_eq!((came.exit, scene.lines("started"), scene.lines("done")), (Some(0), 2, 2), "{}", came.said());

        let scene = Scene::new("gate", "30s", "");
        let child = scene.apply(&["nohup"]);
        scene.pid("started").await;
        send(child.id().unwrap(), Signal::HUP);
        scene.open_gate();
        let came = wait(child).await.unwrap();
        assert_eq!((came.exit, scene.lines("done")), (Some(0), 2), "{}", came.said());
    });
}
