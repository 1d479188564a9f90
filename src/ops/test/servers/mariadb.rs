//! A throw-away MariaDB server; where there is only MySQL, that.

use super::{
    launch::{Gentle, Home, Running, password},
    programs,
};
use crate::{
    connection::sandbox,
    ops::{Failure, Surroundings},
};

/// Starts one and gives the URL of a user who may do everything; nothing where its programs are not installed.
pub async fn start(surroundings: &Surroundings, say: &dyn Fn(&str)) -> Result<Option<(Running, String)>, Failure> {
    let search = (surroundings.variable)("PATH");
    let find = |names: &[&str]| programs::on_path(search.as_deref(), names);
    let Some(server) = find(&["mariadbd", "mysqld"]) else { return Ok(None) };
    say("starting a throw-away MariaDB server");
    let home = Home::make(surroundings, &["mysql", "nobody"])?;
    let data = home.path.join("data");
    let datadir = format!("--datadir={}", data.display());
    match find(&["mariadb-install-db", "mysql_install_db"]) {
        Some(install) => {
            let options = ["--no-defaults", &datadir, "--auth-root-authentication-method=normal", "--skip-test-db"];
            home.prepare(&install, &options.map(str::to_owned))?;
        }
        None => home.prepare(&server, &["--no-defaults", "--initialize-insecure", &datadir].map(str::to_owned))?,
    }
    let password = password()?;
    // The server runs these before it listens: nobody ever reaches it without a password.
    let first = home.write(
        "first.sql",
        &format!(
            "create user trueup@'%' identified by '{password}';\ngrant all on *.* to trueup@'%' with grant option;\n\
             alter user root@localhost identified by '{password}';\n"
        ),
    )?;
    let url = |port: u16| format!("mysql://trueup:{password}@127.0.0.1:{port}/mysql");
    let started = home.start(
        surroundings,
        &server,
        Gentle::Terminate,
        |folder, port| {
            vec![
                "--no-defaults".into(),
                datadir.clone(),
                format!("--socket={}", folder.join("socket").display()),
                "--bind-address=127.0.0.1".into(),
                format!("--port={port}"),
                format!("--pid-file={}", folder.join("pid").display()),
                format!("--init-file={}", first.display()),
                "--max-connections=300".into(),
                "--skip-name-resolve".into(),
                // Nobody loses anything with this server: what it has not written yet may go when the machine falls.
                "--innodb-flush-log-at-trx-commit=2".into(),
                "--skip-log-bin".into(),
            ]
        },
        |port| {
            let url = url(port);
            async move { sandbox::mysql(&url, &["select 1"]).await.is_ok() }
        },
    );
    let (running, port) = started.await?;
    Ok(Some((running, url(port))))
}
