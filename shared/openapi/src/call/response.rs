//! Tells success from failure in a response, and removes secrets from errors.

use json::Json;
use signing::Credentials;

use crate::{Cause, Denied, UnreadableItem, call::response::Object, call::transport::Answer};

/// Returns the body of a successful response, or the cause of the failure with the API's request id.
///
/// A failure may come with HTTP 200 and an error code in the body, or as XML if something on the path does not speak
/// JSON.
pub(crate) fn parse_response(answer: &Answer) -> Result<Json<'_>, (Cause, Option<String>)> {
    let status = answer.status;
    let value = match Json::read(&answer.body) {
        Ok(value @ Json::Object(_)) => value,
        Ok(_) => return Err((Cause::Unreadable { status, reason: "it is no JSON object".to_owned() }, None)),
        Err(error) => return Err(from_xml(answer).unwrap_or_else(|| (no_json(status, &error), None))),
    };
    let whole = Object::whole(&value);
    let text = |upper: &str, lower: &str| whole.text(upper).or_else(|| whole.text(lower));
    let code = text("Code", "code");
    let is_success = (200..300).contains(&status);
    if is_success && code.as_deref().is_none_or(is_good) && whole.text("Success").is_none_or(|text| !is_false(&text)) {
        return Ok(value);
    }

    let request_id = text("RequestId", "requestId");
    let message = filled(text("Message", "message"), whole.text("DynamicMessage"));
    let code = match code {
        // The status in the body says that it failed, and the code says that it did not.
        Some(code) if is_success && is_good(&code) => whole.text("DynamicCode").unwrap_or_else(|| NAMELESS.to_owned()),
        Some(code) => code,
        None if is_success => whole.text("DynamicCode").unwrap_or_else(|| NAMELESS.to_owned()),
        None => return Err((Cause::Unreadable { status, reason: "it has no Code".to_owned() }, request_id)),
    };
    let said = whole.number("HttpStatusCode").and_then(|status| status.try_into().ok());
    let status = if is_success { said.unwrap_or(status) } else { status };
    Err((Cause::Refused { status, code, message, denied: Denied::of(&whole) }, request_id))
}

/// Returns the error message, with its placeholder filled in, as in `The specified %s is not valid`.
fn filled(message: Option<String>, dynamic: Option<String>) -> String {
    const PLACEHOLDER: &str = "%s";
    match (message, dynamic) {
        (Some(message), Some(dynamic)) if message.contains(PLACEHOLDER) => message.replacen(PLACEHOLDER, &dynamic, 1),
        (message, dynamic) => message.or(dynamic).unwrap_or_default(),
    }
}

/// The code of a failure that comes without one.
const NAMELESS: &str = "Unsuccessful";

/// Returns whether the SDKs accept this code as success.
fn is_good(code: &str) -> bool {
    ["200", "OK", "Success"].iter().any(|good| code.eq_ignore_ascii_case(good))
}

fn is_false(text: &str) -> bool {
    text.eq_ignore_ascii_case("false")
}

fn no_json(status: u16, error: &serde_json::Error) -> Cause {
    Cause::Unreadable { status, reason: format!("it is no JSON: {error}") }
}

/// Reads `<Error><RequestId>…</RequestId><Code>…</Code><Message>…</Message></Error>`, ignoring anything around it.
fn from_xml(answer: &Answer) -> Option<(Cause, Option<String>)> {
    let text = String::from_utf8_lossy(&answer.body);
    if (200..300).contains(&answer.status)
        || !text.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).starts_with('<')
    {
        return None;
    }
    let code = element(&text, "Code")?;
    let message = element(&text, "Message").unwrap_or_default();
    let denied = Denied::read(|name| element(&text, name));
    Some((Cause::Refused { status: answer.status, code, message, denied }, element(&text, "RequestId")))
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.trim();
    let text = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text);
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character));
    (!text.is_empty()).then_some(text)
}

/// Removes secrets from the cause of a failure and from its request id, and limits their length.
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
    let clean = |text, longest| secrets.clean(text, longest);
    let cause = match cause {
        Cause::Refused { status, code, message, denied } => {
            let message = match message.find("string to sign is") {
                Some(at) => format!("{}string to sign is (left out here)", &message[..at]),
                None => message,
            };
            let code = if is_good_word(&code) { code } else { "UnreadableCode".to_owned() };
            let denied = denied.map(|denied| Box::new(denied.cleaned(|text| clean(text, LONGEST_NAME))));
            Cause::Refused { status, code, message: clean(message, LONGEST_MESSAGE), denied }
        }
        Cause::Unreadable { status, reason } => Cause::Unreadable { status, reason: clean(reason, LONGEST_MESSAGE) },
        // Whoever issued the certificate chose its text.
        Cause::Untrusted { host, reason } => Cause::Untrusted { host, reason: clean(reason, LONGEST_MESSAGE) },
        other => other,
    };
    (cause, request_id.filter(|id| is_good_word(id)))
}

