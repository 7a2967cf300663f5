//! What a flow log writes to: an SLS project, a Logstore in it, and its index.
//!
//! A destination is looked at where a flow log is created in it: if the API finds that it is missing, and after the flow
//! log was created, to complete it. A sweep also looks at those that flow logs write to already, because a run that was
//! cut off may have left one without an index. Many resources of a region share one, so one invocation looks at it once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use flow_log::{AccountId, Action, CreateDestination, FlowLogSpec, RegionId};
use futures_util::{FutureExt as _, lock::Mutex as AsyncMutex};
use openapi::{CallError, Destination, ErrorKind, LogStore, Session};

use crate::{
    Item, Outcome, items,
    poll::Poll,
    write::{DestinationChange, Write},
    writer::{Confirmation, WriteOutcome, Writer},
};

/// The destinations that one invocation has looked at.
#[derive(Debug, Default)]
pub(crate) struct Destinations(Mutex<HashMap<Key, Slot>>);

/// Account, region, project and Logstore.
type Key = (AccountId, RegionId, String, String);

/// Whether a destination is there, once it was looked at. Locked while somebody looks.
type Slot = Arc<AsyncMutex<Option<bool>>>;

/// Why a destination is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The API refused a flow log, because its destination is missing.
    Missing,
    /// A flow log was created in it.
    Created,
    /// A dry run would create a flow log in it.
    Planned,
    /// A sweep has seen a flow log that writes to it.
    InUse,
}

/// The result of looking at a destination.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// The results, if this was the first look.
    pub(crate) items: Vec<Item>,
    /// Whether the destination is there now.
    pub(crate) is_there: bool,
}

impl Destinations {
    /// Looks at the destination of a flow log, and creates what is missing if the policy says so, unless that was done
    /// before in this invocation.
    pub(crate) async fn look(
        &self,
        session: &Session<'_>,
        writer: Writer<'_>,
        spec: &FlowLogSpec,
        occasion: Occasion,
    ) -> Looked {
        let slot = self.slot(session, spec);
        let mut known = slot.lock().await;
        if let Some(is_there) = *known {
            return Looked { items: Vec::new(), is_there };
        }
        let destination = Destination { project: &spec.project, log_store: &spec.log_store };
        let mut look = Look { session, writer, destination, occasion, items: Vec::new() };
        let done = match (spec.create_destination, occasion) {
            (None, Occasion::Planned) => look.report_missing().await,
            // The refusal of the flow log is reported.
            (None, Occasion::Missing | Occasion::Created | Occasion::InUse) => Err(Stopped),
            (Some(create), Occasion::Created) => {
                look.complete(create).await;
                Ok(())
            }
            (Some(create), Occasion::Missing | Occasion::Planned) => look.create(create).await,
            (Some(create), Occasion::InUse) => look.keep(create).await,
        };
        let is_there = done.is_ok();
        *known = Some(is_there);
        Looked { items: look.items, is_there }
    }

    fn slot(&self, session: &Session<'_>, spec: &FlowLogSpec) -> Slot {
        let (account, region) = (session.account().clone(), session.region().clone());
        let key = (account, region, spec.project.to_string(), spec.log_store.to_string());
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }
}

/// Something could not be read or created. The results say what.
#[derive(Debug)]
struct Stopped;

/// A look at one destination.
struct Look<'a> {
    session: &'a Session<'a>,
    writer: Writer<'a>,
    destination: Destination<'a>,
    occasion: Occasion,
    items: Vec<Item>,
}

