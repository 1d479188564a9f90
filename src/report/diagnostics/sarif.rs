//! Problems in SARIF 2.1.0, the form in which code hosts show them beside a pull request.

use crate::base::{
    diagnostic::{Code, Diagnostic, Diagnostics, Severity},
    source::{Source, Span},
};
use serde_json::{Value, json};

/// SARIF 2.1.0, one run with all files.
pub fn sarif(problems: &[Diagnostics]) -> Value {
    let mut codes: Vec<&'static Code> =
        problems.iter().flat_map(|file| file.sorted()).map(|problem| problem.code).collect();
    codes.sort_by_key(|code| code.id);
    codes.dedup_by_key(|code| code.id);
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            json!({ "id": code.id, "shortDescription": { "text": code.title }, "fullDescription": { "text": code.explain },
                    "help": { "text": code.explain, "markdown": code.explain } })
        })
        .collect();
    let index = |code: &Code| codes.iter().position(|known| known.id == code.id).unwrap_or_default();
    let results: Vec<Value> = problems
        .iter()
        .flat_map(|file| file.sorted().into_iter().map(|problem| result(problem, file.source(), index(problem.code))))
        .collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": { "name": "trueup", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results
        }]
    })
}

fn result(problem: &Diagnostic, source: &Source, index: usize) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = std::iter::once(problem.message.as_str())
        .chain(problem.help.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("\n");
    let related: Vec<Value> = problem
        .labels
        .iter()
        .map(|label| {
            let mut location = location(source, label.span);
            location["message"] = json!({ "text": label.text });
            location
        })
        .collect();
    json!({
        "ruleId": problem.code.id, "ruleIndex": index, "level": level, "message": { "text": text },
        "locations": [location(source, problem.span)], "relatedLocations": related
    })
}

/// SARIF wants URIs with `/`; a region's end column is one past the last character.
fn location(source: &Source, span: Span) -> Value {
    let (start, end) = (source.place(span.start), source.place(span.end));
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": source.name_at(span.start).replace('\\', "/") },
        "region": { "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column }
    } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_points_to_its_rule_and_place() {
        static FIRST: Code = Code { id: "E0998", title: "one", explain: "why one" };
        static SECOND: Code = Code { id: "W0999", title: "two", explain: "why two" };
        let mut problems = Diagnostics::new(Source::new("a\\b.yaml", "a: b\nc: d\n"));
        problems.push(Diagnostic::warning(&SECOND, Span::new(0, 1), "odd a"));
        problems.push(Diagnostic::error(&FIRST, Span::new(8, 9), "no d").help("write b"));
        let log = sarif(&[problems]);
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
        }
        assert_eq!(run["results"][1]["message"]["text"], "no d\nwrite b");
        assert_eq!(run["results"][1]["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
        assert_eq!(run["results"][0]["level"], "warning");
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a/b.yaml");
    }
}
