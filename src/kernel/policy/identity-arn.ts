/** What IAM names by path and name. */
export interface Named {
  /** `/`, or `/…/`. */
  readonly path: string;
  readonly name: string;
}

/** `arn:aws:iam::<account>:<kind><path><name>`. Source: AWS, "IAM identifiers". */
export function identityArn(
  accountId: string,
  kind: "user" | "group" | "role" | "policy",
  { path, name }: Named,
): string {
  return `arn:aws:iam::${accountId}:${kind}${path}${name}`;
}
