//! The text of a job as Sidekiq's client would push it for ActiveJob, and the text that Sidekiq's own "retry" makes of one.
//! Pure: ids and moments come in.

use super::{
    arguments::nanos,
    settings::{Rails, Retries},
};
use crate::base::{
    decimal::Decimal,
    time::Stamp,
    value::{Data, Map, Marks, Value},
};
use std::sync::Arc;

/// The class under which Sidekiq runs jobs of ActiveJob.
pub const WRAPPER: &str = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper";

/// Its name since Sidekiq 7.3, which still knows the old one.
pub const WRAPPER_SINCE_7_3: &str = "Sidekiq::ActiveJob::Wrapper";

/// A job that is to be enqueued.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its class.
    pub job: Arc<str>,
    /// Its queue.
    pub queue: Arc<str>,
    /// Its arguments, as ActiveJob writes them.
    pub arguments: Value,
    /// How often Sidekiq tries it again.
    pub retries: Retries,
    /// When it shall run; nothing means now.
    pub at: Option<Stamp>,
    /// Its id for Sidekiq, 24 hexadecimal digits.
    pub jid: Arc<str>,
    /// Its id for ActiveJob.
    pub job_id: Arc<str>,
}

/// Seconds since 1970 with six decimals, as Sidekiq 6 and 7 write moments.
pub fn seconds(stamp: Stamp) -> String {
    let (whole, rest) = (stamp.micros.div_euclid(1_000_000), stamp.micros.rem_euclid(1_000_000));
    format!("{whole}.{rest:06}")
}

/// The same as a JSON number, marked as coming from the clock.
fn moment(stamp: Stamp) -> Value {
    let number =
        seconds(stamp).parse::<Decimal>().map_or_else(|_| stamp.micros.into(), |d| Value::from(Data::Decimal(d)));
    number.marked(Marks::CLOCK)
}

impl Wanted {
    /// The payload, in the order in which Sidekiq writes it. A job for later is enqueued by Sidekiq itself when its time has
    /// come, so it has no `enqueued_at` yet.
    pub fn payload(&self, rails: Rails, now: Stamp) -> Map {
        let clock = |text: String| Value::text(text).marked(Marks::CLOCK);
        let enqueued = if rails == Rails::V71 { nanos(now) } else { format!("{}Z", Stamp { digits: 0, ..now }) };
        let mut inner: Vec<(&str, Value)> = vec![
            ("job_class", Value::text(self.job.clone())),
            ("job_id", Value::text(self.job_id.clone())),
            ("provider_job_id", Value::NULL),
            ("queue_name", Value::text(self.queue.clone())),
            ("priority", Value::NULL),
            ("arguments", self.arguments.clone()),
            ("executions", Value::from(0)),
            ("exception_executions", Value::from(Map::default())),
            ("locale", "en".into()),
            ("timezone", "UTC".into()),
            ("enqueued_at", clock(enqueued)),
        ];
        if rails == Rails::V71 {
            inner.push(("scheduled_at", self.at.map_or(Value::NULL, |at| clock(nanos(at)))));
        }
        let retry = match self.retries {
            Retries::Usual => Value::from(true),
            Retries::Never => Value::from(false),
            Retries::Times(n) => Value::from(i64::from(n)),
        };
        let mut all: Vec<(&str, Value)> = vec![
            ("retry", retry),
            ("queue", Value::text(self.queue.clone())),
            ("class", WRAPPER.into()),
            ("wrapped", Value::text(self.job.clone())),
            ("args", Value::list([Value::map(inner)])),
            ("jid", Value::text(self.jid.clone())),
            ("created_at", moment(now)),
        ];
        if self.at.is_none() {
            all.push(("enqueued_at", moment(now)));
        }
        all.into_iter().map(|(key, value)| (Arc::from(key), value)).collect()
    }
}

/// What Sidekiq's own "retry" pushes (`SortedEntry#retry`, `Client#push`): one try less, enqueued now, all else as it is. A job
/// that never failed, and one of the schedule, only gets its time.
pub fn again(payload: &Map, now: Stamp) -> Map {
    let mut made = payload.clone();
    if let Some(count) = made.get("retry_count").and_then(Value::as_int) {
        made.insert("retry_count".into(), Value::from(count.saturating_sub(1)));
    }
    made.shift_remove("at");
    made.insert("enqueued_at".into(), moment(now));
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{json, time::instant};

    fn wanted(at: Option<Stamp>) -> Wanted {
        Wanted {
            job: "Dqt::UpdateTraineeJob".into(),
            queue: "dqt".into(),
            arguments: json::parse(r#"[{"_aj_globalid":"gid://register/Trainee/1"}]"#).unwrap(),
            retries: Retries::Times(0),
            at,
            jid: "00112233445566778899aabb".into(),
            job_id: "11111111-2222-8333-8444-555555555555".into(),
        }
    }

    fn text(rails: Rails, at: Option<&str>) -> String {
        let now = instant("2025-07-23T10:00:00.25Z").unwrap();
        json::text_of(&wanted(at.map(|at| instant(at).unwrap())).payload(rails, now).into())
    }

    #[test]
    fn rails_7_1_reads_this() {
        assert_eq!(
            text(Rails::V71, None),
            r#"{"retry":0,"queue":"dqt","class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","wrapped":"Dqt::UpdateTraineeJob","args":[{"job_class":"Dqt::UpdateTraineeJob","job_id":"11111111-2222-8333-8444-555555555555","provider_job_id":null,"queue_name":"dqt","priority":null,"arguments":[{"_aj_globalid":"gid://register/Trainee/1"}],"executions":0,"exception_executions":{},"locale":"en","timezone":"UTC","enqueued_at":"2025-07-23T10:00:00.250000000Z","scheduled_at":null}],"jid":"00112233445566778899aabb","created_at":1753264800.250000,"enqueued_at":1753264800.250000}"#
        );
        let later = text(Rails::V71, Some("2025-07-23T11:00:00Z"));
        assert!(
            later.contains(r#""scheduled_at":"2025-07-23T11:00:00.000000000Z""#)
                && later.ends_with(r#""created_at":1753264800.250000}"#)
        );
    }

    #[test]
    fn rails_6_1_reads_this() {
        assert_eq!(
            text(Rails::V61, Some("2025-07-23T11:00:00Z")),
            r#"{"retry":0,"queue":"dqt","class":"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper","wrapped":"Dqt::UpdateTraineeJob","args":[{"job_class":"Dqt::UpdateTraineeJob","job_id":"11111111-2222-8333-8444-555555555555","provider_job_id":null,"queue_name":"dqt","priority":null,"arguments":[{"_aj_globalid":"gid://register/Trainee/1"}],"executions":0,"exception_executions":{},"locale":"en","timezone":"UTC","enqueued_at":"2025-07-23T10:00:00Z"}],"jid":"00112233445566778899aabb","created_at":1753264800.250000}"#
        );
    }

    #[test]
    fn a_retry_has_one_try_less_and_keeps_everything_else_to_the_letter() {
        let found = json::parse(r#"{"class":"X","queue":"dqt","jid":"a","created_at":1.50,"retry_count":0,"big":123456789012345678901234567890,"error_message":"é","enqueued_at":1}"#).unwrap();
        let made = again(found.as_map().unwrap(), instant("2025-07-23T10:00:00Z").unwrap());
        assert_eq!(
            json::text_of(&made.into()),
            r#"{"class":"X","queue":"dqt","jid":"a","created_at":1.50,"retry_count":-1,"big":123456789012345678901234567890,"error_message":"é","enqueued_at":1753264800.000000}"#
        );
    }
}
