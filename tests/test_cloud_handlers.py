"""The labs' handlers, and handlers of the shapes that are found all over the web, work unchanged."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from PIL import Image

from helpers.cloud.package import zip_function
from helpers.cloud.samples import HANDLERS, eicar, handler_folder, pictures
from helpers.webhooks import sign_github, sign_stripe, sign_twilio

SECRET = "whsec_of_this_test"


def deploy(workshop: Any, lab: str, **variables: str) -> str:
    return workshop.make(
        "",
        Code={"ZipFile": zip_function(handler_folder(lab))},
        Environment={"Variables": variables},
        MemorySize=512,
        Timeout=30,
    )


def make_bucket(workshop: Any) -> str:
    name = workshop.name("bucket")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def make_table(workshop: Any) -> str:
    name = workshop.name("table")
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def notify(workshop: Any, bucket: str, name: str, **rules: str) -> None:
    workshop.permit(name, "s3.amazonaws.com")
    arn = workshop.client.get_function_configuration(FunctionName=name)["FunctionArn"]
    one = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    if rules:
        one["Filter"] = {"Key": {"FilterRules": [{"Name": key, "Value": value} for key, value in rules.items()]}}
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [one]}
    )


def read(bucket: str, key: str) -> bytes:
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def keys(bucket: str) -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_the_thumbnails_stand_upright_and_the_exif_data_is_written_down(cloud: Any, workshop: Any) -> None:
    bucket = make_bucket(workshop)
    notify(workshop, bucket, deploy(workshop, "thumbnails"), prefix="uploads/", suffix=".jpg")
    for name, data in pictures().items():
        boto3.client("s3").put_object(Bucket=bucket, Key=f"uploads/my {name}", Body=data)
    cloud.settle()
    for name, orientation in (("morning", 1), ("noon", 6), ("evening", 8)):
        thumbnail = Image.open(io.BytesIO(read(bucket, f"thumbnails/my {name}.jpg")))
        assert thumbnail.size == (160, 105)
        red, green, blue = thumbnail.getpixel((80, 100))
        assert green > red  # the grass is at the bottom
        assert green > blue
        assert not thumbnail.getexif()
        about = json.loads(read(bucket, f"thumbnails/my {name}.json"))
        assert about["source"] == f"s3://{bucket}/uploads/my {name}.jpg"
        assert (about["orientation"], about["camera"], about["has_place"]) == (orientation, "Pillow Drawn 1", True)
        assert about["taken"].startswith("2026:06:21 ")
    assert len(cloud.problems()) == 0


@pytest.mark.thorough
def test_a_thumbnail_maker_without_a_filter_runs_into_its_own_output_and_is_stopped(cloud: Any, workshop: Any) -> None:
    bucket, name = make_bucket(workshop), deploy(workshop, "thumbnails", OUTPUT_PREFIX="")
    workshop.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    notify(workshop, bucket, name, suffix=".jpg")
    boto3.client("s3").put_object(Bucket=bucket, Key="uploads/noon.jpg", Body=pictures()["noon.jpg"])
    cloud.settle()
    assert (cloud.invocations().function == name).sum() == 16
    assert "recursive loop" in cloud.problems().cause.iloc[-1]


def test_the_malware_check_tags_what_is_clean_and_moves_what_is_not(cloud: Any, workshop: Any) -> None:
    bucket, quarantine = make_bucket(workshop), make_bucket(workshop)
    notify(workshop, bucket, deploy(workshop, "malware_check", QUARANTINE_BUCKET=quarantine))
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="good.txt", Body=b"good morning")
    s3.put_object(Bucket=bucket, Key="bad file.bin", Body=b"\0" * (1024 * 1024 - 30) + eicar())  # across two chunks
    cloud.settle()
    assert (keys(bucket), keys(quarantine)) == (["good.txt"], ["bad file.bin"])
    tags = s3.get_object_tagging(Bucket=bucket, Key="good.txt")["TagSet"]
    assert tags == [{"Key": "MalwareScanStatus", "Value": "NO_THREATS_FOUND"}]
    tags = s3.get_object_tagging(Bucket=quarantine, Key="bad file.bin")["TagSet"]
    assert tags == [{"Key": "MalwareScanStatus", "Value": "THREATS_FOUND"}]


def test_no_file_of_ours_holds_the_test_signature_in_one_piece() -> None:
    ours = [*HANDLERS.rglob("*.py"), *HANDLERS.parents[1].joinpath("helpers").rglob("*.py")]
    assert len(eicar()) == 68
    assert not [path for path in ours if b"EICAR-STANDARD" in path.read_bytes()]


def test_a_duplicate_counts_once_and_a_second_upload_counts(cloud: Any, workshop: Any) -> None:
    bucket, counts, done = make_bucket(workshop), make_table(workshop), make_table(workshop)
    name = deploy(workshop, "idempotent_counter", COUNTS=counts, TABLE=done)
    notify(workshop, bucket, name)
    table = boto3.resource("dynamodb").Table(counts)

    def uploads() -> int:
        cloud.settle()
        return int(table.get_item(Key={"id": "cat.jpg"})["Item"]["uploads"])

    boto3.client("s3").put_object(Bucket=bucket, Key="cat.jpg", Body=b"1")
    assert uploads() == 1
    first = cloud.invocations().query("function == @name").request_id.iloc[0]
    cloud.redeliver(first)
    assert uploads() == 1
    boto3.client("s3").put_object(Bucket=bucket, Key="cat.jpg", Body=b"2")
    assert uploads() == 2


# Webhooks.


def call(
    workshop: Any, name: str, body: str, headers: dict[str, str], *, encoded: bool = False, query: str = ""
) -> Any:
    """Invoke as a function URL does."""
    event = {
        "version": "2.0",
        "rawPath": "/hook",
        "rawQueryString": query,
        "headers": {key.lower(): value for key, value in headers.items()},
        "requestContext": {"domainName": "example.lambda-url.us-east-1.on.aws", "http": {"method": "POST"}},
        "body": base64.b64encode(body.encode()).decode() if encoded else body,
        "isBase64Encoded": encoded,
    }
    answer = workshop.call(name, event)
    return answer["statusCode"], answer["body"]


@pytest.fixture(scope="module")
def receiver(workshop: Any) -> Any:
    """Return what makes a webhook's receiver: its name, and what reads its queue."""

    def make(lab: str, **variables: str) -> tuple[str, Any]:
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName=workshop.name("queue"))["QueueUrl"]
        name = deploy(workshop, lab, QUEUE_URL=url, TABLE=make_table(workshop), **variables)

        def messages() -> list[Any]:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            return [json.loads(one["Body"]) for one in found]

        return name, messages

    return make


