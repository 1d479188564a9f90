//! Secrets: wrapped so that they cannot be printed by accident, and a registry that masks them in any text.

mod forms;

use memchr::memmem::Finder;
use std::{
    collections::HashSet,
    sync::{Arc, RwLock},
};
use zeroize::Zeroizing;

/// A secret text. No `Display`; `Debug` shows nothing of it; memory is wiped when the last clone goes.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text, for the one place that needs it. Name that place in the caller.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Every secret (and personal value) in use, so that the last writer of a sink can mask it, in whatever encoding.
///
/// The second net: the first is that such values do not enter texts at all.
#[derive(Clone, Default)]
pub struct Masks(Arc<RwLock<Forms>>);

/// Each form of each secret, the longest first.
type Forms = Arc<Vec<Form>>;

#[derive(Clone)]
struct Form {
    text: String,
    /// The rare characters that it holds: where one of them is missing nobody has to search.
    rare: Rare,
    /// Finds it. What a search has to prepare is prepared once: every text that is stored or printed is looked through.
    finder: Finder<'static>,
}

/// Which of `%`, `\` and `&` a text holds: most forms of a secret have one of them, and most texts have none.
#[derive(Clone, Copy)]
struct Rare(u8);

impl Rare {
    fn of(text: &str) -> Rare {
        let bit = |byte: u8, bit: u8| if memchr::memchr(byte, text.as_bytes()).is_some() { bit } else { 0 };
        Rare(bit(b'%', 1) | bit(b'\\', 2) | bit(b'&', 4))
    }

    fn has(self, other: Rare) -> bool {
        other.0 & !self.0 == 0
    }
}

impl Form {
    fn new(text: String) -> Form {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Form { rare: Rare::of(&text), text, finder }
    }

    /// Where it stands; `rare` is that of the text.
    fn find(&self, text: &[u8], rare: Rare) -> Option<usize> {
        if self.text.len() > text.len() || !rare.has(self.rare) {
            return None;
        }
        self.finder.find(text)
    }
}

/// What stands in the place of a secret.
const SHOWN: &str = "(secret)";

impl Masks {
    /// From now on `text` (and its URL, JSON, HTML, hex and base64 forms) is replaced by `(secret)`.
    /// Shorter than four characters is not registered: masking `1` would destroy every output.
    pub fn add(&self, secret: &Secret) {
        let text = secret.reveal();
        if text.len() < 4 {
            return;
        }
        let mut forms = forms::of(text);
        forms.retain(|form| form.len() >= 4);
        if let Ok(mut masks) = self.0.write() {
            let known: HashSet<&str> = masks.iter().map(|form| form.text.as_str()).collect();
            forms.retain(|form| !known.contains(form.as_str()));
            if forms.is_empty() {
                return;
            }
            let masks = Arc::make_mut(&mut masks);
            masks.extend(forms.into_iter().map(Form::new));
            masks.sort_by_key(|form| std::cmp::Reverse(form.text.len()));
        }
    }

    /// Whether a registered secret stands in the text: whether [`Masks::apply`] would change it.
    pub fn catches(&self, text: &str) -> bool {
        self.now().catches(text)
    }

    /// What is registered now, to look at many texts.
    pub fn now(&self) -> MasksNow {
        MasksNow(self.0.read().ok().map(|masks| masks.clone()))
    }

    /// The text with every registered secret masked. Whoever shortens a text masks it before: of what is cut in two, no part is found.
    pub fn apply(&self, text: &str) -> String {
        let Ok(masks) = self.0.read() else { return String::from("(output withheld: mask registry unavailable)") };
        let found = places(&masks, text);
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (start, end) in found {
            out.push_str(&text[from..start]);
            out.push_str(SHOWN);
            from = end;
        }
        out.push_str(&text[from..]);
        out
    }

