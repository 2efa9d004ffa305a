import { describe, expect, test } from "bun:test";
import { matchOperation } from "./match-operation.ts";
import type { OperationLevel } from "./operation.ts";
import { operations } from "./operation-table.ts";
import { emptyQuery, parseQuery } from "./query-parameters.ts";
import { S3Error } from "./s3-error.ts";

/**
 * Level, query and header that select, then the operation of each method; `-` is no sub-resource. Transcribed from the
 * specification and the API reference, not from the table.
 */
const routeLines = `
/ - GET=ListBuckets
/ max-directory-buckets GET=ListDirectoryBuckets
B - PUT=CreateBucket HEAD=HeadBucket DELETE=DeleteBucket GET=ListObjects POST=PostObject
B -#x-amz-request-route POST=WriteGetObjectResponse
B -&list-type=2 GET=ListObjectsV2
B abac GET=GetBucketAbac PUT=PutBucketAbac
B accelerate GET=GetBucketAccelerateConfiguration PUT=PutBucketAccelerateConfiguration
B acl GET=GetBucketAcl PUT=PutBucketAcl
B analytics GET=ListBucketAnalyticsConfigurations
B analytics&id GET=GetBucketAnalyticsConfiguration PUT=PutBucketAnalyticsConfiguration DELETE=DeleteBucketAnalyticsConfiguration
B cors GET=GetBucketCors PUT=PutBucketCors DELETE=DeleteBucketCors
B delete POST=DeleteObjects
B encryption GET=GetBucketEncryption PUT=PutBucketEncryption DELETE=DeleteBucketEncryption
B events GET=ListenBucketNotification
B intelligent-tiering GET=ListBucketIntelligentTieringConfigurations
B intelligent-tiering&id GET=GetBucketIntelligentTieringConfiguration PUT=PutBucketIntelligentTieringConfiguration DELETE=DeleteBucketIntelligentTieringConfiguration
B inventory GET=ListBucketInventoryConfigurations
B inventory&id GET=GetBucketInventoryConfiguration PUT=PutBucketInventoryConfiguration DELETE=DeleteBucketInventoryConfiguration
B lifecycle GET=GetBucketLifecycleConfiguration PUT=PutBucketLifecycleConfiguration DELETE=DeleteBucketLifecycle
B location GET=GetBucketLocation
B logging GET=GetBucketLogging PUT=PutBucketLogging
B maxiofs-replica PUT=PutReplica
B maxiofs-zip GET=GetBucketZip
B metadataAnnotationTable PUT=UpdateBucketMetadataAnnotationTableConfiguration
B metadataConfiguration POST=CreateBucketMetadataConfiguration GET=GetBucketMetadataConfiguration DELETE=DeleteBucketMetadataConfiguration
B metadataInventoryTable PUT=UpdateBucketMetadataInventoryTableConfiguration
B metadataJournalTable PUT=UpdateBucketMetadataJournalTableConfiguration
B metadataTable POST=CreateBucketMetadataTableConfiguration GET=GetBucketMetadataTableConfiguration DELETE=DeleteBucketMetadataTableConfiguration
B metrics GET=ListBucketMetricsConfigurations
B metrics&id GET=GetBucketMetricsConfiguration PUT=PutBucketMetricsConfiguration DELETE=DeleteBucketMetricsConfiguration
B notification GET=GetBucketNotificationConfiguration PUT=PutBucketNotificationConfiguration
B object-lock GET=GetObjectLockConfiguration PUT=PutObjectLockConfiguration
B ownershipControls GET=GetBucketOwnershipControls PUT=PutBucketOwnershipControls DELETE=DeleteBucketOwnershipControls
B policy GET=GetBucketPolicy PUT=PutBucketPolicy DELETE=DeleteBucketPolicy
B policyStatus GET=GetBucketPolicyStatus
B publicAccessBlock GET=GetPublicAccessBlock PUT=PutPublicAccessBlock DELETE=DeletePublicAccessBlock
B replication GET=GetBucketReplication PUT=PutBucketReplication DELETE=DeleteBucketReplication
B requestPayment GET=GetBucketRequestPayment PUT=PutBucketRequestPayment
B session GET=CreateSession
B tagging GET=GetBucketTagging PUT=PutBucketTagging DELETE=DeleteBucketTagging
B uploads GET=ListMultipartUploads
B versioning GET=GetBucketVersioning PUT=PutBucketVersioning
B versions GET=ListObjectVersions
B website GET=GetBucketWebsite PUT=PutBucketWebsite DELETE=DeleteBucketWebsite
K - PUT=PutObject GET=GetObject HEAD=HeadObject DELETE=DeleteObject
K -#x-amz-copy-source PUT=CopyObject
K acl GET=GetObjectAcl PUT=PutObjectAcl
K annotation GET=ListObjectAnnotations
K annotation&annotationName PUT=PutObjectAnnotation GET=GetObjectAnnotation DELETE=DeleteObjectAnnotation
K attributes GET=GetObjectAttributes
K encryption PUT=UpdateObjectEncryption
K legal-hold GET=GetObjectLegalHold PUT=PutObjectLegalHold
K renameObject PUT=RenameObject
K restore POST=RestoreObject
K retention GET=GetObjectRetention PUT=PutObjectRetention
K select&select-type=2 POST=SelectObjectContent
K tagging GET=GetObjectTagging PUT=PutObjectTagging DELETE=DeleteObjectTagging
K torrent GET=GetObjectTorrent
K uploadId GET=ListParts POST=CompleteMultipartUpload DELETE=AbortMultipartUpload
K uploadId&partNumber PUT=UploadPart
K uploadId&partNumber#x-amz-copy-source PUT=UploadPartCopy
K uploads POST=CreateMultipartUpload
`;

