//! A reconciler with a machine whose time passes only while somebody waits, against the same cloud as ever.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use flow_log::Policy;
use handler::{Capabilities, FlowLogFunction};
use jiff::{SignedDuration, Timestamp};
use local_cloud::{Clock, Entry, EntryKind, Fault, LocalCloud, OWN_ACCOUNT, Options};
use openapi::{ClientSettings, Credentials, Endpoints, Network, System};
use reconcile::{Job, Reconciler, ReconcilerSettings, Report, ServiceOpener, Target, TargetKind};
use settings::Settings;

/// What `create-flow-log` does.
pub const CREATION: Capabilities = create_flow_log::CreateFlowLog::CAPABILITIES;
/// What `activate-flow-logs` does.
pub const ACTIVATION: Capabilities = activate_flow_logs::ActivateFlowLogs::CAPABILITIES;
/// What `deactivate-flow-logs` does.
pub const DEACTIVATION: Capabilities = deactivate_flow_logs::DeactivateFlowLogs::CAPABILITIES;
/// What `remediate-flow-logs` does.
pub const REMEDIATION: Capabilities = remediate_flow_logs::RemediateFlowLogs::CAPABILITIES;
/// What `delete-orphaned-flow-logs` does.
pub const DELETION: Capabilities = delete_orphaned_flow_logs::DeleteOrphanedFlowLogs::CAPABILITIES;
/// What `create-ecr-flow-log` does.
pub const ECR_CREATION: Capabilities = create_ecr_flow_log::CreateEcrFlowLog::CAPABILITIES;

/// A machine that shares its clock with the cloud, and notes how long it was asked to wait.
#[derive(Debug)]
pub struct TestMachine {
    clock: Clock,
    waits: Mutex<Vec<Duration>>,
    random: AtomicU64,
    /// By how many milliseconds it is wrong.
    wrong_by: AtomicI64,
}

impl System for TestMachine {
    fn now(&self) -> Timestamp {
        let wrong_by = SignedDuration::from_millis(self.wrong_by.load(Ordering::Relaxed));
        self.clock.now().saturating_add(wrong_by).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clock.advance(duration);
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        Box::pin(ready(()))
    }

    fn random(&self) -> u128 {
        // Never twice the same, as it makes the nonces.
        u128::from(self.random.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

/// A cloud without functions, a policy, and the time.
#[derive(Debug)]
pub struct Stage {
    /// The cloud.
    pub cloud: LocalCloud,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    policy: Policy,
    machine: Arc<TestMachine>,
}

impl Stage {
    /// What stands for the whole region among the ids that [`Stage::look`] is given.
    pub const REGION: &str = "the region";

    /// The policy is `more` besides the smallest `flow_log`.
    ///
    /// # Panics
    /// The policy is none, or the cloud does not start.
    pub async fn new(more: &str) -> Self {
        Self::with(more, Options::default()).await
    }

    /// The same, in a cloud as `options` say. The time is 12:00 in Shanghai on Monday, 2 March 2026.
    ///
    /// # Panics
    /// The policy is none, or the cloud does not start.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn with(more: &str, options: Options) -> Self {
        let clock = Clock::manual("2026-03-02T04:00:00Z".parse().unwrap());
        let cloud = LocalCloud::start(Options { clock: clock.clone(), ..options }).await.unwrap();
        let policy = Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\n{more}")).unwrap();
        let machine = Arc::new(TestMachine {
            clock,
            waits: Mutex::default(),
            random: AtomicU64::new(1),
            wrong_by: AtomicI64::new(0),
        });
        Self { cloud, dry_run: false, policy, machine }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.machine.now()
    }

    /// Lets time pass until then.
    ///
    /// # Panics
    /// That is no time, or has passed already.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub fn wait_until(&self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        self.machine.clock.advance(moment.duration_since(self.now()).try_into().unwrap());
    }

    /// Puts the machine's clock wrong by this, and the cloud's not.
    pub fn set_machine_wrong_by(&self, by: SignedDuration) {
        self.machine.wrong_by.store(by.as_millis().try_into().unwrap_or(0), Ordering::Relaxed);
    }

    /// Lets so much time pass.
    pub fn pass(&self, duration: Duration) {
        self.machine.clock.advance(duration);
    }

    /// How long was waited in all.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.machine.waits.lock().unwrap_or_else(PoisonError::into_inner).iter().sum()
    }

    /// A reconciler as a process that starts now has it.
    #[must_use]
    pub fn reconciler(&self, capabilities: Capabilities) -> Reconciler {
        let endpoint = self.cloud.endpoint().parse().ok();
        let endpoints = Endpoints {
            network: Network::Public,
            vpc: endpoint.clone(),
            ecs: endpoint.clone(),
            ecr: endpoint.clone(),
            sts: endpoint,
        };
        let client = ClientSettings { endpoints, ..ClientSettings::default() };
        let settings = ReconcilerSettings { policy: self.policy.clone(), client, dry_run: self.dry_run };
        let system: Arc<dyn System> = Arc::<TestMachine>::clone(&self.machine);
        Reconciler::new(capabilities, settings, system)
    }

