"""Uses boto3 with its default settings as an application would. Prints a JSON list of [check, problem] as its last line."""

import hashlib
import http.client
import io
import json
import os
import random
import ssl
import sys
import urllib.parse
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import ClientError

checks = []
prefix = sys.argv[1] if len(sys.argv) > 1 else "boto3"
endpoint = os.environ["S3_ENDPOINT"]
s3 = boto3.client("s3", endpoint_url=endpoint)
bucket = prefix + "-objects"


def check(name, seen, wanted=True):
    checks.append([name, "" if seen == wanted else "%r instead of %r" % (short(seen), short(wanted))])


def short(value):
    return value[:200] if isinstance(value, (bytes, str)) else value


def error_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def body_of(size, seed):
    return random.Random(seed).randbytes(size)


def objects():
    s3.create_bucket(Bucket=bucket)
    for size in (0, 1, 100 * 1024, 5 * 1024 * 1024 + 1, 20 * 1024 * 1024):
        body = body_of(size, size)
        put = s3.put_object(Bucket=bucket, Key="size %d" % size, Body=body)
        check("etag of %d bytes" % size, put["ETag"], '"%s"' % hashlib.md5(body).hexdigest())
        check("body of %d bytes" % size, s3.get_object(Bucket=bucket, Key="size %d" % size)["Body"].read() == body)
    s3.put_object(Bucket=bucket, Key="over", Body=b"first", Metadata={"a": "1"})
    s3.put_object(Bucket=bucket, Key="over", Body=b"second", Metadata={"b": "2"}, ContentType="text/x")
    got = s3.get_object(Bucket=bucket, Key="over")
    check("overwrite", [got["Body"].read(), got["Metadata"], got["ContentType"]], [b"second", {"b": "2"}, "text/x"])
    check("range", s3.get_object(Bucket=bucket, Key="over", Range="bytes=1-3")["Body"].read(), b"eco")
    check("missing key", error_of(s3.get_object, Bucket=bucket, Key="missing"), "NoSuchKey")
    check("missing bucket", error_of(s3.list_objects_v2, Bucket=prefix + "-none"), "NoSuchBucket")
    check("if-none-match", error_of(s3.put_object, Bucket=bucket, Key="over", IfNoneMatch="*"), "PreconditionFailed")


def keys_and_pages():
    name = prefix + "-keys"
    s3.create_bucket(Bucket=name)
    keys = ["a", "a/", "a/b", "a//b", "./x", "../x", "a/../b", "plus+sign", "with space", "percent%41", "é", "e\u0301",
            "日本/🚀", "amp&lt<gt>\"'", "tab\there", "line\nfeed", "new\rreturn", "/slash", "k" * 1024]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    for key in keys:
        check("key %r" % key[:20], s3.get_object(Bucket=name, Key=key)["Body"].read(), key.encode())
    ordered = sorted(keys, key=lambda key: key.encode())
    for operation in ("list_objects", "list_objects_v2"):
        for size in (1, 3, 1000):
            pages = s3.get_paginator(operation).paginate(Bucket=name, PaginationConfig={"PageSize": size})
            check("%s by %d" % (operation, size), [item["Key"] for page in pages for item in page.get("Contents", [])], ordered)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=name, PaginationConfig={"PageSize": 2})
    check("versions", [item["Key"] for page in pages for item in page.get("Versions", [])], ordered)
    folded = s3.list_objects_v2(Bucket=name, Prefix="a/", Delimiter="/")
    check("common prefixes", [item["Prefix"] for item in folded["CommonPrefixes"]], ["a/../", "a//"])
    deleted = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys]})
    check("delete_objects", [sorted(item["Key"] for item in deleted["Deleted"]), deleted.get("Errors")], [sorted(keys), None])
    check("empty again", s3.list_objects_v2(Bucket=name)["KeyCount"], 0)


def transfers():
    body = body_of(20 * 1024 * 1024, 7)
    config = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "transfer", Config=config, ExtraArgs={"Metadata": {"kept": "yes"}})
    head = s3.head_object(Bucket=bucket, Key="transfer", ChecksumMode="ENABLED")
    check("multipart etag", head["ETag"].endswith('-4"'))
    check("multipart metadata", head["Metadata"], {"kept": "yes"})
    target = io.BytesIO()
    s3.download_fileobj(bucket, "transfer", target, Config=config)
    check("multipart body", target.getvalue() == body)
    s3.copy({"Bucket": bucket, "Key": "transfer"}, bucket, "transfer copy", Config=config)
    check("managed copy", s3.get_object(Bucket=bucket, Key="transfer copy")["Body"].read() == body)
    check("part", s3.get_object(Bucket=bucket, Key="transfer", PartNumber=2)["Body"].read() == body[5 * 2**20 : 10 * 2**20])


def checksums():
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket=bucket, Key="sum", Body=b"checked", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")
        check("checksum " + algorithm, ["Checksum" + algorithm in got, got["Body"].read()], [True, b"checked"])
    s3.put_object(Bucket=bucket, Key="stream", Body=io.BytesIO(b"from a stream"))
    check("stream", s3.get_object(Bucket=bucket, Key="stream")["Body"].read(), b"from a stream")
    plain = boto3.client("s3", endpoint_url=endpoint, config=Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"))
    plain.put_object(Bucket=bucket, Key="unsummed", Body=b"x" * 70000)
    check("without checksum", plain.get_object(Bucket=bucket, Key="unsummed")["Body"].read(), b"x" * 70000)


def put_url(url, body, context):
    """PUT without headers of its own: a Content-Type that was not signed would break SigV2."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.netloc, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    connection.request("PUT", "%s?%s" % (parts.path, parts.query), body)
    return connection.getresponse().status


def presigned():
    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE")) if endpoint.startswith("https") else None
    for version in (None, "s3v4"):
        client = boto3.client("s3", endpoint_url=endpoint, config=Config(signature_version=version))
        key = "presigned %s" % version
        url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        check("presigned PUT %s" % version, put_url(url, b"by url", context), 200)
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        check("presigned %s" % version, urllib.request.urlopen(url, context=context).read(), b"by url")


def buckets():
    name = prefix + "-region"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    check("location", s3.get_bucket_location(Bucket=name)["LocationConstraint"], "eu-west-1")
    check("head_bucket", s3.head_bucket(Bucket=name)["BucketRegion"], "eu-west-1")
    check("list_buckets", name in [item["Name"] for item in s3.list_buckets()["Buckets"]])
    s3.delete_bucket(Bucket=name)
    check("deleted bucket", error_of(s3.head_bucket, Bucket=name), "404")
    check("bucket that is not empty", error_of(s3.delete_bucket, Bucket=bucket), "BucketNotEmpty")


for scenario in (objects, keys_and_pages, transfers, checksums, presigned, buckets):
    scenario()
print(json.dumps(checks))
