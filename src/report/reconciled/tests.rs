//! The report at any width, and what it comes to.

use super::*;
use crate::report::{
    look::Look,
    sample::{is_proper, plain},
};

fn at(day: i64) -> Stamp {
    Stamp { micros: 1_764_124_200_000_000 + day * crate::base::time::DAY, digits: 0 }
}

fn item(key: &str, verdict: Verdict, seen: u32) -> Item {
    Item {
        key: key.into(),
        what: vec!["register.trainees state: awarded → trn_received, awarded_at: 2025-07-01 → null".into()],
        since: at(1 - i64::from(seen)),
        seen,
        differed: None,
        healed: None,
        verdict,
        why: (verdict == Verdict::Refused).then(|| "The record is closed <b>& sealed</b>".into()),
    }
}

fn found(heals: bool, items: Vec<Item>) -> Reconciled {
    let drifted = items.len() as u64;
    let point = |day| TrendPoint {
        run: RunId(uuid::Uuid::from_u128(7)),
        at: at(day),
        of: 120,
        drifted,
        healing: 0,
        healed: None,
        failed: None,
    };
    Reconciled {
        run: RunId(uuid::Uuid::from_u128(0x0190_abcd)),
        playbook: "register/placement-detail".into(),
        environment: "production".into(),
        params: vec!["cohort='2025 autumn'".into()],
        at: at(0),
        heals,
        schedule: Some("placement-details".into()),
        actor: "register-support".into(),
        reason: "nightly".into(),
        of: 120,
        drifted,
        untried: 0,
        known: items.iter().filter(|item| item.seen > 1).count() as u64,
        gone: 1,
        unsure: false,
        left: 0,
        unclear: 0,
        kept: None,
        way_back: false,
        taken_back_by: None,
        refused: None,
        would: None,
        items,
        more: 0,
        beyond: Vec::new(),
        trend: vec![point(-2), point(-1), point(0)],
        in_doubt: false,
        halfway: Halfway::default(),
        open: None,
    }
}

#[test]
fn a_report_says_what_since_when_and_why_at_any_width() {
    let items = vec![item("1001", Verdict::Healed, 1), item("1002", Verdict::Refused, 7)];
    let found = found(true, items);
    for (width, unicode) in [(80, true), (120, true), (60, false)] {
        let shown = text(&found, Look { width, unicode, ..Look::default() });
        is_proper(&shown, width);
        let plain = plain(&shown);
        let said = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "2 of 120 items differ: 1 for the first time, 1 seen before.",
            "1 healed, 1 refused.",
            "1 that differed when it was looked before is as wanted now.",
            "7 times in a row",
            "The record is closed",
        ] {
            assert!(said.contains(part), "{part}: {plain}");
        }
        assert!(unicode || plain.is_ascii(), "{plain}");
    }
}

#[test]
fn the_worst_that_came_of_it_is_the_word_and_the_code() {
    let one = |heals, verdict| found(heals, vec![item("1", verdict, 1)]).word();
    assert_eq!(found(true, Vec::new()).word(), Came::Clean);
    assert_eq!(one(false, Verdict::Reported), Came::Drifted);
    assert_eq!(one(true, Verdict::Healed), Came::Healed);
    assert_eq!(one(true, Verdict::Refused), Came::Refused);
    assert_eq!(one(true, Verdict::Failed), Came::Failed);
    assert_eq!(one(true, Verdict::Cancelled), Came::Cancelled);
    assert_eq!(one(true, Verdict::InDoubt), Came::InDoubt);
    // What is done once is in doubt, and no item.
    let once = Reconciled { in_doubt: true, ..found(true, vec![item("1", Verdict::Healing, 1)]) };
    assert_eq!(once.word(), Came::InDoubt);
    let codes = [Came::Clean, Came::Healed, Came::Drifted, Came::Refused, Came::Cancelled, Came::Waiting];
    assert_eq!(codes.map(|came| came.exit().code()), [0, 0, 5, 4, 4, 4]);
    assert_eq!([Came::Failed, Came::InDoubt].map(|came| came.exit().code()), [1, 6]);
}

