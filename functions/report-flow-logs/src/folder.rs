//! The folder of the reports.
//!
//! ```text
//! index.html                                       lists the reports
//! 2026-11-27/r20261127T061700Z-1a2b3c4d-5e6f7a8b/  a report: the run, and the beginning of the seal
//!     evidence.html .csv .json .ocsf.json .junit.xml
//!     summary.json                                 what the index says of it
//!     SHA256SUMS                                   written last: a report without it is not whole
//! parts/2026-11-27/r20261127T061700Z-1a2b3c4d/     what shards of an organization have left
//! ```
//!
//! A mounted bucket is no file system: another instance sees a file late, and a large file is copied when it is renamed.
//! So nothing here relies on either. A report has a folder of its own that its content names, and no file of it is ever
//! replaced by another content. `SHA256SUMS` says what belongs to it. A part is used only if it can be read to its end.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, ErrorKind, Read as _, Write},
    path::{Path, PathBuf},
};

use evidence::{Evidence, Index, ReportSummary};
use handler::fan_out::run_time;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::digest::Digesting;

/// The part of the coordinator: which accounts there are.
const ROSTER: &str = "organization.json";
/// The file that completes a report.
const SUMS: &str = "SHA256SUMS";
/// What the index says of a report.
const SUMMARY: &str = "summary.json";
/// How many reports the index lists. Older ones stay in their folders.
const MAX_LISTED: usize = 400;
/// How the names of files begin that are being written.
const TEMPORARY: &str = ".flowkeeper-";
/// In how many days' folders temporary files are looked for.
const MAX_TIDIED_DAYS: usize = 8;
/// The largest summary that is read, in bytes.
const MAX_SUMMARY: u64 = 64 << 10;
/// The largest part that is read, in bytes: more than one of as many resources as a shard lists has.
const MAX_PART: u64 = 96 << 20;

/// The folder of the reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// The error for what cannot be written or read there.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}; {}", path.display(), remedy(error))]
pub(crate) struct NotThere {
    path: PathBuf,
    #[source]
    error: io::Error,
}

/// What to do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "make room there",
        ErrorKind::ReadOnlyFilesystem => "mount the bucket for writing",
        ErrorKind::PermissionDenied => "let the role of the function write there: oss:PutObject",
        ErrorKind::NotFound | ErrorKind::NotADirectory => "is the bucket mounted there?",
        _ => "earlier reports are as they were",
    }
}

/// What a file holds.
type Form = fn(&Evidence, &mut dyn Write) -> io::Result<()>;

/// The files of a report.
const FORMS: [(&str, Form); 5] = [
    ("evidence.json", |evidence, to| evidence.write_json(to)),
    ("evidence.csv", |evidence, to| evidence.write_csv(to)),
    ("evidence.ocsf.json", |evidence, to| evidence.write_ocsf(to)),
    ("evidence.junit.xml", |evidence, to| evidence.write_junit(to)),
    ("evidence.html", |evidence, to| evidence.write_page(to)),
];

/// The parts of a run, as far as they are there.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The part of the coordinator.
    pub(crate) roster: Option<PathBuf>,
    /// The part of each account.
    pub(crate) accounts: Vec<(String, PathBuf)>,
}

