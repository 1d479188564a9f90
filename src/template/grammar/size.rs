//! How large a text may be, looked at before the parser sees it.
//!
//! minijinja's parser (and the dropping of its tree) recurses once per operator of a chain, and a stack overflow cannot be caught.

use super::{keep_newlines, syntax_problem};
use crate::template::problem::{Problem, TOO_COMPLEX};
use minijinja::machinery::{Token, tokenize};
use std::ops::Range;

/// Bytes of a whole text.
pub const MAX_TEXT: usize = 64 * 1024;
/// Bytes of expressions in one text.
pub const MAX_CODE: usize = 4 * 1024;
/// Brackets inside brackets.
const MAX_NESTING: usize = 24;
/// Operators, dots, filters and the like between `{{` and `}}`.
const MAX_OPERATORS: usize = 200;
/// `{% … %}` in one text.
const MAX_BLOCKS: usize = 64;

/// Refuses what would make the parser recurse deeply, and what cannot be taken apart into words; linear in the text.
pub fn small_enough(text: &str, bare: bool) -> Result<(), Problem> {
    let too = |at: Range<usize>, what: String| {
        Err(Problem::new(&TOO_COMPLEX, at, what).help("name parts of it under `vars:`"))
    };
    if text.len() > if bare { MAX_CODE } else { MAX_TEXT } {
        return too(
            0..text.len().min(1),
            format!("the text has {} bytes; at most {} are read", text.len(), if bare { MAX_CODE } else { MAX_TEXT }),
        );
    }
    let (mut nesting, mut operators, mut blocks, mut code) = (0_usize, 0, 0, 0);
    for token in tokenize(text, bare, keep_newlines()) {
        // Not left to the parser: minijinja 3.0.5 looks behind each quoted text whether another one follows, and takes a word that it cannot read there for the end.
        let (token, span) = token.map_err(|error| syntax_problem(text, &error))?;
        let at = span.start_offset as usize..span.end_offset as usize;
        match token {
            Token::TemplateData(_) => continue,
            Token::VariableStart => (nesting, operators) = (0, 0),
            Token::BlockStart => {
                (nesting, operators, blocks) = (0, 0, blocks + 1);
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                (nesting, operators) = (nesting + 1, operators + 1)
            }
            Token::ParenClose | Token::BracketClose | Token::BraceClose => nesting = nesting.saturating_sub(1),
            Token::Ident("if" | "else" | "not" | "and" | "or" | "is" | "in") => operators += 1,
            Token::Ident(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) | Token::Comma | Token::Colon => {}
            Token::Str(_) | Token::String(_) | Token::VariableEnd | Token::BlockEnd => {}
            _ => operators += 1,
        }
        code += at.len();
        if nesting > MAX_NESTING {
            return too(at, format!("more than {MAX_NESTING} brackets inside each other"));
        }
        if operators > MAX_OPERATORS {
            return too(at, format!("more than {MAX_OPERATORS} operators in one expression"));
        }
        if blocks > MAX_BLOCKS {
            return too(at, format!("more than {MAX_BLOCKS} blocks in one text"));
        }
        if code > MAX_CODE {
            return too(at, format!("more than {MAX_CODE} bytes of expressions in one text"));
        }
    }
    Ok(())
}
