//! Makes a report of evidence: a plan that is told as evidence, with what only an auditor asks for.

use audit::{About, Audited, Gathered, Swept, audit, callers, own_binary, scope_left_out};
use cost::{Amount, FlowLogCost, RegionCost};
use evidence::{
    BilledMonth, Cost, CostRow, Currency, Evidence, ExceptionsCountAs, LeftOut, OtherCost, OtherKind, Part, PolicyName,
};
use jiff::Timestamp;

use crate::{
    call_remedy,
    costing::{self, Costing, OfRouter},
    failure::Failure,
    gathering::gather,
    plan::file::digest,
    planning::{Planning, Reads},
};

/// How many resources and flow logs a report lists, and costs are computed with. Each takes about 2 KB of memory until the
/// report is written.
pub(crate) const MAX_FOUND: usize = 500_000;
/// How many days of records are counted for what they cost.
const DAYS_OF_COST: u16 = 30;

/// A report is a plan that is told as evidence.
pub(crate) struct Reporting<'a> {
    pub(crate) planning: Planning<'a>,
    pub(crate) exceptions_count_as: ExceptionsCountAs,
}

/// Evidence, and what of the costs in it could not be read.
#[derive(Debug)]
pub(crate) struct Reported {
    /// The evidence.
    pub(crate) evidence: Evidence,
    /// What could not be read of volumes and bills, one sentence each.
    pub(crate) unread_costs: Vec<String>,
}

impl Reporting<'_> {
    /// Reads everything, and draws the conclusions.
    ///
    /// # Errors
    /// The options name what the policy is not about.
    pub(crate) async fn evidence(&self) -> Result<Reported, Failure> {
        let Planning { context, identity, policy_file, policy_text, policy, narrowed, .. } = self.planning;
        let started = context.now();
        let policy = narrowed.policy(policy);
        let mut left_out = Vec::new();
        if !narrowed.accounts.is_empty() {
            let why = "--account names others".to_owned();
            left_out.push(LeftOut { what: "every other account of the policy".to_owned(), why, part: Part::Account });
        }
        if !narrowed.regions.is_empty() {
            let why = "--region names others".to_owned();
            left_out.push(LeftOut { what: "every other region of the policy".to_owned(), why, part: Part::Region });
        }
        let routers = scope_left_out(&policy, !narrowed.regions.is_empty());
        let has_routers = routers.is_none();
        left_out.extend(routers);
        let about = About {
            tool: "flowkeeper".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary: own_binary(),
            run: started.to_string(),
            started,
            policy: PolicyName { name: policy_file.to_owned(), sha256: digest(policy_text.as_bytes()) },
            exceptions_count_as: self.exceptions_count_as,
            left_out,
            has_routers,
            advice: call_remedy::advise_on,
        };
        let (swept, gathered, gathering) = gather(&self.planning, MAX_FOUND).await?;
        let (is_costed, uncosted) = is_costed(self.planning.reads, gathered.is_whole());
        let costing = if is_costed { Some(self.costing(&swept, &gathered, started).await?) } else { None };
        let (own, arn) = (&identity.caller.account, identity.caller.arn.as_deref());
        let callers = callers(&policy, own, arn, &identity.found.origin.text, &swept.accounts);
        let costs = costing.iter().map(cost).collect();
        let Audited { evidence, .. } = audit(about, swept, (&gathering, gathered), callers, costs).await;
        let unread_costs = costing.map_or_else(Vec::new, |costing| costing.unread).into_iter().chain(uncosted);
        Ok(Reported { evidence, unread_costs: unread_costs.collect() })
    }

    /// Reads what flow logs cost in a month.
    async fn costing(&self, swept: &Swept, gathered: &Gathered, now: Timestamp) -> Result<Costing, Failure> {
        let identity = self.planning.identity;
        let asked = costing::Asked {
            swept,
            gathered,
            own: &identity.caller.account,
            any_region: identity.any_region(),
            has_policy: true,
            is_narrowed: !self.planning.narrowed.regions.is_empty(),
            counted_days: DAYS_OF_COST,
            currency: None,
            prices: None,
            now,
        };
        costing::compute(&asked).await
    }
}

