"""A stub cloud: answers three actions with fixed texts, and lists a fleet for a sweep. It checks nothing."""

import json
import re
import socketserver
import threading

PAGE_SIZE = 50
# One VPC in this many has no flow log.
LACKING = 100
REQUEST_ID = "54B48E3D-DF70-471B-AA93-08E683A1B457"


def vpc(nth):
    # Without an owner: the jobs belong to several accounts.
    return {
        "VpcId": f"vpc-bp1example{nth:011}",
        "RegionId": "cn-hangzhou",
        "Status": "Available",
        "VpcName": "example",
        "CreationTime": "2025-01-02T03:04:05Z",
        "CidrBlock": "10.0.0.0/16",
        "VRouterId": f"vrt-bp1example{nth:011}",
        "IsDefault": False,
        "Description": "",
        "ResourceGroupId": "rg-example",
        "VSwitchIds": {"VSwitchId": []},
        "SecondaryCidrBlocks": {"SecondaryCidrBlock": []},
        "UserCidrs": {"UserCidr": []},
        "RouterTableIds": {"RouterTableIds": []},
        "Tags": {"Tag": [{"Key": "team", "Value": "network"}]},
    }


def flow_log(nth, account):
    return {
        "FlowLogId": f"fl-bp1example{nth:011}",
        "FlowLogName": f"flowkeeper-vpc-bp1example{nth:011}",
        "RegionId": "cn-hangzhou",
        "ResourceType": "VPC",
        "ResourceId": f"vpc-bp1example{nth:011}",
        "TrafficType": "All",
        "Status": "Active",
        "BusinessStatus": "Normal",
        "ProjectName": f"flowlog-{account}-cn-hangzhou",
        "LogStoreName": "vpc",
        "Description": "Kept by Flowkeeper",
        "CreationTime": "2025-01-02T03:04:05Z",
        "AggregationInterval": 10,
        "ServiceType": "customer",
        "IpVersion": "IPv4",
        "FlowLogDeliverStatus": "SUCCESS",
        "ResourceGroupId": "rg-example",
        "TrafficPath": {"TrafficPathList": ["all"]},
        "Tags": {"Tag": [{"Key": "managed-by", "Value": "flowkeeper"}]},
    }


def page(form, items):
    number = int(re.search(r"PageNumber=(\d+)", form)[1])
    counted = {"RequestId": REQUEST_ID, "TotalCount": len(items), "PageNumber": number, "PageSize": PAGE_SIZE}
    return counted, items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]


class Fleet:
    """The answers to a job if `vpcs` is 0, or to a sweep of that many VPCs."""

    def __init__(self, vpcs, account):
        numbers = range(1, vpcs + 1)
        self.vpcs = [vpc(nth) for nth in numbers] or [vpc(1)]
        self.flow_logs = [flow_log(nth, account) for nth in numbers if nth % LACKING]
        self.known = {}

    def answer(self, form):
        action, number = re.search(r"Action=(\w+)", form)[1], re.search(r"PageNumber=(\d+)", form)
        key = action, number and number[1]
        if key not in self.known:
            self.known[key] = json.dumps(self.content(action, form), separators=(",", ":")).encode()
        return self.known[key]

    def content(self, action, form):
        if action == "DescribeVpcs":
            counted, items = page(form, self.vpcs)
            return counted | {"Vpcs": {"Vpc": items}}
        if action == "DescribeFlowLogs":
            counted, items = page(form, self.flow_logs)
            return counted | {"Success": "true", "FlowLogs": {"FlowLog": items}}
        if action == "CreateFlowLog":
            return {"RequestId": REQUEST_ID, "Success": "true", "FlowLogId": "fl-bp1example00000000001"}
        return {"Code": "InvalidAction.NotFound", "Message": "none of the three"}


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answer = self.server.fleet.answer(self.rfile.read(length).decode())
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)


class Cloud(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback until the program ends."""

    daemon_threads = True

    def __init__(self, vpcs, account):
        super().__init__(("127.0.0.1", 0), Connection)
        self.fleet = Fleet(vpcs, account)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"