    fn job(&self, time: Duration) -> Job {
        Job {
            run: "1-test".to_owned(),
            request_id: "1-test".to_owned(),
            credentials: Credentials::new("test", "test-secret"),
            account: OWN_ACCOUNT.parse().ok(),
            stop_at: self.now().checked_add(time).ok(),
        }
    }

    /// Looks at everything that the policy names, with ten minutes to do it.
    pub async fn sweep(&self, capabilities: Capabilities) -> Report {
        self.sweep_within(capabilities, Duration::from_secs(600)).await
    }

    /// Looks at everything that the policy names, with so much time to do it.
    ///
    /// # Panics
    /// There is nowhere to look.
    pub async fn sweep_within(&self, capabilities: Capabilities, time: Duration) -> Report {
        self.sweep_of(&self.reconciler(capabilities), time).await
    }

    /// Looks at everything that the policy names with a reconciler that has been at work before.
    ///
    /// # Panics
    /// There is nowhere to look.
    pub async fn sweep_by(&self, reconciler: &Reconciler) -> Report {
        self.sweep_of(reconciler, Duration::from_secs(600)).await
    }

    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    async fn sweep_of(&self, reconciler: &Reconciler, time: Duration) -> Report {
        let (account, region) = (OWN_ACCOUNT.parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let targets = reconciler.all_regions(Some(&account), Some(&region)).unwrap();
        reconciler.reconcile(self.job(time), targets, Vec::new()).await
    }

    /// Opens the flow log service, for somebody who accepts its terms.
    ///
    /// # Panics
    /// A setting is not as it should be.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn open_service(&self) -> Report {
        let settings = Settings::from_pairs([
            ("FLOWKEEPER_ENDPOINT", self.cloud.endpoint()),
            ("FLOWKEEPER_DRY_RUN", self.dry_run.to_string()),
        ]);
        let system: Arc<dyn System> = Arc::<TestMachine>::clone(&self.machine);
        let opener = ServiceOpener::read("open-flow-log-service", &settings, system).unwrap();
        opener.open(self.job(Duration::from_secs(600)), &"cn-hangzhou".parse().unwrap(), true).await
    }

    /// Looks at these, as if an event had named them `age` ago, with so much time to do it.
    ///
    /// # Panics
    /// One of them has no id.
    pub async fn look(&self, capabilities: Capabilities, ids: &[&str], age: SignedDuration, time: Duration) -> Report {
        self.look_in(OWN_ACCOUNT, capabilities, ids, age, time).await
    }

    /// The same, as if the event had come from this account.
    ///
    /// # Panics
    /// One of them has no id.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn look_in(
        &self,
        account: &str,
        capabilities: Capabilities,
        ids: &[&str],
        age: SignedDuration,
        time: Duration,
    ) -> Report {
        let target = |id: &&str| Target {
            account: account.parse().unwrap(),
            region: "cn-hangzhou".parse().unwrap(),
            kind: match id {
                &id if id == Self::REGION => TargetKind::Region,
                id if id.starts_with("fl-") => TargetKind::FlowLog(id.parse().unwrap()),
                id if id.starts_with("i-") => TargetKind::Instance((*id).to_owned()),
                id => TargetKind::Resource(id.parse().unwrap()),
            },
            since: self.now().checked_sub(age).ok(),
        };
        self.reconciler(capabilities).reconcile(self.job(time), ids.iter().map(target).collect(), Vec::new()).await
    }

    /// A VPC with a flow log of ours that is as the policy wants it, and its id.
    ///
    /// # Panics
    /// The cloud refuses it.
    #[expect(clippy::unwrap_used, reason = "only tests come here")]
    pub async fn kept_vpc(&self, tags: &[(&str, &str)]) -> (String, String) {
        let vpc = self.cloud.create_vpc(tags).await.unwrap();
        let name = format!("flowkeeper-{vpc}");
        let own = [
            ("Tag.1.Key", "managed-by"),
            ("Tag.1.Value", "flowkeeper"),
            ("FlowLogName", name.as_str()),
            ("Description", "Kept by Flowkeeper"),
            ("ProjectName", "flowlog"),
            ("LogStoreName", "vpc"),
        ];
        let flow_log = self.cloud.create_flow_log("VPC", &vpc, &own).await.unwrap();
        self.cloud.finish_transitions();
        (vpc, flow_log)
    }

    /// Does some work until the cloud answers a call no more, as [`Fault::Hang`] and [`Fault::HangAfterEffect`] ask, and
    /// ends it there and then, as if its process had been killed. None of its futures is polled any more.
    ///
    /// None if it was ended; its result if it came to an end before.
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
                // Cannot fail: the cloud lives as long as this.
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

    /// How often the cloud was called so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.cloud.calls().len()
    }
}
