//! A saved plan: a plan with the policy's text, and a digest over all of it.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Plan, SCHEMA};
use crate::{failure::Failure, output_file};

/// How long a saved plan can be applied. Single changes go stale earlier: each is decided anew before it is made.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);
/// The maximum size of a saved plan, in bytes. A change takes about 2 KB, a resource half of one.
const MAX_BYTES: u64 = 512 << 20;

/// Only what is needed to tell whether the rest can be read.
#[derive(Debug, Deserialize)]
struct Head {
    schema: Option<String>,
    version: Option<String>,
}

/// Returns the first hexadecimal digits of a digest of `bytes`, all of them.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a plan as JSON.
pub(crate) fn json(plan: &Plan) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(plan).map_err(|error| unwritable(&error))?;
    Ok(text + "\n")
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::failed(format!("the plan cannot be written as JSON: {error}"), "report it")
}

/// Saves a plan in a file that only its owner can read. A file of that name is replaced in one step, or left as it is.
///
/// # Errors
/// It cannot be written there.
pub(crate) fn save(plan: &Plan, path: &Path) -> Result<(), Failure> {
    let sha256 = digest(&serde_json::to_vec(plan).map_err(|error| unwritable(&error))?);
    let text = json(&Plan { sha256: Some(sha256), ..plan.clone() })?;
    output_file::write(path, |to| to.write_all(text.as_bytes())).map_err(|error| {
        let name = path.display();
        Failure::failed(
            format!("--out {name}: the plan cannot be saved: {error}"),
            "name a file in a folder of your own",
        )
    })
}

/// Reads a saved plan, and makes sure that it is as it was saved, and young enough at `now`.
///
/// # Errors
/// It is none, was changed, is of another version, or is too old.
pub(crate) fn read(path: &Path, now: Timestamp) -> Result<Plan, Failure> {
    let name = path.display();
    let again = "make a new one with flowkeeper plan --out";
    let text = text_of(path).map_err(|error| Failure::usage(format!("{name} cannot be read: {error}"), again))?;
    let no_plan = |error: serde_json::Error| Failure::usage(format!("{name} is no saved plan: {error}"), again);
    let head: Head = serde_json::from_str(&text).map_err(no_plan)?;
    let version = env!("CARGO_PKG_VERSION");
    match (head.schema.as_deref(), head.version.as_deref()) {
        (Some(SCHEMA), Some(found)) if found == version => {}
        (Some(schema), Some(found)) if schema.starts_with("flowkeeper.plan/") => {
            let problem =
                format!("{name} was made by version {found}, and this is {version}: they may decide otherwise");
            return Err(Failure::usage(problem, again));
        }
        _ => return Err(Failure::usage(format!("{name} is no saved plan: it has no schema {SCHEMA}"), again)),
    }
    let mut plan: Plan = serde_json::from_str(&text).map_err(no_plan)?;
    let sha256 = plan.sha256.take();
    let expected = digest(&serde_json::to_vec(&plan).map_err(|error| unwritable(&error))?);
    if sha256 != Some(expected) {
        return Err(Failure::usage(format!("{name} was changed after it was saved: its digest does not match"), again));
    }
    // The digest keeps mistakes away, and not people who can compute one. What they show is what is made, all the same.
    if let Some(other) = plan.changes.iter().find(|change| !change.is_what_its_id_says()) {
        let problem = format!("{name} was changed after it was saved: the change {} is another one", other.id);
        return Err(Failure::usage(problem, again));
    }
    let age = now.duration_since(plan.created);
    if age > MAX_AGE {
        let (hours, max) = (age.as_hours(), MAX_AGE.as_hours());
        return Err(Failure::usage(format!("{name} is {hours} hours old, and a plan is good for {max}"), again));
    }
    // The clock may be off by a little.
    if age < -SignedDuration::from_mins(15) {
        let problem = format!("{name} was made in the future, at {}", plan.created);
        return Err(Failure::usage(problem, "set the clock of this machine"));
    }
    Ok(plan)
}