impl Look<'_> {
    /// Creates what is missing.
    ///
    /// # Errors
    /// Flow logs cannot write to it: the project or the Logstore is still missing, or could not be read.
    async fn create(&mut self, create: CreateDestination) -> Result<(), Stopped> {
        let (session, destination) = (self.session, self.destination);
        let has_project = match session.get_project(destination.project).await {
            Ok(found) => found.is_some(),
            Err(error) => return Err(self.unread(&error)),
        };
        let log_store = if has_project {
            session.get_log_store(destination).await.map_err(|error| self.unread(&error))?
        } else {
            self.write(DestinationChange::CreateProject).await?;
            None
        };
        if let Some(log_store) = log_store {
            self.raise_retention(&log_store, create.retention_days).await;
            self.complete_index().await;
        } else {
            self.write(DestinationChange::CreateLogStore { retention_days: create.retention_days }).await?;
            // Without an index it still takes flow logs.
            _ = self.write(DestinationChange::CreateIndex).await;
        }
        Ok(())
    }

    /// Completes a destination in which a flow log was just created: its retention and its index. A run that created it
    /// may have been cut off.
    async fn complete(&mut self, create: CreateDestination) {
        if self.writer.may(Action::UpdateLogStore) {
            match self.session.get_log_store(self.destination).await {
                Ok(Some(log_store)) => self.raise_retention(&log_store, create.retention_days).await,
                Ok(None) => {}
                Err(error) => _ = self.unread(&error),
            }
        }
        self.complete_index().await;
    }

    /// Keeps a destination that flow logs write to as the policy says, with one read of the Logstore and one of its
    /// index. If it was deleted, it is created again.
    ///
    /// # Errors
    /// As those of [`Look::create`].
    async fn keep(&mut self, create: CreateDestination) -> Result<(), Stopped> {
        match self.session.get_log_store(self.destination).await {
            Ok(Some(log_store)) => {
                self.raise_retention(&log_store, create.retention_days).await;
                self.complete_index().await;
                Ok(())
            }
            Ok(None) => self.create(create).await,
            Err(error) => Err(self.unread(&error)),
        }
    }

    /// Raises the retention of the Logstore if it is shorter, and if this function may.
    async fn raise_retention(&mut self, log_store: &LogStore, retention_days: u16) {
        if log_store.retention_days < u32::from(retention_days) && self.writer.may(Action::UpdateLogStore) {
            _ = self.write(DestinationChange::RaiseRetention { log_store, retention_days }).await;
        }
    }

    /// Creates the index if it is missing.
    async fn complete_index(&mut self) {
        match self.session.get_index(self.destination).await {
            Ok(Some(_)) => {}
            Ok(None) => _ = self.write(DestinationChange::CreateIndex).await,
            Err(error) => _ = self.unread(&error),
        }
    }

    /// Reports a missing destination that the policy does not let Flowkeeper create.
    async fn report_missing(&mut self) -> Result<(), Stopped> {
        let (session, Destination { project, log_store }) = (self.session, self.destination);
        let is_there = match session.get_project(project).await {
            Ok(None) => Ok(false),
            Ok(Some(_)) => session.get_log_store(self.destination).await.map(|found| found.is_some()),
            Err(error) => Err(error),
        };
        match is_there {
            Ok(true) => Ok(()),
            Ok(false) => {
                let reason = format!(
                    "flow logs could not write to {project}/{log_store}, which does not exist: create it, or let \
                     create_destination in the policy's flow_log do so"
                );
                self.items.push(self.about(Outcome::Skipped, reason).finding());
                Err(Stopped)
            }
            // Without create_destination, the role of the function need not allow these reads.
            Err(error) => {
                tracing::info!("{error}: {}; whether {project}/{log_store} exists is not known", error.cause);
                Ok(())
            }
        }
    }

    /// Makes a write. If the API does not see yet what was created before it, waits for that.
    async fn write(&mut self, change: DestinationChange<'_>) -> Result<(), Stopped> {
        let Self { session, writer, destination, .. } = *self;
        let mut poll = Poll::until_deadline(session);
        loop {
            let about = self.about_change(change);
            let confirm = || confirm(session, destination, change).boxed();
            match writer.write(Write::Destination(destination, change), about.clone(), &confirm).await {
                WriteOutcome::Planned(item) | WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => {
                    self.items.push(item);
                    return Ok(());
                }
                WriteOutcome::NotApproved(item) => {
                    self.items.push(item);
                    return Err(Stopped);
                }
                // Another run was faster.
                WriteOutcome::Superseded(()) => return Ok(()),
                WriteOutcome::NoDestination(item) | WriteOutcome::NotVisible(item) => {
                    // A flow log was created in it, so it would have been visible.
                    let is_visible = self.occasion == Occasion::Created;
                    if is_visible || !poll.wait(session).await {
                        self.items.push(item.logged());
                        return Err(Stopped);
                    }
                }
                WriteOutcome::Failed(item) => {
                    self.items.push(item);
                    return Err(Stopped);
                }
                WriteOutcome::NotPermitted => {
                    let action = change.action();
                    let suffix = format!("; {}", items::may_not_call(action));
                    self.items.push(items::not_applied(about, action, None, &suffix));
                    return Err(Stopped);
                }
            }
        }
    }

    /// Reports that a part of the destination could not be read.
    fn unread(&mut self, error: &CallError) -> Stopped {
        let Destination { project, log_store } = self.destination;
        let is_denied = error.kind() == ErrorKind::AccessDenied;
        let why = if is_denied { ": this function may not read it, or it belongs to another account" } else { "" };
        let reason = format!("{project}/{log_store}, which flow logs write to, could not be read{why}");
        let item = self.about(Outcome::Failed, reason).with_error(error).finding();
        // Flow logs write to it, and no repetition of the sweep would be allowed more.
        let is_no_failure = is_denied && self.occasion == Occasion::InUse;
        self.items.push(if is_no_failure { Item { outcome: Outcome::Skipped, ..item } } else { item });
        Stopped
    }

    fn about(&self, outcome: Outcome, reason: String) -> Item {
        let Destination { project, log_store } = self.destination;
        Item {
            resource_type: Some("LogStore"),
            resource_id: Some(format!("{project}/{log_store}")),
            ..Item::new(outcome, reason).in_session(self.session)
        }
    }

    fn about_change(&self, change: DestinationChange<'_>) -> Item {
        let Destination { project, log_store } = self.destination;
        let reason = match change {
            DestinationChange::CreateProject => {
                let reason = format!("flow logs write to the project {project}, which does not exist");
                let item = self.about(Outcome::Done, reason);
                return Item { resource_type: Some("Project"), resource_id: Some(project.to_string()), ..item };
            }
            DestinationChange::CreateLogStore { retention_days } => format!(
                "flow logs write to the Logstore {project}/{log_store}, which does not exist; it keeps records for \
                 {retention_days} days"
            ),
            DestinationChange::RaiseRetention { log_store: found, retention_days } => format!(
                "{project}/{log_store} keeps records for {} days, and the policy asks for {retention_days}",
                found.retention_days
            ),
            DestinationChange::CreateIndex => {
                format!("{project}/{log_store} has no index, so flow logs in it could not be searched")
            }
        };
        self.about(Outcome::Done, reason)
    }
}

