//! What the page shows, in the order in which it shows it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flow_log::{Verdict, one_by_one};
use sha2::{Digest as _, Sha256};

use super::{
    parts::{EmbeddedJson, Icon, Shown, Time, money, volume},
    strip::Strip,
};
use crate::{
    assessment::{Assessment, Class, Control, ControlStatus, Relation, Unknown},
    evidence::Evidence,
    facts::{
        Calls, Change, Cost, CostRow, Delivery, DeliveryState, Facts, LeftOut, Note, NoteState, OtherCost, OtherKind,
        Read, ResourceResult,
    },
    text::{count, counted, plural},
};

/// The outcomes of a call that was sent, or was to be sent when the time was over.
const WRITTEN: [&str; 3] = ["done", "failed", "unfinished"];

pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct View<'a> {
    facts: &'a Facts,
    assessment: &'a Assessment,
    /// `Content-Security-Policy`: this style and this script, and nothing else.
    csp: String,
    style: &'static str,
    script: &'static str,
    seal: String,
    json: Option<EmbeddedJson<'a>>,
    mood: Mood,
    tiles: Vec<Tile>,
    findings: ResultTable<'a>,
    exceptions: ResultTable<'a>,
    pending: ResultTable<'a>,
    changed: ResultTable<'a>,
    quiet: ResultTable<'a>,
    /// Findings about something that is no resource.
    notes: Rows<'a, Note>,
    /// What was not asked.
    left_out: Rows<'a, LeftOut>,
    /// Regions without the flow log service.
    unsupported: Rows<'a, Note>,
    unknown: Rows<'a, Unknown>,
    changes: Rows<'a, Change>,
    /// Those that need a look come first. The others are only counted if there are many.
    deliveries: Rows<'a, Delivery>,
    places: Vec<PlaceRow<'a>>,
    more_places: usize,
    /// Regions that were read and have no resource, by account.
    empty: Vec<(&'a str, Vec<&'a str>)>,
    reads: Rows<'a, Read>,
    /// The calls that read no list.
    calls: Vec<CallRow<'a>>,
    calls_extent: Extent,
}

/// The calls of one operation about a Logstore or an account.
struct CallRow<'a> {
    account: &'a str,
    /// The region and the Logstore; `None` if the calls are about the account.
    store: Option<(&'a str, String)>,
    calls: &'a Calls,
}

/// The state of the whole report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Findings,
    Incomplete,
}

impl Mood {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Findings => "bad",
            Self::Incomplete => "unknown",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Good => "Everything in scope was read, and nothing needs a person",
            Self::Findings => "Everything in scope was read, and some of it needs a person",
            Self::Incomplete => "Not everything is known",
        }
    }
}

/// A number on the first screen.
struct Tile {
    class: &'static str,
    number: u64,
    label: String,
    href: &'static str,
    /// Whether it counts resources, and so belongs to the bar.
    is_part: bool,
}

impl Tile {
    /// The share of the bar, in thousandths of the whole, and at least a visible one.
    fn share(&self, whole: u64) -> u64 {
        if self.number == 0 { 0 } else { (self.number.saturating_mul(1000) / whole.max(1)).max(6) }
    }
}

/// The first rows of a table, and how many there are.
struct Rows<'a, T> {
    shown: Vec<&'a T>,
    extent: Extent,
}

impl<'a, T> Rows<'a, T> {
    fn of(all: impl Iterator<Item = &'a T>) -> Self {
        Self::and(all, 0)
    }

    /// The rows, and how many more the report only counts.
    fn and(all: impl Iterator<Item = &'a T>, omitted: u64) -> Self {
        let mut shown: Vec<_> = all.collect();
        let listed = shown.len();
        shown.truncate(Evidence::MAX_ROWS);
        let extent = Extent { listed, omitted, shown: shown.len() };
        Self { shown, extent }
    }

    const fn all(&self) -> u64 {
        self.extent.all()
    }
}

/// How much of a table a page lists.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// How many rows the report lists.
    listed: usize,
    /// How many more it counts.
    omitted: u64,
    /// How many rows the page has.
    shown: usize,
}

