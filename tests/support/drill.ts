import { expect } from "bun:test";
import { join } from "node:path";
import { type Admin, Kafka, logLevel } from "kafkajs";
import postgres from "postgres";

import { root } from "../architecture/project-files.ts";
import { Client } from "./client.ts";
import { DrillClock } from "./drill-clock.ts";
import { eventually } from "./engine.ts";
import { type EngineProcess, startProcess } from "./engine-process.ts";
import { effects, inTheBook, ledgerEntries, ofCompletedSagas } from "./onboarding-effects.ts";
import { OperatorShell } from "./operator-shell.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import { type RunbookEntry, type RunbookPart, runbookEntry } from "./runbook.ts";
import { testStack } from "./stack.ts";

/** How long anything may take. What it took is measured, never asserted. */
export const DRILL_MS = 900_000;

/** Where the parts answer at this moment: a drill may start one of them anew. */
interface DrillStack {
  readonly postgres: { readonly url: string };
  readonly brokers: string;
  readonly connectUrl: string;
}

/** Of one wait within it. */
export const PATIENCE_MS = 240_000;

interface DrillOptions {
  /** A tree whose code is edited; the project's own by default. */
  readonly folder?: string;
  /** The run's stack by default. */
  readonly stack?: DrillStack;
}

interface HealthPart {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
}

const APPLICATIONS = (await Bun.file(join(root, "domains/data/applications.ndjson")).text()).trim().split("\n");
const HELD = "the drill keeps messages in Kafka";
const COMPLETED = { registered: 1, screened: 1, contract: 1, booked: 1, mail: 1, entry: 1 };
const UNDONE = { cancelled: 1, voided: 1 };

/** A disaster and the way back: engine processes on a real stack, applications that run through it, and the runbook. */
export class Drill {
  clock = new DrillClock("");
  readonly sql: postgres.Sql;
  readonly shell: OperatorShell;
  /** The names of topics, groups, slot and connector begin with it. */
  readonly prefix = `d${crypto.randomUUID().slice(0, 8)}.`;
  readonly client = new Client(() => this.url);
  readonly engines: EngineProcess[] = [];
  readonly #folder: string;
  readonly #stack: DrillStack;
  readonly #database: FreshDatabase;
  #entry: RunbookEntry | undefined;
  #applications = 0;

  private constructor(folder: string, stack: DrillStack, database: FreshDatabase) {
    this.#folder = folder;
    this.#stack = stack;
    this.#database = database;
    this.sql = postgres(database.url, { max: 4, onnotice: () => {} });
    this.shell = new OperatorShell(folder, () => ({ ...this.environment, EKIDEN_URL: this.url }));
  }

  /** A database and names of its own; engines are started by `run`. */
  static async open({ folder = root, stack }: DrillOptions = {}): Promise<Drill> {
    const parts = stack ?? (await testStack());
    return new Drill(folder, parts, await freshDatabase(parts.postgres));
  }

  /** Opens the runbook at an entry: the drill begins. */
  async turnTo(title: string): Promise<void> {
    this.#entry = await runbookEntry(title);
    this.clock = new DrillClock(title);
    this.clock.engines = this.engines.length;
  }

  /** What an engine and an operator's terminal have in common. */
  get environment(): Record<string, string> {
    return {
      DATABASE_URL: this.#database.url,
      KAFKA_BROKERS: this.#stack.brokers,
      KAFKA_CONNECT_URL: this.#stack.connectUrl,
      KAFKA_PARTITIONS: "2",
      EKIDEN_PREFIX: this.prefix,
    };
  }

  /** Of an engine that runs. */
  get url(): string {
    return this.engines.at(-1)?.url ?? "";
  }

  get connector(): string {
    return `${this.prefix}ekiden-outbox`;
  }

  get slot(): string {
    return `${this.prefix.replace(/[^a-z0-9_]/g, "_")}ekiden_outbox`;
  }

