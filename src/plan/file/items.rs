//! The items of a plan file, one by one.

use super::{BadPlan, ENDS, TALLIES, back, damaged, decoded, hex, next};
use crate::{
    base::{seal::Sealer, value::Value},
    effect::kept::Kept,
    plan::{ItemPlan, stored},
};
use sha2::{Digest, Sha256};
use std::{io::BufRead, sync::Arc};

/// The items of a file whose seal was looked at before.
pub struct Items<R> {
    file: R,
    sealer: Sealer,
    hash: Sha256,
    sha256: Arc<str>,
    over: bool,
}

impl<R: BufRead> Items<R> {
    /// Behind the first line. At the end the sum of all lines must be this one.
    pub fn of(mut file: R, sealer: &Sealer, sha256: Arc<str>) -> Result<Items<R>, BadPlan> {
        let mut line = Vec::new();
        next(&mut file, &mut line)?;
        Ok(Items { file, sealer: sealer.clone(), hash: Sha256::new_with_prefix(&line), sha256, over: false })
    }

    fn line(&mut self) -> Option<Result<Vec<u8>, BadPlan>> {
        if self.over {
            return None;
        }
        let mut line = Vec::new();
        if let Err(error) = next(&mut self.file, &mut line) {
            return Some(Err(error));
        }
        if line.starts_with(TALLIES.as_bytes()) {
            self.hash.update(&line);
            if let Err(error) = next(&mut self.file, &mut line) {
                return Some(Err(error));
            }
        }
        if line.is_empty() || line.starts_with(ENDS.as_bytes()) {
            self.over = true;
            let same = !line.is_empty() && hex(self.hash.clone()) == *self.sha256;
            return (!same).then(|| Err(damaged("it is another file than the one that was looked at")));
        }
        self.hash.update(&line);
        Some(Ok(line))
    }

    /// The lines of the items, each as it stands there.
    pub fn lines(mut self) -> impl Iterator<Item = Result<Vec<u8>, BadPlan>> {
        std::iter::from_fn(move || self.line())
    }
}

impl Listed {
    /// Of a line of a plan file; with what its source gave if that is asked for.
    pub fn of_line(line: &[u8], sealer: &Sealer, with_given: bool) -> Result<Listed, BadPlan> {
        let text = std::str::from_utf8(line).map_err(|_| damaged("it is not text"))?;
        // Put together from the text of the line; where a secret in it is known by now, or the text does not tell enough, from the item.
        let whole = (!sealer.catches(text)).then(|| stored::of_line(text)).flatten();
        debug_assert!(whole.as_ref().is_none_or(|whole| same(text, whole, sealer)), "{text}");
        let listed = whole.and_then(|whole| {
            let given = whole.item.filter(|_| with_given).map(|item| sealer.open_json(item)).transpose().ok()?;
            Some(Listed { key: whole.key.into(), kept: Kept::Text(whole.kept), given })
        });
        match listed {
            Some(listed) => Ok(listed),
            None => decoded(line, sealer).map(Listed::of),
        }
    }

    /// Of an item that is held.
    pub fn of(item: ItemPlan) -> Listed {
        Listed { kept: stored::kept(&item), key: item.key, given: item.item }
    }
}

/// An item of a plan, as it is recorded when a run begins.
pub struct Listed {
    /// Its key.
    pub key: Arc<str>,
    /// What the run keeps of it.
    pub kept: Kept,
    /// `item` as its steps see it.
    pub given: Option<Value>,
}

impl<R: BufRead> Iterator for Items<R> {
    type Item = Result<ItemPlan, BadPlan>;
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.line()?.and_then(|line| decoded(&line, &self.sealer)))
    }
}

/// What was put together from a line is what the item taken apart gives. Only looked at in builds with debug assertions.
fn same(line: &str, whole: &stored::OfLine<'_>, sealer: &Sealer) -> bool {
    let (Ok(item), Ok(found)) = (back::<ItemPlan>(line, sealer), sealer.open_json(&whole.kept)) else { return false };
    *item.key == *whole.key && format!("{found:?}") == format!("{:?}", stored::store(&item))
}
