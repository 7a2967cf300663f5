// Checks a ROS template without a cloud: validate.cjs TEMPLATE
//
// What is known here is what Alibaba's own classes know. It is not known whether names and actions exist in an account,
// what its quotas are, or what ROS itself says: that is what `aliyun ros PreviewStack` is for.
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const alarms = require('./alarms.cjs');
const references = require('./references.cjs');
const resources = require('./resources.cjs');
const functionCompute = require('./function_compute.cjs');
const roles = require('./roles.cjs');
const smallestPolicy = require('./smallest_policy.cjs');
const { bothBranches } = require('./values.cjs');

const SECTIONS = ['ROSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Conditions', 'Resources', 'Outputs'];
const PARTS = ['Type', 'Properties', 'DependsOn', 'Condition', 'DeletionPolicy'];
const PARAMETER_TYPES = ['String', 'Number', 'Boolean', 'CommaDelimitedList', 'Json'];

/** What is wrong with a template, as sentences that begin with the place. */
function check(template) {
  // What several resources share, such as a parameter, is wrong once.
  const found = new Set();
  const report = (place, problem) => found.add(`${place}: ${problem}`);
  outline(template, report);
  if (found.size === 0) {
    // The classes take any Fn::If as it is, so that each branch is put in its place for them.
    const [attributes] = bothBranches(template).map((view) => {
      functionCompute.check(view, report);
      roles.check(view, report);
      smallestPolicy.check(view, report);
      alarms.check(view, report);
      return resources.check(view, report);
    });
    references.check(template, attributes, report);
    alarms.checkFunctions(template, report);
  }
  return [...found];
}

/** The parts that ROS knows, before anything is asked of them. */
function outline(template, report) {
  for (const section of Object.keys(template)) {
    if (!SECTIONS.includes(section)) report(section, `no such section; there is ${SECTIONS.join(', ')}`);
  }
  if (template.ROSTemplateFormatVersion !== '2015-09-01') {
    report('ROSTemplateFormatVersion', "must be the text '2015-09-01'");
  }
  for (const [name, parameter] of Object.entries(template.Parameters ?? {})) {
    const { Type, Default, AllowedValues, AllowedPattern, MinValue, MaxValue, MaxLength } = parameter;
    const place = `Parameters.${name}`;
    if (!PARAMETER_TYPES.includes(Type)) report(`${place}.Type`, `must be one of ${PARAMETER_TYPES.join(', ')}`);
    both(`${place}.Description`, parameter.Description, report);
    if (Default === undefined) continue;
    if (AllowedValues && !AllowedValues.includes(Default)) report(`${place}.Default`, 'is not among AllowedValues');
    if (AllowedPattern && !new RegExp(AllowedPattern).test(Default)) report(`${place}.Default`, 'breaks AllowedPattern');
    if (Type === 'Number' && !(Default >= (MinValue ?? -Infinity) && Default <= (MaxValue ?? Infinity))) {
      report(`${place}.Default`, 'is no number between MinValue and MaxValue');
    }
    if (String(Default).length > (MaxLength ?? Infinity)) report(`${place}.Default`, 'is longer than MaxLength');
  }
  groups(template, report);
  for (const [id, output] of Object.entries(template.Outputs ?? {})) {
    both(`Outputs.${id}.Description`, output.Description, report);
  }
  for (const [id, resource] of Object.entries(template.Resources ?? {})) {
    for (const part of Object.keys(resource)) {
      if (!PARTS.includes(part)) report(`Resources.${id}.${part}`, `no such part; there is ${PARTS.join(', ')}`);
    }
  }
}

/** The console shows each parameter in a group: one in none comes last, under a heading of nobody's choice. */
function groups(template, report) {
  const place = 'Metadata.ALIYUN::ROS::Interface.ParameterGroups';
  const groups = template.Metadata?.['ALIYUN::ROS::Interface']?.ParameterGroups ?? [];
  const grouped = groups.flatMap((group) => group.Parameters ?? []);
  groups.forEach((group, at) => both(`${place}[${at}].Label.default`, group.Label?.default, report));
  for (const name of Object.keys(template.Parameters ?? {})) {
    const times = grouped.filter((other) => other === name).length;
    if (times !== 1) report(place, `${name} is in ${times} groups, not in one`);
  }
  for (const name of grouped) {
    if (!(name in (template.Parameters ?? {}))) report(place, `${name} is no parameter`);
  }
}

/** What people read is there in both languages. */
function both(place, text, report) {
  const missing = ['en', 'zh-cn'].filter((language) => typeof text?.[language] !== 'string' || text[language] === '');
  if (missing.length > 0) report(place, `is missing in ${missing.join(' and ')}`);
}

if (require.main === module) {
  const [file] = process.argv.slice(2);
  const template = yaml.load(fs.readFileSync(file, 'utf8'), { filename: file });
  const found = check(template);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log(`template: ${Object.keys(template.Resources).length} resources of ${file} are as Alibaba's classes want them`);
}

module.exports = { check };
