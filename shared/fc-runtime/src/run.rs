//! Runs a function as a process.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};

use settings::{InvalidSettings, Settings};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Function, Log, Server, failure::chain, process::ProcessSettings, server::panic};

/// The exit code for invalid settings: `EX_USAGE` of BSD's `sysexits.h`.
const EX_USAGE: u8 = 64;

/// Runs a function as a process, until SIGTERM.
///
/// Listens on `LISTEN_ADDRESS` (default: all addresses) and on the port `FC_CUSTOM_LISTEN_PORT`, else `FC_SERVER_PORT`,
/// else 9000. `LOG` sets the log filter ([`LogFilter`](crate::LogFilter), default `info`). `MARKERS` (`on` or `off`,
/// default `on`) controls Function Compute's marker lines ([`Log::with_markers`]). The names of `LISTEN_ADDRESS`, `LOG`
/// and `MARKERS` begin with [`Function::SETTINGS_PREFIX`].
///
/// Exits with 0 after SIGTERM, once all work has ended or 10 seconds have passed. Exits with 64 if settings are invalid,
/// and lists all of them on stderr. Exits with 1 if it cannot listen on the port.
///
/// Must be called in a tokio runtime with I/O and time: `#[tokio::main(flavor = "current_thread")]`.
pub async fn run<F: Function>() -> ExitCode {
    match serve::<F>().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is gone too, only the exit code is left to report the error.
            let _ = writeln!(io::stderr(), "{}", chain(&error));
            error.exit_code()
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum CannotStart {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot wait for SIGTERM")]
    Signal(#[source] io::Error),
}

impl CannotStart {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) => EX_USAGE.into(),
            Self::Listen { .. } | Self::Signal(_) => ExitCode::FAILURE,
        }
    }
}

async fn serve<F: Function>() -> Result<(), CannotStart> {
    let settings = Settings::from_process();
    let log = Log::stdout();
    let mut invalid = InvalidSettings::default();
    let process = invalid.collect(ProcessSettings::from_settings(&settings, F::SETTINGS_PREFIX));
    if let Some(process) = &process {
        // Fails only if the process already has a subscriber, which is then the one to log to.
        let _ = tracing::subscriber::set_global_default(log.subscriber(process.filter.clone()));
        panic::log_panics();
    }
    let function = invalid.collect(F::from_settings(&settings));
    let (Some(process), Some(function)) = (process, function) else { return Err(invalid.into()) };

    let mut terminate = signal(SignalKind::terminate()).map_err(CannotStart::Signal)?;
    let address = process.address;
    let server = Server::bind(address).await.map_err(|source| CannotStart::Listen { address, source })?;
    let shutdown = async move {
        terminate.recv().await;
    };
    server.with_log(log.with_markers(process.markers)).serve(function, &settings, shutdown).await;
    Ok(())
}
