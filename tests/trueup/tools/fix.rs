//! `trueup fix --uses`: written from what the steps touch; comments, columns and the rest of the file stay.

use super::desk::{Desk, compare};

const TEXT: &str = "trueup: v1\nname: sell\nversion: 1\ntitle:   Sell a thing   # as it stands\nparams: { id: { type: int } }\nUSES\npreconditions:\n  - id: thing\n    find: { table: shop.things, where: { id: \"{{ params.id }}\" }, expect: one }\n  - id: shelf\n    find: { table: shop.shelves, where: { id: \"{{ thing.shelf_id }}\" }, expect: one }\n  - id: known\n    http: { api: api, get: \"/things/{{ thing.code }}/{{ shelf.label }}\" }\nsteps:\n  - row: { of: thing, only_if: { state: open }, set: { state: sold, name: \"{{ known.body.name }}\" } }\n";

fn fixed(uses: &str) -> (Desk, String) {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", &TEXT.replace("USES\n", uses));
    assert_eq!(desk.run(&["check"]).exit, 2);
    let done = desk.run(&["fix", "--uses"]);
    assert_eq!((done.exit, &*done.out, &*done.err), (0, "wrote `uses` of playbooks/sell.yaml\n", ""));
    let checked = desk.run(&["check"]);
    assert_eq!((checked.exit, &*checked.err), (0, ""), "{}", desk.read("playbooks/sell.yaml"));
    let text = desk.read("playbooks/sell.yaml");
    let (before, after) = (text.find("uses:").unwrap(), text.find("preconditions:").unwrap());
    let parts = TEXT.split_once("USES\n").unwrap();
    assert!(text.starts_with(parts.0) && text.ends_with(parts.1), "{text}");
    let section = text[before..after].trim_end().to_owned();
    (desk, section)
}

#[test]
fn what_is_missing_is_added_and_what_nothing_uses_goes() {
    let (desk, section) = fixed(
        "uses:   # what it may touch\n  # the shop itself\n  shop: { read: [audits, things], write: [things], columns: { things: [state, name] } }   # all of it\n  api: { methods: [POST] }\n",
    );
    assert_eq!(
        section,
        "uses:   # what it may touch\n  # the shop itself\n  shop: { read: [audits, things, shelves], write: [things, audits], columns: { things: [state, name] } } # all of it\n  api: { methods: [GET] }"
    );
    let again = desk.run(&["fix", "--uses"]);
    assert_eq!((again.exit, &*again.out), (0, "1 file: `uses` is what the steps touch.\n"));
}

#[test]
fn a_playbook_without_the_section_gets_one_at_its_place() {
    let (_, section) = fixed("");
    assert_eq!(section, "uses:\n  api: { methods: [GET] }\n  shop: { read: [shelves], write: [audits, things] }");
}

#[test]
fn what_would_change_is_shown_and_other_errors_come_first() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", &TEXT.replace("USES\n", "uses: {}\n"));
    desk.write(
        "playbooks/wrong.yaml",
        &TEXT.replace("USES\n", "").replace("name: sell", "name: wrong").replace("find:", "fnid:"),
    );
    let looked = desk.run(&["fix", "--uses", "--check"]);
    assert_eq!(looked.exit, 2);
    compare("fix-uses.txt", &format!("{}{}", looked.out, looked.err));
    assert!(desk.read("playbooks/sell.yaml").contains("uses: {}"));
}
