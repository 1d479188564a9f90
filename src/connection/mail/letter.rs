//! The form of a letter: RFC 5322 headers, RFC 2047 encoded words, a quoted-printable body (RFC 2045). Lines end with LF, as
//! they do in a Maildir.
//!
//! Nothing of the text can become a header: addresses are [`Address`]es, the subject is printable ASCII or an encoded
//! word, and the body stands behind an empty line.

use super::address::Address;
use crate::base::time::Stamp;
use base64::Engine;

/// A letter.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// Whose.
    pub from: &'a Address,
    /// To whom.
    pub to: &'a [Address],
    /// What it is about; what is not printable becomes a space.
    pub subject: &'a str,
    /// The text.
    pub text: &'a str,
    /// Names it: letters, digits and hyphens. The same letter has the same name for ever.
    pub id: &'a str,
    /// When it was written.
    pub at: Stamp,
}

/// Longer subjects are cut.
const LONGEST_SUBJECT: usize = 160;
/// A line of the body, without its end (RFC 2045, 6.7).
const LINE: usize = 76;
/// So many bytes of a subject fit into one encoded word with the header's name before it.
const WORD: usize = 39;

impl Letter<'_> {
    /// The letter as it is sent.
    pub fn written(&self) -> String {
        let to: Vec<&str> = self.to.iter().map(Address::text).collect();
        format!(
            "Date: {}\nFrom: {}\nTo: {}\nSubject: {}\nMessage-ID: <{}@{}>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{}",
            date(self.at),
            self.from.text(),
            to.join(",\n "),
            subject(self.subject),
            self.id,
            self.from.host(),
            quoted(self.text)
        )
    }
}

/// `Thu, 26 Nov 2026 06:12:27 +0000`
fn date(at: Stamp) -> String {
    let moment = jiff::Timestamp::from_microsecond(at.micros).unwrap_or_default();
    moment.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn subject(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut words: String = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() > LONGEST_SUBJECT {
        words = words.chars().take(LONGEST_SUBJECT - 1).chain(['…']).collect();
    }
    let plain = words.bytes().all(|b| (b' '..=b'~').contains(&b));
    if plain && words.len() <= 68 && !words.contains("=?") {
        return words;
    }
    let mut parts = vec![String::new()];
    for c in words.chars() {
        if parts.last().is_some_and(|part| part.len() + c.len_utf8() > WORD) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let encoded = |part: &String| format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(part));
    parts.iter().map(encoded).collect::<Vec<_>>().join("\n ")
}

/// Quoted-printable, line by line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.replace("\r\n", "\n").trim_end_matches('\n').split('\n') {
        // A mailbox file would take `From ` for the beginning of the next letter.
        let separator = line.starts_with("From ");
        let (mut width, bytes) = (0, line.as_bytes());
        for (index, byte) in bytes.iter().enumerate() {
            let last = index + 1 == bytes.len();
            let bare = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !last);
            let piece =
                if bare && !(separator && index == 0) { char::from(*byte).to_string() } else { format!("={byte:02X}") };
            if width + piece.len() > LINE - usize::from(!last) {
                out.push_str("=\n");
                width = 0;
            }
            width += piece.len();
            out.push_str(&piece);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letter(subject: &str, text: &str) -> String {
        let (from, to) =
            (Address::parse("trueup@x.example").unwrap(), Address::list("a@b.example,c@d.example").unwrap());
        let at: Stamp = "2026-11-26T06:12:27".parse().unwrap();
        Letter { from: &from, to: &to, subject, text, id: "0190-1", at }.written()
    }

    /// A reader of its own: headers unfolded, words and body decoded.
    fn read(letter: &str) -> (Vec<(String, String)>, String) {
        let (head, body) = letter.split_once("\n\n").unwrap();
        let unfolded = head.replace("\n ", "\u{1}");
        let headers = unfolded.split('\n').map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let words = value.split('\u{1}').map(|word| {
                let coded = word.strip_prefix("=?utf-8?B?").and_then(|w| w.strip_suffix("?="));
                coded.map_or_else(
                    || word.to_owned(),
                    |w| String::from_utf8(base64::engine::general_purpose::STANDARD.decode(w).unwrap()).unwrap(),
                )
            });
            (name.to_owned(), words.collect::<String>())
        });
        let headers = headers.collect();
        let (mut bytes, joined) = (Vec::new(), body.replace("=\n", ""));
        let mut rest = joined.bytes();
        while let Some(byte) = rest.next() {
            let pair = if byte == b'=' { Some([rest.next().unwrap(), rest.next().unwrap()]) } else { None };
            bytes.push(pair.map_or(byte, |p| u8::from_str_radix(std::str::from_utf8(&p).unwrap(), 16).unwrap()));
        }
        (headers, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_letter_has_the_headers_of_a_letter_and_short_lines() {
        let text = "Has DQT taken the award back?\n\nFrom here on: ünïcode = 1  \n".to_owned() + &"x".repeat(200);
        let written =
            letter("Antwort nötig: \"Take back an award\" for a very long name of a run that goes on and on", &text);
        assert!(written.starts_with(
            "Date: Thu, 26 Nov 2026 06:12:27 +0000\nFrom: trueup@x.example\nTo: a@b.example,\n c@d.example\n"
        ));
        assert!(written.lines().all(|line| line.len() <= 76 && line.is_ascii()), "{written}");
        assert!(written.contains("\nMessage-ID: <0190-1@x.example>\nAuto-Submitted: auto-generated\n"));
        assert!(!written.contains("\nFrom here"), "{written}");
        let (headers, body) = read(&written);
        assert_eq!(headers.len(), 9);
        assert_eq!(
            headers[3].1,
            "Antwort nötig: \"Take back an award\" for a very long name of a run that goes on and on"
        );
        assert_eq!(body, text + "\n");
        assert!(letter("Plain words", "x").contains("\nSubject: Plain words\n"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_header_or_is_lost(
            subject in "(\\PC|\r|\n|\t|: |Bcc: |=\\?){0,40}",
            text in "(\\PC|\n|\t|=|From |\\.){0,200}",
        ) {
            let (headers, body) = read(&letter(&subject, &text));
            let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version",
                "Content-Type", "Content-Transfer-Encoding"]);
            prop_assert_eq!(body.trim_end_matches('\n'), text.trim_end_matches('\n'));
        }
    }
}
