//! Faults: injected by name into a number of calls of one or all operations, or drawn from a seed for any call.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    api::{
        operations::{self, Operation},
        refusal::Refusal,
        rewrite::{self, Rewrite},
    },
    function_compute, sls,
    suggestion::did_you_mean,
};

/// A fault that a call can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// `reset`: the connection is closed before the call takes effect.
    Reset,
    /// `slow`: the call takes effect, and its answer is delayed by this duration.
    Slow(Duration),
    /// `not-visible-yet`: a read omits the newest resource.
    NotVisibleYet,
    /// `event-duplicated`: the call's event is delivered twice.
    EventDuplicated,
    /// `event-reordered`: the call's event is delivered after the next one.
    EventReordered,
    /// `throttled-for`: 400 `Throttling.User`, with this duration in `x-acs-retry-after` and `X-RateLimit-User-API`.
    ThrottledFor(Duration),
    /// `token-expired`: 400 `InvalidSecurityToken.Expired`.
    TokenExpired,
    /// `failure-in-200`: `InternalErrorTemp` with HTTP 200, as Express Connect Router does.
    FailureIn200,
    /// `hang`: the call has no effect, and no answer ever comes.
    Hang,
    /// `hang-after-effect`: the call takes effect, and no answer ever comes.
    HangAfterEffect,
    /// `slow-bytes`: the call takes effect, and the second half of its answer is delayed by this duration.
    SlowBytes(Duration),
    /// `stale-read`: a read shows the state before the last write.
    StaleRead,
    /// `overtaken`: another caller makes the same call first, without tags. Only calls that create a flow log meet it.
    Overtaken,
    /// `event-dropped`: the call's event is not delivered.
    EventDropped,
    /// `event-delayed`: the call's event is delivered after this delay.
    EventDelayed(Duration),
    /// `function-killed`: the process of the calling function is killed before the call takes effect.
    FunctionKilled,
    /// `function-killed-after-effect`: the call takes effect, and the process of the calling function is killed.
    FunctionKilledAfterEffect,
    /// `small-pages`: a list's page holds at most this many items, whatever size is requested.
    SmallPages(usize),
    /// `partial-counts`: Log Service has not counted all records, and says so.
    PartialCounts,
    /// Any documented refusal, by its code.
    Code(&'static str),
}

/// The fault of the cloud's own clock, which no single call meets.
pub(crate) const CLOCK_AHEAD: &str = "clock-ahead";

/// The default page size of `small-pages`.
const SMALL_PAGE: usize = 20;

impl Fault {
    /// Returns the faults that have their own names. Those with a duration take this one.
    fn all(duration: Duration) -> [Self; 24] {
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
            Self::Hang,
            Self::HangAfterEffect,
            Self::SlowBytes(duration),
            Self::StaleRead,
            Self::Overtaken,
            Self::EventDropped,
            Self::EventDelayed(duration),
            Self::FunctionKilled,
            Self::FunctionKilledAfterEffect,
            Self::SmallPages(SMALL_PAGE),
            Self::PartialCounts,
        ]
    }

    /// Returns the fault with this name or documented code. A fault with a duration takes this one.
    ///
    /// # Errors
    /// A sentence that lists the known names.
    pub fn named(name: &str, duration: Duration) -> Result<Self, String> {
        let all = Self::all(duration);
        let by_path = || function_compute::api::refusal(name).or_else(|| sls::refusals::refusal(name));
        let code = || Refusal::named(name).or_else(by_path).map(|refusal| Self::Code(refusal.code));
        all.into_iter().find(|fault| fault.name() == name).or_else(code).ok_or_else(|| {
            let names = all.map(Self::name);
            let hint = did_you_mean(name, names.into_iter().chain([CLOCK_AHEAD]).chain(Refusal::codes()));
            let names = names.join(", ");
            format!(
                "there is no fault {name:?}{hint}; the faults are {names}, {CLOCK_AHEAD}, and every documented code"
            )
        })
    }

    /// Returns the fault's name.
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
            Self::Hang => "hang",
            Self::HangAfterEffect => "hang-after-effect",
            Self::SlowBytes(_) => "slow-bytes",
            Self::StaleRead => "stale-read",
            Self::Overtaken => "overtaken",
            Self::EventDropped => "event-dropped",
            Self::EventDelayed(_) => "event-delayed",
            Self::FunctionKilled => "function-killed",
            Self::FunctionKilledAfterEffect => "function-killed-after-effect",
            Self::SmallPages(_) => "small-pages",
            Self::PartialCounts => "partial-counts",
            Self::Code(code) => code,
        }
    }

    /// Returns whether the call takes effect but its caller gets no answer.
    pub(crate) fn loses_the_answer(self) -> bool {
        matches!(self, Self::AnswerLost | Self::HangAfterEffect | Self::FunctionKilledAfterEffect)
    }

    /// Returns whether the call ends before it takes effect.
    pub(crate) fn comes_before_any_effect(self) -> bool {
        matches!(self, Self::Reset | Self::Hang | Self::FunctionKilled)
    }

    /// Returns whether a call of this operation can meet the fault.
    fn suits(self, operation: &Operation) -> bool {
        match self {
            Self::NotVisibleYet | Self::StaleRead | Self::SmallPages(_) => !operation.is_write,
            Self::PartialCounts => ["GetLogsV2", "GetHistograms"].contains(&operation.action),
            Self::Overtaken => operation.action == "CreateFlowLog",
            Self::FailureIn200 => *operation.product == operations::ECR,
            _ => true,
        }
    }

    /// Returns the refusal that the fault answers with, if it does.
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

