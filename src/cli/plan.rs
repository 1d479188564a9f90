//! `trueup plan`, and what concerns saved plans: `plan show`, `plan diff`

use super::{
    arguments::{Again, DiffPlans, Plan, PlanCommand, ShowPlan, Which},
    output::Output,
};
use crate::{
    approval::Demand,
    base::{
        diagnostic::Diagnostic,
        seal::Sealer,
        shape::Length,
        source::{Source, Span},
        value::Value,
    },
    effect::change::TableName,
    engine::trouble,
    ops::{self, Failure, Surroundings, plan::Request, saved::Stands},
    plan::file::Saved,
    playbook::{model::Playbook, project::Project},
    report::{
        diagnostics,
        exit::Exit,
        look::{Look, View},
        page::quoted,
        plan::{self, About},
        plan_diff, plan_json,
    },
    table::facts::Facts,
};
use std::{path::Path, sync::Arc, time::Duration};

pub async fn run(
    given: &Plan,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    match (&given.command, &given.which) {
        (Some(PlanCommand::Show(given)), _) => show(given, project, surroundings, output).await,
        (Some(PlanCommand::Diff(given)), _) => diff(given, project, surroundings, output),
        (None, Some(which)) => make(given, which, project, surroundings, output).await,
        // Without a subcommand the playbook is required, and clap has said so.
        (None, None) => Err(Failure::usage("which playbook? `trueup plan PLAYBOOK`")),
    }
}

async fn make(
    given: &Plan,
    which: &Which,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let opened = ops::project::open(surroundings, project)?;
    let loaded = ops::playbook::load(surroundings, &opened, &which.playbook)?;
    of_loaded(given, which, &opened, loaded, None, surroundings, output).await
}

/// Of a playbook that is at hand; `again` is the command that would carry the plan out, where it is not `apply`.
pub async fn of_loaded(
    given: &Plan,
    which: &Which,
    opened: &ops::project::Opened,
    loaded: ops::playbook::Loaded,
    again: Option<String>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    if !loaded.advice.is_empty() && !given.json {
        output.problems(std::slice::from_ref(&loaded.advice));
    }
    let mut request = request(which, surroundings)?;
    request.answers = given.answers.iter().map(|text| answer(text)).collect::<Result<_, _>>()?;
    request.saved = given.out.is_some();
    let lasts = lasts(given.expires.as_deref())?;
    let prepared = ops::plan::setting(surroundings, opened, loaded, &request).await?;
    let setting = &prepared.setting;
    let apply = again.unwrap_or_else(|| command(which, &setting.playbook));
    if setting.playbook.targets.is_some() {
        return many(given, &apply, &request, lasts, opened, prepared, surroundings, output).await;
    }
    let made = ops::plan::plan(setting, &request, &|_| {}).await?;
    let exit = Exit::of_plan(&made, given.detailed_exitcode);
    if let Some(out) = &given.out {
        let record = ops::record::open(surroundings, opened).await?;
        let reason = request.reason.as_deref();
        let saved = ops::saved::save(surroundings, opened, &record, setting, &made, reason, out, lasts)?;
        print(&saved, out, given.json, None, &record.sealer, output)?;
        return Ok(exit);
    }
    if given.json {
        output.data(&plan_json::document(&made, &|table| setting.project.facts(table)));
    } else {
        let demands = ops::approve::demands(&opened.project, &setting.playbook, &made);
        let about = About {
            who: request.actor.as_deref(),
            why: request.reason.as_deref(),
            apply: Some(&apply),
            demands: &demands,
            ..About::default()
        };
        draw(&setting.project, &setting.source, output.look(), |view| output.data(&plan::text(&made, &about, view)));
    }
    Ok(exit)
}

