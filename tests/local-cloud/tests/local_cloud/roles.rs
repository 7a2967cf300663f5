//! Permissions of functions: exactly what the role in the template allows.

use std::error::Error;

use local_cloud::{Call, Options, REFUSED_ROLE, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};

use crate::support::{TEMPLATE, cloud_of, cloud_with, code, function_client, operator};

const IN_HANGZHOU: [(&str, &str); 1] = [("RegionId", "cn-hangzhou")];

#[tokio::test]
async fn a_function_may_do_what_its_role_allows_and_nothing_else() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let function = function_client(&cloud).await;
    for (action, expected) in [
        ("CreateVpc", ""),
        ("DescribeVpcs", ""),
        ("DescribeVSwitches", "Forbidden.RAM"),
        ("CreateDefaultVpc", "Forbidden.RAM"),
        ("GetCallerIdentity", ""),
    ] {
        assert_eq!(code(function.call(action, &IN_HANGZHOU).await), expected, "{action}");
        assert_eq!(code(function.clone().with_acs3().call(action, &IN_HANGZHOU).await), expected, "{action}");
    }
    let refused = &cloud.calls_of("CreateDefaultVpc")[0];
    assert_eq!((refused.status, refused.denied_action().as_deref()), (403, Some("vpc:CreateDefaultVpc")));
    assert_eq!(refused.answer["AccessDeniedDetail"]["NoPermissionType"], "ImplicitDeny");
    let denied = &cloud.calls_of("DescribeVSwitches")[0].answer["AccessDeniedDetail"]["NoPermissionType"];
    assert_eq!(denied, "ExplicitDeny");
    assert_eq!(code(operator(&cloud).call("CreateDefaultVpc", &[]).await), "", "the account itself may do everything");
}

#[tokio::test]
async fn a_write_that_is_denied_is_an_event_as_any_failed_call_is() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let function = function_client(&cloud).await;
    function.call("CreateDefaultVpc", &IN_HANGZHOU).await.unwrap_err();
    let [event] = cloud.events().try_into().unwrap();
    assert_eq!(event["data"]["errorCode"], "Forbidden.RAM");
    assert_eq!(cloud.vpcs().len(), 0);
}

#[tokio::test]
async fn which_role_may_be_assumed_is_the_resource() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let function = function_client(&cloud).await;
    let assume = async |arn| code(function.call("AssumeRole", &[("RoleArn", arn), ("RoleSessionName", "test")]).await);
    assert_eq!(assume(SECOND_ACCOUNT_ROLE).await, "");
    assert_eq!(assume(REFUSED_ROLE).await, "NoPermission");
    let denied: Vec<_> = cloud.calls_of("AssumeRole").iter().map(Call::denied_action).collect();
    assert_eq!(denied, [None, Some("sts:AssumeRole".to_owned())]);
}

#[tokio::test]
async fn a_role_is_assumed_by_whom_it_trusts_and_by_nobody_else() {
    let trusting = |principal: &str| {
        format!(
            "{TEMPLATE}  Member:\n    Type: ALIYUN::RAM::Role\n    Condition: Never\n    Properties:\n      \
             RoleName: flowkeeper\n      AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Action: \
             'sts:AssumeRole', Principal: {principal}}}]}}\nConditions: {{Never: {{'Fn::Equals': [a, b]}}}}\n"
        )
    };
    for (principal, by_function, by_account) in [
        ("{RAM: ['acs:ram::1000000000000001:role/stand-in-role']}", "", "NoPermission"),
        ("{RAM: ['acs:ram::1000000000000001:root']}", "", ""),
        ("{RAM: ['acs:ram::1000000000000001:role/another']}", "NoPermission", "NoPermission"),
        ("{RAM: ['acs:ram::1000000000000002:root']}", "NoPermission", "NoPermission"),
        ("{Service: [fc.aliyuncs.com]}", "NoPermission", "NoPermission"),
    ] {
        let (cloud, _folder) = cloud_of(&trusting(principal)).await.unwrap();
        let function = function_client(&cloud).await;
        let role = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "test")];
        for (client, expected) in [(&function, by_function), (&cloud.client(), by_account)] {
            assert_eq!(code(client.call("AssumeRole", &role).await), expected, "{principal}");
        }
        let refused = cloud.calls_of("AssumeRole").into_iter().filter(|call| call.status != 200);
        for call in refused {
            assert_eq!((call.status, call.denied_action().as_deref()), (403, Some("sts:AssumeRole")));
            assert_eq!(call.answer["AccessDeniedDetail"]["PolicyType"], "AssumeRolePolicy");
        }
    }
}

#[tokio::test]
async fn a_function_does_not_run_in_a_role_that_does_not_trust_function_compute() {
    for (from, to) in [("fc.aliyuncs.com", "ecs.aliyuncs.com"), ("AssumeRolePolicyDocument:", "Description:")] {
        let (cloud, _folder) = cloud_of(&TEMPLATE.replace(from, to)).await.unwrap();
        cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let invocation = &cloud.invocations()[0];
        let said = "AccessDenied: FC may not assume stand-in-role: NoPermission";
        assert_eq!((invocation.success, &invocation.body["errorMessage"]), (false, &said.into()));
        assert_eq!(cloud.dead_letters()[0].destination, None, "nor does it send anything on in that role");
    }
}

