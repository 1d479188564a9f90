//! Carries out what members ask: at once where they ask in the same words, else one after the other in the same transaction.

use super::{
    Handle, Open, Set, alike,
    ask::{Asked, Op, Reply, equals},
    bulk, divided, named,
};
use crate::{
    base::value::{Map, Value},
    connection::{
        changing::Changing,
        fault::Fault,
        ledger::{self, Claimed},
        rows::Touched,
        statement::{Limits, SetTo},
    },
    table::{
        catalogue::{Kind, Nature, Table},
        condition::Condition,
    },
    template::Dialect,
};
use std::sync::Arc;

/// What is asked first comes first: a look before a lock, a lock before a change.
fn turn_of(op: &Op) -> u8 {
    match op {
        Op::Standing(..) => 0,
        Op::Claim(_) => 1,
        Op::Columns(_) | Op::Nature(_) => 2,
        Op::Touched => 3,
        Op::Select(..) | Op::Query(..) => 4,
        Op::Lock { .. } | Op::LockWhere { .. } => 5,
        Op::NextOf { .. } => 6,
        _ => 7,
    }
}

impl Set {
    /// Reads outside of a transaction.
    pub(super) async fn read(&mut self, asked: Vec<Asked>) {
        let mut natures: Vec<(String, Nature)> = Vec::new();
        for group in alike(asked) {
            if let Err(fault) = self.open_reading().await {
                group.into_iter().for_each(|one| one.answer(Err(fault.clone())));
                continue;
            }
            let group = match &group[0].op {
                Op::See { table, .. } => {
                    let table = table.clone();
                    self.see(&table, group).await;
                    continue;
                }
                _ => group,
            };
            let keep = self.key_to_keep(&group).map(|key| (key, &*self.shared));
            let Some(reading) = &mut self.reading else { continue };
            let group = match bulk::select(reading, group, keep).await {
                Ok(()) => continue,
                Err(group) => group,
            };
            for one in group {
                let answer = match &one.op {
                    Op::Select(whole, limits) => reading.select(&whole.select(), *limits).await.map(Reply::Rows),
                    Op::Query(statement, limits) => reading.query(statement, *limits).await.map(Reply::Rows),
                    Op::Columns(table) => reading.columns(table).await.map(Reply::Table),
                    Op::Nature(table) => {
                        let known = natures.iter().find(|(known, _)| known == table).map(|(_, nature)| *nature);
                        let nature = match known {
                            Some(nature) => Ok(nature),
                            None => reading.nature(table).await,
                        };
                        natures.extend(nature.iter().map(|nature| (table.clone(), *nature)));
                        nature.map(Reply::Nature)
                    }
                    Op::Standing(tables, ledger) => {
                        let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
                        reading.standing(&tables, *ledger).await.map(|s| Reply::Standing(Box::new(s)))
                    }
                    _ => Err(divided()),
                };
                one.answer(answer);
            }
        }
    }

    async fn open_reading(&mut self) -> Result<(), Fault> {
        if self.reading.as_ref().is_none_or(|reading| reading.is_gone()) {
            self.reading = Some(self.database.reading().await?);
        }
        Ok(())
    }

    /// What members ask inside of their transaction.
    pub(super) async fn inside(&mut self, mut asked: Vec<Asked>) {
        asked.sort_by_key(|one| turn_of(&one.op));
        for group in alike(asked) {
            if self.open.is_none() {
                // It was given up meanwhile.
                group.into_iter().for_each(|one| one.answer(Err(divided())));
                continue;
            }
            let Some(group) = self.at_once(group).await else { continue };
            for one in group {
                self.one(one).await;
            }
        }
    }

