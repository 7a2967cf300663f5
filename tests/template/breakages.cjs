// Whether the check refuses what is wrong: breakages.cjs TEMPLATE MEMBER FORWARD GUARDRAIL
// GUARDRAIL_JSON DEPLOYER_POLICY
//
// The template is broken in one place at a time, and each time the check must name that place and no other.
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { check } = require('./validate.cjs');
const member = require('./member.cjs');
const deployer = require('./deployer.cjs');
const evidence = require('./evidence.cjs');
const forward = require('./forward.cjs');
const furtherRegion = require('./further_region.cjs');
const guardrail = require('./guardrail.cjs');
const serverlessDevs = require('./serverless_devs.cjs');

const files = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
const [template, memberTemplate, forwardTemplate, guardrailTemplate, guardrailJson, deployerPolicy] = files;

const GROUPS = 'Metadata.ALIYUN::ROS::Interface.ParameterGroups';
const FUNCTION = 'Resources.CreateFlowLogFunction.Properties';
const MOUNT = 'Resources.ReportFlowLogsFunction.Properties.OssMountConfig.MountPoints.0';
const TRIGGER = 'Resources.CreateFlowLogTrigger.Properties';
const TIMER = 'Resources.ActivateFlowLogsTimer.Properties';
const CRON = `${TIMER}.TriggerConfig.cronExpression`;
const ROLE = 'Resources.CreateFlowLogRole.Properties';
const STATEMENTS = `${ROLE}.Policies.0.PolicyDocument.Statement`;
const MEMBERS = 'Resources.MemberAccounts.Properties.PolicyDocument.Statement.0';
const ASYNC = 'Resources.CreateFlowLogAsync.Properties';
const PATTERN = `${TRIGGER}.TriggerConfig.eventRuleFilterPattern`;
const HUB_RULE = 'Resources.HubNewResourcesRule.Properties';
const HUB_TRIGGER =
  'Resources.HubCreateFlowLogTrigger.Properties.TriggerConfig.eventSourceConfig.eventSourceParameters.sourceMNSParameters';
const ALERT = 'Resources.FailedAlert.Properties.Detail';
const CONFIGURATION = `${ALERT}.Configuration`;
const RULE = 'Resources.DeadLettersAlarm.Properties';
const CHART = 'Resources.Dashboard.Properties.Charts.0';
const REMOVED = undefined;

/**
 * [what is wrong, the place that is given another value, the value, what the check must say after the place,
 * the place that it must name where that is another]
 */
