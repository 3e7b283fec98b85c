import type { Pipeline } from "../../data/shapes.ts";
import { duration } from "../../parts/format.ts";
import { t } from "./text.ts";

/** The heartbeat's last trip hop by hop, and what is red. */
export function Way({ pipeline: { heartbeat, transport, parts } }: { readonly pipeline: Pipeline }) {
  const { last, outMs } = heartbeat;
  const red = parts.filter(({ ok }) => !ok);
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
          <li>
            <b class="number">+{duration(last.toTransportMs)}</b> {t("toTransport")}
          </li>
          <li>
            <b class="number">+{duration(last.toConsumerMs)}</b> {t("toConsumer")}
          </li>
          <li>
            <b class="number">+{duration(last.toDatabaseMs)}</b> {t("toDatabase")}
          </li>
          <li>
            = <b class="number">{duration(last.roundTripMs)}</b> {t("roundTrip")}
          </li>
        </ol>
      )}
      {red.length === 0 ? (
        <p class="good">✓ {t("allWell")}</p>
      ) : (
        <ul class="reasons">
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
