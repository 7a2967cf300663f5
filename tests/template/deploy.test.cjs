// Whether ./deploy calls the aliyun CLI as it must, in every shell that is there: deploy.test.cjs
//
// A stand-in for the CLI writes down its arguments.
'use strict';

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const yaml = require('js-yaml');

const ROOT = path.join(__dirname, '..', '..');
const SHELLS = [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['zsh'], ['busybox', 'sh']].filter(
  ([shell]) => spawnSync(shell, ['-c', ':']).status === 0 || (shell === 'busybox' && spawnSync(shell, ['true']).status === 0),
);
const TEMPLATES = ['template.yml', 'template-member.yml', 'template-forward.yml', 'template-guardrail.yml'];
const PACKAGES = ['create-flow-log.zip', 'remediate-flow-logs.zip'];
const POLICY = `# It's "mine": $HOME, \`x\` and \\n stay as they are.
flow_log:
  project: flowlog-{account}-{region}
  log_store: 'a "Logstore" of 中文 & *'
`;

/** One that is packed, so it must be valid. */
const LARGE = `${POLICY.replace('log_store:', 'log_store: vpc\n  description:')}# ${'保'.repeat(1300)}\n`;

/** Options of the CLI, by its action, without those that every stack has. */
const OPTIONS = {
  ListStacks: ['RegionId', 'StackName.1'],
  CreateStack: ['RegionId', 'StackName', 'TimeoutInMinutes', 'TemplateBody', 'TemplateURL'],
  UpdateStack: ['RegionId', 'StackId', 'TemplateBody', 'TemplateURL'],
  PreviewStack: ['RegionId', 'StackName', 'TemplateURL'],
  GetStack: ['RegionId', 'StackId'],
  DeleteStack: ['RegionId', 'StackId', 'RetainResources.1', 'RetainResources.2', 'RetainResources.3'],
  GetStackGroup: ['RegionId', 'StackGroupName'],
  CreateStackGroup: ['RegionId', 'StackGroupName', 'PermissionModel', 'AutoDeployment', 'TemplateBody'],
  UpdateStackGroup: ['RegionId', 'StackGroupName', 'AutoDeployment', 'OperationPreferences', 'TemplateBody'],
  DeleteStackGroup: ['RegionId', 'StackGroupName'],
  CreateStackInstances: [
    'RegionId', 'StackGroupName', 'DeploymentTargets', 'RegionIds', 'TimeoutInMinutes', 'OperationPreferences',
  ],
  DeleteStackInstances: [
    'RegionId', 'StackGroupName', 'DeploymentTargets', 'RegionIds', 'RetainStacks', 'OperationPreferences',
  ],
  ListStackInstances: ['RegionId', 'StackGroupName', 'PageSize', 'PageNumber'],
  GetStackGroupOperation: ['RegionId', 'OperationId'],
  CreateEventBus: ['region', 'EventBusName'],
  GetEventBus: ['region', 'EventBusName'],
  DeleteEventBus: ['region', 'EventBusName'],
};

/** Each word ends with a zero, and each call with an empty line. An answer is a file with the name of the action. */
const STAND_IN = `#!/bin/sh
printf '%s\\0' "$@" >>"$STAND_IN/calls"
printf '\\n\\n\\0' >>"$STAND_IN/calls"
for word in "$@"; do
  for answer in "$STAND_IN/answers/$word" "$STAND_IN/answers/$word".*; do
    [ -f "$answer" ] || continue
    said=$(cat "$answer")
    case $answer in *.[0-9]) rm "$answer" ;; esac
    [ "$said" != refused ] || exit 1
    printf '%s' "$said"
    exit
  done
done
echo '{}'
`;

/** A path with the usual programs and without cargo, if there is one. */
const NO_RUST = ['/usr/bin', '/bin'].some((bin) => fs.existsSync(`${bin}/cargo`)) ? undefined : '/usr/bin:/bin';

