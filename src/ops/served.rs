//! What a running `trueup sandbox` serves for a project: where its mocks listen and where its jobs are, so that commands in another
//! terminal talk to the imitations that remember instead of starting fresh ones.

use super::{Failure, Surroundings, behind::Databases, mock, plan, project::Opened};
use crate::{
    base::{json, shape::Word, value::Value},
    connection::{reference::Setting, sidekiq},
    mock::server::Running,
};
use std::{
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The file in the project's folder, there while a sandbox runs.
pub const FILE: &str = ".trueup/served.json";

/// Addresses by mock file, as the project file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// `http://127.0.0.1:PORT` of each mock.
    pub mocks: HashMap<String, String>,
    /// `redis://127.0.0.1:PORT/0`
    pub jobs: Option<String>,
}

impl Served {
    /// What is served for the project in this folder at this moment. A file that a killed sandbox left behind says nothing.
    pub fn look(root: &Path) -> Served {
        let Ok(text) = std::fs::read_to_string(root.join(FILE)) else { return Served::default() };
        let Ok(tree) = json::parse(&text) else { return Served::default() };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mocks = tree.get("mocks").and_then(|m| m.as_map().cloned()).unwrap_or_default();
        let mocks: HashMap<_, _> = mocks.iter().filter_map(|(n, v)| Some((n.to_string(), text(v)?))).collect();
        let served = Served { mocks, jobs: tree.get("jobs").as_ref().and_then(text) };
        let all = served.mocks.values().chain(&served.jobs);
        if all.clone().all(|address| answers(address)) { served } else { Served::default() }
    }

    /// Says where everything is.
    pub fn write(&self, root: &Path) -> std::io::Result<PathBuf> {
        let mut mocks: Vec<_> = self.mocks.iter().collect();
        mocks.sort();
        let mocks = Value::map(mocks.into_iter().map(|(n, v)| (n.as_str(), Value::text(v.as_str()))));
        let jobs = self.jobs.as_deref().map_or(Value::NULL, Value::text);
        let path = root.join(FILE);
        std::fs::write(&path, json::text_of(&Value::map([("mocks", mocks), ("jobs", jobs)])))?;
        Ok(path)
    }
}

/// Somebody listens there; only ever asked of this machine.
fn answers(address: &str) -> bool {
    let place = address.split("://").nth(1).unwrap_or(address).split('/').next().unwrap_or_default();
    let place = place.parse::<SocketAddr>().ok().filter(|place| place.ip().is_loopback());
    place.is_some_and(|place| TcpStream::connect_timeout(&place, Duration::from_millis(300)).is_ok())
}

/// The mocks of a command: those of a running sandbox, else fresh ones, one for each file.
pub struct Players<'a> {
    surroundings: &'a Surroundings,
    opened: &'a Opened,
    environment: &'a str,
    served: Served,
    own: HashMap<PathBuf, usize>,
}

impl<'a> Players<'a> {
    /// Starts nothing yet.
    pub fn new(surroundings: &'a Surroundings, opened: &'a Opened, environment: &'a str) -> Players<'a> {
        Players { surroundings, opened, environment, served: Served::look(&opened.root), own: HashMap::new() }
    }

    /// Where this mock file is played, and what a call must carry. Connections that name the same file share it.
    pub async fn at(
        &mut self,
        file: &str,
        mocks: &mut Vec<Running>,
    ) -> Result<(String, Option<crate::mock::Credentials>), Failure> {
        let path = self.opened.root.join(file);
        if let Some(url) = self.served.mocks.get(file) {
            let mock = mock::read(self.surroundings, &path)?;
            return Ok((url.clone(), mock.auth.as_ref().and_then(|guard| guard.credentials())));
        }
        if let Some(running) = self.own.get(&path).and_then(|index| mocks.get(*index)) {
            return Ok((running.url(), running.credentials()));
        }
        let behind = plan::databases(self.surroundings, self.opened, self.environment)?;
        let behind = Databases::new(self.opened.project.clone(), behind);
        let mut mock = mock::read(self.surroundings, &path)?;
        // A fixed port is for the sandbox that stays; two commands at once would fight over it.
        mock.listen = None;
        let started = mock.start_with(self.surroundings.world.clone(), None, Some(Arc::new(behind))).await;
        let running = started.map_err(|e| Failure::usage(format!("failed to {e}")))?;
        self.own.insert(path, mocks.len());
        let place = (running.url(), running.credentials());
        mocks.push(running);
        Ok(place)
    }
}

/// The settings of jobs that a worker of the sandbox plays: its Redis in the place of the real one.
pub fn jobs_of(
    opened: &Opened,
    name: &str,
    settings: sidekiq::SidekiqSettings,
) -> Result<sidekiq::SidekiqSettings, Failure> {
    let Some(url) = Served::look(&opened.root).jobs else {
        let missing = Failure::usage(format!("the background jobs of `{name}` are played by a sandbox, and none runs"));
        return Err(missing.help("start it in another terminal and leave it there: `trueup sandbox register`"));
    };
    Ok(at_redis(settings, &url))
}

/// The same jobs at another Redis, on this machine.
pub fn at_redis(settings: sidekiq::SidekiqSettings, url: &str) -> sidekiq::SidekiqSettings {
    let url = Setting::Plain(Word { text: url.into(), span: settings.at });
    sidekiq::SidekiqSettings { url: Some(url), ca: None, ..settings }
}
