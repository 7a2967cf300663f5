//! Lists that come in pages, read as a stream that holds one page at a time.
//!
//! **Numbered pages** (`PageNumber`, `PageSize`) are windows on a list that may change between two of them: when an
//! item before a window vanishes, the next one moves into a page that has been read, and is lost; when one appears,
//! the last one comes again. So each window overlaps what has been read, and counts only if an item of it has been
//! seen before; if none has, too much vanished, and an earlier window is read. This is possible with numbered pages as
//! the size of a page may be chosen anew for each: page 2 of 49 begins one item before page 2 of 50.
//!
//! - **Guaranteed**, as long as the list keeps its items in one order, whatever that is, and wherever items appear and
//!   vanish meanwhile: an item that is there from the first call to the last is delivered exactly once. No item is
//!   delivered twice.
//! - **Not guaranteed**: an item that appears or vanishes meanwhile may be delivered or not, and be gone by then. If
//!   there are fewer than the list says at its end, it is read again, so most that appeared are delivered, too. Of a
//!   list without any order nothing can be guaranteed; reading it again makes a loss less likely.
//!
//! **Thrifty** reading (`Session::thrifty`) saves the overlap, which is a third of the calls of a long list, as long as
//! the list says each time that it is as long as before. Once it does not, the windows overlap from there on. So of
//! the guarantee is missing: where between two windows as many items vanish as appear, so many may be missed. That is
//! for those who look again soon anyway.
//!
//! In memory are one page and the ids of what has been delivered. A list that changes faster than it can be read ends
//! in an error, not in silence.
//!
//! **Chained pages** (`NextToken`) leave all that to the server; here, nothing is delivered twice, and a chain that
//! leads back to where it was is an error.

use std::collections::HashSet;

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use crate::{CallError, Cause, Session, answer::Object, request::Request};

/// How many items of what has been read the next window begins with, at least: so many may vanish between two
/// windows before one is read in vain.
const OVERLAP: u32 = 5;
/// The smallest of the largest pages with which each window reaches beyond the one before.
const SMALLEST: u32 = 10;
/// How often a list is read, at most, that says it has more than was found.
const READINGS: u32 = 3;

/// One page of some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    page: u32,
    size: u32,
}

impl Window {
    const fn offset(self) -> u32 {
        (self.page - 1) * self.size
    }

    /// The page that reaches farthest of those that begin at `at` or before.
    fn at(at: u32, largest: u32) -> Self {
        let sizes = largest.div_ceil(2)..=largest;
        let windows = sizes.map(|size| Self { page: at / size + 1, size });
        windows.max_by_key(|window| (window.offset() + window.size, window.size)).unwrap_or(Self { page: 1, size: 1 })
    }
}

/// Where a numbered list has been read to.
#[derive(Debug)]
struct Numbered {
    largest: u32,
    /// How long the list was the last time, where windows need not overlap until that changes.
    thrifty: Option<Option<u32>>,
    /// `None` at the end.
    next: Option<Window>,
    seen: HashSet<String>,
    calls: u32,
    /// How long it said it was at first.
    length: Option<u32>,
    readings: u32,
    /// How many had been seen when this reading began.
    seen_before: usize,
    /// How far to go back where the overlap was not enough. More each time.
    step_back: u32,
}

/// The list changes faster than it can be read.
#[derive(Debug, PartialEq, Eq)]
struct Restless;

impl Numbered {
    fn new(largest: u32, is_thrifty: bool) -> Self {
        debug_assert!(largest >= SMALLEST);
        Self {
            largest,
            thrifty: is_thrifty.then_some(None),
            next: Some(Window { page: 1, size: largest }),
            seen: HashSet::new(),
            calls: 0,
            length: None,
            readings: 1,
            seen_before: 0,
            step_back: largest,
        }
    }

