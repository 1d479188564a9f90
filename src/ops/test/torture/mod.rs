//! What a case has to bear: killed at every boundary, every answer lost, two at once. Each time on systems of its own, each
//! time with somebody who goes on, and each time what came of it is held against the case's own expectation and against the
//! same case left in peace.

mod life;

use super::{Opening, scene::Scene};
use crate::{
    action::kinds::Act,
    base::moment::Cut,
    engine::reached::Reached,
    journal::words::End,
    ops::{Surroundings, playbook},
    trial::{
        bench::Bench,
        compare::{Happened, compare},
        expect::Expect,
        model::{Case, Proof},
        report::{Problem, Torture},
        snapshot::Snapshot,
    },
};
pub use life::step_of;
use life::{Came, Ended, Gate, Life};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The proofs that are made here.
pub fn is_torture(proof: Proof) -> bool {
    matches!(proof, Proof::KillEverywhere | Proof::LoseEveryAnswer | Proof::TwoAtOnce)
}

/// A case, and where it can be set up again and again.
pub struct Rack<'a> {
    pub opening: &'a Opening,
    pub bench: &'a Bench,
    pub case: &'a Case,
    /// Each setting gets a folder of its own in it.
    pub folder: PathBuf,
    /// Of the command.
    pub surroundings: Surroundings,
    count: AtomicUsize,
}

/// What the case does when it is left in peace.
struct Peace {
    end: Option<End>,
    /// Changed rows, by table and deed.
    rows: BTreeMap<String, usize>,
    /// The same some time later, where workers take jobs.
    later: Option<BTreeMap<String, usize>>,
    /// Real changes behind each API.
    effects: Vec<usize>,
    /// Of these the ones that made something.
    made: Vec<usize>,
    /// Requests to each API, in order.
    requests: Vec<Vec<String>>,
    /// Boundaries, in order.
    boundaries: Vec<&'static str>,
}

/// What is wrong, each thing once, with how often.
#[derive(Default)]
struct Findings(Vec<(Problem, usize)>);

impl Findings {
    fn add(&mut self, problem: Problem, during: &str) {
        let same = |known: &Problem| known.expected == problem.expected && known.found == problem.found;
        match self.0.iter_mut().find(|(known, _)| same(known)) {
            Some((_, times)) => *times += 1,
            None => self.0.push((Problem { what: format!("{during}: {}", problem.what), ..problem }, 0)),
        }
    }

    fn problems(self) -> Vec<Problem> {
        let more = |(mut problem, times): (Problem, usize)| {
            match times {
                0 => {}
                1 => problem.what.push_str(" (and once more)"),
                times => problem.what.push_str(&format!(" (and {times} times more)")),
            }
            problem
        };
        self.0.into_iter().map(more).collect()
    }
}

type Put<T> = Result<T, Problem>;

/// What is being done where two runs go at the same time.
const TWO: &str = "two at once";

/// Of a case that does not ask for it itself so many boundaries, and so many answers, are tried: one over many items, or of many
/// stages, has hundreds that are alike.
const MOST: usize = 40;

/// `most` of `count` places, evenly spread; those of the next number lie beside them.
fn spread(count: usize, most: usize, number: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    let shift = number % (count / most);
    (0..most).map(|nth| nth * count / most + shift).collect()
}

