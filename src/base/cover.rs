//! Values that are hidden, and that somebody else's text may repeat: what an API or a database says of a person whose record it was
//! given. Knows nothing of who says it.

use super::{
    json, url_path,
    value::{Data, Marks, Value},
};

/// Shorter texts are left alone: hiding `1` would destroy every sentence.
const SHORTEST: usize = 4;

/// Hidden values, in each form in which they may come back. Made where something failed: nobody else needs it.
#[derive(Clone, Debug, Default)]
pub struct Cover(Vec<(String, &'static str)>);

impl Cover {
    /// Takes in what is hidden in a value, or all of it if what is around it is hidden.
    pub fn add(&mut self, value: &Value, around: Marks) {
        let marks = value.marks | around;
        match &value.data {
            Data::Map(map) => map.values().for_each(|inner| self.add(inner, marks)),
            Data::List(list) => list.iter().for_each(|inner| self.add(inner, marks)),
            Data::Json(document) => {
                self.leaf(value, marks);
                if matches!(document.tree().data, Data::Map(_) | Data::List(_)) {
                    self.add(document.tree(), marks);
                }
            }
            _ => self.leaf(value, marks),
        }
    }

    fn leaf(&mut self, value: &Value, marks: Marks) {
        // That something is true tells nothing of what it is.
        if !marks.hidden() || value.is_unknown() || matches!(value.data, Data::Null | Data::Bool(_)) {
            return;
        }
        let (text, shown) = (value.bare(), if marks.has(Marks::SECRET) { "(secret)" } else { "(personal)" });
        let mut quoted = String::new();
        json::quote(&text, &mut quoted);
        let quoted = quoted[1..quoted.len() - 1].to_owned();
        // A database's own functions are quick to write it in capitals or without.
        let cases = [text.to_uppercase(), text.to_lowercase()];
        let forms = [text.trim().to_owned(), text.to_string(), quoted, url_path::encoded(&text).into_owned()];
        self.0.extend(forms.into_iter().chain(cases).filter(|form| form.len() >= SHORTEST).map(|form| (form, shown)));
    }

    /// Nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without them. Cut it afterwards, if at all: of what is cut in two no part is found.
    pub fn over(&self, text: &str) -> String {
        let mut hidden: Vec<&(String, &'static str)> = self.0.iter().collect();
        // Longest first: a name within an address must not leave the rest of it.
        hidden.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        hidden.dedup();
        hidden.into_iter().fold(text.to_owned(), |text, (form, shown)| {
            if text.contains(form.as_str()) { text.replace(form.as_str(), shown) } else { text }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_values_are_hidden_in_what_is_said_of_them() {
        let personal = |text: &str| Value::from(text).marked(Marks::PERSONAL);
        let mut cover = Cover::default();
        cover.add(&Value::map([("name", personal("Ada Lovelace")), ("open", "lamp".into())]), Marks::NONE);
        cover.add(&Value::list(["1815-12-10".into()]), Marks::PERSONAL);
        cover.add(&Value::from("hunter22").marked(Marks::SECRET), Marks::NONE);
        let said = "ada lovelace, ADA LOVELACE, Ada Lovelace of 1815-12-10 has no lamp, hunter22";
        assert_eq!(cover.over(said), "(personal), (personal), (personal) of (personal) has no lamp, (secret)");
    }
}
