//! Event buses: which bus an event reaches, and how rules forward it to other buses and to queues.

use std::{path::PathBuf, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use local_cloud::{
    CrossRegion, EntryKind, Error, EventBus, Fault, Functions, LocalCloud, OWN_ACCOUNT, Options, Place, SECOND_ACCOUNT,
    send, template, timeline,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TEMPLATE, cloud, cloud_with, cloud_with_template, stand_ins};

fn place(account: &str, region: &str) -> Place {
    Place { account: account.to_owned(), region: region.to_owned() }
}

fn default_of(account: &str, region: &str) -> EventBus {
    EventBus::default_of(&place(account, region))
}

/// The queue of an account in which the events end that could not be forwarded.
fn dead_letters_of(account: &str, region: &str) -> String {
    format!("acs:mns:{region}:{account}:/queues/flowkeeper-forward-dead-letters")
}

/// Options for the repository's own template with stand-ins for its functions, which all succeed.
fn of_repository(folder: &TempDir, forwarded: &[(&str, &str)]) -> Options {
    Options {
        functions: Functions::Built(folder.path().to_owned()),
        parameters: [("TaskMode".to_owned(), "false".to_owned())].into(),
        forwarded: forwarded.iter().map(|(account, region)| place(account, region)).collect(),
        retry_delay: Duration::ZERO,
        ..Options::default()
    }
}

fn forward_template() -> PathBuf {
    template::default_path().with_file_name("template-forward.yml")
}

/// Writes a template with resources of its own.
fn template_of(resources: &str) -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yml");
    std::fs::write(&path, format!("Resources:\n{resources}")).unwrap();
    (path, folder)
}

/// A rule on a bus that sends every event of VPC to another one.
fn rule(id: &str, bus: &str, to: &EventBus, role: Option<&str>) -> String {
    let EventBus { account, region, name } = to;
    let kind = if role.is_some() { "AnotherAccount" } else { "SameAccount" };
    let role = role.map_or(String::new(), |role| {
        format!(
            "            - {{ResourceKey: AccountId, Form: CONSTANT, Value: '{account}'}}\n            \
             - {{ResourceKey: RAMRoleName, Form: CONSTANT, Value: {role}}}\n"
        )
    });
    format!(
        "  {id}:\n    Type: ALIYUN::EventBridge::Rule\n    Properties:\n      EventBusName: {bus}\n      RuleName: {id}\n      \
         FilterPattern: {{source: [acs.vpc]}}\n      Targets:\n        - Id: one\n          Type: acs.eventbridge\n          \
         Endpoint: 'acs:eventbridge:{region}:{account}:eventbus/{name}'\n          ErrorsTolerance: ALL\n          \
         ParamList:\n            - {{ResourceKey: RegionId, Form: CONSTANT, Value: {region}}}\n            \
         - {{ResourceKey: AccountType, Form: CONSTANT, Value: {kind}}}\n            \
         - {{ResourceKey: EventBusName, Form: CONSTANT, Value: {name}}}\n            \
         - {{ResourceKey: Body, Form: ORIGINAL, Value: ''}}\n{role}"
    )
}

/// Deploys resources, and returns the mistake if they are refused.
fn deployed(cloud: &LocalCloud, account: &str, region: &str, resources: &str) -> Result<(), String> {
    let (path, _folder) = template_of(resources);
    cloud.deploy(account, region, &path, &[]).map_err(|error| whole(&error))
}

/// Returns an error with its causes.
fn whole(error: &Error) -> String {
    let source = std::error::Error::source(error);
    format!("{error}: {}", source.map(ToString::to_string).unwrap_or_default())
}

#[tokio::test]
async fn an_event_reaches_the_default_bus_of_its_own_account_and_region_alone() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    for (account, region) in [(OWN_ACCOUNT, "cn-shanghai"), (SECOND_ACCOUNT, "cn-hangzhou")] {
        cloud.operator(account, region).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let [event] = cloud.events_on(&default_of(account, region)).try_into().unwrap();
        assert_eq!((&event["aliyunaccountid"], &event["aliyunregionid"]), (&json!(account), &json!(region)));
        assert_eq!(event.get("aliyunoriginalaccountid"), None, "it was not forwarded");
    }
    assert_eq!((cloud.invocations().len(), cloud.events().len()), (0, 2), "no function listens there");
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert_eq!(cloud.events_on(&default_of(OWN_ACCOUNT, "cn-hangzhou")), [invocation.event]);
}

