//! Turns the tree into a policy. Reading goes on after a mistake, so that all mistakes are reported at once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::{
    Diagnostics, DirectoryExclude, EcrFlowLogPattern, Exclude, FlowLogFields, FlowLogPattern, Foreign, Limits, Match,
    MemberAccount, Override, Policy, Position, Regions, Remediate, ResourceDirectory, ResourceTagWords, ScheduleName,
    Superfluous,
    decoder::{Decoder, Fields},
    fill,
    options::{BOOLEANS, BUILT_IN_SCHEDULES, LEVELS},
    pattern::{DEFAULT_DESCRIPTION, DEFAULT_NAME},
    tree::{self, Node, Value},
};
use crate::{
    AccountId, CreateDestination, FlowLog, FolderId, RegionId, ResourceId, ResourceType, RoleArn,
    names::{Description, FlowLogName, InvalidName, LogStoreName, MAX_TAGS, ProjectName, TagKey, TagValue, Tags},
    one_by_one,
    schedule::{Dates, OnDate, Schedule},
    zones::time_zone,
};

/// How many schedules a message names at most.
const MAX_NAMED: usize = 20;

impl Policy {
    /// The largest policy, in bytes. All environment variables of a function together are limited to 4 KB; a file may
    /// be larger.
    pub const MAX_BYTES: usize = tree::MAX_BYTES;

    /// Reads a policy in YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, each mistake with its position and a correction.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        let (root, mistakes) = tree::read(text);
        let decoder = Decoder { mistakes: RefCell::new(mistakes), warnings: RefCell::default() };
        let policy = root.and_then(|root| decoder.policy(&root));
        let warnings = decoder.warnings.into_inner().into_kept();
        decoder.mistakes.into_inner().into_result(policy.map(|policy| Self { warnings, ..policy }))
    }
}

/// Where a flow log's fields say something about its destination that `create_destination` depends on.
fn destination_position(fields: &Fields<'_>) -> Option<Position> {
    ["create_destination", "project"].iter().find_map(|key| fields.left.get(key).map(|(_, node)| node.position))
}

/// Where the policy applies, for checking the matches of overrides against it.
struct Scope<'a> {
    /// The regions that it names; `None` if it may apply to any.
    regions: Option<BTreeSet<&'a RegionId>>,
    exclude_regions: &'a BTreeSet<RegionId>,
    accounts: BTreeSet<&'a AccountId>,
    /// The accounts that the resource directory may not have; `None` without a directory.
    left_out: Option<&'a BTreeSet<AccountId>>,
    own_account: bool,
}

impl Scope<'_> {
    fn covers_region(&self, region: &RegionId) -> bool {
        let is_named = self.regions.as_ref().is_none_or(|regions| regions.contains(region));
        is_named && !self.exclude_regions.contains(region)
    }

    /// Whether the policy may cover `account`. The function's own account is not known here, so it may be any.
    fn may_cover_account(&self, account: &AccountId) -> bool {
        let may_be_in_directory = self.left_out.is_some_and(|left_out| !left_out.contains(account));
        self.own_account || self.accounts.contains(account) || may_be_in_directory
    }
}

