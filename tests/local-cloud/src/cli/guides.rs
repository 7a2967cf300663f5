//! Long help texts.

/// How to use a cloud that is being served.
pub(super) const GUIDE: &str = "\
A small Alibaba Cloud on 127.0.0.1: the RPC API of VPC, ECS, STS, Express Connect Router and Resource Directory, the
APIs of Function Compute and Log Service, ActionTrail events, event buses with their rules, and the functions of
template.yml as processes. Everything is in memory and is gone when the program ends.

Use it with the aliyun CLI:
  aliyun configure set --profile local --mode AK --region cn-hangzhou \\
    --access-key-id test --access-key-secret test-secret
  aliyun --profile local --endpoint 127.0.0.1:9900 --protocol http vpc CreateVpc --RegionId cn-hangzhou

with an SDK, in Python:
  config = open_api_models.Config(access_key_id='test', access_key_secret='test-secret',
                                  endpoint='127.0.0.1:9900', protocol='http')
in Node:
  new Core({accessKeyId: 'test', accessKeySecret: 'test-secret',
            endpoint: 'http://127.0.0.1:9900', apiVersion: '2016-04-28'})   // @alicloud/pop-core
or with a Flowkeeper function:
  FLOWKEEPER_ENDPOINT=http://127.0.0.1:9900

It starts with a few VPCs and flow logs in three regions, unless --empty is given:
  cargo run -q -p flowkeeper -- plan --endpoint http://127.0.0.1:9900 policy.yml

Accounts: 1000000000000001 has the key test / test-secret, with all permissions. 1000000000000002, and all others up to
the number that --accounts says, have the key test-<account> with the same secret. Functions of the first account work
in the others by assuming the role acs:ram::<account>:role/flowkeeper, which trusts the principals in
template-member.yml; without functions, it trusts the first account. Nobody can assume
acs:ram::1000000000000002:role/refused. Each function process gets a temporary key for the role that template.yml
gives it, if that role trusts Function Compute. Calls that the role does not allow are refused with Forbidden.RAM, or
by STS and Resource Directory with NoPermission. --deny removes one more action.

Events: a call's event reaches the default bus of its account and region. The functions listen to that of the first
account in --region alone. --forward ACCOUNT/REGION brings those of another place to them: by the rules of
template-forward.yml there, a custom bus, and the queues of template.yml. --in-place REGION runs functions there, too;
--forward then leads to the functions in the same region. --directory puts the accounts into a Resource Directory, which
the first account manages; --control-policy attaches a control policy, such as guardrail.json, to its Root folder.

Signatures (HMAC-SHA1 in the parameters, or ACS3-HMAC-SHA256 in the headers), nonces, times, parameters and limits are
checked as documented, and a refusal carries the documented code and HTTP status. VPC and Express Connect Router share
names such as CreateFlowLog; the version tells them apart: 2016-04-28 or 2023-09-01. Answers to calls with HMAC-SHA1
are JSON with Format=JSON, otherwise XML.

Inspect and control it over HTTP:
  curl 127.0.0.1:9900/_local                                list all of these
  curl 127.0.0.1:9900/_local/journal                        what happened, as JSON lines
  curl 127.0.0.1:9900/_local/dead-letters                   events that were given up, and their destinations
  curl 127.0.0.1:9900/_local/faults -d '{\"action\":\"CreateFlowLog\",\"fault\":\"throttled\",\"times\":2}'
  curl 127.0.0.1:9900/_local/faults -d '{\"action\":\"DescribeVpcs\",\"answer\":{\"TotalCount\":1}}'   replace an answer
  curl 127.0.0.1:9900/_local/faults                         pending faults
  curl 127.0.0.1:9900/_local/faults -X DELETE               clear all faults, and correct the clock
  curl 127.0.0.1:9900/_local/events -d @event.json          put an event on the default bus of the functions
  curl '127.0.0.1:9900/_local/events?account=…&region=…&bus=…' -d @event.json         put it on another bus
  curl 127.0.0.1:9900/_local/invoke/<function> -d @event.json             invoke a function once
  curl 127.0.0.1:9900/_local/timers                         the timers, and when they are due
  curl 127.0.0.1:9900/_local/timers/<function>/<trigger> -X POST          fire a timer now

