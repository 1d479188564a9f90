//! Jobs: one verb, which jobs, how many; what ActiveJob can be given; tallies that count by something.

use crate::{
    action::{
        job::{JobSpec, MOST, Picked},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        suggest,
    },
    check::scene::Scene,
    connection::sidekiq::{Place, columns, gid::is_class},
    template::{Datum, Tree},
};

/// A job step that cannot be right.
pub static ODD_JOB: Code = Code {
    id: "E0511",
    title: "a job step that cannot be right",
    explain: "A `job` step does exactly one of three things:\n\n\
        - `enqueue: Class` with `to:` (the queue), `args:`, `keywords:`, and `in:` or `at:` for later\n\
        - `retry: { from: dead, jid: … }`: back into its queue, as Sidekiq's own \"retry\" does it\n\
        - `delete: { from: dead, jid: … }`\n\n\
        `retry` and `delete` say which jobs by `jid:`, or by `where:` with `touches: 1..50`. At most 500 jobs belong to one step, \
        because they change together or not at all. A record among the arguments (`{ record: \"Trainee/1\" }`) becomes a GlobalID, which \
        holds the application's name: `app:` at the connection.",
};
/// A class that nobody declared.
pub static UNKNOWN_JOB: Code = Code {
    id: "E0512",
    title: "an unknown job class",
    explain: "The project file lists the application's jobs under `jobs:` of the connection, and this class is not among them. \
        A job of a class that does not exist fails in the worker, again and again. Where the project file lists no jobs, any class is taken.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_JOB, &UNKNOWN_JOB];

/// Looks at every `job` and `tally` step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        match &visit.step.act {
            Act::Job(job) => {
                whole(job, problems);
                if let Some(class) = &job.enqueue {
                    known(scene, job, class, problems);
                }
                records(scene, job, problems);
                if let Some(picked) = job.picked() {
                    choice(job, picked, problems);
                    let names = picked.conditions.entries.iter().map(|(word, _)| word);
                    names.for_each(|word| column(word, problems));
                }
            }
            Act::Tally(tally) => {
                let names = tally.conditions.entries.iter().map(|(word, _)| word);
                tally.by.iter().chain(names).for_each(|word| column(word, problems));
                if tally.by.is_empty() || tally.tables.is_empty() {
                    let problem = Diagnostic::error(&ODD_JOB, visit.step.act_at, "this counts nothing");
                    problems.push(problem.help("write `tables: [sidekiq.dead]` and `by: [job, error_class]`"));
                }
            }
            _ => {}
        }
    }
}

fn column(word: &Word, problems: &mut Diagnostics) {
    if columns::kind(word.as_str()).is_none() {
        problems.push(
            Diagnostic::error(
                &super::unknown_column::UNKNOWN_COLUMN,
                word.span,
                format!("jobs have no column `{}`", word.as_str()),
            )
            .suggest(word.as_str(), columns::names()),
        );
    }
}

