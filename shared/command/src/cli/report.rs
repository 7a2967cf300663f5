//! `flowkeeper report`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use evidence::{Evidence, ExceptionsCountAs};

use crate::{
    cli::{help, plan::drawing, scope::ScopeOptions},
    context::Context,
    failure::{CHANGES, FAILED, Failure},
    identity::identify,
    output_file,
    plan::file::digest,
    planning::{EVERYTHING, Planning, Reads},
    policy_file::PolicyFile,
    report_text,
    reporting::{Reported, Reporting},
};

/// How many unread things are said on stderr. The files have all of them.
const MAX_WARNINGS: usize = 20;

const EXAMPLES: &str = "\
Examples:
  flowkeeper report policy.yml --html report.html --json report.json
Exit codes: 0 done; 1 failed or unknown; 2 findings (--detailed-exitcode)";

/// Show an auditor what is recorded, and what proves it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_OPTIONS)]
pub(crate) struct ReportOptions {
    #[command(flatten)]
    scope: ScopeOptions,
    #[command(flatten)]
    files: Files,
    /// How controls count exceptions: exception or failure
    #[arg(long, value_enum, default_value_t, value_name = "AS", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    exceptions: Exceptions,
    /// Read what flow logs cost, too
    #[arg(long)]
    cost: bool,
    /// Exit with 2 if there are findings
    #[arg(long)]
    detailed_exitcode: bool,
}

/// The files to write. Without any, the report is summed up on stdout.
#[derive(Debug, Args)]
struct Files {
    /// Write a page, for people; - for stdout
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a table, for spreadsheets
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write everything, for programs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write OCSF findings, for a SIEM
    #[arg(long, value_name = "FILE")]
    ocsf: Option<PathBuf>,
    /// Write JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// How exceptions count when a control is assessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Exceptions {
    /// Set aside and named.
    #[default]
    Exception,
    /// Failed, as for a checker that does not know the policy.
    Failure,
}

/// Writes the report in one form.
type Form = fn(&Evidence, &mut dyn Write) -> io::Result<()>;

/// A file that is asked for.
struct Wanted<'a> {
    option: &'static str,
    path: &'a Path,
    form: Form,
}

impl Wanted<'_> {
    fn is_stdout(&self) -> bool {
        self.path == Path::new("-")
    }
}

impl Files {
    /// Returns the files that are asked for.
    ///
    /// # Errors
    /// Two forms go to one place.
    fn wanted(&self) -> Result<Vec<Wanted<'_>>, Failure> {
        let all: [(&'static str, &Option<PathBuf>, Form); 5] = [
            ("--html", &self.html, |evidence, to| evidence.write_page(to)),
            ("--csv", &self.csv, |evidence, to| evidence.write_csv(to)),
            ("--json", &self.json, |evidence, to| evidence.write_json(to)),
            ("--ocsf", &self.ocsf, |evidence, to| evidence.write_ocsf(to)),
            ("--junit", &self.junit, |evidence, to| evidence.write_junit(to)),
        ];
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        for (option, path, form) in all {
            let Some(path) = path.as_deref() else { continue };
            if let Some(other) = wanted.iter().find(|other| other.path == path) {
                let problem = format!("{} and {option} both name {}", other.option, path.display());
                return Err(Failure::usage(problem, "give each form a file of its own; one may be - for stdout"));
            }
            wanted.push(Wanted { option, path, form });
        }
        Ok(wanted)
    }
}

