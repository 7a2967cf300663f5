//! The demonstration: a day in the life of some flow logs, and what the functions do about it.

use std::{error::Error, io, path::PathBuf, process::ExitCode, time::Duration};

use jiff::{RoundMode, TimestampRound, Unit};
use serde_json::Value;

use local_cloud::{Fault, FlowLog, Functions, Invocation, LocalCloud, Options, Transitions, Vpc, functions, timeline};

use super::printer::Printer;

type Failure = Box<dyn Error>;

/// The demonstration's cloud and output, and the number of steps and failures.
struct Demo {
    cloud: LocalCloud,
    printer: Printer,
    steps: u32,
    failed: u32,
}

/// What a step should show, and whether it did.
struct Check {
    expected: &'static str,
    holds: bool,
}

/// Runs all steps. Succeeds if each of them ended as it should.
pub(super) async fn run(functions_dir: Option<PathBuf>) -> Result<ExitCode, Failure> {
    let options = Options::default();
    let begun = options.clock.now();
    let built = match functions_dir {
        Some(folder) => {
            let title = format!("Flowkeeper on a small cloud of its own, with the functions in {}.", folder.display());
            Printer::new(begun).say(&title, "1")?;
            std::path::absolute(folder)?
        }
        None => {
            let title = "Flowkeeper on a small cloud of its own. First its functions, built by cargo:";
            Printer::new(begun).say(title, "1")?;
            functions::build().await?
        }
    };

    let started = options.clock.now();
    let clock = options.clock.clone();
    let cloud = LocalCloud::start(Options {
        functions: Functions::Built(built),
        transitions: Transitions::After(Duration::from_millis(700)),
        retry_delay: Duration::from_secs(1),
        ..options
    })
    .await?;
    let printer = Printer::new(started);
    printer.say(&format!("The cloud is at {}.", cloud.endpoint()), "1")?;
    printer.say(
        "Each line: seconds since the start, caller → call: answer. \"test\" is a person, the others are functions.\nAfter ✓: \
         what a function reports.",
        "0",
    )?;
    let mut demo = Demo { cloud, printer, steps: 0, failed: 0 };
    demo.new_resources().await?;
    demo.same_event_again().await?;
    demo.failed_call().await?;
    demo.throttled().await?;
    demo.evening().await?;
    demo.deleted().await?;
    demo.changed().await?;
    demo.orphaned().await?;
    demo.sweep().await?;

    let seconds = clock.now().duration_since(started).as_secs_f64();
    let found = found(&demo.cloud.vpcs(), &demo.cloud.flow_logs());
    demo.cloud.stop().await;
    let (steps, failed) = (demo.steps, demo.failed);
    let summary = match failed {
        0 => format!("\n✓ all {steps} steps ended as they should, in {seconds:.1} s: {found}"),
        _ => format!("\n✗ {failed} of {steps} steps did not end as they should, in {seconds:.1} s"),
    };
    demo.printer.say(&summary, if failed == 0 { "1;32" } else { "1;31" })?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Demo {
    async fn new_resources(&mut self) -> Result<(), Failure> {
        self.begin("Somebody creates a VPC, a vSwitch in it, and a network interface in the vSwitch")?;
        let vpc = self
            .play(async |cloud| {
                let vpc = cloud.create_vpc(&[]).await?;
                cloud.settled().await?;
                let vswitch = cloud.create_vswitch(&vpc).await?;
                cloud.settled().await?;
                cloud.create_network_interface(&vswitch).await?;
                Ok(vpc)
            })
            .await?;
        let covers = self.cloud.flow_log_of(&vpc).is_some_and(|flow_log| flow_log.status == "Active");
        let checks = [
            Check { expected: "the VPC has a flow log, and it is Active", holds: covers },
            Check {
                expected: "one flow log covers all three, so there is no other",
                holds: self.cloud.flow_logs().len() == 1 && self.cloud.calls_of("CreateFlowLog").len() == 1,
            },
            Check {
                expected: "the function was woken three times, and succeeded each time",
                holds: self.cloud.invocations().len() == 3 && self.cloud.invocations().iter().all(|one| one.success),
            },
        ];
        Ok(self.end(&checks)?)
    }

    async fn same_event_again(&mut self) -> Result<(), Failure> {
        self.begin("EventBridge delivers the event of the VPC again, as it may")?;
        let (invocations, writes) = (self.cloud.invocations().len(), self.cloud.calls_of("CreateFlowLog").len());
        self.play(async |cloud| {
            cloud.events().first().inspect(|event| cloud.publish(event));
            Ok(())
        })
        .await?;
        let again = self.cloud.invocations().split_off(invocations);
        let checks = [
            Check { expected: "the function reports nothing to do", holds: outcomes(&again) == ["unchanged"] },
            Check { expected: "nothing was written", holds: self.cloud.calls_of("CreateFlowLog").len() == writes },
        ];
        Ok(self.end(&checks)?)
    }

    async fn failed_call(&mut self) -> Result<(), Failure> {
        self.begin("CreateVpc fails for a bad address block; the failed call is an event too")?;
        let invocations = self.cloud.invocations().len();
        let called = |cloud: &LocalCloud| {
            let by_functions = |call: &&local_cloud::Call| call.caller.as_ref().is_some_and(|who| who.role.is_some());
            cloud.calls().iter().filter(by_functions).count()
        };
        let calls = called(&self.cloud);
        self.play(async |cloud| {
            // The refusal is expected: only its event matters.
            let _ = cloud.call("CreateVpc", &[("CidrBlock", "10.0.0.0/99")]).await;
            Ok(())
        })
        .await?;
        let woken = self.cloud.invocations().split_off(invocations);
        let checks = [
            Check { expected: "the function skips it", holds: outcomes(&woken) == ["skipped"] },
            Check { expected: "it did not even look at the cloud", holds: called(&self.cloud) == calls },
        ];
        Ok(self.end(&checks)?)
    }

    async fn throttled(&mut self) -> Result<(), Failure> {
        self.begin("Another VPC is made, while CreateFlowLog is throttled twice")?;
        let before = self.cloud.calls_of("CreateFlowLog").len();
        self.cloud.fail("CreateFlowLog", Fault::Throttled, 2);
        let vpc = self.play(async |cloud| Ok(cloud.create_vpc(&[]).await?)).await?;
        let covers = self.cloud.flow_log_of(&vpc).is_some_and(|flow_log| flow_log.status == "Active");
        let calls = self.cloud.calls_of("CreateFlowLog").split_off(before);
        let codes: Vec<&str> = calls.iter().map(|call| call.code.as_deref().unwrap_or("done")).collect();
        let checks = [
            Check {
                expected: "CreateFlowLog was throttled twice and then done",
                holds: codes == ["Throttling.User", "Throttling.User", "done"],
            },
            Check { expected: "the VPC has its flow log all the same, and it is Active", holds: covers },
        ];
        Ok(self.end(&checks)?)
    }

    async fn evening(&mut self) -> Result<(), Failure> {
        /// How long the night lasts, rounded up to a full second.
        const NIGHT: Duration = Duration::from_secs(4);
        self.begin("An evening: the first VPC's tag says that its flow log is off, until a few seconds from now")?;
        let Some(vpc) = self.cloud.vpcs().into_iter().next().map(|vpc| vpc.id) else { return Err("no VPC".into()) };
        let status = |cloud: &LocalCloud| cloud.flow_log_of(&vpc).map(|flow_log| flow_log.status).unwrap_or_default();
        // Times in tags have whole seconds.
        let morning = self.cloud.now() + NIGHT;
        let morning = morning.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil))?;
        let before = self.cloud.invocations().len();
        self.play(async |cloud| {
            let until = format!("off-until={morning}");
            cloud.call("TagResources", &tag(&vpc, "flowkeeper", &until)).await?;
            cloud.fire_timer("deactivate-flow-logs", "switch-off")?;
            Ok(())
        })
        .await?;
        let at_night = status(&self.cloud);
        self.play(async |cloud| Ok(cloud.fire_timer("remediate-flow-logs", "sweep")?)).await?;
        let after_sweep = status(&self.cloud);
        let sweep = self.cloud.invocations().split_off(before).pop();
        let is_paused = sweep.is_some_and(|sweep| sweep.body.to_string().contains("\"verdict\":\"paused\""));
        let night = morning.duration_since(self.cloud.now()).try_into().unwrap_or_default();
        self.printer.say("   … until the night is over", "0")?;
        #[expect(clippy::disallowed_methods, reason = "the audience of the demonstration waits, too")]
        tokio::time::sleep(night).await;
        self.play(async |cloud| Ok(cloud.fire_timer("remediate-flow-logs", "sweep")?)).await?;
        let checks = [
            Check { expected: "at night it is off, and collects nothing", holds: at_night == "Inactive" },
            Check {
                expected: "the sweep finds it paused, and so in order",
                holds: after_sweep == "Inactive" && is_paused,
            },
            Check {
                expected: "once the tag has expired the next sweep switches it on again",
                holds: status(&self.cloud) == "Active",
            },
        ];
        Ok(self.end(&checks)?)
    }

    async fn deleted(&mut self) -> Result<(), Failure> {
        self.begin("Somebody deletes a flow log")?;
        let Some(old) = self.cloud.flow_logs().into_iter().next() else { return Err("no flow log".into()) };
        self.play(async |cloud| {
            cloud.call("DeleteFlowLog", &[("FlowLogId", &old.id)]).await?;
            Ok(())
        })
        .await?;
        let new = self.cloud.flow_log_of(&old.resource_id);
        let is_back = new.is_some_and(|new| new.id != old.id && new.status == "Active");
        Ok(self.end(&[Check { expected: "there is a new one in its place", holds: is_back }])?)
    }

    async fn changed(&mut self) -> Result<(), Failure> {
        self.begin("Somebody renames a flow log and has it write more often")?;
        let Some(before) = self.cloud.flow_logs().into_iter().next() else { return Err("no flow log".into()) };
        self.play(async |cloud| {
            let change = [("FlowLogId", before.id.as_str()), ("FlowLogName", "mine"), ("AggregationInterval", "1")];
            cloud.call("ModifyFlowLogAttribute", &change).await?;
            Ok(())
        })
        .await?;
        let after = self.cloud.flow_logs().into_iter().find(|flow_log| flow_log.id == before.id);
        let is_back = after.is_some_and(|after| {
            after.name == before.name && after.aggregation_interval == before.aggregation_interval
        });
        let writes = self.cloud.calls_of("ModifyFlowLogAttribute").len();
        let checks = [
            Check { expected: "it is as the policy wants it again", holds: is_back },
            Check { expected: "the function's own change woke it and led to no other", holds: writes == 2 },
        ];
        Ok(self.end(&checks)?)
    }

    async fn orphaned(&mut self) -> Result<(), Failure> {
        self.begin("A VPC is deleted, and leaves its flow log behind")?;
        let vpc = self.play(async |cloud| Ok(cloud.create_vpc(&[]).await?)).await?;
        let had_one = self.cloud.flow_log_of(&vpc).is_some();
        self.play(async |cloud| {
            cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await?;
            Ok(())
        })
        .await?;
        let is_gone = had_one && self.cloud.flow_log_of(&vpc).is_none();
        Ok(self.end(&[Check { expected: "the flow log is gone, too", holds: is_gone }])?)
    }

    async fn sweep(&mut self) -> Result<(), Failure> {
        self.begin("A sweep repairs what no event reported")?;
        let quiet = self
            .play(async |cloud| {
                cloud.create_vpc(&[("flowkeeper", "ignore")]).await?;
                let theirs = cloud.create_vpc(&[]).await?;
                cloud.settled().await?;
                if let Some(flow_log) = cloud.flow_log_of(&theirs) {
                    cloud.edit_flow_log(&flow_log.id, |it| it.tags.clear());
                }
                let stopped = cloud.create_vpc(&[]).await?;
                cloud.settled().await?;
                if let Some(flow_log) = cloud.flow_log_of(&stopped) {
                    cloud.edit_flow_log(&flow_log.id, |it| it.status = "Inactive".into());
                }
                Ok((theirs, stopped))
            })
            .await?;
        let (theirs, quiet) = quiet;
        let silently = format!(
            "   silently: the flow log of {theirs} loses the tag that says that Flowkeeper made it,\n   and that of \
             {quiet} is switched off"
        );
        self.printer.say(&silently, "0")?;
        let before = self.cloud.invocations().len();
        self.play(async |cloud| Ok(cloud.fire_timer("remediate-flow-logs", "sweep")?)).await?;
        let report = self.cloud.invocations().split_off(before).into_iter().next();
        let body = report.as_ref().map(|report| report.body.clone()).unwrap_or_default();
        self.printer.say(&table(&body), "0")?;
        let is_on = self.cloud.flow_log_of(&quiet).is_some_and(|flow_log| flow_log.status == "Active");
        let checks = [
            Check { expected: "the one that had been stopped is on again", holds: is_on },
            Check {
                expected: "the report says of each VPC what was found, done and why",
                holds: report.is_some_and(|report| report.success)
                    && body.pointer("/summary/checked") == Some(&self.cloud.vpcs().len().into()),
            },
        ];
        Ok(self.end(&checks)?)
    }

    /// Does some work and waits until the cloud has settled, printing what happens meanwhile.
    async fn play<T>(&mut self, work: impl AsyncFnOnce(&LocalCloud) -> Result<T, Failure>) -> Result<T, Failure> {
        let Self { cloud, printer, .. } = self;
        let done = tokio::select! {
            printed = printer.follow(cloud) => {
                return Err(printed.err().unwrap_or_else(|| io::Error::other("printing ended early")).into());
            }
            done = async {
                let value = work(cloud).await?;
                // The checks fail if the cloud does not settle in time. Its journal is printed already.
                let _ = cloud.settled().await;
                Ok(value)
            } => done,
        };
        printer.catch_up(cloud)?;
        done
    }

    fn begin(&mut self, title: &str) -> io::Result<()> {
        self.steps += 1;
        self.printer.say(&format!("\n{}. {title}", self.steps), "1")
    }

    fn end(&mut self, checks: &[Check]) -> io::Result<()> {
        for Check { expected, holds } in checks {
            let (line, color) = if *holds {
                (format!("   ✓ {expected}"), "32")
            } else {
                (format!("   ✗ expected, but not so: {expected}"), "31")
            };
            self.printer.say(&line, color)?;
        }
        self.failed += u32::from(checks.iter().any(|check| !check.holds));
        Ok(())
    }
}

