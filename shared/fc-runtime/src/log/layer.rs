//! Turns `tracing` events into log lines.

use std::{cell::Cell, sync::Arc};

use tracing::{
    Event, Metadata, Span, Subscriber, error_span,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Registry,
    layer::{Context, Layer, SubscriberExt as _},
    registry::LookupSpan,
};

use super::{filter::LogFilter, line, sink::Log};

const SPAN: &str = "invocation";
const TARGET: &str = "fc_runtime";

/// Creates the span of an invocation. Its request id and run are on every line logged within it.
///
/// Its level is `error`, so that it exists whenever anything is logged at all.
pub(crate) fn span(request_id: &str) -> Span {
    error_span!(target: TARGET, SPAN, request_id, run = request_id)
}

/// Sets the run id of the current invocation. Each line that it logs from now on carries it. Until then the request id
/// is in its place.
pub fn record_run(run: &str) {
    Span::current().record("run", run);
}

impl Log {
    /// Returns a `tracing` subscriber that writes to this log.
    pub fn subscriber(&self, filter: LogFilter) -> impl Subscriber + Send + Sync + use<> {
        Registry::default().with(JsonLines::new(self.clone(), filter))
    }
}

/// Writes each event as one line of JSON. A filter never hides the span that carries the ids.
struct JsonLines {
    log: Log,
    filter: LogFilter,
}

impl JsonLines {
    fn new(log: Log, filter: LogFilter) -> Self {
        Self { log, filter }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        is_invocation(metadata) || self.filter.targets().would_enable(metadata.target(), metadata.level())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let most = self.filter.targets().iter().map(|(_, level)| level).max().unwrap_or(LevelFilter::OFF);
        Some(most.max(self.filter.targets().default_level().unwrap_or(LevelFilter::OFF)))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_invocation(attributes.metadata()) {
            return;
        }
        let mut ids = Ids::default();
        attributes.record(&mut ids);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(ids) = span.extensions_mut().get_mut::<Ids>()
        {
            values.record(ids);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let ids = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(|span| span.extensions().get::<Ids>().cloned()));
        let head = line::Head {
            time: self.log.clock.now(),
            level: *event.metadata().level(),
            request_id: ids.as_ref().map(|ids| &*ids.request_id),
            run: ids.as_ref().map(|ids| &*ids.run),
        };
        // Taken rather than borrowed: if formatting a value logs something, that finds an empty buffer.
        let mut buffer = BUFFER.take();
        line::write(&mut buffer, &head, &|fields| event.record(fields));
        self.log.write(&buffer);
        BUFFER.set(buffer);
    }
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The ids of the invocation that a line belongs to.
#[derive(Clone)]
struct Ids {
    request_id: Arc<str>,
    run: Arc<str>,
}

impl Default for Ids {
    fn default() -> Self {
        Self { request_id: Arc::from(""), run: Arc::from("") }
    }
}

impl Visit for Ids {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "request_id" => self.request_id = value.into(),
            "run" => self.run = value.into(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

fn is_invocation(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == SPAN && metadata.target() == TARGET
}
