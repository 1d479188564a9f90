//! What formatting does to a text, and what it leaves.

use super::*;
use crate::playbook::schema;

fn formatted(text: &str) -> String {
    match format(text, &schema::playbook()) {
        Ok(text) => text,
        Err(why) => panic!("{why:?}: {}", rewrite(text, &schema::playbook()).unwrap_or_default()),
    }
}

#[test]
fn keys_stand_in_the_order_of_the_types_and_names_in_that_of_the_author() {
    let text = "# head\ntitle: A\nsteps:\n- row: { set: { z: 1, a: 2 }, of: thing }\n  id: change   # why\n  when: x\nname: a/b\nversion: 1\ntrueup: v1\nparams: { z: { description: x, type: int }, a: { type: int } }\n";
    let expected = "# head\ntrueup: v1\nname: a/b\nversion: 1\ntitle: A\nparams: { z: { type: int, description: x }, a: { type: int } }\n\nsteps:\n  - id: change # why\n    when: x\n    row: { of: thing, set: { z: 1, a: 2 } }\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn every_comment_stays_with_what_it_speaks_of() {
    let text = "trueup: v1\nname: a/b\nversion: 1\ntitle: A\n\n\n\n# about the steps\nsteps:   # behind\n      # about the first\n      - tell: { who: x, message: y }   # said\n        # at the end of it\n      # about the second\n\n      - tell: {\n          who: x, # whom\n          message: y }\n      # at the end of the list\n\n# at the end of the file\n";
    let expected = "trueup: v1\nname: a/b\nversion: 1\ntitle: A\n\n# about the steps\nsteps:   # behind\n  # about the first\n  - tell: { who: x, message: y }       # said\n    # at the end of it\n  # about the second\n\n  - tell: {\n      who: x, # whom\n      message: y }\n  # at the end of the list\n\n# at the end of the file\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn what_does_not_fit_on_a_line_is_written_below_each_other() {
    let long = "x".repeat(100);
    let text = format!(
        "trueup: v1\nname: a/b\nversion: 1\ntitle: A\nsteps: [{{ otherwise: {{ say: '{long}', escalate: devs }}, assert: a == b }}]\n"
    );
    let expected = format!(
        "trueup: v1\nname: a/b\nversion: 1\ntitle: A\n\nsteps:\n  - assert: a == b\n    otherwise:\n      escalate: devs\n      say: \"{long}\"\n"
    );
    assert_eq!(formatted(&text), expected);
}

#[test]
fn texts_in_lines_keep_every_character() {
    let text = "trueup: v1\nname: a/b\nversion: 1\ntitle: A\ndescription: >-\n      one\n\n        two  \n      # no comment\nsteps:\n    - id: x\n      sql:\n            db: d\n            sql: |2\n                 select 1\n              -- 'x' # {{ y }}\n\n      touches: 1\n    - tell:\n        who: x\n        message: one\n         two\n\n         three\n";
    let expected = "trueup: v1\nname: a/b\nversion: 1\ntitle: A\ndescription: >-\n  one\n\n    two  \n  # no comment\n\nsteps:\n  - id: x\n    sql:\n      db: d\n      sql: |2\n           select 1\n        -- 'x' # {{ y }}\n\n    touches: 1\n  - tell:\n      who: x\n      message: one\n        two\n\n        three\n";
    assert_eq!(formatted(text), expected);
}
