//! References to secrets: where a secret is to be found, never the secret itself.
//!
//! Holds the written form and the look-up. Must not know what a secret is for, and reads no environment by itself: the
//! look-up of variables comes in as a function.

use crate::base::{
    diagnostic::Diagnostic,
    secret::{Masks, Secret},
    shape::{BAD_FORM, FromNode, Lowering, ONE_OF},
    source::Span,
    yaml::Node,
};
use std::{fmt, path::Path, sync::Arc};

/// Where a secret is: `{ secret: NAME }` or `env:NAME` (an environment variable), `file:/path` (a file with mode 0600).
#[derive(Clone, Debug)]
pub struct Reference {
    /// The place.
    pub source: Source,
    /// Where the reference stands.
    pub at: Span,
}

/// The place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment variable of this name.
    Variable(Arc<str>),
    /// The file at this path; a relative one is looked up from the project file's folder.
    File(Arc<str>),
}

/// Where references are looked up, and who shall mask what is found.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Folder of the project file.
    pub folder: &'a Path,
    /// Every secret that is found gets registered here.
    pub masks: &'a Masks,
}

impl Secrets<'_> {
    /// Looks a reference up. A trailing line break of a file is not part of the secret.
    pub fn resolve(&self, reference: &Reference) -> Result<Secret, Unresolved> {
        let text = match &reference.source {
            Source::Variable(name) => (self.variable)(name).ok_or_else(|| {
                Unresolved::new(reference, "it is not set", "set it in the environment of this process")
            })?,
            Source::File(path) => {
                read(&self.folder.join(&**path)).map_err(|(what, help)| Unresolved::new(reference, what, help))?
            }
        };
        if text.is_empty() {
            return Err(Unresolved::new(reference, "it is empty", "put the secret there"));
        }
        let secret = Secret::new(text);
        self.masks.add(&secret);
        Ok(secret)
    }
}

/// Longer files are no secrets.
const MAX_BYTES: u64 = 64 * 1024;

fn read(path: &Path) -> Result<String, (String, &'static str)> {
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => ("there is no such file".to_owned(), "create it with mode 0600"),
        _ => (format!("it cannot be read: {e}"), "look at its owner and rights"),
    };
    let facts = std::fs::metadata(path).map_err(failed)?;
    if !facts.is_file() {
        return Err(("it is not a file".to_owned(), "name a file"));
    }
    if let Some(mode) = open_mode(&facts) {
        return Err((format!("others than its owner can use it (mode {mode:04o})"), "run `chmod 600` on it"));
    }
    if foreign(&facts) {
        return Err((
            "it belongs to another user, who could replace it".to_owned(),
            "own it yourself, or let root own it",
        ));
    }
    if facts.len() > MAX_BYTES {
        return Err((format!("it has {} bytes, more than a secret", facts.len()), "name the right file"));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t)).to_owned())
}

/// Whether the file belongs neither to root nor to us. Who we are is who owns our own process: std has no other way.
#[cfg(unix)]
fn foreign(facts: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let ours = std::fs::metadata("/proc/self").map(|process| process.uid());
    facts.uid() != 0 && ours.is_ok_and(|ours| ours != facts.uid())
}

#[cfg(not(unix))]
fn foreign(_: &std::fs::Metadata) -> bool {
    false
}

/// The mode, if anybody but the owner has a right on the file.
#[cfg(unix)]
fn open_mode(facts: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = facts.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Variable(name) => write!(f, "the environment variable `{name}`"),
            Source::File(path) => write!(f, "the file `{path}`"),
        }
    }
}

/// A secret that was not found; the message holds its place, never its content. Fits after "failed to".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Which one: "the environment variable `X`".
    pub reference: String,
    /// Where the reference stands.
    pub at: Span,
    /// What is wrong: "it is not set".
    pub what: String,
    /// What to do.
    pub help: String,
}

impl Unresolved {
    fn new(reference: &Reference, what: impl Into<String>, help: &str) -> Unresolved {
        Unresolved { reference: reference.to_string(), at: reference.at, what: what.into(), help: help.to_owned() }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read the secret in {}: {}; {}", self.reference, self.what, self.help)
    }
}
impl std::error::Error for Unresolved {}

const HELP: &str =
    "a secret never stands in the file: write `{ secret: NAME }` for the environment variable NAME, or `file:/path`";

