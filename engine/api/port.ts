import type { Bound } from "../core/bound.ts";
import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { Grant } from "../core/grant.ts";
import type { Json } from "../core/json.ts";
import type { Metric } from "../core/metric.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import type { BrokenFile } from "../definition/folder.ts";
import type { DefinitionRow } from "../timeline/read-definitions.ts";
import type { KeyRow } from "../timeline/read-keys.ts";
import type { PartHealth, RelayState } from "../transport/port.ts";

/** A YAML source, read and checked; `catalog`: by these handlers. `definition` is null exactly when a diagnostic is an error. */
export interface LoadedSource {
  readonly definition: Definition | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly catalog: DomainCatalog;
}

/** Who calls and with which key; every POST carries it. */
export interface Caller {
  /** `key:<name>`, `jwt:<subject>`, or `local` while nobody has to say who calls. */
  readonly actor: string;
  readonly idempotencyKey?: string;
  readonly traceparent?: string;
}

/** A request that was recorded. `applied: false`: the dispatcher is paused and applies it later. */
export interface Accepted {
  readonly sagaId: string;
  readonly status: string;
  readonly messageId: string;
  readonly applied: boolean;
  /** An earlier call under the same Idempotency-Key had recorded it. */
  readonly replayed?: boolean;
}

/** Where to rewind to. */
export type RewindTarget = (
  | { readonly topic: string; readonly partition: number; readonly offset: number; readonly skip?: boolean }
  | ({ readonly messageId: string } & RewindNarrowing)
  | ({ readonly timestamp: string } & RewindNarrowing)
  | ({ readonly firstError: true } & RewindNarrowing)
) & {
  /** True: what the topic holds no more is left out. */
  readonly leaveExpired?: boolean;
};

/** Only one topic, or one partition of it. */
interface RewindNarrowing {
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
}

/** One partition of a rewind: what will happen, computed from SQL before anything moves. */
export interface RewindPart {
  readonly topic: string;
  readonly partition: number;
  /** Where the group stands now; null = nothing committed. */
  readonly from: number | null;
  readonly to: number;
  /** Consumed already: skipped. */
  readonly done: number;
  /** Failed and still wanted: run again. */
  readonly run: number;
  /** Of those that run again: their saga is parked at that step. */
  readonly parked: number;
  /** Failed, but the saga gave the step up: stays given up. */
  readonly closed: number;
  /** Not consumed yet by this group. */
  readonly waiting: number;
  /** In the span, and older than what the topic holds: not read again. */
  readonly expired: number;
}

export interface RewindReport {
  readonly group: string;
  readonly preview: boolean;
  readonly parts: readonly RewindPart[];
}

/** Which requests to send again; all that is given must hold. */
export interface RepublishSelection {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly sagaId?: string | undefined;
  readonly topic?: string | undefined;
  readonly missingOnly?: boolean | undefined;
}

/** What is, or would be, sent again. */
export interface RepublishReport {
  readonly id: string | null;
  readonly state: "running" | "done" | "counted" | "counting";
  readonly scanned: number;
  readonly sent: number;
  readonly topics: readonly { readonly topic: string; readonly messages: number }[];
  readonly share: number;
  readonly askedAt: string;
  readonly finishedAt: string | null;
}

/** A complete export of a partition of the event store. */
export interface PartitionExport {
  readonly rows: number;
  readonly firstId: string | null;
  readonly lastId: string | null;
  readonly sha256: string;
  readonly exportedAt: string;
}

/** A month of the event store. */
export interface PartitionView {
  readonly name: string;
  readonly fromId: string;
  readonly toId: string;
  readonly from: string;
  readonly to: string;
  readonly state: "open" | "closed" | "dropping" | "dropped";
  readonly rowEstimate: number;
  readonly bytes: number;
  readonly openSagas: number;
  readonly delivered: boolean;
  readonly exported: PartitionExport | null;
  /** What stands against dropping it. */
  readonly obstacles: readonly string[];
}

/** How a rebuild of a projection stands. */
export interface RebuildReport {
  readonly id: string;
  readonly group: string;
  readonly state: "asked" | "running" | "done" | "failed";
  readonly events: number;
  readonly share: number;
  readonly code: string | null;
  readonly problem: string | null;
  readonly askedAt: string;
  readonly finishedAt: string | null;
}

/** Which sagas to verify: one, or a page after another saga. */
export interface VerifyRange {
  readonly sagaId?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
  readonly parallel: number;
}

/** What a page of sagas has shown; `last`: where the next one begins. */
export interface VerifyPage {
  readonly checked: number;
  readonly differences: readonly {
    readonly sagaId: string;
    readonly definition: string;
    readonly event: string | null;
    readonly field: string;
    readonly folded: string;
    readonly stored: string;
  }[];
  readonly unverifiable: readonly { readonly sagaId: string; readonly definition: string; readonly reason: string }[];
  readonly last: string | null;
  readonly share: number;
}