    /// Takes what `window` showed, and gives back what is new.
    fn take<T>(
        &mut self,
        window: Window,
        found: Vec<T>,
        total: Option<u32>,
        id: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, Restless> {
        self.calls += 1;
        // Four times what a quiet list takes, and some.
        let length = *self.length.get_or_insert(total.unwrap_or(u32::MAX));
        if self.calls > (length / self.largest).saturating_mul(4).saturating_add(100) {
            return Err(Restless);
        }
        let offset = window.offset();
        if let Some(before) = self.thrifty {
            let is_as_before = total.is_some() && (before.is_none() || before == total);
            self.thrifty = is_as_before.then_some(total);
            if !is_as_before && offset > 0 {
                // Items may have moved out of this window into the last one: from here on, with care.
                self.next = Some(Window::at(offset.saturating_sub(OVERLAP), self.largest));
                return Ok(Vec::new());
            }
        }
        if self.thrifty.is_none() && offset > 0 && !found.iter().any(|item| self.seen.contains(&id(item))) {
            // What lies between is not known: what is found here is left until that has been read.
            self.next = Some(Window::at(offset.saturating_sub(self.step_back), self.largest));
            self.step_back = self.step_back.saturating_mul(2);
            return Ok(Vec::new());
        }
        self.step_back = self.largest;
        let count = found.len() as u32;
        let end = offset + count;
        let new: Vec<T> = found.into_iter().filter(|item| self.seen.insert(id(item))).collect();

        let is_last = count < window.size || total.is_some_and(|total| end >= total);
        let is_short = total.is_some_and(|total| (self.seen.len() as u64) < u64::from(total));
        let is_worth_it = self.readings == 1 || self.seen.len() > self.seen_before;
        self.next = if !is_last && self.thrifty.is_some() {
            Some(Window { page: window.page + 1, ..window })
        } else if !is_last {
            Some(Window::at(end.saturating_sub(OVERLAP.min(self.largest / SMALLEST)), self.largest))
        } else if is_short && is_worth_it && self.readings < READINGS {
            self.readings += 1;
            self.seen_before = self.seen.len();
            Some(Window { page: 1, size: self.largest })
        } else {
            None
        };
        Ok(new)
    }
}

impl Session<'_> {
    /// A numbered list, read to its end.
    pub(crate) fn numbered<'s, T: Send + 's>(
        &'s self,
        request: Request,
        largest: u32,
        read: impl Fn(&Object<'_>) -> Result<Vec<T>, String> + Send + Sync + 's,
        id: impl Fn(&T) -> String + Send + Sync + 's,
    ) -> BoxStream<'s, Result<T, CallError>> {
        let state = (Numbered::new(largest, self.is_thrifty()), request, read, id);
        let pages = stream::try_unfold(state, move |(mut numbered, request, read, id)| async move {
            let Some(window) = numbered.next else { return Ok::<_, CallError>(None) };
            let page =
                request.clone().with("PageNumber", window.page.to_string()).with("PageSize", window.size.to_string());
            let (found, total) =
                self.call_and_read(page, |answer| Ok((read(answer)?, answer.number("TotalCount")))).await?;
            let new = numbered.take(window, found, total, &id).map_err(|Restless| {
                let reason = "the list changes faster than it can be read".to_owned();
                request.failed(Cause::Unreadable { status: 200, reason })
            })?;
            Ok(Some((new, (numbered, request, read, id))))
        });
        items(pages)
    }

    /// A chained list, read to its end, in pages of the size that the API takes, or of its own where it takes none.
    pub(crate) fn chained<'s, T: Send + 's>(
        &'s self,
        request: Request,
        largest: impl Into<Option<u32>>,
        read: impl Fn(&Object<'_>) -> Result<Vec<T>, String> + Send + Sync + 's,
        id: impl Fn(&T) -> String + Send + Sync + 's,
    ) -> BoxStream<'s, Result<T, CallError>> {
        let request = request.with_some("MaxResults", largest.into().map(|largest| largest.to_string()));
        let state = (Some(None::<String>), HashSet::new(), HashSet::new(), request, read, id);
        let pages = stream::try_unfold(state, move |(next, mut tokens, mut seen, request, read, id)| async move {
            let Some(token) = next else { return Ok::<_, CallError>(None) };
            let page = request.clone().with_some("NextToken", token);
            let (mut found, next) =
                self.call_and_read(page, |answer| Ok((read(answer)?, answer.text("NextToken")))).await?;
            if next.as_ref().is_some_and(|token| !tokens.insert(token.clone())) {
                let reason = "its NextToken leads back to where it was".to_owned();
                return Err(request.failed(Cause::Unreadable { status: 200, reason }));
            }
            found.retain(|item| seen.insert(id(item)));
            Ok(Some((found, (next.map(Some), tokens, seen, request, read, id))))
        });
        items(pages)
    }
}

