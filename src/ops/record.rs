//! The journal of a project, opened with its key.

use super::{Failure, Surroundings, project::Opened};
use crate::{
    base::{identity::RunId, seal::Sealer},
    connection::{PostgresAddress, fault::Fault, reference::Secrets, settings::Effective},
    engine::{
        fleet::roll::Roll,
        lease::CLAIM,
        setting::{Setting, Workplace},
        state::RunState,
    },
    journal::{Claim, Holder, Journal, failure::JournalError},
};
use std::path::{Path, PathBuf};

/// The journal and the key that opens its sealed values.
pub struct Record {
    /// The events.
    pub journal: Journal,
    /// Seals and opens personal values.
    pub sealer: Sealer,
    /// Takes what is put aside for a while.
    pub aside: PathBuf,
}

/// Opens the project's journal; it is made if it is missing. What was found about it is said at the end of the command.
pub async fn open(surroundings: &Surroundings, opened: &Opened) -> Result<Record, Failure> {
    let (record, said) = open_and_say(surroundings, opened).await?;
    said.iter().for_each(|sentence| surroundings.notes.add(sentence));
    Ok(record)
}

/// The same with what is to be said about it.
pub(super) async fn open_and_say(
    surroundings: &Surroundings,
    opened: &Opened,
) -> Result<(Record, Vec<String>), Failure> {
    let record = match address(surroundings, opened)? {
        Some(address) => on_server(surroundings, opened, address).await?,
        None => in_file(surroundings, opened).await?,
    };
    let mut said = record.journal.warnings().to_vec();
    said.extend(super::witness::compare(surroundings, opened, &record, &key(opened)).await?);
    Ok((record, said))
}

async fn in_file(surroundings: &Surroundings, opened: &Opened) -> Result<Record, Failure> {
    let path = opened.journal();
    alone(opened, &path)?;
    let sealer = sealer(surroundings, &key(opened))?;
    let journal = Journal::open(&path, surroundings.world.clone(), sealer.clone()).await?;
    Ok(Record { journal, sealer, aside: aside(opened) })
}

/// The key stays beside the project: whoever has the database does not have the key.
async fn on_server(surroundings: &Surroundings, opened: &Opened, address: PostgresAddress) -> Result<Record, Failure> {
    let key = key(opened);
    let made_here = !key.exists();
    let sealer = sealer(surroundings, &key)?;
    let journal = Journal::connect(address, surroundings.world.clone(), sealer.clone()).await;
    if made_here && matches!(&journal, Err(JournalError::OtherKey { .. })) {
        // It opens nothing, and would only stand in the way of the right one. If it stays, the message says so again.
        let _ = std::fs::remove_file(&key);
    }
    Ok(Record { journal: journal?, sealer, aside: aside(opened) })
}

fn aside(opened: &Opened) -> PathBuf {
    key(opened).parent().filter(|folder| folder.is_dir()).map_or_else(std::env::temp_dir, Path::to_owned)
}

/// Whether the project has a journal that can be asked without making one.
pub fn is_there(opened: &Opened) -> bool {
    let on_server = opened.project.journal.as_ref().is_some_and(|journal| journal.postgres.is_some());
    if on_server { key(opened).is_file() } else { opened.journal().is_file() }
}

/// Where rows are put aside, and who seals them: the project's own key where it is at hand, so that a person has the same name
/// in every run; else one that goes away with the process. Makes nothing.
pub fn workplace(surroundings: &Surroundings, opened: &Opened) -> Result<Workplace, Failure> {
    let (path, masks) = (key(opened), surroundings.masks.clone());
    let aside = aside(opened);
    let sealer = if path.is_file() { Sealer::open(&path, masks) } else { Sealer::passing(masks) };
    let sealer = sealer.map_err(|e| Failure::usage(format!("failed to {e}")))?;
    Ok(Workplace { folder: surroundings.folder.clone(), aside, sealer })
}

