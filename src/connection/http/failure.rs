//! Why a call gave no usable answer, sorted by the one question that matters afterwards: may something have happened?

use std::fmt;

/// What is known about the effect of a call without a usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte of the request left: nothing was done, and it may be sent again.
    NotSent(Trouble),
    /// Bytes may have left and no status came back: done or not done, nobody here knows.
    InDoubt(Trouble),
    /// A status came back, but the answer cannot be used.
    Unusable {
        /// The status.
        status: u16,
        /// What is wrong with the answer.
        trouble: Trouble,
    },
}

/// One trouble in plain words. Holds no secret and no personal value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its kind, for tables and tests.
    pub reason: Reason,
    /// The call and what became of it; fits after "failed to": ``call `dqt` (GET https://…): nobody listens there``.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The connection's rules forbid this call.
    Forbidden,
    /// A part of the request is not known yet.
    Unknown,
    /// The host's name has no address.
    Name,
    /// No connection.
    Connect,
    /// No trusted TLS connection.
    Tls,
    /// The token endpoint gave no token: we could not say who we are.
    Token,
    /// Too slow.
    Timeout,
    /// The connection was cut.
    Cut,
    /// What came back is not HTTP.
    NotHttp,
    /// The API points to another address.
    Redirect,
    /// More bytes than allowed.
    TooLarge,
    /// The body ended early.
    Truncated,
    /// The body says it is JSON and is not.
    NotJson,
    /// The body's compression is broken.
    Garbled,
}

impl Failure {
    /// What happened, in words.
    pub fn trouble(&self) -> &Trouble {
        match self {
            Failure::NotSent(trouble) | Failure::InDoubt(trouble) | Failure::Unusable { trouble, .. } => trouble,
        }
    }

    /// Its kind.
    pub fn reason(&self) -> Reason {
        self.trouble().reason
    }

    /// The status, if one came back.
    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Unusable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// It is certain that a write had no effect: not sent, or answered with a refusal or pointed elsewhere (see
    /// [`super::Standing`]).
    pub fn is_not_done(&self) -> bool {
        match self {
            Failure::NotSent(_) => true,
            Failure::InDoubt(_) => false,
            Failure::Unusable { status, .. } => super::Standing::of(*status) == super::Standing::NotDone,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble { what, help, .. } = self.trouble();
        if help.is_empty() { f.write_str(what) } else { write!(f, "{what}; {help}") }
    }
}
impl std::error::Error for Failure {}
