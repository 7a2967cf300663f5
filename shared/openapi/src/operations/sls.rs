//! The operations of Simple Log Service, version 0.6.0: what a flow log delivers to.
//!
//! A flow log delivers to a Logstore, in a project of its own account and region. Without an index, nothing in it can
//! be searched.

use std::collections::BTreeSet;

use flow_log::{
    names::{LogStoreName, ProjectName},
    one_by_one,
};
use reqwest::Method;

use crate::{
    CallError, ErrorKind, Product, Session, Writes,
    call::{
        request::{Request, Rest},
        response_object::ResponseObject,
    },
};

/// How long a Logstore can keep its records, in days. The largest number means for ever.
const MIN_RETENTION_DAYS: u16 = 1;
const MAX_RETENTION_DAYS: u16 = 3650;

/// What a new project is described with.
const DESCRIPTION: &str = "Flow logs, written by VPC";

/// How texts are indexed, as JSON: which characters stand between words (those that the console has), and that case
/// does not matter.
const WORDS: &str = r#""token":[","," ","'","\"",";","=","(",")","[","]","{","}","?","@","&","<",">","/",":","\n","\t","\r"],"caseSensitive":false,"chn":false"#;

/// The fields of a VPC flow log, and whether each is a number. They are those of `FlowLogIndex` in `template.yml`.
const FIELDS: [(&str, bool); 20] = [
    ("account-id", false),
    ("region", false),
    ("vpc-id", false),
    ("vswitch-id", false),
    ("eni-id", false),
    ("vm-id", false),
    ("srcaddr", false),
    ("srcport", true),
    ("dstaddr", false),
    ("dstport", true),
    ("protocol", true),
    ("tcp-flags", true),
    ("direction", false),
    ("action", false),
    ("log-status", false),
    ("traffic_path", false),
    ("packets", true),
    ("bytes", true),
    ("start", true),
    ("end", true),
];

/// The field of a record that has the bytes of its traffic.
const BYTES: &str = "bytes";

/// The settings of a Logstore that an update sets, all of them: what it leaves out may be lost.
const LOG_STORE_SETTINGS: [&str; 11] = [
    "shardCount",
    "autoSplit",
    "maxSplitShard",
    "enable_tracking",
    "appendMeta",
    "hot_ttl",
    "infrequentAccessTTL",
    "mode",
    "telemetryType",
    "encrypt_conf",
    "shardingPolicy",
];

/// What a flow log delivers to.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The project, in the session's account and region.
    pub project: &'a ProjectName,
    /// The Logstore.
    pub log_store: &'a LogStoreName,
}

/// A project as `GetProject` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// `projectName`, unique in all of Alibaba Cloud.
    pub name: String,
    /// `Normal`, or `Disable` if it takes no records.
    pub status: Option<String>,
}

/// A Logstore as `GetLogStore` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStore {
    /// How long it keeps its records, in days; [`LogStore::FOR_EVER`] means for ever.
    pub retention_days: u32,
    /// `mode`: `standard`, or `query` for one that counts records but knows no SQL. `None` if the response lacks it.
    pub mode: Option<String>,
    /// `shardCount`, if the response has it.
    pub shards: Option<u32>,
    /// The other settings as JSON, in which an update leaves them.
    settings: Vec<(&'static str, String)>,
}

impl LogStore {
    /// The retention that stands for ever.
    pub const FOR_EVER: u32 = MAX_RETENTION_DAYS as u32;

    /// Returns whether it knows no SQL, so that its records can only be counted.
    #[must_use]
    pub fn only_counts(&self) -> bool {
        self.mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("query"))
    }
}

/// An index as `GetIndex` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogIndex {
    /// The fields that can be searched and counted by their names.
    pub fields: BTreeSet<String>,
    /// Whether the field `bytes` of flow log records is among them, as a whole number that is analyzed, so that it can be
    /// added up.
    pub sums_bytes: bool,
    /// Whether all texts can be searched.
    pub has_full_text: bool,
}

