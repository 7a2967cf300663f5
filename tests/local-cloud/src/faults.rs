//! Faults that can be asked for by name, for a number of calls of one operation or of all.

use std::time::Duration;

use crate::{
    operations::{self, Operation, REGIONS},
    refusal::Refusal,
};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `throttled`: 400 `Throttling.User`.
    Throttled,
    /// `unavailable`: 503 `ServiceUnavailable`.
    Unavailable,
    /// `refused`: 403 `Forbidden.RAM`.
    Refused,
    /// `internal-error`: 500 `InternalError`.
    InternalError,
    /// `answer-lost`: the call takes effect, and the connection is closed without an answer.
    AnswerLost,
    /// `reset`: the connection is closed before any effect.
    Reset,
    /// `slow`: the call takes effect, and its answer is late by this.
    Slow(Duration),
    /// `not-visible-yet`: a read does not show the newest resource yet.
    NotVisibleYet,
    /// `event-duplicated`: the call's event is delivered twice.
    EventDuplicated,
    /// `event-reordered`: the call's event is delivered after the next one.
    EventReordered,
    /// `throttled-for`: 400 `Throttling.User`, with this time in `x-acs-retry-after` and `X-RateLimit-User-API`.
    ThrottledFor(Duration),
    /// `token-expired`: 400 `InvalidSecurityToken.Expired`.
    TokenExpired,
    /// `failure-in-200`: `InternalErrorTemp` with HTTP 200, as Express Connect Router fails.
    FailureIn200,
    /// Any documented refusal, by its code.
    Code(&'static str),
}

impl Fault {
    /// The faults that have names of their own; `slow` and `throttled-for` take the duration.
    fn all(duration: Duration) -> [Self; 13] {
        [
            Self::Throttled,
            Self::Unavailable,
            Self::Refused,
            Self::InternalError,
            Self::AnswerLost,
            Self::Reset,
            Self::Slow(duration),
            Self::NotVisibleYet,
            Self::EventDuplicated,
            Self::EventReordered,
            Self::ThrottledFor(duration),
            Self::TokenExpired,
            Self::FailureIn200,
        ]
    }

    /// The fault of that name, or with that documented code; `slow` and `throttled-for` take the duration.
    ///
    /// # Errors
    /// A sentence that lists the names that there are.
    pub fn named(name: &str, duration: Duration) -> Result<Self, String> {
        let all = Self::all(duration);
        let code = || Refusal::named(name).map(|refusal| Self::Code(refusal.code));
        all.into_iter().find(|fault| fault.name() == name).or_else(code).ok_or_else(|| {
            let names = all.map(Self::name).join(", ");
            format!("there is no fault {name:?}; there is {names}, clock-ahead, and every documented code")
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::InternalError => "internal-error",
            Self::AnswerLost => "answer-lost",
            Self::Reset => "reset",
            Self::Slow(_) => "slow",
            Self::NotVisibleYet => "not-visible-yet",
            Self::EventDuplicated => "event-duplicated",
            Self::EventReordered => "event-reordered",
            Self::ThrottledFor(_) => "throttled-for",
            Self::TokenExpired => "token-expired",
            Self::FailureIn200 => "failure-in-200",
            Self::Code(code) => code,
        }
    }

    /// The answer of a fault that is a refusal.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        let code = match self {
            Self::Throttled | Self::ThrottledFor(_) => "Throttling.User",
            Self::Unavailable => "ServiceUnavailable",
            Self::Refused => "Forbidden.RAM",
            Self::InternalError => "InternalError",
            Self::TokenExpired => "InvalidSecurityToken.Expired",
            Self::FailureIn200 => "InternalErrorTemp",
            Self::Code(code) => code,
            _ => return None,
        };
        let retry_after = if let Self::ThrottledFor(pause) = self { Some(pause) } else { None };
        Some(Refusal { retry_after, ..Refusal::documented(code) })
    }
}

/// A fault that is still to come.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// An operation such as `CreateFlowLog`, or one of a product such as `expressconnectrouter:CreateFlowLog`, or all
    /// with `*`.
    pub(crate) action: String,
    /// The region whose calls meet it; none for every region.
    pub(crate) region: Option<String>,
    pub(crate) fault: Fault,
    pub(crate) times: u32,
}

