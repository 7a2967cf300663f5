//! Lists all flow logs, as a function does, and prints their number and the peak memory.
//!
//! Settings: `LIST_CLOUD` (`127.0.0.1:port`).

use std::{
    error::Error,
    fs,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use openapi::{Client, ClientSettings, Clock, Credentials, FlowLogFilter, Rng};
use settings::Settings;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings = ClientSettings::read(&Settings::from_pairs([("FLOWKEEPER_ENDPOINT", endpoint())]))?;
    let machine = Arc::new(Hurried::default());
    let client = Client::new(settings, Arc::<Hurried>::clone(&machine), machine);
    let key = Credentials::new("example", "example");
    let session = client.session(key, "1000000000000001".parse()?, "cn-hangzhou".parse()?, None);
    let mut flow_logs = session.flow_logs(&FlowLogFilter::default());
    let mut count = 0_usize;
    while flow_logs.try_next().await?.is_some() {
        count += 1;
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    {
        println!("{count} {}", peak.trim());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is the process's edge")]
fn endpoint() -> String {
    format!("http://{}", std::env::var("LIST_CLOUD").unwrap_or_default())
}

/// A machine on which waiting for the quota takes no real time: two hundred pages would take half a minute.
#[derive(Debug, Default)]
struct Hurried(Mutex<(Timestamp, u128)>);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += duration;
        Box::pin(ready(()))
    }
}

impl Rng for Hurried {
    fn random(&self) -> u128 {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.1 += 1;
        drawn.1
    }
}
