//! Log Service's API. The host names the project and the region.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    authenticate::authenticate,
    body::{Attributes, Body, check_name, invalid},
    host,
    records::{self, Span},
    refusals::{documented, no_log_store, no_project, refusal, unauthorized},
    state::{LogProject, LogStore},
};
use crate::{
    api::{
        authenticate::{Identity, text},
        faults::Fault,
        operations::{Operation, Product, by_path},
        parameters::Parameters,
        refusal::{Denied, Refusal},
        rest::{Reply, ReplyBody, RestCall, RestProduct, parts, query},
    },
    world::{
        clock::iso,
        shared::{Shared, World},
        state::State,
    },
};

/// As RAM and the hosts call it.
const LOG: Product = Product { name: "log", version: "0.6.0", service: "Sls" };

/// The most records of an answer.
const MAX_LINES: usize = 100;
/// The most Logstores of a project.
const MAX_LOG_STORES: usize = 200;

pub(crate) static OPERATIONS: &[Operation] = &[
    by_path(&LOG, "CreateProject", true),
    by_path(&LOG, "GetProject", false),
    by_path(&LOG, "CreateLogStore", true),
    by_path(&LOG, "GetLogStore", false),
    by_path(&LOG, "UpdateLogStore", true),
    by_path(&LOG, "CreateIndex", true),
    by_path(&LOG, "GetIndex", false),
    by_path(&LOG, "UpdateIndex", true),
    by_path(&LOG, "GetLogsV2", false),
    by_path(&LOG, "GetHistograms", false),
    by_path(&LOG, "GetLogStoreMeteringMode", false),
];

/// Log Service, as a product whose operations are paths.
pub(crate) enum LogService {}

impl RestProduct for LogService {
    const VERSION: &'static str = LOG.version;
    const REQUEST_ID: &'static str = "x-log-requestid";

    fn new_request_id(shared: &Shared) -> String {
        format!("{:024X}", 0x10CA_1C10_0000_u64 + shared.next_number())
    }

    fn route(request: &Request<Bytes>) -> Result<(&'static Operation, Parameters), Refusal> {
        let host = host(request).ok_or_else(|| documented("InvalidHost"))?;
        let parts = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (action, log_store) = match (request.method(), parts.as_slice()) {
            (&Method::POST, [""]) => ("CreateProject", None),
            (&Method::GET, [""]) => ("GetProject", None),
            (&Method::POST, ["logstores"]) => ("CreateLogStore", None),
            // The SDKs have two paths for it, the older and the newer one.
            (&Method::GET, ["logstores", log_store] | ["logstores", log_store, "index"])
                if query(request).get("type") == Some("histogram") =>
            {
                ("GetHistograms", Some(log_store))
            }
            (&Method::GET, ["logstores", log_store]) => ("GetLogStore", Some(log_store)),
            (&Method::POST, ["logstores", log_store, "logs"]) => ("GetLogsV2", Some(log_store)),
            (&Method::GET, ["logstores", log_store, "meteringmode"]) => ("GetLogStoreMeteringMode", Some(log_store)),
            (&Method::PUT, ["logstores", log_store]) => ("UpdateLogStore", Some(log_store)),
            (&Method::POST, ["logstores", log_store, "index"]) => ("CreateIndex", Some(log_store)),
            (&Method::GET, ["logstores", log_store, "index"]) => ("GetIndex", Some(log_store)),
            (&Method::PUT, ["logstores", log_store, "index"]) => ("UpdateIndex", Some(log_store)),
            _ => {
                let message = format!("invalid request method : {}", request.uri().path());
                return Err(documented("InvalidMethod").saying(message));
            }
        };
        check_headers(request)?;
        let mut parameters = query(request);
        if !request.body().is_empty() {
            parameters.0.extend(Body::parse(request.body())?.parameters());
        }
        // The names in the path come last: they are what counts.
        let project = host.project.map(str::to_owned).or_else(|| parameters.get("projectName").map(str::to_owned));
        let log_store = log_store.map(|name| (*name).to_owned());
        let log_store = log_store.or_else(|| parameters.get("logstoreName").map(str::to_owned));
        parameters.0.extend(project.map(|project| ("project".to_owned(), project)));
        parameters.0.extend(log_store.map(|log_store| ("logstore".to_owned(), log_store)));
        Ok((find(action)?, parameters))
    }

    fn region(request: &Request<Bytes>) -> Option<String> {
        host(request).map(|host| host.region.to_owned())
    }

