//! When providers are asked: `schedule`, as Backstage writes it.
//!
//! How often is a length of time, a cron expression, or `trigger: manual`: only when somebody asks. A provider that was
//! never asked is asked at the first start, whatever a cron expression says, as a catalog that is empty until the night
//! helps nobody.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use croner::Cron;
use serde::Deserialize;
use serde_json::Value;

use crate::catalog::config::Interval;

/// After a failure, a provider that waits for a moment of the day is asked again after so long, then after twice that.
const SECOND_TRY: Duration = Duration::from_mins(1);
/// An answer is not believed longer, however seldom the provider is asked.
const LONGEST_BELIEF: Duration = Duration::from_hours(24);

/// When a provider is asked.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// How often.
    pub(crate) frequency: Frequency,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// The time between the first start and the first answer.
    pub(crate) initial_delay: Duration,
}

/// How often a provider is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Frequency {
    /// With this time between two answers.
    Every(Duration),
    /// At the moments of a cron expression, in the time zone of the process.
    Cron(Arc<Cron>),
    /// When somebody asks for it.
    Manual,
}

/// When what is not due by itself is due.
pub(crate) const NEVER: DateTime<Utc> = match NaiveDate::from_ymd_opt(9999, 1, 1) {
    Some(day) => day.and_time(NaiveTime::MIN).and_utc(),
    None => DateTime::<Utc>::MAX_UTC,
};

/// When something is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// After about so long, with a little chance in it.
    After(Duration),
    /// At this moment, or after so long if that is sooner.
    At(DateTime<Utc>, Option<Duration>),
    /// When somebody asks.
    OnDemand,
}

impl Frequency {
    /// The moment of a cron expression that follows; none for other schedules.
    fn moment_after<Z: TimeZone>(&self, time: &DateTime<Z>) -> Option<DateTime<Utc>> {
        let Self::Cron(cron) = self else { return None };
        cron.find_next_occurrence(time, false).ok().map(|next| next.to_utc())
    }
}

impl Schedule {
    /// When the provider is asked after an answer, or after so many failures in a row.
    pub(crate) fn next(&self, failures: u32, now: DateTime<Utc>) -> Due {
        match &self.frequency {
            Frequency::Every(interval) => Due::After(*interval),
            Frequency::Manual => Due::OnDemand,
            Frequency::Cron(_) => {
                let again = (failures > 0).then_some(SECOND_TRY);
                self.frequency
                    .moment_after(&now.with_timezone(&Local))
                    .map_or(Due::OnDemand, |next| Due::At(next, again))
            }
        }
    }

    /// How long an answer of this moment is believed: until the one after it should be there.
    pub(crate) fn belief(&self, now: DateTime<Utc>) -> TimeDelta {
        let interval = match &self.frequency {
            Frequency::Every(interval) => *interval,
            Frequency::Manual => Duration::ZERO,
            Frequency::Cron(_) => {
                let next = self.frequency.moment_after(&now.with_timezone(&Local));
                next.and_then(|next| (next - now).to_std().ok()).unwrap_or_default()
            }
        };
        let whole = interval.mul_f64(1.25).saturating_add(self.timeout);
        TimeDelta::from_std(whole.min(LONGEST_BELIEF)).unwrap_or_default()
    }
}

impl TryFrom<Value> for Frequency {
    type Error = String;

    fn try_from(written: Value) -> Result<Self, String> {
        if let Some(trigger) = written.get("trigger") {
            return match trigger.as_str() {
                Some("manual") => Ok(Self::Manual),
                _ => Err(format!("`trigger` is {trigger}; the only one is `manual`")),
            };
        }
        let Some(pattern) = written.get("cron") else {
            let length = serde_json::from_value::<Interval>(written).map_err(|error| error.to_string())?;
            return Ok(Self::Every(length.0.max(Duration::from_secs(1))));
        };
        let pattern = pattern.as_str().ok_or_else(|| format!("`cron` is {pattern}; write it as `'0 3 * * *'`"))?;
        let cron = Cron::from_str(pattern)
            .map_err(|error| format!("\"{pattern}\" is no cron expression, such as `0 3 * * *`: {error}"))?;
        let cron = Self::Cron(Arc::new(cron));
        match cron.moment_after(&Utc::now()) {
            Some(_) => Ok(cron),
            None => Err(format!("the moment \"{pattern}\" never comes")),
        }
    }
}