impl Decoder {
    fn policy(&self, root: &Node) -> Option<Policy> {
        let mut fields = self.fields("the policy", root)?;
        let flow_log = self.required(&mut fields, "flow_log").and_then(|node| self.flow_log_pattern(node));
        let schedules = fields.take("schedules");
        let names = schedules.map(|node| self.names(node)).unwrap_or_default();
        let coverage = fields.take_value("coverage").and_then(|node| self.coverage(node)).unwrap_or(ResourceType::Vpc);
        let regions = fields.take("regions").map(|node| self.swept_regions(node)).unwrap_or_default();
        let exclude_regions = fields.take("exclude_regions").map(|node| self.exclude_regions(node, &regions));
        let exclude_regions = exclude_regions.unwrap_or_default();
        let account_list = fields.take("accounts");
        let accounts = account_list.map(|node| self.accounts(node)).unwrap_or_default();
        let directory = fields.take("resource_directory");
        let names_others = account_list.is_some_and(|node| !node.is_empty()) || directory.is_some();
        let resource_directory = directory.and_then(|node| self.resource_directory(node, &accounts));
        let nobody = BTreeSet::new();
        let own_account = fields.take_value("own_account").and_then(|node| self.own_account(node, names_others));
        let own_account = own_account.unwrap_or(true);
        let exclude = fields.take("exclude").and_then(|node| self.exclude(node)).unwrap_or_default();
        let resource_tag = fields.take_value("resource_tag").map(|node| self.resource_tag(node)).unwrap_or_default();
        let schedule = fields.take_value("schedule").and_then(|node| self.schedule_name(node, &names));
        let scope = Scope {
            regions: match &regions {
                Regions::Named(regions) => Some(one_by_one::set(regions)),
                Regions::Own | Regions::All => None,
            },
            exclude_regions: &exclude_regions,
            accounts: one_by_one::set(accounts.iter().map(|member| &member.id)),
            // A directory with mistakes may have any account, so that these are not reported twice.
            left_out: directory.map(|_| resource_directory.as_ref().map_or(&nobody, |found| &found.exclude.accounts)),
            own_account,
        };
        let override_list = fields.take("overrides");
        let pattern = flow_log.as_ref().map(|(pattern, _)| pattern);
        let overrides = override_list.map(|node| self.overrides(node, &names, &scope, pattern)).unwrap_or_default();
        let policy = Policy {
            coverage,
            regions,
            exclude_regions,
            accounts,
            resource_directory,
            own_account,
            exclude,
            resource_tag,
            schedule: schedule.unwrap_or(ScheduleName::Always),
            overrides,
            limits: fields.take("limits").and_then(|node| self.limits(node)).unwrap_or_default(),
            foreign: fields
                .take_value("foreign")
                .and_then(|node| self.one_of(node, &Foreign::WORDS))
                .unwrap_or_default(),
            replace: fields.take_value("replace").and_then(|node| self.yes_or_no(node)).unwrap_or(false),
            remediate: fields.take_value("remediate").map(|node| self.remediate(node)).unwrap_or_default(),
            superfluous: fields
                .take_value("superfluous")
                .and_then(|node| self.one_of(node, &Superfluous::WORDS))
                .unwrap_or_default(),
            ecr_flow_log: fields.take("ecr_flow_log").and_then(|node| self.ecr_flow_log(node, &names)),
            fields_set: flow_log.as_ref().map(|(_, fields_set)| fields_set.clone()).unwrap_or_default(),
            flow_log: match &flow_log {
                Some((whole, _)) => whole.clone(),
                None => FlowLogPattern::new(String::new(), String::new()),
            },
            schedules: schedules.map(|node| self.schedules(node)).unwrap_or_default(),
            warnings: Vec::new(),
        };
        self.finish(fields);
        self.check_created_projects(&policy, override_list);
        flow_log.map(|_| policy)
    }

    /// Reads `flow_log`: the pattern with defaults, and the fields that are set.
    fn flow_log_pattern(&self, map: &Node) -> Option<(FlowLogPattern, FlowLogFields)> {
        let mut fields = self.fields("flow_log", map)?;
        for key in ["project", "log_store"] {
            if fields.left.get(key).is_none_or(|(_, node)| node.is_nothing()) {
                self.mistake(fields.position, format!("flow_log has no {key}"));
                // Removed so that it is not reported twice.
                fields.left.remove(key);
            }
        }
        let destination_at = destination_position(&fields);
        let fields_set = self.flow_log_fields(&mut fields);
        self.finish(fields);
        let whole =
            fields_set.apply_to(&FlowLogPattern::new(fields_set.project.clone()?, fields_set.log_store.clone()?));
        self.check_destination(&whole, destination_at);
        Some((whole, fields_set))
    }

    /// Reports a project that may be created under any name. A role allows creating projects whose names begin with a
    /// text.
    fn check_destination(&self, pattern: &FlowLogPattern, position: Option<Position>) {
        if let Some(position) = position.filter(|_| pattern.creates_any_project()) {
            let problem = format!(
                "create_destination needs a project whose name begins with a text, as in \"flowlog-{{account}}\": {:?} \
                 begins with a placeholder, and a role could only allow creating any project",
                pattern.project
            );
            self.mistake(position, problem);
        }
    }

