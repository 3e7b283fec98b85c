import { DEFINITIONS } from "../../data/definitions-path.ts";
import type { DefinitionList, Overview } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { count } from "../../parts/format.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { Broken } from "./broken.tsx";
import { RetiredMark } from "./retirement.tsx";
import { t } from "./text.ts";

const EVERY_MS = 5_000;

/** All definitions, and the files that are not in use because they have errors. */
export function Definitions() {
  const called = useCall<DefinitionList>(DEFINITIONS, { everyMs: EVERY_MS });
  const numbers = useCall<Overview>("/v1/overview", { everyMs: EVERY_MS });
  return (
    <div class="stack">
      <div class="page-head flat">
        <h1>{t("title")}</h1>
      </div>
      <Loaded called={called}>
        {({ items, broken }) => (
          <>
            {broken.map((one) => (
              <Broken key={one.file} one={one} known={items} />
            ))}
            {items.length === 0 ? (
              <Empty title={t("none")}>
                <p>{t("noneText")}</p>
              </Empty>
            ) : (
              <Table label={t("title")} columns={columns(numbers.data)} rows={items} keyOf={({ name }) => name} />
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}

function columns(numbers: Overview | undefined): readonly Column<DefinitionList["items"][number]>[] {
  const of = (name: string) => numbers?.definitions.find(({ definition }) => definition === name);
  return [
    {
      head: t("name"),
      cell: ({ name, retired }) => (
        <>
          <a href={`/definitions/${name}`}>{name}</a>
          {retired === null ? null : (
            <>
              {" "}
              <RetiredMark />
            </>
          )}
        </>
      ),
    },
    { head: t("version"), cell: ({ version }) => version, number: true },
    { head: t("revision"), cell: ({ revision }) => <code title={revision}>{revision.slice(0, 8)}</code>, wide: true },
    {
      head: t("open"),
      cell: ({ name }) => (
        <a href={`/sagas?definition=${name}&status=running,compensating,parked`}>{count(openOf(of(name)))}</a>
      ),
      number: true,
    },
    {
      head: t("parked"),
      cell: ({ name }) => <a href={`/sagas?definition=${name}&status=parked`}>{count(of(name)?.parked ?? 0)}</a>,
      number: true,
    },
    { head: t("since"), cell: ({ updatedAt }) => <Ago time={updatedAt} />, wide: true },
  ];
}

/** All that have not ended; on the page of a definition the same word counts the same. */
function openOf(numbers: Overview["definitions"][number] | undefined): number {
  return numbers === undefined ? 0 : numbers.running + numbers.compensating + numbers.parked;
}
