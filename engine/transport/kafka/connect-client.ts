import { KafkaTransportError, reasonOf } from "./kafka-error.ts";

/** State of a connector or a task in Kafka Connect. */
export type ConnectState = "UNASSIGNED" | "RUNNING" | "PAUSED" | "STOPPED" | "FAILED" | "RESTARTING";

/** `GET /connectors/<name>/status`, as far as it matters here. */
export interface ConnectorStatus {
  readonly connector: { readonly state: ConnectState; readonly trace?: string };
  readonly tasks: readonly { readonly id: number; readonly state: ConnectState; readonly trace?: string }[];
}

const CALL_TIMEOUT_MS = 10_000;
const PAUSE_MS = 300;
/** Connect that was started a moment ago is no news. */
const TOLD_AFTER_MS = 3_000;

/** The REST interface of Kafka Connect, for one connector. */
export class ConnectClient {
  readonly #url: string;
  readonly #connector: string;

  constructor(url: string, connector: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#connector = connector;
  }

  /**
   * Makes the connector exist with this configuration, waiting for Connect to be up. Leaves one that has it already
   * alone, since every PUT restarts it. False: nothing was to be done. `waits` is called once, when it has been waited
   * for a while, with the reason.
   * @throws KafkaTransportError `connector.unreachable`, `connector.refused`
   */
  async put(
    config: Readonly<Record<string, string>>,
    timeoutMs: number,
    waits?: (reason: string) => void,
  ): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    const register = async () => {
      const present = await this.#call("GET", "/config");
      if (present.status === 200 && sameConfig(await present.json(), config)) return false;
      const answer = await this.#call("PUT", "/config", config);
      if (answer.ok) return true;
      throw await refusal(answer);
    };
    return this.#retry(deadline, register, waits);
  }

  /** What Connect can run. @throws as `put`. */
  async plugins(): Promise<readonly { readonly class: string; readonly version: string }[]> {
    const answer = await this.#ask("GET", "/connector-plugins");
    if (!answer.ok) throw await refusal(answer);
    return (await answer.json()) as { class: string; version: string }[];
  }

  /** Undefined: Connect does not know the connector. @throws as `put`. */
  async status(): Promise<ConnectorStatus | undefined> {
    const answer = await this.#call("GET", "/status");
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw await refusal(answer);
    return (await answer.json()) as ConnectorStatus;
  }

  /** Restarts what has failed: connector, task or both. Without anything failed it does nothing. */
  async restartFailed(): Promise<void> {
    await this.#demand("POST", "/restart?includeTasks=true&onlyFailed=true");
  }

  /** Restarts the connector and all of its tasks. */
  async restart(): Promise<void> {
    await this.#demand("POST", "/restart?includeTasks=true&onlyFailed=false");
  }

  /** Forgets how far a stopped connector has read. @throws as `put`; for one that is not stopped `connector.refused` */
  async forgetOffsets(): Promise<void> {
    await this.#demand("DELETE", "/offsets");
  }

  /** Stops the connector: its offsets stay, its tasks end, its slot is free. */
  async stop(): Promise<void> {
    await this.#demand("PUT", "/stop");
  }

  async resume(): Promise<void> {
    await this.#demand("PUT", "/resume");
  }

  /** Up to where in PostgreSQL's log the connector has read; null: nowhere yet, or it is not registered. */
  async position(): Promise<bigint | null> {
    const answer = await this.#call("GET", "/offsets");
    if (answer.status === 404) return null;
    if (!answer.ok) throw await refusal(answer);
    const { offsets } = (await answer.json()) as { offsets?: readonly { offset?: { lsn?: unknown } }[] };
    const lsn = offsets?.[0]?.offset?.lsn;
    return typeof lsn === "number" ? BigInt(lsn) : null;
  }

  /** Removes the connector; one that does not exist is no error. */
  async remove(): Promise<void> {
    await this.#retry(Date.now() + 2 * CALL_TIMEOUT_MS, async () => {
      const answer = await this.#call("DELETE", "");
      if (!answer.ok && answer.status !== 404) throw await refusal(answer);
    });
  }

  async #demand(method: string, path: string): Promise<void> {
    await this.#retry(Date.now() + 2 * CALL_TIMEOUT_MS, async () => {
      const answer = await this.#call(method, path);
      if (!answer.ok) throw await refusal(answer);
    });
  }

  /** Again while Connect is down, or its workers are dividing the work anew (409). */
  async #retry<T>(deadline: number, act: () => Promise<T>, waits?: (reason: string) => void): Promise<T> {
    let tellAt = Date.now() + TOLD_AFTER_MS;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        const final = !(error instanceof KafkaTransportError) || error.code === "connector.refused";
        if (final || Date.now() >= deadline) throw error;
        if (Date.now() >= tellAt) {
          tellAt = Number.POSITIVE_INFINITY;
          waits?.(error.message);
        }
        await Bun.sleep(PAUSE_MS);
      }
    }
  }

  /** About the connector. */
  #call(method: string, path: string, body?: Readonly<Record<string, string>>): Promise<Response> {
    return this.#ask(method, `/connectors/${encodeURIComponent(this.#connector)}${path}`, body);
  }

  async #ask(method: string, path: string, body?: Readonly<Record<string, string>>): Promise<Response> {
    try {
      return await fetch(`${this.#url}${path}`, {
        method,
        headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
    } catch (error) {
      throw unreachable(`Kafka Connect at ${this.#url} does not answer: ${reasonOf(error)}`);
    }
  }
}

function unreachable(message: string): KafkaTransportError {
  const hint = "Is Kafka Connect running? Try: curl $KAFKA_CONNECT_URL/connectors";
  return new KafkaTransportError("connector.unreachable", message, hint);
}

/** 4xx but 409 (rebalancing) is final; anything else may pass. The answer holds no secret: Connect masks values. */
async function refusal(answer: Response): Promise<KafkaTransportError> {
  const text = await answer.text();
  const message = `Kafka Connect answers ${answer.status}: ${text.slice(0, 500)}`;
  if (answer.status === 409 || answer.status >= 500) return unreachable(message);
  const hint = "Is Debezium's PostgreSQL connector 3.7 on Connect's plugin path? Compare `ekiden connector`.";
  return new KafkaTransportError("connector.refused", message, hint);
}

function sameConfig(present: unknown, wanted: Readonly<Record<string, string>>): boolean {
  if (typeof present !== "object" || present === null) return false;
  const entries = Object.entries(present);
  return entries.length === Object.keys(wanted).length && entries.every(([name, value]) => wanted[name] === value);
}