/// How a Logstore is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeteringMode {
    /// `ChargeByFunction`: for writing, indexing, storing and more, each by itself.
    ByFeature,
    /// `ChargeByDataIngest`: for what is written, raw. Storage for 30 days and the index are in it.
    ByIngest,
    /// A mode that is not documented.
    Other(String),
}

impl From<String> for MeteringMode {
    fn from(text: String) -> Self {
        match text.as_str() {
            "ChargeByFunction" => Self::ByFeature,
            "ChargeByDataIngest" => Self::ByIngest,
            _ => Self::Other(text),
        }
    }
}

impl Session<'_> {
    /// `GetProject`: returns a project, or `None` if there is none in this region.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read. A project of another account is refused.
    pub async fn get_project(&self, project: &ProjectName) -> Result<Option<Project>, CallError> {
        let request = of_project(Request::read(Product::Sls, "GetProject"), project, "/".to_owned(), Rest::default());
        let read = |response: &ResponseObject<'_>| {
            let name = response.required("projectName")?;
            if name != project.as_str() {
                return Err("it is about another project".to_owned());
            }
            Ok(Project { name, status: response.text("status") })
        };
        self.read_if_there(request, read).await
    }

    /// `GetLogStore`: returns a Logstore, or `None` if there is none, or no such project.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_log_store(&self, of: Destination<'_>) -> Result<Option<LogStore>, CallError> {
        let request = of.request(Request::read(Product::Sls, "GetLogStore"), "", Rest::default());
        let read = |response: &ResponseObject<'_>| {
            // An update would give this Logstore the settings of the other one.
            if response.text("logstoreName").is_some_and(|name| name != of.log_store.as_str()) {
                return Err("it is about another Logstore".to_owned());
            }
            let settings = LOG_STORE_SETTINGS.into_iter();
            Ok(LogStore {
                retention_days: response.parsed("ttl")?,
                mode: response.text("mode"),
                shards: response.number("shardCount"),
                settings: settings.filter_map(|name| Some((name, response.as_json(name)?))).collect(),
            })
        };
        self.read_if_there(request, read).await
    }

    /// `GetIndex`: returns the index of a Logstore, or `None` if there is none, or no such Logstore.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_index(&self, of: Destination<'_>) -> Result<Option<LogIndex>, CallError> {
        let request = of.request(Request::read(Product::Sls, "GetIndex"), "/index", Rest::default());
        let read = |response: &ResponseObject<'_>| {
            let has_full_text = response.object("line").is_ok();
            let fields = match response.member_names("keys") {
                Ok(names) => one_by_one::set(names.map(str::to_owned)),
                // An index has fields, or the full text, or both.
                Err(_) if has_full_text => BTreeSet::new(),
                Err(error) => return Err(error),
            };
            let keys = response.object("keys").ok();
            let bytes = keys.and_then(|keys| keys.object(BYTES).ok());
            let sums_bytes = bytes.is_some_and(|field| {
                let is_whole = field.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("long"));
                is_whole && field.flag("doc_value") == Some(true)
            });
            Ok(LogIndex { fields, sums_bytes, has_full_text })
        };
        self.read_if_there(request, read).await
    }

    /// `GetLogStoreMeteringMode`: returns how a Logstore is charged, or `None` if there is no such Logstore.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_log_store_metering_mode(&self, of: Destination<'_>) -> Result<Option<MeteringMode>, CallError> {
        let request =
            of.request(Request::read(Product::Sls, "GetLogStoreMeteringMode"), "/meteringmode", Rest::default());
        self.read_if_there(request, |response| Ok(response.required("meteringMode")?.into())).await
    }

    /// Makes a call and reads its response; `None` if there is no such project, Logstore or index.
    async fn read_if_there<T: Send>(
        &self,
        request: Request,
        read: impl FnMut(&ResponseObject<'_>) -> Result<T, String> + Send,
    ) -> Result<Option<T>, CallError> {
        match self.call_and_tell(&request, read, |_| None).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if matches!(error.kind(), ErrorKind::DestinationMissing | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Writes<'_> {
    /// `CreateProject`: creates a project. Its name is unique across all accounts and regions.
    ///
    /// # Errors
    /// The call failed.
    pub async fn create_project(&self, project: &ProjectName) -> Result<(), CallError> {
        let rest = json(Method::POST, format!(r#"{{"projectName":"{project}","description":"{DESCRIPTION}"}}"#));
        let request = of_project(Request::write(Product::Sls, "CreateProject"), project, "/".to_owned(), rest);
        self.session.call_and_done(request).await
    }

    /// `CreateLogStore`: creates a Logstore that keeps its records for `retention_days`, and grows with what it gets.
    /// It may take a minute until flow logs can be delivered to it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn create_log_store(&self, of: Destination<'_>, retention_days: u16) -> Result<(), CallError> {
        let body = format!(
            r#"{{"logstoreName":"{}","ttl":{retention_days},"shardCount":2,"autoSplit":true,"maxSplitShard":64}}"#,
            of.log_store
        );
        let path = "/logstores".to_owned();
        let request = Request::write(Product::Sls, "CreateLogStore");
        let request = of_project(request, of.project, path, json(Method::POST, body)).about(of.name());
        self.session.call_and_done(with_retention(request, retention_days)).await
    }

    /// `UpdateLogStore`: makes a Logstore keep its records for `retention_days`, and leaves its other settings as they
    /// are in `observed`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn update_log_store(
        &self,
        of: Destination<'_>,
        observed: &LogStore,
        retention_days: u16,
    ) -> Result<(), CallError> {
        let mut body = format!(r#"{{"logstoreName":"{}","ttl":{retention_days}"#, of.log_store);
        for (name, value) in &observed.settings {
            body.extend([",\"", name, "\":", value]);
        }
        body.push('}');
        let request = Request::write(Product::Sls, "UpdateLogStore").idempotent();
        let request = of.request(request, "", json(Method::PUT, body));
        self.session.call_and_done(with_retention(request, retention_days)).await
    }

    /// `CreateIndex`: makes the records of a VPC flow log searchable, by full text and by field.
    ///
    /// # Errors
    /// The call failed.
    pub async fn create_index(&self, of: Destination<'_>) -> Result<(), CallError> {
        let rest = json(Method::POST, flow_log_index());
        let request = of.request(Request::write(Product::Sls, "CreateIndex"), "/index", rest);
        self.session.call_and_done(request).await
    }
}

impl Destination<'_> {
    /// Returns the name for errors.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.project, self.log_store)
    }

    /// Makes it a call on the Logstore, or on `what` of it. Names hold nothing that a path would have to encode.
    pub(crate) fn request(&self, request: Request, what: &str, rest: Rest) -> Request {
        of_project(request, self.project, format!("/logstores/{}{what}", self.log_store), rest).about(self.name())
    }
}

fn of_project(request: Request, project: &ProjectName, path: String, rest: Rest) -> Request {
    request.about(project.as_str()).with_path(Rest { path, project: project.to_string(), ..rest })
}

/// A call that changes something, and is answered without a body.
fn json(method: Method, body: String) -> Rest {
    Rest { method, body: body.into_bytes(), may_answer_nothing: true, ..Rest::default() }
}

fn with_retention(request: Request, days: u16) -> Request {
    request.ensure((MIN_RETENTION_DAYS..=MAX_RETENTION_DAYS).contains(&days), || {
        format!("a Logstore keeps records for {MIN_RETENTION_DAYS} to {MAX_RETENTION_DAYS} days")
    })
}

/// Returns the index for the records of a VPC flow log, as JSON.
fn flow_log_index() -> String {
    let field = |&(name, is_number): &(&str, bool)| {
        if is_number {
            format!(r#""{name}":{{"type":"long","doc_value":true}}"#)
        } else {
            format!(r#""{name}":{{"type":"text","doc_value":true,{WORDS}}}"#)
        }
    };
    let fields: Vec<_> = FIELDS.iter().map(field).collect();
    format!(r#"{{"line":{{{WORDS}}},"keys":{{{}}}}}"#, fields.join(","))
}