#[tokio::test]
async fn events_of_other_accounts_and_regions_reach_the_functions_through_the_hub() {
    let folder = stand_ins();
    let from = [(OWN_ACCOUNT, "cn-shanghai"), (SECOND_ACCOUNT, "cn-hangzhou"), (SECOND_ACCOUNT, "eu-central-1")];
    let cloud = LocalCloud::start(of_repository(&folder, &from)).await.unwrap();
    let hub = EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "flowkeeper");
    assert_eq!(cloud.event_buses(), std::slice::from_ref(&hub));
    for (account, region) in from {
        let seen = cloud.invocations().len();
        let vpc = cloud.operator(account, region).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let original = cloud.events().pop().unwrap();
        let [invocation] = cloud.invocations()[seen..].to_vec().try_into().unwrap();
        assert_eq!(invocation.function, "flowkeeper-create-flow-log");
        let message = &invocation.event;
        assert_eq!(message["type"], "mns:Queue:SendMessage");
        assert_eq!(message["subject"], "acs:mns:cn-hangzhou:1000000000000001:queues/flowkeeper-hub-create-flow-log");
        let event: Value = serde_json::from_str(message["data"]["messageBody"].as_str().unwrap()).unwrap();
        assert_eq!(event["data"]["responseElements"]["VpcId"], vpc.as_str());
        for (name, value) in [
            ("aliyunoriginalaccountid", account),
            ("aliyunaccountid", OWN_ACCOUNT),
            ("aliyunregionid", "cn-hangzhou"),
            ("aliyuneventbusname", "flowkeeper"),
        ] {
            assert_eq!(event[name], value, "{name}");
        }
        for kept in ["id", "source", "type", "time", "data"] {
            assert_eq!(event[kept], original[kept], "{kept}");
        }
        assert_eq!(cloud.events_on(&hub).pop().unwrap(), event);
    }
    // The functions' own account and region needs no rule, and other events are not forwarded.
    let (forwarded, seen) = (cloud.events_on(&hub).len(), cloud.invocations().len());
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let there = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    there
        .call("TagResources", &[("ResourceType", "VPC"), ("ResourceId.1", &vpc), ("Tag.1.Key", "k")])
        .await
        .unwrap_err();
    cloud.settled().await.unwrap();
    assert_eq!((cloud.events_on(&hub).len(), cloud.invocations().len()), (forwarded, seen + 1));
    assert_eq!(cloud.undelivered().len(), 0);
}

#[tokio::test]
async fn each_hop_is_journaled_and_told() {
    let folder = stand_ins();
    let cloud = LocalCloud::start(of_repository(&folder, &[(SECOND_ACCOUNT, "cn-shanghai")])).await.unwrap();
    cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let started = cloud.journal()[0].at;
    let told = |entry: &local_cloud::Entry| {
        let is_hop = matches!(
            entry.what,
            EntryKind::Event { .. }
                | EntryKind::Forwarded { .. }
                | EntryKind::Queued { .. }
                | EntryKind::Invoking { .. }
        );
        let line = timeline::line(entry, started, false).filter(|_| is_hop)?;
        line.split_once(" s ").map(|(_, text)| text.trim().to_owned())
    };
    let lines: Vec<String> = cloud.journal().iter().filter_map(told).collect();
    let expected = [
        "event CreateVpc → default bus of 1000000000000002 in cn-shanghai",
        "flowkeeper-forward-calls → flowkeeper bus of 1000000000000001 in cn-hangzhou",
        "flowkeeper-new-resources → queue flowkeeper-hub-create-flow-log",
        "→ flowkeeper-create-flow-log",
    ];
    assert_eq!(lines, expected);
    let queue = "acs:mns:cn-hangzhou:1000000000000001:/queues/flowkeeper-hub-create-flow-log";
    let [message] = cloud.messages(queue).try_into().unwrap();
    let decoded = BASE64_STANDARD.decode(&message).unwrap();
    let hub = EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "flowkeeper");
    assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), cloud.events_on(&hub)[0]);
}

#[tokio::test]
async fn an_event_that_the_hub_does_not_let_in_ends_in_the_queue_of_its_own_account_and_region() {
    let folder = stand_ins();
    let options = of_repository(&folder, &[(SECOND_ACCOUNT, "cn-shanghai")]);
    let (of_others, no_senders) = ("1000000000000003", "does not trust 1000000000000002@eventbridge.aliyuncs.com");
    for (name, value, expected) in [
        ("HubSenders", of_others, no_senders),
        ("HubSenders", "", "is not there for 1000000000000002@eventbridge.aliyuncs.com"),
        ("HubBus", "elsewhere", ""),
    ] {
        let mut changed = options.clone();
        changed.parameters.insert(name.to_owned(), value.to_owned());
        let cloud = LocalCloud::start(changed).await.unwrap();
        cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let undelivered = cloud.undelivered();
        if expected.is_empty() {
            assert_eq!(
                (undelivered.len(), cloud.invocations().len()),
                (0, 1),
                "another name of the bus does not matter"
            );
            continue;
        }
        let [lost] = undelivered.try_into().unwrap();
        assert_eq!(
            (lost.rule.as_str(), &lost.from),
            ("flowkeeper-forward-calls", &default_of(SECOND_ACCOUNT, "cn-shanghai"))
        );
        assert_eq!(lost.destination, Some(dead_letters_of(SECOND_ACCOUNT, "cn-shanghai")));
        assert_eq!((lost.attempts, &lost.event), (177, &cloud.events()[0]));
        assert_eq!(lost.reason, format!("acs:ram::1000000000000001:role/flowkeeper-hub {expected}"));
        assert_eq!(cloud.invocations().len(), 0);
        let (_, letters) =
            send(&cloud.endpoint(), http::Method::GET, "/_local/dead-letters", String::new()).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&letters).unwrap()[0]["rule"], "flowkeeper-forward-calls");
    }
}

