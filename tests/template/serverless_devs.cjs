// s.yaml, for Serverless Devs, from template.yml: serverless_devs.cjs TEMPLATE S_YAML [--write]
//
// Both make the same functions and triggers. With --write the file is made anew, otherwise it is compared: what is
// changed in one place alone is refused.
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { isFunction, isMap } = require('./values.cjs');

const HEADING = `# The functions and triggers of template.yml for Serverless Devs. Made from it: do not edit but for the vars, and run
# tests/template/run --write after a change to template.yml.
#
# Roles, Logstores and the dead-letter queue are made by template.yml, with MakeFunctions=false. Where the policy has no
# ecr_flow_log, take create-ecr-flow-log out: its role is made with KeepEcrFlowLogs=true alone.
`;

/** The parameters of the template that are vars here. The others are settled when the stack is made. */
const VARS = {
  Prefix: 'prefix',
  Policy: 'policy',
  DryRun: 'dryRun',
  Runtime: 'runtime',
  TimeZone: 'timeZone',
  SwitchTimer: 'switchTimer',
  SweepTimer: 'sweepTimer',
  OrphanTimer: 'orphanTimer',
};

const PSEUDO = { 'ALIYUN::Region': '${vars.region}', 'ALIYUN::TenantId': "${config('AccountID')}" };

/** Whose keys are written as Function Compute's API has them, or are the user's own. */
const AS_THEY_ARE = ['EnvironmentVariables', 'TriggerConfig'];

/** The file that belongs to a template. */
function write(template) {
  const functions = of(template, 'ALIYUN::FC3::Function').map(([id, properties]) => {
    const { FunctionName, Code, ...rest } = properties;
    const own = ([, other]) => other.FunctionName['Fn::GetAtt'][0] === id;
    const [, name] = Code.OssObjectName['Fn::Sub'].match(/([a-z-]+)\.zip$/);
    const props = {
      region: PSEUDO['ALIYUN::Region'],
      functionName: value(FunctionName, template),
      code: `./target/fc/${name}.zip`,
      ...written(rest, template),
    };
    const [asynchronous] = of(template, 'ALIYUN::FC3::AsyncInvokeConfig').filter(own);
    props.asyncInvokeConfig = written(without(asynchronous[1]), template);
    const triggers = of(template, 'ALIYUN::FC3::Trigger').filter(own);
    if (triggers.length > 0) {
      props.triggers = triggers.map(([, trigger]) => withSource(written(without(trigger), template)));
    }
    return [name, { component: 'fc3', props }];
  });
  const vars = Object.entries(VARS).map(([name, own]) => [own, template.Parameters[name].Default]);
  const parts = [
    { edition: '3.0.0', name: 'flowkeeper', access: 'default' },
    { vars: { region: 'cn-hangzhou', ...Object.fromEntries(vars) } },
  ].map(dump);
  const resources = functions.map(([name, resource]) => dump({ [name]: resource }).replace(/^(?=.)/gm, '  '));
  return [HEADING, ...parts, `resources:\n${resources.join('\n')}`].join('\n').replace('\n\nedition', '\nedition');
}

const of = (template, type) =>
  Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([id, { Properties }]) => [id, Properties]);

const without = ({ FunctionName, ...rest }) => rest;

const dump = (part) => yaml.dump(part, { lineWidth: -1, noRefs: true, quotingType: "'" });

/** What the component demands, though the default bus has none. */
function withSource(trigger) {
  const source = trigger.triggerConfig.eventSourceConfig;
  if (source) source.eventSourceParameters = {};
  return trigger;
}

/** Properties of ROS as the component spells them: `MemorySize` as `memorySize`. */
function written(properties, template, name) {
  if (isFunction(properties)) return value(properties, template);
  if (Array.isArray(properties)) return properties.map((member) => written(member, template));
  if (!isMap(properties)) return properties;
  const spelled = (key) => (AS_THEY_ARE.includes(name) ? key : key[0].toLowerCase() + key.slice(1));
  const inside = (key) => (AS_THEY_ARE.includes(name) ? name : key);
  return Object.fromEntries(
    Object.entries(properties).map(([key, member]) => [spelled(key), written(member, template, inside(key))]),
  );
}

/** A value that ROS works out, as Serverless Devs does. */
function value(given, template) {
  if (!isFunction(given)) return given;
  const [[kind, to]] = Object.entries(given);
  const named = (name) => {
    if (PSEUDO[name]) return PSEUDO[name];
    if (VARS[name]) return `\${vars.${VARS[name]}}`;
    const { Properties } = template.Resources[name];
    return value(Properties.Name ?? Properties.FunctionName, template);
  };
  if (kind === 'Ref') return named(to);
  if (kind === 'Fn::Sub') return to.replace(/\$\{([^}]+)\}/g, (_, name) => named(name));
  const [id, attribute] = to;
  const { Properties } = template.Resources[id];
  switch (attribute) {
    case 'Arn':
      return `acs:ram::${PSEUDO['ALIYUN::TenantId']}:role/${value(Properties.RoleName, template)}`;
    case 'ARN.WithSlash':
      return `acs:mns:${PSEUDO['ALIYUN::Region']}:${PSEUDO['ALIYUN::TenantId']}:/queues/${value(Properties.QueueName, template)}`;
    default:
      return value(Properties[attribute], template);
  }
}

if (require.main === module) {
  const [templateFile, file, mode] = process.argv.slice(2);
  const wanted = write(yaml.load(fs.readFileSync(templateFile, 'utf8')));
  if (mode === '--write') fs.writeFileSync(file, wanted);
  const [found, lines] = [fs.readFileSync(file, 'utf8'), wanted.split('\n')];
  if (found !== wanted) {
    const at = found.split('\n').findIndex((line, at) => line !== lines[at]);
    console.error(`template: ${file}, line ${at + 1} is not what ${templateFile} makes of it: change that, and then`);
    console.error('template: make this anew with tests/template/run --write');
    process.exit(1);
  }
  console.log(`template: ${file} has the functions and triggers of ${templateFile}`);
}

module.exports = { write };
