//! A plan as text, for people.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use clap::builder::styling::Style;
use comfy_table::ColumnConstraint;
use cost::{Amount, Bytes};
use visible::{quoted, visible};

use super::{
    Change, Cost, Kind, Maker, Note, Plan, Resource, Totals, Unread,
    build::is_unable,
    costs::{ASSUMED_CONNECTIONS, total},
    csv::{asked_by, values},
};
use crate::{
    columns::{self, MIN_SENTENCE, hanging, marked},
    style::{BOLD, DIM, GREEN, RED, YELLOW, counted, width},
};

/// How many exceptions of a region are listed, unless all are asked for.
const MAX_EXCEPTIONS: usize = 20;
/// How many places of the same finding are listed, unless all are asked for.
const MAX_PLACES: usize = 5;

/// The fields of a flow log that cannot be changed in place.
const FIXED: [&str; 5] = ["project", "log_store", "traffic_type", "traffic_path", "ip_version"];

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawing {
    /// The columns of the terminal; `None` where nothing is broken into lines.
    pub(crate) columns: Option<usize>,
    /// Whether everything is listed.
    pub(crate) is_verbose: bool,
}

/// An account and a region; the region is missing for what is about a whole account.
type Place<'p> = (&'p str, &'p str);

/// What a plan says about one place.
#[derive(Debug, Default)]
struct Said<'p> {
    changes: Vec<&'p Change>,
    resources: Vec<&'p Resource>,
    notes: Vec<&'p Note>,
    is_unread: bool,
}

/// Draws a plan.
pub(crate) fn text(plan: &Plan, drawing: Drawing) -> String {
    let mut text = String::new();
    let mut quiet = 0;
    for (place, said) in by_place(plan) {
        if said.changes.is_empty() && said.resources.is_empty() && said.notes.is_empty() {
            quiet += usize::from(!said.is_unread);
        } else {
            text.push_str(&of_region(plan, place, &said, drawing));
        }
    }
    text.push_str(&of_accounts(plan, drawing));
    if quiet > 0 {
        _ = writeln!(text, "Nothing to record in {}.\n", counted(quiet, "region"));
    }
    text.push_str(&limits(plan, drawing));
    text.push_str(&unread(plan, drawing));
    text.push_str(&costs(plan, drawing));
    let counts = hanging(&last_line(&plan.summary), 0, drawing.columns);
    _ = writeln!(text, "{BOLD}{}{BOLD:#}", counts.trim_end());
    text
}

/// Sorts what a plan says by its places.
fn by_place(plan: &Plan) -> BTreeMap<Place<'_>, Said<'_>> {
    let mut places: BTreeMap<Place<'_>, Said<'_>> = BTreeMap::new();
    for change in &plan.changes {
        places.entry((&change.account, &change.region)).or_default().changes.push(change);
    }
    for resource in &plan.resources {
        places.entry((&resource.account, &resource.region)).or_default().resources.push(resource);
    }
    for note in plan.notes.iter().filter(|note| !is_about_account(note)) {
        places.entry((of(&note.account), of(&note.region))).or_default().notes.push(note);
    }
    // The regions of an account belong to none of them.
    for read in plan.read.iter().filter(|it| it.action != "DescribeRegions") {
        places.entry((&read.account, &read.region)).or_default();
    }
    for unread in &plan.unread {
        if let Some(said) = places.get_mut(&(of(&unread.account), of(&unread.region))) {
            said.is_unread = true;
        }
    }
    places
}

/// Draws some changes of a plan, with the findings that are about no resource, and what could not be read.
pub(crate) fn chosen(plan: &Plan, changes: &[&Change], drawing: Drawing) -> String {
    let mut text = String::new();
    let places: BTreeSet<_> = changes.iter().map(|change| (change.account.as_str(), change.region.as_str())).collect();
    for place in places {
        let (account, region) = place;
        _ = writeln!(text, "{BOLD}{}  {}{BOLD:#}", visible(account), visible(region));
        let here: Vec<_> =
            changes.iter().copied().filter(|it| (it.account.as_str(), it.region.as_str()) == place).collect();
        text.push_str(&changes_table(plan, &here, drawing));
        text.push('\n');
    }
    let found: Vec<_> = plan.notes.iter().filter(|note| note.finding && !is_about_account(note)).map(noted).collect();
    if !found.is_empty() {
        _ = writeln!(text, "{}", headed("findings", YELLOW, &[found], drawing));
    }
    text + &of_accounts(plan, drawing) + &limits(plan, drawing) + &unread(plan, drawing)
}

