import { useEffect, useState } from "preact/hooks";

import type { Simulation } from "../../data/shapes.ts";
import { usePosted } from "../../data/use-posted.ts";
import { count, duration } from "../../parts/format.ts";
import { JsonView } from "../../parts/json.tsx";
import { Loaded } from "../../parts/states.tsx";
import { lookOf, Status } from "../../parts/status.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useQuery } from "../../shell/place.ts";
import { GraphView } from "../saga/graph.tsx";
import { PlanFields } from "./plan-fields.tsx";
import { placesIn } from "./simulated-places.ts";
import { t } from "./text.ts";
import { wishOf } from "./wish.ts";

const NO_STEPS: Simulation["steps"] = [];

/** Chooses how each step ends, and shows where that leads, compensations included. */
export function SimulateView({ source }: { readonly source: string }) {
  const [query] = useQuery();
  const [steps, setSteps] = useState(NO_STEPS);
  const { body, faults } = wishOf(source, query, steps);
  const called = usePosted<Simulation>("/v1/definitions/simulate", faults.size > 0 ? undefined : body);
  const { data } = called;
  // What it waits for is known once it has been read: signals come from then on.
  const known = JSON.stringify(data?.steps ?? steps);
  useEffect(() => setSteps(JSON.parse(known) as Simulation["steps"]), [known]);
  return (
    <div class="columns">
      <PlanFields steps={steps} faults={faults} sample={data?.input} />
      <section class="stack" aria-label={t("result")} aria-busy={!called.fresh}>
        <Loaded called={called}>{(run) => <Result run={run} />}</Loaded>
      </section>
    </div>
  );
}

function Result({ run }: { readonly run: Simulation }) {
  const [query] = useQuery();
  const [step, setStep] = useState<string>();
  const { status, error, endedAtMs, waitingFor, ended, entered, uncompensated, unused, graph, output } = run;
  // A signal that nobody has chosen comes when it is awaited, and else is none.
  const idle = unused.filter((each) => !each.startsWith("signal ") || query.has(each.replace("signal ", "signal.")));
  return (
    <>
      <div class="sheet stack">
        <p class="verdict" role="status">
          <Status status={status} /> {endedAtMs === 0 ? t("atOnce") : t("ends", { time: duration(endedAtMs) })}
          {waitingFor.length === 0 ? "" : ` · ${t("waits", { signals: waitingFor.join(", ") })}`}
          {ended === "too-long" ? ` · ${t("tooLong")}` : ""}
        </p>
        {error === null ? null : (
          <p class={`why tone-${lookOf(status).tone}`}>
            {error.message.startsWith(error.code) ? null : <code>{error.code}</code>} {error.message}{" "}
            {error.step === "" ? null : <code>{error.step}</code>}
          </p>
        )}
        {uncompensated.length === 0 ? null : (
          <p class="why tone-stop">
            {t("uncompensated", { steps: uncompensated.map((each) => `${each.step} (${each.reason})`).join(", ") })}
          </p>
        )}
        {idle.length === 0 ? null : <p class="soft">{t("unused", { what: idle.join(", ") })}</p>}
        <h3>{t("path")}</h3>
        <ol class="path">
          {entered.map((name, index) => (
            // A step may be entered again: its place in the path tells it apart.
            <li key={`${index} ${name}`} class={name.startsWith("undo ") ? "tone-back" : "tone-calm"}>
              {nameOf(name)}
            </li>
          ))}
        </ol>
      </div>
      <div class="sheet">
        <GraphView graph={graph} places={placesIn(run)} selected={step} onSelect={setStep} />
      </div>
      <Entries run={run} />
      {output === undefined || output === null ? null : (
        <div class="sheet stack">
          <h2>{t("output")}</h2>
          <JsonView name="output" value={output} />
        </div>
      )}
    </>
  );
}

/** A step, or its compensation. */
function nameOf(step: string): string {
  return step.startsWith("undo ") ? `⟲ ${t("undo")} ${step.slice("undo ".length)}` : step;
}

type Row = Simulation["entries"][number] & { readonly index: number };

function Entries({ run: { entries, entryCount } }: { readonly run: Simulation }) {
  const rows = entries.map((entry, index) => ({ ...entry, index }));
  const columns: readonly Column<Row>[] = [
    { head: t("time"), cell: ({ atMs }) => duration(atMs), number: true },
    { head: t("step"), cell: ({ step }) => <code>{nameOf(step ?? "")}</code> },
    { head: t("what"), cell: ({ kind, text }) => `${SIGNS[kind]} ${text}` },
    {
      head: t("data"),
      cell: ({ data }) => (data === undefined ? "" : <code title={JSON.stringify(data)}>{JSON.stringify(data)}</code>),
      wide: true,
    },
  ];
  return (
    <div class="stack">
      <h2>{t("story")}</h2>
      <Table label={t("story")} columns={columns} rows={rows} keyOf={({ index }) => String(index)} />
      {entryCount > entries.length ? (
        <p class="soft">{t("more", { shown: count(entries.length), all: count(entryCount) })}</p>
      ) : null}
    </div>
  );
}

const SIGNS = {
  sent: "→",
  answered: "←",
  step: "·",
  timer: "◷",
  signal: "⚑",
  cancel: "⊘",
  refused: "✕",
  saga: "■",
} as const;