    /// Reports more names of projects to create than fit into a session policy.
    fn check_created_projects(&self, policy: &Policy, overrides: Option<&Node>) {
        let (count, max) = (policy.created_projects().len(), Policy::MAX_CREATED_PROJECTS);
        if let Some(overrides) = overrides.filter(|_| count > max) {
            let problem = format!(
                "create_destination is given for projects whose names begin in {count} different ways: at most {max}, as \
                 each is a part of the permissions with which a role is assumed. Let more of them begin alike"
            );
            self.mistake(overrides.position, problem);
        }
    }

    fn flow_log_fields(&self, fields: &mut Fields<'_>) -> FlowLogFields {
        FlowLogFields {
            project: fields.take_value("project").and_then(|node| self.pattern(node, str::parse::<ProjectName>)),
            log_store: fields.take_value("log_store").and_then(|node| self.pattern(node, str::parse::<LogStoreName>)),
            create_destination: fields.take("create_destination").and_then(|node| self.create_destination(node)),
            traffic_type: fields.take_value("traffic_type").and_then(|node| self.parsed(node)),
            aggregation_interval: fields.take_value("aggregation_interval").and_then(|node| self.parsed(node)),
            traffic_path: fields.take("traffic_path").map(|node| self.list(node, "traffic_path")),
            ip_version: fields.take_value("ip_version").and_then(|node| self.parsed(node)),
            name: fields.take_value("name").and_then(|node| self.pattern(node, str::parse::<FlowLogName>)),
            description: fields
                .take_value("description")
                .and_then(|node| self.pattern(node, str::parse::<Description>)),
            resource_group_id: fields.take_value("resource_group_id").and_then(|node| self.parsed(node)),
            tags: fields.take("tags").map(|node| self.new_tags(node, str::parse)),
        }
    }

    fn create_destination(&self, map: &Node) -> Option<CreateDestination> {
        let mut fields = self.fields("create_destination", map)?;
        let range = CreateDestination::MIN_RETENTION_DAYS..=CreateDestination::MAX_RETENTION_DAYS;
        let retention_days = self.required(&mut fields, "retention_days").and_then(|node| self.number(node, &range));
        self.finish(fields);
        Some(CreateDestination { retention_days: retention_days? })
    }

    fn ecr_flow_log(&self, map: &Node, schedules: &[&str]) -> Option<EcrFlowLogPattern> {
        let mut fields = self.fields("ecr_flow_log", map)?;
        let pattern = EcrFlowLogPattern {
            project: self
                .required(&mut fields, "project")
                .and_then(|node| self.pattern(node, str::parse::<ProjectName>))
                .unwrap_or_default(),
            log_store: self
                .required(&mut fields, "log_store")
                .and_then(|node| self.pattern(node, str::parse::<LogStoreName>))
                .unwrap_or_default(),
            interval: fields.take_value("interval").and_then(|node| self.parsed(node)).unwrap_or_default(),
            sampling_rate: fields.take_value("sampling_rate").and_then(|node| self.parsed(node)).unwrap_or_default(),
            target_sls_region: fields.take_value("target_sls_region").and_then(|node| self.region(node)),
            resource_group_id: fields.take_value("resource_group_id").and_then(|node| self.parsed(node)),
            name: fields
                .take_value("name")
                .and_then(|node| self.pattern(node, FlowLogName::for_ecr))
                .unwrap_or_else(|| DEFAULT_NAME.to_owned()),
            description: fields
                .take_value("description")
                .and_then(|node| self.pattern(node, Description::for_ecr))
                .unwrap_or_else(|| DEFAULT_DESCRIPTION.to_owned()),
            tags: fields.take("tags").map(|node| self.new_tags(node, TagValue::for_ecr)).unwrap_or_default(),
            schedule: fields.take_value("schedule").and_then(|node| self.schedule_name(node, schedules)),
        };
        self.finish(fields);
        Some(pattern)
    }

