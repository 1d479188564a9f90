//! Programs that are really started: what they get, what they may, and how they are ended.

use super::*;
use crate::base::{
    diagnostic::Diagnostics,
    secret::Masks,
    shape::{FromNode, Lowering},
    source::Source,
    yaml,
};
use std::future::Future;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

fn settings(text: &str) -> ProgramSettings {
    let source = Source::new("t", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let read = ProgramSettings::from_node(&node, &mut Lowering::new(&mut problems));
    read.unwrap_or_else(|| panic!("{problems:?}"))
}

fn open(text: &str) -> Program {
    let masks = Masks::default();
    let variable = |name: &str| match name {
        "PATH" => Some("relative:/usr/bin:/bin".to_owned()),
        "TOKEN" => Some("s3cr3t-of-the-tool".to_owned()),
        _ => None,
    };
    let secrets = Secrets { variable: &variable, folder: Path::new("/"), masks: &masks };
    Program::open("tool", &settings(text), secrets).unwrap_or_else(|e| panic!("{e}"))
}

fn script(text: &str, more: &str) -> (tempfile::TempDir, Program) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tool");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = open(&format!("{{ program: {}, changes: [[do]]{more} }}", path.display()));
    (folder, program)
}

fn run(program: &Program, arguments: &[&str]) -> Result<Ended, Failure> {
    let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
    block_on(program.run(&Invocation { arguments, input: None, timeout: None, mark: None }))
}

#[test]
fn arguments_arrive_as_they_are_and_no_shell_sees_them() {
    let (_folder, program) = script("for a in \"$@\"; do printf '[%s]' \"$a\"; done", ", fixed: [-n, 'a b']");
    let hostile = ["do", "$(touch /tmp/x)", "; rm -rf /", "'", "\"", "*", "", "a\nb", "ü"];
    let ended = run(&program, &hostile).unwrap();
    let expected: String = ["-n", "a b"].iter().chain(&hostile).map(|a| format!("[{a}]")).collect();
    assert_eq!(String::from_utf8(ended.output).unwrap(), expected);
    assert_eq!(ended.code, Some(0));
    assert!(matches!(run(&program, &["do", "a\0b"]), Err(Failure::NotStarted(_))));
    assert!(matches!(run(&program, &["do", &"x".repeat(200_000)]), Err(Failure::NotStarted(_))));
}

#[test]
fn it_sees_the_declared_variables_and_no_others() {
    let (_folder, program) = script("env | sort", ", variables: { KEY: { secret: TOKEN }, PLAIN: here }");
    let ended = run(&program, &["do"]).unwrap();
    let text = String::from_utf8(ended.output).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // `PWD` and the like are made by the script's own interpreter.
    let given: Vec<&str> =
        names.into_iter().filter(|name| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_")).collect();
    assert_eq!(given, ["KEY", "LANG", "PATH", "PLAIN", "TZ"]);
    assert!(text.contains("KEY=s3cr3t-of-the-tool"));
    assert!(!format!("{program:?}").contains("s3cr3t"), "a secret in a debug text");
}

#[test]
fn exit_codes_signals_and_both_outputs_come_back() {
    let (_folder, program) = script("echo out; echo err >&2; exit 3", "");
    let ended = run(&program, &["do"]).unwrap();
    assert_eq!((ended.code, &*ended.output, &*ended.errors), (Some(3), &b"out\n"[..], &b"err\n"[..]));
    let (_folder, program) = script("kill -9 $$", "");
    assert_eq!(run(&program, &["do"]).unwrap().signal, Some(9));
}

#[test]
fn too_long_and_too_much_end_it_with_all_that_it_started() {
    // The child of the script would live for an hour; it writes its number first.
    let text = "sleep 3600 & echo $! > \"$0.child\"; wait";
    let (folder, program) = script(text, ", timeout: 2s");
    assert_eq!(run(&program, &["do"]), Err(Failure::TimedOut(Duration::from_secs(2))));
    let child = std::fs::read_to_string(folder.path().join("tool.child")).unwrap();
    // A signal is delivered when the other process runs next: waits for the fact, with a bound.
    let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", child.trim())) {
        Ok(state) => state.contains(") Z "),
        Err(_) => true,
    };
    let waited = (0..500).find(|_| {
        std::thread::sleep(Duration::from_millis(10));
        gone()
    });
    assert!(waited.is_some(), "the child is still at work");
    let (_folder, program) = script("yes", ", max_output: 10KiB");
    assert_eq!(run(&program, &["do"]), Err(Failure::TooMuch(10 * 1024)));
}

#[test]
fn what_left_its_group_is_known_by_its_mark_and_ended_too() {
    let text = "setsid sh -c 'echo $$ >\"$0.child\"; exec sleep 3600' \"$0\" & while ! test -s \"$0.child\"; do sleep 0.02; done; sleep 3600";
    let (folder, program) = script(text, ", timeout: 3s");
    let mark = mark_of("a test's own call of today");
    let invocation = Invocation { arguments: vec!["do".into()], input: None, timeout: None, mark: Some(mark.clone()) };
    assert_eq!(still_running(&mark), []);
    assert_eq!(block_on(program.run(&invocation)), Err(Failure::TimedOut(Duration::from_secs(3))));
    let child: u32 = std::fs::read_to_string(folder.path().join("tool.child")).unwrap().trim().parse().unwrap();
    let waited = (0..500).find(|_| {
        std::thread::sleep(Duration::from_millis(10));
        still_running(&mark).is_empty()
    });
    assert!(waited.is_some(), "process {child} is still at work");
}

