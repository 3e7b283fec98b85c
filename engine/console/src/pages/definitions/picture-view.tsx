import type { DefinitionDetail, Graph } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { count } from "../../parts/format.ts";
import { Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { useQuery, withQuery } from "../../shell/place.ts";
import { linesOf, whatOf } from "../saga/graph-words.ts";
import { GraphView } from "../saga/graph.tsx";
import { t } from "./text.ts";

interface PictureProps {
  readonly detail: DefinitionDetail;
  readonly hash: string;
}

const NOWHERE = new Map();

/** A revision as a picture and as a list, and how many sagas run on each revision. */
export function PictureView({ detail, hash }: PictureProps) {
  const [query, change] = useQuery();
  const path = `/v1/definitions/${encodeURIComponent(detail.name)}/revisions/${encodeURIComponent(hash)}/graph`;
  const called = useCall<Graph>(path);
  const step = query.get("step") ?? undefined;
  return (
    <div class="columns">
      <section class="sheet" aria-label={t("picture")}>
        <Loaded called={called}>
          {(graph) => (
            <GraphView
              graph={graph}
              places={NOWHERE}
              selected={step}
              onSelect={(chosen) => change({ step: chosen }, { replace: true })}
            />
          )}
        </Loaded>
      </section>
      <div class="stack">
        <div class="sheet stack">
          <h2>{t("revisions")}</h2>
          <p class="soft">{t("finish")}</p>
          <Table
            label={t("revisions")}
            columns={columns(detail.name)}
            rows={detail.revisions}
            keyOf={({ revision }) => revision}
            selected={hash}
          />
        </div>
        <Loaded called={called}>{(graph) => <Steps graph={graph} step={step} />}</Loaded>
      </div>
    </div>
  );
}

function columns(name: string): readonly Column<DefinitionDetail["revisions"][number]>[] {
  const sagas = (revision: string, status: string) => `/sagas?definition=${name}&revision=${revision}&status=${status}`;
  return [
    {
      head: t("revision"),
      cell: ({ revision, current }) => (
        <>
          <a href={withQuery({ revision })}>
            <code title={revision}>{revision.slice(0, 8)}</code>
          </a>{" "}
          {current ? <b>{t("current")}</b> : null}
        </>
      ),
    },
    { head: t("version"), cell: ({ version }) => version, number: true },
    {
      head: t("open"),
      cell: ({ open, revision }) => <a href={sagas(revision, "running,compensating,parked")}>{count(open)}</a>,
      number: true,
    },
    {
      head: t("parked"),
      cell: ({ parked, revision }) => <a href={sagas(revision, "parked")}>{count(parked)}</a>,
      number: true,
    },
    { head: t("created"), cell: ({ createdAt }) => <Ago time={createdAt} />, wide: true },
  ];
}

/** The same as the picture, in words and for the keyboard. */
function Steps({ graph, step }: { readonly graph: Graph; readonly step: string | undefined }) {
  const boxes = graph.boxes.filter(({ kind, path }) => path !== null && kind !== "undo");
  const undone = new Map(
    graph.boxes.filter(({ kind }) => kind === "undo").map((box) => [box.path, linesOf(box).join(", ")]),
  );
  type Row = (typeof boxes)[number];
  const columns: readonly Column<Row>[] = [
    {
      head: t("step"),
      cell: ({ path }) => (
        <a href={withQuery({ step: path })}>
          <code>{path}</code>
        </a>
      ),
    },
    { head: t("what"), cell: whatOf },
    { head: t("undoneBy"), cell: ({ path }) => undone.get(path) ?? "", wide: true },
  ];
  return (
    <div class="sheet stack">
      <h2>{t("steps")}</h2>
      <Table label={t("steps")} columns={columns} rows={boxes} keyOf={({ path }) => path ?? ""} selected={step} />
    </div>
  );
}
