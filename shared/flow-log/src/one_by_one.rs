//! Sets and maps that are built one item at a time.
//!
//! `collect` sorts before it builds, with a copy of the sort for each type of item: 7 KB of code each, in every function, for
//! lists that are short.

use std::collections::{BTreeMap, BTreeSet};

/// Inserts items into a set, one by one.
#[must_use]
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Inserts items into a map, one by one. Of two with the same key, the last one stays.
#[must_use]
pub fn map<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(items);
    map
}
