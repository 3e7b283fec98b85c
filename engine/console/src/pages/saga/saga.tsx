import { useMemo, useState } from "preact/hooks";

import type { Graph, Saga, SagaStep, Timeline } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { JsonView } from "../../parts/json.tsx";
import { memo } from "../../parts/memo.tsx";
import { useSame } from "../../parts/same.ts";
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
import { sagaPath } from "./reads.ts";
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
  const saga = useCall<Saga>(sagaPath(id), { concerns });
  useOpened(saga.data?.key ?? undefined);
  const timeline = useTimeline(id);
  // Whatever else is asked for would keep the lists waiting.
  const listed = timeline.called.data !== undefined || timeline.called.problem !== undefined;
  const graph = useCall<Graph>(
    saga.data === undefined || !listed
      ? undefined
      : `/v1/definitions/${saga.data.definition}/revisions/${saga.data.revision}/graph`,
  );
  const again = useSame(() => {
    saga.again();
    timeline.called.again();
  });
  if (saga.problem?.status === 404) return <Empty title={t("unknown")}>{t("unknownText")}</Empty>;
  return (
    <Loaded called={saga}>
      {(data) => <SagaView saga={data} timeline={timeline} listed={listed} graph={graph.data} onDone={again} />}
    </Loaded>
  );
}

interface SagaViewProps {
  readonly saga: Saga;
  readonly timeline: ReturnType<typeof useTimeline>;
  /** The timeline has come, or cannot be read. */
  readonly listed: boolean;
  readonly graph: Graph | undefined;
  readonly onDone: () => void;
}

function SagaView({ saga, timeline: { called: timeline, toNewest }, listed, graph, onDone }: SagaViewProps) {
  const { step, message, selectStep, selectMessage } = useSelection(timeline.data?.items ?? []);
  const { steps, whole } = useAllSteps(saga, listed);
  const places = useMemo(() => placesOf(steps), [steps]);
  const undoables = useMemo(() => graph && undoablesOf(saga, graph.boxes, steps), [saga, graph, steps]);
  const pairs = useMemo(() => (isUndoing(saga) ? pairsByPlace(undoables ?? []) : undefined), [saga, undoables]);
  const room = useMemo(() => leavesOf(saga.steps).filter(({ status }) => status !== "skipped").length, [saga.steps]);
  const timers = useMemo(() => timersByPlace(saga.timers), [saga.timers]);
  return (
    <div class="stack">
      <TheHead saga={saga} onDone={onDone} />
      <TheJourney saga={saga} boxes={graph?.boxes ?? []} selected={step} onSelect={selectStep} />
      <div class="columns">
        <div class="sheet picture">
          <h2>{t("graph")}</h2>
          {graph === undefined ? null : (
            <Picture
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
            <Compensations undoables={undoables} room={room} cut={!whole} selected={step} onSelect={selectStep} />
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
        <TheRelated saga={saga} listed={listed} />
        <TheAudit saga={saga} listed={listed} />
      </div>
      <Data saga={saga} />
    </div>
  );
}

// The page is drawn again whenever any of its answers comes: each part of it only when that is about it.
const TheHead = memo(Head);
const TheJourney = memo(Journey);
const Picture = memo(GraphView);
const Compensations = memo(Compensation);
const TheRelated = memo(Related);
const TheAudit = memo(Audit);

/** What went in and came out. It can be long: it is read and drawn while it is open. */
const Data = memo(({ saga }: { readonly saga: Saga }) => {
  const [open, setOpen] = useState(false);
  return (
    <details class="sheet" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("data")}</summary>
      {open ? <Payloads saga={saga} /> : null}
    </details>
  );
});

function Payloads({ saga: { sagaId, labels } }: { readonly saga: Saga }) {
  const whole = useCall<Saga>(`/v1/sagas/${sagaId}`, {
    // The output is there when it has ended.
    concerns: (event) => event.sagaId === sagaId && event.status !== null,
  });
  return (
    <div class="stack">
      <Loaded called={whole}>
        {({ input, output }) => (
          <>
            <h3>{t("input")}</h3>
            <JsonView value={input} name={t("input")} />
            <h3>{t("output")}</h3>
            <JsonView value={output} name={t("output")} />
          </>
        )}
      </Loaded>
      <h3>{t("labels")}</h3>
      <JsonView value={labels} name={t("labels")} />
    </div>
  );
}

interface StepListProps {
  readonly saga: Saga;
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
}

/** More than their box has room for. */
const STEPS_FIRST = 14;

/** The steps in words: the picture's twin. */
const StepList = memo(({ saga, selected, onSelect }: StepListProps) => {
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
      <Table
        label={t("steps")}
        columns={columns}
        rows={saga.steps}
        keyOf={({ path }) => path}
        selected={selected}
        first={STEPS_FIRST}
      />
      {saga.moreSteps === true ? <p class="note">{t("moreSteps")}</p> : null}
    </div>
  );
});

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
