//! Reads the body of a request, within limits.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};

use crate::Failure;

/// The largest event: what a synchronous invocation may carry (32 MB), in bytes.
pub(crate) const LARGEST: usize = 32 * 1024 * 1024;

/// How much of a body that is too large is read and thrown away, in bytes, so that the connection can go on and the
/// caller, still writing, gets to see the refusal.
const DISCARDED: usize = LARGEST;

/// The whole body. An event that came in one piece is not copied.
pub(crate) async fn read(mut body: Incoming) -> Result<Bytes, Failure> {
    let announced = body.size_hint().lower();
    if announced > LARGEST as u64 {
        return Err(refuse(body, 0, &format!("of {announced} bytes")).await);
    }
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() <= LARGEST && body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0).max(2 * first.len()));
    let mut piece = first;
    loop {
        if whole.len() + piece.len() > LARGEST {
            let read = whole.len() + piece.len();
            drop(whole);
            return Err(refuse(body, read, "without an announced length").await);
        }
        whole.extend_from_slice(&piece);
        match next(&mut body).await? {
            Some(next) => piece = next,
            None => return Ok(whole.freeze()),
        }
    }
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
async fn refuse(mut body: Incoming, mut read: usize, size: &str) -> Failure {
    // What is still announced, which of a chunked body is nothing.
    while read as u64 + body.size_hint().lower() <= (LARGEST + DISCARDED) as u64 {
        match next(&mut body).await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) | Err(_) => break,
        }
    }
    Failure::new("EventTooLarge", format!("an event {size} is too large: at most {LARGEST} bytes are accepted"))
}
