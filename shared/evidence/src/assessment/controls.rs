//! The controls of standards, and how the facts answer them.
//!
//! Two of them ask for VPC flow logs on Alibaba Cloud by name: 2.5 and 3.3 of the CIS Alibaba Cloud Foundation
//! Benchmark. The others relate to flow logs or to their retention; nobody publishes a mapping of them for Alibaba
//! Cloud, so a report says what the flow logs contribute and never that a standard is met.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{Verdict, names::TrafficPath, one_by_one};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    arrival::{Arrival, arrival},
    class::Class,
    scope::{ScopeRead, Unknown},
    sums::Sums,
};
use crate::{
    facts::{
        ExceptionsCountAs, Facts, Failure, FlowLogState, Kind, Note, NoteState, Omitted, Part, Read, ResourceResult,
        Word,
    },
    text::names,
};

/// A control, and how the facts answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// The standard.
    pub framework: String,
    /// The number of the control in it.
    pub id: String,
    /// What it asks for, in short.
    pub title: String,
    /// Whether the control itself is assessed, or only something that it is about.
    pub relation: Relation,
    /// The answer.
    pub status: ControlStatus,
    /// Why, one sentence each.
    pub details: Vec<String>,
}

/// How a control and the facts are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The control asks for this by name.
    Assessed,
    /// This is one part of what the control asks for.
    RelatesTo,
}

/// The answer to a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// Everything that it is about was read, and satisfies it.
    Pass,
    /// Something does not satisfy it.
    Fail,
    /// Nothing is known to fail, and not everything is known.
    Unknown,
}

impl ControlStatus {
    /// The status as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// How long a Logstore keeps records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retention {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// For how many days; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Why it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_unknown: Option<String>,
    /// Whether it keeps them for 180 days.
    pub keeps_180: ControlStatus,
    /// Whether it keeps them for 365 days.
    pub keeps_365: ControlStatus,
}

/// Whether a Logstore that keeps records for `days` keeps them for as many as are needed.
const fn keeps(days: Option<u32>, needed: u32) -> ControlStatus {
    match days {
        // For ever is 3650.
        Some(days) if days >= needed => ControlStatus::Pass,
        Some(_) => ControlStatus::Fail,
        None => ControlStatus::Unknown,
    }
}

/// How long each Logstore that a flow log writes to keeps records. One that was not read is unknown.
pub(super) fn retention(facts: &Facts) -> Vec<Retention> {
    type Target<'a> = (&'a str, &'a str, &'a str, &'a str);
    type Found<'a> = (Option<u32>, Option<&'a str>, bool);
    let mut found: BTreeMap<Target<'_>, Found<'_>> = BTreeMap::new();
    for result in &facts.results {
        let Some(flow_log) = &result.flow_log else { continue };
        let (Some(project), Some(log_store)) = (&flow_log.project, &flow_log.log_store) else { continue };
        found.insert((&result.account, &result.region, project, log_store), (None, Some("it was not read"), false));
    }
    for it in &facts.log_stores {
        let why = it.why_unknown.as_deref().or(it.days.is_none().then_some("it was not read"));
        found.insert((&it.account, &it.region, &it.project, &it.name), (it.days, why, it.is_gone));
    }
    let of = |((account, region, project, log_store), (days, why, is_gone)): (Target<'_>, Found<'_>)| Retention {
        account: account.to_owned(),
        region: region.to_owned(),
        project: project.to_owned(),
        log_store: log_store.to_owned(),
        days,
        why_unknown: why.map(str::to_owned),
        // What is not there keeps nothing.
        keeps_180: if is_gone { ControlStatus::Fail } else { keeps(days, 180) },
        keeps_365: if is_gone { ControlStatus::Fail } else { keeps(days, 365) },
    };
    found.into_iter().map(of).collect()
}

