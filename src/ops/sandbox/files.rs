//! What is in the sandboxes: the files under `examples/` and `playbooks/`, as they are.

/// A sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// `register`
    pub name: &'static str,
    /// What it is, in a line or two.
    pub about: &'static str,
    /// Five things to try: what for, and the command without `trueup`.
    pub tries: [(&'static str, &'static str); 5],
    /// The project file.
    pub project: &'static str,
    /// All other files, relative to its folder.
    pub files: &'static [(&'static str, &'static str)],
    /// SQLite files with the scripts that make them.
    pub databases: &'static [(&'static str, &'static [&'static str])],
}

macro_rules! example {
    ($folder:literal, $name:literal) => {
        ($name, include_str!(concat!("../../../examples/", $folder, "/", $name)))
    };
}

macro_rules! playbook {
    ($name:literal) => {
        (concat!("playbooks/", $name), include_str!(concat!("../../../playbooks/", $name)))
    };
}

/// "Register trainee teachers", and what stands around it.
pub const REGISTER: Sandbox = Sandbox {
    name: "register",
    about: "The service \"Register trainee teachers\": three databases with invented people, Sidekiq with\n\
            jobs that failed and a worker that takes them, and DQT, Apply, GitHub and Kubernetes as mocks.",
    tries: [
        ("What lies among the dead jobs, by class and error?", "plan register/tally-jobs"),
        (
            "Try those again that DQT refused with 500: the plan names each.",
            "plan register/retry-jobs job=Dqt::UpdateTraineeJob status=500 count=2",
        ),
        (
            "A setting on the web servers and the workers, with both rollouts.",
            "apply register/change-setting setting=features.sign_in_method value=persona --reason try --actor you",
        ),
        (
            "Applications that came with the wrong type of provider, again.",
            "apply register/reimport-applications code=2N2 year=2025 --reason try --actor you",
        ),
        (
            "Show the maintenance page; `trueup undo` takes it away.",
            "apply register/maintenance-mode mode=enable --reason try --actor you",
        ),
    ],
    project: include_str!("../../../examples/register/trueup.yaml"),
    files: &[
        example!("register", "dqt.mock.yaml"),
        example!("register", "trs.mock.yaml"),
        example!("register", "dttp.mock.yaml"),
        example!("register", "apply.mock.yaml"),
        example!("register", "kube.mock.yaml"),
        example!("register", "site.mock.yaml"),
        example!("register", "jobs.worker.yaml"),
        example!("register", "duplicates.csv"),
        example!("register", "tables.sqlite.sql"),
        example!("register", "tables.apply.sqlite.sql"),
        example!("register", "tables.publish.sqlite.sql"),
        playbook!("register/dqt-errors.errors.yaml"),
        playbook!("register/add-previous-trainee.yaml"),
        playbook!("register/change-setting.yaml"),
        playbook!("register/change-training-route.yaml"),
        playbook!("register/change-withdrawal-date.yaml"),
        playbook!("register/correct-award.yaml"),
        playbook!("register/data-change.yaml"),
        playbook!("register/dttp-record-deleted.yaml"),
        playbook!("register/dttp-school.yaml"),
        playbook!("register/inspect-jobs.yaml"),
        playbook!("register/lead-partner-from-school.yaml"),
        playbook!("register/list-dead-jobs.yaml"),
        playbook!("register/maintenance-mode.yaml"),
        playbook!("register/placement-detail.yaml"),
        playbook!("register/poll-for-trn-dttp.yaml"),
        playbook!("register/poll-for-trn.yaml"),
        playbook!("register/provider-to-lead-partner.yaml"),
        playbook!("register/register-for-trn-again.yaml"),
        playbook!("register/reimport-applications.yaml"),
        playbook!("register/remove-duplicates.yaml"),
        playbook!("register/repair-dqt-job.yaml"),
        playbook!("register/retry-jobs.yaml"),
        playbook!("register/send-update-to-dqt.yaml"),
        playbook!("register/send-update-to-trs.yaml"),
        playbook!("register/switch-analytics.yaml"),
        playbook!("register/tally-jobs.yaml"),
        playbook!("register/undo-withdrawal.yaml"),
    ],
    databases: &[
        (
            ".trueup/register.db",
            &[
                include_str!("../../../examples/register/tables.sqlite.sql"),
                include_str!("../../../examples/register/rows.sql"),
                include_str!("../../../examples/register/rows.applications.sql"),
            ],
        ),
        (
            ".trueup/apply.db",
            &[
                include_str!("../../../examples/register/tables.apply.sqlite.sql"),
                include_str!("../../../examples/register/rows.apply.sql"),
            ],
        ),
        (
            ".trueup/publish.db",
            &[
                include_str!("../../../examples/register/tables.publish.sqlite.sql"),
                include_str!("../../../examples/register/rows.publish.sql"),
            ],
        ),
    ],
};

