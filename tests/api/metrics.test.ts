import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";

import { prometheusText } from "../../engine/api/pipeline-metrics.ts";
import { root } from "../architecture/project-files.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

let t: TestEngine;
let client: Client;

beforeAll(async () => {
  t = await testEngine("embedded");
  client = new Client(() => t.url);
}, 60_000);
afterEach(calm);
afterAll(() => t?.close(), 60_000);

/** `name{labels}` → value, and the names with their types. */
async function metrics() {
  const response = await fetch(`${t.url}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const lines = (await response.text()).trimEnd().split("\n");
  const types = new Map(
    lines.flatMap((line) => {
      const [, name = "", type = ""] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? [];
      return name === "" ? [] : [[name, type] as const];
    }),
  );
  const samples = lines.filter((line) => !line.startsWith("#"));
  const values = new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
  return { types, values };
}

test("sagas, steps, retries and what is parked are counted, whichever transaction they came in", async () => {
  await metrics();
  behave("two", "*", (_context, _tx, { note }) => {
    if (note.includes("stuck")) throw new Error("odd");
    return undefined;
  });
  const good = await client.start("three", { note: "good" });
  expect((await client.settled(good.sagaId)).status).toBe("completed");
  const stuck = await client.start("three", { note: "stuck" });
  expect((await client.settled(stuck.sagaId)).status).toBe("parked");
  const { types, values } = await metrics();
  const at = (key: string) => values.get(key);
  expect(at('ekiden_sagas_open{definition="three",status="parked"}')).toBe(1);
  expect(at('ekiden_sagas_finished_total{definition="three",status="completed"}')).toBe(1);
  // Three attempts.
  expect(at('ekiden_step_retries_total{action="two"}')).toBe(2);
  const steps = [...values].filter(([key]) => key.startsWith("ekiden_step_seconds_count"));
  expect(steps.reduce((sum, [, value]) => sum + value, 0)).toBe(4);
  expect([...values].filter(([key]) => key.includes('le="+Inf"')).reduce((sum, [, value]) => sum + value, 0)).toBe(4);
  expect(at("ekiden_transitions_total")).toBeGreaterThanOrEqual(at("ekiden_transition_commits_total") ?? Number.NaN);
  expect(at("ekiden_transition_commits_total")).toBeGreaterThan(0);
  expect(at('ekiden_group_lag{group="dispatcher"}')).toBeNumber();
  expect([types.get("ekiden_step_seconds"), types.get("ekiden_api_requests_limit")]).toEqual(["histogram", "gauge"]);
  expect((await metrics()).values.get('ekiden_sagas_finished_total{definition="three",status="completed"}')).toBe(1);
}, 60_000);

test("a group that is paused says so", async () => {
  await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "test" });
  await eventually("it says so", async () => (await metrics()).values.get('ekiden_group_paused{group="lab"}') === 1);
  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "test" });
});

/** Names of the engine's metrics in a text. */
function named(text: string): string[] {
  return [...new Set([...text.matchAll(/\bekiden_[a-z_]+/g)].map(([name]) => name))];
}

test("dashboard and alert rules name metrics that exist, and every metric of the pipeline is on the dashboard", async () => {
  const { types } = await metrics();
  const parts = [...types].flatMap(([name, type]) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => `${name}${part}`) : [name],
  );
  const read = (name: string) => Bun.file(join(root, "docs/monitoring", name)).text();
  const dashboard = JSON.parse(await read("grafana-dashboard.json")) as {
    readonly panels: readonly { readonly id: number; readonly targets: readonly { readonly expr: string }[] }[];
  };
  const { groups } = parse(await read("alerts.yaml")) as {
    readonly groups: readonly {
      readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: object }[];
    }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  const shown = named(dashboard.panels.flatMap((panel) => panel.targets.map(({ expr }) => expr)).join(" "));
  const watched = named(rules.map(({ expr }) => expr).join(" "));
  expect([...shown, ...watched].filter((name) => !parts.includes(name))).toEqual([]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  expect(rules.filter(({ annotations }) => !("summary" in annotations && "action" in annotations))).toEqual([]);
  const bounds = [...types.keys()].filter((name) => types.has(`${name}_limit`));
  const own = parts.filter((name) => !bounds.some((bound) => name.startsWith(bound)));
  expect(own.filter((name) => !shown.includes(name) && !watched.includes(name))).toEqual([]);
  expect(named("rate(ekiden_nothing_total[5m])").filter((name) => !parts.includes(name))).toEqual([
    "ekiden_nothing_total",
  ]);
});

test("labels are escaped", () => {
  const samples = [{ labels: { a: 'x"\\\n' }, value: 1 }];
  expect(prometheusText([{ name: "n", help: "h", type: "gauge", samples }])).toBe(
    '# HELP n h\n# TYPE n gauge\nn{a="x\\"\\\\\\n"} 1\n',
  );
});