  /** Starts engine processes that share the work. */
  async run(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) this.engines.push(await startProcess(this.#folder, this.environment));
    this.clock.engines = this.engines.length;
  }

  /** Ends all engine processes as an operator does, or by force. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const codes = await Promise.all(this.engines.splice(0).map((engine) => engine.end(signal)));
    if (signal === "SIGTERM") expect(codes).toEqual(codes.map(() => 0));
  }

  /** Starts the sagas of the next `count` applications, each once whatever happens meanwhile. */
  async apply(count: number): Promise<void> {
    const lines = APPLICATIONS.slice(this.#applications, this.#applications + count);
    expect(lines).toHaveLength(count);
    this.#applications += count;
    this.clock.sagas += count;
    await Promise.all(lines.map((line) => this.#start(line)));
  }

  /** Starts the last `count` applications once more: the database has forgotten them. */
  async applyAgain(count: number): Promise<void> {
    await Promise.all(APPLICATIONS.slice(this.#applications - count, this.#applications).map((it) => this.#start(it)));
  }

  /** Pauses a group, so that what is for it stays in Kafka. */
  async hold(group: string): Promise<void> {
    await this.client.ok("POST", `/v1/consumer-groups/${group}/pause`, { reason: HELD });
  }

  /** Lets a group go on. */
  async release(group: string): Promise<void> {
    await eventually(
      `${group} goes on`,
      () => this.client.ok("POST", `/v1/consumer-groups/${group}/resume`, { reason: HELD }).then(() => true),
      PATIENCE_MS,
    );
  }

  /** Waits until all sagas that move by themselves wait for this group, and their commands lie in Kafka. */
  async waitsFor(group: string): Promise<void> {
    await eventually(
      `all wait for ${group}`,
      async () => {
        const left = await this.onTheirWay();
        const sagas = left.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0);
        const { lag } = (await this.client.ok("GET", `/v1/consumer-groups/${group}`)) as { lag: number };
        return sagas > 0 && lag === sagas;
      },
      PATIENCE_MS,
    );
  }

  /** Waits until the database has noted that a topic is as long as it is now. */
  async keptInMind(topic: string): Promise<void> {
    await eventually(
      `the length of ${topic} is noted`,
      async () => {
        const [row] = await this.sql<{ noted: number }[]>`
          select coalesce(sum("end"), 0)::integer as noted from timeline.kafka_position where topic = ${topic}
        `;
        const now = await this.withAdmin((admin) => admin.fetchTopicOffsets(this.prefix + topic));
        return row?.noted === now.reduce((sum, { high }) => sum + Number(high), 0);
      },
      PATIENCE_MS,
    );
  }

  /** Drops the replication slot under the connector that reads it. */
  async dropSlot(): Promise<void> {
    await eventually(
      "the slot is dropped",
      async () => {
        await this.sql`
          select pg_terminate_backend(active_pid) from pg_replication_slots
          where slot_name = ${this.slot} and active_pid is not null
        `;
        await this.sql`select pg_drop_replication_slot(${this.slot})`;
        return true;
      },
      PATIENCE_MS,
    );
  }

  /** Whether the slot exists and the connector reads it. */
  async slotIsRead(): Promise<boolean> {
    const rows = await this.sql`select 1 from pg_replication_slots where slot_name = ${this.slot} and active`;
    return rows.length === 1;
  }

  /** Runs the commands of a part of the entry as they stand there. Returns what they printed; each must end with 0. */
  async follow(part: RunbookPart, values: Readonly<Record<string, string>> = {}): Promise<string> {
    const commands = this.#entry?.commands[part] ?? [];
    expect(commands).not.toEqual([]);
    let printed = "";
    for (const template of commands) {
      const command = Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), template);
      const { code, output } = await this.shell.run(command);
      if (code !== 0) throw new Error(`${part}: exit code ${code} of:\n${command}\n${output}`);
      printed += output;
    }
    return printed;
  }

  /** The parts of `/health/ready` that are red, as `part: detail`. */
  async red(): Promise<string[]> {
    const { parts } = (await this.client.call("GET", "/health/ready")).json as { parts: HealthPart[] };
    return parts.filter(({ ok }) => !ok).map(({ part, detail }) => `${part}: ${detail}`);
  }

  /** Waits until a part is red whose line fits; returns the line. */
  async turnsRed(pattern: RegExp): Promise<string> {
    const line = await eventually(
      `red: ${pattern}`,
      async () => (await this.red()).find((one) => pattern.test(one)),
      PATIENCE_MS,
    );
    this.clock.noticed();
    return line;
  }

  /** Waits until every engine is ready. */
  async ready(): Promise<void> {
    for (const engine of this.engines) {
      const client = new Client(() => engine.url);
      await eventually(
        "the engine is ready",
        async () => {
          const { status, json } = await client.call("GET", "/health/ready");
          if (status === 200) return true;
          throw new Error(JSON.stringify((json as { parts: HealthPart[] }).parts.filter(({ ok }) => !ok)));
        },
        PATIENCE_MS,
      );
    }
  }

  /** Waits until no saga moves by itself: each has ended, or waits for its reviewer. */
  async settled(): Promise<void> {
    await eventually(
      "no saga is on its way",
      async () => {
        const left = await this.onTheirWay();
        if (left.length === 0) return true;
        throw new Error(`${left.join(", ")}; red: ${(await this.red()).join("; ")}`);
      },
      PATIENCE_MS,
    );
  }

  /** Sagas that are open and wait for no reviewer, by the state of their newest step: `3 running at screen: running`. */
  async onTheirWay(): Promise<string[]> {
    const rows = await this.sql<{ sagas: number; status: string; path: string | null; step: string | null }[]>`
      select count(*)::integer as sagas, s.status, t.path, t.status as step
      from timeline.saga s join timeline.saga_open o on o.saga_id = s.id left join lateral (
        select path, status from timeline.saga_step where saga_id = s.id order by started_at desc limit 1) t on true
      where not (coalesce(t.path, '') like '%/review' and t.status = 'waiting')
      group by 2, 3, 4 order by 2, 3, 4
    `;
    return rows.map(({ sagas, status, path, step }) => `${sagas} ${status} at ${path}: ${step}`);
  }

  /**
   * Waits until all is well again: engines ready, nothing on its way, no lag. Then the reviewer approves what waits, and
   * every saga must have ended with each of its effects once, or with all of them undone.
   */
  async healed(): Promise<void> {
    await this.settled();
    await this.ready();
    this.clock.healed();
    await this.approve();
    await this.settled();
    const [row] = await this.sql<{ completed: number; failed: number }[]>`
      select count(*) filter (where status = 'completed')::integer as completed,
        count(*) filter (where status = 'failed')::integer as failed from timeline.saga
    `;
    const { completed = 0, failed = 0 } = row ?? {};
    // A notification is not waited for by its saga.
    await eventually("the ledger has all", async () => (await ledgerEntries(this.sql)) >= completed, PATIENCE_MS);
    await eventually("no lag", async () => (await this.lag()) === 0, PATIENCE_MS);
    expect(await effects(this.sql)).toEqual([
      { status: "completed", uncompensated: 0, rows: COMPLETED, sagas: completed },
      { status: "failed", uncompensated: 0, rows: UNDONE, sagas: failed },
    ]);
    expect(await inTheBook(this.sql)).toEqual(await ofCompletedSagas(this.sql));
    expect(completed + failed).toBe(this.#applications);
    expect(Math.min(completed, failed)).toBeGreaterThan(0);
    this.clock.report();
  }

  /** The reviewer approves whatever waits. */
  async approve(): Promise<void> {
    const waiting = await this.sql<{ id: string }[]>`
      select saga_id as id from timeline.saga_step where path like '%/review' and status = 'waiting'
    `;
    for (const { id } of waiting)
      await this.client.ok("POST", `/v1/sagas/${id}/signals/screening_reviewed`, {
        decision: "approve",
        reviewer: "R. Sato",
      });
  }

  /** Of all groups together. */
  async lag(): Promise<number> {
    const { items } = (await this.client.ok("GET", "/v1/consumer-groups")) as { items: { lag: number }[] };
    return items.reduce((sum, { lag }) => sum + lag, 0);
  }

  /** What operators did, oldest first: action, target and reason. */
  async audit(): Promise<(readonly [string, string, string | null])[]> {
    const rows = await this.sql<{ actor: string; action: string; target: string; reason: string | null }[]>`
      select actor, action, target, reason from timeline.audit order by at
    `;
    expect(rows.filter(({ actor }) => actor === "")).toEqual([]);
    return rows.map(({ action, target, reason }) => [action, target, reason] as const);
  }

  /** Lets a bare client of Kafka do what an operator of Kafka might. */
  async withAdmin<T>(act: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.kafka().admin();
    await admin.connect();
    try {
      return await act(admin);
    } finally {
      await admin.disconnect();
    }
  }

  kafka(): Kafka {
    return new Kafka({ brokers: [this.#stack.brokers], clientId: "ekiden-drill", logLevel: logLevel.NOTHING });
  }

  async deleteConnector(): Promise<void> {
    await fetch(`${this.#stack.connectUrl}/connectors/${this.connector}`, { method: "DELETE" });
  }

  async connectorExists(): Promise<boolean> {
    const response = await fetch(`${this.#stack.connectUrl}/connectors`);
    return ((await response.json()) as string[]).includes(this.connector);
  }

  async close(): Promise<void> {
    await this.end("SIGKILL");
    await this.deleteConnector().catch(() => undefined);
    await this.sql.end({ timeout: 5 });
    await this.#database.drop();
    await this.shell.close();
  }

  async #start(line: string): Promise<void> {
    const headers = { "idempotency-key": (JSON.parse(line) as { applicationNo: string }).applicationNo };
    await eventually(
      "the application is accepted",
      async () => {
        const { status, json } = await this.client.call("POST", "/v1/sagas/onboarding", JSON.parse(line), headers);
        if (status === 200 || status === 201) return true;
        throw new Error(`start answered ${status}: ${JSON.stringify(json)}`);
      },
      PATIENCE_MS,
    );
  }
}
