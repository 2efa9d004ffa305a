import { afterAll, expect, test } from "bun:test";
import { startPoolServer } from "#testing/pool-server.ts";
import { presignUrl, type RequestToSign, signRequest } from "#testing/s3-signer.ts";
import { maxFormBytes } from "./read-form.ts";

const server = await startPoolServer({ buckets: { bucket: "never" }, settings: { "server.s3_domains": ["s3.test"] } });
afterAll(() => server.remove());
const { port, credentials } = server.s3;
const base = `http://127.0.0.1:${port}`;
const formType = "application/x-www-form-urlencoded; charset=utf-8";
const whoAmI = "Action=GetCallerIdentity&Version=2011-06-15";

/** A form with its padding, of exactly so many bytes. */
function formOf(bytes: number): string {
  return `${whoAmI}&Pad=`.padEnd(bytes, "x");
}

function sign(body: string, change: Partial<RequestToSign> = {}): Record<string, string> {
  const request = {
    method: "POST",
    url: `${base}/`,
    region: "us-east-1",
    date: new Date(),
    service: "sts",
    ...credentials,
  };
  return signRequest({ ...request, headers: { "content-type": formType }, body: Buffer.from(body), ...change });
}

async function send(body: string, headers = sign(body), url = `${base}/`) {
  const response = await fetch(url, { method: "POST", headers, body });
  const text = await response.text();
  const code = /<Code>(.*?)<\/Code>/.exec(text)?.[1] ?? "";
  return { status: response.status, type: response.headers.get("content-type"), text, code };
}

test("answerSts: GetCallerIdentity is answered by the worker, in the namespace of STS", async () => {
  const { status, type, text } = await send(whoAmI);
  expect([status, type]).toEqual([200, "text/xml"]);
  expect(text).toMatch(
    /^<\?xml .*\?>\n<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user\/user<\/Arn><UserId>AIDAAKIAADMINISTRATOR000<\/UserId><Account>123456789012<\/Account><\/GetCallerIdentityResult><ResponseMetadata><RequestId>[0-9A-Z]+<\/RequestId><\/ResponseMetadata><\/GetCallerIdentityResponse>$/,
  );
});

test("answerSts: the host label sts is the service, not a bucket", async () => {
  const url = "http://sts.s3.test/";
  const { host: _, ...headers } = sign(whoAmI, { url });
  expect((await send(whoAmI, { ...headers, host: "sts.s3.test" })).status).toBe(200);
});

test("answerSts: a form has so many bytes and no more", async () => {
  expect((await send(formOf(maxFormBytes))).status).toBe(200);
  const { status, code, text } = await send(formOf(maxFormBytes + 1));
  expect([status, code]).toEqual([413, "RequestEntityTooLarge"]);
  expect(text).toContain('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>');
});

test("answerSts: the signature is of STS, by header, over the whole form", async () => {
  const codes = async (...answers: ReturnType<typeof send>[]) => (await Promise.all(answers)).map(({ code }) => code);
  const unsigned = { "content-type": formType };
  expect(
    await codes(
      send(whoAmI, unsigned),
      send(whoAmI, sign(whoAmI, { service: "s3" })),
      send(whoAmI, sign(whoAmI, { body: "unsigned" })),
      send(`${whoAmI}&a=b`, sign(whoAmI)),
      send(whoAmI, sign(whoAmI, { secretKey: "wrong" })),
      send(whoAmI, sign(whoAmI, { accessKeyId: "AKIANOBODY" })),
      send(whoAmI, sign(whoAmI, { date: new Date(Date.now() - 3_600_000) })),
      send(whoAmI, sign(whoAmI, { headers: { "content-type": formType, "x-amz-security-token": "MX1.AAAA" } })),
    ),
  ).toEqual([
    ...["MissingAuthenticationToken", "IncompleteSignature", "SignatureDoesNotMatch", "SignatureDoesNotMatch"],
    ...["SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidClientTokenId"],
  ]);
  const identity = { ...credentials, region: "us-east-1", date: new Date(), service: "sts" };
  const url = presignUrl({ ...identity, method: "POST", url: `${base}/`, expiresSeconds: 60 });
  expect((await send(whoAmI, unsigned, url)).code).toBe("IncompleteSignature");
});

test("answerSts: a credential for STS is none for S3", async () => {
  const { "content-type": _, ...headers } = sign("", { method: "GET", url: `${base}/bucket`, headers: {} });
  expect((await (await fetch(`${base}/bucket`, { headers })).text()).includes("AuthorizationHeaderMalformed")).toBe(
    true,
  );
});

test("answerSts: actions and versions that are not there, forms that cannot be read", async () => {
  const codes: string[] = [];
  for (const form of [
    "Action=GetFederationToken&Version=2011-06-15",
    "Action=getCallerIdentity&Version=2011-06-15",
    "Action=GetCallerIdentity",
    "Action=ListUsers&Version=2010-05-08",
    "Version=2011-06-15",
    "",
    `${whoAmI}&Version=2011-06-15`,
    `${whoAmI}&a=%`,
    "Action=AssumeRole&Version=2011-06-15&RoleArn=x",
    "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=1",
  ]) {
    codes.push((await send(form)).code);
  }
  expect(codes).toEqual([
    ...["InvalidAction", "InvalidAction", "InvalidAction", "InvalidAction", "MissingAction", "MissingAction"],
    ...["ValidationError", "ValidationError", "ValidationError", "ValidationError"],
  ]);
});

test("answerSts: other POSTs stay what they were", async () => {
  const ask = async (path: string, type: string) => {
    const response = await fetch(`${base}${path}`, { method: "POST", headers: { "content-type": type }, body: whoAmI });
    return [response.status, /<Error><Code>(.*?)</.exec(await response.text())?.[1]];
  };
  expect(await ask("/", "text/plain")).toEqual([405, "MethodNotAllowed"]);
  expect(await ask("/", "multipart/form-data; boundary=x")).toEqual([405, "MethodNotAllowed"]);
  const [status, code] = await ask("/bucket", formType);
  expect([status, code]).not.toEqual([200, undefined]);
  expect(code).toBe((await ask("/bucket", "multipart/form-data; boundary=x"))[1]);
});
