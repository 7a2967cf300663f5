//! Lists whose pages name the next one by a token, read as a stream that holds one page at a time.
//!
//! Changes during the read are the server's responsibility. Here, nothing is delivered twice. The list ends with an
//! empty token. It is an error if a token leads back to an earlier page, or if tokens go on without a new item. It is
//! also an error if the list ends with fewer items than its `TotalCount` says, where that is documented as the number
//! of matching items, as for routers and their flow logs. For ECS it is documented as meaningless. The accounts of a
//! directory must be as many as its largest `TotalCount`: when one leaves, another one could be skipped.

use std::collections::HashSet;

use futures_util::stream::{self, BoxStream};

use crate::{
    CallError, Cause, Entry, Session,
    call::{request::Request, response_object::ResponseObject},
    paging::{
        ReadItem,
        broken::Broken,
        entries, items,
        listing::{Count, Item, List},
    },
};

/// How many pages in a row may bring nothing new. A server may return pages from which it has filtered everything.
const MAX_IDLE_PAGES: u32 = 50;

impl Session<'_> {
    /// Reads a token-paged list to its end, in pages of size `max_page_size`, or of the server's size if there is none.
    pub(crate) fn by_token<'s, T: Send + 's>(
        &'s self,
        request: Request,
        max_page_size: impl Into<Option<u32>>,
        list: List,
        read: impl Fn(&ResponseObject<'_>) -> Result<T, String> + Send + Sync + 's,
    ) -> BoxStream<'s, Result<Entry<T>, CallError>> {
        let (size_name, token_name) = list.paged_by;
        let request = request.with_some(size_name, max_page_size.into().map(|max_page_size| max_page_size.to_string()));
        let reading = Reading { tokens: TokenReader::new(list.count()), request, list, read: Box::new(read) };
        let pages = stream::try_unfold(reading, move |mut reading| async move {
            let Some(token) = reading.tokens.next.take() else { return Ok::<_, CallError>(None) };
            let page = reading.request.clone().with_some(token_name, token);
            let (found, next, total, request_id) = self
                .call_and_read_items(&page, |response, key| {
                    let root = reading.list.root(response)?;
                    let found = reading.list.read(&root, key, &reading.read)?;
                    let (total, request_id) = (reading.list.total(&root)?, response.text("RequestId"));
                    Ok((found, root.optional_text(token_name)?, total, request_id))
                })
                .await?;
            let new = reading
                .tokens
                .take(found, next, total)
                .map_err(|reason| reading.request.failed(Cause::Unreadable { status: 200, reason }))?;
            self.report_page(&reading.request, new.len(), total, request_id);
            Ok(Some((entries(new), reading)))
        });
        items(pages)
    }
}

/// A list while it is read.
struct Reading<'s, T> {
    tokens: TokenReader,
    request: Request,
    list: List,
    read: ReadItem<'s, T>,
}

/// How far a token-paged list has been read.
#[derive(Debug)]
struct TokenReader {
    count: Count,
    /// The token of the next page; the first page has none. The outer `None` marks the end.
    next: Option<Option<String>>,
    tokens: HashSet<String>,
    seen: HashSet<String>,
    /// How many pages in a row brought nothing new.
    idle: u32,
    /// The smallest or the largest total that the list reported, because a list may change while it is read.
    total: Option<u32>,
}

impl TokenReader {
    fn new(count: Count) -> Self {
        Self { count, next: Some(None), tokens: HashSet::new(), seen: HashSet::new(), idle: 0, total: None }
    }

    /// Processes what a page showed, and returns the new items.
    fn take<T>(
        &mut self,
        mut found: Vec<Item<T>>,
        next: Option<String>,
        total: Option<u32>,
    ) -> Result<Vec<Item<T>>, String> {
        if next.as_ref().is_some_and(|token| !self.tokens.insert(token.clone())) {
            return Err("its NextToken leads back to where it was".to_owned());
        }
        let totals = total.into_iter().chain(self.total);
        self.total = if self.count == Count::AtMost { totals.max() } else { totals.min() };
        found.retain(|item| self.seen.insert(item.key.clone()));
        self.idle = if found.is_empty() { self.idle + 1 } else { 0 };
        if self.idle > MAX_IDLE_PAGES && next.is_some() {
            return Err("its NextToken leads on and on, and to nothing new".to_owned());
        }
        let seen = self.seen.len();
        if let Some(required) = self.total
            && next.is_none()
            && (seen as u64) < u64::from(required)
        {
            return Err(Broken::Short { seen, total: required }.to_string());
        }
        self.next = next.map(Some);
        Ok(found)
    }
}
