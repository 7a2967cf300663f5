//! Turns `tracing` events into log lines.

use tracing::{
    Event, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

use super::{filter::LogFilter, invocation_log::current_ids, line, names, sink::Log};

impl Log {
    /// Returns a `tracing` subscriber that writes to this log. It keeps no spans: the ids of an invocation belong to
    /// its task.
    pub fn subscriber(&self, filter: LogFilter) -> impl Subscriber + Send + Sync + use<> {
        JsonLines { log: self.clone(), filter }
    }
}

/// Writes each event as one line of JSON.
struct JsonLines {
    log: Log,
    filter: LogFilter,
}

impl Subscriber for JsonLines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.targets().would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let most = self.filter.targets().iter().map(|(_, level)| level).max().unwrap_or(LevelFilter::OFF);
        Some(most.max(self.filter.targets().default_level().unwrap_or(LevelFilter::OFF)))
    }

    fn event(&self, event: &Event<'_>) {
        let head = line::Head { time: self.log.clock.now(), level: *event.metadata().level(), ids: current_ids() };
        let names = names::of(event.metadata());
        self.log.write(|out| line::write(out, &head, &names, &|fields| event.record(fields)));
    }

    // No span is enabled, so none of the following is called.

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
