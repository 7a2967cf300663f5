//! `flowkeeper completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{cli::Cli, context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  flowkeeper completions bash > ~/.local/share/bash-completion/completions/flowkeeper
  flowkeeper completions zsh > \"${fpath[1]}/_flowkeeper\"
  flowkeeper completions fish > ~/.config/fish/completions/flowkeeper.fish";

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "flowkeeper", &mut script);
        context.terminal.print_data(&String::from_utf8_lossy(&script))
    }
}