const packaging = path.resolve(process.env.PACKAGING ?? path.join(ROOT, 'target/debug/packaging'));
const CARGO = `#!/bin/sh
[ "$1 $2 $3 $5 $6 $7" = "run --quiet --manifest-path --package packaging --" ] || exit 99
[ "$4" = "\${STAND_IN}/Cargo.toml" ] || exit 98
shift 7
exec '${packaging}' "$@"
`;

const STACK = '{"Stacks": [{"DriftDetectionTime": "x", "ParentStackId": "", "StackId": "s-1", "StackName": "flowkeeper"}]}';
const NO_STACK = '{\n\t"PageNumber": 1,\n\t"Stacks": []\n}';
const PRETTY = JSON.stringify(JSON.parse(STACK), null, '\t');

const ORGANIZATION = { FOLDERS: 'r-root  fd-team', ACCOUNT: '1000000000000001', MemberRoleName: 'flowkeeper' };

/**
 * [what, the command, settings, answers, what is called: the action of each call, or a check of them]
 */
const CASES = [
  ['a first stack', ['stack'], {}, { ListStacks: NO_STACK }, checkStack('CreateStack')],
  ['a stack that is there', ['stack'], {}, { ListStacks: PRETTY }, checkStack('UpdateStack')],
  ['a stack that is there, in one line', ['stack'], {}, { ListStacks: STACK }, checkStack('UpdateStack')],
  ['a preview', ['preview'], {}, {}, checkStack('PreviewStack')],
  ['a stack that cannot be looked for', ['stack'], {}, { ListStacks: 'refused' }, (calls) => actions(calls).at(-1) === 'ListStacks', 1],
  [
    'a policy too large for a variable',
    ['stack'],
    { POLICY: 'large.yml' },
    { ListStacks: NO_STACK },
    (calls, folder) => {
      const { Policy, PolicyLayerObject, CodePrefix } = parameters(calls.at(-1));
      assert.strictEqual(Policy, undefined);
      assert.match(PolicyLayerObject, /^flowkeeper\/\d+\/policy-\d+\.zip$/);
      assert.ok(PolicyLayerObject.startsWith(CodePrefix));
      const upload = calls.find(([, , file]) => file?.endsWith('policy.zip'));
      assert.strictEqual(upload[3], `oss://my-code/${PolicyLayerObject}`);
      const read = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); [n] = z.namelist(); print(n); print(z.read(n).decode(), end="")';
      const zip = execFileSync('python3', ['-c', read, path.join(folder, 'target/layer/policy.zip')], { encoding: 'utf8' });
      assert.strictEqual(zip, `policy.yml\n${LARGE}`);
    },
  ],
  ['a large policy with a mistake', ['stack'], { POLICY: 'wrong.yml' }, {}, [], 64],
  [
    'a webhook, which is not shown',
    ['stack'],
    { AlarmContactGroups: 'team,on call', AlarmWebhook: 'https://chat.example/robot?token=hidden' },
    { ListStacks: NO_STACK },
    (calls, folder, stdout, stderr) => {
      const { AlarmContactGroups, AlarmWebhook } = parameters(calls.at(-1));
      assert.deepStrictEqual([AlarmContactGroups, AlarmWebhook], ['team,on call', 'https://chat.example/robot?token=hidden']);
      assert.ok(stderr.includes('"$AlarmWebhook"') && !`${stdout}${stderr}`.includes('hidden'), stderr);
    },
  ],
  [
    'a further region',
    ['stack'],
    { REGION: 'cn-shanghai', BUCKET: 'their-code', MakeRoles: 'false' },
    { ListStacks: NO_STACK },
    (calls) => {
      const given = parameters(calls.at(-1));
      assert.deepStrictEqual([given.MakeRoles, given.CodeBucket], ['false', 'their-code']);
      assert.ok(calls.every((call) => !call.includes('cn-hangzhou')));
    },
  ],
  [
    'the role of a member',
    ['member'],
    { ...ORGANIZATION, PROFILE: 'their profile', ExternalId: 'agreed' },
    { ListStacks: NO_STACK },
    (calls) => {
      for (const call of calls) assert.deepStrictEqual(call.slice(0, 2), ['--profile', 'their profile']);
      const { TemplateBody, StackName } = options(calls.at(-1));
      assert.deepStrictEqual([actions(calls).at(-1), StackName], ['CreateStack', 'flowkeeper-member']);
      assert.strictEqual(TemplateBody, text('template-member.yml'));
      const expected = { MainAccountId: '1000000000000001', RoleName: 'flowkeeper', ExternalId: 'agreed' };
      assert.deepStrictEqual(parameters(calls.at(-1)), expected);
    },
  ],
  [
    'the role of every member',
    ['members'],
    { ...ORGANIZATION, CreateDestinations: 'flowlog-' },
    { GetStackGroup: 'refused' },
    (calls) => {
      assert.deepStrictEqual(actions(calls), ['GetStackGroup', 'CreateStackGroup', 'CreateStackInstances']);
      const group = options(calls[1]);
      assert.deepStrictEqual(
        [group.PermissionModel, JSON.parse(group.AutoDeployment), group.TemplateBody],
        ['SERVICE_MANAGED', { Enabled: true, RetainStacksOnAccountRemoval: false }, text('template-member.yml')],
      );
      assert.deepStrictEqual(parameters(calls[1]).CreateDestinations, 'flowlog-');
      checkInstances(calls[2], 'flowkeeper-members', 'cn-hangzhou');
    },
  ],
  [
    'the role of every member, again',
    ['members'],
    ORGANIZATION,
    {},
    (calls) => {
      assert.deepStrictEqual(actions(calls), ['GetStackGroup', 'UpdateStackGroup']);
      assert.strictEqual(parameters(calls[1]).RoleName, 'flowkeeper');
    },
  ],
  ['a bus', ['bus'], { HubBus: 'hub' }, { GetEventBus: 'refused' }, ['GetEventBus', 'CreateEventBus']],
  ['a bus that is there', ['bus'], { HubBus: 'hub' }, {}, ['GetEventBus']],
  [
    'events of other regions',
    ['forward'],
    { ACCOUNT: '1000000000000001', HubBus: 'hub', REGIONS: 'cn-hangzhou cn-shanghai us-west-1' },
    { ListStacks: [NO_STACK, PRETTY] },
    (calls) => {
      assert.deepStrictEqual(actions(calls), ['ListStacks', 'CreateStack', 'ListStacks', 'UpdateStack']);
      assert.deepStrictEqual(calls.map((call) => options(call).RegionId).slice(1), ['cn-shanghai', 'us-west-1', 'us-west-1']);
      for (const call of [calls[1], calls[3]]) checkHub(call, 'cn-hangzhou', 'hub');
    },
  ],
  [
    'events of one region after another that fails',
    ['forward'],
    { ACCOUNT: '1000000000000001', HubBus: 'hub', REGIONS: 'cn-shanghai us-west-1' },
    { ListStacks: ['refused', NO_STACK] },
    (calls) => assert.deepStrictEqual(actions(calls), ['ListStacks', 'ListStacks', 'CreateStack']),
    1,
  ],
  [
    'events of an organization',
    ['forward'],
    { ...ORGANIZATION, HubBus: 'hub', REGIONS: 'cn-hangzhou us-west-1' },
    { GetStackGroup: 'refused' },
    (calls) => {
      const [, group, instances, , other, more] = calls;
      assert.strictEqual(calls.length, 6);
      assert.strictEqual(options(group).StackGroupName, 'flowkeeper-forward-cn-hangzhou');
      checkHub(group, 'cn-hangzhou', 'hub');
      checkHub(other, 'cn-hangzhou', 'hub');
      checkInstances(instances, 'flowkeeper-forward-cn-hangzhou', 'cn-hangzhou');
      checkInstances(more, 'flowkeeper-forward-us-west-1', 'us-west-1');
    },
  ],
  [
    'events to the default bus of each region',
    ['forward'],
    { ...ORGANIZATION, HubBus: 'default', REGIONS: 'us-west-1' },
    { GetStackGroup: 'refused' },
    (calls) => checkHub(calls[1], undefined, 'default'),
  ],
  [
    'events of every region',
    ['forward'],
    { ...ORGANIZATION, HubBus: 'hub' },
    {},
    (calls) => {
      const regions = calls.map((call) => options(call).StackGroupName.replace('flowkeeper-forward-', ''));
      assert.strictEqual(new Set(regions).size, 23);
      assert.ok(regions.every((region) => /^[a-z]{2}-[a-z0-9-]+$/.test(region)));
    },
  ],
  [
    'a guardrail',
    ['guardrail'],
    { PROFILE: 'management', ACCOUNT: '1000000000000001', TargetId: 'r-root', BreakGlassRoleName: 'glass' },
    { ListStacks: NO_STACK },
    (calls) => {
      assert.strictEqual(options(calls[1]).StackName, 'flowkeeper-guardrail');
      assert.deepStrictEqual(parameters(calls[1]), {
        TargetId: 'r-root',
        MainAccountId: '1000000000000001',
        BreakGlassRoleName: 'glass',
      });
    },
  ],
  ['the state of the stack', ['status'], {}, { ListStacks: PRETTY }, ['ListStacks', 'GetStack']],
  ['the state of no stack', ['status', 'member'], {}, { ListStacks: NO_STACK }, ['ListStacks']],
  [
    'the state of every member',
    ['status', 'members'],
    {},
    { ListStackInstances: [instances(49, 'OUTDATED'), instances(3, 'CURRENT')] },
    (calls, _, output) => {
      assert.deepStrictEqual(calls.map((call) => options(call).PageNumber), ['1', '2']);
      assert.match(output, /^\s*51 CURRENT in flowkeeper-members\n\s*1 OUTDATED in flowkeeper-members\n$/);
    },
  ],
  [
    'the end of the stack',
    ['remove', 'stack'],
    {},
    { ListStacks: PRETTY },
    (calls) => {
      const { StackId, ...kept } = options(calls[1]);
      const [one, two, three] = ['FlowLogProject', 'FlowLogStore', 'FlowLogIndex'];
      assert.strictEqual(StackId, 's-1');
      const retained = { 'RetainResources.1': one, 'RetainResources.2': two, 'RetainResources.3': three };
      assert.deepStrictEqual(kept, { RegionId: 'cn-hangzhou', ...retained });
    },
  ],
  [
    'the end of the stack and its traffic',
    ['remove', 'stack'],
    { DELETE_TRAFFIC: 'true' },
    { ListStacks: PRETTY },
    (calls) => assert.deepStrictEqual(options(calls[1]), { RegionId: 'cn-hangzhou', StackId: 's-1' }),
  ],
  ['the end of no stack', ['remove', 'guardrail'], {}, { ListStacks: NO_STACK }, ['ListStacks'], 1],
  [
    'the end of every member',
    ['remove', 'members'],
    ORGANIZATION,
    {
      DeleteStackInstances: '{"OperationId": "op-1", "RequestId": "r"}',
      GetStackGroupOperation: ['{"StackGroupOperation": {"Action": "DELETE", "Status": "RUNNING"}}', '{"StackGroupOperation": {"Status": "SUCCEEDED"}}'],
    },
    (calls) => {
      const twice = ['GetStackGroupOperation', 'GetStackGroupOperation'];
      assert.deepStrictEqual(actions(calls), ['DeleteStackInstances', ...twice, 'DeleteStackGroup']);
      assert.strictEqual(options(calls[1]).OperationId, 'op-1');
      checkInstances(calls[0], 'flowkeeper-members', 'cn-hangzhou');
    },
  ],
  [
    'the end of forwarding in an organization',
    ['remove', 'forward'],
    { ...ORGANIZATION, HubBus: 'hub', REGIONS: 'cn-hangzhou us-west-1' },
    { DeleteStackInstances: '{"OperationId": "op-1"}', GetStackGroupOperation: '{"Status": "SUCCEEDED"}' },
    (calls) => {
      const end = ['GetStackGroupOperation', 'DeleteStackGroup'];
      assert.deepStrictEqual(actions(calls), ['DeleteStackInstances', 'DeleteStackInstances', ...end, ...end]);
    },
  ],
  [
    'the end of forwarding',
    ['remove', 'forward'],
    { REGIONS: 'cn-hangzhou us-west-1' },
    { ListStacks: PRETTY },
    ['ListStacks', 'DeleteStack'],
  ],
  ['the end of a bus', ['remove', 'bus'], { HubBus: 'hub' }, {}, ['DeleteEventBus']],
];