/// Whether costs are computed, and what is unread if they are asked for and are not: a part of the flow logs tells nothing of
/// what all of them cost.
fn is_costed(reads: Reads, is_whole: bool) -> (bool, Option<String>) {
    match (reads == Reads::Costs, is_whole) {
        (true, true) => (true, None),
        (true, false) => {
            (false, Some(format!("what flow logs cost: there are more than {MAX_FOUND} resources and flow logs")))
        }
        (false, _) => (false, None),
    }
}

/// What flow logs cost, as evidence has it.
fn cost(costing: &Costing) -> Cost {
    let statement = &costing.statement;
    let micros = |amount: Amount| amount.millionths();
    let row = |region: &RegionCost, flow_log: &FlowLogCost| CostRow {
        account: region.account.to_string(),
        region: region.region.to_string(),
        resource_id: flow_log.resource_id.clone(),
        flow_log_id: flow_log.id.to_string(),
        bytes: flow_log.volume.bytes().map(|bytes| bytes.0),
        micros: flow_log.total().map(micros),
        saved_micros: costing.saved(&flow_log.id).map(|saved| micros(saved.by_traffic)),
        is_estimated: costing::is_estimated(flow_log),
        is_saving_estimated: costing.is_saving_estimated(flow_log),
        duplicate_of: flow_log.duplicates.as_ref().map(ToString::to_string),
        avoidable_micros: flow_log.duplicates.as_ref().and_then(|_| flow_log.avoidable()).map(micros),
    };
    let rows = statement.regions.iter().flat_map(|region| region.flow_logs.iter().map(move |it| row(region, it)));
    // Nothing is known of what they write.
    let of_router = |router: &OfRouter| CostRow {
        account: router.account.clone(),
        region: router.region.clone(),
        resource_id: router.resource_id.clone(),
        flow_log_id: router.id.to_string(),
        bytes: None,
        micros: None,
        saved_micros: None,
        is_estimated: false,
        is_saving_estimated: false,
        duplicate_of: None,
        avoidable_micros: None,
    };
    let rows = rows.chain(costing.routers.iter().map(of_router));
    let shards = statement.regions.iter().map(|region| OtherCost {
        account: Some(region.account.to_string()),
        region: Some(region.region.to_string()),
        kind: OtherKind::Shards,
        micros: region.shards.map(micros),
        is_at_least: false,
    });
    let flowkeeper = costing.flowkeeper().map(|(_, amount)| OtherCost {
        account: None,
        region: None,
        kind: OtherKind::Flowkeeper,
        micros: Some(micros(amount)),
        is_at_least: statement.is_at_least(),
    });
    let routers = (costing.unclear_routers > 0).then_some(OtherCost {
        account: None,
        region: None,
        kind: OtherKind::Routers,
        micros: None,
        is_at_least: false,
    });
    let bill = |bill: &costing::Billed| BilledMonth {
        account: bill.account.to_string(),
        month: bill.cycle.to_string(),
        currency: bill.currency.clone(),
        micros: micros(bill.amount),
    };
    Cost {
        currency: match statement.currency {
            cost::Currency::Cny => Currency::Cny,
            cost::Currency::Usd => Currency::Usd,
        },
        prices_of: statement.prices_of,
        source: statement.source.clone(),
        days: costing::MONTH_DAYS,
        duplicates_micros: costing.duplicates().map(micros),
        rows: rows.collect(),
        others: shards.chain(flowkeeper).chain(routers).collect(),
        bills: costing.bills.iter().map(bill).collect(),
        notes: costing.notes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/evidence.md");

    #[test]
    fn what_only_a_part_of_the_flow_logs_would_cost_is_unread_and_never_an_amount() {
        assert_eq!(is_costed(Reads::Costs, true), (true, None));
        assert_eq!(is_costed(Reads::Evidence, false), (false, None));
        let (is_costed, unread) = is_costed(Reads::Costs, false);
        assert!(!is_costed && unread.unwrap().contains("more than 500000 resources"));
    }

    #[test]
    fn the_documents_say_how_many_resources_a_report_lists() {
        assert_eq!(MAX_FOUND, 500_000);
        assert!(PAGE.replace('\n', " ").contains("and one of the command 500,000."), "{PAGE}");
    }
}
