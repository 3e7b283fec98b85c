import type { DefinitionList, Overview } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { count } from "../../parts/format.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { go, useQuery } from "../../shell/place.ts";
import { beginDraft } from "./draft.ts";
import { FindingList } from "./finding-list.tsx";
import { SourceView } from "./source-view.tsx";
import { t } from "./text.ts";

const EVERY_MS = 5_000;

/** All definitions, and the files that are not in use because they have errors. */
export function Definitions() {
  const called = useCall<DefinitionList>("/v1/definitions", { everyMs: EVERY_MS });
  const [query] = useQuery();
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
              <Broken key={one.file} one={one} known={items} open={query.get("file") === one.file} />
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

type BrokenFile = DefinitionList["broken"][number];

interface BrokenProps {
  readonly one: BrokenFile;
  readonly known: DefinitionList["items"];
  /** A file of no definition that is in use has no page, and one whose page has another edit cannot go there. */
  readonly open: boolean;
}

function Broken({ one: { file, diagnostics, source }, known, open }: BrokenProps) {
  const name = known.find((each) => each.name === nameIn(source))?.name;
  const edit = (text: string) => {
    if (name !== undefined && beginDraft(name, text)) go(`/definitions/${name}?view=source`);
    else go(`/definitions?file=${encodeURIComponent(file)}`);
  };
  return (
    <>
      <section class="trouble" aria-label={file}>
        <p class="title">
          <span aria-hidden="true">⚠ </span>
          {t("broken", { file })}
        </p>
        <FindingList findings={diagnostics} />
        {source === null ? null : open ? (
          <a class="button" href="/definitions">
            {t("closeBroken")}
          </a>
        ) : (
          <button type="button" class="button" onClick={() => edit(source)}>
            {t("openBroken")}
          </button>
        )}
      </section>
      {open && source !== null ? (
        <SourceView name={file} file={file.slice(file.lastIndexOf("/") + 1)} source={source} />
      ) : null}
    </>
  );
}

/** Whose it is, as far as it can be read. */
function nameIn(source: string | null): string | undefined {
  return /^saga:\s*["']?([\w-]+)/m.exec(source ?? "")?.[1];
}

function columns(numbers: Overview | undefined): readonly Column<DefinitionList["items"][number]>[] {
  const of = (name: string) => numbers?.definitions.find(({ definition }) => definition === name);
  return [
    { head: t("name"), cell: ({ name }) => <a href={`/definitions/${name}`}>{name}</a> },
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
