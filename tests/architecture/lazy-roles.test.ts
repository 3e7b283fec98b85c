import { expect, test } from "bun:test";
import { projectFiles } from "./project-files.ts";
import { codeOf } from "./source-text.ts";

/** Rooms that a process loads only when it needs them: by `await import(…)` of the composition root, or as a type. */
const LAZY = /^\.\/(?:roles|api|dispatcher|participant|definition|stack|console|transport\/(?:kafka|embedded))\//;

/** Static imports of such a room, that is: one that every process would load. */
function eagerImports(source: string): string[] {
  const code = codeOf(source);
  return [...code.matchAll(/^(?:import|export)\s+(?!type\b)(?:[\w\s{},*$]*?\bfrom\s*)?(?=["'])/gm)]
    .map((match) => /^(["'])(.*?)\1/.exec(source.slice(match.index + match[0].length))?.[2] ?? "")
    .filter((specifier) => LAZY.test(specifier));
}

test("the composition root imports no room that belongs to a role", () => {
  const files = projectFiles("engine/main.ts", "engine/open-transport.ts", "engine/closing.ts", "engine/pools.ts");

  expect(files).toHaveLength(4);
  expect(files.flatMap(({ source }) => eagerImports(source))).toEqual([]);
});

test.each([
  `import { startApi } from "./roles/api.ts";`,
  `import {\n  type Parts,\n  startDomains,\n} from './roles/domains.ts';`,
  `import "./transport/kafka/kafka-transport.ts";`,
  `export { Dispatcher } from "./dispatcher/dispatcher.ts";`,
])("it may not say: %s", (source) => {
  expect(eagerImports(source)).toHaveLength(1);
});

test("types and imports at run time are allowed", () => {
  const source = `import type { Parts } from "./roles/parts.ts";\nconst api = await import("./roles/api.ts");`;

  expect(eagerImports(source)).toEqual([]);
});
