import { join } from "node:path";
import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { followPlans } from "./plan.ts";

/** Groups of the lab's engine. */
export const GROUPS = ["dispatcher", "lab", "lab.ends"] as const;
const PATIENCE_MS = 20_000;

/** The engine under test, and the calls that commands make. */
export class Real {
  readonly lab: TestEngine;
  readonly client: Client;
  readonly #domains: EditableDomains;

  private constructor(lab: TestEngine, domains: EditableDomains) {
    this.lab = lab;
    this.client = new Client(() => lab.url);
    this.#domains = domains;
  }

  static async open(): Promise<Real> {
    followPlans();
    const domains = await editableLab(join(import.meta.dir, "../support/modelled"));
    return new Real(await testEngine("embedded", { domains: domains.path }), domains);
  }

  /** As a careful client: sent again under the same Idempotency-Key until there is an answer that says something. */
  async call(
    path: string,
    body: object,
    idempotencyKey: string = crypto.randomUUID(),
  ): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
    const key = { "idempotency-key": idempotencyKey };
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        const { status, json } = await this.client.call("POST", path, body, key);
        if (status < 500) return { status, json };
        if (performance.now() > until)
          throw new GaveUp(`POST ${path} still answers ${status}: ${JSON.stringify(json)}`);
      } catch (error) {
        if (error instanceof GaveUp || performance.now() > until) throw error;
      }
      await Bun.sleep(50);
    }
  }

  async close(): Promise<void> {
    await this.lab.close();
    await this.#domains.remove();
  }
}

class GaveUp extends Error {}
