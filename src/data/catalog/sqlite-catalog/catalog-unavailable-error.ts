import type { CatalogProblemKind } from "#kernel/protocol/catalog-problem.ts";

/**
 * Thrown when a catalog is absent, was replaced, cannot be read or is of another form: the bucket is not served. The message is
 * for the log: it names the path.
 */
export class CatalogUnavailableError extends Error {
  override readonly name = "CatalogUnavailableError";
  readonly kind: CatalogProblemKind;

  constructor(message: string, kind: CatalogProblemKind) {
    super(message);
    this.kind = kind;
  }
}