    /// The groups that one statement answers; gives back what has to be carried out one by one.
    async fn at_once(&mut self, group: Vec<Asked>) -> Option<Vec<Asked>> {
        let open = self.open.as_mut()?;
        let changing = open.handle.changing();
        if changing.dialect() != Dialect::Postgres || group.len() < 2 {
            return Some(group);
        }
        let table = match &group[0].op {
            Op::Select(whole, _) => whole.table.clone(),
            Op::Lock { table, .. }
            | Op::Update { table, .. }
            | Op::Insert { table, .. }
            | Op::UpdateWhole { table, .. }
            | Op::InsertWhole { table, .. }
            | Op::NextOf { table, .. } => table.clone(),
            Op::Claim(_) => return self.claim_all(group).await,
            _ => return Some(group),
        };
        match self.columns(&table).await {
            Ok(Some(columns)) if group.iter().all(|one| fits(&one.op, &columns)) => {}
            Ok(_) => return Some(group),
            Err(fault) => {
                self.fails(None, &fault).await;
                group.into_iter().for_each(|one| one.answer(Err(divided())));
                return None;
            }
        }
        let Some(open) = self.open.as_mut() else { return Some(group) };
        let changing = open.handle.changing();
        match &group[0].op {
            Op::Select(..) => bulk::select(changing, group, None).await.err(),
            Op::Lock { .. } => {
                self.lock_all(&table, group).await;
                None
            }
            Op::NextOf { column, .. } => {
                let column = column.clone();
                self.count_on(&table, &column, group).await;
                None
            }
            Op::Update { .. } => {
                let done = bulk::update(changing, &table, &group).await;
                let count = group.len() as u64;
                let counts = |affected| (affected == count).then(|| (0..count).map(|_| Reply::Count(1)).collect());
                self.changed_all(group, &table, 1, done.map(counts)).await;
                None
            }
            Op::UpdateWhole { .. } => {
                let done = bulk::update_whole(changing, &table, &group).await;
                self.changed_all(group, &table, 1, done.map(whole)).await;
                None
            }
            Op::InsertWhole { .. } => {
                let done = bulk::insert_whole(changing, &table, &group).await;
                self.changed_all(group, &table, 0, done.map(whole)).await;
                None
            }
            Op::Insert { .. } => {
                let done = bulk::insert(changing, &table, &group).await;
                let count = group.len();
                let keys = |keys: Vec<Map>| (keys.len() == count).then(|| keys.into_iter().map(Reply::Key).collect());
                self.changed_all(group, &table, 0, done.map(keys)).await;
                None
            }
            _ => Some(group),
        }
    }

    /// The columns of a table, looked up once in a run.
    async fn columns(&mut self, table: &str) -> Result<Option<Arc<Table>>, Fault> {
        let known = self.known.tables().columns.get(table).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(open) = &mut self.open else { return Ok(None) };
        let found = match open.columns.get(table) {
            Some(found) => found.clone(),
            None => open.handle.changing().columns(table).await?,
        };
        open.columns.insert(table.to_owned(), found.clone());
        self.known.tables().columns.extend(found.iter().map(|found| (table.to_owned(), found.clone())));
        Ok(found)
    }

    /// The columns of a table's primary key, looked up once in a run.
    async fn key_of(&mut self, table: &str) -> Result<Vec<Arc<str>>, Fault> {
        let known = self.known.tables().keys.get(table).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let found = open.handle.changing().catalogue(Some(&[table])).await?;
        let key = found.get(table).map(|table| table.primary_key.clone()).unwrap_or_default();
        self.known.tables().keys.insert(table.to_owned(), key.clone());
        Ok(key)
    }

