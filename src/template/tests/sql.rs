//! SQL with binds.

use super::*;
use crate::template::{Dialect, Sql};
use proptest::prelude::*;
use sqlparser::{
    dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    tokenizer::{Token, Tokenizer},
};

fn bound(template: &str) -> String {
    bound_for(template, Dialect::Postgres)
}

fn bound_for(template: &str, dialect: Dialect) -> String {
    match Sql::from_text(template) {
        Err(refused) => refused
            .problems
            .iter()
            .map(|problem| format!("!! {} `{}`", problem.message, template.get(problem.range.clone()).unwrap_or("?")))
            .collect::<Vec<_>>()
            .join(" / "),
        Ok(sql) => match sql.bind(&scope(), dialect) {
            Err(failure) => format!("! {} `{}`", failure.message, &template[failure.range]),
            Ok(bound) => format!(
                "{} <- {}",
                bound.sql,
                bound.binds.iter().map(|value| value.bare().into_owned()).collect::<Vec<_>>().join(", ")
            ),
        },
    }
}

#[test]
fn every_expression_becomes_a_bind() {
    assert_eq!(
        bound("select * from t where id = {{ trainee.id }} and name like {{ 'a' ~ '%' }};  -- x"),
        "select * from t where id = $1 and name like $2 <- 7, a%"
    );
    assert_eq!(
        bound_for("update t set a = {{ trainee.trn }} where b={{ trainee.id }}::int", Dialect::Sqlite),
        "update t set a = ? where b=?::int <- null, 7"
    );
    assert_eq!(bound("select {{ 'x' }}, {{ answer.id }}"), "select $1, $2 <- x, (known after apply)");
    assert_eq!(bound("select a[{{ trainee.id }}] from t"), "select a[$1] from t <- 7");
    for (template, dialect) in [
        ("select \"a\"", Dialect::Mysql),
        ("select 'a\\'", Dialect::Mysql),
        ("select 1 # a", Dialect::Mysql),
        ("select 1 --a", Dialect::Mysql),
        ("select /*! 1 */ 2", Dialect::Mysql),
        ("select E'a'", Dialect::Mysql),
        ("select $$ $$", Dialect::Mysql),
        ("select a[{{ 1 }}]", Dialect::Sqlite),
        ("select $$ $$", Dialect::Sqlite),
        ("select `a`", Dialect::Postgres),
    ] {
        assert!(bound_for(template, dialect).starts_with("! "), "{template}: read differently by this database");
    }
}

