import { expect, test } from "bun:test";
import { maxOpenCatalogs, openCatalogShare } from "./open-catalogs.ts";

test.each([
  [524_288, 2, maxOpenCatalogs],
  [14_336, 2, maxOpenCatalogs],
  [14_335, 2, maxOpenCatalogs - 1],
  [1_024, 2, 18],
  [1_024, 16, 4],
  [64, 1, 4],
])("openCatalogShare: of %p files and %p workers each thread keeps %p catalogs", (files, workers, count) => {
  expect(openCatalogShare(files, workers)).toBe(count);
});