/// Describes the final state: how many VPCs are recorded, and how many are not.
fn found(vpcs: &[Vpc], flow_logs: &[FlowLog]) -> String {
    let active = || flow_logs.iter().filter(|flow_log| flow_log.status == "Active");
    let is_recorded = |vpc: &&Vpc| active().any(|flow_log| flow_log.resource_id == vpc.id);
    let (recorded, rest): (Vec<&Vpc>, Vec<&Vpc>) = vpcs.iter().partition(is_recorded);
    let is_left_alone = |vpc: &&&Vpc| vpc.tags.get("flowkeeper").is_some_and(|value| value == "ignore");
    let left_alone = rest.iter().filter(is_left_alone).count();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut found = format!("{} record {}", count(active().count(), "flow log"), count(recorded.len(), "VPC"));
    if left_alone > 0 {
        found.push_str(&format!(", {left_alone} more left alone as its tag says"));
    }
    if rest.len() > left_alone {
        found.push_str(&format!(", and {} without a record", count(rest.len() - left_alone, "VPC")));
    }
    found
}

/// Returns the parameters that set a tag on a VPC.
fn tag<'a>(vpc: &'a str, key: &'a str, value: &'a str) -> [(&'static str, &'a str); 4] {
    [("ResourceType", "VPC"), ("ResourceId.1", vpc), ("Tag.1.Key", key), ("Tag.1.Value", value)]
}

