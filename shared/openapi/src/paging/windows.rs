//! Which page of a numbered list to read next, as [`by_page_number`](super::by_page_number) describes it. Pure.

use std::collections::HashSet;

use super::broken::Broken;

/// The minimum number of items by which a window overlaps what has been read. If more vanish between two windows, a
/// window is read for nothing.
const MIN_OVERLAP: u32 = 5;
/// The smallest page size at which overlapping windows still advance.
const MIN_OVERLAPPING_PAGE: u32 = 10;
/// How often a list is read, at most, if it claims more items than were found.
const MAX_READINGS: u32 = 3;
/// For how many items there is room from the first page on, if the list claims to have as many.
const MAX_RESERVED: u32 = 1_000;
/// How many pages in a row may bring nothing new, not counting those that were read before.
const MAX_IDLE_PAGES: u32 = 10;

/// One page of some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) page: u32,
    pub(super) size: u32,
}

impl Window {
    const fn offset(self) -> u32 {
        (self.page - 1) * self.size
    }

    /// Returns the page that reaches farthest among those that begin at `at` or before.
    fn at(at: u32, max_page_size: u32) -> Self {
        let sizes = max_page_size.div_ceil(2)..=max_page_size;
        let windows = sizes.map(|size| Self { page: at / size + 1, size });
        windows.max_by_key(|window| (window.offset() + window.size, window.size)).unwrap_or(Self { page: 1, size: 1 })
    }
}

/// What one response shows of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) found: Vec<T>,
    /// The length that the list reports.
    pub(super) total: Option<u32>,
    /// The page size that the server reports.
    pub(super) size: Option<u32>,
}

/// How far a numbered list has been read.
#[derive(Debug)]
pub(super) struct WindowReader {
    /// The largest page that the server returns, as far as known.
    max_page_size: u32,
    /// `Some` while windows need not overlap: the length that the list last reported.
    best_effort: Option<Option<u32>>,
    /// `None` at the end.
    pub(super) next: Option<Window>,
    seen: HashSet<String>,
    calls: u32,
    /// The first length that the list reported.
    length: Option<u32>,
    /// The shortest length that the list reported.
    shortest: Option<u32>,
    readings: u32,
    /// The length when this reading began.
    length_before: Option<u32>,
    /// How many items had been seen when this reading began.
    seen_before: usize,
    /// How many pages in a row brought nothing new.
    idle: u32,
    /// How far to go back if the overlap was not enough. Doubled each time.
    step_back: u32,
}

impl WindowReader {
    pub(super) fn new(max_page_size: u32, is_best_effort: bool) -> Self {
        debug_assert!(max_page_size >= MIN_OVERLAPPING_PAGE);
        Self {
            max_page_size,
            best_effort: is_best_effort.then_some(None),
            next: Some(Window { page: 1, size: max_page_size }),
            seen: HashSet::new(),
            calls: 0,
            length: None,
            shortest: None,
            readings: 1,
            length_before: None,
            seen_before: 0,
            idle: 0,
            step_back: max_page_size,
        }
    }

    /// Returns the next window, and those that will follow it if the list stays as it is. While windows overlap, each
    /// depends on the one before, and only the next one is known.
    pub(super) fn upcoming(&self) -> impl Iterator<Item = Window> {
        let last = match (self.best_effort, self.next) {
            // The first page says how large pages are.
            (Some(Some(total)), Some(next)) if next.page > 1 => total.div_ceil(next.size),
            _ => 0,
        };
        let following = self.next.map(|next| (next.page + 1..=last).map(move |page| Window { page, ..next }));
        self.next.into_iter().chain(following.into_iter().flatten())
    }

