//! Sample facts. The accounts, the resources and what is the matter with them are invented.

use std::collections::BTreeMap;

use evidence::{
    Asked, AskedAccount, BilledMonth, Binary, CallLog, Caller, Change, Cost, CostRow, Currency, DeliveryState, Facts,
    Failure, FlowLogState, Head, Judged, Kind, LeftOut, NextChange, Note, NoteState, Omitted, OmittedDeliveries,
    OtherCost, OtherKind, Part, PolicyName, Read, ResourceResult, Service, TagUsed, Week,
};
use flow_log::{
    Action, Policy, Verdict,
    proof::{Missing, Proof, Tally, Unproven},
};
use jiff::Timestamp;
use reconcile::{
    CallRead, ErrorKind, ErrorReport, Item, Outcome, Summary,
    delivery::{FlowLogProof, LogStoreProof},
};

pub(crate) const FIRST: &str = "1000000000000001";
pub(crate) const SECOND: &str = "1000000000000002";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

/// Facts about nothing.
pub(crate) fn minimal() -> Facts {
    Facts {
        head: Head {
            tool: "flowkeeper".to_owned(),
            versions: vec!["0.2.0".to_owned()],
            binaries: vec![Binary {
                sha256: Some("b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78".to_owned()),
                why_unknown: None,
            }],
            run: "2026-11-25T22:07:00Z".to_owned(),
            started: time("2026-11-25T22:07:00Z"),
            ended: time("2026-11-25T22:07:31Z"),
            clock_offset_ms: None,
        },
        policy: PolicyName {
            name: "policy.yml".to_owned(),
            sha256: "3f2a9c0d5b7e81640f1d2c3b4a5968778695a4b3c2d1e0f00f1e2d3c4b5a6978".to_owned(),
        },
        callers: Vec::new(),
        asked: Asked::default(),
        exceptions_count_as: evidence::ExceptionsCountAs::default(),
        judged: Vec::new(),
        reads: Vec::new(),
        services: Vec::new(),
        results: Vec::new(),
        omitted: Vec::new(),
        notes: Vec::new(),
        changes: Vec::new(),
        omitted_changes: 0,
        log_stores: Vec::new(),
        deliveries: Vec::new(),
        omitted_deliveries: Vec::new(),
        schedules: Vec::new(),
        costs: Vec::new(),
    }
}

/// A VPC whose flow log records as the policy wants.
pub(crate) fn vpc(account: &str, region: &str, nth: usize, name: &str) -> ResourceResult {
    let id = format!("vpc-bp1example{nth:011}");
    ResourceResult {
        account: account.to_owned(),
        region: region.to_owned(),
        kind: Kind::Vpc,
        name: Some(name.to_owned()),
        has_ipv6: Some(false),
        verdict: Verdict::Compliant,
        reason: format!("{id} is recorded as the policy wants"),
        is_finding: false,
        is_exception: false,
        is_changed: false,
        flow_log: Some(FlowLogState {
            id: format!("fl-bp1example{nth:012}"),
            status: Some("Active".to_owned()),
            traffic_type: Some("All".into()),
            traffic_path: Some(vec!["all".into()]),
            ip_version: Some("IPv4".into()),
            interval_minutes: Some(10),
            project: Some(format!("flowlog-{account}-{region}")),
            log_store: Some("vpc".to_owned()),
            impairment: None,
        }),
        schedule: None,
        next_change: None,
        tags_used: Vec::new(),
        error: None,
        id,
    }
}

/// Takes the flow log away.
pub(crate) fn lose_flow_log(result: &mut ResourceResult) {
    result.verdict = Verdict::Missing;
    result.is_finding = true;
    result.reason = format!("no active flow log covers {}", result.id);
    result.flow_log = None;
}

/// A whole list.
pub(crate) fn read(account: &str, region: &str, operation: &str, items: u64) -> Read {
    let request = |nth: u64| format!("{:08X}-0000-4000-8000-{}{nth:04X}", items + 0x0A11_0000, &account[8..]);
    let pages = items.div_ceil(50).max(1);
    Read {
        account: account.to_owned(),
        region: region.to_owned(),
        operation: operation.to_owned(),
        about: None,
        pages,
        items,
        total: Some(items),
        first_request_id: Some(request(1)),
        last_request_id: Some(request(pages)),
        error: None,
    }
}

