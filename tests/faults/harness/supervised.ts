import { join } from "node:path";

import { eventually } from "../../support/engine.ts";

/** One line that a process wrote. */
export interface LogLine {
  readonly at: Date;
  readonly name: string;
  readonly text: string;
}

/** How an engine process is started. */
export interface EnginePlan {
  readonly name: string;
  /** The project's folder. */
  readonly tree: string;
  readonly environment: Readonly<Record<string, string>>;
}

const LINES_KEPT = 20_000;
/** An engine joins its consumer groups one after another: with all domains and two members that is 20 s on a calm machine. */
export const READY_MS = 300_000;
/** Between an end that nobody asked for and the next start, as a supervisor of services does. */
const RESTART_MS = 500;

/** An engine process with a supervisor: it is started again whenever it has ended, unless it is to stay down. */
export class Supervised {
  /** Hears every line of every engine, also those that are not kept. */
  static listener: (line: LogLine) => void = () => {};
  /** Ends that no fault caused: the engine gave up by itself. */
  ownEnds = 0;
  /** Ends at a failpoint. */
  failpointEnds = 0;
  url = "";
  /** Kills the next process that is started, and no later one. */
  failpoint: string | undefined;
  readonly lines: LogLine[] = [];
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
  #ready = false;
  #wanted = false;
  #killed = false;
  /** The process that runs has a failpoint. */
  #armed = false;

  constructor(readonly plan: EnginePlan) {}

  get name(): string {
    return this.plan.name;
  }

  /** Of the process that runs; undefined between two of them. */
  get pid(): number | undefined {
    return this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  get isReady(): boolean {
    return this.#ready && this.pid !== undefined;
  }

  /** Starts it; resolves when it says that it is ready. */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#launch();
    await this.ready();
  }

  /** Starts it and does not wait. */
  launch(): void {
    this.#wanted = true;
    if (this.pid === undefined) this.#launch();
  }

  async ready(): Promise<void> {
    await eventually(`${this.name} is ready`, async () => this.isReady, READY_MS);
  }

  /** Sends a signal to the process that runs, if one does. SIGKILL: the supervisor starts the next. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.pid === undefined) return false;
    if (signal === "SIGKILL" || signal === "SIGTERM") this.#killed = true;
    // Its end is heard of later; whoever waits for the next process must not see this one.
    if (signal === "SIGKILL") this.#ready = false;
    this.#child?.kill(signal);
    return true;
  }

  /** Ends it for good, or until `launch`. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (child === undefined || this.pid === undefined) return;
    child.kill("SIGCONT");
    this.signal(signal);
    await Promise.race([child.exited, Bun.sleep(45_000).then(() => child.kill("SIGKILL"))]);
    await child.exited;
  }

  #launch(): void {
    this.#ready = false;
    this.#killed = false;
    const { tree, environment } = this.plan;
    const { failpoint } = this;
    this.failpoint = undefined;
    this.#armed = failpoint !== undefined;
    const child: Bun.Subprocess<"ignore", "pipe", "pipe"> = Bun.spawn(
      [process.execPath, join(tree, "engine/boot.ts"), "engine/main.ts"],
      {
        cwd: tree,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: process.env["HOME"] ?? "",
          PORT: "0",
          EKIDEN_LOG: "json",
          ...environment,
          ...(failpoint !== undefined && { EKIDEN_TEST: "1", EKIDEN_FAILPOINT: failpoint }),
        },
        stdio: ["ignore", "pipe", "pipe"],
        onExit: (ended, code, signalCode): void => this.#ended(ended, code, signalCode),
      },
    );
    this.#child = child;
    this.#note(`── started, pid ${child.pid}${failpoint === undefined ? "" : `, failpoint ${failpoint}`}`);
    for (const stream of [child.stdout, child.stderr]) void this.#gather(stream).catch(() => undefined);
  }

  #ended(child: unknown, code: number | null, signalCode: number | NodeJS.Signals | null): void {
    if (child !== this.#child) return;
    this.#ready = false;
    this.#note(`── ended, exit code ${code}, signal ${signalCode}`);
    const atFailpoint = !this.#killed && this.#armed && signalCode === "SIGKILL";
    if (atFailpoint) this.failpointEnds += 1;
    else if (!this.#killed && this.#wanted) this.ownEnds += 1;
    setTimeout(() => {
      if (this.#wanted && child === this.#child) this.#launch();
    }, RESTART_MS);
  }

  async #gather(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const texts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = texts.pop() ?? "";
      for (const text of texts) this.#hear(text);
    }
  }

  #hear(text: string): void {
    const api = /API {2,}(http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
    if (api !== undefined) this.url = api;
    if (text.includes("Ekiden is ready")) this.#ready = true;
    this.#note(text);
  }

  #note(text: string): void {
    const line = { at: new Date(), name: this.name, text };
    Supervised.listener(line);
    this.lines.push(line);
    if (this.lines.length > LINES_KEPT) this.lines.splice(0, LINES_KEPT / 2);
  }
}
