//! Lists in numbered pages, read as a stream that holds one page at a time.
//!
//! **Numbered pages** (`PageNumber`, `PageSize`) are windows on a list that may change between two calls. If an item
//! before a window vanishes, the next unread item moves into a page that was read already, and is lost. If an item
//! appears, the last item that was read comes again. So each window overlaps what has been read, and counts only if it
//! contains an item that was seen before. If it contains none, too many items vanished, and an earlier window is read.
//! Numbered pages allow this because each call may choose its page size: page 2 of size 49 begins one item before page
//! 2 of size 50.
//!
//! - **Guaranteed**, as long as the list keeps its items in one order, whatever that is, and wherever items appear and
//!   vanish: an item that exists from the first call to the last is delivered exactly once. No item is delivered twice.
//! - **Not guaranteed**: an item that appears or vanishes during the read may or may not be delivered, and may be gone
//!   by then. If fewer items were seen than the list claims at its end, it is read again, so most of the items that
//!   appeared are delivered too. For a list without a stable order nothing can be guaranteed; reading it again makes a
//!   loss less likely.
//!
//! **A list is complete, or an error.** It ends where its `TotalCount` says, not at a page that is smaller than
//! requested: some servers return smaller pages, and then the windows have that size. A list that shows fewer items
//! than it claims is read again a few times, and is an error after that. A list that shrinks during the read, so that
//! its `TotalCount` falls, is not an error. Only a list without any `TotalCount` ends at a page that is not full.
//!
//! If a server's largest page has fewer than ten items, windows do not overlap. Then a list whose `TotalCount` changes
//! between two pages is read again. If as many items vanish as appear, that many may be missed.
//!
//! **Best-effort** reading (`Session::best_effort`) saves the overlap, which is a third of the calls of a long list, as long as
//! the list reports the same length. Once the length changes, the windows overlap from there on. This gives up one part
//! of the guarantee: if as many items vanish as appear between two windows, that many may be missed. It is meant for
//! callers that look again soon anyway.
//!
//! Memory holds one page and the ids of what has been delivered. A list that changes faster than it can be read ends in
//! an error, not in silent loss.

use futures_util::stream::{self, BoxStream};

use super::windows::{Page, WindowReader};
use crate::{
    CallError, Cause, Entry, Session,
    call::{request::Request, response_object::ResponseObject},
    paging::{entries, items, listing::List},
};

impl Session<'_> {
    /// Reads a numbered list to its end.
    pub(crate) fn by_page_number<'s, T: Send + 's>(
        &'s self,
        request: Request,
        max_page_size: u32,
        list: List,
        read: impl Fn(&ResponseObject<'_>) -> Result<T, String> + Send + Sync + 's,
    ) -> BoxStream<'s, Result<Entry<T>, CallError>> {
        let windows = WindowReader::new(max_page_size, self.is_best_effort());
        let pages = stream::try_unfold(Reading { windows, request, list, read }, move |mut reading| async move {
            let Some(window) = reading.windows.next else { return Ok::<_, CallError>(None) };
            reading.request.set("PageNumber", window.page.to_string());
            reading.request.set("PageSize", window.size.to_string());
            let page = self.call_and_read_items(&reading.request, |response, key| {
                let (total, size) = (response.number("TotalCount"), response.number("PageSize"));
                let request_id = response.text("RequestId");
                Ok((Page { found: reading.list.read(response, key, &reading.read)?, total, size }, request_id))
            });
            let (page, request_id) = page.await?;
            let total = page.total;
            let new = reading.windows.take(window, page, |item| item.key.clone()).map_err(|broken| {
                reading.request.failed(Cause::Unreadable { status: 200, reason: broken.to_string() })
            })?;
            self.report_page(&reading.request, new.len(), total, request_id);
            Ok(Some((entries(new), reading)))
        });
        items(pages)
    }
}

/// A list while it is read.
struct Reading<R> {
    windows: WindowReader,
    request: Request,
    list: List,
    read: R,
}
