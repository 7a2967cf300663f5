//! One report from parts.

use evidence::{Evidence, Facts, Judged, NotJoined};
use proptest::prelude::*;

use crate::samples;

/// The parts of the shards of an organization: one for each account, and one of the coordinator, which read nothing.
pub(crate) fn parts(number: usize) -> Vec<Evidence> {
    let whole = samples::large(number * 100);
    let shards = whole.asked.accounts.iter().map(|asked| {
        let is = |account: &str| account == asked.account;
        let mut part = Facts { ..whole.clone() };
        part.asked.accounts.retain(|it| is(&it.account));
        part.judged.retain(|it| is(&it.accounts[0]));
        part.reads.retain(|it| is(&it.account));
        part.services.retain(|it| is(&it.account));
        part.results.retain(|it| is(&it.account));
        part
    });
    let mut coordinator = Facts { asked: whole.asked.clone(), ..samples::minimal() };
    for asked in &mut coordinator.asked.accounts {
        asked.regions.clear();
    }
    shards.chain([coordinator]).map(Evidence::new).collect()
}

fn join<'a>(parts: impl IntoIterator<Item = &'a Evidence>) -> Result<Evidence, NotJoined> {
    Evidence::join(parts.into_iter().cloned())
}

#[test]
fn the_parts_of_a_run_make_the_report_of_the_whole() {
    let joined = join(&parts(4)).unwrap();
    assert_eq!(joined.facts().results.len(), 400);
    assert!(joined.assessment().scope.is_whole && joined.assessment().discrepancies.is_empty());
    assert_eq!(joined.assessment().scope.accounts_asked, 4);
}

#[test]
fn an_account_whose_part_is_missing_is_unread() {
    let joined = join(parts(4).iter().skip(1)).unwrap();
    let scope = &joined.assessment().scope;
    assert_eq!((scope.is_whole, scope.accounts_read, scope.accounts_asked), (false, 3, 4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn neither_order_nor_grouping_nor_repetition_matters(
        order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
        cut in 1..5_usize,
        again in 0..5_usize,
    ) {
        let parts = parts(4);
        let expected = join(&parts).unwrap();
        let shuffled: Vec<_> = order.iter().map(|nth| parts[*nth].clone()).collect();
        let (one, other) = shuffled.split_at(cut);
        let grouped = join(&[join(one).unwrap(), join(other.iter().chain([&parts[again]])).unwrap()]).unwrap();
        prop_assert!(grouped == expected);
        prop_assert_eq!(grouped.seal(), expected.seal());
    }
}

#[test]
fn a_part_of_another_run_or_policy_or_program_is_refused() {
    let parts = parts(2);
    let with = |change: fn(&mut Facts)| {
        let mut other = parts[1].facts().clone();
        change(&mut other);
        join(&[parts[0].clone(), Evidence::new(other)])
    };
    assert!(matches!(with(|facts| facts.head.run = "another".into()), Err(NotJoined::OtherRun(..))));
    assert!(matches!(with(|facts| facts.policy.sha256 = "0".repeat(64)), Err(NotJoined::OtherPolicy(..))));
    assert!(matches!(with(|facts| facts.head.tool = "another".into()), Err(NotJoined::OtherTool(..))));
    let strict = with(|facts| facts.exceptions_count_as = evidence::ExceptionsCountAs::Failure);
    assert!(matches!(strict, Err(NotJoined::OtherTool(..))));
    assert!(with(|facts| facts.head.versions = vec!["0.3.0".into()]).is_ok(), "an update in the middle of the run");
    assert_eq!(Evidence::join([]), Err(NotJoined::Nothing));
}

#[test]
fn two_parts_that_say_different_things_about_an_account_are_refused() {
    let part = parts(1).remove(0);
    let with = |change: fn(&mut Facts)| {
        let mut other = part.facts().clone();
        change(&mut other);
        join(&[part.clone(), Evidence::new(other)])
    };
    assert!(with(|_| ()).is_ok());
    let changes: [fn(&mut Facts); 5] = [
        |facts| _ = facts.results.pop(),
        |facts| facts.results[1].reason.push('!'),
        |facts| facts.judged = vec![Judged { resources: 7, ..facts.judged[0].clone() }],
        |facts| facts.reads[0].items += 1,
        |facts| facts.services[0].is_open = Some(false),
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        assert!(matches!(with(change), Err(NotJoined::Overlap(_))), "{nth}");
    }
}

#[test]
fn the_head_of_the_whole_spans_its_parts() {
    let mut parts = parts(2);
    let mut late = parts.remove(1).into_facts();
    late.head.started = "2026-11-25T22:08:00Z".parse().unwrap();
    late.head.ended = "2026-11-25T22:11:00Z".parse().unwrap();
    late.head.clock_offset_ms = Some(-900);
    let joined = join(&[parts.remove(0), Evidence::new(late)]).unwrap();
    let head = &joined.facts().head;
    assert_eq!(
        (head.started.to_string(), head.ended.to_string()),
        ("2026-11-25T22:07:00Z".into(), "2026-11-25T22:11:00Z".into())
    );
    assert_eq!(head.clock_offset_ms, Some(-900));
}
