//! Refusals of Log Service, which has codes and a form of its own.

use http::StatusCode;

use crate::api::refusal::Refusal;

/// Code, HTTP status and message.
#[rustfmt::skip]
const DOCUMENTED: &[(&str, u16, &str)] = &[
    ("IndexAlreadyExist", 400, "log store index is already created"),
    ("IndexConfigNotExist", 404, "index config doesn't exist"),
    ("IndexInfoInvalid", 400, "required field token is lacking or of error format"),
    ("InternalServerError", 500, "Internal server error."),
    ("InvalidContentType", 400, "Content-Type is unsupported."),
    ("InvalidHost", 400, "Host header is invalid."),
    ("InvalidMethod", 405, "invalid request method"),
    ("InvalidRequestTime", 400, "Request time is not well formatted."),
    ("LogStoreAlreadyExist", 400, "logstore already exists"),
    ("LogStoreInfoInvalid", 400, "logstore info is invalid"),
    ("LogStoreNotExist", 404, "logstore does not exist"),
    ("ParameterInvalid", 400, "A parameter is invalid."),
    ("PostBodyInvalid", 400, "The request body is not valid JSON object."),
    ("ProjectAlreadyExist", 400, "Project already exist."),
    ("ProjectForbidden", 403, "The project is forbidden."),
    ("ProjectNotExist", 404, "The Project does not exist"),
    ("ProjectQuotaExceed", 400, "Project Quota Exceed"),
    ("ReadQuotaExceed", 403, "The read quota is exceeded."),
    ("RequestTimeExpired", 400, "Request time has been expired."),
    ("ServerBusy", 503, "The server is busy, please try again later."),
    ("SignatureNotMatch", 401, "Signature not matched."),
    ("Unauthorized", 401, "The AccessKeyId is unauthorized."),
    ("WriteQuotaExceed", 403, "The write quota is exceeded."),
];

/// Returns the refusal with this code, if Log Service has it.
pub(crate) fn refusal(code: &str) -> Option<Refusal> {
    let (code, status, message) = DOCUMENTED.iter().find(|(known, ..)| *known == code)?;
    Some(Refusal::new(code, *message).with_status(StatusCode::from_u16(*status).unwrap_or_default()))
}

/// Returns the refusal with a code of the table.
pub(super) fn documented(code: &'static str) -> Refusal {
    refusal(code).unwrap_or_else(|| Refusal::new(code, ""))
}

/// Returns the refusal of a caller, with its reason.
pub(super) fn unauthorized(message: impl Into<String>) -> Refusal {
    documented("Unauthorized").saying(message)
}

pub(super) fn no_project(project: &str) -> Refusal {
    documented("ProjectNotExist").saying(format!("The Project does not exist : {project}"))
}

pub(super) fn no_log_store(log_store: &str) -> Refusal {
    documented("LogStoreNotExist").saying(format!("logstore {log_store} does not exist"))
}
