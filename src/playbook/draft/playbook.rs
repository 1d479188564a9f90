//! The text of a first playbook.

use super::{Parts, kind_of_param, said, sample::Sample, yaml};
use crate::table::{
    catalogue::{Column, Kind},
    facts::AuditUse,
};

impl Parts<'_> {
    /// The playbook.
    pub fn playbook(&self) -> Option<String> {
        let wish = self.wish;
        let mut text = String::new();
        if let Some(schema) = &wish.schema {
            text.push_str(&format!("# yaml-language-server: $schema={schema}\n"));
        }
        text.push_str(&format!("trueup: v1\nname: {}\nversion: 1\ntitle: {}\n", wish.name, yaml(&wish.title)));
        text.push_str(&self.description());
        if let Some(owner) = &wish.owner {
            text.push_str(&format!("owner: {owner}\n"));
        }
        text.push_str(&format!("risk: {}\n\nparams:\n", wish.risk));
        text.push_str(&self.param_of(self.by, true)?);
        for column in &self.set {
            text.push_str(&self.param_of(column, false)?);
        }
        text.push_str(&format!("\nuses:\n  {}: {}\n", wish.connection, self.uses()));
        text.push_str(&self.preconditions());
        text.push_str(&self.steps());
        text.push_str(&self.verification());
        text.push_str(&self.afterwards());
        Some(text)
    }

    fn columns(&self) -> String {
        let all: Vec<String> = self.set.iter().map(|column| said(&column.name)).collect();
        match all.as_slice() {
            [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
            _ => all.concat(),
        }
    }

    fn description(&self) -> String {
        let mut text = format!(
            "description: |\n  Changes {} of one row of {}. Say here when this is the right procedure and when it is not, who\n  asks for it, and who must agree first.\n",
            self.columns(),
            self.full()
        );
        if let Some(hooks) = &self.known.facts.app_hooks {
            let hooks = hooks.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
            text.push_str(&format!("\n  What the application does in its own hooks is not done here: {hooks}\n"));
        }
        text
    }

    fn param_of(&self, column: &Column, finds: bool) -> Option<String> {
        let name = if finds { column.name.to_lowercase() } else { self.param(column) };
        let (row, column_said) = (said(&self.row()), said(&column.name));
        let sample = Sample::of(self.known, column)?;
        let mut text = format!("  {name}:\n");
        match kind_of_param(self.known, column)? {
            // The words stand in the project file, and only there.
            "enum" if self.known.facts.enums.get(&column.name).is_some_and(|names| !names.is_unread()) => {
                text.push_str(&format!("    type: {}.{}\n", self.full(), column.name));
            }
            "enum" => {
                let Kind::Enum(labels) = &column.kind else { return None };
                let labels: Vec<String> = labels.iter().map(|label| yaml(label)).collect();
                text.push_str(&format!("    type: enum\n    values: [{}]\n", labels.join(", ")));
            }
            kind => text.push_str(&format!("    type: {kind}\n")),
        }
        if let Kind::Text(Some(most)) = column.kind
            && self.known.facts.enums.get(&column.name).is_none_or(|names| names.is_unread())
        {
            text.push_str(&format!("    max_length: {most}\n"));
        }
        let about = if finds {
            format!("The {column_said} of the {row}: say here where one finds it")
        } else {
            format!("What the {column_said} is to be")
        };
        text.push_str(&format!("    description: {}\n", yaml(&about)));
        text.push_str(&format!("    example: {}\n", if finds { &sample.old } else { &sample.new }));
        if self.is_personal(column) {
            text.push_str("    personal: true\n");
        }
        Some(text)
    }

    /// The audit table of the table's rule, in the same database.
    pub fn audit_table(&self) -> Option<String> {
        let Some(AuditUse::Rule(rule)) = &self.known.facts.audit else { return None };
        Some(self.known.project.audits.get(rule.rule.as_str())?.table.as_str().to_owned())
    }

    fn uses(&self) -> String {
        let table = &self.wish.table;
        let audit =
            self.audit_table().filter(|audit| audit != table).map_or(String::new(), |audit| format!(", {audit}"));
        format!("{{ read: [{table}], write: [{table}{audit}] }}")
    }

    fn preconditions(&self) -> String {
        let (row, by) = (self.row(), &self.by.name);
        let (row_said, by_said) = (said(&row), said(by));
        let by_param = by.to_lowercase();
        let not_found = yaml(&format!(
            "No {row_said} has the {by_said} {{{{ params.{by_param} }}}}. Say here what to look at then."
        ));
        let differs: Vec<String> =
            self.set.iter().map(|column| format!("{row}.{} != params.{}", column.name, self.param(column))).collect();
        let now: Vec<String> = self
            .set
            .iter()
            .map(|column| format!("{} {{{{ params.{} }}}}", said(&column.name), self.param(column)))
            .collect();
        let already = yaml(&format!("The {row_said} has {} already: nothing to change.", now.join(" and ")));
        format!(
            "\npreconditions:\n  - id: {row}\n    title: {}\n    find: {{ table: {}, where: {{ {by}: \"{{{{ params.{by_param} }}}}\" }}, expect: one }}\n    otherwise: {not_found}\n\n  - title: There is something to change\n    assert: {}\n    otherwise: {{ done: {already} }}\n",
            yaml(&format!("The {row_said} is there")),
            self.full(),
            differs.join(" or ")
        )
    }

    fn steps(&self) -> String {
        let row = self.row();
        let each = |of: &dyn Fn(&Column) -> String| self.set.iter().map(|c| of(c)).collect::<Vec<_>>().join(", ");
        let guard = each(&|column| format!("{0}: \"{{{{ {row}.{0} }}}}\"", column.name));
        let set = each(&|column| format!("{}: \"{{{{ params.{} }}}}\"", column.name, self.param(column)));
        format!(
            "\nsteps:\n  - id: change\n    title: {}\n    row:\n      of: {row}\n      only_if: {{ {guard} }}\n      set: {{ {set} }}\n",
            yaml(&format!("Change the {}", self.columns()))
        )
    }

    fn verification(&self) -> String {
        let row = self.row();
        let keys: Vec<String> =
            self.known.facts.key.names().map(|key| format!("{key}: \"{{{{ {row}.{key} }}}}\"")).collect();
        let holds: Vec<String> =
            self.set.iter().map(|column| format!("after.{} == params.{}", column.name, self.param(column))).collect();
        // A personal value would be masked, and a text that only says so helps nobody.
        let shown: Vec<String> = self
            .set
            .iter()
            .filter(|column| !self.is_personal(column))
            .map(|column| {
                format!("{} {{{{ 'none' if after.{1} is none else after.{1} }}}}", said(&column.name), column.name)
            })
            .collect();
        let key = self.known.facts.key.names().next().unwrap_or("id");
        let found = if shown.is_empty() {
            "is not as it was set".to_owned()
        } else {
            format!("has {} after the change", shown.join(" and "))
        };
        let say = yaml(&format!(
            "The {} {{{{ {row}.{key} }}}} {found}. Somebody or something has written to it.",
            said(&row)
        ));
        let otherwise = match &self.wish.owner {
            Some(owner) => format!("{{ escalate: {owner}, say: {say} }}"),
            None => say,
        };
        format!(
            "\nverification:\n  - id: after\n    title: {}\n    find: {{ table: {}, where: {{ {} }}, expect: one }}\n    is: {}\n    otherwise: {otherwise}\n",
            yaml(&format!("The {} shows the change", said(&row))),
            self.full(),
            keys.join(", "),
            holds.join(" and ")
        )
    }

    fn afterwards(&self) -> String {
        let Some(owner) = &self.wish.owner else { return String::new() };
        let (row, by) = (said(&self.row()), &self.by.name);
        let text = format!(
            "Changed for the {row} {{{{ params.{} }}}}: {}. Say here who has to hear of it.",
            by.to_lowercase(),
            self.columns()
        );
        format!(
            "\nafterwards:\n  - title: Somebody hears of it\n    tell: {{ who: {owner}, message: {} }}\n",
            yaml(&text)
        )
    }
}
