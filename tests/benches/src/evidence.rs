//! Evidence: the daily report of a large account, by `report-flow-logs`, and the forms of one with many resources.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    clock, event,
    fleet::{Fleet, REGIONS},
    http::find,
    process::{Process, first_number},
    python,
    stub::Cloud,
    subject::function,
    sweep::LACKING,
    table::thousands,
};

/// The VPCs of the account that is reported, spread over all regions.
pub(crate) const VPCS: usize = 10_000;
/// The resources of the sample `large` of the crate `evidence`.
pub(crate) const RESOURCES: usize = 50_000;
/// The forms of evidence, as that sample names them.
pub(crate) const FORMS: [&str; 5] = ["page", "csv", "json", "ocsf", "junit"];

/// What a process needed: time and CPU time in s, and peak memory in MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Needed {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) peak: f64,
}

/// Measures the report of an account, which is written into a folder below `target`.
pub(crate) fn report(binary: &Path, target: &Path) -> io::Result<Needed> {
    let fleet = Fleet { vpcs: VPCS / REGIONS.len(), lacking: LACKING };
    let cloud = Cloud::with(fleet)?;
    let folder = target.join("evidence");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let policy = format!(
        r#"{{"flow_log": {{"project": "flowlog-{{account}}-{{region}}", "log_store": "vpc"}}, "regions": ["{}"]}}"#,
        REGIONS.join(r#"", ""#)
    );
    let mut command = function(binary, &cloud);
    command.env("FLOWKEEPER_POLICY", policy).env("FLOWKEEPER_EVIDENCE_DIR", &folder);
    let mut process = Process::start(&mut command, "FC_CUSTOM_LISTEN_PORT")?;
    let mut connection = process.connect()?;

    let sent = clock::now();
    let answer = connection.invoke(&event::timer())?;
    let wall = sent.elapsed().as_secs_f64();

    let [recording, all] = [VPCS - fleet.repairs() * REGIONS.len(), VPCS].map(thousands);
    let written = format!("is written: {recording} of {all} VPCs are as the policy wants them");
    if find(answer, written.as_bytes()).is_none() {
        let end = String::from_utf8_lossy(&answer[answer.len().saturating_sub(400)..]);
        return Err(io::Error::other(format!("the report does not say that it {written}: …{end}")));
    }
    Ok(Needed { wall, cpu: process.cpu()? / 1e6, peak: process.peak()? / 1024.0 })
}

/// Measures what each of [`FORMS`] needs, of the sample `large`, and the facts that it is made of.
pub(crate) fn forms(sample: &Path, target: &Path) -> io::Result<[Needed; FORMS.len()]> {
    // Only who waits for a process is told its peak after its end. This interpreter takes less than any form.
    const MEASURE: &str = "import resource, subprocess, sys\n\
                           subprocess.run(sys.argv[1:], check=True)\n\
                           used = resource.getrusage(resource.RUSAGE_CHILDREN)\n\
                           print(used.ru_utime + used.ru_stime, used.ru_maxrss)";
    let mut needed = Vec::new();
    for form in FORMS {
        let mut command = Command::new("python3");
        command.args(["-c", MEASURE]).arg(sample).arg("large").arg(target.join("forms")).arg(form).stdin(Stdio::null());
        let started = clock::now();
        let said = python::run(&mut command)?;
        let wall = started.elapsed().as_secs_f64();
        let (cpu, peak) = said.split_once(' ').unwrap_or_default();
        needed.push(Needed { wall, cpu: first_number(cpu)?, peak: first_number(peak)? / 1024.0 });
    }
    needed.try_into().map_err(|_| io::Error::other("each form was to be measured once"))
}
