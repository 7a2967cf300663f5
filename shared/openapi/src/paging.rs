//! Paged lists.

mod broken;
mod by_page_number;
mod by_token;
pub(crate) mod listing;
mod windows;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use self::listing::Item;
use crate::{CallError, Entry, call::response_object::ResponseObject};

/// Reads an item of a list. Boxed, so that lists of the same items are read by the same code.
pub(crate) type ReadItem<'s, T> = Box<dyn Fn(&ResponseObject<'_>) -> Result<T, String> + Send + Sync + 's>;

/// Returns the entries that match what was asked for.
pub(crate) fn entries<T>(items: Vec<Item<T>>) -> Vec<Entry<T>> {
    items.into_iter().filter_map(|item| item.entry).collect()
}

/// Flattens a stream of pages into a stream of items.
pub(crate) fn items<'s, T: Send + 's>(
    pages: impl stream::Stream<Item = Result<Vec<T>, CallError>> + Send + 's,
) -> BoxStream<'s, Result<T, CallError>> {
    pages.map_ok(|page| stream::iter(page).map(Ok)).try_flatten().boxed()
}
