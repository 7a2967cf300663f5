//! A report of evidence as text, for a terminal.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use cost::Amount;
use evidence::{
    Class, ControlStatus, Cost, CostPart, Delivery, DeliveryState, Evidence, LeftOut, NoteState, OtherKind, Relation,
    ResourceResult, Unknown,
};
use visible::{quoted, single_spaced, visible};

use crate::{
    columns::{hanging, labelled, marked, wrapped},
    plan::table::Drawing,
    reporting::Reported,
    style::{BOLD, DIM, GREEN, RED, YELLOW, counted, padded},
};

/// How many lines of a kind are shown, unless all are asked for.
const MAX_LINES: usize = 20;
/// How many of what was not asked for are named in a line.
const MAX_NAMES: usize = 10;
/// The columns of a word at the beginning of a line.
const WORD: usize = 10;

/// Draws a report.
pub(crate) fn text(reported: &Reported, drawing: Drawing) -> String {
    let evidence = &reported.evidence;
    let (facts, assessment) = (evidence.facts(), evidence.assessment());
    let verdict = wrapped(&visible(&assessment.verdict), 0, drawing.columns);
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n", verdict.trim_end());
    let mut row = |name: &str, value: &str| text.push_str(&labelled(name, value, WORD, drawing.columns));
    row("policy", &format!("{}, SHA-256 {}", visible(&facts.policy.name), facts.policy.sha256));
    for caller in &facts.callers {
        row("read by", &format!("{}, {}", visible(&caller.arn), visible(&caller.source)));
    }
    let scope = &assessment.scope;
    let whole = if scope.is_whole { "all of it" } else { "not all of it" };
    row(
        "read",
        &format!(
            "{whole}: {} of {}, {} of {}, {} of {}",
            scope.accounts_read,
            counted(scope.accounts_asked, "account"),
            scope.regions_read,
            counted(scope.regions_asked - scope.regions_unsupported, "region"),
            counted(scope.pages, "page"),
            counted(scope.lists, "list")
        ),
    );
    if let Some(outside) = facts.asked.outside() {
        row("not asked", &outside);
    }
    for (why, all) in left_out(&facts.asked.left_out) {
        row("left out", &format!("{all}: {why}"));
    }
    let sums = &assessment.sums;
    let gone = match sums.gone() {
        0 => String::new(),
        1 => "; 1 of them is gone and still has a flow log".to_owned(),
        many => format!("; {many} of them are gone and still have flow logs"),
    };
    row("resources", &format!("{}{gone}", sums.equation()));
    text.push('\n');

    section(
        &mut text,
        "Counts that disagree",
        drawing,
        assessment.discrepancies.iter().map(|it| visible(it).into_owned()),
    );
    section(&mut text, "Findings", drawing, findings(evidence).into_iter());
    section(&mut text, "Exceptions", drawing, lines(evidence, &[Class::Exception]));
    section(&mut text, "In transition", drawing, lines(evidence, &[Class::Pending, Class::Changed]));
    let unread = assessment.unknown.iter().map(unknown);
    let unread = unread.chain(reported.unread_costs.iter().map(|it| visible(it).into()));
    section(&mut text, "Unknown", drawing, unread);
    section(
        &mut text,
        "Logstores",
        drawing,
        assessment.retention.iter().map(|it| {
            let days = match (it.days, &it.why_unknown) {
                (Some(3650), _) => "for ever".to_owned(),
                (Some(days), _) => format!("for {days} days"),
                (None, why) => format!("for an unknown time: {}", visible(why.as_deref().unwrap_or("it was not read"))),
            };
            format!("{} {}/{} keeps records {days}", visible(&it.region), visible(&it.project), visible(&it.log_store))
        }),
    );
    text.push_str(&deliveries(evidence, drawing));
    text.push_str(&costs(evidence, drawing));
    controls(&mut text, evidence, drawing);
    let seal = hanging(&format!("seal SHA-256 {}", evidence.seal()), 0, drawing.columns);
    _ = writeln!(text, "{DIM}{}{DIM:#}", seal.trim_end());
    text
}

/// What was not asked for, by the reason, so that thirty regions are no thirty lines.
fn left_out(all: &[LeftOut]) -> BTreeMap<Cow<'_, str>, String> {
    let mut by_reason: BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>> = BTreeMap::new();
    for LeftOut { what, why, .. } in all {
        by_reason.entry(single_spaced(why)).or_default().push(visible(what));
    }
    let listed = |names: Vec<Cow<'_, str>>| {
        let more = names.len().saturating_sub(MAX_NAMES);
        let named = names.iter().take(MAX_NAMES).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        if more == 0 { named } else { format!("{named} and {more} more") }
    };
    by_reason.into_iter().map(|(why, names)| (why, listed(names))).collect()
}

