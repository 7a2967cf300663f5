//! The cost of a million events, and of a month of sweeps, by the list prices of Function Compute, from the measured CPU
//! time.

/// The function's vCPU: the minimum of Function Compute.
pub(crate) const VCPU: f64 = 0.05;
/// The increment and the minimum of memory in Function Compute, in MB.
const MEMORY_STEP: f64 = 64.0;
const MIN_MEMORY: f64 = 128.0;
/// The assumed time from an API call to its answer, in ms.
pub(crate) const WAIT_PER_CALL: f64 = 50.0;
pub(crate) const EVENTS: f64 = 1e6;
/// The hours of a month of 31 days.
pub(crate) const HOURS: f64 = 744.0;

/// First-tier prices.
const CU_PER_INVOCATION: f64 = 75.0 / 10_000.0;
const CU_PER_VCPU_SECOND: f64 = 1.0;
const CU_PER_GB_SECOND: f64 = 0.15;
pub(crate) const CNY_PER_CU: f64 = 0.000_11;
pub(crate) const USD_PER_CU: f64 = 0.000_020;
/// What a function costs at least in an hour in which it is invoked. There is no such figure in USD.
pub(crate) const MIN_CNY_AN_HOUR: f64 = 0.01;

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

/// What a sweep uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) invocations: f64,
    /// How long its instances were busy, together, in s.
    pub(crate) busy: f64,
    /// Their CPU time, in s.
    pub(crate) cpu: f64,
}

/// The cost of a sweep every hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sweeps {
    /// The compute units of one.
    pub(crate) cu: f64,
}

impl Sweeps {
    /// Computes the worst case: on a twentieth of a processor everything that an instance computes takes twenty times as
    /// long, and none of it while it waits for an answer. The units of a function are rounded up every hour.
    pub(crate) fn of(used: Use) -> Self {
        let a_second = VCPU * CU_PER_VCPU_SECOND + MIN_MEMORY / 1024.0 * CU_PER_GB_SECOND;
        Self { cu: (used.invocations * CU_PER_INVOCATION + (used.busy + used.cpu / VCPU) * a_second).ceil() }
    }

    /// What a month costs, in CNY.
    pub(crate) fn cny(self) -> f64 {
        (self.cu * CNY_PER_CU).max(MIN_CNY_AN_HOUR) * HOURS
    }

    /// What a month costs, in USD.
    pub(crate) fn usd(self) -> f64 {
        self.cu * USD_PER_CU * HOURS
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

    #[test]
    fn a_sweep_costs_what_its_invocations_and_instances_use_and_at_least_a_cent_an_hour() {
        // 502 invocations, 1,000 s of instances and 100 s at a twentieth of a processor.
        let sweeps = Sweeps::of(Use { invocations: 502.0, busy: 1_000.0, cpu: 5.0 });
        assert_eq!(sweeps.cu, 80.0, "3.765 + 1,100 × 0.06875, rounded up");
        assert_eq!((format!("{:.2}", sweeps.cny()), format!("{:.2}", sweeps.usd())), ("7.44".into(), "1.19".into()));
        let large = Sweeps::of(Use { invocations: 10_000.0, busy: 20_000.0, cpu: 0.0 });
        assert_eq!(large.cu, 1_450.0);
        assert_eq!(format!("{:.2}", large.cny()), "118.67");
    }
}
