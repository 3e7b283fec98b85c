import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { type Frame, FrameReader } from "../postgres-frames.ts";

/** PostgreSQL's `Flush`: it answers what it has done so far. The client sends one `Sync` for several statements. */
const FLUSH = Buffer.from([0x48, 0, 0, 0, 4]);
/** What ends a statement, from the server. */
const ENDS = new Set(["C", "I", "s", "E"]);

/**
 * A proxy in front of PostgreSQL that lets one statement pass at a time, when it is told to: bind and execute together,
 * since the snapshot of a select is taken when it is bound. Everything that executes nothing passes by itself.
 */
export class TurnProxy {
  readonly #server: Server;
  readonly #links = new Set<TurnLink>();
  #gated = false;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      const link = new TurnLink(client, dial(Number(target.port), target.hostname), () => this.#gated);
      this.#links.add(link);
      client.on("close", () => this.#links.delete(link));
    });
  }

  static async start(url: string): Promise<TurnProxy> {
    const proxy = new TurnProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** The same address, through this proxy. */
  through(url: string): string {
    const own = new URL(url);
    own.hostname = "127.0.0.1";
    own.port = String((this.#server.address() as { port: number }).port);
    return own.href;
  }

  /** Holds statements back from now on, or lets them flow. */
  gate(on: boolean): void {
    this.#gated = on;
    for (const link of this.#links) link.flow();
  }

  /** The statement whose turn it is, if one waits. */
  get next(): string | undefined {
    for (const link of this.#links) if (link.next !== undefined) return link.next;
    return undefined;
  }

  /** Backends that run a statement of this side now. */
  get running(): readonly number[] {
    return [...this.#links].filter(({ isRunning }) => isRunning).map(({ backend }) => backend);
  }

  /** Lets the next statement pass. */
  pass(): void {
    for (const link of this.#links) {
      if (link.next === undefined) continue;
      link.pass();
      return;
    }
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

class TurnLink {
  backend = 0;
  isRunning = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #isGated: () => boolean;
  readonly #waiting: Frame[] = [];
  readonly #prepared = new Map<string, string>();
  /** A simple query is over when the server is ready again. */
  #isSimple = false;
  /** A statement has failed: the server passes over what comes before the next `Sync`. */
  #isSkipping = false;

  constructor(client: Socket, server: Socket, isGated: () => boolean) {
    this.#client = client;
    this.#server = server;
    this.#isGated = isGated;
    for (const socket of [client, server]) socket.setNoDelay(true).on("error", () => {});
    const fromClient = new FrameReader(true);
    const fromServer = new FrameReader(false);
    client.on("data", (bytes: Buffer) => {
      this.#waiting.push(...fromClient.read(bytes));
      this.flow();
    });
    server.on("data", (bytes: Buffer) => {
      for (const frame of fromServer.read(bytes)) this.#answered(frame);
      this.flow();
    });
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  }

  /** Lets pass what may pass by itself. */
  flow(): void {
    while (this.#waiting.length > 0 && !this.isRunning && this.next === undefined) {
      // A part of a statement whose end has not come yet.
      if (this.#isHeld && (this.#waiting[0] as Frame).type === "B") return;
      this.#forward(this.#waiting.shift() as Frame);
    }
  }

  get #isHeld(): boolean {
    return this.#isGated() && !this.#isSkipping;
  }

  get next(): string | undefined {
    if (!this.#isHeld || this.isRunning) return undefined;
    const [first] = this.#waiting;
    if (first?.type === "Q") return first.text.replace(/\0.*$/s, "");
    const isWhole = first?.type === "B" && this.#waiting.some(({ type }) => type === "E");
    return isWhole ? (this.#prepared.get(nameOf(first as Frame)) ?? "") : undefined;
  }

  pass(): void {
    this.isRunning = true;
    this.#isSimple = this.#waiting[0]?.type === "Q";
    const until = this.#isSimple ? 0 : this.#waiting.findIndex(({ type }) => type === "E");
    for (const frame of this.#waiting.splice(0, until + 1)) this.#forward(frame);
    if (!this.#isSimple) this.#server.write(FLUSH);
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #forward(frame: Frame): void {
    if (frame.type === "P") {
      const [name = "", text = ""] = frame.text.split("\0", 2);
      this.#prepared.set(name, text);
    }
    if (frame.type === "S") this.#isSkipping = false;
    this.#server.write(frame.bytes);
  }

  #answered(frame: Frame): void {
    if (frame.type === "K") this.backend = frame.bytes.readInt32BE(5);
    if (this.isRunning && (this.#isSimple ? frame.type === "Z" : ENDS.has(frame.type))) this.isRunning = false;
    if (frame.type === "E") this.#isSkipping = !this.#isSimple;
    this.#client.write(frame.bytes);
  }
}

/** A bind names the statement behind its portal. */
function nameOf(bind: Frame): string {
  return bind.text.split("\0", 2)[1] ?? "";
}
