//! Triggers of a template: events on the default bus, and timers.

use serde_json::Value;

use super::{
    function::Function,
    queue::queue_of,
    resolve::{Resolver, Resource},
    schedule::Schedule,
    template::TemplateError,
};
use crate::eventbridge::pattern::Pattern;

/// What invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// `TriggerName`.
    pub name: String,
    /// The function's name.
    pub function: String,
    /// Whether the trigger is enabled.
    pub enabled: bool,
    /// What the trigger listens to.
    pub source: Source,
}

impl Trigger {
    /// Returns whether an event on the default bus triggers its function.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        self.enabled && matches!(&self.source, Source::Events { pattern, .. } if pattern.matches(event))
    }
}

/// The kinds of triggers.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Events on the default bus.
    Events {
        /// `eventRuleFilterPattern`.
        pattern: Pattern,
        /// `asyncInvocationType`: FC retries, not EventBridge.
        asynchronous: bool,
        /// EventBridge's retry strategy.
        retries: RetryStrategy,
        /// EventBridge's dead-letter queue.
        dead_letters: Option<String>,
    },
    /// A timer.
    Timer {
        /// When it fires.
        schedule: Schedule,
        /// The payload that the function receives, as text.
        payload: String,
    },
}

/// `EventBridge`'s `PushRetryStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryStrategy {
    /// `BACKOFF_RETRY`: three retries, each after 10 to 20 seconds.
    Backoff,
    /// `EXPONENTIAL_DECAY_RETRY`: 176 retries, after 1, 2, 4 and so on up to 512 seconds, which is a day in total.
    ExponentialDecay,
}

/// Returns the triggers that a template creates.
pub(super) fn triggers(
    resolver: &Resolver,
    functions: &[Function],
    queues: &[String],
) -> Result<Vec<Trigger>, TemplateError> {
    let trigger = |resource: &Resource<'_>| {
        let function = resource.text("FunctionName")?;
        if !functions.iter().any(|known| known.name == function) {
            return Err(resource.error("FunctionName", "no function of the template has this name"));
        }
        let (switch, source) = match resource.text("TriggerType")?.as_str() {
            "eventbridge" => ("TriggerConfig.triggerEnable", events(resource, queues)?),
            "timer" => ("TriggerConfig.enable", timer(resource)?),
            other => return Err(resource.error("TriggerType", &format!("{other:?} is not supported by local-cloud"))),
        };
        if resource.optional_text("Qualifier")?.is_some_and(|qualifier| qualifier != "LATEST") {
            return Err(resource.error("Qualifier", "is not LATEST, the only one that local-cloud supports"));
        }
        // The setting is optional for event triggers, which are enabled by default. Timers require it.
        let enabled = resource.optional_text(switch)?.as_deref() != Some("false");
        Ok(Trigger { name: resource.text("TriggerName")?, function, enabled, source })
    };
    resolver.resources("ALIYUN::FC3::Trigger")?.iter().map(trigger).collect()
}

fn timer(resource: &Resource<'_>) -> Result<Source, TemplateError> {
    resource.text("TriggerConfig.enable")?;
    let place = "TriggerConfig.cronExpression";
    let schedule = Schedule::parse(&resource.text(place)?).map_err(|problem| resource.error(place, &problem))?;
    Ok(Source::Timer { schedule, payload: resource.optional_text("TriggerConfig.payload")?.unwrap_or_default() })
}

fn events(resource: &Resource<'_>, queues: &[String]) -> Result<Source, TemplateError> {
    let text = resource.text("TriggerConfig.eventRuleFilterPattern")?;
    let bad =
        |error: &dyn std::fmt::Display| resource.error("TriggerConfig.eventRuleFilterPattern", &error.to_string());
    for (place, known) in [
        ("TriggerConfig.eventSourceConfig.eventSourceType", "Default"),
        ("TriggerConfig.eventSinkConfig.deliveryOption.eventSchema", "CloudEvents"),
        ("TriggerConfig.runOptions.mode", "event-driven"),
        ("TriggerConfig.runOptions.errorsTolerance", "ALL"),
    ] {
        if resource.optional_text(place)?.is_some_and(|given| given != known) {
            return Err(resource.error(place, &format!("is not {known}, the only value that local-cloud supports")));
        }
    }
    let strategy = resource.optional_text("TriggerConfig.runOptions.retryStrategy.PushRetryStrategy")?;
    let retries = match strategy.as_deref() {
        None | Some("BACKOFF_RETRY") => RetryStrategy::Backoff,
        Some("EXPONENTIAL_DECAY_RETRY") => RetryStrategy::ExponentialDecay,
        Some(_) => {
            let place = "TriggerConfig.runOptions.retryStrategy.PushRetryStrategy";
            return Err(resource.error(place, "is not BACKOFF_RETRY or EXPONENTIAL_DECAY_RETRY"));
        }
    };
    let pattern = serde_json::from_str::<Value>(&text).map_err(|error| bad(&error))?;
    let pattern = Pattern::parse(&pattern).map_err(|(place, problem)| {
        resource.error(&format!("TriggerConfig.eventRuleFilterPattern{place}"), &problem)
    })?;
    Ok(Source::Events {
        pattern,
        asynchronous: resource.optional_text("TriggerConfig.asyncInvocationType")?.as_deref() == Some("true"),
        retries,
        dead_letters: queue_of(resource, "TriggerConfig.runOptions.deadLetterQueue.Arn", queues)?,
    })
}
