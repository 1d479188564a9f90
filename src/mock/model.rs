//! The mock file as typed parts. Shapes only: rules between them stand in `check`, their meaning in `play`.

use super::{
    behind::{Finds, Writes},
    fault::Fault,
};
use crate::{
    base::{
        diagnostic::{Diagnostic, Diagnostics},
        shape::{BAD_FORM, FromNode, Length, Lowering, Named, Word},
        source::Source,
        url_path::Pattern,
        value::Value,
        yaml::{self, Node},
    },
    shape,
    template::{Datum, Expression, Text},
    words,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

shape! {
    /// An HTTP API that plays along: what it answers, what it remembers, how it misbehaves.
    "a mock" pub struct Mock {
        /// Version of the language: `v1`.
        trueup: Version,
        /// The mock's name, for messages.
        mock: Word,
        /// `127.0.0.1:PORT`; port 0, the default, takes a free one. Only loopback addresses.
        listen: Option<Listen>,
        /// Takes the port and lets nobody connect.
        refuse: Option<bool>,
        /// What a call must carry; others are answered with 401 and reach no route.
        auth: Option<Guard>,
        /// The header in which this API takes an idempotency key: the first answer for a key is kept and given again.
        idempotency_key: Option<Word>,
        /// What the API remembers.
        #[schemars(default)]
        collections: Named<Collection>,
        /// The calls it knows, in order: the first one that fits answers.
        #[schemars(default)]
        routes: Vec<Route>,
        /// What goes wrong with calls that the routes answer: the first one that fits.
        #[schemars(default)]
        troubles: Vec<Trouble>,
        /// The answer to everything else. Default 404.
        otherwise: Option<Answer>,
    }
}

words! {
    "a version of the language"
    pub enum Version {
        /// The first.
        V1 = "v1",
    }
}

shape! {
    /// What a call must carry.
    "auth" pub struct Guard {
        /// `Authorization: Bearer …`
        bearer: Option<Word>,
        /// A header of its own.
        header: Option<GuardHeader>,
        /// A token of the mock's own token endpoint (OAuth2 client credentials).
        oauth2: Option<TokenGuard>,
        /// The answer to calls without it. Default 401.
        refused: Option<Answer>,
    }
}

shape! {
    /// A header with a fixed value.
    "an auth header" pub struct GuardHeader {
        /// Its name.
        name: Word,
        /// Its value.
        value: Word,
    }
}

shape! {
    /// A token endpoint, and the tokens that calls must carry.
    "a token endpoint" pub struct TokenGuard {
        /// Its path: `/oauth2/access_token`.
        token: Word,
        /// The client's id.
        client_id: Word,
        /// The client's secret.
        client_secret: Word,
        /// The word before the token. Default `Bearer`.
        scheme: Option<Word>,
        /// How long a token is good, by the mock's clock; told to the client. Without it a token is good for ever.
        lives: Option<Length>,
        /// A token is good for so many calls only; told to nobody.
        calls: Option<u32>,
        /// What the endpoint answers first, in turn; a token is only given afterwards, or by an answer without a status and fault.
        #[schemars(default)]
        answers: Vec<Answer>,
    }
}

/// What a client needs to be known to a mock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A header with a fixed value.
    Header {
        /// In lower case.
        name: String,
        /// Its value.
        value: String,
    },
    /// An OAuth2 client.
    Client {
        /// Path of the token endpoint.
        path: String,
        /// Its id.
        id: String,
        /// Its secret.
        secret: String,
    },
}

impl Guard {
    /// What a client needs.
    pub fn credentials(&self) -> Option<Credentials> {
        if let Some(oauth) = &self.oauth2 {
            let text = |word: &Word| word.as_str().to_owned();
            let (path, id, secret) = (text(&oauth.token), text(&oauth.client_id), text(&oauth.client_secret));
            return Some(Credentials::Client { path, id, secret });
        }
        self.header().map(|(name, value)| Credentials::Header { name, value })
    }

