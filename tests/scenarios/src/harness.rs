//! A reconciler against the local cloud, on a manual clock that moves only when the reconciler waits.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use fc_runtime::Invocation;
use flow_log::{Action, Policy};
use handler::{Capabilities, FlowLogFunction};
use jiff::{SignedDuration, Timestamp};
use local_cloud::{Clock, Entry, EntryKind, Fault, LocalCloud, OWN_ACCOUNT, Options};
use openapi::{CallCounter, ClientSettings, Credentials, Endpoints, Network, Rng};
use reconcile::{Job, Reconciler, ReconcilerSettings, Report, Selection, ServiceOpener, Target, TargetKind, Work};
use settings::Settings;

/// The capabilities of `create-flow-log`.
pub const CREATION: Capabilities = create_flow_log::CreateFlowLog::CAPABILITIES;
/// The capabilities of `activate-flow-logs`.
pub const ACTIVATION: Capabilities = activate_flow_logs::ActivateFlowLogs::CAPABILITIES;
/// The capabilities of `deactivate-flow-logs`.
pub const DEACTIVATION: Capabilities = deactivate_flow_logs::DeactivateFlowLogs::CAPABILITIES;
/// The capabilities of `remediate-flow-logs`.
pub const REMEDIATION: Capabilities = remediate_flow_logs::RemediateFlowLogs::CAPABILITIES;
/// The capabilities of `delete-orphaned-flow-logs`.
pub const DELETION: Capabilities = delete_orphaned_flow_logs::DeleteOrphanedFlowLogs::CAPABILITIES;
/// The capabilities of `create-ecr-flow-log`.
pub const ECR_CREATION: Capabilities = create_ecr_flow_log::CreateEcrFlowLog::CAPABILITIES;

/// What `flowkeeper remove` may do. No function does it.
pub const REMOVAL: Capabilities = Capabilities {
    function: "flowkeeper",
    selects: Selection::Own,
    actions: &[Action::DeleteFlowLog, Action::EcrDeleteFlowlog],
    repairs: false,
};

/// A machine that shares its clock with the cloud and records how long it was asked to sleep.
#[derive(Debug)]
pub struct TestMachine {
    clock: Clock,
    waits: Mutex<Vec<Duration>>,
    random: AtomicU64,
    /// Clock skew, in milliseconds.
    wrong_by: AtomicI64,
}

impl openapi::Clock for TestMachine {
    fn now(&self) -> Timestamp {
        let wrong_by = SignedDuration::from_millis(self.wrong_by.load(Ordering::Relaxed));
        self.clock.now().saturating_add(wrong_by).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clock.advance(duration);
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        Box::pin(ready(()))
    }
}

impl Rng for TestMachine {
    fn random(&self) -> u128 {
        // Never the same value twice: nonces are made from it.
        u128::from(self.random.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

/// A cloud without functions, a policy, and a clock.
#[derive(Debug)]
pub struct Harness {
    /// The local cloud.
    pub cloud: LocalCloud,
    /// Whether reconcilers run as a dry run.
    pub dry_run: bool,
    policy: Policy,
    machine: Arc<TestMachine>,
}

impl Harness {
    /// Passed to [`Harness::look`] instead of an id to select the whole region.
    pub const REGION: &str = "the region";

    /// Starts a harness whose policy is a minimal `flow_log` followed by `more`.
    ///
    /// # Panics
    /// The policy is invalid, or the cloud does not start.
    pub async fn new(more: &str) -> Self {
        Self::with(more, Options::default()).await
    }

    /// Like [`Harness::new`], with options for the cloud. The time is 12:00 in Shanghai on Monday, 2 March 2026.
    ///
    /// # Panics
    /// The policy is invalid, or the cloud does not start.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn with(more: &str, options: Options) -> Self {
        let clock = Clock::manual("2026-03-02T04:00:00Z".parse().unwrap());
        let cloud = LocalCloud::start(Options { clock, ..options }).await.unwrap();
        Self::of(cloud, &format!("flow_log: {{project: flowlog, log_store: vpc}}\n{more}"))
    }

    /// Returns a harness for a cloud that runs, with its clock and this policy.
    ///
    /// # Panics
    /// The policy is invalid.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub fn of(cloud: LocalCloud, policy: &str) -> Self {
        let (clock, policy) = (cloud.clock().clone(), Policy::parse(policy).unwrap());
        let machine = Arc::new(TestMachine {
            clock,
            waits: Mutex::default(),
            random: AtomicU64::new(1),
            wrong_by: AtomicI64::new(0),
        });
        Self { cloud, dry_run: false, policy, machine }
    }

    /// The reconciler's current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        openapi::Clock::now(&*self.machine)
    }

