//! The events that a function sends to itself.

use events::{Collect, EventKind, Shard, parse};
use proptest::prelude::*;

fn one(body: &str) -> EventKind {
    parse(body.as_bytes()).unwrap().remove(0).event
}

#[test]
fn a_shard_names_its_run_its_account_and_its_regions() {
    let body = r#"{"flowkeeper":"shard","run":"r20261126T030000Z-1a2b3c4d","account":"1000000000000002",
                   "regions":["cn-hangzhou","cn-shanghai"],"attempt":1}"#;
    let EventKind::Shard(shard) = one(body) else { panic!("{:?}", one(body)) };
    assert_eq!((shard.run.as_str(), shard.account.as_str()), ("r20261126T030000Z-1a2b3c4d", "1000000000000002"));
    assert_eq!(shard.regions.unwrap().len(), 2);
    let all = body.replace(r#"["cn-hangzhou","cn-shanghai"]"#, r#""all""#);
    assert!(matches!(one(&all), EventKind::Shard(Shard { regions: None, attempt: 1, .. })));
}

#[test]
fn a_step_that_is_incomplete_or_crafted_is_malformed_and_says_why() {
    let shard = r#"{"flowkeeper":"shard","run":"r1","account":"1000000000000002","regions":"all","attempt":1}"#;
    assert!(matches!(one(shard), EventKind::Shard(_)));
    for (part, instead, reason) in [
        (r#""shard""#, r#""sweep""#, r#"flowkeeper is "sweep", and must be shard or collect"#),
        (r#""1000000000000002""#, r#""../2""#, "it names no account"),
        (r#""all""#, r#""every""#, "regions must be all or a list"),
        (r#""all""#, "[]", "regions is an empty list"),
        (r#""all""#, "[7]", "a region must be a string"),
        (r#""all""#, r#"["cn hangzhou"]"#, r#"the region "cn hangzhou""#),
        (r#""r1""#, r#""a/b""#, "run must have 1 to 64 letters, digits and -"),
        (r#""r1""#, r#""""#, "run must have 1 to 64 letters, digits and -"),
        (r#""attempt":1"#, r#""attempt":-1"#, "attempt must be a number"),
        (r#""attempt":1"#, r#""tries":1"#, "attempt must be a number"),
    ] {
        let EventKind::Malformed(found) = one(&shard.replace(part, instead)) else { panic!("{part} -> {instead}") };
        assert!(found.starts_with("a step of a sweep: ") && found.contains(reason), "{found}");
    }
    let collect = r#"{"flowkeeper":"collect","run":"r1","submitted":500,"attempt":1}"#;
    assert_eq!(one(collect), EventKind::Collect(Collect { run: "r1".to_owned(), submitted: 500, attempt: 1 }));
    assert!(matches!(one(&collect.replace("500", "\"many\"")), EventKind::Malformed(_)));
}

proptest! {
    #[test]
    fn a_step_is_read_as_it_was_sent(
        run in "[A-Za-z0-9-]{1,64}",
        account in "[0-9]{16}",
        regions in prop::option::of(prop::collection::vec("(cn|eu)-[a-z]{3,8}-[1-9]", 1..5)),
        (submitted, attempt) in (any::<u32>(), any::<u32>()),
    ) {
        let regions = regions.map(|regions| regions.iter().map(|region| region.parse().unwrap()).collect());
        let shard = Shard { run: run.clone(), account: account.parse().unwrap(), regions, attempt };
        prop_assert_eq!(one(&shard.to_json()), EventKind::Shard(shard));
        let collect = Collect { run, submitted, attempt };
        prop_assert_eq!(one(&collect.to_json()), EventKind::Collect(collect));
    }
}
