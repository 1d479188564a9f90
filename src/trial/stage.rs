//! The project file of one case: the user's own, with databases and APIs of the case in the place of the real ones, and
//! everybody told by hand. So that a test goes through the same code as the command line, down to the settings.

use crate::base::{
    json,
    value::{Map, Value},
};
use std::sync::Arc;

/// What takes the place of a connection.
#[derive(Clone, Debug)]
pub enum Double {
    /// A database: `sqlite`, `postgres` or `mysql`, and its settings.
    Database(&'static str, Value),
    /// Background jobs: `redis://127.0.0.1:PORT/0` of their stand-in.
    Jobs(String),
    /// An API: where its mock listens, and what the mock asks for.
    Api {
        /// `http://127.0.0.1:PORT`
        url: String,
        /// What it asks for.
        credentials: Option<Key>,
    },
}

/// How a case is known to a mock: never with the real secret.
#[derive(Clone, Debug)]
pub enum Key {
    /// A header, and the variable that holds its value.
    Header {
        /// The header.
        name: String,
        /// The variable.
        variable: String,
    },
    /// An OAuth2 client: the mock's token endpoint, and the variable that holds the client's secret.
    Client {
        /// `http://127.0.0.1:PORT/path`
        token_url: String,
        /// The client's id.
        id: String,
        /// The variable.
        variable: String,
    },
}

/// The text of the case's project file. JSON, which is YAML. `playbooks` is an absolute path.
pub fn project(original: &Value, playbooks: &str, doubles: &[(Arc<str>, Double)]) -> String {
    let mut project = original.as_map().cloned().unwrap_or_default();
    project.insert("playbooks".into(), Value::text(playbooks));
    project.insert("journal".into(), Value::map([("sqlite", Value::text("journal.db"))]));
    let by_hand = Value::map([("by", Value::text("hand"))]);
    edit(&mut project, "people", |people| people.values_mut().for_each(|person| *person = by_hand.clone()));
    edit(&mut project, "connections", |connections| {
        for (name, double) in doubles {
            edit(connections, name, |connection| replace(connection, double));
        }
    });
    json::text_of(&project.into())
}

fn edit(map: &mut Map, key: &str, change: impl FnOnce(&mut Map)) {
    let Some(mut inner) = map.get(key).and_then(|v| v.as_map().cloned()) else { return };
    change(&mut inner);
    map.insert(key.into(), inner.into());
}

fn replace(connection: &mut Map, double: &Double) {
    connection.shift_remove("per_environment");
    match double {
        Double::Database(kind, settings) => {
            // Timeouts stay: a test that waits for a lock waits as long as the real thing.
            let kept = |key: &str| ["sqlite", "postgres", "mysql"].iter().find_map(|k| connection.get(k)?.get(key));
            let mut settings = settings.as_map().cloned().unwrap_or_default();
            let timeouts: &[&str] = if *kind == "sqlite" {
                &["busy_timeout", "statement_timeout"]
            } else {
                &["lock_timeout", "statement_timeout"]
            };
            for key in timeouts {
                if let Some(value) = kept(key) {
                    settings.insert((*key).into(), value);
                }
            }
            connection.shift_remove("sqlite");
            connection.shift_remove("postgres");
            connection.shift_remove("mysql");
            connection.insert((*kind).into(), settings.into());
        }
        Double::Jobs(url) => edit(connection, "sidekiq", |sidekiq| {
            sidekiq.insert("url".into(), Value::text(url.as_str()));
            sidekiq.shift_remove("ca");
            sidekiq.shift_remove("insecure");
        }),
        Double::Api { url, credentials } => edit(connection, "http", |http| {
            http.insert("base".into(), Value::text(url.as_str()));
            http.insert("internal".into(), true.into());
            // The pace of the real API would only make the test slow.
            http.shift_remove("rate");
            let secret = |variable: &str| Value::map([("secret", Value::text(variable))]);
            match credentials {
                // Nobody asks for anything; a token would be fetched from the real place, anything else is invented.
                None if http.get("auth").is_some_and(|auth| auth.get("oauth2").is_some()) => {
                    drop(http.shift_remove("auth"));
                }
                None => {}
                Some(Key::Header { name, variable }) => {
                    let header = Value::map([("name", Value::text(name.as_str())), ("value", secret(variable))]);
                    http.insert("auth".into(), Value::map([("header", header)]));
                }
                Some(Key::Client { token_url, id, variable }) => {
                    // Scheme, scope and the other fields stay: a test that leaves them out would prove nothing.
                    let declared = http.get("auth").and_then(|auth| auth.get("oauth2"));
                    let mut oauth = declared.and_then(|o| o.as_map().cloned()).unwrap_or_default();
                    oauth.insert("token_url".into(), Value::text(token_url.as_str()));
                    oauth.insert("client_id".into(), Value::text(id.as_str()));
                    oauth.insert("client_secret".into(), secret(variable));
                    http.insert("auth".into(), Value::map([("oauth2", Value::from(oauth))]));
                }
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{diagnostic::Diagnostics, source::Source, yaml},
        playbook::project::Project,
    };

    #[test]
    fn a_case_reaches_no_real_system_and_keeps_everything_else_of_the_project() {
        let text = "trueup: v1\nproject: p\nplaybooks: here\npeople: { ann: { by: webhook, to: env:HOOK } }\nenvironments: { qa: { vars: { zone: 1.10 } } }\nconnections:\n  db: { postgres: { url: env:PROD, lock_timeout: 3s }, tables: { t: { key: id, audit: false } }, per_environment: { qa: { sqlite: { path: x } } } }\n  api: { http: { base: https://prod.example, rate: 1/min, auth: { bearer: env:KEY } }, per_environment: { qa: { mock: m.yaml } } }\n";
        let source = Source::new("trueup.yaml", text);
        let mut problems = Diagnostics::new(source.clone());
        let value = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap().value();
        let doubles = [
            (Arc::from("db"), Double::Database("sqlite", Value::map([("path", Value::text("/tmp/a.db"))]))),
            (
                Arc::from("api"),
                Double::Api {
                    url: "http://127.0.0.1:1".into(),
                    credentials: Some(Key::Header { name: "x-key".into(), variable: "V".into() }),
                },
            ),
        ];
        let staged = project(&value, "/p", &doubles);
        for gone in ["PROD", "HOOK", "KEY", "prod.example", "per_environment", "1/min", "m.yaml"] {
            assert!(!staged.contains(gone), "{gone}: {staged}");
        }
        let source = Source::new("staged", staged);
        let project = Project::parse(&source, &mut problems).unwrap();
        assert_eq!(problems.errors(), 0);
        assert!(project.connections.get("db").unwrap().tables.get("t").is_some());
        assert_eq!(project.environments.get("qa").unwrap().vars.get("zone").unwrap().bare(), "1.10");
    }
}
