import type { Pipeline } from "../../data/shapes.ts";
import { duration } from "../../parts/format.ts";
import { t } from "./text.ts";

/** The heartbeat's last trip: a bar of its hops, each as long as it took. */
export function Way({ pipeline: { heartbeat, transport } }: { readonly pipeline: Pipeline }) {
  const { last, ageMs, outMs } = heartbeat;
  const waits = outMs === null ? null : <p class="soft">{t("out", { time: duration(outMs) })}</p>;
  if (last === null) {
    return (
      <>
        <p class="soft">{t("noTrip")}</p>
        {waits}
      </>
    );
  }
  const hops = [
    { name: t(transport === "kafka" ? "toTransport" : "toTransportEmbedded"), ms: last.toTransportMs, tone: "back" },
    { name: t("toConsumer"), ms: last.toConsumerMs, tone: "stop" },
    { name: t("toDatabase"), ms: last.toDatabaseMs, tone: "busy" },
  ];
  return (
    <>
      <div class="hop-bar" aria-hidden="true">
        {hops.map(({ name, ms, tone }) => (
          <i key={name} class={`tone-${tone}`} style={{ flexGrow: Math.max(0, ms) }} />
        ))}
      </div>
      <ol class="hops">
        <li>{t("written")}</li>
        {hops.map(({ name, ms, tone }) => (
          <li key={name}>
            <i class={`tone-${tone}`} />
            <b class="number">{ms < 0 ? `−${duration(-ms)}` : duration(ms)}</b> {name}
          </li>
        ))}
      </ol>
      <p>{t("roundTrip", { time: duration(last.roundTripMs), ago: duration(ageMs ?? 0) })}</p>
      {hops.some(({ ms }) => ms < 0) ? <p class="soft">{t("clocks")}</p> : null}
      <p class="soft">{t("wayText")}</p>
      {waits}
    </>
  );
}
