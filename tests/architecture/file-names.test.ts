import { expect, test } from "bun:test";

import { isOwn, OWN_DOMAINS } from "../support/own-domains.ts";
import { ownFiles } from "./project-files.ts";

/** Names that say nothing of what is inside, so that everything ends up there. */
const SAYS_NOTHING = /^(?:utils?|common|helpers?|misc|shared|types|index|lib|core-utils)$/;

test("every file and folder is named after its one idea, in small letters with dashes", () => {
  const paths = ownFiles(
    "{engine,domains,examples,tests,scripts,bench}/**/*.{ts,sql}",
    "domains/*",
    "examples/*/*",
    "sql/*",
  ).map(({ path }) => path);

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
  "domains/trip-ticket.saga.yaml",
  "domains/Trip.test.yaml",
  "sql/comments.sql",
  "sql/7_comments.sql",
])("found: %s", (path) => {
  expect(nameFaults(path)).toHaveLength(1);
});

test("these rules are for the project's own domains, and not for those that somebody puts beside them", () => {
  const own = ["domains/ledger/decide.ts", "domains/data/README.md", "domains/onboarding.test.yaml", "engine/trip.ts"];
  const others = ["domains/trip/Domain.ts", "domains/trip_ticket.saga.yaml", "domains/trip.example.json"];

  expect([...own, ...others].filter(isOwn)).toEqual(own);
  expect(ownFiles("domains/*/domain.ts").map(({ path }) => path.split("/")[1] ?? "")).toEqual([...OWN_DOMAINS]);
});

/** Named as a saga is, whose words have `_` between them. */
const OF_A_SAGA = /\.(?:saga|test|example)\.(?:yaml|json)$/;

function nameFaults(path: string): string[] {
  if (OF_A_SAGA.test(path))
    return /\/[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)?\.(?:saga|test|example)\.\w+$/.test(path)
      ? []
      : [`${path}: not named as a saga`];
  const parts = path.split("/").map((part) => part.replace(/(?:\.(?:saga|test|long|example|d))?\.\w+$/, ""));
  if (/(?:^|\/)sql\//.test(path))
    return /\/\d{4}_[a-z][a-z_]*\.sql$/.test(path) ? [] : [`${path}: not NNNN_subject.sql`];
  if (parts.some((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)))
    return [`${path}: not in small letters with dashes`];
  const empty = parts.flatMap((part) => part.split("-")).find((word) => SAYS_NOTHING.test(word));
  return empty === undefined ? [] : [`${path}: "${empty}" says nothing`];
}
