//! A throw-away PostgreSQL server.

use super::{
    launch::{Gentle, Home, Running, password},
    programs,
};
use crate::{
    connection::sandbox,
    ops::{Failure, Surroundings},
};

/// Starts one and gives the URL of its owner; nothing where its programs are not installed.
pub async fn start(surroundings: &Surroundings, say: &dyn Fn(&str)) -> Result<Option<(Running, String)>, Failure> {
    let search = (surroundings.variable)("PATH");
    let found = ["/usr/lib/postgresql/", "/usr/pgsql-"].iter().find_map(|before| programs::newest(before, "initdb"));
    let Some(initdb) = found.or_else(|| programs::on_path(search.as_deref(), &["initdb"])) else { return Ok(None) };
    // A link on the search path leads to the folder where the server stands as well.
    let initdb = initdb.canonicalize().unwrap_or(initdb);
    let Some(server) = initdb.parent().map(|bin| bin.join("postgres")).filter(|path| path.is_file()) else {
        return Ok(None);
    };
    say("starting a throw-away PostgreSQL server");
    let home = Home::make(surroundings, &["postgres", "nobody"])?;
    let password = password()?;
    let file = home.write("password", &format!("{password}\n"))?;
    let data = home.path.join("data");
    let arguments = [
        format!("--pgdata={}", data.display()),
        "--username=postgres".into(),
        format!("--pwfile={}", file.display()),
        "--auth=scram-sha-256".into(),
        "--encoding=UTF8".into(),
        "--no-locale".into(),
        "--no-sync".into(),
    ];
    home.prepare(&initdb, &arguments)?;
    let _ = std::fs::remove_file(file);
    let url = |port: u16| format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    let started = home.start(
        surroundings,
        &server,
        Gentle::Interrupt,
        |folder, port| {
            let mut given = vec!["-D".into(), data.display().to_string()];
            given.extend(["-k".into(), folder.display().to_string(), "-h".into(), "127.0.0.1".into()]);
            given.extend(["-p".into(), port.to_string()]);
            // Nobody loses anything with this server: what it has not written yet may go when the machine falls.
            for setting in ["max_connections=300", "timezone=UTC", "fsync=off", "full_page_writes=off"] {
                given.extend(["-c".into(), setting.into()]);
            }
            given
        },
        |port| {
            let url = url(port);
            async move { sandbox::postgres(&url, &["select 1"]).await.is_ok() }
        },
    );
    let (running, port) = started.await?;
    Ok(Some((running, url(port))))
}
