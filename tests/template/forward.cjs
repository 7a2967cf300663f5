// Whether events of other regions and accounts come to the functions as those of the home region do, never in a circle,
// and are kept if they cannot be delivered: forward.cjs TEMPLATE FORWARD_TEMPLATE
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { PSEUDO, stack } = require('./values.cjs');

const RULE = 'ALIYUN::EventBridge::Rule';

/** What is wrong, as sentences. */
function check(main, forward) {
  return [...hub(main), ...forwarded(main, forward), ...circles(forward), ...deadLetters(forward)];
}

/** The triggers on the default bus: the function of each, and its pattern. */
function triggers(main) {
  const all = Object.values(main.Resources).filter(
    ({ Type, Properties }) =>
      Type === 'ALIYUN::FC3::Trigger' && Properties.TriggerConfig.eventSourceConfig?.eventSourceType === 'Default',
  );
  return all.map(({ Properties: { FunctionName, TriggerConfig } }) => ({
    function: FunctionName['Fn::GetAtt'][0],
    pattern: JSON.parse(TriggerConfig.eventRuleFilterPattern),
  }));
}

/** A function gets from the custom bus, by its queue, what it gets from the default bus. */
function hub(main) {
  const { Resources } = main;
  const reader = (queue) =>
    Object.values(Resources).find(({ Type, Properties }) => {
      const source = Type === 'ALIYUN::FC3::Trigger' && Properties.TriggerConfig.eventSourceConfig?.eventSourceParameters;
      return source && source.sourceMNSParameters?.QueueName['Fn::GetAtt'][0] === queue;
    });
  const queueOf = ({ ParamList }) => ParamList.find(({ ResourceKey }) => ResourceKey === 'queue').Value['Fn::GetAtt'][0];
  const rules = Object.entries(Resources).filter(([, { Type }]) => Type === RULE);
  const text = (of, pattern) => `${of} ${JSON.stringify(pattern)}`;
  const wanted = triggers(main).map((trigger) => text(trigger.function, trigger.pattern));
  const found = [];
  const given = rules.flatMap(([id, { Properties }]) =>
    Properties.Targets.map((target) => {
      const queue = queueOf(target);
      const inEndpoint = target.Endpoint['Fn::Sub'].includes(`\${${queue}.QueueName}`);
      if (!inEndpoint) found.push(`${id}: its endpoint and its parameters name two queues`);
      const woken = reader(queue)?.Properties.FunctionName['Fn::GetAtt'][0];
      if (!woken) found.push(`${id}: no function reads ${queue}`);
      return text(woken, Properties.FilterPattern);
    }),
  );
  for (const one of wanted) if (!given.includes(one)) found.push(`HubBus: ${one} comes from the default bus alone`);
  for (const one of given) if (!wanted.includes(one)) found.push(`HubBus: ${one} comes from this bus alone`);
  return found;
}

/** What is forwarded is what a trigger takes. */
function forwarded(main, forward) {
  const rules = Object.values(forward.Resources).filter(({ Type }) => Type === RULE);
  const wanted = new Set(triggers(main).flatMap(({ pattern }) => alternatives(pattern)));
  const given = new Set(rules.flatMap(({ Properties }) => alternatives(Properties.FilterPattern)));
  const missing = [...wanted].filter((one) => !given.has(one));
  const more = [...given].filter((one) => !wanted.has(one) && isPossible(one));
  return [
    ...missing.map((one) => `template-forward.yml: ${one} is not forwarded`),
    ...more.map((one) => `template-forward.yml: ${one} is forwarded, and no trigger takes it`),
  ];
}

/** A rule may join what EventBridge never sends: no product but VPC has operations of flow logs. */
const isPossible = (alternative) => !(alternative.startsWith('ecs:ActionTrail:') && /FlowLog/.test(alternative));

