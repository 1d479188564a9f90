//! What a person reads when Redis is not as it should be; never the password.

use super::*;

fn said(project: &Project) -> String {
    let came = project.run(&["plan", "jobs/one"]);
    assert_ne!(came.exit, Some(0), "{}", came.said);
    came.said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_redis_that_is_not_as_it_should_be_is_told_in_plain_words() {
    if !is_here() {
        return;
    }
    let mut redis = Redis::start();
    let mut project = Project::on(&redis);
    project.playbook(
        "one",
        "{ write: [dead] }",
        "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, jid: a1 } }\n",
    );
    redis.dead("a1", "1", 500, "5");
    let good = project.url.clone();
    project.url = good.replace(&redis.password, "hunter2-wrong");
    let text = said(&project);
    assert!(text.contains("does not accept the user or the password") && !text.contains("hunter2"), "{text}");
    project.url = format!("redis://127.0.0.1:{}/0", redis.port);
    assert!(said(&project).contains("does not accept the user or the password"));
    project.url = good.replace("127.0.0.1", "10.1.2.3");
    assert!(said(&project).contains("sends the password and the jobs in clear"));
    project.url = "postgres://x".into();
    assert!(said(&project).contains("is no address of a Redis"));
    // A user who may look and not change.
    redis.ask(&[
        "ACL",
        "SETUSER",
        "looker",
        "on",
        ">looker-password",
        "~*",
        "+@read",
        "+ping",
        "+info",
        "+client",
        "+select",
        "+hello",
    ]);
    project.url = format!("redis://looker:looker-password@127.0.0.1:{}/0", redis.port);
    let came = project.apply("jobs/one", &[]);
    let text = came.said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(came.exit == Some(1) || came.exit == Some(4), "{text}");
    assert!(text.contains("NOPERM") && !text.contains("looker-password"), "{text}");
    assert_eq!(redis.texts("dead").len(), 1);
    project.url = good;
    redis.ask(&["SET", "dead-backup", "1"]);
    redis.ask(&["DEL", "dead"]);
    redis.ask(&["SET", "dead", "text"]);
    assert!(said(&project).contains("holds something else than jobs"));
    redis.stop();
    let text = said(&project);
    assert!(text.contains("no Redis answers at its address") && !text.contains(&redis.password), "{text}");
}

#[test]
fn check_asks_the_live_redis() {
    if !is_here() {
        return;
    }
    let redis = Redis::start();
    let project = Project::on(&redis);
    project.playbook(
        "one",
        "{ write: [dead] }",
        "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, jid: a1 } }\n",
    );
    project.run(&["check", "--env", "here"]).well(0);
    redis.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = project.run(&["check", "--env", "here"]).well(0);
    assert!(said.contains("W0010") && said.contains("allkeys-lru"), "{said}");
    let other = Redis::start();
    redis.ask(&["CONFIG", "SET", "masterauth", &other.password]);
    redis.ask(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let said = project.run(&["check", "--env", "here"]).well(2);
    assert!(said.contains("E0617") && said.contains("is a replica"), "{said}");
}

/// An authority of the test's own, and a server with a certificate of it.
fn certificates(folder: &Path) {
    let run = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    run("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server");
    run("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem");
}

#[test]
fn an_encrypted_connection_is_made_only_to_a_server_whose_certificate_is_good() {
    if !is_here() {
        return;
    }
    let tls = crate::servers::free_port();
    let redis = Redis::start_with(&|folder| {
        certificates(folder);
        let text = format!(
            "--tls-port {tls} --tls-cert-file server.pem --tls-key-file server.key --tls-ca-cert-file ca.pem --tls-auth-clients no"
        );
        let in_folder = |word: &str| match word.ends_with(".pem") || word.ends_with(".key") {
            true => folder.join(word).display().to_string(),
            false => word.to_owned(),
        };
        text.split(' ').map(in_folder).collect()
    });
    let mut project = Project::on(&redis);
    project.playbook(
        "one",
        "{ write: [dead] }",
        "steps:\n  - id: drop\n    job: { queue: sidekiq, delete: { from: dead, jid: a1 } }\n",
    );
    project.url = format!("rediss://:{}@127.0.0.1:{tls}/0", redis.password);
    let text = said(&project);
    assert!(text.contains("no encrypted connection could be made") && !text.contains(&redis.password), "{text}");
    std::fs::copy(redis.folder.path().join("ca.pem"), project.folder.path().join("ca.pem")).unwrap();
    let known = PROJECT.replace("      app:", "      ca: ca.pem\n      app:");
    std::fs::write(project.folder.path().join("trueup.yaml"), known).unwrap();
    redis.dead("a1", "1", 500, "5");
    project.apply("jobs/one", &[]).well(0);
    assert!(redis.texts("dead").is_empty());
    project.url = redis.url();
    assert!(said(&project).contains("`ca` belongs to an address with `rediss://`"));
}