impl ReportOptions {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let wanted = self.files.wanted()?;
        let file = PolicyFile::read(&self.scope.policy)?;
        let policy = file.policy(&context.terminal)?;
        context.terminal.tell(format_args!("policy {}, SHA-256 {}", file.name, digest(file.text.as_bytes())));
        let reported = context.read(async {
            let identity = identify(&self.scope.cloud, context).await?;
            context.terminal.tell(identity.text());
            let narrowed = self.scope.narrowed()?;
            let planning = Planning {
                context,
                identity: &identity,
                capabilities: EVERYTHING,
                policy_file: &file.name,
                policy_text: &file.text,
                policy: &policy,
                narrowed: &narrowed,
                at: None,
                reads: if self.cost { Reads::Costs } else { Reads::Evidence },
            };
            let exceptions_count_as = match self.exceptions {
                Exceptions::Exception => ExceptionsCountAs::Exception,
                Exceptions::Failure => ExceptionsCountAs::Failure,
            };
            Reporting { planning, exceptions_count_as }.evidence().await
        })?;
        self.write(context, &reported, &wanted)?;
        match exit_code(&reported, self.detailed_exitcode) {
            0 => Ok(()),
            code => Err(Failure::told(code)),
        }
    }

    /// Writes the files, and says on stderr what the report is and how to recognize it.
    fn write(&self, context: &Context, reported: &Reported, wanted: &[Wanted<'_>]) -> Result<(), Failure> {
        let Reported { evidence, unread_costs } = reported;
        let terminal = &context.terminal;
        if wanted.is_empty() {
            terminal.print(&report_text::text(reported, drawing(context)))?;
        } else {
            terminal.tell(&evidence.assessment().verdict);
            let unread = evidence.assessment().unknown.iter().filter(|it| !it.has_result).map(report_text::unknown);
            let unread = unread.chain(unread_costs.iter().cloned());
            unread.take(MAX_WARNINGS).for_each(|what| terminal.warn(format_args!("unknown: {what}")));
            terminal.tell(format_args!("seal SHA-256 {}", evidence.seal()));
        }
        let mut problems = Vec::new();
        let mut unwritten = Vec::new();
        for file in wanted.iter().filter(|file| !file.is_stdout()) {
            match output_file::write(file.path, |to| (file.form)(evidence, to)) {
                Ok(()) => terminal.note(format_args!("{} is written", file.path.display())),
                Err(error) => {
                    let (option, name) = (file.option, file.path.display());
                    problems.push(format!("{option} {name}: the report cannot be written there: {error}"));
                    unwritten.push(file);
                }
            }
        }
        let on_stdout = wanted.iter().find(|file| file.is_stdout());
        if let Some(file) = on_stdout {
            terminal.print_data(&text(evidence, file.form)?)?;
        }
        let Some(first) = unwritten.first() else { return Ok(()) };
        // A report that took an hour to read is not lost for want of a folder.
        let remedy = if on_stdout.is_some() {
            "make room, or name a file in a folder of your own"
        } else {
            let whole: Form = |it, to| it.write_json(to);
            let form = if unwritten.len() == 1 { first.form } else { whole };
            terminal.print_data(&text(evidence, form)?)?;
            match unwritten.len() {
                1 => "it is printed instead; next time, name a file in a folder of your own",
                _ => "the JSON is printed instead, with all of it; next time, name files in a folder of your own",
            }
        };
        Err(Failure { exit_code: FAILED, messages: problems, remedy: Some(remedy.to_owned()) })
    }
}

/// Renders the report in memory, for stdout.
fn text(evidence: &Evidence, form: Form) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("no report: {error}"), "report it");
    let mut bytes = Vec::new();
    form(evidence, &mut bytes).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// What is unknown is worse than a finding: it may be one, too.
fn exit_code(reported: &Reported, is_detailed: bool) -> u8 {
    let (facts, assessment) = (reported.evidence.facts(), reported.evidence.assessment());
    let is_known = assessment.scope.is_whole
        && assessment.unknown.is_empty()
        && assessment.discrepancies.is_empty()
        && reported.unread_costs.is_empty();
    let findings = facts.notes.iter().filter(|note| note.state == evidence::NoteState::Finding).count();
    let is_closed = facts.services.iter().any(|service| service.is_open == Some(false));
    let has_findings = assessment.sums.findings > 0 || findings > 0 || !facts.changes.is_empty() || is_closed;
    match (is_known, is_detailed && has_findings) {
        (false, _) => FAILED,
        (true, true) => CHANGES,
        (true, false) => 0,
    }
}