    fn authenticate(world: &mut World, request: &Request<Bytes>, shared: &Shared) -> Result<Identity, Refusal> {
        authenticate(world, request, shared.clock.now())
    }

    fn resource(call: &RestCall<'_>) -> String {
        if call.operation.action == "GetLogStoreMeteringMode" {
            return "*".to_owned();
        }
        let (region, account) = (&call.place.region, &call.place.account);
        let project = call.parameters.text("project");
        let log_store = call.parameters.get("logstore").map(|name| format!("/logstore/{name}")).unwrap_or_default();
        format!("acs:log:{region}:{account}:project/{project}{log_store}")
    }

    fn denied(denied: Denied, resource: &str) -> Refusal {
        unauthorized(format!("denied by sts or ram, action: {}, resource: {resource}", denied.action))
    }

    fn refusal(fault: Fault) -> Option<Refusal> {
        Some(match fault {
            Fault::Throttled | Fault::ThrottledFor(_) => documented("WriteQuotaExceed"),
            Fault::Unavailable => documented("ServerBusy"),
            Fault::Refused => documented("Unauthorized"),
            Fault::InternalError => documented("InternalServerError"),
            Fault::TokenExpired => unauthorized("The security token you provided has expired."),
            Fault::Code(code) => return refusal(code),
            _ => return None,
        })
    }

    fn envelope(refusal: &Refusal, _: &str) -> Value {
        json!({"errorCode": refusal.code, "errorMessage": refusal.message})
    }

    async fn run(shared: &Shared, call: &RestCall<'_>) -> Result<Reply, Refusal> {
        let max_projects = shared.options.project_quota;
        let now = shared.clock.now();
        let body = shared.write(|world| {
            world.state.record_until(now);
            if call.operation.is_write && world.faults.may_be_stale() {
                world.before = Some(world.state.clone());
            }
            let mut before = world.before.clone().filter(|_| call.fault == Some(Fault::StaleRead));
            let mut service = Service { state: before.as_mut().unwrap_or(&mut world.state), call, now };
            match call.operation.action {
                "CreateProject" => service.create_project(max_projects),
                "GetProject" => service.project().map(|project| ReplyBody::Json(project_wire(project))),
                "CreateLogStore" => service.create_log_store(),
                "GetLogStore" => service.log_store().map(|log_store| ReplyBody::Json(log_store_wire(log_store))),
                "UpdateLogStore" => service.update_log_store(),
                "GetIndex" => service.index(),
                "GetLogsV2" => service.logs(),
                "GetHistograms" => service.histogram(),
                "GetLogStoreMeteringMode" => {
                    let mode = &service.log_store()?.metering_mode;
                    Ok(ReplyBody::Json(json!({"meteringMode": mode})))
                }
                action => service.set_index(action == "CreateIndex"),
            }
        })?;
        Ok(Reply::ok(body))
    }
}

fn find(action: &str) -> Result<&'static Operation, Refusal> {
    OPERATIONS.iter().find(|operation| operation.action == action).ok_or_else(|| documented("InvalidMethod"))
}

/// Checks the headers that describe a request.
fn check_headers(request: &Request<Bytes>) -> Result<(), Refusal> {
    let given = |name: &str| text(request.headers(), name);
    let size = request.body().len().to_string();
    for (name, expected) in [("x-log-apiversion", LOG.version), ("x-log-bodyrawsize", &size)] {
        if given(name) != Some(expected) {
            let message = format!("Http extend {name} : {} is invalid.", given(name).unwrap_or_default());
            return Err(documented("ParameterInvalid").saying(message));
        }
    }
    let is_json = given("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if is_json || request.body().is_empty() { Ok(()) } else { Err(documented("InvalidContentType")) }
}

/// Projects and Logstores, as one call sees them.
struct Service<'a> {
    state: &'a mut State,
    call: &'a RestCall<'a>,
    now: Timestamp,
}