const BREAKAGES = [
  ['a section', 'Resource', {}, 'no such section'],
  ['the version', 'ROSTemplateFormatVersion', '2015-09-02', "must be the text '2015-09-01'"],
  ['the version as a date', 'ROSTemplateFormatVersion', new Date('2015-09-01'), "must be the text '2015-09-01'"],
  ['the type of a parameter', 'Parameters.Prefix.Type', 'Text', 'must be one of String'],
  ['a default that is not allowed', 'Parameters.Runtime.Default', 'custom.debian9', 'is not among AllowedValues'],
  ['a default of another form', 'Parameters.Prefix.Default', 'Flow Keeper', 'breaks AllowedPattern'],
  ['a default out of range', 'Parameters.LogRetentionDays.Default', 0, 'is no number between'],
  ['a default that is too long', 'Parameters.Policy.Default', 'x'.repeat(4001), 'is longer than MaxLength'],
  [
    'a parameter without a use',
    'Parameters.Forgotten',
    { Type: 'String', Description: { en: 'x', 'zh-cn': 'x' } },
    'is in 0 groups',
    GROUPS,
  ],
  [
    'a parameter that nothing uses',
    'Resources.DeleteOrphanedFlowLogsTimer.Properties.TriggerConfig.cronExpression',
    '0 0 4 * * *',
    'nothing uses it',
    'Parameters.OrphanTimer',
  ],
  ['a description in one language', 'Parameters.Prefix.Description', { en: 'Prefix' }, 'is missing in zh-cn'],
  ['an output without a description', 'Outputs.FlowLogStore.Description', REMOVED, 'is missing in en'],
  ['a group of another parameter', `${GROUPS}.1.Parameters.3`, 'RunTime', 'RunTime is no parameter', GROUPS],
  ['a part of a resource', 'Resources.DeadLetters.DependOn', 'FlowLogStore', 'no such part'],
  ['a resource type', 'Resources.DeadLetters.Type', 'ALIYUN::MNS::Queues', 'ALIYUN::MNS::Queues is no type'],
  ['a property', `${FUNCTION}.Timeouts`, 60, 'no such property'],
  ['a property inside another', `${FUNCTION}.Code.OssBuketName`, 'b', 'no such property'],
  [
    'a property inside a list',
    'Resources.FunctionLogIndex.Properties.KeyIndices.5.JsonKeyIndices.0.Nam',
    'x',
    'no such property',
  ],
  ['a missing property', `${FUNCTION}.Handler`, REMOVED, 'required but missing'],
  ['a bucket that is mounted elsewhere', `${MOUNT}.MountDir`, '/srv', 'must be below /home/, /mnt/ or /data/'],
  ['reports in a folder that nothing is mounted at', `${MOUNT}.MountDir`, '/mnt/other', 'FLOWKEEPER_EVIDENCE_DIR is not in it'],
  ['a bucket that cannot be written to', `${MOUNT}.ReadOnly`, true, 'reports are written there'],
  ['a misspelled property of a mount', `${MOUNT}.BucketNames`, 'x', 'no such property'],
  [
    'a missing property inside another',
    `${ASYNC}.DestinationConfig.OnFailure.Destination`,
    REMOVED,
    'required but missing',
  ],
  ['a text for a number', `${FUNCTION}.Timeout`, 'soon', 'should be a number'],
  ['a number for a text', 'Resources.DeadLetters.Properties.QueueName', 3, 'should be a string'],
  ['a text parameter for a number', 'Resources.FlowLogStore.Properties.TTL', { Ref: 'Prefix' }, 'should be a number'],
  ['a number out of range', 'Resources.FlowLogStore.Properties.ShardCount', 101, 'is larger than'],
  ['a cap that is no number', 'Resources.RemediateFlowLogsConcurrency.Properties.ReservedConcurrency', 'many', 'should be a number'],
  ['a cap of no function', 'Resources.RemediateFlowLogsConcurrency.Properties.FunctionName', REMOVED, 'required but missing'],
  ['a default of the cap out of range', 'Parameters.MaxSweepInstances.Default', 0, 'is no number between'],
  ['too many attempts', `${ASYNC}.MaxAsyncRetryAttempts`, 9, 'is larger than'],
  [
    'a value that is not allowed',
    'Resources.FunctionLogIndex.Properties.KeyIndices.0.Type',
    'word',
    "doesn't exist in [text,",
  ],
  ['a statement of a role', `${STATEMENTS}.0.Effects`, 'Allow', 'no such property'],
  ['an effect', `${STATEMENTS}.1.Effect`, 'Permit', 'must be Allow or Deny'],
  ['an action without its product', `${MEMBERS}.Action.0`, 'AssumeRole', 'AssumeRole is no action of'],
  ['an action of another product', `${STATEMENTS}.0.Action.0`, 'vcp:DescribeVpcs', 'vcp:DescribeVpcs is no action of'],
  [
    'an action in lower case',
    `${ROLE}.AssumeRolePolicyDocument.Statement.0.Action`,
    'sts:assumeRole',
    'is no action of',
  ],
  [
    'a resource without its product',
    `${MEMBERS}.Resource.0`,
    { 'Fn::Sub': 'role/${MemberRoleName}' },
    'is neither * nor acs:',
  ],
  [
    'the role of a member',
    `${MEMBERS}.Resource.0`,
    { 'Fn::Sub': 'acs:ram:*:*:role/${MemberRole}${MemberRoleName}' },
    'MemberRole is no parameter and no resource',
  ],
  [
    'a reference',
    'Resources.FlowLogStore.Properties.ShardCount',
    { Ref: 'Shards' },
    'Shards is no parameter and no resource',
  ],
  ['the resource of an attribute', `${FUNCTION}.Role`, { 'Fn::GetAtt': ['Rolle', 'Arn'] }, 'Rolle is no resource'],
  [
    'an attribute',
    `${FUNCTION}.Role.Fn::If.1`,
    { 'Fn::GetAtt': ['CreateFlowLogRole', 'ARN'] },
    'has no attribute ARN',
    `${FUNCTION}.Role`,
  ],
  [
    'the project that the smallest policy names',
    'Resources.FlowLogProject.Properties.Name',
    { 'Fn::Sub': 'flow-${ALIYUN::TenantId}-${ALIYUN::Region}' },
    'as the default of Policy has it',
  ],
  ['its Logstore', 'Resources.FlowLogStore.Properties.LogstoreName', 'flows', 'as the default of Policy has it'],
  [
    'a name in a text',
    `${FUNCTION}.FunctionName`,
    { 'Fn::Sub': '${Prefx}-x' },
    'Prefx is no parameter and no resource',
  ],
  ['an attribute in a text', `${FUNCTION}.Description`, { 'Fn::Sub': '${DeadLetters.Arn}' }, 'has no attribute Arn'],
  ['a function of ROS', `${FUNCTION}.Description`, { 'Fn::Sup': 'x' }, 'Fn::Sup is not known'],
  [
    'a dependence',
    'Resources.CreateFlowLogTrigger.DependsOn',
    ['CreateFlowLogAsinc'],
    'CreateFlowLogAsinc is no resource',
  ],
  ['a condition', 'Resources.SendToQueueRole.Condition', 'CreateRoles', 'CreateRoles is no condition'],
  [
    'a condition in another',
    'Conditions.MakeEcrMemberRights.Fn::And.1',
    'HasMember',
    'HasMember is no condition',
    'Conditions.MakeEcrMemberRights',
  ],
  [
    'a condition of a value',
    'Resources.ActivateFlowLogsRole.Properties.Policies.0.PolicyDocument.Statement.1.Condition.Fn::If.0',
    'Manage',
    'Manage is no condition',
    'Resources.ActivateFlowLogsRole.Properties.Policies.0.PolicyDocument.Statement.1.Condition',
  ],
  [
    'a property in the first branch of an Fn::If',
    'Resources.CreateFlowLogFunction.Properties.Code',
    { 'Fn::If': ['HasPolicyLayer', { OssBuketName: 'b' }, { OssBucketName: 'b' }] },
    'no such property',
    'Resources.CreateFlowLogFunction.Properties.Code.OssBuketName',
  ],
  [
    'a property in the second branch of an Fn::If',
    'Resources.CreateFlowLogFunction.Properties.Code',
    { 'Fn::If': ['HasPolicyLayer', { OssBucketName: 'b' }, { OssBuketName: 'b' }] },
    'no such property',
    'Resources.CreateFlowLogFunction.Properties.Code.OssBuketName',
  ],
  [
    'a value in an Fn::If that is no member of a list',
    'Resources.CreateFlowLogFunction.Properties.Layers.Fn::If.1',
    'acs:fc:cn-hangzhou:1000000000000001:layers/policy/versions/1',
    'list',
    'Resources.CreateFlowLogFunction.Properties.Layers',
  ],
  [
    'a branch that may name what is missing',
    'Resources.CreateFlowLogFunction.Properties.Layers.Fn::If.0',
    'HasHubBus',
    'only under MakePolicyLayer',
    'Resources.CreateFlowLogFunction.Properties.Layers.0',
  ],
  [
    'a role that may be missing in a further region',
    `${FUNCTION}.Role.Fn::If.0`,
    'MakeFunctions',
    'CreateFlowLogRole is there only under MakeRoles',
    `${FUNCTION}.Role`,
  ],
  ['a task mode that is no boolean', `${ASYNC}.AsyncTask`, 'sometimes', 'should be a boolean'],
  ['the settings of a queue', `${HUB_TRIGGER}.QueuName`, 'q', 'no such setting'],
  ['a rule without a target', `${HUB_RULE}.Targets`, [], 'less than'],
  ['a target without its type', `${HUB_RULE}.Targets.0.Type`, REMOVED, 'required but missing'],
  ['a parameter of a target', `${HUB_RULE}.Targets.0.ParamList.1.Values`, 'x', 'no such property'],
  ['a tolerance of a target', `${HUB_RULE}.Targets.0.ErrorsTolerance`, 'SOME', "doesn't exist in"],
  ['an alert without a name', `${ALERT}.Name`, REMOVED, 'required but missing'],
  ['an alert without a title', `${ALERT}.DisplayName`, REMOVED, 'required but missing'],
  ['an alert without a dashboard', `${CONFIGURATION}.Dashboard`, REMOVED, 'required but missing'],
  ['a query without its kind of time', `${CONFIGURATION}.QueryList.0.TimeSpanType`, REMOVED, 'required but missing'],
  ['a kind of store', `${CONFIGURATION}.QueryList.0.StoreType`, 'logs', "doesn't exist in"],
  ['a name of two alerts', `${ALERT}.Name`, { 'Fn::Sub': '${Prefix}-unknown' }, 'has the name of another', 'Resources.UnknownAlert.Properties'],
  ['a severity', `${CONFIGURATION}.SeverityConfigurations.0.Severity`, 7, 'must be one of 2'],
  ['an alert of no severity', `${CONFIGURATION}.SeverityConfigurations`, [], 'has no severity'],
  ['a condition of an alert', `${CONFIGURATION}.SeverityConfigurations.0.EvalCondition.Condition`, 'n is many', 'is not such as'],
  ['a count of rows', `${CONFIGURATION}.SeverityConfigurations.0.EvalCondition.CountCondition`, REMOVED, 'is not such as'],
  ['a state of an alert', `${ALERT}.State`, 'Whatever', 'must be Enabled'],
  ['a kind of schedule', `${ALERT}.Schedule.Type`, 'Sometimes', 'must be one of FixedRate'],
  ['an interval of an alert', `${ALERT}.Schedule.Interval`, '15', 'is not such as 15m'],
  ['a schedule without an interval', `${ALERT}.Schedule.Interval`, REMOVED, 'is missing'],
  ['an alert that nobody hears of', `${CONFIGURATION}.PolicyConfiguration.ActionPolicyId`, REMOVED, 'nobody hears of it'],
  ['an alert of no alert policy', `${CONFIGURATION}.PolicyConfiguration.AlertPolicyId`, REMOVED, 'nobody hears of it'],
  ['a version of alerts', `${CONFIGURATION}.Version`, '1.0', 'must be 2.0'],
  ['a start of a query', `${CONFIGURATION}.QueryList.0.Start`, '15m', 'is not such as -15m'],
  ['a query of no more than the interval', `${CONFIGURATION}.QueryList.0.Start`, '-15m', 'overlooks lines that are found late'],
  ['a query of more than a day', `${CONFIGURATION}.QueryList.0.Start`, '-25h', 'lets a query span more than a day'],
  ['a parameter of a query of more than a day', 'Parameters.MaxMinutesWithoutSwitch.AllowedPattern', '^(0|[2-9][0-9]|[1-9][0-9]{2,3})$', 'lets a query span'],
  ['a parameter of a query of no more than the interval', 'Parameters.MaxMinutesWithoutSwitch.AllowedPattern', '^(0|1[6-9]|[2-9][0-9])$', 'overlooks lines that are found late'],
  ['a number of times', `${CONFIGURATION}.Threshold`, 0, 'is no number of times'],
  ['a number of times of a parameter', 'Parameters.MaxHoursWithoutSweep.MinValue', REMOVED, 'is no number of times', 'Resources.NoSweepAlert.Properties.Detail.Configuration.Threshold'],
  ['a number of times in words', `${CONFIGURATION}.Threshold`, 'twice', 'should be a number'],
  ['a field of an attempt that has no index', `${CONFIGURATION}.QueryList.0.Query`, 'hasError: true | select 1 as n', 'hasError is not in the index'],
  ['a field that has no index', `${CONFIGURATION}.QueryList.0.Query`, 'message.outcom: failed | select 1 as n', 'message.outcom is not in the index'],
  ['a field of a search', 'Resources.RunsSearch.Properties.Detail.SearchQuery', 'message.lines: summary', 'message.lines is not in the index'],
  ['a statistic', `${RULE}.Escalations.Critical.Statistics`, 'Sum', "doesn't exist in"],
  ['a level', `${RULE}.Escalations`, { Fatal: { Threshold: '0', Times: 1 } }, 'no such property', `${RULE}.Escalations.Fatal`],
  ['a threshold', `${RULE}.Escalations.Critical.Threshold`, 'none', 'is no number in a text'],
  ['how often', `${RULE}.Escalations.Critical.Times`, 0, 'is no number of periods'],
  ['a comparison', `${RULE}.Escalations.Critical.ComparisonOperator`, '>', "doesn't exist in"],
  ['a rule that never fires', `${RULE}.Escalations`, {}, 'never fires'],
  ['nobody to call', `${RULE}.ContactGroups`, [], 'less than'],
  ['a policy for no data', `${RULE}.NoDataPolicy`, 'IGNORE', "doesn't exist in"],
  ['a period', `${RULE}.Period`, 7, 'is no multiple of 60'],
  ['a namespace', `${RULE}.Namespace`, 'acs_mns_new', 'is none of acs_smq'],
  ['a metric', `${RULE}.MetricName`, 'ActiveMessages', 'is none of NumberOfMessagesVisible'],
  ['a dimension', `${RULE}.Resources.0.queue`, 'q', 'is no dimension'],
  ['a missing dimension', `${RULE}.Resources.0.queueName`, REMOVED, 'is missing'],
  [
    'a function that an alarm leaves out',
    'Resources.FunctionErrorsAlarm.Properties.Resources.6',
    { region: 'cn-hangzhou', functionName: 'flowkeeper-report-flow-logs' },
    'ReportFlowLogsFunction is not in it',
    'Resources.FunctionErrorsAlarm.Properties.Resources',
  ],
  ['a type of a chart', `${CHART}.type`, 'gauge', 'is none of table'],
  ['a key of a chart', `${CHART}.titel`, 'x', 'no such key'],
  ['a query of a chart', `${CHART}.search.query`, REMOVED, 'is missing'],
  ['a place of a chart', `${CHART}.display.xPos`, 9, 'goes beyond', `${CHART}.display.width`],
  ['a saved search without a query', 'Resources.RunsSearch.Properties.Detail.SearchQuery', REMOVED, 'required but missing'],
  ['a layer without a name', 'Resources.PolicyLayer.Properties.LayerName', REMOVED, 'required but missing'],
  ['a condition of an output', 'Outputs.Functions.Condition', 'Functions', 'Functions is no condition'],
  ['a condition without a use', 'Conditions.Forgotten', { 'Fn::Not': 'HasMembers' }, 'nothing asks for it'],
  [
    'the condition of a resource that is gone',
    'Resources.EcrFlowLogRole',
    REMOVED,
    'nothing asks for it',
    'Conditions.CreateEcrServiceLinkedRole',
  ],
  [
    'a function whose role may be missing',
    'Resources.CreateEcrFlowLogFunction.Condition',
    'MakeFunctions',
    'CreateEcrFlowLogRole is there only under MakeEcrRole',
    'Resources.CreateEcrFlowLogFunction.Properties.Role',
  ],
  [
    'a trigger that may wait for nothing',
    'Resources.CreateFlowLogTrigger.DependsOn',
    ['CreateEcrFlowLogAsync'],
    'only under MakeEcrFunction',
  ],
  [
    'an output of what may be missing',
    'Outputs.FlowLogStore.Value',
    { 'Fn::GetAtt': ['CreateEcrFlowLogRole', 'RoleName'] },
    'only under MakeEcrRole',
  ],
  [
    'an output',
    'Outputs.FlowLogProject.Value',
    { 'Fn::GetAtt': ['FlowLogProject', 'Title'] },
    'has no attribute Title',
  ],
  ['too little memory for the vCPUs', `${FUNCTION}.MemorySize`, 64, 'is less than'],
  ['too much memory for the vCPUs', `${FUNCTION}.MemorySize`, 256, 'for each vCPU there are 1 to 4 GB, not 5.00'],
  ['memory between two steps', `${FUNCTION}.MemorySize`, 130, '130 is no multiple of 64'],
  ['vCPUs between two steps', `${FUNCTION}.Cpu`, 0.06, '0.06 is no multiple of 0.05'],
  ['a disk', `${FUNCTION}.DiskSize`, 1024, 'must be 512 or 10240'],
  [
    'a runtime',
    'Parameters.Runtime.AllowedValues',
    ['custom.debian10', 'custom.debian13'],
    'custom.debian13 is none of custom',
  ],
  ['a variable that is no text', `${FUNCTION}.EnvironmentVariables.FLOWKEEPER_DRY_RUN`, true, 'must be a text'],
  ['a trigger type', `${TRIGGER}.TriggerType`, 'event-bridge', 'event-bridge is none of eventbridge, timer'],
  ['a setting of a trigger', `${TRIGGER}.TriggerConfig.triggerEnabled`, true, 'no such setting'],
  ['a setting in lower case', `${TRIGGER}.TriggerConfig.runOptions.deadLetterQueue.arn`, 'acs:…', 'no such setting'],
  ['a setting of another type', `${TRIGGER}.TriggerConfig.asyncInvocationType`, 'true', 'must be a boolean'],
  ['a text for settings', `${TRIGGER}.TriggerConfig.eventSinkConfig`, 'CloudEvents', 'must be a map'],
  ['a value of a setting', `${TRIGGER}.TriggerConfig.runOptions.errorsTolerance`, 'SOME', 'must be one of ALL, NONE'],
  ['a missing setting', `${TRIGGER}.TriggerConfig.eventSourceConfig`, REMOVED, 'is missing'],
  ['a pattern cut short', PATTERN, '{"type":["x"]', 'is no JSON'],
  ['a pattern without a list', PATTERN, '{"type":"x"}', 'must be a list of alternatives'],
  ['a pattern without an alternative', PATTERN, '{"type":[]}', 'no event can match'],
  ['an operator of a pattern', PATTERN, '{"type":[{"begins":"x"}]}', 'begins is none of prefix'],
  ['eleven rules', 'Resources', elevenRules(), 'is one rule too many', 'Resources.Rule5.Properties'],
  ['six expressions', PATTERN, JSON.stringify({ type: [...'abcdef'].map((prefix) => ({ prefix })) }), 'takes five'],
  ['a schedule of five fields', CRON, '0 4 * * *', 'has 5 fields'],
  ['an hour', CRON, '0 0 24 * * *', '"24" is no hour'],
  ['a weekday', CRON, '0 0 4 * * MON-FRY', '"MON-FRY" is no day of the week'],
  ['a month', CRON, '0 30 1,13 ? JAN-NOB/2 MON-FRI', '"JAN-NOB/2" is no month'],
  ['an interval', CRON, '@every day', 'is not such as "@every 5m"'],
  ['a time zone', CRON, 'CRON_TZ=Asia/Shanghi 0 0 4 * * *', '"Asia/Shanghi" is no time zone'],
  ['a time zone without a schedule', CRON, 'CRON_TZ=Asia/Shanghai ', 'has 1 fields'],
  ['a timer that is not said to be on', `${TIMER}.TriggerConfig.enable`, REMOVED, 'is missing'],
  ['a payload that is no text', `${TIMER}.TriggerConfig.payload`, { all: true }, 'must be a string'],
  [
    'the schedule of a parameter',
    'Parameters.SweepTimer.Default',
    '0 7 25 * * *',
    '"25" is no hour',
    'Resources.RemediateFlowLogsTimer.Properties.TriggerConfig.cronExpression',
  ],
  ['the time zone of a parameter', 'Parameters.TimeZone.Default', 'Asia Shanghai', 'breaks AllowedPattern'],
];

