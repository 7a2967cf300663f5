// Whether flow logs by the policy that is the default go where the stack has a Logstore for them.
'use strict';

const yaml = require('js-yaml');
const { example } = require('./values.cjs');

function check(template, report) {
  const { Policy } = template.Parameters ?? {};
  if (!Policy?.Default) return;
  const { project, log_store } = yaml.load(Policy.Default).flow_log;
  const filledIn = project.replace('{account}', '${ALIYUN::TenantId}').replace('{region}', '${ALIYUN::Region}');
  const expected = [
    ['FlowLogProject', 'Name', example({ 'Fn::Sub': filledIn }, template)],
    ['FlowLogStore', 'LogstoreName', log_store],
  ];
  for (const [id, property, value] of expected) {
    const given = example(template.Resources[id]?.Properties[property], template);
    if (given !== value) report(`Resources.${id}.Properties.${property}`, `is not ${value}, as the default of Policy has it`);
  }
}

module.exports = { check };
