//! Every route of the sandbox's LMS, asked as a driver asks it: the answers and refusals of the real one (domain page, table of section 3).

use super::site::Site;
use crate::servers::{block_on, root};
use std::{collections::BTreeSet, fs, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const UPDATE: &str = "PATCH /api/user/v1/accounts/update_retirement_status/";
const QUEUE: &str = "GET /api/user/v1/accounts/retirement_queue/";
const BY_DATE: &str = "GET /api/user/v1/accounts/retirements_by_status_and_date/";
const FORUM: &str = "POST /api/discussion/v1/accounts/retire_forum/";
const COURSES: &str = "POST /api/enrollment/v1/unenroll/";
const NOTES: &str = "POST /api/edxnotes/v1/retire_user/";
const MISC: &str = "POST /api/user/v1/accounts/retire_misc/";
const RETIRE: &str = "POST /api/user/v1/accounts/retire/";
const PARTNERS: &str = "/api/user/v1/accounts/retirement_partner_report/";
const PARTNERS_DONE: &str = "POST /api/user/v1/accounts/retirement_partner_report_cleanup/";
const CLEANUP: &str = "POST /api/user/v1/accounts/retirement_cleanup/";
const CANCEL: &str = "POST /api/user/v1/accounts/cancel_retirement/";

/// Status and body; nothing when the connection was closed without a byte, or nothing came in time.
async fn ask(host: &str, line: &str, token: Option<&str>, body: &str) -> Option<(u16, String)> {
    let mut socket = TcpStream::connect(host).await.unwrap();
    let kind = if body.starts_with("grant_type") { "application/x-www-form-urlencoded" } else { "application/json" };
    let token = token.map_or(String::new(), |token| format!("authorization: JWT {token}\r\n"));
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{token}content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await.ok()?.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned()))
}

fn of(name: &str) -> String {
    format!("{{\"username\": \"{name}\"}}")
}

fn to(name: &str, state: &str, more: &str) -> String {
    format!("{{\"username\": \"{name}\", \"new_state\": \"{state}\", \"response\": \"x\"{more}}}")
}

