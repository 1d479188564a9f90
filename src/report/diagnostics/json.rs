//! Problems as data for other programs.

use super::severity;
use crate::base::{
    diagnostic::{Diagnostic, Diagnostics},
    source::{Source, Span},
};
use serde_json::{Value, json};

/// For `--json`: a list with one object a problem: `file, line, column, end: {line, column}, code, severity, title,
/// message, caret, labels, help`. Lines and columns count from 1, columns in characters.
pub fn json(problems: &[Diagnostics]) -> Value {
    problems.iter().flat_map(|file| file.sorted().into_iter().map(|problem| one(problem, file.source()))).collect()
}

fn one(problem: &Diagnostic, source: &Source) -> Value {
    let labels: Vec<Value> = problem
        .labels
        .iter()
        .map(|label| {
            let mut place = place(source, label.span);
            let (file, own) = (source.name_at(label.span.start), source.name_at(problem.span.start));
            if file != own {
                place["file"] = file.into();
            }
            place["text"] = label.text.as_str().into();
            place
        })
        .collect();
    let mut object = json!({ "file": source.name_at(problem.span.start) });
    if let (Some(object), Value::Object(place)) = (object.as_object_mut(), place(source, problem.span)) {
        object.extend(place);
        object.insert("code".into(), problem.code.id.into());
        object.insert("severity".into(), severity(problem.severity).into());
        object.insert("title".into(), problem.code.title.into());
        object.insert("message".into(), problem.message.as_str().into());
        object.insert("caret".into(), problem.caret.as_str().into());
        object.insert("labels".into(), labels.into());
        object.insert("help".into(), problem.help.clone().into());
    }
    object
}

fn place(source: &Source, span: Span) -> Value {
    let (start, end) = (source.place(span.start), source.place(span.end));
    json!({ "line": start.line, "column": start.column, "end": { "line": end.line, "column": end.column } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diagnostic::Code;

    #[test]
    fn a_problem_says_where_it_begins_and_ends() {
        static CODE: Code = Code { id: "E0999", title: "a test", explain: "" };
        let mut problems = Diagnostics::new(Source::new("a.yaml", "a: b\nc: d\n"));
        problems
            .push(Diagnostic::error(&CODE, Span::new(8, 9), "no d").label(Span::new(3, 4), "but b").help("write b"));
        let expected = json!([{
            "file": "a.yaml", "line": 2, "column": 4, "end": { "line": 2, "column": 5 }, "code": "E0999", "severity": "error",
            "title": "a test", "message": "no d", "caret": "",
            "labels": [{ "line": 1, "column": 4, "end": { "line": 1, "column": 5 }, "text": "but b" }], "help": ["write b"]
        }]);
        assert_eq!(json(&[problems]), expected);
    }
}
