"""Makes a thumbnail of each picture that comes into a bucket, and writes down what its EXIF data says."""

import io
import json
import os
from pathlib import PurePosixPath
from urllib.parse import unquote_plus

import boto3
from PIL import ExifTags, Image, ImageOps

SIDE = int(os.environ.get("SIDE_PIXELS", "160"))
PREFIX = os.environ.get("OUTPUT_PREFIX", "thumbnails/")

s3 = boto3.client("s3")


def handler(event, context):
    return [process(record["s3"]) for record in event["Records"]]


def process(about):
    bucket = about["bucket"]["name"]
    key = unquote_plus(about["object"]["key"])  # keys arrive URL-encoded
    target_bucket = os.environ.get("OUTPUT_BUCKET") or bucket
    target = f"{PREFIX}{PurePosixPath(key).stem}"

    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with Image.open(io.BytesIO(body)) as image:
        metadata = {"source": f"s3://{bucket}/{key}", "width": image.width, "height": image.height, **exif(image)}
        upright = ImageOps.exif_transpose(image)  # cameras note how they were held, and leave the pixels as they are
        upright.thumbnail((SIDE, SIDE))
        thumbnail = io.BytesIO()
        upright.convert("RGB").save(thumbnail, "JPEG", quality=85)  # without EXIF: no place leaves with the picture

    s3.put_object(Bucket=target_bucket, Key=f"{target}.jpg", Body=thumbnail.getvalue(), ContentType="image/jpeg")
    s3.put_object(Bucket=target_bucket, Key=f"{target}.json", Body=json.dumps(metadata), ContentType="application/json")
    print(json.dumps(metadata))
    return f"{target}.jpg"


def exif(image):
    found = image.getexif()
    details = found.get_ifd(ExifTags.IFD.Exif)
    return {
        "format": image.format,
        "camera": " ".join(str(found[tag]) for tag in (ExifTags.Base.Make, ExifTags.Base.Model) if tag in found),
        "taken": details.get(ExifTags.Base.DateTimeOriginal),
        "orientation": found.get(ExifTags.Base.Orientation, 1),
        "has_place": bool(found.get_ifd(ExifTags.IFD.GPSInfo)),
    }
