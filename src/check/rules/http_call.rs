//! Calls: one method, one that the connection allows, no secrets in headers, reasons for odd answers.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{ONE_OF, UNKNOWN_KEY},
        suggest,
        url_path::Pattern,
    },
    check::{
        mentions::{Meaning, Mention},
        scene::Scene,
    },
    read::http::{HttpSpec, Status},
    template::Text,
};

/// The connection does not allow it.
pub static NOT_ALLOWED: Code = Code {
    id: "E0501",
    title: "a call that the connection does not allow",
    explain: "The project file says for each API which methods and paths may be called (`allow: { methods, paths }`). This call is outside. \
        Paths begin with `/` and stay below the API's base address: no `//`, no `..`, no other host.",
};
/// A secret in a header.
pub static SECRET_HEADER: Code = Code {
    id: "E0502",
    title: "a secret in a header",
    explain: "Keys and tokens belong into the connection's `auth:` in the project file, as a reference (`{ secret: NAME }`). There they are \
        sent to that API only, and masked in every plan, journal and log. A playbook never holds a secret.",
};
/// An odd answer without a reason.
pub static ODD_ACCEPT: Code = Code {
    id: "W0006",
    title: "an odd answer that is accepted without a reason",
    explain: "`accept:` makes an answer good that usually means a failure. Say why, so that the next reader need not guess: \
        `accept: [200, { status: 404, because: \"the forum does not know the user\" }]`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NOT_ALLOWED, &SECRET_HEADER, &ODD_ACCEPT];

/// Where the step behind the one at this place begins.
fn behind(scene: &Scene<'_>, at: usize) -> usize {
    let others = scene.visits.iter().map(|other| other.step.act_at.start);
    others.filter(|start| *start > at).min().unwrap_or(usize::MAX)
}

/// Looks at every call.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Act::Http(call) = &visit.step.act else { continue };
        match call.method() {
            Some((method, path)) => {
                shape(call, method, path, problems);
                allowed(scene, call, method, path, problems);
            }
            // With `method: GET` it is written in other words, and that is told already.
            None if problems.any_between(&UNKNOWN_KEY, call.at.start, behind(scene, visit.step.act_at.start)) => {}
            None => problems.push(
                Diagnostic::error(&ONE_OF, visit.step.act_at, "a call has exactly one method with its path")
                    .help("write one of `get: /path`, `post`, `put`, `patch`, `delete`, `head`"),
            ),
        }
        headers(scene, call, problems);
        for accept in call.accept.iter().filter(|a| a.because.is_none()) {
            let odd = match accept.status {
                Status::Exact(status) => status >= 400,
                Status::Class(class) => class >= 4,
            };
            if odd {
                problems.push(
                    Diagnostic::warning(
                        &ODD_ACCEPT,
                        accept.at,
                        "an answer that usually means a failure is accepted without a reason",
                    )
                    .help("write `{ status: …, because: \"why\" }`"),
                );
            }
        }
    }
}

/// What is wrong with a path or body, whatever the connection says.
pub(in crate::check) fn shape(call: &HttpSpec, method: &str, path: &Text, problems: &mut Diagnostics) {
    let scalar = path.scalar();
    let text = &*scalar.text;
    let mut odd = |message: &str, help: &str| {
        problems.push(Diagnostic::error(&NOT_ALLOWED, scalar.span, message).help(help.to_owned()))
    };
    let before_query = text.split('?').next().unwrap_or("");
    if text.contains("://") {
        odd("a whole address where a path is needed", "write the path from the API's base address: `/v2/teachers/…`");
    } else if !text.starts_with('/') && !text.starts_with("{{") {
        odd("a path begins with `/`", "write the path from the API's base address: `/v2/teachers/…`");
    } else if text.starts_with("//")
        || before_query.split('/').any(|part| matches!(part, ".." | "."))
        || text.contains('\\')
    {
        odd("a path that leaves the API's base address", "write the path without `//`, `..` and `\\`");
    } else if text.contains(['?', '#']) {
        odd("`?` and `#` do not belong into a path", "write `query: { name: value }`");
    }
    let (bodies, reads) = (call.bodies(), matches!(method, "GET" | "HEAD"));
    if let (Some(first), true) = (bodies.first(), reads) {
        odd(&format!("{method} has no body"), &format!("take `{first}:` out, or write `query:`"));
    }
    if let [first, second, ..] = bodies.as_slice() {
        odd(&format!("a call has one body, but here are `{first}` and `{second}`"), "take one of them out");
    }
    if call.content_type.is_some() && call.text.is_none() {
        odd("`content_type` says what kind of text `text` is", "write `text:` beside it, or take it out");
    }
    if call.pages.is_some() && method != "GET" {
        odd("only a GET comes in pages", "take `pages:` out");
    }
    if !call.affects.is_empty() && reads {
        odd("a call that reads affects nothing", "take `affects:` out");
    }
    if call.accepted.is_some() && reads {
        odd("only a write is accepted and finished later", "take `accepted:` out; `within:` and `every:` look again");
    }
    if call.already_done_when.is_some() && reads {
        odd("a read has nothing that could be done already", "take `already_done_when:` out");
    }
    let mut found = Vec::new();
    call.pages.iter().for_each(|pages| pages.sound(&mut found));
    found.into_iter().for_each(|problem| problems.push(problem));
}

