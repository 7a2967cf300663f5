// Whether each resource has the properties that Alibaba's class of its type takes.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const ros = require('@alicloud/ros-cdk-core');
const { example, isFunction, isMap } = require('./values.cjs');

/** The classes of every package that is installed, by the type that they make. */
const CLASSES = {};
const folder = path.dirname(path.dirname(require.resolve('@alicloud/ros-cdk-core/package.json')));
for (const name of fs.readdirSync(folder).filter((name) => name.startsWith('ros-cdk-'))) {
  for (const exported of Object.values(require(`@alicloud/${name}`))) {
    if (exported?.ROS_RESOURCE_TYPE_NAME) CLASSES[exported.ROS_RESOURCE_TYPE_NAME] = exported;
  }
}

/** Whose keys are data. */
const DATA = ['Charts', 'Condition', 'EnvironmentVariables', 'FilterPattern', 'Resources', 'TriggerConfig'];

/** How a class spells the name of a property: `TTL` as `ttl`, `VSwitchId` as `vSwitchId`, `OSSBucket` as `ossBucket`. */
function spelling(name) {
  if (name === 'Id') return 'identity';
  if (/^[A-Z]{2}[a-z]/.test(name)) return name[0].toLowerCase() + name.slice(1);
  return name.replace(/^[A-Z]+$|^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}

function spelled(value, name) {
  if (isFunction(value) || DATA.includes(name)) return value;
  if (Array.isArray(value)) return value.map((member) => spelled(member, name));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [spelling(key), spelled(member, key)]));
}

/** Reports every class's objections; answers with the attributes that each resource of a known type has. */
function check(template, report) {
  // Nothing is written there, but without it each look at a template leaves a folder in the temporary one.
  const outdir = path.join(folder, '..', '..', 'cdk.out');
  const stack = new ros.Stack(new ros.App({ outdir }), 'check', {});
  const attributes = {};
  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
    const Class = CLASSES[Type];
    if (!Class) {
      report(`Resources.${id}.Type`, `${Type} is no type of the packages in tests/template/requirements.txt`);
      continue;
    }
    const place = `Resources.${id}.Properties`;
    const given = example(Properties, template);
    const properties = spelled(given, 'Properties');
    const resource = new Class(stack, id, properties, true);
    const tokens = Object.entries(resource).filter(([name]) => name.startsWith('attr'));
    attributes[id] = tokens.map(([, token]) => stack.resolve(token)['Fn::GetAtt'][1]);
    try {
      unknown(place, given, resource.renderProperties(properties), report);
    } catch (error) {
      objections(place, given, error.message, report);
    }
  }
  return attributes;
}

/** Reports what a class has left out of what it was given: it does not know it. */
function unknown(place, given, rendered, report) {
  if (isFunction(given)) return;
  if (Array.isArray(given)) given.forEach((member, at) => unknown(`${place}[${at}]`, member, rendered?.[at], report));
  else if (isMap(given)) {
    for (const [key, member] of Object.entries(given)) {
      if (rendered?.[key] === undefined) report(`${place}.${key}`, 'no such property');
      else if (!DATA.includes(key)) unknown(`${place}.${key}`, member, rendered[key], report);
    }
  }
}

/**
 * Reports the objections in a class's message. It is a tree by indentation, with a property or `element 3` before each
 * colon; the leaves say what is wrong.
 */
function objections(place, given, message, report) {
  const lines = message.split('\n').slice(1).filter((line) => line.trim() !== '');
  const depth = (line) => (line === undefined ? 0 : line.match(/^ */)[0].length / 2);
  const way = [];
  lines.forEach((line, at) => {
    const steps = [];
    let rest = line.trim();
    for (let match; (match = rest.match(/^(element (\d+)|\w+): /)); rest = rest.slice(match[0].length)) {
      steps.push(match[2] === undefined ? match[1] : Number(match[2]));
    }
    way.length = Math.min(way.length, depth(line));
    way[depth(line)] = steps;
    if (depth(lines[at + 1]) <= depth(line)) report(place + written(given, way.flat()), rest);
  });
  if (lines.length === 0) report(place, message.trim());
}

/** The way to a property as the template writes it, from the way that a class writes. */
function written(given, way) {
  let text = '';
  let value = given;
  for (const step of way) {
    const key = typeof step === 'number' ? step : Object.keys(value ?? {}).find((key) => spelling(key) === step);
    // One that is missing is not there to be looked up.
    text += typeof step === 'number' ? `[${step}]` : `.${key ?? step[0].toUpperCase() + step.slice(1)}`;
    value = value?.[key];
  }
  return text;
}

module.exports = { check };