/// Removes secrets from the error of an unreadable item.
pub(crate) fn item_without_secrets(item: UnreadableItem, credentials: &Credentials) -> UnreadableItem {
    let secrets = Secrets::of(credentials);
    UnreadableItem {
        id: item.id.filter(|id| secrets.is_good_word(id)),
        place: item.place,
        reason: secrets.clean(item.reason, LONGEST_REASON),
    }
}

/// The texts that must not be repeated.
struct Secrets<'c>(Vec<&'c str>);

impl<'c> Secrets<'c> {
    fn of(credentials: &'c Credentials) -> Self {
        let secrets = [Some(credentials.access_key_secret()), credentials.security_token()];
        Self(secrets.into_iter().flatten().filter(|secret| !secret.is_empty()).collect())
    }

    /// Returns whether the text is a single word without a secret in it. Anything but a plain word may contain a
    /// secret.
    fn is_good_word(&self, text: &str) -> bool {
        is_word(text) && !self.0.iter().any(|secret| text.contains(secret))
    }

    fn clean(&self, mut text: String, longest: usize) -> String {
        for secret in &self.0 {
            text = text.replace(secret, "***").replace(&signing::percent_encode(secret), "***");
        }
        if text.chars().count() > longest { text.chars().take(longest).chain("…".chars()).collect() } else { text }
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'*'))
}

