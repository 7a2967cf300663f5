//! Cloud identifiers, validated when parsed, so that every value of these types is valid.

use std::{borrow::Cow, fmt, ops::RangeInclusive, str::FromStr};

use serde::Serialize;

use crate::{ResourceType, regions, text::checked_text};

/// The error for a text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}")]
pub struct InvalidId {
    given: String,
    what: Cow<'static, str>,
}

impl InvalidId {
    fn new(given: &str, what: impl Into<Cow<'static, str>>) -> Self {
        // An id is short; anything longer would only flood the log.
        Self { given: given.chars().take(80).collect(), what: what.into() }
    }

    /// A policy or an option names one exact thing, so an id with `*`, which events may contain, names nothing.
    fn not_exact(given: &str, example: &str) -> Self {
        Self::new(
            given,
            format!("an exact id: it holds *, which is no wildcard here (want the whole id, as in {example:?})"),
        )
    }
}

/// The id of a resource that can have a flow log. Its prefix determines the type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct ResourceId {
    resource_type: ResourceType,
    id: String,
}

impl ResourceId {
    /// Reads the id of a resource that must be of this type.
    ///
    /// # Errors
    /// The text is not an id, or has another type.
    pub fn of(resource_type: ResourceType, text: &str) -> Result<Self, InvalidId> {
        let what = match resource_type {
            ResourceType::Vpc => "a VPC id (want \"vpc-\" and letters or digits)",
            ResourceType::VSwitch => "a vSwitch id (want \"vsw-\" and letters or digits)",
            ResourceType::NetworkInterface => "a network interface id (want \"eni-\" and letters or digits)",
        };
        match text.parse() {
            Ok(Self { resource_type: found, id }) if found == resource_type => Ok(Self { resource_type, id }),
            _ => Err(InvalidId::new(text, what)),
        }
    }

    /// Reads an id that must name one resource, as in a policy or an option: neither a wildcard nor a masked id. The
    /// other constructors accept these, since events contain masked ids.
    ///
    /// # Errors
    /// The text is not an id, or contains `*`.
    pub fn exact(text: &str) -> Result<Self, InvalidId> {
        Self::require_exact(text, text.parse()?)
    }

    /// Like [`ResourceId::exact`], for a resource of a given type.
    ///
    /// # Errors
    /// The text is not an id, has another type, or contains `*`.
    pub fn exact_of(resource_type: ResourceType, text: &str) -> Result<Self, InvalidId> {
        Self::require_exact(text, Self::of(resource_type, text)?)
    }

    fn require_exact(text: &str, id: Self) -> Result<Self, InvalidId> {
        let example = format!("{}bp1example00000000001", id.resource_type.prefix());
        if text.contains('*') { Err(InvalidId::not_exact(text, &example)) } else { Ok(id) }
    }

    /// The type of the resource.
    #[must_use]
    pub const fn resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// The id as the cloud writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

impl FromStr for ResourceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const WHAT: &str =
            "the id of a VPC, vSwitch or network interface (want \"vpc-\", \"vsw-\" or \"eni-\" and letters or digits)";
        let resource_type = ResourceType::ALL
            .into_iter()
            .find(|resource_type| text.strip_prefix(resource_type.prefix()).is_some_and(is_word))
            .ok_or_else(|| InvalidId::new(text, WHAT))?;
        Ok(Self { resource_type, id: text.to_owned() })
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.id
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// The longest text after the prefix of an id.
pub(crate) const MAX_WORD: usize = 64;

/// Whether the text may follow the prefix of an id. `*` is accepted because Alibaba Cloud masks published ids with it.
fn is_word(text: &str) -> bool {
    (1..=MAX_WORD).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*'))
}

/// Defines an id: a [`checked_text!`] whose error says what the text is not.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $is_good:expr) => {
        checked_text!($(#[$doc])* $name, InvalidId, $is_good, |text| InvalidId::new(text, $what));
    };
}

id!(
    /// The id of an Alibaba Cloud account: digits.
    AccountId,
    "an account id (want digits)",
    |text| (1..=AccountId::MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'*')
);

impl AccountId {
    /// The most digits.
    pub(crate) const MAX_LENGTH: usize = 32;

    /// Reads an id that must name one account, as in a policy or an option.
    ///
    /// # Errors
    /// The text is not an id, or a masked one.
    pub fn exact(text: &str) -> Result<Self, InvalidId> {
        let id = text.parse()?;
        if text.contains('*') { Err(InvalidId::not_exact(text, "1000000000000001")) } else { Ok(id) }
    }
}

id!(
    /// The id of a region, for example `cn-hangzhou`.
    ///
    /// It becomes part of a host name, so it may contain only letters, digits and hyphens.
    RegionId,
    "a region id (want letters, digits and hyphens, as in \"cn-hangzhou\")",
    |text| {
        RegionId::LENGTH.contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }
);

impl RegionId {
    /// How many characters it may have.
    pub(crate) const LENGTH: RangeInclusive<usize> = 2..=40;

