/** Ids of access keys: AWS's have 20 characters, imported ones 3 to 128. */
export const accessKeyIdPattern = /^[A-Za-z0-9._-]{3,128}$/;

/** What ids of sessions, users, roles, groups and policies begin with: no imported key looks like one. */
export const reservedIdPattern = /^A(?:SIA|IDA|ROA|GPA|NPA)/;

/** Secrets of access keys: AWS's have 40 characters, imported ones 16 to 128 of printable ASCII. */
export const secretKeyPattern = /^[\x21-\x7e]{16,128}$/;