/// A playbook with targets: a page that sums up all items, one item whole, or all of them.
#[allow(clippy::too_many_arguments, reason = "what the command line gives, one by one")]
async fn many(
    given: &Plan,
    apply: &str,
    request: &Request,
    lasts: Duration,
    opened: &ops::project::Opened,
    mut prepared: ops::plan::Prepared,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let progress = super::apply::progress(output);
    let watch = |tick| progress.tick(tick);
    if let Some(out) = &given.out {
        let record = ops::record::open(surroundings, opened).await?;
        ops::record::seal_with(&mut prepared.setting, &record);
        let setting = &prepared.setting;
        let saved = ops::saved::save_many(surroundings, opened, &record, setting, request, out, lasts, &watch).await;
        progress.finish();
        let saved = saved?;
        print(&saved, out, given.json, given.item.as_deref(), &record.sealer, output)?;
        return Ok(Exit::of_plan(&saved.plan, given.detailed_exitcode));
    }
    let setting = &prepared.setting;
    let made = ops::plan::plan(setting, request, &watch).await;
    progress.finish();
    let made = made?;
    let sealer = setting.workplace.as_ref().map(|place| place.sealer.clone());
    let sealer = sealer.unwrap_or_else(|| Sealer::without_key(surroundings.masks.clone()));
    let demands = ops::approve::demands(&opened.project, &setting.playbook, &made);
    let about = About {
        who: request.actor.as_deref(),
        why: request.reason.as_deref(),
        apply: Some(apply),
        demands: &demands,
        ..About::default()
    };
    let source = &setting.source;
    shown(&made, &about, given.json, given.item.as_deref(), &setting.project, source, &sealer, output)?;
    Ok(Exit::of_plan(&made, given.detailed_exitcode))
}

/// A plan of many items: its page, one of them whole, or a document a line.
#[allow(clippy::too_many_arguments, reason = "what is shown and how, one by one")]
fn shown(
    made: &crate::plan::Plan,
    about: &About<'_>,
    json: bool,
    item: Option<&str>,
    project: &Project,
    source: &Arc<Source>,
    sealer: &Sealer,
    output: &Output,
) -> Result<(), Failure> {
    let facts = |table: &TableName| project.facts(table);
    let each = || made.each(sealer).map_err(|why| Failure::usage(format!("the plan {why}")).help(why.help()));
    if let Some(key) = item {
        for one in each()? {
            let one = one.map_err(|why| Failure::usage(format!("the plan {why}")).help(why.help()))?;
            if &*one.key == key {
                if json {
                    output.data(&plan_json::item(&one, &facts));
                } else {
                    draw(project, source, output.look(), |view| output.data(&plan::one(&one, view)));
                }
                return Ok(());
            }
        }
        return Err(
            Failure::usage(format!("the plan has no item `{key}`")).help("`--json` lists all of them, one a line")
        );
    }
    if json {
        output.data(&plan_json::document(made, &facts));
        // All of them: the document above holds the first ones only where there are many.
        if made.many.as_ref().is_some_and(|many| many.file.is_some()) {
            for one in each()? {
                let one = one.map_err(|why| Failure::usage(format!("the plan {why}")).help(why.help()))?;
                output.data(&plan_json::line(&one, &facts));
            }
        }
        return Ok(());
    }
    draw(project, source, output.look(), |view| output.data(&plan::text(made, about, view)));
    Ok(())
}

pub fn lasts(given: Option<&str>) -> Result<Duration, Failure> {
    let Some(text) = given else { return Ok(ops::saved::LASTS) };
    match text.parse::<Length>() {
        Ok(length) if !length.0.is_zero() => Ok(length.0),
        _ => Err(Failure::usage(format!("`{text}` is not a length of time"))
            .help("write a whole number and a unit: `--expires 30m`, `24h`, `3d`")),
    }
}

/// A saved plan, the same whether it was just made or is shown again.
pub fn print(
    saved: &Saved,
    file: &str,
    json: bool,
    item: Option<&str>,
    sealer: &Sealer,
    output: &Output,
) -> Result<(), Failure> {
    print_as(saved, &Stands::default(), file, json, item, sealer, output)
}