#[test]
fn lists_expand_only_after_in() {
    let cases = [
        ("select 1 where x in ({{ params.ids }})", "select 1 where x in ($1, $2, $3) <- 1, 2, 3"),
        ("select 1 where x in {{ params.ids }}", "select 1 where x in ($1, $2, $3) <- 1, 2, 3"),
        ("select 1 where x NOT IN ( {{ params.ids }} ) and y", "select 1 where x not in ($1, $2, $3) and y <- 1, 2, 3"),
        ("select 1 where x in ({{ trainee.id }})", "select 1 where x in ($1) <- 7"),
        ("select 1 where x in ({{ trainee.id }}, {{ 2 }})", "select 1 where x in ($1, $2) <- 7, 2"),
        ("select 1 where x in ({{ params.none_ids }})", "select 1 where x = any ('{}') <- "),
        ("select 1 where x not in {{ params.none_ids }}", "select 1 where x <> all ('{}') <- "),
        ("select 1 where x in ({{ answer.list }})", "select 1 where x in ($1) <- (known after apply)"),
        ("select 1 where x = {{ params.ids }}", "! `params.ids` is a list `{{ params.ids }}`"),
        ("select f({{ params.ids }})", "! `params.ids` is a list `{{ params.ids }}`"),
        ("select 1 where x in (1, {{ params.ids }})", "! `params.ids` is a list `{{ params.ids }}`"),
        (
            "select 1 where x in {{ [1, none] }}",
            "! `[1, none]` holds null (element 1), which is in no list `{{ [1, none] }}`",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(bound(template), expected, "{template}");
    }
    assert_eq!(bound_for("select 1 where x in ({{ params.none_ids }})", Dialect::Sqlite), "select 1 where x in () <- ");
}

#[test]
fn identifiers_are_quoted_and_handed_out() {
    let sql = Sql::from_text("select {{ 'we\"ird' | identifier }} from {{ params.slug | identifier }}").unwrap();
    let bound = sql.bind(&scope(), Dialect::Postgres).unwrap();
    assert_eq!(bound.sql, "select \"we\"\"ird\" from \"abc\"");
    assert_eq!(bound.identifiers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["we\"ird", "abc"]);
    assert!(
        bound_for("select {{ answer.id | identifier }}", Dialect::Sqlite)
            .starts_with("! the name of a table or column is not known")
    );
    assert!(
        bound_for("select {{ (trainee.state | identifier) ~ 'x' }}", Dialect::Sqlite)
            .starts_with("! `| identifier` names")
    );
}

#[test]
fn places_where_no_value_can_stand_are_refused() {
    let cases = [
        ("select '{{ x }}'", "!! an expression inside a quoted text `{{ x }}`"),
        ("select \"{{ x }}\"", "!! an expression inside a quoted name `{{ x }}`"),
        ("select 1 -- {{ x }}", "!! an expression inside a comment `{{ x }}`"),
        ("select 1 /* {{ x }} */", "!! an expression inside a comment `{{ x }}`"),
        ("select $x$ {{ x }} $x$", "!! an expression inside a quoted text `{{ x }}`"),
        ("select a{{ x }}", "!! an expression glued to its neighbour `{{ x }}`"),
        ("select a {{- x }}", "!! an expression glued to its neighbour `{{- x }}`"),
        ("select {{ x }}{{ y }}", "!! an expression glued to its neighbour `{{ y }}`"),
        ("select ?", "!! a placeholder in the SQL `?`"),
        ("select $1", "!! a placeholder in the SQL `$1`"),
        ("select :id", "!! a placeholder in the SQL `:id`"),
        ("select 1; drop table t", "!! a second statement begins here `drop`"),
        ("; select 1", "!! a second statement begins here `select`"),
        ("select 1 {% if x %} where true {% endif %}", "!! a block in SQL would hide which statement is run `x`"),
        ("  -- nothing\n", "!! the statement is empty `  -- nothing\n`"),
        ("select 'a", "!! a quoted text that begins here has no end `'a`"),
        (
            "select '{{ x }}' || \"{{ y }}\"",
            "!! an expression inside a quoted text `{{ x }}` / !! an expression inside a quoted name `{{ y }}`",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(bound(template), expected, "{template}");
    }
    assert!(bound("select 1; -- the end\n").starts_with("select 1 <-"));
    assert!(bound("select 'it''s; ? $1 :x -- no', $$;$$").starts_with("select 'it''s; ? $1 :x -- no', $$;$$ <-"));
}

#[test]
fn a_position_in_the_statement_leads_back_to_the_template() {
    let template =
        "-- läuft\nselect ü, {{ trainee.id }}, wrong_column from t where x in ({{ params.ids }}) and other = 1";
    let bound = Sql::from_text(template).unwrap().bind(&scope(), Dialect::Postgres).unwrap();
    let position = |word: &str| bound.sql[..bound.sql.find(word).unwrap()].chars().count() + 1;
    for word in ["select", "wrong_column", "other"] {
        assert_eq!(&template[bound.origin(position(word))], word);
    }
    assert_eq!(&template[bound.origin(position("$1"))], "{{ trainee.id }}");
    assert_eq!(&template[bound.origin(position("$3"))], "{{ params.ids }}");
    assert_eq!(bound.origin(100_000).end, template.len());
}

#[test]
fn marks_stay_with_their_bind_and_the_outline_needs_no_scope() {
    let sql = Sql::from_text("select {{ trainee.email }}, {{ trainee.id }} where x in {{ params.ids }}").unwrap();
    let bound = sql.bind(&scope(), Dialect::Postgres).unwrap();
    assert_eq!(bound.binds.iter().map(|value| value.marks).take(2).collect::<Vec<_>>(), [Marks::PERSONAL, Marks::NONE]);
    assert_eq!(bound.reads.len(), 3);
    let outline = sql.outline(Dialect::Postgres).unwrap();
    assert_eq!(outline.sql, "select $1, $2 where x in ($3)");
    assert!(outline.has_unknown() && outline.binds.len() == 3);
}

#[test]
fn no_text_of_a_hostile_value_reaches_the_statement() {
    let hostile = ["'; drop table t; --", "\u{1}", "$1", "?", "{{ x }}", "\\'", "\0", "' or 1=1"];
    let sql = Sql::from_text("select {{ v }} where a in {{ [v, v] }}").unwrap();
    for value in hostile {
        let scope = Scope::new().with("v", Value::from(value));
        let bound = sql.bind(&scope, Dialect::Postgres).unwrap();
        assert_eq!(bound.sql, "select $1 where a in ($2, $3)");
        assert!(bound.binds.iter().all(|bind| bind.as_str() == Some(value)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Another lexer finds as many placeholders in the statement as there are values: none hides in a text or comment.
    #[test]
    fn every_placeholder_is_one_for_the_database_too(template in "(select |'|''|\"|`|\\$\\$|\\$a\\$|--|/\\*|\\*/|\n|\\\\|E'|e|;| |,|\\(|\\)| in | not in |\\[|\\]|=|x|1|\\{\\{ 'v' \\}\\}|\\{\\{ params.ids \\}\\}){1,14}") {
        let Ok(sql) = Sql::from_text(&template) else { return Ok(()) };
        for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::Mysql] {
            let Ok(bound) = sql.bind(&scope(), dialect) else { continue };
            let tokens = match dialect {
                Dialect::Postgres => Tokenizer::new(&PostgreSqlDialect {}, &bound.sql).tokenize(),
                Dialect::Sqlite => Tokenizer::new(&SQLiteDialect {}, &bound.sql).tokenize(),
                Dialect::Mysql => Tokenizer::new(&MySqlDialect {}, &bound.sql).tokenize(),
            };
            let Ok(tokens) = tokens else { continue };
            let placeholders = tokens.iter().filter(|token| matches!(token, Token::Placeholder(_))).count();
            prop_assert_eq!(placeholders, bound.binds.len(), "{} -> {}", template, bound.sql);
            prop_assert!(!tokens.contains(&Token::SemiColon), "{}", bound.sql);
            for piece in bound.pieces.iter().filter(|piece| piece.literal) {
                prop_assert_eq!(&bound.sql[piece.sql.clone()], &template[piece.source.clone()]);
            }
        }
    }
}
