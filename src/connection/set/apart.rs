//! What members ask in the same words although it must be told apart: claims of the ledger, and numbers that are counted on.

use super::{
    Handle, Open, Set,
    ask::{Asked, Op, Reply},
    bulk,
    carry::fits,
    divided,
};
use crate::{
    base::value::Value,
    connection::{
        changing::{behind, counted_in},
        fault::FaultKind,
        ledger::{Claimed, Entry},
    },
    table::catalogue::Table,
};
use std::sync::Arc;

impl Set {
    /// The claims of several members; gives back those that did not go in: each meets alone what stands there already.
    pub(super) async fn claim_all(&mut self, group: Vec<Asked>) -> Option<Vec<Asked>> {
        let Some(Open { handle: Handle::Writing(writing), wrote, .. }) = &mut self.open else { return Some(group) };
        let entries: Vec<&Entry> =
            group.iter().filter_map(|one| if let Op::Claim(entry) = &one.op { Some(&**entry) } else { None }).collect();
        match writing.claim_all(&entries).await {
            Ok(None) => Some(group),
            Ok(Some(ours)) => {
                let (ours, others): (Vec<_>, Vec<_>) = group.into_iter().zip(ours).partition(|(_, ours)| *ours);
                for (one, _) in ours {
                    wrote.insert(one.member);
                    one.answer(Ok(Reply::Claimed(Claimed::Ours)));
                }
                Some(others.into_iter().map(|(one, _)| one).collect())
            }
            // Somebody else's session is waited for: halves would wait for it again and again.
            Err(fault) if matches!(fault.kind, FaultKind::LockTimeout | FaultKind::StatementTimeout) => {
                self.scatter().await;
                group.into_iter().for_each(|one| one.answer(Err(divided())));
                None
            }
            Err(fault) => {
                self.all_fail(group, &fault).await;
                None
            }
        }
    }

    /// The rows of all of these with their versions, read outside of a transaction. Who gets none locks its row, as without this.
    pub(super) async fn see(&mut self, table: &str, group: Vec<Asked>) {
        let found = match self.columns_to_read(table).await {
            Some(columns) if group.iter().all(|one| fits(&one.op, &columns)) => match &mut self.reading {
                Some(reading) => bulk::see(reading, table, &group).await.unwrap_or_default(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        self.notice(table, &group).await;
        let mut found = found.into_iter();
        for one in group {
            let mut rows = found.next().unwrap_or_default();
            let row = rows.pop().filter(|_| rows.is_empty());
            one.answer(Ok(Reply::Seen(row.and_then(bulk::version).map(Box::new))));
        }
    }

    /// Rows of this table are asked for to be changed: whoever finds one from now on has its version, and need not ask again.
    async fn notice(&mut self, table: &str, group: &[Asked]) {
        let Some(Op::See { columns, .. }) = group.first().map(|one| &one.op) else { return };
        let known = self.known.tables().keys.get(table).cloned();
        let key = match (known, &mut self.reading) {
            (Some(key), _) => key,
            (None, Some(reading)) => {
                let Ok(found) = reading.catalogue(Some(&[table])).await else { return };
                let key = found.get(table).map(|table| table.primary_key.clone()).unwrap_or_default();
                self.known.tables().keys.insert(table.to_owned(), key.clone());
                key
            }
            (None, None) => return,
        };
        // By another key it would have to be asked whether it is the only one.
        if key == *columns {
            self.known.tables().seen.entry(table.to_owned()).or_insert(key);
        }
    }

    /// The key by which a row that these look for may be asked for again.
    pub(super) fn key_to_keep(&self, group: &[Asked]) -> Option<Vec<Arc<str>>> {
        match &group.first()?.op {
            Op::Select(whole, _) if self.shared.is_apart() && whole.columns.is_empty() => {
                self.known.tables().seen.get(&whole.table).cloned()
            }
            _ => None,
        }
    }

    /// The columns of a table, looked up once in a run.
    async fn columns_to_read(&mut self, table: &str) -> Option<Arc<Table>> {
        let known = self.known.tables().columns.get(table).cloned();
        if known.is_some() {
            return known;
        }
        let found = self.reading.as_mut()?.columns(table).await.ok()??;
        self.known.tables().columns.insert(table.to_owned(), found.clone());
        Some(found)
    }

    /// Gives it back unless another member counts on the same numbers: they would get the same one.
    pub(super) fn counts_alone(&mut self, one: Asked) -> Option<Asked> {
        let Op::NextOf { table, column, per, .. } = &one.op else { return Some(one) };
        let (name, table) = (format!("\u{1d}{column} {per:?}"), table.clone());
        match self.open.as_mut().map(|open| open.takes(&table, name, one.member)) {
            Some(true) => return Some(one),
            Some(false) => self.shared.send_alone(one.member),
            None => {}
        }
        one.answer(Err(divided()));
        None
    }

    /// The next number of each of these, all of which count something of their own.
    pub(super) async fn count_on(&mut self, table: &str, column: &str, group: Vec<Asked>) {
        let group: Vec<Asked> = group.into_iter().filter_map(|one| self.counts_alone(one)).collect();
        let Some(open) = &mut self.open else { return group.into_iter().for_each(|one| one.answer(Err(divided()))) };
        let crowded = |one: &Asked| match &one.op {
            Op::NextOf { per, crowded: true, .. } => Some(counted_in(table, column, per)),
            _ => None,
        };
        let groups: Vec<String> = group.iter().filter_map(crowded).collect();
        let alone = if groups.is_empty() { Ok(()) } else { open.handle.changing().count_alone(&groups).await };
        let found = match alone {
            Ok(()) => bulk::largest_of(open.handle.changing(), table, column, &group).await,
            Err(fault) => Err(fault),
        };
        let next =
            |largest: Vec<Value>| largest.iter().map(|one| behind(one, table, column)).collect::<Result<Vec<_>, _>>();
        match found.and_then(next) {
            Ok(next) => {
                group.into_iter().zip(next).for_each(|(one, next)| one.answer(Ok(Reply::Value(next))));
            }
            Err(fault) => self.all_fail(group, &fault).await,
        }
    }
}
