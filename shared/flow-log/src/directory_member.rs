//! Accounts as a resource directory lists them.

use crate::{AccountId, ObservedTags};

/// An account of an organization as its resource directory lists it.
///
/// The `Status` of the API is not kept: it says how the account joined, and none of its values means that it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryMember {
    /// The member's account.
    pub id: AccountId,
    /// Its display name, if given.
    pub name: Option<String>,
    /// The ids of the directory, of the folders that contain the account, from the root folder down, and of the account
    /// itself, with slashes in between: `rd-…/r-…/fd-…/1000000000000002`.
    pub path: String,
    /// How far the deletion of the account is, if one was asked for.
    pub deletion_status: Option<String>,
    /// Its tags; `None` if they could not be read.
    pub tags: Option<ObservedTags>,
}

impl DirectoryMember {
    /// The ids of the folders that contain the account, from the root folder down. `None` if the path is not whole: a
    /// folder that it lacks could be any.
    #[must_use]
    pub fn folders(&self) -> Option<Vec<&str>> {
        let segments: Vec<_> = self.path.split('/').collect();
        let [directory, folders @ .., account] = segments.as_slice() else { return None };
        let [root, below @ ..] = folders else { return None };
        let is_whole = directory.starts_with("rd-")
            && root.starts_with("r-")
            && below.iter().all(|folder| folder.starts_with("fd-"))
            && *account == self.id.as_str();
        is_whole.then(|| folders.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(path: &str) -> Option<Vec<String>> {
        let member = DirectoryMember {
            id: "1000000000000002".parse().unwrap(),
            name: None,
            path: path.to_owned(),
            deletion_status: None,
            tags: None,
        };
        member.folders().map(|found| found.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn the_path_of_an_account_says_which_folders_it_is_in() {
        for (path, expected) in [
            ("rd-a/r-b/1000000000000002", vec!["r-b"]),
            ("rd-a/r-b/fd-c/fd-d/1000000000000002", vec!["r-b", "fd-c", "fd-d"]),
        ] {
            assert_eq!(folders(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn a_path_that_may_lack_a_folder_says_nothing() {
        for path in [
            "",
            "/",
            "1000000000000002",
            "rd-a/1000000000000002",
            "rd-a/r-b/fd-c",
            "rd-a/r-b/fd-c/",
            "rd-a/r-b/fd-c/1000000000000003",
            "r-b/fd-c/1000000000000002",
            "rd-a/fd-c/1000000000000002",
            "rd-a/r-b//1000000000000002",
            "/rd-a/r-b/fd-c/1000000000000002",
            "rd-a/r-b/fd-c/1000000000000002/",
        ] {
            assert_eq!(folders(path), None, "{path}");
        }
    }
}
