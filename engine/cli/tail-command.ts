import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type * as v from "valibot";

import { StreamEvent } from "../api/stream-schema.ts";
import { Saga } from "../api/saga-schema.ts";
import { isFinal } from "../core/state.ts";
import { oneLine } from "../telemetry/printable.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call, openStream, StreamRefused } from "./client.ts";
import { expect, type OutputOptions, withJson } from "./output.ts";
import { type ServerSentEvent, serverSentEvents } from "./server-sent-events.ts";
import { neededBelow, standingText } from "./standing-text.ts";
import { moment } from "./table.ts";
import { writeError, writeLine } from "./write-line.ts";

interface TailOptions extends OutputOptions {
  readonly definition?: string;
  readonly status?: string;
  readonly type?: string;
}

type EventView = v.InferOutput<typeof StreamEvent>;

/** An idle engine says something every 5 s: a connection that is silent for so long is dead. */
const SILENT_MS = 20_000;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 10_000;
/** So long where the saga stands is waited for; what happens meanwhile is told behind it. */
const STANDING_MS = 10_000;

/** `tail`: what happens, as it happens. */
export function addTail(program: Command): void {
  withJson(program.command("tail").argument("[saga]", "id of a saga: follow it to its end; without it, all sagas"))
    .description(
      "follow what happens; connects again by itself and misses nothing. Of one saga it says first where that stands",
    )
    .option("--definition <name>", "of this definition")
    .option("--status <status>", "transitions into one of these, with commas: parked, failed, …")
    .option("--type <type>", "messages of one of these types, with commas: step.failed, saga.parked, …")
    .addHelpText("after", "\nWith --json one line an event. Ends with the saga (exit code 0), or with Ctrl-C (130).")
    .action(async (saga: string | undefined, { json = false, ...filter }: TailOptions) => {
      if (saga !== undefined && Object.keys(filter).length > 0)
        throw new CliError(
          EXIT.usage,
          "tail follows all events of one saga: leave --definition, --status and --type out",
        );
      process.once("SIGINT", () => process.exit(EXIT.interrupted));
      const path = saga === undefined ? "/v1/stream" : `/v1/sagas/${encodeURIComponent(saga)}/events`;
      await new Tail(path, { ...filter }, saga !== undefined, json).run();
    });
}

class Tail {
  readonly #path: string;
  readonly #query: Readonly<Record<string, string>>;
  readonly #ofOne: boolean;
  readonly #json: boolean;
  #position: string | undefined;
  #connected = false;
  #stood = false;
  #away = false;
  #pauseMs = PAUSE_MIN_MS;

  constructor(path: string, query: Readonly<Record<string, string>>, ofOne: boolean, json: boolean) {
    this.#path = path;
    this.#query = query;
    this.#ofOne = ofOne;
    this.#json = json;
  }

  /** Follows until the saga's end. @throws CliError when the engine refuses, or does not answer the first time */
  async run(): Promise<void> {
    while (!(await this.#connect())) {
      await sleep(this.#pauseMs);
      this.#pauseMs = Math.min(PAUSE_MAX_MS, this.#pauseMs * 2);
    }
  }

  /** True: it is over. */
  async #connect(): Promise<boolean> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), SILENT_MS);
    try {
      const body = await openStream(this.#path, this.#query, this.#position, silence.signal);
      if (body === null) return true;
      for await (const block of serverSentEvents(body)) {
        timer.refresh();
        if (this.#take(block)) return true;
        await this.#stand(block);
      }
    } catch (error) {
      this.#endure(error);
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
    this.#tell("The engine has gone; connecting again …");
    return false;
  }

  /** True: it was the last one. */
  #take({ event, data, id }: ServerSentEvent): boolean {
    this.#position = id;
    this.#pauseMs = PAUSE_MIN_MS;
    if (this.#away) writeError("Connected again.");
    this.#connected = true;
    this.#away = false;
    if (data === undefined) return false;
    if (event === "message")
      writeLine(this.#json ? data : eventText(expect(StreamEvent, JSON.parse(data)), this.#ofOne));
    if (event === "reset") writeError("Events were missed: what lies so far back is not told any more.");
    if (event === "behind") this.#tell("More happens than is read here; going on from where it stopped …");
    if (event === "end" && !this.#json) writeLine(endText(data));
    return event === "end";
  }

  /** A saga that waits sends nothing: where it stands is said once, before what happens next. */
  async #stand({ event, data }: ServerSentEvent): Promise<void> {
    if (!this.#ofOne || this.#json || this.#stood || event !== "ready" || data === undefined) return;
    this.#stood = true;
    const path = this.#path.replace(/\/events$/, "");
    try {
      const saga = await readStanding(path);
      // Of an ended one the stream tells the end, but not that its undoing waits for a person.
      if (isFinal(saga.status) && saga.waiting === null) return;
      writeLine(standingText(saga));
      const below = await neededBelow(saga, (id) => readStanding(`/v1/sagas/${encodeURIComponent(id)}`));
      if (below !== undefined) writeLine(`saga ${below.sagaId} below it: ${standingText(below)}`);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      writeError(`Where it stands could not be read: ${error.message}`);
    }
  }

  /** Lets pass what may pass by itself. @throws what will not */
  #endure(error: unknown): void {
    const later =
      error instanceof StreamRefused
        ? error.status >= 500
        : !(error instanceof CliError) || error.exit === EXIT.unreachable;
    // What breaks off in the middle has a code; a reader that has gone, and our own mistakes, have none.
    const broken = error instanceof CliError || (error instanceof Error && "code" in error);
    if (!later || !broken || !this.#connected) throw error;
  }

  #tell(text: string): void {
    if (!this.#away) writeError(text);
    this.#away = true;
  }
}

async function readStanding(path: string): Promise<v.InferOutput<typeof Saga>> {
  return expect(Saga, await call("GET", path, { query: { bodies: "false" }, patienceMs: STANDING_MS }));
}

/** One event as a line. */
function eventText(event: EventView, ofOne: boolean): string {
  const { sagaId, definition, step, attempt, type, status, error } = event;
  const where = ofOne ? [] : [sagaId, definition ?? "-"];
  const repeated = attempt !== null && attempt > 1 ? [`attempt ${attempt}`] : [];
  const what = [type ?? "-", ...(step === null ? [] : [step]), ...repeated].join(" ");
  const moved = status === null ? what : `→ ${status} (${what})`;
  const why = error === null || status !== null ? [] : [`${error.code}: ${error.message ?? ""}`];
  return [moment(event.at), ...where, moved, ...why].map(oneLine).join("  ");
}

function endText(data: string): string {
  const { sagaId, status } = JSON.parse(data) as { sagaId: string; status: string };
  return `saga ${sagaId} is ${status}`;
}
