//! The operations of Billing (BSS OpenAPI), version 2017-12-14: what the account has been charged.
//!
//! Only the account that pays sees a bill: in a Resource Directory that is the management account. Usage is 24 hours
//! late, ids and tags are 48 hours late, the current month is provisional, and a month is final after noon of the third
//! day of the next one. The last 18 months can be read.

use std::{fmt, str::FromStr};

use flow_log::AccountId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    CallError, Listing, Product, Session,
    call::{request::Request, response_object::ResponseObject},
    paging::listing::List,
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 300;

/// A month of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BillingCycle(Date);

impl BillingCycle {
    /// Returns the month of a moment, as bills have it: in China's time.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let offset = jiff::tz::Offset::constant(8);
        Self(time.to_zoned(TimeZone::fixed(offset)).date().first_of_month())
    }

    /// Returns the month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0).first_of_month())
    }

    /// Returns how many days it has.
    #[must_use]
    pub fn days(self) -> i8 {
        self.0.days_in_month()
    }
}

impl fmt::Display for BillingCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for BillingCycle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_month = text.len() == "2026-11".len();
        let date = format!("{text}-01").parse().ok().filter(|_| is_month);
        date.map(Self).ok_or_else(|| format!("{text:?} is no month, as in 2026-11"))
    }
}

/// Selects a bill.
#[derive(Debug, Clone, Copy)]
pub struct Bill<'a> {
    /// The month.
    pub cycle: BillingCycle,
    /// Of this product alone, such as `sls`.
    pub product_code: Option<&'a str>,
    /// Of this member's account, for which the caller's pays; `None` for the caller's own.
    pub owner: Option<&'a AccountId>,
}

/// A line of a bill. Amounts are decimal numbers as texts, as the API wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillItem {
    /// The instance that was charged, if the product names one.
    pub instance_id: Option<String>,
    /// The product, such as `sls`.
    pub product_code: Option<String>,
    /// The item that was charged, in words.
    pub billing_item: Option<String>,
    /// How much was used.
    pub usage: Option<String>,
    /// The unit of [`Self::usage`], such as `GB`.
    pub usage_unit: Option<String>,
    /// What it costs after discounts, before tax.
    pub pretax_amount: String,
    /// `CNY` or `USD`.
    pub currency: String,
    /// The region, in the words of the bill.
    pub region: Option<String>,
}

impl Session<'_> {
    /// `DescribeInstanceBill`: returns the lines of a month's bill, by instance and billing item. Lines of nothing are left
    /// out.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read or is not whole.
    pub async fn describe_instance_bill(&self, bill: Bill<'_>) -> Result<Listing<BillItem>, CallError> {
        let request = Request::read(Product::Bss, "DescribeInstanceBill")
            .about(bill.cycle.to_string())
            .with("BillingCycle", bill.cycle.to_string())
            .with("Granularity", "MONTHLY")
            .with_flag("IsBillingItem", Some(true))
            .with_flag("IsHideZeroCharge", Some(true))
            .with_some("ProductCode", bill.product_code)
            .with_some("BillOwnerId", bill.owner.map(AccountId::as_str));
        // One instance has as many lines as billing items, and nothing in a line is documented as unique.
        let list = List::new("Items", "Item", &["InstanceID"]).within("Data").by_content().counted().or_null();
        Listing::of(self.by_token(request, MAX_PAGE_SIZE, list, item)).await
    }
}

fn item(found: &ResponseObject<'_>) -> Result<BillItem, String> {
    let [pretax_amount, currency] = [found.required("PretaxAmount")?, found.required("Currency")?];
    if !is_decimal(&pretax_amount) {
        return Err(format!("{}.PretaxAmount is {pretax_amount:?}, which is no amount", found.place()));
    }
    Ok(BillItem {
        instance_id: found.text("InstanceID"),
        product_code: found.text("ProductCode"),
        billing_item: found.text("BillingItem"),
        usage: found.text("Usage"),
        usage_unit: found.text("UsageUnit"),
        pretax_amount,
        currency,
        region: found.text("Region"),
    })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_in_china() {
        let of = |text: &str| BillingCycle::of(text.parse().unwrap()).to_string();
        assert_eq!(of("2026-10-31T15:59:59Z"), "2026-10");
        assert_eq!(of("2026-10-31T16:00:00Z"), "2026-11");
        let january: BillingCycle = "2026-01".parse().unwrap();
        assert_eq!(january.previous().to_string(), "2025-12");
        for wrong in ["2026", "2026-13", "2026-1", "2026-01-01", "x"] {
            assert!(wrong.parse::<BillingCycle>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_a_decimal_number() {
        for good in ["0", "12.5", "-3.25", "0.000001"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-", ".5", "5.", "1e3", "1,000", "NaN", "¥1"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }
}