    async fn lock_all(&mut self, table: &str, group: Vec<Asked>) {
        let key = match self.key_of(table).await {
            Ok(key) => key,
            Err(fault) => return self.all_fail(group, &fault).await,
        };
        let Some(open) = &mut self.open else { return };
        let found = match bulk::lock(open.handle.changing(), table, &group).await {
            Ok(found) => found,
            Err(fault) => return self.all_fail(group, &fault).await,
        };
        let missing: Vec<&Asked> =
            group.iter().zip(&found).filter(|(_, rows)| rows.is_empty()).map(|(one, _)| one).collect();
        let there = match missing.is_empty() {
            true => Vec::new(),
            false => match bulk::there(open.handle.changing(), table, &missing).await {
                Ok(there) => there,
                Err(fault) => return self.all_fail(group, &fault).await,
            },
        };
        let mut there = there.into_iter();
        for (one, mut rows) in group.into_iter().zip(found) {
            let row = match (rows.pop(), rows.is_empty()) {
                (Some(row), true) => row,
                (None, _) if there.next() == Some(false) => {
                    one.answer(Ok(Reply::Found(vec![None])));
                    continue;
                }
                // Somebody else has it, or its key is none: this member meets that alone, with all the time that a lock is
                // given.
                _ => {
                    self.shared.send_alone(one.member);
                    one.answer(Err(divided()));
                    continue;
                }
            };
            match open.takes(table, named(&row, &key), one.member) {
                true => one.answer(Ok(Reply::Found(vec![Some(row)]))),
                // It is another member's: what that one leaves is found in the next transaction.
                false => one.answer(Err(divided())),
            }
        }
    }

    /// A change of all of these was carried out by one statement, or failed.
    async fn changed_all(
        &mut self,
        group: Vec<Asked>,
        table: &str,
        deed: usize,
        done: Result<Option<Vec<Reply>>, Fault>,
    ) {
        let replies = match done {
            Ok(Some(replies)) => replies,
            // Fewer rows than asked for: the one that is missing is found by halving.
            Ok(None) => return self.all_fail(group, &divided()).await,
            Err(fault) => return self.all_fail(group, &fault).await,
        };
        let Some(open) = &mut self.open else { return };
        open.done.entry(table.to_owned()).or_default()[deed] += group.len() as u64;
        for (one, reply) in group.into_iter().zip(replies) {
            open.wrote.insert(one.member);
            one.answer(Ok(reply));
        }
    }

    pub(super) async fn all_fail(&mut self, group: Vec<Asked>, fault: &Fault) {
        self.fails(None, fault).await;
        group.into_iter().for_each(|one| one.answer(Err(divided())));
    }

    /// One ask of one member.
    async fn one(&mut self, one: Asked) {
        if let Op::Lock { table, .. } | Op::LockWhere { table, .. } = &one.op {
            let table = table.clone();
            return self.lock_one(one, &table).await;
        }
        let Some(one) = self.counts_alone(one) else { return };
        let Some(open) = &mut self.open else { return one.answer(Err(divided())) };
        match open.carry_out(&one).await {
            Ok(reply) => one.answer(Ok(reply)),
            Err(fault) => {
                self.fails(Some(one.member), &fault).await;
                one.answer(Err(divided()));
            }
        }
    }

    async fn lock_one(&mut self, one: Asked, table: &str) {
        let locked = async {
            let key = self.key_of(table).await?;
            let Some(open) = &mut self.open else { return Err(divided()) };
            open.carry_out(&one).await.map(|reply| (reply, key))
        };
        let (reply, key) = match locked.await {
            Ok(locked) => locked,
            Err(fault) => {
                self.fails(Some(one.member), &fault).await;
                return one.answer(Err(divided()));
            }
        };
        let names: Vec<String> = match &reply {
            Reply::Found(rows) => rows.iter().flatten().map(|row| named(row, &key)).collect(),
            Reply::Several(rows) => rows.iter().map(|row| named(row, &key)).collect(),
            _ => Vec::new(),
        };
        let Some(open) = &mut self.open else { return one.answer(Err(divided())) };
        let all = names.into_iter().all(|name| open.takes(table, name, one.member));
        one.answer(if all { Ok(reply) } else { Err(divided()) });
    }

    /// The end of each member's changes: constraints, and what was touched besides.
    pub(super) async fn check(&mut self, checks: Vec<Asked>) {
        let Some(open) = &mut self.open else {
            return checks.into_iter().for_each(|one| one.answer(Err(divided())));
        };
        let checked = open.check().await;
        match checked {
            Ok(true) => checks.into_iter().for_each(|one| one.answer(Ok(Reply::Done))),
            Ok(false) => {
                self.stirs = true;
                self.scatter().await;
                checks.into_iter().for_each(|one| one.answer(Err(divided())));
            }
            Err(fault) => self.all_fail(checks, &fault).await,
        }
    }
}

