// What values of a template are, and what they become in a stack.
'use strict';

const isMap = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** `{Ref: …}` or `{Fn::…: …}`: something that ROS works out. */
function isFunction(value) {
  const keys = isMap(value) ? Object.keys(value) : [];
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

/** The values that ROS has for every stack, as they might be. */
const PSEUDO = {
  'ALIYUN::Region': 'cn-hangzhou',
  'ALIYUN::TenantId': '1000000000000001',
  'ALIYUN::AccountId': '1000000000000001',
  'ALIYUN::StackName': 'flowkeeper',
  'ALIYUN::StackId': '00000000-0000-0000-0000-000000000001',
  // Given instead of a value, so that there is none.
  'ALIYUN::NoValue': undefined,
};

/** The parts of a text that `Fn::Sub` fills in, such as `Queue.ARN` of `${Queue.ARN}`; `${!name}` stays as it is. */
const gaps = (text) => [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => match[1]);

/**
 * A value as it might be in a stack: parameters as they are by default, so that their type and form count where they are
 * used; in a text, one that is empty by default is an x. What only a cloud knows stays as it is written.
 */
function example(value, template) {
  if (Array.isArray(value)) return value.map((member) => example(member, template));
  if (!isMap(value)) return value;
  const named = (name) => PSEUDO[name] ?? template.Parameters?.[name]?.Default;
  if (isFunction(value)) {
    if (typeof value['Fn::Sub'] === 'string') {
      return value['Fn::Sub'].replace(/\$\{([^!}][^}]*)\}/g, (_, name) => named(name) || 'x');
    }
    return named(value.Ref) ?? value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, example(member, template)]));
}

/** A value with one branch, 1 or 2, of each `Fn::If` in its place, as in a stack where each condition holds, or none. */
function branch(value, which) {
  if (Array.isArray(value)) return value.map((member) => branch(member, which)).filter((member) => !isNothing(member));
  if (!isMap(value)) return value;
  if (Array.isArray(value['Fn::If'])) return branch(value['Fn::If'][which], which);
  const members = Object.entries(value).map(([key, member]) => [key, branch(member, which)]);
  return Object.fromEntries(members.filter(([, member]) => !isNothing(member)));
}

/** Whether a value makes its property go away. */
const isNothing = (value) => isMap(value) && value.Ref === 'ALIYUN::NoValue';

/** A template twice: with the first branch of each `Fn::If`, and with the second. */
const bothBranches = (template) =>
  [1, 2].map((which) => ({ ...template, Resources: branch(template.Resources, which) }));

/** Whether a condition holds in a stack with these parameters, and the others as they are by default. */
function holds(condition, template, parameters) {
  if (typeof condition === 'string') return holds(template.Conditions[condition], template, parameters);
  const [[kind, parts]] = Object.entries(condition);
  const part = (one) => holds(one, template, parameters);
  const text = (one) =>
    isMap(one) ? (parameters[one.Ref] ?? PSEUDO[one.Ref] ?? template.Parameters[one.Ref].Default) : one;
  switch (kind) {
    case 'Fn::Equals':
      return text(parts[0]) === text(parts[1]);
    case 'Fn::Not':
      return !part(parts);
    case 'Fn::And':
      return parts.every(part);
    case 'Fn::Or':
      return parts.some(part);
    default:
      throw new Error(`${kind} is no condition that is known here`);
  }
}

/** The resources that a stack with these parameters has, with every `Fn::If` settled. */
function stack(template, parameters) {
  const settled = (value) => {
    if (Array.isArray(value)) return value.map(settled).filter((member) => !isNothing(member));
    if (!isMap(value)) return value;
    if (Array.isArray(value['Fn::If'])) {
      const [condition, yes, no] = value['Fn::If'];
      return settled(holds(condition, template, parameters) ? yes : no);
    }
    const members = Object.entries(value).map(([key, member]) => [key, settled(member)]);
    return Object.fromEntries(members.filter(([, member]) => !isNothing(member)));
  };
  const there = Object.entries(template.Resources).filter(
    ([, { Condition }]) => Condition === undefined || holds(Condition, template, parameters),
  );
  return Object.fromEntries(there.map(([id, resource]) => [id, settled(resource)]));
}

module.exports = { PSEUDO, bothBranches, example, gaps, holds, isFunction, isMap, stack };
