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
//! **Pages ahead** (`Client::with_pages_at_once`): while windows need not overlap, those of the following pages are known, and
//! several are asked for together. They are taken in the order of the list, and each must report the same length, so what
//! is guaranteed stays the same: only if as many items vanish as appear between two answers, that many may be missed. At
//! the first page that reports another length, what was asked for ahead is dropped, and the windows overlap.
//!
//! Memory holds the pages that were asked for together, usually one, and the ids of what has been delivered. A list that
//! changes faster than it can be read ends in an error, not in silent loss.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesOrdered},
};

use super::windows::{Page, Window, WindowReader};
use crate::{
    CallError, Cause, Entry, Session,
    call::{request::Request, response_object::ResponseObject},
    paging::{
        ReadItem, entries, items,
        listing::{Item, List},
    },
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
        let ahead = Ahead { windows: VecDeque::new(), pages: FuturesOrdered::new() };
        let reading = Reading { windows, source: Arc::new(Source { request, list, read: Box::new(read) }), ahead };
        let pages = stream::try_unfold(reading, move |mut reading| async move {
            let Some(window) = reading.windows.next else { return Ok::<_, CallError>(None) };
            let source = &reading.source;
            reading.ahead.ask(&reading.windows, self.pages_at_once(), |of| self.page(Arc::clone(source), of));
            let (page, request_id) = match reading.ahead.take().await {
                Some(page) => page?,
                None => self.page(Arc::clone(source), window).await?,
            };
            let (total, asked) = (page.total, &source.request);
            let new = reading
                .windows
                .take(window, page, |item| item.key.clone())
                .map_err(|broken| asked.failed(Cause::Unreadable { status: 200, reason: broken.to_string() }))?;
            self.report_page(asked, new.len(), total, request_id);
            Ok(Some((entries(new), reading)))
        });
        items(pages)
    }

    /// Reads one page.
    fn page<'s, T: Send + 's>(&'s self, source: Arc<Source<'s, T>>, window: Window) -> BoxFuture<'s, Answer<T>> {
        let request = source.request.clone();
        let request = request.with("PageNumber", window.page.to_string()).with("PageSize", window.size.to_string());
        Box::pin(async move {
            let page = self.call_and_read_items(&request, |response, key| {
                let (total, size) = (response.number("TotalCount"), response.number("PageSize"));
                let found = source.list.read(response, key, &source.read)?;
                Ok((Page { found, total, size }, response.text("RequestId")))
            });
            page.await
        })
    }
}

/// A page, and the id of the request that it answers.
type Answer<T> = Result<(Page<Item<T>>, Option<String>), CallError>;

/// A list while it is read.
struct Reading<'s, T> {
    windows: WindowReader,
    source: Arc<Source<'s, T>>,
    ahead: Ahead<'s, T>,
}

/// What is read of a list, and how.
struct Source<'s, T> {
    request: Request,
    list: List,
    read: ReadItem<'s, T>,
}

/// The pages that were asked for and are not taken yet, in the order of the list.
struct Ahead<'s, T> {
    windows: VecDeque<Window>,
    pages: FuturesOrdered<BoxFuture<'s, Answer<T>>>,
}

impl<'s, T> Ahead<'s, T> {
    /// Asks for the next window and those after it, if several may be asked for together.
    fn ask(&mut self, reader: &WindowReader, max: usize, page: impl Fn(Window) -> BoxFuture<'s, Answer<T>>) {
        let upcoming: Vec<_> = reader.upcoming().take(max).collect();
        if upcoming.len() < 2 && self.windows.is_empty() {
            return;
        }
        // Where the list goes on otherwise than expected, what was asked for may be older than what was read since.
        if !self.windows.iter().zip(&upcoming).all(|(asked, next)| asked == next) || upcoming.len() < self.windows.len()
        {
            self.windows.clear();
            self.pages = FuturesOrdered::new();
        }
        for window in upcoming.into_iter().skip(self.windows.len()) {
            self.windows.push_back(window);
            self.pages.push_back(page(window));
        }
    }

    async fn take(&mut self) -> Option<Answer<T>> {
        self.windows.pop_front();
        self.pages.next().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// A page of a list with this length, which begins where its window does.
    fn page(window: Window, length: u32) -> Page<Item<u32>> {
        let first = (window.page - 1) * window.size;
        let found = (first..length.min(first + window.size)).map(|nth| Item { key: nth.to_string(), entry: None });
        Page { found: found.collect(), total: Some(length), size: None }
    }

    #[test]
    fn what_was_asked_for_ahead_answers_no_window_but_its_own() {
        let mut reader = WindowReader::new(50, true);
        let mut ahead = Ahead { windows: VecDeque::new(), pages: FuturesOrdered::new() };
        // The first page begins the list, and the others follow. The third one says that the list has become shorter.
        for length in [430, 430, 429, 429, 429] {
            let window = reader.next.unwrap();
            ahead.ask(&reader, 4, |of| Box::pin(async move { Ok((page(of, 430), Some(format!("{of:?}")))) }));
            if let Some(answer) = ahead.take().now_or_never().flatten() {
                assert_eq!(answer.unwrap().1, Some(format!("{window:?}")));
            }
            reader.take(window, page(window, length), |item| item.key.clone()).unwrap();
        }
        assert_eq!(reader.upcoming().count(), 1, "the windows overlap by now");
    }
}