pub(crate) fn denied(operation: &str) -> Failure {
    Failure {
        operation: operation.to_owned(),
        code: "Forbidden.RAM".to_owned(),
        message: format!("{operation} in eu-central-1 of {SECOND}: the role may not call it"),
        request_id: Some("6B0C9D1E-5F2A-4C3B-8D7E-000000000007".to_owned()),
        advice: format!("allow vpc:{operation} in the role flowkeeper of {SECOND}"),
    }
}

/// A schedule's week, and the next time that it goes on.
fn office_hours(now: Timestamp) -> Option<(Week, Timestamp)> {
    let policy = Policy::parse(
        "flow_log: {project: flowlog, log_store: vpc}\nschedule: office-hours\nschedules:\n  office-hours:\n    \
         time_zone: Asia/Shanghai\n    on: [Mon-Thu 07:00-21:00, Fri 07:00-19:00]\n    on_dates: [2026-11-28]\n",
    );
    let policy = policy.ok()?;
    let week = Week::of("office-hours", policy.schedules.get("office-hours")?, now)?;
    let next = week.next?;
    Some((week, next))
}

const NAMES: [&str; 12] = [
    "web-prod",
    "payments",
    "search",
    "ingest",
    "core-network",
    "data-lake",
    "ci-runners",
    "partner-link",
    "mobile-api",
    "observability",
    "identity",
    "billing",
];

