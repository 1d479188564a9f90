//! What the events of reconciles and schedules say, under the rules of [`super::payload`].

use crate::base::{identity::RunId, time::Stamp};
use std::sync::Arc;

record! {
    /// What a reconcile found: stands in its run, in as many events as the items need. The counts are those of all of them.
    pub struct DriftSeen {
        /// Fingerprint of playbook, environment and parameters: what is compared with what.
        scope: Arc<str>,
        /// `report` or `heal`.
        mode: Arc<str>,
        /// The schedule that asked for it.
        schedule: Option<Arc<str>>,
        /// How many items were looked at.
        of: u64,
        /// How many of them differ.
        drifted: u64,
        /// How many of these differed already when it was looked before.
        known: u64,
        /// How many of those that differed before are as wanted now.
        gone: u64,
        /// How many are healed in this run.
        healing: u64,
        /// Why nothing is healed although that was asked for.
        refused: Option<String>,
        /// The items that differ.
        items: Vec<DriftItem>,
        /// So many more differ and are not listed.
        more: u64,
        /// What earlier reconciles of the same found, oldest first.
        trend: Vec<TrendPoint>,
        /// How many could not be tried out, or fail by a check: whether they differ is not known. They are none of those that differ.
        failed: Option<u64>,
        /// `known` and `gone` are what is sure at least: not everything was listed, now or before, or looked at (`take:`).
        unsure: Option<bool>,
        /// Of one that only reports: what healing would come to.
        would: Option<WouldHeal>,
        /// How many of those that differed before are in the source no more. They are none of `gone`.
        left: Option<u64>,
        /// How many of those that differed before the source does not find any more, where nobody can tell whether they are as wanted or
        /// not there. They are none of `gone`.
        unclear: Option<u64>,
        /// Items that differ, are not listed, and that heals took on in vain.
        vain: Option<Vec<TriedInVain>>,
        /// What would heal them is kept as a saved plan, because people have to agree.
        kept: Option<KeptPlan>,
    }
}

record! {
    /// An item that is not listed, and that heals did not heal.
    pub struct TriedInVain {
        /// Its key.
        item: Arc<str>,
        /// How many heals took it on.
        tried: u32,
    }
}

record! {
    /// A saved plan that waits beside the journal for those who have to agree to it.
    pub struct KeptPlan {
        /// Its identity, by which the journal knows whether it was used.
        plan: Arc<str>,
        /// Its file, as it is named from where the reconcile ran.
        file: Arc<str>,
        /// How many items it would heal.
        items: u64,
        /// Until when it may be begun.
        until: Stamp,
    }
}

record! {
    /// What healing would come to within the caps of that moment.
    pub struct WouldHeal {
        /// How many items would be healed.
        items: u64,
        /// How many would not, only because no more are healed in one run.
        beyond: u64,
        /// Why none would be, where that is for all of them.
        refused: Option<String>,
    }
}

impl DriftSeen {
    /// Nothing was compared: what is done once for all items stopped it.
    pub fn compared_nothing(&self) -> bool {
        self.drifted == 0 && self.refused.is_some()
    }

    /// Something was compared: how many differed is a number to be set beside others.
    pub fn compared_something(&self) -> bool {
        !self.compared_nothing() && (self.drifted > 0 || self.failed.is_none_or(|failed| failed < self.of))
    }
}

record! {
    /// An item that is not as wanted, or of which nobody knows.
    pub struct DriftItem {
        /// Its key.
        item: Arc<str>,
        /// What differs, line by line; nothing personal.
        what: Vec<String>,
        /// When that was seen first.
        since: Stamp,
        /// The reconcile that saw it first.
        first: RunId,
        /// How many reconciles in a row saw it.
        seen: u32,
        /// `reported`, `healing`, `refused` or `failed`.
        verdict: Arc<str>,
        /// Why it is not healed.
        why: Option<String>,
        /// How many heals took it on before this one, and did not heal it.
        tried: Option<u32>,
        /// Of one that could not be tried out: since when it differed before that.
        differed: Option<DriftSince>,
        /// Of one that is new: when a reconcile before this one healed it last.
        healed: Option<Stamp>,
    }
}