interface Route {
  readonly level: OperationLevel;
  readonly query: string;
  readonly subresource: string;
  readonly header: string;
  readonly byMethod: ReadonlyMap<string, string>;
}

const levels: ReadonlyMap<string, OperationLevel> = new Map([
  ["/", "service"],
  ["B", "bucket"],
  ["K", "key"],
]);
const methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"];
const reads = ["GET", "HEAD"];
const routes = routeLines.trim().split("\n").map(parseRoute);
const subresources = [...new Set(routes.map((route) => route.subresource))].filter((name) => name !== "-");

function parseRoute(line: string): Route {
  const [place = "", selector = "", ...answers] = line.split(" ");
  const [query = "", header = ""] = selector.split("#");
  const byMethod = new Map<string, string>();
  for (const answer of answers) {
    const [method = "", name = ""] = answer.split("=");
    byMethod.set(method, name);
  }
  const subresource = query.split("&")[0] ?? "-";
  return { level: levels.get(place) ?? "service", query, subresource, header, byMethod };
}

function match(method: string, level: OperationLevel, query = ""): string {
  return matchOperation(method, level, { query: parseQuery(query), headers: {} }).name;
}

/** The operation of a route with its selecting header, `extra` added to its query. */
function matchRoute(method: string, route: Route, extra = ""): string {
  const headers = route.header === "" ? {} : { [route.header]: "x" };
  return matchOperation(method, route.level, { query: parseQuery(rawQuery(route) + extra), headers }).name;
}

function refusal(method: string, level: OperationLevel, query = ""): S3Error {
  const found = attempt(method, level, query);
  if (found instanceof S3Error) return found;
  throw new Error(`${method} ${level} ?${query} was not refused but is ${found}`);
}

/** Methods of a (level, sub-resource), whatever else selects. */
function methodsOf(level: OperationLevel, subresource: string): ReadonlySet<string> {
  const found = routes.filter((route) => route.level === level && route.subresource === subresource);
  return new Set(found.flatMap((route) => [...route.byMethod.keys()]));
}

function rawQuery(route: Route): string {
  return route.query.replace(/^-&?/, "");
}

