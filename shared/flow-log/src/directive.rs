//! The tag `flowkeeper` on a resource: instructions from its owner, as far as the policy honors them.

use std::fmt;

use jiff::Timestamp;

use crate::{
    Desired, GovernedBy, ObservedTags, Policy,
    names::TagWord,
    policy::{ResourceTagWords, ScheduleName},
};

const KEY: &str = TagWord::KEY;

/// The tag of one resource, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagDirective<'a> {
    value: &'a str,
    /// What the tag asks for; `None` if the tag is absent, has expired, or is not honored.
    directive: Option<Directive<'a>>,
    /// Why the tag is not honored, as a sentence.
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive<'a> {
    /// Leave the resource alone.
    Ignore,
    /// Keep its flow log on.
    On,
    /// Keep its flow log off.
    Off,
    /// Switch its flow log by this schedule.
    Schedule(&'a str),
}

impl<'a> TagDirective<'a> {
    /// Reads the tag as of `now`.
    ///
    /// # Errors
    /// The tag is malformed; the message says what is valid. If the policy lists the words that count, this is not an
    /// error: a malformed tag is then treated like a word that is not listed.
    pub(crate) fn of(tags: &'a ObservedTags, policy: &Policy, now: Timestamp) -> Result<Self, String> {
        let Some(value) = tags.get(KEY) else { return Ok(Self { value: "", directive: None, note: None }) };
        let words = &policy.resource_tag;
        match parse(value, policy, now) {
            Ok(None) => Ok(Self { value, directive: None, note: None }),
            Ok(Some((directive, needed))) => {
                let note = not_honored(value, &needed, words);
                Ok(Self { value, directive: Some(directive).filter(|_| note.is_none()), note })
            }
            Err(problem) if words.is_given => {
                let note = format!("{problem}, and so it is not honored");
                Ok(Self { value, directive: None, note: Some(note) })
            }
            Err(problem) => Err(problem),
        }
    }

    /// Whether the tag asks to leave the resource alone.
    pub(crate) fn is_ignore(&self) -> bool {
        self.directive == Some(Directive::Ignore)
    }

    /// Returns whether the flow log should be on, and what decides that: the tag, or `schedule` if the tag asks for
    /// nothing.
    pub(crate) fn or_schedule(&self, schedule: &ScheduleName, policy: &Policy, now: Timestamp) -> (bool, GovernedBy) {
        // All names are known: `parse` has checked those in tags, and reading the policy has checked its own.
        let is_on = |name: &str| schedule_is_on(name, policy, now).unwrap_or(true);
        let by_tag = || GovernedBy::Tag(self.value.to_owned());
        match (self.directive, schedule) {
            (Some(Directive::On), _) => (true, by_tag()),
            (Some(Directive::Off), _) => (false, by_tag()),
            (Some(Directive::Schedule(name)), _) => (is_on(name), by_tag()),
            (None | Some(Directive::Ignore), ScheduleName::Always) => (true, GovernedBy::Always),
            (None | Some(Directive::Ignore), ScheduleName::Never) => (false, GovernedBy::Never),
            (None | Some(Directive::Ignore), ScheduleName::Named(name)) => {
                (is_on(name), GovernedBy::Schedule(name.clone()))
            }
        }
    }
}

impl fmt::Display for TagDirective<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its tag {KEY} says {}", self.value)
    }
}

/// Returns what the tags of `id` ask for.
///
/// # Errors
/// The desired state that the tags decide by themselves: unreadable tags, an exclusion, or a malformed directive.
pub(crate) fn directive_of<'t, S>(
    tags: Option<&'t ObservedTags>,
    id: &str,
    policy: &Policy,
    now: Timestamp,
) -> Result<TagDirective<'t>, Desired<S>> {
    let Some(tags) = tags else {
        return Err(Desired::Unknown { reason: format!("the tags of {id} cannot be read, and may rule it out") });
    };
    if let Some(reason) = excluded_by_tag(tags, policy) {
        return Err(Desired::Excluded { reason });
    }
    match TagDirective::of(tags, policy, now) {
        Ok(directive) if directive.is_ignore() => Err(Desired::Excluded { reason: directive.to_string() }),
        Ok(directive) => Ok(directive),
        Err(reason) => Err(Desired::Invalid { reason }),
    }
}

/// Whether the policy excludes resources with these tags.
fn excluded_by_tag(tags: &ObservedTags, policy: &Policy) -> Option<String> {
    let (key, value) = policy.exclude.tags.iter().find(|(key, value)| tags.get(*key) == Some(value))?;
    Some(format!("the policy excludes what is tagged {key}={value}"))
}

/// Parses a value as of `now`, and returns the directive with the words that must be honored for it; `None` if it has
/// expired.
fn parse<'a>(value: &'a str, policy: &Policy, now: Timestamp) -> Result<Option<(Directive<'a>, Vec<TagWord>)>, String> {
    let until = |text: &str, directive, word| match text.parse::<Timestamp>() {
        Ok(end) => Ok((now < end).then(|| (directive, vec![word]))),
        Err(_) => Err(format!(
            "its tag {KEY} holds {text:?}, which is no time with an offset, as in \"2026-11-30T18:00+08:00\""
        )),
    };
    match value.split_once('=') {
        None if value == "ignore" => Ok(Some((Directive::Ignore, vec![TagWord::Ignore]))),
        None if value == "on" => Ok(Some((Directive::On, vec![TagWord::On]))),
        None if value == "off" => Ok(Some((Directive::Off, vec![TagWord::Off]))),
        Some(("on-until", text)) => until(text, Directive::On, TagWord::OnUntil),
        Some(("off-until", text)) => until(text, Directive::Off, TagWord::OffUntil),
        Some(("schedule", name)) => {
            if schedule_is_on(name, policy, now).is_none() {
                return Err(format!("its tag {KEY} names the schedule {name:?}, which the policy does not have"));
            }
            // `schedule=never` is `off` in other words, so it takes permission for `off` as well; the same holds for
            // `always` and `on`.
            let also = match name {
                "always" => Some(TagWord::On),
                "never" => Some(TagWord::Off),
                _ => None,
            };
            Ok(Some((Directive::Schedule(name), [TagWord::Schedule].into_iter().chain(also).collect())))
        }
        _ => Err(format!(
            "its tag {KEY} is {value:?}, which is none of ignore, on, off, on-until=…, off-until=…, schedule=…"
        )),
    }
}

