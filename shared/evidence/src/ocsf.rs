//! Evidence as OCSF events of the class Compliance Finding (2003), version 1.8.0, with the profile `cloud`.
//!
//! The schema has the values: `https://schema.ocsf.io/1.8.0/classes/compliance_finding`. Times are in milliseconds.

use std::io::{self, BufWriter, Write};

use flow_log::Verdict;
use serde::{Serialize, ser::SerializeStruct as _};

use crate::{
    assessment::{Arrival, Class, Unknown, VpcStatus, arrival, vpc_status},
    evidence::Evidence,
    facts::{Facts, Failure, Note, NoteState, Omitted, ResourceResult},
};

/// `compliance.status_id`.
#[derive(Clone, Copy)]
enum Compliance {
    Unknown = 0,
    Pass = 1,
    /// By its definition also for what has no result for lack of information.
    Warning = 2,
    Fail = 3,
}

/// The event's own `status_id`.
#[derive(Clone, Copy)]
enum Status {
    New = 1,
    InProgress = 2,
    Suppressed = 3,
    Resolved = 4,
}

/// `severity_id`.
#[derive(Clone, Copy)]
enum Severity {
    Informational = 1,
    Low = 2,
    Medium = 3,
    High = 4,
}

macro_rules! as_number {
    ($($name:ident),*) => { $(impl Serialize for $name {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u8(*self as u8)
        }
    })* };
}
as_number!(Compliance, Status, Severity);

/// What an event says about a resource or a region.
struct Event<'a> {
    facts: &'a Facts,
    seal: &'a str,
    account: &'a str,
    region: Option<&'a str>,
    /// The id of the thing.
    subject: String,
    kind: &'a str,
    name: Option<&'a str>,
    verdict: &'a str,
    reason: &'a str,
    status_code: &'a str,
    compliance: Compliance,
    status: Status,
    severity: Severity,
    error: Option<&'a Failure>,
    /// How a VPC answers CIS 3.3.
    cis: Option<Compliance>,
    /// How many resources it is about, if it names none of them.
    count: Option<u64>,
    /// The resource, if it is about one: OCSF has no attributes for flow logs.
    result: Option<&'a ResourceResult>,
}

impl Evidence {
    /// Writes an array of OCSF events: one for each resource, one with a `count` for each kind of resources that are only
    /// counted, one for everything else that was found or could not be read, and one for each count that disagrees.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_ocsf(&self, to: impl Write) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        let (facts, seal) = (self.facts(), self.seal());
        let results = facts.results.iter().map(|result| Event::of_result(facts, &seal, result));
        let unknown = self.assessment().unknown.iter().filter(|unknown| !unknown.has_result);
        let unknown = unknown.map(|unknown| Event::of_unknown(facts, &seal, unknown));
        let notes = facts.notes.iter().filter(|note| note.state != NoteState::Unread);
        let notes = notes.map(|note| Event::of_note(facts, &seal, note));
        let omitted: Vec<_> = facts.omitted.iter().map(|it| (it, it.sentence())).collect();
        let omitted = omitted.iter().map(|it| Event::of_omitted(facts, &seal, it));
        let discrepancies = self.assessment().discrepancies.iter();
        let discrepancies = discrepancies.enumerate().map(|(nth, why)| Event::of_discrepancy(facts, &seal, (nth, why)));
        let others = unknown.chain(notes).chain(discrepancies);
        to.write_all(b"[")?;
        for (nth, event) in results.chain(omitted).chain(others).enumerate() {
            to.write_all(if nth == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut to, &event)?;
        }
        to.write_all(b"\n]\n")?;
        to.flush()
    }
}

/// What a verdict is in OCSF.
///
/// Of resources that are only counted, it is not known whether the records of each arrive.
const fn of_verdict(
    class: Class,
    verdict: Verdict,
    is_paused: bool,
    arrival: Arrival,
) -> (Compliance, Status, Severity) {
    use {Compliance as C, Severity as V, Status as S};
    match (class, verdict) {
        (Class::Unknown, _) => (C::Warning, S::New, V::Medium),
        // It is as configured. Whether its records arrive is unknown.
        (Class::Compliant, _) if matches!(arrival, Arrival::Unknown) => (C::Warning, S::New, V::Low),
        (Class::Compliant, _) => (C::Pass, S::Resolved, V::Informational),
        (Class::Changed, _) => (C::Warning, S::Resolved, V::Informational),
        (Class::Pending, _) => (C::Warning, S::InProgress, V::Low),
        (Class::Exception, _) if is_paused => (C::Pass, S::Suppressed, V::Informational),
        (Class::Exception, _) => (C::Unknown, S::Suppressed, V::Informational),
        (Class::Finding, Verdict::Missing | Verdict::Inactive | Verdict::Undelivered) => (C::Fail, S::New, V::High),
        (Class::Finding, Verdict::Orphaned | Verdict::DueToPause) => (C::Fail, S::New, V::Low),
        (Class::Finding, _) => (C::Fail, S::New, V::Medium),
    }
}

