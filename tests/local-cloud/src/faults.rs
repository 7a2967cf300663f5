//! Faults that can be asked for by name, for a number of calls of one operation or of all.

use std::time::Duration;

use crate::refusal::Refusal;

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
}

impl Fault {
    /// The fault of that name; `slow` is late by `late_by`.
    pub fn named(name: &str, late_by: Duration) -> Option<Self> {
        let all = [
            Self::Throttled,
            Self::Unavailable,
            Self::Refused,
            Self::InternalError,
            Self::AnswerLost,
            Self::Reset,
            Self::Slow(late_by),
            Self::NotVisibleYet,
            Self::EventDuplicated,
        ];
        all.into_iter().find(|fault| fault.name() == name)
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
        }
    }

    /// The answer of a fault that is a refusal.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        let (code, status, message) = match self {
            Self::Throttled => ("Throttling.User", 400, "Request was denied due to user flow control."),
            Self::Unavailable => {
                ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server.")
            }
            Self::Refused => (
                "Forbidden.RAM",
                403,
                "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
            ),
            Self::InternalError => ("InternalError", 500, "An unknown error occurred while processing your request."),
            _ => return None,
        };
        Some(Refusal { status: http::StatusCode::from_u16(status).unwrap_or_default(), code, message: message.into() })
    }
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(String, Fault, u32)>);

impl Faults {
    pub(crate) fn add(&mut self, action: &str, fault: Fault, times: u32) {
        self.0.push((action.to_owned(), fault, times));
    }

    /// Takes the fault that the next call of an operation meets; `*` stands for every operation.
    pub(crate) fn take(&mut self, action: &str) -> Option<Fault> {
        let met = self.0.iter_mut().find(|(name, _, times)| *times > 0 && (name == action || name == "*"))?;
        met.2 -= 1;
        let fault = met.1;
        self.0.retain(|(_, _, times)| *times > 0);
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_met_as_often_as_it_was_asked_for() {
        let mut faults = Faults::default();
        faults.add("CreateVpc", Fault::Throttled, 1);
        faults.add("*", Fault::Reset, 1);
        assert_eq!(faults.take("CreateVpc"), Some(Fault::Throttled));
        assert_eq!(faults.take("DeleteVpc"), Some(Fault::Reset));
        assert_eq!(faults.take("CreateVpc"), None);
    }

    #[test]
    fn faults_are_known_by_their_names() {
        let late = Duration::from_secs(3);
        assert_eq!(Fault::named("slow", late), Some(Fault::Slow(late)));
        assert_eq!(Fault::named("not-visible-yet", late), Some(Fault::NotVisibleYet));
        assert_eq!(Fault::named("Throttled", late), None);
    }
}
