//! How much of the scope was read, and what was not.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use flow_log::one_by_one;

use super::class::Class;
use crate::{
    facts::{Facts, Failure, Kind, Note, NoteState, Read, Service},
    text::{count, plural},
};

/// How much of the scope was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeRead {
    /// Accounts in scope.
    pub accounts_asked: u64,
    /// Accounts with every region read.
    pub accounts_read: u64,
    /// Regions in scope, counted in each account.
    pub regions_asked: u64,
    /// Regions of which everything was read.
    pub regions_read: u64,
    /// Regions that have no flow log service.
    pub regions_unsupported: u64,
    /// Lists that were read.
    pub lists: u64,
    /// Pages that were read.
    pub pages: u64,
    /// Whether everything in scope was read.
    pub is_whole: bool,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// The account, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region; absent for a whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The resource; absent for a whole region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether the subject is a resource that has a result of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_result: bool,
    /// Why, as a sentence.
    pub why: String,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// An account and a region.
type Place<'a> = (&'a str, &'a str);

/// The operations without which a region counts as unread.
fn required(kinds: &[Kind]) -> BTreeSet<&'static str> {
    let lists = one_by_one::set(kinds.iter().filter_map(|kind| kind.listed_by()));
    if lists.is_empty() { lists } else { lists.into_iter().chain(["DescribeFlowLogs"]).collect() }
}

impl Read {
    /// Whether this call lists resources of a region. A list of regions, for example, does not.
    pub(crate) fn lists_resources(&self) -> bool {
        self.about.is_none() && Kind::ALL.into_iter().any(|kind| kind.listed_by() == Some(self.operation.as_str()))
    }

    /// Why the list is not whole, if it is not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match (&self.error, self.total) {
            (Some(error), _) => Some(format!("{} failed: {}", self.operation, error.message)),
            (None, Some(total)) if self.items < total => {
                Some(format!("{} returned {} of {total} items", self.operation, self.items))
            }
            // A list without a single page is no empty list.
            (None, _) if self.pages == 0 => Some(format!("{} returned no page", self.operation)),
            _ => None,
        }
    }
}

impl Unknown {
    fn of_note(note: &Note) -> Self {
        let Note { account, region, subject, reason, error, .. } = note.clone();
        Self { account, region, subject, has_result: false, why: reason, error }
    }

    fn of_place((account, region): Place<'_>, why: String, error: Option<Failure>) -> Self {
        let (account, region) = (Some(account.to_owned()), Some(region.to_owned()));
        Self { account, region, subject: None, has_result: false, why, error }
    }
}

