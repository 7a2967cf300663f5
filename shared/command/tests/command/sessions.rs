//! Sessions on terminals of several widths, as a person sees them.

use std::{process::Command, time::Duration};

use insta::assert_snapshot;
use local_cloud::Fault;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    conventions::SUBCOMMANDS,
    plan::{mixed, sample},
    pty::Terminal,
    support::{Home, repository},
    world::{POLICY, World},
};

/// What the screen shows at the end.
async fn screen(columns: u16, mut command: Command) -> String {
    command.env("TERM", "xterm-256color");
    tokio::task::spawn_blocking(move || Terminal::run_at(columns, &command).screen()).await.unwrap()
}

/// The same of a command that needs no cloud, among the examples.
async fn example(columns: u16, arguments: &[&str]) -> String {
    let home = Home::new();
    let mut command = home.command(arguments, &[]);
    command.current_dir(repository().join("shared/command/examples"));
    screen(columns, command).await
}

#[tokio::test]
async fn a_plan_is_read_on_narrow_usual_and_wide_terminals() {
    let world = mixed().await;
    for columns in [40, 80, 200] {
        let shown = screen(columns, world.home.command(&["plan", "-v"], &world.env())).await;
        assert_snapshot!(format!("plan_{columns}"), world.stable_text(&shown));
    }
}

/// Returns the lines that do not fit, apart from those that hold one id or one command: these stay whole for copying.
fn too_wide(columns: u16, shown: &str) -> Vec<&str> {
    let is_one = |line: &str| {
        let outside_quotes = line.trim().split('`').step_by(2).collect::<Vec<_>>();
        outside_quotes.iter().all(|part| !part.trim().contains(' ')) && outside_quotes.len() <= 3
    };
    shown.lines().filter(|line| line.width() > usize::from(columns) && !is_one(line)).collect()
}

#[tokio::test]
async fn everything_that_is_said_fits_terminals_of_every_width() {
    let world = sample(true).await;
    world.home.write("narrow.yml", &format!("{POLICY}limits: {{max_changes: 1}}\n"));
    world.cloud.fail_in("cn-shanghai", "DescribeVSwitches", Fault::Refused, u32::MAX);
    world.home.write("mistakes.yml", "flow_log: {project: 生产-生产-生产-生产-生产-生产, log_stor: vpc}\n");
    for columns in [40, 80, 120] {
        for arguments in [
            &["plan"][..],
            &["plan", "-v"],
            &["plan", "narrow.yml", "--at", "2026-11-26T21:00+08:00"],
            &["plan", "--out", "no/plan.json"],
            &["report"],
            &["report", "-v"],
            &["report", "--html", "report.html"],
            &["cost"],
            &["cost", "-v"],
            &["explain", "vpc-bp1local0000000000001"],
            &["explain", "vsw-bp1nowhere"],
            &["explain", "bogus-id"],
            &["whoami"],
            &["whoami", "--profile", "nobody"],
            &["check", "mistakes.yml"],
            &["schedule", "office-hours", "--from", "2026-11-01"],
            &["schedule", "office-hours", "--month", "2026-11"],
            &["schedule", "office"],
            &["plan", "--at", "yesterday"],
            &["plan", "--frobnicate", "--region", "cn-hangzhou"],
            &["apply", "plan.json", "--yes"],
            &["init", "--out", "new.yml", "--force"],
            &["remove", "--region", "cn-shanghai", "--yes", "--account", "12"],
        ] {
            let shown = screen(columns, world.home.command(arguments, &world.env())).await;
            assert_eq!(too_wide(columns, &shown), [""; 0], "{columns}: {arguments:?}\n{shown}");
        }
    }
}

#[tokio::test]
async fn a_report_is_summed_up_on_narrow_and_usual_terminals_with_its_seal_once() {
    let world = World::new().await;
    world.cloud.create_vpc(&[("Name", "生产网络")]).await.unwrap();
    let (_, off) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    world.cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".to_owned());
    for columns in [40, 80] {
        let shown = screen(columns, world.home.command(&["report"], &world.env())).await;
        let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("2 = 0 as wanted + 1 exception + 1 finding"), "{shown}");
        assert_eq!(shown.matches("seal SHA-256").count(), 1, "{shown}");
        let seal = shown.split("seal SHA-256").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        assert_snapshot!(format!("report_{columns}"), world.stable_text(&shown.replace(&seal, "SEAL")));
    }
}

