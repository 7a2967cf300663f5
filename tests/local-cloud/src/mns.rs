//! Message queues (MNS, now SMQ), as far as somebody needs them who reads dead letters: `ReceiveMessage`,
//! `ChangeMessageVisibility`, `DeleteMessage`, and `SendMessage` and `DeleteQueue` for what else may happen to a queue.
//!
//! Dead letters are the messages. By the API reference of the service; a body is as it was sent, in XML.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    api::{
        authenticate::{MAX_CLOCK_SKEW, text},
        parameters::Parameters,
        rpc_signature::hmac_sha1,
    },
    ram::accounts::Key,
    ros::queue,
    world::{
        journal::{Entry, EntryKind},
        shared::{Shared, World},
    },
};

/// `VisibilityTimeout` of the queue in the template.
const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// How long a message can be hidden by `ChangeMessageVisibility`, in seconds.
const HIDDEN_SECONDS: RangeInclusive<i64> = 1..=43_200;
/// The beginning of the header with the signature.
const SCHEME: &str = "MNS ";

/// What happened to the messages of all queues. A message has the number of its entry in the journal.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// Messages that somebody has received: with which handle, and until when nobody else does.
    received: BTreeMap<usize, (String, Timestamp)>,
    deleted: BTreeSet<usize>,
    handles: usize,
}

