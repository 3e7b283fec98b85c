import { useEffect, useRef, useState } from "preact/hooks";

import type { Message, Timeline } from "../../data/shapes.ts";
import { type Called, useCall } from "../../data/use-call.ts";
import { useQuery } from "../../shell/place.ts";
import { ownerOf } from "./ledger-row.ts";
import { type Selection, selectionOf, timelinePath } from "./reads.ts";

interface TimelinePage {
  readonly called: Called<Timeline>;
  /** Shows the newest again; undefined: they are what is shown. */
  readonly toNewest: (() => void) | undefined;
}

/**
 * The part of a saga's timeline that the address asks for: a page, what is around the selection, else the newest.
 * Without bodies: the message that is open reads its own.
 */
export function useTimeline(sagaId: string): TimelinePage {
  const [query, change] = useQuery();
  const page = query.get("page");
  const selection = selectionOf(query);
  // A selection moves the window only when it lies outside.
  const [centre, setCentre] = useState(selection);
  const called = useCall<Timeline>(timelinePath(sagaId, page, centre), {
    concerns: (event) => event.sagaId === sagaId,
  });
  const items = called.data?.items;
  const followed = useRef(selection?.value);
  useEffect(() => {
    if (items === undefined) return;
    const isOther = followed.current !== selection?.value;
    followed.current = selection?.value;
    if (selection === undefined || items.some((item) => isIt(item, selection))) return;
    // Whoever turns the pages looks away from the selection.
    if (page !== null && !isOther) return;
    setCentre(selection);
    if (page !== null) change({ page: null }, { replace: true });
  }, [selection?.value, items]);
  const isNewest = page === null && (centre === undefined || called.data?.nextCursor === null);
  const toNewest = () => {
    setCentre(undefined);
    change({ page: null, message: null, step: null });
  };
  return { called, toNewest: isNewest ? undefined : toNewest };
}

function isIt(item: Message, { kind, value }: Selection): boolean {
  return (kind === "around" ? item.messageId : ownerOf(item)) === value;
}
