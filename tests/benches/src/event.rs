//! Invocations, as Function Compute sends them.

const CREATED: &str = include_str!("../../fixtures/events/actiontrail-create-vpc.json");
const IGNORED: &str = include_str!("../../fixtures/events/actiontrail-delete-vpc.json");
const TIMER: &str = include_str!("../../fixtures/events/fc-timer.json");

/// The account id that the fixtures use.
const ACCOUNT: &str = "1000000000000001";

/// A job: the event of a new VPC.
pub(crate) fn job() -> Vec<u8> {
    request(CREATED, ACCOUNT, "60")
}

/// The same job in each of this many accounts.
///
/// The API's quotas apply per account, and the client keeps within them: with a single account it would have to wait.
pub(crate) fn jobs(accounts: usize) -> Vec<Vec<u8>> {
    (0..accounts)
        .map(|nth| {
            let account = format!("1{nth:015}");
            request(&CREATED.replace(ACCOUNT, &account), &account, "60")
        })
        .collect()
}

/// The event of a deleted VPC, which `create-flow-log` ignores.
pub(crate) fn ignored() -> Vec<u8> {
    request(IGNORED, ACCOUNT, "60")
}

/// The event of a timer, with the longest timeout of Function Compute: a day.
pub(crate) fn timer() -> Vec<u8> {
    request(TIMER, ACCOUNT, "86400")
}

/// Any other event.
pub(crate) fn of(event: &str) -> Vec<u8> {
    request(event, ACCOUNT, "60")
}

fn request(event: &str, account: &str, timeout: &str) -> Vec<u8> {
    let length = event.len();
    format!(
        "POST /invoke HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         x-fc-request-id: 1-00000000-00000000-000000000001\r\nx-fc-function-name: create-flow-log\r\n\
         x-fc-function-handler: index.handler\r\nx-fc-function-memory: 128\r\nx-fc-function-timeout: {timeout}\r\n\
         x-fc-account-id: {account}\r\nx-fc-region: cn-hangzhou\r\nx-fc-control-path: /invoke\r\n\
         x-fc-access-key-id: STS.example0000000000000001\r\nx-fc-access-key-secret: example0000000000000000000001\r\n\
         x-fc-security-token: CAISexampleexampleexampleexampleexampleexampleexampleexample\r\n\r\n{event}"
    )
    .into_bytes()
}
