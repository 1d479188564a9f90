//! T3: what a power cut would find. The kernel is asked (`strace`) in which order the program syncs its journal and lets
//! effects out; and journals that lost the unsynced tail are opened again.

use super::{
    dice::Dice,
    figures::{self, Figures, size},
    history::{Blow, History},
    procedures::{self, Procedure},
    process,
    world::{Kind, World},
};
use crate::servers::{block_on, surroundings};
use std::collections::BTreeMap;
use trueup::ops;

/// A call of the kernel that has ended.
struct Done {
    name: String,
    rest: String,
}

/// The lines of `strace -f -yy`, each at the place where the call ended.
fn calls(text: &str) -> Vec<Done> {
    let mut begun: BTreeMap<String, String> = BTreeMap::new();
    let mut done = Vec::new();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let whole = if let Some(end) = rest.find("<unfinished ...>") {
            begun.insert(pid.to_owned(), rest[..end].to_owned());
            continue;
        } else if let Some(end) = rest.find("resumed>") {
            format!("{}{}", begun.remove(pid).unwrap_or_default(), &rest[end + "resumed>".len()..])
        } else {
            rest.to_owned()
        };
        if let Some((name, rest)) = whole.split_once('(') {
            done.push(Done { name: name.to_owned(), rest: rest.to_owned() });
        }
    }
    done
}

/// What an effect looks like when it leaves: the message COMMIT of PostgreSQL, or a request that changes something.
fn is_effect(call: &Done) -> bool {
    let sends = matches!(call.name.as_str(), "sendto" | "write" | "writev" | "sendmsg");
    let socket = call.rest.contains("<TCP:");
    let methods = ["\"POST /", "\"PUT /", "\"PATCH /", "\"DELETE /"];
    sends
        && socket
        && (["COMMIT\\0", "COMMIT; "].iter().any(|commit| call.rest.contains(commit))
            || methods.iter().any(|m| call.rest.contains(m)))
}

/// Judges one trace: before each effect something new was synced into the journal, and nothing unsynced is left there.
fn judge(text: &str, procedure: &Procedure, figures: &mut Figures) {
    let (mut dirty, mut synced, mut effects) = (false, 0, 0);
    for call in calls(text) {
        let journal = call.rest.contains("/journal/journal.db");
        match call.name.as_str() {
            "pwrite64" | "write" | "pwritev" if journal => dirty = true,
            "fdatasync" | "fsync" if journal => {
                dirty = false;
                synced += 1;
            }
            _ if is_effect(&call) => {
                effects += 1;
                figures.faults += 1;
                if dirty {
                    figures.wrong(format!("{}: effect {effects} left before the journal was synced", procedure.name));
                }
                if synced == 0 {
                    figures.wrong(format!("{}: nothing was recorded for effect {effects}", procedure.name));
                }
                synced = 0;
            }
            _ => {}
        }
    }
    if effects == 0 {
        figures.wrong(format!("{}: no effect was seen to leave", procedure.name));
    }
}

#[test]
fn the_journal_is_synced_before_every_effect() {
    let there = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !there.is_ok_and(|status| status.success()) {
        let figures = Figures::new("T3", "the journal is synced before each effect (strace)");
        return figures.skip("strace is missing, or tracing is not allowed here");
    }
    block_on(async {
        let mut figures = Figures::new("T3", "the journal is synced before each effect (strace)");
        let mut world = World::build(Kind::POSTGRES).await;
        for procedure in procedures::ALL.iter().filter(|procedure| !procedure.ledger) {
            figures.points += 1;
            let point = world.point(procedure).await;
            let trace = point.folder.join("trace");
            let program = env!("CARGO_BIN_EXE_trueup");
            let mut command = tokio::process::Command::new("strace");
            command.args([
                "-f",
                "-yy",
                "-s",
                "96",
                "-e",
                "trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg",
                "-o",
            ]);
            command.arg(&trace).arg(program).args([
                "apply",
                procedure.name,
                "--yes",
                "--reason",
                "a proof",
                "--actor",
                "anna",
            ]);
            command.current_dir(&point.folder).env_clear().envs(point.variables.iter().cloned());
            command
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            match process::wait(command.kill_on_drop(true).spawn().unwrap()).await {
                Ok(came) if matches!(came.exit, Some(0 | 4)) => {}
                Ok(came) => figures.wrong(format!("{}: {}", procedure.name, came.said())),
                Err(hang) => figures.wrong(hang),
            }
            judge(&std::fs::read_to_string(&trace).unwrap(), procedure, &mut figures);
            point.clear();
        }
        world.clear().await;
        figures.end(20);
    });
}

/// A journal whose last writes never reached the disk is one that ends earlier, or is refused; never another history.
#[test]
fn a_journal_that_lost_its_unsynced_tail_is_clean_or_refused() {
    block_on(async {
        let mut figures = Figures::new("T3", "journals that lost their tail");
        let mut world = World::build(Kind::SQLITE).await;
        let procedure = &procedures::ALL[0];
        let point = world.point(procedure).await;
        // Killed, so that the log has not been folded into the file.
        let mut nothing = Figures::new("T3", "");
        let mut history = History::new(&mut world, &point, procedure, vec![Blow::Moment(24)]);
        history.start_once(&mut nothing).await;
        let folder = point.folder.join("journal");
        let wal = std::fs::read(folder.join("journal.db-wal")).unwrap();
        let mut dice = Dice::new(figures::seed() ^ 3);
        let (mut clean, mut shorter) = (0, 0);
        for _ in 0..size(60, 200) {
            figures.points += 1;
            figures.faults += 1;
            let cut = dice.below(wal.len());
            let mut left = wal[..cut].to_vec();
            if dice.percent(30) && cut > 64 {
                // The disk wrote the last block in part.
                let from = cut - 1 - dice.below(63);
                left[from..].iter_mut().for_each(|byte| *byte ^= 0x5A);
            }
            let copy = tempfile::tempdir().unwrap();
            std::fs::create_dir(copy.path().join("journal")).unwrap();
            for name in ["journal.db", "seal.key"] {
                std::fs::copy(folder.join(name), copy.path().join("journal").join(name)).unwrap();
            }
            std::fs::write(copy.path().join("journal/journal.db-wal"), &left).unwrap();
            std::fs::copy(point.folder.join("trueup.yaml"), copy.path().join("trueup.yaml")).unwrap();
            let variables: Vec<(&str, &str)> = point.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let here = surroundings(copy.path(), &variables);
            let opened = ops::project::open(&here, None).unwrap_or_else(|f| panic!("{f:?}"));
            let Ok(record) = ops::record::open(&here, &opened).await else { continue };
            clean += 1;
            for run in record.journal.runs(&Default::default(), 5).await.unwrap() {
                match record.journal.events(run.id).await {
                    Ok(events) => shorter += usize::from(events.len() < 9),
                    Err(error) => figures.wrong(format!("cut at {cut}: opened, and then {error}")),
                }
            }
            record.journal.close().await.unwrap();
        }
        println!("{clean} opened, {shorter} of them end earlier");
        if shorter == 0 {
            figures.wrong("no journal lost anything".into());
        }
        point.clear();
        world.clear().await;
        figures.end(60);
    });
}
