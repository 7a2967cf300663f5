//! The content of a list: items that were read, and items that could not be.

use std::{collections::HashMap, fmt};

use flow_log::{AccountId, RegionId};
use futures_util::{TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use signing::Credentials;

use crate::{
    CallError, UnreadableItem,
    call::{redact::item_without_secrets, response_object::ResponseObject},
};

/// An item of a list. An unreadable item does not spoil the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<T> {
    /// The item was read.
    Read(T),
    /// The item exists but could not be read.
    Unreadable(UnreadableItem),
}

/// A complete list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items that were read.
    pub items: Vec<T>,
    /// The items that could not be read. While there are any, the list does not prove that something is missing,
    /// deleted or uncovered.
    pub unreadable: Vec<UnreadableItem>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), unreadable: Vec::new() }
    }
}

impl<T> Listing<T> {
    /// Returns whether every item was read.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Appends the items of another list.
    pub fn append(&mut self, other: Self) {
        // The first list is moved as a whole.
        if self.items.is_empty() {
            self.items = other.items;
        } else {
            self.items.extend(other.items);
        }
        self.unreadable.extend(other.unreadable);
    }

    /// Reads a stream of entries to its end.
    pub(crate) async fn of(entries: BoxStream<'_, Result<Entry<T>, CallError>>) -> Result<Self, CallError> {
        entries.try_collect().await
    }
}

impl<T> Extend<Entry<T>> for Listing<T> {
    fn extend<I: IntoIterator<Item = Entry<T>>>(&mut self, entries: I) {
        for entry in entries {
            match entry {
                Entry::Read(item) => self.items.push(item),
                Entry::Unreadable(item) => self.unreadable.push(item),
            }
        }
    }
}

impl<T> FromIterator<Entry<T>> for Listing<T> {
    fn from_iter<I: IntoIterator<Item = Entry<T>>>(entries: I) -> Self {
        let mut listing = Self::default();
        listing.extend(entries);
        listing
    }
}

/// A page of a list, as it was read: evidence that the list was read, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRead {
    /// The operation, for example `DescribeVpcs`.
    pub action: &'static str,
    /// The id of the resource that the list is about, or of several; empty if it is about none in particular.
    pub about: String,
    /// Whether the list is read in part: the items that a filter selects.
    pub is_filtered: bool,
    /// How many items of the page were not on an earlier one.
    pub items: usize,
    /// `TotalCount`: how many items the list says it has, if it says.
    pub total: Option<u32>,
    /// The API's request id, if the response has one.
    pub request_id: Option<String>,
}

/// A call that reads something other than a list, as it was answered: evidence that it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRead {
    /// The operation, for example `GetLogStore`.
    pub action: &'static str,
    /// What it is about, such as `project/log-store`; empty if it is about the account.
    pub about: String,
    /// How many rows the answer has, if it consists of rows.
    pub rows: Option<usize>,
    /// The API's request id, if the response has one.
    pub request_id: Option<String>,
}

/// Learns of each page that is read, for progress and evidence.
pub trait PageObserver: fmt::Debug + Send + Sync {
    /// A page of a list in this account and region was read.
    fn page_read(&self, account: &AccountId, region: &RegionId, page: &PageRead);

    /// Something that is no list was read in this account and region: of Simple Log Service, or whether the flow log
    /// service is open.
    fn call_read(&self, _account: &AccountId, _region: &RegionId, _call: &CallRead) {}

    /// An answer arrived. The machine's clock said `sent` and `received`, and the answer says `date`.
    fn answered(&self, _sent: Timestamp, _received: Timestamp, _date: Timestamp) {}
}

/// Where a list is in a response, and which of its items were asked for.
#[derive(Debug, Clone)]
pub(crate) struct List {
    /// The object that holds the list, its token and its total; `None` if the response itself does.
    within: Option<&'static str>,
    outer: &'static str,
    inner: &'static str,
    /// Whether only the whole content identifies an item.
    is_by_content: bool,
    /// The fields that identify an item.
    id: &'static [&'static str],
    may_be_null: bool,
    /// What the `TotalCount` of a token-paged list says.
    count: Count,
    /// The names of the page size and of the token, for a token-paged list.
    pub(crate) paged_by: (&'static str, &'static str),
    /// The values asked for, by field. Items with another value in such a field are skipped.
    only: Vec<(&'static str, Vec<String>)>,
}

/// What the `TotalCount` of a token-paged list says, and so how many items the list must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Nothing that is relied upon.
    Nothing,
    /// The number of matching items. The list must show as many as it had at some moment.
    AtSomeMoment,
    /// The same, and the list must show as many as it ever had while it was read.
    AtMost,
}

