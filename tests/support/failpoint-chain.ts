import { expect } from "bun:test";
import type postgres from "postgres";
import { root } from "../architecture/project-files.ts";
import { eventually } from "./engine.ts";
import { launch } from "./engine-process.ts";
import { COURSE, CourseClients, faultsOfCourse } from "./course-run.ts";
import { writeRequest } from "./kafka.ts";

/** Sagas that each engine of a chain gets. */
const SAGAS = 3;

/** What is done at an engine so that it comes to its failpoint, beside sagas; by the loop's name. */
const OCCASIONS: Readonly<Record<string, (chain: FailpointChain) => Promise<void>>> = {
  "start-message": (chain) => chain.tell(),
  rewind: (chain) =>
    chain.call("/v1/consumer-groups/course/rewind", { timestamp: "2020-01-01T00:00:00Z", reason: "test" }),
  republish: (chain) => chain.call("/v1/republish", { topic: "course.begin", reason: "test" }),
  redrive: (chain) => chain.redrive(),
  auditor: (chain) => chain.lose(),
};

/**
 * Engines one after the other on one database, each with a failpoint: it gets sagas, dies of its failpoint, and what it
 * left is carried on by the next, which may die of it. The last one has no failpoint, and all sagas must end.
 */
export class FailpointChain {
  readonly sql: postgres.Sql;
  readonly #environment: Record<string, string>;
  readonly #tree: string;
  readonly #clients = new CourseClients(() => this.#url());
  #engine: ReturnType<typeof launch> | undefined;

  constructor(sql: postgres.Sql, environment: Record<string, string>, tree = root) {
    this.sql = sql;
    this.#environment = { ...environment, EKIDEN_DOMAINS: COURSE, EKIDEN_TEST: "1" };
    this.#tree = tree;
  }

  /** Runs an engine until its failpoint kills it. */
  async dies(failpoint: string, name = failpoint): Promise<void> {
    const [loop = ""] = failpoint.split(".");
    const engine = this.#launch({ EKIDEN_FAILPOINT: failpoint });
    this.#clients.begin(name, SAGAS);
    const occasion = OCCASIONS[loop]?.(this).catch(() => {});
    const timer = setTimeout(() => engine.child.kill("SIGTERM"), 45_000);
    await engine.child.exited;
    clearTimeout(timer);
    expect({ failpoint, ended: engine.child.signalCode, said: saidOf(engine) }).toMatchObject({
      failpoint,
      ended: "SIGKILL",
    });
    await occasion;
  }

  /** What sagas have left behind when an engine without a failpoint has had so long for them; nothing: as soon as all is well. */
  async leaves(withinMs: number): Promise<readonly string[]> {
    this.#launch({});
    const until = performance.now() + withinMs;
    for (;;) {
      const faults = await faultsOfCourse(this.sql);
      if (faults.length === 0 || performance.now() > until) return faults;
      await Bun.sleep(100);
    }
  }

  /** Starts an engine without a failpoint, with sagas to run. */
  async runs(name: string, sagas: number): Promise<number> {
    const engine = this.#launch({});
    this.#clients.begin(name, sagas);
    await eventually("the engine listens", async () => this.#url() !== "", 60_000);
    return engine.child.pid;
  }

  /** Runs an engine without a failpoint until every saga has ended and every effect stands there once. */
  async heals(): Promise<void> {
    const engine = this.#launch({});
    await this.#clients.answered();
    await eventually(
      "every saga ends, each effect once",
      async () => {
        const faults = await faultsOfCourse(this.sql);
        if (faults.length > 0) throw new Error(`${faults.slice(0, 3).join("\n")}\n${saidOf(engine)}`);
        return true;
      },
      90_000,
    );
  }

  async end(): Promise<void> {
    this.#engine?.child.kill("SIGKILL");
    await this.#engine?.child.exited;
  }

  /** Another program writes a message that starts a saga. */
  async tell(): Promise<void> {
    const key = crypto.randomUUID();
    await eventually("the topic is known", async () => {
      const known = await this.sql`select from timeline.topic where name = 'course.asked'`;
      return known.length === 1;
    });
    await writeRequest(this.sql, { key, topic: "course.asked", type: "asked", body: { note: key } });
  }

  /** One call of an operator, once the engine listens. */
  async call(path: string, body: object): Promise<void> {
    await eventually("the engine answers", async () => {
      if (this.#isGone) return true;
      const response = await fetch(`${this.#url()}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return response.status < 500;
    });
  }

  /** A message that failed is sent again. */
  async redrive(): Promise<void> {
    await this.call("/v1/sagas/hopeless", { note: "x" });
    await eventually("a message has failed", async () => {
      if (this.#isGone) return true;
      const failed = await this.sql`select from timeline.event_consumption where error_flag`;
      return failed.length > 0;
    });
    await this.call("/v1/redrives", { filter: { group: "course" }, reason: "test" });
  }

  /** A row of the topic log is gone before anybody has read it, and it is late. */
  async lose(): Promise<void> {
    await this.call("/v1/consumer-groups/course/pause", { reason: "test" });
    // The sagas that came with the engine may be through already.
    await this.tell();
    await eventually("it is deleted", async () => {
      if (this.#isGone) return true;
      const rows = await this.sql`
        delete from timeline.topic_log l where l.topic = 'course.begin' and not exists (
          select from timeline.event_consumption c where c.consumer_group = 'course' and c.message_id = l.message_id)
        returning topic
      `;
      return rows.length > 0;
    });
    await this.call("/v1/consumer-groups/course/resume", { reason: "test" });
    await this.sql`update timeline.event_request set requested_at = requested_at - interval '1 hour'`;
  }

  /** What was asked of an engine that has died of its failpoint is not asked again. */
  get #isGone(): boolean {
    return this.#engine?.child.signalCode === "SIGKILL";
  }

  #launch(more: Record<string, string>) {
    this.#engine = launch(this.#tree, { ...this.#environment, ...more });
    return this.#engine;
  }

  #url(): string {
    const url = /API {2,}(http:\/\/127\.0\.0\.1:\d+)/.exec(this.#engine?.output() ?? "")?.[1];
    if (url === undefined) throw new Error("no engine listens");
    return url;
  }
}

function saidOf(engine: ReturnType<typeof launch>): string {
  return engine.output().slice(-1_500);
}