impl Extent {
    const fn all(self) -> u64 {
        self.omitted.saturating_add(self.listed as u64)
    }

    const fn is_whole(self) -> bool {
        self.all() == self.shown as u64
    }

    /// Says what the page does not list, and which forms do.
    fn sentence(self, forms: &str) -> String {
        let Self { listed, omitted, shown } = self;
        let [all, shown] = [self.all(), shown as u64].map(count);
        let has = if forms.contains(" and ") { "have" } else { "has" };
        let more = match omitted {
            0 => format!("{forms} {has} all of them."),
            _ => format!(
                "{forms} {has} {}; the others are only counted, since a report takes no more.",
                count(listed as u64)
            ),
        };
        format!("{all} rows; this page lists the first {shown}. {more}")
    }
}

/// A table of resources.
#[derive(Template)]
#[template(path = "results.html")]
struct ResultTable<'a> {
    caption: &'static str,
    rows: Vec<&'a ResourceResult>,
    extent: Extent,
    has_schedules: bool,
}

impl<'a> ResultTable<'a> {
    fn of(caption: &'static str, mut rows: Vec<&'a ResourceResult>, omitted: u64, max: usize) -> Self {
        let listed = rows.len();
        rows.sort_by_key(|result| order(result.verdict));
        rows.truncate(max);
        let has_schedules = rows.iter().any(|result| result.schedule.is_some() || result.next_change.is_some());
        let extent = Extent { listed, omitted, shown: rows.len() };
        Self { caption, rows, extent, has_schedules }
    }

    const fn all(&self) -> u64 {
        self.extent.all()
    }

    fn number(&self) -> String {
        count(self.all())
    }

    /// Which forms have them all.
    const fn where_all(&self) -> &'static str {
        if self.extent.omitted == 0 {
            "the CSV and the JSON list each of them"
        } else {
            "the report only counts some of them"
        }
    }
}

/// The worst first.
const fn order(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Missing => 0,
        Verdict::Undelivered => 1,
        Verdict::Inactive => 2,
        Verdict::Drifted => 3,
        Verdict::Orphaned => 4,
        Verdict::DueToPause => 5,
        Verdict::Unsupported => 6,
        Verdict::Excluded => 7,
        _ => 8,
    }
}

/// A region with resources, and how it was read.
struct PlaceRow<'a> {
    account: &'a str,
    region: &'a str,
    resources: usize,
    reads: Vec<&'a Read>,
}