impl Wanted {
    /// Whether some call can ever meet it; if not, a sentence that lists what there is.
    pub(crate) fn check(&self) -> Result<(), String> {
        let region = self.region.as_deref();
        if let Some(region) = region.filter(|wanted| !REGIONS.iter().any(|(id, _)| id == wanted)) {
            let regions = REGIONS.map(|(id, _)| id).join(", ");
            return Err(format!("there is no region {region:?}; there is {regions}"));
        }
        let (product, action) = match self.action.split_once(':') {
            Some((product, action)) => (Some(product), action),
            None => (None, self.action.as_str()),
        };
        let is_met = |name: &str| {
            let (of, operation) = name.split_once(':').unwrap_or_default();
            product.is_none_or(|product| product == of) && (action == "*" || action == operation)
        };
        match operations::names().any(|name| is_met(&name)) {
            true => Ok(()),
            false => Err(format!(
                "there is no action {:?}; there is *, and with or without its product {}",
                self.action,
                operations::names().collect::<Vec<_>>().join(", ")
            )),
        }
    }

    fn is_for(&self, operation: &Operation, region: &str) -> bool {
        let (product, action) = self.action.split_once(':').unwrap_or((operation.product.name, &self.action));
        self.times > 0
            && product == operation.product.name
            && (action == "*" || action == operation.action)
            && self.region.as_deref().is_none_or(|wanted| wanted == region)
    }
}

/// The faults that are still to come, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Wanted>);

impl Faults {
    pub(crate) fn add(&mut self, wanted: Wanted) {
        self.0.push(wanted);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the fault that the next call of an operation meets.
    pub(crate) fn take(&mut self, operation: &Operation, region: &str) -> Option<Fault> {
        let met = self.0.iter_mut().find(|wanted| wanted.is_for(operation, region))?;
        met.times -= 1;
        let fault = met.fault;
        self.0.retain(|wanted| wanted.times > 0);
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::find;

    #[test]
    fn a_fault_is_met_where_and_as_often_as_it_was_asked_for() {
        let mut faults = Faults::default();
        for (action, region, fault) in [
            ("CreateFlowLog", None, Fault::Throttled),
            ("*", Some("cn-shanghai"), Fault::Unavailable),
            ("expressconnectrouter:*", None, Fault::FailureIn200),
            ("*", None, Fault::Reset),
        ] {
            let region = region.map(str::to_owned);
            faults.add(Wanted { action: action.into(), region, fault, times: 1 });
        }
        let mut take = |action, version, region| faults.take(find(action, version).unwrap(), region);
        assert_eq!(take("CreateFlowLog", "2016-04-28", "cn-hangzhou"), Some(Fault::Throttled));
        assert_eq!(take("DeleteFlowlog", "2023-09-01", "cn-hangzhou"), Some(Fault::FailureIn200));
        assert_eq!(take("DescribeVpcs", "2016-04-28", "cn-shanghai"), Some(Fault::Unavailable));
        assert_eq!(take("DescribeVpcs", "2016-04-28", "cn-shanghai"), Some(Fault::Reset));
        assert_eq!(take("CreateFlowLog", "2016-04-28", "cn-hangzhou"), None);
    }

    #[test]
    fn faults_are_known_by_their_names_and_codes() {
        let late = Duration::from_secs(3);
        assert_eq!(Fault::named("slow", late), Ok(Fault::Slow(late)));
        assert_eq!(Fault::named("not-visible-yet", late), Ok(Fault::NotVisibleYet));
        assert_eq!(Fault::named("TaskConflict", late), Ok(Fault::Code("TaskConflict")));
        let said = Fault::named("Throttled", late).unwrap_err();
        assert!(said.starts_with("there is no fault \"Throttled\"; there is throttled, unavailable, "), "{said}");
    }

    #[test]
    fn a_fault_that_no_call_can_meet_is_refused_with_what_there_is() {
        let check = |action: &str, region: Option<&str>| {
            let region = region.map(str::to_owned);
            Wanted { action: action.to_owned(), region, fault: Fault::Reset, times: 1 }.check()
        };
        for action in
            ["*", "CreateFlowLog", "vpc:CreateFlowLog", "expressconnectrouter:*", "expressconnectrouter:DeleteFlowlog"]
        {
            assert_eq!(check(action, Some("cn-beijing")), Ok(()), "{action}");
        }
        for action in ["CreateFlowlog", "ecs:CreateFlowLog", "oss:*", "", "vpc:DeleteFlowlog"] {
            let said = check(action, None).unwrap_err();
            assert!(said.starts_with(&format!("there is no action {action:?}; there is *, ")), "{said}");
            assert!(said.contains("vpc:CreateFlowLog, "), "{said}");
        }
        assert!(check("*", Some("cn-nowhere")).unwrap_err().contains("there is cn-hangzhou, cn-shanghai"));
    }
}
