//! The text of the first test: it is changed; it is so already; there is no such row.

use super::{Known, Parts, said, sample::Sample};
use crate::{
    base::yaml::Node,
    effect::change::TableName,
    table::{
        catalogue::{Column, Kind, Table},
        facts::AuditUse,
    },
};

impl Parts<'_> {
    /// The test file.
    pub fn test(&self) -> Option<String> {
        let wish = self.wish;
        let mut text = String::new();
        if let Some(schema) = &wish.schema {
            text.push_str(&format!(
                "# yaml-language-server: $schema={}\n",
                schema.replace("playbook.schema.json", "test.schema.json")
            ));
        }
        let by = Sample::of(self.known, self.by)?;
        let by_param = self.by.name.to_lowercase();
        let environment = wish.environment.as_ref().map_or(String::new(), |name| format!(", environment: {name}"));
        text.push_str(&format!(
            "trueup: v1\nplaybook: {}\nclock: 2025-01-15T10:00:00Z\nrun: {{ actor: anna, reason: \"Ticket 4711: wrong in the table\"{environment} }}\ndefaults:\n  params:\n    {by_param}: {}\n",
            wish.name, by.old
        ));
        for column in &self.set {
            text.push_str(&format!("    {}: {}\n", self.param(column), Sample::of(self.known, column)?.new));
        }
        text.push_str(&format!("  given:\n    {}:\n", wish.connection));
        for (table, row) in self.rows()? {
            text.push_str(&format!("      {table}:\n        - {{ {} }}\n", row.join(", ")));
        }
        text.push_str("\ncases:\n");
        text.push_str(&self.changed()?);
        text.push_str(&self.already()?);
        text.push_str(&format!(
            "  - name: no {} has this {}\n    params: {{ {by_param}: {} }}\n    expect: {{ outcome: stopped, exit: 4, changes: none }}\n",
            said(&self.row()),
            said(&self.by.name),
            by.other
        ));
        Some(text)
    }

    fn changed(&self) -> Option<String> {
        let columns: Vec<String> = self
            .set
            .iter()
            .map(|column| {
                let sample = Sample::of(self.known, column)?;
                Some(format!("{}: [{}, {}]", column.name, sample.old, sample.new))
            })
            .collect::<Option<_>>()?;
        let stamp = self.known.facts.updated_at.as_ref().filter(|word| word.as_str() != "by_hand");
        let stamp = stamp.map_or(String::new(), |word| format!(", {}: any", word.as_str()));
        let mut text = format!(
            "  - name: the {} is changed\n    expect:\n      outcome: changed\n      exit: 0\n      changes:\n        {}: {{ \"{}\": {{ {}{stamp} }} }}\n",
            self.set.first().map_or(String::new(), |column| said(&column.name)),
            self.full(),
            self.key()?.join("/"),
            columns.join(", ")
        );
        if let Some(audit) = self.audit_table() {
            text.push_str(&format!("        {}.{audit}: [{{ {} }}]\n", self.wish.connection, self.audit_row()));
        }
        // Found by a column that it changes, the row is not found a second time.
        let renamed = self.set.iter().any(|column| column.name == self.by.name);
        let twice = if renamed { "" } else { "apply_twice_unchanged, " };
        text.push_str(&format!(
            "      preview: {{ exact: all }}\n    also: [undo_restores, {twice}preview_equals_apply]\n"
        ));
        Some(text)
    }

    fn already(&self) -> Option<String> {
        let keys = self.known.facts.key.names().zip(self.key()?).map(|(name, value)| format!("{name}: {value}"));
        let set = self
            .set
            .iter()
            .map(|column| Some(format!("{}: {}", column.name, Sample::of(self.known, column)?.new)))
            .collect::<Option<Vec<_>>>()?;
        let row: Vec<String> = keys.chain(set).collect();
        // Where the column that is changed is the one by which the row is found, it is found by the new value.
        let by = &self.by.name;
        let found = if self.set.iter().any(|column| column.name == *by) {
            format!("    params: {{ {}: {} }}\n", by.to_lowercase(), Sample::of(self.known, self.by)?.new)
        } else {
            String::new()
        };
        Some(format!(
            "  - name: it is so already\n{found}    given: {{ {}: {{ {}: [{{ {} }}] }} }}\n    expect: {{ outcome: unchanged, exit: 0, message: {{ contains: already }}, changes: none }}\n",
            self.wish.connection,
            self.wish.table,
            row.join(", ")
        ))
    }

    /// The column of the application's audit row that holds the kind of change.
    fn audit_row(&self) -> String {
        let Some(AuditUse::Rule(rule)) = &self.known.facts.audit else { return String::new() };
        let rule = self.known.project.audits.get(rule.rule.as_str());
        let event = rule.and_then(|rule| {
            let is_event = |value: &Node| matches!(value, Node::Scalar(scalar) if scalar.text.trim() == "{{ event }}");
            rule.row.iter().find(|(_, value)| is_event(value)).map(|(name, _)| name.to_owned())
        });
        event.map_or(String::new(), |column| format!("{column}: update"))
    }

    /// The values of the row's key.
    fn key(&self) -> Option<Vec<String>> {
        let of = |name: &str| {
            let column = self.known.columns.column(name)?;
            Some(Sample::of(self.known, column)?.old.trim_matches('"').to_owned())
        };
        self.known.facts.key.names().map(of).collect()
    }

    /// The row, behind those that it points to.
    fn rows(&self) -> Option<Vec<(String, Vec<String>)>> {
        let mut all = Vec::new();
        self.needed(self.known.columns, 0, &mut all)?;
        let mut row = Vec::new();
        let wanted = |column: &Column| {
            self.known.facts.key.names().any(|key| key == &*column.name)
                || column.name == self.by.name
                || self.set.iter().any(|set| set.name == column.name)
        };
        for column in self.known.columns.columns.values().filter(|column| !column.generated) {
            if wanted(column) || demanded(column) {
                row.push(format!("{}: {}", column.name, Sample::of(self.known, column)?.old));
            }
        }
        all.push((self.wish.table.clone(), row));
        Some(all)
    }

    /// Rows of other tables that a row of this one points to by a column that must not be empty: `provider_id` → `providers`.
    fn needed(&self, table: &Table, depth: usize, all: &mut Vec<(String, Vec<String>)>) -> Option<()> {
        for column in table.columns.values().filter(|column| demanded(column)) {
            let Some(stem) = column.name.strip_suffix("_id") else { continue };
            let names = [
                format!("{stem}s"),
                stem.to_owned(),
                format!("{}ies", stem.trim_end_matches('y')),
                format!("{stem}es"),
            ];
            let target = names.iter().find_map(|name| Some((name, self.known.catalogue.get(&**name)?)));
            let Some((name, target)) = target else { continue };
            if depth > 3 || *name == self.wish.table || all.iter().any(|(known, _)| known == name) {
                continue;
            }
            self.needed(target, depth + 1, all)?;
            let facts = self
                .known
                .project
                .facts(&TableName { connection: self.wish.connection.as_str().into(), table: name.as_str().into() });
            let known = Known { facts: facts.unwrap_or(self.known.facts), columns: target, ..self.known };
            let mut row = Vec::new();
            for column in target.columns.values().filter(|column| !column.generated) {
                if target.primary_key.contains(&column.name) || demanded(column) {
                    row.push(format!("{}: {}", column.name, Sample::of(known, column)?.old));
                }
            }
            all.push((name.clone(), row));
        }
        Some(())
    }
}

/// A row cannot do without a value here. Times are filled in by the test's clock.
fn demanded(column: &Column) -> bool {
    let timely = matches!(column.kind, Kind::Timestamp | Kind::Instant | Kind::Date);
    !column.nullable && !column.has_default && !column.generated && !timely
}
