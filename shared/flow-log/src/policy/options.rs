//! The options of a policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::{AccountId, RegionId, ResourceId, ResourceType, RoleArn, names::TagWord, one_by_one};

/// The regions that sweeps read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Regions {
    /// The function's own.
    #[default]
    Own,
    /// Every region that the account has. The API says which these are.
    All,
    /// These.
    Named(Vec<RegionId>),
}

impl Regions {
    /// The word for all regions.
    pub(crate) const ALL: &str = "all";
}

/// Another account, which is managed by assuming a role in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAccount {
    /// The account that the role is in.
    pub id: AccountId,
    /// The role to assume in it.
    pub role: RoleArn,
    /// The external id that the role's trust policy requires, if any.
    pub external_id: Option<String>,
}

/// What is never changed, whatever else the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// These resources, and everything in them.
    pub ids: BTreeSet<ResourceId>,
    /// Resources that carry one of these tags themselves; the tags of their VPC do not count.
    pub tags: BTreeMap<String, String>,
}

/// When flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleName {
    /// At all times.
    Always,
    /// At no time.
    Never,
    /// When this schedule of the policy says so.
    Named(String),
}

/// How much one sweep may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of changes that can take something away.
    pub max_changes: u32,
    /// The same limit as a percentage of the checked resources; applies only above ten changes.
    pub max_changes_percent: u32,
    /// Maximum number of new flow logs; `None` means no limit.
    pub max_creations: Option<u32>,
}

impl Limits {
    /// The largest number of changes.
    pub(crate) const MAX_CHANGES: u32 = 1_000_000;
    /// A sweep cannot change more than all of its resources.
    pub(crate) const MAX_PERCENT: u32 = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_changes: 50, max_changes_percent: 30, max_creations: None }
    }
}

/// What remediation may repair. Anything else is reported and left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remediate {
    /// Flow logs that do not exist.
    pub missing: bool,
    /// Flow logs that do not record, but should.
    pub inactive: bool,
    /// Flow logs that differ from the policy.
    pub drifted: bool,
}

impl Remediate {
    /// Nothing is repaired.
    pub(crate) const NOTHING: Self = Self { missing: false, inactive: false, drifted: false };

    /// The words of a policy, each with the repair that it allows.
    pub(crate) const WORDS: [(&str, Self); 3] = [
        ("missing", Self { missing: true, ..Self::NOTHING }),
        ("inactive", Self { inactive: true, ..Self::NOTHING }),
        ("drifted", Self { drifted: true, ..Self::NOTHING }),
    ];

    /// Allows what either of them allows.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            missing: self.missing || other.missing,
            inactive: self.inactive || other.inactive,
            drifted: self.drifted || other.drifted,
        }
    }
}

impl Default for Remediate {
    fn default() -> Self {
        Self { missing: true, inactive: true, drifted: true }
    }
}

/// What happens to an own flow log under another own flow log that records at least as much: the traffic is paid for
/// twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Superfluous {
    /// It is reported.
    #[default]
    Report,
    /// It is deleted.
    Delete,
}

impl Superfluous {
    /// The words of a policy.
    pub(crate) const WORDS: [(&str, Self); 2] = [("report", Self::Report), ("delete", Self::Delete)];
}

/// Which words of the tag `flowkeeper` on resources count.
///
/// Anyone who may tag a resource can stop its flow log with a word that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTagWords {
    /// The words that count. Any other is a finding, and changes nothing.
    pub honored: BTreeSet<TagWord>,
    /// Whether the policy lists the words. If it does, a malformed tag counts as not honored; otherwise the resource is
    /// left as it is until the tag is fixed.
    pub is_given: bool,
}

impl ResourceTagWords {
    /// Whether this word counts.
    #[must_use]
    pub fn honors(&self, word: TagWord) -> bool {
        self.honored.contains(&word)
    }
}

impl Default for ResourceTagWords {
    fn default() -> Self {
        let honored = one_by_one::set(TagWord::ALL.iter().filter_map(|word| word.parse().ok()));
        Self { honored, is_given: false }
    }
}

/// What happens to foreign flow logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Foreign {
    /// They count as coverage, and are reported.
    #[default]
    Leave,
    /// They are scheduled, switched and changed like Flowkeeper's own, but never deleted.
    Manage,
}

impl Foreign {
    /// The words of a policy.
    pub(crate) const WORDS: [(&str, Self); 2] = [("leave", Self::Leave), ("manage", Self::Manage)];
}

/// The levels of `coverage`, as they are written.
pub(crate) const LEVELS: [(&str, ResourceType); 3] = [
    ("vpc", ResourceType::Vpc),
    ("vswitch", ResourceType::VSwitch),
    ("network-interface", ResourceType::NetworkInterface),
];

/// The schedules that every policy has.
pub(crate) const BUILT_IN_SCHEDULES: [(&str, ScheduleName); 2] =
    [("always", ScheduleName::Always), ("never", ScheduleName::Never)];

/// Yes and no, as they are written.
pub(crate) const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
