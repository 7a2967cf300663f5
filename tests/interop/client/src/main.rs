//! Makes the calls given as JSON on stdin, to compare the client's requests with those of other clients.
//!
//! Parameters have the names and shapes of the official SDKs. The calls go to `FLOWKEEPER_ENDPOINT`, signed with the
//! method in `FLOWKEEPER_SIGNATURE` and the key in `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`.
//! A call that the API rejects is not a failure; one that is not sent or not answered is.
//!
//! ```sh
//! echo '[{"product": "vpc", "action": "DeleteFlowLog", "parameters": {"FlowLogId": "fl-1"}}]' |
//!     cargo run -p interop-client
//! ```

use std::{
    error::Error,
    io::{self, Write as _},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use flow_log::{
    EcrFlowLogSpec, EcrId, FlowLogSpec, ResourceId, ResourceType, Status,
    names::{TagKey, Tags},
};
use futures_util::TryStreamExt as _;
use openapi::{
    AssumeRole, AsyncInvocation, Bill, BillingCycle, CallError, Client, ClientSettings, Credentials, Destination,
    EcrFilter, EcrFlowLogAttributes, EcrFlowLogChange, EcrFlowLogFilter, EcrInstanceFilter, FlowLogAttributes,
    FlowLogExtras, FlowLogFilter, Metric, Movable, NetworkInterfaceFilter, OsRng, RecordField, RecordFilter, Session,
    SystemClock, TagFilter, TaggedType, TimeSpan, VSwitchFilter, VpcFilter,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use settings::Settings;

type Failure = Box<dyn Error>;
/// The outcome of a call, if it could be attempted at all.
type Tried = Result<Result<(), CallError>, Failure>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    product: String,
    action: String,
    parameters: Given,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings = Settings::from_process();
    let required = |name: &str| settings.get(name).ok_or_else(|| format!("{name} is not set"));
    let (id, secret) = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    let credentials = Credentials::new(required(id)?, required(secret)?);
    let client = Client::new(ClientSettings::read(&settings)?, Arc::new(SystemClock), Arc::new(OsRng));

    let calls: Vec<Call> = serde_json::from_reader(io::stdin())?;
    for Call { product, action, parameters } in calls {
        let region = parameters.text("RegionId").unwrap_or("cn-hangzhou").parse()?;
        let session = client.session(credentials.clone(), "1000000000000001".parse()?, region, None);
        let tried = match product.as_str() {
            "vpc" => vpc(&session, &action, &parameters).await?,
            "ecs" => ecs(&session, &action, &parameters).await?,
            "sts" => sts(&session, &action, &parameters).await?,
            "ecr" => ecr(&session, &action, &parameters).await?,
            "directory" => directory(&session, &action, &parameters).await?,
            "fc" => fc(&session, &action, &parameters).await?,
            "sls" => sls(&session, &action, &parameters).await?,
            "bss" => bss(&session, &action, &parameters).await?,
            _ => return Err(unknown(&product)),
        };
        let outcome = match tried {
            Ok(()) => "done".to_owned(),
            Err(error) if error.request_id.is_some() => error.cause.to_string(),
            Err(error) => return Err(format!("{error}: {}", error.cause).into()),
        };
        writeln!(io::stdout(), "{product} {action}: {outcome}")?;
    }
    Ok(())
}

fn unknown(name: &str) -> Failure {
    format!("the client has no {name}").into()
}

async fn vpc(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    Ok(match action {
        "CreateFlowLog" => {
            let spec = FlowLogSpec {
                name: given.required("FlowLogName")?,
                description: given.required("Description")?,
                project: given.required("ProjectName")?,
                log_store: given.required("LogStoreName")?,
                create_destination: None,
                traffic_type: given.required("TrafficType")?,
                traffic_path: given.list("TrafficPath")?,
                aggregation_interval: given.required("AggregationInterval")?,
                ip_version: given.parsed("IpVersion")?,
                resource_group_id: given.parsed("ResourceGroupId")?,
                tags: given.tags("Tag")?,
            };
            let extras = FlowLogExtras { log_format: given.text("LogFormat") };
            session.writes().create_flow_log_with(&given.required("ResourceId")?, &spec, extras).await.map(drop)
        }
        "DeleteFlowLog" => session.writes().delete_flow_log(&given.required("FlowLogId")?).await,
        "ActiveFlowLog" => session.writes().activate_flow_log(&given.required("FlowLogId")?).await,
        "DeactiveFlowLog" => session.writes().deactivate_flow_log(&given.required("FlowLogId")?).await,
        "ModifyFlowLogAttribute" => {
            let (name, description) = (given.parsed("FlowLogName")?, given.parsed("Description")?);
            let new = FlowLogAttributes {
                name: name.as_ref(),
                description: description.as_ref(),
                aggregation_interval: given.parsed("AggregationInterval")?,
                ip_version: given.parsed("IpVersion")?,
                log_format: given.text("LogFormat"),
            };
            session.writes().modify_flow_log(&given.required("FlowLogId")?, &new).await
        }
        "DescribeFlowLogs" => {
            let (resource, vpc) = (given.parsed("ResourceId")?, given.parsed("VpcId")?);
            let (id, group) = (given.parsed("FlowLogId")?, given.parsed("ResourceGroupId")?);
            let status = given.text("Status").map(Status::from);
            let filter = FlowLogFilter {
                resource: resource.as_ref(),
                resource_type: ResourceType::ALL
                    .into_iter()
                    .find(|known| Some(known.as_str()) == given.text("ResourceType")),
                vpc: vpc.as_ref(),
                id: id.as_ref(),
                name: given.text("FlowLogName"),
                description: given.text("Description"),
                traffic_type: given.parsed("TrafficType")?,
                project: given.text("ProjectName"),
                log_store: given.text("LogStoreName"),
                status: status.as_ref(),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tags")?),
            };
            session.describe_flow_logs(&filter).await.map(drop)
        }
        "GetFlowLogServiceStatus" => session.get_flow_log_service_status().await.map(drop),
        "OpenFlowLogService" => session.writes().open_flow_log_service().await.map(drop),
        "DescribeVpcs" => {
            let (owner, group) = (given.parsed("VpcOwnerId")?, given.parsed("ResourceGroupId")?);
            let filter = VpcFilter {
                ids: &given.joined("VpcId")?,
                name: given.text("VpcName"),
                is_default: given.flag("IsDefault"),
                has_ipv6: given.flag("EnableIpv6"),
                dhcp_options_set: given.text("DhcpOptionsSetId"),
                owner: owner.as_ref(),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tag")?),
            };
            session.vpcs(&filter).try_collect::<Vec<_>>().await.map(drop)
        }
        "DescribeVSwitches" => {
            let (id, vpc) = (given.parsed("VSwitchId")?, given.parsed("VpcId")?);
            let (owner, group) = (given.parsed("VSwitchOwnerId")?, given.parsed("ResourceGroupId")?);
            let filter = VSwitchFilter {
                id: id.as_ref(),
                vpc: vpc.as_ref(),
                name: given.text("VSwitchName"),
                zone: given.text("ZoneId"),
                is_default: given.flag("IsDefault"),
                route_table: given.text("RouteTableId"),
                has_ipv6: given.flag("EnableIpv6"),
                owner: owner.as_ref(),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tag")?),
            };
            session.vswitches(&filter).try_collect::<Vec<_>>().await.map(drop)
        }
        "DescribeRegions" => session.describe_regions().await.map(drop),
        "MoveResourceGroup" => {
            let group = given.required("NewResourceGroupId")?;
            match given.text("ResourceType") {
                Some("FlowLog") => {
                    session
                        .writes()
                        .move_to_resource_group(Movable::FlowLog(&given.required("ResourceId")?), &group)
                        .await
                }
                _ => {
                    session.writes().move_to_resource_group(Movable::Vpc(&given.required("ResourceId")?), &group).await
                }
            }
        }
        _ => tags(session, action, given).await?,
    })
}

/// Makes the tag operations, which every product but STS has.
async fn tags(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    let (of, ids) = (tagged(given)?, given.texts("ResourceId"));
    let dry_run = given.flag("DryRun") == Some(true);
    Ok(match action {
        "TagResources" if dry_run => session.writes().try_out_ecr_tags(&ids, &given.tags("Tag")?).await,
        "TagResources" => session.writes().tag_resources(of, &ids, &given.tags("Tag")?).await,
        "UnTagResources" | "UntagResources" if given.flag("All") == Some(true) => {
            session.writes().untag_resources_of_all(of, &ids).await
        }
        "UnTagResources" | "UntagResources" => {
            let keys: Vec<TagKey> = given.list("TagKey")?;
            if dry_run {
                session.writes().try_out_ecr_untagging(&ids, &keys).await
            } else {
                session.writes().untag_resources(of, &ids, &keys).await
            }
        }
        "ListTagResources" => {
            let filter = TagFilter { ids: &ids, tags: Some(&given.tags("Tag")?) };
            session.list_tag_resources(of, &filter).await.map(drop)
        }
        _ => return Err(unknown(action)),
    })
}

fn tagged(given: &Given) -> Result<TaggedType, Failure> {
    match given.text("ResourceType").unwrap_or_default() {
        "FLOWLOG" => Ok(TaggedType::FlowLog),
        "VPC" => Ok(TaggedType::Vpc),
        "VSWITCH" => Ok(TaggedType::VSwitch),
        "eni" => Ok(TaggedType::NetworkInterface),
        "EXPRESSCONNECTROUTER" => Ok(TaggedType::Ecr),
        other => Err(unknown(other)),
    }
}

async fn ecs(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    Ok(match action {
        "DescribeNetworkInterfaces" => {
            let (vpc, vswitch) = (given.parsed("VpcId")?, given.parsed("VSwitchId")?);
            let group = given.parsed("ResourceGroupId")?;
            let filter = NetworkInterfaceFilter {
                ids: &given.list("NetworkInterfaceId")?,
                instance: given.text("InstanceId"),
                vpc: vpc.as_ref(),
                vswitch: vswitch.as_ref(),
                security_group: given.text("SecurityGroupId"),
                name: given.text("NetworkInterfaceName"),
                interface_type: given.text("Type"),
                status: given.text("Status"),
                is_managed: given.flag("ServiceManaged"),
                primary_ip_address: given.text("PrimaryIpAddress"),
                private_ip_addresses: &given.texts("PrivateIpAddress"),
                ipv6_addresses: &given.texts("Ipv6Address"),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tag")?),
            };
            session.describe_network_interfaces(&filter).await.map(drop)
        }
        _ => tags(session, action, given).await?,
    })
}

async fn sts(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    Ok(match action {
        "AssumeRole" => {
            let asked = AssumeRole {
                role: &given.required("RoleArn")?,
                session_name: given.text("RoleSessionName").unwrap_or_default(),
                external_id: given.text("ExternalId"),
                duration: given.parsed("DurationSeconds")?.map(Duration::from_secs),
                policy: given.text("Policy"),
                source_identity: given.text("SourceIdentity"),
            };
            session.assume_role(&asked).await.map(drop)
        }
        "GetCallerIdentity" => session.get_caller_identity().await.map(drop),
        _ => return Err(unknown(action)),
    })
}

async fn ecr(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    if action.ends_with("TagResources") || action == "UntagResources" {
        return tags(session, action, given).await;
    }
    let ecr: EcrId = given.required("EcrId")?;
    let dry_run = given.flag("DryRun") == Some(true);
    Ok(match action {
        "CreateFlowLog" => {
            let spec = EcrFlowLogSpec {
                name: given.required("FlowLogName")?,
                description: given.required("Description")?,
                project: given.required("ProjectName")?,
                log_store: given.required("LogStoreName")?,
                interval: given.required("Interval")?,
                sampling_rate: given.required("SamplingRate")?,
                target_sls_region: given.parsed("TargetSlsRegionId")?,
                resource_group_id: given.parsed("ResourceGroupId")?,
                tags: given.tags("Tag")?,
            };
            session.writes().create_ecr_flow_log(&ecr, &given.required("InstanceId")?, &spec, dry_run).await.map(drop)
        }
        "ModifyFlowLogAttribute" => {
            let (name, description) = (given.parsed("FlowLogName")?, given.parsed("Description")?);
            let new = EcrFlowLogAttributes {
                name: name.as_ref(),
                description: description.as_ref(),
                interval: given.parsed("Interval")?,
                sampling_rate: given.parsed("SamplingRate")?,
            };
            let id = given.required("FlowLogId")?;
            if dry_run {
                session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Modify(new)).await
            } else {
                session.writes().modify_ecr_flow_log(&ecr, &id, &new).await
            }
        }
        "ActivateFlowLog" | "DeactivateFlowLog" | "DeleteFlowlog" => {
            let id = given.required("FlowLogId")?;
            match (action, dry_run) {
                ("ActivateFlowLog", false) => session.writes().activate_ecr_flow_log(&ecr, &id).await,
                ("ActivateFlowLog", true) => {
                    session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Activate).await
                }
                ("DeactivateFlowLog", false) => session.writes().deactivate_ecr_flow_log(&ecr, &id).await,
                ("DeactivateFlowLog", true) => {
                    session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Deactivate).await
                }
                (_, false) => session.writes().delete_ecr_flow_log(&ecr, &id).await,
                (_, true) => session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Delete).await,
            }
        }
        "DescribeFlowLogs" => {
            let (id, instance) = (given.parsed("FlowLogId")?, given.parsed("InstanceId")?);
            let group = given.parsed("ResourceGroupId")?;
            let filter = EcrFlowLogFilter {
                id: id.as_ref(),
                name: given.text("FlowLogName"),
                instance: instance.as_ref(),
                project: given.text("ProjectName"),
                log_store: given.text("LogStoreName"),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tag")?),
            };
            session.describe_ecr_flow_logs(&ecr, &filter).await.map(drop)
        }
        "DescribeExpressConnectRouter" => {
            let group = given.parsed("ResourceGroupId")?;
            let filter = EcrFilter {
                id: Some(&ecr),
                name: given.text("Name"),
                resource_group: group.as_ref(),
                tags: Some(&given.tags("Tag")?),
            };
            session.describe_ecrs(&filter).await.map(drop)
        }
        "DescribeExpressConnectRouterChildInstance" => {
            let region = given.parsed("ChildInstanceRegionId")?;
            let filter = EcrInstanceFilter {
                id: given.text("ChildInstanceId"),
                instance_type: given.text("ChildInstanceType"),
                region: region.as_ref(),
                association: given.text("AssociationId"),
            };
            session.describe_ecr_instances(&ecr, &filter).await.map(drop)
        }
        _ => return Err(unknown(action)),
    })
}

