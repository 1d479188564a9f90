//! A plan of many items: each is tried out in transactions of its own and rolled back, several at the same time, and written
//! down as soon as it is known.

use super::{sets, source};
use crate::{
    action::{kinds::Act, step::Step},
    base::{seal::Sealer, value::Value},
    connection::standing::Standing,
    engine::{
        fleet, outline,
        rehearse::{self, Answers, PlanFailure},
        sets::{built, fit},
        setting::{OneItem, Part, Setting, Workplace},
        trouble::Trouble,
        watch::{Standing as Far, Tick, Watch},
    },
    ops::{self, Failure},
    plan::{
        Foreseen, ItemPlan, Many, Plan, StepPlan, Stop, Tally,
        digest::PlanDigest,
        file::{self, Header, MANY_FORMAT, Saved, Writer},
        many::{HELD, PlanFile},
        overlap::{Makers, Overlap},
    },
    report::exit::Exit,
    template::scope::Entry,
};
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// Where a plan is to stand: its file, and what the first line says.
pub struct Into<'a> {
    /// The file.
    pub path: PathBuf,
    /// Fills in what only the caller knows.
    pub header: &'a (dyn Fn(&Plan) -> Header + Sync),
}

/// Plans every item. With `into` the plan is kept in that file; else it is held, or stands in a file that goes away.
pub async fn plan(
    setting: &Setting,
    answers: Answers,
    watch: Watch<'_>,
    into: Option<Into<'_>>,
) -> Result<(Plan, Option<Saved>), Failure> {
    let (Some(targets), Some(workplace)) = (setting.playbook.targets.clone(), setting.workplace.clone()) else {
        return Err(Failure::usage("the playbook has no `targets`"));
    };
    let scope = setting.scope();
    let listing = source::read(setting, &targets, &scope, &workplace).await?;
    let standings = Arc::new(standings(setting).await?);
    let mut looked = setting.clone();
    looked.standings = Some(standings.clone());
    looked.grounds = Some(Arc::default());
    let setting = &looked;
    built::look(setting, false).await;
    let mut head = head(setting, &standings);
    head.many = Some(Box::new(Many {
        tally: Tally::default(),
        digest: String::new(),
        of: listing.of,
        lone: listing.lone,
        matched: listing.matched.clone(),
        goes: Some(fit::way(setting).to_string()),
        file: None,
    }));
    let mut kept = Kept::new(head, into, &workplace, makers(setting))?;
    let (once, entries) = once(setting, &answers, watch).await?;
    let stopped = once.stop.is_some();
    kept.add(once)?;
    if !stopped {
        let items = listing.items(&targets, &scope, &workplace.sealer);
        let items = items.map_err(|error| source::failed(error.into(), setting))?;
        let common = setting.about_many();
        let settings = items.map(|item| {
            let item = item.map_err(|error| source::failed(error.into(), setting))?;
            let about = OneItem {
                key: item.key,
                value: Some(item.value),
                once: entries.clone(),
                part: Part::Each,
                counts: None,
            };
            Ok((common.about(about), item.lane))
        });
        let of = if targets.group_by.is_some() { "group" } else { "item" };
        let crowd = Crowd { answers: Arc::new(answers), watch, of };
        let together = sets::rehearsal(setting);
        crowd.all(stream::iter(settings), setting, together, listing.count, &mut kept).await?;
    }
    kept.end()
}

/// A plan of some of the items of another one, with what is done once for all of them: those of turn 0 first, the others behind them by their
/// turn, else in their order. With `into` it is kept in that file.
pub fn only(
    setting: &Setting,
    plan: &Plan,
    sealer: &Sealer,
    mut turn: impl FnMut(&ItemPlan) -> Option<u32>,
    into: Option<Into<'_>>,
) -> Result<(Plan, Option<Saved>), Failure> {
    let Some(workplace) = setting.workplace.as_ref() else {
        return Err(Failure::usage("the playbook has no `targets`"));
    };
    let (of, lone) = plan.many.as_ref().map_or((0, 0), |many| (many.of, many.lone));
    let goes = plan.many.as_ref().and_then(|many| many.goes.clone());
    let matched = plan.many.as_ref().and_then(|many| many.matched.clone());
    let many = Many { tally: Tally::default(), digest: String::new(), of, lone, matched, goes, file: None };
    let head = Plan { items: Vec::new(), many: Some(Box::new(many)), ..plan.clone() };
    let mut kept = Kept::new(head, into, workplace, makers(setting))?;
    let mut later: Vec<(u32, ItemPlan)> = Vec::new();
    for (number, item) in plan.each(sealer).map_err(|why| bad(&why))?.enumerate() {
        let item = item.map_err(|why| bad(&why))?;
        match if number == 0 { Some(0) } else { turn(&item) } {
            Some(0) => kept.add(item)?,
            Some(turn) => later.push((turn, item)),
            None => {}
        }
    }
    later.sort_by_key(|(turn, _)| *turn);
    later.into_iter().try_for_each(|(_, item)| kept.add(item))?;
    kept.end()
}

