import type { Saga, SagaList, StreamEvent } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Status } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { sagaPath } from "./reads.ts";
import { t } from "./text.ts";

/** Children, and sagas of the same key, that are shown; the list of sagas has the others. */
const SHOWN = 10;

interface Relative {
  readonly relation: string;
  readonly saga: Saga;
}

/** `listed`: what matters more has been read. The saga that started it, those that it started, and what else happened to its business key, before and after. */
export function Related({ saga, listed }: { readonly saga: Saga; readonly listed: boolean }) {
  const { sagaId, key, parent } = saga;
  const concerns = (event: StreamEvent) => event.status !== null && shown.has(event.sagaId);
  const then = (path: string) => (listed ? path : undefined);
  const above = useCall<Saga>(parent === null ? undefined : then(sagaPath(parent.sagaId)), { concerns });
  const children = useCall<SagaList>(then(`/v1/sagas?parent=${sagaId}&limit=${SHOWN}&bodies=false`), {
    concerns: (event) => concerns(event) || event.sagaId === sagaId,
  });
  const sameKey = key === null ? undefined : `/v1/sagas?key=${encodeURIComponent(key)}&limit=${SHOWN}&bodies=false`;
  const same = useCall<SagaList>(sameKey && then(sameKey), { concerns });
  const rows = relatives(saga, above.data, children.data?.items ?? [], same.data?.items ?? []);
  const shown = new Set(rows.map((row) => row.saga.sagaId));
  return (
    <div class="sheet">
      <h2>{t("related")}</h2>
      {rows.length === 0 ? (
        <p class="soft">{t("noRelated")}</p>
      ) : (
        <Table label={t("related")} columns={COLUMNS()} rows={rows} keyOf={(row) => row.saga.sagaId} />
      )}
      <p class="more-links">
        {children.data?.nextCursor ? <a href={`/sagas?parent=${sagaId}`}>{t("allChildren")}</a> : null}
        {same.data?.nextCursor && key !== null ? (
          <a href={`/sagas?key=${encodeURIComponent(key)}`}>{t("allOfKey", { key })}</a>
        ) : null}
      </p>
    </div>
  );
}

/** Each once: what it is first of parent, child, and same key. */
function relatives(
  saga: Saga,
  above: Saga | undefined,
  children: readonly Saga[],
  same: readonly Saga[],
): readonly Relative[] {
  const found = new Map<string, Relative>();
  const add = (relation: string, other: Saga) => {
    if (other.sagaId !== saga.sagaId && !found.has(other.sagaId)) found.set(other.sagaId, { relation, saga: other });
  };
  if (above !== undefined) add(t("parentOf"), above);
  for (const child of children) add(t("childAt", { step: child.parent?.step ?? "" }), child);
  for (const other of same) add(t(other.startedAt > saga.startedAt ? "laterOfKey" : "earlierOfKey"), other);
  return [...found.values()];
}

const COLUMNS = () => [
  { head: t("relation"), cell: ({ relation }: Relative) => <span class="wrap">{relation}</span> },
  {
    head: t("saga"),
    cell: ({ saga: { sagaId, key, definition } }: Relative) => (
      <a href={`/sagas/${sagaId}`} title={sagaId}>
        {definition} {key ?? sagaId}
      </a>
    ),
  },
  { head: t("status"), cell: ({ saga: { status } }: Relative) => <Status status={status} /> },
  { head: t("startedAt"), cell: ({ saga: { startedAt } }: Relative) => <Ago time={startedAt} />, wide: true },
];