fn print_as(
    saved: &Saved,
    stands: &Stands,
    file: &str,
    json: bool,
    item: Option<&str>,
    sealer: &Sealer,
    output: &Output,
) -> Result<(), Failure> {
    let carried = ops::saved::carried(saved)?;
    let facts = |table: &TableName| carried.project.facts(table);
    if saved.plan.many.is_some() && (item.is_some() || json) {
        let about = About { agreed: &stands.agreed, void: stands.void.as_deref(), ..of_saved(saved, &carried.demands) };
        return shown(&saved.plan, &about, json, item, &carried.project, &carried.source, sealer, output);
    }
    if json {
        output.data(&plan_json::of_saved(saved, &stands.agreed, stands.void.as_deref(), &facts));
        return Ok(());
    }
    let reason = if saved.header.reason.is_some() { "" } else { " --reason \"…\"" };
    let apply = format!("trueup apply {}{reason}", quoted(file));
    let approve = format!("trueup approve {} --reason \"…\"", quoted(file));
    let about = About {
        apply: Some(&apply),
        approve: Some(&approve),
        agreed: &stands.agreed,
        void: stands.void.as_deref(),
        ..of_saved(saved, &carried.demands)
    };
    draw(&carried.project, &carried.source, output.look(), |view| {
        output.data(&plan::text(&saved.plan, &about, view));
    });
    Ok(())
}

/// What is known of a saved plan beside itself.
pub fn of_saved<'a>(saved: &'a Saved, demands: &'a [Demand]) -> About<'a> {
    About {
        who: Some(&saved.header.actor),
        why: saved.header.reason.as_deref(),
        demands,
        saved: Some(saved),
        ..About::default()
    }
}

async fn show(
    given: &ShowPlan,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let sealer = ops::record::reader(surroundings, project);
    let saved = ops::saved::read(surroundings, &given.file, &sealer)?;
    if sealer.key_id().is_none() {
        output.note(
            "The journal's key is not at hand: personal values stay hidden, and the plan's seal is not looked at.\n",
        );
    }
    // A plan can be read anywhere; where it belongs, the journal knows what became of it.
    let stands = match ops::project::open(surroundings, project) {
        Ok(opened) => ops::saved::stands(surroundings, &opened, &saved, &given.file).await.unwrap_or_else(|failure| {
            output.note(&format!("Who agreed to it is not known: {}\n", failure.in_short()));
            Stands::default()
        }),
        Err(_) => Stands::default(),
    };
    print_as(&saved, &stands, &given.file, given.json, given.item.as_deref(), &sealer, output)?;
    Ok(Exit::Done)
}

fn diff(
    given: &DiffPlans,
    project: Option<&Path>,
    surroundings: &Surroundings,
    output: &Output,
) -> Result<Exit, Failure> {
    let sealer = ops::record::reader(surroundings, project);
    let one = ops::saved::read(surroundings, &given.one, &sealer)?;
    let other = ops::saved::read(surroundings, &given.other, &sealer)?;
    let carried = ops::saved::carried(&other)?;
    let found = plan_diff::between(&one, &other, &|table| carried.project.facts(table));
    if given.json {
        output.data(&plan_diff::document(&found, &one, &other));
    } else {
        output.data(&plan_diff::text(&found, &one, &other, output.look()));
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Changes })
}

/// The command that would carry the plan out.
fn command(which: &Which, playbook: &Playbook) -> String {
    let mut words = vec!["trueup apply".to_owned(), which.playbook.clone()];
    // What is hidden everywhere else is not repeated here, only because somebody has typed it.
    let shown = |given: &String| match given.split_once('=') {
        Some((name, _)) if playbook.params.get(name).is_some_and(|param| param.marks().hidden()) => {
            format!("{name}=…")
        }
        _ => quoted(given),
    };
    words.extend(which.params.iter().map(shown));
    words.extend(which.param_from_env.iter().map(|given| format!("--param-from-env {}", quoted(given))));
    words.extend(which.env.iter().map(|e| format!("--env {e}")));
    let reason = which.reason.as_deref().map_or("\"…\"".to_owned(), quoted);
    words.push(format!("--reason {reason}"));
    words.join(" ")
}

