// Whether the role in a member account allows what the functions' own roles allow together, to the same conditions,
// and trusts just these: member.cjs TEMPLATE MEMBER_TEMPLATE
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { isMap } = require('./values.cjs');

/** Needed in the name of a function for others, or to come here: nothing that is done in a member account. */
const AT_HOME = ['log:PostLogStoreLogs', 'mns:SendMessage', 'sts:AssumeRole'];

/** What is wrong, as sentences. */
function check(main, member) {
  const found = [];
  const roles = membersRoles(main);
  const allowed = rights(roles.flatMap((id) => documents(main.Resources[id])));
  const given = rights(Object.values(member.Resources).flatMap(documents));
  for (const [right, written] of allowed) {
    if (!given.has(right)) found.push(`MemberRole: ${written} is missing, which a function has in its own account`);
  }
  for (const [right, written] of given) {
    if (!allowed.has(right)) found.push(`MemberRole: ${written} is more than any function has in its own account`);
  }
  const names = roles.map((id) => main.Resources[id].Properties.RoleName['Fn::Sub']);
  const { 'Fn::If': trusted } = member.Resources.MemberRole.Properties.AssumeRolePolicyDocument.Statement[0].Principal.RAM;
  const always = roles.filter((id) => main.Resources[id].Condition === undefined);
  const arn = (id) => `acs:ram::\${MainAccountId}:role/${names[roles.indexOf(id)]}`;
  for (const [at, expected] of [roles, always].entries()) {
    const given = trusted[at + 1].map((one) => one?.['Fn::Sub']);
    const missing = expected.map(arn).filter((one) => !given.includes(one));
    const more = given.filter((one) => one !== undefined && !expected.map(arn).includes(one));
    for (const one of missing) found.push(`MemberRole: does not trust ${one}`);
    for (const one of more) found.push(`MemberRole: trusts ${one}, which no function has`);
  }
  return found;
}

/** The functions' roles that may assume a role elsewhere. */
function membersRoles(main) {
  const policies = Object.values(main.Resources).filter(
    ({ Type, Properties }) =>
      Type === 'ALIYUN::RAM::ManagedPolicy' &&
      Properties.PolicyDocument.Statement.some(({ Action }) => Action.includes('sts:AssumeRole')),
  );
  return policies.flatMap(({ Properties }) => Properties.Roles.map((role) => role['Fn::GetAtt'][0]));
}

const documents = ({ Properties }) =>
  [Properties.PolicyDocument, ...(Properties.Policies ?? []).map((policy) => policy.PolicyDocument)].filter(isMap);

/** Each action with its condition. */
function rights(documents) {
  const all = new Map();
  for (const { Action, Condition } of documents.flatMap((document) => document.Statement)) {
    for (const action of Action.filter((action) => !AT_HOME.includes(action))) {
      const condition = JSON.stringify(Condition);
      all.set(`${action} ${condition}`, condition ? `${action} under ${condition}` : action);
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
