import { type Conduct, type Plan, noteOf } from "./plan.ts";

/** A step of a definition as the model sees it: what it may do, not how the engine does it. */
export type Part =
  | { readonly kind: "step"; readonly path: string; readonly conducts: readonly Conduct[]; readonly pivot?: true }
  | { readonly kind: "notify"; readonly path: string }
  /** Either of the two takes effect, as time will have it. */
  | { readonly kind: "hurried"; readonly path: string; readonly instead: string; readonly conducts: readonly Conduct[] }
  | { readonly kind: "wait" }
  | { readonly kind: "all" | "any"; readonly branches: readonly (readonly Part[])[] }
  | { readonly kind: "child"; readonly parts: readonly Part[] };

export interface ModelDefinition {
  readonly name: string;
  readonly parts: readonly Part[];
  /** The action whose result is the saga's output. */
  readonly last: "two" | "three";
  /** It fails when another saga is in its way. */
  readonly contested?: true;
  input(id: string, plan: Plan): { readonly note: string };
}

const ANY: readonly Conduct[] = ["reject", "reject", "flaky", "broken", "slow"];
/** For steps whose timeout is short. */
const BRIEF: readonly Conduct[] = [...ANY, "hang"];

const step = (path: string, conducts = ANY): Part => ({ kind: "step", path, conducts });
const plain = (id: string, plan: Plan) => ({ note: noteOf(id, plan) });
const ITEMS = ["a", "b", "c"];

/** The definitions in `tests/support/modelled`. */
export const DEFINITIONS: readonly ModelDefinition[] = [
  { name: "line", parts: [step("first"), step("second", BRIEF), step("third")], last: "three", input: plain },
  {
    name: "fork",
    parts: [
      step("first"),
      {
        kind: "all",
        branches: [
          [step("parallel1/left/left_one", BRIEF), step("parallel1/left/left_two")],
          [step("parallel1/right/right_one"), step("parallel1/right/right_two")],
        ],
      },
      step("last"),
    ],
    last: "two",
    input: plain,
  },
  {
    name: "race",
    parts: [
      step("first"),
      { kind: "any", branches: [[step("offers/swift/swift", BRIEF)], [step("offers/steady/steady")]] },
      step("last"),
    ],
    last: "two",
    input: plain,
  },
  {
    name: "items",
    parts: [
      step("first"),
      { kind: "all", branches: ITEMS.map((_, at) => [step(`pack[${at}]/put`, BRIEF)]) },
      step("last"),
    ],
    last: "three",
    input: (id, plan) => ({ ...plain(id, plan), items: ITEMS }),
  },
  {
    name: "parent",
    parts: [step("first"), { kind: "child", parts: [step("kid_one", BRIEF), step("kid_two")] }, step("last")],
    last: "three",
    input: plain,
  },
  {
    name: "heir",
    parts: [{ kind: "child", parts: [step("only_one", BRIEF)] }, step("last")],
    last: "three",
    contested: true,
    input: plain,
  },
  { name: "review", parts: [step("first"), { kind: "wait" }, step("last")], last: "two", input: plain },
  {
    name: "sealed",
    parts: [
      step("first"),
      { kind: "step", path: "seal", conducts: ANY, pivot: true },
      step("after", ["flaky", "broken", "slow"]),
      { kind: "notify", path: "told" },
    ],
    last: "three",
    input: plain,
  },
  {
    name: "hurried",
    parts: [
      step("first"),
      { kind: "hurried", path: "quick", instead: "quick/catch/deadline/instead", conducts: ["flaky", "slow", "hang"] },
      step("last"),
    ],
    last: "two",
    input: plain,
  },
];

/** How far a saga gets by itself. `waits`: for a signal. `parked`: there or in its child. */
export type Rest = "done" | "rejected" | "parked" | "parked in its child" | "waits";

/** What is known of a saga that decides how far it gets. */
export interface Course {
  readonly plan: Plan;
  /** What is broken works. */
  readonly mended: boolean;
  /** What the oldest signal said; undefined: there was none. */
  readonly signal: boolean | undefined;
}

export function restOf(parts: readonly Part[], course: Course): Rest {
  for (const part of parts) {
    const rest = restOfPart(part, course);
    if (rest !== "done") return rest;
  }
  return "done";
}

function restOfPart(part: Part, course: Course): Rest {
  switch (part.kind) {
    case "step":
      return restOfStep(course.plan[part.path], course.mended);
    case "wait":
      if (course.signal === undefined) return "waits";
      return course.signal ? "done" : "rejected";
    case "child": {
      const rest = restOf(part.parts, course);
      return rest === "parked" ? "parked in its child" : rest;
    }
    case "all": {
      const rests = part.branches.map((branch) => restOf(branch, course));
      return (["rejected", "parked"] as const).find((rest) => rests.includes(rest)) ?? "done";
    }
    case "any": {
      const rests = part.branches.map((branch) => restOf(branch, course));
      return (["done", "parked"] as const).find((rest) => rests.includes(rest)) ?? "rejected";
    }
    default:
      return "done";
  }
}

function restOfStep(conduct: Conduct | undefined, mended: boolean): Rest {
  if (conduct === "reject") return "rejected";
  return conduct === "broken" && !mended ? "parked" : "done";
}

/** All steps that may have an effect, with those of the child. */
export function pathsOf(
  parts: readonly Part[],
): readonly { path: string; conducts: readonly Conduct[]; undo: boolean }[] {
  return parts.flatMap((part) => {
    if (part.kind === "step") return [{ path: part.path, conducts: part.conducts, undo: part.pivot !== true }];
    if (part.kind === "hurried") return [{ path: part.path, conducts: part.conducts, undo: true }];
    if (part.kind === "child") return pathsOf(part.parts);
    return part.kind === "all" || part.kind === "any" ? part.branches.flatMap(pathsOf) : [];
  });
}

/** The sets of effects that may stand when a saga has completed; those of its child among them. */
export function standingOf(parts: readonly Part[], plan: Plan): readonly (readonly string[])[] {
  return parts.reduce<readonly (readonly string[])[]>(
    (sets, part) => sets.flatMap((set) => standingOfPart(part, plan).map((more) => [...set, ...more])),
    [[]],
  );
}

function standingOfPart(part: Part, plan: Plan): readonly (readonly string[])[] {
  switch (part.kind) {
    case "step":
      return plan[part.path] === "reject" ? [] : [[part.path]];
    case "notify":
      return [[part.path]];
    case "hurried":
      return [[part.path], [part.instead]];
    case "wait":
      return [[]];
    case "child":
      return standingOf(part.parts, plan);
    case "all":
      return standingOf(part.branches.flat(), plan);
    case "any":
      return part.branches.flatMap((branch) => standingOf(branch, plan));
  }
}