async fn directory(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    Ok(match action {
        "ListAccounts" => session.directory_members().try_collect::<Vec<_>>().await.map(drop),
        "GetAccount" => session.directory_member(&given.required("AccountId")?).await.map(drop),
        _ => return Err(unknown(action)),
    })
}

/// The name of the function, the headers and the body are parameters, too.
async fn fc(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    let function = given.text("functionName").unwrap_or_default();
    Ok(match action {
        "InvokeFunction" => {
            let invocation = AsyncInvocation {
                function,
                task_id: given.text("x-fc-async-task-id"),
                delay: given.parsed("x-fc-async-delay")?.map(Duration::from_secs),
                payload: given.text("body").unwrap_or_default().as_bytes(),
            };
            session.invoke_async(&invocation).await.map(drop)
        }
        "ListAsyncTasks" => {
            let prefix = given.text("prefix").unwrap_or_default();
            session.async_tasks(function, prefix).try_collect::<Vec<_>>().await.map(drop)
        }
        _ => return Err(unknown(action)),
    })
}

async fn sls(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    let (project, log_store) = (given.required("project")?, given.required("logstore")?);
    let of = Destination { project: &project, log_store: &log_store };
    Ok(match action {
        "GetProject" => session.get_project(&project).await.map(drop),
        "CreateProject" => session.writes().create_project(&project).await,
        "GetLogStore" => session.get_log_store(of).await.map(drop),
        "CreateLogStore" => session.writes().create_log_store(of, given.required("ttl")?).await,
        "UpdateLogStore" => match session.get_log_store(of).await {
            Ok(Some(observed)) => session.writes().update_log_store(of, &observed, given.required("ttl")?).await,
            Ok(None) => return Err("there is no such Logstore".into()),
            Err(error) => Err(error),
        },
        "GetIndex" => session.get_index(of).await.map(drop),
        "CreateIndex" => session.writes().create_index(of).await,
        "GetLogStoreMeteringMode" => session.get_log_store_metering_mode(of).await.map(drop),
        "GetLogsV2" => session.count_records(of, given.span()?, &RecordField::ALL).await.map(drop),
        "GetHistograms" => session.histogram(of, given.span()?, RecordFilter::default()).await.map(drop),
        "DescribeMetricList" => session.metric_of_log_store(Metric::LogInflow, of, given.span()?).await.map(drop),
        _ => return Err(unknown(action)),
    })
}

