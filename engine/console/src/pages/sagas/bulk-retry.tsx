import { useRef, useState } from "preact/hooks";

import { call, newIdempotencyKey, Problem } from "../../data/call.ts";
import { apiKey } from "../../data/session.ts";
import type { Saga } from "../../data/shapes.ts";
import { curlOf, quoted } from "../../parts/copy.tsx";
import { ReasonDialog } from "../../parts/dialog.tsx";
import { notice } from "../../parts/notice.tsx";
import { parkedSteps } from "../saga/places.ts";
import { t } from "./text.ts";

/** So many refusals in a row and the rest is not asked for: something is wrong with all of them. */
const STOP_AFTER = 3;

interface BulkRetryProps {
  /** As they were when the dialog was opened: what it says is what it does. */
  readonly sagas: readonly Saga[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

interface Retry {
  readonly saga: Saga;
  readonly step: string;
  readonly path: string;
}

/** Retries each parked step of some sagas, one after another, after saying which. */
export function BulkRetry({ sagas, onClose, onDone }: BulkRetryProps) {
  const retries = sagas.flatMap((saga) =>
    parkedSteps(saga).map((step) => ({ saga, step, path: `/v1/sagas/${saga.sagaId}/retry` })),
  );
  const left = sagas.filter((saga) => parkedSteps(saga).length === 0).length;
  const { ended, busy, problem, keyOf, send } = useRetries(retries, onDone);
  const steps = Map.groupBy(retries, ({ saga, step }) => `${saga.definition} ${step}`);
  return (
    <ReasonDialog
      title={t("retryMany", { count: retries.length })}
      text={t("retryManyText")}
      needsReason={true}
      curl={(reason) =>
        each(retries, (retry) => {
          const { path, step } = retry;
          return curlOf("POST", path, { step, reason }, signedIn(), keyOf(retry, reason));
        })
      }
      cli={(reason) =>
        each(
          retries,
          ({ saga: { sagaId }, step }) =>
            `bun run ekiden retry ${sagaId} --step ${quoted(step)} --reason ${quoted(reason)}`,
        )
      }
      fault={undefined}
      busy={busy}
      problem={problem}
      onClose={onClose}
      onSend={(reason) => void send(reason)}
    >
      <ul class="effect">
        {[...steps].map(([name, of]) => (
          <li key={name}>
            <b>{of.length}</b> × {of[0]?.saga.definition} <code>{of[0]?.step}</code>{" "}
            <span class="soft">{of[0]?.saga.error?.code}</span>
          </li>
        ))}
        {left === 0 ? null : <li class="soft">{t("leftAlone", { count: left })}</li>}
      </ul>
      {busy ? <progress max={retries.length} value={ended} aria-label={t("retryMany", { count: ended })} /> : null}
    </ReasonDialog>
  );
}

function useRetries(retries: readonly Retry[], onDone: () => void) {
  const [ended, setEnded] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  // What is done stays done when somebody presses again, and what had no answer is not done twice.
  const keys = useRef(new Map<string, string>());
  const done = useRef(new Set<string>());
  const keyOf = ({ path, step }: Retry, reason: string) => {
    const name = `${path} ${step} ${reason}`;
    const key = keys.current.get(name) ?? newIdempotencyKey();
    keys.current.set(name, key);
    return key;
  };
  const send = async (reason: string) => {
    setBusy(true);
    setProblem(undefined);
    const refused: { retry: Retry; problem: Problem }[] = [];
    let inRow = 0;
    for (const retry of retries) {
      const { step, path } = retry;
      const which = `${path} ${step}`;
      if (done.current.has(which)) continue;
      try {
        await call(path, { method: "POST", body: { step, reason }, idempotencyKey: keyOf(retry, reason) });
        done.current.add(which);
        inRow = 0;
      } catch (error) {
        refused.push({ retry, problem: error instanceof Problem ? error : new Problem(0, { detail: String(error) }) });
        inRow += 1;
        if (inRow === STOP_AFTER) break;
      }
      setEnded(done.current.size + refused.length);
    }
    const [first] = refused;
    if (first === undefined) {
      notice(t("retried", { count: done.current.size }));
      onDone();
      return;
    }
    setBusy(false);
    setProblem(problemOf(first.problem, refused, done.current.size, retries.length));
  };
  return { ended, busy, problem, keyOf, send };
}

/** What was refused, by whose name it is known, under the code of the first. */
function problemOf(
  first: Problem,
  refused: readonly { readonly retry: Retry; readonly problem: Problem }[],
  done: number,
  all: number,
): Problem {
  return new Problem(first.status, {
    code: first.code,
    detail: t("someRefused", { done, all }),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    errors: refused.map(({ retry: { saga }, problem: { message } }) => ({
      pointer: saga.key ?? saga.sagaId,
      detail: message,
    })),
  });
}

function each(retries: readonly Retry[], text: (retry: Retry) => string): string {
  return retries.map(text).join("\n");
}

function signedIn(): boolean {
  return apiKey.value !== undefined;
}
