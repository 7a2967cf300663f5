//! Evidence as OCSF events of the class Compliance Finding (2003), version 1.8.0, with the profile `cloud`.
//!
//! The schema has the values: `https://schema.ocsf.io/1.8.0/classes/compliance_finding`. Times are in milliseconds.

mod finding;

use std::{
    borrow::Cow,
    io::{self, BufWriter, Write},
    iter,
};

use finding::{
    Account, Call, Check, Cloud, Compliance, ComplianceFinding, ComplianceObject, Data, Evidences, FindingInfo,
    Metadata, Product, Remediation, Resource, Severity, Status, Unmapped,
};
use flow_log::Verdict;
use serde::Serialize;

use crate::{
    assessment::{Arrival, Class, Unknown, VpcStatus, arrival, vpc_status},
    evidence::Evidence,
    facts::{Facts, Failure, Note, NoteState, Omitted, ResourceResult},
};

/// What all events share.
struct Shared<'a> {
    facts: &'a Facts,
    seal: String,
    /// The versions of Flowkeeper.
    versions: String,
}

/// What an event says about a resource or a region.
struct Event<'a> {
    shared: &'a Shared<'a>,
    account: &'a str,
    region: Option<&'a str>,
    /// The id of the thing.
    subject: Cow<'a, str>,
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
        let facts = self.facts();
        let shared = &Shared { facts, seal: self.seal(), versions: facts.head.versions.join(", ") };
        let results = facts.results.iter().map(|result| Event::of_result(shared, result));
        let unknown = self.assessment().unknown.iter().filter(|unknown| !unknown.has_result);
        let unknown = unknown.map(|unknown| Event::of_unknown(shared, unknown));
        let notes = facts.notes.iter().filter(|note| note.state != NoteState::Unread);
        let notes = notes.map(|note| Event::of_note(shared, note));
        let omitted: Vec<_> = facts.omitted.iter().map(|it| (it, it.sentence())).collect();
        let omitted = omitted.iter().map(|it| Event::of_omitted(shared, it));
        let discrepancies = self.assessment().discrepancies.iter();
        let discrepancies = discrepancies.enumerate().map(|(nth, why)| Event::of_discrepancy(shared, (nth, why)));
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
    fn of_result(shared: &'a Shared<'a>, result: &'a ResourceResult) -> Self {
        let (compliance, status, severity) =
            of_verdict(result.class(), result.verdict, result.is_paused(), arrival(shared.facts, result));
        let cis = vpc_status(shared.facts, result).map(|found| match found {
            VpcStatus::Records => Compliance::Pass,
            VpcStatus::DoesNot => Compliance::Fail,
            VpcStatus::Exception => Compliance::Unknown,
            VpcStatus::Unknown => Compliance::Warning,
        });
        let verdict = word(result.verdict);
        let is_paused = result.class() == Class::Exception && result.is_paused();
        Self {
            shared,
            account: &result.account,
            region: Some(&result.region),
            subject: result.id.as_str().into(),
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

    fn of_omitted(shared: &'a Shared<'a>, (omitted, reason): &'a (&'a Omitted, String)) -> Self {
        let (compliance, status, severity) =
            of_verdict(omitted.class(), omitted.verdict, omitted.is_paused(), Arrival::Unknown);
        let verdict = word(omitted.verdict);
        let is_paused = omitted.class() == Class::Exception && omitted.is_paused();
        Self {
            shared,
            account: &omitted.account,
            region: Some(&omitted.region),
            subject: format!("{}/{}/{}, {verdict}", omitted.account, omitted.region, omitted.kind.as_str()).into(),
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

    fn of_unknown(shared: &'a Shared<'a>, unknown: &'a Unknown) -> Self {
        let (account, region) = (unknown.account.as_deref().unwrap_or_default(), unknown.region.as_deref());
        Self {
            shared,
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

    fn of_discrepancy(shared: &'a Shared<'a>, (nth, why): (usize, &'a str)) -> Self {
        // Of several, each has an id of its own.
        let subject = format!("the sums, {}", nth + 1);
        Self {
            shared,
            account: "",
            region: None,
            subject: subject.into(),
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

    fn of_note(shared: &'a Shared<'a>, note: &'a Note) -> Self {
        let (account, region) = (note.account.as_deref().unwrap_or_default(), note.region.as_deref());
        let is_finding = note.state == NoteState::Finding;
        let verdict = if is_finding { "finding" } else { "unsupported" };
        Self {
            shared,
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

fn subject<'a>(subject: Option<&'a str>, account: &'a str, region: Option<&str>) -> Cow<'a, str> {
    match (subject, region) {
        (Some(subject), _) => subject.into(),
        (None, Some(region)) => format!("{account}/{region}").into(),
        (None, None) if account.is_empty() => "the run".into(),
        (None, None) => account.into(),
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
        let Self { shared, account, region, ref subject, kind, verdict, reason, error, .. } = *self;
        let facts = shared.facts;
        let uid = format!("flowkeeper/{account}/{}/{subject}", region.unwrap_or("-"));
        let time = facts.head.ended.as_millisecond();
        let of_policy = Check { name: "the policy", standards: [POLICY], status_id: self.compliance, uid: "policy" };
        let of_cis = |status_id| Check {
            name: "VPC flow logging is enabled in all VPCs",
            standards: [CIS],
            status_id,
            uid: "3.3",
        };
        let advice = error.map(|error| error.advice.as_str()).filter(|advice| !advice.is_empty());
        ComplianceFinding {
            class_uid: 2003,
            category_uid: 2,
            activity_id: 1,
            type_uid: 200_301,
            time,
            severity_id: self.severity,
            status_id: self.status,
            status_code: verdict,
            message: reason,
            count: self.count,
            metadata: Metadata {
                product: Product { name: "Flowkeeper", vendor_name: "Flowkeeper", version: &shared.versions },
                profiles: ["cloud"],
                uid: &uid,
                version: "1.8.0",
            },
            cloud: Cloud {
                account: Account { r#type: "Alibaba Cloud Account", type_id: 99, uid: account },
                provider: "Alibaba Cloud",
                region,
            },
            finding_info: FindingInfo {
                desc: reason,
                last_seen_time: time,
                title: format!("{subject}: {verdict}"),
                types: ["VPC flow log"],
                uid: &uid,
            },
            compliance: ComplianceObject {
                checks: iter::once(of_policy).chain(self.cis.map(of_cis)).collect(),
                control: "flow logs",
                requirements: [&facts.policy.name],
                standards: [POLICY],
                status_code: self.status_code,
                status_details: [reason],
                status_id: self.compliance,
            },
            resources: [Resource { name: self.name, region, r#type: kind, uid: subject }],
            evidences: [Evidences {
                data: Data {
                    error: error.map(|error| Call {
                        code: &error.code,
                        operation: &error.operation,
                        request_id: error.request_id.as_deref(),
                    }),
                    policy_sha256: &facts.policy.sha256,
                    run: &facts.head.run,
                    seal: &shared.seal,
                },
            }],
            remediation: advice.map(|desc| Remediation { desc }),
            unmapped: self.result.and_then(Unmapped::of),
        }
        .serialize(serializer)
    }
}
