"""The official SDK makes projects, Logstores and indexes in local-cloud, and counts the records in them.

A project is part of the host's name. The SDK reaches the cloud as an HTTP proxy, so the name need not be resolved.
"""

import time

import pytest
from alibabacloud_sls20201230 import models
from alibabacloud_sls20201230.client import Client
from alibabacloud_tea_openapi.models import Config
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from cloud import Cloud

PROJECT, LOG_STORE = "flowlog-1000000000000001-cn-hangzhou", "vpc"
TOKENS = list(", '\";=()[]{}?@&<>/:\n\t\r")


@pytest.fixture
def cloud():
    with Cloud("--no-functions", "--check-destinations") as cloud:
        yield cloud


class Caller:
    """The SDK with a key: `Caller(cloud).get_project(PROJECT, …)`."""

    def __init__(self, cloud, secret="test-secret", region="cn-hangzhou"):
        self._client = Client(
            Config(
                access_key_id="test",
                access_key_secret=secret,
                endpoint=f"{region}.log.aliyuncs.com",
                region_id=region,
                protocol="http",
                signature_version="v4",
            )
        )
        self._runtime = RuntimeOptions(http_proxy=f"http://{cloud.address}", autoretry=False)

    def get_logs_v2(self, project, log_store, request):
        # The SDK names it unlike all others, and its headers have a type of their own.
        headers = models.GetLogsV2Headers()
        return self._client.get_logs_v2with_options(project, log_store, request, headers, self._runtime)

    def __getattr__(self, name):
        return lambda *arguments: getattr(self._client, f"{name}_with_options")(*arguments, {}, self._runtime)


@pytest.fixture
def sls(cloud):
    return Caller(cloud)


@pytest.fixture
def refusal():
    """Makes a call that must be refused, and returns its status and code."""

    def refusal(call, *arguments):
        with pytest.raises(UnretryableException) as refused:
            call(*arguments)
        error = refused.value.inner_exception
        return error.data["statusCode"], error.code

    return refusal


def new_project(name=PROJECT):
    return models.CreateProjectRequest(project_name=name, description="flow logs")


def new_log_store(days=30):
    return models.CreateLogStoreRequest(
        logstore_name=LOG_STORE, ttl=days, shard_count=2, auto_split=True, max_split_shard=64
    )


def new_index():
    keys = {"vpc-id": models.IndexKey(type="text", doc_value=True, token=TOKENS)}
    keys |= {name: models.IndexKey(type="text", doc_value=True, token=TOKENS) for name in ("vswitch-id", "eni-id", "log-status")}
    keys |= {name: models.IndexKey(type="long", doc_value=True) for name in ("bytes", "end")}
    return models.CreateIndexRequest(body=models.Index(keys=keys, line=models.IndexLine(token=TOKENS)))


def make(sls):
    sls.create_project(new_project())
    sls.create_log_store(PROJECT, new_log_store())
    sls.create_index(PROJECT, LOG_STORE, new_index())


def test_a_project_a_logstore_and_an_index_are_made_and_read(sls):
    make(sls)
    project = sls.get_project(PROJECT, models.GetProjectRequest()).body
    assert (project.project_name, project.owner, project.region) == (PROJECT, "1000000000000001", "cn-hangzhou")
    log_store = sls.get_log_store(PROJECT, LOG_STORE).body
    assert (log_store.logstore_name, log_store.ttl, log_store.shard_count) == (LOG_STORE, 30, 2)
    assert (log_store.auto_split, log_store.max_split_shard, log_store.mode) == (True, 64, "standard")
    index = sls.get_index(PROJECT, LOG_STORE).body
    assert (index.keys["bytes"].type, index.keys["vpc-id"].token, index.line.token) == ("long", TOKENS, TOKENS)


def test_retention_can_be_raised(sls):
    make(sls)
    sls.update_log_store(PROJECT, LOG_STORE, models.UpdateLogStoreRequest(logstore_name=LOG_STORE, ttl=180))
    assert sls.get_log_store(PROJECT, LOG_STORE).body.ttl == 180


def test_refusals_have_their_codes(cloud, sls, refusal):
    assert refusal(sls.get_project, PROJECT, models.GetProjectRequest()) == (404, "ProjectNotExist")
    assert refusal(sls.create_log_store, PROJECT, new_log_store()) == (404, "ProjectNotExist")
    sls.create_project(new_project())
    assert refusal(sls.create_project, new_project()) == (400, "ProjectAlreadyExist")
    assert refusal(sls.create_project, new_project("Wrong_Name")) == (400, "ParameterInvalid")
    assert refusal(sls.get_log_store, PROJECT, LOG_STORE) == (404, "LogStoreNotExist")
    assert refusal(sls.create_log_store, PROJECT, new_log_store(days=3651)) == (400, "ParameterInvalid")
    sls.create_log_store(PROJECT, new_log_store())
    assert refusal(sls.create_log_store, PROJECT, new_log_store()) == (400, "LogStoreAlreadyExist")
    assert refusal(sls.get_index, PROJECT, LOG_STORE) == (404, "IndexConfigNotExist")
    sls.create_index(PROJECT, LOG_STORE, new_index())
    assert refusal(sls.create_index, PROJECT, LOG_STORE, new_index()) == (400, "IndexAlreadyExist")
    wrong = Caller(cloud, secret="guessed")
    assert refusal(wrong.get_project, PROJECT, models.GetProjectRequest()) == (401, "SignatureNotMatch")
    beijing = Caller(cloud, region="cn-beijing")
    assert refusal(beijing.get_project, PROJECT, models.GetProjectRequest()) == (404, "ProjectNotExist")
    cloud.fault("log:GetProject", "unavailable")
    assert refusal(sls.get_project, PROJECT, models.GetProjectRequest()) == (503, "ServerBusy")


