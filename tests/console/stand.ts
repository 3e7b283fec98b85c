import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";

import type { Browser, BrowserContextOptions, Page } from "playwright-core";

import { openBrowser } from "../support/browser.ts";
import { type TestEngine, testEngine, type TransportKind } from "../support/engine.ts";

const SHOP = join(import.meta.dir, "../support/shop");

/** An engine with a shop's orders, and a browser to look at it. */
export interface Stand {
  readonly engine: TestEngine;
  readonly browser: Browser;
  /** A page of the console; what goes wrong in it is thrown by `close`. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** What is between the browser and the engine. */
  readonly line: Line;
  /** Starts an order and waits until it is final, parked or waits. Returns its saga's id. */
  order(orderNo: string, customer: string, amount: number): Promise<string>;
  /** Starts a saga. Returns its id. */
  start(definition: string, input: object): Promise<string>;
  /** Calls the API, whatever it answers. */
  post(path: string, body: object): Promise<void>;
  close(): Promise<void>;
}

/** How long a page may take on a machine that is busy. */
const LONG_MS = 30_000;

/** One engine and one browser, for a whole file. */
export async function openStand(
  environment: Record<string, string> = {},
  domains = SHOP,
  transport: TransportKind = "embedded",
): Promise<Stand> {
  const engine = await testEngine(transport, { domains, environment });
  const line = await openLine(Number(new URL(engine.url).port));
  const browser = await openBrowser().catch(async (error: unknown) => {
    line.close();
    await engine.close();
    throw error;
  });
  const faults: string[] = [];
  return {
    engine,
    browser,
    line,
    open: async (path, options = {}) => {
      const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(LONG_MS);
      page.on("pageerror", (error) => faults.push(`${path}: ${error.message}`));
      page.on("console", (line) => {
        // The browser itself reports answers of 4xx; those the tests expect.
        if (line.type() === "error" && !line.text().startsWith("Failed to load resource")) {
          faults.push(`${path}: ${line.text()}`);
        }
      });
      await page.goto(`${line.url}${path}`);
      return page;
    },
    order: (orderNo, customer, amount) => startOrder(engine.url, { orderNo, customer, amount }),
    start: (definition, input) => start(engine.url, definition, input),
    post: async (path, body) => {
      await postJson(`${engine.url}${path}`, body);
    },
    close: async () => {
      await browser.close();
      line.close();
      await engine.close();
      if (faults.length > 0) throw new Error(`in the browser:\n${faults.join("\n")}`);
    },
  };
}

/** Hands bytes to and fro between the browser and the engine, until it is cut. */
export interface Line {
  readonly url: string;
  /** Breaks every connection off, and takes none until it is `mended`. */
  cut(): void;
  mend(): void;
  close(): void;
}

async function openLine(port: number): Promise<Line> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        for (const other of [near, far]) other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isCut = false;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}

function postJson(url: string, body: object): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

async function start(url: string, definition: string, input: object): Promise<string> {
  const response = await postJson(`${url}/v1/sagas/${definition}`, input);
  return ((await response.json()) as { sagaId: string }).sagaId;
}

async function startOrder(url: string, input: object): Promise<string> {
  const sagaId = await start(url, "order", input);
  const until = performance.now() + LONG_MS;
  while (performance.now() < until) {
    const saga = (await (await fetch(`${url}/v1/sagas/${sagaId}`)).json()) as { status: string; waitingFor: unknown };
    if (!["running", "compensating"].includes(saga.status) || saga.waitingFor !== null) return sagaId;
    await Bun.sleep(20);
  }
  throw new Error(`${sagaId} has not come to rest`);
}