/** Each type of event with each of the values that its one other field may have. */
function alternatives({ type, data, ...others }) {
  const [[key, values], ...more] = Object.entries(data);
  if (more.length > 0 || Object.keys(others).length > 0) throw new Error('a pattern of more than a type and one field');
  return type.flatMap((one) => values.map((value) => `${one} with ${key} ${JSON.stringify(value)}`));
}

/** In the hub's own account and region there is nothing; anywhere else every rule, to the hub. */
function circles(forward) {
  const [account, region] = [PSEUDO['ALIYUN::TenantId'], PSEUDO['ALIYUN::Region']];
  const found = [];
  const rules = Object.values(forward.Resources).filter(({ Type }) => Type === RULE).length;
  for (const HubAccountId of [account, '1000000000000009']) {
    for (const HubRegion of ['', region, 'cn-shanghai']) {
      for (const HubBus of ['default', 'flowkeeper']) {
        const own = HubAccountId === account && ['', region].includes(HubRegion);
        const resources = Object.values(stack(forward, { HubAccountId, HubRegion, HubBus }));
        const where = `${HubBus} in ${HubRegion || 'the same region'} of ${HubAccountId === account ? 'this' : 'another'} account`;
        if (own && resources.length > 0) found.push(`template-forward.yml: with ${where}, events go in a circle`);
        const made = resources.filter(({ Type }) => Type === RULE);
        if (!own && made.length !== rules) found.push(`template-forward.yml: with ${where}, there is a rule missing`);
        for (const { Properties } of made) {
          const [{ Endpoint, ParamList }] = Properties.Targets;
          const to = HubRegion === '' ? 'ALIYUN::Region' : 'HubRegion';
          const keys = ParamList.map(({ ResourceKey }) => ResourceKey);
          const isOther = HubAccountId !== account;
          const isRight =
            Endpoint['Fn::Sub'] === `acs:eventbridge:\${${to}}:\${HubAccountId}:eventbus/\${HubBus}` &&
            ParamList[0].Value.Ref === to &&
            ParamList[1].Value === (isOther ? 'AnotherAccount' : 'SameAccount') &&
            isOther === keys.includes('RAMRoleName') &&
            isOther === keys.includes('AccountId');
          if (!isRight) found.push(`template-forward.yml: with ${where}, the target of a rule is another`);
        }
      }
    }
  }
  return found;
}

/** What cannot be delivered is kept in a queue wherever there is MNS; where there is none, no rule names a queue. */
function deadLetters(forward) {
  const found = [];
  for (const region of ['cn-shanghai', 'ap-southeast-6']) {
    const hasMns = region !== 'ap-southeast-6';
    const made = stack(forward, { HubAccountId: '1000000000000009', HubRegion: 'cn-hangzhou', 'ALIYUN::Region': region });
    if ('DeadLetters' in made !== hasMns) {
      found.push(`template-forward.yml: in ${region}, ${hasMns ? 'there is no queue' : 'there is a queue, and no MNS'}`);
    }
    const days = made.DeadLetters?.Properties.MessageRetentionPeriod / 86400;
    if (days < 7) found.push(`template-forward.yml: in ${region}, the queue keeps events for ${days} days`);
    for (const [id, { Type, Properties }] of Object.entries(made)) {
      if (Type !== RULE) continue;
      const keeps = Properties.Targets.every((target) => target.DeadLetterQueue?.Arn['Fn::GetAtt'][0] === 'DeadLetters');
      const names = Properties.Targets.some((target) => target.DeadLetterQueue);
      if (hasMns && !keeps) found.push(`template-forward.yml: in ${region}, ${id} loses what cannot be delivered`);
      if (!hasMns && names) found.push(`template-forward.yml: in ${region}, ${id} names a queue that is not there`);
    }
  }
  return found;
}

if (require.main === module) {
  const [main, forward] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(main, forward);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: what is forwarded is what the triggers take, nothing goes in a circle, and dead letters are kept');
}

module.exports = { check };
