import { createKey, type KeyOrder } from "../../../engine/access/keys.ts";
import type { Api } from "../../../engine/api/api-env.ts";
import type { Engine } from "../../../engine/api/port.ts";
import { type AccessSettings, createApi } from "../../../engine/api/server.ts";
import { type ApiDatabase, apiDatabase } from "../api-database.ts";
import { keptLog, readingEngine } from "../reading-engine.ts";

/** What a caller was answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly code: string | undefined;
}

/** An API that asks who calls, over a database of its own, and keys to call it with. */
export class AccessBench {
  readonly app: Api;
  readonly database: ApiDatabase;

  private constructor(database: ApiDatabase, engine: Engine, access: AccessSettings) {
    this.database = database;
    this.app = createApi({ engine, sql: database.sql, log: keptLog(), access });
  }

  static async open(change: Partial<Engine> = {}, access: Partial<AccessSettings> = {}): Promise<AccessBench> {
    return new AccessBench(await apiDatabase(), readingEngine(change), { ratePerSecond: 0, ...access });
  }

  /** A key that the API takes from now on. */
  async key(order: Partial<KeyOrder> & Pick<KeyOrder, "name" | "role">): Promise<string> {
    const whole = { definitions: null, payloads: false, expiresAt: null, ...order };
    const { key } = await createKey(this.database.sql, whole, "test", { actor: "test" });
    return key as string;
  }

  /** What of it is still read when the answer is a stream: its first event. */
  async call(key: string | null, method: string, path: string, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
    if (body !== undefined) headers["content-type"] = typeof body === "string" ? "text/yaml" : "application/json";
    const sent = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    const response = await this.app.request(path, { method, headers, ...(sent === undefined ? {} : { body: sent }) });
    const text = await textOf(response);
    const isProblem = text !== "" && response.headers.get("content-type") === "application/problem+json";
    return { status: response.status, text, code: isProblem ? (JSON.parse(text) as { code: string }).code : undefined };
  }

  end(): Promise<void> {
    return this.database.end();
  }
}

async function textOf(response: Response): Promise<string> {
  if (!/^text\/event-stream/.test(response.headers.get("content-type") ?? "")) return response.text();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
