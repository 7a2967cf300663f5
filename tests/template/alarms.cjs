// What Log Service and CloudMonitor want of alerts, alarms, charts and searches beyond the types of properties.
'use strict';

const { isMap } = require('./values.cjs');

/** report, low, medium, high, critical */
const SEVERITIES = [2, 4, 6, 8, 10];
const SCHEDULES = { FixedRate: ['Interval'], Hourly: [], Daily: ['Hour'], Weekly: ['DayOfWeek', 'Hour'], Cron: ['CronExpression'] };
const INTERVAL = /^[1-9]\d*[mh]$/;
const START = /^-[1-9]\d*[smhd]$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };
/** How much time a query of an alert may span, and how much later than it was written a line can be found. */
const MOST_SECONDS = 86400;
const INDEXED_AFTER_SECONDS = 70;
/** A column of the answer, or the number of rows. */
const CONDITION = /^(\w+|__count__) (==|!=|>|>=|<|<=) \d+$/;
/** The metrics that CloudMonitor has, and the dimensions of each namespace. */
const METRICS = {
  acs_smq: { metrics: ['NumberOfMessagesVisible'], dimensions: ['region', 'queueName'] },
  acs_fc: {
    metrics: [
      'FunctionFunctionErrors', 'FunctionConcurrencyThrottles', 'FunctionResourceThrottles', 'FunctionAsyncEventExpiredDropped',
      'FunctionDestinationErrors',
    ],
    dimensions: ['region', 'functionName'],
  },
};
const CHARTS = ['table', 'line', 'number', 'map'];
const CHART = ['title', 'type', 'action', 'search', 'display'];
const SEARCH = ['logstore', 'topic', 'start', 'end', 'query'];
const DISPLAY = ['displayName', 'xAxis', 'yAxis', 'xPos', 'yPos', 'width', 'height'];
/** How wide a dashboard is. */
const COLUMNS = 10;
/** Fields that each log has without an index. */
const OWN_FIELDS = ['__time__', '__topic__'];

function check(template, report) {
  const indexed = indexedFields(template);
  const names = new Set();
  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
    const place = `Resources.${id}.Properties`;
    const name = Properties.Detail?.Name ?? Properties.RuleName;
    if (name !== undefined && names.size === names.add(JSON.stringify(name)).size) report(place, 'has the name of another');
    if (Type === 'ALIYUN::SLS::Alert') checkAlert(`${place}.Detail`, Properties.Detail, indexed, template, report);
    if (Type === 'ALIYUN::CMS::ResourceMetricRule') checkRule(place, Properties, report);
    if (Type === 'ALIYUN::SLS::Savedsearch') {
      checkQuery(`${place}.Detail.SearchQuery`, Properties.Detail?.SearchQuery, indexed, report);
    }
    if (Type === 'ALIYUN::SLS::Dashboard') {
      [Properties.Charts].flat().forEach((chart, at) => checkChart(`${place}.Charts[${at}]`, chart, indexed, report));
    }
  }
}

/** The fields that queries may name: those of the index with the fields of a function's line. */
function indexedFields(template) {
  const indexes = Object.values(template.Resources).filter(({ Type }) => Type === 'ALIYUN::SLS::Index');
  const keys = indexes.flatMap(({ Properties }) => Properties?.KeyIndices ?? []);
  const inside = ({ Name, JsonKeyIndices }) => (JsonKeyIndices ?? []).map((key) => `${Name}.${key.Name}`);
  return [...OWN_FIELDS, ...keys.map(({ Name }) => Name), ...keys.flatMap(inside)];
}

