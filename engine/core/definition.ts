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
  /** Total life before the pivot, milliseconds; over it the saga fails with `deadline`. After the pivot only a warning. */
  readonly deadlineMs?: number;
  /** Also starts on an event. */
  readonly start?: StartOn;
  /** Also starts by time. */
  readonly schedule?: Schedule;
  readonly steps: readonly Step[];
  readonly output?: Template;
}

/** `start`: each message of a topic that fits starts a saga. */
export interface StartOn {
  readonly topic: string;
  /** Over `event`: the message's body. */
  readonly if?: Expression;
  /** Over `event`: the input of the saga. */
  readonly input: Template;
}

/** `schedule`: starts by cron. `overlap`: what happens when the saga of the time before is still open. */
export interface Schedule {
  readonly cron: string;
  /** IANA name; UTC by default. */
  readonly timezone: string;
  readonly overlap: "skip" | "queue" | "allow";
  /** Over `schedule.at`, the planned time. */
  readonly input: Template;
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

/** How a step is undone. */
export type Compensation = CommandCompensation | StepsCompensation;

/** A list of steps of any domains, run forward one after another when the step is undone. */
export interface StepsCompensation {
  readonly kind: "steps";
  readonly steps: readonly Step[];
  readonly optional: boolean;
}

/** A command on the step's own topic. */
export interface CommandCompensation {
  readonly kind: "command";
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
  /** Over `signal` (the payload): only a signal for which it is true is taken. */
  readonly match?: Expression;
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

/** Runs branches at the same time. `any`: the first that ends well wins, the others are closed and compensated. */
export interface ParallelStep extends StepBase {
  readonly kind: "parallel";
  readonly branches: readonly ParallelBranch[];
  readonly join: "all" | "any";
  readonly deadlineMs?: number;
  readonly catch: readonly Catch[];
}

/** A branch; its `id` is its path segment below the step. */
export interface ParallelBranch {
  readonly id: string;
  readonly steps: readonly Step[];
}

/**
 * Runs its steps once for each item of a list: branches `[0]`, `[1]`, … `steps.<name>` of the block is the list of the
 * items' outputs, in order. An item's output is that of the last of `steps`; null when that step has none (it is no
 * command, wait, child saga or `each`) or did not run. Names inside are read only inside, each item its own.
 */
export interface EachStep extends StepBase {
  readonly kind: "each";
  readonly in: Expression;
  /** Name of the item in the expressions inside. */
  readonly as: string;
  readonly steps: readonly Step[];
  /** Items in progress at once. */
  readonly concurrency: number;
  /** Longest list; a longer one is a fault. */
  readonly max: number;
  readonly deadlineMs?: number;
  readonly catch: readonly Catch[];
}

/** Starts a child saga and awaits its end; its output is the step's result. */
export interface SagaStep extends StepBase {
  readonly kind: "saga";
  /** Name of the child's definition. */
  readonly saga: string;
  readonly with: Template;
  readonly returns?: Shape;
  readonly output?: Template;
  readonly deadlineMs?: number;
  readonly catch: readonly Catch[];
  /** For a child that is past its own pivot; any other is undone by its own stack. */
  readonly compensate?: Compensation;
}

/** Waits for a time. */
export interface SleepStep extends StepBase {
  readonly kind: "sleep";
  /** A fixed duration, milliseconds … */
  readonly forMs?: number;
  /** … or until a date: a value that is text in ISO 8601. */
  readonly until?: Template;
}

/** Writes values that are read as `vars.<name>`, each once. */
export interface SetStep extends StepBase {
  readonly kind: "set";
  readonly values: Readonly<Record<string, Template>>;
}

/** Ends the saga well before its last step. */
export interface EndStep extends StepBase {
  readonly kind: "end";
  /** The author's word for how it ended; stands in `saga.completed`. */
  readonly outcome: string;
  /** Instead of the saga's own `output`. */
  readonly output?: Template;
}

/** A step of a definition. */
export type Step =
  | CommandStep
  | NotifyStep
  | WaitStep
  | ChooseStep
  | FailStep
  | ParallelStep
  | EachStep
  | SagaStep
  | SleepStep
  | SetStep
  | EndStep;
