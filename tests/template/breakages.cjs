// Whether the check refuses what is wrong: breakages.cjs TEMPLATE MEMBER_TEMPLATE
//
// The template is broken in one place at a time, and each time the check must name that place and no other.
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { check } = require('./validate.cjs');
const member = require('./member.cjs');
const serverlessDevs = require('./serverless_devs.cjs');

const [template, memberTemplate] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));

const GROUPS = 'Metadata.ALIYUN::ROS::Interface.ParameterGroups';
const FUNCTION = 'Resources.CreateFlowLogFunction.Properties';
const TRIGGER = 'Resources.CreateFlowLogTrigger.Properties';
const TIMER = 'Resources.ActivateFlowLogsTimer.Properties';
const CRON = `${TIMER}.TriggerConfig.cronExpression`;
const ROLE = 'Resources.CreateFlowLogRole.Properties';
const STATEMENTS = `${ROLE}.Policies.0.PolicyDocument.Statement`;
const MEMBERS = 'Resources.MemberAccounts.Properties.PolicyDocument.Statement.0';
const ASYNC = 'Resources.CreateFlowLogAsync.Properties';
const PATTERN = `${TRIGGER}.TriggerConfig.eventRuleFilterPattern`;
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
    'Resources.FunctionLogIndex.Properties.KeyIndices.2.JsonKeyIndices.0.Nam',
    'x',
    'no such property',
  ],
  ['a missing property', `${FUNCTION}.Handler`, REMOVED, 'required but missing'],
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
  ['an attribute', `${FUNCTION}.Role`, { 'Fn::GetAtt': ['CreateFlowLogRole', 'ARN'] }, 'has no attribute ARN'],
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
    'Conditions.MakeEcrFunction.Fn::And.0',
    'MakeFunction',
    'MakeFunction is no condition',
    'Conditions.MakeEcrFunction',
  ],
  [
    'a condition of a value',
    'Resources.ActivateFlowLogsRole.Properties.Policies.0.PolicyDocument.Statement.1.Condition.Fn::If.0',
    'Manage',
    'Manage is no condition',
    'Resources.ActivateFlowLogsRole.Properties.Policies.0.PolicyDocument.Statement.1.Condition',
  ],
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
    'CreateEcrFlowLogRole is there only under KeepEcrFlowLogs',
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
    'only under KeepEcrFlowLogs',
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
const TRUSTED = 'Resources.MemberRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal.RAM.Fn::If';

/** The same of the role in a member account: [what is wrong, the place, the value, what the check must say] */
const MEMBER_BREAKAGES = [
  ['a right that is missing', `${RIGHTS}.0.Action.4`, 'vpc:DescribeVpcs', 'vpc:CreateFlowLog is missing'],
  ['a right that no function has', `${RIGHTS}.0.Action.5`, 'vpc:DeleteVpc', 'vpc:DeleteVpc is more than'],
  ['a right without its condition', `${RIGHTS}.2.Condition`, REMOVED, 'vpc:DeleteFlowLog is more than'],
  ['a function that is not trusted', `${TRUSTED}.1.5`, REMOVED, 'does not trust'],
  ['a function that is trusted though it is not there', `${TRUSTED}.2.5`, { 'Fn::Sub': 'x' }, 'trusts x, which'],
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
for (const [what, place, value, problem, named = place] of BREAKAGES) {
  const found = check(broken(template, place, value));
  const written = named.replace(/\.(\d+)\b/g, '[$1]');
  const isNamed = found.some((line) => {
    // PATTERN: a place inside it, too.
    const rest = line.startsWith(written) ? line.slice(written.length) : '';
    return /^(\.\w+)?: /.test(rest) && rest.includes(problem);
  });
  if (!isNamed || found.length > 1) failures.push(`${what}, ${written}: the check says ${JSON.stringify(found)}`);
}
failures.push(...member.check(template, memberTemplate).map((line) => `nothing is broken, and yet: ${line}`));
for (const [what, place, value, problem] of MEMBER_BREAKAGES) {
  const found = member.check(template, broken(memberTemplate, place, value));
  if (!found.some((line) => line.includes(problem))) failures.push(`${what}: the check says ${JSON.stringify(found)}`);
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
console.log(`template: ${BREAKAGES.length + MEMBER_BREAKAGES.length} breakages are refused, ${COPIED.length} changes reach s.yaml or s.ecr.yaml`);
