//! The settings of the process itself, whichever function it runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use settings::{InvalidSettings, Settings};

use crate::LogFilter;

/// Function Compute's default.
const DEFAULT_PORT: u16 = 9000;

/// The settings of the process itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProcessSettings {
    pub(crate) address: SocketAddr,
    pub(crate) filter: LogFilter,
    pub(crate) markers: bool,
}

impl ProcessSettings {
    /// Reads the settings. All names but those of the port begin with `prefix`.
    pub(crate) fn from_settings(settings: &Settings, prefix: &str) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let [listen_address, log, markers] = setting_names(prefix);
        let port = invalid.collect(port(settings));
        let address = invalid.collect(settings.parse(&listen_address, |text| {
            text.parse::<IpAddr>().map_err(|_| "want an address of this machine, such as 0.0.0.0 (all) or 127.0.0.1")
        }));
        let filter = invalid.collect(settings.parse(&log, str::parse::<LogFilter>));
        let markers = invalid.collect(settings.parse(&markers, |text| match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err("want on or off"),
        }));
        match (port, address, filter, markers) {
            (Some(port), Some(address), Some(filter), Some(markers)) => Ok(Self {
                // Function Compute calls from another machine.
                address: SocketAddr::new(address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), port),
                filter: filter.unwrap_or_default(),
                markers: markers.unwrap_or(true),
            }),
            _ => Err(invalid),
        }
    }
}

/// Returns the names of the settings that the runtime itself reads, for a function whose settings begin with `prefix`.
#[must_use]
pub fn setting_names(prefix: &str) -> [String; 3] {
    ["LISTEN_ADDRESS", "LOG", "MARKERS"].map(|name| format!("{prefix}{name}"))
}

/// The documented name wins, because the other one may be baked into the image. A setting that is not used is not
/// validated.
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
    fn it_listens_on_all_addresses_unless_another_one_is_set() {
        let address_of = |pairs: &[(&str, &str)]| {
            ProcessSettings::from_settings(&Settings::from_pairs(pairs.iter().copied()), "APP_")
                .map(|it| it.address.to_string())
        };
        assert_eq!(address_of(&[]), Ok("0.0.0.0:9000".to_owned()));
        assert_eq!(address_of(&[("APP_LISTEN_ADDRESS", "")]), Ok("0.0.0.0:9000".to_owned()));
        assert_eq!(address_of(&[("APP_LISTEN_ADDRESS", "127.0.0.1")]), Ok("127.0.0.1:9000".to_owned()));
        let both = [("APP_LISTEN_ADDRESS", "::1"), ("FC_CUSTOM_LISTEN_PORT", "80")];
        assert_eq!(address_of(&both), Ok("[::1]:80".to_owned()));
        for bad in ["localhost", "127.0.0.1:80", "127.0.0", "*", "eth0"] {
            let said = address_of(&[("APP_LISTEN_ADDRESS", bad)]).unwrap_err().to_string();
            assert!(said.contains(&format!("APP_LISTEN_ADDRESS is {bad:?}: want an address")), "{said}");
        }
    }

    #[test]
    fn a_bad_port_a_bad_filter_and_a_bad_switch_are_named_at_once() {
        let settings =
            Settings::from_pairs([("FC_CUSTOM_LISTEN_PORT", "65536"), ("APP_LOG", "loud"), ("APP_MARKERS", "yes")]);
        assert_eq!(
            ProcessSettings::from_settings(&settings, "APP_").unwrap_err().to_string(),
            "invalid settings: FC_CUSTOM_LISTEN_PORT is \"65536\": want a port, a number from 1 to 65535; \
             APP_LOG is \"loud\": want a level (off, error, warn, info, debug, trace) or a list such as \
             warn,openapi=debug; APP_MARKERS is \"yes\": want on or off"
        );
    }

    #[test]
    fn port_0_is_no_port() {
        assert!(port_of([("FC_CUSTOM_LISTEN_PORT", "0")]).is_err());
    }
}
