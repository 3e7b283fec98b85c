import * as v from "valibot";

import type { Bound } from "../core/bound.ts";
import { isFinal, type SagaStatus } from "../core/state.ts";
import { readSaga } from "../timeline/read-sagas.ts";
import { readSnapshot, readStanding, type StreamWindow } from "../timeline/read-stream.ts";
import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import { type Principal, principalOf } from "./principal.ts";
import { QueryText } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { SagaStatus as Status } from "./saga-schema.ts";
import { Feed, type StreamFilter } from "./stream/feed.ts";
import { type Position, parsePosition } from "./stream/position.ts";
import { noticeText, RETRY } from "./stream/sse.ts";
import { StreamReader, seconds } from "./stream/stream-reader.ts";
import { STREAM_LIMITS, type StreamLimits, Tail } from "./stream/tail.ts";
import { sagaIdOf, unknownSaga } from "./unknown.ts";

const listed = (description: string, example: string) =>
  v.optional(
    v.pipe(
      QueryText,
      v.description(description),
      v.examples([example]),
      v.transform((text) => text.split(",")),
    ),
  );

const StreamQuery = v.strictObject({
  definition: v.optional(v.pipe(QueryText, v.description("Events of this definition's sagas only"))),
  status: v.optional(
    v.pipe(
      QueryText,
      v.description("Transitions into one of these statuses only, with commas"),
      v.examples(["parked,failed"]),
      v.transform((text) => text.split(",")),
      v.array(Status),
    ),
  ),
  type: listed("Messages of one of these types only, with commas", "step.failed,saga.parked"),
});

/** A client that is told to resume and does not even read that is cut off, after these seconds. */
const CUT_AFTER_S = 30;

/** What the streams need besides: when they end, and in tests other limits. */
export interface StreamOptions {
  readonly draining: AbortSignal | undefined;
  readonly limits: Partial<StreamLimits> | undefined;
}

/** Server-Sent Events: what happens, as it happens. */
export function addStreamRoutes(
  app: Api,
  parts: ApiParts,
  options: StreamOptions,
): { readonly bounds: readonly Bound[]; rouse(): void } {
  const streams = new Streams(parts, { ...STREAM_LIMITS, ...options.limits });
  options.draining?.addEventListener("abort", () => streams.tail.stop(), { once: true });
  app.get("/v1/stream", STREAM, (c) => streams.open(c, { ...readQuery(c, StreamQuery), reader: principalOf(c) }));
  app.get("/v1/sagas/:id/events", EVENTS, (c) => {
    readQuery(c, v.strictObject({}));
    return streams.open(c, { sagaId: sagaIdOf(c.req.param("id")), reader: principalOf(c) });
  });
  return streams.tail;
}

/** How a client begins. */
interface Beginning {
  readonly first: string;
  readonly missed: StreamWindow;
  readonly final?: { readonly status: SagaStatus; readonly until: StreamWindow["from"] };
}

class Streams {
  readonly tail: Tail;
  readonly #parts: ApiParts;
  readonly #limits: StreamLimits;
  readonly #reader: StreamReader;