def test_stripe_s_call_is_handed_over_once_and_forged_stale_and_unsigned_ones_are_not(
    workshop: Any, receiver: Any
) -> None:
    name, messages = receiver("stripe_webhook", STRIPE_SECRET=SECRET)
    now, body = int(time.time()), '{"id": "evt_1", "type": "payment_intent.succeeded"}'
    signed = sign_stripe(body, SECRET, now)
    forged = sign_stripe(body, "whsec_of_somebody", now)
    both = {"Stripe-Signature": f"{forged['Stripe-Signature']},{signed['Stripe-Signature'].split(',')[1]}"}

    def said(text: str, headers: dict[str, str], **how: Any) -> Any:
        status, answer = call(workshop, name, text, headers, **how)
        return status, json.loads(answer)

    assert said(body, signed) == (200, {"received": True, "duplicate": False})
    assert said(body, signed) == (200, {"received": True, "duplicate": True})
    assert said(body, signed, encoded=True) == (200, {"received": True, "duplicate": True})
    assert said(body, both) == (200, {"received": True, "duplicate": True})  # while the secret is changed
    assert said(body, forged) == (400, {"error": "wrong signature"})
    assert said(body.replace("evt_1", "evt_2"), signed) == (400, {"error": "wrong signature"})
    assert said(body, sign_stripe(body, SECRET, now - 301)) == (400, {"error": "too old"})
    assert said(body, {}) == (400, {"error": "no signature"})
    assert said(body, {"Stripe-Signature": "t=é,v1=ü"}) == (400, {"error": "no signature"})
    assert messages() == [json.loads(body)]


def test_github_s_call_is_handed_over_once_even_under_another_delivery_id(workshop: Any, receiver: Any) -> None:
    name, messages = receiver("github_webhook", GITHUB_SECRET=SECRET)
    body = '{"ref": "refs/heads/main"}'
    status, answer = call(workshop, name, body, sign_github(body, SECRET, delivery="one"))
    assert (status, json.loads(answer)) == (202, {"received": True, "duplicate": False})
    status, answer = call(workshop, name, body, sign_github(body, SECRET, delivery="two"))
    assert (status, json.loads(answer)) == (202, {"received": True, "duplicate": True})
    assert call(workshop, name, body, sign_github(body, "guessed"))[0] == 401
    assert call(workshop, name, body, {})[0] == 401
    assert call(workshop, name, "{}", sign_github("{}", SECRET, event="ping"))[0] == 200
    assert messages() == [{"event": "push", "payload": {"ref": "refs/heads/main"}}]


def test_twilio_s_message_is_handed_over_once_and_answered_in_twiml(workshop: Any, receiver: Any) -> None:
    name, messages = receiver("twilio_webhook", TWILIO_TOKEN=SECRET)
    form = {"MessageSid": "SM1", "From": "+15550100", "Body": "hello & goodbye", "Empty": ""}
    url = "https://example.lambda-url.us-east-1.on.aws/hook?shop=1"
    signed = sign_twilio(url, form, SECRET)
    for _ in range(2):
        assert call(workshop, name, urlencode(form), signed, query="shop=1") == (200, "<Response/>")
    assert call(workshop, name, urlencode(form), signed, query="shop=2")[0] == 403
    assert call(workshop, name, urlencode({**form, "Body": "send money"}), signed, query="shop=1")[0] == 403
    assert call(workshop, name, urlencode(form), {}, query="shop=1")[0] == 403
    assert messages() == [form]


