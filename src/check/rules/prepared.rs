//! What a live database said to a statement, at its place in the YAML.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::scene::{Scene, sql_of},
};

/// The database refuses it.
pub static REFUSED_BY_DATABASE: Code = Code {
    id: "E0421",
    title: "a statement that the database refuses",
    explain: "`trueup check --env NAME` prepares every statement against the live database, without running it. The database found this \
        mistake: most often a table or column that it does not have, a missing right, or a slip in the SQL.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&REFUSED_BY_DATABASE];

/// Looks at every statement that was prepared.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let Some((connection, sql)) = sql_of(visit.step) else { continue };
        let Some(Err(fault)) = scene.knowledge.prepared.get(&visit.step.act_at) else { continue };
        let at =
            fault.range.as_ref().map_or(sql.scalar().span, |range| sql.scalar().inner(scene.source, range.clone()));
        let problem =
            Diagnostic::error(&REFUSED_BY_DATABASE, at, format!("`{}` says: {}", connection.as_str(), fault.message));
        problems.push(fault.hint.iter().fold(problem, |problem, hint| problem.help(hint.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::source::Source,
        check::{self, Knowledge, PrepareFault, Prepared},
        playbook::{model::Playbook, project::Project},
        table::catalogue::Kind,
    };
    use std::sync::Arc;

    fn project() -> Arc<Project> {
        let source = Source::new(
            "trueup.yaml",
            "trueup: v1\nproject: p\nconnections:\n  db: { postgres: { url: postgres://u@h/d } }\n",
        );
        let mut problems = Diagnostics::new(source.clone());
        let project = Project::parse(&source, &mut problems).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        Arc::new(project)
    }

    fn found(told: Result<Prepared, PrepareFault>) -> Vec<String> {
        let text = "trueup: v1\nname: a\nversion: 1\ntitle: A\nuses: { db: { read: [t] } }\npreconditions:\n  - id: q\n    query:\n      db: db\n      sql: |\n        select a, stat\n          from t where id = 1\n  - assert: q.b == 1\nsteps: []\n";
        let source = Source::new("a.yaml", text);
        let playbook = Playbook::parse(&source, &mut Diagnostics::new(source.clone())).unwrap();
        let statements = check::statements(&playbook);
        assert_eq!((statements.len(), statements[0].connection, statements[0].writes), (1, "db", false));
        let knowledge = Knowledge { prepared: [(statements[0].at, told)].into(), ..Knowledge::default() };
        let (_, problems) = check::check(playbook, source.clone(), project(), &knowledge);
        let sorted = problems.sorted();
        sorted
            .iter()
            .map(|d| {
                let at = source.place(d.span.start);
                format!("{} {}:{} {} {:?}", d.code.id, at.line, at.column, d.message, d.help)
            })
            .collect()
    }

    #[test]
    fn what_the_database_says_stands_at_its_place_in_the_yaml() {
        let fault = PrepareFault {
            message: "column \"stat\" does not exist".into(),
            hint: Some("perhaps you meant \"state\"".into()),
            range: Some(10..14),
        };
        assert_eq!(
            found(Err(fault)),
            ["E0421 11:19 `db` says: column \"stat\" does not exist [\"perhaps you meant \\\"state\\\"\"]"]
        );
    }

    #[test]
    fn the_columns_of_a_prepared_query_are_the_attributes_of_its_result() {
        let column = |name: &str| (Arc::from(name), "int4".to_owned(), Kind::Int { min: 0, max: 9 });
        let prepared = Prepared { columns: vec![column("a"), column("stat")], ..Prepared::default() };
        assert_eq!(found(Ok(prepared)), ["E0235 13:15 `q` has no attribute `b` [\"did you mean `a`?\"]"]);
    }
}
