//! What `trueup inbox --remind` has sent, line by line. Knows nothing of how it was sent.

use super::{
    line::{Line, Tone},
    look::Look,
    page::Page,
    plan::step_name,
};
use crate::{base::counted::counted, engine::notices::Reminded};

/// For people, beside the list of questions.
pub fn text(reminded: &Reminded, look: Look) -> String {
    let mut page = Page::new(look);
    for sent in &reminded.sent {
        let which = if sent.due.number == 0 { "question".to_owned() } else { format!("reminder {}", sent.due.number) };
        let items = if sent.due.items.len() > 1 {
            format!(" ({})", counted(sent.due.items.len(), "item"))
        } else {
            String::new()
        };
        let (run, step, who) = (sent.run.short(), step_name(&sent.due.step), &sent.due.asked.who);
        let tone = if sent.told { Tone::Good } else { Tone::Bad };
        page.hung(
            0,
            2,
            Line::of(tone, format!("{which} to {who}: {}", sent.result))
                .add(Tone::Dim, format!("  run {run}, {step}{items}")),
        );
    }
    for (run, why) in &reminded.left {
        page.hung(0, 2, Line::of(Tone::Bad, format!("run {}: nobody was told: {why}", run.short())));
    }
    if reminded.sent.is_empty() && reminded.left.is_empty() {
        page.line(0, Line::of(Tone::Dim, "Nobody is to be told anything now."));
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::notices::{Due, Sent},
        report::{
            sample::{is_proper, plain},
            sample_runs::{self, questions},
        },
    };

    #[test]
    fn what_was_sent_and_what_could_not_be_is_said_in_lines_that_fit() {
        assert_eq!(plain(&text(&Reminded::default(), Look::default())), "Nobody is to be told anything now.\n");
        let asked = sample_runs::asked();
        let due =
            Due { step: asked.step.clone(), items: asked.items.clone(), asked: asked.into(), number: 2, generation: 0 };
        let good = Sent { run: questions()[0].run, due, told: true, result: "posted to Slack".into() };
        let bad = Sent {
            told: false,
            result: "not told: the webhook of `register-support` answered 404 `no_service`; it did not arrive".into(),
            ..good.clone()
        };
        let left = vec![(good.run, "ben is working on run 2c3d4e5f".to_owned())];
        let shown = text(&Reminded { sent: vec![good, bad], left }, Look::default());
        is_proper(&shown, 80);
        assert!(
            plain(&shown).starts_with("reminder 2 to register-support: posted to Slack  run 2c3d4e5f, dqt_agreed\n"),
            "{shown}"
        );
        assert!(plain(&shown).contains("run 2c3d4e5f: nobody was told: ben is working on run 2c3d4e5f\n"), "{shown}");
    }
}
