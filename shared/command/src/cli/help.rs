//! The forms of help: a screen has 24 lines, and blank ones are for the parts that matter.

/// The help of a command with subcommands.
pub(crate) const OF_ALL: &str = "\
{about}
{usage-heading} {usage}
Commands:
{subcommands}
Options:
{options}{after-help}";

/// The help of a subcommand that takes arguments.
pub(crate) const WITH_ARGUMENTS: &str = "\
{about}
{usage-heading} {usage}

Arguments:
{positionals}
Options:
{options}{after-help}";

/// The help of a subcommand that takes options alone.
pub(crate) const WITH_OPTIONS: &str = "\
{about}
{usage-heading} {usage}
Options:
{options}{after-help}";