  constructor(parts: ApiParts, limits: StreamLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#reader = new StreamReader(parts.engine, parts.sql);
    this.tail = new Tail(parts.sql, this.#reader, parts.log, limits);
  }

  async open(c: ApiContext, filter: StreamFilter): Promise<Response> {
    const last = c.req.header("last-event-id");
    const position = last === undefined || last === "" ? undefined : parsePosition(last);
    // Who was told the end and asks again is told once more, in the one way that ends an EventSource.
    if (filter.sagaId !== undefined && position?.ended === true) return new Response(null, { status: 204 });
    // The server drops connections that are idle for long; this one is meant to be.
    c.env?.server?.timeout(c.req.raw, 0);
    const cut = () => c.env?.server?.timeout(c.req.raw, CUT_AFTER_S);
    const feed = new Feed({ tail: this.tail, reader: this.#reader, limits: this.#limits, cut }, filter);
    this.tail.enter(feed);
    c.req.raw.signal.addEventListener("abort", () => feed.leave(), { once: true });
    try {
      const { first, missed, final } = await this.#beginning(filter, position);
      feed.begin(first, missed, final);
    } catch (error) {
      feed.leave();
      throw error;
    }
    return this.#answer(c, feed);
  }

  async #beginning({ sagaId }: StreamFilter, position: Position | undefined): Promise<Beginning> {
    const { sql } = this.#parts;
    const lost = position === undefined ? undefined : await this.#lost(position);
    const resumed = lost === undefined ? position : undefined;
    // Before the saga is looked at: an end after that look lies behind this place.
    const from = resumed?.from ?? (await this.tail.position());
    const saga = sagaId === undefined ? undefined : ((await readSaga(sql, sagaId)) ?? unknownSaga(sagaId));
    const status = saga?.status as SagaStatus | undefined;
    const final = status !== undefined && isFinal(status) ? { status, until: await readSnapshot(sql) } : undefined;
    const at = { from, at: seconds(), ended: false };
    const told = saga === undefined ? {} : { sagaId, status };
    const notice =
      lost === undefined
        ? noticeText("ready", told, resumed ?? at)
        : noticeText("reset", { ...told, message: lost }, at);
    return {
      first: `${RETRY}${notice}`,
      missed: { from, ...resumed?.window },
      ...(final === undefined ? {} : { final }),
    };
  }

  /** Why a client cannot go on from a position; undefined: it can. */
  async #lost({ from, window, at }: Position): Promise<string | undefined> {
    const { behindMax } = this.#limits;
    const { now, keptSince, behind } = await readStanding(this.#parts.sql, from, behindMax + 1);
    const newest = window?.to ?? from;
    if (newest.xmax > now.xmax) return "the position is from another database, or from before a restore";
    if (at * 1000 < keptSince.getTime()) return "the position is older than the messages that are kept";
    return behind > behindMax ? `the position lies more than ${behindMax} messages back` : undefined;
  }

  #answer(c: ApiContext, feed: Feed): Response {
    const headers = {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      // nginx would hold events back to fill a buffer.
      "x-accel-buffering": "no",
    };
    if (c.req.raw.method === "HEAD") {
      feed.leave();
      return new Response(null, { headers });
    }
    const principal = principalOf(c);
    const body = new ReadableStream({
      pull: async (controller) => {
        const text = await this.#next(feed, principal);
        if (text === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(text));
      },
      cancel: () => feed.leave(),
    });
    return new Response(body, { headers });
  }

  /** A client whose stream breaks off connects again, and misses nothing. */
  async #next(feed: Feed, principal: Principal): Promise<string | undefined> {
    try {
      const text = await feed.next();
      // A key that was revoked meanwhile is told nothing more; when it connects again it is told why.
      if (text === undefined || (await principal.holds())) return text;
      feed.leave();
      return undefined;
    } catch (error) {
      this.#parts.log.warn("an event stream broke off", { error });
      feed.leave();
      return undefined;
    }
  }
}

const LAST_EVENT_ID = {
  in: "header",
  name: "Last-Event-ID",
  required: false,
  description:
    "The id of the last event that was read: the stream goes on behind it, without a loss and without a repetition. " +
    "Browsers send it by themselves",
  schema: { type: "string" as const },
} as const;

const PROTOCOL =
  "Server-Sent Events. Each event's data is a StreamEvent, under no event name; its id is a position to resume from. " +
  "Notices have a name: `ready` comes first: what happens from its id on is told, so read what you show after it; " +
  "`reset`: the position of Last-Event-ID is not kept any more (or lies too far back): read anew what you show, the " +
  "stream goes on from its id; `behind`: you read too slowly, the stream is closed, connect again to go on. " +
  `An idle stream has a comment every ${STREAM_LIMITS.pingMs / 1_000} s. ` +
  "One saga's events come in their order; of different sagas, those of one " +
  "transaction come together, and a transaction that commits late comes late.";

const EVENTS = describe({
  tag: "streams",
  operationId: "streamSaga",
  access: { role: "viewer", over: "saga" },
  summary: "Follow one saga",
  description:
    `${PROTOCOL} When the saga is final the notice \`end\` ` +
    "(`{sagaId, status}`) follows its last event, and the stream is closed: close your EventSource there. One that " +
    "connects again from the id of `end` is answered 204, upon which browsers give up. What is sent to a saga after its " +
    "end (late answers, a parent that has a completed child compensated) stands in its timeline.",
  path: ["sagaId"],
  parameters: [LAST_EVENT_ID],
  answers: {
    200: { description: "The stream", schema: "StreamEvent", media: "text/event-stream" },
    204: { description: "The saga's stream has ended, and the end was told" },
  },
  problems: ["saga.unknown", "stream.full", "request.header-invalid", "request.query-invalid"],
});

const STREAM = describe({
  tag: "streams",
  operationId: "streamAll",
  access: { role: "viewer", over: "listed" },
  summary: "Follow all sagas",
  description: PROTOCOL,
  query: StreamQuery,
  parameters: [LAST_EVENT_ID],
  answers: { 200: { description: "The stream", schema: "StreamEvent", media: "text/event-stream" } },
  problems: ["stream.full", "request.header-invalid"],
});