/// Gives a view with the project's facts and the caret drawing of this playbook.
pub fn draw(project: &Project, source: &Arc<Source>, look: Look, show: impl FnOnce(&View<'_>)) {
    let facts = |table: &TableName| -> Option<&Facts> { project.facts(table) };
    let drawing = |at: Span, message: &str, seen: &[(String, String)]| {
        // Before lines are broken: whoever masks them then does not find what stands on two of them.
        let message = look.hidden(message);
        let mut problem = Diagnostic::error(&trouble::AT_RUN_TIME, at, message.trim_end_matches('.'));
        let told = |(name, value): &(String, String)| look.hidden(&format!("{name} is {value}")).into_owned();
        problem.help = seen.iter().map(told).collect();
        diagnostics::drawn(&problem, source, look.width)
    };
    show(&View { look, facts: &facts, draw: &drawing });
}

/// What was asked for on the command line.
pub fn request(which: &Which, surroundings: &Surroundings) -> Result<Request, Failure> {
    let (params, from_env) = params(&which.params, &which.param_from_env, surroundings)?;
    let actor = which.actor.clone().or_else(|| surroundings.actor());
    let (environment, reason) = (which.env.clone(), which.reason.clone());
    Ok(Request { params, from_env, environment, reason, actor, ..Request::default() })
}

/// Names and values, and which of them stood in a variable.
type Given = (Vec<(String, Value)>, Vec<(String, String)>);

/// Parameters that were typed, and those whose values stand in environment variables.
pub fn params(typed: &[String], from_env: &[String], surroundings: &Surroundings) -> Result<Given, Failure> {
    let mut params = typed.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
    let mut named = Vec::new();
    for text in from_env {
        let (param, variable) = of_variable(text, surroundings, ", or give the parameter as `NAME=VALUE`")?;
        named.push((param.0.clone(), variable));
        params.push(param);
    }
    Ok((params, named))
}

/// The surroundings of a command about a run that exists, with the secret parameters that are given again.
pub fn giving_again(again: &Again, surroundings: &Surroundings) -> Result<Surroundings, Failure> {
    let given = again.param_from_env.iter().map(|text| of_variable(text, surroundings, "")).map(|one| Ok(one?.0));
    Ok(surroundings.clone().giving_again(given.collect::<Result<_, Failure>>()?))
}

/// `NAME=VARIABLE`: the parameter, and the variable in which it stood. `or` is said of what else helps where it is not set.
fn of_variable(text: &str, surroundings: &Surroundings, or: &str) -> Result<((String, Value), String), Failure> {
    let both = text.split_once('=').filter(|(name, variable)| !name.is_empty() && !variable.is_empty());
    let Some((name, variable)) = both else {
        return Err(Failure::usage(format!("`--param-from-env {text}` is not of the form NAME=VARIABLE")).help(
            "name the parameter and the environment variable that holds its value: `--param-from-env token=API_TOKEN`",
        ));
    };
    let Some(value) = (surroundings.variable)(variable) else {
        return Err(Failure::usage(format!(
            "the environment variable `{variable}`, from which `{name}` comes, is not set"
        ))
        .help(format!("set it for this command{}", or.replace("NAME", name))));
    };
    Ok(((name.to_owned(), Value::text(value)), variable.to_owned()))
}

/// `name=value`
pub fn pair(text: &str) -> Result<(String, Value), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), Value::text(value))),
        _ => Err(Failure::usage(format!("`{text}` is not of the form name=value"))
            .help("parameters are written `slug=7xKq…`")),
    }
}

/// `step.name=value`
fn answer(text: &str) -> Result<(String, String, Value), Failure> {
    let (path, value) = pair(text)?;
    match path.split_once('.') {
        Some((step, name)) => Ok((step.to_owned(), name.to_owned(), value)),
        None => Err(Failure::usage(format!("`{text}` is not of the form STEP.NAME=VALUE"))
            .help("for example `--answer dqt_agreed.ticket=DQT-4711`")),
    }
}