/// Explains why a value is not honored; `None` if it is.
fn not_honored(value: &str, needed: &[TagWord], words: &ResourceTagWords) -> Option<String> {
    let missing: Vec<_> = needed.iter().filter(|word| !words.honors(**word)).map(|word| word.as_str()).collect();
    let missing = missing.join(" and ");
    (!missing.is_empty())
        .then(|| format!("its tag {KEY}={value} is not honored: the policy's resource_tag does not list {missing}"))
}

/// Whether the schedule of this name is on; `None` if there is no such schedule. `always` and `never` are built in.
fn schedule_is_on(name: &str, policy: &Policy, now: Timestamp) -> Option<bool> {
    match name {
        "always" => Some(true),
        "never" => Some(false),
        name => Some(policy.schedules.get(name)?.is_on(now)),
    }
}

/// When a tag's value expires, if it does.
pub(crate) fn expiry(value: &str) -> Option<Timestamp> {
    let (word, end) = value.split_once('=')?;
    end.parse().ok().filter(|_| matches!(word, "on-until" | "off-until"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(more: &str) -> Policy {
        Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\n{more}")).unwrap()
    }

    fn of<'a>(tags: &'a ObservedTags, more: &str, now: &str) -> Result<TagDirective<'a>, String> {
        TagDirective::of(tags, &policy(more), now.parse().unwrap())
    }

    fn tag(value: &str) -> ObservedTags {
        [(KEY.to_owned(), value.to_owned())].into_iter().collect()
    }

    #[test]
    fn an_expired_word_is_as_if_absent() {
        let tags = ["on-until=2026-11-30T18:00+08:00", "off-until=2026-11-30T10:00:00Z"].map(tag);
        let directives = |now: &str| [&tags[0], &tags[1]].map(|tags| of(tags, "", now).unwrap().directive);
        assert_eq!(directives("2026-11-30T09:59:59Z"), [Some(Directive::On), Some(Directive::Off)]);
        assert_eq!(directives("2026-11-30T10:00:00Z"), [None, None]);
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_there_are() {
        for value in ["", "ON", "ingore", "on=1", "on-until=tomorrow", "on-until=2026-11-30T18:00", "schedule=nights"] {
            assert!(of(&tag(value), "", "1970-01-01T00:00Z").is_err(), "{value}");
        }
    }

    #[test]
    fn a_word_that_the_policy_does_not_list_is_not_honored() {
        let office = "schedules: {office: {time_zone: UTC, on: [\"Mon-Sun 00:00-12:00\"]}}\n";
        for (listed, value, missing) in [
            ("[]", "ignore", "ignore"),
            ("[]", "on", "on"),
            ("[on]", "off", "off"),
            ("[on, off]", "off-until=2026-11-30T10:00Z", "off-until"),
            ("[off-until]", "on-until=2026-11-30T10:00Z", "on-until"),
            ("[on, off]", "schedule=office", "schedule"),
            ("[schedule]", "schedule=never", "off"),
            ("[schedule, off]", "schedule=always", "on"),
            ("[ignore]", "schedule=never", "schedule and off"),
        ] {
            let tags = tag(value);
            let found = of(&tags, &format!("{office}resource_tag: {listed}\n"), "2026-01-01T00:00Z").unwrap();
            let note =
                format!("its tag flowkeeper={value} is not honored: the policy's resource_tag does not list {missing}");
            assert_eq!((found.directive, found.note), (None, Some(note)), "{listed}");
        }
        for (listed, value) in [
            ("[ignore]", "ignore"),
            ("[off]", "off"),
            ("[schedule]", "schedule=office"),
            ("[schedule, off]", "schedule=never"),
            ("[schedule, on]", "schedule=always"),
            ("[off-until]", "off-until=2026-11-30T10:00Z"),
        ] {
            let tags = tag(value);
            let found = of(&tags, &format!("{office}resource_tag: {listed}\n"), "2026-01-01T00:00Z").unwrap();
            assert!(found.directive.is_some() && found.note.is_none(), "{listed} {value}");
        }
    }

    #[test]
    fn where_the_policy_lists_words_what_has_no_meaning_is_not_honored_either() {
        for value in ["ingore", "", "off-until=tomorrow", "schedule=nights"] {
            let tags = tag(value);
            let found =
                of(&tags, "resource_tag: [ignore, on, off, on-until, off-until, schedule]\n", "2026-01-01T00:00Z");
            let found = found.unwrap();
            assert!(found.directive.is_none(), "{value}");
            assert!(found.note.unwrap().ends_with(", and so it is not honored"), "{value}");
        }
        let expired = of(&tag("off-until=2025-01-01T00:00Z"), "resource_tag: []\n", "2026-01-01T00:00Z").unwrap().note;
        assert_eq!(expired, None, "what has expired says nothing that could be honored");
    }
}