#[test]
fn the_lms_of_the_sandbox_answers_and_refuses_as_the_real_one() {
    block_on(async {
        let mut site = Site::open().await;
        let url = site.playing.listening().into_iter().find(|(name, _)| name == "lms").unwrap().1;
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let given = "grant_type=client_credentials&client_id=retirement_service_worker&client_secret=sandbox-secret&token_type=jwt";
        let (status, answer) = ask(&host, "POST /oauth2/access_token", None, given).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let token = answer.split("\"access_token\"").nth(1).unwrap().split('"').nth(1).unwrap().to_owned();
        let (status, answer) = ask(&host, QUEUE, Some("an-old-one"), "").await.unwrap();
        assert_eq!((status, answer.contains("Token has expired.")), (401, true), "{answer}");

        let not_valid = "not a valid state to perform retirement actions on.";
        let mut all: Vec<(String, String, u16, &str)> = Vec::new();
        let mut add =
            |line: &str, body: String, status: u16, says: &'static str| all.push((line.into(), body, status, says));
        add(UPDATE, to("nobody", "RETIRING_FORUMS", ""), 404, "");
        add(UPDATE, of("ada.lind"), 400, "RetirementStatus: Required key new_state missing from update");
        add(
            UPDATE,
            to("ada.lind", "RETIRING_FORUMS", ", \"extra\": 1"),
            400,
            "RetirementStatus: Unknown key extra in update",
        );
        add(
            UPDATE,
            to("ada.lind", "NOWHERE", ", \"force\": true"),
            500,
            "RetirementState matching query does not exist.",
        );
        add(
            UPDATE,
            to("ada.lind", "PENDING", ""),
            400,
            "PENDING does not exist or is an eariler state than current state PENDING (step 1)",
        );
        add(UPDATE, to("ada.lind", "RETIRING_FORUMS", ""), 204, "");
        // Not idempotent.
        add(UPDATE, to("ada.lind", "RETIRING_FORUMS", ""), 400, "than current state RETIRING_FORUMS (step 11)");
        add(QUEUE, String::new(), 400, "cool_off_days");
        add(&format!("{QUEUE}?cool_off_days=seven"), String::new(), 400, "should be integer");
        add(&format!("{QUEUE}?cool_off_days=-1"), String::new(), 400, "must be greater than 0");
        add(&format!("{QUEUE}?cool_off_days=7"), String::new(), 400, "at least one state");
        add(
            &format!("{QUEUE}?cool_off_days=7&states=PENDING&states=NOWHERE"),
            String::new(),
            400,
            "Unknown state. Requested:",
        );
        add(
            &format!("{QUEUE}?cool_off_days=7&states=PENDING&limit=2"),
            String::new(),
            200,
            "\"original_username\": \"bo.berg\"",
        );
        add(
            &format!("{BY_DATE}?state=NOWHERE&start_date=2024-01-01&end_date=2024-01-02"),
            String::new(),
            400,
            "Unknown retirement state.",
        );
        add(
            &format!("{BY_DATE}?state=PENDING&start_date=2999-01-01&end_date=2999-01-02"),
            String::new(),
            400,
            "Dates must be today or earlier",
        );
        add(&format!("{BY_DATE}?state=COMPLETE&start_date=2020-01-01&end_date=2024-01-02"), String::new(), 200, "[");
        add("GET /api/user/v1/accounts/nobody/retirement_status/", String::new(), 404, "");
        add(
            "GET /api/user/v1/accounts/ada.lind/retirement_status/",
            String::new(),
            200,
            "\"state_name\": \"RETIRING_FORUMS\"",
        );
        for (line, wrong) in [(FORUM, 500), (COURSES, 500), (NOTES, 405), (MISC, 400), (RETIRE, 400)] {
            add(line, of("nobody"), 404, "");
            add(line, of("bo.berg"), wrong, if wrong == 405 { "" } else { not_valid });
        }
        add(FORUM, of("ada.lind"), 204, "");
        add(COURSES, of("ada.lind"), 200, "[\"");
        add(COURSES, of("ada.lind"), 204, "");
        add(NOTES, of("ada.lind"), 204, "");
        add(MISC, of("ada.lind"), 204, "");
        add(&format!("PUT {PARTNERS}"), of("nobody"), 404, "");
        add(&format!("PUT {PARTNERS}"), of("bo.berg"), 500, "");
        add(&format!("PUT {PARTNERS}"), of("ada.lind"), 204, "");
        add(RETIRE, of("ada.lind"), 204, "");
        add(&format!("POST {PARTNERS}"), "{}".into(), 200, "");
        add(
            PARTNERS_DONE,
            "[{\"original_username\": \"ada.lind\"}, {\"original_username\": \"nobody\"}]".into(),
            400,
            "",
        );
        add(PARTNERS_DONE, "[]".into(), 204, "");
        add("POST /api/edx_proctoring/v1/retire_user/101/", String::new(), 204, "");
        add("POST /api/edx_proctoring/v1/retire_backend_user/101/", String::new(), 200, "true");
        add("POST /api/user/v1/accounts/retire_mailings/", of("ada.lind"), 404, "");
        add(
            "POST /api/user/v1/accounts/deactivate_logout/",
            of("ada.lind"),
            400,
            "Could not verify user password: 'password'",
        );
        add(CLEANUP, "{}".into(), 500, "usernames");
        add(CLEANUP, "{\"usernames\": \"liv.aas\"}".into(), 400, "Usernames should be an array.");
        add(
            CLEANUP,
            "{\"usernames\": [\"liv.aas\", \"bo.berg\"]}".into(),
            400,
            "Not all usernames exist in the COMPLETE state.",
        );
        add(CLEANUP, "{\"usernames\": [\"liv.aas\"]}".into(), 204, "");
        add(CANCEL, "{\"retirement_id\": 999999}".into(), 400, "Retirement does not exist!");
        add(CANCEL, "{\"retirement_id\": 1001}".into(), 400, "can only be cancelled for users in the PENDING state");
        add(CANCEL, "{\"retirement_id\": 1004}".into(), 200, "true");
        // What is wrong with learners whose names begin with a word.
        add(FORUM, of("flaky.finn"), 503, "Service Unavailable");
        add(NOTES, of("gateway.greta"), 502, "Bad Gateway");
        add(MISC, of("expired.elsa"), 401, "Token has expired.");
        add(NOTES, of("broken.britt"), 409, "held for a legal case");
        add(FORUM, of("stranger.sten"), 404, "");
        for (line, body, status, says) in &all {
            let (found, answer) =
                ask(&host, line, Some(&token), body).await.unwrap_or_else(|| panic!("{line} {body}: no answer"));
            assert_eq!(found, *status, "{line} {body}: {answer}");
            assert!(answer.replace("\\\"", "\"").contains(says), "{line} {body}: {answer}");
        }
        // Done, and the answer is lost.
        assert!(ask(&host, UPDATE, Some(&token), &to("lost.lars", "RETIRING_ENROLLMENTS", "")).await.is_none());
        assert!(ask(&host, COURSES, Some(&token), &of("lost.lars")).await.is_none());
        let state = "select current_state_id from user_api_userretirementstatus where original_username = 'lost.lars'";
        assert_eq!(site.sql(state), "4");
        // What a cancelling puts back, and what it does not: the request's row goes by a signal of Django.
        assert_eq!(site.sql("select email from auth_user where username = 'cleo.holm'"), "cleo.holm@learner.example");

        let answered: BTreeSet<String> = site.asked().iter().map(|call| call.route.to_string()).collect();
        let mock = fs::read_to_string(root().join("examples/edx/lms.mock.yaml")).unwrap();
        let routes = mock.split("\ntroubles:").next().unwrap();
        let names = routes.lines().filter_map(|line| line.strip_prefix("  - name: "));
        let left: Vec<&str> =
            names.map(|name| name.trim_matches('"')).filter(|name| !answered.contains(*name)).collect();
        assert!(left.is_empty(), "nobody asked {left:?}");
        site.playing.end().await;
    });
}
