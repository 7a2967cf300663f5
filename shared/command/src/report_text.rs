//! A report of evidence as text, for a terminal.

use std::fmt::Write as _;

use audit::Audited;
use cost::Amount;
use evidence::{Class, ControlStatus, DeliveryState, Evidence, NoteState, Relation, ResourceResult, Unknown, visible};

use crate::terminal::{BOLD, DIM, GREEN, RED, YELLOW, padded};

/// How many lines of a kind are shown, unless all are asked for.
const MAX_LINES: usize = 20;
/// The columns of a word at the beginning of a line.
const WORD: usize = 10;

/// Draws a report.
pub(crate) fn text(reported: &Audited, is_verbose: bool) -> String {
    let evidence = &reported.evidence;
    let (facts, assessment) = (evidence.facts(), evidence.assessment());
    let max = if is_verbose { usize::MAX } else { MAX_LINES };
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n", visible(&assessment.verdict));
    let mut row = |name: &str, value: &str| _ = writeln!(text, "{name:<WORD$}{value}");
    row("policy", &format!("{}, SHA-256 {}", visible(&facts.policy.name), facts.policy.sha256));
    for caller in &facts.callers {
        row("read by", &format!("{}, {}", visible(&caller.arn), visible(&caller.source)));
    }
    let scope = &assessment.scope;
    let whole = if scope.is_whole { "all of it" } else { "not all of it" };
    row(
        "read",
        &format!(
            "{whole}: {} of {} accounts, {} of {} regions, {} pages of {} lists",
            scope.accounts_read,
            scope.accounts_asked,
            scope.regions_read,
            scope.regions_asked - scope.regions_unsupported,
            scope.pages,
            scope.lists
        ),
    );
    for left_out in &facts.asked.left_out {
        row("left out", &format!("{}: {}", visible(&left_out.what), visible(&left_out.why)));
    }
    let sums = &assessment.sums;
    let parts = [
        (sums.compliant, "as wanted"),
        (sums.exceptions, "exceptions"),
        (sums.findings, "findings"),
        (sums.pending, "in transition"),
        (sums.unknown, "unknown"),
    ];
    let parts: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
    row(
        "resources",
        &format!("{} = {}", sums.resources, if parts.is_empty() { "0".into() } else { parts.join(" + ") }),
    );
    text.push('\n');

    section(&mut text, "Counts that disagree", max, assessment.discrepancies.iter().map(|it| visible(it).into_owned()));
    section(&mut text, "Findings", max, findings(evidence).into_iter());
    section(&mut text, "Exceptions", max, lines(evidence, &[Class::Exception]));
    section(&mut text, "In transition", max, lines(evidence, &[Class::Pending, Class::Changed]));
    let unread = assessment.unknown.iter().map(unknown).chain(reported.unproven.iter().map(|it| visible(it).into()));
    section(&mut text, "Unknown", max, unread);
    section(
        &mut text,
        "Logstores",
        max,
        assessment.retention.iter().map(|it| {
            let days = match (it.days, &it.why_unknown) {
                (Some(3650), _) => "for ever".to_owned(),
                (Some(days), _) => format!("for {days} days"),
                (None, why) => format!("for an unknown time: {}", visible(why.as_deref().unwrap_or("it was not read"))),
            };
            format!("{} {}/{} keeps records {days}", visible(&it.region), visible(&it.project), visible(&it.log_store))
        }),
    );
    text.push_str(&deliveries(evidence));
    text.push_str(&costs(evidence));
    controls(&mut text, evidence);
    _ = writeln!(text, "{DIM}seal SHA-256 {}{DIM:#}", evidence.seal());
    text
}

/// Writes the lines of a section under its heading; nothing if there are none.
fn section(text: &mut String, heading: &str, max: usize, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return;
    }
    _ = writeln!(text, "{BOLD}{heading} ({}){BOLD:#}", lines.len());
    for line in lines.iter().take(max) {
        _ = writeln!(text, "  {line}");
    }
    if let Some(more) = lines.len().checked_sub(max).filter(|more| *more > 0) {
        _ = writeln!(text, "  and {more} more: -v shows them, and so does every file");
    }
    text.push('\n');
}

fn of_class<'e>(evidence: &'e Evidence, classes: &'static [Class]) -> impl Iterator<Item = &'e ResourceResult> {
    evidence.facts().results.iter().filter(|result| classes.contains(&result.class()))
}

