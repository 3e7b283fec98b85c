import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer, connect as dial, type Socket } from "node:net";

/** What becomes of the bytes of a connection. `pass`: with a delay. */
export type Weather = { readonly kind: "pass"; readonly delayMs: number } | { readonly kind: "silent" };

const CLEAR: Weather = { kind: "pass", delayMs: 0 };

/**
 * A line between processes: a TCP proxy in front of one server that knows which process each connection belongs to. It can
 * fall silent (sockets stay open, bytes wait), be slow, or be cut, for some processes and not for others.
 */
export class Line {
  #weather: ((pid: number | null) => Weather) | undefined;
  /** Connections that were cut or held back since the last `fired`. */
  #touched = 0;
  readonly #links = new Set<Link>();
  readonly #pids: () => readonly number[];
  readonly #server: ReturnType<typeof createServer>;
  #target: number;

  private constructor(target: number, pids: () => readonly number[]) {
    this.#target = target;
    this.#pids = pids;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free port of the loopback address. `pids`: of processes that may call. */
  static async open(target: number, pids: () => readonly number[]): Promise<Line> {
    const line = new Line(target, pids);
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** The server has come back under another port, or is known only now. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Connections that a fault has touched since the last call. */
  fired(): number {
    const touched = this.#touched;
    this.#touched = 0;
    return touched;
  }

  /** What passes from now on, for the process of this pid; null: it could not be told. */
  async impose(weather: (pid: number | null) => Weather): Promise<void> {
    await this.#identify();
    this.#weather = weather;
  }

  /** Closes connections at once; in the middle of a message if one is passing. Returns how many. */
  async cut(fits: (pid: number | null) => boolean, how: "reset" | "half"): Promise<number> {
    await this.#identify();
    const links = [...this.#links].filter(({ pid }) => fits(pid ?? null));
    for (const link of links) link.cut(how);
    this.#touched += links.length;
    return links.length;
  }

  /** What waited passes, in its order. */
  clear(): void {
    this.#weather = undefined;
    for (const link of this.#links) link.flow();
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.cut("reset");
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const link = new Link(client, dial(this.#target, "127.0.0.1"), {
      unasked: () => (this.#weather === undefined ? CLEAR : { kind: "silent" }),
      weather: (pid) => this.#weather?.(pid) ?? CLEAR,
      held: () => (this.#touched += 1),
      ended: (ended) => this.#links.delete(ended),
    });
    this.#links.add(link);
    if (this.#weather === undefined) link.flow();
    // Nothing passes before it is known whose it is: a partition must not leak a new connection's first bytes.
    else
      void ownersOf([link.port], this.#pids()).then(
        (owners) => link.belongsTo(owners.get(link.port) ?? null),
        () => link.belongsTo(null),
      );
  }

  /** Whose the connections are is asked only when a fault wants to know: the answer is dear. */
  async #identify(): Promise<void> {
    const unknown = [...this.#links].filter(({ pid }) => pid === undefined);
    const owners = await ownersOf(
      unknown.map(({ port }) => port),
      this.#pids(),
    );
    for (const link of unknown) link.belongsTo(owners.get(link.port) ?? null);
  }
}

interface Rules {
  /** For a connection of which nobody has asked yet whose it is. */
  unasked(): Weather;
  weather(pid: number | null): Weather;
  held(): void;
  ended(link: Link): void;
}

class Link {
  /** Undefined: nobody has asked yet. */
  pid: number | null | undefined;
  /** The client's end. */
  readonly port: number;
  #cutNext = false;
  #over = false;
  readonly #rules: Rules;
  readonly #ways: readonly [Way, Way];

  constructor(client: Socket, server: Socket, rules: Rules) {
    this.#rules = rules;
    this.port = client.remotePort ?? 0;
    this.#ways = [way(client, server), way(server, client)];
    for (const here of this.#ways) {
      here.from.setNoDelay(true);
      here.from.on("data", (bytes: Buffer) => {
        here.waiting.push({ bytes, at: performance.now() });
        this.flow();
      });
      // An error is followed by the close.
      here.from.on("error", () => {});
      here.from.on("close", () => {
        here.hungUp = true;
        this.flow();
      });
    }
  }

  belongsTo(pid: number | null): void {
    this.pid = pid;
    this.flow();
  }

  flow(): void {
    if (this.#over) return;
    const weather = this.pid === undefined ? this.#rules.unasked() : this.#rules.weather(this.pid);
    if (weather.kind === "silent") {
      if (this.#ways.some(({ waiting }) => waiting.length > 0)) this.#rules.held();
      return;
    }
    if (weather.delayMs > 0) this.#rules.held();
    for (const here of this.#ways) {
      for (let chunk = here.waiting[0]; chunk !== undefined; chunk = here.waiting[0]) {
        const early = chunk.at + weather.delayMs - performance.now();
        if (early > 1) {
          setTimeout(() => this.flow(), early);
          break;
        }
        here.waiting.shift();
        if (this.#cutNext) return this.#breakOff(here, chunk.bytes);
        if (!here.to.destroyed) here.to.write(chunk.bytes);
      }
    }
    if (this.#ways.some(({ hungUp, waiting }) => hungUp && waiting.length === 0)) this.#end();
  }

  /** `half`: the next message that comes passes in half, and then both sides are closed. */
  cut(how: "reset" | "half"): void {
    if (how === "half" && !this.#over) this.#cutNext = true;
    else this.#end();
  }

  #breakOff({ to }: Way, bytes: Buffer): void {
    const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
    if (!to.destroyed) to.write(half, () => this.#end());
    else this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const { from } of this.#ways) from.destroy();
    this.#rules.ended(this);
  }
}

interface Way {
  readonly from: Socket;
  readonly to: Socket;
  readonly waiting: { readonly bytes: Buffer; readonly at: number }[];
  hungUp: boolean;
}

function way(from: Socket, to: Socket): Way {
  return { from, to, waiting: [], hungUp: false };
}

/** The processes that hold the local ends of connections, by port; those of others are not in it. Linux alone can tell. */
async function ownersOf(ports: readonly number[], pids: readonly number[]): Promise<Map<number, number>> {
  const owners = new Map<number, number>();
  if (ports.length === 0) return owners;
  const wanted = new Set(ports);
  const portOf = new Map<string, number>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const table = await readFile(file, "utf8").catch(() => "");
    for (const row of table.split("\n")) {
      const cells = row.trim().split(/\s+/);
      const port = Number.parseInt(cells[1]?.split(":")[1] ?? "", 16);
      if (wanted.has(port) && cells[9] !== undefined) portOf.set(`socket:[${cells[9]}]`, port);
    }
  }
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const name of await readdir(folder).catch(() => [])) {
      const port = portOf.get(await readlink(`${folder}/${name}`).catch(() => ""));
      if (port !== undefined) owners.set(port, pid);
    }
  }
  return owners;
}
