"""Every STS operation that local-cloud serves succeeds once and is refused once."""

PRODUCT = "sts"


def test_the_key_says_whose_it_is(call, refusal, sdk, cloud):
    identity = call("sts", "GetCallerIdentity")
    assert (identity["AccountId"], identity["IdentityType"]) == ("1000000000000001", "Account")
    assert identity["Arn"] == "acs:ram::1000000000000001:root"
    assert refusal("sts", "GetCallerIdentity", by=sdk(cloud, key="nobody")) == (404, "InvalidAccessKeyId.NotFound")
