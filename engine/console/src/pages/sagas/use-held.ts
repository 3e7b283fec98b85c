import { useEffect, useRef, useState } from "preact/hooks";

import type { Saga, SagaList, StreamEvent } from "../../data/shapes.ts";
import { onEvents } from "../../data/stream.ts";
import { type Called, useCall } from "../../data/use-call.ts";
import { follow, type Held, hold, waitingBehind } from "./held.ts";

interface HeldList {
  readonly called: Called<SagaList>;
  readonly rows: readonly Saga[];
  readonly nextCursor: string | null;
  /** Sagas that wait to be shown. */
  readonly fresh: number;
  /** Shows them. */
  show(): void;
}

/** Reads the list and follows it without a row moving: what is new waits, however it was found out. */
export function useHeld(path: string, query: URLSearchParams): HeldList {
  const begins = useBegins(query);
  const shown = useRef<ReadonlySet<string>>(new Set());
  const called = useCall<SagaList>(path, {
    concerns: (event) => shown.current.has(event.sagaId) || begins.asksAgain(event),
  });
  const held = useRef<{ readonly path: string; readonly at: Held } | undefined>(undefined);
  // Reads up to this one are too old for what was asked to be shown.
  const shownSince = useRef(0);
  const { data, reads } = called;
  if (held.current?.path !== path) {
    held.current = undefined;
    shownSince.current = 0;
  }
  if (data !== undefined && reads > shownSince.current) {
    // Among no rows none can move.
    const isNew = held.current === undefined || held.current.at.rows.length === 0;
    const at = isNew || held.current === undefined ? hold(data) : follow(held.current.at, data);
    held.current = { path, at };
  }
  const at = held.current?.at;
  const rows = at?.rows ?? data?.items ?? [];
  shown.current = new Set(rows.map(({ sagaId }) => sagaId));
  return {
    called,
    rows,
    nextCursor: at === undefined ? (data?.nextCursor ?? null) : at.nextCursor,
    fresh: at === undefined || data === undefined ? 0 : waitingBehind(at, data, begins.told),
    show: () => {
      held.current = undefined;
      // Not as it was drawn: what says the same again is read without being drawn.
      shownSince.current = called.reads;
      called.again();
    },
  };
}

/** Only these filters can be told from the event that a saga has begun. */
const TOLD = new Set(["definition"]);

/** Sagas that the stream says have begun. Where a filter needs more than that, the list is read again instead. */
function useBegins(query: URLSearchParams) {
  const [told, setTold] = useState<ReadonlySet<string>>(new Set());
  const definition = query.get("definition");
  const text = query.toString();
  const isTold = [...query.keys()].every((name) => TOLD.has(name));
  const statuses = query.get("status")?.split(",") ?? [];
  const fits = (event: StreamEvent) => definition === null || event.definition === definition;
  useEffect(() => {
    setTold(new Set());
    if (!isTold) return;
    return onEvents((batch) => {
      const begun = (batch ?? []).filter((event) => event.sequence === 1 && fits(event));
      if (begun.length > 0) setTold((known) => new Set([...known, ...begun.map(({ sagaId }) => sagaId)]));
    });
  }, [text]);
  const asksAgain = (event: StreamEvent) =>
    !isTold &&
    fits(event) &&
    (event.sequence === 1 ||
      (event.status !== null && statuses.includes(event.status)) ||
      query.has("step") ||
      query.has("retrying") ||
      query.has("retryingGroup"));
  return { told, asksAgain };
}