#[test]
fn a_page_names_what_could_not_be_looked_at_also_where_that_is_all() {
    let passed = Passed {
        schedule: "nightly".into(),
        wall: "2025-06-10T03:00:00".into(),
        count: 3,
        word: Settled::Missed,
        why: Some("nobody was there in time".into()),
        caught_up: false,
    };
    let beside = Beside { failed: vec![("register/odd".into(), "trueup.yaml:3:1: no".into())], passed: vec![passed] };
    let page = html(&[], &beside, at(0));
    for part in [
        "<title>Drift: 0 playbooks, and 2 that could not be looked at</title>",
        "<h1>register/odd</h1>",
        "<p class=\"sum bad\">It could not be looked at.</p>",
        "<p class=\"why\">trueup.yaml:3:1: no</p>",
        "<p class=\"sum bad\">3 times up to 2025-06-10 03:00:00 were missed and not begun.</p>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn what_was_healed_is_not_still_to_heal() {
    let mut found = found(true, vec![item("1", Verdict::Healed, 1)]);
    let told = [(3, Some(3)), (3, Some(2)), (0, None)];
    for (point, (healing, healed)) in found.trend.iter_mut().zip(told) {
        (point.healing, point.healed) = (healing, healed);
    }
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("1, 3 healed") && said.contains("1, 2 of 3 healed") && !said.contains("to heal"), "{said}");
}

#[test]
fn what_somebody_has_to_look_at_comes_before_what_is_cut_away() {
    let mut items: Vec<Item> = (0..30).map(|key| item(&key.to_string(), Verdict::Healed, 1)).collect();
    items.push(item("last-refused", Verdict::Refused, 1));
    items.push(item("last-failed", Verdict::Failed, 1));
    let mut found = found(true, items);
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    let places: Vec<usize> = ["last-failed", "last-refused", "healed"]
        .map(|word| said.lines().skip(6).collect::<String>().find(word).unwrap_or_else(|| panic!("{word}: {said}")))
        .to_vec();
    assert!(places.is_sorted(), "{said}");
    assert!(said.contains("and 12 more (12 healed); --json and --html list them"), "{said}");
    let page = html(std::slice::from_ref(&found), &Beside::default(), at(0));
    assert!(page.find("last-failed") < page.find(">0</td>"), "{page}");
    // More of them than are shown: their number is.
    found.items.iter_mut().for_each(|item| item.verdict = Verdict::Refused);
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("and 12 more (12 refused)"), "{said}");
}

#[test]
fn an_item_that_was_as_wanted_when_its_turn_came_was_healed_by_nobody_here() {
    assert_eq!(Verdict::at(Some(crate::journal::words::End::Unchanged)), Verdict::AsWanted);
    let found = found(true, vec![item("1", Verdict::Healed, 1), item("2", Verdict::AsWanted, 1)]);
    assert_eq!((found.healed(), found.word(), found.exit().code()), (1, Came::Healed, 0));
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("1 healed, 1 as wanted by then.") && said.contains("as wanted\n"), "{said}");
}

#[test]
fn what_could_not_be_tried_out_differs_in_no_count_and_is_no_success() {
    let mut found = found(false, vec![item("1001", Verdict::Failed, 2), item("1002", Verdict::Reported, 1)]);
    (found.drifted, found.untried, found.known) = (1, 1, 0);
    found.items[0].why = Some("permission denied for table trainees".into());
    assert_eq!((found.word(), found.exit().code()), (Came::Failed, 1));
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for part in [
        "1 of 120 items differs: seen for the first time. 1 other could not be tried out.",
        "failed",
        "permission denied",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let page = html(std::slice::from_ref(&found), &Beside::default(), at(0));
    assert!(page.contains("<p class=\"sum bad\">1 of 120") && page.contains("<td class=\"bad\">failed</td>"), "{page}");
    // Where nothing else is to be said.
    found.items.pop();
    found.drifted = 0;
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("1 of 120 items could not be tried out; no other differs."), "{said}");
    assert!(json(&found).contains("\"came_to\": \"failed\"") && json(&found).contains("\"not_tried\": 1"));
}

