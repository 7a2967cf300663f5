"""A recorded event of ActionTrail leads to a flow log for the network interface that it names."""

import json
from pathlib import Path

from cloud import REPOSITORY

ARGUMENTS = ["--transition-ms", "200", "--policy", Path(__file__).with_name("network-interface.yml")]
EVENT = REPOSITORY / "tests" / "fixtures" / "events" / "actiontrail-create-network-interface.json"


def test_the_network_interface_of_a_recorded_event_gets_its_flow_log(call, cloud, active_flow_log):
    event = json.loads(EVENT.read_text())
    # The account in the documents' event is not in the policy's scope.
    event["aliyunaccountid"] = "1000000000000001"
    recorded = event["data"]["responseElements"]["NetworkInterfaceId"]
    vpc_id = call("vpc", "CreateVpc")["VpcId"]
    vswitch = call("vpc", "CreateVSwitch", VpcId=vpc_id, ZoneId="cn-hangzhou-b", CidrBlock="172.16.0.0/24")
    made = call("ecs", "CreateNetworkInterface", VSwitchId=vswitch["VSwitchId"], SecurityGroupId="sg-bp1example")
    # The interface's own event is handled before it gets the recorded id, so what follows is due to the recorded event.
    active_flow_log(made["NetworkInterfaceId"])
    cloud.rename(made["NetworkInterfaceId"], recorded)
    cloud.publish(event)

    assert active_flow_log(recorded).items() >= {
        "ResourceType": "NetworkInterface",
        "FlowLogName": f"flowkeeper-{recorded}",
        "LogStoreName": "network-interfaces",
    }.items()
