//! A plan: what was read, what would be changed and why, as data. The JSON of `plan`, and the content of a saved plan.

pub(crate) mod build;
pub(crate) mod costs;
pub(crate) mod csv;
pub(crate) mod file;
pub(crate) mod table;

use flow_log::Action;
use jiff::Timestamp;
use reconcile::ChangeParts;
use serde::{Deserialize, Serialize};

/// The name of this form, in which its version is.
pub(crate) const SCHEMA: &str = "flowkeeper.plan/1";

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// [`SCHEMA`].
    pub(crate) schema: String,
    /// The version of the command.
    pub(crate) version: String,
    /// When everything was read.
    pub(crate) created: Timestamp,
    /// The time for which it was decided.
    pub(crate) decided_for: Timestamp,
    /// Who asked.
    pub(crate) caller: Caller,
    /// The endpoint, if it is another one than Alibaba Cloud's.
    pub(crate) endpoint: Option<String>,
    pub(crate) policy: PolicyUsed,
    pub(crate) scope: Scope,
    pub(crate) summary: Totals,
    /// In the order of accounts, regions and resources.
    pub(crate) changes: Vec<Change>,
    pub(crate) resources: Vec<Resource>,
    /// Findings about no resource of the policy's levels, and what was left out.
    pub(crate) notes: Vec<Note>,
    pub(crate) unread: Vec<Unread>,
    /// What flow logs cost before and after the changes, in each account and region where that changes. An estimate.
    pub(crate) costs: Vec<Cost>,
    /// The limits that would refuse changes, one sentence each with the key to raise.
    pub(crate) limits: Vec<String>,
    /// Each list that was read.
    pub(crate) read: Vec<ListRead>,
    /// SHA-256 of the rest, written without spaces, in a saved plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// Who asked for the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: Option<String>,
}

/// The policy that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyUsed {
    /// The file, as the person named it.
    pub(crate) file: String,
    /// SHA-256 of its text, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Its text, in a saved plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// What the options narrowed the plan to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    /// The accounts; empty for those of the policy.
    pub(crate) accounts: Vec<String>,
    /// The regions; empty for those of the policy, or else of each account.
    pub(crate) regions: Vec<String>,
    /// The role in other accounts; `None` for the one in the policy.
    pub(crate) role: Option<String>,
}

/// The number of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Totals {
    pub(crate) create: usize,
    pub(crate) modify: usize,
    pub(crate) activate: usize,
    pub(crate) deactivate: usize,
    pub(crate) replace: usize,
    pub(crate) delete: usize,
    /// Resources that the policy wants recorded now.
    pub(crate) resources: usize,
    /// Those of them whose traffic is recorded and delivered now, as far as was read.
    pub(crate) covered: usize,
    /// Resources that cannot be judged, such as one with a misspelled tag, and those that can have no flow log. They are not
    /// recorded, and are not among the resources above.
    pub(crate) unsupported: usize,
    /// Resources that are off or left alone on purpose.
    pub(crate) exceptions: usize,
    /// What somebody should look at, apart from changes and from what could not be read.
    pub(crate) findings: usize,
    /// What could not be read.
    pub(crate) unread: usize,
}

impl Totals {
    /// The number of changes.
    pub(crate) const fn changes(&self) -> usize {
        self.create + self.modify + self.activate + self.deactivate + self.replace + self.delete
    }
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Create,
    Activate,
    Deactivate,
    Modify,
    Replace,
    Delete,
}

impl Kind {
    /// What it does, in the words of a plan.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Activate => "switch on",
            Self::Deactivate => "switch off",
            Self::Modify => "modify",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }

    /// Whether a call does this.
    const fn is_done_by(self, action: Action) -> bool {
        use Action::{
            ActiveFlowLog, CreateFlowLog, CreateIndex, CreateLogStore, CreateProject, DeactiveFlowLog, DeleteFlowLog,
            EcrActivateFlowLog, EcrCreateFlowLog, EcrDeactivateFlowLog, EcrDeleteFlowlog, EcrModifyFlowLogAttribute,
            ModifyFlowLogAttribute, MoveResourceGroup, OpenFlowLogService, TagResources, UpdateLogStore,
        };
        match action {
            CreateFlowLog | EcrCreateFlowLog | CreateProject | CreateLogStore | CreateIndex => {
                matches!(self, Self::Create)
            }
            ActiveFlowLog | EcrActivateFlowLog | OpenFlowLogService => matches!(self, Self::Activate),
            DeactiveFlowLog | EcrDeactivateFlowLog => matches!(self, Self::Deactivate),
            ModifyFlowLogAttribute | EcrModifyFlowLogAttribute | TagResources | MoveResourceGroup | UpdateLogStore => {
                matches!(self, Self::Modify)
            }
            DeleteFlowLog | EcrDeleteFlowlog => matches!(self, Self::Delete | Self::Replace),
        }
    }

    /// The sign in front of it.
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Create | Self::Activate => '+',
            Self::Modify | Self::Replace => '~',
            Self::Deactivate | Self::Delete => '-',
        }
    }
}

