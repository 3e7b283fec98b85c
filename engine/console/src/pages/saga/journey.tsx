import type { Saga } from "../../data/shapes.ts";
import { lookOf, Status, statusText } from "../../parts/status.tsx";
import { t } from "./text.ts";
import { Countdown, soonestOf } from "./timers.tsx";

/** At most so many steps stand in the line; of a longer run the newest. */
const SHOWN = 12;

/** The run in one line: what was reached, how it ended, where it is. */
export function Journey({
  saga,
  selected,
  onSelect,
}: {
  readonly saga: Saga;
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
}) {
  const leaves = saga.steps.filter(
    ({ path }) => !saga.steps.some((other) => other.path.startsWith(`${path}/`) || other.path.startsWith(`${path}[`)),
  );
  const shown = leaves.slice(-SHOWN);
  const timers = soonestOf(saga.timers);
  return (
    <ol class="journey" aria-label={t("journey")}>
      <li>
        <span class="stop">▶ {saga.definition}</span>
      </li>
      {shown.length < leaves.length ? (
        <li class="soft">… {saga.moreSteps === true ? "" : leaves.length - shown.length}</li>
      ) : null}
      {shown.map((step) => {
        const { path, status, attempts } = step;
        const timer = timers.get(path);
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
              {attempts > 1 ? <small> ×{attempts}</small> : null}
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
      {saga.finishedAt === null ? null : (
        <li>
          <Status status={saga.status} />
        </li>
      )}
    </ol>
  );
}

/** The last name of a path; in an `each` with the number of the item, which alone tells it from the next. */
function nameOf(path: string): string {
  const [item = ""] = /\[\d+\](?!.*\[\d+\])/.exec(path) ?? [];
  const name = path.replace(/^.*\//, "");
  return name.includes("[") ? name : `${name}${item}`;
}
