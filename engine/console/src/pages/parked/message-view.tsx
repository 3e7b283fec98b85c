import type { Message, StreamEvent } from "../../data/shapes.ts";
import { JsonView } from "../../parts/json.tsx";
import { wireHeaders } from "../../parts/wire-headers.ts";
import { Attempts } from "./attempts.tsx";
import { t } from "./text.ts";

interface MessageViewProps {
  readonly message: Message;
  /** Reads anew what was tried, when something has happened to its saga. */
  readonly concerns?: (event: StreamEvent) => boolean;
}

/** A message: where it went, how each attempt failed, and what it says. */
export function MessageView({ message, concerns }: MessageViewProps) {
  return (
    <>
      <p class="soft">
        <code>{message.messageId}</code> → <code>{message.topic}</code>
        {message.consumptions.map(({ group, partition, offset }) =>
          partition === null ? null : ` · ${group}: ${partition}/${offset}`,
        )}
      </p>
      <Attempts message={message} {...(concerns && { concerns })} />
      <h3>{t("payload")}</h3>
      <JsonView value={message.body} name={t("payload")} />
      <h3>{t("headers")}</h3>
      <JsonView value={wireHeaders(message)} name={t("headers")} />
    </>
  );
}
