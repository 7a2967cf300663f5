//! The accounts, and the role that gives one access to the others.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use local_cloud::{
    Client, Clock, Credentials, Functions, LocalCloud, MemberRole, OWN_ACCOUNT, Options, REFUSED_ROLE, SECOND_ACCOUNT,
    SECOND_ACCOUNT_ROLE,
};

use crate::support::{TEMPLATE, cloud, cloud_of, cloud_with, cloud_with_template, code, function_client};

const ROLE: [(&str, &str); 2] = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "flow.keeper@1")];

/// A session policy that restricts nothing.
const ALL: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Assumes a role and returns a client that acts in it.
pub(crate) async fn assume(cloud: &LocalCloud, by: &Client, parameters: &[(&str, &str)]) -> Client {
    let answer = by.call("AssumeRole", parameters).await.unwrap();
    let of = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
    let credentials = Credentials {
        access_key_id: of("AccessKeyId"),
        access_key_secret: of("AccessKeySecret"),
        security_token: Some(of("SecurityToken")),
    };
    Client::new(cloud.endpoint(), credentials)
}

#[tokio::test]
async fn a_role_acts_in_the_second_account_only() {
    let cloud = cloud().await;
    let assumed = assume(&cloud, &cloud.client(), &ROLE).await;
    let identity = assumed.call("GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(identity["Arn"], "acs:ram::1000000000000002:assumed-role/flowkeeper/flow.keeper@1");

    let own = cloud.create_vpc(&[]).await.unwrap();
    let other = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    for client in [assumed.clone(), assumed.clone().with_acs3()] {
        let seen = client.call("DescribeVpcs", &[("RegionId", "cn-hangzhou")]).await.unwrap();
        assert_eq!((&seen["TotalCount"], &seen["Vpcs"]["Vpc"][0]["VpcId"]), (&1.into(), &other.as_str().into()));
    }
    let on = |vpc: &str| {
        [("ResourceType", "VPC"), ("TrafficType", "All"), ("ProjectName", "project"), ("LogStoreName", "store")]
            .into_iter()
            .chain([("RegionId", "cn-hangzhou")])
            .map(|(name, value)| (name, value.to_owned()))
            .chain([("ResourceId", vpc.to_owned())])
            .collect::<Vec<_>>()
    };
    let create = async |vpc: &str| {
        let on = on(vpc);
        let on: Vec<(&str, &str)> = on.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assumed.call("CreateFlowLog", &on).await
    };
    assert_eq!(code(create(&own).await), "InvalidInstanceId");
    create(&other).await.unwrap();
    assert_eq!(cloud.flow_log_of(&other).unwrap().place.account, SECOND_ACCOUNT);
    assert_eq!(
        cloud.vpcs().iter().map(|vpc| vpc.place.account.as_str()).collect::<Vec<_>>(),
        [OWN_ACCOUNT, SECOND_ACCOUNT]
    );
    assert_eq!(code(assumed.call("AssumeRole", &ROLE).await), "NoPermission");
}

#[tokio::test]
async fn what_assume_role_does_not_accept_has_its_code() {
    let cloud = LocalCloud::start(Options { external_id: Some("agreed".into()), ..Options::default() }).await.unwrap();
    for (name, value, expected) in [
        ("RoleArn", "flowkeeper", "InvalidParameter.RoleArn"),
        ("RoleArn", "acs:ram::1000000000000003:role/flowkeeper", "EntityNotExist.Role"),
        ("RoleArn", REFUSED_ROLE, "NoPermission"),
        ("RoleArn", "", "MissingParameter"),
        ("RoleSessionName", "x", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "not this", "InvalidParameter.RoleSessionName"),
        ("DurationSeconds", "899", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "3601", "InvalidParameter.DurationSeconds"),
        ("ExternalId", "guessed", "NoPermission"),
        ("ExternalId", "", "NoPermission"),
        ("Policy", "{}", "InvalidParameter.PolicyGrammar"),
        (
            "Policy",
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*"}]}"#,
            "InvalidParameter.PolicyGrammar",
        ),
        ("Policy", &format!("{ALL}{}", " ".repeat(2049 - ALL.len())), "InvalidParameter.PolicySize"),
        ("Policy", &format!("{ALL}{}", " ".repeat(2048 - ALL.len())), ""),
    ] {
        let good = ROLE.into_iter().chain([("ExternalId", "agreed")]);
        let parameters: Vec<_> = good.filter(|(known, _)| *known != name).chain([(name, value)]).collect();
        assert_eq!(code(cloud.client().call("AssumeRole", &parameters).await), expected, "{name}={value}");
    }
}

#[tokio::test]
async fn a_roles_key_ends_by_the_clouds_clock() {
    let clock = Clock::manual(Timestamp::now());
    let cloud = LocalCloud::start(Options { clock: clock.clone(), ..Options::default() }).await.unwrap();
    let assumed = assume(&cloud, &cloud.client(), &[&ROLE[..], &[("DurationSeconds", "900")]].concat())
        .await
        .with_clock(clock.clone());
    clock.advance(Duration::from_secs(899));
    assumed.call("DescribeRegions", &[]).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(code(assumed.call("DescribeRegions", &[]).await), "InvalidSecurityToken.Expired");
    assert_eq!(code(assumed.with_acs3().call("DescribeRegions", &[]).await), "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn a_function_may_assume_the_role_too() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let function = function_client(&cloud).await;
    let identity = assume(&cloud, &function, &ROLE).await.call("GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(identity["AccountId"], SECOND_ACCOUNT);
}

#[tokio::test]
async fn a_roles_secrets_are_not_journaled() {
    let cloud = cloud().await;
    cloud.client().call("AssumeRole", &ROLE).await.unwrap();
    let answer = &cloud.calls()[0].answer["Credentials"];
    assert_eq!((&answer["AccessKeySecret"], &answer["SecurityToken"]), (&"***".into(), &"***".into()));
}

#[tokio::test]
async fn each_account_opens_the_service_for_itself() {
    let cloud = LocalCloud::start(Options { flow_log_service: false, ..Options::default() }).await.unwrap();
    let second = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    cloud.call("OpenFlowLogService", &[]).await.unwrap();
    assert_eq!(second.call("GetFlowLogServiceStatus", &[]).await.unwrap()["Enabled"], false);
    second.call("OpenFlowLogService", &[]).await.unwrap();
    assert_eq!(code(second.call("OpenFlowLogService", &[]).await), "OperationFailed.ExceedPurchaseLimit");
}

#[tokio::test]
async fn a_session_may_do_what_its_role_and_its_policy_both_allow() {
    let member = format!(
        "{TEMPLATE}  Member:\n    Type: ALIYUN::RAM::Role\n    Condition: Never\n    Properties:\n      RoleName: flowkeeper\n      \
         AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Action: 'sts:AssumeRole', Principal: \
         {{RAM: ['acs:ram::1000000000000001:root']}}}}]}}\n      \
         Policies: [{{PolicyDocument: {{Statement: [{{Effect: Allow, Action: ['vpc:DescribeVpcs', 'vpc:CreateVpc', \
         'vpc:DescribeFlowLogs'], Resource: '*'}}]}}}}]\nConditions: {{Never: {{'Fn::Equals': [a, b]}}}}\n"
    );
    let policy = r#"{"Version":"1","Statement":[
        {"Effect":"Allow","Action":["vpc:Describe*","vpc:CreateDefaultVpc"],"Resource":"*"},
        {"Effect":"Deny","Action":"vpc:DescribeFlowLogs","Resource":["*"]}]}"#;
    let by_identity = Some(("AccountLevelIdentityBasedPolicy".to_owned(), "ImplicitDeny".to_owned()));
    let by_session = |kind: &str| Some(("SessionPolicy".to_owned(), kind.to_owned()));
    for (template, others) in [(TEMPLATE, None), (&member, by_identity)] {
        let (cloud, _folder) = cloud_of(template).await.unwrap();
        let session = assume(&cloud, &cloud.client(), &[&ROLE[..], &[("Policy", policy)]].concat()).await;
        for (action, expected) in [
            ("DescribeVpcs", None),
            ("CreateVpc", by_session("ImplicitDeny")),
            ("DescribeFlowLogs", by_session("ExplicitDeny")),
            ("DescribeVSwitches", others.clone()),
            ("CreateDefaultVpc", others.clone()),
            ("GetCallerIdentity", None),
        ] {
            for client in [session.clone(), session.clone().with_acs3()] {
                let answer = client.call(action, &[("RegionId", "cn-beijing"), ("CidrBlock", "10.0.0.0/8")]).await;
                let call = cloud.calls().pop().unwrap();
                let detail = &call.answer["AccessDeniedDetail"];
                let of = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
                let denied = (!detail.is_null()).then(|| (of("PolicyType"), of("NoPermissionType")));
                // The second call fails because the default VPC exists by then.
                assert!(answer.is_ok() == expected.is_none() || action == "CreateDefaultVpc", "{action}: {answer:?}");
                assert_eq!(denied, expected, "{action}");
            }
        }
        let whole = assume(&cloud, &cloud.client(), &[&ROLE[..], &[("Policy", ALL)]].concat()).await;
        whole.call("CreateVpc", &[("RegionId", "cn-beijing")]).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_assumes_a_role_is_held_to_its_policy_there_too() {
    let (cloud, _folder) = cloud_of(TEMPLATE).await.unwrap();
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"vpc:*","Resource":"*"}]}"#;
    let session = assume(&cloud, &cloud.client(), &[&ROLE[..], &[("Policy", policy)]].concat()).await;
    assert_eq!(code(session.call("AssumeRole", &ROLE).await), "NoPermission");
    assert_eq!(cloud.calls().pop().unwrap().answer["AccessDeniedDetail"]["PolicyType"], "SessionPolicy");
}