const RIGHTS = 'Resources.MemberRole.Properties.Policies.0.PolicyDocument.Statement';
const DESTINATIONS = 'Resources.MemberDestinations.Properties.PolicyDocument';
const READER = 'Resources.ReaderRole.Properties.Policies.0.PolicyDocument.Statement.0';
const TRUSTED = 'Resources.MemberRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal.RAM.Fn::If';

/** The same of the role in a member account: [what is wrong, the place, the value, what the check must say] */
const MEMBER_BREAKAGES = [
  ['a right that is missing', `${RIGHTS}.0.Action.5`, 'vpc:DescribeVpcs', 'vpc:CreateFlowLog is missing'],
  ['a right that no function has', `${RIGHTS}.0.Action.6`, 'vpc:DeleteVpc', 'vpc:DeleteVpc is more than'],
  ['a right without its condition', `${RIGHTS}.2.Condition`, REMOVED, 'vpc:DeleteFlowLog is more than'],
  ['a function that is not trusted', `${TRUSTED}.1.Fn::If.2.5`, REMOVED, 'does not trust'],
  ['a function that is trusted though it is not there', `${TRUSTED}.2.Fn::If.2.5`, { 'Fn::Sub': 'x' }, 'trusts x, which'],
  ['a function of evidence that is not trusted', `${TRUSTED}.2.Fn::If.1.5`, { 'Fn::Sub': 'y' }, 'role/${Prefix}-report-flow-logs'],
  ['evidence that nobody asked for', 'Resources.MemberEvidence.Condition', REMOVED, 'log:GetLogStoreLogs is more than'],
  ['evidence that cannot be read', 'Resources.MemberEvidence.Properties.PolicyDocument.Statement.0.Action.9', REMOVED, 'log:GetLogStoreLogs with EvidenceBucket is missing'],
  ['a right to destinations that is missing', `${DESTINATIONS}.Statement.1.Action.0`, 'log:GetIndex', 'log:UpdateLogStore on'],
  ['destinations of any name', `${DESTINATIONS}.Statement.0.Resource`, ['*'], 'log:CreateProject with CreateDestinations is more than'],
  [
    'destinations though nobody asked for them',
    'Resources.MemberDestinations.Condition',
    'KeepEcrFlowLogs',
    'log:CreateProject on',
  ],
  ['a reader that writes', `${READER}.Action.0`, 'vpc:CreateFlowLog', 'vpc:CreateFlowLog is no read'],
  ['a reader that cannot read everything', `${READER}.Action.0`, 'vpc:DescribeVpcs', 'vpc:DescribeRegions is missing'],
  ['a reader that sees no bill', `${READER}.Action.15`, 'vpc:DescribeVpcs', 'bss:DescribeBillList is missing'],
  ['a reader that reads more', `${READER}.Action.16`, 'ecs:DescribeDisks', 'ecs:DescribeDisks is read by nothing'],
  ['a Logstore of another kind', 'Resources.FlowLogStore.Properties.ShardCount', 3, 'FlowLogStore: is not that of'],
];

