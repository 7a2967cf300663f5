"""create-flow-log on aliyun-python-sdk-vpc. Settings: FC_SERVER_PORT, CLOUD (127.0.0.1:port)."""

import functools
import json
import os

from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkvpc.request.v20160428.CreateFlowLogRequest import CreateFlowLogRequest
from aliyunsdkvpc.request.v20160428.DescribeFlowLogsRequest import DescribeFlowLogsRequest
from aliyunsdkvpc.request.v20160428.DescribeVpcsRequest import DescribeVpcsRequest

import serve

HOST, PORT = os.environ["CLOUD"].split(":")


class Client:
    def __init__(self, key, region):
        self.client = AcsClient(region_id=region, credential=StsTokenCredential(*key), port=int(PORT))

    def call(self, request):
        request.set_endpoint(HOST)
        request.set_protocol_type("http")
        return json.loads(self.client.do_action_with_exception(request))

    def exists(self, vpc):
        request = DescribeVpcsRequest()
        request.set_VpcId(vpc.id)
        return bool(self.call(request)["Vpcs"]["Vpc"])

    def has_flow_log(self, vpc):
        request = DescribeFlowLogsRequest()
        request.set_ResourceType("VPC")
        request.set_ResourceId(vpc.id)
        return any(it["Status"] == "Active" for it in self.call(request)["FlowLogs"]["FlowLog"])

    def create_flow_log(self, vpc):
        request = CreateFlowLogRequest()
        for name, value in vpc.flow_log.items():
            getattr(request, f"set_{name}")(value)
        request.set_Tags([{"Key": "managed-by", "Value": "flowkeeper"}])
        return self.call(request)["FlowLogId"]


if __name__ == "__main__":
    serve.run(functools.lru_cache(Client))