#[tokio::test]
async fn the_role_of_the_hub_must_allow_to_put_events_on_that_bus() {
    let role = |resource: &str| {
        format!(
            "  Hub:\n    Type: ALIYUN::RAM::Role\n    Properties:\n      RoleName: hub\n      AssumeRolePolicyDocument:\n        \
             Statement: [{{Effect: Allow, Action: 'sts:AssumeRole', Principal: {{Service: \
             ['1000000000000001@eventbridge.aliyuncs.com']}}}}]\n      Policies: [{{PolicyDocument: {{Statement: \
             [{{Effect: Allow, Action: 'eventbridge:PutEvents', Resource: '{resource}'}}]}}}}]\n"
        )
    };
    let to = default_of(SECOND_ACCOUNT, "cn-hangzhou");
    for (resource, is_let_in) in [
        ("acs:eventbridge:cn-hangzhou:1000000000000002:eventbus/default", true),
        ("acs:eventbridge:cn-shanghai:1000000000000002:eventbus/default", false),
    ] {
        let cloud = LocalCloud::start(Options { retry_delay: Duration::ZERO, ..Options::default() }).await.unwrap();
        deployed(&cloud, SECOND_ACCOUNT, "cn-hangzhou", &role(resource)).unwrap();
        deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &rule("Send", "default", &to, Some("hub"))).unwrap();
        cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        assert_eq!(cloud.events_on(&to).len(), usize::from(is_let_in));
        let reasons: Vec<String> = cloud.undelivered().into_iter().map(|lost| lost.reason).collect();
        let denied = "acs:ram::1000000000000002:role/hub does not allow eventbridge:PutEvents on \
                      acs:eventbridge:cn-hangzhou:1000000000000002:eventbus/default";
        assert_eq!(reasons, if is_let_in { vec![] } else { vec![denied.to_owned()] });
    }
}

#[tokio::test]
async fn events_may_not_be_forwarded_to_another_region() {
    let folder = stand_ins();
    let from = [(SECOND_ACCOUNT, "cn-shanghai"), (SECOND_ACCOUNT, "cn-hangzhou")];
    let refused = Options { cross_region: CrossRegion::Refused, ..of_repository(&folder, &from) };
    let expected = "Resources.CallsRule.Properties.Targets[0]: the flowkeeper bus of 1000000000000001 in cn-hangzhou is in \
                    another region, and no rule may send there";
    for error in [LocalCloud::check(&refused, None).unwrap_err(), LocalCloud::start(refused).await.unwrap_err()] {
        assert!(whole(&error).contains(expected), "{}", whole(&error));
    }
    let failing = Options { cross_region: CrossRegion::Undelivered, ..of_repository(&folder, &from) };
    let cloud = LocalCloud::start(failing).await.unwrap();
    for (account, region) in from {
        cloud.operator(account, region).create_vpc(&[]).await.unwrap();
    }
    cloud.settled().await.unwrap();
    let [lost] = cloud.undelivered().try_into().unwrap();
    assert_eq!(lost.destination, Some(dead_letters_of(SECOND_ACCOUNT, "cn-shanghai")));
    assert_eq!(lost.reason, "no event reaches another region, such as cn-hangzhou");
    assert_eq!(cloud.invocations().len(), 1, "that of the same region arrived");
}

#[tokio::test]
async fn in_place_the_default_bus_of_a_member_sends_to_that_of_the_functions() {
    let folder = stand_ins();
    let mut options = of_repository(&folder, &[(SECOND_ACCOUNT, "cn-hangzhou")]);
    options.cross_region = CrossRegion::Refused;
    options.parameters.insert("HubBus".to_owned(), "default".to_owned());
    let cloud = LocalCloud::start(options).await.unwrap();
    assert_eq!(cloud.event_buses(), []);
    cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert_eq!(invocation.event["aliyunoriginalaccountid"], SECOND_ACCOUNT);
    assert_eq!(invocation.event["aliyuneventbusname"], "default");
}