/// From now on rows are put aside under the journal's key: what is planned can be read when it is carried out.
pub fn seal_with(setting: &mut Setting, record: &Record) {
    if let Some(place) = &mut setting.workplace {
        place.sealer = record.sealer.clone();
    }
}

const KEY: &str = "seal.key";

fn sealer(surroundings: &Surroundings, key: &Path) -> Result<Sealer, Failure> {
    Sealer::open_or_create(key, surroundings.masks.clone()).map_err(|e| Failure::usage(format!("failed to {e}")))
}

/// Where the journal's server is; nothing where it is a file.
fn address(surroundings: &Surroundings, opened: &Opened) -> Result<Option<PostgresAddress>, Failure> {
    let Some(place) = &opened.project.journal else { return Ok(None) };
    let Some(given) = &place.postgres else { return Ok(None) };
    let connection = place.connection().and_then(|name| opened.project.connections.get(name));
    // That the connection exists and has a `url` was checked with the project file.
    let setting = connection.and_then(|c| c.postgres.as_ref()).and_then(|p| p.url.as_ref()).unwrap_or(given);
    let secrets = Secrets { variable: &*surroundings.variable, folder: &opened.root, masks: &surroundings.masks };
    let fault = |fault: Fault| {
        let failure = Failure::usage(format!("the journal's address: {}", fault.message));
        fault.advice.into_iter().fold(failure, Failure::help)
    };
    PostgresAddress::resolve(setting, secrets).map(Some).map_err(fault)
}

/// The file is not one that a connection changes, by whatever name either is called. The texts were compared before.
fn alone(opened: &Opened, journal: &Path) -> Result<(), Failure> {
    let Ok(real) = journal.canonicalize() else { return Ok(()) };
    for (name, connection) in opened.project.connections.iter() {
        for environment in connection.per_environment.names().map(Some).chain([None]) {
            let Effective::Sqlite(settings) = connection.in_environment(environment) else { continue };
            let path = settings.path.map(|path| opened.root.join(path.as_str()));
            if path.and_then(|path| path.canonicalize().ok()).is_some_and(|path| path == real) {
                return Err(Failure::usage(format!(
                    "the journal `{}` is the database of the connection `{name}`",
                    journal.display()
                ))
                .help("give the journal a file of its own: `journal: { sqlite: PATH }`"));
            }
        }
    }
    Ok(())
}

/// What opens the personal values of files, where the project's key is at hand; else they stay hidden. Makes nothing.
pub fn reader(surroundings: &Surroundings, project: Option<&Path>) -> Sealer {
    let masks = surroundings.masks.clone();
    let opened = super::project::open(surroundings, project).ok();
    let key = opened.and_then(|opened| Sealer::open(&key(&opened), masks.clone()).ok());
    key.unwrap_or_else(|| Sealer::without_key(masks))
}

/// Compares an open journal once more with what this machine saw of it; gives what is to be said.
pub(super) async fn compare(
    surroundings: &Surroundings,
    opened: &Opened,
    record: &Record,
) -> Result<Option<String>, Failure> {
    super::witness::compare(surroundings, opened, record, &key(opened)).await
}

/// Beside a journal's file; for one on a server, in the project's own folder.
fn key(opened: &Opened) -> PathBuf {
    let on_server = opened.project.journal.as_ref().is_some_and(|journal| journal.postgres.is_some());
    if on_server { opened.root.join(".trueup").join(KEY) } else { opened.journal().with_file_name(KEY) }
}

/// No process has this number. Where that cannot be told, somebody is taken to be at work.
fn is_gone(pid: u32) -> bool {
    let processes = std::path::Path::new("/proc");
    processes.join("self").exists() && !processes.join(pid.to_string()).exists()
}

/// The process numbers of the machine itself; those of a container have another space, and its name may be the machine's.
const WHOLE_MACHINE: &str = "pid:[4026531836]";