def test_the_sdk_reads_what_the_client_makes(cloud, sls):
    of = {"project": PROJECT, "logstore": LOG_STORE}
    writes = {"CreateProject": {}, "CreateLogStore": {"ttl": "30"}, "CreateIndex": {}, "UpdateLogStore": {"ttl": "180"}}
    made = cloud.called_by_client(*(("sls", action, of | given) for action, given in writes.items()))
    assert made == [f"sls {action}: done" for action in writes]
    log_store = sls.get_log_store(PROJECT, LOG_STORE).body
    assert (log_store.ttl, log_store.auto_split, log_store.max_split_shard) == (180, True, 64)
    index = sls.get_index(PROJECT, LOG_STORE).body
    assert (index.keys["bytes"].type, index.keys["vpc-id"].type, index.line.token) == ("long", "text", TOKENS)


def test_the_client_reads_what_the_sdk_makes(cloud, sls):
    make(sls)
    of = {"project": PROJECT, "logstore": LOG_STORE}
    reads = ("GetProject", "GetLogStore", "GetIndex")
    assert cloud.called_by_client(*(("sls", read, of) for read in reads)) == [f"sls {read}: done" for read in reads]


COUNT = """* | select "vpc-id" as vpc, "log-status" as status, count(*) as records, max("end") as last
    group by vpc, status order by status limit 1000"""


@pytest.fixture
def records(cloud, sls):
    """A Logstore with three records, and the time in which they were received."""
    make(sls)
    end = int(time.time()) - 600
    fields = {"vpc-id": "vpc-1", "vswitch-id": "vsw-1", "eni-id": "eni-1", "end": str(end)}
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    written = [{"time": moment, "fields": fields | {"log-status": status}} for status in ("OK", "OK", "NODATA")]
    cloud.write_records(PROJECT, LOG_STORE, written)
    return end


def test_records_are_counted_by_sql(sls, records):
    asked = models.GetLogsV2Request(from_=records - 60, to=records + 60, query=COUNT)
    found = sls.get_logs_v2(PROJECT, LOG_STORE, asked).body
    assert (found.meta.progress, found.meta.has_sql) == ("Complete", True)
    row = {"vpc": "vpc-1", "last": str(records)}
    assert found.data == [row | {"status": "NODATA", "records": "1"}, row | {"status": "OK", "records": "2"}]


def test_counts_may_be_partial_and_say_so(cloud, sls, records):
    cloud.fault("GetLogsV2", "partial-counts")
    asked = models.GetLogsV2Request(from_=records - 60, to=records + 60, query=COUNT)
    progress = [sls.get_logs_v2(PROJECT, LOG_STORE, asked).body.meta.progress for _ in range(2)]
    assert progress == ["Incomplete", "Complete"]


def test_records_are_counted_over_time(sls, records):
    asked = models.GetHistogramsRequest(from_=records - 60, to=records + 60, query='"log-status": "NODATA"')
    parts = sls.get_histograms(PROJECT, LOG_STORE, asked).body
    assert sum(part.count for part in parts) == 1
    assert {part.progress for part in parts} == {"Complete"}


def test_the_metering_mode_is_read(sls):
    make(sls)
    mode = sls.get_log_store_metering_mode(PROJECT, LOG_STORE).body
    assert mode.metering_mode == "ChargeByFunction"


def test_records_are_not_counted_without_an_index(sls, refusal):
    sls.create_project(new_project())
    sls.create_log_store(PROJECT, new_log_store())
    asked = models.GetLogsV2Request(from_=1, to=2, query=COUNT)
    assert refusal(sls.get_logs_v2, PROJECT, LOG_STORE, asked) == (404, "IndexConfigNotExist")


def test_the_client_counts_what_is_there(cloud, records):
    of = {"project": PROJECT, "logstore": LOG_STORE, "from": str(records - 60), "to": str(records + 60)}
    reads = ("GetLogsV2", "GetHistograms", "GetLogStoreMeteringMode", "DescribeMetricList")
    made = cloud.called_by_client(*(("sls", read, of) for read in reads))
    assert made == [f"sls {read}: done" for read in reads]
