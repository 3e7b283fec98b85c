import { useMemo } from "preact/hooks";

import { DEFINITIONS } from "../../data/definitions-path.ts";
import type { DefinitionList, Saga } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Status } from "../../parts/status.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago, Lasting } from "../../parts/time.tsx";
import { t as word } from "../../parts/text.ts";
import { useQuery, withQuery } from "../../shell/place.ts";
import { Progress } from "../parked/redriving.tsx";
import { BulkBar } from "./bulk.tsx";
import { currentStep } from "./current-step.ts";
import { Export } from "./export.tsx";
import { apiQuery, Filters } from "./filters.tsx";
import { useSelection } from "./selection.tsx";
import { t } from "./text.ts";
import { useHeld } from "./use-held.ts";
import { Waits } from "./waits.tsx";

/** Inputs and outputs may be long, and a row shows nothing of them. */
function withoutBodies(asked: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...asked, ["bodies", "false"]]);
}

/** The list of sagas, newest first. Rows change in place; new ones wait behind a pill, so that nothing jumps. */
export function Sagas() {
  const [query] = useQuery();
  const text = query.toString();
  const asked = useMemo(() => apiQuery(query, Date.now()), [text]);
  const { called, rows, nextCursor, fresh, show } = useHeld(`/v1/sagas?${withoutBodies(asked)}`, query);
  const selection = useSelection(rows);
  const redrive = query.get("redrive");
  const first = !query.has("cursor");
  return (
    <>
      <div class="page-head">
        <h1>{t("title")}</h1>
        {first && fresh > 0 ? (
          <button type="button" class="button pill" onClick={show}>
            ↑ {t("fresh", { count: fresh })}
          </button>
        ) : null}
        <span class="space" />
        {rows.length === 0 ? null : <Export asked={asked} />}
      </div>
      <Filters />
      {redrive === null ? null : <Progress redriveId={redrive} onDone={called.again} />}
      {called.problem?.status === 400 ? (
        <p class="pager">
          <a class="button" href="/sagas">
            {t("clear")}
          </a>
        </p>
      ) : null}
      <Loaded called={called}>
        {() => (
          <>
            {rows.length === 0 ? (
              <Nothing filtered={text !== ""} />
            ) : (
              <SagaTable rows={rows} first={selection.column} />
            )}
            <nav class="pager" aria-label={t("title")}>
              {first ? null : (
                <a class="button" href={withQuery({ cursor: null })}>
                  ⇤ {word("newest")}
                </a>
              )}
              {nextCursor === null ? null : (
                <a class="button" href={withQuery({ cursor: nextCursor })}>
                  {word("more")} →
                </a>
              )}
            </nav>
          </>
        )}
      </Loaded>
      <BulkBar selection={selection} rows={rows} onDone={called.again} />
    </>
  );
}

const COLUMNS: () => readonly Column<Saga>[] = () => [
  { head: t("status"), cell: (saga) => <Status status={saga.status} /> },
  {
    head: t("key"),
    cell: (saga) => (
      <a href={`/sagas/${saga.sagaId}`} title={saga.sagaId}>
        {saga.key ?? <code>{saga.sagaId}</code>}
      </a>
    ),
  },
  {
    head: t("definition"),
    cell: (saga) => (
      <>
        {saga.definition}
        <span class="soft">@{saga.version}</span>
      </>
    ),
  },
  { head: t("step"), cell: (saga) => <code>{currentStep(saga)?.path ?? ""}</code>, wide: true },
  { head: t("waits"), cell: (saga) => <Waits saga={saga} />, wide: true },
  { head: t("attempts"), cell: (saga) => currentStep(saga)?.attempts ?? "", number: true, wide: true },
  { head: t("started"), cell: (saga) => <Ago time={saga.startedAt} /> },
  { head: t("age"), cell: (saga) => <Lasting from={saga.startedAt} to={saga.finishedAt} />, number: true, wide: true },
];

interface SagaTableProps {
  readonly rows: readonly Saga[];
  /** Stands before the others. */
  readonly first: Column<Saga> | undefined;
}

/** Sagas in a table, each with a link to its page. */
function SagaTable({ rows, first }: SagaTableProps) {
  const columns = first === undefined ? COLUMNS() : [first, ...COLUMNS()];
  return <Table label={t("title")} columns={columns} rows={rows} keyOf={({ sagaId }) => sagaId} />;
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  const { data } = useCall<DefinitionList>(filtered ? undefined : DEFINITIONS);
  if (filtered) {
    return (
      <Empty title={t("nothing")}>
        <a class="button" href="/sagas">
          {t("clear")}
        </a>
      </Empty>
    );
  }
  const first = data?.items.find(({ retired }) => retired === null);
  if (first === undefined)
    return <Empty title={t("none")}>{data === undefined ? null : <p>{t("noneDefined")}</p>}</Empty>;
  return (
    <Empty title={t("none")}>
      <p>{t("noneText")}</p>
      <code>bun run ekiden start {first.name} --input input.json</code>
      <a class="button" href={`/definitions/${first.name}?view=simulate`}>
        {t("noneInput", { name: first.name })}
      </a>
    </Empty>
  );
}