/// The Logstores whose retention is unknown.
pub(super) fn unread_retention(facts: &Facts, retention: &[Retention]) -> Vec<Unknown> {
    let errors = facts
        .log_stores
        .iter()
        .filter_map(|it| Some(((&it.account, &it.region, &it.project, &it.name), it.error.as_ref()?)));
    let errors: BTreeMap<_, &Failure> = errors.collect();
    let unread = retention.iter().filter(|it| it.keeps_180 == ControlStatus::Unknown);
    let of = |it: &Retention| Unknown {
        account: Some(it.account.clone()),
        region: Some(it.region.clone()),
        subject: Some(format!("{}/{}", it.project, it.log_store)),
        has_result: false,
        why: format!("for how long it keeps records: {}", it.why_unknown.as_deref().unwrap_or_default()),
        error: errors.get(&(&it.account, &it.region, &it.project, &it.log_store)).map(|error| (*error).clone()),
    };
    unread.map(of).collect()
}

/// The VPCs whose flow log may not record all rejected packets: the API does not say enough to tell.
pub(super) fn unread_traffic(facts: &Facts) -> Vec<Unknown> {
    let mut groups: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for result in facts.results.iter().filter(|it| it.class() != Class::Unknown) {
        if let (Some(VpcStatus::Unknown), Some(flow_log)) = (vpc_status(facts, result), &result.flow_log)
            && let Rejected::Unknown(reason) = rejected(flow_log, result.has_ipv6)
        {
            groups.entry((&result.account, &result.region, reason)).or_default().insert(&result.id);
        }
    }
    let of = |((account, region, why), ids): ((&str, &str, &str), BTreeSet<&str>)| Unknown {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        subject: if ids.len() == 1 { ids.first().map(|id| (*id).to_owned()) } else { None },
        has_result: false,
        why: format!("whether all rejected packets of {} are recorded: {why}", names(ids.iter().copied())),
        error: None,
    };
    groups.into_iter().map(of).collect()
}

/// Answers every control.
pub(super) fn assess(facts: &Facts, scope: &ScopeRead, sums: &Sums, retention: &[Retention]) -> Vec<Control> {
    let coverage = coverage(facts, scope, sums);
    let relates = |framework: &str, id: &str, title: &str, (status, details): (ControlStatus, Vec<String>)| Control {
        framework: framework.to_owned(),
        id: id.to_owned(),
        title: title.to_owned(),
        relation: Relation::RelatesTo,
        status,
        details,
    };
    let kept = |needed: u32| kept(facts, retention, (scope, sums), needed);
    vec![
        service(facts),
        vpcs(facts, scope, sums),
        relates("PCI DSS 4.0.1", "10.5.1", "Keep audit logs for twelve months, three of them at hand", kept(365)),
        relates("Cybersecurity Law of China", "article 21 (3)", "Keep network logs for six months", kept(180)),
        relates("MLPS 2.0, GB/T 22239-2019", "8.1.3.5", "Audit network behavior at zone boundaries", coverage.clone()),
        relates("PCI DSS 4.0.1", "10.2.1", "Audit logs are enabled and active", coverage.clone()),
        relates("ISO/IEC 27001:2022", "A.8.15", "Logging", coverage.clone()),
        relates("SOC 2", "CC7.2", "Monitor for anomalies, all through the period", coverage.clone()),
        relates("NIST SP 800-53 r5", "AU-12", "Generate audit records", coverage),
    ]
}

/// CIS 2.5: the flow log service is open.
fn service(facts: &Facts) -> Control {
    let open = one_by_one::map(facts.services.iter().map(|found| (found.account.as_str(), found.is_open)));
    let accounts = one_by_one::set(facts.asked.accounts.iter().map(|asked| asked.account.as_str()));
    let which = |wanted: Option<bool>| -> Vec<&str> {
        accounts.iter().copied().filter(|account| open.get(account).copied().flatten() == wanted).collect()
    };
    let (opened, closed, unread) = (which(Some(true)), which(Some(false)), which(None));
    let outside = left_out(facts, &[Part::Account]);
    let is_known = unread.is_empty() && !opened.is_empty() && outside.is_none();
    let status = status(!closed.is_empty(), is_known);
    let mut details = vec![format!("open in {} of {} accounts", opened.len(), accounts.len())];
    for (found, what) in [(closed, "not open in"), (unread, "not read in")] {
        if !found.is_empty() {
            details.push(format!("{what} {}", names(found.into_iter())));
        }
    }
    details.extend(outside);
    Control {
        framework: "CIS Alibaba Cloud Foundation 2.0.0".to_owned(),
        id: "2.5".to_owned(),
        title: "The flow log service is open".to_owned(),
        relation: Relation::Assessed,
        status,
        details,
    }
}

