import { childId } from "../../engine/core/child-id.ts";
import type { Definition } from "../../engine/core/definition.ts";
import { allSteps } from "../../engine/core/path.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { newId } from "../../engine/timeline/ids.ts";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";
import type { NewSaga } from "../../engine/timeline/start-write.ts";
import { parkedWithoutReason, unfinished } from "./at-rest.ts";
import { Coverage } from "./coverage.ts";
import { Crew } from "./crew.ts";
import type { Fault } from "./faults.ts";
import { Machine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import { Random, seedFor } from "./random.ts";

/*
 * The simulator (T2). REAL code of the engine, unchanged: the dispatcher, its transitions, births of child sagas, timers,
 * calls of people, the participants with their batches, external calls and notifications, the transactions' code around
 * them, the parsing of events, definitions and expressions, and the core. MODELS: PostgreSQL (store.ts, and the meaning of
 * each statement in statements.ts and participant-statements.ts), the driver (driver.ts), the way from the outbox to the
 * consumers (topic-log.ts), the handlers and the world outside (handlers.ts), and the clock (schedule.ts). What the SQL
 * itself does, and what Kafka and the embedded transport do, is held by tests on the real ones.
 */

export interface Result {
  readonly violation?: string;
  readonly story: readonly string[];
  readonly steps: number;
  readonly coverage: Coverage;
}

/** No run comes near it; one that does never comes to rest. */
const STEPS_MAX = 20_000;
/** How often people help what has come to rest, once nothing goes wrong any more. */
const HELP_MAX = 20;
const NOBODY = { actor: "nobody" };
const evaluator = createEvaluator();

/** Runs sagas from their start to their end under the faults of a plan. The same plan is always the same run. */
export async function run(plan: Plan): Promise<Result> {
  const real = Date.now;
  const simulation = new Simulation(plan);
  // Pauses of notifications and slow handlers are measured by the process's clock.
  Date.now = () => simulation.nowMs;
  try {
    return await simulation.run();
  } finally {
    Date.now = real;
  }
}

class Simulation {
  readonly #plan: Plan;
  readonly #machine: Machine;
  readonly #crew: Crew;
  readonly #random: Random;
  readonly #coverage = new Coverage();
  readonly #faults: Fault[];
  /** Share of steps at which the next timer is due although something else could happen. */
  readonly #hurry: number;
  #steps = 0;
  #started = 0;
  #helped = 0;

  constructor(plan: Plan) {
    const { seed, faults } = plan;
    this.#plan = plan;
    this.#random = new Random(seedFor(seed, "run"));
    this.#faults = [...faults];
    this.#hurry = this.#random.pick([0, 0, 0.01, 0.05]);
    this.#machine = new Machine(plan, this.#coverage);
    const shared = {
      database: this.#machine,
      revisions: this.#machine.revisions,
      evaluator,
      decide: this.#coverage.watched(this.#machine.decide),
      problem: (error: unknown) => this.#problem(error),
    };
    const more = this.#random.pick(["dispatcher", "shop", "bank"]);
    this.#crew = new Crew(this.#machine, shared, this.#random, [
      "dispatcher",
      "dispatcher",
      "shop",
      "bank",
      "post",
      more,
    ]);
  }

  get nowMs(): number {
    return this.#machine.schedule.nowMs;
  }

  async run(): Promise<Result> {
    const machine = this.#machine;
    this.#start();
    if (this.#random.chance(0.3)) this.#start();
    await everyoneWaits();
    while (machine.violation === undefined) {
      this.#steps += 1;
      if (this.#steps > STEPS_MAX) machine.violation = "Liveness: it never comes to rest";
      while (this.#faults[0] !== undefined && this.#faults[0].at <= this.#steps) this.#strike();
      if (!this.#step() && !this.#goOn()) break;
      await everyoneWaits();
    }
    machine.violation ??= unfinished(machine);
    this.#crew.end();
    await everyoneWaits();
    const { violation, story } = machine;
    for (const { status } of this.#sagas()) this.#coverage.count("end", status);
    const result = { story, steps: this.#steps, coverage: this.#coverage };
    return violation === undefined ? result : { ...result, violation };
  }

  /** Lets one thing happen; false: nothing can, and no time will change that. */
  #step(): boolean {
    const { schedule, log } = this.#machine;
    if (this.#random.chance(this.#hurry)) this.#passTo(this.#crew.nextTimerMs());
    const moves = [...schedule.ready(), ...this.#crew.deliveries(), ...this.#crew.firings()];
    if (moves.length > 0) {
      this.#random.pick(moves)();
      if (this.#random.chance(0.3)) schedule.nowMs += 1;
      return true;
    }
    // Nobody lets a deadline pass who can help.
    if (this.#machine.isHealed && this.#signalAll()) return true;
    // A timer that is due and no move is being fired: after the clock jumped back its statement may be due later than it.
    const next = [schedule.nextMs(), log.nextMs(schedule.nowMs), this.#crew.nextTimerMs()];
    return this.#passTo(Math.min(...next.filter((ms) => ms > schedule.nowMs)));
  }

  #passTo(ms: number): boolean {
    if (!Number.isFinite(ms)) return false;
    const { schedule } = this.#machine;
    schedule.nowMs = Math.max(schedule.nowMs, ms);
    return true;
  }

  /** Everything rests: the next fault comes, or faults are over and people help what waits for them. */
  #goOn(): boolean {
    const machine = this.#machine;
    if (this.#faults.length > 0) {
      this.#strike();
      return true;
    }
    if (machine.tables.paused) {
      machine.tables.paused = false;
      return true;
    }
    if (!machine.isHealed) machine.violation ??= parkedWithoutReason(machine);
    machine.isHealed = true;
    this.#helped += 1;
    if (this.#helped > HELP_MAX) return false;
    const parked = this.#sagas().filter(({ state }) => state?.parked !== undefined);
    for (const { id } of parked) this.#crew.ask(({ requests }) => requests.retry(id, undefined, "helped", NOBODY));
    return this.#signalAll() || parked.length > 0;
  }

  /** Whatever is waited for comes. */
  #signalAll(): boolean {
    const waits = this.#sagas().flatMap(({ id, state }) =>
      (state?.waitingFor ?? []).map(({ signal }) => ({ id, signal })),
    );
    for (const { id, signal } of waits) this.#signal(id, signal, 5, undefined);
    return waits.length > 0;
  }

  #signal(sagaId: string, signal: string, number: number, idempotencyKey: string | undefined): void {
    const asker = idempotencyKey === undefined ? NOBODY : { ...NOBODY, idempotencyKey };
    this.#crew.ask(({ requests }) => requests.signal(sagaId, signal, { number }, asker));
  }

  #start(): void {
    this.#started += 1;
    const saga: NewSaga = {
      // Delays are spread by it.
      id: childId(new Date(this.nowMs).toISOString(), `${this.#plan.seed} ${this.#started}`),
      definition: this.#plan.root,
      version: 1,
      revision: this.#plan.root,
      unapplied: 0,
      key: null,
      labels: {},
      input: {
        list: Array.from({ length: this.#random.below(4) }, (_none, index) => index),
        choice: this.#random.pick(["one", "two"]),
      },
      traceparent: null,
      writer: null,
      started_at: new Date(this.nowMs),
    };
    this.#crew.ask(({ start }) => start(saga));
  }

  #sagas(): readonly SagaRow[] {
    return [...this.#machine.tables.saga.committed().values()];
  }

  #problem(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#machine.violation ??= `S16: an error that nobody expected: ${text}`;
  }

  #strike(): void {
    const fault = this.#faults.shift() as Fault;
    this.#coverage.count("fault", fault.kind);
    this.#machine.tell(`== ${fault.kind}`);
    this.#hit(fault, new Random(fault.draw));
  }

  #hit({ kind }: Fault, random: Random): void {
    const { schedule, log, tables } = this.#machine;
    switch (kind) {
      case "crash of a dispatcher":
      case "crash of a participant":
        return this.#crew.crash(kind === "crash of a dispatcher");
      case "connection lost before the commit":
      case "connection lost after the commit":
        return this.#crew.cut(kind === "connection lost before the commit" ? "before" : "after");
      case "messages twice":
        return log.repeatSome(random);
      case "a message in error comes again":
        return this.#redrive(random);
      case "a lane delayed":
        return log.delay(schedule.nowMs + random.pick([1_000, 20_000, 100_000]), random);
      case "a group rewound":
        return log.rewindSome(random);
      case "partitions taken away":
        return this.#crew.rebalance();
      case "the clock jumps ahead":
        schedule.nowMs += random.pick([1_000, 15_000, 3_600_000]);
        return;
      case "the clock jumps back":
        schedule.nowMs -= 2_000;
        return;
      case "the dispatcher paused":
        tables.paused = !tables.paused;
        return;
      default:
        return this.#askFor(kind, random);
    }
  }

  #redrive(random: Random): void {
    const { log, tables } = this.#machine;
    const inError = [...tables.consumption.committed().values()].filter(({ error }) => error);
    const row = inError.length === 0 ? undefined : tables.request.committed().get(random.pick(inError).messageId);
    if (row !== undefined) log.append(row);
  }

  /** What people ask of any saga at any time. */
  #askFor(kind: Fault["kind"], random: Random): void {
    const children = kind === "a child cancelled";
    const sagas = this.#sagas().filter(({ parent_id: parent }) => kind !== "a cancel" || parent === null);
    const chosen = children ? sagas.filter(({ parent_id: parent }) => parent !== null) : sagas;
    if (chosen.length === 0) return;
    const { id, definition } = random.pick(chosen);
    if (kind === "an operator retries") this.#crew.ask(({ requests }) => requests.retry(id, undefined, "try", NOBODY));
    else if (kind === "a cancel" || children) this.#crew.ask(({ requests }) => requests.cancel(id, "no more", NOBODY));
    else this.#signalOf(this.#plan.definitions.get(definition) as Definition, id, kind === "a signal twice", random);
  }

  #signalOf(definition: Definition, sagaId: string, twice: boolean, random: Random): void {
    const waits = [...allSteps(definition).values()].flatMap((step) => (step.kind === "wait" ? [step.signal] : []));
    if (waits.length === 0) return;
    const signal = random.pick(waits);
    const number = random.below(6);
    const key = twice ? newId() : undefined;
    this.#signal(sagaId, signal, number, key);
    if (twice) this.#signal(sagaId, signal, number, key);
  }
}

/** Every process has gone on as far as it can: nothing is left to do but what the schedule knows. */
function everyoneWaits(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
