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
 * used. What only a cloud knows stays as it is written.
 */
function example(value, template) {
  if (Array.isArray(value)) return value.map((member) => example(member, template));
  if (!isMap(value)) return value;
  const named = (name) => PSEUDO[name] ?? template.Parameters?.[name]?.Default;
  if (isFunction(value)) {
    if (typeof value['Fn::Sub'] === 'string') {
      return value['Fn::Sub'].replace(/\$\{([^!}][^}]*)\}/g, (_, name) => named(name) ?? 'x');
    }
    return named(value.Ref) ?? value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, example(member, template)]));
}

module.exports = { PSEUDO, example, gaps, isFunction, isMap };