#[test]
fn a_night_on_which_nothing_could_be_tried_out_looks_like_no_good_one() {
    let mut all = found(false, vec![item("1001", Verdict::Failed, 1)]);
    (all.drifted, all.untried) = (0, 1);
    for (point, failed) in all.trend.iter_mut().zip([None, None, Some(17)]) {
        (point.drifted, point.failed) = (3, failed);
    }
    let page = html(std::slice::from_ref(&all), &Beside::default(), at(0));
    assert!(page.contains("3 of 120 differed, 17 could not be tried out"), "{page}");
    assert_eq!(page.matches("<rect class=\"failed\"").count(), 1, "{page}");
    assert!(page.contains("red is what could not be tried out"), "{page}");
    let said = plain(&text(&all, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("3, 17 could not be tried out"), "{said}");
    all.trend.iter_mut().for_each(|point| point.failed = None);
    assert!(!html(&[all], &Beside::default(), at(0)).contains("red is what"));
}

#[test]
fn a_page_has_no_script_and_nothing_in_it_is_markup() {
    let mut odd = found(false, vec![item("<img src=x onerror=alert(1)>", Verdict::Refused, 2)]);
    odd.playbook = "\"><script>alert(1)</script>".into();
    odd.reason = "' onmouseover='alert(1)".into();
    let odd_too = Beside { failed: vec![("<script>".into(), "<b>no</b>".into())], ..Beside::default() };
    let page = html(&[odd], &odd_too, at(0));
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"), "{page}");
    assert!(!page.contains("onmouseover='") && page.contains("&lt;b&gt;&amp; sealed&lt;/b&gt;"), "{page}");
    let tags: Vec<&str> = page.split('<').skip(1).filter_map(|rest| rest.split(['>', ' ', '\n']).next()).collect();
    let known = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "table", "thead",
        "tbody", "tr", "th", "td", "details", "summary", "code", "figure", "svg", "g", "rect", "text", "line",
    ];
    for tag in tags {
        assert!(known.contains(&tag.trim_start_matches('/')), "<{tag}>");
    }
}

#[test]
fn a_report_says_how_much_of_it_healing_would_refuse() {
    let items = vec![item("1001", Verdict::Reported, 1), item("1002", Verdict::Refused, 7)];
    let said = deeds(&found(false, items));
    assert_eq!(said[0], "Nothing was changed: this only reports. Healing would refuse 1 of them.");
    let mut one = found(false, vec![item("1001", Verdict::Reported, 1)]);
    assert_eq!(deeds(&one)[0], "Nothing was changed: this only reports.");
    // Also what the caps refuse, and it proposes to heal nothing that would be refused.
    one.drifted = 10;
    let mut would = |items, beyond, refused: Option<&str>| {
        one.would = Some(WouldHeal { items, beyond, refused: refused.map(str::to_owned) });
        let commands = next_steps(&one).into_iter().map(|(what, _)| what).collect::<Vec<_>>();
        (deeds(&one)[0].replacen("Nothing was changed: this only reports.", "", 1), commands)
    };
    let (heal, rest) = ("heal what differs", "see all that is left to do");
    assert_eq!(would(10, 0, None), (String::new(), vec![heal]));
    let said = " Healing would refuse 5 of them, 4 of these because one run may heal no more than 5 (`most`).";
    assert_eq!(would(5, 4, None), (said.to_owned(), vec![heal]));
    let said = " Healing would refuse 5 of them, because one run may heal no more than 5 (`most`).";
    assert_eq!(would(5, 5, None), (said.to_owned(), vec![heal]));
    assert_eq!(would(0, 0, Some("no")), (" Healing would refuse all of them: no.".to_owned(), vec![rest]));
}