    /// Reads a region that must exist, as in a policy or an option: a known one, or one that may have opened since.
    /// [`RegionId::is_known`] tells these apart.
    ///
    /// # Errors
    /// The text is not a region id, or is a misspelling of a known region, which the error names.
    pub fn exact(text: &str) -> Result<Self, InvalidId> {
        if regions::known().any(|region| region == text) {
            return text.parse();
        }
        if let Some(meant) = regions::meant_by(text) {
            return Err(InvalidId::new(text, format!("a region (want {meant:?})")));
        }
        let id: Self = text.parse()?;
        let is_region =
            text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if is_region { Ok(id) } else { Err(InvalidId::new(text, NO_REGION)) }
    }

    /// Whether the region was known at build time.
    #[must_use]
    pub fn is_known(&self) -> bool {
        regions::known().any(|region| region == self.as_str())
    }
}

const NO_REGION: &str = "a region id (want lower-case letters, digits and hyphens, as in \"cn-hangzhou\")";

id!(
    /// The id of a flow log, for example `fl-bp1f6qqhsrc2c12ta`.
    FlowLogId,
    "a flow log id (want letters, digits and hyphens)",
    is_word
);

id!(
    /// The id of an Express Connect Router, for example `ecr-mezk2idmsd0vx2****`.
    EcrId,
    "the id of an Express Connect Router (want \"ecr-\" and letters or digits)",
    |text| text.strip_prefix("ecr-").is_some_and(is_word)
);

id!(
    /// The id of a virtual border router, the only kind of instance whose traffic an Express Connect Router records.
    VbrId,
    "the id of a virtual border router (want \"vbr-\" and letters or digits)",
    |text| text.strip_prefix("vbr-").is_some_and(is_word)
);

id!(
    /// The id of a folder in a resource directory, for example `fd-bVaRIG****`, or `r-Wm****` for its root folder.
    FolderId,
    "the id of a folder of a resource directory (want \"fd-\", or \"r-\" for the root folder, and letters or digits)",
    |text| FolderId::PREFIXES.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(is_word))
);

impl FolderId {
    /// The prefixes of ids: for the root folder, and for any other folder.
    pub(crate) const PREFIXES: [&str; 2] = [Self::ROOT_PREFIX, "fd-"];
    /// The prefix of the root folder's id.
    const ROOT_PREFIX: &str = "r-";

    /// Reads an id that must name one folder, as in a policy or an option.
    ///
    /// # Errors
    /// The text is not an id, or a masked one.
    pub fn exact(text: &str) -> Result<Self, InvalidId> {
        let id = text.parse()?;
        if text.contains('*') { Err(InvalidId::not_exact(text, "fd-example00001")) } else { Ok(id) }
    }

    /// Whether this is the root folder, which contains every account of the directory.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.as_str().starts_with(Self::ROOT_PREFIX)
    }
}

id!(
    /// The name of a RAM role, for example `flowkeeper`.
    ///
    /// RAM documents 1 to 64 letters, digits, hyphens and full stops.
    RoleName,
    "the name of a role (want letters, digits, hyphens and full stops, as in \"flowkeeper\", and not the whole ARN)",
    |text| {
        (1..=RoleName::MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    }
);

impl RoleName {
    /// The most characters.
    pub(crate) const MAX_LENGTH: usize = 64;
}

/// The ARN of a RAM role, for example `acs:ram::1000000000000002:role/flowkeeper`: an account, and a role in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleArn {
    account: AccountId,
    arn: String,
}

impl RoleArn {
    /// The longest name of a role.
    pub(crate) const MAX_NAME: usize = 128;

    /// Reads the ARN of a role that must exist, as in a policy or an option.
    ///
    /// # Errors
    /// The text is not such an ARN, or a masked one.
    pub fn exact(text: &str) -> Result<Self, InvalidId> {
        let arn = text.parse()?;
        let example = "acs:ram::1000000000000002:role/flowkeeper";
        if text.contains('*') { Err(InvalidId::not_exact(text, example)) } else { Ok(arn) }
    }

    /// The ARN of the role with this name in `account`.
    #[must_use]
    pub fn of(account: &AccountId, name: &RoleName) -> Self {
        Self { account: account.clone(), arn: format!("acs:ram::{account}:role/{name}") }
    }

    /// The account that the role is in.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The ARN, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }
}

impl FromStr for RoleArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts = text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
        match parts.map(|(account, name)| (account.parse(), name)) {
            Some((Ok(account), name)) if is_role_name(name) => Ok(Self { account, arn: text.to_owned() }),
            _ => Err(InvalidId::new(text, "the ARN of a role, as in \"acs:ram::1000000000000002:role/flowkeeper\"")),
        }
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