/// One item of a page.
#[derive(Debug)]
pub(crate) struct Item<T> {
    /// The key that identifies the item within the list.
    pub(crate) key: String,
    /// `None` if the item was not asked for.
    pub(crate) entry: Option<Entry<T>>,
}

impl List {
    /// Describes the list `{outer: {inner: [..]}}`. Its items are identified by the fields `id`, the first of which is
    /// the id.
    pub(crate) const fn new(outer: &'static str, inner: &'static str, id: &'static [&'static str]) -> Self {
        let paged_by = ("MaxResults", "NextToken");
        Self {
            within: None,
            is_by_content: false,
            outer,
            inner,
            id,
            may_be_null: false,
            count: Count::Nothing,
            paged_by,
            only: Vec::new(),
        }
    }

    /// Looks for the list, its token and its total in the object `key` of the response.
    pub(crate) fn within(self, key: &'static str) -> Self {
        Self { within: Some(key), ..self }
    }

    /// Tells items apart by all that they hold: those with the same id may be several.
    pub(crate) fn by_content(self) -> Self {
        Self { is_by_content: true, ..self }
    }

    /// Returns the object that holds the list.
    pub(crate) fn root<'a>(&self, response: &ResponseObject<'a>) -> Result<ResponseObject<'a>, String> {
        match self.within {
            Some(key) => response.object(key),
            None => Ok(response.clone()),
        }
    }

    /// Accepts null as an empty list.
    pub(crate) fn or_null(self) -> Self {
        Self { may_be_null: true, ..self }
    }

    /// Requires a token-paged list to have as many items as its `TotalCount` says, when it says the least.
    pub(crate) fn counted(self) -> Self {
        Self { count: Count::AtSomeMoment, ..self }
    }

    /// Requires a token-paged list to have as many items as its `TotalCount` says, when it says the most. A list that
    /// shrinks while it is read is an error then. If its tokens count items, as may be, it has not shown all of them.
    pub(crate) fn counted_throughout(self) -> Self {
        Self { count: Count::AtMost, ..self }
    }

    /// Returns which number of items is required.
    pub(crate) const fn count(&self) -> Count {
        self.count
    }

    /// Uses other names for the page size and the token.
    pub(crate) fn paged_by(self, size: &'static str, token: &'static str) -> Self {
        Self { paged_by: (size, token), ..self }
    }

    /// Returns the number of items in the whole list, if the response's number can be relied upon.
    pub(crate) fn total(&self, response: &ResponseObject<'_>) -> Result<Option<u32>, String> {
        if self.count == Count::Nothing { Ok(None) } else { response.total_count() }
    }

    /// Skips items whose field `key` has none of the values in `asked`. No effect if `asked` is empty.
    pub(crate) fn only<T: Into<String>>(mut self, key: &'static str, asked: impl IntoIterator<Item = T>) -> Self {
        let asked: Vec<String> = asked.into_iter().map(Into::into).collect();
        if !asked.is_empty() {
            self.only.push((key, asked));
        }
        self
    }

    /// Reads the list from a response. An item that cannot be read becomes an unreadable entry.
    pub(crate) fn read<T>(
        &self,
        response: &ResponseObject<'_>,
        credentials: &Credentials,
        read: impl Fn(&ResponseObject<'_>) -> Result<T, String>,
    ) -> Result<Vec<Item<T>>, String> {
        let items = response.items(self.outer, self.inner, self.may_be_null)?;
        let mut times = HashMap::with_capacity(items.size_hint().0);
        let items = items.map(|item| {
            let entry = match read(&item) {
                Ok(read) => Entry::Read(read),
                Err(reason) => {
                    let id = self.id.first().and_then(|id| item.text(id));
                    let unreadable = UnreadableItem { id, place: item.place().to_owned(), reason };
                    Entry::Unreadable(item_without_secrets(unreadable, credentials))
                }
            };
            let ids = match self.id {
                _ if self.is_by_content => None,
                [id] => item.text(id),
                ids => ids.iter().map(|id| item.text(id)).collect::<Option<Vec<_>>>().map(|ids| ids.join("\n")),
            };
            let has_ids = ids.is_some();
            let key = ids.unwrap_or_else(|| item.fingerprint());
            // If a page repeats an id, it is the same item, and the list has another one that the page does not show.
            // Without ids, two different items may look alike.
            let nth = times.entry(key.clone()).and_modify(|nth| *nth += 1).or_insert(0_u32);
            let key = if *nth == 0 || has_ids { key } else { format!("{key}\n#{nth}") };
            let is_asked_for = self.only.iter().all(|(field, asked)| {
                item.text(field).is_none_or(|is| asked.iter().any(|asked| asked.eq_ignore_ascii_case(&is)))
            });
            Item { entry: (is_asked_for && (*nth == 0 || self.is_by_content)).then_some(entry), key }
        });
        Ok(items.collect())
    }
}
