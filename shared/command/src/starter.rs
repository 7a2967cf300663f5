//! A policy to begin with, written from what is in an account.

use std::{collections::BTreeMap, fmt::Write as _};

use flow_log::{AccountId, FlowLog, Policy, RegionId, Resource, names::TagWord};
use jiff::Timestamp;

use crate::style::counted;

/// Where flow logs go if those that are there suggest nothing. The names are those in `docs/policy.md`.
const DEFAULT_DESTINATION: (&str, &str) = ("flowlog-{account}-{region}", "vpc");
/// How many destinations and how many tags are named.
const MAX_NAMED: usize = 10;
/// How many VPCs share a tag that is worth an override.
const MIN_SHARED: usize = 2;

/// A list, and why it may not be the whole.
#[derive(Debug, Default)]
pub(crate) struct Read<T> {
    pub(crate) items: Vec<T>,
    pub(crate) unread: Option<String>,
}

/// What is in a region.
#[derive(Debug)]
pub(crate) struct RegionFound {
    pub(crate) region: RegionId,
    /// The VPCs that the account owns.
    pub(crate) vpcs: Read<Resource>,
    pub(crate) flow_logs: Read<FlowLog>,
}

impl RegionFound {
    /// Says what could not be read here.
    fn unread(&self) -> impl Iterator<Item = &str> {
        [&self.vpcs.unread, &self.flow_logs.unread].into_iter().flatten().map(String::as_str)
    }
}

/// What is in an account.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) account: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) regions: Vec<RegionFound>,
    /// Why there may be other regions than these.
    pub(crate) regions_unread: Option<String>,
}

impl Found {
    /// Says what could not be read, one line for each list.
    pub(crate) fn unread(&self) -> Vec<String> {
        let of_regions = self.regions.iter().flat_map(RegionFound::unread);
        self.regions_unread.as_deref().into_iter().chain(of_regions).map(one_line).collect()
    }

    /// Says in a few words what there is.
    pub(crate) fn summary(&self) -> String {
        let vpcs: usize = self.regions.iter().map(|found| found.vpcs.items.len()).sum();
        let with_vpcs = self.regions.iter().filter(|found| !found.vpcs.items.is_empty()).count();
        let flow_logs: usize = self.regions.iter().map(|found| found.flow_logs.items.len()).sum();
        let regions = counted(self.regions.len(), "region");
        format!("{} in {with_vpcs} of {regions}, {}", counted(vpcs, "VPC"), counted(flow_logs, "flow log"))
    }

    /// Writes the policy. `next` is the command that shows what it would change.
    pub(crate) fn policy(&self, next: &str) -> String {
        let date = self.at.strftime("%Y-%m-%d");
        let mut text = format!(
            "# A policy to begin with, from what flowkeeper init found in the account {} on {date}:\n\
             # {}.\n\
             # Next: {next}\n\
             # It shows what this policy would change, and changes nothing. For all keys: flowkeeper schema\n",
            self.account,
            self.summary()
        );
        if let Some(unread) = &self.regions_unread {
            _ = writeln!(text, "# Unknown: {}", one_line(unread));
        }
        text.push('\n');
        self.flow_log(&mut text);
        self.regions(&mut text);
        self.overrides(&mut text);
        text
    }

    fn flow_log(&self, text: &mut String) {
        let destinations = self.destinations();
        text.push_str(
            "flow_log:\n  # SLS project and Logstore of the flow logs. {account} and {region} are filled in.\n",
        );
        if !destinations.is_empty() {
            text.push_str("  # The flow logs that are there write to:\n");
        }
        for (destination, count) in destinations.iter().take(MAX_NAMED) {
            let Destination { project, log_store } = destination;
            let count = counted(*count, "flow log");
            _ = writeln!(text, "  #   {} and {}: {count}", quoted(project), quoted(log_store));
        }
        and_more(text, "  #   ", destinations.len());
        let usable = destinations.iter().find(|(found, _)| self.is_usable(found));
        let (project, log_store) = match usable {
            Some((Destination { project, log_store }, _)) => (project.as_str(), log_store.as_str()),
            None => DEFAULT_DESTINATION,
        };
        _ = writeln!(text, "  project: {}\n  log_store: {}", quoted(project), quoted(log_store));
        text.push_str(
            "  # Projects and Logstores have to be there, in each region. This creates those that are missing:\n  \
             # create_destination: {retention_days: 180}\n  \
             # All traffic, or only what was allowed (Allow) or refused (Drop):\n  \
             # traffic_type: All\n",
        );
        if self.regions.iter().flat_map(|found| &found.flow_logs.items).any(|flow_log| !flow_log.is_own()) {
            text.push_str("\n# Flow logs that others made are left as they are. manage also switches and modifies them:\n# foreign: leave\n");
        }
    }