/** The same of the policy for deploying: [what is wrong, the place in the templates, the value, what the check must say] */
const DEPLOYER_BREAKAGES = [
  ['a role of another name', 'Resources.HubRole.Properties.RoleName', 'hub', 'ram:CreateRole on acs:ram:*:*:role/hub is missing'],
  ['a function of another name', `${FUNCTION}.FunctionName`, 'create', 'fc:CreateFunction on'],
  ['a service-linked role', 'Resources.SendToQueueRole.Properties.ServiceName', 'x.aliyuncs.com', 'the role of x.aliyuncs.com'],
  ['a type', 'Resources.DeadLetters.Type', 'ALIYUN::MNS::Topic', 'no call is known here that makes ALIYUN::MNS::Topic'],
];

const TARGET = 'Resources.CallsRule.Properties.Targets.0';
const CALLS = 'Resources.CallsRule.Properties.FilterPattern';

/** The same of the rules that forward events: [what is wrong, the place, the value, what the check must say] */
const FORWARD_BREAKAGES = [
  ['an event that is not forwarded', `${CALLS}.data.eventName.0`, 'CreateVSwitch', 'eventName "CreateVpc" is not forwarded'],
  ['an event too many', `${CALLS}.data.eventName.13`, 'DeleteNatGateway', '"DeleteNatGateway" is forwarded, and no trigger'],
  ['a type too many', `${CALLS}.type.4`, 'cen:ActionTrail:ApiCall', 'cen:ActionTrail:ApiCall with eventName "CreateVpc" is forwarded'],
  ['a rule of the hub itself', 'Resources.CallsRule.Condition', 'HasHubRegion', 'events go in a circle'],
  ['a circle in any region', 'Conditions.Forward.Fn::Or.1.Fn::And.1', 'HasHubRegion', 'events go in a circle'],
  ['a rule that is never there', 'Resources.CallsRule.Condition', 'MakeNothing', 'there is a rule missing'],
  ['another account without its role', `${TARGET}.ParamList.Fn::If.1.4.ResourceKey`, 'RoleName', 'target of a rule is another'],
  ['one account as another', `${TARGET}.ParamList.Fn::If.2.1.Value`, 'AnotherAccount', 'target of a rule is another'],
  ['a queue where there is no MNS', 'Resources.DeadLetters.Condition', 'Forward', 'there is a queue, and no MNS'],
  ['a queue that keeps nothing', 'Resources.DeadLetters.Properties.MessageRetentionPeriod', 86400, 'keeps events for 1 days'],
  ['no queue anywhere', 'Resources.DeadLetters.Condition', 'MakeNothing', 'in cn-shanghai, there is no queue'],
  ['a rule without dead letters', `${TARGET}.DeadLetterQueue`, REMOVED, 'CallsRule loses what cannot be delivered'],
  ['a queue that is not there', `${TARGET}.DeadLetterQueue.Fn::If.0`, 'Forward', 'CallsRule names a queue that is not there'],
  ['another region in the endpoint', `${TARGET}.Endpoint.Fn::If.0`, 'IsOtherAccount', 'target of a rule is another'],
];

