import type { AllowsCaller } from "./token-narrowing.ts";

const ownThings = /^arn:aws:iam::\d{12}:(user|mfa)\//;

/** Interim, until policies are attached to users: administrators may do everything, everybody else what is about his own log-in. */
export const allowAdministrators: AllowsCaller = ({ global }, _action, resourceArn) =>
  global || ownThings.test(resourceArn);
