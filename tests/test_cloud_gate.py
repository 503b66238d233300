"""Who gets past the gate, and who is told why not, in words that boto3 understands."""

import gzip
import io
import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import boto3
import botocore
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import Client, create_environ, run_wsgi_app

from helpers.cloud.gate import Gate
from helpers.cloud.isolation import Isolation

TOKEN, KEY = "f00dfeedf00dfeed", "AKIAOURS"
V4 = "AWS4-HMAC-SHA256 Credential={}/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0"
V4A = "AWS4-ECDSA-P256-SHA256 Credential={}/20260101/s3/aws4_request, SignedHeaders=host, Signature=0"


def echo(environ, start_response):
    """Stand in for moto: say what arrived."""
    names = ("SCRIPT_NAME", "PATH_INFO", "REQUEST_URI", "RAW_URI")
    seen = {name: environ.get(name) for name in names}
    seen["body"] = environ["wsgi.input"].read().decode("latin-1")
    start_response("200 OK", [])
    return [json.dumps(seen).encode()]


def gate(**more) -> Gate:
    return Gate(echo, token=TOKEN, is_known=lambda key: key == KEY, **more)


def status(path="/", to=None, headers=(), **more) -> int:
    return Client(to or gate()).open(path, headers={"Host": "127.0.0.1:4566", **dict(headers)}, **more).status_code


def raw_status(path: str, to=None, **environ: str) -> int:
    """Send what a server sends, where werkzeug's client would mend it."""
    made = create_environ(path, "http://127.0.0.1:1", method="PUT") | environ
    return int(run_wsgi_app(to or gate(), made)[1].split()[0])


def signed(scheme: str, key: str) -> dict:
    """One request signed in the given way, as werkzeug's client takes it."""
    form = {"key": "k", "policy": "p", "file": (io.BytesIO(b"content"), "f.txt")}
    return {
        "version 4": {"headers": {"Authorization": V4.format(key)}},
        "version 4a": {"headers": {"Authorization": V4A.format(key)}},
        "version 2": {"headers": {"Authorization": f"AWS {key}:c2lnbmF0dXJl"}},
        "version 3": {"headers": {"Authorization": f"AWS3-HTTPS AWSAccessKeyId={key},Algorithm=HmacSHA256"}},
        "presigned": {"query_string": {"X-Amz-Credential": f"{key}/20260101/eu-central-1/s3/aws4_request"}},
        "presigned, escaped": {"query_string": f"X-Amz-Credential={key}%2F20260101%2Feu-central-1%2Fs3%2Faws4_request"},
        "presigned, version 2": {"query_string": {"AWSAccessKeyId": key, "Signature": "0"}},
        "form": {"method": "POST", "data": form | {"X-Amz-Credential": f"{key}/20260101/eu/s3/aws4_request"}},
        "form, small letters": {"method": "POST", "data": form | {"x-amz-credential": f"{key}/20260101/eu/s3/a"}},
        "form, version 2": {"method": "POST", "data": form | {"AWSAccessKeyId": key}},
        "query in a body": {"method": "POST", "data": {"Action": "ListTopics", "AWSAccessKeyId": key}},
    }[scheme]


SCHEMES = [
    *("version 4", "version 4a", "version 2", "version 3", "presigned", "presigned, escaped", "presigned, version 2"),
    *("form", "form, small letters", "form, version 2", "query in a body"),
]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", ["/bucket", f"/{TOKEN}/bucket"])
def test_a_request_signed_with_a_known_key_passes(scheme, path):
    assert status(path, **signed(scheme, KEY)) == 200


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("key", ["AKIAFOREIGN", ""])
@pytest.mark.parametrize("path", ["/bucket", f"/{TOKEN}/bucket"])
def test_a_request_signed_with_another_key_is_refused(scheme, key, path):
    assert status(path, **signed(scheme, key)) == 403


