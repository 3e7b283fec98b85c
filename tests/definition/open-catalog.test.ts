import { expect, test } from "bun:test";
import { loadDefinition } from "../../engine/definition/load.ts";

const source = `saga: lone
version: 1
input: { note: string }
steps:
  - step: first
    command: nowhere.go
    with: \${ input }
    compensate: nowhere.back
`;

test("a domain that no process has published yet is not called wrong while more may appear", () => {
  const { definition, diagnostics } = loadDefinition(source, { catalog: { actions: new Map(), open: true } });

  expect(definition).toBeNull();
  expect(diagnostics.map(({ code }) => code)).toEqual(["definition.domain-not-loaded", "definition.domain-not-loaded"]);
  expect(diagnostics[0]?.message).toBe("the domain `nowhere` is not loaded yet: no process has published it");
  expect(diagnostics[0]?.hint).toContain("EKIDEN_ROLES=domain:nowhere");
});

test("the same domain is unknown where all domains are loaded", () => {
  const { diagnostics } = loadDefinition(source, { catalog: { actions: new Map() } });

  expect(diagnostics[0]?.code).toBe("definition.unknown-command");
});
