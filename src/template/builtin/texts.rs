//! Filters on texts.

use super::Given;
use crate::{
    base::{json, value::Value},
    template::{
        item::Item,
        pattern::Pattern,
        run::{Result, Run},
    },
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// What may stand in a path segment or query value as it is (RFC 3986 "unreserved").
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub fn lower(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    run.make_text(text.len(), given.at)?;
    Ok(Item::made(text.to_lowercase()))
}

pub fn upper(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    run.make_text(text.len(), given.at)?;
    Ok(Item::made(text.to_uppercase()))
}

pub fn trim(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    Ok(Item::made(text.trim()))
}

pub fn replace(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    let [old, new] = ["old", "new"].map(|name| given.arg(name).cloned());
    let (Some(old), Some(new)) = (old, new) else { return run.fail(given.at, "`replace` needs two texts") };
    let (old, new) = (run.text(&old.0, old.1)?, run.text(&new.0, new.1)?);
    if old.is_empty() {
        return run.fail(given.at, "nothing cannot be replaced: the text to look for is empty");
    }
    let times = text.matches(&*old).count();
    run.spend(text.len(), given.at)?;
    run.make_text(text.len() - times * old.len() + times.saturating_mul(new.len()), given.at)?;
    Ok(Item::made(text.replace(&*old, &new)))
}

pub fn words(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    let words: Vec<Item> = text.split_whitespace().map(Item::made).collect();
    run.spend_elements(words.len(), given.at)?;
    Ok(Item::list(words))
}

pub fn lines(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    let lines: Vec<Item> = text.lines().map(Item::made).collect();
    run.spend_elements(lines.len(), given.at)?;
    Ok(Item::list(lines))
}

pub fn extract(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    let Some((pattern, at)) = given.arg("pattern").cloned() else {
        return run.fail(given.at, "the pattern is missing");
    };
    let pattern = run.text(&pattern, at)?;
    let Some(pattern) = Pattern::of(&pattern) else {
        return run.fail_with_help(
            at,
            format!("`{}` is not a pattern", run.written(at)),
            "write names in braces, with a text between them: `'Moved from {from} to {to}'`",
        );
    };
    run.spend(text.len(), given.at)?;
    let mut found = Vec::new();
    for place in pattern.places(&text) {
        run.spend_elements(place.len() + 1, given.at)?;
        let parts = place.into_iter().map(|(name, part)| (name, Item::made(part)));
        found.push(Item::Map(Arc::new(parts.collect())));
    }
    Ok(Item::list(found))
}

pub fn string(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = run.characters(&given.subject, given.subject_at)?;
    Ok(Item::made(value.data))
}

pub fn tojson(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = run.known(&given.subject, given.subject_at)?;
    run.json(&value, given.at).map(Item::made)
}

pub fn fromjson(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = run.characters(&given.subject, given.subject_at)?;
    let text = value.as_str().unwrap_or("");
    // A value of a document takes more room than its text: counted before anything is made.
    run.spend_elements(text.len() / 2, given.at)?;
    match json::parse(text) {
        Ok(tree) => Ok(Item::made(tree)),
        Err(error) => run.fail(given.subject_at, format!("`{}` is no JSON: {error}", run.written(given.subject_at))),
    }
}

pub fn urlencode(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let value = run.characters(&given.subject, given.subject_at)?;
    let text = utf8_percent_encode(value.as_str().unwrap_or(""), IN_URL).to_string();
    run.make_text(text.len(), given.at)?;
    Ok(Item::made(text))
}

pub fn sha1(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    run.spend(text.len(), given.at)?;
    let digest = Sha1::digest(text.as_bytes());
    Ok(Item::made(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

pub fn indent(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let text = run.text(&given.subject, given.subject_at)?;
    let width = match given.arg("width") {
        Some((item, at)) => run.int(item, *at)?,
        None => 4,
    };
    let Ok(width @ 0..=80) = usize::try_from(width) else {
        return run.fail(given.at, "the width is a number from 0 to 80");
    };
    let first = match given.arg("first") {
        Some((item, at)) => run.truth(item, *at)?,
        None => false,
    };
    run.make_text(text.len() + (text.lines().count() + 1) * width, given.at)?;
    let pad = " ".repeat(width);
    let moved: Vec<String> = text
        .split('\n')
        .enumerate()
        .map(|(i, line)| if line.is_empty() || (i == 0 && !first) { line.to_owned() } else { format!("{pad}{line}") })
        .collect();
    Ok(Item::made(moved.join("\n")))
}

/// Reached only where no identifier can stand: SQL takes the filter away at compile time.
pub fn identifier(run: &mut Run<'_>, given: &Given) -> Result<Item> {
    let _: Value = run.known(&given.subject, given.subject_at)?;
    run.fail_with_help(
        given.at,
        "`| identifier` names a table or column in SQL",
        "it must be the last filter: `{{ name | identifier }}`",
    )
}