/// `schedule` of a provider, as Backstage writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScheduleConfig {
    frequency: Frequency,
    timeout: Interval,
    initial_delay: Interval,
}

impl ScheduleConfig {
    /// With so many minutes between two answers, and for one.
    pub(super) fn minutes(frequency: u64, timeout: u64) -> Self {
        Self {
            frequency: Frequency::Every(Duration::from_mins(frequency)),
            timeout: Interval(Duration::from_mins(timeout)),
            initial_delay: Interval(Duration::ZERO),
        }
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self::minutes(5, 3)
    }
}

impl From<ScheduleConfig> for Schedule {
    fn from(config: ScheduleConfig) -> Self {
        let ScheduleConfig { frequency, timeout, initial_delay } = config;
        Self { frequency, timeout: timeout.0, initial_delay: initial_delay.0 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: &Value) -> Result<Schedule, String> {
        serde_json::from_value::<ScheduleConfig>(written.clone()).map(Into::into).map_err(|error| error.to_string())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn lengths_are_written_in_many_ways() {
        let cases = [
            (json!({}), [300, 180, 0]),
            (
                json!({ "frequency": { "minutes": 30 }, "timeout": "90s", "initialDelay": { "seconds": 15 } }),
                [1800, 90, 15],
            ),
            (json!({ "frequency": "PT2H" }), [7200, 180, 0]),
            (json!({ "frequency": { "seconds": 0 } }), [1, 180, 0]),
        ];
        for (written, expected) in cases {
            let schedule = read(&written).unwrap();
            let Frequency::Every(frequency) = schedule.frequency else { panic!("{written}") };
            let seconds = [frequency, schedule.timeout, schedule.initial_delay].map(|length| length.as_secs());
            assert_eq!(seconds, expected, "{written}");
        }
    }

    #[test]
    fn a_cron_expression_is_followed() {
        let now = at("2026-11-27T15:45:13Z");
        let cases = [
            ("0 3 * * *", "2026-11-28T03:00:00Z"),
            ("*/30 * * * *", "2026-11-27T16:00:00Z"),
            ("*/20 * * * * *", "2026-11-27T15:45:20Z"),
            ("0 0 * * MON-FRI", "2026-11-30T00:00:00Z"),
            ("@daily", "2026-11-28T00:00:00Z"),
        ];
        for (cron, expected) in cases {
            let schedule = read(&json!({ "frequency": { "cron": cron } })).unwrap();
            assert_eq!(schedule.frequency.moment_after(&now), Some(at(expected)), "{cron}");
        }
        let hourly = read(&json!({ "frequency": { "cron": "0 * * * *" } })).unwrap();
        // Whatever the time zone: a moment in the next hour, sooner after a failure.
        let Due::At(next, None) = hourly.next(0, now) else { panic!() };
        assert!(next > now && next - now <= TimeDelta::hours(1));
        assert!(matches!(hourly.next(2, now), Due::At(_, Some(SECOND_TRY))));
        assert!(hourly.belief(now) >= next - now);
    }

    #[test]
    fn what_is_asked_for_by_hand_never_comes_by_itself() {
        let schedule = read(&json!({ "frequency": { "trigger": "manual" } })).unwrap();
        let now = at("2026-11-27T15:45:13Z");
        assert_eq!([schedule.next(0, now), schedule.next(3, now)], [Due::OnDemand, Due::OnDemand]);
    }

    #[test]
    fn what_is_written_wrongly_is_told() {
        let cases = [
            (json!("often"), "is not a length of time"),
            (json!({ "fortnights": 1 }), "\"fortnights\" is not a unit of time"),
            (json!({ "cron": "every night" }), "\"every night\" is no cron expression, such as `0 3 * * *`: "),
            (json!({ "cron": 3 }), "`cron` is 3; write it as"),
            (json!({ "cron": "0 0 31 2 *" }), "the moment \"0 0 31 2 *\" never comes"),
            (json!({ "trigger": "sometimes" }), "the only one is `manual`"),
        ];
        for (written, expected) in cases {
            let error = read(&json!({ "frequency": written })).unwrap_err();
            assert!(error.contains(expected), "{written}: {error}");
        }
    }
}
