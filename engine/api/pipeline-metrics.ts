import type { Bound } from "../core/bound.ts";
import type { Metric, Sample } from "../core/metric.ts";
import type { PipelineView } from "./port.ts";

/** The way of a message, in numbers. */
export function pipelineMetrics(view: PipelineView): readonly Metric[] {
  const { relay, heartbeat, groups, auditor, diskFreeBytes, parts } = view;
  const { last, ageMs } = heartbeat;
  const slot = relay?.slot;
  const trip = last === null ? null : last.returnedAt.getTime() - last.writtenAt.getTime();
  return [
    gauge(
      "ekiden_outbox_round_trip_seconds",
      "From the outbox through the transport and back, of the last heartbeat.",
      one(trip, 1e-3),
    ),
    gauge(
      "ekiden_outbox_heartbeat_age_seconds",
      "Since the last heartbeat that came back was written.",
      one(ageMs, 1e-3),
    ),
    gauge("ekiden_slot_kept_bytes", "WAL that PostgreSQL keeps for the connector.", one(slot?.keptBytes)),
    gauge("ekiden_slot_unconfirmed_bytes", "WAL that the connector has not confirmed.", one(slot?.unconfirmedBytes)),
    gauge("ekiden_slot_safe_bytes", "WAL that may still be written before the slot is lost.", one(slot?.safeBytes)),
    gauge("ekiden_slot_active", "1: the connector reads its slot.", flag(slot?.active)),
    gauge(
      "ekiden_relay_lost",
      "1: the slot was lost, and messages may be missing in Kafka.",
      flag(relay && relay.loss !== null),
    ),
    counter(
      "ekiden_connector_restarts_total",
      "Restarts of the connector after failures.",
      one(relay?.connector.restarts),
    ),
    gauge(
      "ekiden_group_lag",
      "Messages that a consumer group has not taken yet.",
      groups.map(({ group, lag }) => ({ labels: { group }, value: lag })),
    ),
    gauge(
      "ekiden_group_paused",
      "1: the consumer group is paused.",
      groups.map(({ group, paused }) => ({ labels: { group }, value: paused ? 1 : 0 })),
    ),
    gauge("ekiden_messages_late", "Requests that no consumer has taken in time.", one(auditor.late)),
    counter(
      "ekiden_messages_republished_total",
      "Requests that were lost on their way and sent again by the engine.",
      one(auditor.republished),
    ),
    gauge("ekiden_disk_free_bytes", "Free on PostgreSQL's disk, when it is this machine's.", one(diskFreeBytes)),
    gauge(
      "ekiden_part_ok",
      "1: this part of the engine is well.",
      parts.map(({ part, ok }) => ({ labels: { part }, value: ok ? 1 : 0 })),
    ),
  ];
}

/** What this process bounds: how much there is, how much there may be, and how often that was met. */
export function boundMetrics(bounds: readonly Bound[]): readonly Metric[] {
  return [...Map.groupBy(bounds, ({ name }) => name)].flatMap(([name, same]) => {
    const help = same[0]?.help ?? "";
    const samples = (value: (bound: Bound) => number) =>
      same.map((bound) => ({ labels: bound.labels ?? {}, value: value(bound) }));
    return [
      gauge(
        name,
        help,
        samples((bound) => bound.now()),
      ),
      gauge(
        `${name}_limit`,
        `Limit of ${name}.`,
        samples(({ limit }) => limit),
      ),
      counter(
        `${name}_hits_total`,
        `How often ${name} was at its limit.`,
        samples((bound) => bound.hits()),
      ),
    ];
  });
}

/** The text format of Prometheus, version 0.0.4. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(({ suffix = "", labels, value }) => `${name}${suffix}${labelText(labels)} ${value}`);
      return `${[`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n")}\n`;
    })
    .join("");
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: "counter", samples };
}

function one(value: number | null | undefined, times = 1): readonly Sample[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value: value * times }];
}

function flag(value: boolean | null | undefined): readonly Sample[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value: value ? 1 : 0 }];
}