/// The maximum length of a message, in characters. The documented ones are below 300.
const LONGEST_MESSAGE: usize = 1000;
/// The maximum length of the reason why an item cannot be read. There may be many of them.
const LONGEST_REASON: usize = 200;
/// The maximum length of the name of an action, a principal or a kind of policy. A role's name has up to 64, and so has
/// its session's.
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<(), (Cause, Option<String>)> {
        let body = body.as_bytes().to_vec();
        let answer = Answer { status, body, date: None, retry_after: None, exhausted: Default::default() };
        parse_response(&answer).map(drop)
    }

    fn refused(status: u16, body: &str) -> (u16, String, String, Option<String>) {
        match of(status, body) {
            Err((Cause::Refused { status, code, message, .. }, id)) => (status, code, message, id),
            other => panic!("{body}: {other:?}"),
        }
    }

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

    /// As the API's documentation of missing permissions shows it, with an encoded message that is easy to find.
    const DETAIL: &str = r#"{"AuthAction":"vpc:CreateFlowLog","AuthPrincipalDisplayName":"flowkeeper:session",
        "AuthPrincipalOwnerId":"1000000000000001","AuthPrincipalType":"AssumedRoleUser",
        "EncodedDiagnosticMessage":"AQEAAAAAencoded","NoPermissionType":"ImplicitDeny",
        "PolicyType":"AccountLevelIdentityBasedPolicy"}"#;

    fn forbidden(detail: &str) -> Cause {
        let body = format!(
            r#"{{"RequestId":"R-1","HostId":"vpc.aliyuncs.com","Code":"Forbidden.RAM","Message":"No.","AccessDeniedDetail":{detail}}}"#
        );
        of(403, &body).unwrap_err().0
    }

    #[test]
    fn a_refusal_for_want_of_a_permission_says_which_is_missing_to_whom_and_nothing_encoded() {
        let as_text = serde_json::to_string(DETAIL).unwrap();
        for detail in [DETAIL, &as_text] {
            let cause = forbidden(detail);
            assert_eq!(
                cause.to_string(),
                "refused with Forbidden.RAM (HTTP 403): No. (vpc:CreateFlowLog is denied to AssumedRoleUser \
                 flowkeeper:session of account 1000000000000001: no AccountLevelIdentityBasedPolicy allows it)"
            );
            assert!(!format!("{cause:?}").contains("AQEAAAAA"), "{cause:?}");
        }
        let cause = forbidden(&DETAIL.replace("ImplicitDeny", "ExplicitDeny"));
        assert!(cause.to_string().ends_with(": AccountLevelIdentityBasedPolicy denies it)"), "{cause}");
        let body = "<Error><Code>NoPermission</Code><Message>No.</Message><AccessDeniedDetail>\
                    <AuthAction>sts:AssumeRole</AuthAction></AccessDeniedDetail></Error>";
        let cause = of(403, body).unwrap_err().0;
        assert_eq!(
            cause.to_string(),
            "refused with NoPermission (HTTP 403): No. (sts:AssumeRole is denied to the caller)"
        );
    }

    #[test]
    fn a_refusal_that_says_nothing_of_a_permission_is_no_longer_for_it() {
        for detail in ["null", "{}", "[]", "7", r#""text""#, r#""{}""#, r#"{"AuthAction":{}}"#, r#"{"New":"x"}"#] {
            assert_eq!(forbidden(detail).to_string(), "refused with Forbidden.RAM (HTTP 403): No.", "{detail}");
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
        let detail =
            format!(r#"{{"AuthAction":"{}","AuthPrincipalDisplayName":"a the-secret the+token"}}"#, "x".repeat(5_000));
        let clean = format!("{:?}", without_secrets(forbidden(&detail), None, &credentials));
        assert!(clean.contains("a *** ***") && clean.len() < 800, "{clean}");
    }

    #[test]
    fn a_success_may_say_so_in_several_ways() {
        for body in [
            r#"{"RequestId":"R"}"#,
            r#"{"Code":"200","Message":"successful"}"#,
            r#"{"Code":200,"Success":true}"#,
            r#"{"Code":"OK","Success":"true"}"#,
            r#"{"Code":"success"}"#,
            r#"{"Code":"","Success":""}"#,
        ] {
            assert!(of(200, body).is_ok(), "{body}");
        }
    }

    #[test]
    fn a_failure_with_http_200_is_a_refusal() {
        for (body, status, code, message) in [
            (r#"{"Code":"IncorrectStatus.Ecr","Message":"No.","Success":false}"#, 200, "IncorrectStatus.Ecr", "No."),
            (r#"{"Code":"IncorrectStatus.Ecr","HttpStatusCode":400}"#, 400, "IncorrectStatus.Ecr", ""),
            (r#"{"Code":"200","Success":"False","DynamicMessage":"No."}"#, 200, "Unsuccessful", "No."),
            (r#"{"Success":false,"DynamicCode":"Dyn","HttpStatusCode":"500"}"#, 500, "Dyn", ""),
            (r#"{"Code":500}"#, 200, "500", ""),
        ] {
            assert_eq!(refused(200, body), (status, code.to_owned(), message.to_owned(), None), "{body}");
        }
    }

    #[test]
    fn the_dynamic_words_of_a_refusal_stand_where_its_message_has_room_for_them() {
        for (message, dynamic, read) in [
            (Some("The specified %s is not valid."), Some("EcrId"), "The specified EcrId is not valid."),
            (Some("FlowLogId[%s] already exists."), Some("fl-1"), "FlowLogId[fl-1] already exists."),
            (Some("%s and %s"), Some("a %s"), "a %s and %s"),
            (Some("The specified %s is not valid."), None, "The specified %s is not valid."),
            (Some("No."), Some("EcrId"), "No."),
            (None, Some("EcrId"), "EcrId"),
            (None, None, ""),
        ] {
            let body = serde_json::json!({"Code": "InvalidParameter", "Message": message, "DynamicMessage": dynamic});
            for status in [200, 400] {
                assert_eq!(refused(status, &body.to_string()).2, read, "{body}");
            }
        }
    }

    #[test]
    fn a_refusal_in_xml_is_read_as_one_in_json() {
        let body = "<?xml version='1.0' encoding='UTF-8'?>\n<Error><RequestId>R-1</RequestId><HostId>h</HostId>\
                    <Code>Throttling.User</Code><Message><![CDATA[Slow down]]></Message></Error>";
        let expected = (400, "Throttling.User".to_owned(), "Slow down".to_owned(), Some("R-1".to_owned()));
        assert_eq!(refused(400, body), expected);
        let body = "\u{feff} <Error>\n <Code> A.B </Code> <Message>a &lt;b&gt; &amp;amp;</Message>";
        assert_eq!(refused(503, body), (503, "A.B".to_owned(), "a <b> &amp;".to_owned(), None));
    }

    #[test]
    fn what_is_neither_is_unreadable() {
        for (status, body) in [
            (502, "<html><h1>Bad Gateway</h1></html>"),
            (400, "<Error><Code></Code></Error>"),
            (200, "<Error><Code>A</Code></Error>"),
            (400, "no"),
            (400, ""),
            (400, "[]"),
            (400, "{}"),
        ] {
            assert!(matches!(of(status, body), Err((Cause::Unreadable { .. }, None))), "{status} {body}");
        }
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
