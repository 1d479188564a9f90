//! A list that comes in pages: one page after the other, within bounds, as one result.

use super::{call, judge, read_once};
use crate::{
    action::{
        deed::{Call, Outgoing},
        step::Step,
    },
    base::{
        json,
        value::{Data, Value},
    },
    engine::{setting::Setting, trouble::CallTrouble, watch::Watch},
    playbook::errors::FailureKind,
    read::answer::Pages,
    template::{Expression, Scope},
};
use std::{collections::HashSet, sync::Arc};

/// All pages together hold at most so many bytes of JSON: they are kept in memory and in the journal as one value.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Reads page after page. The result is the last page's status and headers, all entries under `body`, and `pages`.
pub(super) async fn all(
    setting: &Setting,
    step: &Step,
    path: &str,
    first: &Call,
    pages: &Pages,
    watch: Watch<'_>,
) -> Result<Value, CallTrouble> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut keep = |list: &Value, own: &[Value]| {
        bytes += json::text_of(list).len();
        if bytes > MOST_BYTES {
            let most = MOST_BYTES / (1024 * 1024);
            return Err(format!("makes it larger than {most} MiB; ask for less at once"));
        }
        entries.extend(own.iter().map(|entry| entry.clone().marked(list.marks)));
        Ok(true)
    };
    let (answer, count) = walk(setting, step, path, first, pages, watch, &mut keep).await?;
    // An odd answer that the author accepts (404: there is no such list) is no page.
    let Some(count) = count else { return Ok(answer) };
    Ok(Value::map([
        ("status", answer.get("status").unwrap_or(Value::NULL)),
        ("headers", answer.get("headers").unwrap_or(Value::NULL)),
        ("body", Value::list(entries)),
        ("pages", Value::from(count as i64)),
    ]))
}

/// Takes the entries of a page: the list as it came, and what is in it. Says whether more are wanted, or what is wrong.
pub(super) type Taking<'a> = &'a mut (dyn FnMut(&Value, &[Value]) -> Result<bool, String> + Send);

/// Reads page after page, and hands each out. The result is the last page's answer and how many there were; no number where an odd
/// answer that the author accepts is no page at all.
pub(super) async fn walk(
    setting: &Setting,
    step: &Step,
    path: &str,
    first: &Call,
    pages: &Pages,
    watch: Watch<'_>,
    taking: Taking<'_>,
) -> Result<(Value, Option<u64>), CallTrouble> {
    let mut call = first.clone();
    let mut number = u64::from(pages.from.unwrap_or(1));
    if let Some(word) = &pages.page {
        set(&mut call, &word.text, Value::from(number as i64));
    }
    let mut seen = HashSet::new();
    for count in 1_u64.. {
        seen.insert(call::request(&call).key());
        let answer = read_once(setting, step, path, &Outgoing::Call(call.clone()), watch).await?;
        let status = answer.get("status").and_then(|s| s.as_int()).unwrap_or(0);
        if !(200..300).contains(&status) && count == 1 {
            return Ok((answer, None));
        }
        let scope = judge::scope(setting, &call, &answer);
        let odd = |what: String| bad(first, &call, setting, &answer, &format!("page {count} of a list {what}"));
        let list = match &pages.items {
            Some(items) => evaluated(items, &scope).map_err(&odd)?,
            None => answer.get("body").unwrap_or(Value::NULL),
        };
        let Some(own) = list.as_list() else { return Err(odd(format!("is {}, not a list", list.kind()))) };
        let empty = own.is_empty();
        if !taking(&list, own).map_err(&odd)? {
            return Ok((answer, Some(count)));
        }
        let next = next(setting, pages, &call, &answer, &scope, &mut number, empty).map_err(&odd)?;
        let Some(next) = next else { return Ok((answer, Some(count))) };
        if count >= u64::from(pages.at_most) {
            return Err(odd(format!("is the last that `at_most: {}` allows, and there are more", pages.at_most)));
        }
        if seen.contains(&call::request(&next).key()) {
            return Err(odd("leads to a page that was read before".into()));
        }
        call = next;
    }
    Err(bad(first, &call, setting, &Value::NULL, "a list without an end"))
}

