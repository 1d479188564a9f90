//! What the source of a saved plan says by now. The items of a run are those of its plan; between the two hours may lie, and what the source no longer
//! gives, or gives with other values, is nothing that anybody looked at.

use super::source;
use crate::{
    base::value::{Data, Value},
    check::looked,
    engine::{
        drift::pair,
        fleet::summary::ITS_SOURCE,
        setting::{Setting, Workplace},
    },
    ops::Failure,
    targets::{
        Targets,
        gather::{GatherError, Listing},
        model::Source,
    },
    template::{Path, Scope, equal},
};
use std::{collections::HashMap, sync::Arc};

/// Items that their source does not give as they were planned, each with what it says of them.
pub(super) type Drifted = HashMap<Arc<str>, String>;

/// So many values that differ are told of an item.
const TOLD: usize = 3;

/// The source of a saved plan, read once more.
pub(super) struct Again<'a> {
    setting: &'a Setting,
    targets: &'a Targets,
    workplace: &'a Workplace,
    scope: Scope,
    listing: Listing,
    /// Where the playbook looks.
    pub looked: Arc<Looked>,
}

impl<'a> Again<'a> {
    /// Reads it; nothing where it cannot have moved.
    pub async fn read(setting: &'a Setting) -> Result<Option<Again<'a>>, Failure> {
        let (Some(targets), Some(workplace)) = (&setting.playbook.targets, &setting.workplace) else {
            return Ok(None);
        };
        // A list stands in the playbook, or in a parameter, which the plan fixes; of a file it names the bytes.
        if matches!(targets.from.source, Source::List(_) | Source::Csv(_)) {
            return Ok(None);
        }
        let scope = setting.scope();
        let listing = source::gathered(setting, targets, &scope, workplace, None).await?;
        Ok(Some(Again {
            setting,
            targets,
            workplace,
            scope,
            listing,
            looked: Arc::new(Looked(looked::of_item(&setting.playbook))),
        }))
    }

    /// Ready to be compared with the items of the plan.
    pub fn compare(&self) -> Result<Compare<'_>, Failure> {
        let failed = |error: GatherError| source::failed(error.into(), self.setting);
        let items = self.listing.items(self.targets, &self.scope, &self.workplace.sealer).map_err(failed)?;
        let looked = &self.looked;
        let now = items.map(move |item| match item {
            Ok(item) => Ok((item.key, looked.facts(Some(&item.value)))),
            Err(error) => Err(failed(error)),
        });
        Ok(Compare {
            looked,
            coming: Box::new(now),
            now: HashMap::new(),
            planned: HashMap::new(),
            found: Drifted::new(),
        })
    }
}

/// What is looked at of an item, each with what the item has there.
pub(super) type Facts = Vec<Option<Value>>;

/// What the texts of a playbook look at of an item: what else its source gives may change.
pub(super) struct Looked(Vec<Path>);

impl Looked {
    /// What an item has there.
    pub fn facts(&self, item: Option<&Value>) -> Facts {
        self.0.iter().map(|path| path.look_up(item?)).collect()
    }
}

/// An item of the source, or why it cannot be read.
type Given = Result<(Arc<str>, Facts), Failure>;

/// The items of the plan beside those of its source. Where nothing moved, nothing is held.
pub(super) struct Compare<'a> {
    looked: &'a Looked,
    /// What the source still has to show.
    coming: Box<dyn Iterator<Item = Given> + Send + 'a>,
    /// What the other side has not shown yet.
    now: HashMap<Arc<str>, Facts>,
    planned: HashMap<Arc<str>, Facts>,
    found: Drifted,
}

impl Compare<'_> {
    /// The next item of the plan.
    pub fn with(&mut self, key: &Arc<str>, was: Facts) -> Result<(), Failure> {
        self.planned(key.clone(), was);
        match self.coming.next() {
            Some(now) => now.map(|(key, facts)| self.now(key, facts)),
            None => Ok(()),
        }
    }

    /// The items that have drifted as far as it is known.
    pub fn so_far(&self) -> &Drifted {
        &self.found
    }

    /// All of them, when the plan has no more items. What is new in the source is no item of this plan.
    pub fn end(mut self) -> Result<Drifted, Failure> {
        while !self.planned.is_empty() {
            let Some(item) = self.coming.next() else { break };
            let (key, facts) = item?;
            if let Some(was) = self.planned.remove(&key) {
                self.compare(key, &was, &facts);
            }
        }
        let gone = self.planned.into_keys().map(|item| (item, format!("{ITS_SOURCE}no longer gives it")));
        self.found.extend(gone);
        Ok(self.found)
    }

    fn planned(&mut self, key: Arc<str>, was: Facts) {
        match self.now.remove(&key) {
            Some(now) => self.compare(key, &was, &now),
            None => drop(self.planned.insert(key, was)),
        }
    }

    fn now(&mut self, key: Arc<str>, now: Facts) {
        match self.planned.remove(&key) {
            Some(was) => self.compare(key, &was, &now),
            None => drop(self.now.insert(key, now)),
        }
    }

    fn compare(&mut self, key: Arc<str>, was: &Facts, now: &Facts) {
        let differ = self.looked.0.iter().zip(was.iter().zip(now)).filter(|(_, (was, now))| !same(was, now));
        let told: Vec<String> = differ.take(TOLD).map(|(path, (was, now))| told(path, was, now)).collect();
        if !told.is_empty() {
            self.found.insert(key, format!("{ITS_SOURCE}gives another {}", told.join("; another ")));
        }
    }
}

fn same(was: &Option<Value>, now: &Option<Value>) -> bool {
    match (was, now) {
        (Some(was), Some(now)) => {
            // A secret is in no plan, and the time of a run is another one each time.
            was.is_unknown() || was.all_marks().varies() || now.all_marks().varies() || equal(was, now).unwrap_or(false)
        }
        (was, now) => was.is_none() && now.is_none(),
    }
}

fn told(path: &Path, was: &Option<Value>, now: &Option<Value>) -> String {
    let inner = Path { steps: path.steps.iter().skip(1).cloned().collect() };
    if inner.steps.is_empty() {
        return "item".into();
    }
    let none = || Data::Null.into();
    // The rows of a group are too much for a reason.
    let length = |value: &Option<Value>| value.as_ref().and_then(Value::as_list).map(<[Value]>::len);
    if let (Some(was), Some(now)) = (length(was), length(now)) {
        let differs = if was == now { "of which some differ".to_owned() } else { format!("found {now}") };
        return format!("`{inner}`: planned {was} elements, {differs}");
    }
    let (was, now) = pair(&was.clone().unwrap_or_else(none), &now.clone().unwrap_or_else(none));
    format!("`{inner}`: planned {was}, found {now}")
}