/** What is refused before anything is called: [the command, settings, what is said] */
const REFUSED = [
  [['stakc'], {}, 'stakc is no command'],
  [['stack'], { REGION: '', BUCKET: '' }, 'not set: REGION BUCKET'],
  [['members'], {}, 'not set: FOLDERS'],
  [['forward'], {}, 'not set: ACCOUNT HubBus'],
  [['guardrail'], { TargetId: 'r-root' }, 'not set: ACCOUNT'],
  [['bus'], { HubBus: 'default' }, 'HubBus is default'],
  [['stack'], { POLICY: 'nowhere.yml' }, 'there is no policy nowhere.yml'],
  [['stack'], { POLICY: 'example.yml' }, 'example.yml is the example of the local cloud'],
  [['stack'], { PACKAGES: 'nowhere' }, 'there are no packages in nowhere'],
  ...(NO_RUST ? [[['stack'], { POLICY: 'large.yml', PATH: NO_RUST }, 'to make a layer of it takes Rust']] : []),
  [['remove'], {}, 'remove what?'],
  [['status', 'all'], {}, 'all is none of stack'],
  [['-f', 'nowhere.conf', 'status'], {}, 'there is no file nowhere.conf'],
  [['-f', 'unknown.conf', 'status'], {}, 'unknown.conf, line 2: REGOIN is no setting'],
  [['-f', 'pattern.conf', 'status'], {}, 'pattern.conf, line 1: RE.* is no setting'],
  [['-f', 'word.conf', 'status'], {}, 'word.conf, line 1: is no NAME=value'],
];

