//! The triggers of `template.yml` pass exactly the events that a function handles: a superfluous event costs money, and
//! a blocked one is never handled.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use local_cloud::{
    OWN_ACCOUNT,
    template::{Source, Template, default_path},
};
use scenarios::parameters;
use serde_json::Value;

const NOTHING: &[&str] = &[];
const CREATE: &[&str] = &["create-flow-log"];
const REMEDIATE: &[&str] = &["remediate-flow-logs"];
const DELETE_ORPHANED: &[&str] = &["delete-orphaned-flow-logs"];

/// Each sample that is a single CloudEvent, as the default bus delivers it, and the functions that it triggers.
const WAKES: &[(&str, &[&str])] = &[
    ("actiontrail-active-flow-log", NOTHING),
    ("actiontrail-create-default-vpc", CREATE),
    ("actiontrail-create-default-vswitch", CREATE),
    ("actiontrail-create-flow-log", NOTHING),
    ("actiontrail-create-network-interface", CREATE),
    ("actiontrail-create-network-interface-full-response", CREATE),
    ("actiontrail-create-vpc", CREATE),
    ("actiontrail-create-vpc-cross-account", CREATE),
    // A pattern cannot distinguish these from a success; the function does.
    ("actiontrail-create-vpc-dry-run", CREATE),
    ("actiontrail-create-vpc-dry-run-error", CREATE),
    ("actiontrail-create-vpc-empty-error-code", CREATE),
    ("actiontrail-create-vpc-failed", CREATE),
    ("actiontrail-create-vpc-failed-null-response", CREATE),
    ("actiontrail-create-vswitch", CREATE),
    ("actiontrail-deactive-flow-log", REMEDIATE),
    ("actiontrail-delete-flow-log", REMEDIATE),
    ("actiontrail-delete-vpc", DELETE_ORPHANED),
    ("actiontrail-modify-flow-log-attribute", REMEDIATE),
    ("actiontrail-run-instances-console", CREATE),
    ("actiontrail-system-delete-disk", NOTHING),
    // Other products have operations of the same name.
    ("cen-create-flow-log", NOTHING),
    ("cen-deactive-flow-log", NOTHING),
    ("config-compliant", NOTHING),
    ("config-item-change", CREATE),
    ("config-item-change-eni", CREATE),
    ("config-item-change-removed", NOTHING),
    ("config-noncompliant", REMEDIATE),
    ("config-noncompliant-string-types", REMEDIATE),
    ("eventbridge-ebs-disk-event", NOTHING),
    ("eventbridge-ecs-disk-event", NOTHING),
    ("eventbridge-envelope-aliyuncvc", NOTHING),
    ("eventbridge-mns-queue-message", NOTHING),
    ("eventbridge-scheduled-event", NOTHING),
    ("eventbridge-scheduled-event-user-data", NOTHING),
    ("fc-async-destination-eventbridge", NOTHING),
    ("sag-create-flow-log", NOTHING),
    // A pattern cannot tell what was ordered; the function can.
    ("actiontrail-console-order-disk", CREATE),
    ("actiontrail-console-order-instance", CREATE),
    ("actiontrail-system-delete-network-interface", DELETE_ORPHANED),
    ("actiontrail-create-vpc-without-response", CREATE),
    ("actiontrail-create-vswitch-resource-name", CREATE),
    ("actiontrail-run-instances-id-as-text", CREATE),
    ("actiontrail-create-vpc-region-in-parameter-json", CREATE),
    ("actiontrail-create-instance", CREATE),
    ("actiontrail-create-vpc-success-code", CREATE),
    // A pattern cannot look into these. They come from other buses, or are sent by hand.
    ("cloudevent-data-as-text", NOTHING),
    ("cloudevent-data-base64", NOTHING),
    ("eventbridge-mns-queue-message-with-event", NOTHING),
];

/// The samples that are a single CloudEvent, by name.
fn cloud_events() -> BTreeMap<String, Value> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/events"));
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let samples = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    samples
        .map(|path| {
            let event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), event)
        })
        .filter(|(_, event)| event.get("specversion").is_some())
        .collect()
}

#[test]
fn every_sample_event_wakes_the_functions_in_the_table_once_each() {
    let template = Template::read(&default_path(), &parameters(), OWN_ACCOUNT, "cn-hangzhou").unwrap();
    let binary_of: BTreeMap<_, _> =
        template.functions.iter().map(|function| (&function.name, function.binary.as_str())).collect();
    for (sample, event) in cloud_events() {
        let row = WAKES.iter().find(|(name, _)| *name == sample);
        let (_, expected) = row.unwrap_or_else(|| panic!("{sample} is new: say in the table which functions it wakes"));
        let triggers = template.triggers.iter().filter(|trigger| trigger.matches(&event));
        // If two triggers of one function passed the same event, it would be invoked twice.
        let mut woken: Vec<_> = triggers.map(|trigger| binary_of[&trigger.function]).collect();
        woken.sort_unstable();
        assert_eq!(woken, *expected, "{sample}");
    }
}

#[test]
fn every_row_of_the_table_has_a_sample_and_every_event_trigger_a_row() {
    let events = cloud_events();
    let rows: BTreeSet<_> = WAKES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(rows, events.keys().cloned().collect());
    let template = Template::read(&default_path(), &parameters(), OWN_ACCOUNT, "cn-hangzhou").unwrap();
    for trigger in &template.triggers {
        let is_for_events = matches!(trigger.source, Source::Events { .. });
        let is_woken = events.values().any(|event| trigger.matches(event));
        assert_eq!(is_woken, is_for_events, "{} is woken by no sample: add one", trigger.name);
    }
}