/// The plan before its first item.
pub(super) fn head(setting: &Setting, standings: &BTreeMap<Arc<str>, Standing>) -> Plan {
    let text = Sha256::digest(setting.source.text().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Plan {
        playbook: setting.playbook.name.text.clone(),
        version: setting.playbook.version,
        title: setting.playbook.title.text.clone(),
        text_hash: text,
        params: setting.params.clone(),
        environment: setting.environment.clone(),
        targets: setting.identities(standings),
        at: setting.world.now(),
        items: Vec::new(),
        many: None,
    }
}

/// The steps that make a row with a key that is said: two items may say the same.
fn makers(setting: &Setting) -> Makers {
    fn among(prefix: &str, steps: &[Step], found: &mut Makers) {
        for (index, step) in steps.iter().enumerate() {
            let path = outline::path(prefix, step, index);
            match &step.act {
                Act::Row(row) if row.create.is_some() => {
                    found.makes.insert(path.clone(), row.key.iter().map(|(column, _)| column.into()).collect());
                }
                Act::Row(row) => found.takes_away |= row.ensure.is_some(),
                Act::Rows(rows) => found.takes_away |= rows.ensure.is_some(),
                // What stands behind these is not looked into.
                Act::Sql(_) | Act::Use(_) => found.takes_away = true,
                _ => {}
            }
            for (part, inner) in step.parts() {
                among(&outline::inside(&path, part.as_deref()), inner, found);
            }
        }
    }
    let mut found = Makers::default();
    for (section, steps) in setting.playbook.sections() {
        among(section, steps, &mut found);
    }
    found
}

/// What stands behind every database of the playbook: looked at once for all items.
pub(super) async fn standings(setting: &Setting) -> Result<BTreeMap<Arc<str>, Standing>, Failure> {
    let mut found = BTreeMap::new();
    for (name, database) in setting.databases.iter() {
        let standing = ops::saved::standing(setting, database).await.map_err(|fault| {
            Failure::refused(Exit::Failed, format!("failed to look at `{name}`: {fault}")).help(fault.help())
        })?;
        found.insert(name.clone(), standing);
    }
    Ok(found)
}

type Entries = Arc<Vec<(Arc<str>, Entry)>>;

/// What is done once for the whole run, and its results.
async fn once(setting: &Setting, answers: &Answers, watch: Watch<'_>) -> Result<(ItemPlan, Entries), Failure> {
    let setting = setting.about(OneItem { part: Part::Once, ..OneItem::default() });
    let planned = rehearse::plan_and_scope(&setting, answers, watch).await;
    let (mut plan, scope) = planned.map_err(|failure| ops::plan::of_plan(*failure, &setting))?;
    let names = setting.outline.names().into_iter();
    let entries = names.filter_map(|name| scope.entry(name).map(|(name, entry)| (name.clone(), entry.clone())));
    let entries = Arc::new(entries.collect());
    let item = plan.items.pop();
    Ok((item.unwrap_or_else(|| empty(crate::base::identity::SINGLE_ITEM.into())), entries))
}

/// An item of which nothing is planned.
pub(super) fn empty(key: Arc<str>) -> ItemPlan {
    ItemPlan { key, steps: Vec::new(), stop: None, rests_on: Vec::new(), item: None, lane: None }
}

/// Items that are tried out at the same time.
pub(super) struct Crowd<'a> {
    /// Answers given beforehand.
    pub answers: Arc<Answers>,
    /// Who is told.
    pub watch: Watch<'a>,
    /// `item` or `group`.
    pub of: &'static str,
}