/// Two accounts, ten regions and 41 VPCs, with something of everything.
pub(crate) fn small() -> Facts {
    let mut facts = minimal();
    let now = facts.head.started;
    facts.head.clock_offset_ms = Some(-140);
    facts.callers = [FIRST, SECOND]
        .map(|account| Caller {
            account: account.to_owned(),
            arn: format!("acs:ram::{account}:assumed-role/flowkeeper-audit/report"),
            source: "profile audit".to_owned(),
        })
        .to_vec();
    let regions = ["cn-hangzhou", "cn-shanghai", "cn-beijing", "ap-southeast-1", "eu-central-1"];
    facts.asked = Asked {
        accounts: [(FIRST, "production"), (SECOND, "research")]
            .map(|(account, name)| AskedAccount {
                account: account.to_owned(),
                name: Some(name.to_owned()),
                regions: regions.map(str::to_owned).to_vec(),
            })
            .to_vec(),
        kinds: vec![Kind::Vpc],
        left_out: vec![LeftOut {
            what: "me-east-1".to_owned(),
            why: "the policy's exclude_regions names it".to_owned(),
            part: Part::Region,
        }],
    };
    let place = |nth: usize| match nth {
        0..=13 => (FIRST, "cn-hangzhou"),
        14..=24 => (FIRST, "cn-shanghai"),
        25..=30 => (FIRST, "ap-southeast-1"),
        31..=37 => (SECOND, "cn-hangzhou"),
        _ => (SECOND, "cn-beijing"),
    };
    for nth in 0..41 {
        let (account, region) = place(nth);
        let environment = ["", "-staging", "-dr", "-dev"][nth / 12];
        facts.results.push(vpc(account, region, nth + 1, &format!("{}{environment}", NAMES[nth % 12])));
    }
    let office = office_hours(now);
    for nth in [16, 17, 33] {
        let result = &mut facts.results[nth];
        result.verdict = Verdict::Paused;
        result.is_exception = true;
        result.reason = "the schedule office-hours keeps it off now".to_owned();
        result.schedule = Some("office-hours".to_owned());
        result.next_change = office.as_ref().map(|(_, at)| NextChange { at: *at, is_on: true });
        if let Some(log) = &mut result.flow_log {
            log.status = Some("Inactive".to_owned());
        }
    }
    let excluded = &mut facts.results[29];
    excluded.verdict = Verdict::Excluded;
    excluded.is_exception = true;
    excluded.reason = "the policy's exclude names the tag env=sandbox".to_owned();
    excluded.flow_log = None;
    excluded.tags_used = vec![TagUsed {
        on: excluded.id.clone(),
        key: "env".to_owned(),
        value: "sandbox".to_owned(),
        used_by: "exclude".to_owned(),
    }];
    lose_flow_log(&mut facts.results[7]);
    let drifted = &mut facts.results[20];
    drifted.verdict = Verdict::Drifted;
    drifted.is_finding = true;
    drifted.reason = "it records Allow, and the policy wants All".to_owned();
    if let Some(log) = &mut drifted.flow_log {
        log.traffic_type = Some("Allow".into());
    }
    let undelivered = &mut facts.results[36];
    undelivered.verdict = Verdict::Undelivered;
    undelivered.is_finding = true;
    undelivered.reason = "what it records does not arrive: LogStoreNotExist".to_owned();
    if let Some(log) = &mut undelivered.flow_log {
        log.log_store = Some("vpc-2025".to_owned());
        log.impairment = Some("the Logstore vpc-2025 does not exist".to_owned());
    }
    for account in [FIRST, SECOND] {
        for region in regions {
            let here = facts.results.iter().filter(|it| it.account == account && it.region == region).count() as u64;
            facts.reads.push(read(account, region, "DescribeVpcs", here));
            facts.reads.push(read(account, region, "DescribeFlowLogs", here.saturating_sub(here.min(1))));
        }
    }
    facts.reads.retain(|read| (read.account.as_str(), read.region.as_str()) != (SECOND, "eu-central-1"));
    facts.reads.push(Read {
        pages: 0,
        items: 0,
        total: None,
        first_request_id: None,
        last_request_id: None,
        error: Some(denied("DescribeVpcs")),
        ..read(SECOND, "eu-central-1", "DescribeVpcs", 0)
    });
    facts.judged = [FIRST, SECOND]
        .map(|account| Judged {
            accounts: vec![account.to_owned()],
            resources: facts.results.iter().filter(|it| it.account == account).count() as u64,
            unlisted: 0,
        })
        .to_vec();
    facts.services = [FIRST, SECOND]
        .map(|account| Service { account: account.to_owned(), is_open: Some(true), error: None, calls: Vec::new() })
        .to_vec();
    facts.schedules.extend(office.map(|(week, _)| week));
    prove(&mut facts, proof);
    facts.add_calls(calls(&facts));
    facts.costs = vec![cost(&facts.results)];
    facts.changes.push(Change {
        account: FIRST.to_owned(),
        region: "cn-hangzhou".to_owned(),
        subject: facts.results[7].id.clone(),
        action: "CreateFlowLog".to_owned(),
        outcome: "planned".to_owned(),
        flow_log_id: None,
        reason: facts.results[7].reason.clone(),
        before: None,
        error: None,
    });
    facts
}

/// What was counted for each flow log, as the proof of delivery tells it: one proof for each Logstore.
pub(crate) fn prove(facts: &mut Facts, proof_of: impl Fn(usize) -> (Proof, Option<Tally>)) {
    let mut places: BTreeMap<(String, String, String, String), Vec<FlowLogProof>> = BTreeMap::new();
    for (nth, result) in facts.results.iter().enumerate() {
        let Some(log) = &result.flow_log else { continue };
        let (Some(project), Some(log_store), Ok(id)) = (&log.project, &log.log_store, log.id.parse()) else { continue };
        let is_on = log.status.as_deref() == Some("Active");
        let (proof, tally) = match (is_on, log_store.as_str()) {
            (false, _) => (Proof::Off, None),
            (true, "vpc") => proof_of(nth),
            (true, _) => (Proof::NoDestination(Missing::LogStore), None),
        };
        let place = (result.account.clone(), result.region.clone(), project.clone(), log_store.clone());
        places.entry(place).or_default().push(FlowLogProof { id, proof, tally });
    }
    for ((account, region, project, log_store), flow_logs) in places {
        let days = match (&*account, &*region) {
            _ if log_store != "vpc" => Err(Unproven::NoDestination(Missing::LogStore)),
            (FIRST, "cn-hangzhou") => Ok(400),
            (FIRST, "cn-shanghai") => Ok(180),
            (SECOND, "cn-hangzhou") => Ok(30),
            (SECOND, "cn-beijing") => Err(Unproven::NoPermission { action: "GetLogStore" }),
            _ => Ok(3650),
        };
        let failures = days.as_ref().err().filter(|why| matches!(why, Unproven::NoPermission { .. }));
        let proof = LogStoreProof {
            project,
            log_store,
            failures: failures.map(|_| unread_log_store(&account)).into_iter().collect(),
            retention_days: days,
            from: time("2026-11-24T22:00:00Z"),
            to: time("2026-11-25T22:00:00Z"),
            flow_logs,
        };
        facts.add_proofs(&account, &region, &[proof]);
    }
}

