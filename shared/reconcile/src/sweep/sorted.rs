//! The resources of a region, by their ids.

use flow_log::Resource;

/// The resources of a region, level by level, each level sorted by id.
///
/// A list, because there may be a hundred thousand: a tree takes twice the memory, and only grows once.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    levels: Vec<Level>,
}

/// The resources of one level, and what has been seen of the flow logs of each.
#[derive(Debug)]
struct Level {
    resources: Vec<Resource>,
    seen: Vec<Seen>,
}

/// What has been seen of the flow logs of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its flow logs, if any, are in the inventory.
    Unjudged,
    /// It has a flow log that needs no change and has been reported. That flow log is not in the inventory.
    InOrder { is_exception: bool },
    /// It has another flow log besides the one that was reported, and only the other one is in the inventory.
    HasAnother,
}

impl Sorted {
    /// Adds the resources of a level. The API must have listed each of them once.
    pub(super) fn add(&mut self, mut resources: Vec<Resource>) {
        resources.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let seen = vec![Seen::Unjudged; resources.len()];
        self.levels.push(Level { resources, seen });
    }

    /// Finds the resource with this id.
    pub(super) fn find(&mut self, id: &str) -> Option<(&Resource, &mut Seen)> {
        let mut levels = self.levels.iter_mut();
        levels.find_map(|Level { resources, seen }| {
            let at = position(resources, id)?;
            resources.get(at).zip(seen.get_mut(at))
        })
    }

    /// Returns the resource with this id.
    pub(super) fn get(&self, id: &str) -> Option<&Resource> {
        self.levels.iter().find_map(|level| level.resources.get(position(&level.resources, id)?))
    }

    /// Returns whether there is a resource with this id.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// Returns all resources, level by level in the order in which these were added, and by id.
    pub(super) fn into_all(self) -> impl Iterator<Item = (Resource, Seen)> {
        self.levels.into_iter().flat_map(|level| level.resources.into_iter().zip(level.seen))
    }
}

fn position(resources: &[Resource], id: &str) -> Option<usize> {
    resources.binary_search_by(|resource| resource.id.as_str().cmp(id)).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    proptest! {
        /// A map by the whole id is the plain way to say the same.
        #[test]
        fn a_resource_is_found_by_its_id_and_all_come_by_level_and_id(
            ids in prop::collection::btree_set("(vpc|vsw|eni)-[a-c]{1,3}", 0..40)
                .prop_map(Vec::from_iter)
                .prop_shuffle(),
            asked in prop::collection::vec("(vpc|vsw|eni|subnet)-[a-c]{1,3}|", 0..40),
        ) {
            let resources: Vec<_> = ids.iter().map(|id| testing::vpc(id)).collect();
            let mut expected: BTreeMap<_, _> =
                resources.iter().map(|resource| (resource.id.clone(), Seen::Unjudged)).collect();
            let mut sorted = Sorted::default();
            for level in flow_log::ResourceType::ALL {
                sorted.add(resources.iter().filter(|it| it.id.resource_type() == level).cloned().collect());
            }
            for id in &asked {
                prop_assert_eq!(sorted.contains(id), ids.contains(id));
                prop_assert!(sorted.get(id).is_none_or(|resource| resource.id.as_str() == id));
                if let Some((resource, seen)) = sorted.find(id) {
                    prop_assert_eq!(resource.id.as_str(), id);
                    *seen = Seen::HasAnother;
                    expected.insert(resource.id.clone(), Seen::HasAnother);
                }
            }
            let all: Vec<_> = sorted.into_all().map(|(resource, seen)| (resource.id, seen)).collect();
            prop_assert_eq!(all, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
