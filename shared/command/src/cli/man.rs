//! `flowkeeper man`.

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory as _};

use crate::{cli::Cli, context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  flowkeeper man | man -l -
  flowkeeper man --dir ~/.local/share/man/man1";

/// Print the manual.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// Write the page of each subcommand into this folder instead
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut command = Cli::command();
        command.build();
        let Some(dir) = &self.dir else {
            let page = page(command);
            return context
                .terminal
                .print_data(&page.map_err(|error| Failure::failed(format!("{error}"), "report it"))?);
        };
        let failed = |error: io::Error| {
            Failure::failed(
                format!("{} cannot be written: {error}", dir.display()),
                "name a folder that can be written",
            )
        };
        fs::create_dir_all(dir).map_err(failed)?;
        let mut pages = vec![command.clone()];
        pages.extend(command.get_subcommands().map(|subcommand| {
            let name: &'static str = format!("flowkeeper-{}", subcommand.get_name()).leak();
            subcommand.clone().name(name)
        }));
        let count = pages.len();
        for found in pages {
            let file = dir.join(format!("{}.1", found.get_name()));
            fs::write(file, page(found).map_err(failed)?).map_err(failed)?;
        }
        context.terminal.note(format_args!("{count} pages in {}", dir.display()));
        Ok(())
    }
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(unfilled(&String::from_utf8_lossy(&page)))
}

/// Keeps the lines of the examples, which would be filled up like those of a paragraph.
fn unfilled(page: &str) -> String {
    let Some((before, rest)) = page.split_once("\n.SH EXTRA\n") else {
        return page.to_owned();
    };
    let (examples, after) = rest.split_once("\n.SH ").unwrap_or((rest, ""));
    let examples = examples.strip_prefix("Examples:\n").unwrap_or(examples);
    let end = if after.is_empty() { String::new() } else { format!("\n.SH {after}") };
    format!("{before}\n.SH EXAMPLES\n.nf\n{examples}\n.fi{end}")
}
