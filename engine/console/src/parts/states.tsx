import type { ComponentChildren } from "preact";

import type { Problem } from "../data/call.ts";
import type { Called } from "../data/use-call.ts";
import { t } from "./text.ts";

/** Nothing is here: why, and what to do. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}

interface TroubleProps {
  readonly problem: Problem;
  readonly again?: () => void;
  /** Above what was read before, which a lost connection shall not push away. */
  readonly slim?: boolean;
  /** Of something that somebody wanted done: it is never sent again but by them. */
  readonly sent?: boolean;
}

/** What went wrong, and what to do. */
export function Trouble({ problem, again, slim = false, sent = false }: TroubleProps) {
  const unreachable = problem.code === "console.unreachable";
  return (
    <div class={slim && unreachable ? "trouble slim" : "trouble"} role="alert">
      <p class="title">
        <span aria-hidden="true">⚠ </span>
        {unreachable ? t("unreachable") : problem.message}
      </p>
      <p>{unreachable ? t(sent ? "unsentHint" : "unreachableHint") : problem.hint}</p>
      {problem.faults.length === 0 ? null : (
        <ul>
          {problem.faults.map(({ place, detail }) => (
            <li key={`${place} ${detail}`}>
              <code>{place}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      {unreachable ? null : <p class="code">{problem.code}</p>}
      {again === undefined ? null : (
        <button type="button" class="button" onClick={again}>
          {t("again")}
        </button>
      )}
    </div>
  );
}

/** An answer, once it is there; before, its room, so that nothing jumps. What was read stays in sight of a problem. */
export function Loaded<T>({
  called,
  children,
}: {
  readonly called: Called<T>;
  readonly children: (data: T) => ComponentChildren;
}) {
  const { data, problem, again } = called;
  return (
    <>
      {problem === undefined ? null : <Trouble problem={problem} again={again} slim={data !== undefined} />}
      {data !== undefined ? children(data) : problem === undefined ? <Skeleton /> : null}
    </>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" role="status" aria-label={t("loading")}>
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}
