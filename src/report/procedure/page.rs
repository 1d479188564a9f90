//! What a page consists of, whatever it is written in.

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// A name of the system, a value, an expression.
    Code(String),
    /// What one must not overlook.
    Strong(String),
}

/// A sentence, or a few.
pub type Words = Vec<Piece>;

/// One entry of a list of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub title: Words,
    /// What is said of it, line by line.
    pub notes: Vec<Words>,
    /// Steps inside, each list under a heading (none for a block's own steps).
    pub inner: Vec<(Words, Vec<Entry>)>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading; the page's own is of level 1.
    Heading(u8, String),
    /// A paragraph.
    Para(Words),
    /// A list of points.
    List(Vec<Words>),
    /// Numbered steps.
    Steps(Vec<Entry>),
    /// Heads and rows.
    Table(Vec<&'static str>, Vec<Vec<Words>>),
    /// Commands, as one types them.
    Commands(String),
}

/// Words alone.
pub fn text(text: impl Into<String>) -> Words {
    vec![Piece::Text(text.into())]
}

/// Adds pieces to a sentence.
pub trait Say {
    /// Words.
    fn say(self, text: impl Into<String>) -> Self;
    /// A name or value.
    fn code(self, text: impl Into<String>) -> Self;
    /// Several names or values: `a`, `b` and `c`.
    fn codes(self, all: &[String]) -> Self;
    /// What one must not overlook.
    fn strong(self, text: impl Into<String>) -> Self;
    /// Another sentence's pieces.
    fn and(self, more: Words) -> Self;
}

impl Say for Words {
    fn say(mut self, text: impl Into<String>) -> Words {
        self.push(Piece::Text(text.into()));
        self
    }

    fn code(mut self, text: impl Into<String>) -> Words {
        self.push(Piece::Code(text.into()));
        self
    }

    fn codes(mut self, all: &[String]) -> Words {
        for (index, one) in all.iter().enumerate() {
            let between = match index {
                0 => "",
                last if last + 1 == all.len() => " and ",
                _ => ", ",
            };
            self = self.say(between).code(one.clone());
        }
        self
    }

    fn strong(mut self, text: impl Into<String>) -> Words {
        self.push(Piece::Strong(text.into()));
        self
    }

    fn and(mut self, more: Words) -> Words {
        self.extend(more);
        self
    }
}

/// Paragraphs and lists (`- …`) of a text that an author wrote. What is set in backticks is a name.
pub fn paragraphs(prose: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Lines that go on belong to what the line before began.
    let (mut open, mut list): (String, Option<Vec<String>>) = (String::new(), None);
    let end = |open: &mut String, list: &mut Option<Vec<String>>, blocks: &mut Vec<Block>| {
        match list.take() {
            Some(points) => blocks.push(Block::List(points.iter().map(|point| ticked(point)).collect())),
            None if !open.is_empty() => blocks.push(Block::Para(ticked(open))),
            None => {}
        }
        open.clear();
    };
    for line in prose.lines().map(str::trim) {
        match (line.is_empty(), line.strip_prefix("- ").or_else(|| line.strip_prefix("* "))) {
            (true, _) => end(&mut open, &mut list, &mut blocks),
            (false, Some(point)) => {
                if list.is_none() {
                    end(&mut open, &mut list, &mut blocks);
                }
                list.get_or_insert_default().push(point.to_owned());
            }
            (false, None) => {
                let target = list.as_mut().and_then(|points| points.last_mut()).unwrap_or(&mut open);
                if !target.is_empty() {
                    target.push(' ');
                }
                target.push_str(line);
            }
        }
    }
    end(&mut open, &mut list, &mut blocks);
    blocks
}

/// `a name` in backticks becomes a name.
fn ticked(text: &str) -> Words {
    let mut words = Words::new();
    for (index, part) in text.split('`').enumerate().filter(|(_, part)| !part.is_empty()) {
        words = if index % 2 == 1 { words.code(part) } else { words.say(part) };
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_wrote_keeps_its_paragraphs_and_points() {
        let found = paragraphs("One line\nand another.\n\nTwo `points`:\n- first\n  goes on\n- second\n\nEnd.");
        let expected = [
            Block::Para(text("One line and another.")),
            Block::Para(text("Two ").code("points").say(":")),
            Block::List(vec![text("first goes on"), text("second")]),
            Block::Para(text("End.")),
        ];
        assert_eq!(found, expected);
    }
}