/// Collects what was read and what was not.
pub(super) fn read(facts: &Facts) -> (ScopeRead, Vec<Unknown>) {
    let mut reads: BTreeMap<Place<'_>, Vec<&Read>> = BTreeMap::new();
    for read in &facts.reads {
        reads.entry((&read.account, &read.region)).or_default().push(read);
    }
    let mut unread_accounts = BTreeSet::new();
    let (mut unread, mut unsupported) = (BTreeSet::new(), BTreeSet::new());
    let mut is_whole = true;
    let mut unknown = Vec::new();
    for note in &facts.notes {
        let place = (note.account.as_deref(), note.region.as_deref());
        match (note.state, place) {
            (NoteState::Unread, (Some(account), Some(region))) => _ = unread.insert((account, region)),
            (NoteState::Unread, (Some(account), None)) => _ = unread_accounts.insert(account),
            (NoteState::Unread, (None, _)) => {}
            (NoteState::Unsupported, (Some(account), Some(region))) => _ = unsupported.insert((account, region)),
            (NoteState::Unsupported | NoteState::Finding, _) => {}
        }
        if note.state == NoteState::Unread {
            is_whole = false;
            unknown.push(Unknown::of_note(note));
        }
    }
    let said = one_by_one::set(facts.notes.iter().filter_map(|note| note.error.as_ref()?.request_id.clone()));

    let required = required(&facts.asked.kinds);
    let mut scope = ScopeRead {
        accounts_asked: facts.asked.accounts.len() as u64,
        accounts_read: 0,
        regions_asked: 0,
        regions_read: 0,
        regions_unsupported: 0,
        lists: facts.reads.len() as u64,
        pages: facts.reads.iter().map(|read| read.pages).fold(0, u64::saturating_add),
        is_whole: false,
    };
    for asked in &facts.asked.accounts {
        let account = asked.account.as_str();
        let mut is_read = !asked.regions.is_empty() && !unread_accounts.contains(account);
        if asked.regions.is_empty() && !unread_accounts.contains(account) {
            let why = format!("the regions of {account} could not be listed");
            unknown.push(Unknown { region: None, ..Unknown::of_place((account, ""), why, None) });
        }
        for region in &asked.regions {
            let place = (account, region.as_str());
            scope.regions_asked += 1;
            if unsupported.contains(&place) && !unread.contains(&place) {
                scope.regions_unsupported += 1;
                continue;
            }
            let here = reads.get(&place).map(Vec::as_slice).unwrap_or_default();
            let mut is_place_read = !unread.contains(&place) && !unread_accounts.contains(account);
            for read in here {
                let Some(problem) = read.problem() else { continue };
                is_place_read = false;
                let is_said = read.error.as_ref().and_then(|error| error.request_id.as_ref());
                if !is_said.is_some_and(|id| said.contains(id)) {
                    unknown.push(Unknown::of_place(place, problem, read.error.clone()));
                }
            }
            for operation in &required {
                if here.iter().any(|read| read.operation == *operation && read.about.is_none()) {
                    continue;
                }
                // If it is known why, that is said already.
                if is_place_read {
                    unknown.push(Unknown::of_place(place, format!("{operation} was not called"), None));
                }
                is_place_read = false;
            }
            scope.regions_read += u64::from(is_place_read);
            is_read &= is_place_read;
        }
        scope.accounts_read += u64::from(is_read);
    }
    for result in facts.results.iter().filter(|result| result.class() == Class::Unknown) {
        let subject = Some(result.id.clone());
        let place = (result.account.as_str(), result.region.as_str());
        let found = Unknown::of_place(place, result.reason.clone(), result.error.as_deref().cloned());
        unknown.push(Unknown { subject, has_result: true, ..found });
    }
    for omitted in facts.omitted.iter().filter(|omitted| omitted.class() == Class::Unknown) {
        let place = (omitted.account.as_str(), omitted.region.as_str());
        let (number, noun) = (count(omitted.count), plural(omitted.count, "resource"));
        let why = format!("{number} more {noun} could not be read, and this report only counts them");
        // The forms say it among what is only counted.
        unknown.push(Unknown { has_result: true, ..Unknown::of_place(place, why, None) });
    }
    scope.is_whole = is_whole && scope.accounts_asked > 0 && scope.accounts_read == scope.accounts_asked;
    (scope, unknown)
}

/// The flow log services that are not open, as findings: without the service, an account records nothing.
pub(crate) fn closed_services(facts: &Facts) -> Vec<Note> {
    let closed = facts.services.iter().filter(|service| service.is_open == Some(false));
    let note = |Service { account, .. }: &Service| Note {
        account: Some(account.clone()),
        region: None,
        subject: Some("the flow log service".to_owned()),
        state: NoteState::Finding,
        reason: format!(
            "{account} has not opened the flow log service, so it can have no flow logs; accept the service's terms in the \
             console, or by the function open-flow-log-service"
        ),
        error: None,
    };
    closed.map(note).collect()
}

/// The accounts whose flow log service was not read, but for those that are `unread` as a whole.
pub(super) fn unread_services(facts: &Facts, unread: &[Unknown]) -> Vec<Unknown> {
    let unread = one_by_one::set(unread.iter().filter(|it| it.region.is_none()).map(|it| it.account.as_deref()));
    let services = one_by_one::map(facts.services.iter().map(|it| (it.account.as_str(), it)));
    let accounts = facts.asked.accounts.iter().map(|asked| asked.account.as_str());
    let accounts = accounts.filter(|account| !unread.contains(&Some(*account)));
    let accounts = accounts.filter(|account| services.get(account).is_none_or(|service| service.is_open.is_none()));
    let of = |account: &str| Unknown {
        account: Some(account.to_owned()),
        region: None,
        subject: None,
        has_result: false,
        why: "whether the flow log service is open was not read".to_owned(),
        error: services.get(account).and_then(|service| service.error.clone()),
    };
    accounts.map(of).collect()
}
