import type { Message } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Copy } from "../../parts/copy.tsx";
import { JsonView } from "../../parts/json.tsx";
import { Loaded } from "../../parts/states.tsx";
import { Clock } from "../../parts/time.tsx";
import { wireHeaders } from "../../parts/wire-headers.ts";
import { t } from "./text.ts";

/** What is in sight of a message while its row is open: its failures, and its payload, which is read only now. */
export function Details({ message }: { readonly message: Message }) {
  const { messageId, failures, traceparent } = message;
  // A message is written once: it is not read again.
  const whole = useCall<Message>(`/v1/messages/${messageId}`);
  return (
    <div class="stack">
      <p>
        <code>{messageId}</code>
        {traceparent === null ? null : (
          <span class="soft">
            {" "}
            · {t("trace")} <code>{traceparent}</code>{" "}
            <Copy label={t("copyTrace")} text={() => traceparent.split("-")[1] ?? ""} />
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
      <Loaded called={whole}>{({ body }) => <JsonView value={body} name={t("payload")} />}</Loaded>
      <JsonView value={wireHeaders(message)} name={t("headers")} />
    </div>
  );
}