/// Whether a note is about an account as a whole.
const fn is_about_account(note: &Note) -> bool {
    note.account.is_some() && note.region.is_none() && note.resource_id.is_none() && note.flow_log_id.is_none()
}

/// Draws what is said of whole accounts. In an organization, hundreds may lack the same role.
fn of_accounts(plan: &Plan, drawing: Drawing) -> String {
    let mut groups: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for note in plan.notes.iter().filter(|note| is_about_account(note)) {
        let account = of(&note.account);
        groups.entry((!note.finding, general(&note.reason, [account, "", ""]))).or_default().push(account);
    }
    let mut text = String::new();
    for ((is_left_out, reason), mut accounts) in groups {
        accounts.sort_unstable();
        let (head, style) = if is_left_out { ("left out", DIM) } else { ("findings", YELLOW) };
        _ = writeln!(text, "{style}{head}{style:#} in {}", counted(accounts.len(), "account"));
        let sentence = if let [account] = *accounts { particular(&reason, account) } else { reason };
        text.push_str(&wrapped(&sentence, 2, drawing));
        text.push_str(&wrapped(&listed(&accounts, drawing), 4, drawing));
        text.push('\n');
    }
    text
}

const PLACEHOLDERS: [&str; 3] = ["{account}", "{region}", "{resource_id}"];

/// Takes the account, the region and the resource out of a sentence, so that it is the same for all.
fn general(sentence: &str, names: [&str; 3]) -> String {
    let mut general = sentence.to_owned();
    for (name, placeholder) in names.into_iter().zip(PLACEHOLDERS).filter(|(name, _)| !name.is_empty()) {
        general = general.replace(name, placeholder);
    }
    general
}

fn particular(sentence: &str, account: &str) -> String {
    sentence.replace(PLACEHOLDERS[0], account)
}

/// Lists the first of some places, or all of them if everything is asked for.
fn listed(places: &[&str], drawing: Drawing) -> String {
    match places.len().saturating_sub(MAX_PLACES) {
        more @ 2.. if !drawing.is_verbose => {
            format!("{} and {more} more; -v lists them", places[..MAX_PLACES].join(", "))
        }
        _ => places.join(", "),
    }
}

/// Returns the line with the counts.
pub(crate) fn last_line(totals: &Totals) -> String {
    let Totals {
        create,
        modify,
        activate,
        deactivate,
        replace,
        delete,
        resources,
        covered,
        unsupported,
        exceptions,
        findings,
        unread,
    } = totals;
    let kinds = [
        (create, "to create"),
        (modify, "to modify"),
        (activate, "to switch on"),
        (deactivate, "to switch off"),
        (replace, "to replace"),
        (delete, "to delete"),
    ];
    let wanted: Vec<_> =
        kinds.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let changes = match (wanted.as_slice(), unread) {
        ([], 0) => "nothing to change".to_owned(),
        ([], _) => "nothing to change in what could be read".to_owned(),
        _ => wanted.join(", "),
    };
    let coverage = if *resources == 0 {
        "no resource found".to_owned()
    } else {
        format!("{covered} of {} covered", counted(*resources, "resource"))
    };
    let mut line = format!("Plan: {changes}; {coverage}");
    for (count, one, many) in [
        (unsupported, "unsupported", "unsupported"),
        (exceptions, "exception", "exceptions"),
        (findings, "finding", "findings"),
        (unread, "could not be read", "could not be read"),
    ] {
        match count {
            0 => {}
            1 => _ = write!(line, "; 1 {one}"),
            count => _ = write!(line, "; {count} {many}"),
        }
    }
    line + "."
}

