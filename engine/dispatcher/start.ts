import type { Bound } from "../core/bound.ts";
import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { Evaluator } from "../core/evaluate.ts";
import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { failpoint } from "../failpoint.ts";
import { errorCode, isNoOutcome, type Tx, together } from "../timeline/database.ts";
import { Grouped, type GroupResult } from "../timeline/grouped.ts";
import { canonical, hashOf, keyMismatch } from "../timeline/idempotency.ts";
import { newId } from "../timeline/ids.ts";
import { databaseNow, type SagaRow } from "../timeline/saga-row.ts";
import {
  claimOpen,
  claimStartKeys,
  definitionsToStart,
  freeStartKey,
  keepStartKey,
  type NewSaga,
  type OpenClaim,
  openInserts,
  readOpen,
  readStartKeys,
  sagaInserts,
  type ToStart,
} from "../timeline/start-write.ts";
import type { Unit } from "../timeline/store.ts";
import { apart, OwnBusy } from "./apart.ts";
import type { Recorder } from "./recorder.ts";
import type { Revisions } from "./revisions.ts";
import { maskedInput } from "./masked.ts";
import { dispatcherPaused } from "./timers.ts";
import { type Wanted, wantedOf } from "./wanted.ts";

/** Starts in one transaction. */
const START_GROUP_MAX = 100;
/** Starts that wait for a transaction; one more is answered 503. */
const STARTS_WAITING_MAX = 2_000;
const START_GROUPS = 2;
/** A key that somebody else holds was waited for by the group already: alone its start waits no more than this, milliseconds. */
const KEY_WAIT_ALONE_MS = 500;

/** A wish to start a saga. */
export interface StartRequest {
  readonly definition: string;
  readonly input: Json;
  /** What to do when the business key has an open saga with the same input. */
  readonly duplicate: "return" | "reject";
  readonly idempotencyKey?: string;
  /** The Idempotency-Key is of the engine's own making and says it all: the input may be made anew by an edited definition. */
  readonly keyAlone?: true;
  readonly traceparent: string | null;
}

export interface Started {
  readonly sagaId: string;
  readonly created: boolean;
}

type Result = GroupResult<Started>;

/** Another transaction has claimed the same key and does not end: in the way of this start alone. */
class KeyHeld extends OwnBusy {
  constructor() {
    const message = "another start under the same Idempotency-Key or business key has not ended within 5 s";
    super("saga.busy", message, "Send it again after Retry-After; nothing was changed.");
  }
}

/** A start on its way through its transaction; `result` once it is decided. */
interface Start {
  readonly request: StartRequest;
  readonly sagaId: string;
  readonly hash: string | null;
  wanted?: Wanted;
  result?: Result;
}

/**
 * Starts sagas: row, first request and first transition in one transaction, which starts that arrive at the same time
 * share. A new saga's id is known to nobody before the commit, so its lock need not be taken.
 */
export class Starter {
  readonly #recorder: Recorder;
  readonly #revisions: Revisions;
  readonly #evaluator: Evaluator;
  readonly #catalog: () => DomainCatalog;
  readonly #starts: Grouped<StartRequest, Started>;
  readonly #whyAbsent: (name: string) => string | undefined;