impl<'a> View<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let (facts, assessment) = (evidence.facts(), evidence.assessment());
        let mut classes: BTreeMap<Class, Vec<&ResourceResult>> = BTreeMap::new();
        for result in &facts.results {
            classes.entry(result.class()).or_default().push(result);
        }
        let mut table = |class, caption, max| {
            let rows = classes.remove(&class).unwrap_or_default();
            let omitted = facts.omitted.iter().filter(|it| it.class() == class).map(|it| it.count);
            ResultTable::of(caption, rows, omitted.fold(0, u64::saturating_add), max)
        };
        let quiet = table(Class::Compliant, "Resources that are as the policy wants them", usize::MAX);
        // A part of them would look like all of them.
        let is_short = quiet.all() <= Evidence::MAX_QUIET_ROWS as u64;
        let quiet = if is_short { quiet } else { ResultTable { rows: Vec::new(), ..quiet } };
        let is_small = is_short && facts.results.len() <= Evidence::MAX_ROWS;
        let (places, more_places, empty) = places(facts);
        let (calls, calls_extent) = calls(facts);
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        let csp = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        Self {
            facts,
            assessment,
            csp,
            style: STYLE,
            script: SCRIPT,
            seal: evidence.seal(),
            json: is_small.then_some(EmbeddedJson(evidence)),
            mood: mood(facts, assessment),
            tiles: tiles(assessment),
            findings: table(Class::Finding, "Resources that are not as the policy wants them", Evidence::MAX_ROWS),
            exceptions: table(Class::Exception, "Resources that are off or left alone on purpose", Evidence::MAX_ROWS),
            pending: table(Class::Pending, "Resources whose flow log is being switched", Evidence::MAX_ROWS),
            changed: table(Class::Changed, "Resources that the run repaired", Evidence::MAX_ROWS),
            quiet,
            notes: Rows::of(facts.notes.iter().filter(|note| note.state == NoteState::Finding)),
            left_out: Rows::of(facts.asked.left_out.iter()),
            unsupported: Rows::of(facts.notes.iter().filter(|note| note.state == NoteState::Unsupported)),
            unknown: Rows::of(assessment.unknown.iter()),
            changes: Rows::and(facts.changes.iter(), facts.omitted_changes),
            deliveries: deliveries(facts),
            places,
            more_places,
            empty,
            reads: Rows::of(facts.reads.iter()),
            calls,
            calls_extent,
        }
    }

    /// What the report only counts.
    fn omitted(&self) -> Option<String> {
        let omitted = self.assessment.sums.omitted;
        let listed = self.facts.results.len() as u64;
        (omitted > 0).then(|| {
            format!(
                "This report lists {} of {} resources, findings first. The others were judged and are in all sums, and no \
                 control passes without them.",
                count(listed),
                count(listed.saturating_add(omitted))
            )
        })
    }

    fn bar_title(&self) -> String {
        let parts: Vec<_> = self
            .tiles
            .iter()
            .filter(|tile| tile.is_part)
            .map(|tile| format!("{} {}", count(tile.number), tile.label))
            .collect();
        format!("Resources by class: {}", parts.join(", "))
    }

    /// Where each part of the bar begins, its width, and its class.
    fn bar(&self) -> Vec<(u64, u64, &'static str)> {
        let tiles = || self.tiles.iter().filter(|tile| tile.is_part);
        let whole = tiles().map(|tile| tile.number).fold(0, u64::saturating_add);
        let mut at = 0;
        let mut parts = Vec::new();
        for tile in tiles() {
            let share = tile.share(whole);
            parts.push((at, share, tile.class));
            at += share;
        }
        parts
    }

    fn bar_width(&self) -> u64 {
        self.bar().last().map_or(1, |(at, share, _)| (at + share).max(1))
    }

    /// How the clock of the machine compares with that of the cloud.
    fn clock(&self) -> String {
        match self.facts.head.clock_offset_ms {
            None => "the clock was not compared with the cloud's".to_owned(),
            Some(0) => "the clock agrees with the cloud's".to_owned(),
            Some(offset) => {
                let direction = if offset < 0 { "behind" } else { "ahead of" };
                format!("the clock was {} ms {direction} the cloud's", count(offset.unsigned_abs()))
            }
        }
    }

    /// Whether the run changed nothing, so that its changes are those of a repair to come.
    fn is_read_only(&self) -> bool {
        self.assessment.sums.changed == 0 && !self.facts.changes.iter().any(|it| WRITTEN.contains(&&*it.outcome))
    }

    /// What the section of changes is called.
    fn of_changes(&self) -> &'static str {
        if self.is_read_only() { "What a repair would do" } else { "Changes" }
    }

    fn seconds(&self) -> i64 {
        self.facts.head.ended.duration_since(self.facts.head.started).as_secs()
    }
}

/// Whether a delivery needs no look.
fn is_quiet(delivery: &Delivery) -> bool {
    !delivery.state.is_alarm() && delivery.state != DeliveryState::Unknown
}

/// Deliveries, those that need a look first.
fn deliveries(facts: &Facts) -> Rows<'_, Delivery> {
    let all = || facts.deliveries.iter();
    let alarms = all().filter(|it| it.state.is_alarm());
    let unknown = all().filter(|it| it.state == DeliveryState::Unknown);
    let quiet: Vec<_> = all().filter(|it| is_quiet(it)).collect();
    // A part of them would look like all of them.
    let shown = if quiet.len() <= Evidence::MAX_QUIET_ROWS { quiet } else { Vec::new() };
    let mut rows = Rows::and(alarms.chain(unknown).chain(shown), facts.unlisted_deliveries());
    rows.extent.listed = facts.deliveries.len();
    rows
}