function checkAlert(place, detail, indexed, template, report) {
  const { State, Schedule = {}, Configuration = {} } = detail ?? {};
  if (State !== 'Enabled') report(`${place}.State`, 'must be Enabled');
  const needs = SCHEDULES[Schedule.Type];
  if (!needs) report(`${place}.Schedule.Type`, `must be one of ${Object.keys(SCHEDULES).join(', ')}`);
  for (const key of needs ?? []) if (Schedule[key] === undefined) report(`${place}.Schedule.${key}`, 'is missing');
  if (Schedule.Interval !== undefined && !INTERVAL.test(Schedule.Interval)) {
    report(`${place}.Schedule.Interval`, 'is not such as 15m');
  }
  const at = `${place}.Configuration`;
  if (Configuration.Version !== '2.0') report(`${at}.Version`, 'must be 2.0, which action policies belong to');
  const { AlertPolicyId, ActionPolicyId, RepeatInterval } = Configuration.PolicyConfiguration ?? {};
  if (!AlertPolicyId) report(`${at}.PolicyConfiguration.AlertPolicyId`, 'is missing, so that nobody hears of it');
  if (!ActionPolicyId) report(`${at}.PolicyConfiguration.ActionPolicyId`, 'is missing, so that nobody hears of it');
  if (!INTERVAL.test(RepeatInterval ?? '')) report(`${at}.PolicyConfiguration.RepeatInterval`, 'is not such as 1h');
  (Configuration.QueryList ?? []).forEach(({ Query, Start, Store, StoreType }, nth) => {
    const query = `${at}.QueryList[${nth}]`;
    checkQuery(`${query}.Query`, Query, indexed, report);
    const [, parameter] = /\$\{(\w+)\}/.exec(Start?.['Fn::Sub'] ?? '') ?? [];
    const origin = parameter ? `Parameters.${parameter}.AllowedPattern` : `${query}.Start`;
    const bounds = parameter ? numbersOf(template.Parameters?.[parameter]) : [undefined];
    for (const bound of bounds) {
      const start = parameter ? Start['Fn::Sub'].replace(`\${${parameter}}`, bound) : Start;
      if (!START.test(start)) report(`${query}.Start`, 'is not such as -15m');
      else if (seconds(start.slice(1)) > MOST_SECONDS) report(origin, 'lets a query span more than a day');
      else if (seconds(start.slice(1)) < seconds(Schedule.Interval ?? '0s') + INDEXED_AFTER_SECONDS) {
        report(origin, 'overlooks lines that are found late: it must be more than the interval ago');
      }
    }
    if (StoreType === undefined) report(`${query}.StoreType`, 'is missing');
    if (Store === undefined) report(`${query}.Store`, 'is missing');
  });
  const times = Configuration.Threshold ?? 1;
  // A class says of a text that it is none.
  const least = isMap(times) ? template.Parameters?.[times.Ref]?.MinValue : times;
  if (typeof least !== 'string' && !(least >= 1)) report(`${at}.Threshold`, 'is no number of times');
  if (!(Configuration.SeverityConfigurations ?? []).length) report(`${at}.SeverityConfigurations`, 'has no severity');
  (Configuration.SeverityConfigurations ?? []).forEach(({ Severity, EvalCondition }, nth) => {
    const severity = `${at}.SeverityConfigurations[${nth}]`;
    if (!SEVERITIES.includes(Severity)) report(`${severity}.Severity`, `must be one of ${SEVERITIES.join(', ')}`);
    for (const key of ['Condition', 'CountCondition']) {
      if (!CONDITION.test(EvalCondition?.[key] ?? '')) report(`${severity}.EvalCondition.${key}`, 'is not such as n > 0');
    }
  });
}

/** The least and the greatest number that a parameter takes. 0 is for no alert. */
function numbersOf(parameter) {
  const pattern = new RegExp(parameter?.AllowedPattern ?? '');
  const taken = [...Array(10 * MOST_SECONDS / 60).keys()].filter((number) => number > 0 && pattern.test(number));
  return [taken[0], taken.at(-1)];
}

