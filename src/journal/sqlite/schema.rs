//! The tables of a journal file, format 4. PostgreSQL has the same, but for types and triggers (`postgres/schema.rs`).
//!
//! `events`, `payloads` and `heads` are the record and only grow. `runs`, `questions`, `plans_used`, `schedules` and `occurrences` are made from the
//! events and can be made again; `claims` says who works on what.

/// Format of the file. Grows when an older version could no longer use it.
pub(in crate::journal) const FORMAT: i64 = 4;
/// `trup`: what `PRAGMA application_id` and the tool `file` show.
pub(in crate::journal) const APPLICATION_ID: i64 = 0x7472_7570;

/// In order; each is one statement.
pub(in crate::journal) const STATEMENTS: &[&str] = &[
    "CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        journal TEXT NOT NULL,
        format INTEGER NOT NULL,
        made_at INTEGER NOT NULL
    )",
    // The chain. `kind` and `at` repeat what the payload says, for queries; `verify` compares them.
    "CREATE TABLE events (
        run TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL,
        payload_hash BLOB NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID",
    // Apart from the chain: bytes can be purged later, and the chain still holds.
    "CREATE TABLE payloads (
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (run, seq),
        FOREIGN KEY (run, seq) REFERENCES events (run, seq)
    )",
    // The journal's own chain: the head of every run when it was made and when it was closed.
    "CREATE TABLE heads (
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        head BLOB NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL
    )",
    HEADS_BY_RUN,
    "CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        short TEXT NOT NULL,
        playbook TEXT NOT NULL,
        version INTEGER NOT NULL,
        environment TEXT NOT NULL,
        purpose TEXT NOT NULL,
        about TEXT,
        actor TEXT NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL,
        ended TEXT,
        counts TEXT NOT NULL DEFAULT '',
        started_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        closed_at INTEGER,
        seq INTEGER NOT NULL,
        head BLOB NOT NULL,
        purged_at INTEGER
    )",
    "CREATE INDEX runs_by_short ON runs (short)",
    "CREATE INDEX runs_by_start ON runs (started_at)",
    "CREATE TABLE questions (
        run TEXT NOT NULL,
        step TEXT NOT NULL,
        item TEXT NOT NULL,
        seq INTEGER NOT NULL,
        who TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        PRIMARY KEY (run, step, item)
    )",
    "CREATE TABLE plans_used (plan TEXT PRIMARY KEY, run TEXT NOT NULL, at INTEGER NOT NULL)",
    // `beat_at` and `until`: the lease, and when its holder was last heard of.
    "CREATE TABLE claims (
        run TEXT PRIMARY KEY,
        fence INTEGER NOT NULL,
        holder TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        since INTEGER NOT NULL,
        beat_at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        released_at INTEGER
    )",
    SCHEDULES,
    OCCURRENCES,
    OCCURRENCES_BY_TIME,
    // Against slips, not against attacks: whoever can write the file can drop a trigger. The chain is for that.
    "CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER payloads_stay BEFORE UPDATE ON payloads BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    PAYLOADS_LAST,
    "CREATE TRIGGER heads_stay BEFORE UPDATE ON heads BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER heads_last BEFORE DELETE ON heads BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
];

/// What format 2 added: purging, and approvals, of which the journal's own chain holds every one.
pub(in crate::journal) const FROM_1_TO_2: &[&str] = &[
    "ALTER TABLE runs ADD COLUMN purged_at INTEGER",
    HEADS_BY_RUN,
    "DROP TRIGGER IF EXISTS payloads_last",
    PAYLOADS_LAST,
];

/// What format 3 added: schedules.
pub(in crate::journal) const FROM_2_TO_3: &[&str] = &[SCHEDULES, OCCURRENCES, OCCURRENCES_BY_TIME];

/// Schedules and what became of their times.
const SCHEDULES: &str = "CREATE TABLE schedules (
        name TEXT PRIMARY KEY,
        chain TEXT NOT NULL,
        definition TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        moment INTEGER NOT NULL,
        paused_at INTEGER,
        paused_by TEXT,
        paused_why TEXT,
        seq INTEGER NOT NULL
    )";
/// What makes an occurrence one is its key: two schedulers cannot both have it.
const OCCURRENCES: &str = "CREATE TABLE occurrences (
        id TEXT PRIMARY KEY,
        schedule TEXT NOT NULL,
        wall TEXT NOT NULL,
        zone TEXT NOT NULL,
        at INTEGER NOT NULL,
        since INTEGER,
        count INTEGER NOT NULL,
        word TEXT NOT NULL,
        why TEXT,
        run TEXT,
        settled_at INTEGER NOT NULL,
        ended TEXT,
        ended_at INTEGER,
        looked INTEGER NOT NULL,
        drifted INTEGER NOT NULL,
        healed INTEGER NOT NULL,
        UNIQUE (schedule, wall, zone, at)
    )";
const OCCURRENCES_BY_TIME: &str = "CREATE INDEX occurrences_by_time ON occurrences (settled_at)";

const HEADS_BY_RUN: &str = "CREATE INDEX heads_by_run ON heads (run, number)";

/// A payload may go once the chain of its run says that it was purged.
const PAYLOADS_LAST: &str = "CREATE TRIGGER payloads_last BEFORE DELETE ON payloads
    WHEN NOT EXISTS (SELECT 1 FROM events WHERE run = OLD.run AND kind = 'run.purged' AND seq > OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END";