/// The call of the next page; nothing after the last one.
fn next(
    setting: &Setting,
    pages: &Pages,
    call: &Call,
    answer: &Value,
    scope: &Scope,
    number: &mut u64,
    empty: bool,
) -> Result<Option<Call>, String> {
    let mut next = call.clone();
    if let Some(word) = &pages.page {
        // Where the total is known an empty page is one of them.
        if empty && pages.total.is_none() {
            return Ok(None);
        }
        if let Some(total) = &pages.total {
            let total = evaluated(total, scope)?;
            let total: u64 =
                total.bare().trim().parse().map_err(|_| "has a `total` that is not a number".to_owned())?;
            if *number + 1 >= u64::from(pages.from.unwrap_or(1)) + total {
                return Ok(None);
            }
        }
        *number += 1;
        set(&mut next, &word.text, Value::from(*number as i64));
        return Ok(Some(next));
    }
    if let (Some(word), Some(after)) = (&pages.cursor, &pages.after) {
        let cursor = evaluated(after, scope)?;
        if is_nothing(&cursor) {
            return Ok(None);
        }
        if matches!(cursor.data, Data::List(_) | Data::Map(_)) {
            return Err(format!("has a cursor that is {}", cursor.kind()));
        }
        set(&mut next, &word.text, cursor);
        return Ok(Some(next));
    }
    let address = match &pages.next {
        Some(expression) => Some(evaluated(expression, scope)?).filter(|value| !is_nothing(value)),
        None => {
            let header = answer.get("headers").and_then(|headers| headers.get("link"));
            header.and_then(|header| linked(&header.bare())).map(Value::text)
        }
    };
    let Some(address) = address else { return Ok(None) };
    let Some(api) = setting.api(&call.api) else { return Ok(None) };
    let (path, query) =
        api.follow(&call.path.bare(), &address.bare()).map_err(|why| format!("names a next one that {why}"))?;
    let marks = address.marks;
    next.path = Value::text(path).marked(marks);
    next.query = query.into_iter().map(|(name, value)| (name, value.marked(marks))).collect();
    Ok(Some(next))
}

fn set(call: &mut Call, name: &Arc<str>, value: Value) {
    call.query.retain(|(own, _)| own != name);
    call.query.push((name.clone(), value));
}

fn evaluated(expression: &Expression, scope: &Scope) -> Result<Value, String> {
    expression.evaluate(scope).map(|e| e.value).map_err(|failure| format!("cannot be read: {}", failure.message))
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_bool() == Some(false)
}

/// The address with `rel="next"` of a `Link` header (RFC 8288).
fn linked(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (address, after) = after.split_once('>')?;
        // Up to the next address: a comma may stand within a quoted parameter.
        let parameters = after.split('<').next().unwrap_or("");
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_end_matches([',', ' ']).trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(address.trim().to_owned());
        }
        rest = after;
    }
    None
}

fn bad(first: &Call, call: &Call, setting: &Setting, answer: &Value, what: &str) -> CallTrouble {
    let view = setting.api(&call.api).map(|api| api.view(&call::request(call)));
    let line = view.as_ref().map_or_else(String::new, call::line);
    let message = format!("`{}`: {what} ({line})", call.api);
    let status = answer.get("status").and_then(|s| s.as_int()).and_then(|n| u16::try_from(n).ok());
    CallTrouble { line, status, answer: Some(answer.clone()), ..call::trouble(first, FailureKind::Body, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links_of_a_header() {
        for (header, next) in [
            (
                "<https://a.example/x?page=2>; rel=\"next\", <https://a.example/x?page=9>; rel=\"last\"",
                Some("https://a.example/x?page=2"),
            ),
            (
                "<https://a.example/x?page=1>; rel=prev, </x?page=3,4>; title=\"a, b\"; rel=\"foo next\"",
                Some("/x?page=3,4"),
            ),
            ("</x>; rel=next", Some("/x")),
            ("</x>; rev=next", None),
            ("", None),
            ("<broken", None),
        ] {
            assert_eq!(linked(header).as_deref(), next, "{header}");
        }
    }
}
