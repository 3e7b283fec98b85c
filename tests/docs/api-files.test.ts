import { expect, test } from "bun:test";
import { join } from "node:path";

import { apiDocument, operationsOf } from "../../scripts/api-document.ts";
import { apiPage } from "../../scripts/api-page.ts";
import { clientTypes } from "../../scripts/typed-operations.ts";
import { root } from "../architecture/project-files.ts";

const document = await apiDocument();
const calls = operationsOf(document).map(({ operation }) => operation.operationId);
const kept = (path: string) => Bun.file(join(root, path)).text();

test("client/operations.ts is what the OpenAPI document makes of it; `bun run api-files` writes it", async () => {
  expect(await kept("client/operations.ts")).toBe(clientTypes(document));
});

test("docs/API.md is what the OpenAPI document makes of it; `bun run api-files` writes it", async () => {
  expect(await kept("docs/API.md")).toBe(apiPage(document));
});

test("each call has its curl, with every part of its path filled in and an example for each body", async () => {
  const page = await kept("docs/API.md");
  const commands = [...page.matchAll(/^curl .*?(?=\n```)/gms)].map(([command]) => command);
  expect(commands).toHaveLength(calls.length);
  expect(commands.filter((command) => /EKIDEN_URL[^"]*[{}]|undefined/.test(command))).toEqual([]);
  const bodies = operationsOf(document).filter(({ operation }) => operation.requestBody?.required === true);
  expect(commands.filter((command) => command.includes("--data-binary")).length).toBeGreaterThanOrEqual(bodies.length);
});