const text = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8').trimEnd();
const wordsOf = (call) => (call[0] === '--profile' ? call.slice(2) : call);
const actions = (calls) => calls.map((call) => wordsOf(call)[1]);

function instances(others, status) {
  const all = [...Array(status === 'OUTDATED' ? 50 : 2)].map((_, at) => ({ AccountId: `${at}`, Status: at === others ? status : 'CURRENT', StackDriftStatus: 'NOT_CHECKED' }));
  return JSON.stringify({ StackInstances: all, TotalCount: 52 });
}

/** The options of a call, without the template's parameters. */
function options(call) {
  const words = wordsOf(call).slice(2);
  const pairs = words.flatMap((word, at) => (at % 2 === 0 ? [[word.replace(/^--/, ''), words[at + 1]]] : []));
  return Object.fromEntries(pairs.filter(([name]) => !name.startsWith('Parameters.')));
}

/** The template's parameters in a call. */
function parameters(call) {
  const at = (name) => call[call.indexOf(name) + 1];
  const keys = call.filter((word) => /^--Parameters\.\d+\.ParameterKey$/.test(word));
  return Object.fromEntries(keys.map((key) => [at(key), at(key.replace('Key', 'Value'))]));
}

function checkStack(action) {
  return (calls) => {
    const call = calls.at(-1);
    assert.strictEqual(actions(calls).at(-1), action);
    const { CodePrefix, ...given } = parameters(call);
    assert.match(CodePrefix, /^flowkeeper\/\d+\/$/);
    const expected = { Policy: POLICY.trimEnd(), CodeBucket: 'my-code', SwitchTimer: '0 */15 * * * *', TimeZone: `it's a "zone" = $HOME \\` };
    assert.deepStrictEqual(given, expected);
    assert.strictEqual(options(call).TemplateURL, `oss://my-code/${CodePrefix}template.yml?RegionId=cn-hangzhou`);
    const uploads = calls.filter(([product]) => product === 'ossutil');
    assert.deepStrictEqual(uploads.map(([, , file]) => path.basename(file)), ['template.yml', ...PACKAGES]);
    for (const upload of uploads) {
      assert.deepStrictEqual(upload.slice(3), [`oss://my-code/${CodePrefix}`, '--force', '--region', 'cn-hangzhou']);
    }
  };
}

