import { join, resolve } from "node:path";

import type { Health } from "./api/port.ts";
import type { Sql } from "./timeline/database.ts";
import type { Consumer, ConsumerStatus, PartHealth, Transport } from "./transport/port.ts";

const DEADLINE_MS = 3_000;
const HINTS = {
  heartbeat: "Does PostgreSQL answer?",
  auditor: "GET /v1/consumer-groups shows where groups stand.",
  transport: "Do PostgreSQL and, with KAFKA_BROKERS, the brokers answer?",
};

const STUCK = "GET /v1/consumer-groups shows lag and members; GET /v1/messages?error=true what fails.";
const FULL =
  "See to the system that this action calls: until it answers, this group takes in nothing more. Other groups go on.";

function databaseHint(ownServer: string | null): string {
  if (ownServer === null) return "Is PostgreSQL up, and does DATABASE_URL point at it?";
  const log = join(resolve(ownServer), "postgres.log");
  return `The engine starts its own PostgreSQL again when it has ended; its log is ${log}.`;
}

/** Whether this process can do its work, part by part, and what to do about what is red. */
export class HealthCheck {
  readonly #database: Question;
  readonly #transport: Question;
  readonly #heartbeat: Question;
  readonly #auditor: Question;
  readonly #consumers: () => readonly Consumer[];
  readonly #more: () => readonly PartHealth[];

  /** `more`: lines that need not be asked for. `ownServer`: the home of the database that the engine itself keeps. */
  constructor(
    sql: Sql,
    transport: Transport,
    consumers: () => readonly Consumer[],
    loops: { readonly heartbeat: () => Promise<readonly PartHealth[]>; readonly auditor: () => Promise<PartHealth> },
    more: () => readonly PartHealth[] = () => [],
    ownServer: string | null = null,
  ) {
    this.#heartbeat = new Question("heartbeat", HINTS.heartbeat, loops.heartbeat);
    this.#more = more;
    this.#database = new Question("database", databaseHint(ownServer), async () => {
      await sql`select 1`;
      return [{ part: "database", ok: true, detail: "answers" }];
    });
    this.#transport = new Question("transport", HINTS.transport, () => transport.health());
    this.#auditor = new Question("auditor", HINTS.auditor, async () => [await loops.auditor()]);
    this.#consumers = consumers;
  }

  /** Answers within the deadline, whatever is silent. */
  async look(): Promise<Health> {
    const asked = [this.#database, this.#transport, this.#heartbeat, this.#auditor].map((question) =>
      question.answer(),
    );
    const parts = [
      ...(await Promise.all(asked)).flat(),
      ...this.#consumers().map((consumer) => consumerHealth(consumer.status())),
      ...this.#more(),
    ];
    return { ready: parts.every((part) => part.ok), parts };
  }
}

/** Asks one part, once at a time: probes that come while it is silent must not pile up behind the first. */
class Question {
  readonly #part: string;
  readonly #hint: string;
  readonly #ask: () => Promise<readonly PartHealth[]>;
  #asked: Promise<readonly PartHealth[]> | undefined;

  constructor(part: string, hint: string, ask: () => Promise<readonly PartHealth[]>) {
    this.#part = part;
    this.#hint = hint;
    this.#ask = ask;
  }

  async answer(): Promise<readonly PartHealth[]> {
    this.#asked ??= this.#ask()
      .catch((error: unknown) => this.#red(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#asked = undefined;
      });
    const late = this.#red(`no answer within ${DEADLINE_MS} ms`);
    return Promise.race([this.#asked, Bun.sleep(DEADLINE_MS).then(() => late)]);
  }

  #red(detail: string): readonly PartHealth[] {
    return [{ part: this.#part, ok: false, detail, hint: this.#hint }];
  }
}

/** One member of a group as a line of a health report. One that does its work, but with a warning, is well and has a hint. */
export function consumerHealth({ group, state, inHand, problem, warning }: ConsumerStatus): PartHealth {
  const part = `consumer ${group}`;
  const ok = problem === undefined && ["running", "paused", "standby"].includes(state);
  const words = problem ?? warning;
  const detail = `${state}, ${inHand} messages in hand${words === undefined ? "" : `: ${words}`}`;
  const hint = ok ? (warning === undefined ? undefined : FULL) : STUCK;
  return { part, ok, detail, ...(hint === undefined ? {} : { hint }) };
}
