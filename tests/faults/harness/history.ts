/** One call of the API that a client made, and what it knows of it. */
export interface Call {
  readonly at: Date;
  /** When the last answer came, or the client gave up. */
  until: Date;
  readonly kind: "start" | "signal" | "cancel" | "retry";
  readonly definition: string;
  /** The Idempotency-Key, the same in every try. */
  readonly key: string;
  readonly input: unknown;
  tries: number;
  /** `unknown`: no answer was definite. */
  outcome: "accepted" | "refused" | "unknown";
  /** Statuses of the answers, in their order; 0: none came. */
  readonly statuses: number[];
  /** Every saga id that an answer named. */
  readonly sagaIds: string[];
  /** How the saga may end, as far as the client can tell beforehand. */
  readonly ends: readonly string[];
}

/** What the clients know: every call that they made, whatever became of the engine meanwhile. */
export class History {
  readonly calls: Call[] = [];
  /** Goods on all shelves and room of all carriers, before the first order. */
  stocked = { goods: 0, room: 0 };

  begin(call: Pick<Call, "kind" | "definition" | "key" | "input" | "ends">): Call {
    const now = new Date();
    const begun: Call = { ...call, at: now, until: now, tries: 0, outcome: "unknown", statuses: [], sagaIds: [] };
    this.calls.push(begun);
    return begun;
  }

  get starts(): readonly Call[] {
    return this.calls.filter(({ kind }) => kind === "start");
  }

  /** Sagas that the engine has promised to run. */
  get accepted(): readonly string[] {
    return this.starts.filter(({ outcome }) => outcome === "accepted").map(({ sagaIds }) => sagaIds[0] as string);
  }
}
