//! Resources and flow logs as observed in the cloud. Reading is lenient: an unknown status or value is kept, not
//! rejected.

use std::fmt;

use jiff::Timestamp;
use litemap::LiteMap;

use crate::{AccountId, FlowLogId, RegionId, ResourceId, ResourceType};

/// Tags as observed. Others may have written tags that a policy could not.
pub type ObservedTags = LiteMap<String, String>;

/// A VPC, vSwitch or network interface as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// The region that it is in.
    pub region: RegionId,
    /// Its id, which includes its type.
    pub id: ResourceId,
    /// Its name, if it has one. Anybody who may create resources chooses it.
    pub name: Option<String>,
    /// The resources that contain it: its vSwitch and its VPC, if any, nearest first.
    pub parents: Vec<ResourceId>,
    /// Its tags; `None` if they could not be read.
    pub tags: Option<ObservedTags>,
    /// Whether a cloud service manages it. If so, it cannot have a flow log of its own.
    pub is_service_managed: bool,
    /// When it was created, if that is known.
    pub creation_time: Option<Timestamp>,
    /// Whether IPv6 is enabled in it: `EnabledIpv6` of a VPC or vSwitch; `None` if the API does not say.
    pub has_ipv6: Option<bool>,
}

impl Resource {
    /// The VPC that the resource is or is in.
    #[must_use]
    pub fn vpc(&self) -> Option<&ResourceId> {
        std::iter::once(&self.id).chain(&self.parents).find(|id| id.resource_type() == ResourceType::Vpc)
    }
}

/// A flow log as `DescribeFlowLogs` lists it. A field that the response lacks is `None`: absent, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLog {
    /// `FlowLogId`.
    pub id: FlowLogId,
    /// The id of the resource that it records. A string, since the type of the resource may be unknown to this version.
    pub resource_id: String,
    /// Its name, if given.
    pub name: Option<String>,
    /// Its description, if given.
    pub description: Option<String>,
    /// Which traffic it records, if given.
    pub traffic_type: Option<String>,
    /// Which traffic paths it records, if given.
    pub traffic_path: Option<Vec<String>>,
    /// The SLS project that it writes to, if given.
    pub project: Option<String>,
    /// The Logstore that it writes to, if given.
    pub log_store: Option<String>,
    /// The aggregation interval in minutes, if given.
    pub aggregation_interval: Option<u32>,
    /// Which IP version it records, if given.
    pub ip_version: Option<String>,
    /// Its resource group, if given.
    pub resource_group_id: Option<String>,
    /// Its tags; `None` if they could not be read.
    pub tags: Option<ObservedTags>,
    /// Whether it records.
    pub status: Status,
    /// The service that manages it: `sls` if SLS created it, in which case the VPC API may not change it.
    pub service_type: Option<String>,
    /// Whether its data arrives.
    pub delivery: Delivery,
    /// The type of the resource that it records, in the API's words, if given.
    pub resource_type: Option<String>,
    /// Its region, if given.
    pub region: Option<String>,
    /// When it was created, if given and readable.
    pub creation_time: Option<Timestamp>,
    /// `FinancialLocked` if the account has unpaid bills, otherwise `Normal`.
    pub business_status: Option<String>,
    /// The format of its records. The documents do not list the possible values.
    pub log_format: Option<String>,
}

impl FlowLog {
    /// The tag, as key and value, that every flow log made by Flowkeeper carries.
    pub const OWN_TAG: (&'static str, &'static str) = ("managed-by", "flowkeeper");

    /// Whether Flowkeeper made it. Its tag decides, never its name; false if the tags are unknown.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !self.is_managed_by_sls() && has_own_tag(self.tags.as_ref())
    }

    /// Whether its tags could not be read, so that its owner is unknown.
    #[must_use]
    pub const fn has_unknown_tags(&self) -> bool {
        self.tags.is_none()
    }

    /// Why its data may not arrive, as a phrase; `None` if nothing suggests that.
    #[must_use]
    pub fn impairment(&self) -> Option<String> {
        let destination = || match (&self.project, &self.log_store) {
            (Some(project), Some(log_store)) => format!(" in {project}/{log_store}"),
            _ => String::new(),
        };
        match &self.delivery {
            Delivery::Working => {}
            Delivery::Failed(error) => {
                return Some(format!("what it records does not arrive{}: {error}", destination()));
            }
            Delivery::Unknown(words) => {
                let whether = format!("it is unknown whether what it records arrives{}", destination());
                return Some(format!("{whether}: its delivery is {words:?}"));
            }
        }
        match self.business_status.as_deref() {
            None => None,
            Some(status) if status.eq_ignore_ascii_case("Normal") => None,
            Some(status) if status.eq_ignore_ascii_case("FinancialLocked") => {
                Some("it records nothing while its account is locked for unpaid bills (FinancialLocked)".to_owned())
            }
            Some(status) => Some(format!("its business status is {status:?}, and not Normal")),
        }
    }

    /// Whether SLS created it. If so, the VPC API may not change it.
    #[must_use]
    pub fn is_managed_by_sls(&self) -> bool {
        self.service_type.as_deref().is_some_and(|service| service.eq_ignore_ascii_case("sls"))
    }
}

