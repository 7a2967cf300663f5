//! What Flowkeeper itself costs in Function Compute.

use crate::{Amount, PriceTable};

/// The CU of 10,000 invocations.
const CU_PER_TEN_THOUSAND: u128 = 75;
/// The CU of a GB of memory in a second, in hundredths: 0.15.
const CU_PER_GB_SECOND: u128 = 15;
/// What CU are counted in here: a CU has this number of parts. With milliseconds, thousandths of a vCPU and MB, no part is lost.
const PARTS: u128 = 1024 * 1_000 * 1_000 * 100;

/// How much a function runs in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionUsage {
    /// Its name.
    pub name: String,
    /// How often it is invoked.
    pub invocations: u64,
    /// How long an invocation takes, in milliseconds.
    pub milliseconds: u64,
    /// In how many hours there is an invocation.
    pub hours: u64,
    /// Its processors, in thousandths.
    pub vcpu_thousandths: u64,
    /// Its memory, in MB.
    pub memory_mb: u64,
}

/// What a function costs in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCost {
    /// Its name.
    pub name: String,
    /// How often it is invoked.
    pub invocations: u64,
    /// The CU, in tenths, rounded half up.
    pub cu_tenths: u64,
    /// What the CU cost.
    pub of_use: Amount,
    /// What it costs at least for the hours in which it is invoked, if the table knows.
    pub least: Option<Amount>,
}

impl FunctionUsage {
    /// Computes what the function costs.
    #[must_use]
    pub fn cost(&self, table: &PriceTable) -> FunctionCost {
        let prices = &table.function_compute;
        let parts = self.cu_parts();
        let tenths = (parts * 10 + PARTS / 2) / PARTS;
        FunctionCost {
            name: self.name.clone(),
            invocations: self.invocations,
            cu_tenths: u64::try_from(tenths).unwrap_or(u64::MAX),
            of_use: Amount::of(prices.per_cu, parts, PARTS),
            least: prices.least_per_function_hour.map(|least| Amount::of(least, u128::from(self.hours), 1)),
        }
    }

    fn cu_parts(&self) -> u128 {
        let invocations = u128::from(self.invocations);
        let of_invocations = invocations * CU_PER_TEN_THOUSAND * (PARTS / 10_000);
        let milliseconds = invocations * u128::from(self.milliseconds);
        // vCPU-seconds: milliseconds × thousandths are millionths.
        let of_processors = milliseconds * u128::from(self.vcpu_thousandths) * (PARTS / 1_000_000);
        // GB-seconds: milliseconds × MB are 1,024,000ths, and each is worth 0.15 CU.
        let of_memory = milliseconds * u128::from(self.memory_mb) * CU_PER_GB_SECOND * (PARTS / (1024 * 1_000 * 100));
        of_invocations + of_processors + of_memory
    }
}

impl FunctionCost {
    /// Returns what is charged: for its use, but not less than the least.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.of_use.max(self.least.unwrap_or_default())
    }
}