/// The setting of an item, and its subject.
pub(super) type Own = (Setting, Option<Arc<str>>);

impl Crowd<'_> {
    /// All of them, kept in their order.
    pub(super) async fn all(
        &self,
        settings: impl Stream<Item = Result<Own, Failure>> + Unpin,
        run: &Setting,
        together: Option<sets::Sets>,
        count: u64,
        kept: &mut Kept<'_>,
    ) -> Result<(), Failure> {
        let at_once = fleet::abreast::tried_at_once(run);
        let mut settings = settings.enumerate();
        let (next, mut held) = match together {
            Some(mut sets) => {
                sets.at_once = sets.at_once.min(at_once);
                match self.in_sets(sets, &mut settings, count, kept).await? {
                    Some(next) => next,
                    None => return Ok(()),
                }
            }
            None => (0, None),
        };
        let mut under_way: JoinSet<(usize, Result<ItemPlan, Failure>)> = JoinSet::new();
        let mut ready: BTreeMap<usize, ItemPlan> = BTreeMap::new();
        let (mut next, mut over) = (next, false);
        loop {
            // A slow one must not let the others pile up behind it.
            while !over && under_way.len() < at_once && ready.len() < 4 * at_once {
                match held.take() {
                    Some((number, own)) => self.begin(&mut under_way, number, own),
                    None => match settings.next().await {
                        None => over = true,
                        Some((number, own)) => self.begin(&mut under_way, number, own?),
                    },
                }
            }
            let Some(done) = under_way.join_next().await else { return Ok(()) };
            let (number, planned) =
                done.map_err(|e| Failure::refused(Exit::Failed, format!("an item broke off: {e}")))?;
            ready.insert(number, planned?);
            while let Some(item) = ready.remove(&next) {
                kept.add(item)?;
                next += 1;
                (self.watch)(Tick::Items(Box::new(Far { over: next as u64, of: count, ..Far::default() })));
            }
        }
    }

    fn begin(&self, under_way: &mut JoinSet<(usize, Result<ItemPlan, Failure>)>, number: usize, (setting, lane): Own) {
        let (answers, of) = (self.answers.clone(), self.of);
        under_way.spawn(async move {
            let planned = match rehearse::plan(&setting, &answers, &|_| {}).await {
                Ok(mut plan) => Ok(plan.items.pop().unwrap_or_else(|| empty(setting.about.key.clone()))),
                Err(failure) => failing(*failure, &setting, of),
            };
            // A key alone makes it an item.
            let whole = |planned: ItemPlan| ItemPlan { lane, item: planned.item.or(Some(Value::NULL)), ..planned };
            (number, planned.map(whole))
        });
    }
}

/// An item that cannot be planned because of what it is fails, and the others go on. A database or an API that is away ends
/// the whole: its answer would be the same for all.
pub(super) fn failing(failure: PlanFailure, setting: &Setting, of: &str) -> Result<ItemPlan, Failure> {
    let away = match &failure.trouble {
        Trouble::Database { fault, .. } => fault.is_outage() || fault.ends_session(),
        _ => false,
    };
    if away {
        return Err(ops::plan::of_plan(failure, setting));
    }
    let place = setting.outline.place(&failure.path);
    let at = failure.trouble.at().unwrap_or_default();
    let message = failure.trouble.message();
    let stop = Stop {
        way: crate::action::ends::Way::Fail,
        message: message.clone(),
        who: None,
        step: failure.path.clone(),
        at,
        seen: Vec::new(),
    };
    let step = place.map(|place| StepPlan {
        section: place.section,
        path: place.path.clone(),
        kind: place.step.act.word(),
        title: None,
        label: crate::effect::label::Label::NotPreviewable(format!("this {of} cannot be tried out")),
        foreseen: Foreseen::Ends,
        effects: Vec::new(),
        notes: Vec::new(),
        undo: None,
        at,
    });
    Ok(ItemPlan {
        key: setting.about.key.clone(),
        steps: step.into_iter().collect(),
        stop: Some(stop),
        rests_on: Vec::new(),
        item: setting.about.value.clone(),
        lane: None,
    })
}

/// Takes planned items in: held as long as they are few, then written.
pub(super) struct Kept<'a> {
    plan: Plan,
    digest: PlanDigest,
    overlap: Overlap,
    into: Option<Into<'a>>,
    workplace: &'a Workplace,
    /// The file under way.
    writing: Option<Writing<'a>>,
}

