/**
 * The package `ekiden`: all that a domain may import.
 *
 * A domain is `defineDomain({ name, steps, projections })`; a transactional handler gets a transaction, its parsed
 * input and a {@link StepContext}, and returns {@link succeeded} or {@link rejected}. The idea (handler knows the
 * business only; claim, outbox row and commit belong to the engine) follows the transactional outbox and
 * idempotent-consumer patterns.
 */
import type { TransactionSql } from "postgres";
import type { GenericSchema, InferOutput } from "valibot";

/** A PostgreSQL transaction under the domain's own role. Refuses statements once the handler's time is over. */
export type Tx = TransactionSql;

/** Anything JSON can carry, as handlers and projections see it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a handler returns. */
export type Outcome<T> =
  | { readonly type: "succeeded"; readonly output: T }
  | { readonly type: "rejected"; readonly code: string; readonly message: string };

/** The step is done; `output` must fit the step's output schema. */
export function succeeded(): Outcome<undefined>;
export function succeeded<T>(output: T): Outcome<T>;
export function succeeded<T>(output?: T): Outcome<T | undefined> {
  return { type: "succeeded", output };
}

/**
 * The business says no: everything the handler wrote is rolled back, and the saga's `catch` or compensation follows.
 * `code` is what `catch:` names in the YAML (`^[a-z][a-z0-9_]{0,47}$`).
 */
export function rejected(code: string, message: string): Outcome<never> {
  return { type: "rejected", code, message };
}

/** A failure that no retry will mend. `code` may be named in `catch`. */
export class FatalError extends Error {
  readonly code: string;

  constructor(message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "FatalError";
    this.code = options.code ?? "fatal";
  }
}

/** An external handler throws this when it is certain that the other side received nothing. */
export class NotSentError extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "NotSentError";
  }
}

/** A logger whose lines carry the saga, step and message ids. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What a handler knows of its call. */
export interface StepContext {
  readonly sagaId: string;
  /** Name of the definition. */
  readonly saga: string;
  readonly stepKey: string;
  /** The same for every attempt: the step key, with `#compensate` behind it for a compensation. */
  readonly idempotencyKey: string;
  readonly messageId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The database's time at the start of the transaction. */
  readonly now: Date;
  /** A new ULID. */
  newId(): string;
  /** Aborted when the step's timeout has passed. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** For a compensation: the step that it undoes; `output` is absent when nobody saw the step's end. */
  readonly compensates?: { readonly stepKey: string; readonly input: JsonValue; readonly output?: JsonValue };
}

/** A step's handler inside the engine's transaction. */
export type Run<Input, Output> = (tx: Tx, input: Input, context: StepContext) => Promise<Outcome<Output>>;

/** Bulk work: one call for inputs of one transaction; outcomes in the order of the inputs. This version hands over one input a call. */
export type RunMany<Input, Output> = (
  tx: Tx,
  calls: readonly { readonly input: Input; readonly context: StepContext }[],
) => Promise<readonly Outcome<Output>[]>;

/** An external step's handler: no transaction is open while it runs. */
export type RunExternal<Input, Output> = (input: Input, context: StepContext) => Promise<Outcome<Output>>;

/** A timeline event as a projection sees it. */
export interface TimelineEvent {
  readonly messageId: string;
  readonly type: string;
  readonly sagaId: string;
  /** Name of the definition. */
  readonly saga: string;
  readonly stepKey: string | null;
  readonly action: string | null;
  /** When the event was written, by the database's clock. */
  readonly at: Date;
  readonly body: JsonValue;
}

/** A read model kept from timeline events by a consumer group of its own, `<domain>.<projection>`. */
export type Projection = Reading & (OfTable | WithoutTable);

interface Reading {
  /** Event types it wants; others are skipped. */
  readonly on: readonly string[];
  /** Applies one event. Runs in the transaction that records the event as consumed. `table`: with its schema. */
  apply(tx: Tx, event: TimelineEvent, table: string): Promise<void>;
}

interface OfTable {
  /**
   * The one table that it keeps, without the schema. With it a rebuild builds the new rows beside the old ones, in short
   * transactions: `apply` must then read and write the table that it is given, as `tx(table)`.
   */
  readonly table: string;
  /** Not called. */
  rebuild?(tx: Tx): Promise<void>;
}

interface WithoutTable {
  readonly table?: undefined;
  /** Empties the read model before it is built again from the event store. */
  rebuild(tx: Tx): Promise<void>;
}

type AnySchema = GenericSchema;
type OutputOf<S> = S extends AnySchema ? InferOutput<S> : undefined;

/** A step as `defineStep` and `defineDomain` take it. `run` may be missing: another program handles the command. */
export interface StepSpec<I extends AnySchema = AnySchema, O extends AnySchema | undefined = AnySchema | undefined> {
  readonly input: I;
  readonly output?: O;
  readonly run?: Run<InferOutput<I>, OutputOf<O>> | RunExternal<InferOutput<I>, OutputOf<O>>;
  readonly runMany?: RunMany<InferOutput<I>, OutputOf<O>>;
  readonly external?: boolean;
}

/** A domain: its name (also its schema, role and consumer group), its steps and its projections. */
export interface Domain {
  readonly name: string;
  readonly steps: Readonly<Record<string, StepSpec>>;
  readonly projections: Readonly<Record<string, Projection>>;
}

type Checked<S> = {
  [K in keyof S]: S[K] extends { readonly input: infer I extends AnySchema; readonly external: true }
    ? {
        readonly input: I;
        readonly output?: AnySchema;
        readonly external: true;
        readonly run?: RunExternal<InferOutput<I>, S[K] extends { readonly output: infer O } ? OutputOf<O> : undefined>;
      }
    : S[K] extends { readonly input: infer I extends AnySchema }
      ? {
          readonly input: I;
          readonly output?: AnySchema;
          readonly external?: false;
          readonly run?: Run<InferOutput<I>, S[K] extends { readonly output: infer O } ? OutputOf<O> : undefined>;
          readonly runMany?: RunMany<
            InferOutput<I>,
            S[K] extends { readonly output: infer O } ? OutputOf<O> : undefined
          >;
        }
      : { readonly input: AnySchema };
};

/** Declares a domain. `domain.ts` exports its result as default; that is the only file the engine loads. */
export function defineDomain<const S extends Readonly<Record<string, object>>>(domain: {
  readonly name: string;
  readonly steps: S & Checked<S>;
  readonly projections?: Readonly<Record<string, Projection>>;
}): Domain {
  return {
    // With keys that are none, which the engine refuses: a program that was not checked for types can have them.
    ...domain,
    // `Checked` has verified each handler against its schemas; the engine parses input before every call.
    steps: domain.steps as unknown as Readonly<Record<string, StepSpec>>,
    projections: domain.projections ?? {},
  };
}
