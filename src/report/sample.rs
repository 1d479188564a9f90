//! Hand-made plans and facts for the tests of the reports, and the comparison with the texts under `tests/golden/report/`.

use super::look::{Look, View};
use crate::{
    action::ends::Way,
    base::{
        diagnostic::Diagnostics,
        json::Json,
        source::{Source, Span},
        time::Stamp,
        value::{Data, Map, Marks, Value},
    },
    effect::{
        change::{RowChange, TableName},
        label::Label,
    },
    plan::{Also, Effect, Foreseen, ItemPlan, Plan, Reversal, Section, StepPlan, Stop},
    playbook::project::Project,
    table::facts::Facts,
};
use std::sync::{Arc, LazyLock};

/// A person whose data may never be seen.
pub const PERSONAL: [&str; 3] = ["Zuleika", "Dobson", "zuleika.dobson@example.test"];

const PROJECT: &str = r#"
trueup: v1
project: register-support
connections:
  register:
    sqlite: { path: register.db }
    tables:
      trainees:
        key: id
        personal: [first_names, last_name, email]
        updated_at: updated_at
        enums:
          state: { trn_received: 2, recommended_for_award: 3, awarded: 6 }
      people: { key: email, personal: [email, last_name] }
      audits: { key: id, append_only: true, personal: [audited_changes] }
"#;

static FACTS: LazyLock<Project> = LazyLock::new(|| {
    let source = Source::new("trueup.yaml", PROJECT);
    let mut problems = Diagnostics::new(source.clone());
    Project::parse(&source, &mut problems).unwrap_or_else(|| panic!("{:?}", problems.sorted()))
});

fn facts(table: &TableName) -> Option<&'static Facts> {
    FACTS.facts(table)
}

fn draw(_: Span, message: &str, seen: &[(String, String)]) -> String {
    let seen: Vec<_> = seen.iter().map(|(name, value)| format!("      |   {name} is {value}\n")).collect();
    format!("  12 |   - assert: trainee.state in ['awarded']\n      |     ^^^^^^ {message}\n{}", seen.concat())
}

/// With the facts of a few tables and a simple drawing.
pub fn view(width: usize, unicode: bool) -> View<'static> {
    View { look: Look { width, unicode, ..Look::default() }, facts: &facts, draw: &draw }
}

pub fn map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
}

pub fn at(text: &str) -> Value {
    Data::Timestamp(text.parse().unwrap()).into()
}

pub fn json(text: &str) -> Value {
    Data::Json(Arc::new(Json::parse(text).unwrap())).into()
}

pub fn moment(text: &str) -> Stamp {
    text.parse().unwrap()
}

pub fn change(table: &str, key: &[(&str, Value)], before: Option<Map>, after: Option<Map>) -> RowChange {
    let table = TableName::parse(table).unwrap();
    RowChange { table, key: map(key), before, after, by_rule: false, stamps: Vec::new() }
}

fn trainee() -> Map {
    let mut row = map(&[
        ("id", 4711.into()),
        ("slug", "7xKqRmT2pZ9sVbN4wYcD6fGh".into()),
        ("first_names", "Zuleika".into()),
        ("last_name", "Dobson".into()),
        ("email", "zuleika.dobson@example.test".into()),
        ("state", 6.into()),
        ("recommended_for_award_at", at("2025-06-30T15:02:11.402931")),
        ("awarded_at", at("2025-07-01T09:30:00.118204")),
        ("outcome_date", at("2025-06-27T00:00:00")),
        ("end_academic_cycle_id", 14.into()),
        ("updated_at", at("2025-07-01T09:30:00.120077")),
    ]);
    for column in ["first_names", "last_name", "email"] {
        row[column].marks |= Marks::PERSONAL;
    }
    row
}