/// How the Logstores and the services were read.
fn calls(facts: &Facts) -> CallLog {
    let mut log = CallLog::default();
    let mut nth = 0;
    let mut add = |account: &str, region: &str, action, about: &str, rows| {
        nth += 1;
        let request_id = Some(format!("6742EC5D{nth:016X}"));
        let call = CallRead { action, about: about.to_owned(), rows, request_id };
        if let (Ok(account), Ok(region)) = (account.parse(), region.parse()) {
            log.call_read(&account, &region, &call);
        }
    };
    for service in &facts.services {
        add(&service.account, "cn-hangzhou", "GetFlowLogServiceStatus", "", None);
    }
    for store in facts.log_stores.iter().filter(|store| !store.is_gone) {
        let about = format!("{}/{}", store.project, store.name);
        let rows = facts.deliveries.iter().filter(|it| (&it.account, &it.region) == (&store.account, &store.region));
        let rows = Some(rows.count());
        if store.days.is_some() {
            add(&store.account, &store.region, "GetLogStore", &about, None);
        }
        add(&store.account, &store.region, "GetLogsV2", &about, rows);
    }
    for store in facts.log_stores.iter().filter(|store| store.is_gone) {
        add(&store.account, &store.region, "GetProject", &store.project, None);
    }
    log
}

fn unread_log_store(account: &str) -> ErrorReport {
    ErrorReport {
        action: "GetLogStore",
        code: "Unauthorized".to_owned(),
        message: format!("GetLogStore in cn-beijing of {account}: the role may not call it"),
        request_id: Some("6B0C9D1E5F2A4C3B8D7E0009".to_owned()),
        advice: "allow log:GetLogStore in the role",
        kind: ErrorKind::AccessDenied,
    }
}

/// Records, counted: most flow logs deliver, and the first five show every state.
pub(crate) fn proof(nth: usize) -> (Proof, Option<Tally>) {
    let last = time("2026-11-25T21:54:12Z");
    let tally = |records, empty, skipped| {
        let bytes = Some(records * 1_400);
        Some(Tally { records, empty, skipped, last: Some(last).filter(|_| records > 0), bytes })
    };
    match nth {
        1 => (Proof::NoTraffic { last }, tally(144, 144, 0)),
        2 => (Proof::RecordsLost { skipped: 27 }, tally(90_114, 0, 27)),
        3 => (Proof::Silent { last: None }, tally(0, 0, 0)),
        4 => (Proof::Unknown(Unproven::NoIndex { field: None }), None),
        5 => (Proof::NothingToRecord, tally(0, 0, 0)),
        _ => (Proof::Delivering { records: 48_198, last }, tally(48_210, 12, 0)),
    }
}

