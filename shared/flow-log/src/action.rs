//! The API actions that write.

use std::fmt;

use serde::{Serialize, Serializer};

/// An API action that writes. Actions of the same name in different products are separate variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// VPC: creates a flow log.
    CreateFlowLog,
    /// VPC: activates a flow log.
    ActiveFlowLog,
    /// VPC: deactivates a flow log.
    DeactiveFlowLog,
    /// VPC: changes fields of a flow log.
    ModifyFlowLogAttribute,
    /// VPC: deletes a flow log.
    DeleteFlowLog,
    /// VPC: sets tags.
    TagResources,
    /// VPC: moves a flow log into another resource group.
    MoveResourceGroup,
    /// VPC: accepts the terms of the flow log service.
    OpenFlowLogService,
    /// Express Connect Router: creates a flow log.
    EcrCreateFlowLog,
    /// Express Connect Router: activates a flow log.
    EcrActivateFlowLog,
    /// Express Connect Router: deactivates a flow log.
    EcrDeactivateFlowLog,
    /// Express Connect Router: changes fields of a flow log.
    EcrModifyFlowLogAttribute,
    /// Express Connect Router: deletes a flow log. The API spells it this way. No function does this.
    EcrDeleteFlowlog,
    /// Log Service: creates a project.
    CreateProject,
    /// Log Service: creates a Logstore.
    CreateLogStore,
    /// Log Service: changes a Logstore.
    UpdateLogStore,
    /// Log Service: creates the index of a Logstore.
    CreateIndex,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 17] = [
        Self::CreateFlowLog,
        Self::ActiveFlowLog,
        Self::DeactiveFlowLog,
        Self::ModifyFlowLogAttribute,
        Self::DeleteFlowLog,
        Self::TagResources,
        Self::MoveResourceGroup,
        Self::OpenFlowLogService,
        Self::EcrCreateFlowLog,
        Self::EcrActivateFlowLog,
        Self::EcrDeactivateFlowLog,
        Self::EcrModifyFlowLogAttribute,
        Self::EcrDeleteFlowlog,
        Self::CreateProject,
        Self::CreateLogStore,
        Self::UpdateLogStore,
        Self::CreateIndex,
    ];

    /// The action's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        let permission = self.permission();
        // The permission is the product, a colon and the name.
        let (_, name) = permission.split_at(self.product().len() + 1);
        name
    }

    /// The RAM permission that the action needs.
    #[must_use]
    pub const fn permission(self) -> &'static str {
        match self {
            Self::CreateFlowLog => "vpc:CreateFlowLog",
            Self::ActiveFlowLog => "vpc:ActiveFlowLog",
            Self::DeactiveFlowLog => "vpc:DeactiveFlowLog",
            Self::ModifyFlowLogAttribute => "vpc:ModifyFlowLogAttribute",
            Self::DeleteFlowLog => "vpc:DeleteFlowLog",
            Self::TagResources => "vpc:TagResources",
            Self::MoveResourceGroup => "vpc:MoveResourceGroup",
            Self::OpenFlowLogService => "vpc:OpenFlowLogService",
            Self::EcrCreateFlowLog => "expressconnectrouter:CreateFlowLog",
            Self::EcrActivateFlowLog => "expressconnectrouter:ActivateFlowLog",
            Self::EcrDeactivateFlowLog => "expressconnectrouter:DeactivateFlowLog",
            Self::EcrModifyFlowLogAttribute => "expressconnectrouter:ModifyFlowLogAttribute",
            Self::EcrDeleteFlowlog => "expressconnectrouter:DeleteFlowlog",
            Self::CreateProject => "log:CreateProject",
            Self::CreateLogStore => "log:CreateLogStore",
            Self::UpdateLogStore => "log:UpdateLogStore",
            Self::CreateIndex => "log:CreateIndex",
        }
    }

    /// The product that the action belongs to, as its permission names it.
    #[must_use]
    pub const fn product(self) -> &'static str {
        match self {
            Self::EcrCreateFlowLog
            | Self::EcrActivateFlowLog
            | Self::EcrDeactivateFlowLog
            | Self::EcrModifyFlowLogAttribute
            | Self::EcrDeleteFlowlog => "expressconnectrouter",
            Self::CreateProject | Self::CreateLogStore | Self::UpdateLogStore | Self::CreateIndex => "log",
            _ => "vpc",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_action_is_what_its_permission_allows() {
        for action in Action::ALL {
            let (product, name) = action.permission().split_once(':').unwrap();
            assert_eq!((product, name), (action.product(), action.as_str()));
            let variant = format!("{action:?}");
            assert_eq!(variant.strip_prefix("Ecr").unwrap_or(&variant), name);
            assert_eq!(variant.starts_with("Ecr"), product == "expressconnectrouter");
        }
    }
}
