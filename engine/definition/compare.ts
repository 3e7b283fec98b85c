import type { Definition, Step } from "../core/definition.ts";
import { allSteps, isInside } from "../core/path.ts";
import { type Facts, inputFacts, labelFacts, settingFacts, stepFacts, stepTitle } from "./facts.ts";

/** A part that says something else than before; null: it is not there. */
interface Detail {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A difference in meaning between two definitions. */
export interface Change {
  readonly change: "added" | "removed" | "moved" | "changed";
  readonly subject: "step" | "input" | "label" | "setting";
  /** Path of the step, or name of the field, label or setting. */
  readonly name: string;
  /** What it is. */
  readonly what: string;
  readonly details: readonly Detail[];
}

interface Known {
  readonly path: string;
  readonly step: Step;
  readonly facts: Facts;
}

interface Pair {
  readonly before: Known;
  readonly after: Known;
  /** Where `before` stands in its file. */
  readonly index: number;
}

/** What a definition does otherwise than before, steps in the order of the file. Comments and layout do not count. */
export function changesBetween(before: Definition, after: Definition): readonly Change[] {
  return [
    ...listed("setting", settingFacts(before), settingFacts(after)),
    ...listed("input", inputFacts(before), inputFacts(after)),
    ...listed("label", labelFacts(before), labelFacts(after)),
    ...stepChanges(knownOf(before), knownOf(after)),
  ];
}

function listed(subject: Change["subject"], before: Facts, after: Facts): Change[] {
  return detailsOf(before, after).map((detail) => {
    const change = detail.before === null ? "added" : detail.after === null ? "removed" : "changed";
    return { change, subject, name: detail.name, what: "", details: [{ ...detail, name: "" }] };
  });
}

function detailsOf(before: Facts, after: Facts): Detail[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ name, before: before[name] ?? null, after: after[name] ?? null }));
}

function knownOf(definition: Definition): readonly Known[] {
  return [...allSteps(definition)].map(([path, step]) => ({ path, step, facts: stepFacts(step) }));
}

function stepChanges(before: readonly Known[], after: readonly Known[]): Change[] {
  const pairs = pairsOf(before, after);
  const stayed = new Set([...pairs.values()].map((pair) => pair.before));
  const removed = outermost(before.filter((known) => !stayed.has(known)));
  const added = new Set(outermost(after.filter((known) => !pairs.has(known))));
  const moved = movedOf(after.flatMap((known) => pairs.get(known) ?? []));
  return [
    ...removed.map((known) => told("removed", known)),
    ...after.flatMap((known) => {
      const pair = pairs.get(known);
      if (pair === undefined) return added.has(known) ? [told("added", known)] : [];
      const details = detailsOf(pair.before.facts, known.facts);
      return [
        ...(moved.has(pair) ? [told("moved", known)] : []),
        ...(details.length > 0 ? [told("changed", known, details)] : []),
      ];
    }),
  ];
}

function told(change: Change["change"], { path, step }: Known, details: readonly Detail[] = []): Change {
  return { change, subject: "step", name: path, what: stepTitle(step), details };
}

/**
 * Which step of the one is which of the other. A name is a step's own wherever it stands. A step without one is known by
 * what it says, since its path counts those before it; else by its path.
 */
function pairsOf(before: readonly Known[], after: readonly Known[]): ReadonlyMap<Known, Pair> {
  const pairs = new Map<Known, Pair>();
  const free = new Map(before.map((known, index) => [known, index] as const));
  for (const identify of [nameIn, saying, standing]) {
    const waiting = Map.groupBy([...free.keys()], identify);
    for (const known of after) {
      const identity = identify(known);
      if (identity === null || pairs.has(known)) continue;
      const found = waiting.get(identity)?.shift();
      if (found === undefined) continue;
      pairs.set(known, { before: found, after: known, index: free.get(found) ?? 0 });
      free.delete(found);
    }
  }
  return pairs;
}

function nameIn({ step }: Known): string | null {
  return step.name === undefined ? null : `${step.kind} ${step.name}`;
}

function saying({ step, facts }: Known): string | null {
  return step.name === undefined ? JSON.stringify(facts) : null;
}

function standing({ step, path }: Known): string | null {
  return step.name === undefined ? `${step.kind} ${path}` : null;
}

function outermost(all: readonly Known[]): Known[] {
  const paths = all.map(({ path }) => path);
  return all.filter(({ path }) => !paths.some((other) => other !== path && isInside(path, other)));
}

/** Steps that changed places: the fewest whose moving explains the order, and those of another block. What moves with its block does not count. */
function movedOf(pairs: readonly Pair[]): ReadonlySet<Pair> {
  const kept = longestRise(pairs);
  const moved = pairs.filter((pair) => !kept.has(pair) || blockOf(pair.before) !== blockOf(pair.after));
  const paths = moved.map(({ after }) => after.path);
  return new Set(moved.filter(({ after }) => !paths.some((path) => isInside(after.path, path))));
}

/** The block that a step stands in; blocks without a name are counted, and that number says nothing. */
function blockOf({ path }: Known): string {
  const block = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return block.replaceAll(/\b(choose|parallel|each|command|wait|saga|when)\d+/g, "$1");
}

/** The longest run of pairs that stand in the same order in both files. */
function longestRise(pairs: readonly Pair[]): ReadonlySet<Pair> {
  // Of each length the pair that ends such a run lowest, and before each pair the one that it continues.
  const ends: Pair[] = [];
  const previous = new Map<Pair, Pair | undefined>();
  for (const pair of pairs) {
    const found = ends.findIndex(({ index }) => index > pair.index);
    const at = found < 0 ? ends.length : found;
    previous.set(pair, ends[at - 1]);
    ends[at] = pair;
  }
  const kept = new Set<Pair>();
  for (let pair = ends.at(-1); pair !== undefined; pair = previous.get(pair)) kept.add(pair);
  return kept;
}