/// A refusal: HTTP status, code and message.
type Refusal = (StatusCode, &'static str, String);

/// Returns whether a request is meant for message queues.
pub(crate) fn is_for(request: &Request<Bytes>) -> bool {
    text(request.headers(), header::AUTHORIZATION.as_str()).is_some_and(|value| value.starts_with(SCHEME))
}

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Response<Full<Bytes>> {
    let (status, body) = match answered(shared, request) {
        Ok(answer) => answer,
        Err((status, code, message)) => (status, element("Error", &[("Code", code), ("Message", &message)])),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/xml;charset=utf-8"));
    response
}

fn answered(shared: &Shared, request: &Request<Bytes>) -> Result<(StatusCode, String), Refusal> {
    let now = shared.clock.now();
    let invalid_handle =
        || (StatusCode::BAD_REQUEST, "ReceiptHandleError", "The receipt handle is not valid.".to_owned());
    let not_found = |code| (StatusCode::NOT_FOUND, code, "There is nothing here.".to_owned());
    let path = request.uri().path().strip_prefix("/queues/").ok_or_else(|| not_found("InvalidRequestURL"))?;
    let (name, of_messages) = path.strip_suffix("/messages").map_or((path, false), |name| (name, true));
    let mut query = Parameters::default();
    query.add_form(request.uri().query().unwrap_or_default());
    let home = shared.home();
    let key = shared.read(|world| authenticate(world, request, now))?;
    let queue = queue::arn(&key.caller.account, &home.region, name);
    let action = match (request.method(), of_messages) {
        (&Method::GET, true) => "mns:ReceiveMessage",
        (&Method::POST, true) => "mns:SendMessage",
        (&Method::PUT, true) => "mns:ChangeMessageVisibility",
        (&Method::DELETE, true) => "mns:DeleteMessage",
        (&Method::DELETE, false) => "mns:DeleteQueue",
        _ => {
            let message = "It is none of the calls that are played here.".to_owned();
            return Err((StatusCode::METHOD_NOT_ALLOWED, "InvalidRequestMethod", message));
        }
    };
    let resource = if of_messages { format!("{queue}/messages") } else { queue.clone() };
    let policy = key.session_policy.as_ref();
    let allowed = shared.read(|world| shared.roles.authorize_on(&key.caller, policy, action, &resource, &world.state));
    allowed.map_err(|denied| {
        (StatusCode::FORBIDDEN, "AccessDenied", format!("{} is not allowed on {resource}.", denied.action))
    })?;
    if !shared.read(|world| world.routing.has_queue(&queue)) {
        return Err(not_found("QueueNotExist"));
    }
    match action {
        "mns:ReceiveMessage" => shared
            .write(|world| receive(world, &queue, now))
            .map(|message| (StatusCode::OK, message))
            .ok_or_else(|| not_found("MessageNotExist")),
        "mns:SendMessage" => {
            let body = message_body(request.body())
                .ok_or_else(|| (StatusCode::BAD_REQUEST, "MalformedXML", "There is no MessageBody.".to_owned()))?;
            shared.record(EntryKind::MessageSent { queue, body });
            Ok((StatusCode::CREATED, element("Message", &[])))
        }
        "mns:ChangeMessageVisibility" => {
            let seconds = query.get("VisibilityTimeout").and_then(|text| text.parse().ok());
            let seconds = seconds.filter(|seconds| HIDDEN_SECONDS.contains(seconds)).ok_or_else(|| {
                (StatusCode::BAD_REQUEST, "InvalidArgument", "VisibilityTimeout is not 1 to 43200.".to_owned())
            })?;
            let (handle, until) =
                (query.get("ReceiptHandle").unwrap_or_default(), now + SignedDuration::from_secs(seconds));
            let changed = shared.write(|world| world.messages.hide(handle, until, now)).ok_or_else(invalid_handle)?;
            let members = [("ReceiptHandle", &*changed), ("NextVisibleTime", &until.as_millisecond().to_string())];
            Ok((StatusCode::OK, element("ChangeVisibility", &members)))
        }
        "mns:DeleteQueue" => {
            shared.write(|world| world.routing.delete_queue(&queue));
            Ok((StatusCode::NO_CONTENT, String::new()))
        }
        _ => {
            let handle = query.get("ReceiptHandle").unwrap_or_default();
            if shared.write(|world| world.messages.delete(handle, now)) {
                shared.record(EntryKind::MessageDeleted { queue });
                return Ok((StatusCode::NO_CONTENT, String::new()));
            }
            Err(invalid_handle())
        }
    }
}

impl Messages {
    fn is_visible(&self, message: usize, now: Timestamp) -> bool {
        let is_received = self.received.get(&message).is_some_and(|(_, until)| *until > now);
        !is_received && !self.deleted.contains(&message)
    }

    /// Returns the message that somebody has received with this handle and still holds.
    fn held(&self, handle: &str, now: Timestamp) -> Option<usize> {
        let is_its = |(_, (known, until)): &(&usize, &(String, Timestamp))| known == handle && *until > now;
        let found = self.received.iter().find(is_its).map(|(message, _)| *message);
        found.filter(|message| !self.deleted.contains(message))
    }

    fn delete(&mut self, handle: &str, now: Timestamp) -> bool {
        self.held(handle, now).is_some_and(|message| self.deleted.insert(message))
    }

    /// Hides a message until another time. Returns its new handle; the former one is not valid any more.
    fn hide(&mut self, handle: &str, until: Timestamp, now: Timestamp) -> Option<String> {
        let message = self.held(handle, now)?;
        let changed = self.next_handle();
        self.received.insert(message, (changed.clone(), until));
        Some(changed)
    }

    fn next_handle(&mut self) -> String {
        self.handles += 1;
        format!("1-handle-{}+/=", self.handles)
    }
}

/// Takes the oldest message that nobody has received.
fn receive(world: &mut World, queue: &str, now: Timestamp) -> Option<String> {
    let mut messages =
        world.journal.iter().enumerate().filter_map(|(nth, entry)| Some((nth, entry.at, body(entry, queue)?)));
    let (nth, at, body) = messages.find(|(nth, ..)| world.messages.is_visible(*nth, now))?;
    let handle = world.messages.next_handle();
    let until = now.checked_add(VISIBILITY_TIMEOUT).unwrap_or(Timestamp::MAX);
    world.messages.received.insert(nth, (handle.clone(), until));
    let (id, enqueued) = (format!("local-{nth:012}"), at.as_millisecond().to_string());
    let members = [
        ("MessageId", id.as_str()),
        ("ReceiptHandle", &handle),
        ("MessageBody", &body),
        ("EnqueueTime", &enqueued),
        ("DequeueCount", "1"),
        ("Priority", "8"),
    ];
    Some(element("Message", &members))
}

/// Returns the message that an entry of the journal put into a queue, if it did.
fn body(entry: &Entry, queue: &str) -> Option<String> {
    let (destination, body) = match &entry.what {
        EntryKind::MessageSent { queue: to, body } => return (to == queue).then(|| body.clone()),
        EntryKind::DeadLetter(letter) => (letter.destination.as_deref()?, &letter.payload),
        EntryKind::Undelivered(undelivered) => (undelivered.destination.as_deref()?, &undelivered.event),
        _ => return None,
    };
    (destination.strip_suffix("/messages").unwrap_or(destination) == queue).then(|| json!(body).to_string())
}

/// Returns the key that signed a request.
fn authenticate(world: &World, request: &Request<Bytes>, now: Timestamp) -> Result<Key, Refusal> {
    let headers = request.headers();
    let header = |name: &str| text(headers, name).unwrap_or_default();
    let forbidden = |code, message: &str| (StatusCode::FORBIDDEN, code, message.to_owned());
    let invalid = || (StatusCode::BAD_REQUEST, "InvalidAuthorizationHeader", "It is not MNS id:signature.".to_owned());
    let authorization = header(header::AUTHORIZATION.as_str()).strip_prefix(SCHEME).ok_or_else(invalid)?;
    let (id, signature) = authorization.split_once(':').ok_or_else(invalid)?;
    let key = world.keys.get(id).ok_or_else(|| forbidden("AccessIDAuthError", "There is no such key."))?;
    if key.credentials.security_token.as_deref() != text(headers, "security-token") {
        return Err(forbidden("InvalidSecurityToken", "The token is not that of the key."));
    }
    let date = header(header::DATE.as_str());
    let sent = jiff::fmt::rfc2822::parse(date).map_err(|_| {
        (StatusCode::BAD_REQUEST, "InvalidDateHeader", "It is not such as Thu, 26 Nov 2026 08:00:00 GMT.".to_owned())
    })?;
    if sent.timestamp().duration_since(now).abs() > MAX_CLOCK_SKEW {
        return Err((StatusCode::REQUEST_TIMEOUT, "TimeExpired", "The request is too old or too new.".to_owned()));
    }
    let mut own: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-mns-"))
        .map(|(name, value)| format!("{name}:{}\n", value.to_str().unwrap_or_default()))
        .collect();
    own.sort();
    let resource = request.uri().path_and_query().map_or("", |resource| resource.as_str());
    let signed = format!(
        "{}\n{}\n{}\n{date}\n{}{resource}",
        request.method(),
        header("content-md5"),
        header(header::CONTENT_TYPE.as_str()),
        own.concat()
    );
    let expected = hmac_sha1(key.credentials.access_key_secret.as_bytes(), signed.as_bytes());
    if signature != BASE64_STANDARD.encode(expected) {
        return Err(forbidden("SignatureDoesNotMatch", "The signature is not that of the request."));
    }
    Ok(key)
}

/// Returns the text of a message that is sent.
fn message_body(request: &[u8]) -> Option<String> {
    let (_, rest) = std::str::from_utf8(request).ok()?.split_once("<MessageBody>")?;
    let (body, _) = rest.split_once("</MessageBody>")?;
    Some(body.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

fn element(name: &str, members: &[(&str, &str)]) -> String {
    let member = |(key, value): &(&str, &str)| {
        let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<{key}>{escaped}</{key}>")
    };
    let members: String = members.iter().map(member).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{name} xmlns=\"http://mns.aliyuncs.com/doc/v1/\">{members}</{name}>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_message_is_hidden_for_a_while_and_deleted_by_its_latest_handle_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut messages = Messages::default();
        assert!(messages.is_visible(1, at(0)));
        messages.received.insert(1, ("h".to_owned(), at(60)));
        assert!(!messages.is_visible(1, at(59)) && messages.is_visible(1, at(60)));
        assert!(!messages.delete("other", at(1)) && !messages.delete("h", at(60)), "it is not theirs any more");
        assert!(messages.delete("h", at(59)) && !messages.is_visible(1, at(100)));
        assert!(!messages.delete("h", at(59)), "it is gone");
        assert_eq!(messages.hide("h", at(90), at(59)), None, "it is gone");
    }

    #[test]
    fn a_received_message_can_be_given_back_by_its_latest_handle_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut messages = Messages::default();
        messages.received.insert(1, ("h".to_owned(), at(60)));
        assert_eq!(messages.hide("other", at(11), at(10)), None);
        assert_eq!(messages.hide("h", at(61), at(60)), None, "it is not theirs any more");
        let changed = messages.hide("h", at(11), at(10)).unwrap();
        assert!(!messages.is_visible(1, at(10)) && messages.is_visible(1, at(11)));
        assert!(!messages.delete("h", at(10)) && messages.delete(&changed, at(10)));
    }
}
