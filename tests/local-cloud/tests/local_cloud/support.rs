//! Helpers that start clouds for tests.

use std::path::Path;

use local_cloud::{ApiError, Client, Credentials, Functions, LocalCloud, OWN_ACCOUNT, Operator, Options};
use tempfile::TempDir;

/// Starts a cloud without functions.
pub(crate) async fn cloud() -> LocalCloud {
    LocalCloud::start(Options::default()).await.unwrap()
}

/// Returns the own account's operator in the cloud's own region.
pub(crate) fn operator(cloud: &LocalCloud) -> Operator {
    cloud.operator(OWN_ACCOUNT, "cn-hangzhou")
}

/// Returns the code of a refused call; empty if it was not refused.
pub(crate) fn code<T>(answer: Result<T, ApiError>) -> String {
    answer.err().and_then(|error| error.code().map(str::to_owned)).unwrap_or_default()
}

/// A template with one function, the stand-in, which is triggered by VPC events.
pub(crate) const TEMPLATE: &str = r#"
Parameters:
  Asynchronous: {Type: String, Default: 'true'}
  Concurrency: {Type: Number, Default: 1}
Resources:
  Dead: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: dead}}
  Bridge: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: bridge}}
  Role:
    Type: ALIYUN::RAM::Role
    Properties:
      RoleName: stand-in-role
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: [fc.aliyuncs.com]}}]
      Policies:
        - PolicyDocument:
            Statement:
              - {Effect: Allow, Action: [vpc:Describe*, vpc:CreateVpc], Resource: '*'}
              - {Effect: Allow, Action: 'sts:AssumeRole', Resource: 'acs:ram:*:1000000000000002:role/flowkeeper'}
              - {Effect: Deny, Action: 'vpc:DescribeVSwitches', Resource: '*'}
              - {Effect: Allow, Action: 'mns:SendMessage', Resource: 'acs:mns:*:*:/queues/dead/messages'}
  Function:
    Type: ALIYUN::FC3::Function
    Properties:
      FunctionName: demo-stand-in
      Handler: bootstrap
      Code: {OssObjectName: v1/stand-in.zip}
      MemorySize: 128
      Timeout: 30
      InstanceConcurrency: {Ref: Concurrency}
      Role: {'Fn::GetAtt': [Role, Arn]}
      EnvironmentVariables: {FROM_TEMPLATE: '1', FLOWKEEPER_POLICY: the template's}
  Async:
    Type: ALIYUN::FC3::AsyncInvokeConfig
    Properties:
      FunctionName: demo-stand-in
      MaxAsyncRetryAttempts: 2
      DestinationConfig: {OnFailure: {Destination: 'acs:mns:cn-hangzhou:1000000000000001:/queues/dead/messages'}}
  Trigger:
    Type: ALIYUN::FC3::Trigger
    Properties:
      FunctionName: demo-stand-in
      TriggerName: vpcs
      TriggerType: eventbridge
      TriggerConfig:
        asyncInvocationType: {Ref: Asynchronous}
        eventRuleFilterPattern: '{"type":["vpc:ActionTrail:ApiCall"],"data":{"eventName":["CreateVpc"]}}'
        runOptions: {deadLetterQueue: {Arn: 'acs:mns:cn-hangzhou:1000000000000001:/queues/bridge'}}
"#;

/// The name of the template's function.
pub(crate) const FUNCTION: &str = "demo-stand-in";

/// Starts a cloud with the stand-in, which does `task`. The folder contains its template.
pub(crate) async fn cloud_with(task: &str, parameters: &[(&str, &str)], options: Options) -> (LocalCloud, TempDir) {
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let options = Options { parameters: parameters.iter().map(text).collect(), ..options };
    cloud_with_template(TEMPLATE, task, options).await.unwrap()
}

/// Starts a cloud with the stand-in and another template.
pub(crate) async fn cloud_with_template(
    template: &str,
    task: &str,
    options: Options,
) -> Result<(LocalCloud, TempDir), local_cloud::Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yml");
    std::fs::write(&path, template).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_stand-in")).parent().unwrap().to_owned();
    let mut environment = options.environment.clone();
    environment.insert("STAND_IN".into(), task.into());
    let options = Options { functions: Functions::Built(programs), template: Some(path), environment, ..options };
    Ok((LocalCloud::start(options).await?, folder))
}

/// Starts a cloud with a stand-in that succeeds and another template.
pub(crate) async fn cloud_of(template: &str) -> Result<(LocalCloud, TempDir), local_cloud::Error> {
    cloud_with_template(template, "succeed", Options::default()).await
}

/// Returns a client with the stand-in's own credentials.
pub(crate) async fn function_client(cloud: &LocalCloud) -> Client {
    let echo = cloud.invoke(FUNCTION, b"{}").await.unwrap().body;
    let of = |name: &str| echo["environment"][name].as_str().unwrap().to_owned();
    let credentials = Credentials {
        access_key_id: of("ALIBABA_CLOUD_ACCESS_KEY_ID"),
        access_key_secret: of("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        security_token: Some(of("ALIBABA_CLOUD_SECURITY_TOKEN")),
    };
    Client::new(cloud.endpoint(), credentials)
}

/// Returns a folder with the stand-in under the name of each function of the repository's template.
pub(crate) fn stand_ins() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions")).unwrap() {
        let name = entry.unwrap().file_name();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stand-in"), folder.path().join(name)).unwrap();
    }
    folder
}
