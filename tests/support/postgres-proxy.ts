import { createServer, connect as dial, type Socket } from "node:net";
import { FrameReader } from "./postgres-frames.ts";

/** One message of PostgreSQL's protocol on its way through the proxy. */
export interface Message {
  readonly from: "client" | "server";
  /** The protocol's letter; `startup` for the first message of a client. */
  readonly type: string;
  readonly text: string;
  /** What a client's message executes or prepares, as SQL; empty for every other message. */
  readonly statement: string;
  /** The connection's application name, without the sign of its process. */
  readonly application: string;
  /** Tells connections apart. */
  readonly link: number;
}

/**
 * What becomes of a message. `cut`: both sides are closed instead of forwarding it. `reset`: the client's side is reset.
 * `silence`: from this message on nothing passes, on any connection. `spoil`: a Bind names no statement that there is, so that
 * the server does not do it, as one that is cancelled before it began.
 */
export type Fate = "pass" | "cut" | "reset" | "silence" | "spoil";

/** A TCP proxy in front of PostgreSQL, which can fall silent as a network does: sockets stay open, bytes wait. */
export interface PostgresProxy {
  readonly url: string;
  /** Decides for every message; replaces what decided before. */
  decide(fate: (message: Message) => Fate): void;
  /** Nothing passes until `heal`. */
  silence(): void;
  /** Whether it is silent now. */
  readonly silent: boolean;
  /** What waited passes, in its order, also what came from a client that has hung up meanwhile. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of the loopback address in front of the database that `url` names. */
export async function postgresProxy(url: string): Promise<PostgresProxy> {
  const target = new URL(url);
  const links = new Set<Link>();
  let decide: (message: Message) => Fate = () => "pass";
  const line = { silent: false };
  const rule = (message: Message): Fate => {
    if (line.silent) return "silence";
    const fate = decide(message);
    if (fate === "silence") line.silent = true;
    return fate;
  };
  let number = 0;
  const server = createServer({ allowHalfOpen: false }, (client) => {
    number += 1;
    const link = new Link(number, client, dial(Number(target.port), target.hostname), rule);
    links.add(link);
    link.ended = () => links.delete(link);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = new URL(url);
  own.hostname = "127.0.0.1";
  own.port = String((server.address() as { port: number }).port);
  return {
    url: own.href,
    decide(fate) {
      decide = fate;
    },
    get silent() {
      return line.silent;
    },
    silence() {
      line.silent = true;
    },
    heal() {
      line.silent = false;
      for (const link of links) link.flow();
    },
    async close() {
      for (const link of links) link.cut("cut");
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One client's connection: two directions, each with the messages that wait and whether its sender has hung up. */
class Link {
  ended: () => void = () => {};
  readonly #number: number;
  readonly #sides: { readonly client: Side; readonly server: Side };
  readonly #rule: (message: Message) => Fate;
  readonly #prepared = new Map<string, string>();
  #application = "";

  constructor(number: number, client: Socket, server: Socket, rule: (message: Message) => Fate) {
    this.#number = number;
    this.#rule = rule;
    this.#sides = { client: side(client, true), server: side(server, false) };
    for (const from of ["client", "server"] as const) {
      const here = this.#sides[from];
      here.socket.on("data", (bytes: Buffer) => {
        here.waiting.push(...here.frames.read(bytes));
        this.flow();
      });
      // An error is followed by the close.
      here.socket.on("error", () => {});
      here.socket.on("close", () => {
        here.hungUp = true;
        this.flow();
      });
    }
  }

  /** Passes on what may pass. */
  flow(): void {
    for (const from of ["client", "server"] as const) {
      const { waiting } = this.#sides[from];
      for (let frame = waiting[0]; frame !== undefined; frame = waiting[0]) {
        if (frame.type === "startup") this.#application = applicationOf(frame.text);
        const { type, text } = frame;
        const statement = from === "client" ? this.#statement(type, text) : "";
        const fate = this.#rule({ from, type, text, statement, application: this.#application, link: this.#number });
        if (fate === "silence") return;
        if (fate === "cut" || fate === "reset") return this.cut(fate);
        waiting.shift();
        const there = this.#sides[from === "client" ? "server" : "client"];
        if (!there.hungUp) there.socket.write(fate === "spoil" ? SPOILT_BIND : frame.bytes);
      }
    }
    this.#hangUp();
  }

  /** Ends both sides at once. */
  cut(how: "cut" | "reset"): void {
    const { client, server } = this.#sides;
    client.waiting.length = 0;
    server.waiting.length = 0;
    if (how === "reset") client.socket.resetAndDestroy();
    else client.socket.end();
    server.socket.destroy();
    this.ended();
  }

  /** A prepared statement is named when it is run: its text was in an earlier message. */
  #statement(type: string, text: string): string {
    const [first = "", second = ""] = text.split("\0", 2);
    if (type === "Q") return first;
    if (type === "P") this.#prepared.set(first, second);
    if (type === "P") return second;
    return type === "B" ? (this.#prepared.get(second) ?? "") : "";
  }

  #hangUp(): void {
    const { client, server } = this.#sides;
    if (!client.hungUp && !server.hungUp) return;
    client.socket.end();
    server.socket.end();
    this.ended();
  }
}

/** Of no portal, no parameters and no formats. */
const SPOILT_BIND = Buffer.from("B\0\0\0\x10\0none\0\0\0\0\0\0\0", "latin1");

interface Side {
  readonly socket: Socket;
  readonly frames: FrameReader;
  readonly waiting: { readonly type: string; readonly text: string; readonly bytes: Buffer }[];
  hungUp: boolean;
}

function side(socket: Socket, startsUp: boolean): Side {
  socket.setNoDelay(true);
  return { socket, frames: new FrameReader(startsUp), waiting: [], hungUp: false };
}

function applicationOf(startup: string): string {
  const name = /application_name\0([^\0]*)/.exec(startup)?.[1] ?? "";
  return name.replace(/ [0-9A-Z]{6}$/, "");
}
