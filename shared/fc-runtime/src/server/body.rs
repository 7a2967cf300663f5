//! Reads the body of a request, within limits.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Failure;

/// The largest event: what a synchronous invocation may carry (32 MB), in bytes.
pub(crate) const LARGEST: usize = 32 * 1024 * 1024;

/// How much of a body that is too large is read and thrown away, in bytes, so that the connection can go on and the
/// caller, still writing, gets to see the refusal.
const DISCARDED: usize = LARGEST;

/// The largest event that most are not larger than: what an asynchronous invocation may carry (128 KB), in bytes.
const COMMON: usize = 128 * 1024;

/// How much of larger ones may be in memory together, in bytes: the largest, as an instance may have 128 MB.
const TOGETHER: usize = LARGEST;

/// In what that is counted, in bytes.
const UNIT: usize = 1024;

/// The room for bodies that are larger than most.
pub(crate) struct Bodies(Arc<Semaphore>);

/// A whole body, and the room that it takes, to be kept for as long as the body is.
#[derive(Default)]
pub(crate) struct Event {
    pub(crate) body: Bytes,
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TOGETHER / UNIT)))
    }
}

impl Bodies {
    /// The whole body. An event that came in one piece is not copied.
    ///
    /// Nothing is waited for but the body itself, and it takes the room of what has come, not of what was announced: a
    /// caller that stalls keeps others out by no more than it has sent.
    pub(crate) async fn read(&self, mut body: Incoming) -> Result<Event, Failure> {
        let announced = body.size_hint().lower();
        if announced > LARGEST as u64 {
            return Err(refuse(body, 0, too_large(&format!("of {announced} bytes"))).await);
        }
        if announced > COMMON as u64 && announced.div_ceil(UNIT as u64) > self.0.available_permits() as u64 {
            return Err(refuse(body, 0, too_many()).await);
        }
        let Some(first) = next(&mut body).await? else { return Ok(Event::default()) };
        if first.len() <= COMMON && body.is_end_stream() {
            return Ok(Event { body: first, room: None });
        }
        let mut room = None;
        let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0).max(2 * first.len()));
        let mut piece = first;
        loop {
            let read = whole.len() + piece.len();
            if read > LARGEST {
                drop(whole);
                return Err(refuse(body, read, too_large("without an announced length")).await);
            }
            if read > COMMON && !self.takes(&mut room, read) {
                drop(whole);
                return Err(refuse(body, read, too_many()).await);
            }
            whole.extend_from_slice(&piece);
            match next(&mut body).await? {
                Some(next) => piece = next,
                None => return Ok(Event { body: whole.freeze(), room }),
            }
        }
    }

    /// Makes of `room` one for so many bytes, if there is as much.
    fn takes(&self, room: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> bool {
        let has = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Ok(more) = u32::try_from(bytes.div_ceil(UNIT).saturating_sub(has)) else { return false };
        let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(more) else { return false };
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
        }
        true
    }
}

fn too_large(size: &str) -> Failure {
    Failure::new("EventTooLarge", format!("an event {size} is too large: at most {LARGEST} bytes are accepted"))
}

fn too_many() -> Failure {
    let problem = format!(
        "with this one, events of more than {COMMON} bytes would have more than {TOGETHER} together; try it again when \
         those that are being worked on are done"
    );
    Failure::new("TooManyLargeEvents", problem)
}

/// The next piece of the body; `None` at its end.
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

/// Refuses a body of which `read` bytes were read, having read the rest of it if that is little enough.
///
/// If it is not, hyper closes the connection after the answer, and says so in it.
async fn refuse(mut body: Incoming, mut read: usize, failure: Failure) -> Failure {
    // What is still announced, which of a chunked body is nothing.
    while read as u64 + body.size_hint().lower() <= (LARGEST + DISCARDED) as u64 {
        match next(&mut body).await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) | Err(_) => break,
        }
    }
    failure
}