function checkInstances(call, group, region) {
  const given = options(call);
  assert.strictEqual(given.StackGroupName, group);
  assert.deepStrictEqual(JSON.parse(given.DeploymentTargets), { RdFolderIds: ['r-root', 'fd-team'] });
  assert.deepStrictEqual(JSON.parse(given.RegionIds), [region]);
  assert.deepStrictEqual(JSON.parse(given.OperationPreferences), { FailureTolerancePercentage: 100, MaxConcurrentCount: 20 });
}

function checkHub(call, HubRegion, HubBus) {
  const { HubRoleName, ...given } = parameters(call);
  assert.strictEqual(HubRoleName, 'flowkeeper-hub');
  assert.deepStrictEqual(given, { HubAccountId: '1000000000000001', ...(HubRegion && { HubRegion }), HubBus });
  assert.strictEqual(options(call).TemplateBody, text('template-forward.yml'));
}

/** Every option is one that the action takes, and every parameter one of the template. */
function checkWords(calls) {
  const known = TEMPLATES.flatMap((file) => Object.keys(yaml.load(fs.readFileSync(path.join(ROOT, file), 'utf8')).Parameters));
  for (const call of calls.map(wordsOf)) {
    if (call[0] === 'ossutil') continue;
    for (const name of Object.keys(options(call))) {
      assert.ok(OPTIONS[call[1]].includes(name), `${call[1]} takes no ${name}`);
    }
    for (const name of Object.keys(parameters(call))) assert.ok(known.includes(name), `${name} is no parameter`);
  }
}

