import fc from "fast-check";
import type { Definition } from "../../engine/core/definition.ts";
import { isJsonObject, type Json, type JsonObject } from "../../engine/core/json.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { startViolations } from "../../engine/definition/start-violations.ts";
import { sampleOfShape } from "../../engine/simulate/sample.ts";
import { InputFault, simulate } from "../../engine/simulate/simulate.ts";
import { randomSources } from "../simulation/definition-source.ts";
import { catalog } from "../simulation/handlers.ts";
import { Random } from "../simulation/random.ts";

/** Values that stand where others should: of another type, too large, half an expression, a name with a meaning. */
const HOSTILE: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1e300,
  "",
  " ",
  "${",
  "${ }",
  "${ input.list[0] }",
  "${ steps.nowhere.at }",
  "${ [1,2].map(x, x.map(y, y)) }",
  "${ 'a'.matches('(a+)+$') }",
  "input.choice == 'one'",
  "1s",
  "999999999d",
  "-1s",
  "__proto__",
  "constructor",
  "a".repeat(300),
  "日本語",
  "\u202e",
  [],
  {},
  [[[[[]]]]],
  { step: "x" },
  { fail: "x" },
];
const KEYS = [
  "step",
  "command",
  "if",
  "with",
  "catch",
  "compensate",
  "pivot",
  "choose",
  "cases",
  "parallel",
  "each",
  "saga",
  "deadline",
  "__proto__",
  "x",
];

/** One change of a definition: which of its places, and what becomes of it. */
interface Edit {
  readonly at: number;
  readonly kind: "replace" | "remove" | "rename" | "add" | "double" | "swap";
  readonly value: Json;
  readonly key: string;
  readonly from: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(400),
  kind: fc.constantFrom("replace", "remove", "rename", "add", "double", "swap"),
  value: fc.constantFrom(...HOSTILE),
  key: fc.constantFrom(...KEYS),
  from: fc.nat(400),
});

/** A definition by the language's grammar, and up to three changes that may break it. */
interface Source {
  readonly seed: number;
  readonly edits: readonly Edit[];
  /** Text put in somewhere, and how many characters it takes the place of. */
  readonly text: readonly { readonly at: number; readonly cut: number; readonly put: string }[];
  readonly indented: boolean;
}

const source: fc.Arbitrary<Source> = fc.record({
  seed: fc.nat(),
  edits: fc.array(edit, { maxLength: 3 }),
  text: fc.array(
    fc.record({
      at: fc.nat(4_000),
      cut: fc.nat(3),
      put: fc.constantFrom(
        "",
        ":",
        "\n",
        "  ",
        "- ",
        "{",
        "}",
        "'",
        "&a ",
        "*a",
        "!!js ",
        "\t",
        "\u0000",
        "\ud800",
        "#",
      ),
    }),
    { maxLength: 1 },
  ),
  indented: fc.boolean(),
});

interface Place {
  readonly parent: JsonObject | Json[];
  readonly key: string | number;
}

function placesOf(value: Json, found: Place[] = []): Place[] {
  if (Array.isArray(value)) {
    for (const [key, item] of value.entries()) {
      found.push({ parent: value, key });
      placesOf(item as Json, found);
    }
  } else if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      found.push({ parent: value, key });
      placesOf(item, found);
    }
  }
  return found;
}

function applyEdit(root: JsonObject, { at, kind, value, key, from }: Edit): void {
  const places = placesOf(root);
  const place = places[at % places.length];
  const other = places[from % places.length];
  if (place === undefined || other === undefined) return;
  const parent = place.parent as Record<string | number, Json>;
  const own = parent[place.key] as Json;
  if (kind === "replace") parent[place.key] = value;
  else if (kind === "swap")
    parent[place.key] = structuredClone((other.parent as Record<string | number, Json>)[other.key] as Json);
  else if (Array.isArray(place.parent)) {
    if (kind === "remove") place.parent.splice(place.key as number, 1);
    else place.parent.splice(place.key as number, 0, structuredClone(kind === "add" ? value : own));
  } else {
    if (kind === "remove" || kind === "rename") delete parent[place.key];
    if (kind !== "remove")
      Object.defineProperty(parent, key, {
        value: kind === "add" ? value : own,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
}

function rendered({ seed, edits, text, indented }: Source): {
  readonly source: string;
  readonly children: ReadonlyMap<string, string>;
} {
  const { root, byName } = randomSources(new Random(seed));
  const tree = JSON.parse(byName.get(root) as string) as JsonObject;
  for (const each of edits) applyEdit(tree, each);
  const whole = indented ? Bun.YAML.stringify(tree, null, 2) : JSON.stringify(tree);
  const changed = text.reduce((so, { at, cut, put }) => {
    const from = at % (so.length + 1);
    return so.slice(0, from) + put + so.slice(from + cut);
  }, whole);
  return { source: changed, children: byName };
}

/** What a run of definitions has seen. */
export interface SeenDefinitions {
  readonly accepted: number;
  readonly refused: number;
}

/**
 * Whatever a file says: it is read without an error being thrown, what is wrong stands at a place inside it, and what is
 * accepted can be simulated. @throws with the smallest source that shows otherwise.
 */
export function fuzzDefinitions(seed: number, numRuns: number): SeenDefinitions {
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(source, (drawn) => {
      const { source: text, children } = rendered(drawn);
      const definitions = childrenOf(children);
      const { definition, diagnostics } = loadDefinition(text, { catalog, definitions });
      const lines = text.split("\n");
      for (const { line, column, message } of diagnostics) {
        const inside =
          line >= 1 && line <= lines.length + 1 && column >= 1 && column <= (lines[line - 1] ?? "").length + 2;
        if (!inside) throw new Error(`"${message}" stands at ${line}:${column}, outside the file`);
      }
      if ((definition === null) !== diagnostics.some(({ severity }) => severity === "error"))
        throw new Error("it is refused without an error, or accepted with one");
      if (definition === null) seen.refused += 1;
      else {
        seen.accepted += 1;
        play(definition);
      }
    }),
    { seed, numRuns },
  );
  return seen;
}

function childrenOf(sources: ReadonlyMap<string, string>): ReadonlyMap<string, Definition> {
  const definitions = new Map<string, Definition>();
  // A child is made after its parent and never starts it.
  for (const [name, text] of [...sources].reverse()) {
    const { definition } = loadDefinition(text, { catalog, definitions });
    if (definition !== null) definitions.set(name, definition);
  }
  return definitions;
}

function play(definition: Definition): void {
  const input = sampleOfShape(definition.input) as JsonObject;
  if (startViolations(definition, input, catalog).length > 0) return;
  try {
    simulate(definition, { input, outcomes: {}, signals: [], untilMs: 30 * 86_400_000 }, catalog);
  } catch (error) {
    // The plainest input need not satisfy the key's or a label's expression.
    if (!(error instanceof InputFault)) throw error;
  }
}