#[tokio::test]
async fn a_rule_by_which_an_event_would_come_back_is_refused_with_its_stack() {
    let cloud = cloud().await;
    let home = default_of(OWN_ACCOUNT, "cn-hangzhou");
    let (shanghai, custom) =
        (default_of(OWN_ACCOUNT, "cn-shanghai"), EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom"));
    cloud.create_event_bus(&custom);
    let back = "events of the default bus of 1000000000000001 in cn-hangzhou would come back to it, without end";
    let at = |id: &str, bus: &str| format!("the template cannot be used: Resources.{id}.Properties.Targets[0]: {bus}");
    // To itself, and within one stack by another bus.
    let itself = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &rule("Self", "default", &home, None));
    assert_eq!(itself, Err(at("Self", back)));
    let both = format!("{}{}", rule("There", "default", &custom, None), rule("Back", "custom", &home, None));
    let circle = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &both).unwrap_err();
    assert!(circle.contains("would come back to it, without end"), "{circle}");
    // By stacks of their own, the last of which closes the circle.
    deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &rule("There", "default", &custom, None)).unwrap();
    deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &rule("On", "custom", &shanghai, None)).unwrap();
    let last = deployed(&cloud, OWN_ACCOUNT, "cn-shanghai", &rule("Back", "default", &home, None)).unwrap_err();
    assert!(last.contains("events of the default bus of 1000000000000001 in cn-shanghai would come back"), "{last}");
    // Nothing of a refused stack is deployed.
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let counts = [&home, &custom, &shanghai].map(|bus| cloud.events_on(bus).len());
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test]
async fn an_event_on_its_way_through_several_buses_names_its_first_account() {
    let cloud = LocalCloud::start(Options { accounts: 3, ..Options::default() }).await.unwrap();
    let role = "  Hub:\n    Type: ALIYUN::RAM::Role\n    Properties:\n      RoleName: hub\n      AssumeRolePolicyDocument:\n        \
                Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: \
                ['1000000000000003@eventbridge.aliyuncs.com', '1000000000000002@eventbridge.aliyuncs.com']}}]\n      \
                Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: 'eventbridge:PutEvents', Resource: '*'}]}}]\n";
    let (second, own) = (default_of(SECOND_ACCOUNT, "cn-beijing"), default_of(OWN_ACCOUNT, "cn-hangzhou"));
    let on_the_way = format!("{role}{}", rule("On", "default", &own, Some("hub")));
    deployed(&cloud, SECOND_ACCOUNT, "cn-beijing", &on_the_way).unwrap();
    deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", role).unwrap();
    deployed(&cloud, "1000000000000003", "cn-shanghai", &rule("Send", "default", &second, Some("hub"))).unwrap();
    cloud.operator("1000000000000003", "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [event] = cloud.events_on(&own).try_into().unwrap();
    assert_eq!(event["aliyunoriginalaccountid"], "1000000000000003");
    assert_eq!((&event["aliyunaccountid"], &event["aliyunregionid"]), (&json!(OWN_ACCOUNT), &json!("cn-hangzhou")));
}

/// A rule that puts the events of a bus into a queue, and a trigger that listens to the queue.
const QUEUE: &str = r#"
  Queue: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: events}}
  ToQueue:
    Type: ALIYUN::EventBridge::Rule
    Properties:
      EventBusName: custom
      RuleName: to-queue
      Status: ENABLE
      FilterPattern: {source: [acs.vpc]}
      Targets:
        - Id: queue
          Type: acs.mns.queue
          Endpoint: 'acs:mns:cn-hangzhou:1000000000000001:queues/events'
          PushRetryStrategy: BACKOFF_RETRY
          ErrorsTolerance: ALL
          ParamList:
            - {ResourceKey: queue, Form: CONSTANT, Value: events}
            - {ResourceKey: Body, Form: ORIGINAL, Value: ''}
            - {ResourceKey: IsBase64Encode, Form: CONSTANT, Value: 'false'}
  FromQueue:
    Type: ALIYUN::FC3::Trigger
    Properties:
      FunctionName: demo-stand-in
      TriggerName: queue
      TriggerType: eventbridge
      TriggerConfig:
        asyncInvocationType: true
        eventRuleFilterPattern: '{}'
        eventSourceConfig:
          eventSourceType: MNS
          eventSourceParameters: {sourceMNSParameters: {RegionId: cn-hangzhou, QueueName: events, IsBase64Decode: false}}
"#;

async fn with_queue(template: &str, task: &str) -> Result<(LocalCloud, TempDir), Error> {
    let event_buses = vec![EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom")];
    let options = Options { event_buses, retry_delay: Duration::ZERO, ..Options::default() };
    cloud_with_template(template, task, options).await
}

#[tokio::test]
async fn a_function_listens_to_a_queue_as_its_trigger_says() {
    let plain = format!("{TEMPLATE}{QUEUE}");
    let custom = EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom");
    let event = json!({"source": "acs.vpc", "type": "vpc:ActionTrail:ApiCall", "data": {"eventName": "CreateVpc"}});
    let encoded = plain.replace("Value: 'false'}", "Value: 'true'}");
    let decoded = encoded.replace("IsBase64Decode: false", "IsBase64Decode: true");
    let text = |body: &str| String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap();
    for (template, is_encoded) in [(&plain, false), (&encoded, true), (&decoded, false)] {
        let (cloud, _folder) = with_queue(template, "succeed").await.unwrap();
        cloud.publish_on(&custom, &event);
        cloud.publish_on(&custom, &json!({"source": "acs.ecs"}));
        cloud.settled().await.unwrap();
        let [invocation] = cloud.invocations().try_into().unwrap();
        let body = invocation.event["data"]["messageBody"].as_str().unwrap().to_owned();
        let body = if is_encoded { text(&body) } else { body };
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), event);
    }
    let selective = plain.replace("Pattern: '{}'", "Pattern: '{\"data\":{\"messageBody\":[{\"prefix\":\"x\"}]}}'");
    let off = plain.replace(
        "asyncInvocationType: true\n        eventRuleFilterPattern: '{}'",
        "triggerEnable: false\n        eventRuleFilterPattern: '{}'",
    );
    let disabled = plain.replace("Status: ENABLE", "Status: DISABLE");
    for (template, messages) in [(selective, 1), (off, 1), (disabled, 0)] {
        let (cloud, _folder) = with_queue(&template, "succeed").await.unwrap();
        cloud.publish_on(&custom, &event);
        cloud.settled().await.unwrap();
        let queued = cloud.messages("acs:mns:cn-hangzhou:1000000000000001:/queues/events").len();
        assert_eq!((cloud.invocations().len(), queued), (0, messages), "{template}");
    }
}