/** Runs ./deploy; answers with what it called and said. */
function deploy(folder, shell, command, settings, answers) {
  const work = path.join(folder, 'work');
  fs.writeFileSync(path.join(folder, 'calls'), '');
  fs.rmSync(path.join(folder, 'answers'), { recursive: true, force: true });
  fs.mkdirSync(path.join(folder, 'answers'));
  const answer = (name, said) => fs.writeFileSync(path.join(folder, 'answers', name), said);
  for (const [action, said] of Object.entries(answers)) {
    if (Array.isArray(said)) said.forEach((one, at) => answer(`${action}.${at}`, one));
    else answer(action, said);
  }
  const PATH = `${path.join(folder, 'bin')}:${process.env.PATH}`;
  const env = { PATH, HOME: '/nowhere', STAND_IN: folder, DEPLOY_PAUSE: '0', ...settings };
  const [program, ...first] = shell;
  const { status, stdout, stderr } = spawnSync(program, [...first, ...command], { cwd: work, env, encoding: 'utf8' });
  const written = fs.readFileSync(path.join(folder, 'calls'), 'utf8').split('\0\n\n\0').slice(0, -1);
  const calls = written.map((call) => call.split('\0'));
  return { status, stdout, stderr, calls };
}

/** A folder with the script, the templates, packages, settings and the stand-in. */
function prepare() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'deploy '));
  const write = (name, data, mode) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), data, { mode });
  };
  for (const name of ['deploy', ...TEMPLATES]) write(name, fs.readFileSync(path.join(ROOT, name)), 0o755);
  for (const name of PACKAGES) write(`target/fc/${name}`, name);
  write('bin/aliyun', STAND_IN, 0o755);
  // The folder has no workspace: cargo packs with that of the repository.
  write('bin/cargo', CARGO, 0o755);
  write('work/policy.yml', POLICY);
  write('work/large.yml', LARGE);
  write('work/example.yml', fs.readFileSync(path.join(ROOT, 'policy.yml')));
  write('work/wrong.yml', `${LARGE}schedule: office-hours\n`);
  write('work/deploy.conf', `# Ours.\n\nREGION=cn-hangzhou\nBUCKET=my-code\nSwitchTimer=0 */15 * * * *\nTimeZone=it's a "zone" = $HOME \\`);
  write('work/unknown.conf', '# Ours.\nREGOIN=cn-hangzhou\n');
  write('work/pattern.conf', 'RE.*=cn-hangzhou\n');
  write('work/word.conf', 'REGION\n');
  return folder;
}

