import type { Sql } from "../../timeline/database.ts";
import { readStream, type Snapshot, type StreamPlace, type StreamWindow } from "../../timeline/read-stream.ts";
import type { Engine } from "../port.ts";
import { type EventView, viewEvents, withoutReason } from "./event-view.ts";
import { positionIn } from "./position.ts";
import { eventText } from "./sse.ts";

/** Events of a page. */
const PAGE_MAX = 500;

/** An event, and the text by which a client gets it; `bare`: one that may not read payloads. */
export interface Told {
  readonly view: EventView;
  readonly text: string;
  readonly bare: string;
}

/** Some events of a window, and what is left of it; `rest` undefined: nothing. */
export interface Page {
  readonly told: readonly Told[];
  /** The window's end. */
  readonly to: Snapshot;
  readonly rest: Required<StreamWindow> | undefined;
}

/** Reads events page by page. */
export class StreamReader {
  readonly #engine: Engine;
  readonly #sql: Sql;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, sql: Sql) {
    this.#engine = engine;
    this.#sql = sql;
  }

  /** The next page of a window. */
  async page(window: StreamWindow): Promise<Page> {
    const { now, rows } = await readStream(this.#sql, window, PAGE_MAX);
    const to = window.to ?? now;
    const views = await viewEvents(this.#engine, this.#sql, rows);
    const places = rows.map(({ xid, key }): StreamPlace => ({ xid: BigInt(xid), key }));
    const last = places.at(-1);
    const rest = rows.length < PAGE_MAX || last === undefined ? undefined : { from: window.from, to, after: last };
    const at = seconds();
    const told = views.map((view, index) => {
      const ends = rest === undefined && index === views.length - 1;
      const place = places[index] as StreamPlace;
      const position = ends ? { from: to, at, ended: false } : positionIn(window.from, to, place, at);
      const text = eventText(position, view);
      return { view, text, bare: view.error === null ? text : eventText(position, withoutReason(view)) };
    });
    return { told, to, rest };
  }

  /** The same for those who catch up, one after another: however many connect again, the database serves one of them. */
  inTurn(window: StreamWindow): Promise<Page> {
    const page = this.#last.then(() => this.page(window));
    this.#last = page.catch(() => undefined);
    return page;
  }
}

/** Now, in seconds since 1970. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
