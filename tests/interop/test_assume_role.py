"""AssumeRole returns a temporary key. With it, each SDK signs and sends its token."""

import pytest

PRODUCT = "sts"
REQUESTED = {"RoleArn": "acs:ram::1000000000000002:role/flowkeeper", "RoleSessionName": "interop"}


@pytest.fixture
def temporary(call):
    """A temporary key, as arguments of an SDK's client."""
    given = call("sts", "AssumeRole", **REQUESTED)["Credentials"]
    return {"key": given["AccessKeyId"], "secret": given["AccessKeySecret"], "token": given["SecurityToken"]}


def test_a_temporary_key_acts_in_the_account_of_its_role(call, sdk, cloud, temporary):
    there = sdk(cloud, **temporary)
    assert there("sts", "GetCallerIdentity")["AccountId"] == "1000000000000002"
    own = call("vpc", "CreateVpc")["VpcId"]
    assert there("vpc", "DescribeVpcs", VpcId=own)["Vpcs"]["Vpc"] == []


def test_a_temporary_key_goes_with_its_own_token_only(sdk, cloud, refusal, temporary):
    for token, code in (
        (None, "MissingSecurityToken"),
        ("nonsense", "InvalidSecurityToken.Malformed"),
    ):
        assert refusal("vpc", "DescribeVpcs", by=sdk(cloud, **temporary | {"token": token}))[1] == code


def test_a_session_policy_takes_away_what_it_does_not_allow(call, sdk, cloud, refusal):
    policy = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["vpc:DescribeVpcs"], "Resource": ["*"]}]}'
    given = call("sts", "AssumeRole", **REQUESTED, Policy=policy)["Credentials"]
    there = sdk(cloud, key=given["AccessKeyId"], secret=given["AccessKeySecret"], token=given["SecurityToken"])
    there("vpc", "DescribeVpcs")
    assert refusal("vpc", "CreateVpc", by=there) == (403, "Forbidden.RAM")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Policy", "{}"),
        ("RoleArn", "acs:ram::1000000000000002:role/nobody"),
        ("RoleArn", "flowkeeper"),
        ("RoleSessionName", "x"),
        ("DurationSeconds", 899),
    ],
)
def test_a_role_that_cannot_be_assumed_is_refused(refusal, name, value):
    status, code = refusal("sts", "AssumeRole", **REQUESTED | {name: value})
    assert status in (400, 403, 404)
    assert code.startswith(("InvalidParameter", "EntityNotExist.Role", "NoPermission"))
