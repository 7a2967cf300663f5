//! The command `flowkeeper`: the plan of a large account, and what needs no cloud beside other tools that do the same.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    clock,
    fleet::{Fleet, REGIONS},
    http::find,
    python,
    stub::Cloud,
    sweep::{LACKING, PAGE, paced},
};

/// The time from a call to its answer.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);
/// The account that is planned.
pub(crate) const ACCOUNT: Account = Account { vpcs: 10_000, regions: REGIONS.len() };
/// How often a tool is started; the others are slower, and are started less often.
const STARTS: usize = 40;
const STARTS_OF_OTHERS: usize = 10;
/// The largest first output that is looked at, in bytes.
const MAX_FIRST: usize = 4_096;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/command/examples");
const TERRAFORM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/terraform/main.tf");

/// An account whose policy is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) vpcs: usize,
    pub(crate) regions: usize,
}

impl Account {
    const fn fleet(self) -> Fleet {
        Fleet { vpcs: self.vpcs / self.regions, lacking: LACKING }
    }

    /// The pages of the VPCs of a region, and of its flow logs.
    const fn pages(self) -> [usize; 2] {
        let Fleet { vpcs, .. } = self.fleet();
        [vpcs.div_ceil(PAGE), (vpcs - self.fleet().repairs()).div_ceil(PAGE)]
    }

    /// The least number of calls: who calls, which regions there are, and the pages of each region.
    pub(crate) fn min_calls(self) -> usize {
        2 + self.regions * self.pages().iter().sum::<usize>()
    }

    /// The least time that the quotas and the answers allow, in s. A page is asked for when the one before has come, and
    /// flow logs when all VPCs have. Regions have quotas of their own, and wait for nothing.
    pub(crate) fn least_time(self) -> f64 {
        let answer = LATENCY.as_secs_f64();
        2.0 * answer + self.pages().map(|calls| (calls as f64 * answer).max(paced(calls) + answer)).iter().sum::<f64>()
    }
}

/// The measurements of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    pub(crate) account: Account,
    pub(crate) calls: usize,
    /// Time from exec to the first output, and to the end, in s.
    pub(crate) first: f64,
    pub(crate) wall: f64,
}

/// Measures the plan of an account.
pub(crate) fn plan(flowkeeper: &Path, folder: &Path, account: Account) -> io::Result<Planned> {
    let cloud = Cloud::after(LATENCY, account.fleet())?;
    let policy = folder.join("plan.yml");
    let limits = "limits: {max_changes: 1000000, max_changes_percent: 100}";
    fs::write(
        &policy,
        format!("flow_log: {{project: 'flowlog-{{account}}-{{region}}', log_store: vpc}}\nregions: all\n{limits}\n"),
    )?;
    let output = folder.join("plan.txt");
    let mut command = Command::new(flowkeeper);
    command.env_clear().arg("plan").arg(&policy).args(["--endpoint", &format!("http://{}", cloud.address)]);
    // The calls go to this machine.
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "example").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "example");
    command.stdin(Stdio::null()).stdout(fs::File::create(&output)?).stderr(Stdio::piped());

    let started = clock::now();
    let mut child = command.spawn()?;
    let mut stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut said = vec![0; MAX_FIRST];
    let length = stderr.read(&mut said)?;
    let first = started.elapsed().as_secs_f64();
    said.truncate(length);
    stderr.read_to_end(&mut said)?;
    let status = child.wait()?;
    let wall = started.elapsed().as_secs_f64();

    let changes = format!("Plan: {} to create", account.fleet().repairs() * account.regions);
    if !status.success() || find(&fs::read(&output)?, changes.as_bytes()).is_none() {
        let said = String::from_utf8_lossy(&said);
        return Err(io::Error::other(format!(
            "the plan of {account:?} ended with {status} and not as expected: {said}"
        )));
    }
    Ok(Planned { account, calls: cloud.calls(), first, wall })
}

/// The times from exec to the end, in ms, of tools that do the same with the same files. `None` for a tool that is not here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offline {
    pub(crate) check: Vec<f64>,
    pub(crate) explain: Vec<f64>,
    pub(crate) python_check: Vec<f64>,
    pub(crate) python_explain: Vec<f64>,
    pub(crate) terraform: Option<Vec<f64>>,
}

/// Measures what needs no cloud.
pub(crate) fn offline(flowkeeper: &Path, folder: &Path) -> io::Result<Offline> {
    const AT: &str = "2026-03-02T22:00:00-05:00";
    let script = python::script(folder, "policy.py", "pyyaml")?;
    let terraform = terraform(folder)?;
    let ours = |arguments: &[&str]| run(Command::new(flowkeeper).args(arguments).current_dir(EXAMPLES));
    let python = |arguments: &[&str]| run(script.command().args(arguments).current_dir(EXAMPLES));
    let mut times = Offline { terraform: terraform.as_ref().map(|_| Vec::new()), ..Offline::default() };
    for nth in 0..STARTS {
        times.check.push(ours(&["check", "policy.yml"])?);
        times.explain.push(ours(&["explain", "resource.json", "--policy", "policy.yml", "--at", AT])?);
        if nth % (STARTS / STARTS_OF_OTHERS) > 0 {
            continue;
        }
        times.python_check.push(python(&["check", "policy.yml"])?);
        times.python_explain.push(python(&["explain", "policy.yml", "resource.json", AT])?);
        if let (Some(validated), Some(taken)) = (&terraform, &mut times.terraform) {
            taken.push(run(Command::new("terraform").arg("validate").current_dir(validated))?);
        }
    }
    Ok(times)
}

/// Prepares the folder that Terraform validates. It asks for no provider, so that no network is needed. `None` if there is
/// no Terraform.
fn terraform(folder: &Path) -> io::Result<Option<PathBuf>> {
    let folder = folder.join("terraform");
    fs::create_dir_all(&folder)?;
    fs::copy(TERRAFORM, folder.join("main.tf"))?;
    match run(Command::new("terraform").args(["init", "-input=false", "-backend=false"]).current_dir(&folder)) {
        Ok(_) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs a tool, which must succeed. Returns the time from exec to its end, in ms.
fn run(command: &mut Command) -> io::Result<f64> {
    let started = clock::now();
    let ended = command.stdin(Stdio::null()).output()?;
    let passed = started.elapsed().as_secs_f64() * 1e3;
    if ended.status.success() {
        return Ok(passed);
    }
    let said = [ended.stdout, ended.stderr].concat();
    Err(io::Error::other(format!("{command:?} ended with {}: {}", ended.status, String::from_utf8_lossy(&said))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_time_of_a_plan_is_that_of_answers_that_wait_for_each_other() {
        let (many, one) = (ACCOUNT, Account { vpcs: 10_000, regions: 1 });
        assert_eq!(many.pages(), [10, 10]);
        assert_eq!(many.min_calls(), 2 + 20 * 20);
        assert!((many.least_time() - 22.0 * 0.05).abs() < 1e-9, "20 pages, and 2 answers before them");
        // 60 calls go at once and 540 in a minute: 200 pages take 140 ninths of a second.
        assert_eq!(one.pages(), [200, 198]);
        assert!((one.least_time() - (4.0 * 0.05 + 140.0 / 9.0 + 138.0 / 9.0)).abs() < 1e-9);
    }
}
