import { type Draft, faultOf } from "./draft.ts";
import type { SagaEvent } from "./event.ts";
import { advance, leave, takeSignal } from "./forward.ts";
import { frames, inProgress, innermost } from "./frame.ts";
import { park } from "./park.ts";

type SignalReceived = Extract<SagaEvent, { type: "signal.received" }>;

/** Puts a signal into the mailbox; a wait that stands there for it takes it at once (S13). */
export function receive(draft: Draft, event: SignalReceived): void {
  draft.state.mailbox.push({ messageId: event.messageId, signal: event.signal, payload: event.payload });
  const frame = innermost(frames(draft.definition, draft.state));
  const at = inProgress(frame);
  if (draft.state.status !== "running" || at?.step.kind !== "wait" || at.state.kind !== "wait") return;
  try {
    if (!takeSignal(draft, at.step, at.path)) return;
  } catch (error) {
    const failure = faultOf(error, at.path);
    // A retry enters the wait again and sets its deadline anew.
    draft.clearTimers(at.path);
    frame.block.current = { kind: "fault", failure };
    return park(draft, at.path, failure);
  }
  leave(frame);
  advance(draft);
}
