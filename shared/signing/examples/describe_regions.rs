//! Prints a signed call of `DescribeRegions` as a curl command.
//!
//! ```sh
//! cargo run -p signing --example describe_regions -- ACCESS_KEY_ID ACCESS_KEY_SECRET NONCE
//! ```

use std::{
    env,
    io::{self, Write as _},
};

use jiff::Timestamp;
use signing::{Call, Credentials};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(id), Some(secret), Some(nonce)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err(io::Error::other("want an access key id, its secret, and text that was never used before"));
    };
    #[expect(clippy::disallowed_methods, reason = "the edge of a process")]
    let now = Timestamp::now();
    let call = Call { action: "DescribeRegions", version: "2014-05-26", query: &[], form: &[] };
    let form = signing::rpc::signed_form(call, &Credentials::new(id, secret), now, &nonce);
    writeln!(io::stdout(), "curl https://ecs.aliyuncs.com/ --data '{form}'")
}