    /// Reads the tags to set on a flow log, which must keep the API's limits.
    fn new_tags(&self, map: &Node, value_of: impl Fn(&str) -> Result<TagValue, InvalidName>) -> Tags {
        let mut tags = Tags::new();
        for (key, value) in self.entries(map, "tags") {
            if key.text == FlowLog::OWN_TAG.0 {
                self.mistake(key.position, format!("the tag {} is set by Flowkeeper itself", key.text));
                continue;
            }
            let key = self.read::<TagKey>(key.position, &key.text);
            let value = self.text(value).and_then(|text| self.checked(value.position, value_of(text)));
            tags.extend(key.zip(value));
        }
        if tags.len() > MAX_TAGS - 1 {
            let problem = format!("{} tags: a flow log takes {MAX_TAGS}, and Flowkeeper sets one of them", tags.len());
            self.mistake(map.position, problem);
        }
        tags
    }

    /// Reads the tags to match resources by, which may hold any text.
    fn tags_to_match(&self, map: &Node) -> BTreeMap<String, String> {
        let entries = self.entries(map, "tags").iter();
        one_by_one::map(entries.filter_map(|(key, value)| Some((key.text.clone(), self.text(value)?.to_owned()))))
    }

    fn coverage(&self, node: &Node) -> Option<ResourceType> {
        self.one_of(node, &LEVELS)
    }

    fn yes_or_no(&self, node: &Node) -> Option<bool> {
        self.one_of(node, &BOOLEANS)
    }

    fn accounts(&self, list: &Node) -> Vec<MemberAccount> {
        let mut lines = BTreeMap::new();
        self.items(list, "accounts")
            .iter()
            .filter_map(|account| {
                let mut fields = self.fields("an account", account)?;
                let id_node = self.required(&mut fields, "id");
                let id = id_node.and_then(|node| self.exact(node, AccountId::exact));
                let role = self.required(&mut fields, "role").and_then(|node| self.role(node, id.as_ref()));
                let external_id = fields.take_value("external_id").and_then(|node| self.text(node)).map(str::to_owned);
                self.finish(fields);
                let (id, position) = (id?, id_node?.position);
                if let Some(line) = lines.get(&id) {
                    self.mistake(position, format!("the account {id} is repeated: it is already in line {line}"));
                    return None;
                }
                lines.insert(id.clone(), position.line);
                Some(MemberAccount { id, role: role?, external_id })
            })
            .collect()
    }

    /// Reads the role, which must be in the account `id`: a role in another account would change that account under
    /// this one's name.
    fn role(&self, node: &Node, id: Option<&AccountId>) -> Option<RoleArn> {
        let role = self.exact(node, RoleArn::exact)?;
        if let Some(id) = id.filter(|id| *id != role.account()) {
            self.mistake(node.position, format!("{role} is a role in the account {}, not in {id}", role.account()));
            return None;
        }
        Some(role)
    }

    fn resource_directory(&self, map: &Node, accounts: &[MemberAccount]) -> Option<ResourceDirectory> {
        let mut fields = self.fields("resource_directory", map)?;
        let role = self.required(&mut fields, "role").and_then(|node| self.parsed(node));
        let external_id = fields.take_value("external_id").and_then(|node| self.text(node)).map(str::to_owned);
        let folder_list = fields.take("folders");
        let folders = folder_list.map(|node| self.folders(node, |_, _| ())).unwrap_or_default();
        if let Some(list) = folder_list {
            self.check_folders(list, &folders);
        }
        let exclude = fields.take("exclude").and_then(|node| self.directory_exclude(node, &folders, accounts));
        self.finish(fields);
        Some(ResourceDirectory { role: role?, external_id, folders, exclude: exclude.unwrap_or_default() })
    }

    /// Reads a list of folders without duplicates. `check` may reject a folder.
    fn folders(&self, list: &Node, check: impl Fn(Position, &FolderId)) -> Vec<FolderId> {
        let mut lines = BTreeMap::new();
        let folders = self.items(list, "folders").iter().filter_map(|node| {
            let folder = self.exact(node, FolderId::exact)?;
            if let Some(line) = lines.get(&folder) {
                self.mistake(node.position, format!("the folder {folder} is repeated: it is already in line {line}"));
                return None;
            }
            lines.insert(folder.clone(), node.position.line);
            check(node.position, &folder);
            Some(folder)
        });
        folders.collect()
    }