#[test]
fn dates_below_the_trend_have_the_room_that_they_need() {
    let mut all = found(false, vec![item("1001", Verdict::Reported, 2)]);
    let point = all.trend[0].clone();
    let labels = |page: &str| {
        let svg = page.split_once("<svg").unwrap().1;
        let width: usize = svg.split_once("width=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap();
        let texts = svg.split("</text>").filter_map(|text| Some(text.rsplit_once('>')?.1.to_owned()));
        (width, texts.filter(|text| text.contains('-')).collect::<Vec<_>>())
    };
    for (bars, said) in [
        (2, vec!["2025-11-24 to 2025-11-25"]),
        (6, vec!["2025-11-24 to 2025-11-29"]),
        (7, vec!["2025-11-24", "2025-11-30"]),
    ] {
        all.trend = (0..bars).map(|day| TrendPoint { at: at(day - 2), ..point.clone() }).collect();
        let (width, found) = labels(&html(std::slice::from_ref(&all), &Beside::default(), at(0)));
        assert_eq!(found, said, "{bars}");
        // A letter of 11 px is less than 7 px wide.
        assert!(width >= 7 * found.iter().map(String::len).sum::<usize>() + 10, "{bars} bars: {width}");
    }
    all.trend = vec![point.clone(), point];
    assert_eq!(labels(&html(&[all], &Beside::default(), at(0))).1, ["2025-11-24"]);
}

#[test]
fn what_came_of_items_that_are_not_listed_is_counted_with_the_others() {
    let mut found = found(true, vec![item("1001", Verdict::Healed, 1)]);
    (found.drifted, found.more) = (12_001, 12_000);
    found.beyond = vec![(Verdict::Healed, 11_990), (Verdict::Failed, 3), (Verdict::Refused, 7)];
    assert_eq!((found.healed(), found.refused_items(), found.word()), (11_991, 7, Came::Failed));
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("11991 healed, 7 refused, 3 failed."), "{said}");
}

