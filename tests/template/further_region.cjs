// Whether template.yml can be deployed once more, in another region of the same account: further_region.cjs TEMPLATE
//
// With MakeRoles=false it makes nothing that is of the whole account, uses the roles of the stack in the home region,
// and has no timer: the home stack sweeps every region.
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { isMap, stack } = require('./values.cjs');

/** What an account has once, whatever its regions. */
const OF_THE_ACCOUNT = ['ALIYUN::RAM::', 'ALIYUN::ResourceManager::'];

/** Everything that may be asked for. */
const ALL = {
  KeepEcrFlowLogs: 'true',
  EvidenceBucket: 'reports',
  MemberRoleName: 'flowkeeper',
  UseResourceDirectory: 'true',
  CreateDestinations: 'flowlog-',
  CreateServiceLinkedRoles: 'true',
  PolicyLayerObject: 'policy.zip',
  HubBus: 'flowkeeper',
  HubSenders: '1000000000000002',
  AlertActionPolicy: 'sls.builtin',
  AlarmContactGroups: 'team',
};

/** What is wrong, as sentences. */
function check(template) {
  const found = [];
  const home = stack(template, ALL);
  const further = stack(template, { ...ALL, MakeRoles: 'false' });
  const all = Object.entries(template.Resources);
  for (const [id] of all) if (!(id in home)) found.push(`${id}: is not there with every parameter`);
  const names = Object.values(home)
    .filter(({ Type }) => Type === 'ALIYUN::RAM::Role')
    .map(({ Properties }) => Properties.RoleName['Fn::Sub']);
  for (const [id, { Type, Properties }] of Object.entries(further)) {
    if (OF_THE_ACCOUNT.some((of) => Type.startsWith(of))) found.push(`${id}: is of the whole account`);
    if (Properties.TriggerType === 'timer') found.push(`${id}: is a second timer`);
    if (Type === 'ALIYUN::SLS::Alert' && texts(Properties).some((text) => /message[.](kind: sweep|line: report)/.test(text))) {
      found.push(`${id}: asks for sweeps, and there is no timer`);
    }
    if (Type !== 'ALIYUN::FC3::Function') continue;
    const name = Properties.Role['Fn::Sub']?.replace('acs:ram::${ALIYUN::TenantId}:role/', '');
    if (!names.includes(name)) found.push(`${id}: has the role ${JSON.stringify(Properties.Role)}, which no stack makes`);
    const own = home[id].Properties.Role['Fn::GetAtt'][0];
    if (home[own].Properties.RoleName['Fn::Sub'] !== name) found.push(`${id}: has another role than in the home region`);
    const isWoken = Object.values(further).some(
      (other) => other.Type === 'ALIYUN::FC3::Trigger' && other.Properties.FunctionName['Fn::GetAtt'][0] === id,
    );
    if (!isWoken) found.push(`${id}: nothing wakes it`);
  }
  for (const [id, { Type, Properties }] of all) {
    // The bus of the hub is in one region.
    if (!Type.startsWith('ALIYUN::RAM::') || id === 'HubRole') continue;
    if (texts(Properties).some((text) => /ALIYUN::Region|\$\{\w+\.|FunctionLogProject/.test(text))) {
      found.push(`${id}: its rights are those of one region`);
    }
  }
  return found;
}

/** Every text in a value, but for those that name another resource's name. */
function texts(value) {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === 'Fn::GetAtt' ? [] : texts(member)));
}

if (require.main === module) {
  const [template] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(template);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: a stack in another region uses the roles that are there, and sweeps nothing');
}

module.exports = { check };