/** The same of the hub in the template: [what is wrong, the place, the value, what the check must say] */
const HUB_BREAKAGES = [
  ['a pattern of the hub alone', `${HUB_RULE}.FilterPattern.data.eventName.0`, 'CreateVSwitch', 'comes from the default bus alone'],
  ['a trigger without its rule', 'Resources.HubNewResourcesRule', REMOVED, 'comes from the default bus alone'],
  ['a queue that nobody reads', 'Resources.HubCreateFlowLogTrigger', REMOVED, 'no function reads HubCreateFlowLogQueue'],
  [
    'a queue of another function',
    `${HUB_RULE}.Targets.0.ParamList.0.Value`,
    { 'Fn::GetAtt': ['HubRemediateFlowLogsQueue', 'QueueName'] },
    'name two queues',
  ],
];

const REPORT = 'Resources.ReportFlowLogsFunction';
const REPORT_RIGHTS = 'Resources.ReportFlowLogsRole.Properties.Policies.0.PolicyDocument.Statement';

/** The same of the function of evidence: [what is wrong, the place, the value, what the check must say] */
const EVIDENCE_BREAKAGES = [
  ['evidence that nobody asked for', `${REPORT}.Condition`, REMOVED, 'ReportFlowLogsFunction: is there without a bucket'],
  ['a role that nobody asked for', 'Resources.ReportFlowLogsRole.Condition', 'MakeRoles', 'ReportFlowLogsRole: is there without'],
  ['no bucket', `${REPORT}.Properties.OssMountConfig`, REMOVED, '0 functions mount a bucket'],
  ['another bucket', `${MOUNT}.BucketName`, { Ref: 'CodeBucket' }, 'mounts another bucket'],
  ['a folder of the bucket', `${MOUNT}.BucketPath`, '/reports', 'mounts a part of the bucket'],
  ['a bucket of another region', `${MOUNT}.Endpoint`, 'https://oss-cn-beijing-internal.aliyuncs.com', 'in its own region'],
  ['a bucket by the Internet', `${MOUNT}.Endpoint`, { 'Fn::Sub': 'https://oss-${ALIYUN::Region}.aliyuncs.com' }, 'in its own region'],
  ['the role of another function', `${REPORT}.Properties.Role`, { 'Fn::GetAtt': ['RemediateFlowLogsRole', 'Arn'] }, 'oss:PutObject on the bucket is missing'],
  ['no role', `${REPORT}.Properties.Role`, REMOVED, 'has no role of its own'],
  ['a right to write', `${REPORT_RIGHTS}.0.Action.4`, 'vpc:DeleteFlowLog', 'vpc:DeleteFlowLog is no read'],
  ['a right to the bucket that is missing', `${REPORT_RIGHTS}.1.Action.2`, REMOVED, 'oss:PutObject on the bucket is missing'],
  ['the files of the bucket', `${REPORT_RIGHTS}.1.Resource.1`, REMOVED, 'oss:GetObject on the bucket is missing'],
  ['every bucket', `${REPORT_RIGHTS}.1.Resource`, ['*'], 'oss:GetObject on another bucket'],
  ['no timer', 'Resources.ReportFlowLogsTimer', REMOVED, 'EvidenceTimer does not wake it'],
  ['another timer', 'Resources.ReportFlowLogsTimer.Properties.TriggerConfig.cronExpression', { 'Fn::Sub': '${SweepTimer}' }, 'EvidenceTimer does not wake it'],
  ['a timer of another function', 'Resources.ReportFlowLogsTimer.Properties.FunctionName', { 'Fn::GetAtt': ['RemediateFlowLogsFunction', 'FunctionName'] }, 'does not wake it'],
  ['no dead letters', 'Resources.ReportFlowLogsAsync', REMOVED, 'has no AsyncInvokeConfig'],
  ['no limit of instances', 'Resources.ReportFlowLogsConcurrency', REMOVED, 'has no ConcurrencyConfig'],
];