/// A change that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Identifies the change, and what it leads from and to.
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    /// Its name, if it has one. Anybody who may create resources chooses it.
    pub(crate) resource_name: Option<String>,
    pub(crate) kind: Kind,
    /// The call, as the API names it.
    pub(crate) action: String,
    /// The flow log that is changed.
    pub(crate) flow_log_id: Option<String>,
    pub(crate) verdict: Option<String>,
    /// Why.
    pub(crate) reason: String,
    pub(crate) fields: Vec<Field>,
    /// How many bytes a month are recorded more, or less, estimated; `None` if that is unknown or does not change.
    pub(crate) monthly_bytes: Option<i64>,
}

impl Change {
    /// Whether its id stands for what it says. Else somebody has written another change beside the id of this one.
    pub(crate) fn is_what_its_id_says(&self) -> bool {
        let is_router = self.resource_type == "VBR";
        let is_it = |action: &Action| {
            action.as_str() == self.action && (action.product() == "expressconnectrouter") == is_router
        };
        let Some(action) = Action::ALL.into_iter().find(is_it) else { return false };
        let fields = self.fields.iter().map(|it| (it.field.as_str(), it.before.as_deref(), it.after.as_deref()));
        let parts = ChangeParts {
            place: [&self.account, &self.region, &self.resource_id],
            action,
            is_replacement: self.kind == Kind::Replace,
            flow_log: self.flow_log_id.as_deref().filter(|_| self.kind != Kind::Create),
            fields: fields.collect(),
        };
        parts.id().as_str() == self.id && self.kind.is_done_by(action)
    }
}

/// A field of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) field: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) source: Source,
}

/// What asks for a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Source {
    /// A key of the policy.
    Policy {
        /// Its path, as in `overrides[0].schedule`.
        key: String,
        /// The number of the override that it is in, counted from 1.
        #[serde(rename = "override")]
        in_override: Option<usize>,
        line: usize,
        column: usize,
    },
    /// A default.
    Default,
    /// The tag `flowkeeper` of the resource.
    Tag { value: String },
    /// Nothing in the policy: the resource is gone, or a person asks for it.
    Nothing,
}

/// The state of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    /// Its name, if it has one.
    pub(crate) resource_name: Option<String>,
    pub(crate) verdict: String,
    /// Whether its traffic is recorded and delivered now, as far as was read.
    pub(crate) covered: bool,
    /// Whether it is off or left alone on purpose.
    pub(crate) exception: bool,
    /// Whether somebody should look at it.
    pub(crate) finding: bool,
    pub(crate) reason: String,
    /// The flow log that the verdict is about.
    pub(crate) flow_log: Option<FlowLog>,
}

/// A flow log, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowLog {
    pub(crate) id: String,
    /// The resource that it is on: the resource itself, or what contains it.
    pub(crate) resource_id: String,
    pub(crate) made_by: Maker,
    pub(crate) status: String,
    pub(crate) project: Option<String>,
    pub(crate) log_store: Option<String>,
    pub(crate) traffic_type: Option<String>,
}

/// Who made a flow log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Maker {
    Flowkeeper,
    Sls,
    Others,
    Unknown,
}

/// Something else that somebody may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) resource_type: Option<String>,
    pub(crate) resource_id: Option<String>,
    pub(crate) flow_log_id: Option<String>,
    /// Whether somebody should look at it.
    pub(crate) finding: bool,
    pub(crate) reason: String,
}

/// Something that could not be read, and so is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unread {
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) resource_type: Option<String>,
    pub(crate) resource_id: Option<String>,
    pub(crate) reason: String,
    pub(crate) error: Option<CallFailed>,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallFailed {
    pub(crate) action: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
    pub(crate) advice: String,
}

/// A list that was read in one account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListRead {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) action: String,
    /// Whether parts of the list were read, by ids or by a tag, and not the whole.
    pub(crate) filtered: bool,
    pub(crate) pages: usize,
    pub(crate) items: usize,
    /// The last `TotalCount` of a whole list, if the API gave one.
    pub(crate) total: Option<u32>,
    pub(crate) first_request_id: Option<String>,
    pub(crate) last_request_id: Option<String>,
}

/// What the flow logs of an account and region are estimated to cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The currency of the amounts, and when their prices were looked up.
    pub(crate) currency: String,
    pub(crate) prices_of: String,
    /// As it is now; `None` if it is unknown.
    pub(crate) before: Option<Month>,
    /// After all changes; `None` if it is unknown.
    pub(crate) after: Option<Month>,
    /// Why it is unknown.
    pub(crate) unknown: Option<String>,
}

/// A month of the flow logs of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Month {
    /// What they record.
    pub(crate) bytes: u64,
    /// What VPC and Log Service charge for that, with six decimals.
    pub(crate) amount: String,
}
