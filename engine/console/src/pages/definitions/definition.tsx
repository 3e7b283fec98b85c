import type { ComponentChildren } from "preact";

import type { DefinitionDetail } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Loaded } from "../../parts/states.tsx";
import { Ago } from "../../parts/time.tsx";
import type { PageProps } from "../../shell/pages.ts";
import { useQuery, withQuery } from "../../shell/place.ts";
import { CompareView } from "./compare-view.tsx";
import { useDraft } from "./draft.ts";
import { PictureView } from "./picture-view.tsx";
import { Retirement, RetiredMark, RetiredWhy } from "./retirement.tsx";
import { nameOf, useSource } from "./revision.ts";
import { SimulateView } from "./simulate-view.tsx";
import { SourceView } from "./source-view.tsx";
import { t } from "./text.ts";

const VIEWS = ["picture", "source", "compare", "simulate"] as const;
const EVERY_MS = 10_000;

/** A definition: as a picture, as YAML, beside another revision, and as it would run. */
export function DefinitionPage({ parts }: PageProps) {
  const name = parts["name"] ?? "";
  const [query] = useQuery();
  const view = VIEWS.find((one) => one === query.get("view")) ?? "picture";
  const called = useCall<DefinitionDetail>(`/v1/definitions/${encodeURIComponent(name)}`, {
    everyMs: EVERY_MS,
    concerns: (event) => event.definition === name && event.status !== null,
  });
  return (
    <div class="stack">
      <Loaded called={called}>
        {(detail) => (
          <>
            <Head detail={detail} onDone={called.again} />
            <RetiredWhy retired={detail.retired} />
            <nav class="tabs" aria-label={t("views")}>
              <ul>
                {VIEWS.map((one) => (
                  <li key={one}>
                    <a href={withQuery({ view: one })} aria-current={one === view ? "page" : undefined}>
                      {t(one)}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
            {view === "compare" ? <CompareView detail={detail} /> : <OneRevision detail={detail} view={view} />}
          </>
        )}
      </Loaded>
    </div>
  );
}

interface HeadProps {
  readonly detail: DefinitionDetail;
  readonly onDone: () => void;
}

function Head({ detail, onDone }: HeadProps) {
  const { name, version, revision, startTopic, schedule, retired } = detail;
  return (
    <div class="page-head flat">
      <h1>{name}</h1>
      {retired === null ? null : <RetiredMark />}
      <span class="soft">
        {t("version")} {version} · <code title={revision}>{revision.slice(0, 8)}</code>
      </span>
      {startTopic === null ? null : <span class="soft">{t("startsOn", { topic: startTopic })}</span>}
      {schedule === null ? null : (
        <span class="soft">
          {t("startsAt", { cron: schedule.cron, timezone: schedule.timezone })}
          {schedule.nextAt === null ? null : (
            <>
              {" · "}
              <Ago time={schedule.nextAt} />
            </>
          )}
        </span>
      )}
      <span class="space" />
      <Retirement detail={detail} onDone={onDone} />
    </div>
  );
}

interface OneRevisionProps {
  readonly detail: DefinitionDetail;
  readonly view: "picture" | "source" | "simulate";
}

/** The revision that the address names, else the current one; what is edited belongs to it. */
function OneRevision({ detail, view }: OneRevisionProps) {
  const [query, change] = useQuery();
  const [draft] = useDraft(detail.name);
  const hash = query.get("revision") ?? detail.revision;
  const found = useSource(detail, hash);
  return (
    <>
      <div class="buttons">
        <select
          aria-label={t("choose")}
          value={hash}
          onChange={(event) =>
            change({ revision: event.currentTarget.value === detail.revision ? null : event.currentTarget.value })
          }
        >
          {detail.revisions.map((one) => (
            <option key={one.revision} value={one.revision}>
              {nameOf(one)}
            </option>
          ))}
        </select>
        {draft === undefined ? null : <span class="status tone-stop">✎ {t("editedHint")}</span>}
      </div>
      <Loaded called={found}>{(source) => viewOf(view, detail, hash, source, draft)}</Loaded>
    </>
  );
}

function viewOf(
  view: OneRevisionProps["view"],
  detail: DefinitionDetail,
  hash: string,
  source: string,
  draft: string | undefined,
): ComponentChildren {
  if (view === "picture") return <PictureView detail={detail} hash={hash} />;
  if (view === "source") return <SourceView name={detail.name} source={source} />;
  return <SimulateView source={draft ?? source} />;
}