    /// Advances the clock to this moment.
    ///
    /// # Panics
    /// The moment is not a valid timestamp, or is in the past.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub fn wait_until(&self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        self.machine.clock.advance(moment.duration_since(self.now()).try_into().unwrap());
    }

    /// Skews the machine's clock, but not the cloud's.
    pub fn set_machine_wrong_by(&self, by: SignedDuration) {
        self.machine.wrong_by.store(by.as_millis().try_into().unwrap_or(0), Ordering::Relaxed);
    }

    /// Advances the clock.
    pub fn pass(&self, duration: Duration) {
        self.machine.clock.advance(duration);
    }

    /// The total time that reconcilers slept.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.machine.waits.lock().unwrap_or_else(PoisonError::into_inner).iter().sum()
    }

    /// Creates a reconciler as a newly started process has it: without any cached state.
    #[must_use]
    pub fn reconciler(&self, capabilities: Capabilities) -> Reconciler {
        let endpoint = self.cloud.endpoint().parse().ok();
        let endpoints = Endpoints {
            network: Network::Public,
            vpc: endpoint.clone(),
            ecs: endpoint.clone(),
            ecr: endpoint.clone(),
            sts: endpoint.clone(),
            resource_directory: endpoint.clone(),
            fc: endpoint.clone(),
            bss: endpoint.clone(),
            cms: endpoint.clone(),
            sls: endpoint,
        };
        let client = ClientSettings { endpoints, ..ClientSettings::default() };
        let settings =
            ReconcilerSettings { policy: self.policy.clone(), client, dry_run: self.dry_run, task_mode: true };
        Reconciler::new(capabilities, settings, self.clock(), self.rng())
    }

    fn clock(&self) -> Arc<dyn openapi::Clock> {
        Arc::<TestMachine>::clone(&self.machine)
    }

    fn rng(&self) -> Arc<dyn Rng> {
        Arc::<TestMachine>::clone(&self.machine)
    }

    /// A job of the account itself, with a deadline after `time`.
    #[must_use]
    pub fn job(&self, time: Duration) -> Job {
        Job {
            run: "1-test".to_owned(),
            request_id: "1-test".to_owned(),
            credentials: Credentials::new("test", "test-secret"),
            account: OWN_ACCOUNT.parse().ok(),
            region: "cn-hangzhou".parse().ok(),
            stop_at: self.now().checked_add(time).ok(),
            calls: CallCounter::default(),
        }
    }

    /// Sweeps everything in the policy's scope, with a deadline in ten minutes.
    pub async fn sweep(&self, capabilities: Capabilities) -> Report {
        self.sweep_within(capabilities, Duration::from_secs(600)).await
    }

    /// Sweeps everything in the policy's scope, with a deadline after `time`.
    ///
    /// # Panics
    /// The regions to sweep are not known.
    pub async fn sweep_within(&self, capabilities: Capabilities, time: Duration) -> Report {
        self.sweep_of(&self.reconciler(capabilities), time).await
    }

    /// Sweeps everything in the policy's scope with a reconciler that may have run before.
    ///
    /// # Panics
    /// The regions to sweep are not known.
    pub async fn sweep_by(&self, reconciler: &Reconciler) -> Report {
        self.sweep_of(reconciler, Duration::from_secs(600)).await
    }

    async fn sweep_of(&self, reconciler: &Reconciler, time: Duration) -> Report {
        reconciler.reconcile(self.job(time), vec![Work::AllAccounts { at: None }], Vec::new()).await
    }

    /// Returns an invocation with this request id, as Function Compute makes it of a function of this name.
    ///
    /// # Panics
    /// The time is too late to add ten minutes.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub fn invocation(&self, function: &str, request_id: &str) -> Invocation {
        let now = self.now();
        let mut invocation = Invocation::new(request_id, now).with_credentials(Credentials::new("test", "test-secret"));
        invocation.function_name = Some(function.to_owned());
        invocation.account_id = Some(OWN_ACCOUNT.to_owned());
        invocation.region = Some("cn-hangzhou".to_owned());
        invocation.deadline = Some(now.checked_add(Duration::from_secs(600)).unwrap());
        invocation
    }

    /// Hands an event to the function `F`, which is deployed as `function`, and returns its report.
    ///
    /// # Panics
    /// There is no report.
    pub async fn respond<F: FlowLogFunction>(&self, function: &str, event: &[u8]) -> Report {
        let invocation = self.invocation(function, "1-test");
        respond_with::<F>(&self.reconciler(F::CAPABILITIES), invocation, event).await
    }

    /// Opens the flow log service, with its terms accepted.
    ///
    /// # Panics
    /// A setting is invalid.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn open_service(&self) -> Report {
        let settings = Settings::from_pairs([
            ("FLOWKEEPER_ENDPOINT", self.cloud.endpoint()),
            ("FLOWKEEPER_DRY_RUN", self.dry_run.to_string()),
        ]);
        let opener = ServiceOpener::read("open-flow-log-service", &settings, self.clock(), self.rng()).unwrap();
        opener.open(self.job(Duration::from_secs(600)), &"cn-hangzhou".parse().unwrap(), true).await
    }

    /// Reconciles these resources as if an event had named them `age` ago, with a deadline after `time`.
    ///
    /// # Panics
    /// One of the ids is invalid.
    pub async fn look(&self, capabilities: Capabilities, ids: &[&str], age: SignedDuration, time: Duration) -> Report {
        self.look_in(OWN_ACCOUNT, capabilities, ids, age, time).await
    }

    /// Like [`Harness::look`], as if the event had come from this account.
    ///
    /// # Panics
    /// One of the ids is invalid.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn look_in(
        &self,
        account: &str,
        capabilities: Capabilities,
        ids: &[&str],
        age: SignedDuration,
        time: Duration,
    ) -> Report {
        let target = |id: &&str| {
            Work::Target(Target {
                account: account.parse().unwrap(),
                region: "cn-hangzhou".parse().unwrap(),
                kind: match id {
                    &id if id == Self::REGION => TargetKind::Region,
                    id if id.starts_with("fl-") => TargetKind::FlowLog(id.parse().unwrap()),
                    id if id.starts_with("i-") => TargetKind::Instance((*id).to_owned()),
                    id => TargetKind::Resource(id.parse().unwrap()),
                },
                since: self.now().checked_sub(age).ok(),
            })
        };
        self.reconciler(capabilities).reconcile(self.job(time), ids.iter().map(target).collect(), Vec::new()).await
    }

    /// Creates a VPC with a compliant flow log that Flowkeeper owns, and returns the ids of both.
    ///
    /// # Panics
    /// The cloud refuses a call.
    pub async fn kept_vpc(&self, tags: &[(&str, &str)]) -> (String, String) {
        let (vpc, flow_log) = create_kept_vpc(&self.cloud, tags).await;
        self.cloud.finish_transitions();
        (vpc, flow_log)
    }

    /// Deletes a flow log as somebody else, and finishes the transition.
    ///
    /// # Panics
    /// The cloud refuses the call.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn delete_flow_log(&self, flow_log: &str) {
        self.cloud.call("DeleteFlowLog", &[("FlowLogId", flow_log)]).await.unwrap();
        self.cloud.finish_transitions();
    }

    /// Runs `work` until a call hangs because of [`Fault::Hang`] or [`Fault::HangAfterEffect`], then drops it.
    ///
    /// This is as if its process had been killed: none of its futures is polled again. Returns `None` if the work was
    /// dropped, and its result if it finished first.
    pub async fn until_killed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let hangs = [Fault::Hang, Fault::HangAfterEffect].map(Fault::name);
        let seen = self.cloud.journal_len();
        let mut changes = self.cloud.changes();
        let killed = async {
            let is_hung = |entry: &Entry| match &entry.what {
                EntryKind::Call(call) => call.fault.as_deref().is_some_and(|fault| hangs.contains(&fault)),
                _ => false,
            };
            while !self.cloud.journal_after(seen).iter().any(is_hung) {
                // Cannot fail: the cloud outlives this future.
                let _ = changes.changed().await;
            }
        };
        tokio::select! {
            result = work => Some(result),
            () = killed => None,
        }
    }

    /// The status of a flow log.
    #[must_use]
    pub fn status(&self, flow_log: &str) -> Option<String> {
        self.cloud.flow_logs().into_iter().find(|found| found.id == flow_log).map(|found| found.status)
    }

    /// The number of calls that the cloud has received.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.cloud.calls().len()
    }
}