impl Open {
    /// Whether this member may have it: nobody else does.
    pub(super) fn takes(&mut self, table: &str, name: String, member: usize) -> bool {
        *self.held.entry((table.to_owned(), name)).or_insert(member) == member
    }

    async fn carry_out(&mut self, one: &Asked) -> Result<Reply, Fault> {
        let member = one.member;
        let is_rehearsal = matches!(self.handle, Handle::Rehearsing(_));
        let changing = self.handle.changing();
        let reply = match &one.op {
            Op::Select(whole, limits) => Reply::Rows(changing.select(&whole.select(), *limits).await?),
            Op::Query(statement, limits) => Reply::Rows(changing.query(statement, *limits).await?),
            Op::Columns(table) => {
                if let Some(known) = self.columns.get(table) {
                    return Ok(Reply::Table(known.clone()));
                }
                let found = changing.columns(table).await?;
                self.columns.insert(table.clone(), found.clone());
                Reply::Table(found)
            }
            Op::Nature(table) => {
                let known = self.natures.get(table).copied();
                let nature = match known {
                    Some(nature) => nature,
                    None => changing.nature(table).await?,
                };
                self.natures.insert(table.clone(), nature);
                Reply::Nature(nature)
            }
            Op::Standing(tables, ledger) => {
                let asked = (tables.clone(), *ledger);
                if let Some((_, known)) = self.standing.iter().find(|(known, _)| *known == asked) {
                    return Ok(Reply::Standing(Box::new(known.clone())));
                }
                let names: Vec<&str> = tables.iter().map(String::as_str).collect();
                let found = changing.standing(&names, *ledger).await?;
                self.standing.push((asked, found.clone()));
                Reply::Standing(Box::new(found))
            }
            Op::Claim(entry) => {
                let Handle::Writing(writing) = &mut self.handle else { return Err(divided()) };
                let claimed = writing.claim(entry).await?;
                if claimed == Claimed::Ours {
                    self.wrote.insert(member);
                }
                Reply::Claimed(claimed)
            }
            Op::Touched => {
                if self.before.is_none() {
                    self.before = Some(changing.touched().await?);
                }
                Reply::Done
            }
            // What it wrote since would have to go alone.
            Op::Back if is_rehearsal && self.wrote.contains(&member) => return Err(divided()),
            Op::Back => Reply::Done,
            Op::Lock { table, columns, keys } => Reply::Found(changing.lock_and_read(table, columns, keys).await?),
            Op::LockWhere { table, key, conditions, max } => {
                Reply::Several(changing.lock_where(table, key, conditions, *max).await?)
            }
            Op::Update { table, key, set } => {
                let count = changing.update_by_key(table, key, set).await?;
                if count == 0 {
                    return Err(gone());
                }
                self.counted(member, table, 1, count);
                Reply::Count(count)
            }
            Op::Insert { table, key, values, again } => {
                let key = match again {
                    false => changing.insert(table, key, values).await?,
                    true => changing.insert_again(table, key, values).await?,
                };
                self.counted(member, table, 0, 1);
                Reply::Key(key)
            }
            Op::UpdateWhole { table, key, set } => {
                let row = changing.update_whole(table, key, set).await?;
                self.counted(member, table, 1, u64::from(row.is_some()));
                Reply::Row(row)
            }
            Op::InsertWhole { table, values } => {
                let row = changing.insert_whole(table, values).await?;
                self.counted(member, table, 0, 1);
                Reply::Row(Some(row))
            }
            Op::Delete { table, key } => {
                let count = changing.delete_by_key(table, key).await?;
                if count == 0 {
                    return Err(gone());
                }
                self.counted(member, table, 2, count);
                Reply::Count(count)
            }
            Op::NextOf { table, column, per, crowded } => {
                Reply::Value(changing.next_of(table, column, per, *crowded).await?)
            }
            Op::Begin | Op::Alone | Op::Commit | Op::Check | Op::See { .. } => return Err(divided()),
        };
        Ok(reply)
    }