/// The lines of resources, after those about resources that are only counted.
fn lines<'e>(evidence: &'e Evidence, classes: &'static [Class]) -> impl Iterator<Item = String> + use<'e> {
    let omitted = evidence.facts().omitted.iter().filter(|omitted| classes.contains(&omitted.class()));
    let omitted = omitted.map(|it| format!("{} {} {}: {}", it.account, it.region, it.verdict, it.sentence()));
    omitted.chain(of_class(evidence, classes).map(line))
}

fn findings(evidence: &Evidence) -> Vec<String> {
    let notes = evidence.facts().notes.iter().filter(|note| note.state == NoteState::Finding).map(|note| {
        let place = [&note.account, &note.region, &note.subject].into_iter().flatten();
        let place: Vec<_> = place.map(|part| visible(part)).collect();
        format!("{} {}", place.join(" "), visible(&note.reason))
    });
    lines(evidence, &[Class::Finding]).chain(notes).collect()
}

fn line(result: &ResourceResult) -> String {
    let name = result.name.as_ref().map(|name| format!(" ({})", visible(name))).unwrap_or_default();
    let ResourceResult { account, region, id, verdict, reason, .. } = result;
    format!("{account} {region} {}{name}  {verdict}: {}", visible(id), visible(reason))
}

fn unknown(found: &Unknown) -> String {
    let place = [&found.account, &found.region, &found.subject].into_iter().flatten();
    let place: Vec<_> = place.map(|part| visible(part)).collect();
    let mut line = format!("{}: {}", place.join(" "), visible(&found.why));
    if let Some(error) = &found.error {
        let request = error.request_id.as_deref().unwrap_or("none");
        _ = write!(line, ": {} answered {} (request {request})", visible(&error.operation), visible(&error.code));
        if !error.advice.is_empty() {
            _ = write!(line, "; {}", visible(&error.advice));
        }
    }
    line
}

fn deliveries(evidence: &Evidence) -> String {
    let found = &evidence.facts().deliveries;
    if found.is_empty() {
        return String::new();
    }
    let count = |state| found.iter().filter(|it| it.state == state).count();
    let parts: Vec<_> = [
        (DeliveryState::Delivers, "deliver"),
        (DeliveryState::NothingFlowed, "had no traffic"),
        (DeliveryState::RecordsLost, "lost records"),
        (DeliveryState::Silent, "are silent"),
        (DeliveryState::Unknown, "cannot be told"),
    ]
    .into_iter()
    .map(|(state, what)| (count(state), what))
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let mut text = format!("{BOLD}Delivery{BOLD:#} of {} flow logs: {}\n", found.len(), parts.join(", "));
    for it in found.iter().filter(|it| matches!(it.state, DeliveryState::RecordsLost | DeliveryState::Silent)) {
        let what = match it.state {
            DeliveryState::RecordsLost => "records were lost",
            _ => "no record arrived",
        };
        let why = it.why_unknown.as_deref().map(|why| format!(": {}", visible(why))).unwrap_or_default();
        _ = writeln!(text, "  {} {} {}  {what}{why}", it.account, it.region, visible(&it.flow_log_id));
    }
    text.push('\n');
    text
}

/// Sums up what flow logs cost, if that was asked for.
fn costs(evidence: &Evidence) -> String {
    let mut text = String::new();
    for cost in &evidence.facts().costs {
        let amount = |micros| format!("{} {}", Amount::from_millionths(micros), cost.currency.as_str());
        let (total, saved) = cost.totals();
        _ = write!(text, "{BOLD}Cost{BOLD:#} of {} days: {}", cost.days, amount(total));
        if cost.has_unknown() {
            text.push_str(" of what is known");
        }
        for (micros, what) in [(saved, "schedules save"), (cost.duplicates(), "duplicates cost")] {
            if micros > 0 {
                _ = write!(text, "; {what} {}", amount(micros));
            }
        }
        text.push_str("\n\n");
    }
    text
}

fn controls(text: &mut String, evidence: &Evidence) {
    _ = writeln!(text, "{BOLD}Controls{BOLD:#}");
    for control in &evidence.assessment().controls {
        let style = match control.status {
            ControlStatus::Pass => GREEN,
            ControlStatus::Fail => RED,
            ControlStatus::Unknown => YELLOW,
        };
        let relates = match control.relation {
            Relation::Assessed => "",
            Relation::RelatesTo => "relates to ",
        };
        let word = padded(control.status.word(), WORD - 2);
        let details: Vec<_> = control.details.iter().map(|detail| visible(detail)).collect();
        _ = writeln!(
            text,
            "  {style}{word}{style:#}{relates}{} {}: {}",
            control.framework,
            control.id,
            details.join("; ")
        );
    }
    text.push('\n');
}
