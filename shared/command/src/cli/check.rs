//! `flowkeeper check`.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, ValueEnum};
use flow_log::{Policy, policy::Position};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, USAGE},
    policy_file::{DEFAULT, Finding, PolicyFile, Severity},
    sarif,
    style::counted,
    template::Template,
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper check
  flowkeeper check policy.yml --output sarif > policy.sarif
  flowkeeper check policy.yml --template template.yml \\
      --parameter MemberRoleName=flowkeeper

Exit codes: 0 no mistake, warnings aside; 64 a mistake";

/// The version of the JSON.
const JSON_VERSION: u8 = 1;

/// Show every mistake in a policy, without a cloud.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// Policy, YAML or JSON; - for stdin
    #[arg(default_value = DEFAULT)]
    policy: PathBuf,
    /// Show what this deployment does not grant, too
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Parameter of the template; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "template")]
    parameter: Vec<String>,
    /// Form of the output: text, json or sarif
    #[arg(long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    output: Output,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
}

impl Check {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let template = self.template.as_ref().map(|path| Template::read(path, &self.parameter)).transpose()?;
        let file = PolicyFile::read(&self.policy)?;
        let (policy, mut findings) = file.parse();
        if let Some(template) = &template {
            findings.extend(template.findings(&file, policy.as_ref()));
            findings.sort_by_key(|finding| (finding.position.line, finding.position.column));
        }
        let mistakes = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let terminal = &context.terminal;
        match self.output {
            Output::Text => terminal.print(&text(&file, policy.as_ref(), &findings, terminal.cut_at())),
            Output::Json => terminal.print_data(&json(&file, &findings)),
            Output::Sarif => terminal.print_data(&sarif::write(&file.name, &findings)),
        }?;
        if mistakes > 0 { Err(Failure::told(USAGE)) } else { Ok(()) }
    }
}

fn text(file: &PolicyFile, policy: Option<&Policy>, findings: &[Finding], cut_at: Option<usize>) -> String {
    let mut text: String = findings.iter().map(|finding| file.drawn(finding, cut_at)).collect();
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let found = [(count(Severity::Error), "mistake"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect::<Vec<_>>();
    let found = if found.is_empty() { "no mistakes".to_owned() } else { found.join(", ") };
    _ = match policy {
        Some(policy) if findings.iter().all(|finding| finding.severity == Severity::Warning) => {
            let schedules = counted(policy.schedules.len(), "schedule");
            let overrides = counted(policy.overrides.len(), "override");
            writeln!(text, "{}: {found}; {schedules}, {overrides}", file.name)
        }
        _ => writeln!(text, "{}: {found}", file.name),
    };
    text
}

fn json(file: &PolicyFile, findings: &[Finding]) -> String {
    let listed: Vec<_> = findings
        .iter()
        .map(|finding| {
            let Position { line, column } = finding.position;
            let severity = finding.severity.as_str();
            json!({"severity": severity, "rule": finding.rule, "line": line, "column": column, "message": finding.message})
        })
        .collect();
    let is_valid = findings.iter().all(|finding| finding.severity == Severity::Warning);
    format!("{:#}\n", json!({"version": JSON_VERSION, "file": file.name, "valid": is_valid, "findings": listed}))
}
