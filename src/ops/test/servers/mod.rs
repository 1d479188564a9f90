//! The servers that tests are played on: the ones that `TRUEUP_TEST_POSTGRES` and `TRUEUP_TEST_MYSQL` name, else throw-away
//! ones that trueup starts itself, where their programs are installed.
//!
//! A throw-away server listens on 127.0.0.1 only, has a random password, keeps everything in a folder of its own, never runs
//! as root, and is gone with the command: when it ends, at Ctrl-C, and where `setpriv` is there even after `kill -9`.

mod launch;
mod mariadb;
mod postgres;
mod programs;

use super::super::{Failure, Surroundings};
use crate::{base::secret::Secret, template::Dialect, trial::bench::On};
use launch::Running;
use std::sync::{Mutex, PoisonError};

/// Every kind of database that tests can be played on.
pub const KINDS: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql];

/// A kind of database on which nothing was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// `postgres` or `mysql`.
    pub on: &'static str,
    /// Why.
    pub why: String,
}

/// The servers that run. They stop when this goes.
#[derive(Debug, Default)]
pub struct Servers(Mutex<Vec<Running>>);

impl Servers {
    /// Stops them all, and waits until they are gone.
    pub fn stop(&self) {
        let running = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(running);
    }

    fn keep(&self, running: Running) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(running);
    }

    /// Where tests of these kinds are played. With `all` a kind without a server is left out and named; without it, it is
    /// what somebody asked for, so it is an error. `say` gets a word about what takes a while.
    pub async fn of(
        &self,
        surroundings: &Surroundings,
        kinds: &[Dialect],
        all: bool,
        say: &dyn Fn(&str),
    ) -> Result<(Vec<On>, Vec<Missed>), Failure> {
        let (mut on, mut skipped) = (Vec::new(), Vec::new());
        for kind in kinds {
            match self.one(surroundings, *kind, say).await? {
                Ok(one) => on.push(one),
                Err(missing) if all => skipped.push(Missed { on: word(*kind), why: missing.what }),
                Err(missing) => return Err(Failure::usage(missing.what).help(missing.help)),
            }
        }
        Ok((on, skipped))
    }

    async fn one(
        &self,
        surroundings: &Surroundings,
        kind: Dialect,
        say: &dyn Fn(&str),
    ) -> Result<Result<On, Missing>, Failure> {
        let (variable, make): (&str, fn(Secret) -> On) = match kind {
            Dialect::Sqlite => return Ok(Ok(On::Sqlite)),
            Dialect::Postgres => ("TRUEUP_TEST_POSTGRES", On::Postgres),
            Dialect::Mysql => ("TRUEUP_TEST_MYSQL", On::Mysql),
        };
        let known = |url: String| {
            let url = Secret::new(url);
            surroundings.masks.add(&url);
            make(url)
        };
        if let Some(url) = (surroundings.variable)(variable).filter(|url| !url.trim().is_empty()) {
            return Ok(Ok(known(url)));
        }
        launch::sweep();
        let started = match kind {
            Dialect::Postgres => postgres::start(surroundings, say).await?,
            _ => mariadb::start(surroundings, say).await?,
        };
        Ok(match started {
            Some((running, url)) => {
                self.keep(running);
                Ok(known(url))
            }
            None => Err(missing(kind, variable)),
        })
    }
}

/// There is no server of a kind.
struct Missing {
    what: String,
    help: String,
}

fn missing(kind: Dialect, variable: &str) -> Missing {
    let (name, programs, package) = match kind {
        Dialect::Postgres => ("PostgreSQL", "initdb and postgres", "postgresql"),
        _ => ("MariaDB or MySQL", "mariadbd and mariadb-install-db", "mariadb-server"),
    };
    Missing {
        what: format!("no {name} server is installed ({programs}), and {variable} names none"),
        help: format!(
            "install it (on Debian: apt-get install {package}; it need not run), or set {variable} to the URL of a role \
             that may create databases"
        ),
    }
}

/// `sqlite`, `postgres`, `mysql`.
pub fn word(kind: Dialect) -> &'static str {
    match kind {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
        Dialect::Mysql => "mysql",
    }
}
