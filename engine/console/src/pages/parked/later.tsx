import type { Message, Timeline } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Clock } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** Of the page around the message, one half comes after it. */
const AROUND = 20;

interface LaterProps {
  readonly sagaId: string;
  readonly messageId: string;
}

/** What else travelled under the same key, after the message: the key is the saga. */
export function Later({ sagaId, messageId }: LaterProps) {
  const timeline = useCall<Timeline>(`/v1/sagas/${sagaId}/timeline?around=${messageId}&limit=${AROUND}&bodies=false`, {
    concerns: (event) => event.sagaId === sagaId,
  });
  const items = timeline.data?.items;
  if (items === undefined) return null;
  const later = items.slice(items.findIndex((item) => item.messageId === messageId) + 1);
  return (
    <>
      <h3>{t("later")}</h3>
      {later.length === 0 ? <p class="soft">{t("nothingLater")}</p> : null}
      <ul class="later">
        {later.map((message) => (
          <li key={message.messageId}>
            <a href={`/sagas/${sagaId}?message=${message.messageId}`}>{message.type ?? message.topic}</a>{" "}
            <span class="soft">
              {message.requestedAt === null ? null : <Clock time={message.requestedAt} />} · <End message={message} />
            </span>
          </li>
        ))}
        {timeline.data?.nextCursor ? (
          <li>
            <a href={`/sagas/${sagaId}?message=${later.at(-1)?.messageId ?? messageId}`}>{t("moreLater")}</a>
          </li>
        ) : null}
      </ul>
    </>
  );
}

/** What became of it, in a word. */
function End({ message: { consumptions } }: { readonly message: Message }) {
  const failed = consumptions.find(({ error }) => error);
  if (failed !== undefined) return <span class="fault">✕ {failed.errorCode}</span>;
  if (consumptions.some(({ consumedAt }) => consumedAt !== null)) return <span class="good">✓ {t("consumed")}</span>;
  return <span>◷ {t("notConsumed")}</span>;
}
