//! What `trueup fmt` and `trueup fix` would change in a file, as a diff.

use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const AROUND: usize = 2;

/// The changed lines with some around them, styled.
pub fn diff(name: &str, old: &str, new: &str) -> String {
    let (red, green) = (anstyle::AnsiColor::Red.on_default(), anstyle::AnsiColor::Green.on_default());
    let (bold, dim) = (anstyle::Style::new().bold(), anstyle::Style::new().dimmed());
    let mut text = format!("{bold}{name}{bold:#}\n");
    let diff = TextDiff::from_lines(old, new);
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            text.push_str(&format!("{dim}  …{dim:#}\n"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = super::line::clean(change.value().trim_end_matches('\n')).into_owned();
            let line = match change.tag() {
                ChangeTag::Delete => format!("{red}- {line}{red:#}"),
                ChangeTag::Insert => format!("{green}+ {line}{green:#}"),
                ChangeTag::Equal => format!("  {line}"),
            };
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}
