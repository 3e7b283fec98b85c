import type { Outcome, StepContext, Tx } from "ekiden";

/** What a test makes a handler do before its normal work; returning an outcome replaces the work. */
export type Behaviour = (
  context: StepContext,
  tx: Tx | null,
  input: { readonly note: string },
) => Promise<Outcome<{ note: string }> | undefined> | Outcome<{ note: string }> | undefined;

const behaviours = new Map<string, Behaviour>();

/** Every call of a handler, rolled back or not. */
export const calls: {
  readonly action: string;
  readonly sagaId: string;
  readonly stepKey: string;
  readonly attempt: number;
}[] = [];

/** Sets what handlers of `action` do in one saga, or in all (`*`). */
export function behave(action: string, sagaId: string, behaviour: Behaviour): void {
  behaviours.set(`${action}/${sagaId}`, behaviour);
}

/** Normal work everywhere again. */
export function calm(): void {
  behaviours.clear();
}

/** Runs what the test wants for this call. */
export async function perform(
  action: string,
  context: StepContext,
  tx: Tx | null,
  input: { readonly note: string },
): Promise<Outcome<{ note: string }> | undefined> {
  calls.push({ action, sagaId: context.sagaId, stepKey: context.stepKey, attempt: context.attempt });
  const behaviour = behaviours.get(`${action}/${context.sagaId}`) ?? behaviours.get(`${action}/*`);
  return behaviour?.(context, tx, input);
}
