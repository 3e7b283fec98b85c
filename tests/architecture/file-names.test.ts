import { expect, test } from "bun:test";

import { projectFiles } from "./project-files.ts";

/** Names that say nothing of what is inside, so that everything ends up there. */
const SAYS_NOTHING = /^(?:utils?|common|helpers?|misc|shared|types|index|lib|core-utils)$/;

test("every file and folder is named after its one idea, in small letters with dashes", () => {
  const paths = projectFiles("{engine,domains,examples,tests,scripts,bench}/**/*.{ts,sql}", "domains/*", "sql/*").map(
    ({ path }) => path,
  );

  expect(paths.length).toBeGreaterThan(300);
  expect(paths.flatMap(nameFaults)).toEqual([]);
});

test.each([
  "engine/api/types.ts",
  "engine/core/index.ts",
  "engine/utils/lanes.ts",
  "tests/support/helpers.ts",
  "engine/timeline/common.ts",
  "engine/api/json-utils.ts",
  "engine/api/jsonBody.ts",
  "engine/api/json_body.ts",
  "domains/Mail/domain.ts",
  "sql/comments.sql",
  "sql/7_comments.sql",
])("found: %s", (path) => {
  expect(nameFaults(path)).toHaveLength(1);
});

function nameFaults(path: string): string[] {
  const parts = path.split("/").map((part) => part.replace(/(?:\.(?:saga|test|long|example|d))?\.\w+$/, ""));
  if (/(?:^|\/)sql\//.test(path))
    return /\/\d{4}_[a-z][a-z_]*\.sql$/.test(path) ? [] : [`${path}: not NNNN_subject.sql`];
  if (parts.some((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)))
    return [`${path}: not in small letters with dashes`];
  const empty = parts.flatMap((part) => part.split("-")).find((word) => SAYS_NOTHING.test(word));
  return empty === undefined ? [] : [`${path}: "${empty}" says nothing`];
}