/// A pending fault, or a pending [`Rewrite`] of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Pending<F = Fault> {
    /// An operation such as `CreateFlowLog` or `expressconnectrouter:CreateFlowLog`, or `*` for all.
    pub(crate) action: String,
    /// The region whose calls meet it; `None` for every region.
    pub(crate) region: Option<String>,
    pub(crate) fault: F,
    /// How many calls pass first.
    pub(crate) after: u32,
    pub(crate) times: u32,
}

impl<F: Clone> Pending<F> {
    /// Checks that some call can meet it, where these regions exist. The error is a sentence that lists the valid names.
    pub(crate) fn check(&self, regions: &[&str]) -> Result<(), String> {
        let region = self.region.as_deref();
        if let Some(region) = region.filter(|name| !regions.contains(name)) {
            let hint = did_you_mean(region, regions.iter().copied());
            return Err(format!("there is no region {region:?}{hint}; the regions are {}", regions.join(", ")));
        }
        let (product, action) = match self.action.split_once(':') {
            Some((product, action)) => (Some(product), action),
            None => (None, self.action.as_str()),
        };
        let is_met = |name: &str| {
            let (of, operation) = name.split_once(':').unwrap_or_default();
            product.is_none_or(|product| product == of) && (action == "*" || action == operation)
        };
        let by_path = function_compute::api::OPERATIONS.iter().chain(sls::api::OPERATIONS);
        let names: Vec<String> = operations::names().chain(by_path.map(Operation::name)).collect();
        if names.iter().any(|name| is_met(name)) {
            Ok(())
        } else {
            let known = names.iter().flat_map(|name| [Some(name.as_str()), name.split(':').nth(1)]).flatten();
            Err(format!(
                "there is no action {:?}{}; the actions are *, and with or without its product {}",
                self.action,
                did_you_mean(&self.action, known),
                names.join(", ")
            ))
        }
    }

    fn is_for(&self, operation: &Operation, region: &str) -> bool {
        let (product, action) = self.action.split_once(':').unwrap_or((operation.product.name, &self.action));
        self.times > 0
            && product == operation.product.name
            && (action == "*" || action == operation.action)
            && self.region.as_deref().is_none_or(|only| only == region)
    }

    /// Counts a matching call, and returns what that call meets. `may_meet` is false if the call already meets another
    /// fault: such a call counts toward `after`, but not toward `times`.
    fn count(&mut self, may_meet: bool) -> Option<F> {
        if let Some(after) = self.after.checked_sub(1) {
            self.after = after;
            return None;
        }
        may_meet.then(|| {
            self.times -= 1;
            self.fault.clone()
        })
    }
}

/// Faults that any call can meet, drawn from a seed.
///
/// The draw depends only on the call and on how often the same call was made before. So it is reproducible even if
/// concurrent calls arrive in another order.
#[derive(Debug, Clone)]
pub struct Storm {
    /// The seed of the draw.
    pub seed: u64,
    /// One in this many calls meets a fault; with 0, none does.
    pub one_in: u64,
    /// The faults to draw from. A call that cannot meet the drawn fault proceeds without one.
    pub faults: Vec<Fault>,
}

