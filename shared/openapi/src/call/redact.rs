//! Removes secrets from errors, writes out what cannot be seen in them, and limits their length.

use signing::Credentials;
use visible::visible;

use crate::{Cause, UnreadableItem};

/// Removes secrets from the cause of a failure and from its request id, and limits their length. No text of the cause has a
/// line break or another character that could forge a line.
///
/// A rejected signature is answered with the string that the server signed, including the security token. Secrets can
/// be anywhere else too, because the endpoint may say whatever it likes.
pub(crate) fn without_secrets(
    cause: Cause,
    request_id: Option<String>,
    credentials: &Credentials,
) -> (Cause, Option<String>) {
    let secrets = Secrets::of(credentials);
    let is_good_word = |text: &str| secrets.is_good_word(text);
    let clean = |text, max_chars| secrets.clean(text, max_chars);
    let cause = match cause {
        Cause::Refused { status, code, message, denied } => {
            let message = match message.find("string to sign is") {
                Some(at) => format!("{}string to sign is (left out here)", &message[..at]),
                None => message,
            };
            let code = if is_good_word(&code) { code } else { "UnreadableCode".to_owned() };
            let denied = denied.map(|denied| Box::new(denied.cleaned(|text| clean(text, MAX_NAME_CHARS))));
            Cause::Refused { status, code, message: clean(message, MAX_MESSAGE_CHARS), denied }
        }
        Cause::Unreadable { status, reason } => Cause::Unreadable { status, reason: clean(reason, MAX_MESSAGE_CHARS) },
        // The issuer of the certificate chose its text.
        Cause::Untrusted { host, reason } => Cause::Untrusted { host, reason: clean(reason, MAX_MESSAGE_CHARS) },
        other => other,
    };
    (cause, request_id.filter(|id| is_good_word(id)))
}

/// Returns the request id of a success, unless a secret is in it.
pub(crate) fn id_without_secrets(request_id: Option<String>, credentials: &Credentials) -> Option<String> {
    request_id.filter(|id| Secrets::of(credentials).is_good_word(id))
}

/// Removes secrets from the error of an unreadable item.
pub(crate) fn item_without_secrets(item: UnreadableItem, credentials: &Credentials) -> UnreadableItem {
    let secrets = Secrets::of(credentials);
    UnreadableItem {
        id: item.id.filter(|id| secrets.is_good_word(id)),
        place: item.place,
        reason: secrets.clean(item.reason, MAX_REASON_CHARS),
    }
}

/// The texts that must not be repeated.
struct Secrets<'c>(Vec<&'c str>);

impl<'c> Secrets<'c> {
    fn of(credentials: &'c Credentials) -> Self {
        let secrets = [Some(credentials.access_key_secret()), credentials.security_token()];
        Self(secrets.into_iter().flatten().filter(|secret| secret.len() >= MIN_SECRET_BYTES).collect())
    }

    /// Returns whether the text is a single word without a secret in it. Anything but a plain word may contain a
    /// secret.
    fn is_good_word(&self, text: &str) -> bool {
        is_word(text) && !self.0.iter().any(|secret| text.contains(secret))
    }

    fn clean(&self, mut text: String, max_chars: usize) -> String {
        for secret in &self.0 {
            text = text.replace(secret, "***").replace(&signing::percent_encode(secret), "***");
        }
        let shown = visible(&text);
        if shown.chars().count() > max_chars {
            shown.chars().take(max_chars).chain("…".chars()).collect()
        } else {
            shown.into_owned()
        }
    }
}

/// The minimum length of what is taken out of texts. Secrets of Alibaba Cloud have 30 characters and more. A shorter one is
/// a mistake, such as one letter, and to take it out would leave no word whole, and would tell what it is.
const MIN_SECRET_BYTES: usize = 6;

fn is_word(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'*'))
}

