"""create-flow-log on alibabacloud-vpc20160428. Settings: FC_SERVER_PORT, CLOUD (127.0.0.1:port)."""

import functools
import os

from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client as Vpc

import serve


class Client:
    def __init__(self, key, region):
        config = Config(access_key_id=key.id, access_key_secret=key.secret, security_token=key.token)
        config.region_id, config.endpoint, config.protocol = region, os.environ["CLOUD"], "http"
        self.client, self.region = Vpc(config), region

    def exists(self, vpc):
        request = models.DescribeVpcsRequest(region_id=self.region, vpc_id=vpc.id)
        return bool(self.client.describe_vpcs(request).body.vpcs.vpc)

    def has_flow_log(self, vpc):
        request = models.DescribeFlowLogsRequest(region_id=self.region, resource_type="VPC", resource_id=vpc.id)
        return any(it.status == "Active" for it in self.client.describe_flow_logs(request).body.flow_logs.flow_log)

    def create_flow_log(self, vpc):
        tags = [{"Key": "managed-by", "Value": "flowkeeper"}]
        request = models.CreateFlowLogRequest().from_map({"RegionId": self.region, "Tag": tags, **vpc.flow_log})
        return self.client.create_flow_log(request).body.flow_log_id


if __name__ == "__main__":
    serve.run(functools.lru_cache(Client))
