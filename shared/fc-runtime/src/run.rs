//! A process around a function.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::chain;
use crate::process::ProcessSettings;
use crate::{Function, InvalidSettings, Log, Server, Settings, server::panic};

/// What a program exits with if it was set up wrongly: `EX_USAGE` of BSD's `sysexits.h`.
const BAD_SETTINGS: u8 = 64;

/// Runs a function as a process, until SIGTERM.
///
/// Listens on `LISTEN_ADDRESS`, by default on all addresses, at `FC_CUSTOM_LISTEN_PORT`, else `FC_SERVER_PORT`, else
/// 9000. `LOG` says what is logged ([`LogFilter`](crate::LogFilter), default `info`), and `MARKERS` (`on`, `off`, default
/// `on`) whether with Function Compute's marker lines ([`Log::with_markers`]). These three names begin with
/// [`Function::SETTINGS_PREFIX`].
///
/// Exits with 0 after SIGTERM, once what ran has ended or 10 seconds are over; with 64 if settings are bad, the
/// function's or these, all of which are then named on stderr; with 1 if the port cannot be listened on.
///
/// To be called in a tokio runtime with I/O and time: `#[tokio::main(flavor = "current_thread")]`.
pub async fn run<F: Function>() -> ExitCode {
    match serve::<F>().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is gone as well there is nobody left to tell but the exit status.
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
            Self::Settings(_) => BAD_SETTINGS.into(),
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
        // Refused only if the process has a subscriber already, which is then the one to log to.
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