#[tokio::test]
async fn a_message_is_retried_as_the_trigger_of_its_queue_says() {
    let custom = EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom");
    let asynchronous = format!("{TEMPLATE}{QUEUE}");
    let synchronous = asynchronous.replace("asyncInvocationType: true\n        eventRule", "eventRule");
    // FC tries twice more, EventBridge three times.
    for (template, attempts) in [(asynchronous, 3), (synchronous, 4)] {
        let (cloud, _folder) = with_queue(&template, "fail").await.unwrap();
        cloud.publish_on(&custom, &json!({"source": "acs.vpc"}));
        cloud.settled().await.unwrap();
        let invocations = cloud.invocations();
        assert!(invocations.iter().all(|invocation| invocation.event["type"] == "mns:Queue:SendMessage"));
        assert_eq!((invocations.len(), cloud.dead_letters().len()), (attempts, 1));
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_for_a_queue_is_given_up() {
    let (cloud, _folder) = with_queue(&format!("{TEMPLATE}{QUEUE}"), "succeed").await.unwrap();
    let event = json!({"source": "acs.vpc", "data": "x".repeat(64 * 1024)});
    cloud.publish_on(&EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom"), &event);
    cloud.settled().await.unwrap();
    let [lost] = cloud.undelivered().try_into().unwrap();
    assert_eq!((lost.attempts, lost.destination), (4, None));
    assert!(lost.reason.ends_with("bytes, and a queue 65536"), "{}", lost.reason);
    let line = timeline::line(&cloud.journal().pop().unwrap(), cloud.now(), false).unwrap();
    assert!(line.contains("to-queue of the custom bus") && line.contains("nowhere: it is lost"), "{line}");
    assert_eq!(cloud.invocations().len(), 0);
}

#[tokio::test]
async fn a_mistake_in_a_rule_is_named_with_its_place() {
    let template = format!("{TEMPLATE}{QUEUE}");
    let of_rule = "Resources.ToQueue.Properties.";
    let of_trigger = "Resources.FromQueue.Properties.TriggerConfig.";
    for (from, to, place, expected) in [
        (
            "EventBusName: custom",
            "EventBusName: none",
            of_rule,
            "EventBusName: there is no none bus of 1000000000000001 in",
        ),
        ("Status: ENABLE", "Status: ON", of_rule, "Status: is not ENABLE or DISABLE"),
        (
            "FilterPattern: {source: [acs.vpc]}",
            "FilterPattern: {source: acs.vpc}",
            of_rule,
            "FilterPattern.source: is not a list",
        ),
        (
            "Type: acs.mns.queue",
            "Type: acs.fc.function",
            of_rule,
            "Targets[0].Type: \"acs.fc.function\" is not supported",
        ),
        ("- Id: queue", "- Name: queue", of_rule, "Targets[0].Id: is missing"),
        ("ErrorsTolerance: ALL", "ErrorsTolerance: NONE", of_rule, "Targets[0].ErrorsTolerance: is not ALL"),
        ("BACKOFF_RETRY", "NEVER", of_rule, "Targets[0].PushRetryStrategy: is not BACKOFF_RETRY or "),
        (
            "queues/events'\n",
            "queues/other'\n",
            of_rule,
            "Targets[0].Endpoint: is not acs:mns:cn-hangzhou:1000000000000001:queues/",
        ),
        (
            "ResourceKey: queue, Form: CONSTANT",
            "ResourceKey: queue, Form: JSONPATH",
            of_rule,
            "Targets[0].ParamList.queue: is not CON",
        ),
        ("ORIGINAL, Value: ''", "ORIGINAL", of_rule, "Targets[0].ParamList.Body: is not ORIGINAL with a value"),
        ("RuleName: to-queue", "RuleNames: to-queue", of_rule, "RuleName: is missing"),
        ("Type: MNS", "Type: Kafka", of_trigger, "eventSourceConfig.eventSourceType: is not Default or MNS"),
        (
            "RegionId: cn-hangzhou",
            "RegionId: cn-beijing",
            of_trigger,
            "eventSourceConfig.eventSourceParameters.sourceMNSP",
        ),
        (
            "cn-hangzhou, QueueName: events",
            "cn-hangzhou, QueueName: x",
            of_trigger,
            "eventSourceConfig.eventSourceParameters.source",
        ),
    ] {
        let broken = template.replace(from, to);
        assert_ne!(broken, template, "{from}");
        let error = whole(&with_queue(&broken, "succeed").await.err().unwrap_or_else(|| panic!("{to} is taken")));
        assert!(error.contains(&format!("{place}{expected}")), "{to}: {error}");
    }
    let elsewhere = template
        .replace("queues/events'\n", "queues/other'\n")
        .replace("CONSTANT, Value: events", "CONSTANT, Value: other");
    let of_queue = whole(&with_queue(&elsewhere, "succeed").await.err().unwrap());
    assert!(
        of_queue.contains("Targets[0].Endpoint: acs:mns:cn-hangzhou:1000000000000001:/queues/other is not a queue"),
        "{of_queue}"
    );
    let cloud = cloud().await;
    let to = default_of(SECOND_ACCOUNT, "cn-beijing");
    let good = rule("Send", "default", &to, Some("hub"));
    for (from, replaced, expected) in [
        (
            "Value: cn-beijing",
            "Value: cn-shanghai",
            "ParamList.RegionId: is \"cn-shanghai\", and the endpoint says \"cn-beijing\"",
        ),
        (
            "Value: AnotherAccount",
            "Value: SameAccount",
            "ParamList.AccountType: is \"SameAccount\", and the endpoint says",
        ),
        ("Value: '1000000000000002'", "Value: '1000000000000003'", "ParamList.AccountId: is \"1000000000000003\""),
        ("ResourceKey: RAMRoleName", "ResourceKey: RoleName", "ParamList.RAMRoleName: is missing"),
        (
            "acs:eventbridge:cn",
            "acs:cn",
            "Endpoint: \"acs:cn-beijing:1000000000000002:eventbus/default\" is not the ARN",
        ),
    ] {
        let broken = good.replace(from, replaced);
        assert_ne!(broken, good, "{from}");
        let error = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &broken).unwrap_err();
        assert!(error.contains(&format!("Resources.Send.Properties.Targets[0].{expected}")), "{error}");
    }
    let many = (0..5).fold(good.clone(), |all, _| {
        let (_, target) = good.split_once("        - Id: one").unwrap();
        format!("{all}        - Id: one{target}")
    });
    let too_many = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &many).unwrap_err();
    assert!(too_many.contains("Targets: has 6 targets, and a rule has 1 to 5"), "{too_many}");
    deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &good).unwrap();
    let again = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", &good).unwrap_err();
    assert!(
        again.contains("RuleName: the default bus of 1000000000000001 in cn-hangzhou has a rule Send already"),
        "{again}"
    );
}

