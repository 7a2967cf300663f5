// Whether the guardrail exempts just the roles that need it, and guardrail.json is what template-guardrail.yml makes:
// guardrail.cjs TEMPLATE MEMBER_TEMPLATE GUARDRAIL_TEMPLATE GUARDRAIL_JSON
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { example } = require('./values.cjs');

/** The account of the functions in guardrail.json. */
const MAIN = '1000000000000001';
/** The role with this name: of the functions in their own account alone, as anybody may make one in another. */
const arn = (name, account = '*') => `acs:ram:*:${account}:role/${name}`;

/** What is wrong, as sentences. */
function check(main, member, guardrail, json) {
  const found = [];
  const { PolicyDocument } = guardrail.Resources.Guardrail.Properties;
  let made;
  try {
    const { Parameters } = guardrail;
    const stack = { ...guardrail, Parameters: { ...Parameters, MainAccountId: { Default: MAIN } } };
    made = JSON.parse(example(PolicyDocument, stack));
  } catch (error) {
    return [`Guardrail: its policy is no JSON: ${error.message}`];
  }
  if (JSON.stringify(made) !== JSON.stringify(json)) found.push('guardrail.json: is not what the template makes');
  const [{ Action, Condition }] = made.Statement;
  const needs = ({ Type, Properties }) =>
    Type === 'ALIYUN::RAM::Role' &&
    Properties.Policies.some(({ PolicyDocument }) =>
      PolicyDocument.Statement.some((statement) => statement.Action.some((action) => Action.includes(action))),
    );
  const names = (template) =>
    Object.values(template.Resources)
      .filter(needs)
      .map(({ Properties }) => example(Properties.RoleName, template));
  const anywhere = [...names(member), guardrail.Parameters.BreakGlassRoleName.Default];
  const wanted = [...names(main).map((name) => arn(name, MAIN)), ...anywhere.map((name) => arn(name))];
  const given = Condition.StringNotLike['acs:PrincipalARN'];
  for (const one of wanted) if (!given.includes(one)) found.push(`Guardrail: ${one} is not exempt, and cannot do its work`);
  for (const one of given) if (!wanted.includes(one)) found.push(`Guardrail: ${one} is exempt, and need not be`);
  return found;
}

if (require.main === module) {
  const [main, member, guardrail, json] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(main, member, guardrail, json);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: the guardrail exempts the roles that need it, and no others');
}

module.exports = { check };