fn whole(job: &JobSpec, problems: &mut Diagnostics) {
    let mut wrong = |message: &str, help: &str| problems.push(Diagnostic::error(&ODD_JOB, job.at, message).help(help));
    let verbs = [job.enqueue.is_some(), job.retry.is_some(), job.delete.is_some()];
    if verbs.iter().filter(|is| **is).count() != 1 {
        return wrong(
            "a `job` step does exactly one thing",
            "write one of `enqueue: Class`, `retry: { … }`, `delete: { … }`",
        );
    }
    let given = [
        ("to", job.to.is_some()),
        ("args", job.args.is_some()),
        ("keywords", !job.keywords.entries.is_empty()),
        ("in", job.later.is_some()),
        ("at", job.moment.is_some()),
        ("retries", job.retries.is_some()),
        ("unless_waiting", job.unless_waiting.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect();
    if job.enqueue.is_none() && !given.is_empty() {
        let message = format!("{} belongs to `enqueue`, not to `{}`", suggest::list(&given), job.verb());
        wrong(&message, "take it out: the job keeps what it has");
    }
    if job.later.is_some() && job.moment.is_some() {
        wrong("`in` and `at` both say when it runs", "keep one of them");
    }
}

fn choice(job: &JobSpec, picked: &Picked, problems: &mut Diagnostics) {
    let mut wrong =
        |message: &str, help: &str| problems.push(Diagnostic::error(&ODD_JOB, picked.at, message).help(help));
    match (&picked.jid, picked.conditions.entries.is_empty()) {
        (Some(_), false) => {
            wrong("`jid` and `where` both say which jobs", "keep one of them; `where: { jid: […] }` takes a list");
        }
        (None, true) => {
            wrong("this does not say which jobs", "write `jid: …`, or `where: { … }` with `touches: 1..50`");
        }
        (None, false) if picked.touches.is_none() => {
            wrong("`where` without `touches`: how many jobs may it be?", "add a range such as `touches: 1..50`");
        }
        (Some(_), true) if picked.touches.is_some() => {
            wrong("`touches` belongs to `where`", "take it out: `jid` is one job");
        }
        _ => {}
    }
    if picked.touches.is_some_and(|touches| touches.most > MOST || touches.most == 0) {
        wrong(&format!("one step changes 1 to {MOST} jobs"), "narrow it; run the playbook again for the rest");
    }
    if job.retry.is_some() && picked.from == Place::Queued {
        wrong("a job in a queue is about to run anyway", "`retry` takes from `dead`, `retrying` or `scheduled`");
    }
}

fn known(scene: &Scene<'_>, job: &JobSpec, class: &Word, problems: &mut Diagnostics) {
    if !is_class(class.as_str()) {
        let message = format!("`{}` is not the name of a class", class.as_str());
        problems.push(
            Diagnostic::error(&ODD_JOB, class.span, message).help("write it as Ruby does: `Dqt::UpdateTraineeJob`"),
        );
        return;
    }
    let jobs = scene.connection(job.queue.as_str()).and_then(|c| c.sidekiq.as_ref()).map(|s| &s.jobs);
    let Some(jobs) = jobs.filter(|jobs| !jobs.entries.is_empty()) else { return };
    if jobs.get(class.as_str()).is_none() {
        let message = format!("`{}` lists no job `{}`", job.queue.as_str(), class.as_str());
        problems.push(
            Diagnostic::error(&UNKNOWN_JOB, class.span, message)
                .suggest(class.as_str(), jobs.names())
                .help("or add it under `jobs:` of the connection"),
        );
    }
}

/// A record needs the application's name.
fn records(scene: &Scene<'_>, job: &JobSpec, problems: &mut Diagnostics) {
    let Some(sidekiq) = scene.connection(job.queue.as_str()).and_then(|c| c.sidekiq.as_ref()) else { return };
    let anywhere = scene.connection(job.queue.as_str()).into_iter().flat_map(|c| c.per_environment.iter());
    if sidekiq.app.is_some() || anywhere.filter_map(|(_, over)| over.sidekiq.as_ref()).any(|s| s.app.is_some()) {
        return;
    }
    let data = job.args.iter().chain(job.keywords.entries.iter().map(|(_, datum)| datum));
    if let Some(datum) = data.into_iter().find(|datum: &&Datum| has_record(&datum.tree)) {
        let message = "a record becomes a GlobalID, which holds the application's name";
        problems.push(
            Diagnostic::error(&ODD_JOB, datum.span(), message)
                .help(format!("say `app:` at the connection `{}` in the project file", job.queue.as_str())),
        );
    }
}

fn has_record(tree: &Tree) -> bool {
    match tree {
        Tree::Scalar(_) => false,
        Tree::List(trees) => trees.iter().any(has_record),
        Tree::Map(entries) => entries.iter().any(|(name, tree)| &**name == "record" || has_record(tree)),
    }
}