record! {
    /// Since when an item differs, as far as anybody looked.
    pub struct DriftSince {
        /// When that was seen first.
        since: Stamp,
        /// The reconcile that saw it first.
        first: RunId,
        /// How many reconciles in a row saw it, those left out that could not tell.
        seen: u32,
    }
}

record! {
    /// What one reconcile found.
    pub struct TrendPoint {
        /// The reconcile.
        run: RunId,
        /// When.
        at: Stamp,
        /// How many items were looked at.
        of: u64,
        /// How many of them differed.
        drifted: u64,
        /// How many of these were to be healed.
        healing: u64,
        /// How many were healed, as far as the next reconcile knew.
        healed: Option<u64>,
        /// How many could not be tried out.
        failed: Option<u64>,
    }
}

record! {
    /// A schedule is looked after from here on: it is new, it says something else than before, or the clock went back.
    pub struct ScheduleKept {
        /// Its name.
        schedule: Arc<str>,
        /// Fingerprint of what the project file says about its times.
        definition: Arc<str>,
        /// Its times, as written.
        cron: Arc<str>,
        /// Their zone.
        zone: Arc<str>,
        /// Version of the time zone data that this process has.
        tzdata: Arc<str>,
        /// What is before this moment is no longer looked at.
        cursor: Stamp,
        /// Why this is said.
        why: Arc<str>,
    }
}

record! {
    /// Nothing of it begins until it is resumed.
    pub struct SchedulePaused {
        /// Its name.
        schedule: Arc<str>,
        /// Who.
        actor: Arc<str>,
        /// Why.
        reason: String,
    }
}

record! {
    /// It goes on, with what comes from now on.
    pub struct ScheduleResumed {
        /// Its name.
        schedule: Arc<str>,
        /// Who.
        actor: Arc<str>,
        /// Why.
        reason: String,
        /// What is before this moment is no longer looked at.
        cursor: Stamp,
    }
}

record! {
    /// One time of a schedule, or a stretch of them, is settled. Its key is schedule, wall time, zone and moment.
    pub struct OccurrenceSettled {
        /// Name of the schedule.
        schedule: Arc<str>,
        /// Its id, derived from the key.
        occurrence: RunId,
        /// What the schedule names on the wall clock.
        wall: Arc<str>,
        /// Of which zone.
        zone: Arc<str>,
        /// The moment, UTC.
        moment: Stamp,
        /// Of a stretch: the first one's moment. Wall time and moment are those of the last one.
        from: Option<Stamp>,
        /// How many they are.
        count: u64,
        /// `fired`, `missed`, `skipped` or `blocked`.
        word: Arc<str>,
        /// Why.
        why: Option<String>,
        /// The id that its run has or will have, when it was fired.
        run: Option<RunId>,
        /// In whose name.
        owner: Arc<str>,
        /// Version of the time zone data by which it was found.
        tzdata: Arc<str>,
        /// Up to here everything is settled now; nothing where it was started by hand.
        cursor: Option<Stamp>,
    }
}

record! {
    /// A process carries a fired occurrence out, or goes on with one whose process is gone.
    pub struct OccurrenceTaken {
        /// Name of the schedule.
        schedule: Arc<str>,
        /// The occurrence.
        occurrence: RunId,
        /// Who.
        holder: Arc<str>,
        /// On which machine.
        host: Arc<str>,
        /// In which process.
        pid: u32,
        /// Grows with every claim.
        fence: u64,
    }
}

record! {
    /// What a fired occurrence came to.
    pub struct OccurrenceEnded {
        /// Name of the schedule.
        schedule: Arc<str>,
        /// The occurrence.
        occurrence: RunId,
        /// `clean`, `drifted`, `healed`, `refused`, `waiting`, `in_doubt` or `failed`.
        word: Arc<str>,
        /// Why, for people.
        why: Option<String>,
        /// Its run, where there is one.
        run: Option<RunId>,
        /// How many items were looked at.
        of: u64,
        /// How many of them differed.
        drifted: u64,
        /// How many were healed.
        healed: u64,
    }
}
