// Whether the role in a member account allows what the functions' own roles allow together, to the same conditions,
// and trusts just these; whether the reader's role only reads, and reads everything that a plan, a report and its costs need; and whether a
// member's Logstore is made as the main account's is: member.cjs TEMPLATE MEMBER_TEMPLATE
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { isMap, stack } = require('./values.cjs');

/** Needed in the name of a function for others, or to come here: nothing that is done in a member account. */
const AT_HOME = ['eventbridge', 'fc', 'mns', 'oss', 'resourcemanager', 'sts'];
const isAtHome = (action) => AT_HOME.includes(action.split(':')[0]) || action === 'log:PostLogStoreLogs';

/** The parameters that say that there are roles and members at all. */
const GIVEN = ['MakeRoles', 'MemberRoleName'];

/** What the reader reads that no function does: for evidence, and for what it costs. */
const FOR_PEOPLE = [
  'vpc:GetFlowLogServiceStatus',
  'log:GetLogStoreLogs',
  'log:GetLogStoreMeteringMode',
  'cms:QueryMetricList',
  'bss:DescribeBillList',
];

/** What is wrong, as sentences. */
function check(main, member) {
  const found = [];
  const roles = membersRoles(main);
  const allowed = rights(main, roles);
  const given = rights(member, ['MemberRole']);
  for (const [right, written] of allowed) {
    if (!given.has(right)) found.push(`MemberRole: ${written} is missing, which a function has in its own account`);
  }
  for (const [right, written] of given) {
    if (!allowed.has(right)) found.push(`MemberRole: ${written} is more than any function has in its own account`);
  }
  found.push(...trust(main, member, roles), ...reader(member), ...stores(main, member));
  return found;
}

/** What makes a function be there that is not always, as the parameters of both templates have it. */
const OPTIONAL = { KeepEcrFlowLogs: ['true', 'false'], EvidenceBucket: ['reports', ''] };

/** Each of the functions' roles is trusted, where it is made. */
function trust(main, member, roles) {
  const found = new Set();
  const combinations = Object.entries(OPTIONAL).reduce(
    (sets, [name, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
    [{}],
  );
  for (const parameters of combinations) {
    const made = stack(main, { MemberRoleName: 'flowkeeper', ...parameters });
    const there = roles.filter((id) => id in made).map((id) => made[id].Properties.RoleName['Fn::Sub']);
    const expected = there.map((name) => `acs:ram::\${MainAccountId}:role/${name}`);
    const { MemberRole } = stack(member, parameters);
    const given = MemberRole.Properties.AssumeRolePolicyDocument.Statement[0].Principal.RAM.map((one) => one['Fn::Sub']);
    for (const one of expected) if (!given.includes(one)) found.add(`MemberRole: does not trust ${one}`);
    for (const one of given) if (!expected.includes(one)) found.add(`MemberRole: trusts ${one}, which no function has`);
  }
  return [...found];
}

/** The reader reads what the functions read, and does nothing else. */
function reader(member) {
  const actions = (role) => [...statements(member, role)].flatMap(({ Action }) => Action);
  const reads = (action) => /^[a-z]+:(Describe|List|Get|Query)/.test(action);
  const [given, wanted] = [actions('ReaderRole'), [...actions('MemberRole').filter(reads), ...FOR_PEOPLE]];
  return [
    ...given.filter((action) => !reads(action)).map((action) => `ReaderRole: ${action} is no read`),
    ...wanted.filter((action) => !given.includes(action)).map((action) => `ReaderRole: ${action} is missing`),
    ...given.filter((action) => !wanted.includes(action)).map((action) => `ReaderRole: ${action} is read by nothing`),
  ];
}

/** The project, the Logstore and the index of flow logs are the same in every account. */
function stores(main, member) {
  const ids = ['FlowLogProject', 'FlowLogStore', 'FlowLogIndex'];
  const text = (template, id) => JSON.stringify(template.Resources[id]);
  const other = ids.filter((id) => text(main, id) !== text(member, id));
  return other.map((id) => `${id}: is not that of the main account`);
}

/** The functions' roles that may assume a role elsewhere. */
function membersRoles(main) {
  const policies = Object.values(main.Resources).filter(
    ({ Type, Properties }) =>
      Type === 'ALIYUN::RAM::ManagedPolicy' &&
      Properties.PolicyDocument.Statement.some(({ Action }) => Action.includes('sts:AssumeRole')),
  );
  return policies.flatMap(attached);
}

/** The roles that a managed policy is attached to. */
const attached = ({ Type, Properties }) =>
  Type === 'ALIYUN::RAM::ManagedPolicy' ? Properties.Roles.map((role) => role['Fn::GetAtt'][0]) : [];

/** The statements of a role and of the policies attached to it, each with what makes it be there. */
function* statements(template, role) {
  for (const [id, resource] of Object.entries(template.Resources)) {
    if (id !== role && !attached(resource).includes(role)) continue;
    const { PolicyDocument, Policies = [] } = resource.Properties;
    const documents = [PolicyDocument, ...Policies.map((policy) => policy.PolicyDocument)].filter(isMap);
    for (const statement of documents.flatMap((document) => document.Statement)) {
      yield { ...statement, gates: gates(template, id) };
    }
  }
}

/** The parameters that a resource depends on, but for those that are settled where it counts. */
function gates(template, id) {
  const parameters = (condition) => {
    if (typeof condition === 'string') return parameters(template.Conditions[condition] ?? []);
    if (isMap(condition) && 'Ref' in condition) return [condition.Ref];
    return Object.values(condition).flatMap(parameters);
  };
  const { Condition } = template.Resources[id];
  const all = Condition === undefined ? [] : parameters(Condition);
  return [...new Set(all)].filter((name) => !GIVEN.includes(name)).sort();
}

/** Each action with its resources, its condition and the parameters that it depends on. */
function rights(template, roles) {
  const all = new Map();
  for (const role of roles) {
    for (const { Action, Resource, Condition, gates } of statements(template, role)) {
      for (const action of Action.filter((action) => !isAtHome(action))) {
        const [condition, resources] = [JSON.stringify(Condition), JSON.stringify(Resource)];
        const where = resources === '["*"]' ? '' : ` on ${resources}`;
        const when = gates.length === 0 ? '' : ` with ${gates}`;
        const under = condition ? ` under ${condition}` : '';
        all.set([action, condition, resources, gates].join(' '), `${action}${where}${under}${when}`);
      }
    }
  }
  return all;
}

if (require.main === module) {
  const [main, member] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(main, member);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: the role of a member account allows what the functions may do, and trusts just them');
}

module.exports = { check };
