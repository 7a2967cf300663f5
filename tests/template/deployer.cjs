// Whether docs/deployer-policy.json allows everything that the templates create, by action and name:
// deployer.cjs POLICY TEMPLATE…
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { example } = require('./values.cjs');

/** Of each type of resource: the call that makes it, and what it is called in RAM. */
const CALLS = {
  'ALIYUN::CMS::ResourceMetricRule': ['cms:PutResourceMetricRule', () => '*'],
  'ALIYUN::EventBridge::Rule': ['eventbridge:CreateRule', () => '*'],
  'ALIYUN::FC3::AsyncInvokeConfig': ['fc:PutAsyncInvokeConfig', () => 'acs:fc:*:*:functions/flowkeeper-x'],
  'ALIYUN::FC3::ConcurrencyConfig': ['fc:PutConcurrencyConfig', () => 'acs:fc:*:*:functions/flowkeeper-x'],
  'ALIYUN::FC3::Function': ['fc:CreateFunction', ({ FunctionName }) => `acs:fc:*:*:functions/${FunctionName}`],
  'ALIYUN::FC3::LayerVersion': ['fc:CreateLayerVersion', ({ LayerName }) => `acs:fc:*:*:layers/${LayerName}`],
  'ALIYUN::FC3::Trigger': ['fc:CreateTrigger', () => 'acs:fc:*:*:functions/flowkeeper-x'],
  'ALIYUN::MNS::Queue': ['mns:CreateQueue', ({ QueueName }) => `acs:mns:*:*:/queues/${QueueName}`],
  'ALIYUN::RAM::ManagedPolicy': ['ram:CreatePolicy', ({ PolicyName }) => `acs:ram:*:*:policy/${PolicyName}`],
  'ALIYUN::RAM::Role': ['ram:CreateRole', ({ RoleName }) => `acs:ram:*:*:role/${RoleName}`],
  'ALIYUN::ResourceManager::ServiceLinkedRole': ['ram:CreateServiceLinkedRole', () => '*'],
  'ALIYUN::SLS::Alert': ['log:CreateAlert', () => 'acs:log:*:*:project/flowkeeper-x/alert/x'],
  'ALIYUN::SLS::Dashboard': ['log:CreateDashboard', () => 'acs:log:*:*:project/flowkeeper-x/dashboard/x'],
  'ALIYUN::SLS::Index': ['log:CreateIndex', () => 'acs:log:*:*:project/flowlog-x'],
  'ALIYUN::SLS::Logstore': ['log:CreateLogStore', () => 'acs:log:*:*:project/flowlog-x'],
  'ALIYUN::SLS::Savedsearch': ['log:CreateSavedSearch', () => 'acs:log:*:*:project/flowkeeper-x/savedsearch/x'],
  'ALIYUN::SLS::Project': ['log:CreateProject', ({ Name }) => `acs:log:*:*:project/${Name}`],
};

/** What is wrong, as sentences. */
function check(policy, templates) {
  const found = [];
  const matches = (pattern, text) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(text);
  };
  const allows = (action, resource) =>
    policy.Statement.some(
      ({ Effect, Action, Resource }) =>
        Effect === 'Allow' && [Action].flat().includes(action) && [Resource].flat().some((one) => matches(one, resource)),
    );
  for (const template of templates) {
    for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
      const [action, name] = CALLS[Type] ?? [];
      const resource = name?.(example(Properties, template));
      if (!action) found.push(`${id}: no call is known here that makes ${Type}`);
      else if (!allows(action, resource)) found.push(`${id}: ${action} on ${resource} is missing`);
      const service = Properties.ServiceName;
      if (service && !JSON.stringify(policy).includes(service)) found.push(`${id}: the role of ${service} is missing`);
    }
  }
  return found;
}

if (require.main === module) {
  const [policy, ...templates] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(policy, templates);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: the policy for deploying allows what the templates create');
}

module.exports = { check };
