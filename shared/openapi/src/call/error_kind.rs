//! The kinds of failures, and what a program does about each.

/// The kind of failure. Code decides by it instead of by the API's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too many calls. Not done.
    Throttled,
    /// The server failed, possibly after the change took effect. Outcome unknown.
    Transient,
    /// No complete response arrived. Outcome unknown.
    NoResponse,
    /// The deadline passed before the response arrived. Outcome unknown.
    DeadlineExceeded,
    /// The response cannot be read. Outcome unknown.
    Unreadable,
    /// The resource's current state does not allow the call. Rejected, so not done.
    Conflict,
    /// What was to be created already exists.
    AlreadyExists,
    /// The flow log no longer exists, or the call is about something else that does not.
    NotFound,
    /// The resource does not exist, or is not visible yet.
    NotVisible,
    /// Not supported. Retrying does not help.
    Unsupported(Scope),
    /// The caller lacks the permission.
    AccessDenied,
    /// The role to assume is not in that account, or does not trust the caller.
    NotRolledOut,
    /// The account belongs to no Resource Directory.
    NoDirectory,
    /// The region does not exist, or does not offer the product.
    NoSuchRegion,
    /// The account has reached its quota of such resources.
    QuotaExceeded,
    /// The SLS project or the Logstore does not exist.
    DestinationMissing,
    /// Log Service had not counted all records: the counts are partial.
    Incomplete,
    /// The account has not opened the flow log service.
    NotSubscribed,
    /// It was a dry run, and the call itself would have succeeded.
    DryRunPassed,
    /// The key, its secret or its token is invalid.
    Credentials,
    /// The temporary credentials have expired.
    Expired,
    /// The local clock is wrong.
    Clock,
    /// The API considers a parameter invalid.
    Invalid,
    /// No connection could be made. Not sent.
    Unreachable,
    /// The endpoint could not prove its identity. Not sent.
    Untrusted,
    /// The endpoint serves another API, or does not accept such calls.
    WrongEndpoint,
    /// The deadline had passed. Not sent.
    OutOfTime,
    /// The circuit breaker is open. Not sent.
    CircuitOpen,
    /// Any other rejection.
    Other,
}

/// The scope in which something is unsupported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Unsupported for every resource in the region.
    Region,
    /// Unsupported for this resource.
    Resource,
    /// The requested feature is unsupported for the whole account.
    Account,
}

/// What the caller should do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Slow down, then retry: nothing was done.
    SlowDown,
    /// Retry: nothing was done, or the call is idempotent.
    TryAgain,
    /// Read the current state before writing anything else: the call may have taken effect.
    ReadAgain,
    /// Retry with fresh credentials.
    RefreshCredentials,
    /// Retry with the server's time.
    CorrectClock,
    /// Give up: a program cannot fix this.
    GiveUp,
}

impl ErrorKind {
    /// Returns whether the API refuses the call for a reason that time, another try or another network does not change.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::Unsupported(_)
                | Self::AccessDenied
                | Self::QuotaExceeded
                | Self::DestinationMissing
                | Self::NotSubscribed
                | Self::Invalid
                | Self::Other
        )
    }

    /// Returns what to do about it. `is_write` is true for writes that are not idempotent.
    pub(super) const fn remedy(self, is_write: bool) -> Remedy {
        match self {
            Self::Throttled => Remedy::SlowDown,
            Self::Unreachable | Self::CircuitOpen | Self::Conflict => Remedy::TryAgain,
            Self::AlreadyExists => Remedy::ReadAgain,
            Self::Clock => Remedy::CorrectClock,
            Self::Expired => Remedy::RefreshCredentials,
            // The write may have taken effect.
            Self::Transient | Self::NoResponse | Self::DeadlineExceeded | Self::Unreadable if is_write => {
                Remedy::ReadAgain
            }
            Self::Transient | Self::NoResponse => Remedy::TryAgain,
            _ => Remedy::GiveUp,
        }
    }
}
