//! Every sample in the fixtures, and what it means.

use std::{collections::BTreeSet, fs, path::PathBuf};

use events::{Event, EventKind, FlowLogCall, parse};

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events")
}

fn sample(name: &str) -> Vec<Event> {
    parse(&fs::read(folder().join(name)).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Describes an event in a few words.
fn words(found: &Event) -> String {
    match &found.event {
        EventKind::Created(id) => format!("created {id}"),
        EventKind::Launched(ids) => format!("launched {}", ids.join(" ")),
        EventKind::Deleted(id) => format!("deleted {id}"),
        EventKind::FlowLogChanged { call, flow_log, caller } => {
            format!("{call:?} {flow_log} by {}", caller.as_ref().map_or("nobody", |caller| &caller.name))
        }
        EventKind::NonCompliant(id) => format!("non-compliant {id}"),
        EventKind::Shard(shard) => format!("shard {}", shard.account),
        EventKind::Collect(collect) => format!("collect {}", collect.run),
        EventKind::Timer { name, payload } => format!("timer {name} {payload:?}"),
        EventKind::Ignored(reason) => format!("not for us: {reason}"),
        EventKind::Malformed(reason) => format!("broken: {reason}"),
    }
}

const VPC: &str = "vpc-bp1example00000000001";
const ENI: &str = "eni-bp12f9rjbjqauktz****";

#[test]
fn every_sample_is_read_for_what_it_says() {
    let created_vpc = format!("created {VPC}");
    let created_eni = format!("created {ENI}");
    let deleted_vpc = format!("deleted {VPC}");
    let non_compliant = format!("non-compliant {VPC}");
    let table: &[(&str, &[&str])] = &[
        ("actiontrail-active-flow-log.json", &["Activate fl-"]),
        ("actiontrail-create-default-vpc.json", &["created vpc-"]),
        ("actiontrail-create-default-vswitch.json", &["created vsw-"]),
        ("actiontrail-create-flow-log.json", &["Create fl-"]),
        ("actiontrail-create-network-interface-body.json", &[&created_eni]),
        ("actiontrail-create-network-interface-full-response.json", &["created eni-"]),
        ("actiontrail-create-network-interface.json", &[&created_eni]),
        ("actiontrail-create-vpc-body.json", &[&created_vpc]),
        ("actiontrail-create-vpc-cross-account.json", &["created vpc-"]),
        ("actiontrail-create-vpc-dry-run-error.json", &["not for us: the call CreateVpc was a dry run"]),
        ("actiontrail-create-vpc-dry-run.json", &["not for us: the call CreateVpc was a dry run"]),
        ("actiontrail-create-vpc-empty-error-code.json", &["created vpc-"]),
        ("actiontrail-create-vpc-failed-null-response.json", &["not for us: the call CreateVpc failed ("]),
        ("actiontrail-create-vpc-failed.json", &["not for us: the call CreateVpc failed ("]),
        ("actiontrail-create-vpc.json", &[&created_vpc]),
        ("actiontrail-create-vswitch.json", &["created vsw-"]),
        ("actiontrail-deactive-flow-log.json", &["Deactivate fl-"]),
        ("actiontrail-delete-flow-log.json", &["Delete fl-"]),
        ("actiontrail-delete-vpc.json", &[&deleted_vpc]),
        ("actiontrail-modify-flow-log-attribute.json", &["Modify fl-"]),
        ("actiontrail-run-instances-console-body.json", &["launched i-bp1example0000000001"]),
        ("actiontrail-run-instances-console.json", &["launched i-bp1example0000000001"]),
        ("actiontrail-system-delete-disk-body.json", &["not for us: the call DeleteDisk of Ecs"]),
        ("actiontrail-system-delete-disk.json", &["not for us: the call DeleteDisk of Ecs"]),
        ("cen-create-flow-log.json", &["not for us: the call CreateFlowLog of Cbn"]),
        ("cen-deactive-flow-log.json", &["not for us: the call DeactiveFlowLog of Cbn"]),
        ("cloudevents-array-mns.json", &["not for us: mns:Queue:SendMessage", "not for us: mns:Queue:SendMessage"]),
        ("cloudevents-array.json", &["created ", "created "]),
        ("cloudevents-string-array-kafka.json", &["not for us: alikafka:Topic:Message"]),
        ("cloudevents-string-array.json", &["created ", "created "]),
        ("config-compliant.json", &["not for us: Cloud Config says COMPLIANT"]),
        ("config-custom-rule-change.json", &["not for us: Cloud Config asks"]),
        ("config-custom-rule-oversize.json", &["not for us: Cloud Config asks"]),
        ("config-custom-rule-scheduled.json", &["not for us: Cloud Config asks"]),
        (
            "config-fc-remediation-several.json",
            &[&non_compliant, "non-compliant vpc-uf6", "not for us: ACS::ECS::Instance"],
        ),
        ("config-fc-remediation.json", &[&non_compliant]),
        ("config-item-change-eni.json", &["created eni-"]),
        ("config-item-change-mns-body.json", &["not for us: ACS::OSS::Bucket"]),
        ("config-item-change-removed.json", &[&deleted_vpc]),
        ("config-item-change.json", &[&created_vpc]),
        ("config-noncompliant-mns-body.json", &["not for us: ACS::ECS::Instance"]),
        ("config-noncompliant-string-types.json", &[&non_compliant]),
        ("config-noncompliant.json", &[&non_compliant]),
        ("ecs-instance-state-change-mns-body.json", &["not for us: a notice of another product"]),
        ("eventbridge-ebs-disk-event.json", &["not for us: ebs:Disk:"]),
        ("eventbridge-ecs-disk-event.json", &["not for us: ecs:Disk:"]),
        ("eventbridge-envelope-aliyuncvc.json", &["not for us: aliyuncvc:"]),
        ("eventbridge-mns-queue-message.json", &["not for us: mns:Queue:SendMessage"]),
        ("eventbridge-scheduled-event-user-data.json", &["timer flowlog.scheduledevent Some(\"{\\\"action\\\""]),
        ("eventbridge-scheduled-event.json", &["timer housekeeping.scheduledevent None"]),
        ("fc-async-destination-eventbridge.json", &["not for us: fc:AsyncInvoke:"]),
        ("fc-async-destination.json", &["not for us: the outcome of another invocation"]),
        ("fc-timer-docs.json", &["timer "]),
        ("fc-timer-empty-payload.json", &["timer schedule None"]),
        ("fc-timer-json-payload.json", &["timer schedule Some(\"{\\\"action\\\""]),
        ("fc-timer.json", &["timer TestTimer Some(\"TestPayload\")"]),
        ("rawdata-array-mns.json", &["not for us: a message", "not for us: a message"]),
        ("sag-create-flow-log.json", &["not for us: the call CreateFlowLog of Smartag"]),
        ("actiontrail-system-delete-network-interface.json", &["deleted eni-bp1example00000000001"]),
        ("actiontrail-create-vpc-without-response.json", &[&created_vpc]),
        ("actiontrail-create-vswitch-resource-name.json", &["created vsw-bp1example00000000001"]),
        ("actiontrail-run-instances-id-as-text.json", &["launched i-bp1example0000000001"]),
        ("actiontrail-create-vpc-region-in-parameter-json.json", &["created vpc-uf6example00000000001"]),
        ("actiontrail-create-instance.json", &["launched i-bp1example0000000001"]),
        ("actiontrail-console-order-instance.json", &["launched i-bp1example0000000001"]),
        ("actiontrail-console-order-disk.json", &["not for us: the call Create names no instance"]),
        ("actiontrail-create-vpc-success-code.json", &[&created_vpc]),
        ("cloudevent-data-as-text.json", &[&created_vpc]),
        ("cloudevent-data-base64.json", &[&created_vpc]),
        ("mns-topic-json-notification.json", &[&created_vpc]),
        ("eventbridge-mns-queue-message-with-event.json", &[&created_vpc]),
        ("rawdata-array-mns-with-event.json", &[&created_vpc]),
    ];
    for (name, expected) in table {
        let found: Vec<_> = sample(name).iter().map(words).collect();
        let is_as_expected = found.len() == expected.len()
            && found.iter().zip(*expected).all(|(found, expected)| found.starts_with(expected));
        assert!(is_as_expected, "{name}: {found:?}, not {expected:?}");
    }
    let in_table: BTreeSet<_> = table.iter().map(|(name, _)| (*name).to_owned()).collect();
    let in_folder: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(in_table, in_folder, "a sample that nobody looks at proves nothing");
}

#[test]
fn an_event_says_where_and_when_it_happened() {
    let [found] = sample("actiontrail-create-vpc.json").try_into().unwrap();
    assert_eq!(found.account.unwrap().as_str(), "1000000000000001");
    assert_eq!(found.region.unwrap().as_str(), "cn-hangzhou");
    assert_eq!(found.time.unwrap().to_string(), "2025-01-02T03:04:05Z");
    let id = found.id.unwrap();
    assert_eq!((id.source.as_str(), id.id.as_str()), ("acs.vpc", "4d1e7b8a-0000-4000-8000-000000000005"));
}

#[test]
fn the_owner_of_an_event_from_another_account_is_the_other_account() {
    let [found] = sample("actiontrail-create-vpc-cross-account.json").try_into().unwrap();
    assert_eq!(found.account.unwrap().as_str(), "1000000000000002");
}

#[test]
fn the_time_of_a_notice_of_cloud_config_is_read_as_number_and_as_text() {
    for name in ["config-item-change.json", "config-item-change-eni.json", "config-noncompliant-string-types.json"] {
        let [found] = sample(name).try_into().unwrap();
        assert!(found.time.unwrap().to_string().starts_with("2025-01-02T03:04"), "{name}");
    }
}

#[test]
fn our_own_calls_can_be_told_by_their_caller() {
    let [found] = sample("actiontrail-create-flow-log.json").try_into().unwrap();
    let EventKind::FlowLogChanged { call: FlowLogCall::Create, caller: Some(caller), .. } = found.event else {
        panic!("{found:?}");
    };
    assert!(caller.name.contains(':'), "a role and its session: {caller:?}");
    assert_eq!(caller.account.unwrap().as_str(), "1000000000000001");
}
