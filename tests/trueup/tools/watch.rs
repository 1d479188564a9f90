//! `trueup check --watch`: says something again only when a file is another than before, and ends with Ctrl-C.

use super::desk::Desk;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

const TEXT: &str = "trueup: v1\nname: sell\nversion: 1\ntitle: Sell a thing\nparams: { id: { type: int } }\nuses: { shop: { write: [things, audits] } }\nsteps:\n  - row: { table: shop.things, key: { id: \"{{ params.id }}\" }, set: { state: sold } }\n";
/// Longer than any build machine needs; nothing waits so long when all is well.
const MOST: Duration = Duration::from_secs(60);

#[test]
fn a_change_is_checked_a_file_written_with_the_same_text_is_not_and_ctrl_c_ends_it() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", TEXT);
    let mut child = desk.command(&["check", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (send, lines) = mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let _ = send.send(line.unwrap());
        }
    });
    let good = "1 playbook checked: no errors.";
    let unasked = || assert!(lines.recv_timeout(MOST).unwrap().starts_with("Tables and columns were not compared"));
    assert_eq!(lines.recv_timeout(MOST).unwrap(), good);
    unasked();
    // The same text again says nothing: the next line comes from the change after it, and tells of two playbooks.
    desk.write("playbooks/sell.yaml", TEXT);
    desk.write("playbooks/other.yaml", &TEXT.replace("name: sell", "name: other"));
    assert_eq!(lines.recv_timeout(MOST).unwrap(), "2 playbooks checked: no errors.");
    unasked();
    // A mistake goes to stderr; what follows it on stdout is the repaired file.
    desk.write("playbooks/other.yaml", &TEXT.replace("name: sell", "nmae: other"));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("did you mean `name`?") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    assert!(said.contains("other.yaml changed"), "{said}");
    std::fs::remove_file(desk.path("playbooks/other.yaml")).unwrap();
    assert_eq!(lines.recv_timeout(MOST).unwrap(), good);
    unasked();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap();
    assert!(lines.try_recv().is_err(), "something was said that nobody changed a file for");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("panicked"), "{rest}");
}
