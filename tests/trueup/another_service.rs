//! The address of an API comes from a reference, and leads elsewhere by the time that a plan or a run is gone on with: what is known of the one
//! service says nothing about the other.

use crate::{hidden::Desk, proof::process::Came, servers::block_on};
use trueup::{
    base::world::World,
    mock::{Mock, server::Running},
};

const MOCK: &str = "trueup: v1\nmock: crm\nroutes:\n\
    - post: /pay\n  answers: [{ fault: drop_reply }, { json: { id: 1 } }]\n\
    - post: /note\n  answer: { json: { id: 1 } }\n\
    - delete: /note/{id}\n  answer: { status: 204 }\n";

const PAY: &str = "uses: { crm: { methods: [POST] } }\nsteps:\n- id: pay\n  http: { api: crm, post: /pay, json: { amount: 5 } }\n  \
    irreversible: money is gone\n";

const NOTE: &str = "uses: { crm: { methods: [POST, DELETE] } }\nsteps:\n- id: note\n  http: { api: crm, post: /note, json: {} }\n  repeatable: a test\n  \
    undo: { http: { api: crm, delete: \"/note/{{ note.body.id }}\", accept: [204] }, repeatable: a test }\n";

const PROJECT: &str = "connections: { crm: { http: { base: { secret: CRM }, internal: true } } }\n";

async fn mock() -> Running {
    Mock::from_yaml(MOCK).unwrap().start(World::real()).await.unwrap()
}

fn calls(crm: &Running, method: &str) -> usize {
    crm.log().iter().filter(|call| call.method == method).count()
}

async fn at(desk: &mut Desk, crm: &Running, words: &[&str]) -> Came {
    desk.tried_with(&[("CRM", crm.url())], words).await
}

async fn newest(desk: &mut Desk) -> String {
    let runs: serde_json::Value = serde_json::from_str(&desk.run(&["runs", "--json"], 0).await.out).unwrap();
    runs["runs"][0]["short"].as_str().unwrap().to_owned()
}

fn refused(came: &Came, then: &str) {
    let said = came.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(came.exit, Some(2), "{}", came.said());
    assert!(said.contains(&format!("`crm` leads to another service than {then}")), "{said}");
    assert!(said.contains("its address comes from the environment variable `CRM`"), "{said}");
}

#[test]
fn a_plan_is_carried_out_at_the_service_that_it_was_made_for() {
    block_on(async {
        let (right, wrong) = (mock().await, mock().await);
        let mut desk = Desk::new(PROJECT, &[], &[("note", NOTE)]);
        let plan = ["plan", "note", "--out", "note.plan", "--reason", "a test"];
        let made = at(&mut desk, &right, &plan).await;
        assert_eq!(made.exit, Some(0), "{}", made.said());
        let apply = ["apply", "note.plan", "--yes"];
        refused(&at(&mut desk, &wrong, &apply).await, "when the plan was made");
        assert_eq!((calls(&right, "POST"), calls(&wrong, "POST")), (0, 0));
        let came = at(&mut desk, &right, &apply).await;
        assert_eq!((came.exit, calls(&right, "POST"), calls(&wrong, "POST")), (Some(0), 1, 0), "{}", came.said());
        // The address is a secret: it stands nowhere.
        let plan = std::fs::read_to_string(desk.folder.path().join("note.plan")).unwrap();
        let host = right.url().replace("http://", "");
        assert!(plan.contains("[\"crm\",\"http ") && !plan.contains(&host), "{plan}");
    });
}

#[test]
fn what_is_in_doubt_is_not_done_elsewhere() {
    block_on(async {
        let (right, wrong) = (mock().await, mock().await);
        let mut desk = Desk::new(PROJECT, &[], &[("pay", PAY)]);
        let came = at(&mut desk, &right, &["apply", "pay", "--yes", "--reason", "a test"]).await;
        assert_eq!((came.exit, calls(&right, "POST")), (Some(6), 1), "{}", came.said());
        let run = newest(&mut desk).await;
        let then = format!("run {run} was made for");
        refused(&at(&mut desk, &wrong, &["resume", &run]).await, &then);
        refused(&at(&mut desk, &wrong, &["resolve", &run, "--not-done", "--reason", "a test"]).await, &then);
        assert_eq!((calls(&right, "POST"), wrong.log().len()), (1, 0));
        // A person may say what became of it, wherever the address leads.
        let said = ["resolve", &run, "--done", "--no-run", "--reason", "the bank says so"];
        let came = at(&mut desk, &wrong, &said).await;
        assert_eq!(came.exit, Some(0), "{}", came.said());
        let came = at(&mut desk, &right, &["resume", &run]).await;
        assert_eq!((came.exit, calls(&right, "POST"), wrong.log().len()), (Some(0), 1, 0), "{}", came.said());
    });
}

#[test]
fn a_call_is_taken_back_where_it_was_made() {
    block_on(async {
        let (right, wrong) = (mock().await, mock().await);
        let mut desk = Desk::new(PROJECT, &[], &[("note", NOTE)]);
        at(&mut desk, &right, &["apply", "note", "--yes", "--reason", "a test"]).await;
        let run = newest(&mut desk).await;
        let undo = ["undo", &run, "--yes", "--reason", "a test"];
        refused(&at(&mut desk, &wrong, &undo).await, &format!("run {run} was made for"));
        assert_eq!((calls(&right, "DELETE"), wrong.log().len()), (0, 0));
        let came = at(&mut desk, &right, &undo).await;
        assert_eq!((came.exit, calls(&right, "DELETE"), wrong.log().len()), (Some(0), 1, 0), "{}", came.said());
    });
}
