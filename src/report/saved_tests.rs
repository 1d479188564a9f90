//! Saved plans as people see them, and what a changed byte does to their file.

use super::{
    drift,
    look::Look,
    page::Page,
    plan::{self, About},
    plan_diff, plan_json,
    sample::{self, PERSONAL, golden, is_proper, plain, view},
};
use crate::{
    action::ends::Way,
    approval::{Demand, Group},
    base::{identity::RunId, seal::Sealer, secret::Masks, secret::Secret, value::Value},
    effect::label::Label,
    engine::trouble::Difference,
    plan::{
        Effect, Foreseen, Plan, StepPlan,
        file::{self, BadPlan, FORMAT, Header, MANY_FORMAT, Saved},
        stored,
    },
};
use std::io::Cursor;

const TEXT: &str = "trueup: v1\nname: register/correct-award\n";

fn key() -> (tempfile::TempDir, Sealer) {
    let home = tempfile::tempdir().unwrap();
    let sealer = Sealer::open_or_create(&home.path().join("seal.key"), Masks::default()).unwrap();
    (home, sealer)
}

fn header(plan: &Plan) -> Header {
    Header {
        trueup_plan: FORMAT,
        engine: "0.1.0".into(),
        id: "01a2021b-0c70-763e-8270-9dad0000aaaa".into(),
        run: RunId(uuid::Uuid::from_u128(0x0190)),
        journal: "01a2021b-0c70-763e-8270-9dad0000bbbb".into(),
        playbook: plan.playbook.clone(),
        version: plan.version,
        title: plan.title.clone(),
        path: "playbooks/register/correct-award.yaml".into(),
        shown: "playbooks/register/correct-award.yaml".into(),
        text: TEXT.into(),
        sha256: plan.text_hash.as_str().into(),
        facts: "trueup: v1\nproject: p\n".into(),
        facts_sha256: file::sum("trueup: v1\nproject: p\n").into(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        targets: plan.targets.clone(),
        actor: "anna".into(),
        reason: Some("Zendesk 88213".into()),
        made_at: plan.at,
        expires_at: sample::moment("2025-07-24T10:00:00"),
        items_of: None,
        lone: None,
        matched: None,
        undo: None,
        names: None,
    }
}

fn written(plan: &Plan, sealer: &Sealer) -> (Vec<u8>, Saved) {
    let mut bytes = Vec::new();
    let saved = file::write(&mut bytes, &header(plan), &plan.items, sealer).unwrap();
    (bytes, saved)
}

fn read(bytes: &[u8], sealer: &Sealer) -> Result<Saved, BadPlan> {
    file::read(&mut Cursor::new(bytes), sealer)
}

fn samples() -> Vec<Plan> {
    let ways = [Way::Stop, Way::Escalate, Way::Fail, Way::Skip, Way::Done].map(sample::stopped);
    [sample::award(), sample::odd(), sample::nothing()].into_iter().chain(ways).map(marked).collect()
}

/// As the engine makes it: personal columns carry their mark, and the clock counts microseconds.
fn marked(mut plan: Plan) -> Plan {
    plan.at.digits = 6;
    let facts = view(80, true).facts;
    let effects = plan.items.iter_mut().flat_map(|item| &mut item.steps).flat_map(|step| &mut step.effects);
    for effect in effects {
        let Effect::Rows { changes, .. } = effect else { continue };
        for change in changes {
            let Some(facts) = facts(&change.table) else { continue };
            change.key = facts.marked(&change.key);
            change.before = change.before.as_ref().map(|row| facts.marked(row));
            change.after = change.after.as_ref().map(|row| facts.marked(row));
        }
    }
    plan
}

#[test]
fn a_saved_plan_is_shown_as_it_was_made() {
    let (_home, sealer) = key();
    for made in samples() {
        let (bytes, saved) = written(&made, &sealer);
        let back = read(&bytes, &sealer).unwrap();
        assert_eq!(back.digest, saved.digest);
        assert_eq!(back.digest, made.digest(), "a plan that holds no secret has one digest, saved or not");
        for unicode in [true, false] {
            let shown = |plan: &Plan| plan::text(plan, &About::default(), &view(80, unicode));
            assert_eq!(shown(&back.plan), shown(&made));
        }
        let facts = view(80, true).facts;
        assert!(plan_json::document(&back.plan, facts) == plan_json::document(&made, facts));
    }
}

#[test]
fn no_personal_value_stands_in_a_plan_file_in_clear_and_no_secret_at_all() {
    let (home, masks) = (tempfile::tempdir().unwrap(), Masks::default());
    masks.add(&Secret::new("hunter22hunter"));
    let sealer = Sealer::open_or_create(&home.path().join("seal.key"), masks).unwrap();
    for mut made in samples() {
        made.items[0].rests_on.push((
            crate::template::Path { steps: vec![crate::template::Step::Name("who".into())] },
            Value::from(PERSONAL[0]).marked(crate::base::value::Marks::PERSONAL),
        ));
        if let Some(step) = made.items[0].steps.first_mut() {
            step.notes.push("the key is hunter22hunter".into());
        }
        let (bytes, saved) = written(&made, &sealer);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("$sealed") && made.digest().len() == 64);
        for word in PERSONAL.iter().chain(&["hunter22"]) {
            assert!(!text.contains(word), "{word} stands in {text}");
        }
        assert_eq!(read(&bytes, &sealer).unwrap().digest, saved.digest);
        // Without the key all the rest can still be read.
        let nobody = read(&bytes, &Sealer::without_key(Masks::default())).unwrap();
        assert_eq!(nobody.plan.items[0].steps.len(), made.items[0].steps.len());
    }
}

