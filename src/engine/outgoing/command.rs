//! Programs: one start, and what its end proves.

use crate::{
    action::{command::OutputForm, deed::Command, kinds::Act, step::Step},
    base::{
        counted::counted,
        identity::EffectId,
        json,
        value::{Data, Marks, Value},
    },
    connection::program::{self, Ended, Failure, Invocation, Program},
    engine::{setting::Setting, trouble::CallTrouble},
    plan::Effect,
    playbook::errors::FailureKind,
};
use std::sync::Arc;

fn masked(arguments: &[Value]) -> Vec<String> {
    arguments.iter().map(|value| value.plain().into_owned()).collect()
}

/// As one would type it, masked.
pub fn line(command: &Command, setting: &Setting) -> String {
    let arguments = masked(&command.arguments);
    setting.program(&command.program).map_or_else(String::new, |program| program.line(&arguments))
}

/// Names the question.
pub fn question(command: &Command) -> String {
    let parts = command.arguments.iter().chain(&command.input).map(|value| value.bare());
    parts.fold(format!("command {}", command.program), |text, part| format!("{text}\0{part}"))
}

/// As the journal holds it.
pub fn stored(command: &Command) -> Value {
    let mut parts = vec![("arguments", Value::list(command.arguments.iter().cloned()))];
    parts.extend(command.input.clone().map(|input| ("input", input)));
    Value::map(parts)
}

/// Back from it; what is done with the output stands in the step.
pub fn of_stored(program: &Arc<str>, stored: &Value, step: &Step) -> Option<Command> {
    let Act::Command(spec) = &step.act else { return None };
    let command = Command {
        program: program.clone(),
        arguments: stored.get("arguments")?.as_list()?.to_vec(),
        change: true,
        preview: None,
        input: stored.get("input"),
        form: spec.output.unwrap_or(OutputForm::Text),
        timeout: spec.timeout.map(|length| length.0),
    };
    (!command.is_unknown()).then_some(command)
}

/// The recovery class.
pub fn class(step: &Step) -> &'static str {
    match (step.common.probe.is_some(), step.common.repeatable.is_some()) {
        (true, _) => "command-probe",
        (false, true) => "command-repeatable",
        (false, false) => "command-once",
    }
}

/// As a plan shows it.
pub fn shown(command: &Command, setting: &Setting) -> Effect {
    let body = command.input.as_ref().map(|input| input.plain().into_owned());
    Effect::Request { line: line(command, setting), headers: Vec::new(), body, sent: None }
}

/// What came back, in a few words.
pub fn summary(answer: &Value) -> String {
    let code = answer.get("code").map_or(String::new(), |code| code.plain().into_owned());
    let output = match answer.get("output").map(|output| output.data) {
        Some(Data::List(lines)) => counted(lines.len(), "line"),
        Some(Data::Map(fields)) => counted(fields.len(), "field"),
        Some(Data::Text(text)) if !text.is_empty() => counted(text.lines().count(), "line"),
        // It printed something, and what it was to do is done.
        Some(Data::Unknown(_)) => "output that is no JSON".into(),
        _ => "no output".into(),
    };
    format!("exit code {code}, {output}")
}

/// What it printed, line by line, for people; a bound on how much.
pub fn said(answer: &Value) -> Vec<String> {
    const MOST: usize = 20;
    let text = answer.get("output").map_or(String::new(), |output| match &output.data {
        Data::List(lines) => lines.iter().map(|line| line.plain().into_owned()).collect::<Vec<_>>().join("\n"),
        _ => output.plain().into_owned(),
    });
    let mut lines: Vec<String> = text.lines().take(MOST).map(str::to_owned).collect();
    let more = text.lines().count().saturating_sub(MOST);
    if more > 0 {
        lines.push(format!("… and {} more", counted(more, "line")));
    }
    lines
}

/// Starts it once and judges how it ended.
pub async fn once(
    setting: &Setting,
    step: &Step,
    command: &Command,
    effect: Option<&EffectId>,
) -> Result<Value, CallTrouble> {
    let Some(program) = setting.program(&command.program) else {
        let message = format!("there is no program `{}` here", command.program);
        return Err(trouble(command, setting, FailureKind::Connect, message));
    };
    let invocation = Invocation {
        arguments: command.arguments.iter().map(|value| value.bare().into_owned()).collect(),
        input: command.input.as_ref().map(|input| input.bare().into_owned()),
        timeout: command.timeout,
        mark: effect.map(|effect| program::mark_of(&effect.to_string())),
    };
    match program.run(&invocation).await {
        Ok(ended) => judge(setting, step, command, program, ended),
        Err(failure) => Err(failed(setting, command, &failure)),
    }
}