fn cost(results: &[ResourceResult]) -> Cost {
    let recorded = results.iter().filter_map(|result| Some((result, result.flow_log.as_ref()?))).take(5).enumerate();
    let row = |(nth, (result, log)): (usize, (&ResourceResult, &FlowLogState))| CostRow {
        account: result.account.clone(),
        region: result.region.clone(),
        resource_id: result.id.clone(),
        flow_log_id: log.id.clone(),
        bytes: (nth != 4).then_some(7_838_315_315 >> nth),
        micros: (nth != 4).then_some(18_250_000 >> nth),
        saved_micros: (nth == 1).then_some(5_720_000),
        is_estimated: nth == 1,
        is_saving_estimated: nth == 1,
        duplicate_of: (nth == 3).then(|| "fl-bp1example000000000001".to_owned()),
        avoidable_micros: (nth == 3).then_some(2_281_250),
    };
    Cost {
        duplicates_micros: Some(2_280_000),
        currency: Currency::Cny,
        prices_of: "2026-11-26".parse().unwrap_or_default(),
        source: "the list of the VPC and Log Service pages".to_owned(),
        days: 30,
        rows: recorded.map(row).collect(),
        others: vec![OtherCost {
            account: None,
            region: None,
            kind: OtherKind::Flowkeeper,
            micros: Some(21_900_000),
            is_at_least: false,
        }],
        bills: vec![BilledMonth {
            account: results.first().map(|result| result.account.clone()).unwrap_or_default(),
            month: "2026-10".to_owned(),
            currency: "CNY".to_owned(),
            micros: 33_120_000,
        }],
        notes: vec!["1 flow log: its project or Logstore is gone".to_owned()],
    }
}

/// What a stranger could name things.
pub(crate) const HOSTILE: [&str; 16] = [
    "<script>document.title='taken'</script>",
    "</script><script>document.title='taken'</script>",
    "\"><img src=x onerror=\"document.title='taken'\">",
    "<!--<script>",
    "=HYPERLINK(\"http://example.com\",\"click\")",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "'=1+1",
    "payments\u{202e}dorp-",
    "a\u{200b}b\u{2066}c\u{0}d\u{1b}[31me\u{85}f\u{ffff}",
    "\\u003cb\\u003e & &lt;i&gt; ]]> {{ 7 * 7 }}",
    "\r\nSet-Cookie: a=b",
    "x;=cmd|' /C calc'!A0;y",
    "\u{3164}\u{2800}\u{fe0f}\u{e0100}",
];

/// The small sample, with hostile text wherever text comes from the cloud.
pub(crate) fn hostile() -> Facts {
    let mut facts = small();
    let wide = "深".repeat(128);
    for (nth, result) in facts.results.iter_mut().enumerate() {
        let payload = HOSTILE.get(nth % 17).copied().unwrap_or(&wide);
        result.name = Some(payload.to_owned());
        result.reason = format!("{payload} {}", result.reason);
        if let Some(log) = &mut result.flow_log {
            log.status = Some(payload.to_owned());
            log.impairment = Some(payload.to_owned());
            log.traffic_path = Some(vec![payload.to_owned().into()]);
            log.ip_version = Some(payload.to_owned().into());
        }
        let (on, used_by) = (result.id.clone(), "override 1".to_owned());
        result.tags_used = vec![TagUsed { on, key: payload.to_owned(), value: payload.to_owned(), used_by }];
        result.error = Some(Box::new(Failure {
            operation: payload.to_owned(),
            code: payload.to_owned(),
            message: payload.to_owned(),
            request_id: Some(payload.to_owned()),
            advice: payload.to_owned(),
        }));
    }
    for payload in HOSTILE {
        facts.notes.push(Note {
            account: Some(FIRST.to_owned()),
            region: Some("cn-hangzhou".to_owned()),
            subject: Some(payload.to_owned()),
            state: NoteState::Finding,
            reason: payload.to_owned(),
            error: None,
        });
        facts.asked.left_out.push(LeftOut { what: payload.to_owned(), why: payload.to_owned(), part: Part::Region });
    }
    for week in &mut facts.schedules {
        week.name = HOSTILE[1].to_owned();
    }
    facts.policy.name = HOSTILE[0].to_owned();
    facts.callers[0].source = HOSTILE[2].to_owned();
    facts
}

