import type { OverviewDefinition } from "../../data/shapes.ts";
import { count } from "../../parts/format.ts";
import { lookOf, statusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { t } from "./text.ts";

const OPEN = ["running", "compensating", "parked"] as const;
const ENDED = ["completed", "failed", "cancelled", "terminated"] as const;

interface DefinitionBarsProps {
  readonly rows: readonly OverviewDefinition[];
  /** From when on those that have ended are counted. */
  readonly since: string | undefined;
}

/** Each definition with a bar of how its sagas stand. */
export function DefinitionBars({ rows, since }: DefinitionBarsProps) {
  const ended = since === undefined ? "" : `&endedAfter=${since}`;
  const list = (row: OverviewDefinition, of: readonly (typeof OPEN | typeof ENDED)[number][], more = "") =>
    of
      .filter((status) => row[status] > 0)
      .map((status) => (
        <a
          key={status}
          class={`figure tone-${lookOf(status).tone}`}
          title={statusText(status)}
          href={`/sagas?definition=${row.definition}&status=${status}${more}`}
        >
          <span aria-hidden="true">{lookOf(status).icon}</span>
          <span class="hidden">{statusText(status)}</span> {count(row[status])}
        </a>
      ));
  const columns = [
    {
      head: t("definition"),
      cell: (row: OverviewDefinition) => <a href={`/sagas?definition=${row.definition}`}>{row.definition}</a>,
    },
    { head: t("open"), cell: (row: OverviewDefinition) => list(row, OPEN) },
    { head: t("ended"), cell: (row: OverviewDefinition) => list(row, ENDED, ended) },
    { head: t("bar"), cell: (row: OverviewDefinition) => <Bar row={row} />, wide: true },
  ];
  return <Table label={t("definitions")} columns={columns} rows={rows} keyOf={({ definition }) => definition} />;
}

/** The numbers beside it say the same. */
function Bar({ row }: { readonly row: OverviewDefinition }) {
  return (
    <span class="share" aria-hidden="true">
      {[...OPEN, ...ENDED].map((status) => (
        <i key={status} class={`tone-${lookOf(status).tone}`} style={{ flexGrow: row[status] }} />
      ))}
    </span>
  );
}
