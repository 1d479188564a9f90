//! What one run has left in doubt no other run does: a lost answer is no second write, whoever begins anew.

use crate::{hidden::Desk, servers::block_on};
use trueup::{
    base::world::World,
    mock::{Mock, server::Running},
};

/// The answer to the first ticket of number 2 is lost, after it was made.
const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n\
    - post: /late\n  answers: [{ status: 400, json: {} }, { json: { ok: true } }]\n\
    - post: /tickets/2\n  answers: [{ fault: drop_reply }, { json: { ok: true } }]\n\
    - post: /tickets/{id}\n  answer: { json: { ok: true } }\n";

const STEPS: &str = "uses: { crm: { methods: [POST] } }\nsteps:\n- id: ticket\n  http: { api: crm, post: \"/tickets/{{ WHICH }}\", json: { open: true } }\n  irreversible: a ticket stays\n";

/// What is kept of a run holds no secret parameter, and a length of time as it was typed.
const HIDDEN: &str = "params: { id: { type: int }, pin: { type: string, secret: true }, within: { type: duration } }\n\
    uses: { crm: { methods: [POST] } }\nsteps:\n- id: ticket\n  \
    http: { api: crm, post: \"/tickets/{{ params.id }}\", json: { pin: \"{{ params.pin }}\", within: \"{{ params.within }}\" } }\n  \
    irreversible: a ticket stays\n";

/// Refused at first, with a secret in it.
const LATE: &str = "params: { pin: { type: string, secret: true } }\nuses: { crm: { methods: [POST] } }\nsteps:\n\
    - { id: late, http: { api: crm, post: /late, json: { pin: \"{{ params.pin }}\" } }, irreversible: a test }\n";

fn desk(crm: &Running) -> Desk {
    let project = format!("connections: {{ crm: {{ http: {{ base: \"{}\", internal: true }} }} }}\n", crm.url());
    let many = format!(
        "targets: {{ from: {{ list: \"{{{{ [{{'id': 1}}, {{'id': 2}}, {{'id': 3}}] }}}}\" }}, key: id }}\n{}",
        STEPS.replace("WHICH", "item.id")
    );
    let one = format!("params: {{ id: {{ type: int }} }}\n{}", STEPS.replace("WHICH", "params.id"));
    Desk::new(
        &project,
        &[("PIN", "0815-4711-0815")],
        &[("many", &many), ("one", &one), ("hidden", HIDDEN), ("late", LATE)],
    )
}

fn calls(crm: &Running) -> Vec<(String, usize)> {
    let mut calls = std::collections::BTreeMap::new();
    crm.log().into_iter().for_each(|call| *calls.entry(call.path).or_default() += 1);
    calls.into_iter().collect()
}

async fn newest(desk: &mut Desk) -> String {
    let runs = desk.run(&["runs", "--json"], 0).await;
    let runs: serde_json::Value = serde_json::from_str(&runs.out).unwrap();
    runs["runs"][0]["short"].as_str().unwrap().to_owned()
}

#[test]
fn an_item_that_another_run_has_left_in_doubt_is_left_alone() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let apply = ["apply", "many", "--yes", "--reason", "a test"];
        desk.run(&apply, 6).await;
        let lost = newest(&mut desk).await;
        let one_each = ["/tickets/1", "/tickets/2", "/tickets/3"].map(|path| (path.to_owned(), 1));
        assert_eq!(calls(&crm), one_each);
        for (more, yet) in [(&["--one-by-one"][..], 2), (&[][..], 3)] {
            let again = desk.run(&[&apply, more].concat(), 5).await;
            let words = format!("left to run {lost}, which has begun `steps/ticket` of it: nobody knows yet");
            assert!(again.said().contains(&words), "{}", again.said());
            // What is proposed can be done.
            assert!(
                again.out.contains(&format!("trueup resume {lost}")) && !again.out.contains("trueup retry"),
                "{}",
                again.out
            );
            // Nothing is known of the others but that they are over.
            let counts: Vec<usize> = calls(&crm).into_iter().map(|(_, times)| times).collect();
            assert_eq!(counts, [yet, 1, yet]);
        }
        // Once a person has given it up it is sent by whoever begins anew.
        desk.tried(&["resolve", &lost, "2", "--abort", "--reason", "asked them: there is no such ticket"]).await;
        desk.run(&apply, 0).await;
        assert_eq!(calls(&crm)[1], ("/tickets/2".to_owned(), 2));
    });
}

#[test]
fn a_record_that_another_run_has_left_in_doubt_is_left_alone() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let apply = |id: &'static str| ["apply", "one", id, "--yes", "--reason", "a test"];
        desk.run(&apply("id=2"), 6).await;
        let lost = newest(&mut desk).await;
        let refused = desk.run(&apply("id=2"), 6).await;
        let words = format!("run {lost} has begun `steps/ticket` for the same parameters");
        assert!(refused.err.contains(&words) && refused.err.contains("nothing was sent"), "{}", refused.said());
        assert_eq!(newest(&mut desk).await, lost, "a run was recorded");
        // Also as a plan that was kept.
        desk.run(&["plan", "one", "id=2", "--out", "two.plan", "--reason", "a test"], 0).await;
        let refused = desk.run(&["apply", "two.plan", "--yes"], 6).await;
        assert!(refused.err.contains(&words), "{}", refused.said());
        // Others go on.
        desk.run(&apply("id=1"), 0).await;
        assert_eq!(calls(&crm), [("/tickets/1".to_owned(), 1), ("/tickets/2".to_owned(), 1)]);
        desk.tried(&["resolve", &lost, "--abort", "--reason", "asked them: there is no such ticket"]).await;
        desk.run(&["apply", "two.plan", "--yes"], 0).await;
        assert_eq!(calls(&crm)[1], ("/tickets/2".to_owned(), 2));
    });
}

#[test]
fn a_record_with_a_secret_parameter_is_left_alone_as_well() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        let apply = |id: &'static str, within: &'static str| {
            ["apply", "hidden", id, within, "--param-from-env", "pin=PIN", "--yes", "--reason", "a test"]
        };
        desk.run(&apply("id=2", "within=1d"), 6).await;
        let lost = newest(&mut desk).await;
        for within in ["within=1d", "within=24h"] {
            let refused = desk.run(&apply("id=2", within), 6).await;
            let words = format!("run {lost} has begun `steps/ticket` for the same parameters");
            assert!(refused.err.contains(&words), "{}", refused.said());
        }
        // Another number, or another length, is another one.
        desk.run(&apply("id=1", "within=1d"), 0).await;
        assert_eq!(calls(&crm), [("/tickets/1".to_owned(), 1), ("/tickets/2".to_owned(), 1)]);
        desk.run(&apply("id=2", "within=2d"), 0).await;
        assert_eq!(calls(&crm)[1], ("/tickets/2".to_owned(), 2));
    });
}

#[test]
fn a_secret_that_a_run_does_not_have_any_more_is_told_as_that() {
    block_on(async {
        let crm = Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap();
        let mut desk = desk(&crm);
        desk.run(&["apply", "late", "--param-from-env", "pin=PIN", "--yes", "--reason", "a test"], 1).await;
        let run = newest(&mut desk).await;
        let came = desk.run(&["retry", &run, "--reason", "a test"], 1).await;
        let said = came.said().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("a part of it was a secret parameter, of which a run keeps nothing"), "{said}");
        assert_eq!(calls(&crm), [("/late".to_owned(), 1)]);
    });
}
