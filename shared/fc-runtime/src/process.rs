//! The settings of the process itself, whatever function it runs.

use crate::{InvalidSettings, LogFilter, Settings};

/// What Function Compute expects if nothing else is said.
const DEFAULT_PORT: u16 = 9000;

/// The settings of the process itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProcessSettings {
    pub(crate) port: u16,
    pub(crate) filter: LogFilter,
    pub(crate) markers: bool,
}

impl ProcessSettings {
    /// Those that a user may set, beside the function's own.
    pub(crate) const NAMES: [&str; 2] = ["FLOWKEEPER_LOG", "FLOWKEEPER_MARKERS"];

    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let port = invalid.note(port(settings));
        let filter = invalid.note(settings.parse("FLOWKEEPER_LOG", str::parse::<LogFilter>));
        let markers = invalid.note(settings.parse("FLOWKEEPER_MARKERS", |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("want on or off"),
        }));
        match (port, filter, markers) {
            (Some(port), Some(filter), Some(markers)) => {
                Ok(Self { port, filter: filter.unwrap_or_default(), markers: markers.unwrap_or(true) })
            }
            _ => Err(invalid),
        }
    }
}

/// The documented name first: the other may be baked into the image. What is not read is not judged.
fn port(settings: &Settings) -> Result<u16, InvalidSettings> {
    for name in ["FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT"] {
        let port = settings.parse(name, |text| {
            text.parse().ok().filter(|port| *port != 0).ok_or("want a port, a number from 1 to 65535")
        })?;
        if let Some(port) = port {
            return Ok(port);
        }
    }
    Ok(DEFAULT_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_of<const N: usize>(pairs: [(&str, &str); N]) -> Result<u16, String> {
        port(&Settings::from_pairs(pairs)).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn the_listen_port_comes_before_the_server_port_and_both_before_9000() {
        const LISTEN: &str = "FC_CUSTOM_LISTEN_PORT";
        const SERVER: &str = "FC_SERVER_PORT";
        assert_eq!(port_of([(LISTEN, "8001"), (SERVER, "8002")]), Ok(8001));
        assert_eq!(port_of([(LISTEN, ""), (SERVER, "8002")]), Ok(8002));
        assert_eq!(port_of([(SERVER, "8002")]), Ok(8002));
        assert_eq!(port_of([(LISTEN, ""), (SERVER, "")]), Ok(9000));
        assert_eq!(port_of([]), Ok(9000));
    }

    #[test]
    fn a_bad_port_a_bad_filter_and_a_bad_switch_are_named_at_once() {
        let settings = Settings::from_pairs([
            ("FC_CUSTOM_LISTEN_PORT", "65536"),
            ("FLOWKEEPER_LOG", "loud"),
            ("FLOWKEEPER_MARKERS", "yes"),
        ]);
        assert_eq!(
            ProcessSettings::from_settings(&settings).unwrap_err().to_string(),
            "invalid settings: FC_CUSTOM_LISTEN_PORT is \"65536\": want a port, a number from 1 to 65535; \
             FLOWKEEPER_LOG is \"loud\": want a level (off, error, warn, info, debug, trace) or a list such as \
             warn,openapi=debug; FLOWKEEPER_MARKERS is \"yes\": want on or off"
        );
    }

    #[test]
    fn port_0_is_no_port() {
        assert!(port_of([("FC_CUSTOM_LISTEN_PORT", "0")]).is_err());
    }
}
