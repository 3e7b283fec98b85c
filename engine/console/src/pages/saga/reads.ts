/** Entries of the timeline that are read at once. */
const ENTRIES = 200;

/** What is selected: a message says more than its step. */
export type Selection = { readonly kind: "around" | "step"; readonly value: string };

/** A saga without its input and output, which may be long: they are read when somebody looks at them. */
export function sagaPath(sagaId: string): string {
  return `/v1/sagas/${sagaId}?bodies=false`;
}

/** A page of a saga's timeline: that of a cursor, what is around a selection, else the newest. */
export function timelinePath(sagaId: string, page: string | null, centre: Selection | undefined): string {
  const where =
    page !== null
      ? `cursor=${encodeURIComponent(page)}`
      : centre === undefined
        ? "newest=true"
        : `${centre.kind}=${encodeURIComponent(centre.value)}`;
  return `/v1/sagas/${sagaId}/timeline?limit=${ENTRIES}&bodies=false&${where}`;
}

/** What the address selects. */
export function selectionOf(query: URLSearchParams): Selection | undefined {
  const [message, step] = [query.get("message"), query.get("step")];
  if (message !== null) return { kind: "around", value: message };
  return step === null ? undefined : { kind: "step", value: step };
}

/** What the page of a saga asks for first. */
export function sagaReads(sagaId: string, query: URLSearchParams): readonly string[] {
  return [sagaPath(sagaId), timelinePath(sagaId, query.get("page"), selectionOf(query))];
}