#[tokio::test]
async fn progress_says_how_far_it_is_how_fast_and_how_long_it_takes_on_every_width() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.copy_vpc(&vpc, 200);
    world.cloud.fail_in("cn-shanghai", "DescribeVpcs", Fault::Slow(Duration::from_millis(500)), u32::MAX);
    for columns in [40, 100] {
        let mut command = world.home.command(&["plan"], &world.env());
        command.env("TERM", "xterm-256color");
        let seen = tokio::task::spawn_blocking(move || Terminal::run_at(columns, &command).raw()).await.unwrap();
        // The lines of all bars, each filled with blanks to its end, without the orders to the terminal.
        let drawn = seen.split(['\r', '\n', '\u{1b}']).filter(|text| text.contains(" of 2 regions"));
        let is_order = |c: char| c.is_ascii_alphanumeric() || c == '[';
        let progress: Vec<_> = drawn.map(|text| text.trim_start_matches(is_order)).collect();
        assert!(progress.iter().any(|text| text.contains("1 of 2 regions, ") && text.contains(" s left")), "{seen:?}");
        let says_rate = progress.iter().any(|text| text.contains(" pages, ") && text.contains(" a second"));
        assert_eq!(says_rate, columns == 100, "{progress:?}");
        assert!(progress.iter().all(|text| text.width() % usize::from(columns) == 0), "{progress:?}");
    }
}

#[tokio::test]
async fn a_warning_of_the_client_fits_the_terminal_and_is_said_once() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.set_clock_ahead(Duration::from_secs(3600));
    for columns in [40, 80] {
        let shown = screen(columns, world.home.command(&["plan"], &world.env())).await;
        let warning = shown.matches("warning: the clock of this machine is").count();
        assert!(warning == 1 && !shown.contains("openapi::"), "{shown}");
        assert_eq!(too_wide(columns, &shown), [""; 0], "{shown}");
    }
}

#[tokio::test]
async fn the_log_leaves_no_progress_behind() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.fail("DescribeVpcs", Fault::Slow(Duration::from_millis(200)), u32::MAX);
    let shown = screen(80, world.home.command(&["plan", "-vv"], &world.env())).await;
    assert!(shown.contains("DEBUG ") && !shown.contains(" of 2 regions"), "{shown}");
}

#[tokio::test]
async fn a_plan_is_applied_by_a_person_who_types_the_account() {
    let world = World::new().await;
    world.cloud.create_vpc(&[("Name", "生产网络")]).await.unwrap();
    let mut command = world.home.command(&["apply"], &world.env());
    command.env("TERM", "xterm-256color");
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::run_at(80, &command);
        terminal.wait_for("id to make this change:");
        terminal.type_line("1000000000000001");
        terminal.screen()
    });
    assert_snapshot!("apply_80", world.stable_text(&shown.await.unwrap()));
    assert_eq!(world.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_resource_is_explained_on_narrow_and_usual_terminals() {
    let world = World::new().await;
    let (vpc, _) = world.kept_vpc(&[("env", "dev")], &[]).await;
    for columns in [40, 80, 200] {
        let arguments = ["explain", &vpc, "--at", "2026-11-26T10:00Z"];
        let shown = screen(columns, world.home.command(&arguments, &world.env())).await;
        assert_snapshot!(format!("explain_{columns}"), world.stable_text(&shown));
    }
}

#[tokio::test]
async fn schedules_and_mistakes_fit_the_terminal() {
    for columns in [40, 80, 200] {
        let month = ["schedule", "nights", "--month", "2026-11"];
        assert_snapshot!(format!("schedule_{columns}"), example(columns, &month).await);
        let list = ["schedule", "nights", "--from", "2026-10-30", "--days", "4"];
        assert_snapshot!(format!("schedule_list_{columns}"), example(columns, &list).await);
        assert_snapshot!(format!("check_{columns}"), example(columns, &["check", "mistakes.yml"]).await);
    }
}

#[tokio::test]
async fn a_person_asks_who_they_are_and_begins_with_a_policy() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    for columns in [40, 80, 200] {
        let whoami = screen(columns, world.home.command(&["whoami"], &world.env())).await;
        assert_snapshot!(format!("whoami_{columns}"), world.stable_text(&whoami));
    }
    let init = screen(80, world.home.command(&["init", "--out", "new.yml"], &world.env())).await;
    assert_snapshot!("init_80", world.stable_text(&init));
}