A fault applies to an \"action\": an operation such as \"CreateFlowLog\", one of a single product such as
\"expressconnectrouter:CreateFlowLog\", or \"*\" for all. It can be limited to a \"region\", and can let \"after\" calls pass
first:
  throttled         400 Throttling.User
  throttled-for     the same, with \"seconds\" in x-acs-retry-after and X-RateLimit-User-API
  unavailable       503 ServiceUnavailable; for a region that is down: {\"action\":\"*\",\"region\":…,\"times\":1000000}
  refused           403 Forbidden.RAM
  internal-error    500 InternalError
  token-expired     400 InvalidSecurityToken.Expired
  failure-in-200    InternalErrorTemp in an answer with HTTP 200, as Express Connect Router does
  answer-lost       the call takes effect, and the connection closes without an answer
  reset             the connection closes before the call takes effect
  hang              the call has no effect, and no answer ever comes
  hang-after-effect the call takes effect, and no answer ever comes
  slow              the answer is delayed by \"seconds\" (default 1)
  slow-bytes        the second half of the answer is delayed by \"seconds\"
  not-visible-yet   a read omits the newest resource
  partial-counts    Log Service has not counted all records, and says so
  small-pages       a page of a list holds at most \"items\" (default 20), whatever size is requested
  stale-read        a read shows the state before the last write
  overtaken         another caller creates the same flow log first, without tags
  function-killed   the process of the calling function is killed before the call takes effect
  function-killed-after-effect
                    the same, after the call takes effect
  event-duplicated  the call's event is delivered twice
  event-reordered   the call's event is delivered after the next one
  event-delayed     the call's event is delivered \"seconds\" later
  event-dropped     the call's event is not delivered
  <code>            any documented error code, such as TaskConflict
Function Compute and Log Service refuse with codes of their own, such as ResourceExhausted and WriteQuotaExceed.
One fault needs no action:
  clock-ahead       the cloud's clock is \"seconds\" ahead until the faults are cleared";

/// How to invoke a function.
pub(super) const INVOKE_GUIDE: &str = "\
Builds the functions, starts a cloud that contains the resources that the event names, sends the event to the function
once, and shows the function's calls and its report. Exits with 1 if the invocation fails, and with 2 for a wrong
argument.

  local-cloud invoke create-flow-log --event create-vpc               a sample from tests/fixtures/events
  local-cloud invoke create-flow-log --event my-event.json --json     a file; print only the answer
  local-cloud invoke create-flow-log --event - < my-event.json
  local-cloud invoke create-flow-log --event create-vpc --policy my-policy.yml --env FLOWKEEPER_DRY_RUN=true
  local-cloud invoke create-flow-log --event create-vpc --deny CreateFlowLogRole=vpc:CreateFlowLog
  local-cloud invoke delete-orphaned-flow-logs --event fc-timer --flow-log orphaned
  local-cloud invoke activate-flow-logs --event fc-timer --flow-log inactive --tag flowkeeper=on
  local-cloud invoke create-ecr-flow-log --event fc-timer --router --parameter KeepEcrFlowLogs=true \\
    --policy my-policy.yml                                            a policy with ecr_flow_log
  echo '{\"accept_terms\": true}' | local-cloud invoke open-flow-log-service --event - --service-closed

A resource that the event reports as deleted does not exist, but the flow log that it leaves behind does. For an event
that names no resource, such as a timer's, there is one VPC without a flow log. --flow-log, --router, --service-closed
and --tag add to that.";

/// What `watch` does beyond `serve`.
pub(super) const WATCH_GUIDE: &str = "\
Serves as `serve` does; see its help for how to use the cloud. Also watches the sources in functions/ and shared/.
After each change, the functions are built again and their processes are stopped; the next event starts new ones.
Resources in the cloud stay. After a change of template.yml, start `watch` again.";
