import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Pipeline } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog } from "../../parts/dialog.tsx";
import { bytes, count, duration, moment } from "../../parts/format.ts";
import { notice } from "../../parts/notice.tsx";
import { Loaded } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Findings } from "./findings.tsx";
import { t } from "./text.ts";
import { Topics } from "./topics.tsx";
import { Way } from "./way.tsx";

const EVERY_MS = 2_000;

/** The way of a message from the outbox to its consumer: where it stands, what is red, what to do. */
export function PipelinePage() {
  const called = useCall<Pipeline>("/v1/pipeline", { everyMs: EVERY_MS });
  return (
    <div class="stack">
      <div class="page-head flat">
        <h1>{t("title")}</h1>
        {called.data === undefined ? null : <span class="soft">{called.data.transport}</span>}
      </div>
      <Loaded called={called}>
        {(pipeline) => (
          <>
            {pipeline.loss === null ? null : <Loss loss={pipeline.loss} />}
            <section class="sheet stack" aria-label={t("way")}>
              <h2>{t("way")}</h2>
              <Way pipeline={pipeline} />
            </section>
            <Findings />
            <div class="halves">
              <Connector pipeline={pipeline} onDone={called.again} />
              <Slot pipeline={pipeline} />
            </div>
            <Groups pipeline={pipeline} />
            <Topics pipeline={pipeline} />
          </>
        )}
      </Loaded>
    </div>
  );
}

/** Names with what stands beside them. */
function Facts({ rows }: { readonly rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface PartProps {
  readonly pipeline: Pipeline;
}

function Connector({ pipeline, onDone }: PartProps & { readonly onDone: () => void }) {
  const { connector, auditor } = pipeline;
  const audited = [
    [t("late"), count(auditor.late)],
    [t("republished"), count(auditor.republished)],
  ] as const;
  if (connector === null) {
    return (
      <section class="sheet stack" aria-label={t("auditor")}>
        <h2>{t("auditor")}</h2>
        <Facts rows={audited} />
      </section>
    );
  }
  const { name, managed, state, tasks, restarts, failures, lastFailure, lastFailureAt, trouble } = connector;
  return (
    <section class="sheet stack" aria-label={t("connector")}>
      <div class="page-head flat">
        <h2>
          {t("connector")} <code>{name}</code>
        </h2>
        <span class="space" />
        {managed && may("operator") ? <Restart onDone={onDone} /> : null}
      </div>
      {managed ? null : <p class="soft">{t("unmanaged")}</p>}
      {trouble === null ? null : (
        <p class="why tone-bad">
          {t("trouble")}: {trouble}
        </p>
      )}
      <Facts
        rows={[
          ...(managed ? [[t("state"), <Running key="state" state={state ?? t("unknown")} />] as const] : []),
          ...tasks.map(
            ({ id, state: stands, trace }) =>
              [
                t("task", { id }),
                <>
                  <Running state={stands} /> {trace === null ? null : <span class="fault">{trace}</span>}
                </>,
              ] as const,
          ),
          ...(managed && tasks.length === 0 ? [[t("task", { id: "" }), t("noTasks")] as const] : []),
          [t("restarts"), count(restarts)],
          [t("failures"), count(failures)],
          ...(lastFailure === null
            ? []
            : [
                [
                  t("lastFailure"),
                  `${lastFailure}${lastFailureAt === null ? "" : ` · ${moment(lastFailureAt)}`}`,
                ] as const,
              ]),
          ...audited,
        ]}
      />
    </section>
  );
}

/** As Kafka Connect says it. */
function Running({ state }: { readonly state: string }) {
  const runs = state === "RUNNING";
  return (
    <span class={`status tone-${runs ? "good" : "bad"}`}>
      <span class="icon" aria-hidden="true">
        {runs ? "▶" : "✕"}
      </span>
      {state}
    </span>
  );
}

function Restart({ onDone }: { readonly onDone: () => void }) {
  const [open, setOpen] = useState(false);
  const act = {
    title: t("restart"),
    text: t("restartText"),
    path: "/v1/pipeline/restart",
    body: (reason: string) => ({ reason }),
    cli: (reason: string) => `bun run ekiden pipeline restart --reason ${quoted(reason)}`,
  };
  const done = () => {
    notice(t("restarted"));
    setOpen(false);
    onDone();
  };
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}>
        {t("restart")}
      </button>
      {open ? <ActDialog act={act} onClose={() => setOpen(false)} onDone={done} /> : null}
    </>
  );
}

