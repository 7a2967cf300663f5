//! Reads the Express Connect Routers of an account.

use flow_log::Ecr;
use openapi::{EcrFilter, Session};

use crate::{items, report::ReportBuilder};

/// What the routers are called in results.
const WHAT: &str = "Express Connect Routers";

/// Returns the routers that could be read. Reports the others, or that the list could not be read.
pub(super) async fn read(session: &Session<'_>, report: &mut ReportBuilder) -> Vec<Ecr> {
    match session.describe_ecrs(&EcrFilter::default()).await {
        Ok(routers) => {
            report.items.extend(routers.unreadable.iter().map(|it| items::item_unread(session, WHAT, it)));
            routers.items
        }
        Err(error) => {
            report.items.push(items::region_unread(session, WHAT, &error));
            Vec::new()
        }
    }
}
