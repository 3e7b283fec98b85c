import type { Message } from "../../data/shapes.ts";
import { moment } from "../../parts/format.ts";
import { JsonView } from "../../parts/json.tsx";
import { wireHeaders } from "../../parts/wire-headers.ts";
import { t } from "./text.ts";

/** A message: where it went, how each attempt at it failed, and what it says. */
export function MessageView({ message }: { readonly message: Message }) {
  return (
    <>
      <p class="soft">
        <code>{message.messageId}</code> → <code>{message.topic}</code>
        {message.consumptions.map(({ group, partition, offset }) =>
          partition === null ? null : ` · ${group}: ${partition}/${offset}`,
        )}
      </p>
      {message.failures.length === 0 ? null : <h3>{t("attempts")}</h3>}
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
      <h3>{t("payload")}</h3>
      <JsonView value={message.body} name={t("payload")} />
      <h3>{t("headers")}</h3>
      <JsonView value={wireHeaders(message)} name={t("headers")} />
    </>
  );
}