    /// Reports folders that do not narrow the directory down. An empty list would read as no folder, and mean all.
    fn check_folders(&self, list: &Node, folders: &[FolderId]) {
        if list.is_empty() {
            let problem = "folders is empty: name the folders to sweep, or leave it out to sweep the whole directory";
            self.mistake(list.position, problem);
        }
        if let Some(root) = folders.iter().find(|folder| folder.is_root() && folders.len() > 1) {
            let problem = format!("{root} is the root folder, which has every account: the other folders add nothing");
            self.warning(list.position, problem);
        }
    }

    fn directory_exclude(
        &self,
        map: &Node,
        folders: &[FolderId],
        accounts: &[MemberAccount],
    ) -> Option<DirectoryExclude> {
        let mut fields = self.fields("resource_directory.exclude", map)?;
        let exclude = DirectoryExclude {
            accounts: fields.take("accounts").map(|node| self.left_out(node, accounts)).unwrap_or_default(),
            folders: fields.take("folders").map(|node| self.excluded_folders(node, folders)).unwrap_or_default(),
            tags: fields.take("tags").map(|node| self.account_tags(node)).unwrap_or_default(),
        };
        self.finish(fields);
        Some(exclude)
    }

    /// Reads the members to leave out. An account that `accounts` names cannot be one.
    fn left_out(&self, list: &Node, accounts: &[MemberAccount]) -> BTreeSet<AccountId> {
        let named = one_by_one::set(accounts.iter().map(|member| &member.id));
        let excluded = self.items(list, "accounts").iter().filter_map(|node| {
            let account = self.exact(node, AccountId::exact)?;
            if named.contains(&account) {
                let problem = format!("the account {account} is named by accounts, too: take it out of one of them");
                self.mistake(node.position, problem);
            }
            Some(account)
        });
        one_by_one::set(excluded)
    }

    /// Reads the folders to leave out. A folder in `folders` cannot be one.
    fn excluded_folders(&self, list: &Node, folders: &[FolderId]) -> BTreeSet<FolderId> {
        let excluded = self.folders(list, |position, folder| {
            if folders.contains(folder) {
                let problem = format!("the folder {folder} is named by folders, too: take it out of one of them");
                self.mistake(position, problem);
            } else if folder.is_root() {
                let problem = format!("{folder} is the root folder, which has every account: none is left");
                self.warning(position, problem);
            }
        });
        one_by_one::set(excluded)
    }

    /// Reads the tags that accounts may have, which keep the limits of tags.
    fn account_tags(&self, map: &Node) -> Tags {
        let tags = self.entries(map, "tags").iter().filter_map(|(key, value)| {
            let key = self.read::<TagKey>(key.position, &key.text);
            key.zip(self.parsed::<TagValue>(value))
        });
        one_by_one::map(tags)
    }

    fn own_account(&self, node: &Node, names_others: bool) -> Option<bool> {
        let own_account = self.yes_or_no(node)?;
        if !own_account && !names_others {
            let problem = "own_account: false leaves no account to look after: name others under accounts or by a \
                           resource_directory, or leave it out";
            self.mistake(node.position, problem);
        }
        Some(own_account)
    }

    /// Reads the regions to sweep. An empty list would read as no region, and mean the function's own.
    fn swept_regions(&self, node: &Node) -> Regions {
        match &node.value {
            Value::Scalar { text, .. } if text == Regions::ALL => return Regions::All,
            Value::List(items) if items.is_empty() => {
                let problem =
                    "regions is empty: name the regions to sweep, or leave it out to sweep the function's own";
                self.mistake(node.position, problem);
            }
            Value::List(_) => {}
            Value::Scalar { .. } | Value::Map(_) => {
                self.mistake(node.position, "regions must be all or a list");
                return Regions::default();
            }
        }
        Regions::Named(self.regions(node, "regions").collect())
    }

    fn regions(&self, list: &Node, name: &str) -> impl Iterator<Item = RegionId> {
        self.items(list, name).iter().filter_map(|node| self.region(node))
    }