async fn bss(session: &Session<'_>, action: &str, given: &Given) -> Tried {
    let (owner, product_code) = (given.parsed("BillOwnerId")?, given.text("ProductCode"));
    let cycle: BillingCycle = given.text("BillingCycle").ok_or("BillingCycle is missing")?.parse()?;
    let bill = Bill { cycle, product_code, owner: owner.as_ref() };
    match action {
        "DescribeInstanceBill" => Ok(session.describe_instance_bill(bill).await.map(drop)),
        _ => Err(unknown(action)),
    }
}

/// Parameters by their API names.
#[derive(Deserialize)]
struct Given(Map<String, Value>);

impl Given {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// Parses a text, or a number as text.
    fn parsed<T: FromStr<Err: Error + 'static>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let parsed = value.as_str().map_or_else(|| value.to_string().parse(), str::parse);
        Ok(Some(parsed?))
    }

    /// Returns the time from `from` to `to`, in seconds.
    fn span(&self) -> Result<TimeSpan, Failure> {
        let second = |name: &str| Ok::<_, Failure>(jiff::Timestamp::from_second(self.required(name)?)?);
        TimeSpan::new(second("from")?, second("to")?).ok_or_else(|| "the time ends before it begins".into())
    }

    fn required<T: FromStr<Err: Error + 'static>>(&self, name: &str) -> Result<T, Failure> {
        self.parsed(name)?.ok_or_else(|| format!("{name} is missing").into())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.values(name).filter_map(Value::as_str).collect()
    }

    fn list<T: FromStr<Err: Error + 'static>>(&self, name: &str) -> Result<Vec<T>, Failure> {
        self.texts(name).into_iter().map(|text| Ok(text.parse()?)).collect()
    }

    /// Parses ids in one text, separated by commas.
    fn joined(&self, name: &str) -> Result<Vec<ResourceId>, Failure> {
        self.text(name).into_iter().flat_map(|ids| ids.split(',')).map(|id| Ok(id.parse()?)).collect()
    }

    fn tags(&self, name: &str) -> Result<Tags, Failure> {
        let text = |tag: &Value, part| tag[part].as_str().unwrap_or_default().to_owned();
        self.values(name).map(|tag| Ok((text(tag, "Key").parse()?, text(tag, "Value").parse()?))).collect()
    }
}
