import { isNoOutcome } from "../../engine/timeline/database.ts";
import type { Verdict } from "../../engine/transport/port.ts";
import type { Machine } from "./machine.ts";
import {
  type DispatcherParts,
  dispatcherProcess,
  kill,
  participantProcess,
  type Process,
  type Shared,
} from "./process.ts";
import type { Random } from "./random.ts";
import type { Handed } from "./topic-log.ts";

/** Batches that a process works on at once. */
const LANES = 2;

/** The engine's processes of a run: several dispatchers and participants, of which any may die and is replaced. */
export class Crew {
  readonly #machine: Machine;
  readonly #shared: Shared;
  readonly #random: Random;
  #processes: Process[] = [];
  #born = 0;

  constructor(machine: Machine, shared: Shared, random: Random, groups: readonly string[]) {
    this.#machine = machine;
    this.#shared = shared;
    this.#random = random;
    for (const group of groups) this.#beget(group);
  }

  /** What could be handed out now, each to a process that is free. */
  deliveries(): (() => void)[] {
    const { log, schedule, tables } = this.#machine;
    return log.hungry(schedule.nowMs).flatMap((group) => {
      if (group === "dispatcher" && tables.paused) return [];
      const free = this.#processes.filter((process) => process.group === group && process.tokens.size < LANES);
      return free.map((process) => () => this.#deliver(process));
    });
  }

  /** Dispatchers that could fire timers. */
  firings(): (() => void)[] {
    if (this.nextTimerMs() > this.#machine.schedule.nowMs) return [];
    return this.#processes.flatMap((process) => {
      const { dispatcher, isFiring } = process;
      return dispatcher === undefined || isFiring ? [] : [() => this.#fire(process, dispatcher)];
    });
  }

  nextTimerMs(): number {
    const { tables } = this.#machine;
    if (tables.paused) return Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    const sagas = tables.saga.committed();
    for (const { saga_id: sagaId, dueAt } of tables.timer.committed().values()) {
      // The timers of a saga wait until what was recorded for it is applied.
      if (sagas.get(sagaId)?.unapplied === 0) least = Math.min(least, Date.parse(dueAt));
    }
    return least;
  }

  /** Has a dispatcher do something for a person; what the engine refuses is refused, a lost connection is the caller's. */
  ask(call: (dispatcher: DispatcherParts) => Promise<unknown>): void {
    const { dispatcher } = this.#one((process) => process.dispatcher !== undefined);
    if (dispatcher === undefined) return;
    void call(dispatcher).catch((error: unknown) => {
      const code = String((error as { code?: unknown }).code);
      if (!isNoOutcome(error) && !/^(saga|signal)\./.test(code)) this.#shared.problem(error);
    });
  }

  /** A process dies in the middle of whatever it does; another takes its place. */
  crash(ofDispatcher: boolean): void {
    const victim = this.#one((process) => (process.dispatcher !== undefined) === ofDispatcher);
    this.#machine.tell(`${victim.client.name} dies`);
    this.#end(victim);
    this.#beget(victim.group);
  }

  /** A process loses its partitions to the others and does not know it yet. */
  rebalance(): void {
    const loser = this.#one(() => true);
    this.#machine.tell(`the partitions of ${loser.client.name} are taken away`);
    this.#machine.log.takeBack(loser.group, loser.tokens);
  }

  /** The connection of a dispatcher is lost at its next commit. */
  cut(when: "before" | "after"): void {
    this.#one((process) => process.dispatcher !== undefined).client.cut = when;
  }

  end(): void {
    for (const process of this.#processes) this.#end(process);
    this.#processes = [];
  }

  #one(wanted: (process: Process) => boolean): Process {
    return this.#random.pick(this.#processes.filter(wanted));
  }

  #end(process: Process): void {
    kill(this.#machine, process);
    this.#machine.log.takeBack(process.group, process.tokens);
    this.#processes = this.#processes.filter((one) => one !== process);
  }

  #beget(group: string): void {
    this.#born += 1;
    const name = `${group}-${this.#born}`;
    const process =
      group === "dispatcher"
        ? dispatcherProcess(this.#shared, name)
        : participantProcess(this.#shared, group, name, (client) => this.#machine.outsideOf(client));
    this.#processes.push(process);
  }

  #deliver(process: Process): void {
    const { log, schedule } = this.#machine;
    const handed = log.hand(process.group, schedule.nowMs, this.#random);
    process.tokens.add(handed.token);
    this.#machine.tell(() => `${process.client.name} takes ${inWords(handed)}`);
    void this.#handled(process, handed).then((verdicts) => {
      process.tokens.delete(handed.token);
      log.settle(handed, verdicts, schedule.nowMs);
    });
  }

  async #handled(process: Process, { deliveries, alone }: Handed): Promise<readonly Verdict[]> {
    try {
      return await process.handle(deliveries, alone);
    } catch (error) {
      if (!isNoOutcome(error) && (error as { code?: unknown }).code !== "55000") this.#shared.problem(error);
      return deliveries.map(() => "again");
    }
  }

  #fire(process: Process, dispatcher: DispatcherParts): void {
    process.isFiring = true;
    const ended = () => {
      process.isFiring = false;
    };
    void dispatcher.fire().then(ended, (error: unknown) => {
      if (!isNoOutcome(error)) this.#shared.problem(error);
      ended();
    });
  }
}

function inWords({ deliveries, alone }: Handed): string {
  const names = deliveries.map(({ headers }) => {
    const { type, step_key: stepKey, attempt } = headers;
    const path = stepKey === null || stepKey === undefined ? "" : ` ${stepKey.slice(stepKey.indexOf("/") + 1)}`;
    return `${type}${path}${attempt === null || attempt === undefined ? "" : ` #${attempt}`}`;
  });
  return `${names.join(" and ")}${alone ? ", alone" : ""}`;
}