fn of(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// Draws the changes and findings about a region.
fn of_region(plan: &Plan, (account, region): Place<'_>, said: &Said<'_>, drawing: Drawing) -> String {
    let Said { changes, resources, notes, .. } = said;
    let changed: BTreeSet<_> = changes.iter().map(|change| change.resource_id.as_str()).collect();
    let findings: Vec<_> = resources.iter().copied().filter(|it| it.finding).collect();
    let exceptions: Vec<_> =
        resources.iter().copied().filter(|it| it.exception && !changed.contains(it.resource_id.as_str())).collect();
    let mut text = match (account, region) {
        ("", _) => String::new(),
        (_, "") => format!("{BOLD}{}{BOLD:#}\n", visible(account)),
        _ => format!("{BOLD}{}  {}{BOLD:#}\n", visible(account), visible(region)),
    };
    if !resources.is_empty() {
        text.push_str(&wrapped(&coverage(resources), 2, drawing));
    }
    if !changes.is_empty() {
        text.push_str(&changes_table(plan, changes, drawing));
    }
    if drawing.is_verbose {
        let quiet: Vec<_> = resources
            .iter()
            .copied()
            .filter(|it| !it.finding && !it.exception && !changed.contains(it.resource_id.as_str()))
            .map(about)
            .collect();
        text.push_str(&rows(&quiet, drawing));
    }
    let listed = if drawing.is_verbose { exceptions.len() } else { MAX_EXCEPTIONS };
    text.push_str(&headed("exceptions", DIM, &[exceptions.iter().copied().take(listed).map(about).collect()], drawing));
    if exceptions.len() > listed {
        _ = writeln!(text, "  and {} more; -v lists them", exceptions.len() - listed);
    }
    let notes = |finding: bool| notes.iter().copied().filter(|note| note.finding == finding).map(noted).collect();
    let found = [findings.iter().copied().map(about).collect(), notes(true)];
    text.push_str(&headed("findings", YELLOW, &found, drawing));
    text.push_str(&headed("left out", DIM, &[notes(false)], drawing));
    text.push('\n');
    text
}

fn about(resource: &Resource) -> [String; 3] {
    let name = resource.resource_name.as_deref().map(|name| format!("{}: ", quoted(name)));
    let sentence = format!("{}{}", name.unwrap_or_default(), resource.reason);
    [resource.resource_id.clone(), resource.verdict.clone(), sentence]
}

fn noted(note: &Note) -> [String; 3] {
    [of(&note.resource_id).to_owned(), of(&note.flow_log_id).to_owned(), note.reason.clone()]
}

/// Says by what the resources of a region are covered, and why the others are not.
fn coverage(resources: &[&Resource]) -> String {
    let (mut covered, mut others, mut exceptions, mut unsupported) = (BTreeMap::new(), BTreeMap::new(), 0, 0);
    for resource in resources {
        match &resource.flow_log {
            _ if resource.exception => exceptions += 1,
            _ if is_unable(resource) => unsupported += 1,
            Some(flow_log) if resource.covered => {
                let by = match flow_log.made_by {
                    Maker::Flowkeeper if flow_log.resource_id == resource.resource_id => "own",
                    Maker::Flowkeeper => "by what contains them",
                    Maker::Sls => "by Log Service",
                    Maker::Others | Maker::Unknown => "by others",
                };
                *covered.entry(by).or_insert(0) += 1;
            }
            // What others record is not all that the policy wants.
            _ if resource.verdict == "foreign" => *others.entry("in part").or_insert(0) += 1,
            _ => *others.entry(resource.verdict.as_str()).or_insert(0) += 1,
        }
    }
    let mut parts = vec![counted(resources.len(), "resource")];
    let listed = |head: &str, counts: BTreeMap<&str, usize>| {
        let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        (!counts.is_empty()).then(|| format!("{head}: {}", counts.join(", ")))
    };
    parts.extend(listed("covered", covered));
    parts.extend(listed("not covered", others));
    parts.extend((unsupported > 0).then(|| format!("{unsupported} unsupported")));
    parts.extend((exceptions > 0).then(|| counted(exceptions, "exception")));
    parts.join("; ")
}

/// Draws changes: each with a line that says what it does to what, and below it why, field by field.
fn changes_table(plan: &Plan, changes: &[&Change], drawing: Drawing) -> String {
    let mut text = String::new();
    for change in changes {
        let style = match change.kind.sign() {
            '+' => GREEN,
            '-' => RED,
            _ => YELLOW,
        };
        let verb = format!("{} {:<10}", change.kind.sign(), change.kind.words());
        let flow_log = change.flow_log_id.as_ref().map(|id| format!("  {}", visible(id))).unwrap_or_default();
        let name = change.resource_name.as_deref().map(quoted).unwrap_or_default();
        let id = visible(&change.resource_id);
        let has_room = |columns: usize| drawing.columns.is_none_or(|all| columns <= all);
        let with_id = 2 + width(&verb) + 2 + width(&id) + width(&flow_log);
        let shown_name = if name.is_empty() { String::new() } else { format!("  {name}") };
        if has_room(with_id) {
            let is_beside = has_room(with_id + width(&shown_name));
            let beside = if is_beside { &*shown_name } else { "" };
            _ = writeln!(text, "  {style}{verb}{style:#}  {BOLD}{id}{BOLD:#}{flow_log}{beside}");
            if !is_beside {
                text.push_str(&wrapped(&name, 6, drawing));
            }
        } else {
            // Below each other, in the order in which they stand beside each other elsewhere.
            let below = wrapped(&format!("{id}{flow_log}{shown_name}"), 4, drawing);
            let below = below.replacen(&*id, &format!("{BOLD}{id}{BOLD:#}"), 1);
            _ = write!(text, "  {style}{}{style:#}\n{below}", verb.trim_end());
        }
        for line in details(plan, change, drawing.is_verbose) {
            text.push_str(&wrapped(&line, 6, drawing));
        }
        if let Some(sentence) = change.monthly_bytes.and_then(|bytes| volume(bytes, change)) {
            text.push_str(&wrapped(&sentence, 6, drawing));
        }
        _ = writeln!(text, "      {DIM}change {}{DIM:#}", visible(&change.id));
    }
    text
}

/// Says how much more or less is recorded in a month.
fn volume(bytes: i64, change: &Change) -> Option<String> {
    let is_part = change.fields.iter().any(|it| it.field == "traffic_type" && it.after.as_deref() != Some("All"));
    let gigabytes = match Bytes(bytes.unsigned_abs()).to_string().as_str() {
        "0.0" => "less than 0.1".to_owned(),
        // How much of the traffic is dropped is not known.
        amount if is_part => format!("at most {amount}"),
        amount => format!("about {amount}"),
    };
    match bytes {
        0 if matches!(change.kind, Kind::Create | Kind::Activate) => {
            Some("records nothing yet, as no network interface there is in use".to_owned())
        }
        0 => None,
        1.. => Some(format!("records {gigabytes} GB a month more")),
        _ => Some(format!("records {gigabytes} GB a month less")),
    }
}

/// Draws what flow logs cost before and after the changes, and from what that is estimated.
fn costs(plan: &Plan, drawing: Drawing) -> String {
    // Where no network interface is in use, nothing is recorded before or after.
    let changed: Vec<_> =
        plan.costs.iter().filter(|cost| cost.unknown.is_some() || cost.before != cost.after).collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut text = format!("{BOLD}cost{BOLD:#} of a month, estimated\n");
    for cost in &changed {
        let Cost { account, region, currency, before, after, unknown, .. } = cost;
        let amounts = match (before, after) {
            (Some(now), Some(then)) => from_to(now.amount(), then.amount(), currency),
            _ => format!("unknown: {}", of(unknown)),
        };
        text.push_str(&wrapped(&format!("{account}  {region}  {amounts}"), 2, drawing));
    }
    let known: Vec<_> = changed.iter().filter(|cost| cost.before.is_some()).collect();
    if let (Some((now, then, currency)), 2..) = (total(&plan.costs), known.len()) {
        text.push_str(&wrapped(&format!("in all  {}", from_to(now, then, currency)), 2, drawing));
    }
    if let [first, ..] = known.as_slice() {
        let basis = format!(
            "By the network interfaces in use, with {ASSUMED_CONNECTIONS} connections of each in an interval and \
             list prices of {}. It may be off by a factor of ten; flowkeeper cost counts what is recorded now.",
            first.prices_of
        );
        text.push_str(&wrapped(&basis, 2, drawing));
    }
    text + "\n"
}

fn from_to(now: Amount, then: Amount, currency: &str) -> String {
    let sign = if then < now { '-' } else { '+' };
    let by = if then < now { now - then } else { then - now };
    format!("{sign}{by} {currency}, from {now} to {then}")
}

/// Breaks a line to the width of the terminal.
fn wrapped(line: &str, indent: usize, drawing: Drawing) -> String {
    columns::wrapped(line, indent, drawing.columns)
}

/// Says why, and each field with what asks for it. Of a new flow log, defaults are left out unless they are asked for.
fn details(plan: &Plan, change: &Change, is_verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    // The fields of these say all of it, unless something is left that only a replacement can change.
    let leaves = |field: &&str| {
        change.reason.contains(&format!("{field} is \"")) && change.fields.iter().all(|it| it.field != **field)
    };
    let is_said = match change.kind {
        Kind::Modify => !FIXED.iter().any(leaves),
        Kind::Replace => true,
        Kind::Create | Kind::Activate | Kind::Deactivate | Kind::Delete => false,
    };
    if is_verbose || !is_said {
        lines.push(change.reason.clone());
    }
    for field in &change.fields {
        let by = asked_by(&field.source, &plan.policy.file);
        let is_shown = match change.kind {
            Kind::Create => by.is_some(),
            Kind::Replace => field.before != field.after,
            Kind::Delete => false,
            Kind::Activate | Kind::Deactivate | Kind::Modify => true,
        };
        if is_shown || is_verbose {
            let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
            lines.push(format!("{}: {}{by}", field.field, values(field)));
        }
    }
    lines
}

/// Draws tables below a head, if there is anything in one of them.
fn headed(head: &str, style: Style, tables: &[Vec<[String; 3]>], drawing: Drawing) -> String {
    if tables.iter().all(Vec::is_empty) {
        return String::new();
    }
    tables.iter().fold(format!("  {style}{head}{style:#}\n"), |text, found| text + &rows(found, drawing))
}

/// Draws rows of an id, a word and a sentence.
fn rows(found: &[[String; 3]], drawing: Drawing) -> String {
    if found.is_empty() {
        return String::new();
    }
    let found: Vec<_> = found.iter().map(|row| row.each_ref().map(|cell| visible(cell))).collect();
    let widest = |nth: usize| found.iter().map(|row| width(&row[nth])).max().unwrap_or_default();
    if drawing.columns.is_some_and(|columns| widest(0) + widest(1) + 9 + MIN_SENTENCE > columns) {
        return stacked(&found, drawing);
    }
    let mut table = columns::table(drawing.columns);
    let has_word = found.iter().any(|[_, word, _]| !word.is_empty());
    for [id, word, sentence] in &found {
        let id = if id.is_empty() { "-" } else { id };
        if has_word {
            table.add_row([id, word, sentence])
        } else {
            table.add_row([id, sentence])
        };
    }
    // Ids are for copying, and stay in one piece.
    for nth in 0..if has_word { 2 } else { 1 } {
        if let Some(column) = table.column_mut(nth) {
            column.set_constraint(ColumnConstraint::ContentWidth);
            column.set_padding((if nth == 0 { 4 } else { 1 }, 1));
        }
    }
    columns::lines(&table).map(|line| line + "\n").collect()
}

/// Draws rows in two lines or more: the id and the word, and the sentence below.
fn stacked(found: &[[Cow<'_, str>; 3]], drawing: Drawing) -> String {
    let mut text = String::new();
    for [id, word, sentence] in found {
        let head = [id, word].into_iter().filter(|part| !part.is_empty()).map(AsRef::as_ref).collect::<Vec<_>>();
        if !head.is_empty() {
            text.push_str(&wrapped(&head.join("  "), 4, drawing));
        }
        text.push_str(&wrapped(sentence, if head.is_empty() { 4 } else { 6 }, drawing));
    }
    text
}

fn limits(plan: &Plan, drawing: Drawing) -> String {
    if plan.limits.is_empty() {
        return String::new();
    }
    let mut text = marked(YELLOW, "limits", 0, "would refuse changes of their kind:", drawing.columns);
    for limit in &plan.limits {
        text.push_str(&hanging(limit, 2, drawing.columns));
    }
    text + "\n"
}

/// Says what could not be read, the same failure once for all that it is about.
fn unread(plan: &Plan, drawing: Drawing) -> String {
    if plan.unread.is_empty() {
        return String::new();
    }
    let count = plan.unread.len();
    let mut text =
        format!("{RED}{count} could not be read{RED:#}, and {} unknown:\n", if count == 1 { "is" } else { "are" });
    let mut groups: BTreeMap<_, Vec<&Unread>> = BTreeMap::new();
    for it in &plan.unread {
        let reason = general(&it.reason, [of(&it.account), of(&it.region), of(&it.resource_id)]);
        let error = it.error.as_ref().map(|error| (error.code.as_str(), error.advice.as_str()));
        groups.entry((reason, error)).or_default().push(it);
    }
    for ((reason, _), alike) in groups {
        let places: Vec<_> = alike.iter().copied().map(place).collect();
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        match *alike {
            [it] => text.push_str(&hanging(&format!("{}: {}", places[0], it.reason), 2, drawing.columns)),
            _ => {
                text.push_str(&hanging(&format!("{}: {reason}", alike.len()), 2, drawing.columns));
                text.push_str(&wrapped(&listed(&places, drawing), 4, drawing));
            }
        }
        // The request ids are of the first of them.
        if let Some(error) = &alike[0].error {
            text.push_str(&wrapped(&error.message, 4, drawing));
            text.push_str(&wrapped(&error.advice, 4, drawing));
        }
    }
    text + "\n"
}

fn place(unread: &Unread) -> String {
    let place: Vec<_> =
        [&unread.account, &unread.region, &unread.resource_id].into_iter().flatten().map(String::as_str).collect();
    place.join(" ")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::plan::{Caller, PolicyUsed, Scope};

    /// A plan that creates a flow log for each of this many VPCs.
    fn plan(count: usize) -> Plan {
        let id = |nth: usize| format!("vpc-bp1{nth:018}");
        let resource = |nth| Resource {
            account: "1000000000000001".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_type: "VPC".to_owned(),
            resource_id: id(nth),
            resource_name: Some("生产网络".to_owned()),
            verdict: "missing".to_owned(),
            covered: false,
            exception: false,
            finding: nth % 2 == 0,
            reason: "生产网络没有流日志，生产网络没有流日志，生产网络没有流日志".to_owned(),
            flow_log: None,
        };
        let change = |nth| Change {
            id: format!("{nth:016x}"),
            account: "1000000000000001".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_type: "VPC".to_owned(),
            resource_id: id(nth),
            resource_name: Some("生产网络".to_owned()),
            kind: Kind::Create,
            action: "CreateFlowLog".to_owned(),
            flow_log_id: None,
            verdict: Some("missing".to_owned()),
            reason: format!("no active flow log covers {}", id(nth)),
            fields: Vec::new(),
            monthly_bytes: Some(1 << 30),
        };
        Plan {
            schema: String::new(),
            version: String::new(),
            created: Timestamp::UNIX_EPOCH,
            decided_for: Timestamp::UNIX_EPOCH,
            caller: Caller { account: "1000000000000001".to_owned(), arn: None },
            endpoint: None,
            policy: PolicyUsed { file: "policy.yml".to_owned(), sha256: String::new(), text: None },
            scope: Scope::default(),
            summary: Totals { create: count, resources: count, ..Totals::default() },
            changes: (0..count).map(change).collect(),
            resources: (0..count).map(resource).collect(),
            notes: Vec::new(),
            unread: Vec::new(),
            costs: Vec::new(),
            limits: Vec::new(),
            read: Vec::new(),
            sha256: None,
        }
    }

    #[test]
    fn a_plan_of_fifty_thousand_vpcs_fits_a_narrow_terminal_and_names_each() {
        let mut plan = plan(50_000);
        plan.notes = vec![Note {
            finding: true,
            region: Some(plan.resources[0].region.clone()),
            account: Some(plan.resources[0].account.clone()),
            resource_type: Some("VPC".to_owned()),
            resource_id: Some("vpc-bp1000000000000000000".to_owned()),
            flow_log_id: Some("fl-bp1000000000000000000".to_owned()),
            reason: "a note".to_owned(),
        }];
        let drawn = text(&plan, Drawing { columns: Some(40), is_verbose: true });
        let drawn = anstream::adapter::strip_str(&drawn).to_string();
        let wide: Vec<_> = drawn.lines().filter(|line| width(line) > 40).collect();
        assert_eq!(wide, [""; 0]);
        let created: Vec<_> = drawn.lines().skip_while(|line| *line != "  + create").take(2).collect();
        assert_eq!(created[1], "    vpc-bp1000000000000000000  \"生产网络", "ids stay in one piece");
        assert_eq!(drawn.lines().filter(|line| *line == "  + create").count(), 50_000);
        // A sentence is not broken into single characters.
        let finding: Vec<_> = drawn.lines().skip_while(|line| *line != "  findings").skip(1).take(3).collect();
        assert_eq!(finding[0], "    vpc-bp1000000000000000000  missing");
        assert!(width(finding[1]) > 30, "{finding:#?}");
    }
}
