//! One report from the parts of an organization's shards.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use flow_log::one_by_one;
use jiff::civil::Date;

use crate::{
    evidence::Evidence,
    facts::{AskedAccount, Cost, Currency, Facts, Week},
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
        let mut joining = Joining::default();
        for part in parts {
            joining.add(part)?;
        }
        joining.finish()
    }
}

/// Parts that are joined one after another, so that only one of them is in memory beside the whole.
#[derive(Debug)]
pub struct Joining {
    whole: Option<Facts>,
    /// The most results, changes and deliveries that the whole lists.
    max: usize,
    /// Whether the whole lists fewer than its parts.
    is_cut: bool,
    /// The accounts that the parts say something about.
    covered: BTreeSet<String>,
    asked: BTreeMap<String, AskedAccount>,
    schedules: BTreeMap<String, Week>,
    costs: BTreeMap<CostKey, Cost>,
}

/// A currency and a price list.
type CostKey = (Currency, Date, String, u16);

impl Default for Joining {
    fn default() -> Self {
        Self::up_to(usize::MAX)
    }
}

impl Joining {
    /// Lists up to `max` results and as many deliveries. The least important of further ones are counted.
    #[must_use]
    pub const fn up_to(max: usize) -> Self {
        Self {
            whole: None,
            max,
            is_cut: false,
            covered: BTreeSet::new(),
            asked: BTreeMap::new(),
            schedules: BTreeMap::new(),
            costs: BTreeMap::new(),
        }
    }

    /// Adds a part. If it does not belong to the others, they stay as they are.
    ///
    /// # Errors
    /// It is of another run, policy or program, or it says something else about an account than another part.
    pub fn add(&mut self, part: Evidence) -> Result<(), NotJoined> {
        let mut part = part.into_facts();
        let covered: BTreeSet<String> = covered(&part).into_iter().map(str::to_owned).collect();
        let twice: BTreeSet<String> = self.covered.intersection(&covered).cloned().collect();
        if let Some(whole) = &self.whole {
            objection(whole, &part)?;
            // What was left out of the whole cannot be compared any more.
            if let Some(account) = twice.iter().find(|account| self.is_cut || !agree(whole, &part, account)) {
                return Err(NotJoined::Overlap(account.clone()));
            }
        }
        if !twice.is_empty() {
            forget(&mut part, &twice);
            if twice == covered {
                part.omitted_changes = 0;
            }
        }
        self.covered.extend(covered);
        merge_asked(&mut self.asked, std::mem::take(&mut part.asked.accounts));
        merge_schedules(&mut self.schedules, std::mem::take(&mut part.schedules));
        merge_costs(&mut self.costs, std::mem::take(&mut part.costs));
        match &mut self.whole {
            Some(whole) => extend(whole, part),
            None => self.whole = Some(part),
        }
        self.bound(false);
        Ok(())
    }

    /// What the first part says, as far as it is the same in all of them: the run, the policy and the program.
    #[must_use]
    pub const fn facts(&self) -> Option<&Facts> {
        self.whole.as_ref()
    }

    fn bound(&mut self, end: bool) {
        if let Some(whole) = &mut self.whole {
            let before = whole.results.len() + whole.deliveries.len() + whole.changes.len();
            whole.bound(self.max, end);
            self.is_cut |= whole.results.len() + whole.deliveries.len() + whole.changes.len() < before;
        }
    }

    /// Draws the conclusions from all parts.
    ///
    /// # Errors
    /// There is no part.
    pub fn finish(mut self) -> Result<Evidence, NotJoined> {
        self.bound(true);
        let mut whole = self.whole.ok_or(NotJoined::Nothing)?;
        whole.asked.accounts = self.asked.into_values().collect();
        whole.schedules = self.schedules.into_values().collect();
        whole.costs = self.costs.into_values().collect();
        Ok(Evidence::new(whole))
    }
}

/// Refuses a part that does not belong to the others.
fn objection(one: &Facts, other: &Facts) -> Result<(), NotJoined> {
    let both = |value: fn(&Facts) -> &String| (value(one).clone(), value(other).clone());
    if one.head.run != other.head.run {
        let (run, another) = both(|facts| &facts.head.run);
        return Err(NotJoined::OtherRun(run, another));
    }
    if one.policy.sha256 != other.policy.sha256 {
        let (policy, another) = both(|facts| &facts.policy.sha256);
        return Err(NotJoined::OtherPolicy(policy, another));
    }
    if (&one.head.tool, one.exceptions_count_as) != (&other.head.tool, other.exceptions_count_as) {
        let (tool, another) = both(|facts| &facts.head.tool);
        return Err(NotJoined::OtherTool(tool, another));
    }
    Ok(())
}

