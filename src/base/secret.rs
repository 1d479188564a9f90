//! Secrets: wrapped so that they cannot be printed by accident, and a registry that masks them in any text.

use memchr::memmem::Finder;
use std::sync::{Arc, RwLock};
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

/// Each form of each secret, the longest first, and what stands in its place.
type Forms = Arc<Vec<Form>>;

#[derive(Clone)]
struct Form {
    text: String,
    shown: &'static str,
    /// Finds it. What a search has to prepare is prepared once: every text that is stored or printed is looked through.
    finder: Finder<'static>,
}

impl Form {
    fn new(text: String, shown: &'static str) -> Form {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Form { text, shown, finder }
    }

    fn stands_in(&self, text: &str) -> bool {
        self.text.len() <= text.len() && self.finder.find(text.as_bytes()).is_some()
    }
}

impl Masks {
    /// From now on `text` (and its URL, JSON, hex and base64 forms) is replaced by `(secret)`.
    /// Shorter than four characters is not registered: masking `1` would destroy every output.
    pub fn add(&self, secret: &Secret) {
        let text = secret.reveal();
        if text.len() < 4 {
            return;
        }
        let mut forms = encodings(text);
        forms.retain(|form| form.len() >= 4);
        if let Ok(mut masks) = self.0.write() {
            let masks = Arc::make_mut(&mut masks);
            for form in forms {
                if !masks.iter().any(|known| known.text == form) {
                    masks.push(Form::new(form, "(secret)"));
                }
            }
            // Longest first: a password inside a URL must not leave the rest of the URL's form behind.
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

    /// The text with every registered secret masked.
    pub fn apply(&self, text: &str) -> String {
        let Ok(masks) = self.0.read() else { return String::from("(output withheld: mask registry unavailable)") };
        masks.iter().fold(text.to_owned(), |out, form| {
            if form.stands_in(&out) { out.replace(form.text.as_str(), form.shown) } else { out }
        })
    }
}

/// What was registered at one moment.
pub struct MasksNow(Option<Forms>);

impl MasksNow {
    /// As [`Masks::catches`].
    pub fn catches(&self, text: &str) -> bool {
        let Some(masks) = &self.0 else { return true };
        // The shortest first: most texts are shorter than every form.
        masks.iter().rev().take_while(|form| form.text.len() <= text.len()).any(|form| form.stands_in(text))
    }
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks(…)")
    }
}

fn encodings(text: &str) -> Vec<String> {
    use base64::Engine;
    let mut forms = vec![text.to_owned()];
    forms.push(percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string());
    let mut json = String::new();
    super::json::quote(text, &mut json);
    forms.push(json[1..json.len() - 1].to_owned());
    forms.push(super::value::hex(text.as_bytes())[2..].to_owned());
    forms.push(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"));
    for lead in ["", "x", "xx"] {
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("{lead}{text}"));
        // Only the characters that depend on nothing but the secret.
        let from = [0, 2, 3][lead.len()];
        let end = encoded.len() - usize::from(!(lead.len() + text.len()).is_multiple_of(3));
        forms.push(encoded.get(from..end).unwrap_or("").to_owned());
    }
    forms.dedup();
    forms
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
        let all = encodings(secret.reveal()).join(" | ");
        for form in encodings(secret.reveal()) {
            assert!(!masks.apply(&all).contains(&form), "{form}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