/// Formats a report as a table.
fn table(report: &Value) -> String {
    let header = ["resource", "verdict", "action", "outcome", "reason"].map(str::to_owned);
    let results = report.pointer("/results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let cell = |result: &Value, key: &str| result.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
    let row = |result: &Value| ["resource_id", "verdict", "action", "outcome", "reason"].map(|key| cell(result, key));
    let rows: Vec<[String; 5]> = std::iter::once(header).chain(results.iter().map(row)).collect();
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|cells| cells[column].len()).max().unwrap_or(0)).collect();
    let line = |[resource, verdict, action, outcome, reason]: &[String; 5]| {
        let [a, b, c, d] = [widths[0], widths[1], widths[2], widths[3]];
        format!("   {resource:a$}  {verdict:b$}  {action:c$}  {outcome:d$}  {reason}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the outcomes that the functions reported.
fn outcomes(invocations: &[Invocation]) -> Vec<String> {
    invocations.iter().flat_map(|invocation| timeline::outcomes(&invocation.body)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_recorded_is_counted_and_what_is_not_is_told() {
        let cloud = LocalCloud::start(Options::default()).await.unwrap();
        for _ in 0..4 {
            cloud.seed(&json!({}));
        }
        let ids: Vec<String> = cloud.vpcs().into_iter().map(|vpc| vpc.id).collect();
        for id in &ids[..2] {
            cloud.seed_flow_log(id);
        }
        let off = cloud.seed_flow_log(&ids[2]);
        cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".into());
        cloud.edit_vpc(&ids[3], |vpc| drop(vpc.tags.insert("flowkeeper".into(), "ignore".into())));
        let found = found(&cloud.vpcs(), &cloud.flow_logs());
        assert_eq!(found, "2 flow logs record 2 VPCs, 1 more left alone as its tag says, and 1 VPC without a record");
    }
}
