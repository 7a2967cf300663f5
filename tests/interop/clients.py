"""The official SDKs behind one interface: parameters and answers have the names that they have on the wire."""

import importlib
import json
import subprocess
from pathlib import Path
from unittest import mock

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.utils import parameter_helper
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from cloud import REGION

VERSIONS = {"vpc": "2016-04-28", "ecs": "2014-05-26", "sts": "2015-04-01", "ecr": "2023-09-01"}
REGIONAL = ("vpc", "ecs")


class Refused(Exception):
    """A call that the API refused, as the SDK reports it."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Client:
    """An SDK with a key, which is temporary if it has a token. `signed_at` overrides the SDK's clock."""

    # The error code that the SDK reports for a wrong secret.
    wrong_secret = "SignatureDoesNotMatch"

    def __init__(self, cloud, key="test", secret="test-secret", token=None, signed_at=None):
        self.address, self.key, self.secret, self.token = cloud.address, key, secret, token
        self.signed_at = signed_at

    def __call__(self, product, action, **parameters):
        """Calls an operation and returns its answer. The region defaults to cn-hangzhou."""
        if product in REGIONAL:
            parameters = {"RegionId": REGION} | parameters
        return self.call(product, action, parameters)

    @classmethod
    def knows(cls, product, action, parameter):
        """Whether the SDK knows a parameter of an operation. An SDK without models accepts any."""
        return True


class AliyunPythonSdk(Client):
    """aliyun-python-sdk-{core,vpc,ecs,sts}: everything is in the URL, mostly by POST, signed with HMAC-SHA1."""

    name = "aliyun-python-sdk"
    products = ("vpc", "ecs", "sts")
    # The SDK compares the server's string to sign with its own. If they are equal, it blames the secret.
    wrong_secret = "InvalidAccessKeySecret"

    @staticmethod
    def _request(product, action):
        version = VERSIONS[product].replace("-", "")
        module = importlib.import_module(f"aliyunsdk{product}.request.v{version}.{action}Request")
        return getattr(module, f"{action}Request")()

    @staticmethod
    def _setter(request, name):
        # The setter of a list is a plural.
        return getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s", None)

    @classmethod
    def knows(cls, product, action, parameter):
        return cls._setter(cls._request(product, action), parameter) is not None

    def call(self, product, action, parameters):
        request = self._request(product, action)
        for name, value in parameters.items():
            # Parameters that the SDK does not know can still be added.
            setter = self._setter(request, name)
            setter(value) if setter else request.add_query_param(name, value)
        host, port = self.address.split(":")
        request.set_endpoint(host)
        request.set_protocol_type("http")
        token = self.token and StsTokenCredential(self.key, self.secret, self.token)
        # If it is given a key, too, the SDK drops the token.
        key = (None, None) if token else (self.key, self.secret)
        client = AcsClient(*key, REGION, port=int(port), credential=token)
        now = self.signed_at or parameter_helper.get_iso_8061_date()
        try:
            with mock.patch.object(parameter_helper, "get_iso_8061_date", lambda: now):
                return json.loads(client.do_action_with_exception(request))
        except ServerException as error:
            raise Refused(error.http_status, error.error_code, error.message) from error


class AlibabacloudSdk(Client):
    """alibabacloud-{vpc20160428,...}: answers are converted to its typed models and back."""

    products = ("vpc", "ecs", "sts", "ecr")
    algorithm = None
    packages = {
        "vpc": "alibabacloud_vpc20160428",
        "ecs": "alibabacloud_ecs20140526",
        "sts": "alibabacloud_sts20150401",
        "ecr": "alibabacloud_expressconnectrouter20230901",
    }

    @classmethod
    def _model(cls, product, action):
        # An operation without parameters has no model.
        return getattr(importlib.import_module(f"{cls.packages[product]}.models"), f"{action}Request", None)

    @classmethod
    def has(cls, product, action):
        """Whether the SDK has this operation."""
        return hasattr(importlib.import_module(f"{cls.packages[product]}.models"), f"{action}Response")

    @classmethod
    def parameters(cls, product, action):
        """Every parameter that the SDK has for an operation that takes strings and lists."""
        model = cls._model(product, action)
        return model(**dict.fromkeys(vars(model()), [])).to_map().keys() if model else set()

    @classmethod
    def knows(cls, product, action, parameter):
        return parameter in cls.parameters(product, action)

    def call(self, product, action, parameters):
        return self.answer(product, action, parameters).to_map()

    def answer(self, product, action, parameters):
        """Calls an operation and returns its answer as the SDK's model."""
        package = self.packages[product]
        arguments = [RuntimeOptions(extends_parameters=self.signed_at and self._signed_at())]
        if model := self._model(product, action):
            request = model().from_map(parameters)
            unknown = parameters.keys() - request.to_map().keys() - {"RegionId"}
            assert not unknown, f"{package} has no {unknown} in {action}"
            arguments.insert(0, request)
        client = importlib.import_module(f"{package}.client").Client(
            Config(
                access_key_id=self.key,
                access_key_secret=self.secret,
                security_token=self.token,
                endpoint=self.address,
                protocol="http",
                signature_algorithm=self.algorithm,
            )
        )
        expected = f"{action}WithOptions".lower()
        method = next(name for name in dir(client) if name.replace("_", "") == expected)
        try:
            return getattr(client, method)(*arguments).body
        except AlibabaCloudException as error:
            raise Refused(error.status_code, error.code, error.data["Message"]) from error


class AlibabacloudSdkHmacSha1(AlibabacloudSdk):
    """Query and form, signed as aliyun-python-sdk does it; `v2` is the SDK's name for this signature."""

    name = "alibabacloud-hmac-sha1"
    algorithm = "v2"

    def _signed_at(self):
        return ExtendsParameters(queries={"Timestamp": self.signed_at})


class AlibabacloudSdkAcs3(AlibabacloudSdk):
    """The SDK with its default signature: every header is signed, and the query has no common parameters."""

    name = "alibabacloud-acs3-hmac-sha256"

    def _signed_at(self):
        return ExtendsParameters(headers={"x-acs-date": self.signed_at})


class PopCore(Client):
    """@alicloud/pop-core for Node: reads by GET, writes by POST with everything in the form, HMAC-SHA1."""

    name = "pop-core"
    products = ("vpc", "ecs", "sts", "ecr")
    _node = None

    def call(self, product, action, parameters):
        if not PopCore._node:
            script = Path(__file__).with_name("pop_core.js")
            PopCore._node = subprocess.Popen(
                ["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        call = {
            "config": {
                "accessKeyId": self.key,
                "accessKeySecret": self.secret,
                "securityToken": self.token,
                "endpoint": f"http://{self.address}",
                "apiVersion": VERSIONS[product],
            },
            "action": action,
            "method": "GET" if action.startswith(("Describe", "Get")) and product != "ecr" else "POST",
            "parameters": parameters | ({"Timestamp": self.signed_at} if self.signed_at else {}),
        }
        print(json.dumps(call), file=self._node.stdin, flush=True)
        told = json.loads(self._node.stdout.readline())
        if "answer" in told:
            return told["answer"]
        raise Refused(**told)