struct Writing<'a> {
    writer: Writer<'a, BufWriter<File>>,
    draft: Draft,
    passing: bool,
}

/// A file that goes away unless it is kept.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // What was kept is not there any more under this name.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl<'a> Kept<'a> {
    pub(super) fn new(
        plan: Plan,
        into: Option<Into<'a>>,
        workplace: &'a Workplace,
        makers: Makers,
    ) -> Result<Kept<'a>, Failure> {
        let digest = PlanDigest::of(&plan);
        let overlap = Overlap::new(&workplace.aside, makers).map_err(|error| aside(&error))?;
        let mut kept = Kept { plan, digest, overlap, into, workplace, writing: None };
        if kept.into.is_some() {
            kept.begin_writing()?;
        }
        Ok(kept)
    }

    pub(super) fn add(&mut self, item: ItemPlan) -> Result<(), Failure> {
        self.overlap.add(&item).map_err(|error| aside(&error))?;
        if self.writing.is_none() && self.plan.items.len() > HELD {
            self.begin_writing()?;
        }
        match &mut self.writing {
            Some(writing) => writing.writer.add(&item).map_err(|why| bad(&why))?,
            None => {
                self.digest.item(&item);
                file::keep(&mut self.plan, item);
            }
        }
        Ok(())
    }

    /// From now on the items go into a file: those that are held first.
    fn begin_writing(&mut self) -> Result<(), Failure> {
        let (path, header, passing) = match &self.into {
            Some(into) => (into.path.clone(), (into.header)(&self.plan), false),
            None => {
                sweep(&self.workplace.aside);
                (self.workplace.aside.join(name(PASSING)), passing(&self.plan), true)
            }
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path);
        let opened = opened.map_err(|e| Failure::usage(format!("`{}` cannot be written: {e}", path.display())))?;
        if passing {
            // A file system that knows no locks keeps what is left behind.
            let _ = opened.try_lock();
        }
        let draft = Draft(path);
        let out = BufWriter::with_capacity(1 << 16, opened);
        let mut writer = Writer::begin(out, &header, &self.workplace.sealer).map_err(|why| bad(&why))?;
        for item in std::mem::take(&mut self.plan.items) {
            writer.add(&item).map_err(|why| bad(&why))?;
        }
        self.writing = Some(Writing { writer, draft, passing });
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(Plan, Option<Saved>), Failure> {
        let pair = self.overlap.first().map_err(|error| aside(&error))?;
        let Some(writing) = self.writing.take() else {
            if let Some(pair) = pair {
                let key = |number: u32| &self.plan.items[number as usize].key;
                return Err(same_row(key(pair.one), key(pair.other), pair.rests));
            }
            if let Some(many) = &mut self.plan.many {
                many.digest = self.digest.end();
            }
            return Ok((self.plan, None));
        };
        let Writing { writer, draft, passing } = writing;
        // A plan that does not hold stays only until its items are named.
        let passing = passing || pair.is_some();
        let (out, mut saved, sha256) = writer.end().map_err(|why| bad(&why))?;
        let kept = |e: std::io::Error| bad(&file::BadPlan::Io(e));
        let out = out.into_inner().map_err(|e| kept(e.into_error()))?;
        out.sync_all().map_err(kept)?;
        let path = draft.0.clone();
        // From here on the plan's own file says when it goes.
        std::mem::forget(draft);
        if let Some(many) = &mut saved.plan.many {
            many.file = Some(Arc::new(PlanFile { path, passing, held: passing.then_some(out), sha256 }));
            // Not a promise of the plan, so it does not stand in its file.
            many.goes = self.plan.many.take().and_then(|many| many.goes);
        }
        let plan = saved.plan.clone();
        if let Some(pair) = pair {
            let [one, other] = keys(&plan, &self.workplace.sealer, [pair.one, pair.other]).map_err(|why| bad(&why))?;
            return Err(same_row(&one, &other, pair.rests));
        }
        Ok((plan, (!passing).then_some(saved)))
    }
}

