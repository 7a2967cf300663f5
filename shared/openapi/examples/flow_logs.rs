//! Lists the flow logs of a region. Against a local cloud:
//!
//! ```sh
//! cargo lc serve --port 9900 &
//! cargo run -p openapi --example flow_logs -- http://127.0.0.1:9900 test test-secret
//! ```

use std::{error::Error, io::Write as _, sync::Arc};

use openapi::{Client, ClientSettings, Credentials, FlowLogFilter, OsRng, SystemClock};
use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, id, secret] = &arguments[..] else { return Err("want an endpoint, a key id and its secret".into()) };
    let settings = ClientSettings::read(&Settings::from_pairs([("FLOWKEEPER_ENDPOINT", endpoint)]))?;
    let client = Client::new(settings, Arc::new(SystemClock), Arc::new(OsRng));
    let credentials = Credentials::new(id, secret);
    let session = client.session(credentials, "1000000000000001".parse()?, "cn-hangzhou".parse()?, None);
    let listing = session.describe_flow_logs(&FlowLogFilter::default()).await?;
    for flow_log in listing.items {
        writeln!(std::io::stdout(), "{} on {} is {}", flow_log.id, flow_log.resource_id, flow_log.status)?;
    }
    Ok(())
}