impl Folder {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes sure that the folder is there and can be written to, before anything is read for an hour. A folder that is
    /// not there is not made: without its bucket, a report would be lost with the instance.
    pub(crate) fn check(&self) -> Result<(), NotThere> {
        Self::on(&self.0, || {
            if !fs::metadata(&self.0)?.is_dir() {
                return Err(ErrorKind::NotADirectory.into());
            }
            tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.0).map(drop)
        })
    }

    /// Writes a report in every form. Returns its folder, relative to this one. A repetition of a run that has read no
    /// more than the one before leaves no second report.
    pub(crate) fn publish(&self, evidence: &Evidence) -> Result<String, NotThere> {
        let head = &evidence.facts().head;
        let seal = evidence.seal();
        let name = format!("{}/{}-{}", day(&head.run, head.started), head.run, seal.get(..8).unwrap_or_default());
        if let Some(known) = self.of_run(&head.run, head.started).into_iter().find(|it| it.knows_as_much_as(evidence)) {
            return Ok(known.folder);
        }
        let folder = self.0.join(&name);
        if folder.join(SUMS).exists() {
            // A repetition that has read the same.
            return Ok(name);
        }
        Self::on(&folder, || fs::create_dir_all(&folder))?;
        let mut sums = String::new();
        // The large files come first: a repetition in a folder that is full leaves nothing behind.
        for (file, form) in FORMS {
            let path = folder.join(file);
            let digest = Self::on(&path, || write(&path, |to| form(evidence, to)))?;
            sums.push_str(&format!("{digest}  {file}\n"));
        }
        let summary = ReportSummary::of(evidence, &name);
        let summed_up = folder.join(SUMMARY);
        let digest = Self::on(&summed_up, || write(&summed_up, |to| Ok(serde_json::to_writer(to, &summary)?)))?;
        sums.push_str(&format!("{digest}  {SUMMARY}\n"));
        let whole = folder.join(SUMS);
        Self::on(&whole, || write(&whole, |to| to.write_all(sums.as_bytes())))?;
        Ok(name)
    }

    /// Whether a run that began then has a report.
    pub(crate) fn has_report(&self, run: &str, started: Timestamp) -> bool {
        let of_run = format!("{run}-");
        entries(&self.0.join(day(run, started).to_string()))
            .into_iter()
            .any(|(name, path)| name.starts_with(&of_run) && path.join(SUMS).exists())
    }

    /// The whole reports of a run that began then.
    fn of_run(&self, run: &str, started: Timestamp) -> Vec<ReportSummary> {
        let of_run = format!("{run}-");
        let reports = entries(&self.0.join(day(run, started).to_string()));
        let reports = reports.into_iter().filter(|(name, _)| name.starts_with(&of_run));
        reports.filter_map(|(_, path)| summary(&path)).filter(|found| found.run == run).collect()
    }

    /// Removes temporary files that a killed run has left before `before`, in the folders of the last days. They belong
    /// to no report. One that cannot be removed is left for the next run.
    pub(crate) fn tidy(&self, before: Timestamp) {
        let parts = self.0.join("parts");
        let days = |folder: &Path| {
            let mut days: Vec<_> = entries(folder);
            days.retain(|(name, _)| name.parse::<Date>().is_ok());
            days.sort_unstable_by(|one, other| other.cmp(one));
            days.truncate(MAX_TIDIED_DAYS);
            days
        };
        let runs = days(&self.0).into_iter().chain(days(&parts)).flat_map(|(_, day)| entries(&day));
        let folders = runs.map(|(_, run)| run).chain([self.0.clone()]);
        let is_left = |path: &Path| {
            let modified = fs::metadata(path).and_then(|found| found.modified());
            modified.is_ok_and(|at| at < before.into())
        };
        for (name, path) in folders.flat_map(|folder| entries(&folder)) {
            if name.starts_with(TEMPORARY) && is_left(&path) {
                _ = fs::remove_file(&path);
            }
        }
    }

    /// Writes the list of the reports.
    pub(crate) fn list(&self) -> Result<(), NotThere> {
        let path = self.0.join("index.html");
        let mut days: Vec<_> = entries(&self.0).into_iter().filter(|(name, _)| name.parse::<Date>().is_ok()).collect();
        days.sort_unstable_by(|one, other| other.cmp(one));
        let (mut reports, mut is_whole) = (Vec::new(), true);
        for (_, day) in days {
            if reports.len() >= MAX_LISTED {
                is_whole = false;
                break;
            }
            reports.extend(entries(&day).into_iter().filter_map(|(_, report)| summary(&report)));
        }
        let index = Index::new(reports, is_whole).up_to(MAX_LISTED);
        Self::on(&path, || write(&path, |to| index.write_page(to)).map(drop))
    }

    /// Writes an account's part of the report. Without an account, writes the coordinator's part.
    pub(crate) fn leave(&self, account: Option<&str>, evidence: &Evidence) -> Result<(), NotThere> {
        let head = &evidence.facts().head;
        let folder = self.parts_of(&head.run, head.started);
        Self::on(&folder, || fs::create_dir_all(&folder))?;
        let path = folder.join(account.map_or(ROSTER.to_owned(), |account| format!("{account}.json")));
        Self::on(&path, || write(&path, |to| evidence.write_json(to)).map(drop))
    }

    /// Lists the parts of a run that began then.
    pub(crate) fn parts(&self, run: &str, started: Timestamp) -> Parts {
        let mut parts = Parts::default();
        for (name, path) in entries(&self.parts_of(run, started)) {
            if name == ROSTER {
                parts.roster = Some(path);
            } else if let Some(account) = name.strip_suffix(".json")
                && account.bytes().all(|byte| byte.is_ascii_digit())
            {
                parts.accounts.push((account.to_owned(), path));
            }
        }
        parts.accounts.sort_unstable();
        parts
    }

    /// The runs of an organization that have left parts on this day.
    pub(crate) fn runs(&self, day: Date) -> Vec<String> {
        entries(&self.0.join("parts").join(day.to_string())).into_iter().map(|(name, _)| name).collect()
    }

    fn parts_of(&self, run: &str, started: Timestamp) -> PathBuf {
        self.0.join("parts").join(day(run, started).to_string()).join(run)
    }

    fn on<T>(path: &Path, what: impl FnOnce() -> io::Result<T>) -> Result<T, NotThere> {
        what().map_err(|error| NotThere { path: path.to_owned(), error })
    }
}

/// Reads a part.
///
/// # Errors
/// Says why it cannot be read, as part of a sentence.
pub(crate) fn read_part(path: &Path) -> Result<Evidence, String> {
    let unread = |error: io::Error| format!("its part cannot be read: {error}");
    let file = File::open(path).map_err(unread)?;
    if file.metadata().map_err(unread)?.len() > MAX_PART {
        return Err(format!("its part is larger than {MAX_PART} bytes"));
    }
    // A file that grows meanwhile is cut, and so no part.
    let bytes = BufReader::with_capacity(1 << 16, file.take(MAX_PART));
    Evidence::from_reader(bytes).map_err(|error| format!("its part cannot be used: {error}"))
}