    fn regions(&self, text: &mut String) {
        let used: Vec<_> = self.regions.iter().filter(|found| !found.vpcs.items.is_empty()).collect();
        if used.is_empty() {
            text.push_str("\n# No VPC was found, so every region is covered as soon as it has one.\nregions: all\n");
        } else {
            text.push_str(
                "\n# The regions that have VPCs. Write `regions: all` to cover others as soon as they have one.\n",
            );
            text.push_str("regions:\n");
        }
        for RegionFound { region, vpcs, flow_logs } in used {
            let counts = [counted(vpcs.items.len(), "VPC"), counted(flow_logs.items.len(), "flow log")];
            _ = writeln!(text, "  - {region}  # {}", counts.join(", "));
        }
        for found in &self.regions {
            for unread in found.unread() {
                _ = writeln!(text, "  # {}: unknown: {}", found.region, one_line(unread));
            }
        }
    }

    fn overrides(&self, text: &mut String) {
        let tags = self.shared_tags();
        if tags.is_empty() {
            return;
        }
        text.push_str(
            "\n# Tags that several VPCs have. An override wants other flow logs of those; the first match wins:\n",
        );
        text.push_str("# overrides:\n");
        for ((key, value), count) in tags.iter().take(MAX_NAMED) {
            let count = counted(*count, "VPC");
            _ = writeln!(text, "#   - match: {{tags: {{{}: {}}}}}  # {count}", quoted(key), quoted(value));
            text.push_str("#     traffic_type: Drop\n");
        }
        and_more(text, "#   ", tags.len());
    }

    /// Where the flow logs that are there write to, the most frequent first. The account and the region in the name of a
    /// project are written as the policy would.
    fn destinations(&self) -> Vec<(Destination, usize)> {
        let mut counts = BTreeMap::new();
        for found in &self.regions {
            for flow_log in &found.flow_logs.items {
                let (Some(project), Some(log_store)) = (&flow_log.project, &flow_log.log_store) else { continue };
                let project = project.replace(self.account.as_str(), "{account}");
                let project = project.replace(found.region.as_str(), "{region}");
                *counts.entry(Destination { project, log_store: log_store.clone() }).or_insert(0) += 1;
            }
        }
        by_frequency(counts)
    }

    /// Whether the policy can name this destination for all regions: a project is in one region.
    fn is_usable(&self, Destination { project, log_store }: &Destination) -> bool {
        let used = self.regions.iter().filter(|found| !found.vpcs.items.is_empty()).count();
        let text = format!("flow_log: {{project: {}, log_store: {}}}", quoted(project), quoted(log_store));
        (used == 1 || project.contains("{region}")) && Policy::parse(&text).is_ok()
    }

    /// The tags that several VPCs have, the most frequent first. Those of the cloud itself and Flowkeeper's own are left
    /// out.
    fn shared_tags(&self) -> Vec<((String, String), usize)> {
        let mut counts = BTreeMap::new();
        for tags in self.regions.iter().flat_map(|found| &found.vpcs.items).filter_map(|vpc| vpc.tags.as_ref()) {
            for (key, value) in tags {
                if key != TagWord::KEY && !key.starts_with("acs:") {
                    *counts.entry((key.clone(), value.clone())).or_insert(0) += 1;
                }
            }
        }
        counts.retain(|tag, count| *count >= MIN_SHARED && can_match(tag));
        by_frequency(counts)
    }
}

/// Whether a policy can name this tag.
fn can_match((key, value): &(String, String)) -> bool {
    let tags = format!("{{{}: {}}}", quoted(key), quoted(value));
    Policy::parse(&format!(
        "flow_log: {{project: flowlog, log_store: vpc}}\noverrides: [{{match: {{tags: {tags}}}, traffic_type: Drop}}]"
    ))
    .is_ok()
}

/// Where a flow log writes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Destination {
    project: String,
    log_store: String,
}

fn by_frequency<K: Ord>(counts: BTreeMap<K, usize>) -> Vec<(K, usize)> {
    let mut found: Vec<_> = counts.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found
}

fn and_more(text: &mut String, indent: &str, count: usize) {
    if count > MAX_NAMED {
        _ = writeln!(text, "{indent}and {} more", count - MAX_NAMED);
    }
}

/// Whether a character may end a line, or is shown as nothing: texts of the cloud must not end a comment.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Writes a text in the quotes of YAML, on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_unsafe(c) => _ = write!(quoted, "\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Writes a text on one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}