#[tokio::test]
async fn a_functions_role_is_no_role_for_callers() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let own = [("RoleArn", "acs:ram::1000000000000001:role/stand-in-role"), ("RoleSessionName", "test")];
    assert_eq!(code(cloud.client().call("AssumeRole", &own).await), "NoPermission");
}

#[tokio::test]
async fn a_trust_policy_that_is_not_understood_is_named_with_its_place() {
    let error = cloud_of(&TEMPLATE.replace("Service: [fc.aliyuncs.com]", "RAM: ['*']")).await.unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "Resources.Role.Properties.AssumeRolePolicyDocument.Statement[0].Principal.RAM[0]: is not the ARN of an account's root, a \
         role or a user"
    );
}

#[tokio::test]
async fn an_action_that_is_taken_away_is_refused_and_what_cannot_be_taken_away_is_said() {
    let (cloud, _folder) =
        cloud_with("succeed", &[], Options::default().without_permission("Role", "vpc:DescribeVpcs")).await;
    let function = function_client(&cloud).await;
    assert_eq!(code(function.call("DescribeVpcs", &IN_HANGZHOU).await), "Forbidden.RAM");
    assert_eq!(code(function.call("DescribeFlowLogs", &IN_HANGZHOU).await), "");
    for (role, action, expected) in [
        (
            "Rolle",
            "vpc:DescribeVpcs",
            "Resources.Rolle: is not a role of the template; its roles are ActivateFlowLogsRole, ",
        ),
        (
            "CreateFlowLogRole",
            "vpc:DeleteFlowLog",
            "Resources.CreateFlowLogRole: does not allow \"vpc:DeleteFlowLog\", so it cannot be denied; it allows vpc:",
        ),
    ] {
        let functions = local_cloud::Functions::Built("/nowhere".into());
        let options = Options { functions, ..Options::default() }.without_permission(role, action);
        let error = local_cloud::LocalCloud::start(options).await.unwrap_err();
        let error = error.source().unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_function_without_a_role_has_no_key() {
    let (cloud, _folder) = cloud_of(&TEMPLATE.replace("      Role: {'Fn::GetAtt': [Role, Arn]}\n", "")).await.unwrap();
    let body = cloud.invoke("demo-stand-in", b"{}").await.unwrap().body;
    assert_eq!(body["environment"].get("ALIBABA_CLOUD_ACCESS_KEY_ID"), None);
}

#[tokio::test]
async fn a_role_that_the_template_does_not_have_is_refused_with_its_place() {
    let elsewhere = TEMPLATE.replace("{'Fn::GetAtt': [Role, Arn]}", "acs:ram::1000000000000001:role/of-somebody");
    let error = cloud_of(&elsewhere).await.unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "Resources.Function.Properties.Role: acs:ram::1000000000000001:role/of-somebody is not a role of the template, nor of \
         the account"
    );
}

#[tokio::test]
async fn an_attached_policy_counts_as_one_of_the_roles_own() {
    let attached = format!(
        "{TEMPLATE}  More:\n    Type: ALIYUN::RAM::ManagedPolicy\n    Properties:\n      PolicyName: more\n      Roles: [{{Ref: Role}}]\n      \
         PolicyDocument: {{Statement: [{{Effect: Allow, Action: 'ecs:DescribeNetworkInterfaces', Resource: '*'}}]}}\n"
    );
    for (template, expected) in [(TEMPLATE, "Forbidden.RAM"), (&attached, "")] {
        let (cloud, _folder) = cloud_of(template).await.unwrap();
        let function = function_client(&cloud).await;
        assert_eq!(code(function.call("DescribeNetworkInterfaces", &IN_HANGZHOU).await), expected);
    }
}

#[tokio::test]
async fn the_role_in_the_second_account_has_the_rights_that_the_template_gives_it_and_else_all() {
    let member = format!(
        "{TEMPLATE}  Member:\n    Type: ALIYUN::RAM::Role\n    Condition: Never\n    Properties:\n      RoleName: flowkeeper\n      \
         AssumeRolePolicyDocument: {{Statement: [{{Effect: Allow, Action: 'sts:AssumeRole', Principal: \
         {{RAM: ['acs:ram::1000000000000001:role/stand-in-role']}}}}]}}\n      \
         Policies: [{{PolicyDocument: {{Statement: [{{Effect: Allow, Action: 'vpc:DescribeVpcs', Resource: \
         {{'Fn::Sub': 'acs:vpc:*:${{ALIYUN::TenantId}}:*'}}}}]}}}}]\nConditions: {{Never: {{'Fn::Equals': [a, b]}}}}\n"
    );
    for (template, expected) in [(TEMPLATE, ""), (&member, "Forbidden.RAM")] {
        let (cloud, _folder) = cloud_of(template).await.unwrap();
        let role = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "test")];
        let assumed = crate::accounts::assume(&cloud, &function_client(&cloud).await, &role).await;
        assert_eq!(code(assumed.call("DescribeVpcs", &IN_HANGZHOU).await), "");
        assert_eq!(code(assumed.call("DescribeVSwitches", &IN_HANGZHOU).await), expected);
        let identity = assumed.call("GetCallerIdentity", &[]).await.unwrap();
        assert_eq!(identity["AccountId"], SECOND_ACCOUNT);
    }
}