impl Service<'_> {
    fn create_project(&mut self, max: usize) -> Result<ReplyBody, Refusal> {
        let body = Body::parse(self.call.body)?;
        let name = body.text("projectName")?;
        check_name(name, "projectName", "-")?;
        // The host of a creation may name the project, as the documents have it, or none, as the SDKs have it.
        if self.call.parameters.get("project").is_some_and(|of_host| of_host != name) {
            return Err(invalid("projectName"));
        }
        let (place, projects) = (&self.call.place, &mut self.state.log_service.projects);
        if let Some(known) = projects.get(name) {
            let owner = if known.place.account == place.account { "" } else { ", and belongs to another account" };
            return Err(documented("ProjectAlreadyExist").saying(format!("Project {name} already exist{owner}.")));
        }
        if projects.values().filter(|project| project.place == *place).count() >= max {
            return Err(documented("ProjectQuotaExceed"));
        }
        let project = LogProject {
            name: name.to_owned(),
            place: place.clone(),
            description: body.optional_text("description")?.unwrap_or_default().to_owned(),
            log_stores: BTreeMap::new(),
            created: self.now,
        };
        projects.insert(name.to_owned(), project);
        Ok(ReplyBody::Empty)
    }

    /// Returns the project of the call. To everyone but its owner, it is as if no policy allowed anything.
    fn project(&self) -> Result<&LogProject, Refusal> {
        let call = self.call;
        let name = call.parameters.text("project");
        let is_hidden = call.fault == Some(Fault::NotVisibleYet);
        let project = self.state.log_service.project(&name, &call.place.region, self.now).filter(|_| !is_hidden);
        let project = project.ok_or_else(|| no_project(&name))?;
        let owner = &project.place.account;
        if *owner != call.place.account {
            let resource = format!("acs:log:{}:{owner}:project/{name}", call.place.region);
            let action = call.operation.permission();
            return Err(unauthorized(format!("denied by sts or ram, action: {action}, resource: {resource}")));
        }
        Ok(project)
    }

    fn log_store(&self) -> Result<&LogStore, Refusal> {
        let name = self.call.parameters.text("logstore");
        let log_store = self.state.log_service.log_store(self.project()?, &name, self.now);
        log_store.ok_or_else(|| no_log_store(&name))
    }

    /// Changes the Logstore of the call.
    fn change(&mut self, change: impl FnOnce(&mut LogStore)) -> Result<(), Refusal> {
        let (project, log_store) = (self.project()?.name.clone(), self.log_store()?.name.clone());
        let project = self.state.log_service.projects.get_mut(&project);
        if let Some(found) = project.and_then(|project| project.log_stores.get_mut(&log_store)) {
            change(found);
            found.modified = self.now;
        }
        Ok(())
    }

    fn create_log_store(&mut self) -> Result<ReplyBody, Refusal> {
        let body = Body::parse(self.call.body)?;
        let name = body.text("logstoreName")?;
        check_name(name, "logstoreName", "-_")?;
        let attributes = body.attributes()?;
        let (Some(retention_days), Some(shards)) = (attributes.retention_days, attributes.shards) else {
            return Err(documented("LogStoreInfoInvalid"));
        };
        let project = self.project()?;
        if project.log_stores.contains_key(name) {
            return Err(documented("LogStoreAlreadyExist").saying(format!("logstore {name} already exists")));
        }
        if project.log_stores.len() >= MAX_LOG_STORES {
            return Err(documented("ProjectQuotaExceed"));
        }
        let mut log_store = LogStore { shards, ..LogStore::new(name, retention_days, self.now) };
        attributes.set(&mut log_store);
        let project_name = project.name.clone();
        self.state.log_service.seed(&self.call.place, &project_name, log_store);
        Ok(ReplyBody::Empty)
    }

    /// Updates a Logstore. The number of shards cannot be changed. The documents do not say what happens to an attribute
    /// that the call leaves out, so the worst is assumed: it gets its default.
    fn update_log_store(&mut self) -> Result<ReplyBody, Refusal> {
        let body = Body::parse(self.call.body)?;
        let attributes = body.attributes()?;
        let log_store = self.log_store()?;
        if body.optional_text("logstoreName")?.is_some_and(|name| name != log_store.name) {
            return Err(invalid("logstoreName"));
        }
        let is_new = attributes.shards.is_some_and(|shards| shards != log_store.shards);
        let is_other_mode = attributes.mode.as_ref().is_some_and(|mode| *mode != log_store.mode);
        if is_new || is_other_mode {
            return Err(documented("LogStoreInfoInvalid"));
        }
        let default = LogStore::new(&log_store.name, log_store.retention_days, log_store.created);
        let mut updated = LogStore {
            shards: log_store.shards,
            mode: log_store.mode.clone(),
            metering_mode: log_store.metering_mode.clone(),
            records: log_store.records.clone(),
            index: log_store.index.clone(),
            ..default
        };
        attributes.set(&mut updated);
        self.change(|changed| *changed = updated)?;
        Ok(ReplyBody::Empty)
    }

    fn index(&self) -> Result<ReplyBody, Refusal> {
        let log_store = self.log_store()?;
        let mut index = log_store.index.clone().ok_or_else(|| documented("IndexConfigNotExist"))?;
        index["index_mode"] = json!("v2");
        index["storage"] = json!("pg");
        index["ttl"] = json!(log_store.retention_days);
        index["lastModifyTime"] = json!(log_store.modified.as_second());
        Ok(ReplyBody::Json(index))
    }

    /// Returns the rows of a query. Without SQL, these are the records that it finds, a page of them.
    fn logs(&self) -> Result<ReplyBody, Refusal> {
        let (log_store, span, query) = self.question()?;
        let has_sql = query.contains('|');
        let mut rows = records::rows(log_store, span, &query).map_err(not_answered)?;
        if !has_sql {
            let number = |name: &str, default| self.call.parameters.number(name).map(|given| given.unwrap_or(default));
            rows =
                rows.into_iter().skip(number("offset", 0)?).take(number("line", MAX_LINES)?.min(MAX_LINES)).collect();
        }
        let meta = json!({
            "progress": self.progress(), "count": rows.len(), "processedRows": log_store.records.len(),
            "processedBytes": 0, "hasSQL": has_sql, "isAccurate": true, "elapsedMillisecond": 1, "mode": 0,
        });
        Ok(ReplyBody::Json(json!({"meta": meta, "data": rows})))
    }

    fn histogram(&self) -> Result<ReplyBody, Refusal> {
        let (log_store, span, search) = self.question()?;
        let buckets = records::histogram(log_store, span, &search, self.progress()).map_err(not_answered)?;
        Ok(ReplyBody::Json(json!(buckets)))
    }

    /// Returns what is asked of which Logstore. Without an index nothing can be asked.
    fn question(&self) -> Result<(&LogStore, Span, String), Refusal> {
        let parameters = &self.call.parameters;
        let seconds = |name: &str| parameters.require(name)?.parse().map_err(|_| invalid(name));
        let span = Span { from: seconds("from")?, to: seconds("to")? };
        if span.from >= span.to {
            return Err(invalid("from"));
        }
        let log_store = self.log_store()?;
        if log_store.index.is_none() {
            return Err(documented("IndexConfigNotExist"));
        }
        let query = parameters.get("query").filter(|query| !query.is_empty()).unwrap_or("*");
        Ok((log_store, span, query.to_owned()))
    }

    fn progress(&self) -> &'static str {
        if self.call.fault == Some(Fault::PartialCounts) { "Incomplete" } else { "Complete" }
    }

    fn set_index(&mut self, is_new: bool) -> Result<ReplyBody, Refusal> {
        let body = Body::parse(self.call.body)?;
        body.check_index()?;
        match (self.log_store()?.index.is_some(), is_new) {
            (true, true) => return Err(documented("IndexAlreadyExist")),
            (false, false) => return Err(documented("IndexConfigNotExist")),
            _ => {}
        }
        let index = body.value();
        self.change(|log_store| log_store.index = Some(index))?;
        Ok(ReplyBody::Empty)
    }
}

