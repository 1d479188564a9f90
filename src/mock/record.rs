//! What a mock remembers of the calls it got, as data.

use super::fault::Fault;
use crate::base::{
    time::Stamp,
    value::{Marks, Value},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// When it came in, UTC.
    pub at: Stamp,
    /// `GET`.
    pub method: String,
    /// Path without query, as it came.
    pub path: String,
    /// Parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// JSON as a value, other bodies as text, nothing as null.
    pub body: Value,
    /// The route that answered; empty when none did.
    pub route: Arc<str>,
    /// The status of the answer, also of one that a fault spoiled.
    pub status: u16,
    /// What went wrong on purpose.
    pub fault: Option<Fault>,
    /// Something was changed (perhaps later: `effect_after`).
    pub effect: bool,
    /// An expression of the mock file that failed.
    pub problem: Option<String>,
    /// It came after all those with a smaller number, to whatever mock or program of this process.
    pub number: u64,
}

/// The next number of a call. Clocks of tests stand still: they cannot tell which of two came first.
pub fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

impl Logged {
    /// A header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `GET /v2/teachers/1234567`
    pub fn call(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// One line for a person who watches: `GET /v2/teachers/1234567?birthdate=… → 200 (teacher)`.
    pub fn line(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let fault = self.fault.map_or(String::new(), |f| format!(", {} on purpose", f.word()));
        let route = if self.route.is_empty() { "no route" } else { &self.route };
        let problem = self.problem.as_ref().map_or(String::new(), |p| format!("; the mock file: {p}"));
        format!("{}{query} → {} ({route}{fault}){problem}", self.call(), self.status)
    }

    /// All of it as a map; credentials marked secret.
    pub fn value(&self) -> Value {
        let text = |t: &str| Value::text(t);
        let pairs = |pairs: &[(String, String)]| Value::map(pairs.iter().map(|(n, v)| (n.as_str(), text(v))));
        let headers = self.headers.iter().map(|(name, value)| {
            let secret = matches!(name.as_str(), "authorization" | "cookie" | "x-api-key");
            (name.as_str(), text(value).marked(if secret { Marks::SECRET } else { Marks::NONE }))
        });
        Value::map([
            ("at", Value::from(crate::base::value::Data::Instant(self.at))),
            ("method", text(&self.method)),
            ("path", text(&self.path)),
            ("query", pairs(&self.query)),
            ("headers", Value::map(headers)),
            ("body", self.body.clone()),
            ("route", text(&self.route)),
            ("status", Value::from(i64::from(self.status))),
            ("fault", self.fault.map_or(Value::NULL, |f| text(f.word()))),
            ("effect", Value::from(self.effect)),
            ("problem", self.problem.as_deref().map_or(Value::NULL, text)),
        ])
    }
}

/// `GET /v2/teachers/1234567?birthdate=… 200 a teacher`: one line for a terminal; parameters without their values.
impl std::fmt::Display for Logged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.call())?;
        for (i, (name, _)) in self.query.iter().enumerate() {
            write!(f, "{}{name}=…", if i == 0 { '?' } else { '&' })?;
        }
        match self.fault {
            Some(fault) => write!(f, " {}", fault.word())?,
            None => write!(f, " {}", self.status)?,
        }
        let route = if self.route.is_empty() { "no route" } else { &self.route };
        write!(f, " ({route})")?;
        self.problem.iter().try_for_each(|problem| write!(f, ": {problem}"))
    }
}
