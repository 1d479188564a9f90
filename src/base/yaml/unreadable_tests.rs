//! Files that break the grammar, and what is said of them.

use super::super::{LIMITS, parse};
use crate::base::{diagnostic::Diagnostics, source::Source};

/// `line:column message | label at line:column | help`, of everything that is wrong with a file.
fn told(text: &str) -> String {
    let source = Source::new("t.yaml", text);
    let mut problems = Diagnostics::new(source.clone());
    parse(&source, LIMITS, &mut problems);
    let place = |at| format!("{}:{}", source.place(at).line, source.place(at).column);
    let told = problems.sorted().into_iter().map(|problem| {
        let labels = problem.labels.iter().map(|label| format!(" | {} {}", place(label.span.start), label.text));
        let help = problem.help.iter().map(|help| format!(" | {help}"));
        format!(
            "{} {}{}{}",
            place(problem.span.start),
            problem.message,
            labels.collect::<String>(),
            help.collect::<String>()
        )
    });
    told.collect::<Vec<_>>().join("\n")
}

/// A playbook, more or less, with one of its lines replaced.
fn with(line: usize, text: &str) -> String {
    const LINES: [&str; 10] = [
        "name: demo",
        "title: A thing",
        "steps:",
        "  - id: one",
        "    row: orders",
        "    where: { id: 7 }",
        "    set:",
        "      state: 3",
        "      note: fixed",
        "  - id: two",
    ];
    let mut lines = LINES.to_vec();
    lines[line - 1] = text;
    lines.join("\n") + "\n"
}

