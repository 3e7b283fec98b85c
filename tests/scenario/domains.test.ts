import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";

import type { DomainCatalog } from "../../engine/core/domain.ts";
import { catalogOf } from "../../engine/definition/catalog.ts";
import { loadDomains } from "../../engine/participant/load-domains.ts";
import { failureText, runScenarioFile } from "../../engine/scenario/scenario-file.ts";
import { root } from "../architecture/project-files.ts";

const files = [...new Bun.Glob("{domains,examples,tests}/**/*.test.yaml").scanSync({ cwd: root })].sort();
const catalogs = new Map<string, DomainCatalog>();

for (const file of files) {
  const folder = join(root, dirname(file));
  const catalog = catalogs.get(folder) ?? catalogOf((await loadDomains(folder)).map(({ domain }) => domain));
  catalogs.set(folder, catalog);
  const { faults, results } = runScenarioFile(join(root, file), catalog);
  describe(file, () => {
    test("has no errors", () => {
      expect(faults).toEqual([]);
    });
    for (const result of results) {
      test(result.name, () => {
        if (result.mismatches.length > 0) throw new Error(failureText(file, result));
      });
    }
  });
}

test("the scenarios of the onboarding saga are among them", () => {
  expect(files).toContain("domains/onboarding.test.yaml");
});
