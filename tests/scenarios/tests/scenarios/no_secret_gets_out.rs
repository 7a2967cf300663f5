use std::time::Duration;

use local_cloud::{CredentialsIn, Fault, LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE, What};
use scenarios::{
    ACTIVATE, CREATE_ECR, CREATE_FLOW_LOG, DEACTIVATE, DELETE_ORPHANED, OPEN_SERVICE, REMEDIATE, TIMER, cloud,
    vpc_created, whole_cloud,
};

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

        assert_no_secret_is_seen(&cloud);
    }
}

/// The keys of the functions' roles, and those that they buy in the second account.
#[tokio::test]
async fn no_function_shows_a_key_of_its_own_or_one_that_it_has_bought() {
    let policy = format!(
        "flow_log: {{project: flowlog, log_store: vpc}}\n\
         regions: [cn-hangzhou, cn-shanghai]\n\
         accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n\
         ecr_flow_log: {{project: ecr-flowlog, log_store: ecr}}\n"
    );
    for (credentials, signature) in
        [(CredentialsIn::Headers, "acs3-hmac-sha256"), (CredentialsIn::Environment, "hmac-sha1")]
    {
        let settings = [("FLOWKEEPER_LOG", "trace"), ("FLOWKEEPER_SIGNATURE", signature)];
        let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let options = Options { credentials, environment, policy: Some(policy.clone()), ..Options::default() };
        let cloud = whole_cloud(options).await.unwrap();
        for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
            let there = cloud.operator(account, "cn-hangzhou");
            there.create_vpc(&[("flowkeeper", "off")]).await.unwrap();
            there.create_router(&[&format!("vbr-{account}")]).await.unwrap();
        }
        let faults = [
            ("*", Fault::Refused),
            ("*", Fault::TokenExpired),
            ("*", Fault::Code("SignatureDoesNotMatch")),
            ("*", Fault::FailureIn200),
            ("AssumeRole", Fault::Refused),
            ("DescribeVpcs", Fault::AnswerLost),
            ("DescribeFlowLogs", Fault::Throttled),
        ];
        for function in [ACTIVATE, DEACTIVATE, REMEDIATE, DELETE_ORPHANED, CREATE_ECR, CREATE_FLOW_LOG, OPEN_SERVICE] {
            cloud.invoke(function, b"no event").await.unwrap();
            for (action, fault) in faults {
                cloud.fail(action, fault, 2);
                let event: &[u8] = match function {
                    OPEN_SERVICE => br#"{"accept_terms": true}"#,
                    _ => TIMER,
                };
                cloud.invoke(function, event).await.unwrap();
                cloud.heal();
            }
            // One that cannot even sign.
            cloud.set_clock_ahead(Duration::from_secs(3600));
            cloud.fail("*", Fault::Code("InvalidTimeStamp.Expired"), 3);
            cloud.invoke(function, TIMER).await.unwrap();
            cloud.heal();
        }
        cloud.settled().await.unwrap();
        assert!(!cloud.calls_of("AssumeRole").is_empty());
        assert_no_secret_is_seen(&cloud);
    }
}

/// That none is in a line, an answer or a dead letter.
fn assert_no_secret_is_seen(cloud: &LocalCloud) {
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
