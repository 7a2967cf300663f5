//! What was read, from the pages of a run.

use std::collections::BTreeMap;

use flow_log::{AccountId, RegionId};
use reconcile::PageRead;

use crate::facts::{Failure, Read};

/// Collects the pages that a run reads into one [`Read`] for each list. An observer of the run fills it.
#[derive(Debug, Clone, Default)]
pub struct ReadLog {
    lists: BTreeMap<Key, Read>,
}

/// The account, the region, the operation, and the resource that the list is about.
type Key = (String, String, String, Option<String>);

impl ReadLog {
    /// Adds a page.
    pub fn page_read(&mut self, account: &AccountId, region: &RegionId, page: &PageRead) {
        let about = match (page.is_filtered, page.about.as_str()) {
            (false, "") => None,
            (true, "") => Some("a part of the list".to_owned()),
            (_, about) => Some(about.to_owned()),
        };
        let list = self.list(account, region, page.action, about);
        list.pages += 1;
        list.items += page.items as u64;
        // A list that is read twice may have grown in between.
        list.total = page.total.map(u64::from).max(list.total);
        list.first_request_id = list.first_request_id.take().or_else(|| page.request_id.clone());
        list.last_request_id = page.request_id.clone().or_else(|| list.last_request_id.take());
    }

    /// Adds a call that failed. The list of the region is not whole then, even if it is read again later.
    pub fn failed(&mut self, account: &AccountId, region: &RegionId, error: Failure) {
        let list = self.list(account, region, &error.operation, None);
        list.error = Some(error);
    }

    /// Adds the lists that another log has and this one has not.
    pub fn extend(&mut self, other: Self) {
        for (key, read) in other.lists {
            self.lists.entry(key).or_insert(read);
        }
    }

    /// The lists.
    #[must_use]
    pub fn into_reads(self) -> Vec<Read> {
        self.lists.into_values().collect()
    }

    fn list(&mut self, account: &AccountId, region: &RegionId, operation: &str, about: Option<String>) -> &mut Read {
        let (account, region, operation) = (account.to_string(), region.to_string(), operation.to_owned());
        let key = (account.clone(), region.clone(), operation.clone(), about.clone());
        self.lists.entry(key).or_insert_with(|| Read {
            account,
            region,
            operation,
            about,
            pages: 0,
            items: 0,
            total: None,
            first_request_id: None,
            last_request_id: None,
            error: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(about: &str, items: usize, total: u32, request: &str) -> PageRead {
        PageRead {
            action: "DescribeVpcs",
            about: about.to_owned(),
            is_filtered: false,
            items,
            total: Some(total),
            request_id: Some(request.to_owned()),
        }
    }

    fn log(pages: &[PageRead]) -> ReadLog {
        let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let mut log = ReadLog::default();
        for page in pages {
            log.page_read(&account, &region, page);
        }
        log
    }

    #[test]
    fn the_pages_of_a_list_are_one_read_with_its_first_and_its_last_request() {
        let reads = log(&[page("", 50, 61, "R-1"), page("", 11, 61, "R-2")]).into_reads();
        assert_eq!((reads.len(), reads[0].pages, reads[0].items, reads[0].total), (1, 2, 61, Some(61)));
        let requests = (reads[0].first_request_id.as_deref(), reads[0].last_request_id.as_deref());
        assert_eq!(requests, (Some("R-1"), Some("R-2")));
        assert_eq!(reads[0].problem(), None);
    }

    #[test]
    fn a_list_about_one_resource_or_a_filtered_one_is_another_list() {
        let filtered = PageRead { is_filtered: true, ..page("", 1, 1, "R-3") };
        let reads = log(&[page("", 2, 2, "R-1"), page("vpc-1", 1, 1, "R-2"), filtered]).into_reads();
        let about: Vec<_> = reads.iter().map(|read| read.about.as_deref()).collect();
        assert_eq!(about, [None, Some("a part of the list"), Some("vpc-1")]);
    }

    #[test]
    fn a_list_that_failed_has_a_problem_whatever_pages_it_has() {
        let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let mut found = log(&[page("", 2, 2, "R-1")]);
        let error = Failure {
            operation: "DescribeVpcs".to_owned(),
            code: "Throttling".to_owned(),
            message: "too fast".to_owned(),
            request_id: None,
            advice: String::new(),
        };
        found.failed(&account, &region, error);
        assert!(found.into_reads()[0].problem().is_some());
    }
}