def test_an_empty_key_is_refused_even_by_who_knows_every_key():
    generous = Gate(echo, token=TOKEN, is_known=lambda key: True)
    assert status(to=generous, headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"}) == 403


def test_two_keys_of_which_one_is_not_known_are_refused():
    other = signed("presigned", "AKIAFOREIGN")["query_string"]
    assert status(headers={"Authorization": V4.format(KEY)}, query_string=other) == 403


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/{TOKEN}/", f"/{TOKEN}/bucket/key"])
def test_a_request_without_signature_passes_under_the_sessions_path(path):
    assert status(path) == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/bucket", "/é/x", "/moto-api/reset", "/latest/meta-data/"),
        *(f"/{TOKEN[:-1]}/x", f"/{TOKEN}x/x", f"/{TOKEN.upper()}/x", f"//{TOKEN}/x", f"/x/{TOKEN}/x"),
    ],
)
def test_a_request_without_signature_is_refused_elsewhere(path):
    assert status(path) == 403


def test_a_strangers_authorization_counts_as_no_signature():
    assert status("/x", headers={"Authorization": "Bearer x"}) == 403
    assert status(f"/{TOKEN}/x", headers={"Authorization": "Bearer x"}) == 200


def seen(path: str, to=None, **more) -> dict:
    environ = create_environ(path, "http://127.0.0.1:1", **more) | {"REQUEST_URI": path, "RAW_URI": path}
    return json.loads(b"".join(run_wsgi_app(to or gate(), environ)[0]))


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        (f"/{TOKEN}", "/"),
        (f"/{TOKEN}?a=1", "/?a=1"),
        (f"/{TOKEN}/b/k%2Fl%20m?a=1", "/b/k%2Fl%20m?a=1"),
        (f"/{TOKEN}/b/{TOKEN}/k", f"/b/{TOKEN}/k"),
    ],
)
def test_moto_does_not_see_the_sessions_path(path, inside):
    found = seen(path)
    assert (found["REQUEST_URI"], found["RAW_URI"]) == (inside, inside)
    assert TOKEN not in found["PATH_INFO"].replace(f"/b/{TOKEN}", "")


def test_the_sessions_path_written_with_escapes_is_refused():
    assert raw_status(f"/{TOKEN}/x", REQUEST_URI=f"/%66{TOKEN[1:]}/x") == 403


def test_a_form_arrives_whole():
    body = b'--b\r\nContent-Disposition: form-data; name="AWSAccessKeyId"\r\n\r\nAKIAOURS\r\n--b--\r\n'
    found = seen("/bucket", method="POST", data=body, content_type="multipart/form-data; boundary=b")
    assert found["body"] == body.decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "10.0.0.1"]
)
def test_a_name_that_is_not_this_machines_is_refused_even_with_a_known_key(host):
    assert status(f"/{TOKEN}/x", headers={"Host": host, "Authorization": V4.format(KEY)}) == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:80", "b.localhost"]
)
def test_this_machines_names_are_accepted(host):
    assert status(f"/{TOKEN}/x", headers={"Host": host}) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", ""])
def test_another_sites_page_cannot_make_unsigned_requests(origin):
    assert status(f"/{TOKEN}/x", headers={"Origin": origin}) == 403


def test_a_page_of_this_machine_can_and_a_signed_request_comes_from_anywhere():
    assert status(f"/{TOKEN}/x", headers={"Origin": "http://localhost:8888"}) == 200
    assert status("/x", headers={"Origin": "https://a.example", "Authorization": V4.format(KEY)}) == 200


def test_a_route_is_called_by_any_page_under_the_sessions_path_only():
    routed = gate(routes={"_url": echo})
    anywhere = {"Origin": "https://a.example", "Host": "hub.example", "Authorization": "Bearer x"}
    assert status(f"/{TOKEN}/_url/f", routed, anywhere) == 200
    assert status("/_url/f", routed, anywhere) == 403
    assert status(f"/{'0' * len(TOKEN)}/_url/f", routed, anywhere) == 403


