//! The log filter: which events are logged.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Which events are logged.
///
/// Either a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or a list of `target=level` with a level for the
/// rest: `warn,openapi=debug`. The longest target that is a prefix of an event's target applies.
///
/// A single word that is not a level is rejected, although `tracing` would read it as a target: it is a misspelled
/// level, and would silence everything else.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFilter {
    targets: Targets,
}

impl LogFilter {
    pub(super) fn targets(&self) -> &Targets {
        &self.targets
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self { targets: Targets::new().with_default(LevelFilter::INFO) }
    }
}

impl FromStr for LogFilter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim) {
            let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
            // `tracing` reads an empty level as `error`.
            let level: LevelFilter = Some(level)
                .filter(|level| !level.is_empty())
                .and_then(|level| level.parse().ok())
                .ok_or(InvalidFilter)?;
            targets = match target {
                Some("") => return Err(InvalidFilter),
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            };
        }
        Ok(Self { targets })
    }
}

/// A filter that is neither a level nor a list of `target=level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("want a level (off, error, warn, info, debug, trace) or a list such as warn,openapi=debug")]
pub struct InvalidFilter;

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    fn enables(filter: &str, target: &str, level: Level) -> bool {
        filter.parse::<LogFilter>().unwrap().targets.would_enable(target, &level)
    }

    #[test]
    fn the_longest_target_decides_and_a_level_holds_for_the_rest() {
        assert!(enables("warn,openapi=debug", "openapi::retry", Level::DEBUG));
        assert!(!enables("warn,openapi=debug", "reconcile", Level::INFO));
        assert!(enables("warn, openapi=off", "reconcile", Level::WARN));
        assert!(!enables("warn, openapi=off", "openapi", Level::ERROR));
        assert!(!enables("off", "openapi", Level::ERROR));
    }

    #[test]
    fn a_misspelled_level_is_refused() {
        for wrong in ["inof", "openapi=loud", "=info", "", "info,", "openapi"] {
            assert_eq!(wrong.parse::<LogFilter>(), Err(InvalidFilter), "{wrong:?}");
        }
    }
}
