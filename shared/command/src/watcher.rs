//! Watches a sweep: keeps which lists were read and what was written, and shows progress.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use flow_log::{AccountId, FlowLog, RegionId, Resource, Status};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use reconcile::{Item, Observer, PageObserver, PageRead, Summary, Target};

use crate::{
    columns::marked,
    plan::{ListRead, build::Names, costs::Recorder},
    style::{GREEN, RED, WORD},
    terminal::Terminal,
};

/// Watches a sweep.
#[derive(Debug)]
pub(crate) struct Watcher {
    terminal: Terminal,
    bars: Option<Bars>,
    reads: Mutex<BTreeMap<ListKey, ListRead>>,
    writes: Mutex<Writes>,
    flow_logs: Mutex<BTreeMap<PlaceId, Vec<Recorder>>>,
    names: Mutex<Names>,
}

/// The least number of columns for how fast pages are read.
const WIDE: usize = 72;

/// Account and region.
type PlaceId = (AccountId, RegionId);

/// Account, region, operation, and whether the list was read in part.
type ListKey = (String, String, &'static str, bool);

/// The writes of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes {
    /// Those that were made or have failed, in order.
    pub(crate) ended: Vec<Item>,
    /// Those that have begun and not ended.
    pub(crate) under_way: Vec<Item>,
}

/// Progress on a terminal.
#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    /// The regions that are done, of those that are known.
    total: ProgressBar,
    pages: AtomicU64,
    /// Whether there is room to say how fast it is.
    has_room: bool,
    /// A line for each region that is being read.
    regions: Mutex<BTreeMap<(String, String), ProgressBar>>,
}

impl Watcher {
    /// Watches for a person at this terminal. `parts` is how many regions there are, if that is known.
    pub(crate) fn new(terminal: &Terminal, parts: usize) -> Self {
        let has_room = terminal.stderr_columns.is_none_or(|columns| columns >= WIDE);
        let bars = terminal.shows_progress.then(|| Bars::new(terminal.progress.clone(), parts as u64, has_room));
        Self {
            terminal: terminal.clone(),
            bars,
            reads: Mutex::default(),
            writes: Mutex::default(),
            flow_logs: Mutex::default(),
            names: Mutex::default(),
        }
    }

    /// Returns the lists that were read.
    pub(crate) fn reads(&self) -> Vec<ListRead> {
        lock(&self.reads).values().cloned().collect()
    }

    /// Takes the flow logs that were read, by account and region.
    pub(crate) fn take_flow_logs(&self) -> BTreeMap<PlaceId, Vec<Recorder>> {
        std::mem::take(&mut *lock(&self.flow_logs))
    }

    /// Takes the names of the resources that were read.
    pub(crate) fn take_names(&self) -> Names {
        std::mem::take(&mut *lock(&self.names))
    }

    /// Returns the writes so far.
    pub(crate) fn written(&self) -> Writes {
        lock(&self.writes).clone()
    }

    /// Removes the progress from the terminal.
    pub(crate) fn clear(&self) {
        if let Some(bars) = &self.bars {
            lock(&bars.regions).values().chain([&bars.total]).for_each(ProgressBar::finish_and_clear);
            // A terminal that is gone shows nothing.
            _ = bars.all.clear();
        }
    }

