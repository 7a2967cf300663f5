// Whether report-flow-logs is there just where a bucket is named, can write into it, and can change nothing else: evidence.cjs TEMPLATE
'use strict';

const fs = require('node:fs');
const yaml = require('js-yaml');
const { stack } = require('./values.cjs');

/** Function Compute mounts a bucket by these rights of the role. */
const MOUNT_RIGHTS = ['oss:ListObjects', 'oss:GetObject', 'oss:PutObject', 'oss:DeleteObject', 'oss:ListParts', 'oss:AbortMultipartUpload'];
/** What a role may do besides reading: write its lines, and its dead letters. */
const OWN_WRITES = ['log:PostLogStoreLogs', 'mns:SendMessage'];
const READ = /:(Describe|Get|List)[A-Z]/;
/** The bucket that a parameter names, on the network of its region. */
const BUCKET = { Ref: 'EvidenceBucket' };
const ENDPOINT = 'https://oss-${ALIYUN::Region}-internal.aliyuncs.com';

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);

/** What is wrong, as sentences. */
function check(template) {
  const found = [];
  const without = Object.entries(stack(template, {}));
  for (const [id, { Properties }] of without) {
    if (JSON.stringify(Properties).includes('EvidenceBucket') || Properties.OssMountConfig) found.push(`${id}: is there without a bucket`);
  }
  const resources = Object.entries(stack(template, { EvidenceBucket: 'reports' }));
  const mounting = resources.filter(([, { Properties }]) => Properties.OssMountConfig);
  if (mounting.length !== 1) found.push(`${mounting.length} functions mount a bucket`);
  for (const [id, { Properties }] of mounting) {
    const belongs = ([, other]) => same(other.Properties.FunctionName, { 'Fn::GetAtt': [id, 'FunctionName'] });
    const own = resources.filter(belongs).map(([, other]) => other);
    const timers = own.filter(({ Properties }) => Properties.TriggerType === 'timer');
    if (timers.length !== 1 || !JSON.stringify(timers[0].Properties.TriggerConfig).includes('${EvidenceTimer}')) {
      found.push(`${id}: EvidenceTimer does not wake it`);
    }
    for (const type of ['AsyncInvokeConfig', 'ConcurrencyConfig']) {
      if (!own.some(({ Type }) => Type === `ALIYUN::FC3::${type}`)) found.push(`${id}: has no ${type}`);
    }
    for (const { BucketName, BucketPath, Endpoint } of Properties.OssMountConfig.MountPoints) {
      if (!same(BucketName, BUCKET)) found.push(`${id}: mounts another bucket than the one that is named`);
      if (BucketPath !== '/') found.push(`${id}: mounts a part of the bucket, and its list of reports is at the top`);
      if (!same(Endpoint, { 'Fn::Sub': ENDPOINT })) found.push(`${id}: does not mount the bucket in its own region`);
    }
    const role = Object.fromEntries(resources)[Properties.Role?.['Fn::GetAtt']?.[0]]?.Properties;
    if (!role) found.push(`${id}: has no role of its own`);
    else found.push(...wrongRights(Properties.Role['Fn::GetAtt'][0], role));
  }
  return found;
}

function wrongRights(id, role) {
  const found = [];
  const statements = role.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  for (const action of statements.flatMap(({ Action }) => Action)) {
    if (![...MOUNT_RIGHTS, ...OWN_WRITES].includes(action) && !READ.test(action)) found.push(`${id}: ${action} is no read`);
  }
  const ofBucket = ['', '/*'].map((rest) => ({ 'Fn::Sub': `acs:oss:*:*:\${EvidenceBucket}${rest}` }));
  for (const action of MOUNT_RIGHTS) {
    const allowing = statements.filter((statement) => statement.Effect === 'Allow' && statement.Action.includes(action));
    if (!allowing.some(({ Resource }) => same(Resource, ofBucket))) found.push(`${id}: ${action} on the bucket is missing`);
    if (allowing.some(({ Resource }) => !same(Resource, ofBucket))) found.push(`${id}: ${action} on another bucket is more than it needs`);
  }
  return found;
}

if (require.main === module) {
  const [template] = process.argv.slice(2).map((file) => yaml.load(fs.readFileSync(file, 'utf8')));
  const found = check(template);
  for (const line of found) console.error(`template: ${line}`);
  if (found.length > 0) process.exit(1);
  console.log('template: evidence goes into the bucket that is named, by a function that changes nothing');
}

module.exports = { check };