    fn exclude_regions(&self, list: &Node, regions: &Regions) -> BTreeSet<RegionId> {
        let regions = match regions {
            Regions::Named(regions) => one_by_one::set(regions),
            Regions::Own | Regions::All => BTreeSet::new(),
        };
        let items = self.items(list, "exclude_regions").iter();
        let excluded = items.filter_map(|node| {
            let region = self.region(node)?;
            if regions.contains(&region) {
                let problem = format!("{region} is named by regions, too: take it out of one of them");
                self.mistake(node.position, problem);
            }
            Some(region)
        });
        one_by_one::set(excluded)
    }

    /// Reads a region. An unknown one is only a warning: it may be new, or misspelled beyond recognition.
    fn region(&self, node: &Node) -> Option<RegionId> {
        let region = self.exact(node, RegionId::exact)?;
        if !region.is_known() {
            let problem =
                format!("{region} is not a region that this version knows: if it is not new, check the spelling");
            self.warning(node.position, problem);
        }
        Some(region)
    }

    fn exclude(&self, map: &Node) -> Option<Exclude> {
        let mut fields = self.fields("exclude", map)?;
        let exclude = Exclude {
            ids: fields.take("ids").map(|node| self.exact_ids(node, "ids")).unwrap_or_default(),
            tags: fields.take("tags").map(|node| self.tags_to_match(node)).unwrap_or_default(),
        };
        self.finish(fields);
        Some(exclude)
    }

    fn exact_ids(&self, list: &Node, name: &str) -> BTreeSet<ResourceId> {
        one_by_one::set(self.items(list, name).iter().filter_map(|node| self.exact(node, ResourceId::exact)))
    }

    fn resource_tag(&self, list: &Node) -> ResourceTagWords {
        let honored = one_by_one::set(self.list(list, "resource_tag"));
        ResourceTagWords { honored, is_given: true }
    }

    fn remediate(&self, list: &Node) -> Remediate {
        let items = self.items(list, "remediate").iter();
        items.filter_map(|node| self.one_of(node, &Remediate::WORDS)).fold(Remediate::NOTHING, Remediate::or)
    }

    fn overrides(
        &self,
        list: &Node,
        schedules: &[&str],
        scope: &Scope<'_>,
        defaults: Option<&FlowLogPattern>,
    ) -> Vec<Override> {
        self.items(list, "overrides")
            .iter()
            .zip(1..)
            .filter_map(|(item, number)| {
                let mut fields = self.fields("an override", item)?;
                let has_coverage = fields.left.contains_key("coverage");
                let match_node = self.required(&mut fields, "match");
                let matches = match_node.and_then(|node| self.matches(node, has_coverage));
                let coverage = fields.take_value("coverage").and_then(|node| self.coverage(node));
                let schedule = fields.take_value("schedule").and_then(|node| self.schedule_name(node, schedules));
                let destination_at = destination_position(&fields);
                let flow_log = self.flow_log_fields(&mut fields);
                if let Some(defaults) = defaults {
                    self.check_destination(&flow_log.apply_to(defaults), destination_at);
                }
                self.finish(fields);
                let found =
                    Override { number, position: item.position, matches: matches?, coverage, schedule, flow_log };
                self.check_override(&found, match_node?.position, has_coverage, scope);
                Some(found)
            })
            .collect()
    }

    /// Reports an override that cannot match anything. One with `coverage` must be able to match a VPC.
    fn check_override(&self, found: &Override, position: Position, has_coverage: bool, scope: &Scope<'_>) {
        let Match { ids, vpc_ids, accounts, regions, .. } = &found.matches;
        let problem = if !regions.is_empty() && !regions.iter().any(|region| scope.covers_region(region)) {
            "the policy covers none of its regions, by regions and exclude_regions"
        } else if !accounts.is_empty() && !accounts.iter().any(|account| scope.may_cover_account(account)) {
            match scope.left_out {
                Some(_) => "the policy covers none of its accounts, by resource_directory.exclude and own_account",
                None => "the policy covers none of its accounts, by accounts and own_account",
            }
        } else if has_coverage && !ids.is_empty() && !vpc_ids.is_empty() && ids.is_disjoint(vpc_ids) {
            "no VPC is named by both ids and vpc_ids, and all that is given must match"
        } else {
            if found.coverage.is_some_and(|level| level != ResourceType::Vpc)
                && !ids.is_empty()
                && found.sets_more_than_coverage()
            {
                let problem = "ids names VPCs whose flow logs are kept on what is in them, which the other fields of this \
                               override do not match: name the VPCs by vpc_ids instead";
                self.warning(position, problem);
            }
            return;
        };
        if has_coverage {
            self.mistake(position, format!("match can select no VPC, and so coverage says nothing: {problem}"));
        } else {
            self.warning(position, format!("match can select nothing: {problem}"));
        }
    }