#[test]
fn input_reaches_it_and_one_that_does_not_read_is_no_failure() {
    let (_folder, program) = script("cat", "");
    let large = "line\n".repeat(100_000);
    let invocation = Invocation { arguments: vec!["do".into()], input: Some(large.clone()), timeout: None, mark: None };
    assert_eq!(block_on(program.run(&invocation)).unwrap().output.len(), large.len());
    let (_folder, program) = script("exec true", "");
    let invocation = Invocation { input: Some(large), ..invocation };
    assert_eq!(block_on(program.run(&invocation)).unwrap().code, Some(0));
}

#[test]
fn a_program_is_found_once_and_never_through_the_current_folder() {
    let masks = Masks::default();
    let variable = |_: &str| Some("relative:.:/usr/bin".to_owned());
    let secrets = Secrets { variable: &variable, folder: Path::new("/"), masks: &masks };
    let error = |text: &str| Program::open("tool", &settings(text), secrets).unwrap_err().to_string();
    assert_eq!(
        error("{ program: no-such-tool, looks: [[get]] }"),
        "find the program `no-such-tool` in PATH; install it, or give `program:` its whole path"
    );
    assert!(error("{ program: /etc/passwd, looks: [[get]] }").contains("no file that may be run"));
    assert!(error("{ program: /bin/true, looks: [[get]], folder: no-such-folder }").contains("correct `folder:`"));
}

#[test]
fn what_says_which_system_it_is_is_kept_as_a_hash_and_credentials_are_not() {
    let opened = |variables: &str, token: &str| {
        let masks = Masks::default();
        let variable = |name: &str| match name {
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            "TOKEN" => Some(token.to_owned()),
            name => Some(format!("value-of-{name}")),
        };
        let secrets = Secrets { variable: &variable, folder: Path::new("/"), masks: &masks };
        Program::open("tool", &settings(&format!("{{ program: /bin/true, looks: [[get]]{variables} }}")), secrets)
            .unwrap()
    };
    let both = ", variables: { KUBECONFIG: { secret: KUBECONFIG }, TOKEN: { secret: TOKEN }, PLAIN: here }";
    let program = opened(both, "one");
    let text = program.identity().unwrap().to_owned();
    assert!(text.starts_with("program ") && text.split(' ').count() == 3 && !text.contains("KUBE"), "{text}");
    assert_eq!(program.leads_elsewhere(&text, program.settings()), None);
    let other = opened(both, "two");
    assert!(other.leads_elsewhere(&text, other.settings()).unwrap()[0].contains("`TOKEN`"));
    let with = opened(&format!("{both}, credentials: [TOKEN]"), "two");
    assert_eq!(with.leads_elsewhere(&text, with.settings()), None);
    assert_eq!(other.leads_elsewhere(&text, with.settings()), None, "today's list counts");
    let plain = opened(", variables: { KUBECONFIG: here }", "one");
    assert!(other.leads_elsewhere(&text, plain.settings()).is_some(), "and nothing else that it says by now");
    assert_eq!(with.identity().unwrap().split(' ').count(), 2);
    assert_eq!(opened(", variables: { PLAIN: here }", "one").identity(), None, "the project file says it all");
    // What another version kept says nothing.
    assert_eq!(other.leads_elsewhere("", other.settings()), None);
}

#[test]
fn shells_relative_paths_and_lists_that_allow_everything_are_refused() {
    let codes = |text: &str| -> Vec<&str> { settings(text).problems("tool").iter().map(|d| d.code.id).collect() };
    assert_eq!(codes("{ program: bash, looks: [[-c]] }"), ["E0246"]);
    assert_eq!(codes("{ program: /usr/bin/env, looks: [[a]] }"), ["E0246"]);
    assert!(codes("{ program: bash, fixed: [/opt/tool.sh], looks: [[status]] }").is_empty());
    assert_eq!(codes("{ program: bin/tool, looks: [[a]] }"), ["E0247"]);
    assert_eq!(codes("{ program: tool }"), ["E0247"]);
    assert_eq!(codes("{ program: tool, looks: [[]] }"), ["E0247"]);
    assert_eq!(codes("{ program: tool, looks: [[a, b]], changes: [[a, b]] }"), ["E0247"]);
    assert_eq!(codes("{ program: tool, looks: [[a]], variables: { B: c }, credentials: [B, C] }"), ["E0247"]);
    let tool = settings("{ program: tool, looks: [[get], [get, all]], changes: [[set, env]] }");
    assert_eq!(tool.allowed(&["get", "all", "x"], false).as_deref(), Some("get all"));
    assert_eq!(tool.allowed(&["get"], true), None);
    assert_eq!(tool.allowed(&["set"], true), None);
    assert_eq!(open("{ program: 'true', looks: [[get]] }").line(&["get", "a b"]), "true get 'a b'");
}
