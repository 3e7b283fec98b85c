import type { Saga, SagaStep, SagaTimer } from "../../data/shapes.ts";
import { between, duration, moment } from "../../parts/format.ts";
import { useSecond } from "../../parts/time.tsx";
import { numberless } from "./places.ts";
import { t } from "./text.ts";

/** Timers that stand in words above the picture; the others are counted. */
const SHOWN = 3;

/** What the saga does next by itself, counted down. A wait says its own deadline. */
export function Next({ saga: { timers, steps, waitingFor } }: { readonly saga: Saga }) {
  const waits = new Set((waitingFor ?? []).map(({ path }) => path));
  const next = timers.filter(({ kind, step }) => kind !== "deadline" || step === null || !waits.has(step));
  if (next.length === 0) return null;
  const more = next.length - SHOWN;
  return (
    <div class="why tone-busy">
      <p>
        <span aria-hidden="true">◷ </span>
        {t("next")}:{" "}
        {next.slice(0, SHOWN).map((timer, index) => (
          <span key={`${timer.kind} ${timer.step}`}>
            {index === 0 ? "" : " · "}
            {timer.step === null ? null : <b>{timer.step} </b>}
            <Countdown timer={timer} step={steps.find(({ path }) => path === timer.step)} />
          </span>
        ))}
        {more > 0 ? <span> · {t("moreTimers", { count: more })}</span> : null}
      </p>
    </div>
  );
}

/** What a timer is for and in how long: `retry 3 in 12 s`. The moment itself is its title. */
export function Countdown({ timer, step }: { readonly timer: SagaTimer; readonly step: SagaStep | undefined }) {
  useSecond();
  return (
    <time dateTime={timer.dueAt} title={moment(timer.dueAt)}>
      {timerText(timer, step)}
    </time>
  );
}

/** The same as a text, now. */
function timerText({ kind, step: path, dueAt }: SagaTimer, step: SagaStep | undefined): string {
  const left = -between(dueAt, null);
  const retry =
    step === undefined
      ? t("tryAgain")
      : step.status === "compensating"
        ? t("undoAgain")
        : t("retryAgain", { attempt: step.attempts + 1 });
  const what = {
    retry,
    deadline: path === null ? t("sagaDeadline") : t("deadline"),
    guard: t("askAgain"),
    sleep: t("goesOn"),
  }[kind];
  // To the second: tenths that jump say nothing.
  return left < 1_000 ? t("due", { what }) : t("dueIn", { what, time: duration(Math.round(left / 1_000) * 1_000) });
}

/** The soonest timer of each step, by its path; `place` makes one of several paths. */
export function soonestOf(
  timers: readonly SagaTimer[],
  place = (path: string) => path,
): ReadonlyMap<string, SagaTimer> {
  const soonest = new Map<string, SagaTimer>();
  for (const timer of timers) {
    if (timer.step === null) continue;
    const at = place(timer.step);
    if (!soonest.has(at)) soonest.set(at, timer);
  }
  return soonest;
}

/** The soonest timer of each step of the definition. */
export function timersByPlace(timers: readonly SagaTimer[]): ReadonlyMap<string, SagaTimer> {
  return soonestOf(timers, numberless);
}
