//! What `connection prepare` did, in a few lines and as JSON.

use crate::connection::ledger::{Ready, Roles, TABLE};
use serde_json::json;

/// For people. `declared`: the project file says `ledger: true`.
pub fn text(connection: &str, environment: &str, declared: bool, ready: &Ready) -> String {
    let mut text = if ready.made {
        format!("Made the table `{TABLE}` in `{connection}` of {environment}; its id is {}.\n", ready.id)
    } else {
        format!(
            "`{connection}` of {environment} has its table `{TABLE}` already; its id is {}. Nothing was changed.\n",
            ready.id
        )
    };
    if !declared {
        text.push_str(&format!("It is not used yet: write `ledger: true` under `{connection}` in the project file.\n"));
    }
    text
}

/// What the role may do that trueup does not need, a line each; empty where it is as it should be.
pub fn advice(connection: &str, ready: &Ready, roles: &Roles) -> String {
    if ready.excess.is_empty() {
        return String::new();
    }
    let role = roles.write.as_deref().unwrap_or("the role");
    let mut text = format!("advice: `{role}` of `{connection}` may do more than trueup needs:\n");
    ready.excess.iter().for_each(|what| text.push_str(&format!("  - {what}\n")));
    text.push_str("  Give the connection a role of its own; docs/operating.md has the rights that it needs.\n");
    text
}

/// For machines.
pub fn json(connection: &str, environment: &str, declared: bool, ready: &Ready, roles: &Roles) -> String {
    let value = json!({
        "connection": connection,
        "environment": environment,
        "table": TABLE,
        "made": ready.made,
        "id": ready.id,
        "declared": declared,
        "write_role": roles.write,
        "read_role": roles.read,
        "excess": ready.excess,
    });
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(made: bool, excess: &[&str]) -> Ready {
        Ready { made, id: "0190-x".into(), excess: excess.iter().map(|e| (*e).to_owned()).collect() }
    }

    #[test]
    fn it_says_what_was_done_and_what_is_left_to_do() {
        assert_eq!(
            text("register", "test", true, &ready(true, &[])),
            "Made the table `trueup_ledger` in `register` of test; its id is 0190-x.\n"
        );
        let again = text("register", "test", false, &ready(false, &[]));
        assert!(
            again.contains("has its table `trueup_ledger` already") && again.contains("Nothing was changed."),
            "{again}"
        );
        assert!(again.ends_with("write `ledger: true` under `register` in the project file.\n"), "{again}");
    }

    #[test]
    fn a_role_that_may_too_much_is_named() {
        let roles = Roles { write: Some("app".into()), read: None };
        assert_eq!(advice("register", &ready(true, &[]), &roles), "");
        let told = advice("register", &ready(true, &["it is a superuser"]), &roles);
        assert!(
            told.starts_with("advice: `app` of `register` may do more than trueup needs:\n  - it is a superuser\n"),
            "{told}"
        );
    }
}
