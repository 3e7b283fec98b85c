import { problemOf, credentials } from "./call.ts";
import { Cell } from "./cell.ts";
import { apiKey, me } from "./session.ts";
import type { StreamEvent } from "./shapes.ts";

/** `live`: pages follow by themselves; `lost`: they ask every few seconds until it is back. */
export type StreamState = "connecting" | "live" | "lost";

/** Whether what is shown follows by itself. */
export const streamState = new Cell<StreamState>("connecting");

/** What happened since the last telling; null: something may have been missed, read anew. */
export type Batch = readonly StreamEvent[] | null;

/** The engine says something at least every 5 s; a connection that is silent for so long is dead. */
const SILENT_MS = 20_000;
/** Pages are told at most this often. */
const COALESCE_MS = 250;
const RETRY_MAX_MS = 10_000;
/** More than this at once and a page reads anew anyway. */
const BATCH_MAX = 500;

const watchers = new Set<(batch: Batch) => void>();
let waiting: StreamEvent[] = [];
let missed = false;
let isTelling = false;
let toldAt = 0;
let tellings = 0;
let stop: AbortController | undefined;
let channel: BroadcastChannel | undefined;

/** Calls with what happens until the returned function is called. */
export function onEvents(watcher: (batch: Batch) => void): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** How often something was told. */
export function countTellings(): number {
  return tellings;
}

/** Follows the engine: one stream for all tabs of whoever is signed in, read by one of them and told to the others. */
export function startStream(): void {
  stop?.abort();
  channel?.close();
  channel = undefined;
  const ending = new AbortController();
  stop = ending;
  const name = `ekiden.stream.${me.value?.actor ?? ""}`;
  // Locks exist on secure pages only; elsewhere each tab reads a stream of its own.
  if (navigator.locks === undefined) return void read(ending.signal);
  channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<Told>) => hear(data);
  channel.postMessage({ kind: "who" } satisfies Told);
  navigator.locks
    .request(name, { signal: ending.signal }, () => {
      leads = true;
      return read(ending.signal);
    })
    .catch(() => undefined)
    .finally(() => {
      leads = false;
    });
}

/** Ends it, for somebody who signs out. */
export function stopStream(): void {
  stop?.abort();
  streamState.set("connecting");
}

/** What tabs tell each other. */
type Told =
  | { readonly kind: "events"; readonly events: readonly StreamEvent[] }
  | { readonly kind: "missed" }
  | { readonly kind: "state"; readonly state: StreamState }
  | { readonly kind: "who" };

let leads = false;

function hear(told: Told): void {
  if (told.kind === "events") take(told.events);
  else if (told.kind === "missed") takeMissed();
  else if (told.kind === "state") streamState.set(told.state);
  else if (leads) channel?.postMessage({ kind: "state", state: streamState.value } satisfies Told);
}

function become(state: StreamState): void {
  streamState.set(state);
  channel?.postMessage({ kind: "state", state } satisfies Told);
}

function take(events: readonly StreamEvent[]): void {
  waiting.push(...events);
  if (waiting.length > BATCH_MAX) {
    waiting = [];
    missed = true;
  }
  tellSoon();
}

function takeMissed(): void {
  missed = true;
  tellSoon();
}

function tellSoon(): void {
  if (isTelling) return;
  isTelling = true;
  // What comes after a silence is told at once.
  setTimeout(tell, Math.max(0, toldAt + COALESCE_MS - performance.now()));
}

function tell(): void {
  isTelling = false;
  toldAt = performance.now();
  tellings += 1;
  const batch = missed ? null : waiting;
  waiting = [];
  missed = false;
  for (const watcher of [...watchers]) watcher(batch);
}

async function read(signal: AbortSignal): Promise<void> {
  let position: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const shown = apiKey.value;
    try {
      const response = await fetch("/v1/stream", {
        headers: { ...credentials(), ...(position === undefined ? {} : { "last-event-id": position }) },
        signal,
      });
      if (!response.ok || response.body === null) throw await problemOf(response, shown);
      failures = 0;
      position = await readBody(response.body, position);
    } catch {
      if (signal.aborted) return;
      failures += 1;
    }
    if (signal.aborted) return;
    if (failures > 0) become("lost");
    await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MAX_MS, 500 * 2 ** Math.min(failures, 5))));
  }
}

/** Reads until the stream ends. Returns the position from which to go on. */
async function readBody(body: ReadableStream<Uint8Array<ArrayBuffer>>, from: string | undefined) {
  let position = from;
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await nextOf(reader);
    if (done) return position;
    const blocks = `${rest}${value}`.split("\n\n");
    rest = blocks.pop() ?? "";
    const events: StreamEvent[] = [];
    for (const block of blocks) {
      const { id, event, data } = fieldsOf(block);
      position = id ?? position;
      if (event === "ready" || event === "reset") begin(event === "reset" || from === undefined);
      else if (event === undefined && data !== undefined) events.push(JSON.parse(data) as StreamEvent);
    }
    if (events.length > 0) {
      take(events);
      channel?.postMessage({ kind: "events", events } satisfies Told);
    }
  }
}

/** What comes next; a connection that broke off, or has fallen silent, is at its end. */
async function nextOf(reader: ReadableStreamDefaultReader<string>) {
  const silent = setTimeout(() => void reader.cancel(), SILENT_MS);
  try {
    return await reader.read();
  } catch {
    return { done: true, value: undefined } as const;
  } finally {
    clearTimeout(silent);
  }
}

/** What was shown before the stream began may be old. */
function begin(anew: boolean): void {
  become("live");
  if (!anew) return;
  takeMissed();
  channel?.postMessage({ kind: "missed" } satisfies Told);
}

function fieldsOf(block: string): { id?: string; event?: string; data?: string } {
  const fields = block.split("\n").flatMap((line) => {
    const colon = line.indexOf(": ");
    return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 2)] as const];
  });
  return Object.fromEntries(fields);
}