    /// Shows data, with the progress out of its way.
    fn print(&self, text: &str) {
        // Data that cannot be written is reported at the end.
        let print = || _ = self.terminal.print(text);
        match &self.bars {
            Some(bars) => bars.all.suspend(print),
            None => print(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bars {
    fn new(all: MultiProgress, parts: u64, has_room: bool) -> Self {
        let total = all.add(ProgressBar::new(parts));
        total.set_style(style("{bar:12} {pos} of {len} regions{wide_msg}"));
        Self { all, total, has_room, pages: AtomicU64::new(0), regions: Mutex::default() }
    }

    /// Counts a page.
    fn page_read(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// Says how long it takes, how many pages were read, and how fast.
    fn tell(&self) {
        let (pages, done, all) = (self.pages.load(Ordering::Relaxed), self.total.position(), self.total.length());
        let mut said = String::new();
        // Before a region is done, there is nothing to go by.
        if done > 0 && all.is_some_and(|all| done < all) {
            said.push_str(&format!(", {} s left", self.total.eta().as_secs()));
        }
        if self.has_room {
            let rate = pages * 1000 / u64::try_from(self.total.elapsed().as_millis()).unwrap_or(u64::MAX).max(100);
            said.push_str(&format!(", {pages} pages, {rate} a second"));
        }
        self.total.set_message(said);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl PageObserver for Watcher {
    fn page_read(&self, account: &AccountId, region: &RegionId, page: &PageRead) {
        let key = (account.to_string(), region.to_string(), page.action, page.is_filtered);
        let mut reads = lock(&self.reads);
        let read = reads.entry(key).or_insert_with(|| ListRead {
            account: account.to_string(),
            region: region.to_string(),
            action: page.action.to_owned(),
            filtered: page.is_filtered,
            pages: 0,
            items: 0,
            total: None,
            first_request_id: page.request_id.clone(),
            last_request_id: None,
        });
        read.pages += 1;
        read.items += page.items;
        read.total = page.total.filter(|_| !page.is_filtered).or(read.total);
        read.last_request_id.clone_from(&page.request_id);
        let said = format!("{account} {region} {}: items {}, pages {}", page.action, read.items, read.pages);
        drop(reads);
        if let Some(bars) = &self.bars {
            bars.page_read();
        }
        if let Some(bars) = &self.bars
            && let Some(bar) = lock(&bars.regions).get(&(account.to_string(), region.to_string()))
        {
            bar.set_message(said);
        }
    }
}

impl Observer for Watcher {
    fn account_begun(&self, _: &AccountId, parts: &[Target]) {
        if let Some(bars) = &self.bars {
            bars.total.inc_length(parts.len() as u64);
        }
    }

    fn resource_read(&self, account: &AccountId, region: &RegionId, resource: &Resource) {
        if let Some(name) = resource.name.as_ref().filter(|name| !name.is_empty()) {
            let id = [account.to_string(), region.to_string(), resource.id.to_string()];
            lock(&self.names).insert(id, name.clone());
        }
    }

    fn flow_log_read(&self, account: &AccountId, region: &RegionId, flow_log: &FlowLog) {
        let recorder = Recorder {
            id: flow_log.id.to_string(),
            resource_id: flow_log.resource_id.clone(),
            interval_minutes: flow_log.aggregation_interval,
            is_on: flow_log.status == Status::Active,
        };
        lock(&self.flow_logs).entry((account.clone(), region.clone())).or_default().push(recorder);
    }

    fn region_begun(&self, account: &AccountId, region: &RegionId) {
        if let Some(bars) = &self.bars {
            let bar = bars.all.add(ProgressBar::new_spinner());
            bar.set_style(style("  {wide_msg}"));
            bar.set_message(format!("{account} {region}"));
            lock(&bars.regions).insert((account.to_string(), region.to_string()), bar);
        }
    }

    fn region_done(&self, account: &AccountId, region: &RegionId, _: &Summary) {
        if let Some(bars) = &self.bars {
            bars.total.inc(1);
            bars.tell();
            if let Some(bar) = lock(&bars.regions).remove(&(account.to_string(), region.to_string())) {
                bar.finish_and_clear();
            }
        }
    }

    fn write_begun(&self, item: &Item) {
        lock(&self.writes).under_way.push(item.clone());
    }

    fn write_done(&self, item: &Item) {
        let mut writes = lock(&self.writes);
        writes.under_way.retain(|begun| !is_same(begun, item));
        writes.ended.push(item.clone());
        drop(writes);
        self.print(&line(item, self.terminal.cut_at()));
    }
}

fn is_same(one: &Item, other: &Item) -> bool {
    let key = |item: &Item| (item.account.clone(), item.region.clone(), item.resource_id.clone(), item.action);
    key(one) == key(other)
}

/// Says in a line what was written.
fn line(item: &Item, columns: Option<usize>) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (word, style) = match &item.error {
        None => ("done", GREEN),
        Some(_) => ("failed", RED),
    };
    let action = item.action.map(|action| action.to_string()).unwrap_or_default();
    let place = format!("{} {}", text(&item.account), text(&item.region));
    let flow_log = item.flow_log_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let why = item.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    let said = format!("{action} {}{flow_log} in {place}{why}", text(&item.resource_id));
    marked(style, word, WORD, &said, columns)
}