impl<'a> Rack<'a> {
    /// `folder` is made when it is needed.
    pub fn new(
        surroundings: &Surroundings,
        opening: &'a Opening,
        bench: &'a Bench,
        case: &'a Case,
        folder: PathBuf,
    ) -> Rack<'a> {
        let surroundings = surroundings.clone();
        Rack { opening, bench, case, folder, surroundings, count: AtomicUsize::new(0) }
    }

    /// Makes these proofs.
    pub async fn torture(&self, proofs: &[Proof]) -> (Vec<Problem>, Torture) {
        let (mut findings, mut torture) = (Findings::default(), Torture::default());
        let put = self.all(proofs, &mut findings, &mut torture).await;
        let mut problems = findings.problems();
        problems.extend(put.err());
        (problems, torture)
    }

    async fn all(&self, proofs: &[Proof], findings: &mut Findings, torture: &mut Torture) -> Put<()> {
        let peace = self.in_peace().await?;
        if proofs.contains(&Proof::KillEverywhere) {
            if peace.boundaries.is_empty() {
                return Err(Problem::new(
                    Proof::KillEverywhere.word(),
                    "a case that applies something",
                    "it ends before anything is applied: there is no boundary to be killed at",
                ));
            }
            torture.boundaries = peace.boundaries.len();
            for index in self.some(Proof::KillEverywhere, peace.boundaries.len()) {
                self.kill(index + 1, peace.boundaries[index], &peace, findings, torture).await?;
            }
        }
        if proofs.contains(&Proof::LoseEveryAnswer) {
            if peace.requests.iter().all(Vec::is_empty) && proofs.len() == 1 {
                let found = "no API is called: there is no answer to lose";
                return Err(Problem::new(Proof::LoseEveryAnswer.word(), "a case that calls an API", found));
            }
            let all = |(api, requests): (usize, &Vec<String>)| (0..requests.len()).map(move |index| (api, index));
            let all: Vec<(usize, usize)> = peace.requests.iter().enumerate().flat_map(all).collect();
            torture.answers = all.len();
            for (api, index) in self.some(Proof::LoseEveryAnswer, all.len()).into_iter().map(|at| all[at]) {
                self.lose(api, index + 1, &peace.requests[api][index], &peace, findings, torture).await?;
            }
        }
        if proofs.contains(&Proof::TwoAtOnce) {
            self.two(&peace, findings, torture).await?;
        }
        Ok(())
    }

    /// Where a proof is made, out of so many places: at all of them where the case asks for it, else at [`MOST`] at most, evenly
    /// spread, and at others in the next case. The report says so.
    fn some(&self, proof: Proof, count: usize) -> Vec<usize> {
        if self.case.also.contains(&proof) {
            return (0..count).collect();
        }
        let number = self.opening.file.cases.iter().position(|case| std::ptr::eq(case, self.case));
        spread(count, MOST, number.unwrap_or(0))
    }

    async fn set(&self) -> Put<(Scene, Snapshot, Life)> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(number.to_string());
        let scene = Scene::set(self.opening, self.bench, self.case, &folder, Reached::default()).await?;
        let before = scene.snapshot().await?;
        let life = Life {
            surroundings: scene.surroundings.clone(),
            root: scene.opened.root.clone(),
            playbook: self.opening.file.name().to_owned(),
            request: self.opening.request(&scene.start),
            answers: scene.start.answers.clone(),
            told: Arc::default(),
            run: Arc::default(),
        };
        Ok((scene, before, life))
    }

    async fn in_peace(&self) -> Put<Peace> {
        let (scene, before, life) = self.set().await?;
        let cut = Cut::at(0);
        let came = alive(life.begin(cut.clone(), None).await)?;
        let rows = changed(&scene.snapshot().await?, &before);
        let (requests, effects, made) = (requests(&scene), scene.effects(), scene.made());
        let later = if scene.has_workers() { Some(changed(&scene.later().await?, &before)) } else { None };
        let peace = Peace { end: came.happened.end, rows, later, effects, made, requests, boundaries: cut.names() };
        scene.strike().await;
        Ok(peace)
    }

    async fn kill(
        &self,
        nth: usize,
        boundary: &str,
        peace: &Peace,
        findings: &mut Findings,
        torture: &mut Torture,
    ) -> Put<()> {
        let (scene, before, life) = self.set().await?;
        let during = format!("killed {boundary} (boundary {nth} of {})", peace.boundaries.len());
        let cut = Cut::at(u64::try_from(nth).unwrap_or(u64::MAX));
        match life.begin(cut, None).await {
            Ended::Killed => torture.kills += 1,
            // The same case takes the same way; where it does not, nothing was shown.
            _ => {
                let found = "the run took another way and never came there";
                findings.add(Problem::new("boundaries", "the same ones each time", found), &during);
                scene.strike().await;
                return Ok(());
            }
        }
        let came = alive(life.go_on(false).await)?;
        self.judge(&scene, &before, came, &life, peace, &during, findings, torture).await?;
        scene.strike().await;
        Ok(())
    }

    async fn lose(
        &self,
        api: usize,
        nth: usize,
        request: &str,
        peace: &Peace,
        findings: &mut Findings,
        torture: &mut Torture,
    ) -> Put<()> {
        let (scene, before, life) = self.set().await?;
        scene.mocks[api].1.lose(nth);
        let during = format!("the answer to {request} lost (request {nth} of {})", peace.requests[api].len());
        let mut came = alive(life.begin(Cut::at(0), None).await)?;
        if !scene.mocks[api].1.has_lost() {
            let found = "the run took another way and never sent it";
            findings.add(Problem::new("requests", "the same ones each time", found), &during);
        } else {
            torture.lost += 1;
            if !came.doubts.is_empty() || came.happened.end == Some(End::Failed) && peace.end != Some(End::Failed) {
                // What this process could not find out, another one may; and what failed is tried again.
                came = alive(life.go_on(true).await)?;
            }
            self.judge(&scene, &before, came, &life, peace, &during, findings, torture).await?;
        }
        scene.strike().await;
        Ok(())
    }

    async fn two(&self, peace: &Peace, findings: &mut Findings, torture: &mut Torture) -> Put<()> {
        let (scene, before, life) = self.set().await?;
        let other = Life { run: Arc::default(), ..life.clone() };
        let gate = Arc::new(Gate::default());
        let one = |life: Life| {
            let gate = gate.clone();
            async move {
                let ended = life.begin(Cut::at(0), Some(gate.clone())).await;
                // One that never came to the gate must not keep the other one waiting.
                gate.arrive();
                ended
            }
        };
        let (first, second) = tokio::join!(one(life.clone()), one(other));
        let (first, second) = (alive(first)?, alive(second)?);
        torture.at_once += 1;
        let during = TWO;
        for came in [&first, &second].into_iter().filter(|came| !came.doubts.is_empty()) {
            self.doubt(came, during, findings, torture);
        }
        let ends = [first.happened.end, second.happened.end];
        if peace.end == Some(End::Changed) && !ends.contains(&peace.end) {
            let words =
                |came: &Came| format!("{}\n{}", came.happened.end.map_or("refused", End::word), came.happened.message);
            let found = format!("{}\n{}", words(&first), words(&second));
            findings.add(Problem::new("outcome", "one of them changes what it is for", found), during);
        }
        self.world(&scene, &before, peace, during, findings).await?;
        scene.strike().await;
        Ok(())
    }

    /// Holds what came of it against the expectation and against peace.
    #[allow(clippy::too_many_arguments, reason = "two callers, one after another")]
    async fn judge(
        &self,
        scene: &Scene,
        before: &Snapshot,
        came: Came,
        life: &Life,
        peace: &Peace,
        during: &str,
        findings: &mut Findings,
        torture: &mut Torture,
    ) -> Put<()> {
        if !came.doubts.is_empty() {
            self.doubt(&came, during, findings, torture);
            return Ok(());
        }
        if came.happened.end != peace.end {
            let word = |end: Option<End>| end.map_or("refused", End::word);
            let found = format!("{}\n{}", word(came.happened.end), came.happened.message);
            findings.add(Problem::new("outcome", word(peace.end), found), during);
        }
        let told = life.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let happened = Happened { told, ..came.happened };
        let mut expect: Expect = self.case.expect.clone();
        // How often it asks, and what a preview of another process showed, is not what this is about.
        (expect.sent, expect.preview, expect.exit, expect.message, expect.outcome) = (None, None, None, None, None);
        if during.starts_with("killed before a message") {
            // Nobody knows whether it has left, and it is told once at most: that is the promise for messages.
            expect.told = None;
        }
        let after = scene.snapshot().await?;
        if scene.has_workers() && changed(&after, before) != peace.rows {
            // While somebody goes on with the run the workers go on as well: what a job comes to is compared when they are through.
            (expect.changes, expect.jobs) = (None, None);
        }
        for problem in compare(&expect, &happened, before, &after, &scene.opened.project) {
            findings.add(problem, during);
        }
        self.world(scene, before, peace, during, findings).await
    }

    /// Rows and effects are those of a run in peace, in number.
    async fn world(
        &self,
        scene: &Scene,
        before: &Snapshot,
        peace: &Peace,
        during: &str,
        findings: &mut Findings,
    ) -> Put<()> {
        let mut rows = changed(&scene.snapshot().await?, before);
        let (effects, made) = (scene.effects(), scene.made());
        let mut wanted = &peace.rows;
        if let Some(later) = peace.later.as_ref().filter(|_| rows != peace.rows) {
            (rows, wanted) = (changed(&scene.later().await?, before), later);
        }
        if rows != *wanted {
            let words = |rows: &BTreeMap<String, usize>| {
                let lines: Vec<String> = rows.iter().map(|(what, count)| format!("{what}: {count}")).collect();
                if lines.is_empty() { "nothing changed".to_owned() } else { lines.join("\n") }
            };
            findings.add(Problem::new("changed rows", words(wanted), words(&rows)), during);
        }
        for (index, names) in scene.outside().into_iter().enumerate() {
            let api = names.join(" and ");
            if effects[index] < peace.effects[index] {
                let (expected, found) = (peace.effects[index].to_string(), effects[index].to_string());
                findings.add(Problem::new(format!("changes behind {api}"), expected, found), during);
            }
            // What may be done twice the author has said.
            if made.get(index) > peace.made.get(index) && !names.iter().any(|name| self.repeats(name)) {
                // Each of two runs has keys of its own, and a probe looks when the other one has sent.
                let advice = if during == TWO {
                    "each of two runs made it: `limits: { one_at_a_time: … }` keeps the second one out while the first one is \
                     open; `repeatable:` is for what does no harm when it is done twice"
                } else {
                    "something was made twice: give the connection an `idempotency_key`, or the step a `probe:`; \
                     `repeatable:` is for what does no harm when it is done twice"
                };
                let found = format!("{}\n{advice}", made.get(index).copied().unwrap_or(0));
                let expected = peace.made.get(index).copied().unwrap_or(0).to_string();
                findings.add(Problem::new(format!("made behind {api}"), expected, found), during);
            }
        }
        Ok(())
    }

    /// A step of which nobody can find out: as the file says, or a finding that says what to add.
    fn doubt(&self, came: &Came, during: &str, findings: &mut Findings, torture: &mut Torture) {
        for (path, class) in &came.doubts {
            let name = path.rsplit('/').next().unwrap_or(path).split('[').next().unwrap_or(path);
            if self.opening.file.once.get(name).is_some() {
                torture.in_doubt += 1;
                continue;
            }
            let expected = format!("somebody can find out whether step `{name}` was done");
            let found = format!("in doubt: {}", self.advice(path, class.as_deref()));
            findings.add(Problem::new(format!("step `{name}`"), expected, found), during);
        }
    }

    /// Some step says that its call of this API may be made twice.
    fn repeats(&self, api: &str) -> bool {
        let opened = &self.opening.opened;
        let Ok(loaded) = playbook::load(&self.surroundings, opened, self.opening.file.name()) else {
            return false;
        };
        let mut found = false;
        for (_, steps) in loaded.checked.playbook().sections() {
            steps.iter().for_each(|step| {
                step.each(&mut |one| {
                    let calls = matches!(&one.act, Act::Http(http) if http.api.as_str() == api);
                    found = found || (calls && one.common.repeatable.is_some());
                });
            });
        }
        found
    }

    fn advice(&self, path: &str, class: Option<&str>) -> String {
        let opened = &self.opening.opened;
        let loaded = playbook::load(&self.surroundings, opened, self.opening.file.name()).ok();
        let step = loaded.as_ref().and_then(|loaded| life::step_of(loaded.checked.playbook(), path));
        let once = "or name it under `once:` in the test file, with the reason why a person is asked";
        match step.map(|step| &step.act) {
            Some(Act::Http(_)) => format!(
                "add `probe:` (a question that tells), an `idempotency_key` on the connection, or `repeatable:` where \
                 sending it twice does no harm; {once}"
            ),
            Some(Act::Command(_)) => format!(
                "add `probe:` (a question that tells), or `repeatable:` where running it twice does no harm; {once}"
            ),
            Some(Act::Sql(_) | Act::Row(_) | Act::Rows(_) | Act::Block(_)) => {
                format!("set `ledger: true` on the connection, whose rows commit together with each change; {once}")
            }
            _ => {
                format!("add `probe:` or `repeatable:` (its recovery class is {}); {once}", class.unwrap_or("unknown"))
            }
        }
    }
}

