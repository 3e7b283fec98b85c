import { apiKey, toGroup } from "../../data/session.ts";
import type { Saga } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Copy, curlOf } from "../../parts/copy.tsx";
import { moment } from "../../parts/format.ts";
import { lookOf, Status } from "../../parts/status.tsx";
import { t as word } from "../../parts/text.ts";
import { Ago, Lasting } from "../../parts/time.tsx";
import { Actions } from "./actions.tsx";
import { sagaPath } from "./reads.ts";
import { t } from "./text.ts";
import { Countdown, Next } from "./timers.tsx";

/** Which saga this is, how it stands, why, and what can be done. */
export function Head({ saga, onDone }: { readonly saga: Saga; readonly onDone: () => void }) {
  const { sagaId, key, definition, version, revision, status, startedAt, finishedAt, parent } = saga;
  return (
    <>
      <div class="page-head">
        <h1 class="title">{key ?? sagaId}</h1>
        <Status status={status} />
        <span class="soft">
          <a href={sourceOf(definition, revision)} title={t("definitionOf")}>
            {definition}@{version}
          </a>{" "}
          · {t("started")} <Ago time={startedAt} /> · {t(finishedAt === null ? "lasts" : "lasted")}{" "}
          <Lasting from={startedAt} to={finishedAt} /> · <code>{sagaId}</code>
        </span>
        <span class="space" />
        <Copy
          label={word("copyCurl")}
          text={() => curlOf("GET", `/v1/sagas/${sagaId}`, undefined, apiKey.value !== undefined)}
        />
        <Copy label={word("copyCli")} text={() => `bun run ekiden show ${sagaId}`} />
      </div>
      {parent === null ? null : (
        <p class="crumb">
          ↰ <a href={`/sagas/${parent.sagaId}`}>{t("child", { id: parent.sagaId, step: parent.step })}</a>
        </p>
      )}
      <Labels labels={saga.labels} />
      <Why saga={saga} />
      <Next saga={saga} />
      <Actions saga={saga} onDone={onDone} />
    </>
  );
}

/** Its labels; each leads to the sagas that have it too. */
function Labels({ labels }: { readonly labels: Saga["labels"] }) {
  const shown = Object.entries(labels).filter(([, value]) => value !== null && typeof value !== "object");
  if (shown.length === 0) return null;
  return (
    <ul class="labels" aria-label={t("labels")}>
      {shown.map(([name, value]) => (
        <li key={name}>
          <a class="chip" href={`/sagas?label.${name}=${encodeURIComponent(String(value))}`}>
            {name}={String(value)}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Where the text of the revision is that a saga runs on. */
function sourceOf(definition: string, revision: string): string {
  return `/definitions/${definition}?revision=${revision}&view=source`;
}

/** Why it failed, is parked, or what it waits for. */
function Why({ saga }: { readonly saga: Saga }) {
  const { definition, revision, error, waitingFor, uncompensated } = saga;
  return (
    <>
      {error === null ? null : (
        <div class="why tone-bad">
          <p>
            <span aria-hidden="true">✕ </span>
            <b>{error.code}</b> {error.message}
            {error.step === null ? null : <span> · {t("errorAt", { step: error.step })}</span>}
            {error.line === undefined ? null : (
              <span>
                {" · "}
                <a href={`${sourceOf(definition, revision)}&line=${error.line}:${error.column ?? 1}`}>
                  {t("line", { line: error.line })}
                </a>
              </span>
            )}
          </p>
        </div>
      )}
      {(waitingFor ?? []).map(({ signal, path, deadlineAt }) => (
        <div class="why tone-busy" key={path}>
          <p>
            <span aria-hidden="true">◷ </span>
            {t("waits", { name: signal })}
            {deadlineAt === null ? null : (
              <span>
                {" "}
                {t("waitsUntil", { time: moment(deadlineAt) })} ·{" "}
                <Countdown timer={{ kind: "deadline", step: path, dueAt: deadlineAt }} step={undefined} />
              </span>
            )}
          </p>
        </div>
      ))}
      {saga.waiting?.pausedGroup === undefined ? null : <Paused group={saga.waiting.pausedGroup} />}
      {saga.waiting?.child === undefined ? null : (
        <Child key={saga.waiting.child.sagaId} child={saga.waiting.child} step={saga.waiting.step} />
      )}
      {uncompensated.map(({ step, reason }) => (
        <div class="why tone-stop" key={step}>
          <p>
            <span aria-hidden="true">– </span>
            {t("pairKept")}: <b>{step}</b> {reason}
          </p>
        </div>
      ))}
    </>
  );
}

interface ChildProps {
  readonly child: NonNullable<NonNullable<Saga["waiting"]>["child"]>;
  readonly step: string | null;
}

/** The child whose end it waits for, and how that stands: one that is parked waits for a person itself. */
function Child({ child: { sagaId, status: known }, step }: ChildProps) {
  const { data } = useCall<Saga>(sagaPath(sagaId), {
    concerns: (event) => event.sagaId === sagaId && event.status !== null,
  });
  const status = data?.status ?? known;
  return (
    <div class={`why tone-${lookOf(status).tone === "stop" ? "stop" : "busy"}`}>
      <p>
        <span aria-hidden="true">{status === "parked" ? "‖" : "◷"} </span>
        {step === null ? t("waitsForChild") : t("waitsForChildAt", { step })}{" "}
        <a href={`/sagas/${sagaId}`} title={sagaId}>
          {data === undefined ? sagaId : `${data.definition} ${data.key ?? sagaId}`}
        </a>{" "}
        <Status status={status} />
      </p>
    </div>
  );
}

type PausedGroup = NonNullable<NonNullable<Saga["waiting"]>["pausedGroup"]>;

/** The group whose answer cannot come, and who stopped it. */
function Paused({ group: { group, since, by, reason } }: { readonly group: PausedGroup }) {
  return (
    <div class="why tone-stop">
      <p>
        <span aria-hidden="true">‖ </span>
        {t("waitsForGroup")} <a {...toGroup(group)}>{group}</a>
        {since === null ? null : <span> {t("pausedSince", { time: moment(since) })}</span>}
        {typeof by === "string" ? <span> {t("pausedBy", { name: by })}</span> : null}
        {typeof reason === "string" ? <span>: {reason}</span> : null}
      </p>
    </div>
  );
}