/** The same of a stack in a further region: [what is wrong, the place, the value, what the check must say] */
const FURTHER_BREAKAGES = [
  ['a role that is there twice', 'Resources.CreateFlowLogRole.Condition', REMOVED, 'CreateFlowLogRole: is of the whole account'],
  ['a timer in each region', 'Resources.RemediateFlowLogsTimer.Condition', 'MakeFunctions', 'RemediateFlowLogsTimer: is a second'],
  ['a role that nobody makes', `${FUNCTION}.Role.Fn::If.2`, { 'Fn::Sub': 'acs:ram::x:role/y' }, 'which no stack makes'],
  [
    'the role of another function',
    `${FUNCTION}.Role.Fn::If.2`,
    { 'Fn::Sub': 'acs:ram::${ALIYUN::TenantId}:role/${Prefix}-remediate-flow-logs' },
    'has another role than in the home region',
  ],
  ['a function without a trigger', 'Resources.ActivateFlowLogsFunction.Condition', 'MakeFunctions', 'nothing wakes it'],
  [
    'rights of one region',
    `${STATEMENTS}.1.Resource.0`,
    { 'Fn::Sub': 'acs:log:${ALIYUN::Region}:${ALIYUN::TenantId}:project/p/logstore/functions' },
    'CreateFlowLogRole: its rights are those of one region',
  ],
  ['an alert of sweeps without a timer', 'Resources.NoSweepAlert.Condition', 'MakeAlerts', 'asks for sweeps, and there is no timer'],
  ['a policy that is never there', 'Resources.Destinations.Condition', 'MakeNothing', 'Destinations: is not there'],
];