function Slot({ pipeline: { slot, publication, diskFreeBytes } }: PartProps) {
  const disk = diskFreeBytes === null ? [] : [[t("disk"), bytes(diskFreeBytes)] as const];
  if (slot === null) {
    return (
      <section class="sheet stack" aria-label={t("slot")}>
        <h2>{t("slot")}</h2>
        <p class="soft">{t("embedded")}</p>
        <Facts rows={disk} />
      </section>
    );
  }
  const { name, exists, active, walStatus, unconfirmedBytes, keptBytes, safeBytes, maxKeepBytes, trouble } = slot;
  const yes = (value: boolean) => (value ? `✓ ${t("yes")}` : `✕ ${t("no")}`);
  const size = (value: number | null) => (value === null ? "–" : bytes(value));
  const room = maxKeepBytes === null ? t("noLimit") : `${size(safeBytes)} / ${bytes(maxKeepBytes)}`;
  return (
    <section class="sheet stack" aria-label={t("slot")}>
      <h2>
        {t("slot")} <code>{name}</code>
      </h2>
      {trouble === null ? null : <p class="why tone-bad">{trouble}</p>}
      <Facts
        rows={[
          [t("exists"), yes(exists)],
          [t("active"), yes(active)],
          [t("walStatus"), walStatus ?? "–"],
          [t("unconfirmed"), size(unconfirmedBytes)],
          [t("keptBytes"), size(keptBytes)],
          [t("room"), room],
          ...(publication === null ? [] : [publicationFact(publication)]),
          ...disk,
        ]}
      />
    </section>
  );
}

function publicationFact({ name, tables }: NonNullable<Pipeline["publication"]>) {
  const nothing = tables?.length === 0;
  const text = nothing ? <span class="fault">✕ {t("noTables")}</span> : (tables?.join(", ") ?? "–");
  return [
    t("publication"),
    <>
      <code>{name}</code> {text}
    </>,
  ] as const;
}

function Loss({ loss: { cause, since, until, missing } }: { readonly loss: NonNullable<Pipeline["loss"]> }) {
  const text = t("lossText", {
    cause,
    since: since === null ? t("unsure") : moment(since),
    until: until === null ? t("still") : moment(until),
  });
  return (
    <div class="trouble" role="alert">
      <p class="title">
        <span aria-hidden="true">⚠ </span>
        {t("loss")}
      </p>
      <p>{text}</p>
      {missing === null ? null : <p>{t("missing", { count: count(missing) })}</p>}
    </div>
  );
}

function Groups({ pipeline: { groups } }: PartProps) {
  type Row = Pipeline["groups"][number];
  const columns = [
    {
      head: t("group"),
      cell: ({ group }: Row) => <a href={`/consumers?group=${encodeURIComponent(group)}`}>{group}</a>,
    },
    { head: t("lag"), cell: ({ lag }: Row) => count(lag), number: true },
    {
      head: t("oldest"),
      cell: ({ lagSeconds }: Row) => (lagSeconds === null ? "–" : duration(lagSeconds * 1_000)),
      number: true,
    },
    {
      head: t("state"),
      cell: ({ paused, pausedReason }: Row) =>
        paused ? (
          <span title={pausedReason ?? undefined}>
            <span aria-hidden="true">‖ </span>
            {t("paused")}
          </span>
        ) : (
          <span class="soft">{t("runs")}</span>
        ),
    },
  ];
  return (
    <div class="stack">
      <h2>{t("groups")}</h2>
      <Table label={t("groups")} columns={columns} rows={groups} keyOf={({ group }) => group} />
    </div>
  );
}