/// Returns the parameters of `AssumeRole` for the role that an account has for the functions.
fn role_in(account: &str) -> [(&'static str, String); 2] {
    [("RoleArn", format!("acs:ram::{account}:role/flowkeeper")), ("RoleSessionName", "flowkeeper".to_owned())]
}

/// Lets the own account assume the role in another one, and returns the code of the refusal.
async fn refusal_of(cloud: &LocalCloud, account: &str, external_id: Option<&str>) -> String {
    let role = role_in(account);
    let role = role.iter().map(|(name, value)| (*name, value.as_str()));
    let parameters: Vec<_> = role.chain(external_id.map(|id| ("ExternalId", id))).collect();
    code(cloud.client().call("AssumeRole", &parameters).await)
}

#[tokio::test]
async fn each_of_five_hundred_accounts_has_a_key_a_role_and_resources_of_its_own() {
    let options = Options { accounts: 500, ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let accounts = cloud.accounts();
    assert_eq!((accounts.len(), accounts[499].as_str()), (500, "1000000000000500"));
    for account in [&accounts[1], &accounts[2], &accounts[499]] {
        let vpc = cloud.operator(account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
        let key = Client::new(cloud.endpoint(), Credentials::of_account(account));
        assert_eq!(key.call("GetCallerIdentity", &[]).await.unwrap()["AccountId"], account.as_str());
        let role = role_in(account);
        let role: Vec<_> = role.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let assumed = assume(&cloud, &cloud.client(), &role).await;
        for client in [key, assumed] {
            let seen = client.call("DescribeVpcs", &[("RegionId", "cn-hangzhou")]).await.unwrap();
            assert_eq!((&seen["TotalCount"], &seen["Vpcs"]["Vpc"][0]["VpcId"]), (&1.into(), &vpc.as_str().into()));
        }
    }
    assert_eq!(refusal_of(&cloud, "1000000000000501", None).await, "EntityNotExist.Role");
    let nobody = Client::new(cloud.endpoint(), Credentials::of_account("1000000000000501"));
    assert_eq!(code(nobody.call("GetCallerIdentity", &[]).await), "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn a_cloud_of_many_accounts_starts_at_once() {
    // The repository's own templates, whose functions are not started.
    let folder = tempfile::tempdir().unwrap();
    for function in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions")).unwrap() {
        std::fs::write(folder.path().join(function.unwrap().file_name()), "").unwrap();
    }
    let parameters = [("MemberRoleName", "flowkeeper"), ("TaskMode", "false")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let functions = Functions::Built(folder.path().to_owned());
    let options = Options { accounts: 500, functions, parameters, ..Options::default() };
    let begun = Instant::now();
    let cloud = LocalCloud::start(options).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(refusal_of(&cloud, "1000000000000500", None).await, "NoPermission", "it trusts the functions alone");
}

#[tokio::test]
async fn the_role_of_a_named_account_may_be_absent_refuse_everybody_or_want_an_external_id() {
    let member_roles = [
        ("1000000000000003".to_owned(), MemberRole::Absent),
        ("1000000000000004".to_owned(), MemberRole::Refusing),
        ("1000000000000005".to_owned(), MemberRole::WithExternalId("agreed".to_owned())),
    ];
    let options = Options { accounts: 5, member_roles: member_roles.into(), ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    for (account, external_id, expected) in [
        (SECOND_ACCOUNT, None, ""),
        ("1000000000000003", None, "EntityNotExist.Role"),
        ("1000000000000004", None, "NoPermission"),
        ("1000000000000005", None, "NoPermission"),
        ("1000000000000005", Some("agreed"), ""),
    ] {
        assert_eq!(refusal_of(&cloud, account, external_id).await, expected, "{account} {external_id:?}");
    }
    // Its stack is deployed in one account, and deleted in another.
    cloud.set_member_role("1000000000000003", &MemberRole::AsDescribed).unwrap();
    cloud.set_member_role(SECOND_ACCOUNT, &MemberRole::Absent).unwrap();
    assert_eq!(refusal_of(&cloud, "1000000000000003", None).await, "");
    assert_eq!(refusal_of(&cloud, SECOND_ACCOUNT, None).await, "EntityNotExist.Role");
}

#[tokio::test]
async fn an_external_id_that_the_template_does_not_take_is_refused_before_anything_starts() {
    let member_roles = [("1000000000000002".to_owned(), MemberRole::WithExternalId("agreed".to_owned()))].into();
    let error = cloud_with_template(TEMPLATE, "succeed", Options { member_roles, ..Options::default() }).await;
    let error = error.err().map(|error| std::error::Error::source(&error).unwrap().to_string());
    assert!(error.as_deref().unwrap().starts_with("Parameters.ExternalId: the template has no such"), "{error:?}");
}
