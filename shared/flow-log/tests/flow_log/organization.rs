//! The accounts and regions that a policy is about.

use std::collections::BTreeSet;

use flow_log::{
    DirectoryMember, ObservedTags, Policy,
    policy::{AccountScope, MemberScope, Regions, ResourceDirectory},
};
use proptest::prelude::*;

use crate::support::policy;

/// The directory of a policy with these further keys.
fn directory(more: &str) -> ResourceDirectory {
    policy(&format!("resource_directory: {{role: flowkeeper{more}}}\n")).resource_directory.unwrap()
}

/// The account 2 in these folders.
fn member(folders: &str) -> DirectoryMember {
    DirectoryMember {
        id: "2".parse().unwrap(),
        name: Some("theirs".to_owned()),
        path: format!("rd-x/{folders}/2"),
        deletion_status: None,
        tags: Some(ObservedTags::new()),
    }
}

/// A word for the scope, and the reason.
fn word(scope: MemberScope) -> (&'static str, String) {
    match scope {
        MemberScope::In => ("in", String::new()),
        MemberScope::Out(reason) => ("out", reason),
        MemberScope::Unknown(reason) => ("unknown", reason),
    }
}

#[test]
fn a_member_that_is_left_out_or_unknown_is_so_for_a_reason() {
    let with_tags = |tags: Option<&[(&str, &str)]>| DirectoryMember {
        tags: tags.map(|tags| tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
        ..member("r-a/fd-b")
    };
    let at = |path: &str| DirectoryMember { path: path.to_owned(), ..member("") };
    let folders = ", folders: [fd-b]";
    let tags = ", exclude: {tags: {env: sandbox}}";
    for (more, member, expected, reason) in [
        ("", member("r-a"), "in", ""),
        ("", at(""), "in", ""),
        ("", with_tags(None), "in", ""),
        (folders, member("r-a/fd-b"), "in", ""),
        (folders, member("r-a/fd-b/fd-c"), "in", ""),
        (", folders: [r-a]", member("r-a"), "in", ""),
        (
            folders,
            member("r-a/fd-bc"),
            "out",
            "the account 2 is out of scope: the policy's resource_directory.folders name none of its folders, r-a/fd-bc",
        ),
        (folders, member("r-a"), "out", "name none of its folders, r-a"),
        (", folders: [fd-2]", member("r-a/fd-b"), "out", "name none of its folders"),
        (
            ", exclude: {accounts: [2]}",
            member("r-a"),
            "out",
            "the account 2 is out of scope: the policy's resource_directory.exclude names it",
        ),
        (
            ", folders: [fd-b], exclude: {folders: [fd-c]}",
            member("r-a/fd-b/fd-c/fd-d"),
            "out",
            "the account 2 is out of scope: it is in the folder fd-c, which the policy's resource_directory.exclude names",
        ),
        (", exclude: {folders: [fd-c]}", member("r-a/fd-cd"), "in", ""),
        (
            tags,
            with_tags(Some(&[("team", "a"), ("env", "sandbox")])),
            "out",
            "it has the tag env=sandbox, which the policy's resource_directory.exclude names",
        ),
        (", exclude: {tags: {env: sandbox, team: a}}", with_tags(Some(&[("team", "a")])), "out", "the tag team=a"),
        (tags, with_tags(Some(&[("env", "Sandbox"), ("sandbox", "env")])), "in", ""),
        (
            tags,
            with_tags(None),
            "unknown",
            "it is unknown whether the account 2 is in scope: the policy's resource_directory.exclude names tags, and those \
             of the account could not be read",
        ),
        (
            folders,
            at("rd-x/r-a/fd-b"),
            "unknown",
            "the policy's resource_directory names folders, and \"rd-x/r-a/fd-b\" is not the whole path of an account",
        ),
        (", exclude: {folders: [fd-b]}", at(""), "unknown", "\"\" is not the whole path"),
        // A reason to leave it out holds whatever else is unknown.
        (", folders: [fd-c], exclude: {tags: {env: sandbox}}", with_tags(None), "out", "name none of its folders"),
        (
            ", folders: [fd-b], exclude: {tags: {env: sandbox}}",
            DirectoryMember { path: String::new(), ..with_tags(Some(&[("env", "sandbox")])) },
            "out",
            "the tag env=sandbox",
        ),
        (", folders: [fd-b], exclude: {accounts: [2]}", at(""), "out", "resource_directory.exclude names it"),
    ] {
        let (found, why) = word(directory(more).member_scope(&member));
        assert_eq!(found, expected, "{more} {member:?}: {why}");
        assert!(if reason.is_empty() { why.is_empty() } else { why.contains(reason) }, "{more}: {why}");
    }
}

#[test]
fn an_account_that_is_being_deleted_is_left_out_until_that_has_failed() {
    for (status, reason) in [
        (None, None),
        (Some(""), None),
        (Some(" "), None),
        (Some("CheckFailed"), None),
        (Some("DeleteFailed"), None),
        (Some("Checking"), Some("the account 2 is being deleted: its deletion status is \"Checking\"")),
        (Some("Deleting"), Some("the account 2 is being deleted: its deletion status is \"Deleting\"")),
        (Some("Waiting"), Some("its deletion status is \"Waiting\"")),
    ] {
        let member = DirectoryMember { deletion_status: status.map(str::to_owned), ..member("r-a/fd-b") };
        let (found, why) = word(directory(", folders: [fd-b]").member_scope(&member));
        assert_eq!(found, if reason.is_some() { "out" } else { "in" }, "{status:?}");
        assert!(reason.is_none_or(|reason| why.contains(reason)), "{status:?}: {why}");
    }
}

#[test]
fn a_reason_is_of_a_bounded_length_whatever_the_directory_says() {
    let long = "fd-x/".repeat(10_000);
    for (more, member) in [
        (", folders: [fd-b]", DirectoryMember { path: long.clone(), ..member("") }),
        (", folders: [fd-b]", member(&format!("r-a/{}fd-y", long))),
        ("", DirectoryMember { deletion_status: Some(long.clone()), ..member("r-a") }),
    ] {
        let (found, why) = word(directory(more).member_scope(&member));
        assert!(found != "in" && why.len() < 500, "{found}: {} bytes", why.len());
    }
}

/// A tree of folders, by the number of the folder above each; the first is the root folder.
#[derive(Debug, Clone)]
struct Tree(Vec<usize>);

impl Tree {
    /// Ids of which some begin as others do, and one as the account.
    fn id(nth: usize) -> String {
        let ids = ["r-a", "fd-a", "fd-ab", "fd-abc", "fd-b", "fd-2", "fd-22", "fd-r-a", "fd-fd-a"];
        ids[nth].to_owned()
    }

    /// The numbers of a folder and of those above it, from the root folder down.
    fn down_to(&self, folder: usize) -> Vec<usize> {
        let above = std::iter::successors(Some(folder), |nth| (*nth > 0).then(|| self.0[*nth]));
        let mut numbers: Vec<_> = above.collect();
        numbers.reverse();
        numbers
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    (1..9_usize).prop_flat_map(|count| (0..count).map(|nth| 0..nth.max(1)).collect::<Vec<_>>()).prop_map(Tree)
}

/// Some of the folders, by their numbers.
fn some_folders() -> impl Strategy<Value = BTreeSet<usize>> {
    prop::collection::btree_set(0..9_usize, 0..4)
}

fn named(folders: &BTreeSet<usize>) -> String {
    folders.iter().map(|nth| Tree::id(*nth)).collect::<Vec<_>>().join(", ")
}

proptest! {
    #[test]
    fn a_member_is_in_exactly_if_a_folder_wants_it_and_nothing_leaves_it_out(
        tree in any_tree(),
        folder in any::<prop::sample::Index>(),
        wanted in some_folders(),
        unwanted in some_folders(),
        excludes_id in prop::bool::weighted(0.1),
        excludes_tag in any::<bool>(),
        tag in prop::sample::select(vec![None, Some("prod"), Some("sandbox")]),
        status in prop::sample::select(vec!["", "", "CheckFailed", "DeleteFailed", "Checking", "Deleting"]),
    ) {
        let unwanted = &unwanted - &wanted;
        let folders = if wanted.is_empty() { String::new() } else { format!(", folders: [{}]", named(&wanted)) };
        let accounts = if excludes_id { "[2, 3]" } else { "[3, 22]" };
        let tags = if excludes_tag { "{env: sandbox, tier: low}" } else { "{}" };
        let more =
            format!("{folders}, exclude: {{accounts: {accounts}, folders: [{}], tags: {tags}}}", named(&unwanted));
        let numbers = tree.down_to(folder.index(tree.0.len()));
        let path: Vec<_> = numbers.iter().map(|nth| Tree::id(*nth)).collect();
        let member = DirectoryMember {
            deletion_status: Some(status.to_owned()),
            tags: Some(tag.map(|value| ("env".to_owned(), value.to_owned())).into_iter().collect()),
            ..member(&path.join("/"))
        };

        let is_wanted = wanted.is_empty() || numbers.iter().any(|nth| wanted.contains(nth));
        let is_unwanted = numbers.iter().any(|nth| unwanted.contains(nth));
        let has_tag = excludes_tag && tag == Some("sandbox");
        let is_being_deleted = ["Checking", "Deleting"].contains(&status);
        let is_in = is_wanted && !is_unwanted && !excludes_id && !has_tag && !is_being_deleted;

        let (found, why) = word(directory(&more).member_scope(&member));
        prop_assert_eq!(found, if is_in { "in" } else { "out" }, "{} {:?}: {}", more, member, why);
        // What cannot be read may be any of this, so it never lets in what is out, nor leaves out what is in.
        for less in [
            DirectoryMember { tags: None, ..member.clone() },
            DirectoryMember { path: String::new(), ..member.clone() },
        ] {
            let (doubted, reason) = word(directory(&more).member_scope(&less));
            prop_assert!(doubted == found || doubted == "unknown", "{more} {less:?}: {reason}");
        }
    }
}

#[test]
fn the_role_in_a_member_is_the_one_of_that_name() {
    assert_eq!(directory("").role_in(&"22".parse().unwrap()).as_str(), "acs:ram::22:role/flowkeeper");
}

/// A word for the scope of an account, with the reason.
fn scope(policy: &Policy, own: Option<&str>, account: &str) -> String {
    let own = own.map(|own| own.parse().unwrap());
    match policy.account_scope(own.as_ref(), &account.parse().unwrap()) {
        AccountScope::Own => "own".to_owned(),
        AccountScope::Named(member) => member.role.to_string(),
        AccountScope::InDirectory(directory) => format!("in the directory, {}", directory.role),
        AccountScope::Out(reason) => reason,
    }
}

#[test]
fn an_account_is_the_own_one_or_named_or_for_the_directory_to_say_or_out_of_scope() {
    let not_named =
        |account: &str| format!("the account {account} is out of scope: the policy's accounts do not name it");
    let is_not_own = "the account 1 is out of scope: own_account is false in the policy";
    let excluded = "the account 4 is out of scope: the policy's resource_directory.exclude names it";
    let names_both = "accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]\n";
    let has_directory = "resource_directory: {role: b, exclude: {accounts: [\"4\"]}}\n";
    let all = format!("{names_both}{has_directory}");
    let (known, unknown) = (Some("1"), None);
    for (more, own, account, expected) in [
        ("", known, "1", "own"),
        ("", known, "2", &not_named("2")),
        ("", unknown, "2", "own"),
        (names_both, known, "1", "own"),
        (names_both, known, "2", "acs:ram::2:role/a"),
        (names_both, unknown, "1", "acs:ram::1:role/a"),
        (names_both, known, "3", &not_named("3")),
        (has_directory, known, "1", "own"),
        (has_directory, known, "3", "in the directory, b"),
        (has_directory, known, "4", excluded),
        (has_directory, unknown, "3", "in the directory, b"),
        (has_directory, unknown, "4", excluded),
        (&all, known, "2", "acs:ram::2:role/a"),
        (&all, known, "3", "in the directory, b"),
    ] {
        assert_eq!(scope(&policy(more), own, account), expected, "{more}{own:?} {account}");
        if more.is_empty() {
            continue;
        }
        let without_own = if own == Some(account) { is_not_own } else { expected };
        let others = policy(&format!("{more}own_account: false\n"));
        assert_eq!(scope(&others, own, account), without_own, "{more}{own:?} {account}");
    }
    let only_named = policy(&format!("{names_both}own_account: false\n"));
    assert_eq!(scope(&only_named, unknown, "3"), not_named("3"));
}

#[test]
fn all_regions_are_in_scope_but_for_those_that_are_excluded() {
    let policy = policy("regions: all\nexclude_regions: [me-east-1]\n");
    assert_eq!(policy.regions, Regions::All);
    for (region, reason) in [
        ("cn-hangzhou", None),
        ("ap-southeast-9", None),
        ("me-east-1", Some("the region me-east-1 is out of scope: the policy's exclude_regions names it")),
    ] {
        assert_eq!(policy.region_scope(&region.parse().unwrap()).as_deref(), reason);
        assert_eq!(policy.covers_region(&region.parse().unwrap()), reason.is_none());
    }
}
