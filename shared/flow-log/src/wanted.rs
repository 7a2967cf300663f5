//! What should hold for a resource at a moment.

use std::fmt;

use jiff::Timestamp;

use crate::{
    FlowLogSpec, Policy, Resource, ResourceType, SeenTags,
    policy::ScheduleName,
    tag::{self, Word},
};

/// What should hold for a resource at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted<S = FlowLogSpec> {
    /// Nothing: somebody said to leave it alone.
    LeftAlone {
        /// Who said so.
        reason: String,
    },
    /// Nothing here: flow logs are kept at another level.
    KeptAt(ResourceType),
    /// Nothing can be told: what is said about it is wrong. It is left as it is until that is mended.
    Unclear {
        /// What is wrong.
        reason: String,
    },
    /// A flow log.
    Kept(Box<Kept<S>>),
}

/// The flow log that a resource should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<S = FlowLogSpec> {
    /// What it should look like.
    pub spec: S,
    /// Whether it should record.
    pub is_on: bool,
    /// Who says whether it should record.
    pub governed_by: GovernedBy,
}

/// Who says whether a flow log should record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GovernedBy {
    /// Nobody in particular: it should.
    Always,
    /// The policy, with `schedule: never`.
    Never,
    /// A schedule of the policy.
    Schedule(String),
    /// The tag of the resource, with this value.
    Tag(String),
}

impl fmt::Display for GovernedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("the policy"),
            Self::Never => f.write_str("the policy's schedule never"),
            Self::Schedule(name) => write!(f, "the schedule {name}"),
            Self::Tag(value) => write!(f, "its tag {}={value}", tag::KEY),
        }
    }
}

/// The level at which the flow log for `resource` is kept.
///
/// An override is asked about the resource itself: about its own tags, not those of its vSwitch or VPC. For all that
/// is in a VPC there is `vpc_ids`.
#[must_use]
pub fn level(resource: &Resource, policy: &Policy) -> ResourceType {
    policy.override_of(resource).and_then(|found| found.coverage).unwrap_or(policy.coverage)
}

/// What should hold for `resource` at `now`.
#[must_use]
pub fn wanted(resource: &Resource, policy: &Policy, now: Timestamp) -> Wanted {
    if let Some(reason) = excluded(resource, policy) {
        return Wanted::LeftAlone { reason };
    }
    let said = match Said::by(&resource.tags, now) {
        Ok(said) if said.is_to_be_ignored() => return Wanted::LeftAlone { reason: said.to_string() },
        Ok(said) => said,
        Err(reason) => return Wanted::Unclear { reason },
    };
    let level = level(resource, policy);
    if level != resource.id.resource_type() {
        return Wanted::KeptAt(level);
    }

    let found = policy.override_of(resource);
    let schedule = found.and_then(|found| found.schedule.as_ref()).unwrap_or(&policy.schedule);
    let (is_on, governed_by) = match said.or_scheduled(schedule, policy, now) {
        Ok(on_or_off) => on_or_off,
        Err(reason) => return Wanted::Unclear { reason },
    };

    let pattern = match found {
        Some(found) => &found.flow_log.over(&policy.flow_log),
        None => &policy.flow_log,
    };
    match pattern.fill(resource) {
        Ok(spec) => Wanted::Kept(Box::new(Kept { spec, is_on, governed_by })),
        Err(error) => Wanted::Unclear { reason: format!("the policy cannot be filled in: {error}") },
    }
}

/// What the tag [`tag::KEY`] of a resource says, if anything.
pub(crate) struct Said<'a> {
    word: Option<Word>,
    value: &'a str,
}

impl<'a> Said<'a> {
    /// What these tags say at `now`.
    ///
    /// # Errors
    /// The tag has no meaning.
    pub(crate) fn by(tags: &'a SeenTags, now: Timestamp) -> Result<Self, String> {
        match tags.get(tag::KEY) {
            None => Ok(Self { word: None, value: "" }),
            Some(value) => tag::read(value, now).map(|word| Self { word, value }),
        }
    }

    pub(crate) fn is_to_be_ignored(&self) -> bool {
        self.word == Some(Word::Ignore)
    }

    /// Whether a flow log is to be on, and who says so: the tag, or else `schedule`.
    ///
    /// # Errors
    /// The tag names a schedule that the policy does not have.
    pub(crate) fn or_scheduled(
        self,
        schedule: &ScheduleName,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<(bool, GovernedBy), String> {
        let by_tag = || GovernedBy::Tag(self.value.to_owned());
        Ok(match self.word {
            Some(Word::On) => (true, by_tag()),
            Some(Word::Off) => (false, by_tag()),
            Some(Word::Schedule(ref name)) => match is_on(policy, name, now) {
                Some(is_on) => (is_on, by_tag()),
                None => {
                    return Err(format!(
                        "its tag {} names the schedule {name:?}, which the policy does not have",
                        tag::KEY
                    ));
                }
            },
            None | Some(Word::Ignore) => match schedule {
                ScheduleName::Always => (true, GovernedBy::Always),
                ScheduleName::Never => (false, GovernedBy::Never),
                ScheduleName::Named(name) => {
                    (is_on(policy, name, now).unwrap_or(true), GovernedBy::Schedule(name.clone()))
                }
            },
        })
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its tag {} says {}", tag::KEY, self.value)
    }
}

/// Whether the policy leaves `resource`, or what it is part of, out by its id, or by its tags.
fn excluded(resource: &Resource, policy: &Policy) -> Option<String> {
    let mut ids = std::iter::once(&resource.id).chain(&resource.parents);
    if let Some(id) = ids.find(|id| policy.exclude.ids.contains(id)) {
        return Some(format!("the policy excludes {id}"));
    }
    excluded_by_tag(&resource.tags, policy)
}

/// Whether the policy leaves out what carries these tags.
pub(crate) fn excluded_by_tag(tags: &SeenTags, policy: &Policy) -> Option<String> {
    let (key, value) = policy.exclude.tags.iter().find(|(key, value)| tags.get(*key) == Some(value))?;
    Some(format!("the policy excludes what is tagged {key}={value}"))
}

/// Whether the schedule of this name is on; `always` and `never` are names, too.
fn is_on(policy: &Policy, name: &str, now: Timestamp) -> Option<bool> {
    match name {
        "always" => Some(true),
        "never" => Some(false),
        name => Some(policy.schedules.get(name)?.is_on(now)),
    }
}