/// Writes the lines of a section under its heading; nothing if there are none.
fn section(text: &mut String, heading: &str, drawing: Drawing, lines: impl Iterator<Item = String>) {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let max = if drawing.is_verbose { usize::MAX } else { MAX_LINES };
    _ = writeln!(text, "{BOLD}{heading} ({}){BOLD:#}", lines.len());
    for line in lines.iter().take(max) {
        text.push_str(&hanging(line, 2, drawing.columns));
    }
    if let Some(more) = lines.len().checked_sub(max).filter(|more| *more > 0) {
        let said = format!("and {more} more: -v shows them, and so does every file");
        text.push_str(&hanging(&said, 2, drawing.columns));
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
        match place.join(" ") {
            place if place.is_empty() => single_spaced(&note.reason).into_owned(),
            place => format!("{place}: {}", single_spaced(&note.reason)),
        }
    });
    lines(evidence, &[Class::Finding]).chain(notes).collect()
}

fn line(result: &ResourceResult) -> String {
    let name = result.name.as_ref().map(|name| format!(" ({})", quoted(name))).unwrap_or_default();
    let ResourceResult { account, region, id, verdict, reason, .. } = result;
    format!("{account} {region} {}{name}  {verdict}: {}", visible(id), single_spaced(reason))
}

pub(crate) fn unknown(found: &Unknown) -> String {
    let place = [&found.account, &found.region, &found.subject].into_iter().flatten();
    let place: Vec<_> = place.map(|part| visible(part)).collect();
    let mut line = format!("{}: {}", place.join(" "), single_spaced(&found.why));
    if let Some(error) = &found.error {
        let request = error.request_id.as_deref().unwrap_or("none");
        _ = write!(line, ": {} answered {} (request {request})", visible(&error.operation), visible(&error.code));
        if !error.advice.is_empty() {
            _ = write!(line, "; {}", single_spaced(&error.advice));
        }
    }
    line
}

fn deliveries(evidence: &Evidence, drawing: Drawing) -> String {
    let found = &evidence.facts().deliveries;
    if found.is_empty() {
        return String::new();
    }
    let count = |state| found.iter().filter(|it| it.state == state).count();
    let parts: Vec<_> = [
        (DeliveryState::Delivers, "delivers", "deliver"),
        (DeliveryState::NothingFlowed, "had no traffic", "had no traffic"),
        (DeliveryState::NothingToRecord, "has nothing to record", "have nothing to record"),
        (DeliveryState::RecordsLost, "lost records", "lost records"),
        (DeliveryState::Silent, "is silent", "are silent"),
        (DeliveryState::Unknown, "cannot be told", "cannot be told"),
    ]
    .into_iter()
    .map(|(state, one, many)| (count(state), one, many))
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    let of_all = format!("of {}: {}", counted(found.len(), "flow log"), parts.join(", "));
    let mut text = marked(BOLD, "Delivery", 2, &of_all, drawing.columns);
    let is_told = |it: &&Delivery| it.state.is_alarm() || it.state == DeliveryState::Unknown;
    let mut told: Vec<_> = found.iter().filter(is_told).collect();
    told.sort_by_key(|it| it.state == DeliveryState::Unknown);
    let max = if drawing.is_verbose { told.len() } else { MAX_LINES };
    for it in told.iter().take(max) {
        let what = match it.state {
            DeliveryState::RecordsLost => "records were lost",
            DeliveryState::Unknown => "cannot be told",
            _ => "no record arrived",
        };
        let why = it.why_unknown.as_deref().map(|why| format!(": {}", single_spaced(why))).unwrap_or_default();
        let (account, region) = (visible(&it.account), visible(&it.region));
        let line = format!("{account} {region} {}  {what}{why}", visible(&it.flow_log_id));
        text.push_str(&hanging(&line, 2, drawing.columns));
    }
    if let Some(more) = told.len().checked_sub(max).filter(|more| *more > 0) {
        let rest = format!("and {more} more: -v shows them, and so does every file");
        text.push_str(&hanging(&rest, 2, drawing.columns));
    }
    text.push('\n');
    text
}

/// Sums up what flow logs cost, if that was asked for.
fn costs(evidence: &Evidence, drawing: Drawing) -> String {
    let mut text = String::new();
    for cost in &evidence.facts().costs {
        text.push_str(&marked(BOLD, "Cost", 2, &sum(cost), drawing.columns));
        text.push('\n');
    }
    text
}