fn mood(facts: &Facts, assessment: &Assessment) -> Mood {
    let is_known = assessment.scope.is_whole
        && assessment.unknown.is_empty()
        && assessment.discrepancies.is_empty()
        && facts.lists_everything();
    let needs_person = assessment.sums.findings > 0
        || facts.notes.iter().any(|note| note.state == NoteState::Finding)
        || facts.deliveries.iter().any(|it| it.state.is_alarm())
        || facts.omitted_deliveries.iter().any(|it| it.state.is_alarm())
        || assessment.controls.iter().any(|control| control.status == ControlStatus::Fail);
    match (is_known, needs_person) {
        (false, _) => Mood::Incomplete,
        (true, false) => Mood::Good,
        (true, true) => Mood::Findings,
    }
}

fn tiles(assessment: &Assessment) -> Vec<Tile> {
    let sums = &assessment.sums;
    let part = |class, number, label: &str, href| Tile { class, number, label: label.to_owned(), href, is_part: true };
    let always = [
        part("ok", sums.compliant, "as wanted", "#quiet"),
        part("aside", sums.exceptions, &plural(sums.exceptions, "exception"), "#exceptions"),
        part("bad", sums.findings, &plural(sums.findings, "finding"), "#findings"),
        part("unknown", sums.unknown, &plural(sums.unknown, "unknown resource"), "#unknown"),
    ];
    // Of regions, lists, services, retentions and deliveries.
    let unread = assessment.unknown.iter().filter(|it| !it.has_result).count() as u64;
    let controls = |status| assessment.controls.iter().filter(|it| it.status == status).count() as u64;
    let control = |class, number, one, many| {
        let name = if number == 1 { one } else { many };
        Tile { is_part: false, ..part(class, number, name, "#controls") }
    };
    let rare = [
        part("wait", sums.pending, "in transition", "#pending"),
        part("wait", sums.changed, "repaired", "#changed"),
        part("plain", sums.unlisted, "counted only", "#quiet"),
        Tile { is_part: false, ..part("unknown", unread, "not read", "#unknown") },
        control("bad", controls(ControlStatus::Fail), "control fails", "controls fail"),
        control("unknown", controls(ControlStatus::Unknown), "control unknown", "controls unknown"),
    ];
    always.into_iter().chain(rare.into_iter().filter(|tile| tile.number > 0)).collect()
}

/// The regions with resources, how many more there are than a table has, and the regions without any, by account.
type Places<'a> = (Vec<PlaceRow<'a>>, usize, Vec<(&'a str, Vec<&'a str>)>);

fn places(facts: &Facts) -> Places<'_> {
    let mut rows: BTreeMap<(&str, &str), PlaceRow<'_>> = BTreeMap::new();
    let row = |account, region| PlaceRow { account, region, resources: 0, reads: Vec::new() };
    for result in &facts.results {
        let place = (result.account.as_str(), result.region.as_str());
        rows.entry(place).or_insert_with(|| row(place.0, place.1)).resources += 1;
    }
    let mut empty: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for read in &facts.reads {
        let place = (read.account.as_str(), read.region.as_str());
        match rows.get_mut(&place) {
            Some(found) => found.reads.push(read),
            None if read.lists_resources() => _ = empty.entry(place.0).or_default().insert(place.1),
            None => {}
        }
    }
    // A region that could not be read is no empty one.
    let unread = facts.reads.iter().filter(|read| read.problem().is_some());
    let unread = one_by_one::set(unread.map(|read| (read.account.as_str(), read.region.as_str())));
    let mut shown: Vec<_> = rows.into_values().collect();
    let more = shown.len().saturating_sub(Evidence::MAX_QUIET_ROWS);
    shown.truncate(Evidence::MAX_QUIET_ROWS);
    let empty = empty.into_iter().filter_map(|(account, regions)| {
        let regions: Vec<_> = regions.into_iter().filter(|region| !unread.contains(&(account, region))).collect();
        (!regions.is_empty()).then_some((account, regions))
    });
    (shown, more, empty.collect())
}