/** A group once it was paused or resumed, by this call or by an earlier one under the same key. */
export interface GroupMovedView {
  readonly group: GroupView;
  readonly replayed: boolean;
}

export interface GroupView {
  readonly group: string;
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly lag: number;
  /** Age of the oldest message not consumed yet, whole seconds; null: none waits. */
  readonly lagSeconds: number | null;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly earliest: number;
    readonly end: number;
    readonly committed: number | null;
    readonly lag: number;
    /** The process that consumes it; null: none does. */
    readonly owner: string | null;
    /** The group in which another program should read it; null: the group itself reads it. */
    readonly reader: string | null;
  }[];
  /** Members in this process. */
  readonly members: readonly { readonly state: string; readonly inHand: number; readonly problem: string | null }[];
}

/** The way of a message, from the outbox to its consumer. */
export interface PipelineView {
  readonly transport: "kafka" | "embedded";
  /** Null on the embedded transport. */
  readonly relay: RelayState | null;
  readonly heartbeat: HeartbeatView;
  readonly groups: readonly Pick<GroupView, "group" | "paused" | "pausedReason" | "lag" | "lagSeconds">[];
  /** `partitions`: null when no group reads it. */
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: number | null;
    readonly groups: readonly string[];
  }[];
  /** Requests without a consumption now, and those that were lost on their way and sent again, ever. */
  readonly auditor: { readonly late: number; readonly republished: number };
  /** Of PostgreSQL's disk, when it is this machine's. */
  readonly diskFreeBytes: number | null;
  /** What is red, and what to do. */
  readonly parts: readonly PartHealth[];
}

/** The message that is sent through the whole way every few seconds. */
export interface HeartbeatView {
  readonly last: {
    readonly messageId: string;
    readonly writtenAt: Date;
    readonly recordedAt: Date;
    readonly receivedAt: Date;
    readonly returnedAt: Date;
  } | null;
  /** Since the last that came back was written. */
  readonly ageMs: number | null;
  /** For how long the next has been on its way. */
  readonly outMs: number | null;
}

export interface Health {
  readonly ready: boolean;
  readonly parts: readonly PartHealth[];
}

/** What one check of the doctor found. */
export interface DoctorFinding {
  readonly check: string;
  readonly level: "ok" | "warn" | "red";
  readonly detail: string;
  readonly since: string | null;
  readonly fix: string | null;
}

/** Which failed messages are sent again, and how fast. */
export interface RedriveOrder {
  readonly selection: { readonly filter: RedriveFilter } | { readonly messageIds: readonly string[] };
  readonly ratePerSecond: number;
  readonly stopAfterErrors: number;
}

/** All that is given must hold. */
export interface RedriveFilter {
  readonly group?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly definition?: string | undefined;
  readonly topic?: string | undefined;
  readonly action?: string | undefined;
  readonly failedAfter?: string | undefined;
  readonly failedBefore?: string | undefined;
}

/** What a selection comes to, before anything is sent. */
export interface RedriveFound {
  readonly total: number;
  readonly settled: number;
  readonly sample: readonly {
    readonly group: string;
    readonly messageId: string;
    readonly topic: string;
    readonly saga: string | null;
    readonly errorCode: string;
  }[];
}

/**
 * What the API asks of the engine; `engine/main.ts` wires it. Every method throws `Refusal` (core/refusal.ts) for what
 * it refuses. Reading is not here: the API reads the tables through `engine/timeline/read-*.ts`.
 */
