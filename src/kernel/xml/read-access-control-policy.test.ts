import { expect, test } from "bun:test";
import fc from "fast-check";
import { S3Error } from "../s3/s3-error.ts";
import { maxGrants, readAccessControlPolicy } from "./read-access-control-policy.ts";

const encoder = new TextEncoder();
const read = (text: string) => readAccessControlPolicy(encoder.encode(text));
const grant = (grantee: string, permission = "FULL_CONTROL") =>
  `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${grantee}</Grantee><Permission>${permission}</Permission></Grant>`;
const policy = (grants: string, owner = "<Owner><ID>me</ID><DisplayName>Me</DisplayName></Owner>") =>
  `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${owner}<AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;

test("readAccessControlPolicy: owner and grants of each kind, with and without namespace", () => {
  const text = policy(
    grant("<ID>me</ID><DisplayName>Me</DisplayName>") +
      grant("<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>", "READ") +
      grant("<EmailAddress>a@b</EmailAddress>", "WRITE_ACP"),
  );
  const expected = {
    ownerId: "me",
    grants: [
      { grantee: { kind: "id", id: "me" }, permission: "FULL_CONTROL" },
      { grantee: { kind: "group", uri: "http://acs.amazonaws.com/groups/global/AllUsers" }, permission: "READ" },
      { grantee: { kind: "email", emailAddress: "a@b" }, permission: "WRITE_ACP" },
    ],
  } as const;
  expect(read(text)).toEqual(expected);
  expect(read(text.replace(/ xmlns="[^"]*"/, ""))).toEqual(expected);
});

test("readAccessControlPolicy: no grants and no owner can be said too", () => {
  expect(read(policy("", ""))).toEqual({ ownerId: undefined, grants: [] });
  expect(read(policy("", "<Owner/>")).ownerId).toBeUndefined();
});

test("readAccessControlPolicy: what the schema does not know is MalformedACLError", () => {
  const documents = [
    policy(grant("<ID>a</ID>", "EVERYTHING")),
    policy(grant("")),
    policy(grant("<ID>a</ID><URI>b</URI>")),
    policy("<Grant><Permission>READ</Permission></Grant>"),
    policy("<Deny/>"),
    policy("", "<Owner><Name>x</Name></Owner>"),
    "<AccessControlPolicy><Owner><ID>a</ID></Owner></AccessControlPolicy>",
    policy(grant("<ID>a</ID>").repeat(maxGrants + 1)),
  ];
  for (const document of documents)
    expect(() => read(document)).toThrow(expect.objectContaining({ code: "MalformedACLError" }));
  expect(read(policy(grant("<ID>a</ID>").repeat(maxGrants))).grants.length).toBe(maxGrants);
});

test("readAccessControlPolicy: any text is read or refused with an S3Error", () => {
  const piece = fc.constantFrom(
    "<AccessControlPolicy>",
    "</AccessControlPolicy>",
    "<Owner>",
    "</Owner>",
    "<AccessControlList>",
    "</AccessControlList>",
    "<Grant>",
    "</Grant>",
    "<ID>a</ID>",
    "x",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        expect(read(pieces.join("")).grants).toBeArray();
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
      }
    }),
  );
});