    /// At most so many characters of the text, masked before it is cut.
    pub fn shortened(&self, text: &str, most: usize) -> String {
        let text = self.apply(text);
        match text.char_indices().nth(most) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Where any form stands, from left to right; forms that overlap are one place, so that no part of either stays.
fn places(masks: &[Form], text: &str) -> Vec<(usize, usize)> {
    let (bytes, rare) = (text.as_bytes(), Rare::of(text));
    let mut found: Vec<(usize, usize)> = Vec::new();
    for form in masks {
        let mut from = 0;
        while let Some(at) = form.find(&bytes[from..], rare) {
            let place = (from + at, from + at + form.text.len());
            // Somebody's password is `secret`: what was masked stays as it is.
            if !(SHOWN.contains(&form.text) && is_masked(text, place)) {
                found.push(place);
            }
            from += at + 1;
        }
    }
    found.sort_unstable();
    found.dedup_by(|next, last| {
        let overlap = next.0 < last.1;
        if overlap {
            last.1 = last.1.max(next.1);
        }
        overlap
    });
    found
}

/// The place lies in what stands where a secret was.
fn is_masked(text: &str, (start, end): (usize, usize)) -> bool {
    let mut shown = text.match_indices(SHOWN).map(|(at, shown)| (at, at + shown.len()));
    shown.any(|(from, to)| from <= start && end <= to)
}

/// What was registered at one moment.
pub struct MasksNow(Option<Forms>);

impl MasksNow {
    /// As [`Masks::catches`].
    pub fn catches(&self, text: &str) -> bool {
        let Some(masks) = &self.0 else { return true };
        if masks.last().is_none_or(|shortest| shortest.text.len() > text.len()) {
            return false;
        }
        let rare = Rare::of(text);
        // The shortest first: most texts are shorter than every form.
        let mut fitting = masks.iter().rev().take_while(|form| form.text.len() <= text.len());
        fitting.any(|form| form.find(text.as_bytes(), rare).is_some())
    }
}

/// The same registry.
impl PartialEq for Masks {
    fn eq(&self, other: &Masks) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Masks {}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    #[test]
    fn a_secret_is_masked_in_every_encoding() {
        let (masks, secret) = (Masks::default(), Secret::new("p&ss \"wörd\"/9"));
        masks.add(&secret);
        let b64 = |s: String| base64::engine::general_purpose::STANDARD.encode(s);
        for lead in ["", "u:", "user:"] {
            let text = b64(format!("{lead}{}", secret.reveal()));
            assert_ne!(masks.apply(&text), text, "{lead}");
            assert!(masks.catches(&text) && !masks.catches(lead), "{lead}");
        }
        let all = forms::of(secret.reveal()).join(" | ");
        for form in forms::of(secret.reveal()) {
            assert!(!masks.apply(&all).contains(&form), "{form}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn a_secret_is_masked_as_the_usual_writers_write_it() {
        let secret = r#"s3-cr.t_pa~s/s+w'o"rd<x>\ä&"#;
        let masks = Masks::default();
        masks.add(&Secret::new(secret));
        let hex: String = secret.bytes().map(|b| format!("{b:02X}")).collect();
        let json = |text: &str| crate::base::json::text_of(&crate::base::value::Value::text(text));
        let inner = json(secret);
        let written = [
            // RFC 3986, by capital and small digits; as JavaScript, Python and a form write it.
            "s3-cr.t_pa~s%2Fs%2Bw%27o%22rd%3Cx%3E%5C%C3%A4%26",
            "s3-cr.t_pa~s%2fs%2bw%27o%22rd%3cx%3e%5c%c3%a4%26",
            "s3-cr.t_pa~s%2Fs%2Bw'o%22rd%3Cx%3E%5C%C3%A4%26",
            "s3-cr.t_pa~s/s%2Bw%27o%22rd%3Cx%3E%5C%C3%A4%26",
            "s3-cr.t_pa%7Es%2Fs%2Bw%27o%22rd%3Cx%3E%5C%C3%A4%26",
            // JSON that escapes the slash, everything beyond ASCII, or what HTML would obey.
            r#"s3-cr.t_pa~s\/s+w'o\"rd<x>\\ä&"#,
            r#"s3-cr.t_pa~s/s+w'o\"rd<x>\\\u00e4&"#,
            r#"s3-cr.t_pa~s\/s+w'o\"rd<x>\\\u00e4&"#,
            r#"s3-cr.t_pa~s/s+w'o\"rd\u003cx\u003e\\ä\u0026"#,
            r"s3-cr.t_pa~s/s\u002Bw\u0027o\u0022rd\u003Cx\u003E\\\u00E4\u0026",
            &inner,
            &json(&inner),
            &json(&json(&inner)),
            "s3-cr.t_pa~s/s+w&#x27;o&quot;rd&lt;x&gt;\\ä&amp;",
            "s3-cr.t_pa~s/s+w&#39;o&#34;rd&lt;x&gt;\\ä&amp;",
            "s3-cr.t_pa~s/s+w'o\"rd&lt;x&gt;\\ä&amp;",
            &hex,
            &hex.to_lowercase(),
            &base64::engine::general_purpose::URL_SAFE.encode(format!("user:{secret}")),
            &base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret),
        ];
        for text in written {
            let text = format!("before {text} behind");
            let masked = masks.apply(&text);
            assert!(masks.catches(&text) && masked.contains("(secret)"), "{text}");
            // What is left is what was put around it: quotes, and the name before it.
            let left = masked.replacen("(secret)", "", 1).len();
            assert!(left <= "before  behind".len() + 16, "{text} -> {masked}");
        }
    }

    #[test]
    fn in_most_texts_few_forms_are_looked_for() {
        let secret = r#"s3-cr.t_pa~s/s+w'o"rd<x>\ä&"#;
        let masks = Masks::default();
        masks.add(&Secret::new(secret));
        let forms = masks.0.read().unwrap().clone();
        let always = forms.iter().filter(|form| form.rare.0 == 0).count();
        assert!(forms.len() > 50 && always <= 14, "{always} of {}", forms.len());
        let plain = Masks::default();
        plain.add(&Secret::new("Kanari07Qzv7Wx3m"));
        assert!(plain.0.read().unwrap().len() <= 8);
        // What is known is not registered once more.
        plain.add(&Secret::new("Kanari07Qzv7Wx3m"));
        assert!(plain.0.read().unwrap().len() <= 8);
    }

    #[test]
    fn of_secrets_that_overlap_no_part_stays() {
        let masks = Masks::default();
        ["abcdef", "defxyz", "ärgerlich"].iter().for_each(|secret| masks.add(&Secret::new(*secret)));
        assert_eq!(masks.apply("1 abcdefxyz 2 abcdefabcdef 3"), "1 (secret) 2 (secret)(secret) 3");
        assert_eq!(masks.apply("sehr ärgerlich!"), "sehr (secret)!");
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        let masks = Masks::default();
        masks.add(&Secret::new("secret"));
        assert_eq!(masks.apply("secret (secret) secret)"), "(secret) (secret) (secret))");
        assert_eq!(masks.apply(&masks.apply("register/secret")), "register/(secret)");
    }

    #[test]
    fn a_text_is_masked_before_it_is_cut() {
        let masks = Masks::default();
        masks.add(&Secret::new("abcdefghijklmnop"));
        assert_eq!(masks.shortened("at abcdefghijklmnop", 12), "at (secret)");
        assert_eq!(masks.shortened("at abcdefghijklmnop", 6), "at (se…");
    }

    #[test]
    fn a_key_of_several_lines_is_masked_line_by_line() {
        let masks = Masks::default();
        masks.add(&Secret::new("-----BEGIN KEY-----\nMIIEvgIBADANBgkqhkiG9w0B\nshort\n-----END KEY-----\n"));
        assert_eq!(masks.apply("at MIIEvgIBADANBgkqhkiG9w0B"), "at (secret)");
    }
}
