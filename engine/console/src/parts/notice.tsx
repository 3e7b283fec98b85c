import { Problem } from "../data/call.ts";
import { Cell, useCell } from "../data/cell.ts";
import { t } from "./text.ts";

const done = new Cell<{ readonly text: string; readonly at: number } | undefined>(undefined);
const failed = new Cell<{ readonly text: string; readonly hint: string | undefined } | undefined>(undefined);

/** Says for a moment that something was done. */
export function notice(text: string): void {
  const at = performance.now();
  done.set({ text, at });
  setTimeout(() => {
    if (done.value?.at === at) done.set(undefined);
  }, 4_000);
}

/** Says that something could not be done, until somebody has read it and closes it. */
export function noticeFailure(error: unknown): void {
  const { message, hint } = error instanceof Problem ? error : { message: String(error), hint: undefined };
  failed.set({ text: message, hint });
}

/** Where notices are shown: what failed before what was done. Both places are there before anything is said in them. */
export function Notices() {
  const failure = useCell(failed);
  const current = useCell(done);
  return (
    <div class="notices">
      <div role="alert">
        {failure === undefined ? null : (
          <p class="failed">
            <span>
              <span aria-hidden="true">⚠ </span>
              {failure.text} {failure.hint}
            </span>
            <button type="button" aria-label={t("close")} onClick={() => failed.set(undefined)}>
              ×
            </button>
          </p>
        )}
      </div>
      <div role="status">{current === undefined ? null : <p>✓ {current.text}</p>}</div>
    </div>
  );
}
