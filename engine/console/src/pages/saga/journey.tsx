import type { GraphBox, Saga } from "../../data/shapes.ts";
import { lookOf, Status, statusText } from "../../parts/status.tsx";
import { aheadOf, attemptsText } from "./ahead.ts";
import { leavesOf } from "./places.ts";
import { t } from "./text.ts";
import { Countdown, soonestOf } from "./timers.tsx";

/** At most so many steps stand in the line; of a longer run the newest. */
const SHOWN = 12;
/** And so many that are not reached. */
const AHEAD_SHOWN = 6;

interface JourneyProps {
  readonly saga: Saga;
  /** Of its definition's picture; empty: it is not there yet. */
  readonly boxes: readonly GraphBox[];
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
}

/**
 * The run in one line: what was reached, how it ended, where it is, what it has yet to come to. One that has ended, or goes
 * back, comes to nothing more: the rest stands behind its end.
 */
export function Journey({ saga, boxes, selected, onSelect }: JourneyProps) {
  const leaves = leavesOf(saga.steps);
  const shown = leaves.slice(-SHOWN);
  const timers = soonestOf(saga.timers);
  // A saga that has completed leaves out what its conditions said no to.
  const ahead = saga.status === "completed" ? [] : aheadOf(boxes, saga.steps, saga.error?.step);
  const isOver = saga.finishedAt !== null || saga.status === "compensating";
  return (
    <ol class="journey" aria-label={t("journey")}>
      <li>
        <span class="stop">▶ {saga.definition}</span>
      </li>
      {shown.length < leaves.length ? (
        <li class="soft">… {saga.moreSteps === true ? "" : leaves.length - shown.length}</li>
      ) : null}
      {shown.map((step) => {
        const { path, status } = step;
        const timer = timers.get(path);
        const attempts = attemptsText(step, boxes);
        return (
          <li key={path}>
            <button
              type="button"
              class={`stop tone-${lookOf(status).tone}`}
              aria-pressed={path === selected}
              title={`${path}: ${statusText(status)}`}
              onClick={() => onSelect(path)}
            >
              <span aria-hidden="true">{lookOf(status).icon} </span>
              {nameOf(path)}
              <span class="hidden">: {statusText(status)}</span>
              {attempts === undefined ? null : <small> {attempts}</small>}
              {timer === undefined ? null : (
                <small>
                  {" "}
                  · <Countdown timer={timer} step={step} />
                </small>
              )}
            </button>
          </li>
        );
      })}
      {isOver ? null : <Ahead paths={ahead} />}
      {saga.finishedAt === null ? null : (
        <li>
          <Status status={saga.status} />
        </li>
      )}
      {isOver && ahead.length > 0 ? (
        <li class="unrun">
          <span class="stop soft" title={ahead.join("\n")}>
            {t("notRun")}: {ahead.slice(0, AHEAD_SHOWN).map(nameOf).join(", ")}
            {ahead.length > AHEAD_SHOWN ? ` … ${ahead.length - AHEAD_SHOWN}` : ""}
          </span>
        </li>
      ) : null}
    </ol>
  );
}

/** What it has yet to come to. */
function Ahead({ paths }: { readonly paths: readonly string[] }) {
  return (
    <>
      {paths.slice(0, AHEAD_SHOWN).map((path) => (
        <li key={path} class="ahead">
          <span class="stop soft" title={path}>
            {nameOf(path)} <span aria-hidden="true">·</span>
            <span class="hidden">: {t("notReached")}</span>
          </span>
        </li>
      ))}
      {paths.length > AHEAD_SHOWN ? <li class="ahead soft">… {paths.length - AHEAD_SHOWN}</li> : null}
    </>
  );
}

/** The last name of a path; in an `each` with the number of the item, which alone tells it from the next. */
function nameOf(path: string): string {
  const [item = ""] = /\[\d+\](?!.*\[\d+\])/.exec(path) ?? [];
  const name = path.replace(/^.*\//, "");
  return name.includes("[") ? name : `${name}${item}`;
}