/// Adds a part. Its lists are sorted once, when all parts are there.
fn extend(whole: &mut Facts, part: Facts) {
    whole.head.versions.extend(part.head.versions);
    whole.head.versions.sort_unstable();
    whole.head.versions.dedup();
    whole.head.binaries.extend(part.head.binaries);
    whole.head.binaries.sort_unstable();
    whole.head.binaries.dedup();
    whole.head.started = whole.head.started.min(part.head.started);
    whole.head.ended = whole.head.ended.max(part.head.ended);
    let offsets = [whole.head.clock_offset_ms, part.head.clock_offset_ms];
    whole.head.clock_offset_ms = offsets.into_iter().flatten().max_by_key(|offset| (offset.unsigned_abs(), *offset));
    if part.policy.name < whole.policy.name {
        whole.policy.name = part.policy.name;
    }
    whole.callers.extend(part.callers);
    whole.asked.kinds.extend(part.asked.kinds);
    whole.asked.kinds.sort_unstable();
    whole.asked.kinds.dedup();
    whole.asked.left_out.extend(part.asked.left_out);
    whole.judged.extend(part.judged);
    whole.reads.extend(part.reads);
    whole.services.extend(part.services);
    whole.results.extend(part.results);
    whole.omitted.extend(part.omitted);
    whole.notes.extend(part.notes);
    whole.changes.extend(part.changes);
    whole.omitted_changes = whole.omitted_changes.saturating_add(part.omitted_changes);
    whole.log_stores.extend(part.log_stores);
    whole.deliveries.extend(part.deliveries);
    whole.omitted_deliveries.extend(part.omitted_deliveries);
}

/// Takes out of a part what another part has said already about these accounts.
fn forget(part: &mut Facts, accounts: &BTreeSet<String>) {
    macro_rules! forget {
        ($($list:ident),*) => { $(part.$list.retain(|it| !accounts.contains(&it.account));)* };
    }
    forget!(reads, services, results, omitted, changes, log_stores, deliveries, omitted_deliveries);
    part.notes.retain(|note| !note.account.as_ref().is_some_and(|account| accounts.contains(account)));
    part.judged.retain(|judged| !judged.accounts.iter().any(|account| accounts.contains(account)));
}

/// The accounts that a part says something about. That it was asked for them says nothing: the coordinator of a run
/// knows all accounts, and reads none.
fn covered(part: &Facts) -> BTreeSet<&str> {
    let judged = part.judged.iter().flat_map(|judged| &judged.accounts);
    let reads = part.reads.iter().map(|read| &read.account);
    let results = part.results.iter().map(|result| &result.account);
    let omitted = part.omitted.iter().map(|omitted| &omitted.account);
    judged.chain(reads).chain(results).chain(omitted).map(String::as_str).collect()
}

/// Whether two parts say the same about an account, in whatever order, and however often.
fn agree(one: &Facts, other: &Facts, account: &str) -> bool {
    macro_rules! same {
        ($($list:ident),*) => {
            $(one_by_one::set(one.$list.iter().filter(|it| it.account == account))
                == one_by_one::set(other.$list.iter().filter(|it| it.account == account)))&&*
        };
    }
    let notes = |part: &'_ Facts| -> BTreeSet<_> {
        part.notes.iter().filter(|note| note.account.as_deref() == Some(account)).cloned().collect()
    };
    let judged = |part: &'_ Facts| -> BTreeSet<_> {
        part.judged.iter().filter(|judged| judged.accounts.iter().any(|it| it == account)).cloned().collect()
    };
    same!(reads, services, results, omitted, changes, log_stores, deliveries, omitted_deliveries)
        && notes(one) == notes(other)
        && judged(one) == judged(other)
}

/// One entry for each account, with all its regions.
fn merge_asked(found: &mut BTreeMap<String, AskedAccount>, all: Vec<AskedAccount>) {
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
}

/// The earliest week of each schedule: shards look at the clock at different moments.
fn merge_schedules(found: &mut BTreeMap<String, Week>, all: Vec<Week>) {
    for week in all {
        match found.entry(week.name.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(week),
            Entry::Occupied(mut entry) if (week.now, &week) < (entry.get().now, entry.get()) => _ = entry.insert(week),
            Entry::Occupied(_) => {}
        }
    }
}

/// One entry for each currency and price list.
fn merge_costs(found: &mut BTreeMap<CostKey, Cost>, all: Vec<Cost>) {
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
}
