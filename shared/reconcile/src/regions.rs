//! Which regions of an account a sweep covers, and in which order.

use std::collections::BTreeSet;

use flow_log::{AccountId, Policy, RegionId, Verdict, policy::Regions};
use jiff::Timestamp;

use crate::{
    AccountSweep, Item, Outcome, Selection, Target, TargetKind,
    location::{self, UnknownLocation},
    sessions::Sessions,
};

/// Returns the regions of one account as targets, in the order in which they are swept, and results about regions that
/// could not be read.
///
/// # Errors
/// Returns the result of an account whose regions are not known.
pub(crate) async fn targets(
    sessions: &Sessions<'_>,
    selects: Selection,
    sweep: AccountSweep,
) -> Result<(Vec<Target>, Vec<Item>), Box<Item>> {
    let AccountSweep { account, regions: asked, at } = sweep;
    let own = sessions.job.region.as_ref();
    let is_whole_account = asked.is_none();
    let unknown = |unknown: UnknownLocation| Box::new(Item::of_account(&account, Outcome::Failed, unknown.to_string()));
    let (regions, items) = match asked {
        Some(asked) => (asked_for(sessions.policy, selects, asked), Vec::new()),
        None => match listed(sessions.policy, selects, own).map_err(unknown)? {
            Some(regions) => (regions, Vec::new()),
            None => {
                let region = location::any_region(sessions.policy, own).ok_or(UnknownLocation::REGION);
                described(sessions, &account, region.map_err(unknown)?).await?
            }
        },
    };
    let target = |kind, region| Target { account: account.clone(), region, kind, since: None };
    let mut targets: Vec<_> =
        in_turn(regions, at).into_iter().map(|region| target(TargetKind::Sweep, region)).collect();
    let takes_routers = matches!(selects, Selection::Everything | Selection::Own);
    let has_routers = takes_routers && is_whole_account && sessions.policy.ecr_flow_log.is_some();
    // Any region will do for them.
    if let Some(region) = own.cloned().or_else(|| Some(targets.first()?.region.clone())).filter(|_| has_routers) {
        targets.push(target(TargetKind::Routers, region));
    }
    Ok((targets, items))
}

/// Returns the regions that the policy lists; `None` if only the API knows them. The function runs in `own`.
///
/// # Errors
/// The policy relies on the function's own region, and that is not known.
pub(crate) fn listed(
    policy: &Policy,
    selects: Selection,
    own: Option<&RegionId>,
) -> Result<Option<Vec<RegionId>>, UnknownLocation> {
    let regions = match &policy.regions {
        Regions::Own => vec![own.ok_or(UnknownLocation::REGION)?.clone()],
        Regions::Named(regions) => regions.clone(),
        // Express Connect Routers belong to no region, so any one will do.
        Regions::All if selects == Selection::Routers => vec![own.ok_or(UnknownLocation::REGION)?.clone()],
        Regions::All => return Ok(None),
    };
    Ok(Some(one_for_routers(selects, narrowed(policy, regions))))
}

/// Returns the regions that an event asks for, each once. Those that the policy does not cover stay: their results say
/// why they were skipped.
fn asked_for(policy: &Policy, selects: Selection, mut asked: Vec<RegionId>) -> Vec<RegionId> {
    let mut seen = BTreeSet::new();
    asked.retain(|region| seen.insert(region.clone()));
    if selects == Selection::Routers { one_for_routers(selects, narrowed(policy, asked)) } else { asked }
}

/// Express Connect Routers belong to no region: one read per account returns them all, and a second one at the same time
/// would do the same work.
fn one_for_routers(selects: Selection, mut regions: Vec<RegionId>) -> Vec<RegionId> {
    if selects == Selection::Routers {
        regions.truncate(1);
    }
    regions
}