#[tokio::test]
async fn ctrl_c_on_the_terminal_ends_the_work_between_two_writes_and_says_what_was_not_made() {
    let world = World::new().await;
    let first = world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.copy_vpc(&first, 29);
    world.cloud.fail("CreateFlowLog", Fault::Slow(Duration::from_millis(300)), u32::MAX);
    let mut command = world.home.command(&["apply"], &world.env());
    command.env("TERM", "xterm-256color");
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::run(&command);
        terminal.wait_for("id to make these 30 changes:");
        terminal.type_line("1000000000000001");
        terminal.wait_for("CreateFlowLog vpc-");
        terminal.interrupt();
        terminal.screen()
    });
    let shown = shown.await.unwrap();
    let made = world.cloud.flow_logs().len();
    assert!((1..30).contains(&made), "{made}\n{shown}");
    let said = format!("Interrupted: {made} made, 0 failed, 0 stale, {} not made.", 30 - made);
    assert!(shown.contains(&said) && shown.ends_with("---- exit code 130\n"), "{shown}");
}

#[tokio::test]
async fn ctrl_c_ends_what_only_reads_at_once_and_says_that_nothing_was_changed() {
    let world = World::new().await;
    world.cloud.fail("DescribeVpcs", Fault::Hang, u32::MAX);
    for arguments in [&["plan"][..], &["report"], &["explain", "vpc-1"]] {
        let mut command = world.home.command(arguments, &world.env());
        command.env("TERM", "xterm-256color");
        let before = world.cloud.calls_of("DescribeVpcs").len();
        let (begun, waited) = std::sync::mpsc::channel();
        let session = tokio::task::spawn_blocking(move || {
            let mut terminal = Terminal::run(&command);
            waited.recv().unwrap();
            terminal.interrupt();
            terminal.screen()
        });
        world.cloud.wait_until("it reads", |it| it.calls_of("DescribeVpcs").len() > before).await.unwrap();
        begun.send(()).unwrap();
        let shown = session.await.unwrap();
        let end = "note: interrupted: nothing was changed\n---- exit code 130\n";
        assert!(shown.ends_with(end), "{arguments:?}: {shown}");
    }
}

/// What the screen shows at the end if Ctrl-C is pressed once `question` is there, or `action` was called.
async fn interrupted(world: &World, arguments: &[&str], until: Until) -> String {
    let mut command = world.home.command(arguments, &world.env());
    command.env("TERM", "xterm-256color");
    let before = |action: &str| world.cloud.calls_of(action).len();
    let calls = if let Until::Called(action) = until { before(action) } else { 0 };
    let (begun, waited) = std::sync::mpsc::channel();
    let session = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::run_at(80, &command);
        match until {
            Until::Asked(question) => terminal.wait_for(question),
            Until::Called(_) => waited.recv().unwrap(),
        }
        terminal.interrupt();
        terminal.screen()
    });
    if let Until::Called(action) = until {
        world.cloud.wait_until("it reads", |it| it.calls_of(action).len() > calls).await.unwrap();
        begun.send(()).unwrap();
    }
    session.await.unwrap()
}

/// When a person presses Ctrl-C.
#[derive(Debug, Clone, Copy)]
enum Until {
    Asked(&'static str),
    Called(&'static str),
}

#[tokio::test]
async fn ctrl_d_at_the_question_is_no_answer() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    let mut command = world.home.command(&["apply"], &world.env());
    command.env("TERM", "xterm-256color");
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::run_at(80, &command);
        terminal.wait_for("id to make this change:");
        terminal.end_input();
        terminal.screen()
    });
    let shown = shown.await.unwrap();
    assert!(shown.contains("\nerror: nothing was changed: no answer\n"), "{shown}");
    assert_eq!(world.cloud.flow_logs().len(), 0);
}

#[tokio::test]
async fn help_fits_each_terminal_and_its_examples_can_be_copied() {
    let home = Home::new();
    for subcommand in SUBCOMMANDS {
        let arguments = [subcommand, "--help"];
        let whole = home.run(&arguments, &[]).good();
        let commands = |help: &str| {
            let (_, examples) = help.split_once("Examples:\n").unwrap();
            let examples = examples.replace(" \\\n      ", " ");
            examples.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>()
        };
        for columns in [40, 80] {
            let shown = screen(columns, home.command(&arguments, &[])).await;
            assert_eq!(commands(&shown), commands(&whole), "{columns}: {shown}");
            // A usage is one line, as clap has it.
            let (_, parts) = shown.split_once("\nUsage: ").unwrap();
            let parts = parts.split_once('\n').unwrap().1;
            assert_eq!(too_wide(columns, parts), [""; 0], "{columns}: {shown}");
            // The last two are a blank line and the exit code.
            assert!(columns < 80 || shown.trim_end().lines().count() <= 24 + 2, "{shown}");
        }
    }
}