/// Reads whether a change has taken effect.
async fn confirm(
    session: &Session<'_>,
    destination: Destination<'_>,
    change: DestinationChange<'_>,
) -> Result<Confirmation<()>, CallError> {
    let is_made = match change {
        DestinationChange::CreateProject => session.get_project(destination.project).await?.is_some(),
        DestinationChange::CreateLogStore { .. } => session.get_log_store(destination).await?.is_some(),
        DestinationChange::RaiseRetention { retention_days, .. } => {
            let found = session.get_log_store(destination).await?;
            found.is_some_and(|found| found.retention_days >= u32::from(retention_days))
        }
        DestinationChange::CreateIndex => session.get_index(destination).await?.is_some(),
    };
    let settled = Confirmation::Settled { observed: (), may_be_ours: true, flow_log: None };
    Ok(if is_made { settled } else { Confirmation::Outstanding })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Api, Reply};

    const GET_PROJECT: &str = "GET /";
    const GET_LOG_STORE: &str = "GET /logstores/vpc";
    const GET_INDEX: &str = "GET /logstores/vpc/index";
    const CREATE_PROJECT: &str = "POST /";
    const CREATE_LOG_STORE: &str = "POST /logstores";
    const UPDATE_LOG_STORE: &str = "PUT /logstores/vpc";
    const CREATE_INDEX: &str = "POST /logstores/vpc/index";

    const PROJECT: Reply = Reply::Answer(200, r#"{"projectName":"flowlog","status":"Normal"}"#);
    const LOG_STORE: Reply = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":180,"shardCount":2}"#);
    const SHORT: Reply = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":30,"shardCount":2}"#);
    const INDEX: Reply = Reply::Answer(200, r#"{"line":{"token":[","]}}"#);
    const DONE: Reply = Reply::Answer(200, "");

    const NO_PROJECT: Reply = Reply::Answer(404, r#"{"errorCode":"ProjectNotExist","errorMessage":"Because."}"#);
    const NO_LOG_STORE: Reply = Reply::Answer(404, r#"{"errorCode":"LogStoreNotExist","errorMessage":"Because."}"#);
    const NO_INDEX: Reply = Reply::Answer(404, r#"{"errorCode":"IndexConfigNotExist","errorMessage":"Because."}"#);
    const DENIED: Reply = Reply::Answer(401, r#"{"errorCode":"Unauthorized","errorMessage":"Because."}"#);
    const PROJECT_EXISTS: Reply =
        Reply::Answer(400, r#"{"errorCode":"ProjectAlreadyExist","errorMessage":"Because."}"#);
    const STORE_EXISTS: Reply = Reply::Answer(400, r#"{"errorCode":"LogStoreAlreadyExist","errorMessage":"Because."}"#);
    const QUOTA: Reply = Reply::Answer(403, r#"{"errorCode":"ProjectQuotaExceed","errorMessage":"Because."}"#);

    /// One look at the destination `flowlog/vpc`, for 180 days of retention.
    struct Outcomes {
        looked: Looked,
        calls: Vec<String>,
    }

    impl Outcomes {
        /// Outcome and action of each result.
        fn outcomes(&self) -> Vec<(Outcome, Option<Action>)> {
            self.looked.items.iter().map(|item| (item.outcome, item.action)).collect()
        }
    }

    fn spec(creates: bool) -> FlowLogSpec {
        let create_destination = creates.then_some(CreateDestination { retention_days: 180 });
        FlowLogSpec { create_destination, ..testing::spec() }
    }

    /// Looks once, by a function that may make these writes.
    async fn look_by(actions: &'static [Action], occasion: Occasion, creates: bool, replies: Vec<Reply>) -> Outcomes {
        let api = Api::start(replies);
        let client = api.client();
        let session = testing::session(&client);
        let writer = Writer::new(&session, actions, occasion == Occasion::Planned);
        let looked = Destinations::default().look(&session, writer, &spec(creates), occasion).await;
        Outcomes { looked, calls: api.calls() }
    }

    async fn look(occasion: Occasion, replies: Vec<Reply>) -> Outcomes {
        look_by(&Action::ALL, occasion, true, replies).await
    }

    #[tokio::test]
    async fn what_is_missing_is_created_in_order() {
        let made = look(Occasion::Missing, vec![NO_PROJECT, DONE, DONE, DONE]).await;
        assert_eq!(made.calls, [GET_PROJECT, CREATE_PROJECT, CREATE_LOG_STORE, CREATE_INDEX]);
        let created = [Action::CreateProject, Action::CreateLogStore, Action::CreateIndex];
        assert_eq!(made.outcomes(), created.map(|action| (Outcome::Done, Some(action))));
        assert!(made.looked.is_there && made.looked.items.iter().all(|item| item.is_logged && item.verdict.is_none()));
        let ids: Vec<_> = made.looked.items.iter().map(|item| item.resource_id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["flowlog", "flowlog/vpc", "flowlog/vpc"]);

        let in_project = look(Occasion::Missing, vec![PROJECT, NO_LOG_STORE, DONE, DONE]).await;
        assert_eq!(in_project.calls, [GET_PROJECT, GET_LOG_STORE, CREATE_LOG_STORE, CREATE_INDEX]);

        let cut_off = look(Occasion::Missing, vec![PROJECT, LOG_STORE, NO_INDEX, DONE]).await;
        assert_eq!(cut_off.calls, [GET_PROJECT, GET_LOG_STORE, GET_INDEX, CREATE_INDEX]);
    }

    #[tokio::test]
    async fn what_is_there_is_left_as_it_is() {
        let seen = look(Occasion::Missing, vec![PROJECT, LOG_STORE, INDEX]).await;
        assert_eq!(seen.calls, [GET_PROJECT, GET_LOG_STORE, GET_INDEX]);
        assert!(seen.looked.is_there && seen.looked.items.is_empty());
        let after = look(Occasion::Created, vec![LOG_STORE, INDEX]).await;
        assert_eq!(after.calls, [GET_LOG_STORE, GET_INDEX]);
        assert!(after.looked.is_there && after.looked.items.is_empty());
    }

    #[tokio::test]
    async fn a_retention_that_is_too_short_is_raised_by_a_function_that_may_and_never_lowered() {
        let raised = look(Occasion::Created, vec![SHORT, DONE, INDEX]).await;
        assert_eq!(raised.calls, [GET_LOG_STORE, UPDATE_LOG_STORE, GET_INDEX]);
        assert_eq!(raised.outcomes(), [(Outcome::Done, Some(Action::UpdateLogStore))]);
        assert_eq!(raised.looked.items[0].reason, "flowlog/vpc keeps records for 30 days, and the policy asks for 180");
        let longer = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":365}"#);
        assert_eq!(look(Occasion::Created, vec![longer, INDEX]).await.calls, [GET_LOG_STORE, GET_INDEX]);
        let creates: &[Action] = &[Action::CreateProject, Action::CreateLogStore, Action::CreateIndex];
        assert_eq!(look_by(creates, Occasion::Created, true, vec![INDEX]).await.calls, [GET_INDEX]);
        let seen = look_by(creates, Occasion::Missing, true, vec![PROJECT, SHORT, INDEX]).await;
        assert_eq!(seen.calls, [GET_PROJECT, GET_LOG_STORE, GET_INDEX]);
    }

    #[tokio::test]
    async fn a_destination_in_use_is_completed_with_two_reads_and_its_index_is_never_replaced() {
        let whole = look(Occasion::InUse, vec![LOG_STORE, INDEX]).await;
        assert_eq!(whole.calls, [GET_LOG_STORE, GET_INDEX]);
        assert!(whole.looked.is_there && whole.looked.items.is_empty());

        let cut_off = look(Occasion::InUse, vec![SHORT, DONE, NO_INDEX, DONE]).await;
        assert_eq!(cut_off.calls, [GET_LOG_STORE, UPDATE_LOG_STORE, GET_INDEX, CREATE_INDEX]);
        let completed = [Action::UpdateLogStore, Action::CreateIndex].map(|action| (Outcome::Done, Some(action)));
        assert_eq!(cut_off.outcomes(), completed);

        let deleted = look(Occasion::InUse, vec![NO_PROJECT, NO_PROJECT, DONE, DONE, DONE]).await;
        let expected = [GET_LOG_STORE, GET_PROJECT, CREATE_PROJECT, CREATE_LOG_STORE, CREATE_INDEX];
        assert_eq!(deleted.calls, expected);
    }

    #[tokio::test]
    async fn a_destination_in_use_that_may_not_be_read_is_a_finding_and_repeats_no_sweep() {
        let denied = look(Occasion::InUse, vec![DENIED]).await;
        assert_eq!(denied.outcomes(), [(Outcome::Skipped, None)]);
        let item = &denied.looked.items[0];
        assert!(item.is_finding && item.error.is_some() && !denied.looked.is_there, "{item:?}");
    }

    #[tokio::test]
    async fn what_another_run_has_just_created_is_read_and_not_claimed() {
        let replies = vec![NO_PROJECT, PROJECT_EXISTS, PROJECT, STORE_EXISTS, LOG_STORE, DONE];
        let made = look(Occasion::Missing, replies).await;
        let expected = [GET_PROJECT, CREATE_PROJECT, GET_PROJECT, CREATE_LOG_STORE, GET_LOG_STORE, CREATE_INDEX];
        assert_eq!(made.calls, expected);
        assert_eq!(made.outcomes(), [(Outcome::Done, Some(Action::CreateIndex))]);
        assert!(made.looked.is_there);
    }

    #[tokio::test]
    async fn a_name_that_another_account_owns_and_a_quota_are_failures() {
        for (replies, code) in [
            (vec![NO_PROJECT, PROJECT_EXISTS, DENIED], "ProjectAlreadyExist"),
            (vec![NO_PROJECT, PROJECT_EXISTS, NO_PROJECT, NO_PROJECT, NO_PROJECT, NO_PROJECT], "ProjectAlreadyExist"),
            (vec![NO_PROJECT, QUOTA], "ProjectQuotaExceed"),
            (vec![NO_PROJECT, DENIED], "Unauthorized"),
        ] {
            let refused = look(Occasion::Missing, replies).await;
            assert_eq!(refused.outcomes(), [(Outcome::Failed, Some(Action::CreateProject))], "{code}");
            let item = &refused.looked.items[0];
            assert_eq!(item.reason, "the project flowlog could not be created");
            let error = item.error.as_ref().unwrap();
            assert_eq!(error.code, code);
            assert!(!error.advice.is_empty() && item.is_finding && !refused.looked.is_there);
        }
    }

    #[tokio::test]
    async fn a_part_that_the_api_does_not_see_yet_is_waited_for() {
        let replies = vec![NO_PROJECT, DONE, NO_PROJECT, NO_PROJECT, DONE, NO_LOG_STORE, DONE];
        let made = look(Occasion::Missing, replies).await;
        assert_eq!(
            made.calls[1..],
            [CREATE_PROJECT, CREATE_LOG_STORE, CREATE_LOG_STORE, CREATE_LOG_STORE, CREATE_INDEX, CREATE_INDEX]
        );
        assert_eq!(made.outcomes().len(), 3);
        assert!(made.looked.is_there);
    }

    #[tokio::test]
    async fn a_destination_that_took_a_flow_log_and_is_denied_afterwards_is_not_waited_for() {
        let seen = look(Occasion::Created, vec![NO_LOG_STORE, NO_LOG_STORE, NO_LOG_STORE]).await;
        assert_eq!(seen.calls, [GET_LOG_STORE, GET_INDEX, CREATE_INDEX]);
        assert_eq!(seen.outcomes(), [(Outcome::Failed, Some(Action::CreateIndex))]);
    }

    #[tokio::test]
    async fn a_destination_is_looked_at_once_however_many_resources_share_it() {
        let api = Api::start(vec![NO_PROJECT, DONE, DONE, DONE]);
        let client = api.client();
        let session = testing::session(&client);
        let writer = Writer::new(&session, &Action::ALL, false);
        let (destinations, spec) = (Destinations::default(), spec(true));
        let looks = (0..9).map(|_| destinations.look(&session, writer, &spec, Occasion::Missing));
        let looked = futures_util::future::join_all(looks).await;
        assert!(looked.iter().all(|looked| looked.is_there));
        assert_eq!(looked.iter().map(|looked| looked.items.len()).sum::<usize>(), 3);
        assert_eq!(api.calls().len(), 4);
    }

    #[tokio::test]
    async fn a_dry_run_says_what_it_would_create() {
        let creates = &[Action::CreateProject, Action::CreateLogStore, Action::CreateIndex][..];
        for (replies, calls, expected) in [
            (vec![NO_PROJECT], 1, creates),
            (vec![PROJECT, NO_LOG_STORE], 2, &creates[1..]),
            (vec![PROJECT, SHORT, NO_INDEX], 3, &[Action::UpdateLogStore, Action::CreateIndex]),
            (vec![PROJECT, LOG_STORE, INDEX], 3, &[]),
        ] {
            let planned = look(Occasion::Planned, replies).await;
            let expected: Vec<_> = expected.iter().map(|action| (Outcome::Planned, Some(*action))).collect();
            assert_eq!(planned.outcomes(), expected);
            assert_eq!(planned.calls.len(), calls, "{:?}", planned.calls);
        }
    }

    #[tokio::test]
    async fn without_create_destination_a_dry_run_names_it_if_something_is_missing_and_may_read_nothing() {
        for replies in [vec![NO_PROJECT], vec![PROJECT, NO_LOG_STORE]] {
            let seen = look_by(&Action::ALL, Occasion::Planned, false, replies).await;
            assert_eq!(seen.outcomes(), [(Outcome::Skipped, None)]);
            let item = &seen.looked.items[0];
            assert!(item.is_finding && item.reason.contains("create_destination"), "{}", item.reason);
        }
        for replies in [vec![PROJECT, LOG_STORE], vec![DENIED]] {
            let seen = look_by(&Action::ALL, Occasion::Planned, false, replies).await;
            assert!(seen.looked.items.is_empty());
        }
        for occasion in [Occasion::Missing, Occasion::Created] {
            let seen = look_by(&Action::ALL, occasion, false, vec![]).await;
            assert!(seen.calls.is_empty() && seen.looked.items.is_empty());
        }
    }

    #[tokio::test]
    async fn a_destination_that_cannot_be_read_is_a_failure_and_may_belong_to_another_account() {
        let denied = look(Occasion::Missing, vec![DENIED]).await;
        assert_eq!((denied.outcomes(), denied.looked.is_there), (vec![(Outcome::Failed, None)], false));
        let reason = &denied.looked.items[0].reason;
        assert!(reason.ends_with("could not be read: this function may not read it, or it belongs to another account"));
        let created = look(Occasion::Created, vec![DENIED, DENIED]).await;
        assert_eq!((created.outcomes(), created.looked.is_there), (vec![(Outcome::Failed, None); 2], true));
    }

    #[tokio::test]
    async fn an_index_that_cannot_be_created_keeps_no_flow_log_from_its_logstore() {
        for replies in [vec![NO_PROJECT, DONE, DONE, DENIED], vec![PROJECT, LOG_STORE, NO_INDEX, DENIED]] {
            let seen = look(Occasion::Missing, replies).await;
            assert!(seen.looked.is_there);
            assert_eq!(seen.outcomes().last(), Some(&(Outcome::Failed, Some(Action::CreateIndex))));
        }
    }

    #[tokio::test]
    async fn a_function_that_may_not_create_it_says_so() {
        let seen = look_by(&[Action::CreateFlowLog], Occasion::Missing, true, vec![NO_PROJECT]).await;
        assert_eq!(seen.outcomes(), [(Outcome::Skipped, Some(Action::CreateProject))]);
        assert!(seen.looked.items[0].reason.ends_with("; this function may not call CreateProject"));
        assert!(!seen.looked.is_there);
    }
}