/// How a VPC answers CIS 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VpcStatus {
    /// It has an active flow log that records rejected packets.
    Records,
    /// It has none.
    DoesNot,
    /// It is off or left alone on purpose.
    Exception,
    /// That is not known.
    Unknown,
}

/// Which of the rejected packets of a VPC an active flow log records, by its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rejected {
    /// All of them.
    All,
    /// Not all of them, and why.
    Part(&'static str),
    /// That is not known, and why.
    Unknown(&'static str),
}

/// Tells which of the rejected packets of a VPC a flow log records.
///
/// The traffic type is `All`, `Drop` or `Allow`. The traffic path is `all`, or a list of gateways, endpoints and routers;
/// each of these is a part of the traffic. The documentation of `CreateFlowLog` has the values. An empty list is the API's
/// default, `all`. `IPv4` is the only IP version that the documentation has: whether it leaves IPv6 out is not said.
fn rejected(flow_log: &FlowLogState, has_ipv6: Option<bool>) -> Rejected {
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    let traffic = match flow_log.traffic_type.as_deref() {
        Some(word) if is(word, "All") || is(word, "Drop") => Rejected::All,
        Some(word) if is(word, "Allow") => Rejected::Part("accepted packets only"),
        _ => Rejected::Unknown("the traffic type is not known"),
    };
    let is_known = |path: &Word| TrafficPath::ALL.iter().any(|known| is(path, known));
    let path = match flow_log.traffic_path.as_deref() {
        Some([]) => Rejected::All,
        Some(paths) if paths.iter().any(|path| is(path, TrafficPath::All.as_str())) => Rejected::All,
        Some(paths) if paths.iter().all(is_known) => Rejected::Part("some traffic paths only"),
        _ => Rejected::Unknown("the traffic path is not known"),
    };
    let version = match (flow_log.ip_version.as_deref(), has_ipv6) {
        (None, Some(false)) => Rejected::All,
        (Some(version), Some(false)) if is(version, "IPv4") => Rejected::All,
        (Some(version), Some(true)) if is(version, "IPv4") => {
            Rejected::Unknown("IPv6 is enabled, and the flow log is said to record IPv4")
        }
        (Some(version), None) if is(version, "IPv4") => Rejected::Unknown("whether IPv6 is enabled is not known"),
        _ => Rejected::Unknown("the IP version is not known"),
    };
    let all = [traffic, path, version];
    let part = all.iter().find(|it| matches!(it, Rejected::Part(_)));
    let unknown = all.iter().find(|it| matches!(it, Rejected::Unknown(_)));
    part.or(unknown).copied().unwrap_or(Rejected::All)
}

/// How a VPC answers CIS 3.3, which asks for an active flow log that records rejected packets: with the traffic type `All`
/// or `Drop`, and on all traffic paths. Where IPv6 is enabled, nobody can tell by the API. One whose records do not arrive records
/// nothing. `None` if the result is about no VPC, or about one that is gone.
pub(crate) fn vpc_status(facts: &Facts, result: &ResourceResult) -> Option<VpcStatus> {
    if result.kind != Kind::Vpc || result.verdict == Verdict::Orphaned {
        return None;
    }
    let class = result.class();
    let flow_log = result.flow_log.as_ref();
    let is_active = flow_log.and_then(|it| it.status.as_deref()).map(|status| status.eq_ignore_ascii_case("Active"));
    let rejected = flow_log.map(|it| rejected(it, result.has_ipv6));
    Some(match (class, result.verdict) {
        // In transition, or repaired and not read again.
        (Class::Unknown | Class::Changed | Class::Pending, _) => VpcStatus::Unknown,
        (_, Verdict::Missing | Verdict::Inactive | Verdict::Undelivered) => VpcStatus::DoesNot,
        _ if is_active == Some(true) && rejected == Some(Rejected::All) => match (arrival(facts, result), class) {
            (Arrival::Proven | Arrival::NotDue, _) => VpcStatus::Records,
            (_, Class::Exception) => VpcStatus::Exception,
            (Arrival::Fails, _) => VpcStatus::DoesNot,
            (Arrival::Unknown, _) => VpcStatus::Unknown,
        },
        (Class::Exception, _) => VpcStatus::Exception,
        _ if is_active == Some(false) || matches!(rejected, Some(Rejected::Part(_))) => VpcStatus::DoesNot,
        _ => VpcStatus::Unknown,
    })
}

/// How VPCs that are only counted answer CIS 3.3. Their flow logs are not in the report, so none is known to record
/// rejected packets.
fn omitted_vpc_status(omitted: &Omitted) -> Option<VpcStatus> {
    if omitted.kind != Kind::Vpc || omitted.verdict == Verdict::Orphaned {
        return None;
    }
    Some(match (omitted.class(), omitted.verdict) {
        (Class::Unknown | Class::Changed | Class::Pending, _) => VpcStatus::Unknown,
        (_, Verdict::Missing | Verdict::Inactive | Verdict::Undelivered) => VpcStatus::DoesNot,
        (Class::Exception, _) => VpcStatus::Exception,
        _ => VpcStatus::Unknown,
    })
}

/// CIS 3.3: every VPC has an active flow log that records rejected packets.
fn vpcs(facts: &Facts, scope: &ScopeRead, sums: &Sums) -> Control {
    let [mut records, mut does_not, mut paused, mut left_alone, mut unknown] = [const { Vec::new() }; 5];
    let mut why: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for result in &facts.results {
        if let (Some(VpcStatus::DoesNot | VpcStatus::Unknown), Some(flow_log)) =
            (vpc_status(facts, result), &result.flow_log)
            && let Rejected::Part(reason) | Rejected::Unknown(reason) = rejected(flow_log, result.has_ipv6)
        {
            why.entry(reason).or_default().push(&result.id);
        }
        let list: &mut Vec<&str> = match vpc_status(facts, result) {
            None => continue,
            Some(VpcStatus::Records) => &mut records,
            Some(VpcStatus::DoesNot) => &mut does_not,
            Some(VpcStatus::Exception) if result.is_paused() => &mut paused,
            Some(VpcStatus::Exception) => &mut left_alone,
            Some(VpcStatus::Unknown) => &mut unknown,
        };
        list.push(&result.id);
    }
    // Of those that are only counted, the verdict is known, and nothing else.
    let [mut more_do_not, mut more_paused, mut more_alone, mut more_unknown] = [0_u64; 4];
    for omitted in &facts.omitted {
        let sum = match omitted_vpc_status(omitted) {
            None => continue,
            Some(VpcStatus::DoesNot) => &mut more_do_not,
            Some(VpcStatus::Exception) if omitted.is_paused() => &mut more_paused,
            Some(VpcStatus::Exception) => &mut more_alone,
            Some(VpcStatus::Records | VpcStatus::Unknown) => &mut more_unknown,
        };
        *sum = sum.saturating_add(omitted.count);
    }
    let all = (records.len() + does_not.len() + paused.len() + left_alone.len() + unknown.len()) as u64;
    let all = [more_do_not, more_paused, more_alone, more_unknown].into_iter().fold(all, u64::saturating_add);
    let mut details =
        vec![format!("{} of {all} VPCs have an active flow log that records all rejected packets", records.len())];
    let mut tell = |ids: &[&str], what: &str| {
        if !ids.is_empty() {
            details.push(format!("{what}: {}", names(ids.iter().copied())));
        }
    };
    tell(&does_not, "do not");
    let is_strict = facts.exceptions_count_as == ExceptionsCountAs::Failure;
    let (off, alone) = if is_strict {
        ("exceptions, counted as failures", "left alone, counted as failures")
    } else {
        ("exceptions, set aside", "left alone, so not known to comply")
    };
    tell(&paused, off);
    tell(&left_alone, alone);
    tell(&unknown, "not known");
    for (reason, ids) in &why {
        tell(ids, reason);
    }
    for (number, what) in
        [(more_do_not, "do not"), (more_paused, off), (more_alone, alone), (more_unknown, "not known")]
    {
        if number > 0 {
            details.push(format!("{what}: {number} that this report only counts"));
        }
    }
    let mut is_whole = scope.is_whole && unknown.is_empty() && left_alone.is_empty() && facts.lists_everything();
    details.extend(unlisted_deliveries(facts));
    if !scope.is_whole {
        details.push("not all of the scope was read".to_owned());
    }
    let outside = outside(facts);
    is_whole &= outside.is_empty();
    details.extend(outside);
    if sums.unlisted > 0 {
        is_whole = false;
        details.push(format!("{} resources were only counted", sums.unlisted));
    }
    let has_vpcs = facts.asked.kinds.contains(&Kind::Vpc);
    if !has_vpcs || facts.asked.kinds.iter().any(|kind| matches!(kind, Kind::VSwitch | Kind::NetworkInterface)) {
        is_whole = false;
        details.push("the policy keeps flow logs below the VPC, where this control does not look".to_owned());
    }
    let has_exceptions = !(paused.is_empty() && left_alone.is_empty()) || more_paused > 0 || more_alone > 0;
    let fails = !does_not.is_empty() || more_do_not > 0 || is_strict && has_exceptions;
    let is_known = is_whole && (!records.is_empty() || paused.is_empty());
    Control {
        framework: "CIS Alibaba Cloud Foundation 2.0.0".to_owned(),
        id: "3.3".to_owned(),
        title: "VPC flow logging is enabled in all VPCs: those of every account and region in scope".to_owned(),
        relation: Relation::Assessed,
        status: status(fails, is_known),
        details,
    }
}

/// Says how many flow logs have no delivery in the report, which does not show then whether their records arrive.
fn unlisted_deliveries(facts: &Facts) -> Option<String> {
    let count = facts.unlisted_deliveries();
    (count > 0).then(|| format!("whether the records of {count} flow logs arrive is only counted"))
}

/// Says which of these parts were not asked. What they have may not comply.
fn left_out(facts: &Facts, parts: &[Part]) -> Option<String> {
    let left_out = facts.asked.left_out.iter().filter(|it| parts.contains(&it.part));
    let left_out = one_by_one::set(left_out.map(|it| it.what.as_str()));
    (!left_out.is_empty()).then(|| format!("outside the scope: {}", names(left_out.into_iter())))
}

/// Says which accounts and regions were not asked, and which have no flow log service. What they have may not comply.
fn outside(facts: &Facts) -> Vec<String> {
    let unsupported = facts.notes.iter().filter(|note| note.state == NoteState::Unsupported);
    // Resources are listed first: a region that has none needs no flow logs.
    let is_empty = |note: &&Note| {
        let here =
            |read: &&Read| (note.account.as_ref(), note.region.as_ref()) == (Some(&read.account), Some(&read.region));
        let mut lists = facts.reads.iter().filter(here).filter(|read| read.lists_resources()).peekable();
        lists.peek().is_some() && lists.all(|list| list.items == 0 && list.problem().is_none())
    };
    let unsupported = unsupported.filter(|note| !is_empty(note));
    let unsupported = one_by_one::set(unsupported.filter_map(|note| note.region.as_deref()));
    let unsupported = (!unsupported.is_empty())
        .then(|| format!("without the flow log service, so not known to comply: {}", names(unsupported.into_iter())));
    left_out(facts, &[Part::Account, Part::Region]).into_iter().chain(unsupported).collect()
}

const fn status(fails: bool, is_known: bool) -> ControlStatus {
    match (fails, is_known) {
        (true, _) => ControlStatus::Fail,
        (false, true) => ControlStatus::Pass,
        (false, false) => ControlStatus::Unknown,
    }
}

/// What a finding says about what is recorded of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Something that the policy wants recorded is not, or not as it wants.
    Yes,
    /// It is recorded, gone, or off on purpose. A person should look for another reason.
    No,
    /// That is not known.
    Unknown,
}

