//! A plan file is read: first whether it is whole and whose it is, then what it says.

use super::{
    BEGINS, BadPlan, ENDS, FORMAT, Header, MANY_FORMAT, Saved, TALLIES, Tallied, Trailer, all_taken, damaged, decoded,
    hex, keep, next,
};
use crate::{
    base::{seal::Sealer, value::Value},
    effect::record::Field,
    plan::{
        ItemPlan, Plan,
        digest::{PlanDigest, Promise},
        many::HELD,
    },
};
use sha2::{Digest, Sha256};
use std::{
    io::{BufRead, Seek},
    sync::Arc,
};

/// Reads a file that [`write`] made; every byte is as it was written, or it is refused. Without its key the personal
/// parts are unknown, and only the sum that anybody can compute is compared.
pub fn read(file: &mut (impl BufRead + Seek), sealer: &Sealer) -> Result<Saved, BadPlan> {
    read_with_sum(file, sealer).map(|(saved, _)| saved)
}

/// What the first line says, before anything else was looked at: to be believed only once the file was read.
pub fn claimed(file: &mut impl BufRead, sealer: &Sealer) -> Result<Header, BadPlan> {
    let mut line = Vec::new();
    first(file, &mut line)?;
    decoded(&line, sealer)
}

/// The same as [`read`], with the sum of every line before the last.
pub fn read_with_sum(file: &mut (impl BufRead + Seek), sealer: &Sealer) -> Result<(Saved, Arc<str>), BadPlan> {
    let (trailer, before) = checked(file)?;
    let sealed = sealer.key_id().is_some();
    if sealed && Trailer::seal(trailer.items, &trailer.digest, &trailer.sha256, sealer)? != *trailer.seal {
        return Err(BadPlan::OtherSeal);
    }
    file.rewind().map_err(BadPlan::Io)?;
    let mut line = Vec::new();
    next(file, &mut line)?;
    let header: Header = decoded(&line, sealer)?;
    let mut plan = header.plan();
    plan.many = header.many();
    // Under the seal stands what this journal's owner wrote. Who has no key counts for himself.
    let tallied = header.trueup_plan >= MANY_FORMAT && sealed;
    if let Some(many) = plan.many.as_mut().filter(|_| tallied) {
        let tallied: Tallied = decoded(&before, sealer)?;
        many.tally = tallied.trueup_plan_tally;
        for _ in 0..trailer.items.min(HELD as u64 + 1) {
            next(file, &mut line)?;
            plan.items.push(decoded(&line, sealer)?);
        }
        #[cfg(debug_assertions)]
        file.rewind().map_err(BadPlan::Io).and_then(|()| as_counted(file, &header, &plan, &trailer, sealer))?;
    } else {
        counted(file, &header, &mut plan, &trailer, sealer)?;
    }
    if let Some(many) = &mut plan.many {
        many.digest = trailer.digest.to_string();
    }
    all_taken(&mut plan, &header);
    Ok((Saved { header, plan, digest: trailer.digest.to_string() }, trailer.sha256))
}

/// Takes every item apart: counts them, holds the first ones, and looks whether they promise what was signed.
fn counted(
    file: &mut impl BufRead,
    header: &Header,
    plan: &mut Plan,
    trailer: &Trailer,
    sealer: &Sealer,
) -> Result<(), BadPlan> {
    let mut digest = PlanDigest::of(plan);
    let mut left = trailer.items;
    while left > 0 {
        // Two processors take them apart; what is counted is counted in order.
        let (one, other) = (block(file, &mut left)?, block(file, &mut left)?);
        let (one, other) = if other.is_empty() {
            (judged(&one, sealer), Vec::new())
        } else {
            std::thread::scope(|scope| {
                let beside = scope.spawn(|| judged(&other, sealer));
                (judged(&one, sealer), beside.join().unwrap_or_else(|_| vec![Err(damaged("it cannot be read"))]))
            })
        };
        for judged in one.into_iter().chain(other) {
            let (item, promise) = judged?;
            digest.promise(&promise);
            keep(plan, item);
        }
    }
    let mut line = Vec::new();
    next(file, &mut line)?;
    if header.trueup_plan >= MANY_FORMAT && line.starts_with(TALLIES.as_bytes()) {
        next(file, &mut line)?;
    }
    if !line.starts_with(ENDS.as_bytes()) {
        return Err(damaged("it has another number of items than it says"));
    }
    if sealer.key_id().is_some() && digest.end() != *trailer.digest {
        return Err(damaged("its digest is not that of its content"));
    }
    Ok(())
}

