//! A plan file is written.

use super::{BadPlan, Header, MANY_FORMAT, Saved, Tallied, Trailer, all_taken, back, hex, keep};
use crate::{
    base::seal::Sealer,
    effect::record::Field,
    plan::{
        ItemPlan, Plan,
        digest::{self, PlanDigest},
    },
};
use sha2::{Digest, Sha256};
use std::{io::Write, sync::Arc};

/// Writes the file. The plan that it gives back is the one that stands there, with what was masked and left out.
pub fn write(out: &mut impl Write, header: &Header, items: &[ItemPlan], sealer: &Sealer) -> Result<Saved, BadPlan> {
    let mut writer = Writer::begin(out, header, sealer)?;
    items.iter().try_for_each(|item| writer.add(item))?;
    Ok(writer.end()?.1)
}

/// A plan file that is written item by item. Holds the first ones.
pub struct Writer<'a, W: Write> {
    lines: Lines<W>,
    sealer: &'a Sealer,
    header: Header,
    plan: Plan,
    digest: PlanDigest,
    count: u64,
}

impl<'a, W: Write> Writer<'a, W> {
    /// The first line.
    pub fn begin(out: W, header: &Header, sealer: &'a Sealer) -> Result<Writer<'a, W>, BadPlan> {
        let mut lines = Lines { out, hash: Sha256::new() };
        let header: Header = lines.add(header, sealer)?;
        let mut plan = header.plan();
        plan.many = header.many();
        let digest = PlanDigest::of(&plan);
        Ok(Writer { lines, sealer, header, plan, digest, count: 0 })
    }

    /// The next item.
    pub fn add(&mut self, item: &ItemPlan) -> Result<(), BadPlan> {
        let mut item = item.clone();
        let mask = |text: &str| self.sealer.masked(text);
        item.steps.iter_mut().for_each(|step| step.masked(&mask));
        item.stop.iter_mut().for_each(|stop| stop.masked(&mask));
        let text = self.lines.put(&item, self.sealer)?;
        // What nobody hid comes back as it is; else what counts is what a reader will find.
        let hidden = text.contains("\"$sealed\"") || text.contains("\"$secret\"");
        debug_assert!(hidden || digest::alike(&item, &back(&text, self.sealer)?), "{text}");
        let item = if hidden { back(&text, self.sealer)? } else { item };
        self.digest.item(&item);
        self.count += 1;
        keep(&mut self.plan, item);
        Ok(())
    }

    /// The last line; gives back where it was written to, the plan, and the sum of all lines before the last.
    pub fn end(mut self) -> Result<(W, Saved, Arc<str>), BadPlan> {
        let digest = self.digest.end();
        if let Some(many) = self.plan.many.as_ref().filter(|_| self.header.trueup_plan >= MANY_FORMAT) {
            self.lines.put(&Tallied { trueup_plan_tally: many.tally.clone() }, self.sealer)?;
        }
        let trailer = Trailer::of(self.count, &digest, &hex(self.lines.hash.clone()), self.sealer)?;
        self.lines.add::<Trailer>(&trailer, self.sealer)?;
        self.lines.out.flush().map_err(BadPlan::Io)?;
        if let Some(many) = &mut self.plan.many {
            many.digest.clone_from(&digest);
        }
        all_taken(&mut self.plan, &self.header);
        Ok((self.lines.out, Saved { header: self.header, plan: self.plan, digest }, trailer.sha256))
    }
}

struct Lines<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Lines<W> {
    /// One line. What cannot be read back is not written.
    fn add<T: Field>(&mut self, record: &T, sealer: &Sealer) -> Result<T, BadPlan> {
        back(&self.put(record, sealer)?, sealer)
    }

    /// One line; as it was written.
    fn put<T: Field>(&mut self, record: &T, sealer: &Sealer) -> Result<String, BadPlan> {
        let mut out = sealer.writing();
        if !record.write(&mut out) {
            out.raw("null");
        }
        let mut text = out.end().map_err(BadPlan::Sealed)?;
        text.push('\n');
        self.hash.update(text.as_bytes());
        self.out.write_all(text.as_bytes()).map_err(BadPlan::Io)?;
        Ok(text)
    }
}
