import { call } from "../../data/call.ts";
import type { Consumption, Message } from "../../data/shapes.ts";
import { noticeFailure } from "../../parts/notice.tsx";
import { useMemo } from "preact/hooks";

import { useGradually } from "../../parts/gradual.ts";
import { memo } from "../../parts/memo.tsx";
import { Scroll } from "../../parts/scroll.tsx";
import { Clock } from "../../parts/time.tsx";
import { go } from "../../shell/place.ts";
import { CauseLines } from "./causes.tsx";
import { Details } from "./details.tsx";
import { ownerOf, stepOf } from "./ledger-row.ts";
import { t } from "./text.ts";

/** Of a message that led to more, the first. */
const EFFECTS_SHOWN = 8;
/** More than a window has room for. */
const FIRST = 24;
/** About as high is a row, in pixels: those that are not drawn yet have their room. */
const ROW = 46;

interface LedgerProps {
  readonly messages: readonly Message[];
  readonly step: string | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (message: Message | undefined) => void;
}

/** Requests on the left, what consumers made of them on the right: who, when, what, where. */
export const Ledger = memo(({ messages, step, selected, onSelect }: LedgerProps) => {
  const { numbers, byId, effects } = useMemo(() => connected(messages), [messages]);
  const numberOf = ({ messageId }: Message) => numbers.get(messageId) ?? 0;
  const cause = byId.get(selected ?? "")?.causationId;
  // What is selected is brought into sight: it has to be there.
  const drawn = useGradually(messages.length, FIRST, selected !== undefined || step !== undefined);
  return (
    <Scroll class="table ledger" label={t("ledger")}>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">{t("request")}</th>
            <td class="between" />
            <th scope="col">{t("consumption")}</th>
          </tr>
        </thead>
        <tbody>
          {messages.slice(0, drawn).map((message) => {
            const isSelected = message.messageId === selected;
            const related = message.messageId === cause || (selected !== undefined && message.causationId === selected);
            const classes = [
              isSelected ? "selected" : "",
              related ? "related" : "",
              step !== undefined && ownerOf(message) === step ? "of-step" : "",
            ];
            const because = message.causationId === null ? undefined : byId.get(message.causationId);
            const led = effects.get(message.messageId) ?? [];
            return (
              <Row
                key={message.messageId}
                message={message}
                number={numberOf(message)}
                because={because}
                becauseNumber={because && numberOf(because)}
                effects={led}
                effectNumbers={led.map(numberOf)}
                classes={classes.join(" ").trim()}
                open={isSelected}
                onSelect={onSelect}
              />
            );
          })}
        </tbody>
      </table>
      <div style={{ height: `${(messages.length - drawn) * ROW}px` }} />
      <CauseLines messages={messages} selected={selected} />
    </Scroll>
  );
});

/** Where each message stands, and what came of it. */
function connected(messages: readonly Message[]) {
  return {
    numbers: new Map(messages.map(({ messageId }, index) => [messageId, index + 1])),
    byId: new Map(messages.map((message) => [message.messageId, message])),
    effects: Map.groupBy(messages, ({ causationId }) => causationId),
  };
}

interface RowProps {
  readonly message: Message;
  readonly number: number;
  readonly because: Message | undefined;
  readonly becauseNumber: number | undefined;
  readonly effects: readonly Message[];
  readonly effectNumbers: readonly number[];
  readonly classes: string;
  readonly open: boolean;
  readonly onSelect: (message: Message | undefined) => void;
}

const Row = memo((props: RowProps) => {
  const { message, number, because, becauseNumber, effects, effectNumbers, classes, open, onSelect } = props;
  const { messageId, causationId, type, topic, producer, requestedAt, attempt, late, consumptions } = message;
  return (
    <>
      <tr data-row={messageId} class={classes} id={`message-${messageId}`}>
        <td class="number soft">{number}</td>
        <td class="entry request">
          <button type="button" class="link" aria-expanded={open} onClick={() => onSelect(open ? undefined : message)}>
            {type ?? topic}
          </button>{" "}
          <b>{stepOf(message)}</b>{" "}
          {attempt !== null && attempt > 1 ? <small>{t("attempt", { count: attempt })}</small> : null}
          {late ? <small class="fault"> {t("late")}</small> : null}
          <div class="soft">
            {requestedAt === null ? null : <Clock time={requestedAt} />} · {producer} → <code>{topic}</code>
            {because === undefined ? null : (
              <>
                {" ↳ "}
                <Other text={t("because", { number: becauseNumber ?? 0 })} onGo={() => onSelect(because)} />
              </>
            )}
            {because !== undefined || causationId === null ? null : (
              <>
                {" ↳ "}
                <Other text={t("becauseElsewhere")} onGo={() => void goToMessage(causationId)} />
              </>
            )}
          </div>
        </td>
        <td class="between" />
        <td class="entry made">
          {consumptions.length === 0 ? <span class="soft">◷ {t("pending")}</span> : null}
          {consumptions.map((consumption) => (
            <ConsumptionView key={consumption.group} consumption={consumption} />
          ))}
          {effects.length === 0 ? null : (
            <div class="soft">
              → {t("ledTo")}{" "}
              {effects.slice(0, EFFECTS_SHOWN).map((effect, index) => (
                <span key={effect.messageId}>
                  {index === 0 ? "" : ", "}
                  <Other text={String(effectNumbers[index])} onGo={() => onSelect(effect)} />
                </span>
              ))}
              {effects.length > EFFECTS_SHOWN ? " …" : ""}
            </div>
          )}
        </td>
      </tr>
      {open ? (
        <tr class="details">
          <td />
          <td colSpan={3}>
            <Details message={message} />
          </td>
        </tr>
      ) : null}
    </>
  );
});

/** Another message, to be selected. */
function Other({ text, onGo }: { readonly text: string; readonly onGo: () => void }) {
  return (
    <button type="button" class="link" onClick={onGo}>
      {text}
    </button>
  );
}

/** A message that is not on this page, or belongs to another saga: that saga's page has it. */
async function goToMessage(messageId: string): Promise<void> {
  try {
    const { sagaId } = await call<Message>(`/v1/messages/${messageId}`);
    if (sagaId !== null) go(`/sagas/${sagaId}?message=${messageId}`);
  } catch (error) {
    noticeFailure(error);
  }
}

function ConsumptionView({ consumption }: { readonly consumption: Consumption }) {
  const {
    group,
    consumer,
    partition,
    offset,
    consumedAt,
    startedAt,
    error,
    errorCode,
    errorMessage,
    attempts,
    sequence,
  } = consumption;
  return (
    <div>
      <span class={error ? "fault" : "good"} aria-hidden="true">
        {error ? "✕" : consumedAt === null ? "▶" : "✓"}
      </span>{" "}
      <b>{group}</b> {sequence === null ? null : <small>{t("transition", { count: sequence })}</small>}{" "}
      {attempts > 1 ? <small>{t("attempt", { count: attempts })}</small> : null}
      {errorCode === null ? null : (
        <span class={error ? "fault" : "soft"}>
          {" "}
          {errorCode}
          {errorMessage === null ? "" : `: ${errorMessage}`}
        </span>
      )}
      <span class="soft">
        {" "}
        · <Clock time={consumedAt ?? startedAt} /> · {consumer}
        {partition === null ? "" : ` · ${partition}/${offset}`}
      </span>
    </div>
  );
}