#[test]
fn what_breaks_the_grammar_is_told_in_the_words_of_who_wrote_it() {
    for (line, text, expected) in [
        (
            2,
            " title: A thing",
            "2:2 `title` begins further to the right than `name`, which has a value | 1:1 column 1 | begin it at column 1, too, if it stands beside `name`; if it belongs to it, `name:` has nothing behind its colon",
        ),
        (
            5,
            "   row: orders",
            "5:4 nothing above begins at the column of this line, 4 | 4:5 column 5 | 3:1 column 1 | begin it at column 5, like `id` in line 4, or at column 1, like `steps` in line 3",
        ),
        (
            5,
            "     row: orders",
            "5:6 `row` begins further to the right than `id`, which has a value | 4:5 column 5 | begin it at column 5, too, if it stands beside `id`; if it belongs to it, `id:` has nothing behind its colon",
        ),
        (
            10,
            "- id: two",
            "10:1 keys stand at this column, and this line begins with `-` | 3:1 a key | take the `-` away, or begin the line at column 3, like the `-` in line 4",
        ),
        (
            10,
            "   - id: two",
            "10:4 nothing above begins at the column of this line, 4 | 4:3 column 3 | begin it at column 3, like the `-` in line 4",
        ),
        (10, "  -id: two", "10:3 behind the `-` a space is missing | write `- id: two`"),
        (
            10,
            "  id: two",
            "10:3 a list stands at this column, and this line begins without `-` | 4:3 the list | begin it with `- ` if it is an element; if not, begin it at the column of what it belongs to",
        ),
        (
            5,
            "    - row: orders",
            "5:5 keys stand at this column, and this line begins with `-` | 4:5 a key | take the `-` away, or begin the line at column 3, like the `-` in line 4",
        ),
        (
            7,
            "    set",
            "7:5 this line has no colon | a key ends with a colon: `set:`; a text that goes on over several lines begins behind `|`",
        ),
        (5, "    row:orders", "5:5 behind the colon of `row` a space is missing | write `row: orders`"),
        (8, "      state = 3", "8:7 this line has no colon | write `state: 3`"),
        (
            2,
            "title: A thing: that",
            "2:15 a text that contains `: ` needs quotes | put quotes around it: \"A thing: that\"",
        ),
        (
            2,
            "title: A \"thing\": that # so",
            "2:17 a text that contains `: ` needs quotes | put quotes around it: 'A \"thing\": that'",
        ),
        (
            2,
            "title: “A thing: x”",
            "2:16 a text that contains `: ` needs quotes | the quotes here are those of a text editor, which are letters to YAML: type `\"` in their place",
        ),
        (
            2,
            "title: a thing\n  or more of it: this",
            "3:16 a text that goes on over several lines cannot contain `: ` | 2:1 it begins here | begin it on a line of its own behind a mark: `title: |`",
        ),
        (
            2,
            "title: |\n  one\n two",
            "4:2 the text of `title` has ended: this line begins further to the left | 2:1 it began here | begin each of its lines at the column of its first, or further to the right",
        ),
        (
            2,
            "title: |x\n  one",
            "2:8 nothing may stand behind this mark on its line | the text begins on the next line; a text of one line needs no `|` or `>`",
        ),
        (2, "title: @me", "2:8 a text cannot begin with `@` without quotes | put quotes around it: \"@me\""),
        (
            2,
            "title: `me` # so",
            "2:8 a text cannot begin with a backtick without quotes | put quotes around it: \"`me`\"",
        ),
        (
            2,
            "title: *",
            "2:8 YAML reads this as an alias | a text that begins with `*` or `&` needs quotes: `'*/5 * * * *'`",
        ),
        (
            2,
            "title: \"a \\d\"",
            "2:11 `\\d` is no escape of YAML | in double quotes a backslash begins an escape: write two of them, or put the text into single quotes",
        ),
        (
            2,
            "title: \"a \\n \\u12\"",
            "2:14 behind `\\u` the number of a character is missing | in double quotes a backslash begins an escape: write two of them, or put the text into single quotes",
        ),
        (
            2,
            "title: \"A\" thing",
            "2:12 the text in quotes has ended, and something stands behind it | 2:10 it ends here | a quote inside of a text in double quotes is written `\\\"`, and the quotes go around the whole text",
        ),
        (
            2,
            "title: 'It's'",
            "2:12 the text in quotes has ended, and something stands behind it | 2:11 it ends here | a quote inside of a text in single quotes is written twice: `''`, and the quotes go around the whole text",
        ),
        (
            2,
            "title: \"A\"#b",
            "2:11 a `#` stands directly behind a value | put a space before it if a comment begins here, and quotes around the whole text if not",
        ),
        (
            9,
            "      note: 'fixed",
            "9:13 this quote is not closed | 10:3 the text in quotes still goes on here | close it where the text ends",
        ),
        (6, "    where: { id: \"7 }", "6:18 this quote is not closed | close it where the text ends"),
        (
            6,
            "    where: { id: 7",
            "6:12 this `{` is not closed | 7:8 YAML is still inside of it here | write the `}` where it ends",
        ),
        (
            6,
            "    where: [ 1, 2",
            "6:12 this `[` is not closed | 7:8 YAML is still inside of it here | write the `]` where it ends",
        ),
        (10, "  - { id: two", "10:5 this `{` is not closed | write the `}` where it ends"),
        (
            6,
            "    where: { id: 1 }}",
            "6:21 this `}` closes nothing | take it away, or write the bracket that it closes",
        ),
        (6, "    where: { id: [1 }", "6:18 this `[` is not closed | write the `]` where it ends"),
        (
            6,
            "    where: { id: 1 state: 2 }",
            "6:20 before this a `,` or `}` is missing | what stands in brackets is separated by commas; a text with `: `, `,` or brackets in it needs quotes",
        ),
        (
            6,
            "    where: { id: 1,, b: 2 }",
            "6:20 nothing stands before this comma | take the comma away, or write what is missing",
        ),
        (
            5,
            "\u{a0}   row: orders",
            "5:1 a no-break space indents this line | YAML takes only plain spaces: type them anew",
        ),
        (
            2,
            "<<<<<<< HEAD\ntitle: a\n=======\ntitle: b\n>>>>>>> x",
            "2:1 a mark of a merge conflict stands here | keep what is right of the two parts, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`",
        ),
    ] {
        assert_eq!(told(&with(line, text)), expected, "{text}");
    }
}

/// A quote that is not closed is closed by the next one, some lines on.
#[test]
fn a_quote_that_another_one_closes_is_told_where_it_was_opened() {
    let text = "a:\n  b: \"one\n   c: \"three\"\n";
    assert_eq!(
        told(text),
        "2:6 this quote is not closed on its line | 3:7 so this one closes it | close it where the text ends"
    );
}

/// The lines are looked at by hand, so whatever a file holds must not lead behind its end or into a character.
#[test]
fn no_file_is_too_broken_to_be_told_about() {
    let whole = with(2, "title: \"Ä “thing” | >\" # é\n\u{a0}x: |2-\n    ü\n   - 'ß'");
    let pieces = [
        "", "\"", "'", "{", "]", ": ", "- ", "\t", "\u{a0}", "ü", "|", "\\", "#", "*", "&", "@", "%", "\r", "\n", ",",
        "?", "<<<<<<< ",
    ];
    let mut refused = 0;
    for at in whole.char_indices().map(|(at, _)| at) {
        for piece in pieces {
            let (before, behind) = whole.split_at(at);
            let mut rest = behind.chars();
            let inserted = format!("{before}{piece}{behind}");
            rest.next();
            let replaced = format!("{before}{piece}{}", rest.as_str());
            let cut = format!("{before}{piece}");
            refused += [inserted, replaced, cut].iter().filter(|text| !told(text).is_empty()).count();
        }
    }
    assert!(refused > 1_000, "{refused}");
}