fn not_answered(problem: String) -> Refusal {
    documented("ParameterInvalid").saying(problem)
}

impl Attributes {
    /// Sets what is given. The number of shards is set when a Logstore is made.
    fn set(self, log_store: &mut LogStore) {
        log_store.retention_days = self.retention_days.unwrap_or(log_store.retention_days);
        log_store.splits = self.splits.unwrap_or(log_store.splits);
        log_store.max_split_shards = self.max_split_shards.unwrap_or(log_store.max_split_shards);
        log_store.appends_meta = self.appends_meta.unwrap_or(log_store.appends_meta);
        log_store.tracks = self.tracks.unwrap_or(log_store.tracks);
        if let Some(mode) = self.mode {
            log_store.mode = mode;
        }
    }
}

fn project_wire(project: &LogProject) -> Value {
    json!({
        "projectName": project.name,
        "description": project.description,
        "owner": project.place.account,
        "region": project.place.region,
        "status": "Normal",
        "createTime": iso(project.created),
        "lastModifyTime": iso(project.created),
        "dataRedundancyType": "LRS",
        "resourceGroupId": "",
        "quota": {},
    })
}

fn log_store_wire(log_store: &LogStore) -> Value {
    json!({
        "logstoreName": log_store.name,
        "ttl": log_store.retention_days,
        "shardCount": log_store.shards,
        "autoSplit": log_store.splits,
        "maxSplitShard": log_store.max_split_shards,
        "appendMeta": log_store.appends_meta,
        "enable_tracking": log_store.tracks,
        "mode": log_store.mode,
        "telemetryType": "",
        "createTime": log_store.created.as_second(),
        "lastModifyTime": log_store.modified.as_second(),
    })
}