/// What stands there is what counting gives: tested with every plan that a test reads.
#[cfg(debug_assertions)]
fn as_counted(
    file: &mut impl BufRead,
    header: &Header,
    plan: &Plan,
    trailer: &Trailer,
    sealer: &Sealer,
) -> Result<(), BadPlan> {
    next(file, &mut Vec::new())?;
    let mut again = header.plan();
    again.many = header.many();
    counted(file, header, &mut again, trailer, sealer)?;
    assert_eq!(format!("{:?}", again.tally()), format!("{:?}", plan.tally()));
    assert_eq!(again.items.len(), plan.items.len());
    Ok(())
}

/// So many items are taken apart by one processor at a time.
const BLOCK: u64 = 128;

/// The lines of the next items.
fn block(file: &mut impl BufRead, left: &mut u64) -> Result<Vec<Vec<u8>>, BadPlan> {
    let count = (*left).min(BLOCK);
    *left -= count;
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = Vec::new();
        next(file, &mut line)?;
        lines.push(line);
    }
    Ok(lines)
}

fn judged(lines: &[Vec<u8>], sealer: &Sealer) -> Vec<Result<(ItemPlan, Promise), BadPlan>> {
    let one = |line: &Vec<u8>| {
        let item: ItemPlan = decoded(line, sealer)?;
        let promise = Promise::of(&item);
        Ok((item, promise))
    };
    lines.iter().map(one).collect()
}

/// The trailer and the line before it, when the sum fits: looked at before anything of the content is believed.
fn checked(file: &mut (impl BufRead + Seek)) -> Result<(Trailer, Vec<u8>), BadPlan> {
    file.rewind().map_err(BadPlan::Io)?;
    let (mut line, mut before, mut hash) = (Vec::new(), Vec::new(), Sha256::new());
    first(file, &mut line)?;
    loop {
        if line.is_empty() {
            return Err(damaged("its end is missing"));
        }
        if line.starts_with(ENDS.as_bytes()) {
            break;
        }
        hash.update(&line);
        std::mem::swap(&mut line, &mut before);
        next(file, &mut line)?;
    }
    let (last, mut more) = (line, Vec::new());
    next(file, &mut more)?;
    if !more.is_empty() {
        return Err(damaged("something stands behind its end"));
    }
    let nobody = Sealer::without_key(Default::default());
    let trailer: Trailer = decoded(&last, &nobody)?;
    // One trailer has one text: a blank or another order of its parts is a changed byte too.
    let again = nobody.sealed_json(&trailer.store().unwrap_or(Value::NULL)).map_err(BadPlan::Sealed)?;
    if format!("{again}\n").as_bytes() != last || trailer.trueup_plan_end != FORMAT {
        return Err(damaged("its last line is not as it was written"));
    }
    if hex(hash) != *trailer.sha256 {
        return Err(damaged("its content does not fit its sum"));
    }
    Ok((trailer, before))
}

/// The first line. What does not begin as a plan is none, however it ends.
fn first(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<(), BadPlan> {
    match next(file, line) {
        Err(unread @ BadPlan::Io(_)) => Err(unread),
        read => format_of(line).and(read),
    }
}

/// The form that the first line names.
fn format_of(line: &[u8]) -> Result<(), BadPlan> {
    if !line.starts_with(BEGINS.as_bytes()) {
        return Err(BadPlan::NotAPlan);
    }
    // Only the number: what else a later form holds is not known here.
    let digits: String =
        line[BEGINS.len()..].iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    match digits.parse::<u32>() {
        Ok(FORMAT..=MANY_FORMAT) => Ok(()),
        Ok(format) if format > MANY_FORMAT => Err(BadPlan::Newer { format }),
        _ => Err(damaged("its first line names no form")),
    }
}
