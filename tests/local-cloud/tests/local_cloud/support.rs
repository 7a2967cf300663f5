//! Clouds for tests.

use std::{collections::BTreeMap, path::Path};

use local_cloud::{ApiError, Functions, LocalCloud, OWN_ACCOUNT, Operator, Options};
use tempfile::TempDir;

/// A cloud with the API only.
pub(crate) async fn cloud() -> LocalCloud {
    LocalCloud::start(Options::default()).await.unwrap()
}

/// The own account's operator in the cloud's own region.
pub(crate) fn operator(cloud: &LocalCloud) -> Operator {
    cloud.operator(OWN_ACCOUNT, "cn-hangzhou")
}

/// The code of a call's refusal; empty if it was not refused.
pub(crate) fn code<T>(answer: Result<T, ApiError>) -> String {
    answer.err().and_then(|error| error.code().map(str::to_owned)).unwrap_or_default()
}

/// A template with one function, the stand-in, that VPCs wake.
pub(crate) const TEMPLATE: &str = r#"
Parameters:
  Asynchronous: {Type: String, Default: 'true'}
  Concurrency: {Type: Number, Default: 1}
Resources:
  Role: {Type: 'ALIYUN::RAM::Role', Properties: {RoleName: stand-in-role}}
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
      DestinationConfig: {OnFailure: {Destination: 'acs:mns:cn-hangzhou:1:/queues/dead/messages'}}
  Trigger:
    Type: ALIYUN::FC3::Trigger
    Properties:
      FunctionName: demo-stand-in
      TriggerName: vpcs
      TriggerType: eventbridge
      TriggerConfig:
        asyncInvocationType: {Ref: Asynchronous}
        eventRuleFilterPattern: '{"type":["vpc:ActionTrail:ApiCall"],"data":{"eventName":["CreateVpc"]}}'
        runOptions: {deadLetterQueue: {Arn: 'acs:mns:cn-hangzhou:1:/queues/bridge'}}
"#;

/// The name of the template's function.
pub(crate) const FUNCTION: &str = "demo-stand-in";

/// A cloud with the stand-in, told what to do; the folder holds its template.
pub(crate) async fn cloud_with(task: &str, parameters: &[(&str, &str)], options: Options) -> (LocalCloud, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_stand-in")).parent().unwrap().to_owned();
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut environment = options.environment.clone();
    environment.insert("STAND_IN".into(), task.into());
    let options = Options {
        functions: Functions::Built(programs),
        template: Some(template),
        parameters: parameters.iter().map(text).collect::<BTreeMap<_, _>>(),
        environment,
        ..options
    };
    (LocalCloud::start(options).await.unwrap(), folder)
}