/** The guardrail's policy, in which one text is another: [what is wrong, the text, the other, what the check must say] */
const GUARDRAIL_BREAKAGES = [
  ['JSON cut short', '}', '', 'is no JSON'],
  ['a function that is bound', '-remediate-flow-logs', '-sweep', 'flowkeeper-remediate-flow-logs is not exempt'],
  ['a role that is exempt for nothing', '-remediate-flow-logs', '-*', 'flowkeeper-* is exempt'],
  ['a function of any account', ':${MainAccountId}:', ':*:', '*:*:role/flowkeeper-deactivate-flow-logs is exempt'],
  ['a member role that is bound', 'role/${MemberRoleName}', 'role/x', 'role/flowkeeper is not exempt'],
  ['another tag', '"flowkeeper"', '"others"', 'guardrail.json: is not what the template makes'],
];

/** Of each other template, by Alibaba's classes: [its name, what is wrong, the place, the value, what is said of it] */
const OTHER_BREAKAGES = [
  ['member', 'a trust', 'Resources.ReaderRole.Properties.AssumeRolePolicyDocument.Statment', [], 'no such property'],
  ['member', 'an action', `${READER}.Action.0`, 'vcp:DescribeVpcs', 'vcp:DescribeVpcs is no action of'],
  ['member', 'a parameter', 'Resources.FlowLogStore.Properties.ShardCount', { Ref: 'RoleName' }, 'should be a number'],
  ['forward', 'a target', `${TARGET}.Typ`, 'x', 'no such property'],
  ['forward', 'a parameter of a target, if so', `${TARGET}.ParamList.Fn::If.1.0.Froms`, 'x', 'no such property', `${TARGET}.ParamList.0.Froms`],
  ['forward', 'a parameter of a target, if not', `${TARGET}.ParamList.Fn::If.2.3.Form`, REMOVED, 'required but missing', `${TARGET}.ParamList.3.Form`],
  ['forward', 'a queue, if so', `${TARGET}.DeadLetterQueue.Fn::If.1.ARN`, 'x', 'no such property', `${TARGET}.DeadLetterQueue.ARN`],
  ['forward', 'a queue that is not there', `${TARGET}.DeadLetterQueue.Fn::If.0`, 'IsOtherAccount', 'DeadLetters is there only under MakeQueue', `${TARGET}.DeadLetterQueue.Arn`],
  ['guardrail', 'a type', 'Resources.Guardrail.Type', 'ALIYUN::ResourceManager::ControlPolicys', 'is no type'],
  ['guardrail', 'a policy', 'Resources.GuardrailAttachment.Properties.PolicyId', REMOVED, 'required but missing'],
  ['guardrail', 'a name', 'Resources.Guardrail.Properties.ControlPolicyName', { 'Fn::Sub': '${Prefx}' }, 'Prefx is no parameter'],
];

/** What the files of Serverless Devs have from the template: [the place, another value] */
const COPIED = [
  [`${FUNCTION}.FunctionName`, { 'Fn::Sub': '${Prefix}-create' }],
  [`${FUNCTION}.Runtime`, 'custom'],
  [`${FUNCTION}.Code.OssObjectName`, { 'Fn::Sub': '${CodePrefix}create.zip' }],
  [`${FUNCTION}.Cpu`, 0.1],
  [`${FUNCTION}.MemorySize`, 192],
  [`${FUNCTION}.Timeout`, 61],
  [`${FUNCTION}.InstanceConcurrency`, 21],
  [`${FUNCTION}.Role`, { 'Fn::GetAtt': ['ActivateFlowLogsRole', 'Arn'] }],
  [`${FUNCTION}.EnvironmentVariables.FLOWKEEPER_LOG`, 'debug'],
  [`${FUNCTION}.CustomRuntimeConfig.Port`, 9001],
  [`${ASYNC}.MaxAsyncRetryAttempts`, 4],
  [`${TRIGGER}.TriggerName`, 'new'],
  [PATTERN, '{"type":["x"]}'],
  [CRON, '0 0 4 * * *'],
  ['Resources.CreateFlowLogTrigger', REMOVED],
  ['Resources.DeadLetters.Properties.QueueName', 'letters'],
  ['Parameters.SweepTimer.Default', '0 0 4 * * *'],
  ['Parameters.MaxSweepInstances.Default', 50],
  ['Resources.RemediateFlowLogsConcurrency.Properties.ReservedConcurrency', 7],
  ['Resources.CreateEcrFlowLogFunction.Properties.Timeout', 61],
  ['Resources.ReportFlowLogsFunction.Properties.OssMountConfig.MountPoints.0.MountDir', '/mnt/other'],
  ['Parameters.EvidenceTimer.Default', '0 0 4 * * *'],
  ['Resources.CreateEcrFlowLogFunction.Condition', 'MakeFunctions'],
  ['Resources.CreateFlowLogFunction.Condition', 'MakeEcrFunction'],
  ['Conditions.MakeEcrFunction', { 'Fn::Or': ['MakeFunctions', 'KeepEcrFlowLogs'] }],
];

