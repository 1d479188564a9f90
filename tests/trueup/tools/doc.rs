//! `trueup doc`: the page of a shipped playbook, in both forms.

use super::{
    super::servers::root,
    desk::{Desk, came, compare, program},
};
use std::collections::BTreeSet;

fn doc(words: &[&str]) -> String {
    let output = program(&root().join("examples/register")).arg("doc").args(words).output().unwrap();
    let came = came(output);
    assert_eq!((came.exit, &*came.err), (0, ""));
    came.out
}

#[test]
fn the_page_of_a_playbook_says_what_support_staff_need() {
    compare("doc-correct-award.md", &doc(&["register/correct-award"]));
    compare("doc-change-training-route.md", &doc(&["register/change-training-route"]));
}

#[test]
fn the_html_page_needs_nothing_else_and_is_well_formed() {
    let html = doc(&["register/correct-award", "--html"]);
    compare("doc-correct-award.html", &html);
    for absent in ["<script", "http://", "https://", "<link", "@import", "url(h", " onclick"] {
        let rest = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains(absent), "{absent}");
    }
    for there in [
        "<html lang=\"en\">",
        "<meta charset=\"utf-8\">",
        "name=\"viewport\"",
        "<main",
        "<nav aria-label",
        "scope=\"col\"",
        "role=\"img\"",
        "@media print",
    ] {
        assert!(html.contains(there), "{there}");
    }
    balanced(&html);
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let set: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), set.len(), "an id stands twice: {ids:?}");
    for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(set.contains(link), "#{link} leads nowhere");
    }
}

/// Every element that is opened is closed, in its order.
fn balanced(html: &str) {
    let tag = regex::Regex::new(r"<(/?)([a-z0-9]+)[^>]*?(/?)>").unwrap();
    let mut open: Vec<String> = Vec::new();
    for found in tag.captures_iter(html) {
        let (closes, name, whole) = (!found[1].is_empty(), &found[2], !found[3].is_empty());
        if closes {
            assert_eq!(open.pop().as_deref(), Some(name), "at {}", &found[0]);
        } else if !whole && name != "meta" {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn markup_in_a_playbook_stays_text() {
    let desk = Desk::new();
    desk.write("playbooks/sell.yaml", "trueup: v1\nname: sell\nversion: 1\ntitle: \"Sell <b>a</b> thing | *now*\"\ndescription: \"<script>alert(1)</script> & more\"\nsteps:\n  - id: x\n    title: \"a \\\"quoted\\\" <i>title</i>\"\n    let: 1\n  - tell: { who: clerk, message: \"{{ x }}\" }\n");
    let html = desk.run(&["doc", "sell", "--html", "--out", "sell.html"]);
    assert_eq!((html.exit, &*html.out, &*html.err), (0, "", "wrote sell.html\n"));
    let html = desk.read("sell.html");
    assert!(
        html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more")
            && !html.contains("<script")
            && !html.contains("<b>")
    );
    balanced(&html);
    let markdown = desk.run(&["doc", "sell"]).out;
    assert!(markdown.contains("# Sell \\<b\\>a\\</b\\> thing | \\*now\\*"), "{markdown}");
}