/// Creates a VPC with a compliant flow log that Flowkeeper owns, and returns the ids of both.
///
/// # Panics
/// The cloud refuses a call.
#[expect(clippy::unwrap_used, reason = "only tests come here")]
pub async fn create_kept_vpc(cloud: &LocalCloud, tags: &[(&str, &str)]) -> (String, String) {
    let vpc = cloud.create_vpc(tags).await.unwrap();
    let name = format!("flowkeeper-{vpc}");
    let own = [
        ("Tag.1.Key", "managed-by"),
        ("Tag.1.Value", "flowkeeper"),
        ("FlowLogName", name.as_str()),
        ("Description", "Kept by Flowkeeper"),
        ("ProjectName", "flowlog"),
        ("LogStoreName", "vpc"),
    ];
    let flow_log = cloud.create_flow_log("VPC", &vpc, &own).await.unwrap();
    (vpc, flow_log)
}

/// Hands an event to the function `F` with this reconciler, and returns its report.
///
/// # Panics
/// There is no report.
#[expect(clippy::unwrap_used, reason = "only tests come here")]
pub async fn respond_with<F: FlowLogFunction>(reconciler: &Reconciler, invocation: Invocation, event: &[u8]) -> Report {
    handler::respond::<F>(reconciler, invocation, event, CallCounter::default()).await.unwrap().report
}