/// The pending faults in the order in which they were requested, and the storm. Pending faults come first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pending: Vec<Pending>,
    rewrites: Vec<Pending<Rewrite>>,
    storm: Option<Storm>,
    /// How often each call was made during the storm.
    made: BTreeMap<u64, u64>,
}

impl Faults {
    pub(crate) fn add(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    pub(crate) fn add_rewrite(&mut self, pending: Pending<Rewrite>) {
        self.rewrites.push(pending);
    }

    /// Takes the rewrites for the answer of this call, in the order in which they were requested.
    pub(crate) fn take_rewrites(&mut self, operation: &Operation, region: &str) -> Vec<Rewrite> {
        let due = self.rewrites.iter_mut().filter(|pending| pending.is_for(operation, region));
        let taken = due.filter_map(|pending| pending.count(true)).collect();
        self.rewrites.retain(|pending| pending.times > 0);
        taken
    }

    /// Describes what is pending, for people.
    pub(crate) fn to_come(&self) -> Value {
        fn one<F>(pending: &Pending<F>, name: &str) -> Value {
            let Pending { action, region, after, times, .. } = pending;
            json!({"action": action, "region": region, "fault": name, "after": after, "times": times})
        }
        let faults = self.pending.iter().map(|pending| one(pending, pending.fault.name()));
        let rewrites = self.rewrites.iter().map(|pending| one(pending, rewrite::NAME));
        let storm = self.storm.as_ref().map(|storm| {
            let names: Vec<&str> = storm.faults.iter().map(|fault| fault.name()).collect();
            json!({"seed": storm.seed, "one_in": storm.one_in, "faults": names})
        });
        json!({"faults": faults.chain(rewrites).collect::<Vec<_>>(), "storm": storm})
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Starts a storm, or ends it with `None`.
    pub(crate) fn set_storm(&mut self, storm: Option<Storm>) {
        self.storm = storm;
        self.made.clear();
    }

    /// Returns whether a pending fault may need the state before the last write.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.pending.iter().any(|pending| pending.fault == Fault::StaleRead)
            || self.storm.as_ref().is_some_and(|storm| storm.faults.contains(&Fault::StaleRead))
    }

    /// Takes the fault that this call meets. `parameters` excludes the common ones.
    pub(crate) fn take(
        &mut self,
        operation: &Operation,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Option<Fault> {
        // Every matching fault counts the call, even if another one hits it. Otherwise "the n-th call" would shift.
        let mut met = None;
        for pending in self.pending.iter_mut().filter(|pending| pending.is_for(operation, region)) {
            met = pending.count(met.is_none()).or(met);
        }
        self.pending.retain(|pending| pending.times > 0);
        met.or_else(|| self.drawn(operation, region, parameters))
    }

    fn drawn(&mut self, operation: &Operation, region: &str, parameters: &BTreeMap<String, String>) -> Option<Fault> {
        let storm = self.storm.as_ref()?;
        let mut call = DefaultHasher::new();
        (storm.seed, operation.product.name, operation.action, region).hash(&mut call);
        // The client chooses these at random, so they would make the draw irreproducible.
        let own = parameters.iter().filter(|(name, _)| !matches!(name.as_str(), "ClientToken" | "NextToken"));
        own.for_each(|parameter| parameter.hash(&mut call));
        let times = self.made.entry(call.finish()).or_default();
        *times += 1;
        times.hash(&mut call);
        let drawn = call.finish();
        // The low bits decide whether there is a fault, the high bits which one.
        let is_met = (drawn & 0xffff_ffff).checked_rem(storm.one_in) == Some(0);
        let which = (drawn >> 32).checked_rem(storm.faults.len() as u64)?;
        let fault = storm.faults.get(usize::try_from(which).ok()?).copied();
        fault.filter(|fault| is_met && fault.suits(operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::find;

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
            faults.add(Pending { action: action.into(), region, fault, after: 0, times: 1 });
        }
        let mut take = |action, version, region| faults.take(find(action, version).unwrap(), region, &BTreeMap::new());
        assert_eq!(take("CreateFlowLog", "2016-04-28", "cn-hangzhou"), Some(Fault::Throttled));
        assert_eq!(take("DeleteFlowlog", "2023-09-01", "cn-hangzhou"), Some(Fault::FailureIn200));
        assert_eq!(take("DescribeVpcs", "2016-04-28", "cn-shanghai"), Some(Fault::Unavailable));
        assert_eq!(take("DescribeVpcs", "2016-04-28", "cn-shanghai"), Some(Fault::Reset));
        assert_eq!(take("CreateFlowLog", "2016-04-28", "cn-hangzhou"), None);
    }

    #[test]
    fn the_given_number_of_calls_is_let_through_first() {
        let mut faults = Faults::default();
        faults.add(Pending { action: "*".into(), region: None, fault: Fault::Hang, after: 2, times: 1 });
        faults.add(Pending { action: "*".into(), region: None, fault: Fault::Reset, after: 0, times: 1 });
        let operation = find("DescribeVpcs", "2016-04-28").unwrap();
        let met: Vec<_> = (0..4).map(|_| faults.take(operation, "cn-hangzhou", &BTreeMap::new())).collect();
        assert_eq!(met, [Some(Fault::Reset), None, Some(Fault::Hang), None]);
    }

    #[test]
    fn a_storm_is_the_same_again_with_the_same_seed_in_whatever_order_calls_come() {
        let draw = |seed, order: &mut dyn Iterator<Item = u32>| {
            let mut faults = Faults::default();
            faults.set_storm(Some(Storm { seed, one_in: 3, faults: vec![Fault::Throttled, Fault::Overtaken] }));
            let operation = find("DescribeVpcs", "2016-04-28").unwrap();
            let mut met: Vec<_> = order
                .map(|page| {
                    let parameters = [("PageNumber".to_owned(), (page % 50).to_string())].into();
                    (page, faults.take(operation, "cn-hangzhou", &parameters))
                })
                .collect();
            met.sort_by_key(|(page, _)| *page);
            met.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>()
        };
        let first = draw(7, &mut (0..100));
        let odd_first = (0..100).filter(|page| page % 2 == 1).chain((0..100).filter(|page| page % 2 == 0));
        assert_eq!(first, draw(7, &mut { odd_first }), "the same calls in another order");
        assert_ne!(first, draw(8, &mut (0..100)));
        let count = first.iter().filter(|fault| **fault == Some(Fault::Throttled)).count();
        assert!((5..40).contains(&count) && !first.contains(&Some(Fault::Overtaken)), "{first:?}");
    }

    #[test]
    fn faults_are_known_by_their_names_and_codes() {
        let late = Duration::from_secs(3);
        assert_eq!(Fault::named("slow", late), Ok(Fault::Slow(late)));
        assert_eq!(Fault::named("not-visible-yet", late), Ok(Fault::NotVisibleYet));
        assert_eq!(Fault::named("TaskConflict", late), Ok(Fault::Code("TaskConflict")));
        let said = Fault::named("Throttled", late).unwrap_err();
        assert!(
            said.starts_with(
                "there is no fault \"Throttled\" (did you mean throttled?); the faults are throttled, unavailable, "
            ),
            "{said}"
        );
    }

    #[test]
    fn a_fault_that_no_call_can_meet_is_refused_with_what_there_is() {
        let check = |action: &str, region: Option<&str>| {
            let region = region.map(str::to_owned);
            Pending { action: action.to_owned(), region, fault: Fault::Reset, after: 0, times: 1 }.check(&[
                "cn-hangzhou",
                "cn-shanghai",
                "cn-beijing",
            ])
        };
        for action in
            ["*", "CreateFlowLog", "vpc:CreateFlowLog", "expressconnectrouter:*", "expressconnectrouter:DeleteFlowlog"]
        {
            assert_eq!(check(action, Some("cn-beijing")), Ok(()), "{action}");
        }
        for (action, hint) in [
            ("CreateFlowlog", " (did you mean CreateFlowLog?)"),
            ("ecs:CreateFlowLog", " (did you mean vpc:CreateFlowLog?)"),
            ("oss:*", ""),
            ("", ""),
            ("vpc:DeleteFlowlog", " (did you mean vpc:DeleteFlowLog?)"),
        ] {
            let said = check(action, None).unwrap_err();
            assert!(said.starts_with(&format!("there is no action {action:?}{hint}; the actions are *, ")), "{said}");
            assert!(said.contains("vpc:CreateFlowLog, "), "{said}");
        }
        assert!(check("*", Some("cn-nowhere")).unwrap_err().contains("the regions are cn-hangzhou, cn-shanghai"));
    }
}