/// The day of a run, in UTC. The id of a run has it, so that every step of an organization finds the same folder.
fn day(run: &str, started: Timestamp) -> Date {
    run_time(run).unwrap_or(started).to_zoned(TimeZone::UTC).date()
}

/// What is in a folder, by name. Nothing if it cannot be read: it may not be there yet.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))).collect()
}

/// The summary of a whole report.
fn summary(report: &Path) -> Option<ReportSummary> {
    if !report.join(SUMS).exists() {
        return None;
    }
    let mut text = String::new();
    File::open(report.join(SUMMARY)).ok()?.take(MAX_SUMMARY).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Writes a file under a name of its own first, so that one that cannot be finished leaves what was there. Returns the
/// digest of what was written.
fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<String> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    let mut to = Digesting::new(BufWriter::with_capacity(1 << 16, file.as_file()));
    content(&mut to)?;
    to.flush()?;
    let digest = to.finish();
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_finds_no_room_leaves_the_one_before_and_nothing_else_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.html");
        write(&path, |to| to.write_all(b"whole")).unwrap();
        let full = |to: &mut dyn Write| {
            to.write_all(b"half")?;
            Err(ErrorKind::StorageFull.into())
        };
        let error = Folder::on(&path, || write(&path, full)).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: no storage space; make room there", path.display()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(entries(folder.path()).len(), 1);
    }

    #[test]
    fn what_a_killed_run_has_left_is_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let there = Folder::new(folder.path().to_owned());
        let report = folder.path().join("2026-11-27/r20261127T061700Z-1a2b3c4d-5e6f7a8b");
        fs::create_dir_all(&report).unwrap();
        let now = Timestamp::try_from(fs::metadata(&report).unwrap().modified().unwrap()).unwrap();
        for file in [".flowkeeper-old", ".flowkeeper-new", "evidence.json"] {
            fs::write(report.join(file), "half").unwrap();
        }
        let hours = |hours: i64| (now - jiff::SignedDuration::from_hours(hours)).into();
        for (file, age) in [(".flowkeeper-old", 30), ("evidence.json", 30)] {
            File::options().write(true).open(report.join(file)).unwrap().set_modified(hours(age)).unwrap();
        }
        there.tidy(now - jiff::SignedDuration::from_hours(24));
        let left: Vec<_> = entries(&report).into_iter().map(|(name, _)| name).collect();
        assert!(!left.contains(&".flowkeeper-old".to_owned()) && left.len() == 2, "{left:?}");
    }

    /// Writes the summary of a whole report.
    fn leave_summary(folder: &Path, day: &str, nth: usize) {
        let report = folder.join(day).join(format!("run-{nth}"));
        fs::create_dir_all(&report).unwrap();
        let ended = Timestamp::from_second(1_795_000_000 + nth as i64).unwrap();
        let summary = ReportSummary {
            ended,
            folder: format!("{day}/run-{nth}"),
            run: format!("run-{nth}"),
            seal: "0".repeat(64),
            verdict: "All 2 VPCs are as the policy wants them (their records arrive).".to_owned(),
            is_whole: true,
            accounts: 1,
            resources: 2,
            findings: 0,
            unknown: 0,
            found: String::new(),
        };
        fs::write(report.join(SUMMARY), serde_json::to_string(&summary).unwrap()).unwrap();
        fs::write(report.join(SUMS), "").unwrap();
    }

    #[test]
    fn the_list_has_the_newest_reports_and_says_that_there_are_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let there = Folder::new(folder.path().to_owned());
        let listed = || {
            there.list().unwrap();
            fs::read_to_string(folder.path().join("index.html")).unwrap()
        };
        (0..MAX_LISTED).for_each(|nth| leave_summary(folder.path(), "2026-11-26", nth));
        let all = listed();
        assert_eq!(all.matches("evidence.html").count(), MAX_LISTED);
        assert!(!all.contains("Older reports are not listed"));
        // A day on which many were made by hand.
        (MAX_LISTED..MAX_LISTED + 50).for_each(|nth| leave_summary(folder.path(), "2026-11-27", nth));
        let newest = listed();
        assert_eq!(newest.matches("evidence.html").count(), MAX_LISTED);
        assert!(newest.contains("Older reports are not listed") && newest.contains("run-449/evidence.html"));
        assert!(newest.contains("/run-50/evidence.html") && !newest.contains("/run-49/evidence.html"));
        let page = include_str!("../../../docs/evidence.md");
        assert!(page.contains(&format!("of several reports of one run the last; up to {MAX_LISTED} |")));
    }

    #[test]
    fn a_bucket_that_is_mounted_for_reading_says_so() {
        let error =
            Folder::on(Path::new("/mnt/evidence"), || Err::<(), _>(ErrorKind::ReadOnlyFilesystem.into())).unwrap_err();
        assert!(error.to_string().ends_with("mount the bucket for writing"), "{error}");
    }
}
