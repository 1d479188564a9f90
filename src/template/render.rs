//! Texts with blocks: literal parts and values one after the other.

use super::{
    item::Item,
    path::Path,
    run::{Result, Run, Stop},
    syntax::{At, Block, Loop},
};
use crate::base::{
    counted::counted,
    value::{Data, Marks, Value},
};
use std::{borrow::Cow, sync::Arc};

/// Whom the text is for.
pub enum Reader<'r> {
    /// A machine: each value passes through this; an unknown makes the whole unknown.
    Machine(&'r dyn Fn(&str) -> Cow<'_, str>),
    /// A person: unknown and hidden values are named in place, but for the revealed paths.
    Person(&'r [Path]),
}

/// The text so far.
pub struct Writer<'r> {
    pub out: String,
    pub reader: Reader<'r>,
}

impl Writer<'_> {
    /// Writes the parts of a text one after the other.
    pub fn blocks(&mut self, run: &mut Run<'_>, blocks: &[Block]) -> Result<()> {
        blocks.iter().try_for_each(|block| self.block(run, block))
    }

    fn block(&mut self, run: &mut Run<'_>, block: &Block) -> Result<()> {
        match block {
            Block::Raw(text, at) => self.put(run, text, *at),
            Block::Emit(node, at) => {
                let before = (run.reads.len(), std::mem::replace(&mut run.marks, Marks::NONE));
                let item = run.part(node)?;
                let value = match run.characters(&item, node.at) {
                    Err(Stop::Unknown(why)) => Ok(Data::Unknown(why).into()),
                    other => other,
                };
                let marks = std::mem::replace(&mut run.marks, before.1);
                run.marks |= marks;
                self.emit(run, &value?, marks, before.0, *at)
            }
            Block::If(test, yes, no) => match run.condition(test) {
                Ok(true) => self.blocks(run, yes),
                Ok(false) => self.blocks(run, no),
                Err(stop) => self.undecided(run, stop, test.at),
            },
            Block::For(each) => self.for_each(run, each),
            Block::Set(name, node) => {
                let item = run.part(node)?;
                run.locals.push((name.clone(), item));
                Ok(())
            }
            Block::Refused => Ok(()),
        }
    }

    fn put(&mut self, run: &mut Run<'_>, text: &str, at: At) -> Result<()> {
        run.fits(self.out.len() + text.len(), at)?;
        run.make(text.len(), at)?;
        self.out.push_str(text);
        Ok(())
    }

    fn emit(&mut self, run: &mut Run<'_>, value: &Value, marks: Marks, reads_before: usize, at: At) -> Result<()> {
        let text: Cow<'_, str> = match (&value.data, &self.reader) {
            (Data::Unknown(why), Reader::Machine(_)) => return Err(Stop::Unknown(why.clone())),
            (Data::Unknown(_), Reader::Person(_)) => value.bare(),
            (_, Reader::Machine(encode)) => encode(value.as_str().unwrap_or("")),
            (_, Reader::Person(_)) if marks.has(Marks::SECRET) => "(secret)".into(),
            (_, Reader::Person(revealed)) if marks.hidden() => {
                let hidden = |read: &(super::item::Read, Marks)| read.1.hidden() && !revealed.contains(&read.0.path());
                // Hidden through something else than a look-up: nothing says that it may be shown.
                let looked_up = run.reads[reads_before..].iter().any(|read| read.1.hidden());
                let shown = looked_up && !run.reads[reads_before..].iter().any(hidden);
                if shown { value.bare() } else { "(personal)".into() }
            }
            (_, Reader::Person(_)) => value.bare(),
        };
        self.put(run, &text, at)
    }

    /// A block whose condition or list only apply will show.
    fn undecided(&mut self, run: &mut Run<'_>, stop: Stop, at: At) -> Result<()> {
        match (stop, &self.reader) {
            (Stop::Unknown(why), Reader::Person(_)) => self.put(run, &format!("({why})"), at),
            (stop, _) => Err(stop),
        }
    }

    fn for_each(&mut self, run: &mut Run<'_>, each: &Loop) -> Result<()> {
        let elements = match self.chosen(run, each) {
            Ok(elements) => elements,
            Err(stop) => return self.undecided(run, stop, each.over.at),
        };
        if elements.is_empty() {
            return self.blocks(run, &each.otherwise);
        }
        let count = elements.len();
        for (index, element) in elements.into_iter().enumerate() {
            run.spend_elements(1, each.over.at)?;
            let depth = run.locals.len();
            bind(run, each, element)?;
            if each.counts {
                run.locals.push(("loop".into(), position(index, count)));
            }
            self.blocks(run, &each.body)?;
            run.locals.truncate(depth);
        }
        Ok(())
    }

    fn chosen(&mut self, run: &mut Run<'_>, each: &Loop) -> Result<Vec<Item>> {
        let over = run.eval(&each.over)?;
        let elements = run.elements(&over, each.over.at)?;
        let Some(test) = &each.only_if else { return Ok(elements) };
        let mut chosen = Vec::new();
        for element in elements {
            let depth = run.locals.len();
            bind(run, each, element.clone())?;
            let holds = run.condition(test);
            run.locals.truncate(depth);
            if holds? {
                chosen.push(element);
            }
        }
        Ok(chosen)
    }
}

/// The loop's names for one element; several names take a list apart.
fn bind(run: &mut Run<'_>, each: &Loop, element: Item) -> Result<()> {
    if let [name] = each.names.as_slice() {
        run.locals.push((name.clone(), element));
        return Ok(());
    }
    let parts = run.elements(&element, each.over.at)?;
    if parts.len() != each.names.len() {
        return run.fail(
            each.over.at,
            format!(
                "the loop has {} but an element has {}",
                counted(each.names.len(), "name"),
                counted(parts.len(), "part")
            ),
        );
    }
    run.locals.extend(each.names.iter().cloned().zip(parts));
    Ok(())
}

fn position(index: usize, count: usize) -> Item {
    let number = |n: usize| Item::made(i64::try_from(n).unwrap_or(i64::MAX));
    Item::Map(Arc::new(vec![
        ("index".into(), number(index + 1)),
        ("index0".into(), number(index)),
        ("first".into(), Item::made(index == 0)),
        ("last".into(), Item::made(index + 1 == count)),
        ("length".into(), number(count)),
    ]))
}
