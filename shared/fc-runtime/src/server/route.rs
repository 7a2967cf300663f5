//! Routing: what a request asks for.

use http::Method;

use crate::{Failure, function::only_reads, headers::FcHeader};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// An event, from any source.
    Invoke,
    /// A request from an HTTP trigger.
    HttpInvoke,
    /// A request without a control path that either matches none of the paths below or only reads, such as a health
    /// check.
    Http,
    Initialize,
    PreStop,
    /// Function Compute 2.0 only.
    PreFreeze,
}

/// Why a request cannot be routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// The control path is unknown.
    UnknownControlPath,
    /// The path is known, but requires this method.
    Method(&'static str),
}

impl Route {
    /// Routes by `x-fc-control-path`; only without it by method and path. An HTTP trigger passes on any path, even
    /// `/invoke`, but no caller can set a header that begins with `x-fc-`.
    pub(crate) fn of(control_path: FcHeader<'_>, method: &Method, path: &str) -> Result<Self, NoRoute> {
        match control_path.text() {
            Some("/invoke") => Ok(Self::Invoke),
            Some("/http-invoke") => Ok(Self::HttpInvoke),
            Some("/initialize") => Ok(Self::Initialize),
            Some("/pre-stop") => Ok(Self::PreStop),
            Some("/pre-freeze") => Ok(Self::PreFreeze),
            Some(_) => Err(NoRoute::UnknownControlPath),
            None => Self::by_path(method, path),
        }
    }

    fn by_path(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let (route, required) = match path {
            "/invoke" => (Self::Invoke, "POST"),
            "/initialize" => (Self::Initialize, "POST"),
            "/pre-stop" => (Self::PreStop, "GET"),
            "/pre-freeze" => (Self::PreFreeze, "GET"),
            _ => return Ok(Self::Http),
        };
        if method == required {
            Ok(route)
        } else if only_reads(method) {
            Ok(Self::Http)
        } else {
            Err(NoRoute::Method(required))
        }
    }

    /// Returns the word for it in the marker lines, if there is one.
    pub(crate) fn marker(self) -> Option<&'static str> {
        match self {
            Self::Invoke | Self::HttpInvoke => Some("Invoke"),
            Self::Initialize => Some("Initialize"),
            Self::PreStop => Some("PreStop"),
            Self::PreFreeze => Some("PreFreeze"),
            Self::Http => None,
        }
    }
}

impl From<NoRoute> for Failure {
    fn from(no_route: NoRoute) -> Self {
        match no_route {
            NoRoute::UnknownControlPath => Self::new(
                "UnknownControlPath",
                "x-fc-control-path is not /invoke, /http-invoke, /initialize, /pre-stop or /pre-freeze",
            ),
            NoRoute::Method(required) => Self::new("WrongMethod", format!("this path is for {required}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::FcHeaders;

    fn route(method: &str, path: &str, control_path: Option<&str>) -> Result<Route, NoRoute> {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(control_path) = control_path {
            request = request.header("x-fc-control-path", control_path);
        }
        let request = request.body(()).unwrap();
        Route::of(FcHeaders::of(request.headers()).control_path, request.method(), request.uri().path())
    }

    #[test]
    fn the_control_path_is_stronger_than_method_and_path() {
        assert_eq!(route("POST", "/invoke", Some("/http-invoke")), Ok(Route::HttpInvoke));
        assert_eq!(route("PUT", "/anything", Some("/invoke")), Ok(Route::Invoke));
        assert_eq!(route("GET", "/", Some("/initialize")), Ok(Route::Initialize));
        assert_eq!(route("POST", "/invoke", Some("/pre-stop")), Ok(Route::PreStop));
        assert_eq!(route("POST", "/invoke", Some("/pre-freeze")), Ok(Route::PreFreeze));
        assert_eq!(route("POST", "/invoke", Some("/unheard-of")), Err(NoRoute::UnknownControlPath));
    }

    #[test]
    fn without_a_control_path_method_and_path_decide() {
        assert_eq!(route("POST", "/invoke", None), Ok(Route::Invoke));
        assert_eq!(route("POST", "/invoke?x=1", Some("")), Ok(Route::Invoke));
        assert_eq!(route("POST", "/initialize", None), Ok(Route::Initialize));
        assert_eq!(route("GET", "/pre-stop", None), Ok(Route::PreStop));
        assert_eq!(route("GET", "/pre-freeze", None), Ok(Route::PreFreeze));
        assert_eq!(route("GET", "/health", None), Ok(Route::Http));
        assert_eq!(route("GET", "/invoke", None), Ok(Route::Http), "a health check may be on any path");
        assert_eq!(route("HEAD", "/pre-stop", None), Ok(Route::Http));
        assert_eq!(route("PUT", "/invoke", None), Err(NoRoute::Method("POST")));
        assert_eq!(route("POST", "/pre-stop", None), Err(NoRoute::Method("GET")));
    }
}
