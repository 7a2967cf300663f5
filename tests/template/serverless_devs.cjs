// s.yaml, s.ecr.yaml and s.evidence.yaml, for Serverless Devs, from template.yml beside them: serverless_devs.cjs TEMPLATE [--write]
//
// They make the same functions and triggers as the template. With --write they are generated again, otherwise they
// are compared: a change in one place alone is refused.
//
// Serverless Devs has no conditions. What a parameter adds to the functions is in a file of its own, which extends s.yaml.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const yaml = require('js-yaml');
const { holds, isFunction, isMap } = require('./values.cjs');

const HEADING = `# The functions and triggers of template.yml for Serverless Devs. Made from it: do not edit but for the vars, and run
# tests/template/run --write after a change to template.yml.
#
# Roles, Logstores and the dead-letter queue are made by template.yml, with MakeFunctions=false. With KeepEcrFlowLogs=true,
# s.ecr.yaml has one function more, and so has s.evidence.yaml with EvidenceBucket. What the template makes of MakeRoles,
# PolicyLayerObject, TaskMode, ResourceDirectoryEndpoint and HubBus is here as it is by default.
`;

const ECR_HEADING = `# s.yaml, with its vars, and create-ecr-flow-log: for a stack of template.yml with KeepEcrFlowLogs=true, without which that
# function has no role. Made from template.yml as s.yaml is: do not edit.
`;

const EVIDENCE_HEADING = `# s.yaml, with its vars, and report-flow-logs: for a stack of template.yml with EvidenceBucket, without which that function has
# no role. Set the var evidenceBucket in s.yaml. Made from template.yml as s.yaml is: do not edit.
`;

/** The files, and the parameters with which the template has what is in one and in none before. */
const FILES = { 's.yaml': {}, 's.ecr.yaml': { KeepEcrFlowLogs: 'true' }, 's.evidence.yaml': { EvidenceBucket: 'x' } };

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
  EvidenceTimer: 'evidenceTimer',
  EvidenceBucket: 'evidenceBucket',
  MaxSweepInstances: 'maxSweepInstances',
};

/** The conditions of values that are taken as they are by default. Any other would be left out in silence. */
const BY_DEFAULT = ['MakeRoles', 'HasPolicyLayer', 'HasResourceDirectoryEndpoint', 'UseTasks'];

const PSEUDO = { 'ALIYUN::Region': '${vars.region}', 'ALIYUN::TenantId': "${config('AccountID')}" };

/** Whose keys are written as Function Compute's API has them, or are the user's own. */
const AS_THEY_ARE = ['EnvironmentVariables', 'TriggerConfig'];

/** The text of each file that belongs to a template. */
function write(template) {
  const vars = Object.entries(VARS).map(([name, own]) => [own, template.Parameters[name].Default]);
  const parts = {
    's.yaml': [
      HEADING,
      dump({ edition: '3.0.0', name: 'flowkeeper', access: 'default' }),
      `\n${dump({ vars: { region: 'cn-hangzhou', ...Object.fromEntries(vars) } })}`,
    ],
    's.ecr.yaml': [ECR_HEADING, dump({ edition: '3.0.0', name: 'flowkeeper', extend: './s.yaml', access: 'default' })],
    's.evidence.yaml': [
      EVIDENCE_HEADING,
      dump({ edition: '3.0.0', name: 'flowkeeper', extend: './s.yaml', access: 'default' }),
    ],
  };
  const written = new Set();
  const texts = Object.entries(FILES).map(([file, parameters]) => {
    const more = functions(template, parameters).filter(([name]) => !written.has(name));
    more.forEach(([name]) => written.add(name));
    const resources = more.map(([name, resource]) => dump({ [name]: resource }).replace(/^(?=.)/gm, '  '));
    return [file, [...parts[file], `\nresources:\n${resources.join('\n')}`].join('')];
  });
  const all = Object.keys(template.Resources).filter((id) => template.Resources[id].Type === 'ALIYUN::FC3::Function');
  if (written.size < all.length) {
    throw new Error(`only ${[...written].join(', ')} are in a file: which of FILES has the others of ${all.join(', ')}?`);
  }
  return Object.fromEntries(texts);
}

/** The functions that a stack with these parameters has, each with its name. */
function functions(template, parameters) {
  const of = (type) =>
    Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === type)
      .filter(([, { Condition }]) => Condition === undefined || holds(Condition, template, parameters))
      .map(([id, { Properties }]) => [id, Properties]);
  return of('ALIYUN::FC3::Function').map(([id, properties]) => {
    const { FunctionName, Code, ...rest } = properties;
    const own = ([, other]) => other.FunctionName['Fn::GetAtt'][0] === id;
    const [, name] = Code.OssObjectName['Fn::Sub'].match(/([a-z-]+)\.zip$/);
    const props = {
      region: PSEUDO['ALIYUN::Region'],
      functionName: value(FunctionName, template),
      code: `./target/fc/${name}.zip`,
      ...written(rest, template),
    };
    const [asynchronous] = of('ALIYUN::FC3::AsyncInvokeConfig').filter(own);
    const [concurrency] = of('ALIYUN::FC3::ConcurrencyConfig').filter(own);
    if (concurrency) props.concurrencyConfig = written(without(concurrency[1]), template);
    if (asynchronous) props.asyncInvokeConfig = written(without(asynchronous[1]), template);
    const triggers = of('ALIYUN::FC3::Trigger').filter(own);
    if (triggers.length > 0) {
      props.triggers = triggers.map(([, trigger]) => withSource(written(without(trigger), template)));
    }
    return [name, { component: 'fc3', props }];
  });
}

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
  const chosen = branchByDefault(properties, template);
  if (chosen !== properties) return written(chosen, template, name);
  if (isFunction(properties)) return value(properties, template);
  if (Array.isArray(properties)) return properties.map((member) => written(member, template));
  if (!isMap(properties)) return properties;
  const spelled = (key) => (AS_THEY_ARE.includes(name) ? key : key[0].toLowerCase() + key.slice(1));
  const inside = (key) => (AS_THEY_ARE.includes(name) ? name : key);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, member]) => branchByDefault(member, template).Ref !== 'ALIYUN::NoValue')
      .map(([key, member]) => [spelled(key), written(member, template, inside(key))]),
  );
}

/** The branch of an `Fn::If` that the parameters choose by default; of any other value, the value. */
function branchByDefault(given, template) {
  if (!isMap(given) || !Array.isArray(given['Fn::If'])) return given;
  const [condition, yes, no] = given['Fn::If'];
  if (!BY_DEFAULT.includes(condition)) throw new Error(`Fn::If of ${condition} cannot be said to Serverless Devs`);
  return holds(condition, template, {}) ? yes : no;
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
  if (kind !== 'Fn::GetAtt') throw new Error(`${kind} cannot be said to Serverless Devs`);
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
  const [templateFile, mode] = process.argv.slice(2);
  for (const [name, expected] of Object.entries(write(yaml.load(fs.readFileSync(templateFile, 'utf8'))))) {
    const file = path.join(path.dirname(templateFile), name);
    if (mode === '--write') fs.writeFileSync(file, expected);
    const [found, lines] = [fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '', expected.split('\n')];
    if (found !== expected) {
      const at = found.split('\n').findIndex((line, at) => line !== lines[at]);
      console.error(`template: ${file}, line ${at + 1} is not what ${templateFile} makes of it: change that, and then`);
      console.error('template: generate this again with tests/template/run --write');
      process.exit(1);
    }
  }
  console.log(`template: ${Object.keys(FILES).join(', ')} have the functions and triggers of ${templateFile}`);
}

module.exports = { write };