impl<'a> Event<'a> {
    fn of_result(facts: &'a Facts, seal: &'a str, result: &'a ResourceResult) -> Self {
        let (compliance, status, severity) =
            of_verdict(result.class(), result.verdict, result.is_paused(), arrival(facts, result));
        let cis = vpc_status(facts, result).map(|found| match found {
            VpcStatus::Records => Compliance::Pass,
            VpcStatus::DoesNot => Compliance::Fail,
            VpcStatus::Exception => Compliance::Unknown,
            VpcStatus::Unknown => Compliance::Warning,
        });
        let verdict = word(result.verdict);
        let is_paused = result.class() == Class::Exception && result.is_paused();
        Self {
            facts,
            seal,
            account: &result.account,
            region: Some(&result.region),
            subject: result.id.clone(),
            kind: result.kind.as_str(),
            name: result.name.as_deref(),
            verdict,
            reason: &result.reason,
            status_code: if is_paused { "paused-by-schedule" } else { verdict },
            compliance,
            status,
            severity,
            error: result.error.as_deref(),
            cis,
            count: None,
            result: Some(result),
        }
    }

    fn of_omitted(facts: &'a Facts, seal: &'a str, (omitted, reason): &'a (&'a Omitted, String)) -> Self {
        let (compliance, status, severity) =
            of_verdict(omitted.class(), omitted.verdict, omitted.is_paused(), Arrival::Unknown);
        let verdict = word(omitted.verdict);
        let is_paused = omitted.class() == Class::Exception && omitted.is_paused();
        Self {
            facts,
            seal,
            account: &omitted.account,
            region: Some(&omitted.region),
            subject: format!("{}/{}/{}, {verdict}", omitted.account, omitted.region, omitted.kind.as_str()),
            kind: omitted.kind.as_str(),
            name: None,
            verdict,
            reason,
            status_code: if is_paused { "paused-by-schedule" } else { verdict },
            compliance,
            status,
            severity,
            error: None,
            cis: None,
            count: Some(omitted.count),
            result: None,
        }
    }

    fn of_unknown(facts: &'a Facts, seal: &'a str, unknown: &'a Unknown) -> Self {
        let (account, region) = (unknown.account.as_deref().unwrap_or_default(), unknown.region.as_deref());
        Self {
            facts,
            seal,
            account,
            region,
            subject: subject(unknown.subject.as_deref(), account, region),
            kind: kind(unknown.subject.as_deref(), region),
            name: None,
            verdict: "unknown",
            reason: &unknown.why,
            status_code: "unknown",
            compliance: Compliance::Warning,
            status: Status::New,
            severity: Severity::Medium,
            error: unknown.error.as_ref(),
            cis: None,
            count: None,
            result: None,
        }
    }

    fn of_discrepancy(facts: &'a Facts, seal: &'a str, (nth, why): (usize, &'a str)) -> Self {
        // Of several, each has an id of its own.
        let subject = format!("the sums, {}", nth + 1);
        Self {
            facts,
            seal,
            account: "",
            region: None,
            subject,
            kind: "Other",
            name: None,
            verdict: "discrepancy",
            reason: why,
            status_code: "discrepancy",
            compliance: Compliance::Warning,
            status: Status::New,
            severity: Severity::High,
            error: None,
            cis: None,
            count: None,
            result: None,
        }
    }

    fn of_note(facts: &'a Facts, seal: &'a str, note: &'a Note) -> Self {
        let (account, region) = (note.account.as_deref().unwrap_or_default(), note.region.as_deref());
        let is_finding = note.state == NoteState::Finding;
        let verdict = if is_finding { "finding" } else { "unsupported" };
        Self {
            facts,
            seal,
            account,
            region,
            subject: subject(note.subject.as_deref(), account, region),
            kind: kind(note.subject.as_deref(), region),
            name: None,
            verdict,
            reason: &note.reason,
            status_code: verdict,
            compliance: if is_finding { Compliance::Fail } else { Compliance::Unknown },
            status: if is_finding { Status::New } else { Status::Suppressed },
            severity: if is_finding { Severity::Medium } else { Severity::Informational },
            error: note.error.as_ref(),
            cis: None,
            count: None,
            result: None,
        }
    }
}

/// What OCSF has no attributes for: the flow log of a resource, and which of its traffic it records.
fn unmapped(result: &ResourceResult) -> Option<serde_json::Value> {
    let flow_log = result.flow_log.as_ref().map(|flow_log| ("flow_log", serde_json::json!(flow_log)));
    let has_ipv6 = result.has_ipv6.map(|has_ipv6| ("has_ipv6", serde_json::json!(has_ipv6)));
    let fields: serde_json::Map<_, _> =
        flow_log.into_iter().chain(has_ipv6).map(|(key, value)| (key.to_owned(), value)).collect();
    (!fields.is_empty()).then_some(fields.into())
}