/// HuleEdu's batch orchestrator.
pub const HULEEDU: Sandbox = Sandbox {
    name: "huleedu",
    about: "HuleEdu's batch orchestrator: a database with batches whose phases failed, the service's own\n\
            endpoint with its real refusals, and its Kafka topics, as mocks.",
    tries: [
        (
            "Try a failed phase again; it is through after some seconds.",
            "apply huleedu/retry-phase batch_id=b1a7c0de-0000-4000-8000-000000000001 phase=spellcheck user_id=teacher-17 --reason try --actor you",
        ),
        (
            "Once more? There is nothing to retry.",
            "plan huleedu/retry-phase batch_id=b1a7c0de-0000-4000-8000-000000000001 phase=spellcheck user_id=teacher-17",
        ),
        (
            "A batch of somebody else: the service would not notice.",
            "plan huleedu/retry-phase batch_id=b1a7c0de-0000-4000-8000-000000000002 phase=spellcheck user_id=teacher-4",
        ),
        (
            "Kafka is away: what the service left half done is put back.",
            "apply huleedu/retry-phase batch_id=b1a7c0de-0000-4000-8000-000000000003 phase=cj_assessment user_id=teacher-4 --reason try --actor you",
        ),
        (
            "The answer gets lost: found out, and not sent twice.",
            "apply huleedu/retry-phase batch_id=b1a7c0de-0000-4000-8000-000000000004 phase=nlp user_id=teacher-4 --reason try --actor you",
        ),
    ],
    project: include_str!("../../../examples/huleedu/trueup.yaml"),
    files: &[
        example!("huleedu", "bos.mock.yaml"),
        example!("huleedu", "topics.mock.yaml"),
        example!("huleedu", "tables.sqlite.sql"),
        example!("huleedu", "playbooks/huleedu/retry-phase.yaml"),
        example!("huleedu", "playbooks/huleedu/retry-phase.test.yaml"),
    ],
    databases: &[(
        ".trueup/bos.db",
        &[
            include_str!("../../../examples/huleedu/tables.sqlite.sql"),
            include_str!("../../../examples/huleedu/rows.sql"),
        ],
    )],
};

/// The retirement of learners of an Open edX site.
pub const EDX: Sandbox = Sandbox {
    name: "edx",
    about: "The retirement of learners of an Open edX site: the LMS' tables with invented learners in every\n\
            state, and the LMS itself and a store of files as mocks, with the refusals of the real ones.",
    tries: [
        ("Who failed, and where does each of them go on?", "plan edx/recover-errored"),
        (
            "Retire everybody whose cool-off is over; one of them will fail.",
            "apply edx/retire --reason try --actor you",
        ),
        (
            "A stage was added after somebody: found, and put back before it.",
            "plan edx/rerun-for-new-stage stage=NOTES_COMPLETE",
        ),
        (
            "A learner wants to stay; `trueup undo` retires them after all.",
            "apply edx/cancel-retirement email=cleo.holm@learner.example --reason try --actor you",
        ),
        (
            "Archive those who have been COMPLETE for long, then clean them up.",
            "apply edx/archive-and-cleanup --reason try --actor you",
        ),
    ],
    project: include_str!("../../../examples/edx/trueup.yaml"),
    files: &[
        example!("edx", "lms.mock.yaml"),
        example!("edx", "store.mock.yaml"),
        example!("edx", "tables.sqlite.sql"),
        example!("edx", "playbooks/edx/archive-and-cleanup.yaml"),
        example!("edx", "playbooks/edx/bulk-status-update.yaml"),
        example!("edx", "playbooks/edx/cancel-retirement.yaml"),
        example!("edx", "playbooks/edx/partner-report.yaml"),
        example!("edx", "playbooks/edx/recover-errored.yaml"),
        example!("edx", "playbooks/edx/rerun-all.yaml"),
        example!("edx", "playbooks/edx/rerun-for-new-stage.yaml"),
        example!("edx", "playbooks/edx/retire.yaml"),
        example!("edx", "playbooks/edx/retire-in-database.yaml"),
    ],
    databases: &[(
        ".trueup/lms.db",
        &[include_str!("../../../examples/edx/tables.sqlite.sql"), include_str!("../../../examples/edx/rows.sql")],
    )],
};