#[tokio::test]
async fn a_stack_needs_an_account_and_a_region_that_exist() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let hub = [("HubAccountId", OWN_ACCOUNT), ("HubRegion", "cn-hangzhou")];
    for (account, region) in [("1000000000000003", "cn-hangzhou"), (OWN_ACCOUNT, "cn-nowhere")] {
        let error = cloud.deploy(account, region, &forward_template(), &hub).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no account {account} with a region {region} here"));
        let forwarded = vec![place(account, region)];
        let options = Options { forwarded, ..of_repository(&stand_ins(), &[]) };
        assert_eq!(LocalCloud::start(options).await.unwrap_err().to_string(), error.to_string());
    }
    let options = Options { in_place: vec!["cn-nowhere".to_owned()], ..of_repository(&stand_ins(), &[]) };
    let expected = format!("there is no account {OWN_ACCOUNT} with a region cn-nowhere here");
    assert_eq!(LocalCloud::check(&options, None).unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn the_forward_template_makes_nothing_in_the_place_of_the_hub_and_no_queue_where_there_is_no_mns() {
    let (folder, manila) = (stand_ins(), "ap-southeast-6");
    let mut options = of_repository(&folder, &[]);
    options.regions.push(manila.to_owned());
    let cloud = LocalCloud::start(options).await.unwrap();
    let buses = [("flowkeeper", "cn-hangzhou"), ("default", ""), ("default", "cn-hangzhou"), ("flowkeeper", "")];
    for (bus, region) in buses {
        let hub = [("HubAccountId", OWN_ACCOUNT), ("HubRegion", region), ("HubBus", bus)];
        let deployed = cloud.deploy(OWN_ACCOUNT, "cn-hangzhou", &forward_template(), &hub);
        assert!(deployed.is_ok(), "{bus} in {region:?}: there is no rule that could be refused");
    }
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!((cloud.invocations().len(), cloud.events_on(&default_of(OWN_ACCOUNT, "cn-hangzhou")).len()), (1, 1));

    // The same parameters everywhere else make rules; a role that is not there makes each delivery fail.
    let hub = [("HubAccountId", OWN_ACCOUNT), ("HubRegion", "cn-hangzhou")];
    for (account, region) in [(OWN_ACCOUNT, "cn-shanghai"), (SECOND_ACCOUNT, "cn-hangzhou"), (SECOND_ACCOUNT, manila)] {
        cloud.deploy(account, region, &forward_template(), &hub).unwrap();
        cloud.operator(account, region).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let lost = cloud.undelivered().pop().unwrap();
        let kept = (region != manila).then(|| dead_letters_of(account, region));
        assert_eq!((&lost.from, lost.destination), (&default_of(account, region), kept));
    }
}

/// The repository's template with stand-ins, with functions in place in these regions, too.
async fn in_place(folder: &TempDir, regions: &[&str], forwarded: &[(&str, &str)]) -> LocalCloud {
    let in_place = regions.iter().map(|region| (*region).to_owned()).collect();
    // No event may cross regions.
    let options = Options { in_place, cross_region: CrossRegion::Refused, ..of_repository(folder, forwarded) };
    LocalCloud::start(options).await.unwrap()
}

#[tokio::test]
async fn functions_in_place_react_to_the_events_of_their_own_region_with_the_roles_of_the_first_stack() {
    let folder = stand_ins();
    let cloud = in_place(&folder, &["cn-shanghai"], &[]).await;
    for region in ["cn-shanghai", "cn-beijing", "cn-hangzhou"] {
        cloud.operator(OWN_ACCOUNT, region).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
    }
    let [there, at_home] = cloud.invocations().try_into().unwrap();
    for (invocation, region) in [(&there, "cn-shanghai"), (&at_home, "cn-hangzhou")] {
        assert_eq!((invocation.function.as_str(), invocation.region.as_str()), ("flowkeeper-create-flow-log", region));
        let (headers, environment) = (&invocation.body["headers"], &invocation.body["environment"]);
        assert_eq!((&headers["x-fc-region"], &environment["FC_REGION"]), (&json!(region), &json!(region)));
        assert_eq!(headers["x-fc-account-id"], OWN_ACCOUNT);
    }
    let key = |invocation: &local_cloud::Invocation| {
        let name = "ALIBABA_CLOUD_ACCESS_KEY_ID";
        invocation.body["environment"][name].as_str().unwrap().to_owned()
    };
    assert_ne!(key(&there), key(&at_home), "each process has a key of its own");
    let started = cloud.journal()[0].at;
    let told = |entry: &local_cloud::Entry| timeline::line(entry, started, false);
    let lines: Vec<String> = cloud.journal().iter().filter_map(told).collect();
    let is_told = |end: &str| lines.iter().any(|line| line.ends_with(end));
    assert!(
        is_told("→ flowkeeper-create-flow-log in cn-shanghai") && is_told("→ flowkeeper-create-flow-log"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn only_functions_that_react_to_events_run_in_place_and_no_timer_fires_there() {
    let folder = stand_ins();
    let cloud = in_place(&folder, &["cn-shanghai"], &[]).await;
    for (function, is_there) in [
        ("flowkeeper-create-flow-log", true),
        ("flowkeeper-remediate-flow-logs", true),
        ("delete-orphaned-flow-logs", true),
        ("flowkeeper-activate-flow-logs", false),
        ("flowkeeper-deactivate-flow-logs", false),
        ("flowkeeper-open-flow-log-service", false),
    ] {
        let invoked = cloud.invoke_in("cn-shanghai", function, b"{}").await;
        assert_eq!(invoked.as_ref().is_ok_and(|it| it.region == "cn-shanghai"), is_there, "{function}: {invoked:?}");
        assert_eq!(cloud.invoke(function, b"{}").await.unwrap().region, "cn-hangzhou");
    }
    let path = "/_local/invoke/flowkeeper-create-flow-log?region=cn-shanghai";
    let (_, invoked) = send(&cloud.endpoint(), http::Method::POST, path, "{}".to_owned()).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&invoked).unwrap()["region"], "cn-shanghai");
    cloud.fire_timer("flowkeeper-remediate-flow-logs", "sweep").unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().pop().unwrap().region, "cn-hangzhou");
    let (_, timers) = send(&cloud.endpoint(), http::Method::GET, "/_local/timers", String::new()).await.unwrap();
    let functions: Vec<String> = serde_json::from_str::<Vec<Value>>(&timers)
        .unwrap()
        .iter()
        .map(|timer| timer["function"].as_str().unwrap().to_owned())
        .collect();
    let swept = functions.iter().filter(|function| *function == "flowkeeper-remediate-flow-logs").count();
    assert_eq!(swept, 1, "{functions:?}");
}

#[tokio::test]
async fn in_place_a_member_sends_to_the_default_bus_of_the_functions_in_the_same_region() {
    let folder = stand_ins();
    let from = [(SECOND_ACCOUNT, "cn-shanghai"), (SECOND_ACCOUNT, "cn-hangzhou"), (SECOND_ACCOUNT, "cn-beijing")];
    let cloud = in_place(&folder, &["cn-shanghai"], &from).await;
    assert_eq!((cloud.event_buses(), cloud.in_place()), (vec![], &["cn-shanghai".to_owned()][..]));
    for (account, region) in from {
        cloud.operator(account, region).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let [event] = cloud.events_on(&default_of(OWN_ACCOUNT, region)).try_into().unwrap();
        assert_eq!((&event["aliyunoriginalaccountid"], &event["aliyunregionid"]), (&json!(account), &json!(region)));
    }
    let regions: Vec<String> = cloud.invocations().into_iter().map(|invocation| invocation.region).collect();
    assert_eq!(regions, ["cn-shanghai", "cn-hangzhou"], "nobody listens in cn-beijing");
    assert_eq!(cloud.undelivered().len(), 0);
}

#[tokio::test]
async fn a_template_with_functions_is_deployed_in_a_further_region_only_with_what_is_not_there_yet() {
    let folder = stand_ins();
    let cloud = LocalCloud::start(of_repository(&folder, &[])).await.unwrap();
    let template = template::default_path();
    let deploy = |account: &str, region: &str, more: &[(&str, &str)]| {
        let parameters = [&[("TaskMode", "false"), ("CodeBucket", "code")], more].concat();
        cloud.deploy(account, region, &template, &parameters).map_err(|error| whole(&error))
    };
    let further = ("MakeRoles", "false");
    let there = "flowkeeper-create-flow-log";
    for (account, region, more, expected) in [
        (OWN_ACCOUNT, "cn-shanghai", &[][..], "the account 1000000000000001 has a role flowkeeper-"),
        (OWN_ACCOUNT, "cn-hangzhou", &[further], &format!("there is a function {there} in cn-hangzhou already")),
        (
            OWN_ACCOUNT,
            "cn-shanghai",
            &[further, ("Prefix", "other")],
            "role/other-create-flow-log is not a role of the t",
        ),
        (OWN_ACCOUNT, "cn-shanghai", &[("Prefix", "other")], "local-cloud fires those of the first alone"),
        (
            SECOND_ACCOUNT,
            "cn-shanghai",
            &[further],
            "role/flowkeeper-create-flow-log is not a role of the template, nor",
        ),
        (
            OWN_ACCOUNT,
            "cn-shanghai",
            &[further, ("HubBus", "hub")],
            "EventBusName: there is no hub bus of 1000000000000001",
        ),
        (
            OWN_ACCOUNT,
            "cn-shanghai",
            &[further, ("PolicyLayerObject", "p.zip")],
            "the layer flowkeeper-policy, and its",
        ),
    ] {
        let error = deploy(account, region, more).unwrap_err();
        assert!(error.contains(expected), "{more:?}: {error}");
    }
    deploy(OWN_ACCOUNT, "cn-shanghai", &[further]).unwrap();
    let again = deploy(OWN_ACCOUNT, "cn-shanghai", &[further]).unwrap_err();
    assert!(again.contains(&format!("there is a function {there} in cn-shanghai already")), "{again}");
    cloud.operator(OWN_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert_eq!((invocation.region.as_str(), invocation.success), ("cn-shanghai", true));
    assert!(cloud.log_projects().iter().any(|project| project.name == "flowlog-1000000000000001-cn-shanghai"));

    let without = crate::support::cloud().await;
    let function =
        "  One: {Type: 'ALIYUN::FC3::Function', Properties: {FunctionName: one, Code: {OssObjectName: one.zip}}}\n";
    for (account, expected) in [
        (OWN_ACCOUNT, "one would be a function, and this cloud was started without functions"),
        (SECOND_ACCOUNT, "one would be a function of another account, and local-cloud runs those of 1000000000000001"),
    ] {
        let error = deployed(&without, account, "cn-hangzhou", function).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let missing = deployed(&cloud, OWN_ACCOUNT, "cn-hangzhou", function).unwrap_err();
    assert!(missing.starts_with("the binary of function one is missing at"), "{missing}");
}

#[tokio::test]
async fn faults_of_events_keep_each_on_its_own_bus() {
    let cloud = cloud().await;
    let there = cloud.operator(SECOND_ACCOUNT, "cn-beijing");
    cloud.fail("CreateVpc", Fault::EventReordered, 1);
    there.create_vpc(&[]).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDuplicated, 1);
    there.create_vpc(&[]).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDelayed(Duration::from_millis(1)), 1);
    there.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let counts = [default_of(SECOND_ACCOUNT, "cn-beijing"), default_of(OWN_ACCOUNT, "cn-hangzhou")]
        .map(|bus| cloud.events_on(&bus).len());
    assert_eq!(counts, [4, 1]);
}

#[tokio::test]
async fn an_event_can_be_put_on_any_bus_over_http() {
    let cloud = cloud().await;
    for (query, bus) in [
        ("", default_of(OWN_ACCOUNT, "cn-hangzhou")),
        ("?account=1000000000000002&region=cn-beijing", default_of(SECOND_ACCOUNT, "cn-beijing")),
        ("?bus=custom", EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "custom")),
    ] {
        let path = format!("/_local/events{query}");
        let (status, _) =
            send(&cloud.endpoint(), http::Method::POST, &path, json!({"id": query}).to_string()).await.unwrap();
        assert_eq!((status, cloud.events_on(&bus)), (204, vec![json!({"id": query})]));
    }
}

#[tokio::test]
async fn many_places_are_forwarded_from_the_start() {
    let folder = stand_ins();
    let mut options = Options { accounts: 200, ..of_repository(&folder, &[]) };
    options.forwarded =
        (1..=200).map(|n| place(&format!("{}", 1_000_000_000_000_000_u64 + n), "cn-shanghai")).collect();
    let cloud = LocalCloud::start(options).await.unwrap();
    for account in [&cloud.accounts()[1], &cloud.accounts()[199]] {
        cloud.operator(account, "cn-shanghai").create_vpc(&[]).await.unwrap();
    }
    cloud.settled().await.unwrap();
    assert_eq!((cloud.invocations().len(), cloud.forwarded().len()), (2, 200));
}
