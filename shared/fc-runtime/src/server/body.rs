//! Reads request bodies, within limits.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Failure;

/// The maximum size of an event: what a synchronous invocation may carry (32 MB), in bytes.
pub(crate) const MAX_EVENT_BYTES: usize = 32 * 1024 * 1024;

/// How much of an oversized body is read and discarded, in bytes, so that the connection stays usable and a caller that
/// is still writing sees the rejection.
const MAX_DISCARDED_BYTES: usize = MAX_EVENT_BYTES;

/// Bodies up to this size need no permit: it is what an asynchronous invocation may carry (128 KB), in bytes.
const SMALL_BODY: usize = 128 * 1024;

/// The maximum total size of larger bodies in memory, in bytes. It leaves room for one event of the maximum size, because
/// an instance may have as little as 128 MB.
const MAX_LARGE_TOTAL: usize = MAX_EVENT_BYTES;

/// The size that one semaphore permit stands for, in bytes.
const PERMIT_BYTES: usize = 1024;

/// Limits the total size of large bodies.
pub(crate) struct BodyLimiter(Arc<Semaphore>);

/// A complete body with its permit, which is held for as long as the body.
#[derive(Default)]
pub(crate) struct Event {
    pub(crate) body: Bytes,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

impl Default for BodyLimiter {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LARGE_TOTAL / PERMIT_BYTES)))
    }
}

impl BodyLimiter {
    /// Reads the whole body. A body that arrives in one piece is not copied.
    ///
    /// Waits for nothing but the body itself. Permits are taken for what has arrived, not for what was announced, so a
    /// stalled caller blocks others by no more than it has sent.
    pub(crate) async fn read(&self, mut body: Incoming) -> Result<Event, Failure> {
        let announced = body.size_hint().lower();
        if announced > MAX_EVENT_BYTES as u64 {
            return Err(refuse(body, 0, too_large(&format!("of {announced} bytes"))).await);
        }
        if announced > SMALL_BODY as u64 && announced.div_ceil(PERMIT_BYTES as u64) > self.0.available_permits() as u64
        {
            return Err(refuse(body, 0, too_many()).await);
        }
        let Some(first) = next(&mut body).await? else { return Ok(Event::default()) };
        if first.len() <= SMALL_BODY && body.is_end_stream() {
            return Ok(Event { body: first, permit: None });
        }
        let mut permit = None;
        let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0).max(2 * first.len()));
        let mut piece = first;
        loop {
            let read = whole.len() + piece.len();
            if read > MAX_EVENT_BYTES {
                drop(whole);
                return Err(refuse(body, read, too_large("without an announced length")).await);
            }
            if read > SMALL_BODY && !self.extend(&mut permit, read) {
                drop(whole);
                return Err(refuse(body, read, too_many()).await);
            }
            whole.extend_from_slice(&piece);
            match next(&mut body).await? {
                Some(next) => piece = next,
                None => return Ok(Event { body: whole.freeze(), permit }),
            }
        }
    }

    /// Extends the permit to `bytes`. Returns false if not enough is free.
    fn extend(&self, permit: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> bool {
        let has = permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more) = u32::try_from(bytes.div_ceil(PERMIT_BYTES).saturating_sub(has)) else { return false };
        let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(more) else { return false };
        match permit {
            Some(permit) => permit.merge(more),
            None => *permit = Some(more),
        }
        true
    }
}

fn too_large(size: &str) -> Failure {
    Failure::new("EventTooLarge", format!("an event {size} is too large: at most {MAX_EVENT_BYTES} bytes are accepted"))
}

fn too_many() -> Failure {
    let problem = format!(
        "with this one, events of more than {SMALL_BODY} bytes would have more than {MAX_LARGE_TOTAL} together; try it \
         again when those that are being worked on are done"
    );
    Failure::new("TooManyLargeEvents", problem)
}

/// Returns the next piece of the body, or `None` at its end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::from_error("EventUnreadable", &error))?;
        // Anything but data is a trailer.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Rejects a body after reading `read` bytes. Reads and discards the rest first if it is small enough.
///
/// Otherwise hyper closes the connection after the response, and announces this in the response.
async fn refuse(mut body: Incoming, mut read: usize, failure: Failure) -> Failure {
    // The announced remainder, which is zero for a chunked body.
    while read as u64 + body.size_hint().lower() <= (MAX_EVENT_BYTES + MAX_DISCARDED_BYTES) as u64 {
        match next(&mut body).await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) | Err(_) => break,
        }
    }
    drop(body);
    // If the response came at once, hyper would have written its head before it looked at the body again.
    tokio::task::yield_now().await;
    failure
}
