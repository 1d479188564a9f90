//! The tables of a journal in PostgreSQL, format 4: those of `sqlite/schema.rs`, with PostgreSQL's types, in a schema of
//! their own. Names sort by their bytes, as ids do.

/// Format of the tables. Grows when an older version could no longer use them.
pub(in crate::journal) const FORMAT: i64 = 4;

/// Needs the right to create schemas; an administrator may have made it for a role without.
pub(super) const SCHEMA: &str = "CREATE SCHEMA trueup_journal";

/// In order; each is one statement. The search path is the schema alone.
pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE meta (
        one BIGINT PRIMARY KEY CHECK (one = 1),
        journal TEXT NOT NULL,
        format BIGINT NOT NULL,
        made_at BIGINT NOT NULL,
        seal_key TEXT
    )",
    r#"CREATE TABLE events (
        run TEXT COLLATE "C" NOT NULL,
        seq BIGINT NOT NULL CHECK (seq > 0),
        kind TEXT NOT NULL,
        at BIGINT NOT NULL,
        prev BYTEA NOT NULL,
        hash BYTEA NOT NULL,
        payload_hash BYTEA NOT NULL,
        PRIMARY KEY (run, seq)
    )"#,
    r#"CREATE TABLE payloads (
        run TEXT COLLATE "C" NOT NULL,
        seq BIGINT NOT NULL,
        bytes BYTEA NOT NULL,
        PRIMARY KEY (run, seq),
        FOREIGN KEY (run, seq) REFERENCES events (run, seq)
    )"#,
    r#"CREATE TABLE heads (
        number BIGINT PRIMARY KEY,
        run TEXT COLLATE "C" NOT NULL,
        seq BIGINT NOT NULL,
        head BYTEA NOT NULL,
        prev BYTEA NOT NULL,
        hash BYTEA NOT NULL
    )"#,
    "CREATE INDEX heads_by_run ON heads (run, number)",
    r#"CREATE TABLE runs (
        id TEXT COLLATE "C" PRIMARY KEY,
        short TEXT COLLATE "C" NOT NULL,
        playbook TEXT NOT NULL,
        version BIGINT NOT NULL,
        environment TEXT NOT NULL,
        purpose TEXT NOT NULL,
        about TEXT,
        actor TEXT NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL,
        ended TEXT,
        counts TEXT NOT NULL DEFAULT '',
        started_at BIGINT NOT NULL,
        changed_at BIGINT NOT NULL,
        closed_at BIGINT,
        seq BIGINT NOT NULL,
        head BYTEA NOT NULL,
        purged_at BIGINT
    )"#,
    "CREATE INDEX runs_by_short ON runs (short)",
    "CREATE INDEX runs_by_start ON runs (started_at)",
    r#"CREATE TABLE questions (
        run TEXT COLLATE "C" NOT NULL,
        step TEXT COLLATE "C" NOT NULL,
        item TEXT COLLATE "C" NOT NULL,
        seq BIGINT NOT NULL,
        who TEXT NOT NULL,
        asked_at BIGINT NOT NULL,
        PRIMARY KEY (run, step, item)
    )"#,
    r#"CREATE TABLE plans_used (plan TEXT COLLATE "C" PRIMARY KEY, run TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL)"#,
    r#"CREATE TABLE claims (
        run TEXT COLLATE "C" PRIMARY KEY,
        fence BIGINT NOT NULL,
        holder TEXT NOT NULL,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL,
        since BIGINT NOT NULL,
        beat_at BIGINT NOT NULL,
        until BIGINT NOT NULL,
        released_at BIGINT
    )"#,
    SCHEDULES,
    OCCURRENCES,
    OCCURRENCES_BY_TIME,
    "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$",
    "CREATE FUNCTION stay_until_purged() RETURNS trigger LANGUAGE plpgsql SET search_path = trueup_journal AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM events WHERE run = OLD.run AND kind = 'run.purged' AND seq > OLD.seq) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'the journal is append-only';
        END $$",
    "CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION stay()",
    "CREATE TRIGGER events_all BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION stay()",
    "CREATE TRIGGER payloads_stay BEFORE UPDATE ON payloads FOR EACH ROW EXECUTE FUNCTION stay()",
    "CREATE TRIGGER payloads_last BEFORE DELETE ON payloads FOR EACH ROW EXECUTE FUNCTION stay_until_purged()",
    "CREATE TRIGGER payloads_all BEFORE TRUNCATE ON payloads FOR EACH STATEMENT EXECUTE FUNCTION stay()",
    "CREATE TRIGGER heads_stay BEFORE UPDATE OR DELETE ON heads FOR EACH ROW EXECUTE FUNCTION stay()",
    "CREATE TRIGGER heads_all BEFORE TRUNCATE ON heads FOR EACH STATEMENT EXECUTE FUNCTION stay()",
];

/// What format 3 added: schedules. (The first format on a server was 2.)
pub(super) const FROM_2_TO_3: &[&str] = &[SCHEDULES, OCCURRENCES, OCCURRENCES_BY_TIME];

/// Schedules and what became of their times.
const SCHEDULES: &str = r#"CREATE TABLE schedules (
        name TEXT COLLATE "C" PRIMARY KEY,
        chain TEXT NOT NULL,
        definition TEXT NOT NULL,
        cursor BIGINT NOT NULL,
        moment BIGINT NOT NULL,
        paused_at BIGINT,
        paused_by TEXT,
        paused_why TEXT,
        seq BIGINT NOT NULL
    )"#;
/// What makes an occurrence one is its key: two schedulers cannot both have it.
const OCCURRENCES: &str = r#"CREATE TABLE occurrences (
        id TEXT COLLATE "C" PRIMARY KEY,
        schedule TEXT NOT NULL,
        wall TEXT NOT NULL,
        zone TEXT NOT NULL,
        at BIGINT NOT NULL,
        since BIGINT,
        count BIGINT NOT NULL,
        word TEXT NOT NULL,
        why TEXT,
        run TEXT,
        settled_at BIGINT NOT NULL,
        ended TEXT,
        ended_at BIGINT,
        looked BIGINT NOT NULL,
        drifted BIGINT NOT NULL,
        healed BIGINT NOT NULL,
        UNIQUE (schedule, wall, zone, at)
    )"#;
const OCCURRENCES_BY_TIME: &str = "CREATE INDEX occurrences_by_time ON occurrences (settled_at)";
