//! What an incoming webhook of Slack takes and answers: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>.

use crate::base::value::Value;
use std::sync::Arc;

/// The whole body of a good answer.
pub const OK: &str = "ok";

/// Slack shows longer texts badly and cuts them at ten times this.
const LONGEST: usize = 4000;

/// A text as Slack shows it word for word: without formatting, without mentions, without looking at the links in it.
pub fn body(text: &str, channel: Option<&Arc<str>>, run: &str) -> Value {
    let mut parts = vec![
        ("text", Value::text(escaped(&cut(text, run)))),
        ("mrkdwn", Value::from(false)),
        ("unfurl_links", Value::from(false)),
        ("unfurl_media", Value::from(false)),
    ];
    parts.extend(channel.map(|channel| ("channel", Value::text(channel.clone()))));
    Value::map(parts)
}

/// The three characters that mean something in a text: links, `<!channel>` and `<@somebody>` are made with them alone.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// No more than Slack shows, counted as it is sent.
fn cut(text: &str, run: &str) -> String {
    let width = |c: char| match c {
        '&' => 5,
        '<' | '>' => 4,
        _ => 1,
    };
    if text.chars().map(width).sum::<usize>() <= LONGEST {
        return text.to_owned();
    }
    let rest = format!("\n… (cut; `trueup show {run}` has the rest)");
    let (mut left, mut kept) = (LONGEST - rest.chars().count(), String::new());
    for c in text.chars() {
        let Some(less) = left.checked_sub(width(c)) else { break };
        left = less;
        kept.push(c);
    }
    kept + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str) -> String {
        body(given, None, "1a2b3c4d").get("text").unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn nothing_in_a_text_is_a_mention_a_link_or_too_long() {
        assert_eq!(text("<!channel> a & b\u{7}\n<https://x|y>"), "&lt;!channel&gt; a &amp; b \n&lt;https://x|y&gt;");
        for long in ["x".repeat(9000), "<&>ü".repeat(3000)] {
            let sent = text(&long);
            assert!(sent.chars().count() <= LONGEST && sent.chars().count() > LONGEST - 10, "{}", sent.chars().count());
            assert!(sent.ends_with("\n… (cut; `trueup show 1a2b3c4d` has the rest)"));
        }
        assert_eq!(text(&"x".repeat(LONGEST)).len(), LONGEST);
        let whole = body("x", Some(&"#support".into()), "1");
        assert_eq!(whole.get("channel").unwrap().as_str(), Some("#support"));
        assert_eq!(whole.get("mrkdwn").unwrap().as_bool(), Some(false));
    }
}