const folder = prepare();
const script = path.join(folder, 'deploy');
let runs = 0;
try {
  for (const [what, command, settings, answers, expected, code = 0] of CASES) {
    const results = SHELLS.map((shell) => {
      runs += 1;
      const { status, stdout, stderr, calls } = deploy(folder, [...shell, script], command, settings, answers);
      const said = `${what}, by ${shell.join(' ')}: ${stderr}`;
      assert.strictEqual(status, code, said);
      checkWords(calls);
      if (Array.isArray(expected)) assert.deepStrictEqual(actions(calls), expected, said);
      else assert.notStrictEqual(expected(calls, folder, stdout, stderr), false, said);
      return JSON.stringify(calls);
    });
    assert.ok(results.every((result) => result === results[0]), `${what}: the shells differ`);
  }
  for (const [command, settings, problem] of REFUSED) {
    for (const shell of SHELLS) {
      runs += 1;
      const { status, stderr, calls } = deploy(folder, [...shell, script], command, settings, {});
      assert.deepStrictEqual([status, calls], [64, []], `${command} by ${shell.join(' ')}: ${stderr}`);
      assert.ok(stderr.includes(problem), `${command} by ${shell.join(' ')} says ${stderr}, not ${problem}`);
    }
  }
  // What -n prints, run by a shell, does the same.
  for (const [command, settings, answers] of [
    [['stack'], {}, { ListStacks: NO_STACK }],
    [['stack'], { POLICY: 'large.yml' }, { ListStacks: NO_STACK }],
    [['members'], ORGANIZATION, { GetStackGroup: 'refused' }],
    [['forward'], { ...ORGANIZATION, HubBus: 'hub', REGIONS: 'cn-hangzhou us-west-1' }, { GetStackGroup: 'refused' }],
  ]) {
    for (const shell of SHELLS) {
      runs += 1;
      const printed = deploy(folder, [...shell, script], ['-n', ...command], settings, answers);
      assert.deepStrictEqual([printed.status, printed.calls], [0, []], printed.stderr);
      const reads = (call) => !['GetStackGroup', 'ListStacks'].includes(call[1]) && call[1] !== 'UpdateStack';
      const wanted = deploy(folder, [...shell, script], command, settings, answers).calls.filter(reads);
      const pasted = deploy(folder, [shell[0], ...shell.slice(1), '-c', printed.stdout], [], settings, answers);
      assert.deepStrictEqual(pasted.calls.filter(reads), wanted, printed.stdout);
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
const shells = SHELLS.map((shell) => shell.join(' ')).join(', ');
console.log(`template: ./deploy calls the CLI as it must, in ${runs} runs by ${shells}`);