  /**
   * `turn`: waited for before a group of starts begins; resolves to what gives the turn back. `whyAbsent`: why there is no
   * definition of a name, as far as that is known.
   */
  constructor(
    recorder: Recorder,
    revisions: Revisions,
    evaluator: Evaluator,
    catalog: () => DomainCatalog,
    turn?: () => Promise<() => void>,
    whyAbsent: (name: string) => string | undefined = () => undefined,
  ) {
    this.#whyAbsent = whyAbsent;
    this.#recorder = recorder;
    this.#revisions = revisions;
    this.#evaluator = evaluator;
    this.#catalog = catalog;
    this.#starts = new Grouped({
      name: "ekiden_starts_waiting",
      help: "Starts that wait for a transaction.",
      run: (requests) => this.#run(requests),
      ...(turn === undefined ? {} : { turn }),
      parallel: START_GROUPS,
      max: START_GROUP_MAX,
      waitingMax: STARTS_WAITING_MAX,
      full: (waiting) =>
        new Refusal(
          "engine.busy",
          `${waiting} starts wait already`,
          "Send it again after Retry-After; nothing was changed.",
        ),
    });
  }

  get bounds(): readonly Bound[] {
    return [this.#starts.bound];
  }

  /** @throws Refusal `saga.unknown-definition`, `definition.retired`, `saga.input-invalid`, `saga.key-open`, `saga.idempotency-mismatch`, `engine.busy`, … */
  start(request: StartRequest): Promise<Started> {
    return this.#starts.do(request);
  }

  /** One transaction for all of them; when it fails for a reason of its own, one for each. */
  async #run(requests: readonly StartRequest[], isAside = false): Promise<readonly Result[]> {
    try {
      return await this.#recorder.transact("start", (unit) => this.#together(unit, requests, isAside));
    } catch (error) {
      if (requests.length === 1) return [{ error }];
      if (isNoOutcome(error)) throw error;
      return apart(requests, async (request) => (await this.#run([request], true))[0] as Result);
    }
  }

  async #together(unit: Unit, requests: readonly StartRequest[], isAside: boolean): Promise<readonly Result[]> {
    const { tx } = unit;
    const starts = requests.map(toStart);
    const [used, current, paused, now] = await together([
      usedKeys(tx, starts),
      definitionsToStart(tx, [...new Set(requests.map(({ definition }) => definition))]),
      dispatcherPaused(tx),
      databaseNow(tx),
    ]);
    const keys = new Set<string>();
    for (const start of starts) {
      const known = earlier(start, used, keys);
      if (known === undefined) await this.#want(tx, start, current, now);
      else start.result = known;
    }
    if (isAside) unit.send([tx`select set_config('lock_timeout', ${String(KEY_WAIT_ALONE_MS)}, true)`]);
    try {
      await claimKeys(tx, starts);
      await claimPlaces(unit, starts);
    } catch (error) {
      throw errorCode(error) === "55P03" ? new KeyHeld() : error;
    }
    failpoint("start", "after-claim");
    await this.#insert(unit, starts, paused, now);
    failpoint("start", "after-effect");
    return starts.map(({ result }) => result as Result);
  }

  async #want(tx: Tx, start: Start, current: ReadonlyMap<string, ToStart>, now: Date): Promise<void> {
    const { definition: name, input, keyAlone } = start.request;
    try {
      const definition = await this.#definition(tx, name, current.get(name));
      // A message, or the time, has not read it from the API, and could not be mended.
      if (!keyAlone) mustBeWritten(definition, input);
      const birth = { sagaId: start.sagaId, now };
      start.wanted = wantedOf(definition, input, birth, this.#catalog(), this.#evaluator);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      start.result = { error };
    }
  }

  #definition(tx: Tx, name: string, found: ToStart | undefined): Promise<Definition> {
    if (found === undefined) {
      const hint = this.#whyAbsent(name) ?? "GET /v1/definitions lists them.";
      throw new Refusal("saga.unknown-definition", `there is no definition "${name}"`, hint);
    }
    if (found.retired_at !== null) throw retired(name, found);
    return this.#revisions.get(tx, name, found.revision);
  }

  async #insert(unit: Unit, starts: readonly Start[], waits: boolean, now: Date): Promise<void> {
    const born = starts.filter(({ result }) => result === undefined);
    const sagas = born.map((start) => this.#newborn(start, waits, now));
    if (waits) unit.send(sagaInserts(unit.tx, sagas));
    const rows = new Map<string, SagaRow>();
    const arrivals = sagas.map((saga) => {
      const { labels, ...facts } = saga;
      const row: SagaRow = {
        ...facts,
        status: "running",
        sequence: 0,
        unapplied: 0,
        state: null,
        parent_id: null,
        parent_path: null,
      };
      rows.set(row.id, row);
      const body = { input: saga.input, key: saga.key, labels, version: saga.version, revision: saga.revision };
      const asking = { traceparent: saga.traceparent };
      return this.#recorder.arrival(unit, row, "saga.started", body, asking, newId(), waits);
    });
    const newborn = new Map(sagas.map((saga) => [saga.id, saga]));
    if (!waits) await this.#recorder.applyFirst(unit, rows, arrivals, now, newborn);
    for (const start of born) start.result = { value: { sagaId: start.sagaId, created: true } };
  }

  #newborn({ sagaId, request, wanted }: Start, waits: boolean, now: Date): NewSaga {
    const { definition, key, labels, input } = wanted as Wanted;
    return {
      id: sagaId,
      definition: definition.name,
      version: definition.version,
      revision: definition.revision,
      unapplied: waits ? 1 : 0,
      key,
      labels,
      input,
      traceparent: request.traceparent,
      writer: this.#recorder.writer,
      started_at: now,
    };
  }
}

function retired(name: string, { retired_at: at, retired_by: by, retired_reason: reason }: ToStart): Refusal {
  const message = `definition "${name}" was retired at ${at?.toISOString()} by ${by}: ${reason}`;
  const hint = `Nothing was started. \`ekiden definitions\` lists the others; \`ekiden definitions restore ${name} --reason …\` lets it start sagas again.`;
  return new Refusal("definition.retired", message, hint);
}

