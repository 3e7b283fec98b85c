import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Message, ParkedGroup, ParkedSaga, ParkedSagaList } from "../../data/shapes.ts";
import { type Called, useCall } from "../../data/use-call.ts";
import { moment } from "../../parts/format.ts";
import { JsonView } from "../../parts/json.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { wireHeaders } from "../../parts/wire-headers.ts";
import { useKeys } from "../../shell/keys.ts";
import { useQuery } from "../../shell/place.ts";
import { EditDialog } from "./edit-dialog.tsx";
import { Later } from "./later.tsx";
import { Redriving } from "./redriving.tsx";
import { StepDialog } from "./step-dialog.tsx";
import { t } from "./text.ts";

interface GroupProps {
  readonly groupId: string;
  readonly group: ParkedGroup | undefined;
  readonly onDone: () => void;
}

/** What somebody is about to do to a parked saga. */
type Doing = { readonly verb: "retry" | "skip" | "edit"; readonly saga: ParkedSaga };

/** The sagas of a group, the message that the chosen one is parked at, and what can be done. */
export function Group({ groupId, group, onDone }: GroupProps) {
  const [query, change] = useQuery();
  const cursor = query.get("cursor");
  const where = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  const sagas = useCall<ParkedSagaList>(`/v1/parked/${groupId}?limit=50${where}`, {
    concerns: ({ status }) => status !== null,
  });
  const [doing, setDoing] = useState<Doing>();
  const chosen = sagas.data?.items.find(({ sagaId }) => sagaId === query.get("saga")) ?? sagas.data?.items[0];
  useKeys({
    r: () => (chosen !== undefined && may("operator") ? setDoing({ verb: "retry", saga: chosen }) : undefined),
  });
  const done = () => {
    setDoing(undefined);
    sagas.again();
    onDone();
  };
  return (
    <>
      <Redriving group={group} onDone={done} />
      <Loaded called={sagas}>
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <Empty title={t("gone")} />
          ) : (
            <div class="halves wide-left">
              <SagaList
                items={items}
                chosen={chosen?.sagaId}
                onChoose={({ sagaId }) => change({ saga: sagaId }, { replace: true })}
                onMore={nextCursor === null ? undefined : () => change({ cursor: nextCursor, saga: null })}
              />
              {chosen === undefined ? null : (
                <ParkedSagaView saga={chosen} onDo={(verb) => setDoing({ verb, saga: chosen })} />
              )}
            </div>
          )
        }
      </Loaded>
      {doing === undefined ? null : doing.verb === "edit" ? (
        <EditDialog saga={doing.saga} onClose={() => setDoing(undefined)} onDone={done} />
      ) : (
        <StepDialog verb={doing.verb} saga={doing.saga} onClose={() => setDoing(undefined)} onDone={done} />
      )}
    </>
  );
}

interface SagaListProps {
  readonly items: readonly ParkedSaga[];
  readonly chosen: string | undefined;
  readonly onChoose: (saga: ParkedSaga) => void;
  readonly onMore: (() => void) | undefined;
}

function SagaList({ items, chosen, onChoose, onMore }: SagaListProps) {
  const columns = [
    {
      head: t("saga"),
      cell: (saga: ParkedSaga) => (
        <button type="button" class="link" onClick={() => onChoose(saga)}>
          {saga.key ?? saga.sagaId}
        </button>
      ),
    },
    { head: t("step"), cell: ({ step }: ParkedSaga) => <code>{step}</code> },
    { head: t("action"), cell: ({ action }: ParkedSaga) => action ?? "", wide: true },
    { head: t("since"), cell: ({ parkedAt }: ParkedSaga) => <Ago time={parkedAt} /> },
  ];
  return (
    <div class="stack">
      <Table
        label={t("sagas")}
        columns={columns}
        rows={items}
        keyOf={({ sagaId }) => sagaId}
        selected={chosen}
        onSelect={onChoose}
      />
      {onMore === undefined ? null : (
        <div class="pager">
          <button type="button" class="button" onClick={onMore}>
            {t("more")} →
          </button>
        </div>
      )}
    </div>
  );
}

/** One parked saga: why, at which message, and what can be done. */
function ParkedSagaView({ saga, onDo }: { readonly saga: ParkedSaga; readonly onDo: (verb: Doing["verb"]) => void }) {
  const { sagaId, key, step, error, messageId } = saga;
  const message = useCall<Message>(messageId === null ? undefined : `/v1/messages/${messageId}`, {
    concerns: (event) => event.sagaId === sagaId,
  });
  return (
    <section class="sheet stack" aria-label={key ?? sagaId}>
      <h2>
        <a href={`/sagas/${sagaId}?step=${encodeURIComponent(step ?? "")}`}>{key ?? sagaId}</a> · <code>{step}</code>
      </h2>
      <p class="why tone-bad">
        <span aria-hidden="true">✕ </span>
        <b>{error?.code}</b> {error?.message}
      </p>
      {may("operator") ? (
        <div class="buttons">
          <button type="button" class="button primary" onClick={() => onDo("retry")}>
            {t("retry")}
          </button>
          {messageId === null ? null : (
            <button type="button" class="button" onClick={() => onDo("edit")}>
              {t("edit")}
            </button>
          )}
          <button type="button" class="button" onClick={() => onDo("skip")}>
            {t("skip")}
          </button>
        </div>
      ) : null}
      {messageId === null ? (
        <p class="soft">{t("noMessage")}</p>
      ) : (
        <>
          <MessageView called={message} />
          <Later key={messageId} sagaId={sagaId} messageId={messageId} />
        </>
      )}
    </section>
  );
}

function MessageView({ called }: { readonly called: Called<Message> }) {
  return (
    <Loaded called={called}>
      {(message) => (
        <>
          <h3>{t("message")}</h3>
          <p class="soft">
            <code>{message.messageId}</code> → <code>{message.topic}</code>
            {message.consumptions.map(({ group, partition, offset }) =>
              partition === null ? null : ` · ${group}: ${partition}/${offset}`,
            )}
          </p>
          <JsonView value={message.body} name={t("body")} />
          <h3>{t("headers")}</h3>
          <JsonView value={wireHeaders(message)} name={t("headers")} />
          <h3>{t("attempts")}</h3>
          {message.failures.map(({ attempt, failedAt, code, message: text, stack, consumer }) => (
            <details key={`${attempt} ${failedAt}`}>
              <summary>
                <span class="fault">{code}</span> {text}{" "}
                <span class="soft">
                  · {moment(failedAt)} · {consumer}
                </span>
              </summary>
              <pre>{stack ?? ""}</pre>
            </details>
          ))}
        </>
      )}
    </Loaded>
  );
}