/// The name of this machine, and of the container where process numbers are its own.
fn host(surroundings: &Surroundings) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let named = || (surroundings.variable)("HOSTNAME").or_else(|| (surroundings.variable)("COMPUTERNAME"));
    let name = kernel.filter(|name| !name.is_empty()).or_else(named).unwrap_or_else(|| UNKNOWN.to_owned());
    let space = std::fs::read_link("/proc/self/ns/pid").ok().map(|link| link.display().to_string());
    match space {
        Some(space) if space != WHOLE_MACHINE => format!("{name} ({space})"),
        _ => name,
    }
}

/// A machine without a name: no other process can be taken to be on the same one.
const UNKNOWN: &str = "unknown";

impl Record {
    /// Where a run stands.
    pub async fn state(&self, run: RunId) -> Result<RunState, Failure> {
        let events = self.journal.events(run).await?;
        Ok(RunState::of(events.into_iter().map(|e| (e.at, e.event))))
    }

    /// The items of a run and how far each is, without holding what happened in them.
    pub async fn roll(&self, run: RunId) -> Result<Roll, Failure> {
        Ok(Roll::read(&self.journal, run).await?)
    }

    /// This process, as others see it in a claim.
    pub fn holder(&self, surroundings: &Surroundings, actor: &str) -> Holder {
        Holder { name: actor.to_owned(), host: host(surroundings), pid: std::process::id() }
    }

    /// Takes a run for this process: at once when the process that has it is gone, else only when its time is over.
    pub async fn claim(&self, surroundings: &Surroundings, run: RunId, actor: &str) -> Result<Claim, Failure> {
        let holder = self.holder(surroundings, actor);
        match self.journal.claim(run, holder.clone(), CLAIM).await {
            // A process of this machine that is gone cannot give its claim back by itself.
            Err(JournalError::Claimed { by, .. }) if left(&by, &holder.host) => {
                Ok(self.journal.seize(&by, holder, CLAIM).await?)
            }
            Err(JournalError::Claimed { run, by }) => {
                let until = by.until;
                Err(Failure::Halted { message: JournalError::Claimed { run, by }.to_string(), help: Vec::new() }.help(
                    format!(
                        "nothing was changed; unless another sign of life comes, the run can be taken after {until}Z"
                    ),
                ))
            }
            other => Ok(other?),
        }
    }

    /// Another process goes on with this run.
    pub async fn is_held_by_another(&self, surroundings: &Surroundings, run: RunId) -> Result<bool, Failure> {
        let own = |by: &Claim| by.holder.host == host(surroundings) && by.holder.pid == std::process::id();
        Ok(self.worked_on_by(surroundings, run).await?.is_some_and(|by| !own(&by)))
    }

    /// The holder of a claim was a process of this machine, and is gone.
    pub fn is_gone(&self, surroundings: &Surroundings, by: &Claim) -> bool {
        left(by, &host(surroundings))
    }

    /// Frees a run of a holder that is known to be gone: where a thread stands for a process, its number says nothing.
    pub async fn free(&self, run: RunId) -> Result<(), Failure> {
        let Some(seen) = self.journal.holder(run).await? else { return Ok(()) };
        let claim = self.journal.seize(&seen, seen.holder.clone(), CLAIM).await?;
        Ok(self.journal.release(&claim).await?)
    }

    /// The process that is at work on the run, as far as anybody can tell.
    pub async fn worked_on_by(&self, surroundings: &Surroundings, run: RunId) -> Result<Option<Claim>, Failure> {
        let holder = self.journal.holder(run).await?;
        Ok(holder.filter(|by| !left(by, &host(surroundings))))
    }
}

/// The holder was a process of this machine, and is gone.
fn left(by: &Claim, host: &str) -> bool {
    !host.starts_with(UNKNOWN) && by.holder.host == host && is_gone(by.holder.pid)
}
