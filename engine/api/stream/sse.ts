import { type Position, positionText } from "./position.ts";

/** Clients connect again after this long, in milliseconds. */
const RETRY_MS = 1_000;

/** What the stream says of itself, besides its events. */
export type Notice = "ready" | "reset" | "behind" | "end";

/** First of all: how soon to connect again. */
export const RETRY = `retry: ${RETRY_MS}\n\n`;

/** An event as Server-Sent Events have it. Events have no name of their own, so that `onmessage` gets them all. */
export function eventText(position: Position, data: unknown): string {
  return `id: ${positionText(position)}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A notice, by its name. */
export function noticeText(notice: Notice, data: unknown, position?: Position): string {
  return `event: ${notice}\n${position === undefined ? "" : `id: ${positionText(position)}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** Nothing happened. A position without data moves the client's and is no event. */
export function pingText(position?: Position): string {
  return `: ping\n${position === undefined ? "" : `id: ${positionText(position)}\n`}\n`;
}