/// The keys of two items of a plan, of which the second comes later.
fn keys(plan: &Plan, sealer: &Sealer, numbers: [u32; 2]) -> Result<[Arc<str>; 2], file::BadPlan> {
    let mut found = numbers.map(|number| Arc::from(format!("number {}", number + 1)));
    for (number, item) in (0..=numbers[1]).zip(plan.each(sealer)?) {
        let key = item?.key;
        for (place, wanted) in found.iter_mut().zip(numbers) {
            if wanted == number {
                *place = key.clone();
            }
        }
    }
    Ok(found)
}

fn same_row(one: &str, other: &str, rests: bool) -> Failure {
    if rests {
        let message = format!("of the items {one} and {other}, one takes away a row that is as wanted for the other");
        return Failure::refused(Exit::Stopped, message)
            .help("are their keys two spellings of one? a column may take `1.0` and `1.00`, or `a` and `A`, for the same (`as:`, `caseless:`)")
            .help("make one item of them, or say that they come one after the other (`subject:`)");
    }
    Failure::refused(Exit::Stopped, format!("items {one} and {other} change the same row"))
        .help("each is tried out on its own, so the second would not find what its preview shows")
        .help("make one item of them (`group_by:`), or say that they come one after the other (`subject:`)")
}

fn aside(error: &std::io::Error) -> Failure {
    Failure::refused(Exit::Failed, format!("failed to keep the rows that items change for a while: {error}"))
}

pub(super) fn bad(why: &file::BadPlan) -> Failure {
    match why {
        // A disk that is full is no wrong use of anything.
        file::BadPlan::Io(error) => Failure::refused(Exit::Failed, format!("the plan cannot be kept: {error}"))
            .help("nothing was recorded or changed; look whether the disk is full, and at the rights of its folder"),
        why => Failure::usage(format!("the plan cannot be kept: it {why}")).help(why.help()),
    }
}

/// How the names of drafts begin, and of those that are made only to be carried out.
const DRAFT: &str = ".trueup-plan-";
const PASSING: &str = ".trueup-preview-";

/// A name that nobody else takes, and took before: in a container each process has the same number.
fn name(begin: &str) -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    format!("{begin}{}-{:016x}", std::process::id(), RandomState::new().build_hasher().finish())
}

/// Whoever makes such a file has locked it after so long.
const SURELY_LOCKED: Duration = Duration::from_secs(60);

/// Removes what processes that were killed have left behind: rows of people stand in it.
fn sweep(folder: &Path) {
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = file.file_name().to_str().is_some_and(|name| name.starts_with(PASSING));
        let age = || file.metadata().and_then(|known| known.modified()).ok()?.elapsed().ok();
        if ours
            && age().is_some_and(|age| age > SURELY_LOCKED)
            && File::open(file.path()).is_ok_and(|opened| opened.try_lock().is_ok())
        {
            // Another process may have been faster.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// The first line of a plan that is not kept.
fn passing(plan: &Plan) -> Header {
    let nothing: Arc<str> = "".into();
    Header {
        trueup_plan: MANY_FORMAT,
        engine: env!("CARGO_PKG_VERSION").into(),
        id: nothing.clone(),
        run: crate::base::identity::RunId(uuid::Uuid::nil()),
        journal: nothing.clone(),
        playbook: plan.playbook.clone(),
        version: plan.version,
        title: plan.title.clone(),
        path: nothing.clone(),
        shown: nothing.clone(),
        text: nothing.clone(),
        sha256: plan.text_hash.as_str().into(),
        facts: nothing.clone(),
        facts_sha256: nothing.clone(),
        environment: plan.environment.clone(),
        params: plan.params.clone(),
        targets: plan.targets.clone(),
        actor: nothing,
        reason: None,
        made_at: plan.at,
        expires_at: plan.at,
        items_of: plan.many.as_ref().map(|many| many.of),
        lone: plan.many.as_ref().map(|many| many.lone),
        matched: plan.many.as_ref().and_then(|many| many.matched.clone()),
        undo: None,
        names: None,
    }
}

/// A path beside another one that nobody has.
pub fn beside(path: &Path) -> PathBuf {
    path.with_file_name(name(DRAFT))
}

/// What a run keeps of its items, for lists.
pub fn counted(plan: &Plan) -> Option<Value> {
    let many = plan.many.as_ref()?;
    Some(Value::from(i64::try_from(many.tally.items).unwrap_or(i64::MAX)))
}
