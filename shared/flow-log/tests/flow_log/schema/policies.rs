//! Good policies: any mixture of keys that do not contradict each other.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

/// A map with these keys, each of them there or not.
fn map(keys: Vec<(&'static str, BoxedStrategy<Value>)>, required: &'static [&'static str]) -> BoxedStrategy<Value> {
    let entry = move |(key, value): (&'static str, BoxedStrategy<Value>)| {
        let there = value.prop_map(move |value| Some((key, value)));
        if required.contains(&key) { there.boxed() } else { prop_oneof![2 => there, 3 => Just(None)].boxed() }
    };
    let entries: Vec<_> = keys.into_iter().map(entry).collect();
    entries
        .prop_map(|entries| entries.into_iter().flatten().map(|(key, item)| (key.to_owned(), item)).collect())
        .boxed()
}

fn one_of(values: &[Value]) -> BoxedStrategy<Value> {
    select(values.to_vec()).boxed()
}

fn some_of(values: Vec<Value>, at_least: usize) -> BoxedStrategy<Value> {
    let most = values.len();
    prop::sample::subsequence(values, at_least..=most).prop_map(Value::from).boxed()
}

fn text(pattern: &'static str) -> BoxedStrategy<Value> {
    pattern.prop_map(Value::from).boxed()
}

fn tags(texts: &'static str) -> BoxedStrategy<Value> {
    let entries = prop::collection::btree_map(
        "[a-zA-Z0-9 :/_云.-]{1,20}".prop_filter("it is reserved", |key| {
            !key.starts_with("aliyun") && !key.starts_with("acs:") && !key.contains("http") && key != "managed-by"
        }),
        texts,
        0..5,
    );
    entries.prop_map(|entries| entries.into_iter().map(|(key, value)| (key, Value::from(value))).collect()).boxed()
}

fn any_flow_log(
    required: &'static [&'static str],
    more: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> BoxedStrategy<Value> {
    let fields = vec![
        (
            "project",
            prop_oneof![text("[a-z0-9][a-z0-9-]{1,40}[a-z0-9]"), text("[a-z]\\{account\\}-\\{region\\}")].boxed(),
        ),
        ("log_store", prop_oneof![text("[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]"), text("\\{region\\}_[a-z]")].boxed()),
        ("create_destination", any_destination()),
        ("traffic_type", one_of(&["All", "Allow", "Drop"].map(Value::from))),
        ("aggregation_interval", one_of(&[json!(1), json!(5), json!("10")])),
        ("traffic_path", some_of(["all", "natGateway", "ipv4Gateway"].map(Value::from).to_vec(), 0)),
        ("ip_version", one_of(&[json!("IPv4")])),
        ("name", text("[a-g][a-z 云.-]{0,60}(\\{resource_id\\})?")),
        ("description", text("[a-g][a-zA-Z0-9 云,.:/-]{0,200}(\\{region\\})?")),
        ("resource_group_id", text("rg-[a-zA-Z0-9-]{1,60}")),
        ("tags", tags("[b-zB-Z0-9 _云.-]{0,50}")),
    ];
    map(fields.into_iter().chain(more).collect(), required)
}

fn any_destination() -> BoxedStrategy<Value> {
    let days = prop_oneof![(1..=3650_u32).prop_map(|n| json!(n)), (1..=3650_u32).prop_map(|n| json!(n.to_string()))];
    map(vec![("retention_days", days.boxed())], &["retention_days"])
}

fn any_directory() -> BoxedStrategy<Value> {
    let exclude = vec![
        ("accounts", some_of([json!("4444"), json!(55555)].to_vec(), 0)),
        ("folders", some_of(["fd-3", "fd-4"].map(Value::from).to_vec(), 0)),
        ("tags", tags("[b-zB-Z0-9 _云.-]{0,50}")),
    ];
    let keys = vec![
        ("role", text("[a-zA-Z0-9._-]{1,64}")),
        ("external_id", text("[ -~]{0,20}")),
        ("folders", some_of(["r-1", "fd-1", "fd-2"].map(Value::from).to_vec(), 1)),
        ("exclude", map(exclude, &[])),
    ];
    prop_oneof![map(keys, &["role"]), Just(json!(null))].boxed()
}

fn any_schedule_name() -> BoxedStrategy<Value> {
    one_of(&["always", "never", "office", "nights"].map(Value::from))
}

fn any_schedule() -> BoxedStrategy<Value> {
    let windows = ["Mon-Fri 07:00-21:00", "Sat,Sun 22:00-06:00", "Fri-Mon 00:00-24:00", "Wed  23:59-00:00"];
    let on_dates = ["2026-09-20", "2026-09-21 as Fri", "2026-02-28 as Sun"];
    let keys = vec![
        ("time_zone", one_of(&["Asia/Shanghai", "UTC", "America/New_York", "asia/kolkata"].map(Value::from))),
        ("on", some_of(windows.map(Value::from).to_vec(), 1)),
        ("off_dates", some_of(["2026-10-01", "2026-10-02..2026-10-07"].map(Value::from).to_vec(), 0)),
        ("on_dates", some_of(on_dates.map(Value::from).to_vec(), 0)),
    ];
    map(keys, &["time_zone", "on"])
}

/// Overrides that may select something in every policy here.
fn any_override() -> BoxedStrategy<Value> {
    let conditions = |ids: &[&'static str]| {
        let ids: Vec<_> = ids.iter().map(|id| json!(id)).collect();
        let keys = vec![
            ("tags", tags("[a-zA-Z0-9:/ ]{0,20}")),
            ("ids", some_of(ids, 1)),
            ("vpc_ids", one_of(&[json!(["vpc-1"]), json!(["vpc-1", "vpc-bp1example00000000001"])])),
            ("accounts", one_of(&[json!(["1"]), json!(["1", "4444"]), json!([1])])),
            ("regions", one_of(&[json!(["cn-hangzhou"]), json!(["cn-hangzhou", "ap-southeast-9"])])),
        ];
        let said = |found: &Value| found["tags"] != json!({}) && found != &json!({});
        map(keys, &[]).prop_filter("it says nothing", said)
    };
    let more = vec![("match", conditions(&["vpc-1", "vsw-1", "eni-1"]).boxed()), ("schedule", any_schedule_name())];
    let levels = one_of(&["vpc", "vswitch", "network-interface"].map(Value::from));
    let with_coverage =
        vec![("match", conditions(&["vpc-1"]).boxed()), ("schedule", any_schedule_name()), ("coverage", levels)];
    prop_oneof![any_flow_log(&["match"], more), any_flow_log(&["match", "coverage"], with_coverage)].boxed()
}

fn any_accounts() -> BoxedStrategy<Value> {
    let account = |id: &'static str| {
        let role = format!("acs:ram::{id}:role/[a-zA-Z0-9._/-]{{1,60}}");
        let role = proptest::string::string_regex(&role).unwrap().prop_map(Value::from).boxed();
        let keys = vec![
            ("id", one_of(&[json!(id), json!(id.parse::<u64>().unwrap())])),
            ("role", role),
            ("external_id", text("[ -~]{0,20}")),
        ];
        map(keys, &["id", "role"])
    };
    let others = prop::sample::subsequence(vec!["22", "333"], 0..=2);
    let ids = others.prop_map(|others| ["1"].into_iter().chain(others).collect::<Vec<_>>());
    ids.prop_flat_map(move |ids| ids.into_iter().map(account).collect::<Vec<_>>()).prop_map(Value::from).boxed()
}

/// Good policies: any mixture of keys that do not contradict each other.
pub(super) fn any_policy() -> impl Strategy<Value = Value> {
    let schedules = (any_schedule(), any_schedule());
    let schedules = schedules.prop_map(|(office, nights)| json!({"office": office, "nights": nights})).boxed();
    let exclude =
        vec![("ids", some_of(["vpc-1", "vsw-1", "eni-1"].map(Value::from).to_vec(), 0)), ("tags", tags("[ -~]{0,20}"))];
    let number =
        |max: u32| prop_oneof![(0..=max).prop_map(|n| json!(n)), (0..=max).prop_map(|n| json!(n.to_string()))].boxed();
    let limits = vec![
        ("max_changes", number(1_000_000)),
        ("max_changes_percent", number(100)),
        ("max_creations", prop_oneof![number(1_000_000), Just(json!("none"))].boxed()),
    ];
    let ecr = vec![
        ("project", text("[a-z0-9][a-z0-9-]{1,40}[a-z0-9]")),
        ("log_store", text("[a-z0-9][a-z0-9_-]{1,40}[a-z0-9]")),
        ("interval", one_of(&[json!(60), json!(600), json!("600")])),
        ("sampling_rate", one_of(&["1:4096", "1:2048", "1:1024"].map(Value::from))),
        ("target_sls_region", one_of(&["cn-shanghai", "eu-north-9"].map(Value::from))),
        ("resource_group_id", text("rg-[a-z0-9]{1,20}")),
        ("name", text("[a-g]{0,20}(\\{resource_id\\})?")),
        ("description", text("[a-g ]{0,20}(\\{account\\})?")),
        ("tags", tags("(aliyun)?[b-z0-9]{0,20}")),
        ("schedule", any_schedule_name()),
    ];
    let booleans = || one_of(&[json!(true), json!(false), json!("true")]);
    let keys = vec![
        ("flow_log", any_flow_log(&["project", "log_store"], Vec::new())),
        ("schedules", schedules),
        ("coverage", one_of(&["vpc", "vswitch", "network-interface"].map(Value::from))),
        (
            "regions",
            one_of(&[json!(["cn-hangzhou"]), json!(["cn-hangzhou", "ap-southeast-9"]), json!("all"), json!(null)]),
        ),
        ("exclude_regions", one_of(&[json!(["me-east-1"]), json!([]), json!(null)])),
        ("accounts", any_accounts()),
        ("resource_directory", any_directory()),
        ("own_account", booleans()),
        ("exclude", map(exclude, &[])),
        ("resource_tag", some_of(["ignore", "on", "off", "on-until", "schedule"].map(Value::from).to_vec(), 0)),
        ("schedule", any_schedule_name()),
        ("overrides", prop::collection::vec(any_override(), 0..3).prop_map(Value::from).boxed()),
        ("limits", map(limits, &[])),
        ("foreign", one_of(&["leave", "manage"].map(Value::from))),
        ("replace", booleans()),
        ("remediate", some_of(["missing", "inactive", "drifted"].map(Value::from).to_vec(), 0)),
        ("superfluous", one_of(&["report", "delete"].map(Value::from))),
        ("ecr_flow_log", map(ecr, &["project", "log_store"])),
    ];
    map(keys, &["flow_log", "schedules", "accounts"])
}