/// Whether these tags mark a flow log as made by Flowkeeper.
pub(crate) fn has_own_tag(tags: Option<&ObservedTags>) -> bool {
    let (key, value) = FlowLog::OWN_TAG;
    tags.and_then(|tags| tags.get(key)).is_some_and(|found| found == value)
}

/// The status of a flow log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Being created or activated.
    Activating,
    /// Records.
    Active,
    /// Being deactivated.
    Deactivating,
    /// Does not record.
    Inactive,
    /// Being changed.
    Modifying,
    /// Being deleted.
    Deleting,
    /// A status that the documents do not mention.
    Unknown(String),
}

impl Status {
    /// How far the status is from recording.
    pub(crate) const fn steps_to_active(&self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Activating | Self::Modifying => 1,
            Self::Deactivating | Self::Inactive | Self::Deleting | Self::Unknown(_) => 2,
        }
    }

    /// The API's word for it, or an unknown one as `Err`.
    fn word(&self) -> Result<&'static str, &str> {
        match self {
            Self::Activating => Ok("Activating"),
            Self::Active => Ok("Active"),
            Self::Deactivating => Ok("Deactivating"),
            Self::Inactive => Ok("Inactive"),
            Self::Modifying => Ok("Modifying"),
            Self::Deleting => Ok("Deleting"),
            Self::Unknown(text) => Err(text),
        }
    }
}

impl From<&str> for Status {
    fn from(text: &str) -> Self {
        let known =
            [Self::Activating, Self::Active, Self::Deactivating, Self::Inactive, Self::Modifying, Self::Deleting];
        let is_it = |status: &Self| status.word().is_ok_and(|word| text.eq_ignore_ascii_case(word));
        known.into_iter().find(is_it).unwrap_or_else(|| Self::Unknown(text.to_owned()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Ok(word) => f.write_str(word),
            Err(text) => write!(f, "in the unknown status {text:?}"),
        }
    }
}

/// Whether a flow log's data arrives in its Logstore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Nothing suggests otherwise.
    #[default]
    Working,
    /// It does not arrive. Holds the API's reason, such as `ProjectNotExist`.
    Failed(String),
    /// It is unclear. Holds the API's words, which are not those for a working delivery.
    Unknown(String),
}

impl Delivery {
    /// Interprets the API's status and error message, if it gives any.
    #[must_use]
    pub fn new(status: Option<&str>, error: Option<&str>) -> Self {
        let [status, error] = [status, error].map(|text| text.map(str::trim).filter(|text| !text.is_empty()));
        match (status, error) {
            (None, None) => Self::Working,
            (Some(word), None) if word.eq_ignore_ascii_case("SUCCESS") => Self::Working,
            (Some(word), error) if word.eq_ignore_ascii_case("FAILED") => {
                Self::Failed(error.unwrap_or_default().to_owned())
            }
            (None, Some(error)) => Self::Failed(error.to_owned()),
            (Some(word), None) => Self::Unknown(word.to_owned()),
            (Some(word), Some(error)) => Self::Unknown(format!("{word}, {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_known_in_any_case_and_another_one_is_kept_as_it_is() {
        for word in ["Active", "ACTIVE", "active"] {
            assert_eq!(Status::from(word), Status::Active);
        }
        assert_eq!(Status::from("deActivating"), Status::Deactivating);
        for word in ["", "Actived", "Running"] {
            assert_eq!(Status::from(word), Status::Unknown(word.to_owned()));
        }
    }

    #[test]
    fn only_a_delivery_that_says_success_or_nothing_and_has_no_error_works() {
        let failed = |text: &str| Delivery::Failed(text.to_owned());
        let unknown = |text: &str| Delivery::Unknown(text.to_owned());
        for (status, error, expected) in [
            (None, None, Delivery::Working),
            (Some(""), Some(" "), Delivery::Working),
            (Some("SUCCESS"), None, Delivery::Working),
            (Some("Success"), Some(""), Delivery::Working),
            (Some("FAILED"), None, failed("")),
            (Some("failed"), Some("ProjectNotExist"), failed("ProjectNotExist")),
            (None, Some("UnavaliableTarget"), failed("UnavaliableTarget")),
            (Some("SUCCESS"), Some("UnknownError"), unknown("SUCCESS, UnknownError")),
            (Some("PENDING"), None, unknown("PENDING")),
            (Some("Fail"), Some("UnknownError"), unknown("Fail, UnknownError")),
        ] {
            assert_eq!(Delivery::new(status, error), expected, "{status:?} {error:?}");
        }
    }

    #[test]
    fn a_flow_log_with_the_tag_is_ours_and_one_with_unknown_tags_is_not() {
        let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        assert!(has_own_tag(Some(&tags(&[FlowLog::OWN_TAG, ("env", "prod")]))));
        for others in [None, Some(tags(&[])), Some(tags(&[("managed-by", "Flowkeeper")]))] {
            assert!(!has_own_tag(others.as_ref()), "{others:?}");
        }
    }
}
