//! Rules of a template: which events of a bus go to which targets.

use serde_json::Value;

use super::{
    queue,
    resolve::{Resolver, Resource, text_of},
    template::TemplateError,
    trigger::RetryStrategy,
};
use crate::eventbridge::{bus::EventBus, pattern::Pattern};

/// The maximum number of targets of a rule.
const MAX_TARGETS: usize = 5;

/// A rule on an event bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The resource's name in the template.
    pub id: String,
    /// `RuleName`.
    pub name: String,
    /// The bus, which is in the account and region of the stack.
    pub bus: EventBus,
    /// Whether the rule is enabled.
    pub enabled: bool,
    /// `FilterPattern`.
    pub pattern: Pattern,
    /// Where matching events go.
    pub targets: Vec<Target>,
}

/// A target of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Where events go.
    pub sink: Sink,
    /// `PushRetryStrategy`.
    pub retries: RetryStrategy,
    /// The queue for events that exhausted the retries.
    pub dead_letters: Option<String>,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// `acs.eventbridge`: another bus.
    Bus {
        /// The receiving bus.
        bus: EventBus,
        /// The name of the role in the receiving account that lets the events in; `None` within an account.
        role: Option<String>,
    },
    /// `acs.mns.queue`: a queue in the account and region of the rule.
    Queue {
        /// The queue's ARN.
        queue: String,
        /// Whether messages are encoded with Base64.
        is_encoded: bool,
    },
}

/// Reads the rules of a template.
struct Reader<'a> {
    account: &'a str,
    region: &'a str,
    queues: &'a [String],
}

/// Returns the rules that a template creates.
pub(super) fn rules(
    resolver: &Resolver,
    account: &str,
    region: &str,
    queues: &[String],
) -> Result<Vec<Rule>, TemplateError> {
    let reader = Reader { account, region, queues };
    resolver.resources("ALIYUN::EventBridge::Rule")?.iter().map(|resource| reader.rule(resource)).collect()
}

impl Reader<'_> {
    fn rule(&self, resource: &Resource<'_>) -> Result<Rule, TemplateError> {
        let pattern = resource.value("FilterPattern")?.unwrap_or_default();
        let pattern = Pattern::parse(&pattern)
            .map_err(|(place, problem)| resource.error(&format!("FilterPattern{place}"), &problem))?;
        let targets = resource.value("Targets")?.unwrap_or_default();
        let targets = targets.as_array().map(Vec::as_slice).unwrap_or_default();
        if targets.is_empty() || targets.len() > MAX_TARGETS {
            return Err(
                resource.error("Targets", &format!("has {} targets, and a rule has 1 to {MAX_TARGETS}", targets.len()))
            );
        }
        let enabled = match resource.optional_text("Status")?.as_deref() {
            None | Some("ENABLE") => true,
            Some("DISABLE") => false,
            Some(_) => return Err(resource.error("Status", "is not ENABLE or DISABLE")),
        };
        let targets = targets.iter().enumerate();
        let targets =
            targets.map(|(n, target)| self.target(&Parts { resource, n, target })).collect::<Result<_, _>>()?;
        Ok(Rule {
            id: resource.id().to_owned(),
            name: resource.text("RuleName")?,
            bus: EventBus::new(self.account, self.region, &resource.text("EventBusName")?),
            enabled,
            pattern,
            targets,
        })
    }

    fn target(&self, parts: &Parts<'_>) -> Result<Target, TemplateError> {
        parts.text("Id")?;
        let sink = match parts.text("Type")?.as_str() {
            "acs.eventbridge" => self.bus(parts)?,
            "acs.mns.queue" => self.queue(parts)?,
            other => return Err(parts.error("Type", &format!("{other:?} is not supported by local-cloud"))),
        };
        // With NONE, one event that cannot be delivered holds up all that follow.
        if parts.target["ErrorsTolerance"] != "ALL" {
            return Err(parts.error("ErrorsTolerance", "is not ALL, the only value that local-cloud supports"));
        }
        let retries = match &parts.target["PushRetryStrategy"] {
            Value::Null => RetryStrategy::Backoff,
            given => {
                RetryStrategy::named(&text_of(given)).map_err(|problem| parts.error("PushRetryStrategy", problem))?
            }
        };
        let dead_letters = match &parts.target["DeadLetterQueue"]["Arn"] {
            Value::Null => None,
            arn => Some(queue::known(parts.resource, &parts.place("DeadLetterQueue.Arn"), &text_of(arn), self.queues)?),
        };
        Ok(Target { sink, retries, dead_letters })
    }

    /// Reads a target that is another bus. Its endpoint and its parameters say the same.
    fn bus(&self, parts: &Parts<'_>) -> Result<Sink, TemplateError> {
        let endpoint = parts.text("Endpoint")?;
        let bus = EventBus::of_arn(&endpoint)
            .ok_or_else(|| parts.error("Endpoint", &format!("{endpoint:?} is not the ARN of an event bus")))?;
        let is_other_account = bus.account != self.account;
        let account_type = if is_other_account { "AnotherAccount" } else { "SameAccount" };
        for (key, expected) in
            [("RegionId", bus.region.as_str()), ("EventBusName", &bus.name), ("AccountType", account_type)]
        {
            parts.expect(key, expected)?;
        }
        if is_other_account {
            parts.expect("AccountId", &bus.account)?;
        }
        parts.expect_whole_event()?;
        let role = if is_other_account { Some(parts.constant("RAMRoleName")?) } else { None };
        Ok(Sink::Bus { bus, role })
    }

    fn queue(&self, parts: &Parts<'_>) -> Result<Sink, TemplateError> {
        let name = parts.constant("queue")?;
        let endpoint = format!("acs:mns:{}:{}:queues/{name}", self.region, self.account);
        if parts.text("Endpoint")? != endpoint {
            return Err(parts.error("Endpoint", &format!("is not {endpoint}, the queue in its parameters")));
        }
        parts.expect_whole_event()?;
        let queue = queue::arn(self.account, self.region, &name);
        let queue = queue::known(parts.resource, &parts.place("Endpoint"), &queue, self.queues)?;
        let is_encoded = parts.parameter("IsBase64Encode").is_some_and(|given| text_of(&given["Value"]) == "true");
        Ok(Sink::Queue { queue, is_encoded })
    }
}

