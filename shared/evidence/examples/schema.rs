//! Prints the JSON Schema of evidence: `cargo run -p evidence --example schema > docs/evidence.schema.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let schema = serde_json::to_string_pretty(&evidence::schema())?;
    writeln!(io::stdout(), "{schema}")
}
