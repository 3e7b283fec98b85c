import type { Snapshot, StreamPlace } from "../../timeline/read-stream.ts";
import { RequestError } from "../request-error.ts";

/** How far a client has come: it has seen what `from` shows, and of what `to` shows besides, all up to `after`. */
export interface Position {
  readonly from: Snapshot;
  readonly window?: { readonly to: Snapshot; readonly after: StreamPlace };
  /** The database's time, seconds since 1970. */
  readonly at: number;
  /** The saga's stream had ended there. */
  readonly ended: boolean;
}

const SNAPSHOT = /^\d{1,19}(?:_\d{1,19})*$/;
const KEY = /^[0-2][0-9A-Z]{26,60}$/;
/** A database with more transactions open at once than this is no database of an engine. */
const TEXT_MAX = 8_000;

/** A position as `Last-Event-ID` carries it. Opaque to clients. */
export function positionText({ from, window, at, ended }: Position): string {
  const parts = [String(at), snapshotText(from)];
  if (window !== undefined) parts.push(snapshotText(window.to), String(window.after.xid), window.after.key);
  return `${parts.join(".")}${ended ? ".end" : ""}`;
}

/** @throws RequestError `request.header-invalid` */
export function parsePosition(text: string): Position {
  const parts = text.length > TEXT_MAX ? [] : text.split(".");
  const ended = parts.at(-1) === "end";
  if (ended) parts.pop();
  const [at = "", from = "", to, xid = "", key = ""] = parts;
  const whole = parts.length === 2;
  if (!/^\d{1,11}$/.test(at) || !isSnapshot(from) || !(whole || parts.length === 5)) throw refused();
  const position = { from: parseSnapshot(from), at: Number(at), ended };
  if (whole || to === undefined) return position;
  if (!isSnapshot(to) || !/^\d{1,19}$/.test(xid) || !KEY.test(key)) throw refused();
  return { ...position, window: { to: parseSnapshot(to), after: { xid: BigInt(xid), key } } };
}

/** A place within a window; the window's beginning is left out as far as the place has passed it. */
export function positionIn(from: Snapshot, to: Snapshot, after: StreamPlace, at: number): Position {
  return {
    from: { xmax: from.xmax, open: from.open.filter((xid) => xid >= after.xid) },
    window: { to, after },
    at,
    ended: false,
  };
}

export function isSame(a: Snapshot, b: Snapshot): boolean {
  return a.xmax === b.xmax && a.open.length === b.open.length && a.open.every((xid, at) => xid === b.open[at]);
}

function snapshotText({ xmax, open }: Snapshot): string {
  return [xmax, ...open].join("_");
}

function parseSnapshot(text: string): Snapshot {
  const [xmax = 0n, ...open] = text.split("_").map(BigInt);
  return { xmax, open };
}

/** Whether PostgreSQL would take it for one: what is open lies below the end, in order. */
function isSnapshot(text: string): boolean {
  if (!SNAPSHOT.test(text)) return false;
  const { xmax, open } = parseSnapshot(text);
  const rising = open.every((xid, at) => xid > (open[at - 1] ?? 0n));
  return xmax > 0n && xmax < 2n ** 63n && rising && (open.at(-1) ?? 0n) < xmax;
}

function refused(): RequestError {
  const hint = "Send the id of an event of this stream as it came, or no Last-Event-ID.";
  return new RequestError("request.header-invalid", "the Last-Event-ID is no position of a stream", hint);
}
