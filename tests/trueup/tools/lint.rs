//! `trueup lint`: what the shipped playbooks hear, exit codes, and what a comment allows. What each rule says: `tests/cases/lint-*`.

use super::{
    super::{servers::root, shipped},
    desk::{Desk, compare},
};
use trueup::{
    check::{
        self, Knowledge,
        lint::{Around, lint},
    },
    report::diagnostics,
};

#[test]
fn a_careful_playbook_hears_nothing() {
    let project = shipped::sandbox();
    let playbooks = shipped::playbooks();
    for (name, text) in &playbooks {
        let knowledge = Knowledge { name: Some(name.clone()), ..Knowledge::default() };
        let file = format!("playbooks/{name}.yaml");
        let tested = root().join(&file).with_extension("test.yaml").is_file();
        let (checked, problems) = check::read_and_check(shipped::source(&file, text), project.clone(), &knowledge);
        let Some(checked) = checked else { panic!("{file}: {}", diagnostics::terminal(&problems, 100)) };
        let found = lint(&checked, Around { tested: Some(tested) });
        assert!(found.is_empty(), "{}", diagnostics::terminal(&found, 100));
    }
    assert!(playbooks.len() >= 3);
}

const BARE: &str = "trueup: v1\nname: sell\nversion: 1\ntitle: Sell a thing\nparams: { id: { type: int } }\nuses: { shop: { read: [things], write: [things, audits] } }\npreconditions:\n  - id: thing\n    find: { table: shop.things, where: { id: \"{{ params.id }}\" }, expect: one }\nsteps:\n  - row: { of: thing, set: { state: sold } }\n";

#[test]
fn advice_is_printed_and_is_a_failure_only_when_that_is_wanted() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", BARE);
    assert_eq!(desk.run(&["check"]).err, "");
    let found = desk.run(&["lint"]);
    assert_eq!((found.exit, &*found.out), (0, "1 playbook looked through: 8 pieces of advice.\n"), "{}", found.err);
    compare("lint.txt", &found.err);
    assert_eq!(desk.run(&["lint", "--strict"]).exit, 1);
    let json: serde_json::Value = serde_json::from_str(&desk.run(&["lint", "--json"]).out).unwrap();
    assert_eq!(json[0]["code"], "W0058");
    desk.write("playbooks/sell.yaml", &BARE.replace("set:", "sett:"));
    assert_eq!(desk.run(&["lint"]).exit, 2);
}

#[test]
fn a_test_beside_the_playbook_and_a_comment_with_a_reason_are_answers() {
    let desk = Desk::new();
    let allowed = BARE
        .replace(
            "title: Sell a thing\n",
            "# lint: W0050, W0053, W0064: a sketch for the talk on Monday\ntitle: Sell a thing\n",
        )
        .replace("{ type: int } }\n", "{ type: int } }   # lint: W0051, W0052 everybody knows what an id is\n")
        .replace("  - row:", "  # lint: W0055, W0061\n  - row:");
    desk.write("playbooks/sell.yaml", &allowed);
    desk.write("playbooks/sell.test.yaml", "trueup: v1\nplaybook: sell\nclock: 2025-01-01T00:00:00Z\ncases: []\n");
    let found = desk.run(&["lint", "--strict"]);
    assert_eq!(
        (found.exit, &*found.out),
        (0, "1 playbook and 1 test file looked through: nothing to say.\n"),
        "{}",
        found.err
    );
}

#[test]
fn playbooks_are_named_as_in_plan_and_apply_and_a_path_that_is_there_wins() {
    let desk = Desk::new();
    let step = "uses: { shop: { read: [things], write: [things, audits] } }\npreconditions:\n  - id: all\n    find: { table: shop.things, where: { state: open }, expect: many }\nsteps:\n  - for_each: { in: \"{{ all }}\", as: one }\n    row: { ROW, set: { state: sold } }\n";
    let text = |row: &str| {
        format!(
            "trueup: v1\nname: shop/send\nversion: 1\ntitle: Send\nowner: clerk\nrisk: low\n{}",
            step.replace("ROW", row)
        )
    };
    desk.write("playbooks/shop/send.yaml", &text("table: shop.things, key: { id: \"{{ one.id }}\" }"));
    for command in ["check", "lint", "fmt"] {
        let came = desk.run(&[command, "shop/send"]);
        assert!(
            came.exit == 0 && came.out.starts_with('1') || came.out.contains("formatted"),
            "{command}: {}",
            came.err
        );
        assert_eq!(desk.run(&[command, "shop"]).exit, 0, "{command}: a folder of the project");
        let odd = desk.run(&[command, "shop/sedn"]);
        assert!(odd.exit == 2 && odd.err.contains("did you mean `shop/send`?"), "{command}: {}", odd.err);
    }
    // The element of a loop is no `find` step, and the message says what to write.
    desk.write("shop/send", &text("of: one"));
    let came = desk.run(&["check", "shop/send"]);
    let wanted = "write `table: connection.table, key: { id: \"{{ one.id }}\" }`";
    assert!(
        came.exit == 2 && came.err.contains("is an element of the loop") && came.err.contains(wanted),
        "{}",
        came.err
    );
}

#[test]
fn who_is_told_or_asked_would_not_see_a_personal_value() {
    let desk = Desk::new();
    let text = "trueup: v1\nname: tell\nversion: 1\ntitle: Tell\nowner: clerk\nrisk: low\nparams:\n  email: { type: string, personal: true, description: Whose, example: a@b.c }\nsteps:\n  - tell: { who: clerk, message: \"Write to {{ params.email }}.\" }\n  - tell: { who: clerk, message: \"Write to {{ params.email }}.\", reveal: [params.email] }\n";
    desk.write("playbooks/tell.yaml", text);
    let came = desk.run(&["lint", "tell"]);
    let all = format!("{}{}", came.out, came.err);
    assert_eq!(all.matches("`clerk` will read (personal) here").count(), 1, "{all}");
    assert!(all.contains("add `reveal: [params.email]`"), "{all}");
}