    fn counted(&mut self, member: usize, table: &str, deed: usize, rows: u64) {
        self.wrote.insert(member);
        self.done.entry(table.to_owned()).or_default()[deed] += rows;
    }

    /// Whether nothing was touched but what the members asked for.
    async fn check(&mut self) -> Result<bool, Fault> {
        let changing: &mut Changing = self.handle.changing();
        changing.check_deferred().await?;
        let after = changing.touched().await?;
        let before = self.before.as_deref().unwrap_or_default();
        let ledger = |table: &str| table.rsplit('.').next() == Some(ledger::TABLE);
        let of = |all: &[Touched], name: &str| all.iter().find(|t| *t.table == *name).map_or(0, Touched::rows);
        // Of tables that SQLite does not name, the members' own rows are among those that it counts as `*`.
        let unnamed = |(name, ours): (&String, &[u64; 3])| {
            ours.iter().sum::<u64>().saturating_sub(of(&after, name).saturating_sub(of(before, name)))
        };
        let unnamed: u64 = self.done.iter().map(unnamed).sum();
        Ok(after.iter().filter(|now| !ledger(&now.table)).all(|now| {
            let was = before.iter().find(|was| was.table == now.table);
            let was = was.map_or([0; 3], |was| [was.inserted, was.updated, was.deleted]);
            let ours = match now.is_unnamed() {
                true => [0, unnamed, 0],
                false => self.done.get(&*now.table).copied().unwrap_or_default(),
            };
            let counts = [now.inserted, now.updated, now.deleted];
            counts.iter().zip(was).zip(ours).all(|((now, was), ours)| now.saturating_sub(was) <= ours)
        }))
    }
}

/// A row that its member has locked is not there any more: another member's change took it along (`on delete cascade`). Alone it is as it would be
/// after that one.
fn gone() -> Fault {
    divided()
}

/// Each member's one row; nothing where one of them is missing.
fn whole(rows: Vec<Vec<Map>>) -> Option<Vec<Reply>> {
    let one = |mut rows: Vec<Map>| rows.pop().filter(|_| rows.is_empty()).map(|row| Reply::Row(Some(row)));
    rows.into_iter().map(one).collect()
}

/// One statement can hold these values for many rows: they travel as an array of the column's own type.
pub(super) fn fits(op: &Op, columns: &Table) -> bool {
    let one = |column: &str, value: &Value| {
        let Some(column) = columns.column(column) else { return false };
        match column.kind {
            Kind::Other | Kind::Bytes => false,
            Kind::Json => true,
            _ => value.as_list().is_none() && value.as_map().is_none() && !value.is_unknown(),
        }
    };
    let sets = |set: &[(Arc<str>, SetTo)]| {
        set.iter().any(|(_, to)| *to != SetTo::DatabaseNow)
            && set.iter().all(|(column, to)| match to {
                SetTo::Value(value) => one(column, value),
                SetTo::DatabaseNow => columns.column(column).is_some(),
            })
    };
    let equal = |conditions: &[Condition]| {
        equals(conditions)
            .is_some_and(|equals| !equals.is_empty() && equals.iter().all(|(column, value)| one(column, value)))
    };
    match op {
        Op::Lock { columns: names, keys, .. } | Op::See { columns: names, keys, .. } => {
            keys.len() == 1
                && keys[0].len() == names.len()
                && names.iter().zip(&keys[0]).all(|(name, value)| !value.is_null() && one(name, value))
        }
        Op::Update { key, set, .. } | Op::UpdateWhole { key, set, .. } => {
            !key.is_empty() && key.iter().all(|(name, value)| !value.is_null() && one(name, value)) && sets(set)
        }
        Op::Insert { values, again, .. } => !again && sets(values),
        Op::InsertWhole { values, .. } => sets(values),
        Op::Select(whole, _) => equal(&whole.conditions),
        Op::NextOf { per, .. } => equal(per),
        _ => false,
    }
}

/// Rows of all members together; each member's own bound is looked at afterwards.
pub(super) const OF_ALL: Limits = Limits { rows: 1_000_000, bytes: 256 << 20 };
