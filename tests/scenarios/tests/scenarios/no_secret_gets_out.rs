use local_cloud::{CredentialsIn, Fault, Options, What};
use scenarios::{CREATE_FLOW_LOG, cloud, vpc_created};

/// What must never be seen: the marks that the cloud's temporary keys carry.
#[tokio::test]
async fn whatever_goes_wrong_no_key_is_in_a_line_or_an_answer() {
    for credentials in [CredentialsIn::Headers, CredentialsIn::Environment] {
        let environment = [("FLOWKEEPER_LOG".to_owned(), "trace".to_owned())].into();
        let cloud = cloud(Options { credentials, environment, ..Options::default() }).await.unwrap();
        for fault in [Fault::Refused, Fault::Throttled, Fault::InternalError, Fault::Reset, Fault::AnswerLost] {
            cloud.fail("DescribeFlowLogs", fault, 1);
            cloud.create_vpc(&[]).await.unwrap();
            cloud.settled().await.unwrap();
        }
        cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
        cloud.invoke(CREATE_FLOW_LOG, vpc_created("vpc-0").to_string().replace("vpc-0", "x").as_bytes()).await.unwrap();

        let secrets = cloud.function_secrets();
        assert!(!secrets.is_empty());
        for entry in cloud.journal() {
            let seen = match entry.what {
                What::Line { text, .. } => text,
                What::Invocation(invocation) => format!("{}{}", invocation.body, invocation.lines.join("\n")),
                What::DeadLetter(letter) => letter.payload.to_string(),
                _ => continue,
            };
            for secret in &secrets {
                assert!(!seen.contains(secret.as_str()), "a secret is in: {seen}");
            }
        }
    }
}
