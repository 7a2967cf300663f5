//! Evidence as JUnit XML, for CI: one suite for each region of an account, one case for each resource.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufWriter, Write},
    sync::Arc,
};

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use visible::visible;

use crate::{
    assessment::{Class, Control, ControlStatus, Relation},
    evidence::Evidence,
    facts::{Failure, NoteState},
};

impl Evidence {
    /// Writes the evidence as JUnit XML. A finding is a failure, whatever could not be read is an error, and an
    /// exception is skipped. Counts that disagree are an error, too. A control that is assessed and fails is a failure; one
    /// that is unknown, or only relates to flow logs, is skipped: nobody has asked for every standard.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_junit<'a>(&'a self, to: impl Write) -> io::Result<()> {
        let (facts, assessment) = (self.facts(), self.assessment());
        let mut report = Report::new("flowkeeper evidence");
        let mut suites: BTreeMap<(&str, &str), TestSuite> = BTreeMap::new();
        for result in &facts.results {
            let mut case = TestCase::new(visible(&result.id).as_ref(), TestCaseStatus::success());
            case.set_classname(result.kind.as_str());
            if let Some(name) = &result.name {
                // Not `add_property`, which makes room for four.
                case.properties = vec![Property::new("name", visible(name).as_ref())];
            }
            let verdict = result.verdict.to_string();
            case.status = match result.class() {
                Class::Compliant | Class::Changed => TestCaseStatus::success(),
                Class::Exception => skipped(&result.reason),
                Class::Pending | Class::Finding => failed(NonSuccessKind::Failure, &verdict, &result.reason, None),
                Class::Unknown => failed(NonSuccessKind::Error, &verdict, &result.reason, result.error.as_deref()),
            };
            let place = (result.account.as_str(), result.region.as_str());
            suites.entry(place).or_insert_with(|| suite(place)).add_test_case(case);
        }
        for omitted in &facts.omitted {
            let place = (omitted.account.as_str(), omitted.region.as_str());
            let sentence = omitted.sentence();
            let verdict = omitted.verdict.to_string();
            let status = match omitted.class() {
                Class::Compliant | Class::Changed => TestCaseStatus::success(),
                Class::Exception => skipped(&sentence),
                Class::Pending | Class::Finding => failed(NonSuccessKind::Failure, &verdict, &sentence, None),
                Class::Unknown => failed(NonSuccessKind::Error, &verdict, &sentence, None),
            };
            let mut case = TestCase::new(format!("{} more, {verdict}", omitted.count), status);
            case.set_classname(omitted.kind.as_str());
            suites.entry(place).or_insert_with(|| suite(place)).add_test_case(case);
        }
        let mut add = |account: &'a Option<String>, region: &'a Option<String>, case: TestCase| {
            let place = (account.as_deref().unwrap_or_default(), region.as_deref().unwrap_or_default());
            suites.entry(place).or_insert_with(|| suite(place)).add_test_case(case);
        };
        for unknown in assessment.unknown.iter().filter(|unknown| !unknown.has_result) {
            let name = unknown.subject.as_deref().or(unknown.region.as_deref()).unwrap_or("the account");
            let status = failed(NonSuccessKind::Error, "unknown", &unknown.why, unknown.error.as_ref());
            let mut case = TestCase::new(visible(name).as_ref(), status);
            case.set_classname("scope");
            add(&unknown.account, &unknown.region, case);
        }
        for note in facts.notes.iter().filter(|note| note.state != NoteState::Unread) {
            let name = note.subject.as_deref().or(note.region.as_deref()).unwrap_or("the account");
            let status = match note.state {
                NoteState::Unsupported => skipped(&note.reason),
                _ => failed(NonSuccessKind::Failure, "finding", &note.reason, note.error.as_ref()),
            };
            let mut case = TestCase::new(visible(name).as_ref(), status);
            case.set_classname("scope");
            add(&note.account, &note.region, case);
        }
        let omitted = assessment.sums.omitted;
        if !assessment.discrepancies.is_empty() || !assessment.scope.is_whole || omitted > 0 {
            let mut sums = TestSuite::new("completeness");
            for why in &assessment.discrepancies {
                let status = failed(NonSuccessKind::Error, "discrepancy", why, None);
                sums.add_test_case(TestCase::new("the sums close", status));
            }
            if !assessment.scope.is_whole {
                let why = "not all of the scope was read";
                let status = failed(NonSuccessKind::Error, "unknown", why, None);
                sums.add_test_case(TestCase::new("the scope was read", status));
            }
            if omitted > 0 {
                let why = format!("{omitted} resources are counted and not listed: a report takes no more");
                let status = failed(NonSuccessKind::Error, "omitted", &why, None);
                sums.add_test_case(TestCase::new("every resource is listed", status));
            }
            report.add_test_suite(sums);
        }
        report.add_test_suites(suites.into_values());
        let mut controls = TestSuite::new("controls");
        controls.add_test_cases(assessment.controls.iter().map(control));
        report.add_test_suite(controls);
        // quick-junit makes a write of each part of an element.
        let mut to = BufWriter::new(to);
        report.serialize(&mut to).map_err(|error| of_writer(&error))?;
        to.flush()
    }
}

/// Returns the writer's error, which quick-junit wraps.
fn of_writer(error: &(dyn Error + 'static)) -> io::Error {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if let Some(of_writer) = found.downcast_ref::<Arc<io::Error>>() {
            return io::Error::new(of_writer.kind(), Arc::clone(of_writer));
        }
        cause = found.source();
    }
    io::Error::other(error.to_string())
}

/// The case of a control. Whatever could not be read has a case of its own, which is an error.
fn control(control: &Control) -> TestCase {
    let Control { framework, id, title, relation, status, details } = control;
    let why = format!("{}: {}", status.word(), details.join("; "));
    let status = match (status, relation) {
        (ControlStatus::Pass, _) => TestCaseStatus::success(),
        (ControlStatus::Fail, Relation::Assessed) => failed(NonSuccessKind::Failure, "control", &why, None),
        (ControlStatus::Unknown, _) | (ControlStatus::Fail, Relation::RelatesTo) => skipped(&why),
    };
    let mut case = TestCase::new(visible(&format!("{framework} {id}: {title}")).as_ref(), status);
    case.set_classname("controls");
    case
}

fn suite((account, region): (&str, &str)) -> TestSuite {
    let name = [account, region].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    TestSuite::new(visible(if name.is_empty() { "the run" } else { &name }).as_ref())
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(visible(reason).as_ref());
    status
}

fn failed(kind: NonSuccessKind, verdict: &str, reason: &str, error: Option<&Failure>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict).set_message(visible(reason).as_ref());
    if let Some(error) = error {
        let request = error.request_id.as_deref().unwrap_or("none");
        let text = format!("{} {} (request {request}): {}", error.operation, error.code, error.advice);
        status.set_description(visible(&text).as_ref());
    }
    status
}