def test_a_route_sees_its_place_and_the_rest_of_the_path():
    found = seen(f"/{TOKEN}/_url/f/g", gate(routes={"_url": echo}))
    assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == (f"/{TOKEN}/_url", "/f/g")


def test_a_route_may_come_later():
    routes = {}
    routed = gate(routes=routes)
    routes["_url"] = echo
    assert seen(f"/{TOKEN}/_url", routed)["SCRIPT_NAME"] == f"/{TOKEN}/_url"


@pytest.mark.parametrize(("length", "expected"), [("10", 200), ("11", 413), ("x", 400), ("-1", 400), ("²", 400)])
def test_a_long_body_is_refused_before_it_is_read(length, expected):
    assert raw_status(f"/{TOKEN}/x", gate(max_body_bytes=10), CONTENT_LENGTH=length) == expected


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """moto behind the gate, and this process pointed at it."""
    known = {KEY}
    application = DomainDispatcherApplication(create_backend_app)
    gate = Gate(application, token=TOKEN, is_known=known.__contains__, max_body_bytes=20_000_000)
    quiet = type("Quiet", (MotoRequestHandler,), {"log": lambda *_: None})
    server = make_server("127.0.0.1", 0, gate, threaded=True, request_handler=quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    origin = f"http://127.0.0.1:{server.server_port}"
    empty = tmp_path_factory.mktemp("cloud") / "empty"
    with Isolation(f"{origin}/{TOKEN}", region="eu-central-1", access_key=KEY, secret_key="s", empty_file=empty):
        yield SimpleNamespace(origin=origin, known=known)
    server.shutdown()
    server.server_close()


def fetch(url: str, data: bytes | None = None, method: str = "GET", kind: str = "text/plain") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": kind}, method=method)) as response:
        return response.read()


@pytest.fixture(scope="module")
def s3(cloud):
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return client


@pytest.mark.parametrize("key", ["a", "a/b c+d%2Fé", "x//y", "/lead", f"{TOKEN}/{TOKEN}"])
def test_s3_keeps_every_key_as_it_is(s3, key):
    s3.put_object(Bucket="bucket", Key=key, Body=b"content")
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"content"
    assert key in [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert fetch(s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": key})) == b"content"


def test_s3_takes_a_presigned_upload(s3):
    fetch(s3.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "put"}), b"content", "PUT")
    assert s3.get_object(Bucket="bucket", Key="put")["Body"].read() == b"content"


def test_s3_takes_an_upload_in_parts(s3):
    s3.upload_fileobj(io.BytesIO(bytes(9_000_000)), "bucket", "parts")
    assert s3.head_object(Bucket="bucket", Key="parts")["ContentLength"] == 9_000_000
    assert s3.head_object(Bucket="bucket", Key="parts")["ETag"].endswith('-2"')


def test_s3_takes_a_form_with_a_policy(s3):
    post = s3.generate_presigned_post("bucket", "posted")
    environ = create_environ(post["url"], data=post["fields"] | {"file": (io.BytesIO(b"content"), "f")}, method="POST")
    body, kind = environ["wsgi.input"].read(), environ["CONTENT_TYPE"]
    fetch(post["url"], body, "POST", kind)
    assert s3.get_object(Bucket="bucket", Key="posted")["Body"].read() == b"content"


def test_a_queues_address_works_though_moto_leaves_the_path_out(cloud):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"


def test_credentials_that_sts_issued_are_accepted_once_known(cloud):
    role = "arn:aws:iam::123456789012:role/role"
    issued = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    session = boto3.Session(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        session.client("sts").get_caller_identity()
    cloud.known.add(issued["AccessKeyId"])
    assert "assumed-role" in session.client("sts").get_caller_identity()["Arn"]


def test_unsigned_calls_of_boto3_pass_under_the_sessions_path(cloud):
    pools = boto3.client("cognito-identity")
    pool = pools.create_identity_pool(IdentityPoolName="pool", AllowUnauthenticatedIdentities=True)
    assert pools.get_id(IdentityPoolId=pool["IdentityPoolId"])["IdentityId"]


def test_a_body_of_unknown_length_is_bounded(cloud):
    request = urllib.request.Request(
        f"{cloud.origin}/{TOKEN}/bucket/chunked",
        iter([bytes(5_000_000)] * 5),
        {"Authorization": V4.format(KEY), "Transfer-Encoding": "chunked"},
        method="PUT",
    )
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(request)


# One of each protocol: REST with XML, query, EC2's, JSON, REST with JSON, CBOR.
READ = [
    ("s3", "list_buckets", "InvalidAccessKeyId"),
    ("route53", "list_hosted_zones", "InvalidAccessKeyId"),
    ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ("ec2", "describe_vpcs", "InvalidClientTokenId"),
    ("sqs", "list_queues", "UnrecognizedClientException"),
    ("lambda", "list_functions", "UnrecognizedClientException"),
    ("arc-region-switch", "list_plans", "UnrecognizedClientException"),
]


@pytest.mark.parametrize(("service", "operation", "code"), READ)
def test_boto3_reads_the_refusal(cloud, service, operation, code):
    client = boto3.client(service, aws_access_key_id="AKIAFOREIGN", aws_secret_access_key="s")
    with pytest.raises(ClientError, match="security token included in the request is invalid") as caught:
        getattr(client, operation)()
    assert caught.value.response["Error"]["Code"] == code


def unsigned_operations() -> dict[str, list[str]]:
    """Name the operations of each service that AWS's models leave unsigned."""
    found = {}
    for file in sorted((Path(botocore.__file__).parent / "data").glob("*/*/service-2.json.gz")):
        text = gzip.decompress(file.read_bytes())
        if b'"authtype":"none"' in text or b"smithy.api#noAuth" in text:
            operations = json.loads(text)["operations"]
            found[file.parts[-3]] = [
                name
                for name, operation in operations.items()
                if operation.get("authtype") == "none" or "smithy.api#noAuth" in operation.get("auth", ())
            ]
    return found


def test_every_operation_that_is_unsigned_at_aws_needs_the_sessions_path():
    passed = {}
    requests = []

    def keep(request, **_):
        requests.append(request)
        return AWSResponse(request.url, 200, {}, io.BytesIO(b"{}"))

    operations = unsigned_operations()
    for service, names in operations.items():
        client = boto3.Session(region_name="eu-central-1").client(
            service,
            endpoint_url=f"http://127.0.0.1:4566/{TOKEN}",
            config=Config(parameter_validation=False, signature_version=UNSIGNED),
        )
        client.meta.events.register_first("before-send", keep)
        for name in names:
            with_path = len(requests)
            try:
                client._make_api_call(name, {})
            except Exception:  # the answer is not one
                assert len(requests) > with_path, f"{name} was not sent"
            request = requests[with_path]
            passed[name] = [
                status(
                    request.url.removeprefix("http://127.0.0.1:4566").replace(f"/{TOKEN}", path, 1) or "/",
                    method=request.method,
                    data=request.body,
                    headers={k: v if isinstance(v, str) else v.decode() for k, v in request.headers.items()},
                )
                for path in ("", f"/{TOKEN}")
            ]
    assert {"SignUp", "GetId", "AssumeRoleWithWebIdentity"} <= passed.keys()
    assert set(map(tuple, passed.values())) == {(403, 200)}


def test_the_gate_takes_less_than_a_twentieth_of_a_millisecond():
    application = Gate(lambda environ, start_response: [], token=TOKEN, is_known=lambda key: key == KEY)
    environ = create_environ(f"/{TOKEN}/b/k", "http://127.0.0.1:1", headers={"Authorization": V4.format(KEY)})
    environ["REQUEST_URI"] = environ["RAW_URI"] = f"/{TOKEN}/b/k"
    best_s = min(timed(application, [dict(environ) for _ in range(1000)]) for _ in range(5)) / 1000
    assert best_s < 50e-6


def timed(application, environs) -> float:
    start = time.thread_time()
    for environ in environs:
        application(environ, None)
    return time.thread_time() - start
