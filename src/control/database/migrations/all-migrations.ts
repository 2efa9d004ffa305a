import type { Migration } from "../migration.ts";
import { identityMigration } from "./0001-identity.ts";

/** Every step of control.db's schema, in order. */
export const allMigrations: readonly Migration[] = [identityMigration];