fn headers(scene: &Scene<'_>, call: &HttpSpec, problems: &mut Diagnostics) {
    for (word, text) in &call.headers.entries {
        let name = word.as_str().to_ascii_lowercase();
        let named = matches!(&*name, "authorization" | "proxy-authorization" | "cookie")
            || ["token", "secret", "password", "api-key", "apikey", "api_key"].iter().any(|part| name.contains(part));
        let carried = scene.mentions.iter().any(|m: &Mention<'_>| {
            m.meaning == Meaning::Params
                && std::ptr::eq(m.spot.scalar, text.scalar())
                && m.attribute()
                    .and_then(|name| scene.playbook.params.get(name))
                    .is_some_and(|p| p.secret == Some(true))
        });
        if named || carried {
            problems.push(
                Diagnostic::error(&SECRET_HEADER, word.span, format!("`{}` carries a secret", word.as_str())).help(
                    format!("write it into the project file, as `auth:` of the connection `{}`", call.api.as_str()),
                ),
            );
        }
    }
}

fn allowed(scene: &Scene<'_>, call: &HttpSpec, method: &str, path: &Text, problems: &mut Diagnostics) {
    let Some(allow) = scene.connection(call.api.as_str()).and_then(|c| c.http.as_ref()?.allow.as_ref()) else { return };
    let api = call.api.as_str();
    if !allow.methods.is_empty() && !allow.methods.iter().any(|m| m.word() == method) {
        problems.push(
            Diagnostic::error(
                &NOT_ALLOWED,
                path.scalar().span,
                format!("the connection `{api}` does not allow {method}"),
            )
            .help("add it to `allow: { methods: … }` in the project file, if playbooks shall do this"),
        );
    }
    if let Some(accepted) = &call.accepted
        && !allow.methods.is_empty()
        && !allow.methods.iter().any(|m| m.is_read())
    {
        problems.push(
            Diagnostic::error(
                &NOT_ALLOWED,
                accepted.at,
                format!("the connection `{api}` does not allow GET, by which an accepted request is asked about"),
            )
            .help("add GET to `allow: { methods: … }` in the project file"),
        );
    }
    let text = &*path.scalar().text;
    if !allow.paths.is_empty() && text.starts_with('/') && !allow.paths.iter().any(|pattern| may_match(pattern, text)) {
        let known: Vec<&str> = allow.paths.iter().map(Pattern::as_str).collect();
        problems.push(
            Diagnostic::error(
                &NOT_ALLOWED,
                path.scalar().span,
                format!("the connection `{api}` does not allow this path"),
            )
            .help(format!(
                "it allows {}; add a pattern to `allow: {{ paths: … }}` in the project file, if \
                    playbooks shall go there",
                suggest::list(&known)
            )),
        );
    }
}

/// A path whose `{{ … }}` stand for anything within their segment.
fn may_match(pattern: &Pattern, template: &str) -> bool {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        path.push_str(before);
        path.push('\u{1}');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    path.push_str(rest);
    let wanted: Vec<&str> = pattern.as_str().split('/').collect();
    let segment = |(index, own): (usize, &str)| match wanted.get(index) {
        Some(literal) if own.contains('\u{1}') && !literal.contains(['{', '*']) => (*literal).to_owned(),
        _ => own.replace('\u{1}', "x"),
    };
    let concrete: Vec<String> = path.split('/').enumerate().map(segment).collect();
    pattern.matches(&concrete.join("/")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_in_a_path_stands_for_any_segment_and_for_no_more() {
        let may = |pattern: &str, path: &str| may_match(&Pattern::parse(pattern).unwrap(), path);
        assert!(may("/v2/teachers/{trn}", "/v2/teachers/{{ trainee.trn }}"));
        assert!(may("/v2/**", "/v2/teachers/{{ a / b }}/outcome"));
        assert!(may("/v2/users", "/v2/{{ kind }}"));
        assert!(!may("/v2/users", "/v1/{{ kind }}"));
        assert!(!may("/v2/{x}", "/v2/{{ a }}/{{ b }}"));
    }
}
