import { toGroup } from "../../data/session.ts";
import type { Pipeline } from "../../data/shapes.ts";
import { duration } from "../../parts/format.ts";
import { t } from "./text.ts";

/** The heartbeat's last trip hop by hop, and what is red. */
export function Way({ pipeline: { heartbeat, transport, parts, groups } }: { readonly pipeline: Pipeline }) {
  const { last, outMs } = heartbeat;
  const red = parts.filter(({ ok }) => !ok);
  const paused = groups.filter((group) => group.paused);
  return (
    <>
      <p class="soft">
        {t("wayText")} ({transport}){outMs === null ? "" : ` · ${t("out", { time: duration(outMs) })}`}
      </p>
      {last === null ? (
        <p class="soft">{t("noTrip")}</p>
      ) : (
        <ol class="way-hops">
          <li>{t("written")}</li>
          {hopsOf(last).map(([sign, ms, text]) => (
            <li key={text}>
              {sign}{" "}
              <a href="/pipeline">
                <b class="number">{duration(ms)}</b>
              </a>{" "}
              {text}
            </li>
          ))}
        </ol>
      )}
      {red.length === 0 && paused.length === 0 ? (
        <p class="good">✓ {t("allWell")}</p>
      ) : (
        <ul class="reasons">
          {paused.map(({ group, pausedReason }) => (
            <li key={`paused ${group}`} class="tone-stop">
              <span aria-hidden="true">‖</span> <a {...toGroup(group)}>{group}</a> {t("isPaused")}{" "}
              <span class="soft">{pausedReason}</span>
            </li>
          ))}
          {red.map(({ part, detail, hint }) => (
            <li key={part} class="fault">
              <span aria-hidden="true">✕</span> <b>{part}</b> <span>{detail}</span> <span class="soft">{hint}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

type Trip = NonNullable<Pipeline["heartbeat"]["last"]>;

function hopsOf(trip: Trip): readonly (readonly [sign: string, ms: number, text: string])[] {
  return [
    ["+", trip.toTransportMs, t("toTransport")],
    ["+", trip.toConsumerMs, t("toConsumer")],
    ["+", trip.toDatabaseMs, t("toDatabase")],
    ["=", trip.roundTripMs, t("roundTrip")],
  ];
}
