import { expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

test("graph draws a definition in Mermaid, by name or by file", async () => {
  const [named, file] = await Promise.all([
    ekiden(["graph", "onboarding"]),
    ekiden(["graph", "domains/onboarding.saga.yaml"]),
  ]);

  expect(named.out).toStartWith("flowchart TD\n");
  expect(named.out).toContain("-. undo .->");
  expect(named.out).toContain("pivot: from here forward only");
  expect(file.out).toBe(named.out);
  expect(named.code).toBe(0);
});

test("--format svg draws a picture", async () => {
  const { code, out } = await ekiden(["graph", "onboarding", "--format", "svg"]);

  expect(out).toStartWith("<svg ");
  expect(out).toEndWith("</svg>\n");
  expect(code).toBe(0);
});

test.each([
  [["graph"], "missing required argument 'definition'"],
  [["graph", "onbording"], 'there is no definition "onbording". Did you mean `onboarding`?'],
  [["graph", "nowhere.saga.yaml"], "there is no file nowhere.saga.yaml"],
  [["graph", "onboarding", "--format", "png"], "Allowed choices are mermaid, svg."],
])("wrong usage is exit code 2: %p", async (args, says) => {
  const { code, err } = await ekiden(args);

  expect(err).toContain(says);
  expect(code).toBe(2);
});
