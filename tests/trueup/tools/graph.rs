//! `trueup graph`: Mermaid's text, and the picture.

use super::{
    super::servers::root,
    desk::{came, compare, playbooks, program},
};
use trueup::{
    base::source::Source,
    check::{self, Knowledge},
    report::graph,
};

fn drawn(words: &[&str]) -> String {
    let output = program(&root().join("examples/register")).arg("graph").args(words).output().unwrap();
    let came = came(output);
    assert_eq!((came.exit, &*came.err), (0, ""));
    came.out
}

#[test]
fn a_playbook_is_drawn_as_text_and_as_a_picture() {
    compare("graph-correct-award.mmd", &drawn(&["register/correct-award"]));
    compare("graph-change-training-route.svg", &drawn(&["register/change-training-route", "--svg"]));
}

/// Blocks, decisions and loops: all kinds of flow stand in the cases.
#[test]
fn every_sound_playbook_of_the_cases_is_drawn_with_every_arrow_leading_somewhere() {
    let project = root().join("tests/cases/world/trueup.yaml");
    let source = Source::new("trueup.yaml", std::fs::read_to_string(project).unwrap());
    let mut problems = trueup::base::diagnostic::Diagnostics::new(source.clone());
    let project = std::sync::Arc::new(trueup::playbook::project::Project::parse(&source, &mut problems).unwrap());
    let id = regex::Regex::new(r"(?m)^ *([a-z]+\d*)(?:\[|\(|\{|>)").unwrap();
    let groups = regex::Regex::new(r"subgraph ([a-z]+\d*)").unwrap();
    let arrow = regex::Regex::new(r"(?m)^ *([a-z]+\d*) (?:-->|-- .* -->|-\. .* \.->) ([a-z]+\d*)$").unwrap();
    let (mut drawn, mut choices) = (0, 0);
    for (path, text) in playbooks() {
        let (checked, _) = check::read_and_check(Source::new("p", text), project.clone(), &Knowledge::default());
        let Some(checked) = checked else { continue };
        let flow = graph::of(&checked);
        let text = graph::mermaid(&flow);
        let known: Vec<&str> = id
            .captures_iter(&text)
            .chain(groups.captures_iter(&text))
            .map(|found| found.get(1).unwrap().as_str())
            .collect();
        for found in arrow.captures_iter(&text) {
            for end in [&found[1], &found[2]] {
                assert!(known.contains(&end), "{}: `{end}` is nowhere\n{text}", path.display());
            }
        }
        choices += usize::from(text.contains("((\""));
        let svg = graph::svg(&flow);
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
        // What is drawn is inside the picture.
        assert!(!svg.contains("NaN") && !svg.contains("=\"-"), "{}", path.display());
        drawn += 1;
    }
    assert!(drawn > 15 && choices > 0, "{drawn} {choices}");
}
