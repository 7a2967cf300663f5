// Whether everything that a template speaks of is there.
'use strict';

const { PSEUDO, gaps, isMap } = require('./values.cjs');

const FUNCTIONS = ['Ref', 'Fn::GetAtt', 'Fn::Sub', 'Fn::If', 'Fn::Equals', 'Fn::And', 'Fn::Or', 'Fn::Not', 'Fn::Join', 'Fn::Replace', 'Fn::Split'];

/** `attributes` are those that each resource has for `Fn::GetAtt`. */
function check(template, attributes, report) {
  const { Parameters = {}, Conditions = {}, Resources = {}, Outputs = {} } = template;
  const used = new Set();

  // The conditions under which that is there which is being visited.
  let given = [];
  const present = (place, id) => {
    const under = Resources[id].Condition;
    if (under !== undefined && !holds(under, given, Conditions)) report(place, `${id} is there only under ${under}`);
  };

  const name = (place, name) => {
    used.add(name);
    if (!(name in Parameters || name in Resources || name in PSEUDO)) {
      report(place, `${name} is no parameter and no resource`);
    }
    if (name in Resources) present(place, name);
  };
  const attribute = (place, id, attribute) => {
    if (!(id in Resources)) return report(place, `${id} is no resource`);
    present(place, id);
    // A type that is not known has been reported, and its attributes are not known either.
    if (attributes[id] && !attributes[id].includes(attribute)) {
      report(place, `${Resources[id].Type} has no attribute ${attribute}; it has ${attributes[id].join(', ')}`);
    }
  };
  const asked = new Set();
  const condition = (place, name) => {
    asked.add(name);
    if (!(name in Conditions)) report(place, `${name} is no condition`);
  };

  const visit = (place, value) => {
    if (Array.isArray(value)) return value.forEach((member, index) => visit(`${place}[${index}]`, member));
    if (!isMap(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key.startsWith('Fn::') && !FUNCTIONS.includes(key)) {
        report(place, `${key} is not known to this check, which knows ${FUNCTIONS.join(', ')}`);
      }
      switch (key) {
        case 'Ref':
          name(place, inner);
          break;
        case 'Fn::GetAtt':
          attribute(place, ...inner);
          break;
        case 'Fn::Sub':
          for (const gap of gaps(inner)) {
            // Parameters of ROS itself have no dot, attributes of resources may have several.
            const [id, ...rest] = gap.split('.');
            rest.length > 0 ? attribute(place, id, rest.join('.')) : name(place, gap);
          }
          break;
        case 'Fn::And':
        case 'Fn::Or':
        case 'Fn::Not':
          // A condition by its name, or one that is written out.
          for (const part of [inner].flat()) typeof part === 'string' ? condition(place, part) : visit(place, part);
          break;
        case 'Fn::If':
          condition(place, inner[0]);
          given.push(inner[0]);
          visit(place, inner[1]);
          given.pop();
          visit(place, inner[2]);
          break;
        default:
          visit(key.startsWith('Fn::') ? place : `${place}.${key}`, inner);
      }
    }
  };

  for (const [name, written] of Object.entries(Conditions)) visit(`Conditions.${name}`, written);
  for (const [id, resource] of Object.entries(Resources)) {
    given = [resource.Condition];
    visit(`Resources.${id}.Properties`, resource.Properties ?? {});
    for (const other of [resource.DependsOn ?? []].flat()) {
      if (!(other in Resources)) report(`Resources.${id}.DependsOn`, `${other} is no resource`);
      else present(`Resources.${id}.DependsOn`, other);
    }
    if ('Condition' in resource) condition(`Resources.${id}.Condition`, resource.Condition);
  }
  for (const [id, output] of Object.entries(Outputs)) {
    given = [output.Condition];
    visit(`Outputs.${id}.Value`, output.Value);
    if ('Condition' in output) condition(`Outputs.${id}.Condition`, output.Condition);
  }
  for (const name of Object.keys(Conditions)) {
    if (!asked.has(name)) report(`Conditions.${name}`, 'nothing asks for it');
  }
  for (const parameter of Object.keys(Parameters)) {
    if (!used.has(parameter)) report(`Parameters.${parameter}`, 'nothing uses it');
  }
}

/** Whether a condition holds wherever the given ones do. */
function holds(name, given, conditions) {
  if (given.some((one) => implied(one, conditions).includes(name))) return true;
  const parts = conditions[name]?.['Fn::And'];
  return parts !== undefined && parts.every((part) => typeof part === 'string' && holds(part, given, conditions));
}

/** The conditions that hold wherever this one does. */
function implied(name, conditions) {
  const parts = [conditions[name]?.['Fn::And'] ?? []].flat().filter((part) => typeof part === 'string');
  return [name, ...parts.flatMap((part) => implied(part, conditions))];
}

module.exports = { check };
