//! Makes lines of what `tracing` reports.

use std::cell::Cell;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Span, Subscriber, error_span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{Log, LogFilter, line};

const SPAN: &str = "invocation";
const TARGET: &str = "fc_runtime";

/// The span of one invocation, whose request id is on each line that is logged within.
///
/// Of level `error`, so that it is there wherever anything is logged at all.
pub(crate) fn span(request_id: &str) -> Span {
    error_span!(target: TARGET, SPAN, request_id)
}

/// Writes each event as one line of JSON. A filter never hides the span that carries the request id.
pub(super) struct JsonLines {
    log: Log,
    filter: LogFilter,
}

impl JsonLines {
    pub(super) fn new(log: Log, filter: LogFilter) -> Self {
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
        let mut request_id = RequestId::default();
        attributes.record(&mut request_id);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(request_id);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let request_id = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(|span| span.extensions().get::<RequestId>().cloned()));
        let head = line::Head {
            time: self.log.clock.now(),
            level: *event.metadata().level(),
            request_id: request_id.as_ref().map(|RequestId(id)| &**id),
        };
        // Taken, and not borrowed: a value that logs while it is being formatted finds an empty one.
        let mut buffer = BUFFER.take();
        line::write(&mut buffer, &head, &|fields| event.record(fields));
        self.log.write(&buffer);
        BUFFER.set(buffer);
    }
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[derive(Clone)]
struct RequestId(Arc<str>);

impl Default for RequestId {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl Visit for RequestId {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            self.0 = value.into();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

fn is_invocation(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == SPAN && metadata.target() == TARGET
}
