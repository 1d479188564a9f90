//! GlobalIDs: `gid://register/Trainee/122803`. Pure.

use std::borrow::Cow;

/// A record of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalId {
    /// The application's name.
    pub app: String,
    /// The model: `Trainee`, `Dqt::TrnRequest`.
    pub model: String,
    /// Its id, as text.
    pub id: String,
}

impl GlobalId {
    /// Reads `gid://app/Model/id`. Anything else gives nothing: a job may hold any text.
    pub fn parse(text: &str) -> Option<GlobalId> {
        let rest = text.strip_prefix("gid://")?;
        let rest = rest.split(['?', '#']).next()?;
        let mut parts = rest.split('/');
        let (app, model, id, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
        let id = percent_encoding::percent_decode_str(id).decode_utf8().ok().map(Cow::into_owned)?;
        let sound = !app.is_empty() && is_class(model) && !id.is_empty();
        sound.then(|| GlobalId { app: app.to_owned(), model: model.to_owned(), id })
    }

    /// Of what a playbook writes: `Trainee/122803`.
    pub fn of(app: &str, record: &str) -> Option<GlobalId> {
        let (model, id) = record.split_once('/')?;
        let sound = is_class(model) && !id.is_empty() && !id.contains('/');
        sound.then(|| GlobalId { app: app.to_owned(), model: model.to_owned(), id: id.to_owned() })
    }

    /// As a playbook writes it.
    pub fn record(&self) -> String {
        format!("{}/{}", self.model, self.id)
    }
}

impl std::fmt::Display for GlobalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // As Ruby's `CGI.escape` writes it, which GlobalID uses: everything but letters, digits and `_.-~*`.
        let mut id = String::new();
        for byte in self.id.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'*' => id.push(char::from(byte)),
                b' ' => id.push('+'),
                other => id.push_str(&format!("%{other:02X}")),
            }
        }
        write!(f, "gid://{}/{}/{id}", self.app, self.model)
    }
}

/// `Dqt::UpdateTraineeJob`: what Ruby calls a constant.
pub fn is_class(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_uppercase()) && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    !name.is_empty() && name.split("::").all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_is_read_exactly_or_not_at_all() {
        let id = GlobalId::parse("gid://register/Dqt::TrnRequest/12").unwrap();
        assert_eq!(
            (id.record().as_str(), id.to_string().as_str()),
            ("Dqt::TrnRequest/12", "gid://register/Dqt::TrnRequest/12")
        );
        assert_eq!(GlobalId::parse("gid://app/Doc/a%2Fb?x=1").unwrap().id, "a/b");
        for bad in [
            "gid://app/Trainee",
            "gid://app/trainee/1",
            "gid:///T/1",
            "gid://a/T/",
            "gid://a/T/1/2",
            "",
            "gid://a/T/%ff",
        ] {
            assert_eq!(GlobalId::parse(bad), None, "{bad}");
        }
        assert_eq!(GlobalId::of("a", "Trainee/1 2").unwrap().to_string(), "gid://a/Trainee/1+2");
        assert_eq!(GlobalId::of("a", "Trainee"), None);
    }
}
