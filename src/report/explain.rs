//! `trueup explain CODE|ACTION|FIELD`: the explanation of a code, a kind of step, a key or an expression function.

/// The explanation as plain text with light Markdown; the error is a help sentence with near words.
pub fn explain(topic: &str) -> Result<String, String> {
    Err(format!("nothing is known about `{topic}`"))
}
