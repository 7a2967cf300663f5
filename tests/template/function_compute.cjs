// What Function Compute and EventBridge want beyond the types of properties.
'use strict';

const fc = require('@alicloud/fc20230330');
const { example, isFunction, isMap } = require('./values.cjs');

const RUNTIMES = ['custom', 'custom.debian10', 'custom.debian11', 'custom.debian12'];

/** The settings of each type of trigger, by the models of the FC SDK: ROS hands them to FC as they are. */
const TRIGGERS = {
  eventbridge: { model: fc.EventBridgeTriggerConfig, needs: ['eventRuleFilterPattern', 'eventSourceConfig'] },
  timer: { model: fc.TimerTriggerConfig, needs: ['cronExpression', 'enable'] },
};

/** What a model calls text, but has only some values. */
const VALUES = {
  eventSourceType: ['Default', 'MNS', 'RocketMQ', 'RabbitMQ', 'Kafka', 'MQTT', 'DTS'],
  eventSchema: ['CloudEvents', 'RawData'],
  errorsTolerance: ['ALL', 'NONE'],
  mode: ['event-driven', 'event-streaming'],
  PushRetryStrategy: ['BACKOFF_RETRY', 'EXPONENTIAL_DECAY_RETRY'],
};

/** How many rules of triggers the default bus takes. */
const MOST_RULES = 10;

function check(template, report) {
  let rules = 0;
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const place = `Resources.${id}.Properties`;
    if (Type === 'ALIYUN::FC3::Function') checkFunction(place, Properties, template, report);
    if (Type === 'ALIYUN::FC3::Trigger') {
      checkTrigger(place, example(Properties, template), report);
      const onDefaultBus = Properties?.TriggerConfig?.eventSourceConfig?.eventSourceType === 'Default';
      if (onDefaultBus && ++rules > MOST_RULES) report(place, `is one rule too many: the default bus takes ${MOST_RULES}`);
    }
  }
}

function checkFunction(place, properties, template, report) {
  const { Cpu, MemorySize, DiskSize, EnvironmentVariables, OssMountConfig } = example(properties, template);
  // Five hundredths of a vCPU have no exact binary form.
  const cpuSteps = Cpu / 0.05;
  if (Math.abs(cpuSteps - Math.round(cpuSteps)) > 1e-6) report(`${place}.Cpu`, `${Cpu} is no multiple of 0.05`);
  if (MemorySize % 64 !== 0) report(`${place}.MemorySize`, `${MemorySize} is no multiple of 64`);
  const ratio = MemorySize / 1024 / Cpu;
  if (ratio < 1 || ratio > 4) {
    report(`${place}.MemorySize`, `for each vCPU there are 1 to 4 GB, not ${ratio.toFixed(2)}: change it or Cpu`);
  }
  if (DiskSize !== undefined && ![512, 10240].includes(DiskSize)) report(`${place}.DiskSize`, 'must be 512 or 10240');

  (OssMountConfig?.MountPoints ?? []).forEach(({ MountDir, ReadOnly }, at) => {
    const mount = `${place}.OssMountConfig.MountPoints[${at}]`;
    if (!/^\/(home|mnt|data)\/./.test(MountDir)) report(`${mount}.MountDir`, 'must be below /home/, /mnt/ or /data/');
    else if (EnvironmentVariables?.FLOWKEEPER_EVIDENCE_DIR !== MountDir) {
      report(`${mount}.MountDir`, 'FLOWKEEPER_EVIDENCE_DIR is not in it');
    }
    if (ReadOnly) report(`${mount}.ReadOnly`, 'reports are written there');
  });

  const chosen = properties.Runtime?.Ref;
  const allowed = template.Parameters?.[chosen]?.AllowedValues;
  const runtimes = allowed ?? (isFunction(properties.Runtime) ? [] : [properties.Runtime]);
  for (const runtime of runtimes.filter((runtime) => !RUNTIMES.includes(runtime))) {
    const where = allowed ? `Parameters.${chosen}.AllowedValues` : `${place}.Runtime`;
    report(where, `${runtime} is none of ${RUNTIMES.join(', ')}`);
  }
  for (const [name, value] of Object.entries(EnvironmentVariables ?? {})) {
    const isText = typeof value === 'string' || isFunction(value);
    if (!isText) report(`${place}.EnvironmentVariables.${name}`, 'must be a text: put it in quotation marks');
  }
}

