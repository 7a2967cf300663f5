//! A few VPCs and flow logs to look at: some as `policy.yml` of the repository wants them, and some not.

use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use crate::{
    options::Options,
    ram::accounts::OWN_ACCOUNT,
    sls::{records::LogRecord, state::LogStore, traffic::MAX_WITH_TRAFFIC},
    world::{
        seed::Seeder,
        state::{FlowLog, Place, State},
    },
};

/// How long ago everything was made: long enough that no event of it is awaited.
const AGE_DAYS: i64 = 40;
/// For how long flow logs have written records, one in an hour for some of the network interfaces.
const RECORD_HOURS: i64 = 48;

/// A flow log that the sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Has {
    /// None.
    Nothing,
    /// One that Flowkeeper made, and that nobody has changed.
    Own,
    /// The same, switched off.
    Off,
    /// The same, with another aggregation interval.
    EachMinute,
    /// The same, on a VPC that is gone.
    Orphan,
    /// One that Log Service manages.
    ByLogService,
    /// One of somebody else, for dropped packets alone.
    ByOthers,
}

/// A VPC of the sample.
#[derive(Debug, Clone, Copy)]
struct Sample {
    region: &'static str,
    name: &'static str,
    tags: &'static [(&'static str, &'static str)],
    interfaces: u8,
    has: Has,
}

const SAMPLES: [Sample; 11] = [
    sample("cn-hangzhou", "生产网络", &[("env", "prod")], 120, Has::Own),
    sample("cn-hangzhou", "checkout", &[("env", "prod")], 30, Has::Nothing),
    sample("cn-hangzhou", "shop", &[("env", "prod")], 60, Has::EachMinute),
    sample("cn-hangzhou", "staging", &[("env", "test")], 40, Has::Own),
    sample("cn-hangzhou", "sandbox", &[("flowkeeper", "ignore")], 20, Has::Nothing),
    sample("cn-hangzhou", "", &[], 0, Has::Orphan),
    sample("cn-shanghai", "数据平台", &[("env", "prod")], 80, Has::ByLogService),
    sample("cn-shanghai", "partner", &[("env", "prod")], 50, Has::ByOthers),
    sample("cn-shanghai", "dev", &[("env", "dev")], 20, Has::Nothing),
    sample("eu-central-1", "frankfurt", &[("env", "prod")], 40, Has::Off),
    sample("eu-central-1", "archive", &[("flowkeeper", "off")], 10, Has::Own),
];

const fn sample(
    region: &'static str,
    name: &'static str,
    tags: &'static [(&'static str, &'static str)],
    interfaces: u8,
    has: Has,
) -> Sample {
    Sample { region, name, tags, interfaces, has }
}

/// Creates the sample in the functions' account, in those of its regions that exist. From then on, flow logs record.
pub(crate) fn seed(state: &mut State, options: &Options, now: Timestamp) {
    state.log_service.recorded_until = Some(now);
    let made = now.checked_sub((24 * AGE_DAYS).hours()).unwrap_or(now);
    // Ids that people look at come first.
    let ids = SAMPLES.map(|of| (state.new_id("vpc"), (of.has != Has::Nothing).then(|| state.new_id("fl")), of));
    for (vpc, flow_log, of) in ids.iter().filter(|(.., of)| options.known_regions().contains(&of.region)) {
        let place = Place { account: OWN_ACCOUNT.to_owned(), region: of.region.to_owned() };
        let project = format!("flowlog-{OWN_ACCOUNT}-{}", of.region);
        let new = LogStore { shards: 1, index: Some(index()), ..LogStore::new("vpc", 180, made) };
        state.log_service.seed(&place, &project, new);
        let records = make(&mut Seeder { state, place, now: made }, of, (vpc, flow_log.clone()), now);
        if let Some(log_store) =
            state.log_service.projects.get_mut(&project).and_then(|project| project.log_stores.get_mut("vpc"))
        {
            log_store.records.extend(records);
        }
    }
}

/// The fields by which the records of flow logs are counted.
fn index() -> serde_json::Value {
    json!({"keys": {
        "vpc-id": {"type": "text", "token": [","]},
        "log-status": {"type": "text", "token": [","]},
        "end": {"type": "long", "doc_value": true},
    }})
}

/// Creates a VPC with what is in it, and returns the records of its flow log.
fn make(
    seeder: &mut Seeder<'_>,
    of: &Sample,
    (vpc, flow_log_id): (&str, Option<String>),
    now: Timestamp,
) -> Vec<LogRecord> {
    if of.has != Has::Orphan {
        seeder.vpc(vpc);
        if let Some(made) = seeder.state.vpcs.get_mut(vpc) {
            of.name.clone_into(&mut made.name);
            made.tags = of.tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        }
    }
    let vswitch = seeder.state.new_id("vsw");
    let mut interfaces = Vec::new();
    for _ in 0..of.interfaces {
        let (id, instance) = (seeder.state.new_id("eni"), seeder.state.new_id("i"));
        seeder.network_interface(id.clone(), &instance, &vswitch, vpc);
        interfaces.push(id);
    }
    if !interfaces.is_empty() {
        seeder.vswitch(&vswitch, vpc);
    }
    let Some(id) = flow_log_id else { return Vec::new() };
    seeder.flow_log(Some(id.clone()), "VPC", vpc);
    let Some(flow_log) = seeder.state.flow_logs.get_mut(&id) else { return Vec::new() };
    change(flow_log, of.has);
    if flow_log.status != "Active" {
        return Vec::new();
    }
    let record = |hour: i64, interface: &String| {
        let end = now.checked_sub((hour * 60 + 5).minutes()).unwrap_or(now);
        LogRecord::of_flow_log(vpc, &vswitch, interface, "OK", end)
    };
    (0..RECORD_HOURS)
        .flat_map(|hour| interfaces.iter().take(MAX_WITH_TRAFFIC).map(move |interface| record(hour, interface)))
        .collect()
}

/// Changes a flow log that is as Flowkeeper makes it.
fn change(flow_log: &mut FlowLog, has: Has) {
    match has {
        Has::Nothing | Has::Own | Has::Orphan => {}
        Has::Off => flow_log.status = "Inactive".into(),
        Has::EachMinute => flow_log.aggregation_interval = 1,
        Has::ByLogService => {
            flow_log.service_type = "sls".into();
            flow_log.name = "sls-managed".into();
            flow_log.tags.clear();
        }
        Has::ByOthers => {
            flow_log.name = "partner-drops".into();
            flow_log.traffic_type = "Drop".into();
            flow_log.tags.clear();
        }
    }
}
