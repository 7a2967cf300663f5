//! Triggers of a template: events on the default bus, messages of a queue, and timers.

use serde_json::Value;

use super::{
    function::Function,
    queue::{self, queue_of},
    resolve::{Resolver, Resource},
    schedule::Schedule,
    template::TemplateError,
};
use crate::{
    eventbridge::{bus::EventBus, pattern::Pattern},
    world::state::Place,
};

/// What invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// The account and region of its stack, and of its function.
    pub place: Place,
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

    /// Returns whether a bus is the one that triggers of events listen to in the place of this one: the default bus.
    pub(crate) fn listens_to(&self, bus: &EventBus) -> bool {
        bus.is_default() && bus.account == self.place.account && bus.region == self.place.region
    }
}

/// The kinds of triggers.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Events on the default bus.
    Events {
        /// `eventRuleFilterPattern`.
        pattern: Pattern,
        /// How the function is invoked.
        push: Push,
    },
    /// Messages of a queue, each wrapped in an event.
    Queue {
        /// The queue's ARN.
        queue: String,
        /// Whether messages are encoded with Base64.
        is_encoded: bool,
        /// `eventRuleFilterPattern`; `None` for all messages.
        pattern: Option<Pattern>,
        /// How the function is invoked.
        push: Push,
    },
    /// A timer.
    Timer {
        /// When it fires.
        schedule: Schedule,
        /// The payload that the function receives, as text.
        payload: String,
    },
}

/// How `EventBridge` invokes a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// `asyncInvocationType`: FC retries, not EventBridge.
    pub asynchronous: bool,
    /// EventBridge's retry strategy.
    pub retries: RetryStrategy,
    /// EventBridge's dead-letter queue.
    pub dead_letters: Option<String>,
}

/// `EventBridge`'s `PushRetryStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryStrategy {
    /// `BACKOFF_RETRY`: three retries, each after 10 to 20 seconds.
    Backoff,
    /// `EXPONENTIAL_DECAY_RETRY`: 176 retries, after 1, 2, 4 and so on up to 512 seconds, which is a day in total.
    ExponentialDecay,
}

impl RetryStrategy {
    /// Returns the strategy with this name. The error says what is valid.
    pub(super) fn named(name: &str) -> Result<Self, &'static str> {
        match name {
            "BACKOFF_RETRY" => Ok(Self::Backoff),
            "EXPONENTIAL_DECAY_RETRY" => Ok(Self::ExponentialDecay),
            _ => Err("is not BACKOFF_RETRY or EXPONENTIAL_DECAY_RETRY"),
        }
    }
}

/// Returns the triggers that a template creates.
pub(super) fn triggers(
    resolver: &Resolver,
    functions: &[Function],
    queues: &[String],
    place: &Place,
) -> Result<Vec<Trigger>, TemplateError> {
    let trigger = |resource: &Resource<'_>| {
        let function = resource.text("FunctionName")?;
        if !functions.iter().any(|known| known.name == function) {
            return Err(resource.error("FunctionName", "no function of the template has this name"));
        }
        let (switch, source) = match resource.text("TriggerType")?.as_str() {
            "eventbridge" => ("TriggerConfig.triggerEnable", events(resource, queues, place)?),
            "timer" => ("TriggerConfig.enable", timer(resource)?),
            other => return Err(resource.error("TriggerType", &format!("{other:?} is not supported by local-cloud"))),
        };
        if resource.optional_text("Qualifier")?.is_some_and(|qualifier| qualifier != "LATEST") {
            return Err(resource.error("Qualifier", "is not LATEST, the only one that local-cloud supports"));
        }
        // The setting is optional for event triggers, which are enabled by default. Timers require it.
        let enabled = resource.optional_text(switch)?.as_deref() != Some("false");
        Ok(Trigger { place: place.clone(), name: resource.text("TriggerName")?, function, enabled, source })
    };
    resolver.resources("ALIYUN::FC3::Trigger")?.iter().map(trigger).collect()
}

fn timer(resource: &Resource<'_>) -> Result<Source, TemplateError> {
    resource.text("TriggerConfig.enable")?;
    let place = "TriggerConfig.cronExpression";
    let schedule = Schedule::parse(&resource.text(place)?).map_err(|problem| resource.error(place, &problem))?;
    Ok(Source::Timer { schedule, payload: resource.optional_text("TriggerConfig.payload")?.unwrap_or_default() })
}

fn events(resource: &Resource<'_>, queues: &[String], stack: &Place) -> Result<Source, TemplateError> {
    for (place, known) in [
        ("TriggerConfig.eventSinkConfig.deliveryOption.eventSchema", "CloudEvents"),
        ("TriggerConfig.runOptions.mode", "event-driven"),
        ("TriggerConfig.runOptions.errorsTolerance", "ALL"),
    ] {
        expect(resource, place, known)?;
    }
    let strategy = "TriggerConfig.runOptions.retryStrategy.PushRetryStrategy";
    let retries = match resource.optional_text(strategy)? {
        None => RetryStrategy::Backoff,
        Some(name) => RetryStrategy::named(&name).map_err(|problem| resource.error(strategy, problem))?,
    };
    let push = Push {
        asynchronous: resource.optional_text("TriggerConfig.asyncInvocationType")?.as_deref() == Some("true"),
        retries,
        dead_letters: queue_of(resource, "TriggerConfig.runOptions.deadLetterQueue.Arn", queues)?,
    };
    let place = "TriggerConfig.eventSourceConfig.eventSourceType";
    match resource.optional_text(place)?.as_deref() {
        None | Some("Default") => Ok(Source::Events { pattern: pattern(resource)?, push }),
        Some("MNS") => {
            let parameters = "TriggerConfig.eventSourceConfig.eventSourceParameters.sourceMNSParameters";
            expect(resource, &format!("{parameters}.RegionId"), &stack.region)?;
            let name = format!("{parameters}.QueueName");
            let arn = queue::arn(&stack.account, &stack.region, &resource.text(&name)?);
            let queue = queue::known(resource, &name, &arn, queues)?;
            let encoded = resource.optional_text(&format!("{parameters}.IsBase64Decode"))?;
            // Such a source passes everything that is in the queue.
            let is_open = resource.text(PATTERN)?.replace(' ', "") == "{}";
            let pattern = if is_open { None } else { Some(pattern(resource)?) };
            Ok(Source::Queue { queue, is_encoded: encoded.as_deref() == Some("true"), pattern, push })
        }
        Some(_) => Err(resource.error(place, "is not Default or MNS, the values that local-cloud supports")),
    }
}

const PATTERN: &str = "TriggerConfig.eventRuleFilterPattern";

fn pattern(resource: &Resource<'_>) -> Result<Pattern, TemplateError> {
    let text = resource.text(PATTERN)?;
    let pattern: Value = serde_json::from_str(&text).map_err(|error| resource.error(PATTERN, &error.to_string()))?;
    Pattern::parse(&pattern).map_err(|(place, problem)| resource.error(&format!("{PATTERN}{place}"), &problem))
}

/// Checks that a property is absent or has the only value that is supported.
fn expect(resource: &Resource<'_>, place: &str, known: &str) -> Result<(), TemplateError> {
    match resource.optional_text(place)? {
        Some(given) if given != known => {
            Err(resource.error(place, &format!("is not {known}, the only value that local-cloud supports")))
        }
        _ => Ok(()),
    }
}