/// Asks the API for the regions of an account, as that account.
async fn described(
    sessions: &Sessions<'_>,
    account: &AccountId,
    region: &RegionId,
) -> Result<(Vec<RegionId>, Vec<Item>), Box<Item>> {
    let unknown = |reason| {
        Item { verdict: Some(Verdict::Unknown), ..Item::of_account(account, Outcome::Failed, reason) }.finding()
    };
    let found = sessions.in_account(account, region).describe_regions().await.map_err(|error| {
        Box::new(unknown(format!("the regions of the account {account} could not be read")).with_error(&error))
    })?;
    let unread = found.unreadable.iter().map(|item| {
        let id = item.id.as_deref().unwrap_or("one without a readable id");
        unknown(format!("one of the regions of the account {account} could not be read, {id}: {}", item.reason))
    });
    let items: Vec<_> = unread.collect();
    let regions: Vec<_> = found.items.into_iter().map(|item| item.id).collect();
    if regions.is_empty() && items.is_empty() {
        return Err(Box::new(unknown(format!("the API names no region for the account {account}"))));
    }
    Ok((narrowed(sessions.policy, regions), items))
}

/// Removes the regions that the policy does not cover. If none is left, keeps them all: each then gets a result that says
/// why it was skipped.
fn narrowed(policy: &Policy, mut regions: Vec<RegionId>) -> Vec<RegionId> {
    if regions.iter().any(|region| policy.covers_region(region)) {
        regions.retain(|region| policy.covers_region(region));
    }
    regions
}

/// Why a target is out of scope because of its region, if it is.
pub(crate) fn objection(policy: &Policy, selects: Selection, target: &Target) -> Option<String> {
    // The region of a sweep of all routers says nothing about them.
    let is_any = target.kind == TargetKind::Routers || selects == Selection::Routers && policy.regions == Regions::All;
    if is_any { None } else { policy.region_scope(&target.region) }
}

/// Returns the regions in the order in which they are swept by the timer that fired at `at`. Two runs in a row begin at
/// different regions, so that a sweep that runs out of time does not always leave out the same ones.
fn in_turn(mut regions: Vec<RegionId>, at: Option<Timestamp>) -> Vec<RegionId> {
    if let Some(at) = at {
        // The order in which the API lists them may change.
        regions.sort_unstable();
        regions.dedup();
        let first = first(regions.len(), at);
        regions.rotate_left(first);
    }
    regions
}