const fn gap(verdict: Verdict) -> Gap {
    match verdict {
        Verdict::Missing | Verdict::Inactive | Verdict::Undelivered | Verdict::Drifted => Gap::Yes,
        Verdict::Compliant | Verdict::Orphaned | Verdict::Paused | Verdict::DueToPause => Gap::No,
        // A foreign flow log that is a finding may record less; what cannot have a flow log has traffic all the same.
        Verdict::Foreign | Verdict::Pending | Verdict::Excluded | Verdict::Unsupported | Verdict::Unknown => {
            Gap::Unknown
        }
    }
}

/// How many findings say this about what is recorded.
fn findings(facts: &Facts, wanted: Gap) -> u64 {
    let listed = facts.results.iter().map(|it| (it.class(), it.verdict, 1));
    let omitted = facts.omitted.iter().map(|it| (it.class(), it.verdict, it.count));
    let found = listed.chain(omitted).filter(|(class, verdict, _)| *class == Class::Finding && gap(*verdict) == wanted);
    found.fold(0, |sum, (_, _, number)| sum.saturating_add(number))
}

/// Whether a resource has the flow log that the policy wants. It may be a finding for another reason, such as a second one.
const fn is_recorded(result: &ResourceResult) -> bool {
    matches!(result.verdict, Verdict::Compliant | Verdict::Foreign)
}