/// The small sample, with more VPCs than a report lists: a million without a flow log, and some of everything else.
pub(crate) fn omitted() -> Facts {
    let mut facts = small();
    let omitted = |verdict, count| Omitted {
        account: FIRST.to_owned(),
        region: "cn-hangzhou".to_owned(),
        kind: Kind::Vpc,
        verdict,
        is_finding: matches!(verdict, Verdict::Missing),
        is_exception: matches!(verdict, Verdict::Paused | Verdict::Excluded),
        is_changed: false,
        count,
    };
    facts.omitted = [
        (Verdict::Missing, 1_000_000),
        (Verdict::Unknown, 70),
        (Verdict::Pending, 60),
        (Verdict::Paused, 50),
        (Verdict::Excluded, 40),
        (Verdict::Compliant, 30),
    ]
    .map(|(verdict, count)| omitted(verdict, count))
    .to_vec();
    facts.omitted_deliveries = vec![OmittedDeliveries {
        account: FIRST.to_owned(),
        region: "cn-hangzhou".to_owned(),
        state: DeliveryState::Unknown,
        count: 30,
    }];
    facts.omitted_changes = 1_000_000;
    let more = facts.omitted_resources();
    facts.judged[0].resources += more;
    for read in facts.reads.iter_mut().filter(|read| (&*read.account, &*read.region) == (FIRST, "cn-hangzhou")) {
        read.items += more;
        read.total = Some(read.items);
    }
    facts
}

/// A region with many VPCs without flow logs, as a sweep reports them. The report lists `max` of them.
pub(crate) fn findings(number: usize, max: usize) -> Facts {
    let mut facts = minimal();
    let region = "cn-hangzhou";
    facts.callers = small().callers;
    facts.asked.kinds = vec![Kind::Vpc];
    let regions = vec![region.to_owned()];
    facts.asked.accounts.push(AskedAccount { account: FIRST.to_owned(), name: None, regions });
    facts.reads.push(read(FIRST, region, "DescribeVpcs", number as u64));
    facts.reads.push(read(FIRST, region, "DescribeFlowLogs", 0));
    let services = Service { account: FIRST.to_owned(), is_open: Some(true), error: None, calls: Vec::new() };
    facts.services.push(services);
    let item = |nth: usize| {
        let id = format!("vpc-bp1example{nth:011}");
        Item {
            account: Some(FIRST.to_owned()),
            region: Some(region.to_owned()),
            resource_type: Some("VPC"),
            verdict: Some(Verdict::Missing),
            action: Some(Action::CreateFlowLog),
            resource_id: Some(id.clone()),
            ..Item::of_run(Outcome::Planned, format!("no active flow log covers {id}")).finding()
        }
    };
    let items: Vec<_> = (0..number).map(item).collect();
    let summary = Summary { checked: number, ..Summary::default() };
    facts.add_report((&items, &summary), &[FIRST.to_owned()], (&[], &[]), max);
    facts
}

/// Many VPCs, a hundred in each account. One in a hundred has no flow log.
pub(crate) fn large(number: usize) -> Facts {
    let mut facts = minimal();
    facts.callers = small().callers;
    facts.asked.kinds = vec![Kind::Vpc];
    for nth in 0..number.div_ceil(100) {
        let account = (1_000_000_000_000_001 + nth as u64).to_string();
        let mut results: Vec<_> = (100 * nth..(100 * nth + 100).min(number))
            .map(|vpc_nth| vpc(&account, "cn-hangzhou", vpc_nth, &format!("{}-{vpc_nth}", NAMES[vpc_nth % 12])))
            .collect();
        results.first_mut().into_iter().for_each(lose_flow_log);
        let resources = results.len() as u64;
        facts.asked.accounts.push(AskedAccount {
            account: account.clone(),
            name: None,
            regions: ["cn-hangzhou", "cn-shanghai"].map(str::to_owned).to_vec(),
        });
        for (region, items) in [("cn-hangzhou", resources), ("cn-shanghai", 0)] {
            facts.reads.push(read(&account, region, "DescribeVpcs", items));
            facts.reads.push(read(&account, region, "DescribeFlowLogs", items));
        }
        facts.services.push(Service { account: account.clone(), is_open: Some(true), error: None, calls: Vec::new() });
        facts.judged.push(Judged { accounts: vec![account], resources, unlisted: 0 });
        facts.results.append(&mut results);
    }
    prove(&mut facts, |_| proof(usize::MAX));
    facts
}
