import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { catalogOf } from "../../engine/definition/catalog.ts";
import { loadDomains } from "../../engine/participant/load-domains.ts";
import { failureText, runScenarioFile, scenarioFiles } from "../../engine/scenario/scenario-file.ts";
import { root } from "../architecture/project-files.ts";

const folder = join(root, "domains");
const catalog = catalogOf((await loadDomains(folder)).map(({ domain }) => domain));

for (const path of scenarioFiles(folder)) {
  const { file, faults, results } = runScenarioFile(path, catalog);
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

test("the onboarding saga has its scenarios", () => {
  expect(scenarioFiles(folder).map((path) => path.slice(folder.length + 1))).toContain("onboarding.test.yaml");
});