/// Whether everything that the policy wants recorded is recorded.
fn coverage(facts: &Facts, scope: &ScopeRead, sums: &Sums) -> (ControlStatus, Vec<String>) {
    let mut parts = vec![format!("{} of {} resources are as the policy wants them", sums.compliant, sums.resources)];
    let mut tell = |number: u64, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    let [gaps, none, unclear] = [Gap::Yes, Gap::No, Gap::Unknown].map(|wanted| findings(facts, wanted));
    tell(gaps, "not recorded as wanted");
    tell(none, "findings that are no gap in what is recorded");
    tell(unclear, "findings that may leave something unrecorded");
    tell(sums.paused, "off on purpose");
    tell(sums.excluded, "left alone, so not known to comply");
    tell(sums.unknown.saturating_add(sums.pending).saturating_add(sums.changed), "not known");
    tell(sums.unlisted, "only counted");
    tell(sums.omitted, "of these not listed");
    let mut details = vec![parts.join(", ")];
    if !scope.is_whole {
        details.push("not all of the scope was read".to_owned());
    }
    let is_unproven = |result: &&ResourceResult| is_recorded(result) && arrival(facts, result) == Arrival::Unknown;
    let unproven = facts.results.iter().filter(is_unproven).count();
    if unproven > 0 {
        details.push(format!("whether the records of {unproven} arrive is not known"));
    }
    details.extend(unlisted_deliveries(facts));
    let outside = outside(facts);
    let is_narrow = !outside.is_empty();
    details.extend(outside);
    let is_strict = facts.exceptions_count_as == ExceptionsCountAs::Failure;
    let fails = gaps > 0 || is_strict && sums.exceptions > 0;
    let is_known = scope.is_whole
        && facts.lists_everything()
        && !is_narrow
        && unproven == 0
        && unclear == 0
        && [sums.excluded, sums.unknown, sums.pending, sums.changed, sums.unlisted] == [0; 5]
        && (sums.compliant > 0 || sums.exceptions == 0);
    (status(fails, is_known), details)
}

