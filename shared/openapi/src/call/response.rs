//! A response, and whether it is a success or a failure.

use std::time::Duration;

use bytes::Bytes;
use json::Json;

use crate::{AccessDenied, Cause, call::response_object::ResponseObject};

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// The request id in the headers of a failure, and of an operation with a path: some products have it nowhere else.
    pub(crate) request_id: Option<String>,
    /// The server's `Date`.
    pub(crate) date: Option<jiff::Timestamp>,
    /// The server's `x-acs-retry-after`, in milliseconds.
    pub(crate) retry_after: Option<Duration>,
    /// How long the server accepts no more calls, of this operation and of any.
    pub(crate) exhausted: Exhausted,
}

/// How long the server accepts no more calls, according to its rate limit headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Exhausted {
    /// No more calls of this operation (`X-RateLimit-User-API`).
    pub(crate) operation: Option<Duration>,
    /// No more calls at all (`X-RateLimit-User`).
    pub(crate) all: Option<Duration>,
}

/// What a successful response looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An object.
    Object,
    /// An object, or nothing at all.
    ObjectOrNothing,
    /// An array. It is read as an object with this one member.
    List,
}

impl Answer {
    /// The name of the array.
    pub(crate) const LIST: &'static str = "list";
}

/// Returns the body of a successful response, or the cause of the failure with the API's request id.
///
/// A failure may come with HTTP 200 and an error code in the body, or as XML if something on the path does not speak
/// JSON. If the operation has nothing to answer, an empty body is a success, and so is the status 202 with any body that
/// does not name an error.
pub(crate) fn parse_response(response: &Response, expected: Answer) -> Result<Json<'_>, (Cause, Option<String>)> {
    let status = response.status;
    let may_answer_nothing = expected == Answer::ObjectOrNothing;
    let is_success = (200..300).contains(&status);
    if may_answer_nothing && is_success && response.body.trim_ascii().is_empty() {
        return Ok(Json::Object(Vec::new()));
    }
    let value = match Json::read(&response.body) {
        Ok(value @ Json::Object(_)) => value,
        Ok(list @ Json::Array(_)) if expected == Answer::List && is_success => {
            return Ok(Json::Object(vec![(Answer::LIST.into(), list)]));
        }
        _ if may_answer_nothing && status == 202 => return Ok(Json::Object(Vec::new())),
        Ok(_) => return Err((Cause::Unreadable { status, reason: "it is no JSON object".to_owned() }, None)),
        Err(error) => return Err(from_xml(response).unwrap_or_else(|| (no_json(status, &error), None))),
    };
    let whole = ResponseObject::whole(&value);
    // Simple Log Service has names of its own.
    let text = |names: [&str; 3]| names.into_iter().find_map(|name| whole.text(name));
    let code = text(["Code", "code", "errorCode"]);
    if is_success
        && code.as_deref().is_none_or(is_good)
        && whole.text("Success").is_none_or(|success| !is_false(&success))
    {
        if expected == Answer::List {
            return Err((Cause::Unreadable { status, reason: "it is no JSON array".to_owned() }, None));
        }
        return Ok(value);
    }

    let request_id = text(["RequestId", "requestId", "requestID"]);
    let message = filled(text(["Message", "message", "errorMessage"]), whole.text("DynamicMessage"));
    let code = match code {
        // The status in the body says that it failed, and the code says that it did not.
        Some(code) if is_success && is_good(&code) => whole.text("DynamicCode").unwrap_or_else(|| NAMELESS.to_owned()),
        Some(code) => code,
        None if is_success => whole.text("DynamicCode").unwrap_or_else(|| NAMELESS.to_owned()),
        None => return Err((Cause::Unreadable { status, reason: "it has no Code".to_owned() }, request_id)),
    };
    let said = whole.number("HttpStatusCode").and_then(|number| number.try_into().ok());
    let status = if is_success { said.unwrap_or(status) } else { status };
    Err((Cause::Refused { status, code, message, denied: AccessDenied::of(&whole) }, request_id))
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
fn from_xml(response: &Response) -> Option<(Cause, Option<String>)> {
    let text = String::from_utf8_lossy(&response.body);
    if (200..300).contains(&response.status)
        || !text.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).starts_with('<')
    {
        return None;
    }
    let code = element(&text, "Code")?;
    let message = element(&text, "Message").unwrap_or_default();
    let denied = AccessDenied::read(|name| element(&text, name));
    Some((Cause::Refused { status: response.status, code, message, denied }, element(&text, "RequestId")))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<(), (Cause, Option<String>)> {
        of_call(status, body, false)
    }

    fn of_call(status: u16, body: &str, may_answer_nothing: bool) -> Result<(), (Cause, Option<String>)> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response =
            Response { status, body, request_id: None, date: None, retry_after: None, exhausted: Default::default() };
        let expected = if may_answer_nothing { Answer::ObjectOrNothing } else { Answer::Object };
        parse_response(&response, expected).map(drop)
    }

    #[test]
    fn an_array_is_the_answer_where_one_is_expected_and_nowhere_else() {
        let parse = |status: u16, body: &str, expected| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let response = Response {
                status,
                body,
                request_id: None,
                date: None,
                retry_after: None,
                exhausted: Default::default(),
            };
            parse_response(&response, expected)
                .map(|value| ResponseObject::whole(&value).list(Answer::LIST, "").count())
        };
        assert_eq!(parse(200, "[{}, {}]", Answer::List), Ok(2));
        for (status, body, expected) in [
            (200, "{}", Answer::List),
            (404, "[]", Answer::List),
            (200, "7", Answer::List),
            (200, "[]", Answer::Object),
        ] {
            assert!(matches!(parse(status, body, expected), Err((Cause::Unreadable { .. }, None))), "{status} {body}");
        }
        let refused = parse(404, r#"{"errorCode":"LogStoreNotExist","errorMessage":"No."}"#, Answer::List);
        assert!(matches!(refused, Err((Cause::Refused { .. }, None))), "{refused:?}");
    }

    fn refused(status: u16, body: &str) -> (u16, String, String, Option<String>) {
        match of(status, body) {
            Err((Cause::Refused { status, code, message, .. }, id)) => (status, code, message, id),
            other => panic!("{body}: {other:?}"),
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
        let explicit = forbidden(&DETAIL.replace("ImplicitDeny", "ExplicitDeny"));
        assert!(explicit.to_string().ends_with(": AccountLevelIdentityBasedPolicy denies it)"), "{explicit}");
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
    fn an_empty_body_is_a_success_of_an_operation_that_has_nothing_to_answer_and_of_no_other() {
        for status in [200, 202, 204] {
            for body in ["", " \r\n"] {
                assert!(of_call(status, body, true).is_ok(), "{status}");
                assert!(matches!(of(status, body), Err((Cause::Unreadable { .. }, None))), "{status}");
            }
        }
        assert!(of_call(202, "accepted", true).is_ok());
        for status in [200, 204, 301, 404, 409, 503] {
            assert!(matches!(of_call(status, "<html>", true), Err((Cause::Unreadable { .. }, None))), "{status}");
        }
        for status in [200, 202] {
            let refused = of_call(status, r#"{"Code":"InvalidArgument","Message":"No."}"#, true);
            assert!(matches!(refused, Err((Cause::Refused { .. }, None))), "{status}");
            assert!(of_call(status, r#"{"requestId":"R-1"}"#, true).is_ok());
        }
    }

    #[test]
    fn a_refusal_of_log_service_is_read_by_its_own_names() {
        let body = r#"{"httpCode":404,"errorCode":"ProjectNotExist","errorMessage":"No.","requestID":"R-1"}"#;
        let expected = (404, "ProjectNotExist".to_owned(), "No.".to_owned(), Some("R-1".to_owned()));
        assert_eq!(refused(404, body), expected);
        assert_eq!(refused(200, body), (200, expected.1, expected.2, expected.3));
        let denied = r#"{"errorCode":"Unauthorized","errorMessage":"No.",
            "accessDeniedDetail":{"AuthAction":"log:CreateProject"}}"#;
        let cause = of(403, denied).unwrap_err().0.to_string();
        assert!(cause.ends_with("(log:CreateProject is denied to the caller)"), "{cause}");
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
        let unusual = "\u{feff} <Error>\n <Code> A.B </Code> <Message>a &lt;b&gt; &amp;amp;</Message>";
        assert_eq!(refused(503, unusual), (503, "A.B".to_owned(), "a <b> &amp;".to_owned(), None));
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
}