/// Returns where a sweep of this number of regions begins: at the first one, or after one or two thirds of them.
///
/// The template's timers fire every quarter of an hour, every hour and every day, and a function does not know which of
/// them fired. With thirds, two runs in a row begin at different regions for all three: a quarter is one third further, an
/// hour four thirds, and a day 96 thirds and one for the date; a run after midnight is one further still, never three.
/// (With halves that is impossible: 24 hourly steps of a half are no step for a daily timer.)
fn first(count: usize, at: Timestamp) -> usize {
    const QUARTER: i64 = 900;
    const DAY: i64 = 86_400;
    let second = at.as_second();
    let third = (second.div_euclid(QUARTER) + second.div_euclid(DAY)).rem_euclid(3);
    count * usize::try_from(third).unwrap_or(0) / 3
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing;

    fn regions(lines: &str, selects: Selection) -> Vec<String> {
        let own = "cn-hangzhou".parse().unwrap();
        let regions = listed(&testing::policy(lines), selects, Some(&own)).unwrap().expect("a list");
        regions.iter().map(ToString::to_string).collect()
    }

    fn ids(names: &[&str]) -> Vec<RegionId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_sweep_covers_the_regions_of_the_policy_or_else_the_functions_own() {
        assert_eq!(regions("", Selection::Resources), ["cn-hangzhou"]);
        let named = regions("regions: [cn-shanghai, cn-beijing]", Selection::Resources);
        assert_eq!(named, ["cn-shanghai", "cn-beijing"]);
        let own = "cn-hangzhou".parse().unwrap();
        assert_eq!(listed(&testing::policy("regions: all"), Selection::Resources, Some(&own)), Ok(None));
        assert_eq!(listed(&testing::policy(""), Selection::Resources, None), Err(UnknownLocation::REGION));
    }

    #[test]
    fn an_excluded_region_is_left_out_and_stays_if_no_other_is_left_so_that_its_result_says_why() {
        assert_eq!(regions("exclude_regions: [cn-hangzhou]", Selection::Resources), ["cn-hangzhou"]);
        let policy = testing::policy("regions: all\nexclude_regions: [cn-hangzhou]");
        let described = narrowed(&policy, ids(&["cn-hangzhou", "cn-beijing"]));
        assert_eq!(described, ids(&["cn-beijing"]));
    }

    #[test]
    fn routers_are_read_once_per_account() {
        assert_eq!(regions("regions: [cn-shanghai, cn-beijing]", Selection::Routers), ["cn-shanghai"]);
        assert_eq!(regions("regions: all", Selection::Routers), ["cn-hangzhou"]);
        let excluded = "regions: all\nexclude_regions: [cn-hangzhou]";
        assert_eq!(regions(excluded, Selection::Routers), ["cn-hangzhou"]);
        let (policy, own) = (testing::policy(excluded), testing::target(TargetKind::Sweep));
        assert_eq!(objection(&policy, Selection::Routers, &own), None, "its own region is any region");
        assert!(objection(&policy, Selection::Resources, &own).is_some());
        assert_eq!(objection(&policy, Selection::Everything, &testing::target(TargetKind::Routers)), None);
        let by_default = testing::policy("exclude_regions: [cn-hangzhou]");
        assert!(objection(&by_default, Selection::Routers, &own).is_some());
    }

    #[tokio::test]
    async fn a_region_that_is_asked_for_twice_is_swept_once_and_routers_are_read_in_one_region() {
        let client = testing::client_of(1);
        let (policy, job) = (testing::policy("regions: [cn-shanghai, cn-beijing]"), testing::job());
        let sessions = Sessions { client: &client, policy: &policy, session_policy: &"{}".into(), job: &job };
        let repeated = ["cn-hangzhou", "cn-shanghai", "cn-shanghai", "cn-beijing", "cn-hangzhou"];
        for (selects, asked, expected) in [
            (Selection::Resources, &repeated[..], &["cn-hangzhou", "cn-shanghai", "cn-beijing"][..]),
            (Selection::Routers, &repeated, &["cn-shanghai"]),
            // Its result says why it is skipped.
            (Selection::Routers, &["cn-hangzhou", "cn-hangzhou"], &["cn-hangzhou"]),
        ] {
            let sweep = AccountSweep { account: "1".parse().unwrap(), regions: Some(ids(asked)), at: None };
            let (targets, items) = targets(&sessions, selects, sweep).await.unwrap();
            let swept: Vec<_> = targets.into_iter().map(|target| target.region).collect();
            assert_eq!((swept, items), (ids(expected), Vec::new()), "{selects:?}");
        }
    }

    #[test]
    fn without_the_time_of_a_timer_regions_keep_their_order_and_with_it_they_are_sorted() {
        let listed = ids(&["cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-beijing"]);
        assert_eq!(in_turn(listed.clone(), None), listed);
        let sorted = ids(&["cn-beijing", "cn-hangzhou", "cn-shanghai"]);
        let turned = ids(&["cn-hangzhou", "cn-shanghai", "cn-beijing"]);
        let times = ["03:00", "04:00", "05:00"].map(|time| Some(format!("2026-11-26T{time}:00Z").parse().unwrap()));
        let runs = times.map(|at| in_turn(listed.clone(), at));
        assert!(runs.contains(&sorted) && runs.contains(&turned), "{runs:?}");
        assert_eq!(in_turn(Vec::new(), times[0]), []);
    }

    /// The regions that are read in some runs, each with time for two thirds of them.
    fn read_in_two_thirds_of_the_time(runs: &[Timestamp], count: usize) -> usize {
        let regions: Vec<RegionId> = (0..count).map(|nth| format!("cn-test-{nth:02}").parse().unwrap()).collect();
        let read = |at: &Timestamp| in_turn(regions.clone(), Some(*at)).into_iter().take((2 * count).div_ceil(3));
        runs.iter().flat_map(read).collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn two_runs_with_time_for_two_thirds_of_the_regions_leave_none_unread() {
        let start: Timestamp = "2026-11-26T00:07:00Z".parse().unwrap();
        let quarter = SignedDuration::from_mins(15);
        // In any quarter of a week, since timers have any time zone and fire at any minute.
        for first in (0..4 * 24 * 7).map(|nth| start + quarter * nth) {
            for period in [quarter, SignedDuration::from_hours(1), SignedDuration::from_hours(24)] {
                for count in [1, 2, 3, 4, 7, 29, 30] {
                    let two = [first, first + period];
                    assert_eq!(read_in_two_thirds_of_the_time(&two, count), count, "{count} regions, {two:?}");
                }
            }
        }
    }
}