/// The verdict as it is written elsewhere, borrowed.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Compliant => "compliant",
        Verdict::Missing => "missing",
        Verdict::Inactive => "inactive",
        Verdict::Paused => "paused",
        Verdict::DueToPause => "due-to-pause",
        Verdict::Drifted => "drifted",
        Verdict::Foreign => "foreign",
        Verdict::Orphaned => "orphaned",
        Verdict::Undelivered => "undelivered",
        Verdict::Pending => "pending",
        Verdict::Excluded => "excluded",
        Verdict::Unsupported => "unsupported",
        Verdict::Unknown => "unknown",
    }
}

fn subject(subject: Option<&str>, account: &str, region: Option<&str>) -> String {
    match (subject, region) {
        (Some(subject), _) => subject.to_owned(),
        (None, Some(region)) => format!("{account}/{region}"),
        (None, None) if account.is_empty() => "the run".to_owned(),
        (None, None) => account.to_owned(),
    }
}

const fn kind(subject: Option<&str>, region: Option<&str>) -> &'static str {
    match (subject, region) {
        (Some(_), _) => "Other",
        (None, Some(_)) => "Region",
        (None, None) => "Account",
    }
}

/// The standard that the verdict itself is about.
const POLICY: &str = "Flowkeeper policy";
const CIS: &str = "CIS Alibaba Cloud Foundation 2.0.0";

impl Serialize for Event<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde_json::json;
        let Self { facts, account, region, subject, .. } = self;
        let uid = format!("flowkeeper/{account}/{}/{subject}", region.unwrap_or("-"));
        let time = facts.head.ended.as_millisecond();
        let mut checks = vec![json!({
            "uid": "policy", "name": "the policy", "standards": [POLICY], "status_id": self.compliance,
        })];
        checks.extend(self.cis.map(|status| {
            json!({
                "uid": "3.3", "name": "VPC flow logging is enabled in all VPCs",
                "standards": [CIS], "status_id": status,
            })
        }));
        let version = facts.head.versions.join(", ");
        let mut resource = json!({ "uid": subject, "type": self.kind });
        let mut cloud = json!({
            "provider": "Alibaba Cloud",
            "account": { "uid": account, "type_id": 99, "type": "Alibaba Cloud Account" },
        });
        if let Some(name) = self.name {
            resource["name"] = json!(name);
        }
        if let Some(region) = region {
            resource["region"] = json!(region);
            cloud["region"] = json!(region);
        }
        let mut data = json!({ "run": facts.head.run, "policy_sha256": facts.policy.sha256, "seal": self.seal });
        if let Some(error) = self.error {
            data["error"] = json!({ "operation": error.operation, "code": error.code, "request_id": error.request_id });
        }
        let has_advice = self.error.is_some_and(|error| !error.advice.is_empty());
        let unmapped = self.result.and_then(unmapped);
        let optional = [has_advice, self.count.is_some(), unmapped.is_some()];
        let fields = 14 + optional.into_iter().map(usize::from).sum::<usize>();
        let mut event = serializer.serialize_struct("ComplianceFinding", fields)?;
        event.serialize_field("class_uid", &2003)?;
        event.serialize_field("category_uid", &2)?;
        event.serialize_field("activity_id", &1)?;
        event.serialize_field("type_uid", &200_301)?;
        event.serialize_field("time", &time)?;
        event.serialize_field("severity_id", &self.severity)?;
        event.serialize_field("status_id", &self.status)?;
        event.serialize_field("status_code", self.verdict)?;
        event.serialize_field("message", self.reason)?;
        if let Some(count) = self.count {
            event.serialize_field("count", &count)?;
        }
        event.serialize_field(
            "metadata",
            &json!({
                "version": "1.8.0", "profiles": ["cloud"], "uid": uid,
                "product": { "name": "Flowkeeper", "vendor_name": "Flowkeeper", "version": version },
            }),
        )?;
        event.serialize_field("cloud", &cloud)?;
        event.serialize_field(
            "finding_info",
            &json!({
                "uid": uid, "title": format!("{subject}: {}", self.verdict), "desc": self.reason,
                "types": ["VPC flow log"], "last_seen_time": time,
            }),
        )?;
        event.serialize_field(
            "compliance",
            &json!({
                "standards": [POLICY], "requirements": [facts.policy.name], "control": "flow logs",
                "status_id": self.compliance, "status_code": self.status_code, "status_details": [self.reason],
                "checks": checks,
            }),
        )?;
        event.serialize_field("resources", &[resource])?;
        event.serialize_field("evidences", &[json!({ "data": data })])?;
        if let Some(error) = self.error.filter(|_| has_advice) {
            event.serialize_field("remediation", &json!({ "desc": error.advice }))?;
        }
        if let Some(unmapped) = unmapped {
            event.serialize_field("unmapped", &unmapped)?;
        }
        event.end()
    }
}