    /// The header that a call must carry: lower-case name and value; nothing where it changes.
    pub fn header(&self) -> Option<(String, String)> {
        let bearer =
            self.bearer.as_ref().map(|token| ("authorization".to_owned(), format!("Bearer {}", token.as_str())));
        bearer.or_else(|| {
            self.header.as_ref().map(|h| (h.name.as_str().to_ascii_lowercase(), h.value.as_str().to_owned()))
        })
    }
}

shape! {
    /// Rows that the API remembers while it runs.
    "a collection" pub struct Collection {
        /// The field by which a row is found.
        key: Word,
        /// The rows at the start.
        #[schemars(default)]
        rows: Vec<Row>,
    }
}

/// One row: fields and values, no expressions.
#[derive(Clone, Debug)]
pub struct Row(pub crate::base::value::Map);

impl FromNode for Row {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        match node {
            Node::Map(..) => Value::from_node(node, cx)?.as_map().cloned().map(Row),
            _ => cx.wrong_type(node, "a row, which is a map"),
        }
    }
}
crate::plain_schema!(Row, { "type": "object" });

shape! {
    /// One call that the API knows.
    "a route" pub struct Route {
        /// For the request log. Default: method and path.
        name: Option<Word>,
        /// Path of a GET: `/v2/teachers/{trn}`.
        get: Option<Pattern>,
        /// Path of a HEAD.
        head: Option<Pattern>,
        /// Path of a POST.
        post: Option<Pattern>,
        /// Path of a PUT.
        put: Option<Pattern>,
        /// Path of a PATCH.
        patch: Option<Pattern>,
        /// Path of a DELETE.
        delete: Option<Pattern>,
        /// Parameters that must be there with this value; null: must not be there.
        #[schemars(default)]
        query: Named<Datum>,
        /// A collection: the row whose key is the path's `{…}` of the same name becomes `row`.
        of: Option<Word>,
        /// The answer when there is no such row; without it the next routes are tried.
        missing: Option<Answer>,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// What it answers. Default: 200 without a body.
        answer: Option<Answer>,
        /// One answer for each call, in turn.
        #[schemars(default)]
        answers: Vec<Answer>,
        /// What comes after the last of `answers`. Default `repeats`.
        last: Option<Last>,
        /// A bare expression: calls are counted apart for each of its values.
        per: Option<Expression>,
        /// Fields of the row that this call changes.
        set: Option<Datum>,
        /// A row that this call adds to the collection, or puts in the place of the one with the same key.
        insert: Option<Datum>,
        /// Takes the row away.
        remove: Option<bool>,
        /// Rows of the project's databases that this call looks up first: `found.batch` is a list of rows.
        #[schemars(default)]
        finds: Named<Finds>,
        /// What this call changes in the project's databases.
        #[schemars(default)]
        writes: Vec<Writes>,
    }
}

impl Route {
    /// All methods that are given, upper case, with their paths.
    pub fn methods(&self) -> Vec<(&'static str, &Pattern)> {
        methods([&self.get, &self.head, &self.post, &self.put, &self.patch, &self.delete])
    }

    /// For the log.
    pub fn title(&self) -> Arc<str> {
        match (&self.name, self.methods().first()) {
            (Some(name), _) => name.text.clone(),
            (None, Some((method, path))) => format!("{method} {}", path.as_str()).into(),
            (None, None) => "".into(),
        }
    }

    /// Changes rows.
    pub fn changes(&self) -> bool {
        self.set.is_some() || self.insert.is_some() || self.remove == Some(true)
    }
}

shape! {
    /// What goes wrong with some of the calls, whichever route answers them.
    "a trouble" pub struct Trouble {
        /// For the request log. Default: the route's own name.
        name: Option<Word>,
        /// Path of a GET: `/v2/teachers/{trn}`.
        get: Option<Pattern>,
        /// Path of a HEAD.
        head: Option<Pattern>,
        /// Path of a POST.
        post: Option<Pattern>,
        /// Path of a PUT.
        put: Option<Pattern>,
        /// Path of a PATCH.
        patch: Option<Pattern>,
        /// Path of a DELETE.
        delete: Option<Pattern>,
        /// A bare expression that must hold.
        when: Option<Expression>,
        /// A bare expression: calls are counted apart for each of its values.
        per: Option<Expression>,
        /// Only the first so many calls that fit. Default: all of them.
        times: Option<u32>,
        /// With a status or a body: this is the answer, and the call changes nothing. Else the route's own answer goes wrong in
        /// this way (`fault`, `delay`), and its change is done as the fault says.
        answer: Answer,
    }
}