/// One target of a rule, with its place in the template.
struct Parts<'a> {
    resource: &'a Resource<'a>,
    n: usize,
    target: &'a Value,
}

impl Parts<'_> {
    fn place(&self, path: &str) -> String {
        format!("Targets[{}].{path}", self.n)
    }

    fn error(&self, path: &str, problem: &str) -> TemplateError {
        self.resource.error(&self.place(path), problem)
    }

    fn text(&self, name: &str) -> Result<String, TemplateError> {
        let found = self.target.get(name).ok_or_else(|| self.error(name, "is missing"))?;
        Ok(text_of(found))
    }

    /// Returns a member of `ParamList`.
    fn parameter(&self, key: &str) -> Option<&Value> {
        self.target["ParamList"].as_array()?.iter().find(|parameter| parameter["ResourceKey"] == key)
    }

    /// Returns the value of a parameter that is the same for every event.
    fn constant(&self, key: &str) -> Result<String, TemplateError> {
        let place = format!("ParamList.{key}");
        let parameter = self.parameter(key).ok_or_else(|| self.error(&place, "is missing"))?;
        if parameter["Form"] != "CONSTANT" {
            return Err(self.error(&place, "is not CONSTANT"));
        }
        Ok(text_of(&parameter["Value"]))
    }

    fn expect(&self, key: &str, expected: &str) -> Result<(), TemplateError> {
        let found = self.constant(key)?;
        if found == expected {
            return Ok(());
        }
        Err(self.error(&format!("ParamList.{key}"), &format!("is {found:?}, and the endpoint says {expected:?}")))
    }

    fn expect_whole_event(&self) -> Result<(), TemplateError> {
        // `Value` is required, even for the whole event.
        if self.parameter("Body").is_some_and(|body| body["Form"] == "ORIGINAL" && body.get("Value").is_some()) {
            return Ok(());
        }
        Err(self.error("ParamList.Body", "is not ORIGINAL with a value, the only form that local-cloud supports"))
    }
}