/// What flow logs cost and what of that need not be, in a sentence.
fn sum(cost: &Cost) -> String {
    let marked_amount = |micros, is_estimated| {
        let mark = if is_estimated { "*" } else { "" };
        format!("{}{mark}", Amount::from_millionths(micros))
    };
    let amount = |micros, is_estimated| format!("{} {}", marked_amount(micros, is_estimated), cost.currency.as_str());
    let (total, saved) = cost.totals();
    let at_least = if cost.is_at_least() { "at least " } else { "" };
    let mut line = format!("of {} days: {at_least}{}", cost.days, amount(total, cost.is_estimated()));
    if cost.has_unknown() {
        line.push_str(" of what is known");
    }
    let parts = cost.parts();
    if parts.len() > 1 {
        let part = |it: &CostPart| {
            let what = match it.kind {
                None => "flow logs",
                Some(OtherKind::Routers) => "excluded or unread routers",
                Some(OtherKind::Shards) => "shards of Logstores",
                Some(OtherKind::Flowkeeper) => "Flowkeeper itself",
            };
            let known = it.micros.map(|micros| marked_amount(micros, it.is_estimated));
            match (known, it.has_unknown) {
                (None, _) => format!("{what} unknown"),
                (Some(known), true) => format!("{what} {known} of what is known"),
                (Some(known), false) => format!("{what} {known}"),
            }
        };
        _ = write!(line, " ({})", parts.iter().map(part).collect::<Vec<_>>().join(", "));
    }
    let is_of_estimates = cost.rows.iter().any(|row| row.is_estimated);
    for (micros, is_estimated, what) in [
        (saved, cost.is_saving_estimated(), "schedules save"),
        (cost.duplicates_micros.unwrap_or_default(), is_of_estimates, "duplicates cost"),
    ] {
        if micros > 0 {
            _ = write!(line, "; {what} {}", amount(micros, is_estimated));
        }
    }
    if line.contains('*') {
        line.push_str("; * is estimated");
    }
    line
}

fn controls(text: &mut String, evidence: &Evidence, drawing: Drawing) {
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
        let line = format!("{word}{relates}{} {}: {}", control.framework, control.id, details.join("; "));
        let lines = hanging(&line, 2, drawing.columns);
        text.push_str(&lines.replacen(&*word, &format!("{style}{word}{style:#}"), 1));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use evidence::{CostRow, Currency, OtherCost};

    use super::*;

    #[test]
    fn each_amount_has_the_mark_of_its_own_estimates_and_the_mark_is_explained() {
        let row = CostRow {
            account: "1".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_id: "vpc-1".to_owned(),
            flow_log_id: "fl-1".to_owned(),
            bytes: Some(1),
            micros: Some(11_000_000),
            saved_micros: Some(5_000_000),
            is_estimated: false,
            is_saving_estimated: false,
            duplicate_of: None,
            avoidable_micros: None,
        };
        let of = |of: &CostRow, others: Vec<OtherCost>| {
            sum(&Cost {
                currency: Currency::Usd,
                prices_of: "2026-11-26".parse().unwrap(),
                source: String::new(),
                days: 30,
                duplicates_micros: Some(2_000_000),
                rows: vec![of.clone()],
                others,
                bills: Vec::new(),
                notes: Vec::new(),
            })
        };
        assert_eq!(of(&row, vec![]), "of 30 days: 11.00 USD; schedules save 5.00 USD; duplicates cost 2.00 USD");
        let saving = CostRow { is_saving_estimated: true, ..row.clone() };
        let said = "of 30 days: 11.00 USD; schedules save 5.00* USD; duplicates cost 2.00 USD; * is estimated";
        assert_eq!(of(&saving, vec![]), said);
        let kind = OtherKind::Flowkeeper;
        let own = OtherCost { account: None, region: None, kind, micros: Some(22_000_000), is_at_least: true };
        let estimated = CostRow { is_estimated: true, micros: Some(11_000_000), ..saving };
        let at_least = "of 30 days: at least 33.00* USD (flow logs 11.00*, Flowkeeper itself 22.00*); schedules save 5.00* USD; duplicates cost 2.00* USD; * is estimated";
        assert_eq!(of(&estimated, vec![own.clone()]), at_least);
        let unread = CostRow { micros: None, flow_log_id: "fl-2".to_owned(), ..row };
        let shards = OtherCost { kind: OtherKind::Shards, micros: None, is_at_least: false, ..own };
        let unknown = of(&unread, vec![shards]);
        assert!(
            unknown.contains("0.00 USD of what is known (flow logs unknown, shards of Logstores unknown)"),
            "{unknown}"
        );
    }
}