    /// Processes what `window` showed, and returns the new items.
    pub(super) fn take<T>(
        &mut self,
        window: Window,
        page: Page<T>,
        id: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, Broken> {
        let Page { found, total, size } = page;
        let offset = window.offset();
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        // A total that is smaller than what the page shows is not reliable.
        let total = total.filter(|total| count == 0 || offset.saturating_add(count) <= *total || count < window.size);
        let is_at_its_end = total.is_some_and(|total| offset.saturating_add(count) >= total);

        let size = size.filter(|size| (count.max(1)..window.size).contains(size));
        // The window lacks items that should be in it.
        let is_cut_short = count < window.size && total.is_some() && !is_at_its_end;
        if size.is_some() || (is_cut_short && count > 0 && offset == 0) {
            // This server's pages are smaller than requested. The first page would have shown it.
            self.max_page_size = size.unwrap_or(count);
        }

        self.calls += 1;
        // Four times the calls that an unchanging list takes, plus a margin.
        let length = *self.length.get_or_insert(total.unwrap_or(u32::MAX));
        if self.calls > (length / self.max_page_size).saturating_mul(4).saturating_add(100) {
            return Err(Broken::Unstable);
        }
        if let Some(total) = total {
            self.shortest = Some(self.shortest.unwrap_or(u32::MAX).min(total));
        }
        if offset == 0 {
            self.length_before = total;
            self.seen.reserve(total.unwrap_or_default().min(MAX_RESERVED) as usize);
        }
        let overlaps = self.max_page_size >= MIN_OVERLAPPING_PAGE;
        if let Some(before) = self.best_effort {
            let is_as_before = total.is_some() && (before.is_none() || before == total);
            self.best_effort = is_as_before.then_some(total);
            if !is_as_before && offset > 0 && overlaps {
                // Items may have moved out of this window into the last one: overlap from here on.
                self.next = Some(Window::at(offset.saturating_sub(MIN_OVERLAP), self.max_page_size));
                return Ok(Vec::new());
            }
        }
        if overlaps
            && self.best_effort.is_none()
            && offset > 0
            && !(is_cut_short && found.is_empty())
            && !found.iter().any(|item| self.seen.contains(&id(item)))
        {
            // There is a gap before this window. Drop its items until the gap has been read.
            self.next = Some(Window::at(offset.saturating_sub(self.step_back), self.max_page_size));
            self.step_back = self.step_back.saturating_mul(2);
            return Ok(Vec::new());
        }
        self.step_back = self.max_page_size;
        let end = offset.saturating_add(count);
        let new: Vec<T> = found.into_iter().filter(|item| self.seen.insert(id(item))).collect();
        self.idle = if new.is_empty() { self.idle + 1 } else { 0 };

        let is_last = match total {
            Some(_) => is_at_its_end,
            None => count < size.unwrap_or(window.size),
        };
        // If a window did not begin where it was meant to, there may be gaps.
        let is_astray = offset > 0 && size.is_some();
        let has_moved = !overlaps && total != self.length_before;
        let is_broken_off = is_cut_short && (offset > 0 || count == 0);
        let is_done = is_last || is_astray || has_moved || is_broken_off || self.is_idle();
        self.next = if !is_done && (self.best_effort.is_some() || !overlaps) {
            // If the first page was smaller than requested, the next ones have its size. Later pages are never smaller.
            let next_size = if offset == 0 { self.max_page_size } else { window.size };
            Some(Window { page: window.page + 1, size: next_size })
        } else if !is_done {
            Some(Window::at(
                end.saturating_sub(MIN_OVERLAP.min(self.max_page_size / MIN_OVERLAPPING_PAGE)),
                self.max_page_size,
            ))
        } else {
            self.next_reading(total, is_last, is_astray || has_moved)?
        };
        Ok(new)
    }

    /// Returns whether page after page brings nothing new, for another reason than rereading earlier pages.
    fn is_idle(&self) -> bool {
        let pages = self.seen.len() / self.max_page_size.max(1) as usize;
        self.idle as usize > MAX_IDLE_PAGES as usize + pages.saturating_mul(2)
    }

    /// Returns where to continue at the end of a reading: at the start of another reading, or nowhere.
    fn next_reading(&mut self, total: Option<u32>, is_last: bool, is_odd: bool) -> Result<Option<Window>, Broken> {
        let seen = self.seen.len();
        let reaches = |length: u32| seen as u64 >= u64::from(length);
        if is_last && !is_odd && total.is_none_or(reaches) {
            return Ok(None);
        }
        let is_worth_it = self.readings == 1 || seen > self.seen_before || is_odd;
        if is_worth_it && self.readings < MAX_READINGS {
            self.readings += 1;
            self.seen_before = seen;
            self.idle = 0;
            return Ok(Some(Window { page: 1, size: self.max_page_size }));
        }
        match self.shortest {
            // It has shown as many items as it had at some moment. The missing ones appeared during the read.
            Some(shortest) if is_last && !is_odd && reaches(shortest) => Ok(None),
            Some(shortest) if !reaches(shortest) => Err(Broken::Short { seen, total: shortest }),
            _ => Err(Broken::Unstable),
        }
    }
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
    fn read(list: &mut Vec<u32>, max_page_size: u32, change: impl FnMut(&mut Vec<u32>)) -> Result<Vec<u32>, Broken> {
        read_by(WindowReader::new(max_page_size, false), max_page_size, list, change)
    }

    /// The same, from a server whose pages have at most `cap` items.
    fn read_by(
        mut reader: WindowReader,
        cap: u32,
        list: &mut Vec<u32>,
        mut change: impl FnMut(&mut Vec<u32>),
    ) -> Result<Vec<u32>, Broken> {
        let mut delivered = Vec::new();
        while let Some(next) = reader.next {
            assert!((1..=reader.max_page_size).contains(&next.size));
            let found = window(list, Window { size: next.size.min(cap), ..next });
            let page = Page { found, total: Some(list.len() as u32), size: None };
            delivered.extend(reader.take(next, page, u32::to_string)?);
            change(list);
        }
        Ok(delivered)
    }

    #[test]
    fn a_list_that_stays_as_it_is_takes_hardly_more_calls_than_it_has_pages() {
        for (length, max_calls) in [(0, 1), (1, 1), (50, 1), (51, 2), (90, 2), (200, 5), (1000, 28), (10_000, 280)] {
            let mut list: Vec<u32> = (0..length).collect();
            let mut calls = 0;
            let delivered = read(&mut list.clone(), 50, |_| calls += 1).unwrap();
            list.sort_unstable();
            assert_eq!(delivered, list);
            assert!(calls <= max_calls, "{length} items took {calls} calls");
        }
    }

    #[test]
    fn a_best_effort_reading_of_a_list_that_stays_as_it_is_takes_as_many_calls_as_it_has_pages() {
        for length in [0, 1, 50, 51, 100, 1001, 10_000] {
            let list: Vec<u32> = (0..length).collect();
            let mut calls = 0;
            let delivered = read_by(WindowReader::new(50, true), 50, &mut list.clone(), |_| calls += 1).unwrap();
            assert_eq!(delivered, list);
            assert_eq!(calls, length.div_ceil(50).max(1), "{length} items");
        }
    }

    #[test]
    fn the_windows_that_follow_are_known_where_none_overlap() {
        let mut list: Vec<u32> = (0..230).collect();
        let pages = |reader: &WindowReader| reader.upcoming().map(|window| window.page).collect::<Vec<_>>();
        for is_best_effort in [true, false] {
            let mut reader = WindowReader::new(50, is_best_effort);
            let mut steps = vec![pages(&reader)];
            while let Some(next) = reader.next {
                let page = Page { found: window(&list, next), total: Some(list.len() as u32), size: None };
                reader.take(next, page, u32::to_string).unwrap();
                steps.push(pages(&reader));
            }
            if is_best_effort {
                assert_eq!(steps, [vec![1], vec![2, 3, 4, 5], vec![3, 4, 5], vec![4, 5], vec![5], vec![]]);
            } else {
                assert!(steps.iter().all(|step| step.len() <= 1), "{steps:?}");
            }
        }
        let mut reader = WindowReader::new(50, true);
        for _ in 0..2 {
            let next = reader.next.unwrap();
            let page = Page { found: window(&list, next), total: Some(list.len() as u32), size: None };
            reader.take(next, page, u32::to_string).unwrap();
            list.remove(0);
        }
        assert_eq!(reader.upcoming().count(), 1, "the length has changed, so the next window overlaps");
    }

    proptest! {
        /// Several windows are shown together, each at any moment until its turn.
        #[test]
        fn windows_that_are_read_ahead_lose_nothing_where_a_length_tells_that_something_vanished(
            length in 51..400_u32,
            staying in prop::collection::vec(any::<bool>(), 400),
            vanishing in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
            moments in prop::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let stays = |item: &u32| staying.get(*item as usize).copied().unwrap_or(false);
            // The list as it was at each moment.
            let mut lists = vec![(0..length).collect::<Vec<u32>>()];
            for at in vanishing {
                let mut list = lists.last().unwrap().clone();
                let at = at.index(list.len().max(1));
                if list.get(at).is_some_and(|item| !stays(item)) {
                    list.remove(at);
                }
                lists.push(list);
            }
            let (mut reader, mut delivered, mut asked) = (WindowReader::new(50, true), Vec::new(), Vec::new());
            let (mut moments, mut now) = (moments.into_iter().cycle(), 0);
            while let Some(next) = reader.next {
                if asked.first().is_none_or(|(window, _): &(Window, usize)| *window != next) {
                    let mut later = || now + moments.next().unwrap().index(lists.len() - now);
                    asked = reader.upcoming().take(8).map(|window| (window, later())).collect();
                }
                let (_, moment) = asked.remove(0);
                now = now.max(moment);
                let list = &lists[moment];
                let page = Page { found: window(list, next), total: Some(list.len() as u32), size: None };
                delivered.extend(reader.take(next, page, u32::to_string).unwrap());
                if reader.upcoming().count() < 2 {
                    asked.clear();
                }
            }
            let distinct: BTreeSet<u32> = delivered.iter().copied().collect();
            prop_assert_eq!(distinct.len(), delivered.len(), "something was delivered twice");
            let lost: Vec<u32> = (0..length).filter(|item| stays(item) && !distinct.contains(item)).collect();
            prop_assert!(lost.is_empty(), "{:?} were lost", lost);
        }
    }

    #[test]
    fn without_a_total_the_list_ends_with_a_page_that_is_not_full() {
        for length in [0, 1, 49, 50, 51, 99, 100, 101, 150] {
            let list: Vec<u32> = (0..length).collect();
            let mut reader = WindowReader::new(50, false);
            let mut delivered = Vec::new();
            while let Some(next) = reader.next {
                let page = Page { found: window(&list, next), total: None, size: None };
                delivered.extend(reader.take(next, page, u32::to_string).unwrap());
            }
            assert_eq!(delivered, list);
        }
    }

    /// Reads a list to its end from a server that answers with `answer`, and returns how many calls it took.
    fn read_from(is_best_effort: bool, mut answer: impl FnMut(Window) -> Page<u32>) -> (Result<Vec<u32>, Broken>, u32) {
        let mut reader = WindowReader::new(50, is_best_effort);
        let mut delivered = Vec::new();
        while let Some(next) = reader.next {
            match reader.take(next, answer(next), u32::to_string) {
                Ok(new) => delivered.extend(new),
                Err(broken) => return (Err(broken), reader.calls),
            }
        }
        (Ok(delivered), reader.calls)
    }

    #[test]
    fn a_list_that_claims_more_than_it_shows_is_an_error_after_a_few_readings() {
        let list: Vec<u32> = (0..120).collect();
        for is_best_effort in [false, true] {
            let (outcome, calls) = read_from(is_best_effort, |next| {
                let found = window(&list, next);
                Page { found, total: Some(500), size: None }
            });
            assert_eq!(outcome, Err(Broken::Short { seen: 120, total: 500 }));
            assert!(calls <= 20, "{calls}");
            for shown in [0, 50] {
                let of_few = read_from(is_best_effort, |next| {
                    let found = if next.page == 1 { list[..shown].to_vec() } else { Vec::new() };
                    Page { found, total: Some(60), size: None }
                });
                assert_eq!(of_few.0, Err(Broken::Short { seen: shown, total: 60 }));
                assert!(of_few.1 <= 4, "{}", of_few.1);
            }
            let always_the_same = |_| Page { found: vec![1], total: Some(1_000_000), size: None };
            let of_one = read_from(is_best_effort, always_the_same);
            assert_eq!(of_one.0, Err(Broken::Short { seen: 1, total: 1_000_000 }));
            assert!(of_one.1 <= 40, "{}", of_one.1);
        }
    }

    #[test]
    fn a_list_that_shows_more_than_it_claims_is_read_to_its_last_page() {
        let list: Vec<u32> = (0..120).collect();
        let (outcome, _) = read_from(false, |next| Page { found: window(&list, next), total: Some(0), size: None });
        assert_eq!(outcome, Ok(list));
    }

    #[test]
    fn a_server_that_gives_smaller_pages_than_asked_for_is_read_to_the_end() {
        for cap in 1..=50 {
            for length in [0, 1, 2, 9, 10, 19, 20, 21, 40, 60, 133] {
                for (is_best_effort, says_it, says_total) in [
                    (false, false, true),
                    (false, true, true),
                    (true, false, true),
                    (true, true, true),
                    (false, true, false),
                ] {
                    let list: Vec<u32> = (0..length).collect();
                    let (outcome, calls) = read_from(is_best_effort, |next| {
                        let size = next.size.min(cap);
                        let found = window(&list, Window { size, ..next });
                        Page { found, total: says_total.then_some(length), size: says_it.then_some(size) }
                    });
                    assert_eq!(outcome, Ok(list), "{length} in pages of {cap}");
                    let pages = length.div_ceil(cap).max(1);
                    assert!(calls <= pages + pages / 2 + 1, "{length} in pages of {cap}: {calls} calls");
                }
            }
        }
    }

    #[test]
    fn a_list_that_grows_faster_than_it_is_read_is_an_error() {
        let mut list: Vec<u32> = (0..100).collect();
        let mut next = 1_000_000;
        let outcome = read(&mut list, 50, |list| {
            // One page of items, in front of what has been read.
            next += 50;
            list.splice(0..0, next..next + 50);
        });
        assert_eq!(outcome, Err(Broken::Unstable));
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
        fn a_best_effort_reading_loses_nothing_where_the_length_tells_that_something_vanished(
            length in 0..400_u32,
            staying in prop::collection::vec(any::<bool>(), 400),
            rounds in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 0..60)), 0..40),
        ) {
            let mut list: Vec<u32> = (0..length).collect();
            let stays = |item: &u32| staying.get(*item as usize).copied().unwrap_or(false);
            let mut newest = 1_000_000;
            let mut rounds = rounds.into_iter();
            let outcome = read_by(WindowReader::new(50, true), 50, &mut list, |list| {
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
            max_page_size in prop_oneof![Just(50_u32), MIN_OVERLAPPING_PAGE..50_u32],
            cap in prop_oneof![Just(50_u32), MIN_OVERLAPPING_PAGE..50_u32],
            staying in prop::collection::vec(any::<bool>(), 400),
            rounds in prop::collection::vec(changes(), 0..40),
        ) {
            let mut list: Vec<u32> = (0..length).collect();
            let stays = |item: &u32| staying.get(*item as usize).copied().unwrap_or(false);
            let mut ever: BTreeSet<u32> = list.iter().copied().collect();
            let mut newest = 1_000_000;
            let mut rounds = rounds.into_iter();
            let outcome = read_by(WindowReader::new(max_page_size, false), cap, &mut list, |list| {
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
