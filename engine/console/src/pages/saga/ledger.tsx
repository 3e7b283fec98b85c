import type { Consumption, Message } from "../../data/shapes.ts";
import { JsonView } from "../../parts/json.tsx";
import { Scroll } from "../../parts/scroll.tsx";
import { Clock } from "../../parts/time.tsx";
import { ownerOf, stepOf } from "./ledger-row.ts";
import { t } from "./text.ts";

interface LedgerProps {
  readonly messages: readonly Message[];
  readonly step: string | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (message: Message | undefined) => void;
}

/** Requests on the left, what consumers made of them on the right: who, when, what, where. */
export function Ledger({ messages, step, selected, onSelect }: LedgerProps) {
  const numbers = new Map(messages.map(({ messageId }, index) => [messageId, index + 1]));
  const cause = messages.find(({ messageId }) => messageId === selected)?.causationId;
  return (
    <Scroll class="table ledger" label={t("ledger")}>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">{t("request")}</th>
            <th scope="col">{t("consumption")}</th>
          </tr>
        </thead>
        <tbody>
          {messages.map((message) => {
            const isSelected = message.messageId === selected;
            const related = message.messageId === cause || (selected !== undefined && message.causationId === selected);
            const classes = [
              isSelected ? "selected" : "",
              related ? "related" : "",
              step !== undefined && ownerOf(message) === step ? "of-step" : "",
            ];
            const because = message.causationId === null ? undefined : numbers.get(message.causationId);
            return (
              <Row
                key={message.messageId}
                message={message}
                number={numbers.get(message.messageId) ?? 0}
                because={because}
                classes={classes.join(" ").trim()}
                open={isSelected}
                onSelect={onSelect}
              />
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

interface RowProps {
  readonly message: Message;
  readonly number: number;
  readonly because: number | undefined;
  readonly classes: string;
  readonly open: boolean;
  readonly onSelect: (message: Message | undefined) => void;
}

function Row({ message, number, because, classes, open, onSelect }: RowProps) {
  const { messageId, type, topic, producer, requestedAt, attempt, late, consumptions } = message;
  return (
    <>
      <tr data-row={messageId} class={classes} id={`message-${messageId}`}>
        <td class="number soft">{number}</td>
        <td class="entry">
          <button type="button" class="link" aria-expanded={open} onClick={() => onSelect(open ? undefined : message)}>
            {type ?? topic}
          </button>{" "}
          <b>{stepOf(message)}</b>{" "}
          {attempt !== null && attempt > 1 ? <small>{t("attempt", { count: attempt })}</small> : null}
          {late ? <small class="fault"> {t("late")}</small> : null}
          <div class="soft">
            {requestedAt === null ? null : <Clock time={requestedAt} />} · {producer} → <code>{topic}</code>
            {because === undefined ? null : <span class="because"> ↳ {t("because", { number: because })}</span>}
          </div>
        </td>
        <td class="entry">
          {consumptions.length === 0 ? <span class="soft">◷ {t("pending")}</span> : null}
          {consumptions.map((consumption) => (
            <ConsumptionView key={consumption.group} consumption={consumption} />
          ))}
        </td>
      </tr>
      {open ? (
        <tr class="details">
          <td />
          <td colSpan={2}>
            <Details message={message} />
          </td>
        </tr>
      ) : null}
    </>
  );
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

/** A message's payload, on demand: it is in sight only while its row is open. */
function Details({ message }: { readonly message: Message }) {
  const { messageId, body, headers, failures, traceparent } = message;
  return (
    <div class="stack">
      <p>
        <code>{messageId}</code>
        {traceparent === null ? null : (
          <span class="soft">
            {" "}
            · {t("trace")} <code>{traceparent}</code>
          </span>
        )}
      </p>
      {failures.length === 0 ? null : (
        <section aria-label={t("failures")}>
          <h3>{t("failures")}</h3>
          {failures.map(({ group, attempt, failedAt, code, message: text, stack }) => (
            <details key={`${group} ${attempt} ${failedAt}`}>
              <summary>
                <span class="fault">{code}</span> {text}{" "}
                <span class="soft">
                  · {group} · {t("attempt", { count: attempt })} · <Clock time={failedAt} />
                </span>
              </summary>
              <pre>{stack ?? ""}</pre>
            </details>
          ))}
        </section>
      )}
      <JsonView value={body} name={t("payload")} />
      {headers === null ? null : <JsonView value={headers} name={t("headers")} />}
    </div>
  );
}
