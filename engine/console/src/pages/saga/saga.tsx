import { useMemo, useState } from "preact/hooks";

import type { Graph, Saga, SagaStep, Timeline } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { JsonView } from "../../parts/json.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Status } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { Lasting } from "../../parts/time.tsx";
import type { PageProps } from "../../shell/pages.ts";
import { useQuery } from "../../shell/place.ts";
import { useOpened } from "../../shell/title.ts";
import { Audit } from "./audit.tsx";
import { Compensation } from "./compensation.tsx";
import { GraphView } from "./graph.tsx";
import { Head } from "./head.tsx";
import { Journey } from "./journey.tsx";
import { Ledger } from "./ledger.tsx";
import { isUndoing, leavesOf, pairsByPlace, placesOf, undoablesOf } from "./places.ts";
import { Related } from "./related.tsx";
import { useSelection } from "./selection.ts";
import { t } from "./text.ts";
import { timersByPlace } from "./timers.tsx";
import { useAllSteps } from "./use-all-steps.ts";
import { useTimeline } from "./use-timeline.ts";
import { Waterfall } from "./waterfall.tsx";

/** One saga: where it is, why, and what can be done. */
export function SagaPage({ parts: { id = "" } }: PageProps) {
  const concerns = (event: { readonly sagaId: string }) => event.sagaId === id;
  const saga = useCall<Saga>(`/v1/sagas/${id}`, { concerns });
  useOpened(saga.data?.key ?? undefined);
  const timeline = useTimeline(id);
  const graph = useCall<Graph>(
    saga.data === undefined
      ? undefined
      : `/v1/definitions/${saga.data.definition}/revisions/${saga.data.revision}/graph`,
  );
  if (saga.problem?.status === 404) return <Empty title={t("unknown")}>{t("unknownText")}</Empty>;
  const again = () => {
    saga.again();
    timeline.called.again();
  };
  return (
    <Loaded called={saga}>
      {(data) => <SagaView saga={data} timeline={timeline} graph={graph.data} onDone={again} />}
    </Loaded>
  );
}

interface SagaViewProps {
  readonly saga: Saga;
  readonly timeline: ReturnType<typeof useTimeline>;
  readonly graph: Graph | undefined;
  readonly onDone: () => void;
}

function SagaView({ saga, timeline: { called: timeline, toNewest }, graph, onDone }: SagaViewProps) {
  const { step, message, selectStep, selectMessage } = useSelection(timeline.data?.items ?? []);
  const { steps, whole } = useAllSteps(saga);
  const places = useMemo(() => placesOf(steps), [steps]);
  const undoables = useMemo(() => graph && undoablesOf(saga, graph.boxes, steps), [saga, graph, steps]);
  const pairs = useMemo(() => (isUndoing(saga) ? pairsByPlace(undoables ?? []) : undefined), [saga, undoables]);
  const room = useMemo(() => leavesOf(saga.steps).filter(({ status }) => status !== "skipped").length, [saga.steps]);
  const timers = useMemo(() => timersByPlace(saga.timers), [saga.timers]);
  return (
    <div class="stack">
      <Head saga={saga} onDone={onDone} />
      <Journey saga={saga} boxes={graph?.boxes ?? []} selected={step} onSelect={selectStep} />
      <div class="columns">
        <div class="sheet picture">
          <h2>{t("graph")}</h2>
          {graph === undefined ? null : (
            <GraphView
              graph={graph}
              places={places}
              pairs={pairs}
              timers={timers}
              selected={step}
              current={saga.error?.step ?? saga.steps.findLast(({ finishedAt }) => finishedAt === null)?.path}
              onSelect={selectStep}
            />
          )}
        </div>
        <div class="stack">
          <StepList saga={saga} selected={step} onSelect={selectStep} />
          {isUndoing(saga) ? (
            <Compensation undoables={undoables} room={room} cut={!whole} selected={step} onSelect={selectStep} />
          ) : null}
          <div class="sheet">
            <h2>{t("waterfall")}</h2>
            <Loaded called={timeline}>
              {({ items }) => <Waterfall messages={items} step={step} selected={message} onSelect={selectMessage} />}
            </Loaded>
          </div>
        </div>
      </div>
      <div class="stack">
        <h2>{t("ledger")}</h2>
        <Loaded called={timeline}>
          {(data) => (
            <>
              <Pages timeline={data} toNewest={toNewest} />
              <Ledger messages={data.items} step={step} selected={message} onSelect={selectMessage} />
              <Pages timeline={data} toNewest={toNewest} />
            </>
          )}
        </Loaded>
      </div>
      <div class="halves">
        <Related saga={saga} />
        <Audit saga={saga} />
      </div>
      <Data saga={saga} />
    </div>
  );
}

/** What went in and came out. It can be long: it is drawn while it is open. */
function Data({ saga: { input, output, labels } }: { readonly saga: Saga }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="sheet" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("data")}</summary>
      {open ? (
        <div class="stack">
          <h3>{t("input")}</h3>
          <JsonView value={input} name={t("input")} />
          <h3>{t("output")}</h3>
          <JsonView value={output} name={t("output")} />
          <h3>{t("labels")}</h3>
          <JsonView value={labels} name={t("labels")} />
        </div>
      ) : null}
    </details>
  );
}

interface StepListProps {
  readonly saga: Saga;
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
}

/** The steps in words: the picture's twin. */
function StepList({ saga, selected, onSelect }: StepListProps) {
  const columns = [
    {
      head: t("step"),
      cell: ({ path }: SagaStep) => (
        <button type="button" class="link" onClick={() => onSelect(path)}>
          {path}
        </button>
      ),
    },
    { head: t("status"), cell: ({ status }: SagaStep) => <Status status={status} /> },
    { head: t("attempts"), cell: ({ attempts }: SagaStep) => attempts, number: true },
    {
      head: t("time"),
      cell: ({ startedAt, finishedAt }: SagaStep) =>
        startedAt === null ? "" : <Lasting from={startedAt} to={finishedAt} />,
      number: true,
    },
  ];
  return (
    <div class="steps">
      <Table label={t("steps")} columns={columns} rows={saga.steps} keyOf={({ path }) => path} selected={selected} />
      {saga.moreSteps === true ? <p class="note">{t("moreSteps")}</p> : null}
    </div>
  );
}

interface PagesProps {
  readonly timeline: Timeline;
  readonly toNewest: (() => void) | undefined;
}

/** Above the list and below it: it is long. */
function Pages({ timeline: { previousCursor, nextCursor }, toNewest }: PagesProps) {
  const [, change] = useQuery();
  if (previousCursor === null && nextCursor === null) return null;
  return (
    <div class="pager">
      {previousCursor === null ? null : (
        <button type="button" class="button" onClick={() => change({ page: previousCursor })}>
          ← {t("before")}
        </button>
      )}
      {nextCursor === null ? null : (
        <button type="button" class="button" onClick={() => change({ page: nextCursor })}>
          {t("after")} →
        </button>
      )}
      {toNewest === undefined ? null : (
        <button type="button" class="button" onClick={toNewest}>
          {t("newest")} ⇥
        </button>
      )}
    </div>
  );
}
