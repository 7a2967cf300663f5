//! Ways to break a policy in one place.

use serde_json::{Value, json};

/// Values to put where they most likely do not belong: in JSON, for its escapes.
const VALUES: &str = r#"[
    null, [], {}, true, 0, 5, 60, 101, 1000001, -1, 1.5, 1e30, [null], [[]], ["x"], [{}],
    {"x": 1}, {"env": null}, {"env": "dev"}, {"managed-by": "me"}, {"acs:x": "y"}, {"": ""}, {"a\nb": "c"},
    {"x": "aliyun-1"}, {"always": {"time_zone": "UTC", "on": ["Mon 07:00-08:00"]}},
    "", " ", "null", "true", "false", "True", "none", "None", "always", "never", "x",
    "7", "+7", "-7", "007", "100", "101", "1000000", "1000001", "0x0a", "60", "600", "1", "10", "1:4096", "1:1",
    "all", "All", "ALL", "Drop", "vbr", "IPv4", "IPv6", "vpc", "VPC", "vswitch", "network-interface",
    "ignore", "on", "on-until", "missing", "manage", "leave", "report", "delete",
    "vpc-1", "vsw-1", "eni-1", "vpc-", "vpc-*", "vpc_1", "VPC-1", "vpc-1\n", "10****", "1a",
    "cn-hangzhou", "cn-hangzhou ", "CN-HANGZHOU", "ap-southeast-9", "mars", "cn-", "-cn", "a-b", "a--b", "A-b", "cn_1",
    "acs:ram::1:role/a", "acs:ram::1:role/a*", "acs:ram::x:role/a", "acs:ram::1:role/", "acs:ram::1:user/a",
    "acs:ram:::role/a", "fd-1", "fd-", "fd-*", "r-1", "r-", "rd-1", "fd_1", "fd-a/fd-b", "a.b-c_d", "a/b", ["fd-1", "fd-1"],
    {"role": "a"}, {"role": "a", "folders": []}, {"retention_days": 7}, {"retention_days": 0}, {"retention_days": "+07"},
    3650, 3651, "0", "+0", "3650", "3651", "rg-1", "rg-", "rg_1", "rg-a_b",
    "http://x", "https://x", "see http://x", "http:/x", "aliyun", "acs:x",
    "a\nb", "a\tb", "a\u007fb", "a\u0085b", "a\u2028b", "a\u2028http://x",
    "{account}", "{acount}", "{", "}", "a{b}", "{{account}}", "x-{account}-{region}-{resource_id}",
    "{region}{resource_id}{account}{region}",
    "Upper", "a_b", "_ab", "ab_", "-ab", "ab-", "ab", "abc", "a b", "Kept by us",
    "Mon-Fri 07:00-21:00", "Mon 07:00-07:00", "Mon 7-9", " Mon,Tue-Fri  22:00-06:00 ", "Monday 07:00-08:00",
    "Mon 24:00-07:00", "Mon 00:00-24:00", "Mon 00:00-00:00", "Mon-Tue-Wed 07:00-08:00", "Mon, Tue 07:00-08:00",
    "Mon 07:00 - 08:00", "Mon 07:00-08:00-09:00", "Mon\u00a007:00-08:00", "Mon\ufeff07:00-08:00", "Mon 07:60-08:00",
    "Mon 07:00-07:00 ", "mon 07:00-08:00", "07:00-08:00", "Mon",
    "2026-10-01", " 2026-10-01 ", "2026-13-01", "2026-10-32", "2026-02-30", "2026-10-01..2026-10-07",
    "2026-10-01 .. 2026-10-07", "2026-10-07..2026-10-01", "2026-10-01..", "2026-10-01...2026-10-07",
    "2026-10-10 as Fri", "2026-10-10  as  Fri ", "2026-10-10 as", "2026-10-10 as Friday", "2026-10-01T12:00",
    "20261001", "2026-274", "2026-W40-4", "26-10-01", "20261001T1", "-2026-10-1", "tomorrow",
    "UTC", "Asia/Shanghai", "asia/shanghai", "Mars/Base", "Asia Shanghai", "Etc/GMT+8", "/UTC", "UTC/"
]"#;

/// The values of [`VALUES`], and some that are just short enough, or just too long.
fn values() -> Vec<Value> {
    let long = |beginning: &str, letter: &str, length: usize| {
        [length, length + 1].map(|length| json!(format!("{beginning}{}", letter.repeat(length))))
    };
    let many = |count: usize| (0..count).map(|nth| (format!("k{nth}"), json!("v"))).collect::<Value>();
    let mut values: Vec<Value> = serde_json::from_str(VALUES).unwrap();
    values.extend([many(19), many(20)]);
    values.extend([63, 128, 256].into_iter().flat_map(|length| long("", "a", length)));
    values.extend(
        [
            ("", "云", 128),
            ("", "1", 32),
            ("vpc-", "a", 64),
            ("rg-", "a", 60),
            ("cn-", "a", 37),
            ("fd-", "a", 64),
            ("", "a", 64),
        ]
        .into_iter()
        .flat_map(|(beginning, letter, length)| long(beginning, letter, length)),
    );
    values.extend(long("acs:ram::1:role/", "a", 128));
    values
}

/// The places in a policy, as pointers.
pub(super) fn places(policy: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match policy {
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            places(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(nth, item)| places(item, &format!("{at}/{nth}"), found));
        }
        _ => {}
    }
}

/// A way to break a policy in one place.
#[derive(Debug, Clone)]
pub(super) enum Break {
    /// Something else stands in this place.
    Replace(Value),
    /// The key, or the item of the list, is missing.
    Remove,
    /// The map has another key, or the list another item.
    Add(&'static str, Value),
    /// The item is there twice.
    Repeat,
}

impl Break {
    /// The policy as it is then; `None` if this place cannot be broken like that.
    pub(super) fn apply(&self, policy: &Value, place: &str) -> Option<Value> {
        let mut broken = policy.clone();
        match self {
            Self::Replace(value) => *broken.pointer_mut(place)? = value.clone(),
            Self::Add(key, value) => match broken.pointer_mut(place)? {
                Value::Object(map) => _ = map.insert((*key).to_owned(), value.clone()),
                Value::Array(list) => list.push(value.clone()),
                _ => return None,
            },
            Self::Remove | Self::Repeat => {
                let (parent, key) = place.rsplit_once('/')?;
                match (broken.pointer_mut(parent)?, self) {
                    (Value::Object(map), Self::Remove) => _ = map.remove(&key.replace("~1", "/").replace("~0", "~"))?,
                    (Value::Array(list), Self::Remove) => _ = list.remove(key.parse().ok()?),
                    (Value::Array(list), Self::Repeat) => {
                        let item = list.get(key.parse::<usize>().ok()?)?.clone();
                        list.push(item);
                    }
                    _ => return None,
                }
            }
        }
        Some(broken)
    }
}

/// Every way to break a policy.
pub(super) fn breaks() -> Vec<Break> {
    let keys =
        ["x", "tags", "ids", "regions", "coverage", "schedule", "name", "match", "role", "folders", "retention_days"];
    let unknown = keys.iter().map(|key| Break::Add(key, json!("x")));
    let values = values();
    // What is good or bad as an item is so for the others, too, so a few texts will do.
    let added = values.iter().filter(|value| !value.is_string()).cloned().map(|value| Break::Add("k", value));
    let replaced = values.iter().cloned().map(Break::Replace);
    [Break::Remove, Break::Repeat].into_iter().chain(unknown).chain(replaced).chain(added).collect()
}
