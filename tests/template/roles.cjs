// What RAM wants of the statements of a role: Alibaba's classes take any text.
'use strict';

const { example, isFunction } = require('./values.cjs');

/** The products whose actions a role may name: another is a slip of the pen. */
const PRODUCTS = [
  'bss', 'cms', 'ecs', 'eventbridge', 'expressconnectrouter', 'fc', 'log', 'mns', 'oss', 'ram', 'resourcemanager', 'sts', 'vpc',
];

function check(template, report) {
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (!['ALIYUN::RAM::Role', 'ALIYUN::RAM::ManagedPolicy'].includes(Type)) continue;
    const place = `Resources.${id}.Properties`;
    const { AssumeRolePolicyDocument, PolicyDocument, Policies = [] } = example(Properties, template);
    checkStatements(`${place}.PolicyDocument`, PolicyDocument, report);
    checkStatements(`${place}.AssumeRolePolicyDocument`, AssumeRolePolicyDocument, report);
    Policies.forEach((policy, at) =>
      checkStatements(`${place}.Policies[${at}].PolicyDocument`, policy.PolicyDocument, report),
    );
  }
}

function checkStatements(place, document, report) {
  (document?.Statement ?? []).forEach((statement, at) => {
    const here = `${place}.Statement[${at}]`;
    if (isFunction(statement)) return;
    const { Effect, Action, Resource } = statement;
    if (Effect !== 'Allow' && Effect !== 'Deny') report(`${here}.Effect`, 'must be Allow or Deny');
    each(`${here}.Action`, Action, (place, action) => {
      const [, product] = action.match(/^([a-z]+):[A-Z][A-Za-z]+$/) ?? [];
      if (!PRODUCTS.includes(product)) report(place, `${action} is no action of ${PRODUCTS.join(', ')}`);
    });
    each(`${here}.Resource`, Resource, (place, resource) => {
      if (resource !== '*' && !/^acs:[a-z]+:[^:]*:[^:]*:.+$/.test(resource)) {
        report(place, `${resource} is neither * nor acs:<product>:<region>:<account>:<what>`);
      }
    });
  });
}

/** Each text of one or several. */
function each(place, value, visit) {
  [value ?? []].flat().forEach((member, at) => {
    if (typeof member === 'string') visit(Array.isArray(value) ? `${place}[${at}]` : place, member);
  });
}

module.exports = { check };
