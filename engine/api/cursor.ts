import { isUlid } from "../timeline/ids.ts";
import { RequestError } from "./request-error.ts";

/** Where a list goes on: the keys of the last row. Opaque to callers, so that the order can change. */
export interface Cursor {
  /** Which list it belongs to; a cursor of another list is refused. */
  readonly list:
    | "sagas"
    | "steps"
    | "messages"
    | "timeline"
    | "timeline-back"
    | "audit"
    | "redrives"
    | "redrive-items"
    | "verify";
  readonly id: string;
  /** Time of the row in microseconds since 1970, where the list is ordered by time. */
  readonly at?: string;
}

const MICROSECONDS = /^\d{1,16}$/;

export function writeCursor(cursor: Cursor): string {
  const parts = cursor.at === undefined ? [cursor.list, cursor.id] : [cursor.list, cursor.id, cursor.at];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Parses a cursor of one of the given lists. @throws RequestError `request.cursor-invalid` */
export function readCursor(text: string, lists: readonly Cursor["list"][]): Cursor {
  const [list, id, at] = decode(text);
  const known = lists.find((each) => each === list);
  const timed = known === "timeline" || known === "timeline-back" || known === "audit";
  // A step is found by its path, an item of a redrive by its place, everything else by a ULID.
  const isPlace = known === "steps" ? isPath : known === "redrive-items" ? isPosition : isUlid;
  if (known === undefined || typeof id !== "string" || !isPlace(id)) throw refused();
  if (!timed && at === undefined) return { list: known, id };
  if (timed && typeof at === "string" && MICROSECONDS.test(at)) return { list: known, id, at };
  throw refused();
}

function isPath(text: string): boolean {
  return /^[\w[\]/-]{1,2000}$/.test(text);
}

function isPosition(text: string): boolean {
  return /^[1-9]\d{0,8}$/.test(text);
}

function decode(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return Array.isArray(parts) && parts.length <= 3 ? parts : [];
  } catch {
    return [];
  }
}

function refused(): RequestError {
  const hint = "Take `nextCursor` of the page before as it is, with the same path.";
  return new RequestError("request.cursor-invalid", "the cursor is none of this list", hint, [
    { parameter: "cursor", detail: "is no cursor of this list" },
  ]);
}