function checkRule(place, { Namespace, MetricName, Resources, Period, Escalations }, report) {
  const known = METRICS[Namespace];
  if (!known) return report(`${place}.Namespace`, `is none of ${Object.keys(METRICS).join(', ')}`);
  if (!known.metrics.includes(MetricName)) report(`${place}.MetricName`, `is none of ${known.metrics.join(', ')}`);
  [Resources].flat().forEach((resource, at) => {
    const found = Object.keys(isMap(resource) ? resource : {});
    for (const dimension of new Set([...found, ...known.dimensions])) {
      if (!known.dimensions.includes(dimension)) report(`${place}.Resources[${at}].${dimension}`, 'is no dimension of the metric');
      if (!found.includes(dimension)) report(`${place}.Resources[${at}].${dimension}`, 'is missing');
    }
  });
  if (!Period || Period % 60 !== 0) report(`${place}.Period`, 'is no multiple of 60 seconds, the period of the metric');
  for (const [level, escalation] of Object.entries(Escalations ?? {})) {
    const at = `${place}.Escalations.${level}`;
    if (!/^\d+$/.test(escalation.Threshold)) report(`${at}.Threshold`, 'is no number in a text');
    if (!(escalation.Times >= 1)) report(`${at}.Times`, 'is no number of periods');
  }
  if (!Object.keys(Escalations ?? {}).length) report(`${place}.Escalations`, 'has no level, so that it never fires');
}

function checkChart(place, chart, indexed, report) {
  keys(place, chart, CHART, report);
  keys(`${place}.search`, chart.search, SEARCH, report);
  keys(`${place}.display`, chart.display, DISPLAY, report);
  if (!CHARTS.includes(chart.type)) report(`${place}.type`, `is none of ${CHARTS.join(', ')}`);
  if (!START.test(chart.search?.start)) report(`${place}.search.start`, 'is not such as -86400s');
  const { xPos, width } = chart.display ?? {};
  if (!(xPos >= 0 && xPos + width <= COLUMNS)) report(`${place}.display.width`, `goes beyond the ${COLUMNS} columns`);
  if (chart.search?.query !== undefined) checkQuery(`${place}.search.query`, chart.search.query, indexed, report);
}

function keys(place, value, expected, report) {
  for (const key of Object.keys(value ?? {})) if (!expected.includes(key)) report(`${place}.${key}`, 'no such key');
  for (const key of expected) if (value?.[key] === undefined) report(`${place}.${key}`, 'is missing');
}

const seconds = (length) => Number(length.slice(0, -1)) * SECONDS[length.at(-1)];

/** A field that has no index cannot be queried: the alert would never fire. */
function checkQuery(place, query, indexed, report) {
  const text = isMap(query) ? query['Fn::Sub'] : query;
  // A class says that it is missing.
  if (text === undefined) return;
  // In SQL, only a field in the line of a function is known by its form.
  const [search] = text.replace(/\$\{[^}]*\}/g, 'x').split('|');
  const inSearch = [...search.matchAll(/([\w.-]+) *(?::|[<>]=?|=)/g)].map(([, field]) => field);
  const inSql = [...text.matchAll(/(message(?:\.\w+)+)/g)].map(([, field]) => field);
  for (const field of new Set([...inSearch, ...inSql])) {
    if (!indexed.includes(field)) report(place, `${field} is not in the index`);
  }
}

/** Each metric of functions is looked at for each function that something wakes: those that nothing wakes have a caller. */
function checkFunctions(template, report) {
  const resources = Object.entries(template.Resources ?? {});
  const names = (value) => [...JSON.stringify(value ?? null).matchAll(/"Fn::GetAtt":\["(\w+)","FunctionName"\]/g)].map(([, id]) => id);
  const woken = new Set(resources.filter(([, { Type }]) => Type === 'ALIYUN::FC3::Trigger').flatMap(([, it]) => names(it.Properties)));
  for (const [id, { Type, Properties }] of resources) {
    if (Type !== 'ALIYUN::CMS::ResourceMetricRule' || Properties?.Namespace !== 'acs_fc') continue;
    const looked = names(Properties.Resources);
    for (const name of woken) {
      if (!looked.includes(name)) report(`Resources.${id}.Properties.Resources`, `${name} is not in it`);
    }
  }
}

module.exports = { check, checkFunctions };
