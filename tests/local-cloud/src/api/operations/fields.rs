//! Tables of the parameters of each operation, and their valid values.

use crate::api::{parameters::Parameters, refusal::Refusal};

/// A parameter of an operation.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    kind: Kind,
    /// The code and message for an invalid value, if the operation has its own.
    refusal: Option<(&'static str, &'static str)>,
}

/// The valid values of a parameter.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Anything.
    Text,
    /// A region that exists.
    Region,
    /// One of these values.
    OneOf(&'static [&'static str]),
    /// A name or description of at most this many characters that does not start with a URL.
    Name(usize),
    /// The name of an SLS project or, with `_`, of a Logstore.
    Sls { underscore: bool },
    /// An integer within these bounds.
    Number(usize, usize),
    /// An id with this prefix.
    Id(&'static str),
    /// `true` or `false`.
    Switch,
    /// Any value that this function accepts.
    Like(fn(&str) -> bool),
    /// At most this many values, as `Name.1`, `Name.2` and so on.
    List(usize),
    /// `Name.1.Key`, `Name.1.Value` and so on.
    Tags,
    /// A list that the cloud ignores.
    Unused,
}

pub(super) const REGION: Field = required("RegionId", Kind::Region);

pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, required: true, kind, refusal: None }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, required: false, kind, refusal: None }
}

impl Field {
    /// Sets the code and message for an invalid value.
    pub(super) const fn or(self, code: &'static str, message: &'static str) -> Self {
        Self { refusal: Some((code, message)), ..self }
    }

    /// Checks this parameter of a call, where these regions exist.
    pub(super) fn check(&self, parameters: &Parameters, regions: &[&str]) -> Result<(), Refusal> {
        let lacks = match self.kind {
            Kind::Tags => parameters.tags(self.name)?.is_empty(),
            Kind::List(max) => match parameters.list(self.name).len() {
                given if given > max => return Err(self.refuse()),
                given => given == 0,
            },
            _ => match parameters.get(self.name) {
                Some(value) if !self.kind.allows(value, regions) => return Err(self.refuse()),
                given => given.is_none(),
            },
        };
        if lacks && self.required { Err(Refusal::missing(self.name)) } else { Ok(()) }
    }

    /// Returns whether this is the parameter with that name on the wire, with `N` for a list index.
    #[cfg(test)]
    pub(super) fn is_called(&self, wire_name: &str) -> bool {
        let member = wire_name.strip_prefix(self.name);
        match self.kind {
            Kind::Tags => member.is_some_and(|member| [".N.Key", ".N.Value"].contains(&member)),
            Kind::List(_) => member == Some(".N"),
            Kind::Unused => member.is_some_and(|member| member.starts_with(".N.")),
            _ => member == Some(""),
        }
    }

    #[cfg(test)]
    pub(super) fn is_required(&self) -> bool {
        self.required
    }

    #[cfg(test)]
    pub(super) fn allows(&self, value: &str) -> bool {
        self.kind.allows(value, &["cn-hangzhou"])
    }

    fn refuse(&self) -> Refusal {
        match (self.refusal, self.kind) {
            (Some((code, message)), _) => Refusal::new(code, message),
            (None, Kind::Region) => Refusal::documented("InvalidRegionId.NotFound"),
            (None, _) => Refusal::invalid(self.name),
        }
    }
}

impl Kind {
    /// Returns whether a value is valid, where these regions exist.
    fn allows(self, value: &str, regions: &[&str]) -> bool {
        match self {
            Self::Text | Self::List(_) | Self::Tags | Self::Unused => true,
            Self::Region => regions.contains(&value),
            Self::OneOf(values) => values.contains(&value),
            Self::Name(max) => {
                value.chars().count() <= max && !value.starts_with("http://") && !value.starts_with("https://")
            }
            Self::Sls { underscore } => {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                (3..=63).contains(&value.len())
                    && value.chars().all(|c| plain(c) || c == '-' || (underscore && c == '_'))
                    && value.starts_with(plain)
                    && value.ends_with(plain)
            }
            Self::Number(min, max) => value.parse().is_ok_and(|number: usize| (min..=max).contains(&number)),
            Self::Switch => ["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known)),
            Self::Like(allows) => allows(value),
            Self::Id(prefix) => value.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_the_documents_say() {
        let project = Kind::Sls { underscore: false };
        let log_store = Kind::Sls { underscore: true };
        for (kind, value, allowed) in [
            (project, "flowlog-1", true),
            (project, "fl", false),
            (project, "-flowlog", false),
            (project, "flow_log", false),
            (project, "FlowLogProject", false),
            (log_store, "flow_log", true),
            (log_store, "flow_log_", false),
            (Kind::Name(3), "流日志", true),
            (Kind::Name(3), "abcd", false),
            (Kind::Name(30), "https://example.com", false),
            (Kind::Number(1, 50), "50", true),
            (Kind::Number(1, 50), "51", false),
            (Kind::Region, "cn-hangzhou", true),
            (Kind::Region, "cn-nowhere", false),
            (Kind::Id("rg-"), "rg-1", true),
            (Kind::Id("rg-"), "rg-", false),
        ] {
            assert_eq!(kind.allows(value, &["cn-beijing", "cn-hangzhou"]), allowed, "{value}");
        }
    }
}
