import { realpath, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { startConnect } from "../../engine/stack/connect.ts";
import { startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { startKafka } from "../../engine/stack/kafka.ts";
import { type RunningStack, startStack } from "../../engine/stack/start-stack.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** A stack that one drill may take apart; its addresses stay. */
export class OwnStack {
  readonly brokers: string;
  readonly connectUrl: string;
  readonly postgres: { readonly url: string };
  readonly #home: TempHome;
  readonly #data: string;
  #parts: RunningStack;

  private constructor(home: TempHome, data: string, parts: RunningStack) {
    this.brokers = parts.brokers;
    this.connectUrl = parts.connectUrl;
    this.postgres = { url: parts.postgres.url };
    this.#home = home;
    this.#data = data;
    this.#parts = parts;
  }

  static async start(): Promise<OwnStack> {
    const home = await tempHome();
    const parts = await startStack({ home: home.path, java: testJava });
    return new OwnStack(home, await realpath(join(home.path, "postgres")), parts);
  }

  /** Another Kafka at the same address, with nothing in it: the disks of broker and Connect are gone. */
  async wipeKafka(): Promise<void> {
    const { kafka, connect } = this.#parts;
    await this.#killKafka();
    await rm(join(this.#home.path, "kafka"), { recursive: true, force: true });
    const where = { home: this.#home.path, java: testJava };
    const empty = await startKafka({ ...where, port: kafka.port });
    const worker = await startConnect({ ...where, bootstrap: empty.brokers, port: connect.port });
    this.#parts = { ...this.#parts, kafka: empty, connect: worker };
  }

  /** A backup of the data folder, with the server stopped. */
  async backUp(): Promise<void> {
    await this.#parts.postgres.stop();
    await Bun.$`cp -a ${this.#data} ${this.#data}.copy`.quiet();
    await this.#startPostgres();
  }

  /** The backup takes the place of all that was written since. */
  async restore(): Promise<void> {
    await this.#parts.postgres.stop();
    await rm(this.#data, { recursive: true });
    await rename(`${this.#data}.copy`, this.#data);
    await this.#startPostgres();
  }

  async stop(): Promise<void> {
    await this.#killKafka();
    await this.#parts.postgres.stop();
    await rm(`${this.#data}.copy`, { recursive: true, force: true });
    await this.#home.remove();
  }

  async #startPostgres(): Promise<void> {
    const { port } = this.#parts.postgres;
    this.#parts = { ...this.#parts, postgres: await startEmbeddedPostgres({ home: this.#home.path, port }) };
  }

  async #killKafka(): Promise<void> {
    // The worker first: without its broker it would not end before its grace is over.
    for (const part of [this.#parts.connect, this.#parts.kafka]) {
      part.kill("SIGKILL");
      await part.stop();
    }
  }
}
