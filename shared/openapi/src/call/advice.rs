//! What a person can do about a failed call.

use crate::{CallError, Cause, ErrorKind, Product};

/// Advice that names the endpoint setting of the product.
macro_rules! with_endpoint {
    ($product:expr, $before:literal, $after:literal) => {
        match $product {
            Product::Vpc => concat!($before, "FLOWKEEPER_VPC_ENDPOINT", $after),
            Product::Ecs => concat!($before, "FLOWKEEPER_ECS_ENDPOINT", $after),
            Product::Ecr => concat!($before, "FLOWKEEPER_ECR_ENDPOINT", $after),
            Product::Sts => concat!($before, "FLOWKEEPER_STS_ENDPOINT", $after),
            Product::ResourceDirectory => concat!($before, "FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT", $after),
            Product::Fc => concat!($before, "FLOWKEEPER_FC_ENDPOINT", $after),
            Product::Sls => concat!($before, "FLOWKEEPER_SLS_ENDPOINT", $after),
            Product::Bss => concat!($before, "FLOWKEEPER_BSS_ENDPOINT", $after),
            Product::Cms => concat!($before, "FLOWKEEPER_CMS_ENDPOINT", $after),
        }
    };
}

impl CallError {
    /// Returns what a person can do about it, in a sentence.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::Refused { .. } if self.kind() == ErrorKind::WrongEndpoint => with_endpoint!(
                self.product,
                "The endpoint does not serve this product as it is called here; check ",
                ", FLOWKEEPER_ENDPOINT and the region."
            ),
            Cause::Refused { .. } => self.known().map_or(
                "Look the code up in the API's error center, and give the request id to its support.",
                |known| known.advice,
            ),
            Cause::Unreachable { .. } => with_endpoint!(
                self.product,
                "Check that the region exists and that the function reaches its endpoint: Internet access, or \
                 FLOWKEEPER_NETWORK=vpc inside a VPC. Another endpoint is set with ",
                " or FLOWKEEPER_ENDPOINT."
            ),
            Cause::Untrusted { .. } => with_endpoint!(
                self.product,
                "Somebody answers in the place of the endpoint, or the clock of the machine is wrong, or ",
                " or FLOWKEEPER_ENDPOINT names the wrong host. If the network is meant to look into TLS, \
                 FLOWKEEPER_EXTRA_ROOT_FILE says whom to trust besides the public roots."
            ),
            Cause::NoResponse { .. } => {
                "Nothing to do if the next run succeeds; otherwise check the network of the function."
            }
            Cause::Unreadable { .. } => with_endpoint!(
                self.product,
                "If it happens again, check that the endpoint (",
                " or FLOWKEEPER_ENDPOINT) is the API's and that no proxy answers in its place. Otherwise give the \
                 request id to Alibaba Cloud support."
            ),
            Cause::MalformedKey { .. } => {
                "Check where the key comes from: it may have been copied with a line break, as into \
                 ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET or ALIBABA_CLOUD_SECURITY_TOKEN."
            }
            Cause::OutOfTime | Cause::DeadlineExceeded { .. } => "Give the function a longer timeout.",
            Cause::Invalid { .. } => "Correct what is asked for; the message says which limit it breaks.",
            Cause::Incomplete { .. } => {
                "Ask again later, or for a shorter time: Log Service has not counted all records yet."
            }
            Cause::ReadOnly => "Report it: a program that only reads has asked for a change.",
            Cause::CircuitOpen { .. } => {
                "The service is down, or not to be reached; nothing to do if a later run succeeds, otherwise look at the last failure."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(product: Product, cause: Cause) -> CallError {
        CallError {
            product,
            action: "DescribeFlowLogs",
            resource: String::new(),
            request_id: None,
            is_write: false,
            retry_after: None,
            cause,
        }
    }

    fn refused(code: &str, message: &str) -> Cause {
        Cause::Refused { status: 400, code: code.to_owned(), message: message.to_owned(), denied: None }
    }

    #[test]
    fn of_a_key_that_has_expired_is_said_where_a_new_one_comes_from() {
        for code in ["InvalidSecurityToken.Expired", "InvalidParameter"] {
            let error = error(Product::Vpc, refused(code, "The parameter SecurityToken is Expired."));
            assert!(error.advice().contains("headers of the invocation, the next one brings"), "{code}");
            assert!(error.advice().contains("as old as the instance"), "{code}");
        }
    }

    #[test]
    fn the_advice_on_an_endpoint_names_the_setting_that_mends_it() {
        let host = || "a".to_owned();
        let reason = || "because".to_owned();
        for (product, setting) in [
            (Product::Vpc, "FLOWKEEPER_VPC_ENDPOINT"),
            (Product::Ecs, "FLOWKEEPER_ECS_ENDPOINT"),
            (Product::Ecr, "FLOWKEEPER_ECR_ENDPOINT"),
            (Product::Sts, "FLOWKEEPER_STS_ENDPOINT"),
            (Product::ResourceDirectory, "FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT"),
            (Product::Fc, "FLOWKEEPER_FC_ENDPOINT"),
            (Product::Sls, "FLOWKEEPER_SLS_ENDPOINT"),
            (Product::Bss, "FLOWKEEPER_BSS_ENDPOINT"),
            (Product::Cms, "FLOWKEEPER_CMS_ENDPOINT"),
        ] {
            for cause in [
                Cause::Unreachable { host: host(), reason: reason() },
                Cause::Untrusted { host: host(), reason: reason() },
                Cause::Unreadable { status: 200, reason: reason() },
                refused("InvalidProduct.NotFound", ""),
                refused("InvalidApi.NotFound", ""),
            ] {
                let failed = error(product, cause);
                let advice = failed.advice();
                assert!(advice.contains(setting) && advice.contains("FLOWKEEPER_ENDPOINT"), "{failed:?}: {advice}");
            }
        }
        let advice = error(Product::Vpc, Cause::Unreachable { host: host(), reason: reason() }).advice();
        assert!(advice.contains("FLOWKEEPER_NETWORK"), "{advice}");
    }
}
