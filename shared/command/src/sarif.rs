//! Findings in SARIF 2.1.0, which code scanning reads.

use flow_log::policy::Position;
use serde_json::{Value, json};

use crate::policy_file::Finding;

const RULES: [(&str, &str); 3] = [
    ("invalid-policy", "The policy is refused"),
    ("policy-warning", "Valid, and most likely not intended"),
    ("not-granted", "The deployment does not grant what the policy wants"),
];

/// Writes the findings about a file.
pub(crate) fn write(file: &str, findings: &[Finding]) -> String {
    let rules: Vec<_> = RULES.iter().map(|(id, text)| json!({"id": id, "shortDescription": {"text": text}})).collect();
    let results: Vec<_> = findings.iter().map(|finding| result(file, finding)).collect();
    let driver = json!({"name": "flowkeeper", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    });
    format!("{log:#}\n")
}

fn result(file: &str, finding: &Finding) -> Value {
    let Position { line, column } = finding.position;
    let artifact = json!({"uri": file.replace('\\', "/").replace(' ', "%20")});
    // SARIF counts from 1: what is about the whole file has no region.
    let location = match line {
        0 => json!({"artifactLocation": artifact}),
        _ => json!({"artifactLocation": artifact, "region": {"startLine": line, "startColumn": column}}),
    };
    json!({
        "ruleId": finding.rule,
        "level": finding.severity.as_str(),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    })
}