/// The award of a trainee taken back, with its audit row.
pub fn award_rows() -> Vec<RowChange> {
    let mut after = trainee();
    for column in ["recommended_for_award_at", "awarded_at", "outcome_date"] {
        after[column] = Value::NULL;
    }
    after["state"] = 2.into();
    after["end_academic_cycle_id"] = 15.into();
    after["updated_at"] = at("2025-07-23T10:00:02.501223").marked(Marks::CLOCK);
    let trainee = RowChange {
        stamps: vec!["updated_at".into()],
        ..change("register.trainees", &[("id", 4711.into())], Some(trainee()), Some(after))
    };
    let audited = json(r#"{"state":[6,2],"last_name":["Dobson","Dobson"]}"#).marked(Marks::PERSONAL);
    let audit = map(&[
        ("id", 90_214.into()),
        ("auditable_id", 4711.into()),
        ("auditable_type", "Trainee".into()),
        ("associated_id", 12.into()),
        ("associated_type", "Provider".into()),
        ("action", "update".into()),
        ("audited_changes", audited),
        ("version", 3.into()),
        ("comment", "Zendesk 88213: the provider recommended the wrong trainee".into()),
        ("username", "anna via trueup".into()),
        ("created_at", at("2025-07-23T10:00:02.5").marked(Marks::CLOCK)),
    ]);
    vec![trainee, RowChange { by_rule: true, ..change("register.audits", &[("id", 90_214.into())], None, Some(audit)) }]
}

fn step(section: Section, name: &str, kind: &'static str, title: &str) -> StepPlan {
    StepPlan {
        section,
        path: format!("{}/{name}", section.word()).into(),
        kind,
        title: (!title.is_empty()).then(|| title.to_owned()),
        label: Label::Read,
        foreseen: Foreseen::Passes,
        effects: Vec::new(),
        notes: Vec::new(),
        undo: None,
        at: Span::new(10, 20),
    }
}

fn found(section: Section, name: &str, kind: &'static str, title: &str, summary: &str) -> StepPlan {
    StepPlan { effects: vec![Effect::Answer { summary: summary.into() }], ..step(section, name, kind, title) }
}

fn preconditions() -> Vec<StepPlan> {
    let section = Section::Preconditions;
    vec![
        found(section, "trainee", "find", "The trainee is there", "1 row"),
        step(section, "assert-2", "assert", "There is something to take back"),
        found(section, "provider", "find", "", "1 row"),
        StepPlan {
            label: Label::Exact,
            foreseen: Foreseen::Skipped,
            notes: vec!["only when trainee.itt_end_date is not none".into()],
            ..step(section, "end_cycle", "find", "The academic year in which the course ends")
        },
        found(section, "dqt_before", "http", "DQT knows the trainee", "200, 9 fields"),
        StepPlan {
            foreseen: Foreseen::Warns,
            notes: vec!["DQT still shows an award (QTS 2025-07-01, EYTS none). Write to the DQT team now; answer the question below only when they have done it.".into()],
            ..step(section, "assert-6", "assert", "DQT has taken its part back")
        },
    ]
}

fn plan_of(steps: Vec<StepPlan>, stop: Option<Stop>) -> Plan {
    Plan {
        playbook: "register/correct-award".into(),
        version: 1,
        title: "Take back an award that was made in error".into(),
        text_hash: "5f".repeat(32),
        params: map(&[
            ("slug", "7xKqRmT2pZ9sVbN4wYcD6fGh".into()),
            ("email", Value::from(PERSONAL[2]).marked(Marks::PERSONAL)),
        ]),
        environment: "sandbox".into(),
        targets: vec![("register".into(), "sqlite 3.40 .trueup/register.db".into())],
        at: moment("2025-07-23T10:00:00"),
        items: vec![ItemPlan { key: "-".into(), steps, stop, rests_on: Vec::new(), item: None, lane: None }],
        many: None,
    }
}

/// A question, a changed row, verification, messages.
pub fn award() -> Plan {
    let mut steps = preconditions();
    steps.push(StepPlan {
        label: Label::Exact,
        foreseen: Foreseen::Asks,
        effects: vec![Effect::Question {
            who: "register-support".into(),
            text: "Has the DQT team taken the award back? Answer with the number of their ticket when they say that it is done.".into(),
            answer: vec![("ticket".into(), "string".into())],
        }],
        ..step(Section::Steps, "dqt_agreed", "ask", "The DQT team has taken the award back")
    });
    steps.push(StepPlan {
        label: Label::Exact,
        foreseen: Foreseen::Changes,
        effects: vec![Effect::Rows { changes: award_rows(), also: Vec::new() }],
        notes: vec!["On every save Rails also recomputes submission_ready (unless the state is recommended_for_award, withdrawn or awarded)\nand end_academic_cycle_id.".into()],
        undo: Some(Reversal::Automatic),
        ..step(Section::Steps, "clear_award", "row", "Take the award back in Register")
    });
    steps.push(found(
        Section::Verification,
        "after",
        "find",
        "Register shows a trainee in training, with no award date left",
        "1 row",
    ));
    steps.push(StepPlan {
        label: Label::HasUnknowns,
        effects: vec![Effect::Answer { summary: "(known after apply)".into() }],
        notes: vec!["as of now: 200, 9 fields; it would not pass today; what register-support does before answering `dqt_agreed` may change that".into()],
        ..step(Section::Verification, "dqt", "http", "DQT shows no award and no passed training at this provider")
    });
    steps.push(StepPlan {
        label: Label::HasUnknowns,
        foreseen: Foreseen::Tells,
        effects: vec![Effect::Message {
            who: "register-support".into(),
            text: "The award of trainee 7xKqRmT2pZ9sVbN4wYcD6fGh is taken back in Register and gone at DQT (ticket (known after apply)).\nSend no update to DQT: they have it already.\n".into(),
        }],
        ..step(Section::Afterwards, "tell-1", "tell", "")
    });
    plan_of(steps, None)
}

/// Every other thing that a plan may hold.
pub fn odd() -> Plan {
    let long = |year: &str| {
        Value::from(format!(
            "The trainee began in September and {} the course in July {year}, as the provider says in its letter of 2 May.",
            "left"
        ))
    };
    let document = |text: &str| json(text);
    let before = map(&[
        ("id", 3.into()),
        ("note", long("2024")),
        ("progress", document(r#"{"personal_details":true,"diversity":{"sex":false,"ethnicity":1.0},"old":1}"#)),
        ("fee", Value::from(Data::Decimal("9250.00".parse().unwrap()))),
        ("a_column_with_a_name_that_is_longer_than_thirty_six_columns", "x".into()),
        ("name", "Ren\u{e9} A".into()),
        ("script", "a\u{1b}[31mb".into()),
    ]);
    let after = map(&[
        ("id", 3.into()),
        ("note", long("2025")),
        ("progress", document(r#"{"personal_details":true,"diversity":{"sex":true,"ethnicity":1},"new":[1,2]}"#)),
        ("fee", Value::unknown()),
        ("a_column_with_a_name_that_is_longer_than_thirty_six_columns", "y".into()),
        ("name", "Ren\u{e9}\u{a0}A".into()),
        ("script", "".into()),
    ]);
    let person =
        map(&[("email", Value::from(PERSONAL[2])), ("last_name", Value::from(PERSONAL[1])), ("colour", Value::NULL)]);
    let renamed = RowChange {
        ..change(
            "register.people",
            &[("email", PERSONAL[2].into())],
            Some(person.clone()),
            Some(map(&[("email", PERSONAL[2].into()), ("last_name", "Zuleika".into()), ("colour", Value::NULL)])),
        )
    };
    let rows = vec![
        change("register.drafts", &[("id", 3.into())], Some(before), Some(after)),
        renamed,
        change("register.people", &[("email", PERSONAL[2].into())], None, Some(person.clone())),
        change(
            "register.notes",
            &[("code", "2N2".into()), ("year", 2024.into())],
            Some(map(&[("code", "2N2".into()), ("year", 2024.into()), ("text", long("2024"))])),
            None,
        ),
        change("register.same", &[("id", 1.into())], Some(map(&[("id", 1.into())])), Some(map(&[("id", 1.into())]))),
    ];
    let also = vec![Also { table: "register.search_index".into(), inserted: 0, updated: 2, deleted: 1 }];
    let body = r#"{"reason":"withdrawn in error","date":"(known after apply)","amount":12.50,"trainee":{"email":"(personal)"},"tags":[]}"#;
    let steps = vec![
        StepPlan {
            label: Label::HasUnknowns,
            foreseen: Foreseen::Changes,
            effects: vec![Effect::Rows { changes: rows, also }],
            undo: Some(Reversal::Irreversible(Some("the letter has left the house".into()))),
            ..step(
                Section::Steps,
                "odd",
                "rows",
                "A title that is so long that it does not fit beside its label on one line of eighty",
            )
        },
        StepPlan {
            label: Label::Exact,
            foreseen: Foreseen::Sends,
            effects: vec![Effect::Request {
                line:
                    "PATCH https://teacher-qualifications-api.education.gov.uk/v2/teachers/1234567?birthdate=(personal)"
                        .into(),
                headers: vec![
                    ("Content-Type".into(), "application/json".into()),
                    ("Authorization".into(), "(secret)".into()),
                ],
                body: Some(body.into()),
                sent: None,
            }],
            notes: vec!["may be sent twice: DQT sets the same date again".into()],
            undo: Some(Reversal::ByStep("http".into())),
            ..step(Section::Steps, "send", "http", "")
        },
        StepPlan {
            label: Label::NotPreviewable("its triggers send mail".into()),
            foreseen: Foreseen::Changes,
            undo: Some(Reversal::Irreversible(None)),
            ..step(Section::Steps, "mails", "sql", "Letters")
        },
        StepPlan {
            label: Label::HasUnknowns,
            foreseen: Foreseen::Undecided,
            effects: vec![Effect::Rows { changes: vec![award_rows().remove(0)], also: Vec::new() }],
            notes: vec!["decided at apply: only when answer.body.ok".into()],
            undo: Some(Reversal::Automatic),
            ..step(Section::Steps, "perhaps", "row", "Perhaps")
        },
        StepPlan {
            label: Label::Exact,
            foreseen: Foreseen::Unchanged,
            ..step(Section::Steps, "again", "row", "Already so")
        },
    ];
    plan_of(steps, None)
}

/// Nothing would change.
pub fn nothing() -> Plan {
    let rows = vec![change("register.trainees", &[("id", 4711.into())], Some(trainee()), Some(trainee()))];
    let same = StepPlan {
        label: Label::Exact,
        foreseen: Foreseen::Unchanged,
        effects: vec![Effect::Rows { changes: rows, also: Vec::new() }],
        ..step(Section::Steps, "clear_award", "row", "Take the award back in Register")
    };
    plan_of(vec![found(Section::Preconditions, "trainee", "find", "The trainee is there", "1 row"), same], None)
}

/// It ends at its second precondition.
pub fn stopped(way: Way) -> Plan {
    let ends = StepPlan {
        foreseen: Foreseen::Ends,
        ..step(Section::Preconditions, "state", "assert", "The trainee was recommended or awarded")
    };
    let stop = Stop {
        way,
        message: "The trainee is withdrawn. This procedure is only for trainees who are recommended_for_award or awarded; ask what the provider really wants changed.".into(),
        who: (way == Way::Escalate).then(|| "register-devs".into()),
        step: "preconditions/state".into(),
        at: Span::new(10, 20),
        seen: vec![("trainee.state".into(), "withdrawn".into())],
    };
    plan_of(vec![found(Section::Preconditions, "trainee", "find", "The trainee is there", "1 row"), ends], Some(stop))
}

/// Compares with `tests/golden/report/NAME`; with `TRUEUP_BLESS=1` writes it instead.
#[track_caller]
pub fn golden(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report").join(name);
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(&path, actual).unwrap();
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; TRUEUP_BLESS=1 writes it", path.display()));
    snapbox::assert_data_eq!(actual, snapbox::Data::text(expected).raw());
}

/// Without its colours.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// No personal value is in it, and no line is wider than this, single long words aside.
#[track_caller]
pub fn is_proper(text: &str, width: usize) {
    for name in PERSONAL {
        assert!(!text.contains(name), "{name} is shown:\n{text}");
    }
    for line in plain(text).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let alone = words.len() <= 1;
        assert!(alone || super::columns::width(line) <= width, "wider than {width}: {line}");
        assert!(!line.ends_with(' '), "ends with a blank: {line:?}");
    }
}