impl FromNode for Reference {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let (source, at) = match node {
            Node::Scalar(s) if s.value().as_str().is_some() => (written(&s.text), s.span),
            Node::Map(entries, at) => match entries.as_slice() {
                [entry] if &*entry.key.text == "secret" => match &entry.node {
                    Node::Scalar(name) => (variable(&name.text), name.span),
                    other => return cx.wrong_type(other, "the name of a secret"),
                },
                _ => {
                    cx.push(
                        Diagnostic::error(&ONE_OF, *at, "a reference to a secret is a map with the one key `secret`")
                            .help(HELP),
                    );
                    return None;
                }
            },
            _ => return cx.wrong_type(node, "a reference such as `{ secret: NAME }`"),
        };
        if source.is_none() {
            // The text itself is not repeated: it may be a secret by mistake.
            cx.push(Diagnostic::error(&BAD_FORM, at, "this is not a reference to a secret").help(HELP));
        }
        Some(Reference { source: source?, at })
    }
}
crate::plain_schema!(Reference, {
    "description": "Where a secret is: `{ secret: NAME }` or `env:NAME` (an environment variable), `file:/path` (a file with mode 0600).",
    "anyOf": [
        { "type": "object", "additionalProperties": false, "required": ["secret"],
          "properties": { "secret": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "Name of an environment variable." } } },
        { "type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$" }
    ]
});

fn written(text: &str) -> Option<Source> {
    match text.split_once(':')? {
        ("env", name) => variable(name),
        ("file", path) if !path.is_empty() => Some(Source::File(path.into())),
        _ => None,
    }
}

fn variable(name: &str) -> Option<Source> {
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| Source::Variable(name.into()))
}

/// A text that may stand in the file or, when it holds a secret (a URL with a password), a reference to it.
#[derive(Clone, Debug)]
pub enum Setting {
    /// As it stands.
    Plain(crate::base::shape::Word),
    /// To be looked up.
    Secret(Reference),
}

impl Setting {
    /// The text; what a reference gives is registered with the masks.
    pub fn resolve(&self, secrets: Secrets<'_>) -> Result<Secret, Unresolved> {
        match self {
            Setting::Plain(word) => Ok(Secret::new(word.as_str())),
            Setting::Secret(reference) => secrets.resolve(reference),
        }
    }

    /// Where it stands.
    pub fn at(&self) -> Span {
        match self {
            Setting::Plain(word) => word.span,
            Setting::Secret(reference) => reference.at,
        }
    }
}

impl FromNode for Setting {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Scalar(s) if !s.text.starts_with("env:") && !s.text.starts_with("file:") => {
                FromNode::from_node(node, cx).map(Setting::Plain)
            }
            _ => Reference::from_node(node, cx).map(Setting::Secret),
        }
    }
}
impl schemars::JsonSchema for Setting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Setting".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let reference = generator.subschema_for::<Reference>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, reference] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{diagnostic::Diagnostics, source, yaml};

    fn read(text: &str) -> Result<Reference, String> {
        let source = source::Source::new("t", text);
        let mut problems = Diagnostics::new(source.clone());
        let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
        let read = Reference::from_node(node.get("a").unwrap(), &mut Lowering::new(&mut problems));
        read.ok_or_else(|| problems.sorted().iter().map(|d| d.message.clone()).collect())
    }

    #[test]
    fn a_secret_itself_is_refused_and_not_repeated() {
        assert_eq!(read("a: { secret: KEY }").unwrap().source, Source::Variable("KEY".into()));
        assert_eq!(read("a: env:KEY").unwrap().source, Source::Variable("KEY".into()));
        assert_eq!(read("a: file:/run/key").unwrap().source, Source::File("/run/key".into()));
        for bad in [
            "a: hunter2",
            "a: { secret: my key }",
            "a: 'env:'",
            "a: 'https://u:hunter2@h'",
            "a: { secret: hunter2, b: 1 }",
        ] {
            let message = read(bad).unwrap_err();
            assert!(message.contains("secret") && !message.contains("hunter2"), "{bad}: {message}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_and_a_file_open_to_others_say_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let masks = Masks::default();
        let secrets = Secrets {
            variable: &|name| (name == "KEY").then(|| "from-env".into()),
            folder: folder.path(),
            masks: &masks,
        };
        let get = |text: &str| {
            secrets.resolve(&read(text).unwrap()).map(|s| s.reveal().to_owned()).map_err(|e| e.to_string())
        };
        assert_eq!(get("a: env:KEY").unwrap(), "from-env");
        assert_eq!(masks.apply("x from-env x"), "x (secret) x");
        assert_eq!(
            get("a: env:NONE").unwrap_err(),
            "read the secret in the environment variable `NONE`: it is not set; set it in the environment of this process"
        );
        let file = folder.path().join("key");
        std::fs::write(&file, "from-file\n").unwrap();
        for (mode, expected) in [
            (0o644, Err("others than its owner can use it (mode 0644)")),
            (0o600, Ok("from-file")),
            (0o400, Ok("from-file")),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            match expected {
                Ok(text) => assert_eq!(get("a: file:key").unwrap(), text),
                Err(part) => assert!(get("a: file:key").unwrap_err().contains(part)),
            }
        }
        // Only root can give a file away.
        if std::os::unix::fs::chown(&file, Some(65534), None).is_ok() {
            assert!(get("a: file:key").unwrap_err().contains("belongs to another user"));
        }
        assert!(get("a: file:none").unwrap_err().contains("there is no such file"));
        assert!(get("a: file:.").unwrap_err().contains("not a file"));
    }
}