/** What Serverless Devs cannot be told, and so must not be left out in silence: [the place, another value] */
const UNSPEAKABLE = [
  [`${FUNCTION}.Timeout`, { 'Fn::If': ['KeepEcrFlowLogs', 61, 62] }],
  ['Resources.CreateEcrFlowLogFunction.Condition', 'CreateServiceLinkedRoles'],
];

/** The template's resources, and six more triggers on the default bus, which has five. */
function elevenRules() {
  const more = [...'012345'].map((n) => [`Rule${n}`, template.Resources.CreateFlowLogTrigger]);
  return { ...template.Resources, ...Object.fromEntries(more) };
}

/** A copy of a template in which one place is another. */
function broken(template, place, value) {
  const copy = structuredClone(template);
  const steps = place.split('.');
  const last = steps.pop();
  const owner = steps.reduce((inner, step) => inner[step], copy);
  if (value === REMOVED) delete owner[last];
  else owner[last] = value;
  return copy;
}

const failures = check(template).map((line) => `nothing is broken, and yet: ${line}`);
const OTHERS = { member: memberTemplate, forward: forwardTemplate, guardrail: guardrailTemplate };
const byClasses = [
  ...BREAKAGES.map((breakage) => [template, ...breakage]),
  ...OTHER_BREAKAGES.map(([name, ...breakage]) => [OTHERS[name], ...breakage]),
];
for (const [of, what, place, value, problem, named = place] of byClasses) {
  const found = check(broken(of, place, value));
  const written = named.replace(/\.(\d+)\b/g, '[$1]');
  const isNamed = found.some((line) => {
    // PATTERN: a place inside it, too.
    const rest = line.startsWith(written) ? line.slice(written.length) : '';
    return /^(\.\w+)?: /.test(rest) && rest.includes(problem);
  });
  if (!isNamed || found.length > 1) failures.push(`${what}, ${written}: the check says ${JSON.stringify(found)}`);
}

/** The template and another, each broken in turn, with what compares them. */
const compared = [
  [MEMBER_BREAKAGES, (place, value) => member.check(template, broken(memberTemplate, place, value))],
  [FORWARD_BREAKAGES, (place, value) => forward.check(template, broken(withNothing(forwardTemplate), place, value))],
  [HUB_BREAKAGES, (place, value) => forward.check(broken(template, place, value), forwardTemplate)],
  [EVIDENCE_BREAKAGES, (place, value) => evidence.check(broken(template, place, value))],
  [FURTHER_BREAKAGES, (place, value) => furtherRegion.check(broken(withNothing(template), place, value))],
  [DEPLOYER_BREAKAGES, (place, value) => deployer.check(deployerPolicy, [broken(template, place, value)])],
  [GUARDRAIL_BREAKAGES, (text, other) => guarded(guardrailTemplate.Resources.Guardrail.Properties.PolicyDocument['Fn::Sub'].replace(text, other))],
];
const guarded = (text) => {
  const copy = broken(guardrailTemplate, 'Resources.Guardrail.Properties.PolicyDocument', { 'Fn::Sub': text });
  return guardrail.check(template, memberTemplate, copy, guardrailJson);
};
/** With a condition that never holds. */
function withNothing(template) {
  return broken(template, 'Conditions.MakeNothing', { 'Fn::Equals': ['true', 'false'] });
}
const whole = [
  ...Object.values(OTHERS).flatMap(check),
  ...member.check(template, memberTemplate),
  ...forward.check(template, forwardTemplate),
  ...furtherRegion.check(template),
  ...evidence.check(template),
  ...guardrail.check(template, memberTemplate, guardrailTemplate, guardrailJson),
];
failures.push(...whole.map((line) => `nothing is broken, and yet: ${line}`));
for (const [breakages, found] of compared) {
  for (const [what, place, value, problem] of breakages) {
    const lines = found(place, value);
    if (!lines.some((line) => line.includes(problem))) failures.push(`${what}: the check says ${JSON.stringify(lines)}`);
  }
}
for (const [place, value] of COPIED) {
  const written = (template) => JSON.stringify(serverlessDevs.write(template));
  if (written(broken(template, place, value)) === written(template)) failures.push(`no s.yaml would follow ${place}`);
}
for (const [place, value] of UNSPEAKABLE) {
  try {
    serverlessDevs.write(broken(template, place, value));
    failures.push(`s.yaml would leave out what ${place} is`);
  } catch (problem) {
    if (!/FILES|Serverless Devs/.test(problem.message)) throw problem;
  }
}
for (const failure of failures) console.error(`template: ${failure}`);
if (failures.length > 0) process.exit(1);
const refused = byClasses.length + compared.reduce((sum, [breakages]) => sum + breakages.length, 0);
console.log(`template: ${refused} breakages are refused, ${COPIED.length} changes reach s.yaml or s.ecr.yaml`);