#[tokio::test]
async fn what_a_function_could_not_do_is_lost_if_its_role_may_not_send_it_on() {
    let denied = Options::default().without_permission("Role", "mns:SendMessage");
    for (options, expected) in
        [(Options::default(), Some("acs:mns:cn-hangzhou:1000000000000001:/queues/dead/messages")), (denied, None)]
    {
        let (cloud, _folder) = cloud_with("fail", &[], options).await;
        cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        assert_eq!(cloud.dead_letters()[0].destination.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_role_may_be_limited_to_what_carries_a_tag() {
    let limited = TEMPLATE.replace(
        "      Policies:\n",
        "      Policies:\n        - PolicyDocument:\n            Statement:\n              \
         - {Effect: Allow, Action: 'vpc:DeleteFlowLog', Resource: '*', \
         Condition: {StringEquals: {'acs:ResourceTag/managed-by': [flowkeeper]}}}\n              \
         - {Effect: Allow, Action: 'vpc:CreateFlowLog', Resource: 'acs:vpc:cn-hangzhou:*:flowlog/*', \
         Condition: {StringLike: {'acs:RequestTag/managed-by': ['flow*']}}}\n",
    );
    let (cloud, _folder) = cloud_of(&limited).await.unwrap();
    let function = function_client(&cloud).await;
    let tag = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    let vpcs = [cloud.create_vpc(&[]).await.unwrap(), cloud.create_vpc(&[]).await.unwrap()];
    let ours = cloud.create_flow_log("VPC", &vpcs[0], &tag).await.unwrap();
    let others = cloud.create_flow_log("VPC", &vpcs[1], &[]).await.unwrap();
    let delete = async |id: &str| code(function.call("DeleteFlowLog", &[IN_HANGZHOU[0], ("FlowLogId", id)]).await);
    assert_eq!(delete(&others).await, "Forbidden.RAM");
    assert_eq!(delete(&ours).await, "");
    let create = async |region: &str, more: &[(&str, &str)]| {
        let on = [("RegionId", region), ("ResourceType", "VPC"), ("ResourceId", &vpcs[0]), ("TrafficType", "All")];
        let to = [("ProjectName", "project"), ("LogStoreName", "store")];
        code(function.call("CreateFlowLog", &[&on[..], &to[..], more].concat()).await)
    };
    assert_eq!(create("cn-hangzhou", &[]).await, "Forbidden.RAM");
    assert_eq!(create("cn-beijing", &tag).await, "Forbidden.RAM");
    assert_eq!(create("cn-hangzhou", &tag).await, "");
}

#[tokio::test]
async fn the_role_in_the_second_account_is_that_of_the_template_for_other_accounts_if_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let member = "Parameters: {MainAccountId: {Type: String}, ExternalId: {Type: String, Default: none}}\n\
                  Resources:\n  Role:\n    Type: ALIYUN::RAM::Role\n    Properties:\n      RoleName: flowkeeper\n      \
                  AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: \
                  {RAM: [{'Fn::Sub': 'acs:ram::${MainAccountId}:root'}]}, \
                  Condition: {StringEquals: {'sts:ExternalId': [{Ref: ExternalId}]}}}]}\n      \
                  Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: 'vpc:DescribeVpcs', Resource: '*'}]}}]\n";
    std::fs::write(folder.path().join("template-member.yml"), member).unwrap();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_stand-in")).parent().unwrap().to_owned();
    let functions = local_cloud::Functions::Built(programs);
    // A parameter that only the own template has.
    let parameters = [("Concurrency".to_owned(), "2".to_owned())].into();
    let external_id = Some("agreed".to_owned());
    let options = Options { functions, template: Some(template), parameters, external_id, ..Options::default() };
    let cloud = local_cloud::LocalCloud::start(options).await.unwrap();
    let role = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "test"), ("ExternalId", "agreed")];
    assert_eq!(code(cloud.client().call("AssumeRole", &role[..2]).await), "NoPermission");
    let assumed = crate::accounts::assume(&cloud, &cloud.client(), &role).await;
    assert_eq!(code(assumed.call("DescribeVpcs", &IN_HANGZHOU).await), "");
    assert_eq!(code(assumed.call("DescribeVSwitches", &IN_HANGZHOU).await), "Forbidden.RAM");
}