    fn matches(&self, map: &Node, has_coverage: bool) -> Option<Match> {
        let mut fields = self.fields("match", map)?;
        let says_nothing = fields.left.values().all(|(_, node)| node.is_empty() || node.is_nothing());
        if says_nothing {
            let problem = "match says nothing, and so would match everything: change the defaults instead";
            self.mistake(map.position, problem);
        }
        let mut condition = |key| {
            let node = fields.take(key)?;
            // No resource is one of none, and yet an empty condition would match every resource.
            if node.is_empty() && !says_nothing {
                let problem = format!("{key} is empty, and would match everything: name some, or leave it out");
                self.mistake(node.position, problem);
            }
            Some(node)
        };
        let matches = Match {
            tags: condition("tags").map(|node| self.tags_to_match(node)).unwrap_or_default(),
            ids: match condition("ids") {
                Some(node) if has_coverage => self.ids_with_coverage(node),
                Some(node) => self.exact_ids(node, "ids"),
                None => BTreeSet::new(),
            },
            vpc_ids: condition("vpc_ids").map(|node| self.vpc_ids(node)).unwrap_or_default(),
            accounts: condition("accounts").map(|node| self.account_ids(node)).unwrap_or_default(),
            regions: condition("regions")
                .map(|node| one_by_one::set(self.regions(node, "regions")))
                .unwrap_or_default(),
        };
        self.finish(fields);
        Some(matches)
    }

    /// Reads the `ids` of an override with `coverage`, which applies to a whole VPC.
    fn ids_with_coverage(&self, list: &Node) -> BTreeSet<ResourceId> {
        let ids = self.items(list, "ids").iter().filter_map(|node| {
            let id = self.exact(node, ResourceId::exact)?;
            let resource_type = id.resource_type();
            if resource_type != ResourceType::Vpc {
                let problem = format!(
                    "{id} is a {resource_type}, and coverage is decided for a VPC as a whole: name VPCs (\"vpc-…\") here, \
                     or leave coverage out of this override"
                );
                self.mistake(node.position, problem);
                return None;
            }
            Some(id)
        });
        one_by_one::set(ids)
    }

    fn vpc_ids(&self, list: &Node) -> BTreeSet<ResourceId> {
        let ids = self.items(list, "vpc_ids").iter();
        let ids = ids.filter_map(|node| self.exact(node, |text| ResourceId::exact_of(ResourceType::Vpc, text)));
        one_by_one::set(ids)
    }

    fn account_ids(&self, list: &Node) -> BTreeSet<AccountId> {
        one_by_one::set(self.items(list, "accounts").iter().filter_map(|node| self.exact(node, AccountId::exact)))
    }

    fn limits(&self, map: &Node) -> Option<Limits> {
        let mut fields = self.fields("limits", map)?;
        let defaults = Limits::default();
        let limits = Limits {
            max_changes: fields
                .take_value("max_changes")
                .and_then(|node| self.number(node, &(0..=Limits::MAX_CHANGES)))
                .unwrap_or(defaults.max_changes),
            max_changes_percent: fields
                .take_value("max_changes_percent")
                .and_then(|node| self.number(node, &(0..=Limits::MAX_PERCENT)))
                .unwrap_or(defaults.max_changes_percent),
            max_creations: fields
                .take_value("max_creations")
                .and_then(|node| self.number_or_none(node, Limits::MAX_CHANGES)),
        };
        self.finish(fields);
        Some(limits)
    }