fn failed(setting: &Setting, command: &Command, failure: &Failure) -> CallTrouble {
    let kind = match failure {
        Failure::NotStarted(_) | Failure::Lost(_) => FailureKind::Connect,
        Failure::TimedOut(_) => FailureKind::Timeout,
        Failure::TooMuch(_) => FailureKind::Body,
    };
    let in_doubt = command.change && !matches!(failure, Failure::NotStarted(_));
    let doubt = if in_doubt { DOUBT } else { "" };
    let message = format!("`{}` ({}): {failure}{doubt}", command.program, line(command, setting));
    CallTrouble { in_doubt, ..trouble(command, setting, kind, message) }
}

fn judge(
    setting: &Setting,
    step: &Step,
    command: &Command,
    program: &Program,
    ended: Ended,
) -> Result<Value, CallTrouble> {
    let marks = if program.settings().personal == Some(true) { Marks::PERSONAL } else { Marks::NONE };
    let errors = Value::text(trimmed(&ended.errors)).marked(marks);
    let code = ended.code.map_or(Value::NULL, |code| i64::from(code).into());
    let good = |code: i32| match &step.act {
        Act::Command(spec) => spec.accepts(code),
        _ => code == 0,
    };
    let answer = |output: Value| {
        Value::map([("code", code.clone()), ("output", output), ("errors", errors.clone()), ("body", errors.clone())])
    };
    let is_good = ended.code.is_some_and(good);
    match (is_good, formed(command.form, &ended.output)) {
        (true, Ok(output)) => Ok(Value::map([("code", code), ("output", output.marked(marks)), ("errors", errors)])),
        // What it was to do is done; only what it said cannot be used, and whatever needs it says so.
        (true, Err(why)) if command.change => {
            let why = format!("the output of `{}` {why}", command.program);
            Ok(Value::map([("code", code), ("output", Data::Unknown(why.into()).into()), ("errors", errors)]))
        }
        (true, Err(why)) => {
            let message = format!("`{}` ended well, and its output {why}", command.program);
            let plain = Value::text(trimmed(&ended.output)).marked(marks);
            Err(CallTrouble { answer: Some(answer(plain)), ..trouble(command, setting, FailureKind::Body, message) })
        }
        (false, _) => {
            let plain = Value::text(trimmed(&ended.output)).marked(marks);
            let refused = ended
                .code
                .is_some_and(|code| program.settings().unchanged.iter().any(|u| i64::from(*u) == i64::from(code)));
            let in_doubt = command.change && !refused;
            let how = match (ended.code, ended.signal) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended in an unknown way".into(),
            };
            let first =
                errors.plain().lines().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim()));
            let doubt = if in_doubt { DOUBT } else { "" };
            let line = line(command, setting);
            let message = format!("`{}` {how} ({line}){}{doubt}", command.program, first.unwrap_or_default());
            Err(CallTrouble {
                code: ended.code.map(|code| code.to_string()),
                in_doubt,
                answer: Some(answer(plain)),
                ..trouble(command, setting, FailureKind::Status, message)
            })
        }
    }
}

/// The output as the step wants it; else why it is not that.
fn formed(form: OutputForm, bytes: &[u8]) -> Result<Value, String> {
    match form {
        OutputForm::Text => Ok(Value::text(trimmed(bytes))),
        OutputForm::Lines => Ok(Value::list(trimmed(bytes).lines().map(Value::text))),
        OutputForm::Json => {
            let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8, so it is no JSON".to_owned())?;
            json::parse(text).map_err(|e| format!("is no JSON: {e}"))
        }
    }
}

/// Without the last line break; what is not UTF-8 is replaced.
fn trimmed(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    text.strip_suffix('\r').unwrap_or(text).to_owned()
}

fn trouble(command: &Command, setting: &Setting, kind: FailureKind, message: String) -> CallTrouble {
    CallTrouble {
        attempt: 1,
        api: command.program.clone(),
        line: line(command, setting),
        status: None,
        code: None,
        kind,
        in_doubt: false,
        perhaps: false,
        message,
        retry_after: None,
        said: None,
        answer: None,
    }
}

const DOUBT: &str = "; whether it was done is not known";
