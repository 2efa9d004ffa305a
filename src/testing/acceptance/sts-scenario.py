"""Temporary credentials through boto3: python3 sts-scenario.py ROLE_ARN, with S3_ENDPOINT and the usual variables.
The last line of the output is JSON: a list of [name of the check, "" or what was seen]."""

import json
import os
import sys
import urllib.request

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["S3_ENDPOINT"]
ROLE = sys.argv[1]
BUCKET = "sts-a"
checks = []


def check(name, seen, wanted=True):
    checks.append([name, "" if seen == wanted else repr(seen)])


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def clients(credentials):
    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return (
        boto3.client("s3", endpoint_url=ENDPOINT, config=config, **keys),
        boto3.client("sts", endpoint_url=ENDPOINT, **keys),
    )


sts = boto3.client("sts", endpoint_url=ENDPOINT)
own = sts.get_session_token(DurationSeconds=900)["Credentials"]
s3, own_sts = clients(own)
s3.put_object(Bucket=BUCKET, Key="own", Body=b"x" * 300_000)
check("a user's session writes and reads", s3.get_object(Bucket=BUCKET, Key="own")["Body"].read(), b"x" * 300_000)

assumed = own_sts.assume_role(RoleArn=ROLE, RoleSessionName="boto", ExternalId="invoice-7", DurationSeconds=1200)
role_s3, role_sts = clients(assumed["Credentials"])
role_s3.put_object(Bucket=BUCKET, Key="role", Body=b"by the role")
check("a role's session writes and reads", role_s3.get_object(Bucket=BUCKET, Key="role")["Body"].read(), b"by the role")
left = (assumed["Credentials"]["Expiration"] - assumed["Credentials"]["Expiration"].now(tz=assumed["Credentials"]["Expiration"].tzinfo)).total_seconds()
check("its end is the one asked for", 1000 < left <= 1200)
check("it is who it says", role_sts.get_caller_identity()["Arn"], assumed["AssumedRoleUser"]["Arn"])

url = role_s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "role"})
check("a presigned URL reads", urllib.request.urlopen(url).read(), b"by the role")
upload = role_s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "url"})
request = urllib.request.Request(upload, data=b"by url", method="PUT")
check("a presigned URL writes", urllib.request.urlopen(request).status, 200)
check("it is there", role_s3.get_object(Bucket=BUCKET, Key="url")["Body"].read(), b"by url")

part = role_s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
etag = role_s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=part, PartNumber=1, Body=b"p" * 1000)["ETag"]
done = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
role_s3.complete_multipart_upload(Bucket=BUCKET, Key="parts", UploadId=part, MultipartUpload=done)
check("an upload in parts", role_s3.head_object(Bucket=BUCKET, Key="parts")["ContentLength"], 1000)

mixed = dict(assumed["Credentials"], SessionToken=own["SessionToken"])
check("the token of another session", code_of(lambda: clients(mixed)[0].list_buckets()), "InvalidToken")
check("no right beyond the role's", code_of(lambda: role_s3.create_bucket(Bucket="sts-c")), "AccessDenied")
wrong = {"RoleArn": ROLE + "x", "RoleSessionName": "boto"}
check("a role that does not exist", code_of(lambda: sts.assume_role(**wrong)), "AccessDenied")
print(json.dumps(checks))
