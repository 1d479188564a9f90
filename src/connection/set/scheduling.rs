//! Who begins together, who leaves, and what becomes of the others then.

use super::{
    Handle, Open, Purpose, Set,
    ask::{Asked, Op, Reply},
    divided,
};
use crate::connection::fault::{Fault, FaultKind};
use std::collections::{BTreeSet, HashMap};

impl Set {
    /// Answers what can be answered now. Whether there was anything.
    pub async fn serve(&mut self) -> bool {
        let mut served = self.notice_who_left().await;
        let mut asked = std::mem::take(&mut *self.shared.asked());
        // In the order of the items: of two that want what only one can have it is the first one's, as one by one.
        asked.sort_by_key(|one| one.member);
        let epoch = self.open.as_ref().map(|open| open.epoch);
        let (mut inside, mut reads, mut checks, mut later) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in asked {
            match (&one.op, one.epoch) {
                (Op::Begin | Op::Alone, _) => later.push(one),
                (_, None) => reads.push(one),
                (_, Some(of)) if Some(of) != epoch => {
                    served = true;
                    one.answer(Err(divided()));
                }
                (Op::Commit, _) => later.push(one),
                (Op::Check, _) => checks.push(one),
                _ => inside.push(one),
            }
        }
        self.shared.asked().append(&mut later);
        if !inside.is_empty() || !reads.is_empty() {
            self.shared.asked().append(&mut checks);
            self.read(reads).await;
            self.inside(inside).await;
            return true;
        }
        if !checks.is_empty() {
            self.check(checks).await;
            return true;
        }
        served
    }

    /// The next thing, when nobody asks for anything that can be answered at once: COMMIT, BEGIN, or one alone. Whether there
    /// was anything.
    pub async fn turn(&mut self) -> bool {
        if let Some(open) = &self.open {
            let epoch = open.epoch;
            let commits = self.take(|one| matches!(one.op, Op::Commit) && one.epoch == Some(epoch));
            let all = self.open.as_ref().is_some_and(|open| open.members.len() == commits.len());
            if all && !commits.is_empty() {
                self.commit(commits).await;
                return true;
            }
            self.shared.asked().extend(commits);
            return false;
        }
        if self.shared.asked().iter().any(|one| matches!(one.op, Op::Begin)) {
            self.begin().await;
            return true;
        }
        let mut alone = self.take(|one| matches!(one.op, Op::Alone));
        if alone.is_empty() {
            return false;
        }
        self.stop_reading().await;
        alone.sort_by_key(|one| one.member);
        let first = alone.remove(0);
        self.shared.asked().extend(alone);
        first.answer(Ok(Reply::Done));
        true
    }

    fn take(&self, wanted: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        let mut asked = self.shared.asked();
        let (taken, rest) = std::mem::take(&mut *asked).into_iter().partition(|one| wanted(one));
        *asked = rest;
        taken
    }

    async fn begin(&mut self) {
        let mut begins = self.take(|one| matches!(one.op, Op::Begin));
        let group = loop {
            let Some(group) = self.groups.pop_front() else { break std::mem::take(&mut begins) };
            let (now, rest): (Vec<_>, Vec<_>) = begins.into_iter().partition(|one| group.contains(&one.member));
            begins = rest;
            if !now.is_empty() {
                break now;
            }
        };
        self.shared.asked().extend(begins);
        // A SQLite file cannot be committed while it is read; and what is read next is read as it is then.
        self.stop_reading().await;
        let opened = match self.purpose {
            Purpose::Apply => self.database.writing().await.map(Handle::Writing),
            Purpose::Rehearse => self.database.rehearsing().await.map(Handle::Rehearsing),
        };
        let handle = match opened {
            Ok(handle) => handle,
            Err(fault) => return group.into_iter().for_each(|one| one.answer(Err(fault.clone()))),
        };
        self.epoch += 1;
        let epoch = self.epoch;
        self.open = Some(Open {
            handle,
            epoch,
            members: group.iter().map(|one| one.member).collect(),
            wrote: BTreeSet::new(),
            held: HashMap::new(),
            done: HashMap::new(),
            before: None,
            columns: HashMap::new(),
            natures: HashMap::new(),
            standing: Vec::new(),
        });
        group.into_iter().for_each(|one| one.answer(Ok(Reply::Epoch(epoch))));
    }

    async fn commit(&mut self, commits: Vec<Asked>) {
        let Some(Open { handle: Handle::Writing(writing), members, .. }) = self.open.take() else { return };
        match writing.commit().await {
            Ok(()) => commits.into_iter().for_each(|one| one.answer(Ok(Reply::Done))),
            // Nobody knows: each finds out for itself.
            Err(fault) if fault.kind == FaultKind::InDoubt => {
                commits.into_iter().for_each(|one| one.answer(Err(fault.clone())));
            }
            // Proved that nothing was committed; by whose fault nobody says.
            Err(_) => {
                self.halve(&members);
                commits.into_iter().for_each(|one| one.answer(Err(divided())));
            }
        }
    }

    async fn notice_who_left(&mut self) -> bool {
        let left = std::mem::take(&mut *self.shared.left());
        let Some(open) = &mut self.open else { return false };
        let mut with_work = false;
        let before = open.members.len();
        for (member, epoch) in left {
            if epoch == open.epoch && open.members.remove(&member) {
                with_work |= open.wrote.contains(&member);
            }
        }
        if open.members.len() == before {
            return false;
        }
        if open.members.is_empty() {
            self.give_up(Vec::new()).await;
        } else if with_work && self.purpose == Purpose::Apply {
            // What it wrote goes with it, and so does what the others wrote beside it.
            let others = open.members.clone();
            self.divides();
            self.give_up(vec![others]).await;
        }
        true
    }

    /// Takes the transaction back; its members begin anew in these groups.
    async fn give_up(&mut self, groups: Vec<BTreeSet<usize>>) {
        let Some(open) = self.open.take() else { return };
        open.handle.rollback().await;
        groups.into_iter().rev().filter(|group| !group.is_empty()).for_each(|group| self.groups.push_front(group));
        let asked = self.take(|one| one.epoch == Some(open.epoch));
        asked.into_iter().for_each(|one| one.answer(Err(divided())));
    }

    /// Something went wrong in the transaction. Whoever's fault it is meets it again alone; where nobody knows, the set is
    /// halved.
    pub(super) async fn fails(&mut self, culprit: Option<usize>, _fault: &Fault) {
        let Some(open) = &self.open else { return };
        let mut members = open.members.clone();
        match culprit {
            Some(member) => {
                self.shared.send_alone(member);
                members.remove(&member);
                self.divides();
                self.give_up(vec![members]).await;
            }
            None => {
                self.halve(&members);
                self.give_up(Vec::new()).await;
            }
        }
    }

    /// All of them go alone.
    pub(super) async fn scatter(&mut self) {
        let Some(open) = &self.open else { return };
        open.members.iter().for_each(|member| self.shared.send_alone(*member));
        self.divides();
        self.give_up(Vec::new()).await;
    }

    /// Something went wrong. It may be that a table is not as it was.
    fn divides(&mut self) {
        self.divided += 1;
        self.known.forget();
    }

    fn halve(&mut self, members: &BTreeSet<usize>) {
        self.divides();
        if let (Some(one), 1) = (members.first(), members.len()) {
            self.shared.send_alone(*one);
            return;
        }
        let middle = members.iter().nth(members.len() / 2).copied().unwrap_or_default();
        let (first, second) = members.iter().partition(|member| **member < middle);
        self.groups.push_front(second);
        self.groups.push_front(first);
    }
}
