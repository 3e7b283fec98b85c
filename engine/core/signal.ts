import { type Draft, faultOf } from "./draft.ts";
import { takeSignal } from "./enter.ts";
import type { SagaEvent } from "./event.ts";
import { leave, placesOf } from "./frame.ts";
import { park } from "./park.ts";

type SignalReceived = Extract<SagaEvent, { type: "signal.received" }>;

/** Puts a signal into the mailbox; a wait that stands there for it takes it at once (S13). */
export function receive(draft: Draft, event: SignalReceived): void {
  draft.state.mailbox.push({ messageId: event.messageId, signal: event.signal, payload: event.payload });
  for (const { frame, step, path, state } of placesOf(draft)) {
    if (step.kind !== "wait" || state.kind !== "wait" || frame.closing !== undefined) continue;
    try {
      if (takeSignal(draft, frame, step, path)) leave(frame);
    } catch (error) {
      const failure = faultOf(error, path);
      // A retry enters the wait again and sets its deadline anew.
      draft.clearTimers(path);
      frame.block.current = { kind: "fault", failure };
      park(draft, path, failure);
    }
  }
}