#[test]
fn equal_reasons_are_told_once_with_their_number_and_some_of_their_items() {
    let mut items: Vec<Item> = (1..=12).map(|key| item(&key.to_string(), Verdict::Refused, 1)).collect();
    items.insert(4, Item { why: Some("It is somebody else's.".into()), ..item("odd", Verdict::Refused, 1) });
    items.push(item("good", Verdict::Healed, 1));
    let found = found(true, items);
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert_eq!((said.matches("The record is closed").count(), said.matches("refused\n").count()), (1, 2), "{said}");
    for part in ["12 items ", "1, 2, 3, 4, 5 and 7 more", "odd  new", "good  new"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let page = html(std::slice::from_ref(&found), &Beside::default(), at(0));
    for part in [
        "<td class=\"key\">12 items</td><td><p class=\"why\">The record is closed",
        "<summary>1, 2, 3, 4, 5 and 7 more</summary><p>1 (new): register.trainees state",
        "<p>12 (new): register.trainees state",
        "<td class=\"key\">odd</td>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("The record is closed").count(), 1);
    // In JSON each stands for itself, with its reason.
    assert_eq!(json(&found).matches("The record is closed").count(), 12);
}

#[test]
fn the_bars_of_a_trend_begin_in_one_column_and_end_within_the_page() {
    let mut found = found(true, vec![item("1", Verdict::Healed, 1)]);
    for (drifted, failed, bars) in [(40, 1, true), (19_913, 120, false)] {
        let point = TrendPoint { drifted, healing: drifted, healed: Some(drifted - 1), ..found.trend[0].clone() };
        found.trend = vec![point.clone(), TrendPoint { failed: Some(failed), ..point }];
        let shown = plain(&text(&found, Look { width: 80, unicode: false, ..Look::default() }));
        let lines: Vec<&str> = shown.lines().filter(|line| line.contains(" healed") && line.contains(':')).collect();
        let begin: Vec<Option<usize>> = lines.iter().map(|line| line.find('#')).collect();
        assert!(lines.len() == 2 && begin[0] == begin[1] && begin[0].is_some() == bars, "{shown}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{shown}");
    }
}

#[test]
fn a_report_ends_with_what_there_is_to_do() {
    let of = |heals, items| found(heals, items);
    let told = |found: &Reconciled| next_steps(found).into_iter().map(|(_, command)| command).collect::<Vec<_>>();
    let playbook = "register/placement-detail cohort='2025 autumn' --env production";
    let heal = format!("trueup reconcile {playbook} --heal --reason \"…\"");
    let plan = format!("trueup plan {playbook}");
    let drifted = of(false, vec![item("1", Verdict::Reported, 1), item("2", Verdict::Refused, 1)]);
    assert_eq!(told(&drifted), [&heal, &plan].map(String::as_str));
    assert_eq!(told(&of(false, vec![item("2", Verdict::Refused, 1)])), [&*plan]);
    let failed = of(true, vec![item("1", Verdict::Failed, 1)]);
    assert_eq!(told(&failed), [&format!("trueup show {}", failed.run.short()), &plan].map(String::as_str));
    // What could not be tried out is in no run.
    assert_eq!(told(&Reconciled { untried: 1, ..failed.clone() }), [&*plan]);
    for nothing in [
        of(true, vec![item("1", Verdict::Healed, 1)]),
        of(false, Vec::new()),
        Reconciled { open: Some("It waits.".into()), ..of(true, vec![item("1", Verdict::Healing, 1)]) },
    ] {
        assert_eq!(told(&nothing), Vec::<String>::new());
    }
    let said = plain(&text(&drifted, Look { width: 120, unicode: true, ..Look::default() }));
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.ends_with(&plan) && said.contains(&heal), "{said}");
    let page = html(&[drifted], &Beside::default(), at(0));
    assert!(
        page.contains("<p>heal what differs: <code>trueup reconcile register/placement-detail cohort=&#39;"),
        "{page}"
    );
}

#[test]
fn what_was_done_for_items_that_were_not_carried_through_is_told_and_can_be_taken_back() {
    let found = found(true, vec![item("1", Verdict::Cancelled, 1), item("2", Verdict::Cancelled, 1)]);
    let said = deeds(&found).join(" ");
    assert!(said.starts_with("2 cancelled.") && !said.contains("made"), "{said}");
    let left = |items, requests| Reconciled { halfway: Halfway { items, requests }, way_back: true, ..found.clone() };
    for (items, requests, words) in [
        (1, 0, "Something was done for 1 item that was not carried through."),
        (1, 1, "1 request was made for 1 item that was not carried through."),
        (2, 4, "4 requests were made for 2 items that were not carried through."),
    ] {
        let found = left(items, requests);
        assert_eq!(halfway(found.halfway).as_deref(), Some(words));
        let next = next_steps(&found);
        let (show, undo) = (format!("trueup show {}", found.run.short()), format!("trueup undo {}", found.run.short()));
        assert_eq!(next.first(), Some(&("see what was cancelled", show)));
        assert_eq!(next.last(), Some(&("take back what was done", undo)));
    }
    let without = Reconciled { way_back: false, ..left(2, 4) };
    assert!(next_steps(&without).iter().all(|(_, command)| !command.contains("undo")));
    let back = Reconciled { taken_back_by: Some(found.run), ..left(2, 4) };
    let said = deeds(&back).join(" ");
    assert!(!said.contains("made for") && said.contains("taken back"), "{said}");
}

#[test]
fn what_is_gone_is_told_apart_from_what_is_as_wanted() {
    let mut found = found(false, vec![item("1", Verdict::Reported, 1)]);
    (found.gone, found.left, found.unclear) = (1, 2, 3);
    let said = deeds(&found).join(" ");
    for part in [
        "1 that differed when it was looked before is as wanted now.",
        "2 that differed when it was looked before are in the source no more.",
        "3 that differed when it was looked before are found no more: as wanted now, or gone.",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    found.unsure = true;
    assert!(deeds(&found).join(" ").contains("At least 2 that differed"));
}

#[test]
fn reasons_that_differ_in_keys_and_numbers_alone_are_told_together_and_unfold_to_their_own() {
    let away = |key: &str| Item {
        why: Some(format!("no answer from http://crm/things/{key}")),
        ..item(key, Verdict::Failed, 1)
    };
    let found = found(true, (101..=130).map(|key| away(&key.to_string())).collect());
    let said = plain(&text(&found, Look { width: 80, unicode: false, ..Look::default() }));
    assert!(said.contains("30 items  new ") && said.contains("no answer from http://crm/things/..."), "{said}");
    assert!(said.contains("101, 102, 103, 104, 105 and 25 more"), "{said}");
    let page = html(std::slice::from_ref(&found), &Beside::default(), at(0));
    assert!(page.contains("<p class=\"why\">no answer from http://crm/things/…</p>"), "{page}");
    assert!(
        page.contains("no answer from http://crm/things/117") && page.contains("<td class=\"when\">new</td>"),
        "{page}"
    );
    // Two are no crowd.
    let found = super::tests::found(true, vec![away("1"), away("2")]);
    let said = plain(&text(&found, Look { width: 80, unicode: true, ..Look::default() }));
    assert!(said.contains("things/1") && said.contains("things/2"), "{said}");
}
