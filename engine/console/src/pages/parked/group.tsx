import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Message, ParkedGroup, ParkedSaga, ParkedSagaList, StreamEvent } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { focusedRow, useKeys } from "../../shell/keys.ts";
import { useQuery } from "../../shell/place.ts";
import { EditDialog } from "./edit-dialog.tsx";
import { Later } from "./later.tsx";
import { MessageView } from "./message-view.tsx";
import { RedriveButton, Redriven } from "./redriving.tsx";
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
    r: () => {
      const row = focusedRow();
      // The list of groups has rows as well: of another group's nobody sees what would be retried.
      const inList = row === undefined || row === groupId;
      const saga = inList ? chosen : sagas.data?.items.find(({ sagaId }) => sagaId === row);
      if (saga === undefined || !may("operator")) return;
      change({ saga: saga.sagaId }, { replace: true });
      setDoing({ verb: "retry", saga });
    },
  });
  const done = () => {
    setDoing(undefined);
    sagas.again();
    onDone();
  };
  return (
    <>
      <Redriven onDone={done} />
      <Loaded called={sagas}>
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <Empty title={t("gone")} />
          ) : (
            <div class="halves wide-left">
              <SagaList
                items={items}
                redrive={group === undefined ? null : <RedriveButton group={group} onDone={done} />}
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
  /** What can be done to all of them. */
  readonly redrive: ComponentChildren;
  readonly chosen: string | undefined;
  readonly onChoose: (saga: ParkedSaga) => void;
  readonly onMore: (() => void) | undefined;
}

function SagaList({ items, redrive, chosen, onChoose, onMore }: SagaListProps) {
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
    <div class="stack of-group">
      <div class="page-head flat">
        <h2>{t("ofGroup")}</h2>
        <Where items={items} />
        <span class="space" />
        {redrive}
      </div>
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

/** Which consumer group failed on them, and at which topic. */
function Where({ items }: Pick<SagaListProps, "items">) {
  const named = (names: readonly (string | null)[]) => [...new Set(names.filter((name) => name !== null))].join(", ");
  const consumers = named(items.map(({ consumerGroup }) => consumerGroup));
  const topics = named(items.map(({ topic }) => topic));
  return (
    <span class="soft">
      {consumers === "" ? null : (
        <>
          {t("consumerGroup")} <code>{consumers}</code>
        </>
      )}
      {topics === "" ? null : (
        <>
          {" · "}
          {t("topic")} <code>{topics}</code>
        </>
      )}
    </span>
  );
}

/** One parked saga: why, at which message, and what can be done. */
function ParkedSagaView({ saga, onDo }: { readonly saga: ParkedSaga; readonly onDo: (verb: Doing["verb"]) => void }) {
  const { sagaId, key, step, error, messageId } = saga;
  const concerns = (event: StreamEvent) => event.sagaId === sagaId;
  const message = useCall<Message>(messageId === null ? undefined : `/v1/messages/${messageId}`, { concerns });
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
          <h3>{t("message")}</h3>
          <Loaded called={message}>{(read) => <MessageView message={read} concerns={concerns} />}</Loaded>
          <Later key={messageId} sagaId={sagaId} messageId={messageId} />
        </>
      )}
    </section>
  );
}
