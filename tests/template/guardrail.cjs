// Whether the guardrail exempts just the roles that need it, and guardrail.json is what template-guardrail.yml makes:
// guardrail.cjs TEMPLATE MEMBER_TEMPLATE GUARDRAIL_TEMPLATE GUARDRAIL_JSON
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { example } = require('./values.cjs');

const ARN = 'acs:ram:*:*:role/';

/** What is wrong, as sentences. */
function check(main, member, guardrail, json) {
  const found = [];
  const { PolicyDocument } = guardrail.Resources.Guardrail.Properties;
  let made;
  try {
    made = JSON.parse(example(PolicyDocument, guardrail));
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
  const roles = [main, member].flatMap((template) =>
    Object.values(template.Resources)
      .filter(needs)
      .map(({ Properties }) => ARN + example(Properties.RoleName, template)),
  );
  const wanted = [...roles, ARN + guardrail.Parameters.BreakGlassRoleName.Default];
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