/// The maximum length of a message, in characters. The documented ones are below 300.
const MAX_MESSAGE_CHARS: usize = 1000;
/// The maximum length of the reason why an item cannot be read. There may be many of them.
const MAX_REASON_CHARS: usize = 200;
/// The maximum length of the name of an action, a principal or a kind of policy. A role's name has up to 64, and so has
/// its session's.
const MAX_NAME_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccessDenied;

    #[test]
    fn no_secret_comes_through_a_code_or_a_message_and_neither_is_long() {
        let credentials = Credentials::new("id", "the-secret").with_security_token("the+token");
        let cause = |code: &str, message: &str| Cause::Refused {
            status: 400,
            code: code.into(),
            message: message.into(),
            denied: None,
        };
        for (code, message) in [
            ("the-secret", "it was the-secret"),
            ("Bad", "the+token and the%2Btoken"),
            ("SignatureDoesNotMatch", "server string to sign is:GET&%2F&SecurityToken%3Dthe%252Btoken"),
            ("a b", &"x".repeat(5_000_000)),
        ] {
            let clean = format!("{:?}", without_secrets(cause(code, message), None, &credentials));
            for secret in ["the-secret", "the+token", "the%2Btoken", "the%252Btoken"] {
                assert!(!clean.contains(secret), "{clean}");
            }
            assert!(clean.len() < 1_200 && !clean.contains("a b"), "{clean}");
        }
    }

    #[test]
    fn what_is_too_short_for_a_secret_does_not_spoil_the_words_of_an_error() {
        let message = "The specified AccessKey is not found.";
        for (secret, token) in [("e", Some("s")), ("", None), ("is not", Some("found"))] {
            let credentials = Credentials::new("id", secret);
            let credentials = token.into_iter().fold(credentials, Credentials::with_security_token);
            let code = "InvalidAccessKeyId.NotFound".to_owned();
            let cause = Cause::Refused { status: 404, code, message: message.into(), denied: None };
            let said = without_secrets(cause, Some("R-1".to_owned()), &credentials);
            let expected = message.replace("is not", if secret == "is not" { "***" } else { "is not" });
            assert!(said.0.to_string().contains(&expected), "{secret:?}: {said:?}");
            assert!(said.0.to_string().contains("InvalidAccessKeyId.NotFound") && said.1.is_some(), "{said:?}");
        }
    }

    #[test]
    fn no_secret_comes_through_what_cannot_be_read_or_the_id_of_a_request() {
        let credentials = Credentials::new("id", "the-secret").with_security_token("the+token");
        let reason = format!("VpcId: \"the-secret the+token the%2Btoken{}\" is not a VPC id", "x".repeat(5_000));
        for request_id in ["the-secret", "1-the-secret", "a b", &"x".repeat(101)] {
            let cause = Cause::Unreadable { status: 200, reason: reason.clone() };
            let (cause, request_id) = without_secrets(cause, Some(request_id.to_owned()), &credentials);
            let said = cause.to_string();
            assert!(said.contains("VpcId: \"*** *** ***xx") && said.len() < 1_200, "{said}");
            assert_eq!(request_id, None);
        }
    }

    #[test]
    fn no_secret_comes_through_an_item_that_cannot_be_read() {
        let credentials = Credentials::new("id", "the-secret").with_security_token("the+token");
        for id in ["the-secret", "1-the-secret", "a b"] {
            let reason = format!("OwnerId: \"the-secret the+token the%2Btoken{}\" is none", "x".repeat(5_000));
            let item = UnreadableItem { id: Some(id.to_owned()), place: "Vpcs[0]".to_owned(), reason };
            let item = item_without_secrets(item, &credentials);
            assert_eq!(item.id, None);
            assert!(item.reason.starts_with("OwnerId: \"*** *** ***xx") && item.reason.len() < 250, "{item}");
        }
        let item = UnreadableItem { id: Some("vpc-1".to_owned()), place: String::new(), reason: String::new() };
        assert_eq!(item_without_secrets(item, &credentials).id.as_deref(), Some("vpc-1"));
    }

    #[test]
    fn the_names_in_a_certificate_do_not_make_a_long_line() {
        let credentials = Credentials::new("id", "the-secret");
        let cause = Cause::Untrusted { host: "a".to_owned(), reason: "the-secret or ".repeat(5_000) };
        let said = without_secrets(cause, None, &credentials).0.to_string();
        assert!(said.starts_with("no connection to a: *** or ") && said.chars().count() < 1_100, "{said}");
    }

    #[test]
    fn no_secret_comes_through_the_name_of_a_permission() {
        let credentials = Credentials::new("id", "the-secret").with_security_token("the+token");
        let denied = AccessDenied {
            action: Some("x".repeat(5_000)),
            principal: Some("a the-secret the+token".to_owned()),
            ..AccessDenied::default()
        };
        let (code, message) = ("Forbidden.RAM".to_owned(), "No.".to_owned());
        let cause = Cause::Refused { status: 403, code, message, denied: Some(Box::new(denied)) };
        let clean = format!("{:?}", without_secrets(cause, None, &credentials));
        assert!(clean.contains("a *** ***") && clean.len() < 800, "{clean}");
    }

    #[test]
    fn no_text_of_an_error_breaks_a_line_or_turns_it_around() {
        let credentials = Credentials::new("id", "the-secret");
        let hostile = "no\nseal 00\r\u{1b}[2K\u{202e}\u{2028}x".to_owned();
        let shown = "no\\u{000a}seal 00\\u{000d}\\u{001b}[2K\\u{202e}\\u{2028}x";
        let denied = AccessDenied { principal: Some(hostile.clone()), ..AccessDenied::default() };
        for cause in [
            Cause::Refused {
                status: 403,
                code: "A".to_owned(),
                message: hostile.clone(),
                denied: Some(Box::new(denied)),
            },
            Cause::Unreadable { status: 200, reason: hostile.clone() },
            Cause::Untrusted { host: "a".to_owned(), reason: hostile.clone() },
        ] {
            let is_refused = matches!(cause, Cause::Refused { .. });
            let said = without_secrets(cause, None, &credentials).0.to_string();
            assert_eq!(said.matches(shown).count(), if is_refused { 2 } else { 1 }, "{said}");
            assert!(!said.contains(visible::is_invisible), "{said:?}");
        }
        let item = UnreadableItem { id: None, place: "Vpcs[0]".to_owned(), reason: hostile };
        assert_eq!(item_without_secrets(item, &credentials).reason, shown);
        let long = Cause::Unreadable { status: 200, reason: "\n".repeat(5_000) };
        assert!(without_secrets(long, None, &credentials).0.to_string().len() < 1_200);
    }

    #[test]
    fn the_text_that_was_signed_and_the_token_are_left_out() {
        let credentials = Credentials::new("STS.id", "the+secret").with_security_token("the/token");
        for message in [
            "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&the%2Ftoken",
            "SecurityToken the/token and the%2Ftoken and the+secret are bad",
        ] {
            let cause = Cause::Refused { status: 400, code: "A".to_owned(), message: message.to_owned(), denied: None };
            let text = without_secrets(cause, None, &credentials).0.to_string();
            assert!(!["the/token", "the%2Ftoken", "the+secret"].iter().any(|secret| text.contains(secret)), "{text}");
        }
    }
}