def test_the_worker_does_a_batch_and_gives_back_the_message_that_it_could_not_read(workshop: Any) -> None:
    table = make_table(workshop)
    name = deploy(workshop, "webhook_worker", TABLE=table)
    bodies = {"one": '{"id": "evt_1", "type": "paid"}', "two": "not json"}
    records = [{"messageId": key, "body": body, "eventSource": "aws:sqs"} for key, body in bodies.items()]
    assert workshop.call(name, {"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "two"}]}
    assert boto3.resource("dynamodb").Table(table).get_item(Key={"id": "evt_1"})["Item"]["type"] == "paid"


# Shapes of handlers that are found all over the web.


SHAPES = {
    "downloads to /tmp and uploads the resized file": """
        import os, sys, uuid
        from urllib.parse import unquote_plus
        import boto3
        import PIL.Image
        from PIL import Image

        s3_client = boto3.client('s3')

        def resize_image(image_path, resized_path):
            with Image.open(image_path) as image:
                image.thumbnail(tuple(x / 2 for x in image.size))
                image.save(resized_path)

        def handler(event, context):
            for record in event['Records']:
                bucket = record['s3']['bucket']['name']
                key = unquote_plus(record['s3']['object']['key'])
                tmpkey = key.replace('/', '')
                download_path = '/tmp/{}{}'.format(uuid.uuid4(), tmpkey)
                upload_path = '/tmp/resized-{}'.format(tmpkey)
                s3_client.download_file(bucket, key, download_path)
                resize_image(download_path, upload_path)
                s3_client.upload_file(upload_path, '{}-resized'.format(bucket), 'resized-{}'.format(key))
    """,
    "uses resources and buffers": """
        import boto3, io, logging, urllib.parse
        from PIL import Image

        logger = logging.getLogger()
        logger.setLevel(logging.INFO)
        s3 = boto3.resource('s3')

        def handler(event, context):
            logger.info("event: %s", event)
            record = event['Records'][0]
            bucket = record['s3']['bucket']['name']
            key = urllib.parse.unquote_plus(record['s3']['object']['key'], encoding='utf-8')
            obj = s3.Object(bucket_name=bucket, key=key)
            response = obj.get()
            image = Image.open(io.BytesIO(response['Body'].read()))
            image = image.resize((image.width // 2, image.height // 2), Image.LANCZOS)
            buffer = io.BytesIO()
            image.save(buffer, 'JPEG')
            buffer.seek(0)
            s3.Bucket(bucket + '-resized').put_object(Key='resized-' + key, Body=buffer, ContentType='image/jpeg')
            logger.info("CONTENT TYPE: %s", response['ContentType'])
            return response['ContentType']
    """,
    "downloads file objects and reads head and tags": """
        import json, os, tempfile, urllib
        import urllib.parse
        import boto3
        from aws_lambda_powertools.utilities.data_classes import S3Event, event_source
        from PIL import Image

        region = os.environ['AWS_REGION']
        session = boto3.session.Session(region_name=region)
        s3 = session.client('s3')

        @event_source(data_class=S3Event)
        def handler(event, context):
            for record in event.records:
                bucket, key = event.bucket_name, urllib.parse.unquote_plus(record.s3.get_object.key)
                assert s3.head_object(Bucket=bucket, Key=key)['ContentLength'] == record.s3.get_object.size
                with tempfile.TemporaryFile() as data, tempfile.NamedTemporaryFile(suffix='.jpg') as out:
                    s3.download_fileobj(bucket, key, data)
                    data.seek(0)
                    image = Image.open(data)
                    image.reduce(2).save(out, 'JPEG')
                    out.seek(0)
                    s3.upload_fileobj(out, f'{bucket}-resized', f'resized-{key}', ExtraArgs={'ACL': 'private'})
            return {'statusCode': 200, 'body': json.dumps('Done')}
    """,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_public_sample_s_shape_works_unchanged(cloud: Any, workshop: Any, shape: str) -> None:
    bucket = make_bucket(workshop)
    boto3.client("s3").create_bucket(Bucket=f"{bucket}-resized")
    name = workshop.make(SHAPES[shape], Timeout=30, MemorySize=256)
    notify(workshop, bucket, name)
    key = f"in/guten morgen {bucket}.jpg"
    boto3.client("s3").upload_fileobj(io.BytesIO(pictures()["morning.jpg"]), bucket, key)
    cloud.settle()
    for left in Path("/tmp").glob(f"*guten morgen {bucket}.jpg"):  # as samples do: /tmp here is the machine's
        left.unlink()
    assert list(cloud.invocations().query("function == @name").status) == ["success"], workshop.logs(name)
    assert Image.open(io.BytesIO(read(f"{bucket}-resized", f"resized-{key}"))).size == (320, 210)
