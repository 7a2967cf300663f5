//! Prints the JSON Schema of a policy.
//!
//! ```sh
//! cargo run -q -p flow-log --example schema > docs/policy.schema.json
//! ```

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&flow_log::policy::schema())?)
}
