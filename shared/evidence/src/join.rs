//! One report from the parts of an organization's shards.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use crate::{
    evidence::Evidence,
    facts::{AskedAccount, Cost, Facts, Week},
};

/// The error for parts that do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotJoined {
    /// There are no parts.
    #[error("there is no part to join")]
    Nothing,
    /// A part belongs to another run.
    #[error("one part is of the run {0:?} and another of {1:?}: join the parts of one run")]
    OtherRun(String, String),
    /// A part was compared with another policy.
    #[error("one part was compared with the policy {0} and another with {1}: sweep again with one policy")]
    OtherPolicy(String, String),
    /// Another program made a part, or one that counts exceptions in another way.
    #[error("one part was made by {0} and another by {1}, or they count exceptions in different ways")]
    OtherTool(String, String),
    /// Two parts say different things about one account.
    #[error("two parts cover the account {0} and differ: a repeated shard leaves two, of which only the last counts")]
    Overlap(String),
}

impl Evidence {
    /// Joins the parts of one run. Neither their order nor their grouping matters, and a part that comes twice counts
    /// once.
    ///
    /// # Errors
    /// There is no part; a part is of another run, policy or program; or two parts say different things about one
    /// account.
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Result<Self, NotJoined> {
        let mut parts = parts.into_iter().map(Self::into_facts);
        let mut whole = parts.next().ok_or(NotJoined::Nothing)?;
        for part in parts {
            whole = join(whole, part)?;
            whole.normalize();
        }
        Ok(Self::new(whole))
    }
}

/// Joins two parts whose lists are sorted.
fn join(mut one: Facts, other: Facts) -> Result<Facts, NotJoined> {
    if one.head.run != other.head.run {
        return Err(NotJoined::OtherRun(one.head.run, other.head.run));
    }
    if one.policy.sha256 != other.policy.sha256 {
        return Err(NotJoined::OtherPolicy(one.policy.sha256, other.policy.sha256));
    }
    if (&one.head.tool, one.exceptions_count_as) != (&other.head.tool, other.exceptions_count_as) {
        return Err(NotJoined::OtherTool(one.head.tool, other.head.tool));
    }
    if let Some(account) = overlap(&one, &other) {
        return Err(NotJoined::Overlap(account));
    }
    one.head.versions.extend(other.head.versions);
    one.head.started = one.head.started.min(other.head.started);
    one.head.ended = one.head.ended.max(other.head.ended);
    let offsets = [one.head.clock_offset_ms, other.head.clock_offset_ms];
    one.head.clock_offset_ms = offsets.into_iter().flatten().max_by_key(|offset| (offset.unsigned_abs(), *offset));
    one.policy.name = one.policy.name.min(other.policy.name);
    one.callers.extend(other.callers);
    one.asked.accounts = asked(one.asked.accounts.into_iter().chain(other.asked.accounts));
    one.asked.kinds.extend(other.asked.kinds);
    one.asked.left_out.extend(other.asked.left_out);
    one.judged.extend(other.judged);
    one.reads.extend(other.reads);
    one.services.extend(other.services);
    one.results.extend(other.results);
    one.notes.extend(other.notes);
    one.changes.extend(other.changes);
    one.log_stores.extend(other.log_stores);
    one.deliveries.extend(other.deliveries);
    one.schedules = schedules(one.schedules.into_iter().chain(other.schedules));
    one.costs = costs(one.costs.into_iter().chain(other.costs));
    Ok(one)
}

/// The accounts that a part says something about. That it was asked for them says nothing: the coordinator of a run
/// knows all accounts, and reads none.
fn covered(part: &Facts) -> BTreeSet<&str> {
    let judged = part.judged.iter().flat_map(|judged| &judged.accounts);
    let reads = part.reads.iter().map(|read| &read.account);
    let results = part.results.iter().map(|result| &result.account);
    judged.chain(reads).chain(results).map(String::as_str).collect()
}

/// Finds an account that both parts cover and about which they differ.
fn overlap(one: &Facts, other: &Facts) -> Option<String> {
    let both: BTreeSet<_> = covered(one).intersection(&covered(other)).copied().collect();
    both.into_iter().find(|account| !agree(one, other, account)).map(str::to_owned)
}

/// Whether two parts say the same about an account.
fn agree(one: &Facts, other: &Facts, account: &str) -> bool {
    macro_rules! same {
        ($($list:ident),*) => {
            $(one.$list.iter().filter(|it| it.account == account)
                .eq(other.$list.iter().filter(|it| it.account == account)))&&*
        };
    }
    let notes = |part: &'_ Facts| -> Vec<_> {
        part.notes.iter().filter(|note| note.account.as_deref() == Some(account)).cloned().collect()
    };
    let judged = |part: &'_ Facts| -> Vec<_> {
        part.judged.iter().filter(|judged| judged.accounts.iter().any(|it| it == account)).cloned().collect()
    };
    same!(reads, services, results, changes, log_stores, deliveries)
        && notes(one) == notes(other)
        && judged(one) == judged(other)
}

/// One entry for each account, with all its regions.
fn asked(all: impl Iterator<Item = AskedAccount>) -> Vec<AskedAccount> {
    let mut found: BTreeMap<String, AskedAccount> = BTreeMap::new();
    for asked in all {
        match found.entry(asked.account.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(asked),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.name = known.name.take().max(asked.name);
                known.regions.extend(asked.regions);
            }
        }
    }
    found.into_values().collect()
}

/// The earliest week of each schedule: shards look at the clock at different moments.
fn schedules(all: impl Iterator<Item = Week>) -> Vec<Week> {
    let mut found: BTreeMap<String, Week> = BTreeMap::new();
    for week in all {
        match found.entry(week.name.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(week),
            Entry::Occupied(mut entry) if (week.now, &week) < (entry.get().now, entry.get()) => _ = entry.insert(week),
            Entry::Occupied(_) => {}
        }
    }
    found.into_values().collect()
}

/// One entry for each currency and price list.
fn costs(all: impl Iterator<Item = Cost>) -> Vec<Cost> {
    let mut found: BTreeMap<_, Cost> = BTreeMap::new();
    for cost in all {
        match found.entry((cost.currency, cost.prices_of, cost.source.clone(), cost.days)) {
            Entry::Vacant(entry) => _ = entry.insert(cost),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.rows.extend(cost.rows);
                known.others.extend(cost.others);
                known.bills.extend(cost.bills);
                known.notes.extend(cost.notes);
                known.duplicates_micros = match (known.duplicates_micros, cost.duplicates_micros) {
                    (Some(one), Some(other)) => Some(one.saturating_add(other)),
                    (one, other) => one.or(other),
                };
            }
        }
    }
    found.into_values().collect()
}
