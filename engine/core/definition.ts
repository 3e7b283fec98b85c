import type { Json } from "./json.ts";

/**
 * A parsed, checked saga definition: what `engine/definition` makes of the YAML and what `decide` walks.
 * It is data only, so that a revision compiled twice is the same revision.
 */
export interface Definition {
  readonly name: string;
  /** The author's number in the YAML. */
  readonly version: number;
  /** Content hash of the YAML source (SHA-256, hex). */
  readonly revision: string;
  readonly description?: string;
  /** Shape of the start input. */
  readonly input: Shape;
  /** Business key template; unique among open sagas of this definition. */
  readonly key?: Template;
  readonly labels: Readonly<Record<string, Template>>;
  /** Dotted paths (`input.applicant.name`, `steps.apply.email`) masked in API, console and logs. */
  readonly sensitive: readonly string[];
  readonly steps: readonly Step[];
  readonly output?: Template;
}

/** Where something stands in the YAML, one-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One CEL expression: its source without `${ }` and where its first character stands. */
export interface Expression {
  readonly source: string;
  readonly at: Position;
}

/**
 * A JSON value whose strings may hold `${ expression }`.
 * `expression` keeps the expression's type; `text` joins its parts to a string.
 */
export type Template =
  | { readonly kind: "literal"; readonly value: Json }
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "text"; readonly parts: readonly (string | Expression)[] }
  | { readonly kind: "list"; readonly items: readonly Template[] }
  | { readonly kind: "object"; readonly entries: Readonly<Record<string, Template>> };

/** A shape of the YAML's own type language: `integer(18..120)`, `[own, rent]`, `list<string>(..10)`, objects, `?` = optional. */
export type Shape = { readonly optional: boolean } & (
  | { readonly kind: "string"; readonly min?: number; readonly max?: number }
  | { readonly kind: "number" | "integer"; readonly min?: number; readonly max?: number }
  | { readonly kind: "boolean" | "date" | "any" }
  /** `object` without fields: any JSON object. */
  | { readonly kind: "object"; readonly fields?: Readonly<Record<string, Shape>> }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "list"; readonly item: Shape; readonly min?: number; readonly max?: number }
);

/** Retry policy of a step. Times in milliseconds; `attempts` counts the first attempt too. */
export interface Retry {
  readonly attempts: number | "forever";
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Share of the delay that is spread by a hash of step key and attempt, 0..1 (no random: `decide` is pure). */
  readonly jitter: number;
  /** Codes of rejections that are retried as well. */
  readonly also: readonly string[];
  /** Codes of failures that are not retried. */
  readonly never: readonly string[];
  /** What happens when the attempts are used up and nothing catches. */
  readonly then: "park" | "compensate";
}

/** How a step is undone: a command on the step's own topic. */
export interface Compensation {
  /** `domain.action` of the handler. */
  readonly command: string;
  /** Without it the handler gets the step's own input. */
  readonly with?: Template;
  readonly timeoutMs: number;
  readonly retry: Retry;
  readonly optional: boolean;
}

/** `catch:` entry: an error code (or `timeout deadline rejected failed any`) and the steps that replace the step. */
export interface Catch {
  readonly code: string;
  readonly steps: readonly Step[];
}

interface StepBase {
  /** Path segment, unique in its block: the step's name, or `<kind><index>` (zero-based) when it has none. */
  readonly id: string;
  /** The name under `step:`; outputs are read as `steps.<name>`. */
  readonly name?: string;
  readonly description?: string;
  readonly if?: Expression;
  readonly at: Position;
}

/** Sends a command and awaits its answer. */
export interface CommandStep extends StepBase {
  readonly kind: "command";
  /** `domain.action`; also the topic. */
  readonly command: string;
  readonly with: Template;
  readonly returns?: Shape;
  /** Template over `result`: keep only this as the step's output. */
  readonly output?: Template;
  readonly timeoutMs: number;
  readonly deadlineMs?: number;
  readonly retry: Retry;
  readonly catch: readonly Catch[];
  readonly compensate?: Compensation;
  readonly pivot: boolean;
}

/** Sends a command whose answer nobody awaits. */
export interface NotifyStep extends StepBase {
  readonly kind: "notify";
  readonly command: string;
  readonly with: Template;
  readonly timeoutMs: number;
  readonly retry: Retry;
}

/** Waits for a signal. */
export interface WaitStep extends StepBase {
  readonly kind: "wait";
  readonly signal: string;
  /** Shape of the payload. */
  readonly returns?: Shape;
  readonly output?: Template;
  readonly deadlineMs?: number;
  readonly catch: readonly Catch[];
}

/** `choose: expression` with `cases`, or a list of `when`/`then`. */
export interface ChooseStep extends StepBase {
  readonly kind: "choose";
  /** With `subject`: each branch's `equals` is compared with it. Without: the first branch whose `when` is true is taken. */
  readonly subject?: Expression;
  readonly branches: readonly ChooseBranch[];
  readonly else?: readonly Step[];
}

export interface ChooseBranch {
  /** Path segment: the case's name or `when<index>`. */
  readonly id: string;
  readonly equals?: Json;
  readonly when?: Expression;
  readonly steps: readonly Step[];
}

/** Ends the forward path with a failure of the business. */
export interface FailStep extends StepBase {
  readonly kind: "fail";
  readonly code: string;
  readonly message?: Template;
}

/** A step of a definition. Later kinds (parallel, each, saga, sleep, set, end) join this union. */
export type Step = CommandStep | NotifyStep | WaitStep | ChooseStep | FailStep;
