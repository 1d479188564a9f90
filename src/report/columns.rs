//! How wide texts are in a terminal, and how they are made to fit.

use super::look::Look;
use unicode_width::UnicodeWidthStr;

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `most` columns, without secrets: the middle is left out.
pub fn shortened(text: &str, most: usize, look: Look) -> String {
    let text = &*look.hidden(text);
    if text.width() <= most {
        return text.to_owned();
    }
    let left_out = look.ellipsis();
    let room = most.saturating_sub(left_out.width());
    let (head, tail) = (first_columns(text, room - room / 2), last_columns(text, room / 2));
    format!("{head}{left_out}{tail}")
}

/// At most `most` columns, without secrets: the end is left out.
pub fn cut(text: &str, most: usize, look: Look) -> String {
    let text = &*look.hidden(text);
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

/// Lines that are too wide go on below, further in: behind `error: ` and `help: ` as far as their text begins. What fits stays as it is, and a word is
/// never broken. Colours take no room.
pub fn fitted(text: &str, most: usize) -> String {
    text.split_inclusive('\n').map(|line| fitted_line(line, most)).collect()
}

fn fitted_line(line: &str, most: usize) -> String {
    let shown = |text: &str| width(&anstream::adapter::strip_str(text).to_string());
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    if shown(body) <= most {
        return line.to_owned();
    }
    let indent = body.len() - body.trim_start_matches(' ').len();
    let plain = anstream::adapter::strip_str(body).to_string();
    let head = ["error: ", "help: "].into_iter().find(|head| plain[indent..].starts_with(head));
    let hang = (indent + head.map_or(2, str::len)).min(most / 2);
    let mut out = " ".repeat(indent);
    let mut column = indent;
    for (number, word) in body[indent..].split(' ').enumerate() {
        let wide = shown(word);
        if number > 0 && column + 1 + wide > most && column > hang {
            let kept = out.trim_end_matches(' ').len();
            out.truncate(kept);
            out.push('\n');
            out.push_str(&" ".repeat(hang));
            column = hang;
        } else if number > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += wide;
    }
    out + end
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

    #[test]
    fn a_line_that_is_too_wide_goes_on_below_its_text_and_a_word_stays_whole() {
        let red = anstyle::AnsiColor::Red.on_default();
        let path = "/a/path/that/is/wider/than/a/line";
        let text = format!(
            "short\n{red}error{red:#}: one two three four five\n  help: six {path} seven\nnote that has no end"
        );
        let shown = anstream::adapter::strip_str(&fitted(&text, 20)).to_string();
        let lines = [
            "short",
            "error: one two three",
            "       four five",
            "  help: six",
            &format!("        {path}"),
            "        seven",
            "note that has no end",
        ];
        assert_eq!(shown, lines.join("\n"));
        assert_eq!(fitted(&shown, 60), shown);
        assert_eq!(fitted("  where one begins further in\n", 20), "  where one begins\n    further in\n");
    }
}
