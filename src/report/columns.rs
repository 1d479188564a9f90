//! How wide texts are in a terminal, and how they are made to fit.

use super::look::Look;
use unicode_width::UnicodeWidthStr;

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `most` columns: the middle is left out.
pub fn shortened(text: &str, most: usize, look: Look) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    let room = most.saturating_sub(left_out.width());
    let (head, tail) = (first_columns(text, room - room / 2), last_columns(text, room / 2));
    format!("{head}{left_out}{tail}")
}

/// At most `most` columns: the end is left out.
pub fn cut(text: &str, most: usize, look: Look) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    format!("{}{left_out}", first_columns(text, most.saturating_sub(left_out.width())).trim_end())
}

/// As many whole characters from the start as fit.
pub fn first_columns(text: &str, most: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if text[..next].width() > most {
            break;
        }
        end = next;
    }
    &text[..end]
}

/// As many whole characters from the end as fit.
pub fn last_columns(text: &str, most: usize) -> &str {
    let mut start = text.len();
    for (at, _) in text.char_indices().rev() {
        if text[at..].width() > most {
            break;
        }
        start = at;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_is_left_out_by_columns() {
        let look = Look::default();
        assert_eq!(shortened("abcdefghij", 5, look), "ab…ij");
        assert_eq!(width(&shortened("日本語の長い文章です", 9, look)), 9);
        assert_eq!(cut("one two three", 8, look), "one two…");
    }
}