fn items<'s, T: Send + 's>(
    pages: impl stream::Stream<Item = Result<Vec<T>, CallError>> + Send + 's,
) -> BoxStream<'s, Result<T, CallError>> {
    pages.map_ok(|page| stream::iter(page).map(Ok)).try_flatten().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn window(list: &[u32], window: Window) -> Vec<u32> {
        list.iter().copied().skip(window.offset() as usize).take(window.size as usize).collect()
    }

    /// Reads a list to its end while `change` changes it between the windows.
    fn read(list: &mut Vec<u32>, largest: u32, change: impl FnMut(&mut Vec<u32>)) -> Result<Vec<u32>, Restless> {
        read_by(Numbered::new(largest, false), list, change)
    }

    fn read_by(
        mut numbered: Numbered,
        list: &mut Vec<u32>,
        mut change: impl FnMut(&mut Vec<u32>),
    ) -> Result<Vec<u32>, Restless> {
        let mut delivered = Vec::new();
        while let Some(next) = numbered.next {
            assert!((1..=numbered.largest).contains(&next.size));
            let found = window(list, next);
            delivered.extend(numbered.take(next, found, Some(list.len() as u32), u32::to_string)?);
            change(list);
        }
        Ok(delivered)
    }

    #[test]
    fn a_list_that_stays_as_it_is_takes_hardly_more_calls_than_it_has_pages() {
        for (length, most) in [(0, 1), (1, 1), (50, 1), (51, 2), (90, 2), (200, 5), (1000, 28), (10_000, 280)] {
            let mut list: Vec<u32> = (0..length).collect();
            let mut calls = 0;
            let delivered = read(&mut list.clone(), 50, |_| calls += 1).unwrap();
            list.sort_unstable();
            assert_eq!(delivered, list);
            assert!(calls <= most, "{length} items took {calls} calls");
        }
    }

    #[test]
    fn a_thrifty_reading_of_a_list_that_stays_as_it_is_takes_as_many_calls_as_it_has_pages() {
        for length in [0, 1, 50, 51, 100, 1001, 10_000] {
            let list: Vec<u32> = (0..length).collect();
            let mut calls = 0;
            let delivered = read_by(Numbered::new(50, true), &mut list.clone(), |_| calls += 1).unwrap();
            assert_eq!(delivered, list);
            assert_eq!(calls, length.div_ceil(50).max(1), "{length} items");
        }
    }

    #[test]
    fn without_a_total_the_list_ends_with_a_page_that_is_not_full() {
        for length in [0, 1, 49, 50, 51, 99, 100, 101, 150] {
            let list: Vec<u32> = (0..length).collect();
            let mut numbered = Numbered::new(50, false);
            let mut delivered = Vec::new();
            while let Some(next) = numbered.next {
                delivered.extend(numbered.take(next, window(&list, next), None, u32::to_string).unwrap());
            }
            assert_eq!(delivered, list);
        }
    }

    #[test]
    fn a_list_that_claims_more_than_it_shows_comes_to_an_end() {
        let list: Vec<u32> = (0..120).collect();
        let mut numbered = Numbered::new(50, false);
        let mut delivered = Vec::new();
        while let Some(next) = numbered.next {
            delivered.extend(numbered.take(next, window(&list, next), Some(500), u32::to_string).unwrap());
        }
        assert_eq!(delivered, list);
        assert!(numbered.calls <= 7, "{}", numbered.calls);
    }

    #[test]
    fn a_list_that_grows_faster_than_it_is_read_is_an_error() {
        let mut list: Vec<u32> = (0..100).collect();
        let mut next = 1_000_000;
        let outcome = read(&mut list, 50, |list| {
            // As many before what has been read as a page holds.
            next += 50;
            list.splice(0..0, next..next + 50);
        });
        assert_eq!(outcome, Err(Restless));
    }

    #[derive(Debug, Clone)]
    enum Change {
        Appear(prop::sample::Index),
        Vanish(prop::sample::Index),
        VanishFromFront(usize),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            3 => any::<prop::sample::Index>().prop_map(Change::Appear),
            3 => any::<prop::sample::Index>().prop_map(Change::Vanish),
            1 => (1..60_usize).prop_map(Change::VanishFromFront),
        ];
        prop::collection::vec(change, 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn a_thrifty_reading_loses_nothing_where_the_length_tells_that_something_vanished(
            length in 0..400_u32,
            staying in prop::collection::vec(any::<bool>(), 400),
            rounds in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 0..60)), 0..40),
        ) {
            let mut list: Vec<u32> = (0..length).collect();
            let stays = |item: &u32| staying.get(*item as usize).copied().unwrap_or(false);
            let mut newest = 1_000_000;
            let mut rounds = rounds.into_iter();
            let outcome = read_by(Numbered::new(50, true), &mut list, |list| {
                let (appear, places) = rounds.next().unwrap_or_default();
                for at in places {
                    let at = at.index(list.len() + 1);
                    if appear {
                        newest += 1;
                        list.insert(at, newest);
                    } else if list.get(at).is_some_and(|item| !stays(item)) {
                        list.remove(at);
                    }
                }
            });
            let delivered = outcome.unwrap();
            let distinct: BTreeSet<u32> = delivered.iter().copied().collect();
            prop_assert_eq!(distinct.len(), delivered.len(), "something was delivered twice");
            let lost: Vec<u32> = (0..length).filter(|item| stays(item) && !distinct.contains(item)).collect();
            prop_assert!(lost.is_empty(), "{:?} were lost", lost);
        }

        #[test]
        fn what_stays_throughout_is_delivered_exactly_once(
            length in 0..400_u32,
            largest in prop_oneof![Just(50_u32), SMALLEST..50_u32],
            staying in prop::collection::vec(any::<bool>(), 400),
            rounds in prop::collection::vec(changes(), 0..40),
        ) {
            let mut list: Vec<u32> = (0..length).collect();
            let stays = |item: &u32| staying.get(*item as usize).copied().unwrap_or(false);
            let mut ever: BTreeSet<u32> = list.iter().copied().collect();
            let mut newest = 1_000_000;
            let mut rounds = rounds.into_iter();
            let outcome = read(&mut list, largest, |list| {
                for change in rounds.next().unwrap_or_default() {
                    match change {
                        Change::Appear(at) => {
                            newest += 1;
                            ever.insert(newest);
                            let at = at.index(list.len() + 1);
                            list.insert(at, newest);
                        }
                        Change::Vanish(at) if !list.is_empty() => {
                            let at = at.index(list.len());
                            if !stays(&list[at]) {
                                list.remove(at);
                            }
                        }
                        Change::Vanish(_) => {}
                        Change::VanishFromFront(count) => {
                            let mut left = count;
                            list.retain(|item| {
                                let goes = left > 0 && !stays(item);
                                left -= usize::from(goes);
                                !goes
                            });
                        }
                    }
                }
            });
            let delivered = outcome.unwrap();
            let distinct: BTreeSet<u32> = delivered.iter().copied().collect();
            prop_assert_eq!(distinct.len(), delivered.len(), "something was delivered twice");
            prop_assert!(distinct.is_subset(&ever));
            let lost: Vec<u32> = (0..length).filter(|item| stays(item) && !distinct.contains(item)).collect();
            prop_assert!(lost.is_empty(), "{:?} were lost", lost);
        }
    }
}