export interface Engine {
  /** Starts a saga, or finds the one that the idempotency key or the open business key names. */
  start(
    definition: string,
    input: Json,
    options: { readonly duplicate: "return" | "reject" },
    caller: Caller,
  ): Promise<{ readonly sagaId: string; readonly created: boolean }>;
  signal(sagaId: string, signal: string, payload: Json, caller: Caller): Promise<Accepted>;
  cancel(sagaId: string, reason: string, caller: Caller): Promise<Accepted>;
  retry(
    sagaId: string,
    options: { readonly step?: string; readonly reason: string },
    caller: Caller,
  ): Promise<Accepted>;
  /** Leaves a parked step, or a parked compensation, out. */
  skip(sagaId: string, options: { readonly step: string; readonly reason: string }, caller: Caller): Promise<Accepted>;
  /** Says how a parked step, or a parked compensation, has ended. */
  resolve(
    sagaId: string,
    options: { readonly step: string; readonly result: Json; readonly reason: string },
    caller: Caller,
  ): Promise<Accepted>;
  /** Stops a saga without compensation. */
  terminate(sagaId: string, reason: string, caller: Caller): Promise<Accepted>;
  /** Sends one recorded message again, same id; consumers that have done it skip it. */
  redrive(
    messageId: string,
    reason: string,
    caller: Caller,
  ): Promise<{ readonly messageId: string; readonly republishId: string }>;
  /** Puts an end to a failure that nothing else ends. */
  dismiss(
    messageId: string,
    reason: string,
    caller: Caller,
  ): Promise<{ readonly messageId: string; readonly groups: readonly string[] }>;
  /** Sends requests again from the event store; what takes longer goes on in the background. */
  republish(
    selection: RepublishSelection,
    options: { readonly preview: boolean; readonly reason: string },
    caller: Caller,
  ): Promise<RepublishReport>;
  republished(run: string): Promise<RepublishReport>;
  partitions(): Promise<readonly PartitionView[]>;
  partition(name: string): Promise<PartitionView>;
  /** Lines of JSON; noted as exported when the last one was taken. */
  exportPartition(name: string): Promise<AsyncGenerator<Uint8Array, void>>;
  dropPartition(
    name: string,
    request: { readonly sha256: string; readonly rows: number; readonly reason: string },
    caller: Caller,
  ): Promise<{ readonly name: string; readonly rows: number; readonly droppedAt: string }>;
  /** Replaces a command that has not run by one with an edited body. */
  edit(
    messageId: string,
    body: Json,
    reason: string,
    caller: Caller,
  ): Promise<{ readonly messageId: string; readonly supersededBy: string }>;
  /** Whether an edited body would be taken, by what the engine knows of its handler. Changes nothing. */
  previewEdit(messageId: string, body: Json): Promise<{ readonly action: string; readonly schemaKnown: boolean }>;
  previewRedrive(selection: RedriveOrder["selection"]): Promise<RedriveFound>;
  /** Freezes a selection and begins with its first message. Returns the redrive's id. */
  createRedrive(order: RedriveOrder, reason: string, caller: Caller): Promise<string>;
  continueRedrive(redriveId: string, reason: string, caller: Caller): Promise<void>;
  stopRedrive(redriveId: string, reason: string, caller: Caller): Promise<void>;
  /** Asks for a projection to be built anew; a process that runs its domain does it. */
  rebuild(group: string, reason: string, caller: Caller): Promise<RebuildReport>;
  rebuilt(group: string): Promise<RebuildReport>;
  /** Folds a page of sagas from their events and compares. */
  verify(range: VerifyRange): Promise<VerifyPage>;
  /** Resolves when the saga is final or parked, when `timeoutMs` has passed, or when aborted. */
  settled(sagaId: string, timeoutMs: number, signal: AbortSignal, isNew?: boolean): Promise<void>;
  /** A YAML source against the loaded domains. */
  load(source: string): LoadedSource;
  /** The files on disk that are not in use because they are broken, by their names. */
  broken(): ReadonlyMap<string, BrokenFile>;
  /** The files on disk that are in use, by the names of their definitions. */
  files(): ReadonlyMap<string, string>;
  /** Dotted paths to mask for one revision (`input.applicant.name`, `steps.apply.email`). */
  sensitive(definition: string, revision: string): Promise<readonly string[]>;
  /** Whether sagas of one revision may have child sagas. */
  hasChildren(definition: string, revision: string): Promise<boolean>;
  groups(): Promise<readonly GroupView[]>;
  group(group: string): Promise<GroupView>;
  pause(group: string, reason: string, caller: Caller): Promise<GroupMovedView>;
  resume(group: string, reason: string, caller: Caller): Promise<GroupMovedView>;
  rewind(
    group: string,
    target: RewindTarget,
    options: { readonly preview: boolean; readonly reason: string },
    caller: Caller,
  ): Promise<RewindReport>;
  pipeline(): Promise<PipelineView>;
  /** What is not well, since when, and what to do. Changes nothing. */
  doctor(): Promise<readonly DoctorFinding[]>;
  restartPipeline(reason: string, caller: Caller): Promise<void>;
  /** Makes a key of the API. `key`: null for a call that is repeated under its Idempotency-Key. */
  createKey(
    order: Grant & { readonly name: string; readonly expiresAt: Date | null },
    reason: string,
    caller: Caller,
  ): Promise<{ readonly row: KeyRow; readonly key: string | null }>;
  revokeKey(name: string, reason: string, caller: Caller): Promise<KeyRow>;
  /** Lets a definition start no saga any more; what was started goes on. The same key has the same view. */
  retireDefinition<T>(name: string, reason: string, caller: Caller, view: (row: DefinitionRow) => T): Promise<T>;
  restoreDefinition<T>(name: string, reason: string, caller: Caller, view: (row: DefinitionRow) => T): Promise<T>;
  health(): Promise<Health>;
  /** What happened to sagas, steps and messages, in numbers. */
  counters(): Promise<readonly Metric[]>;
  /** What this process bounds: queues, batches, pools. */
  bounds(): readonly Bound[];
}
