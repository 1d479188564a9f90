//! A stored record that is taken apart field by field: what is read goes where it belongs, and no tree of the whole is made.

use super::{MAX_DEPTH, reader::Reader};
use crate::base::value::Value;
use std::borrow::Cow;

/// Where a record is read. Every way to go on gives nothing where something else stands there, be it wrong or only unusual (a tag in place of an
/// object, say): whoever asked reads the whole again as a value then, and says what is wrong with it.
pub struct Cursor<'c, 'a> {
    reader: &'c mut Reader<'a>,
    depth: usize,
}

impl<'c, 'a> Cursor<'c, 'a> {
    pub(super) fn of(reader: &'c mut Reader<'a>) -> Cursor<'c, 'a> {
        Cursor { reader, depth: 0 }
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        self.reader.space();
        self.reader.peek()
    }

    /// Steps over this byte.
    fn step(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.reader.at += 1)
    }

    /// Each field of the object that stands here, in the order of the text: `each` is given its name, and reads what it holds.
    pub fn fields(&mut self, mut each: impl FnMut(&str, &mut Cursor<'_, 'a>) -> Option<()>) -> Option<()> {
        self.step(b'{')?;
        if self.step(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.text()?;
            if self.depth >= MAX_DEPTH || name.starts_with('$') {
                return None;
            }
            self.reader.under = self.reader.place(&name);
            self.step(b':')?;
            each(&name, &mut Cursor { reader: self.reader, depth: self.depth + 1 })?;
            if self.step(b',').is_none() {
                return self.step(b'}');
            }
        }
    }

    /// Each element of the list that stands here, read by `each`.
    pub fn elements(&mut self, mut each: impl FnMut(&mut Cursor<'_, 'a>) -> Option<()>) -> Option<()> {
        self.step(b'[')?;
        if self.step(b']').is_some() {
            return Some(());
        }
        let under = self.reader.under;
        loop {
            if self.depth >= MAX_DEPTH {
                return None;
            }
            self.reader.under = under;
            each(&mut Cursor { reader: self.reader, depth: self.depth + 1 })?;
            if self.step(b',').is_none() {
                return self.step(b']');
            }
        }
    }

    /// A text stands here.
    pub fn is_text(&mut self) -> bool {
        self.next() == Some(b'"')
    }

    /// The text that stands here.
    pub fn text(&mut self) -> Option<Cow<'a, str>> {
        if self.is_text() { self.reader.string().ok() } else { None }
    }

    /// Whatever stands here.
    pub fn value(&mut self) -> Option<Value> {
        self.reader.value(self.depth).ok()
    }
}
