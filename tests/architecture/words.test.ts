import { expect, test } from "bun:test";

import { ownFiles } from "./project-files.ts";
import { abbreviationsIn, synonymsIn } from "./words.ts";

test("engine, SQL, domains and documentation use one word for one thing", () => {
  const files = ownFiles("{engine,domains,examples,sql}/**/*.{ts,tsx,sql,yaml}", "docs/**/*.md", "*.md");

  expect(files.length).toBeGreaterThan(200);
  expect(files.flatMap(synonymsIn)).toEqual([]);
});

test("names of engine and domains are written out", () => {
  expect(ownFiles("{engine,domains,examples}/**/*.{ts,tsx}").flatMap(abbreviationsIn)).toEqual([]);
});

test.each([
  ["engine/dispatcher/start.ts", "/** Starts a job. */"],
  ["engine/dispatcher/start.ts", "const task = next();"],
  ["engine/participant/participant.ts", "// The worker claims it."],
  ["sql/0009_more.sql", "comment on table timeline.more is 'One row a workflow.';"],
  ["docs/OPERATIONS.md", "It goes to the dead-letter topic."],
  ["engine/timeline/store.ts", "const saga_instance = 1;"],
  ["engine/core/decide.ts", "// A suspended saga waits."],
  ["README.md", "The event id is a ULID."],
  ["engine/api/port.ts", "/** The undo action. */"],
])("found in %s: %s", (path, source) => {
  expect(synonymsIn({ path, source })).toHaveLength(1);
});

test.each([
  ["domains/screening/decide.ts", "job: applicant.job"],
  ["engine/transport/kafka/connector-watch.ts", "// The task of the connector failed."],
  ["engine/stack/connect.ts", "/** One Connect worker. */"],
  ["README.md", "A saga workflow engine."],
])("left alone in %s: %s", (path, source) => {
  expect(synonymsIn({ path, source })).toEqual([]);
});

test.each(["const msg = read();", "function act(ctx: Context) {}", "(err) => fail(err)", "let idx = 0;"])(
  "a name that is cut short is found: %s",
  (source) => {
    expect(abbreviationsIn({ path: "engine/a.ts", source }).length).toBeGreaterThan(0);
  },
);

test.each(["const message = tx.id;", 'const text = "an err in a text";', "// ctx in a comment", "c.req.err.cause"])(
  "a name that is written out, or another's, is left alone: %s",
  (source) => {
    expect(abbreviationsIn({ path: "engine/a.ts", source })).toEqual([]);
  },
);
