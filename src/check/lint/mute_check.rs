//! Messages that do not say what was found.

use super::Around;
use crate::{
    action::{ends::Way, kinds::Act},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Section,
        scene::{Role, Scene, Visit},
    },
    read::expect::Expect,
};

/// What was it, then?
pub static MUTE: Code = Code {
    id: "W0059",
    title: "a message that does not say what was found",
    explain: "\"The trainee has the wrong state\" sends the reader to the database. \"The trainee is withdrawn\" does not. When a check fails, \
        put the value that failed it into the text: `The trainee is {{ trainee.state }}.` When nothing is found, say what was looked \
        for: `No trainee has the slug {{ params.slug }}.`",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&MUTE];

pub fn look(scene: &Scene<'_>, _: Around, problems: &mut Diagnostics) {
    let checks = |visit: &&Visit<'_>| {
        visit.role == Role::Listed && matches!(visit.section, Section::Preconditions | Section::Verification)
    };
    for visit in scene.visits.iter().filter(checks) {
        let Some(end) = &visit.step.common.otherwise else { continue };
        let Some(say) = end.say.as_ref().filter(|say| say.is_literal()) else { continue };
        if !matches!(end.way, Way::Stop | Way::Fail | Way::Escalate) {
            continue;
        }
        let what = match &visit.step.act {
            Act::Assert(expression) => values_of(&expression.scalar().text),
            Act::Find(find) if matches!(find.expects(), Expect::One) => find
                .conditions
                .iter()
                .flat_map(|(_, test)| test.datum().tree.names())
                .map(|usage| usage.path.to_string())
                .find(|path| path.starts_with("params.")),
            _ => None,
        };
        if let Some(what) = what {
            problems.push(
                Diagnostic::warning(&MUTE, say.scalar().span, format!("this does not say what `{what}` was"))
                    .help(format!("put it into the text: `{{{{ {what} }}}}`")),
            );
        }
    }
}

/// The left side of a comparison whose failing leaves the value open: `==`, `in`, an ordering. Of an expression with `and` or `or`
/// one cannot tell which value it was.
fn values_of(expression: &str) -> Option<String> {
    if [" and ", " or ", " if ", "|"].iter().any(|word| expression.contains(word)) {
        return None;
    }
    let signs = [" == ", " in [", " in (", " >= ", " <= ", " < ", " > "];
    let (at, sign) = signs.iter().filter_map(|sign| Some((expression.find(sign)?, sign))).min()?;
    let (left, right) = (expression[..at].trim(), expression[at + sign.len()..].trim());
    let is_path = left.contains('.') && left.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    // Of something that is true or false, the text says all there is.
    (is_path && !matches!(right, "true" | "false" | "none")).then(|| left.to_owned())
}

#[cfg(test)]
mod tests {
    use super::values_of;

    #[test]
    fn a_value_is_asked_for_only_where_the_failed_check_leaves_it_open() {
        assert_eq!(values_of("trainee.state in ['a', 'b']").as_deref(), Some("trainee.state"));
        assert_eq!(values_of("job.retries < 5").as_deref(), Some("job.retries"));
        for quiet in
            ["trainee.trn is none", "flag.on == true", "a.b == 1 or c.d == 2", "rows | length == 0", "x != 'a'"]
        {
            assert_eq!(values_of(quiet), None, "{quiet}");
        }
    }
}