function checkTrigger(place, { TriggerType, TriggerConfig }, report) {
  const known = TRIGGERS[TriggerType];
  if (!known) return report(`${place}.TriggerType`, `${TriggerType} is none of ${Object.keys(TRIGGERS).join(', ')}`);
  const config = `${place}.TriggerConfig`;
  checkModel(config, TriggerConfig, known.model, report);
  for (const key of known.needs) {
    if (TriggerConfig?.[key] === undefined) report(`${config}.${key}`, 'is missing');
  }
  const { eventRuleFilterPattern, cronExpression } = TriggerConfig ?? {};
  if (typeof eventRuleFilterPattern === 'string') {
    checkPatternText(`${config}.eventRuleFilterPattern`, eventRuleFilterPattern, report);
  }
  if (typeof cronExpression === 'string') checkSchedule(`${config}.cronExpression`, cronExpression, report);
}

/** A model says how each of its members is called on the wire, and which type it has. */
function checkModel(place, value, model, report) {
  if (isFunction(value)) return;
  if (!isMap(value)) return report(place, 'must be a map');
  const members = Object.fromEntries(Object.entries(model.names()).map(([name, wire]) => [wire, model.types()[name]]));
  for (const [key, member] of Object.entries(value)) {
    const here = `${place}.${key}`;
    const type = members[key];
    if (type === undefined) report(here, `no such setting; there is ${Object.keys(members).join(', ')}`);
    else if (typeof type === 'function') checkModel(here, member, type, report);
    else if (isFunction(member)) continue;
    else if (typeof type === 'string' && typeof member !== type) report(here, `must be a ${type}`);
    else if (VALUES[key] && !VALUES[key].includes(member)) report(here, `must be one of ${VALUES[key].join(', ')}`);
  }
}

const OPERATORS = ['prefix', 'suffix', 'contains', 'anything-but', 'numeric', 'cidr', 'exists'];

function checkPatternText(place, text, report) {
  try {
    checkPattern(place, JSON.parse(text), report);
  } catch (error) {
    report(place, `is no JSON: ${error.message}`);
  }
}

/** A pattern has the form of an event, with a list of alternatives in the place of each value. */
function checkPattern(place, pattern, report) {
  if (isMap(pattern)) {
    for (const [key, inner] of Object.entries(pattern)) checkPattern(`${place}.${key}`, inner, report);
  } else if (!Array.isArray(pattern)) {
    report(place, 'must be a list of alternatives, even of one');
  } else {
    const expressions = pattern.filter(isMap);
    if (pattern.length === 0) report(place, 'no alternative, so that no event can match');
    if (expressions.length > 5) report(place, 'EventBridge takes five expressions for a field');
    for (const operator of expressions.flatMap(Object.keys)) {
      if (!OPERATORS.includes(operator)) report(place, `${operator} is none of ${OPERATORS.join(', ')}`);
    }
  }
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS = [
  { what: 'second', least: 0, most: 59 },
  { what: 'minute', least: 0, most: 59 },
  { what: 'hour', least: 0, most: 23 },
  { what: 'day of the month', least: 1, most: 31 },
  { what: 'month', least: 1, most: 12, names: MONTHS },
  { what: 'day of the week', least: 0, most: 6, names: WEEKDAYS },
];

/** `@every 5m`, or six fields, with a time zone before them where it is not UTC. */
function checkSchedule(place, schedule, report) {
  if (schedule.startsWith('@every ')) {
    if (!/^@every [1-9]\d*[smh]$/.test(schedule)) report(place, `"${schedule}" is not such as "@every 5m"`);
    return;
  }
  const [, zone, cron] = schedule.match(/^(?:CRON_TZ=(\S*) +)?(.*)$/);
  if (zone !== undefined && !isTimeZone(zone)) report(place, `"${zone}" is no time zone`);
  const fields = cron.split(/ +/);
  if (fields.length !== FIELDS.length) {
    return report(place, `has ${fields.length} fields, not the six from ${FIELDS[0].what} to ${FIELDS[5].what}`);
  }
  fields.forEach((field, at) => {
    const { what, least, most, names = [] } = FIELDS[at];
    const isGood = (word) =>
      names.includes(word.toUpperCase()) || (/^\d+$/.test(word) && Number(word) >= least && Number(word) <= most);
    for (const item of field.split(',')) {
      const [, range, step] = item.match(/^([^/]+)(?:\/([1-9]\d*))?$/) ?? [];
      const ends = (range ?? '').split('-');
      const any = range === '*' || (range === '?' && step === undefined);
      if (!any && !(ends.length <= 2 && ends.every(isGood))) report(place, `"${item}" is no ${what}`);
    }
  });
}

function isTimeZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

module.exports = { check };