/// A process that was to come to an end by itself.
fn alive(ended: Ended) -> Put<Came> {
    match ended {
        Ended::Came(came) => Ok(*came),
        Ended::Killed | Ended::Broken => Err(Problem::new(
            "a process of the test",
            "it comes to an end",
            "it broke off: this is a mistake in trueup itself",
        )),
    }
}

fn changed(after: &Snapshot, before: &Snapshot) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for change in after.since(before) {
        *counts.entry(format!("{} {:?}", change.table, change.deed()).to_lowercase()).or_default() += 1;
    }
    counts
}

/// Requests to each API, in order.
fn requests(scene: &Scene) -> Vec<Vec<String>> {
    scene.mocks.iter().map(|(_, mock)| mock.log().iter().map(|one| one.call()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn some_of_many_places_are_spread_over_all_of_them_and_the_next_case_takes_others() {
        assert_eq!(spread(3, 40, 5), [0, 1, 2]);
        for count in [41, 79, 80, 100, 1234] {
            let mut all = std::collections::BTreeSet::new();
            for number in 0..count / 40 {
                let some = spread(count, 40, number);
                assert!(
                    some.windows(2).all(|pair| pair[0] < pair[1]) && some.len() == 40 && some[39] < count,
                    "{some:?}"
                );
                let before = all.len();
                all.extend(some);
                assert_eq!(all.len(), before + 40, "of {count}, number {number}");
            }
        }
    }
}