/** @throws Refusal `saga.input-invalid` */
function mustBeWritten(definition: Definition, input: Json): void {
  const problems = maskedInput(definition, input);
  if (problems.length === 0) return;
  const message = `the input has the mask in the place of a sensitive value of ${definition.name}`;
  throw new Refusal("saga.input-invalid", message, "Write out the values named in errors.", { problems });
}

function toStart(request: StartRequest): Start {
  const asked = { definition: request.definition, input: request.keyAlone ? null : request.input };
  return { request, sagaId: newId(), hash: request.idempotencyKey === undefined ? null : hashOf(asked) };
}

async function usedKeys(tx: Tx, starts: readonly Start[]) {
  const keys = starts.flatMap(({ request }) => request.idempotencyKey ?? []);
  const used = keys.length === 0 ? [] : await readStartKeys(tx, keys);
  return new Map(used.map((row) => [row.idempotency_key, row]));
}

/** What an earlier start under the same Idempotency-Key left; one in the same group has to end first. */
function earlier(
  { request, hash }: Start,
  used: Awaited<ReturnType<typeof usedKeys>>,
  keys: Set<string>,
): Result | undefined {
  const key = request.idempotencyKey;
  if (key === undefined) return undefined;
  const row = used.get(key);
  if (row !== undefined)
    return row.body_hash === hash ? { value: { sagaId: row.saga_id, created: false } } : { error: keyMismatch(key) };
  if (keys.has(key)) return "again";
  keys.add(key);
  return undefined;
}

/** Who lost an Idempotency-Key to another transaction finds its saga in the next group. */
async function claimKeys(tx: Tx, starts: readonly Start[]): Promise<void> {
  const claiming = starts.filter(({ result, hash }) => result === undefined && hash !== null);
  const ours = await claimStartKeys(
    tx,
    claiming.map(({ request, hash, sagaId }) => ({
      key: request.idempotencyKey as string,
      hash: hash as string,
      sagaId,
    })),
  );
  for (const start of claiming) if (!ours.has(start.request.idempotencyKey as string)) start.result = "again";
}

async function claimPlaces(unit: Unit, starts: readonly Start[]): Promise<void> {
  const { tx } = unit;
  const first = new Map<string, Start>();
  const asking: { start: Start; wanted: Wanted; place: string }[] = [];
  const keyless: OpenClaim[] = [];
  for (const start of starts) {
    const { wanted } = start;
    if (start.result !== undefined || wanted === undefined) continue;
    if (wanted.key === null) {
      keyless.push({ sagaId: start.sagaId, definition: wanted.definition.name, key: null });
      continue;
    }
    const place = `${wanted.definition.name}/${wanted.key}`;
    if (!first.has(place)) first.set(place, start);
    asking.push({ start, wanted, place });
  }
  const claims = asking
    .filter(({ start, place }) => first.get(place) === start)
    .map(({ start, wanted }) => ({ sagaId: start.sagaId, definition: wanted.definition.name, key: wanted.key }));
  unit.send(openInserts(tx, keyless));
  const ours = await claimOpen(tx, claims);
  await together(
    asking.map(async ({ start, wanted, place }) => {
      const claimed = first.get(place) as Start;
      if (!ours.has(claimed.sagaId)) return meet(tx, start, wanted);
      // Of starts with one business key all but the first have to find the first.
      if (claimed !== start) return giveUp(tx, start, "again");
    }),
  );
}

/** The business key has an open saga. */
async function meet(tx: Tx, start: Start, { definition, key }: Wanted): Promise<void> {
  const { request } = start;
  const open = await readOpen(tx, definition.name, key as string);
  // None: it ended between the two statements, so the key is free now.
  if (open === undefined) return giveUp(tx, start, "again");
  if (request.duplicate === "reject" || canonical(open.input) !== canonical(request.input)) {
    const message = `business key "${key}" has an open saga: ${open.id}`;
    const hint = "Wait for its end, or cancel it.";
    return giveUp(tx, start, { error: new Refusal("saga.key-open", message, hint, { sagaId: open.id }) });
  }
  if (request.idempotencyKey !== undefined) await keepStartKey(tx, request.idempotencyKey, open.id);
  start.result = { value: { sagaId: open.id, created: false } };
}

async function giveUp(tx: Tx, start: Start, result: Result): Promise<void> {
  if (start.request.idempotencyKey !== undefined) await freeStartKey(tx, start.request.idempotencyKey);
  start.result = result;
}
