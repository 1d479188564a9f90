//! `auth:` of an API: the ways in which a call says who we are. Shapes only; tokens are fetched in `token`.

use crate::{
    base::{
        diagnostic::Diagnostic,
        shape::{FromNode, Length, Lowering, Named, ONE_OF, Word},
        source::Span,
        yaml::Node,
    },
    connection::reference::{Reference, Setting, Source},
    shape, words,
};

/// How a call says who we are.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer(Reference),
    /// `Authorization: Basic …`
    Basic(Basic),
    /// A header of its own: `X-Api-Key: …`
    Header(AuthHeader),
    /// A token that a token endpoint gives us: OAuth2 client credentials.
    OAuth2(Box<OAuth2>),
}

shape! {
    /// A user and a password.
    "basic auth" pub struct Basic {
        /// The user.
        user: Word,
        /// The password.
        password: Reference,
    }
}

shape! {
    /// A header that carries a secret.
    "an auth header" pub struct AuthHeader {
        /// Its name.
        name: Word,
        /// Its value.
        value: Reference,
    }
}

shape! {
    /// OAuth2 client credentials: a token is fetched when it is needed, kept until shortly before it runs out, and renewed
    /// once when the API answers 401. It stands in no plan, journal or log.
    "oauth2 client credentials" pub struct OAuth2 {
        /// Where tokens are given: `https://host/path`, or a reference to it. Only this one address is asked.
        token_url: Setting,
        /// Who we are: the client's id, or a reference to it.
        client_id: Setting,
        /// The client's secret.
        client_secret: Reference,
        /// What the token is for.
        scope: Option<Word>,
        /// Further fields of the token request: `{ token_type: jwt }`.
        #[schemars(default)]
        extra: Named<Word>,
        /// The word before the token in the `Authorization` header. Default `Bearer`; Open edX wants `JWT`.
        scheme: Option<Word>,
        /// How id and secret are sent to the token endpoint. Default `form`.
        send: Option<ClientSends>,
        /// A token is renewed so long before it runs out. Default `60s`, and never more than half of its life.
        margin: Option<Length>,
    }
}

words! {
    "a way to send client id and secret"
    pub enum ClientSends {
        /// As the fields `client_id` and `client_secret`.
        Form = "form",
        /// As `Authorization: Basic …`.
        Basic = "basic",
    }
}

impl OAuth2 {
    /// What a mock's token endpoint is asked with: everything as declared, but for address, id and secret.
    pub(super) fn at_mock(declared: Option<&OAuth2>, token_url: &str, id: &str) -> OAuth2 {
        let at = Span::default();
        let plain = |text: &str| Setting::Plain(Word { text: text.into(), span: at });
        OAuth2 {
            token_url: plain(token_url),
            client_id: plain(id),
            client_secret: Reference { source: Source::Variable("MOCK".into()), at },
            scope: declared.and_then(|o| o.scope.clone()),
            extra: declared.map(|o| o.extra.clone()).unwrap_or_default(),
            scheme: declared.and_then(|o| o.scheme.clone()),
            send: declared.and_then(|o| o.send),
            margin: declared.and_then(|o| o.margin),
            at,
        }
    }
}

impl Auth {
    /// The OAuth2 client, if that is the way.
    pub fn oauth2(&self) -> Option<&OAuth2> {
        match self {
            Auth::OAuth2(oauth) => Some(oauth),
            _ => None,
        }
    }

    /// The header as people may see it: lower-case name, and the value with its secret masked.
    pub fn shown(&self) -> (String, String) {
        let scheme = |word: &str| ("authorization".to_owned(), format!("{word} (secret)"));
        match self {
            Auth::Bearer(_) => scheme("Bearer"),
            Auth::Basic(_) => scheme("Basic"),
            Auth::Header(header) => (header.name.as_str().to_ascii_lowercase(), "(secret)".to_owned()),
            Auth::OAuth2(oauth) => scheme(oauth.scheme.as_ref().map_or("Bearer", Word::as_str)),
        }
    }
}

const AUTH_KEYS: &[&str] = &["bearer", "basic", "header", "oauth2"];

impl FromNode for Auth {
    fn from_node(node: &Node, cx: &mut Lowering<'_>) -> Option<Self> {
        let Node::Map(entries, at) = node else {
            return cx.wrong_type(node, "a map with `bearer`, `basic`, `header` or `oauth2`");
        };
        cx.unknown_keys(node, AUTH_KEYS, "auth");
        let [entry] = entries.as_slice() else {
            cx.push(Diagnostic::error(
                &ONE_OF,
                *at,
                "auth has exactly one of `bearer`, `basic`, `header` and `oauth2`",
            ));
            return None;
        };
        match &*entry.key.text {
            "bearer" => Reference::from_node(&entry.node, cx).map(Auth::Bearer),
            "basic" => Basic::from_node(&entry.node, cx).map(Auth::Basic),
            "header" => AuthHeader::from_node(&entry.node, cx).map(Auth::Header),
            "oauth2" => OAuth2::from_node(&entry.node, cx).map(Box::new).map(Auth::OAuth2),
            _ => None,
        }
    }
}
impl schemars::JsonSchema for Auth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Auth".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (bearer, basic) = (generator.subschema_for::<Reference>(), generator.subschema_for::<Basic>());
        let (header, oauth2) = (generator.subschema_for::<AuthHeader>(), generator.subschema_for::<OAuth2>());
        schemars::json_schema!({
            "description": "How a call says who we are.",
            "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            "properties": { "bearer": bearer, "basic": basic, "header": header, "oauth2": oauth2 }
        })
    }
}
