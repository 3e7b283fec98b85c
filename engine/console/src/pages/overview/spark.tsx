import type { Overview } from "../../data/shapes.ts";
import { clock, count } from "../../parts/format.ts";
import { t } from "./text.ts";

const WIDE = 600;
const HIGH = 90;
const LINES = ["started", "completed", "ended"] as const;

/** The last hour as lines, a point a minute. The current minute is not over and left out. */
export function Spark({ minutes, label }: { readonly minutes: Overview["minutes"]; readonly label: string }) {
  const shown = minutes.slice(0, -1);
  const top = Math.max(0, ...shown.flatMap((minute) => LINES.map((line) => minute[line])));
  const most = Math.max(1, top);
  const [from, to] = [shown[0]?.at, minutes.at(-1)?.at].map((at) => (at === undefined ? "" : clock(at).slice(0, 5)));
  const x = (index: number) => WIDE - (shown.length - 1 - index) * (WIDE / 59);
  const y = (value: number) => HIGH - 4 - (value / most) * (HIGH - 12);
  return (
    <figure class="spark">
      <svg role="img" aria-label={label} viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none">
        <line class="base" x1="0" x2={WIDE} y1={HIGH - 4} y2={HIGH - 4} />
        {LINES.map((line) => (
          <polyline
            key={line}
            class={line}
            vector-effect="non-scaling-stroke"
            points={shown.map((minute, index) => `${x(index).toFixed(1)},${y(minute[line]).toFixed(1)}`).join(" ")}
          />
        ))}
      </svg>
      <figcaption class="legend">
        {LINES.map((line) => (
          <span key={line}>
            <i class={`stroke ${line}`} /> {t(`${line}Line`)}
          </span>
        ))}
        <span class="scale">
          {t("most", { count: count(top) })} · {from}–{to}
        </span>
      </figcaption>
    </figure>
  );
}