impl Trouble {
    /// All methods that are given, upper case, with their paths.
    pub fn methods(&self) -> Vec<(&'static str, &Pattern)> {
        methods([&self.get, &self.head, &self.post, &self.put, &self.patch, &self.delete])
    }

    /// Its own answer stands in the place of the route's.
    pub fn answers(&self) -> bool {
        self.answer.status.is_some() || self.answer.json.is_some() || self.answer.text.is_some()
    }
}

fn methods(paths: [&Option<Pattern>; 6]) -> Vec<(&'static str, &Pattern)> {
    let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    names.into_iter().zip(paths).filter_map(|(method, path)| path.as_ref().map(|path| (method, path))).collect()
}

words! {
    "a rule for calls after the last answer"
    pub enum Last {
        /// The last answer again.
        Repeats = "repeats",
        /// 500: called too often.
        Fails = "fails",
        /// The next routes are tried.
        Passes = "passes",
    }
}

words! {
    "an effect"
    pub enum Effect {
        /// The call changes what it says it changes.
        Done = "done",
        /// It changes nothing.
        None = "none",
    }
}

shape! {
    /// What a call is answered with.
    "an answer" pub struct Answer {
        /// Default 200.
        status: Option<Code>,
        /// Names and texts.
        #[schemars(default)]
        headers: Named<Text>,
        /// The body as JSON.
        json: Option<Datum>,
        /// The body as text.
        text: Option<Text>,
        /// How long to wait before answering.
        delay: Option<Length>,
        /// What goes wrong.
        fault: Option<Fault>,
        /// Whether the call changes what it says it changes. Default: what `fault` says, else `done` for a status below 400.
        effect: Option<Effect>,
        /// The change comes so much later than the answer.
        effect_after: Option<Length>,
    }
}

/// A status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u16);

impl FromNode for Code {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let number = u32::from_node(node, cx)?;
        match u16::try_from(number) {
            // 1xx cannot be a final answer.
            Ok(status) if (200..600).contains(&status) => Some(Code(status)),
            _ => {
                cx.push(
                    Diagnostic::error(&BAD_FORM, node.span(), format!("{number} is not a status of an answer"))
                        .help("write 200 to 599"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Code, { "type": "integer", "minimum": 200, "maximum": 599 });

/// A loopback address with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Default for Listen {
    fn default() -> Listen {
        Listen(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0))
    }
}

impl FromNode for Listen {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let word = Word::from_node(node, cx)?;
        match word.as_str().parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(Listen(address)),
            _ => {
                cx.push(
                    Diagnostic::error(
                        &BAD_FORM,
                        word.span,
                        format!("`{}` is not a loopback address with a port", word.as_str()),
                    )
                    .help("a mock is for this machine only: write `127.0.0.1:8080`, or port 0 for a free one"),
                );
                None
            }
        }
    }
}
crate::plain_schema!(Listen, { "type": "string", "pattern": "^(127\\.[0-9.]+|\\[::1\\]):[0-9]+$", "examples": ["127.0.0.1:0"] });

impl Mock {
    /// Reads and checks a mock file; what is wrong goes to `problems`.
    pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<Mock> {
        let node = yaml::parse(source, yaml::DATA_LIMITS, problems)?;
        let mut cx = Lowering::new(problems);
        let mock = Mock::from_node(&node, &mut cx);
        if let Some(mock) = &mock {
            super::check::check(mock, &mut cx);
        }
        mock.filter(|_| problems.errors() == 0)
    }

    /// A mock from a text that stands in no file: for tests.
    pub fn from_yaml(text: &str) -> Result<Mock, Diagnostics> {
        let source = Source::new("mock", text);
        let mut problems = Diagnostics::new(source.clone());
        Mock::parse(&source, &mut problems).ok_or(problems)
    }
}