/// RAM documents 1 to 64 letters, digits, hyphens and full stops; roles that RAM creates itself also contain slashes.
fn is_role_name(text: &str) -> bool {
    (1..=RoleArn::MAX_NAME).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_an_id_says_what_it_is() {
        for (text, resource_type) in [
            ("vpc-bp1example00000000001", ResourceType::Vpc),
            ("vsw-bp1example00000000001", ResourceType::VSwitch),
            ("eni-bp12f9rjbjqauktz****", ResourceType::NetworkInterface),
        ] {
            assert_eq!(text.parse::<ResourceId>().unwrap().resource_type(), resource_type);
        }
    }

    #[test]
    fn a_malformed_id_is_refused_with_what_would_be_right() {
        for text in ["", "vpc-", "subnet-1", "VPC-1", "vpc-1/..", "vpc-1&Action=DeleteVpc", &format!("vpc-{:065}", 0)] {
            assert!(text.parse::<ResourceId>().is_err(), "{text}");
        }
        assert_eq!(
            ResourceId::of(ResourceType::Vpc, "vsw-1").unwrap_err().to_string(),
            "\"vsw-1\" is not a VPC id (want \"vpc-\" and letters or digits)"
        );
    }

    #[test]
    fn an_exact_id_is_no_wildcard_and_not_masked() {
        for text in ["vpc-bp1*", "vpc-*", "eni-bp12f9rjbjqauktz****"] {
            assert!(text.parse::<ResourceId>().is_ok(), "events hold {text}");
            assert!(ResourceId::exact(text).is_err(), "{text}");
        }
        assert!(ResourceId::exact("vpc-bp1example00000000001").is_ok());
        assert_eq!(
            ResourceId::exact_of(ResourceType::Vpc, "vpc-bp1*").unwrap_err().to_string(),
            "\"vpc-bp1*\" is not an exact id: it holds *, which is no wildcard here (want the whole id, as in \
             \"vpc-bp1example00000000001\")"
        );
        assert!("100000000000****".parse::<AccountId>().is_ok() && AccountId::exact("100000000000****").is_err());
        assert!(RoleArn::exact("acs:ram::1000000000000002:role/flow*").is_err());
        assert!(RoleArn::exact("acs:ram::1000000000000002:role/flowkeeper").is_ok());
    }

    #[test]
    fn an_exact_region_is_known_or_may_have_opened_since() {
        assert!(RegionId::exact("cn-hangzhou").unwrap().is_known());
        assert!(!RegionId::exact("ap-southeast-9").unwrap().is_known());
        for (text, problem) in [
            ("cn-shanghia", "\"cn-shanghia\" is not a region (want \"cn-shanghai\")"),
            ("shanghai", "\"shanghai\" is not a region (want \"cn-shanghai\")"),
            ("mars", "\"mars\" is not a region id (want lower-case letters"),
            ("Eu-North-9", "\"Eu-North-9\" is not a region id (want lower-case letters"),
            ("evil.example/", "\"evil.example/\" is not a region id"),
            ("cn-*", "\"cn-*\" is not a region id"),
        ] {
            let error = RegionId::exact(text).unwrap_err().to_string();
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn the_arn_of_a_role_says_which_account_it_is_in() {
        let arn: RoleArn = "acs:ram::1000000000000002:role/flowkeeper".parse().unwrap();
        assert_eq!(arn.account().as_str(), "1000000000000002");
        for text in [
            "",
            "admin",
            "acs:ram::1:role/",
            "acs:ram:::role/a",
            "acs:ram::x:role/a",
            "acs:ram::1:user/a",
            "acs:ram::1:role/a b",
        ] {
            assert!(text.parse::<RoleArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_is_the_root_folder_or_one_below_it() {
        assert!(FolderId::exact("r-Wm1d").unwrap().is_root() && !FolderId::exact("fd-bVaRIG").unwrap().is_root());
        for text in ["", "fd-", "r-", "rd-3gxw", "FD-1", "1000000000000001", "fd-a/fd-b", "fd-a b", "fd_a"] {
            assert!(text.parse::<FolderId>().is_err(), "{text}");
        }
        assert!("fd-bVaRIG****".parse::<FolderId>().is_ok());
        assert_eq!(
            FolderId::exact("fd-bVaRIG****").unwrap_err().to_string(),
            "\"fd-bVaRIG****\" is not an exact id: it holds *, which is no wildcard here (want the whole id, as in \
             \"fd-example00001\")"
        );
    }

    #[test]
    fn a_role_of_this_name_in_an_account_has_an_arn() {
        let name: RoleName = "flow_keeper-1.a".parse().unwrap();
        let arn = RoleArn::of(&"1000000000000002".parse().unwrap(), &name);
        assert_eq!(arn.as_str(), "acs:ram::1000000000000002:role/flow_keeper-1.a");
        assert_eq!(RoleArn::exact(arn.as_str()), Ok(arn));
        assert!("a".repeat(64).parse::<RoleName>().is_ok());
        for text in ["", "a b", "a/b", "flow*", "acs:ram::1:role/a", &"a".repeat(65)] {
            assert!(text.parse::<RoleName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_region_cannot_smuggle_in_another_host() {
        for text in ["evil.example/", "cn-hangzhou.evil", "cn hangzhou", "-cn", "cn-", "", "cn-hangzhou#", "cn:80"] {
            assert!(text.parse::<RegionId>().is_err(), "{text}");
        }
        assert!("cn-hangzhou".parse::<RegionId>().is_ok());
    }
}