describe("matchOperation", () => {
  test("matchOperation: every route of the specification selects its operation", () => {
    for (const route of routes) {
      for (const [method, name] of route.byMethod) {
        expect(matchRoute(method, route)).toBe(name);
        const bare = { ...route, query: route.query.replace(/^[^&=]+(?=&|$)/, "$&=") };
        expect(matchRoute(method, route.subresource === "-" ? route : bare)).toBe(name);
      }
    }
  });

  test("matchOperation: the routes reach every row of the table", () => {
    const reached = new Set(routes.flatMap((route) => [...route.byMethod.values()]));
    expect(operations.map((spec) => String(spec.name)).filter((name) => !reached.has(name))).toEqual(["Preflight"]);
  });

  test("matchOperation: every (method, level, sub-resource) selects one of its own operations or is refused", () => {
    for (const level of levels.values()) {
      for (const subresource of subresources) {
        for (const method of methods) checkTriple(method, level, subresource);
      }
    }
  });

  test("matchOperation: two sub-resources of a level are InvalidArgument, whatever the method", () => {
    for (const level of levels.values()) {
      const names = subresources.filter((name) => methodsOf(level, name).size > 0);
      for (const first of names) {
        for (const second of names.filter((name) => name !== first)) {
          for (const method of methods) {
            const error = refusal(method, level, `${first}&x-id=Y&${second}=1`);
            expect(error.code).toBe("InvalidArgument");
            expect(error.message).toBe("Conflicting query string parameters");
            expect(error.fields["ArgumentName"]).toBe(second);
          }
        }
      }
    }
  });

  test("matchOperation: a sub-resource of another level never lets a write through", () => {
    for (const level of levels.values()) {
      for (const own of ["", ...subresources.filter((name) => methodsOf(level, name).size > 0)]) {
        for (const foreign of subresources.filter((name) => methodsOf(level, name).size === 0)) {
          for (const method of ["PUT", "POST", "DELETE"]) {
            const error = refusal(method, level, `${own}&${foreign}=1`);
            expect(["NotImplemented", "MethodNotAllowed", "InvalidArgument"]).toContain(error.code);
          }
        }
      }
    }
  });

  test("matchOperation: methods without sub-resource, with Allow where refused", () => {
    expect(match("GET", "service")).toBe("ListBuckets");
    for (const method of ["HEAD", "PUT", "POST", "DELETE", "PATCH"]) {
      expect(refusal(method, "service").headers).toEqual({ Allow: "GET" });
    }
    const error = refusal("POST", "key");
    expect(error.code).toBe("MethodNotAllowed");
    expect(error.fields).toEqual({ Method: "POST", ResourceType: "OBJECT" });
    expect(error.headers).toEqual({ Allow: "DELETE, GET, HEAD, PUT" });
    expect(refusal("PATCH", "bucket").headers).toEqual({ Allow: "DELETE, GET, HEAD, POST, PUT" });
  });

  test("matchOperation: OPTIONS is the preflight of any URL and any query", () => {
    for (const level of levels.values()) {
      expect(match("OPTIONS", level)).toBe("Preflight");
      expect(match("OPTIONS", level, "uploads&acl&versionId=&anything")).toBe("Preflight");
    }
  });

  test("matchOperation: a missing or different required parameter is InvalidArgument with its name", () => {
    const cases: [string, OperationLevel, string, string][] = [
      ["PUT", "key", "uploadId=u", "partNumber"],
      ["POST", "key", "select", "select-type"],
      ["POST", "key", "select&select-type=1", "select-type"],
      ["PUT", "bucket", "inventory", "id"],
      ["DELETE", "bucket", "metrics", "id"],
    ];
    for (const [method, level, query, name] of cases) {
      const error = refusal(method, level, query);
      expect(error.code).toBe("InvalidArgument");
      expect(error.fields["ArgumentName"]).toBe(name);
    }
  });

  test("matchOperation: only headers make a copy, a parameter of that name is none in any spelling", () => {
    for (const name of ["x-amz-copy-source", "X-Amz-Copy-Source", "x%2Damz-copy-source"]) {
      expect(match("PUT", "key", `${name}=b%2Fk`)).toBe("PutObject");
      expect(match("PUT", "key", `partNumber=1&uploadId=u&${name}=b%2Fk`)).toBe("UploadPart");
    }
  });

  test("matchOperation: unknown parameters are 501 on writes, and on reads without value", () => {
    for (const [method, query] of [
      ["PUT", "annotations"],
      ["PUT", "foo=1"],
      ["PUT", "partNumber=1"],
      ["PUT", "versionId=v"],
    ] as const) {
      const error = refusal(method, "key", query);
      expect(error.code).toBe("NotImplemented");
      expect(error.fields["Header"]).toBe(query.split("=")[0] ?? "");
    }
    expect(refusal("DELETE", "key", "foo=1").code).toBe("NotImplemented");
    expect(refusal("POST", "bucket", "delete&foo=1").code).toBe("NotImplemented");
    expect(refusal("GET", "key", "foo").code).toBe("NotImplemented");
    expect(refusal("HEAD", "bucket", "foo=").code).toBe("NotImplemented");
    expect(match("GET", "key", "foo=1")).toBe("GetObject");
    expect(match("HEAD", "key", "foo=1&response-content-type=text%2Fplain")).toBe("HeadObject");
    expect(match("GET", "bucket", "max-uploads=1")).toBe("ListObjects");
  });

  test("matchOperation: DELETE K?tagging&versionId touches only tags", () => {
    expect(match("DELETE", "key", "tagging&versionId=v1")).toBe("DeleteObjectTagging");
    expect(match("DELETE", "key", "versionId=v1")).toBe("DeleteObject");
  });

  test("matchOperation: an empty versionId is InvalidArgument everywhere", () => {
    for (const method of methods) {
      for (const query of ["versionId", "versionId=", "tagging&versionId="]) {
        const error = refusal(method, "key", query);
        expect(error.code).toBe("InvalidArgument");
        expect(error.fields["ArgumentName"]).toBe("versionId");
      }
    }
  });

  test("matchOperation: x-*, SigV4, SigV2 and share parameters go with every operation, valued or not", () => {
    const free = [
      "x-id=PutObject",
      "x-anything",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=s",
      "AWSAccessKeyId=a&Expires=1&Signature=s",
      "maxiofs-share=t",
    ];
    for (const query of free) {
      for (const route of routes) {
        for (const [method, name] of route.byMethod) expect(matchRoute(method, route, `&${query}`)).toBe(name);
      }
    }
  });

  test("matchOperation: queries seen from clients", () => {
    expect(match("GET", "bucket", "list-type=2&delimiter=&prefix=a%2F&max-keys=1&fetch-owner=true&metadata=true")).toBe(
      "ListObjectsV2",
    );
    expect(match("GET", "bucket", "delimiter=&prefix=&encoding-type=url&marker=")).toBe("ListObjects");
    expect(match("GET", "bucket", "location=")).toBe("GetBucketLocation");
    expect(match("POST", "key", "uploads=&x-id=CreateMultipartUpload")).toBe("CreateMultipartUpload");
    expect(match("GET", "bucket", "events=s3:ObjectCreated:*&events=s3:ObjectRemoved:*&prefix=&suffix=&ping=10")).toBe(
      "ListenBucketNotification",
    );
    expect(match("GET", "key", "partNumber=2&versionId=null")).toBe("GetObject");
  });

  test("matchOperation: an empty query and the shared one are the same", () => {
    expect(parseQuery("")).toBe(emptyQuery);
    expect(match("PUT", "key")).toBe(match("PUT", "key", "&"));
  });
});

function checkTriple(method: string, level: OperationLevel, subresource: string): void {
  const own = methodsOf(level, subresource);
  if (own.has(method)) {
    const names = routes
      .filter((route) => route.level === level && route.subresource === subresource)
      .map((route) => route.byMethod.get(method));
    const found = attempt(method, level, subresource);
    if (found instanceof S3Error) expect(found.code).toBe("InvalidArgument");
    else expect(names).toContain(found);
    return;
  }
  const error = refusal(method, level, subresource);
  if (own.size > 0) {
    expect(error.code).toBe("MethodNotAllowed");
    expect(error.headers["Allow"]).toBe([...own].sort().join(", "));
    expect(error.fields["Method"]).toBe(method);
    expect(error.fields["ResourceType"]).toMatch(/^[A-Z_]+$/);
    return;
  }
  expect(error.code).toBe(methodsOf(level, "-").has(method) ? "NotImplemented" : "MethodNotAllowed");
  if (reads.includes(method) && methodsOf(level, "-").has(method)) {
    expect(match(method, level, `${subresource}=1`)).toBeString();
  }
}

function attempt(method: string, level: OperationLevel, query: string): string | S3Error {
  try {
    return match(method, level, query);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}
