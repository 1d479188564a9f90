//! `trueup undo`

use super::{
    apply::{confirmed, ends_at_once, finish, progress},
    arguments::Undo,
    output::Output,
    pause, plan,
};
use crate::{
    engine::undo::outline,
    ops::{self, Failure, Surroundings, apply::Basis, undo::Wish},
    plan::{Effect, Foreseen, ItemPlan, Plan, Reversal},
    report::{
        exit::Exit,
        plan::{self as drawn, About},
        plan_json,
    },
};
use std::path::Path;

pub async fn run(
    given: &Undo,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let surroundings = &plan::giving_again(&given.again, surroundings)?;
    let opened = ops::project::open(surroundings, project)?;
    let record = ops::record::open(surroundings, &opened).await?;
    let run = record.journal.find_run(&given.run).await?;
    let wish = Wish {
        item: given.item.clone(),
        all_or_nothing: given.all_or_nothing,
        leave: given.leave.clone(),
        reason: given.reason.clone(),
        actor: given.actor.clone().or_else(|| surroundings.actor()),
    };
    let ready = ops::undo::prepare(surroundings, &record, &opened, run, &wish).await?;
    let setting = &ready.prepared.setting;
    let environment = opened.project.environments.get(&setting.environment);
    if given.yes && !given.plan && environment.is_some_and(|e| e.protected == Some(true)) {
        return Err(Failure::usage(format!("`{}` is protected: `--yes` is refused", setting.environment))
            .help("run it without `--yes` and read the preview"));
    }
    let shown = progress(output);
    let watch = |tick| {
        if setting.playbook.targets.is_some() {
            shown.tick(tick);
        }
    };
    if let Some(out) = &given.out {
        let lasts = plan::lasts(given.expires.as_deref())?;
        let saved = ops::undo_file::save(surroundings, &opened, &record, &ready, &wish, out, lasts, &watch).await;
        shown.finish();
        plan::print(&saved?, out, given.json, None, &record.sealer, output)?;
        return Ok(Exit::Done);
    }
    let made = ops::undo::plan(&ready, &watch).await;
    shown.finish();
    let made = made?;
    if given.plan && given.json {
        output.data(&plan_json::document(&made, &|table| setting.project.facts(table)));
        return Ok(Exit::Done);
    }
    let command = format!("trueup undo {}", run.short());
    let demands = ops::approve::demands(&setting.project, &setting.playbook, &made);
    let about = About {
        who: Some(&setting.run.actor),
        why: Some(&setting.run.reason),
        apply: given.plan.then_some(command.as_str()),
        demands: &demands,
        ..About::default()
    };
    plan::draw(&opened.project, &setting.source, output.look(), |view| {
        let text = drawn::text(&made, &about, view);
        if given.json { output.note(&text) } else { output.data(&text) }
    });
    if given.plan {
        return Ok(Exit::Done);
    }
    ops::undo::whole(&ready, &made)?;
    if let Some(exit) = not_begun(&made, "the same command takes back what can be taken back", output) {
        if given.json {
            // No run was made: what there is to tell is the plan.
            output.data(&plan_json::document(&made, &|table| setting.project.facts(table)));
        }
        return Ok(exit);
    }
    if !given.yes && !confirmed(output, &format!("Take this back in {}?", setting.environment))? {
        output.note("Nothing was changed.\n");
        return Ok(Exit::Stopped);
    }
    let flag = pause::on_signal(output);
    let progress = progress(output);
    let watch = |tick| progress.tick(tick);
    let basis = Basis { asks: ops::approve::asked(setting, &made), waited: !given.yes, ..Basis::default() };
    let carried = ops::undo::undo_on(surroundings, &record, &ready, &made, &wish, basis, &watch, &flag).await;
    progress.finish();
    finish(setting.run.id, carried?, &opened, output, given.json)
}

/// The exit code of an undo that is not begun, which it says: it would stop on its way, or there is nothing to do. `then`: what to do once
/// the reasons are settled.
pub(super) fn not_begun(made: &Plan, then: &str, output: &Output) -> Option<Exit> {
    if !ends_at_once(made) {
        return made.is_empty().then(|| nothing(made, then, output));
    }
    stands(made, then, output);
    Some(match Exit::of_plan(made, false) {
        // It ends as its author wants, and what the run did stands all the same.
        Exit::Done => Exit::Drifted,
        exit => exit,
    })
}

/// A lock that somebody holds, a right that is missing, a trigger that refuses: what the run did stands as it is.
fn stands(made: &Plan, then: &str, output: &Output) {
    let stop = made.items.iter().filter(|item| item.item.is_none()).find_map(ItemPlan::ends_early);
    let leave = stop.map(|stop| {
        let name = outline::name(&stop.step);
        format!("or leave what `{name}` did as it is: with `--leave {name}` the rest is taken back")
    });
    let helps: Vec<String> = [format!("once that is settled, {then}")].into_iter().chain(leave).collect();
    output.error("nothing is taken back, and the reasons stand above", &helps);
}

/// There is nothing to do: all is as it was already, or nothing of it can be taken back.
fn nothing(made: &Plan, then: &str, output: &Output) -> Exit {
    let tally = made.tally();
    let steps = || made.items.iter().flat_map(|item| &item.steps);
    let rows = |e: &Effect| matches!(e, Effect::Rows { .. });
    if tally.left_alone > 0 {
        let noun = made.left_noun();
        output.note(&format!("Nothing is taken back: the {noun}s are left alone, for the reasons above.\n"));
        Exit::Drifted
    } else if tally.ended() > 0 {
        stands(made, then, output);
        Exit::Drifted
    } else if tally.unchanged > 0 && tally.left > 0
        || steps().any(|s| s.foreseen == Foreseen::Unchanged || s.effects.iter().any(rows)) && !tally.stays.is_empty()
    {
        output.note("Nothing more can be taken back: the reasons stand above, and all else is as it was before.\n");
        Exit::Drifted
    } else if tally.stays.is_empty() {
        // What need not be taken back, as its author says, is not as it was before.
        let needless = steps().any(|s| matches!(s.undo, Some(Reversal::NotNeeded(_))));
        output.note(match (made.many.is_some(), needless) {
            (false, true) => "Nothing is left to take back, for the reasons above.\n",
            (false, false) => "Nothing is left to take back: all is as it was before.\n",
            (true, _) => "Nothing is left to take back.\n",
        });
        Exit::Done
    } else {
        output.error("nothing of this run can be taken back", &["the reasons stand above".into()]);
        Exit::Stopped
    }
}