#[test]
fn items_that_two_processors_take_apart_are_counted_in_their_order() {
    let (_home, sealer) = key();
    let one = marked(sample::award()).items.remove(0);
    for count in [0, 1, 129, 300] {
        let mut made = marked(sample::award());
        made.items = (0..count)
            .map(|n: i64| {
                let key = format!("{n}").into();
                crate::plan::ItemPlan { key, item: Some(Value::from(n)), ..one.clone() }
            })
            .collect();
        let header = Header { items_of: Some(count.unsigned_abs()), ..header(&made) };
        let mut bytes = Vec::new();
        let saved = file::write(&mut bytes, &header, &made.items, &sealer).unwrap();
        // The digest was made item by item while they were written, and reading compares it.
        let (back, sum) = file::read_with_sum(&mut Cursor::new(&bytes), &sealer).unwrap();
        assert_eq!(back.digest, saved.digest, "{count}");
        assert_eq!(back.plan.tally().items, count.unsigned_abs());
        let held: Vec<String> = back.plan.items.iter().map(|item| item.key.to_string()).collect();
        let first: Vec<String> = (0..count.min(201)).map(|n| n.to_string()).collect();
        assert_eq!(held, first, "{count}");
        let again = file::Items::of(&bytes[..], &sealer, sum).unwrap().map(|item| item.unwrap().key.to_string());
        assert_eq!(again.collect::<Vec<_>>(), (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// One change of a file; nothing where it would be none.
fn changed(bytes: &[u8], numbers: &mut Numbers) -> Option<(String, Vec<u8>)> {
    let mut other = bytes.to_vec();
    let at = numbers.below(bytes.len());
    let what = match numbers.below(8) {
        0..=2 => {
            other[at] ^= 1 << numbers.below(8);
            format!("a bit of byte {at} flipped")
        }
        3 => {
            other.truncate(at);
            format!("cut off at {at}")
        }
        4 => {
            other.remove(at);
            format!("byte {at} taken out")
        }
        5 => {
            other.insert(at, b' ');
            format!("a blank put in at {at}")
        }
        6 => {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
            let (one, two) = (numbers.below(lines.len()), numbers.below(lines.len()));
            lines.swap(one, two);
            other = lines.concat();
            format!("lines {one} and {two} changed places")
        }
        _ => {
            let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
            let twice = numbers.below(lines.len());
            other = lines
                .iter()
                .enumerate()
                .flat_map(|(i, l)| std::iter::repeat_n(*l, if i == twice { 2 } else { 1 }))
                .flatten()
                .copied()
                .collect();
            format!("line {twice} stands twice")
        }
    };
    (other != bytes).then_some((what, other))
}

#[test]
fn five_hundred_changed_plan_files_are_all_refused() {
    let (_home, sealer) = key();
    let mut numbers = Numbers(20_250_723);
    let (mut refused, mut kinds) = (0, std::collections::BTreeSet::new());
    let plans: Vec<_> = [sample::award(), sample::odd()].iter().map(|plan| written(plan, &sealer).0).collect();
    while refused < 500 {
        let Some((what, bytes)) = changed(&plans[refused % 2], &mut numbers) else { continue };
        match read(&bytes, &sealer) {
            Ok(_) => panic!("{what}, and the plan is read all the same"),
            Err(why) => {
                let text = why.to_string();
                assert!(!PERSONAL.iter().any(|person| text.contains(person)), "{text}");
                assert!(!why.help().is_empty());
                kinds.insert(text.chars().take(40).collect::<String>());
            }
        }
        refused += 1;
    }
    assert!(kinds.len() > 4, "the changes were all of one kind: {kinds:?}");
}

#[test]
fn what_a_run_keeps_of_an_item_is_put_together_from_its_line_as_from_the_item() {
    let (home, masks) = (tempfile::tempdir().unwrap(), Masks::default());
    masks.add(&Secret::new("hunter22hunter"));
    let sealer = Sealer::open_or_create(&home.path().join("seal.key"), masks).unwrap();
    let (mut rows, mut sent, mut sealed, mut left, mut told) = (0, 0, 0, 0, 0);
    for mut made in samples() {
        let path = crate::template::Path {
            steps: vec![
                crate::template::Step::Name("a".into()),
                crate::template::Step::Each,
                crate::template::Step::Length,
            ],
        };
        made.items[0].rests_on.push((path, Value::NULL));
        let secret = Value::from("s").marked(crate::base::value::Marks::SECRET);
        let body = Value::map([("key", "hunter22hunter".into()), ("token", secret), ("$date", Value::NULL)]);
        let request = Effect::Request { line: String::new(), headers: Vec::new(), body: None, sent: Some(body) };
        made.items[0].steps.iter_mut().take(1).for_each(|step| step.effects.push(request.clone()));
        let more: Vec<_> = made.items[0]
            .steps
            .first()
            .into_iter()
            .flat_map(|step| {
                let none = Effect::Rows { changes: Vec::new(), also: Vec::new() };
                let way = Effect::Answer { summary: "a row → an arm".into() };
                let (exact, read) = (Label::Exact, Label::Read);
                let of = |kind, label: &Label, foreseen, effects| StepPlan {
                    path: format!("steps/{kind}").into(),
                    kind,
                    label: label.clone(),
                    foreseen,
                    effects,
                    ..step.clone()
                };
                [
                    of("rows", &exact, Foreseen::Unchanged, vec![none]),
                    of("row", &exact, Foreseen::Skipped, Vec::new()),
                    of("choose", &read, Foreseen::Passes, vec![way]),
                    of("http", &Label::HasUnknowns, Foreseen::Changes, vec![step.effects[0].clone()]),
                    of("sql", &Label::HasUnknowns, Foreseen::Undecided, vec![step.effects[0].clone()]),
                    of("tell", &exact, Foreseen::Tells, Vec::new()),
                ]
            })
            .collect();
        made.items[0].steps.extend(more);
        made.items[0].item = Some(Value::NULL);
        made.items[0].lane = Some("\"lane\"\n".into());
        let (bytes, saved) = written(&made, &sealer);
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).take(made.items.len()).collect();
        for (line, item) in lines.into_iter().zip(&saved.plan.items) {
            let whole = stored::of_line(line).unwrap();
            assert_eq!(*whole.key, *item.key);
            assert!(whole.item.is_some_and(|given| given == "null"), "{line}");
            let back = sealer.open_json(&whole.kept).unwrap();
            assert_eq!(format!("{back:?}"), format!("{:?}", stored::store(item)), "{line}");
            assert!(back.get("item").is_some_and(|item| item.is_null()));
            let loaded = stored::load(&back).unwrap();
            for step in &item.steps {
                let none = |step: &StepPlan| {
                    let rows = |e: &Effect| matches!(e, Effect::Rows { changes, .. } if changes.is_empty());
                    step.effects.iter().any(rows)
                };
                let Some(kept) = loaded.steps.iter().find(|kept| kept.path == step.path) else {
                    assert!(!step.surely_acts(), "{line}");
                    continue;
                };
                assert_eq!(kept.surely_acts(), step.surely_acts(), "{} {line}", step.path);
                assert_eq!(kept.is_left_out(), step.is_left_out(), "{line}");
                assert_eq!((kept.way(), none(kept)), (step.way(), none(step)), "{line}");
                told += u32::from(kept.is_left_out()) + u32::from(kept.way().is_some()) + u32::from(none(kept));
            }
            rows += whole.kept.matches("\"before\":").count();
            sent += whole.kept.matches("\"sent\":").count();
            sealed += whole.kept.matches("$sealed").count();
            left += whole.kept.matches("$secret").count();
        }
    }
    assert!(rows > 5 && sent > 0 && sealed > 3 && left > 0 && told > 2, "{rows} {sent} {sealed} {left} {told}");
    // Where a part that must be known is sealed, the item is taken apart.
    for line in ["{}", "{\"key\":{\"$sealed\":\"x\"}}", "{\"key\":\"1\",\"steps\":{\"$sealed\":\"x\"}}", "not a line"] {
        assert!(stored::of_line(line).is_none(), "{line}");
    }
}

/// A changed file, with the sum of what stands there now.
fn with_its_sum(text: &str) -> String {
    let (body, trailer) = text.trim_end().rsplit_once('\n').unwrap();
    let sum = file::sum(&format!("{body}\n"));
    let at = trailer.find("\"sha256\":\"").unwrap() + "\"sha256\":\"".len();
    format!("{body}\n{}{sum}{}\n", &trailer[..at], &trailer[at + 64..])
}

#[test]
fn what_many_items_come_to_stands_under_the_seal_and_is_counted_where_there_is_no_key() {
    let (_home, sealer) = key();
    let mut made = marked(sample::award());
    let ways = [Way::Stop, Way::Escalate, Way::Fail, Way::Skip, Way::Done].map(sample::stopped);
    let kinds: Vec<_> =
        [sample::award(), sample::odd(), sample::nothing()].into_iter().chain(ways).map(marked).collect();
    made.items = (0..300)
        .map(|n: usize| {
            let one = kinds[n % kinds.len()].items[0].clone();
            crate::plan::ItemPlan { key: format!("{n}").into(), item: Some(Value::from(n as i64)), ..one }
        })
        .collect();
    let header = Header { items_of: Some(300), trueup_plan: MANY_FORMAT, ..header(&made) };
    let mut bytes = Vec::new();
    let saved = file::write(&mut bytes, &header, &made.items, &sealer).unwrap();
    let counted = format!("{:?}", saved.plan.tally());
    assert!(saved.plan.tally().reasons.len() >= 5 && !saved.plan.tally().irreversible.is_empty(), "{counted}");
    let (back, sum) = file::read_with_sum(&mut Cursor::new(&bytes), &sealer).unwrap();
    assert_eq!((format!("{:?}", back.plan.tally()), &back.digest), (counted, &saved.digest));
    assert_eq!(back.plan.items.len(), 201);
    assert_eq!(file::Items::of(&bytes[..], &sealer, sum).unwrap().filter(Result::is_ok).count(), 300);

    let text = String::from_utf8(bytes).unwrap();
    let line = text.lines().find(|line| line.starts_with("{\"trueup_plan_tally\":")).unwrap();
    let fewer = text.replacen(line, &line.replacen("\"changing\":", "\"changing\":1", 1), 1);
    let without = text.replacen(&format!("{line}\n"), "", 1);
    for forged in [fewer, without] {
        assert!(matches!(read(forged.as_bytes(), &sealer), Err(BadPlan::Damaged { .. })));
        let forged = with_its_sum(&forged);
        assert!(matches!(read(forged.as_bytes(), &sealer), Err(BadPlan::OtherSeal)));
        // Without the key nothing can be done with it, and what is shown was counted.
        let nobody = read(forged.as_bytes(), &Sealer::without_key(Masks::default())).unwrap();
        assert_eq!(nobody.plan.tally().changing, saved.plan.tally().changing);
    }
}

#[test]
fn a_file_that_somebody_made_fit_again_without_the_key_is_refused() {
    let (_home, sealer) = key();
    let (bytes, _) = written(&sample::award(), &sealer);
    let text = String::from_utf8(bytes).unwrap();
    // Who asked for it is another one now, and the sum is made anew: only the seal tells.
    let text = text.replacen("\"actor\":\"anna\"", "\"actor\":\"zoe!\"", 1);
    let forged = with_its_sum(&text);
    let refused = read(forged.as_bytes(), &sealer).unwrap_err();
    assert!(matches!(refused, BadPlan::OtherSeal), "{refused}");
    // Somebody without the key cannot tell, and can do nothing with it but look.
    assert_eq!(&*read(forged.as_bytes(), &Sealer::without_key(Masks::default())).unwrap().header.actor, "zoe!");
}

#[test]
fn each_refusal_says_what_is_wrong_and_what_to_do() {
    let (_home, sealer) = key();
    let (_other, stranger) = key();
    let (bytes, _) = written(&sample::award(), &sealer);
    let newer = String::from_utf8(bytes.clone()).unwrap().replacen("\"trueup_plan\":1", "\"trueup_plan\":4", 1);
    let cases: Vec<(&str, Vec<u8>, &Sealer)> = vec![
        ("another key", bytes.clone(), &stranger),
        ("a newer form", newer.into_bytes(), &sealer),
        ("something else", b"trueup: v1\n".to_vec(), &sealer),
        ("an empty file", Vec::new(), &sealer),
        ("the end is missing", bytes[..bytes.len() - 300].to_vec(), &sealer),
        ("cut between two lines", bytes[..=bytes.iter().position(|b| *b == b'\n').unwrap()].to_vec(), &sealer),
        ("something behind the end", [bytes.clone(), b"\n".to_vec()].concat(), &sealer),
        ("a changed byte", String::from_utf8(bytes).unwrap().replacen("exact", "exacT", 1).into_bytes(), &sealer),
    ];
    let told = cases.iter().map(|(name, bytes, sealer)| {
        let why = read(bytes, sealer).unwrap_err();
        format!("{name}\n  `award.plan` {why}\n  help: {}\n", why.help())
    });
    golden("plan-file-refused.txt", &told.collect::<String>());
}

fn demands() -> Vec<Demand> {
    let leads = Group { name: "leads".into(), people: vec!["ben".into(), "cleo".into()] };
    vec![
        Demand { need: 2, by: Vec::new(), because: "high risk".into() },
        Demand {
            need: 1,
            by: vec![leads],
            because: "it changes register.drafts, and `odd` cannot be taken back".into(),
        },
    ]
}

#[test]
fn a_saved_plan_says_what_it_is_what_is_for_good_and_who_must_agree() {
    let (_home, sealer) = key();
    let mut all = String::new();
    for made in [sample::award(), sample::odd(), sample::stopped(Way::Stop)] {
        let (_, saved) = written(&made, &sealer);
        let demands = demands();
        let about = About {
            who: Some("anna"),
            why: Some("Zendesk 88213"),
            apply: Some("trueup apply award.plan"),
            approve: Some("trueup approve award.plan --reason \"…\""),
            agreed: &[],
            demands: &demands,
            void: None,
            saved: Some(&saved),
        };
        let shown = plan::text(&saved.plan, &about, &view(80, true));
        let brief = plan::brief(&saved.plan, &About { apply: None, approve: None, ..about }, Look::default());
        if made.items[0].stop.is_none() {
            is_proper(&shown, 80);
            is_proper(&brief, 80);
        }
        let (head, tail) = (shown.find("\n\n\u{1b}").unwrap_or(0), shown.rfind("Plan:").unwrap());
        all.push_str(&format!("{}\n…\n{}----\n{}====\n", plain(&shown[..head]), plain(&shown[tail..]), plain(&brief)));
    }
    golden("plan-saved.txt", &all);
    let (_, saved) = written(&sample::award(), &sealer);
    let document = plan_json::of_saved(&saved, &["zoe".into()], None, view(80, true).facts);
    assert!(document.contains("\"saved\": {") && document.contains("\"short\": \"0000aaaa\""), "{document}");
    let described = include_str!("../../docs/json.md");
    for key in [
        "saved",
        "id",
        "short",
        "run",
        "journal",
        "actor",
        "engine",
        "made",
        "expires",
        "project_sha256",
        "agreed",
        "void",
    ] {
        assert!(document.contains(&format!("\"{key}\"")) && described.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn of_a_plan_that_was_agreed_to_nobody_is_told_that_somebody_must() {
    let (_home, sealer) = key();
    let (_, saved) = written(&sample::award(), &sealer);
    let demands = demands();
    let brief = |agreed: &[String]| {
        let about = About { who: Some("anna"), agreed, demands: &demands, saved: Some(&saved), ..About::default() };
        plain(&plan::brief(&saved.plan, &about, Look::default()))
    };
    let names = ["zoe", "ben"].map(str::to_owned);
    let half = brief(&names[..1]);
    assert!(half.contains("other people must agree:") && half.contains("(1 so far: zoe)"), "{half}");
    assert!(half.contains("1 approval by leads (ben, cleo)"), "{half}");
    let whole = brief(&names);
    assert!(whole.contains("Enough people have agreed: zoe, ben\n") && !whole.contains("must agree"), "{whole}");
}

#[test]
fn two_plans_are_compared_by_what_they_promise() {
    let (_home, sealer) = key();
    let (_, one) = written(&sample::award(), &sealer);
    let facts = view(80, true).facts;
    let same = plan_diff::between(&one, &one, facts);
    assert!(same.is_empty());
    let mut other = sample::award();
    other.params.insert("slug".into(), "another".into());
    other
        .params
        .insert("email".into(), Value::from("somebody.else@example.test").marked(crate::base::value::Marks::PERSONAL));
    other.items[0].steps.retain(|step| !step.path.ends_with("tell-1"));
    for step in &mut other.items[0].steps {
        for effect in &mut step.effects {
            if let Effect::Rows { changes, .. } = effect
                && let Some(after) = &mut changes[0].after
            {
                after.insert("state".into(), 3.into());
                after.insert("email".into(), Value::from("x@example.test").marked(crate::base::value::Marks::PERSONAL));
            }
        }
    }
    let (_, other) = written(&other, &sealer);
    let found = plan_diff::between(&one, &other, facts);
    let text = plan_diff::text(&found, &one, &other, Look::default());
    is_proper(&text, 80);
    assert!(!text.contains("somebody.else") && !text.contains("x@example"), "{text}");
    golden(
        "plan-diff.txt",
        &format!("{}----\n{}", plain(&text), plain(&plan_diff::text(&same, &one, &one, Look::default()))),
    );
    let document = plan_diff::document(&found, &one, &other);
    assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok(), "{document}");
    assert!(!document.contains("x@example") && !document.contains('\u{0}'), "{document}");
}

#[test]
fn what_drifted_is_a_table_where_it_fits_and_blocks_where_not() {
    let one = |subject: &str, column: &str, planned: &str, found: &str| {
        let text = str::to_owned;
        (
            "-".to_owned(),
            Difference { subject: text(subject), column: text(column), planned: text(planned), found: text(found) },
        )
    };
    let short = vec![
        one("register.trainees id 4711", "state", "awarded", "withdrawn"),
        one("register.trainees id 4711", "email", "(personal)", "(personal), but another one"),
        one("register.placements id 12", "", "there", "not there any more"),
    ];
    let long = vec![one(
        "register.trainees id 4711",
        "note",
        "The trainee began in September and left the course in July 2024",
        "The trainee began in October and left the course in June 2025, as the provider says in its letter",
    )];
    let items = short.iter().cloned().map(|(_, d)| ("provider 12".to_owned(), d)).collect::<Vec<_>>();
    let mut all = String::new();
    for (width, differences) in [(80, &short), (50, &short), (80, &long), (120, &items)] {
        let mut page = Page::new(Look { width, unicode: true, ..Look::default() });
        drift::table(&mut page, 2, differences);
        let shown = page.finish();
        is_proper(&shown, width);
        all.push_str(&format!("{}----\n", plain(&shown)));
    }
    golden("drift.txt", &all);
}
