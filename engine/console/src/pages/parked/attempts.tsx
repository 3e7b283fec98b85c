import type { Message, MessageList } from "../../data/shapes.ts";
import { type Following, useCall } from "../../data/use-call.ts";
import { count, moment } from "../../parts/format.ts";
import { Loaded } from "../../parts/states.tsx";
import { type Attempt, attemptsOf } from "./attempts-of.ts";
import { t } from "./text.ts";

/** Messages that are read: attempts and their answers. */
const READ_MAX = 200;

/** What was tried: at the message's step, each attempt of which is a message of its own, or at a message of no saga. */
export function Attempts({ message, ...following }: { readonly message: Message } & Following) {
  const { stepKey } = message;
  const path = `/v1/messages?stepKey=${encodeURIComponent(stepKey ?? "")}&bodies=false&limit=${READ_MAX}`;
  const called = useCall<MessageList>(stepKey === null ? undefined : path, following);
  if (stepKey === null)
    return <List title="attemptsAtMessage" attempts={attemptsOf([message], message)} more={false} />;
  return (
    <Loaded called={called}>
      {({ items, nextCursor }) => (
        <List title="attempts" attempts={attemptsOf(items, message)} more={nextCursor !== null} />
      )}
    </Loaded>
  );
}

interface ListProps {
  readonly title: "attempts" | "attemptsAtMessage";
  readonly attempts: readonly Attempt[];
  /** There are older ones. */
  readonly more: boolean;
}

function List({ title, attempts, more }: ListProps) {
  return (
    <>
      <h3>{t(title, { count: `${count(attempts.length)}${more ? "+" : ""}` })}</h3>
      <div class="attempts">
        {attempts.map(({ messageId, at, end, failure }) => {
          const when = at === null ? null : <time dateTime={at}>{moment(at)}</time>;
          return failure === undefined ? (
            <p key={`${messageId} ${at}`}>
              {t(`attempt_${end}`)} <span class="soft">· {when}</span>
            </p>
          ) : (
            <details key={`${messageId} ${at}`}>
              <summary>
                <span class="fault">{failure.code}</span> {failure.message}{" "}
                <span class="soft">
                  · {when} · {failure.consumer}
                </span>
              </summary>
              <pre>{failure.stack ?? ""}</pre>
            </details>
          );
        })}
      </div>
    </>
  );
}
