//! The cost of a million events by the list prices of Function Compute, from the measured CPU time.

/// The function's vCPU: the minimum of Function Compute.
pub(crate) const VCPU: f64 = 0.05;
/// The increment and the minimum of memory in Function Compute, in MB.
const MEMORY_STEP: f64 = 64.0;
const MIN_MEMORY: f64 = 128.0;
/// The assumed time from an API call to its answer, in ms.
pub(crate) const WAIT_PER_CALL: f64 = 50.0;
pub(crate) const EVENTS: f64 = 1e6;

/// First-tier prices.
const CU_PER_INVOCATION: f64 = 75.0 / 10_000.0;
const CU_PER_VCPU_SECOND: f64 = 1.0;
const CU_PER_GB_SECOND: f64 = 0.15;
pub(crate) const CNY_PER_CU: f64 = 0.000_11;
pub(crate) const USD_PER_CU: f64 = 0.000_020;

/// The measurements of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// CPU time, in ms.
    pub(crate) cpu: f64,
    /// The number of API calls.
    pub(crate) calls: f64,
    /// Resident memory of the process, in KiB.
    pub(crate) resident: f64,
}

/// The resources and the cost of a million events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bill {
    /// The memory that the function needs, in MB.
    pub(crate) memory: f64,
    /// The duration of each event, in ms.
    pub(crate) duration: f64,
    /// Compute units.
    pub(crate) cu: f64,
}

impl Bill {
    /// Computes the worst case: a twentieth of a processor takes twenty times as long, waiting is added to that, no two
    /// events are handled at once, and each started millisecond counts.
    pub(crate) fn of(event: Event) -> Self {
        let duration = (event.cpu / VCPU + event.calls * WAIT_PER_CALL).ceil();
        let megabytes = event.resident / 1024.0;
        let memory = ((megabytes / MEMORY_STEP).ceil() * MEMORY_STEP).max(MIN_MEMORY);
        let a_second = VCPU * CU_PER_VCPU_SECOND + memory / 1024.0 * CU_PER_GB_SECOND;
        Self { memory, duration, cu: EVENTS * (CU_PER_INVOCATION + duration / 1e3 * a_second) }
    }

    pub(crate) fn cny(self) -> f64 {
        self.cu * CNY_PER_CU
    }

    pub(crate) fn usd(self) -> f64 {
        self.cu * USD_PER_CU
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the price list: a million times 100 ms of 0.05 vCPU and 128 MB.
    #[test]
    fn a_million_events_of_100_ms_cost_14375_units() {
        let bill = Bill::of(Event { cpu: 0.0, calls: 2.0, resident: 4_000.0 });
        assert_eq!((bill.memory, bill.duration), (128.0, 100.0));
        assert!((bill.cu - 14_375.0).abs() < 0.5, "{bill:?}");
        assert_eq!((format!("{:.3}", bill.cny()), format!("{:.3}", bill.usd())), ("1.581".into(), "0.288".into()));
    }

    #[test]
    fn a_twentieth_of_a_vcpu_takes_twenty_times_as_long() {
        let bill = Bill::of(Event { cpu: 2.01, calls: 0.0, resident: 4_000.0 });
        assert_eq!(bill.duration, 41.0, "a millisecond that has begun counts");
    }

    #[test]
    fn memory_is_rounded_up_to_the_next_step() {
        let memory = |resident| Bill::of(Event { cpu: 1.0, calls: 0.0, resident }).memory;
        assert_eq!((memory(4_000.0), memory(125_000.0), memory(132_000.0)), (128.0, 128.0, 192.0));
    }
}