#[tokio::test]
async fn ctrl_c_before_or_at_the_question_says_that_nothing_was_changed() {
    let world = World::new().await;
    world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    world.run(&["plan", "--out", "plan.json"]).await.good();
    let before = world.cloud.calls().len();
    let end = "\nnote: interrupted: nothing was changed\n---- exit code 130\n";
    for (arguments, question) in [
        (&["apply"][..], "id to make this change:"),
        (&["apply", "-q"], "id to make this change:"),
        (&["apply", "plan.json"], "id to make this change:"),
        (&["remove"], "id to make this deletion:"),
    ] {
        let shown = interrupted(&world, arguments, Until::Asked(question)).await;
        let asked = shown.lines().find(|line| line.contains(question)).unwrap();
        assert!(asked.contains("^C") && shown.ends_with(end), "{arguments:?}: {shown}");
    }
    world.cloud.fail("DescribeFlowLogs", Fault::Hang, u32::MAX);
    for arguments in [&["apply"][..], &["remove"], &["apply", "--yes", "--account", "1000000000000001"]] {
        let shown = interrupted(&world, arguments, Until::Called("DescribeFlowLogs")).await;
        assert!(shown.ends_with(end), "{arguments:?}: {shown}");
    }
    assert_eq!(world.writes_after(before), [""; 0]);
}

#[tokio::test]
async fn the_answer_stands_beside_the_question_on_every_terminal() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.copy_vpc(&vpc, 11);
    for columns in [40, 60, 80, 100] {
        let mut command = world.home.command(&["apply"], &world.env());
        command.env("TERM", "xterm-256color");
        let shown = tokio::task::spawn_blocking(move || {
            let mut terminal = Terminal::run_at(columns, &command);
            terminal.wait_for("changes:");
            terminal.type_line("1000000000000002");
            terminal.screen()
        });
        let shown = shown.await.unwrap();
        let answered = shown.lines().find(|line| line.ends_with("changes: 1000000000000002"));
        assert!(answered.is_some_and(|line| line.width() <= usize::from(columns)), "{columns}: {shown}");
    }
}

#[tokio::test]
async fn a_second_ctrl_c_ends_at_once_and_says_which_write_nobody_waited_for() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.fail("CreateFlowLog", Fault::HangAfterEffect, u32::MAX);
    let mut command = world.home.command(&["apply"], &world.env());
    command.env("TERM", "xterm-256color");
    let cloud = &world.cloud;
    let (begun, waited) = std::sync::mpsc::channel();
    let session = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::run(&command);
        terminal.wait_for("id to make this change:");
        terminal.type_line("1000000000000001");
        // The answer never comes, so the first interruption waits for it.
        waited.recv().unwrap();
        terminal.interrupt();
        terminal.wait_for("again to end at once");
        terminal.interrupt();
        terminal.screen()
    });
    cloud.wait_until("the write has begun", |it| !it.calls_of("CreateFlowLog").is_empty()).await.unwrap();
    begun.send(()).unwrap();
    let shown = session.await.unwrap();
    let unknown = format!("unknown CreateFlowLog {vpc}: it was begun, and nobody waited for its end");
    assert!(shown.contains(&unknown), "{shown}");
    assert!(shown.contains("Interrupted: 0 made, 0 failed, 0 stale, 1 not made."), "{shown}");
    assert!(shown.ends_with("---- exit code 130\n"), "{shown}");
}

#[tokio::test]
async fn a_terminal_is_in_color_unless_no_color_is_set() {
    for (name, is_colored) in [("UNRELATED", true), ("NO_COLOR", false)] {
        let mut command = Home::new().command(&["check", "mistakes.yml"], &[(name, "1"), ("TERM", "xterm-256color")]);
        command.current_dir(repository().join("shared/command/examples"));
        let seen = tokio::task::spawn_blocking(move || Terminal::run(&command).raw()).await.unwrap();
        assert_eq!(seen.contains("\u{1b}[1m"), is_colored, "{seen:?}");
    }
}