/// Whether every Logstore keeps records for as many days as are needed.
///
/// A resource without a flow log has no Logstore. If the policy wants one, nothing of the resource is kept, as in a Logstore
/// that is gone; if the resource is left alone, or nobody has read where its records go, that is not known.
fn kept(
    facts: &Facts,
    retention: &[Retention],
    (scope, sums): (&ScopeRead, &Sums),
    needed: u32,
) -> (ControlStatus, Vec<String>) {
    let of = |wanted: ControlStatus| -> Vec<String> {
        let keeps = |it: &Retention| if needed > 180 { it.keeps_365 } else { it.keeps_180 };
        let found = retention.iter().filter(|it| keeps(it) == wanted);
        found.map(|it| format!("{}/{}", it.project, it.log_store)).collect()
    };
    let (long, short, unread) = (of(ControlStatus::Pass), of(ControlStatus::Fail), of(ControlStatus::Unknown));
    let mut details = vec![format!("{} of {} Logstores keep records for {needed} days", long.len(), retention.len())];
    for (found, what) in [(&short, "do not"), (&unread, "not read")] {
        if !found.is_empty() {
            details.push(format!("{what}: {}", names(found.iter().map(String::as_str))));
        }
    }
    let [mut nowhere, mut left_alone, mut untold] = [const { Vec::new() }; 3];
    for result in facts.results.iter().filter(|it| it.verdict != Verdict::Orphaned) {
        let target = result.flow_log.as_ref().map(|it| it.project.is_some() && it.log_store.is_some());
        match (target, result.verdict) {
            (Some(true), _) => {}
            // Repaired, and not read again.
            _ if result.class() == Class::Changed => untold.push(result.id.as_str()),
            (_, Verdict::Missing) => nowhere.push(result.id.as_str()),
            // It keeps what it has recorded, and nothing is due now.
            (None, _) if result.is_paused() => {}
            (None, Verdict::Excluded | Verdict::Unsupported) => left_alone.push(result.id.as_str()),
            _ => untold.push(result.id.as_str()),
        }
    }
    for (found, what) in [
        (&nowhere, "without a flow log, so nothing is kept"),
        (&left_alone, "left alone, so not known to be kept"),
        (&untold, "not known where their records are kept"),
    ] {
        if !found.is_empty() {
            details.push(format!("{what}: {}", names(found.iter().copied())));
        }
    }
    let omitted = facts.omitted.iter().filter(|it| it.verdict == Verdict::Missing && it.class() != Class::Changed);
    let more_nowhere = omitted.fold(0, |sum: u64, it| sum.saturating_add(it.count));
    if more_nowhere > 0 {
        details.push(format!("without a flow log, so nothing is kept: {more_nowhere} that this report only counts"));
    }
    if !scope.is_whole {
        details.push("not all of the scope was read, so there may be others".to_owned());
    }
    let outside = outside(facts);
    let is_narrow = !outside.is_empty();
    details.extend(outside);
    if sums.omitted > 0 {
        details.push(format!("{} resources are only counted, so there may be others", sums.omitted));
    }
    details.extend(unlisted_deliveries(facts));
    if sums.unlisted > 0 {
        details.push(format!("{} resources were only counted, so there may be others", sums.unlisted));
    }
    let is_strict = facts.exceptions_count_as == ExceptionsCountAs::Failure;
    let fails = !short.is_empty() || !nowhere.is_empty() || more_nowhere > 0 || is_strict && !left_alone.is_empty();
    let is_known = scope.is_whole
        && facts.lists_everything()
        && sums.unlisted == 0
        && !is_narrow
        && unread.is_empty()
        && left_alone.is_empty()
        && untold.is_empty()
        && !long.is_empty();
    (status(fails, is_known), details)
}