    /// Returns the names of all schedules, including invalid ones: a reference to an invalid schedule is not a second
    /// mistake.
    fn names<'a>(&self, schedules: &'a Node) -> Vec<&'a str> {
        let mut names: Vec<_> = BUILT_IN_SCHEDULES.iter().map(|(name, _)| *name).collect();
        for (key, _) in self.entries(schedules, "schedules") {
            if BUILT_IN_SCHEDULES.iter().any(|(name, _)| *name == key.text) {
                self.mistake(key.position, format!("{} is built in: choose another name", key.text));
            }
            names.push(&key.text);
        }
        names
    }

    fn schedules(&self, map: &Node) -> BTreeMap<String, Schedule> {
        let Value::Map(entries) = &map.value else { return BTreeMap::new() };
        one_by_one::map(entries.iter().filter_map(|(key, node)| Some((key.text.clone(), self.schedule(node)?))))
    }

    fn schedule(&self, map: &Node) -> Option<Schedule> {
        let mut fields = self.fields("a schedule", map)?;
        let time_zone = self.required(&mut fields, "time_zone").and_then(|node| self.time_zone(node));
        let on = self.required(&mut fields, "on").map(|node| {
            if matches!(node.value, Value::List(_)) && node.is_empty() {
                let problem = "on is empty, so it would never be on: give windows, as in \"Mon-Fri 07:00-21:00\", or say \
                               schedule: never where that is meant";
                self.mistake(node.position, problem);
            }
            self.list(node, "on")
        });
        let off_dates: Vec<Dates> =
            fields.take("off_dates").map(|node| self.list(node, "off_dates")).unwrap_or_default();
        let on_dates = fields.take("on_dates").map(|node| self.on_dates(node, &off_dates)).unwrap_or_default();
        self.finish(fields);
        Some(Schedule { time_zone: time_zone?, on: on?, off_dates, on_dates })
    }

    fn on_dates(&self, list: &Node, off_dates: &[Dates]) -> BTreeMap<Date, Weekday> {
        let mut on_dates = BTreeMap::new();
        for node in self.items(list, "on_dates") {
            let Some(OnDate { date, counts_as }) = self.parsed(node) else { continue };
            if off_dates.iter().any(|dates| dates.contain(date)) {
                self.mistake(node.position, format!("{date} is in off_dates, too: take it out of one of them"));
            }
            if on_dates.insert(date, counts_as).is_some() {
                self.mistake(node.position, format!("{date} is repeated: a date follows one weekday"));
            }
        }
        on_dates
    }

    fn time_zone(&self, node: &Node) -> Option<TimeZone> {
        let text = self.text(node)?;
        let zone = time_zone(text);
        if zone.is_none() {
            self.mistake(node.position, format!("{text:?} is not an IANA time zone, as in \"Asia/Shanghai\""));
        }
        zone
    }

    fn schedule_name(&self, node: &Node, known: &[&str]) -> Option<ScheduleName> {
        let text = self.text(node)?;
        if let Some((_, built_in)) = BUILT_IN_SCHEDULES.iter().find(|(name, _)| *name == text) {
            return Some(built_in.clone());
        }
        if known.contains(&text) {
            return Some(ScheduleName::Named(text.to_owned()));
        }
        let built_in = BUILT_IN_SCHEDULES.map(|(name, _)| name);
        let known = if known.is_empty() { &built_in[..] } else { known };
        // A thousand such mistakes with a thousand schedules would list a million names.
        let more = if known.len() > MAX_NAMED { ", …" } else { "" };
        let names = known[..known.len().min(MAX_NAMED)].join(", ") + more;
        self.mistake(node.position, format!("there is no schedule {text:?}: one of {names}"));
        None
    }

    /// Reads a text with placeholders. All of them must be known, and `read` must accept the text once they are filled
    /// in.
    fn pattern<T>(&self, node: &Node, read: impl Fn(&str) -> Result<T, InvalidName>) -> Option<String> {
        let text = self.text(node)?;
        let known = FlowLogPattern::PLACEHOLDERS;
        // Sample values of common length. A longer id or region may still break a limit later, and is reported then.
        let filled = fill(text, ["1000000000000001", "cn-hangzhou", "vpc-bp1example00000000001"]);
        if filled.contains(['{', '}']) {
            self.mistake(node.position, format!("{text:?} holds an unknown placeholder: one of {}", known.join(", ")));
            return None;
        }
        self.checked(node.position, read(&filled)).map(|_| text.to_owned())
    }
}