fn text_of(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    let mut text = String::new();
    // Bounded: an endless file such as a device would exhaust the memory.
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use flow_log::Action;
    use reconcile::ChangeParts;

    use super::*;
    use crate::plan::{Caller, Change, Field, Kind, PolicyUsed, Scope, Source, Totals};

    fn plan() -> Plan {
        let created: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        Plan {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            decided_for: created,
            caller: Caller { account: "1".to_owned(), arn: None },
            endpoint: None,
            policy: PolicyUsed { file: "生产.yml".to_owned(), sha256: digest(b""), text: Some(String::new()) },
            scope: Scope::default(),
            summary: Totals::default(),
            changes: Vec::new(),
            resources: Vec::new(),
            notes: Vec::new(),
            unread: Vec::new(),
            costs: Vec::new(),
            limits: vec!["a limit".to_owned()],
            read: Vec::new(),
            sha256: None,
        }
    }

    /// What is wrong with a plan that is read this long after it was made, and after this edit.
    fn problem(hours: i64, edit: impl Fn(String) -> String) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        save(&plan(), &path).unwrap();
        fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
        let now = plan().created + SignedDuration::from_hours(hours);
        match read(&path, now) {
            Ok(found) => {
                assert_eq!(found, plan());
                None
            }
            Err(failure) => Some(failure.messages.join("; ")),
        }
    }

    #[test]
    fn a_saved_plan_is_good_for_a_day() {
        assert_eq!(problem(0, |text| text), None);
        assert_eq!(problem(24, |text| text), None);
        let old = problem(25, |text| text).unwrap();
        assert!(old.ends_with("is 25 hours old, and a plan is good for 24"), "{old}");
        let future = problem(-1, |text| text).unwrap();
        assert!(future.contains("was made in the future, at 2026-11-26T10:00:00Z"), "{future}");
    }

    #[test]
    fn a_saved_plan_in_which_anything_was_changed_is_refused() {
        for (from, to, says) in [
            ("a limit", "no limit", "was changed after it was saved"),
            ("\"account\": \"1\"", "\"account\": \"2\"", "was changed after it was saved"),
            ("\"limits\"", "\"limit\"", "is no saved plan: unknown field"),
            ("\"limits\"", "\"more\": [], \"limits\"", "is no saved plan: unknown field"),
            ("\"limits\"", "\"notes\": [], \"limits\"", "is no saved plan: duplicate field"),
            ("\"sha256\": \"", "\"sha256\": \"0", "was changed after it was saved"),
            ("flowkeeper.plan/1", "flowkeeper.plan/2", "was made by version"),
            ("flowkeeper.plan/1", "terraform", "is no saved plan: it has no schema flowkeeper.plan/1"),
            ("{", "[", "is no saved plan"),
        ] {
            let said = problem(0, |text| text.replacen(from, to, 1)).unwrap();
            assert!(said.contains(says), "{from}: {said}");
        }
        assert_eq!(problem(0, |text| text.replace("  ", "\t")), None, "spaces say nothing");
    }
    #[test]
    fn a_change_whose_id_stands_for_another_one_is_refused_even_with_the_right_digest() {
        let fields = vec![Field {
            field: "project".to_owned(),
            before: None,
            after: Some("ours".to_owned()),
            source: Source::Nothing,
        }];
        let parts = ChangeParts {
            place: ["1", "cn-hangzhou", "vpc-1"],
            action: Action::CreateFlowLog,
            is_replacement: false,
            flow_log: None,
            fields: vec![("project", None, Some("ours"))],
        };
        let change = Change {
            id: parts.id().to_string(),
            account: "1".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_type: "VPC".to_owned(),
            resource_id: "vpc-1".to_owned(),
            resource_name: None,
            kind: Kind::Create,
            action: "CreateFlowLog".to_owned(),
            flow_log_id: None,
            verdict: None,
            reason: "it has none".to_owned(),
            fields,
            monthly_bytes: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        let read_with = |given: Change| {
            save(&Plan { changes: vec![given], ..plan() }, &path).unwrap();
            read(&path, plan().created)
        };
        read_with(change.clone()).unwrap();
        let edits: [fn(&mut Change); 8] = [
            |it| it.account = "2".to_owned(),
            |it| it.region = "cn-shanghai".to_owned(),
            |it| it.resource_id = "vpc-2".to_owned(),
            |it| it.resource_type = "VBR".to_owned(),
            |it| it.action = "DeleteFlowLog".to_owned(),
            |it| it.kind = Kind::Modify,
            |it| it.fields[0].after = Some("theirs".to_owned()),
            |it| it.fields.clear(),
        ];
        for (nth, edit) in edits.into_iter().enumerate() {
            let mut edited = change.clone();
            edit(&mut edited);
            let said = read_with(edited).unwrap_err().messages.join("; ");
            assert!(said.ends_with(&format!("the change {} is another one", change.id)), "{nth}: {said}");
        }
    }
}
