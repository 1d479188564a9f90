//! The tests as JUnit XML, the form that every CI server draws.

use super::{Problem, Report, Results, Skipped};
use std::fmt::Write;

/// One `testsuite` for each file and kind of database; a file that could not be played is a suite with one error.
pub fn junit(results: &Results) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"trueup\">\n");
    results.files.iter().for_each(|report| suite(&mut out, report));
    results.skipped.iter().for_each(|skipped| missing(&mut out, skipped));
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &Report) {
    let name = format!("{} on {}", report.file, report.on);
    let (cases, failed) = (report.cases.len(), report.cases.len() - report.passed());
    let refused = usize::from(!report.refused.is_empty());
    // No cases sum up to -0.
    let took = report.cases.iter().map(|case| case.took.as_secs_f64()).fold(0.0, |sum, took| sum + took);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"{refused}\" time=\"{took:.3}\">",
        plain(&name),
        cases + refused,
    );
    let case = |name: &str, took: f64| {
        let (name, class, file) = (plain(name), plain(&class(report)), plain(&report.file));
        format!("    <testcase name=\"{name}\" classname=\"{class}\" file=\"{file}\" time=\"{took:.3}\"")
    };
    if refused > 0 {
        let (first, all) = (report.refused.first().map_or("", String::as_str), report.refused.join("\n"));
        let _ = writeln!(out, "{}>", case("the file can be played", 0.0));
        let _ = writeln!(out, "      <error message=\"{}\">{}</error>\n    </testcase>", plain(first), plain(&all));
    }
    for one in &report.cases {
        let open = case(&one.name, one.took.as_secs_f64());
        if one.problems.is_empty() {
            let _ = writeln!(out, "{open} line=\"{}\"/>", one.at.line);
            continue;
        }
        let _ = writeln!(out, "{open} line=\"{}\">", one.at.line);
        for problem in &one.problems {
            let said = said(problem);
            let _ = writeln!(out, "      <failure message=\"{}\">{}</failure>", plain(&problem.what), plain(&said));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

/// A kind of database without a server is one test that was skipped.
fn missing(out: &mut String, skipped: &Skipped) {
    let on = skipped.on;
    let _ = writeln!(
        out,
        "  <testsuite name=\"on {on}\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\" time=\"0.000\">\n    \
         <testcase name=\"{} cases\" classname=\"{on}\" time=\"0.000\">\n      <skipped message=\"{}\"/>\n    \
         </testcase>\n  </testsuite>",
        skipped.cases,
        plain(&skipped.why),
    );
}

/// `playbooks.register.correct-award.sqlite`: CI servers make a tree of the dots.
fn class(report: &Report) -> String {
    let path = report.file.trim_end_matches(".test.yaml").trim_start_matches("../");
    format!("{}.{}", path.replace('.', "_").replace('/', "."), report.on)
}

fn said(problem: &Problem) -> String {
    format!("expected: {}\nfound: {}", problem.expected, problem.found)
}

/// Nothing in it is markup, and nothing is a character that XML does not have.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::report::tests::sample;

    #[test]
    fn a_failure_is_one_of_the_suite_and_no_text_is_markup() {
        let mut refused = Report::new("../b.test.yaml".into(), "postgres");
        refused.refused = vec!["no \u{1b}[31mtables".into(), "make some".into()];
        let skipped = vec![Skipped { on: "mysql", why: "no <server>".into(), cases: 2 }];
        let text = junit(&Results { files: vec![sample(), refused], skipped, coverage: Vec::new() });
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"trueup\">
  <testsuite name=\"a.test.yaml on sqlite\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"2.468\">
    <testcase name=\"one\" classname=\"a.sqlite\" file=\"a.test.yaml\" time=\"1.234\" line=\"7\"/>
    <testcase name=\"two\" classname=\"a.sqlite\" file=\"a.test.yaml\" time=\"1.234\" line=\"7\">
      <failure message=\"outcome\">expected: changed&#10;found: stopped&#10;No trainee &amp; &lt;none&gt;.</failure>
      <failure message=\"message\">expected: one&#10;two&#10;three&#10;found: one&#10;2&#10;three</failure>
    </testcase>
  </testsuite>
  <testsuite name=\"../b.test.yaml on postgres\" tests=\"1\" failures=\"0\" errors=\"1\" time=\"0.000\">
    <testcase name=\"the file can be played\" classname=\"b.postgres\" file=\"../b.test.yaml\" time=\"0.000\">
      <error message=\"no \u{fffd}[31mtables\">no \u{fffd}[31mtables&#10;make some</error>
    </testcase>
  </testsuite>
  <testsuite name=\"on mysql\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\" time=\"0.000\">
    <testcase name=\"2 cases\" classname=\"mysql\" time=\"0.000\">
      <skipped message=\"no &lt;server&gt;\"/>
    </testcase>
  </testsuite>
</testsuites>
";
        assert_eq!(text, expected);
    }
}