/// The first calls that read no list, and how many there are.
fn calls(facts: &Facts) -> (Vec<CallRow<'_>>, Extent) {
    let services = facts.services.iter().flat_map(|service| {
        service.calls.iter().map(|calls| CallRow { account: &service.account, store: None, calls })
    });
    let stores = facts.log_stores.iter().flat_map(|it| {
        let store = move || Some((it.region.as_str(), format!("{}/{}", it.project, it.name)));
        it.calls.iter().map(move |calls| CallRow { account: &it.account, store: store(), calls })
    });
    let shown: Vec<_> = services.chain(stores).take(Evidence::MAX_ROWS).collect();
    let of_services = facts.services.iter().map(|service| service.calls.len());
    let listed = of_services.chain(facts.log_stores.iter().map(|store| store.calls.len())).sum();
    let extent = Extent { listed, omitted: 0, shown: shown.len() };
    (shown, extent)
}

/// The sign of a class.
const fn sign(class: Class) -> Icon {
    Icon(match class {
        Class::Compliant => "ok",
        Class::Exception => "aside",
        Class::Pending | Class::Changed => "wait",
        Class::Finding => "bad",
        Class::Unknown => "unknown",
    })
}

const fn control_sign(status: ControlStatus) -> Icon {
    Icon(match status {
        ControlStatus::Pass => "ok",
        ControlStatus::Fail => "bad",
        ControlStatus::Unknown => "unknown",
    })
}

const fn relation(control: &Control) -> &'static str {
    match control.relation {
        Relation::Assessed => "assessed",
        Relation::RelatesTo => "relates to",
    }
}

const fn delivery(state: DeliveryState) -> (Icon, &'static str) {
    match state {
        DeliveryState::Delivers => (Icon("ok"), "records arrive"),
        DeliveryState::NothingFlowed => (Icon("ok"), "nothing flowed"),
        DeliveryState::NothingToRecord => (Icon("ok"), "nothing to record"),
        DeliveryState::RecordsLost => (Icon("bad"), "records were lost"),
        DeliveryState::Silent => (Icon("bad"), "no record arrived"),
        DeliveryState::Unknown => (Icon("unknown"), "unknown"),
    }
}

/// How many regions these are.
fn number_of(regions: &[&str]) -> String {
    counted(regions.len() as u64, "region")
}

/// A number, or a word if it is not known.
fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "unknown".to_owned(), count)
}

/// A number of rows; nothing for a call that has none.
fn rows(number: Option<u64>) -> String {
    number.map(count).unwrap_or_default()
}

/// A retention in days.
fn days(number: Option<u32>) -> String {
    match number {
        Some(3650) => "for ever".to_owned(),
        Some(days) => format!("{} days", count(days.into())),
        None => "unknown".to_owned(),
    }
}

/// The dearest flow logs.
fn top(cost: &Cost) -> Vec<&CostRow> {
    let mut rows: Vec<_> = cost.rows.iter().collect();
    // Whose cost is unknown may be the dearest.
    rows.sort_by_key(|row| std::cmp::Reverse(row.micros.unwrap_or(i64::MAX)));
    rows.truncate(Evidence::MAX_QUIET_ROWS);
    rows
}

/// What costs besides the flow logs: Flowkeeper itself, and the dearest.
fn others(cost: &Cost) -> Vec<&OtherCost> {
    let mut others: Vec<_> = cost.others.iter().collect();
    if others.len() > Evidence::MAX_QUIET_ROWS {
        let is_of_many = |it: &OtherCost| it.kind == OtherKind::Shards;
        others.sort_by_key(|it| (is_of_many(it), std::cmp::Reverse(it.micros.unwrap_or(i64::MAX))));
        others.truncate(Evidence::MAX_QUIET_ROWS);
    }
    others
}

/// What a schedule saves; nothing if there is none, or if that is unknown.
fn saved(micros: Option<i64>) -> String {
    micros.map(money).unwrap_or_default()
}

/// A number of the cost; unknown is never zero.
fn if_known<N>(number: Option<N>, shown: fn(N) -> String) -> String {
    number.map_or_else(|| "unknown".to_owned(), shown)
}

/// The sums of a currency, as amounts.
fn total(cost: &Cost) -> (String, String) {
    let (costs, saved) = cost.totals();
    (money(costs), money(saved))
}
