//! Reads a request as JSON on stdin and prints what its signature is made from, as JSON.
//!
//! What one needs in the face of `SignatureDoesNotMatch`: compare `string_to_sign` with the text that the server
//! answers.
//!
//! ```sh
//! echo '{"algorithm":"hmac-sha1","method":"GET","params":{"Action":"DescribeRegions"},"access_key_secret":"testsecret"}' |
//!     cargo run -p signing --example sign
//! ```

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Write as _},
};

use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(tag = "algorithm", deny_unknown_fields)]
enum Request {
    #[serde(rename = "hmac-sha1")]
    HmacSha1 { method: String, params: BTreeMap<String, String>, access_key_secret: String },
}

fn main() -> Result<(), Box<dyn Error>> {
    let request: Request = serde_json::from_reader(io::stdin())?;
    let answer = match request {
        Request::HmacSha1 { method, params, access_key_secret } => {
            let params: Vec<_> = params.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            let signed = signing::rpc::sign(&method, &params, &access_key_secret);
            json!({
                "canonicalized_query_string": signed.canonicalized_query_string,
                "string_to_sign": signed.string_to_sign,
                "signature": signed.signature,
            })
        }
    };
    serde_json::to_writer_pretty(io::stdout(), &answer)?;
    writeln!(io::stdout())?;
    Ok(())
}
