import type { Saga } from "../../data/shapes.ts";
import { Status } from "../../parts/status.tsx";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** What a saga waits for, and since when; of a child how it stands, with a link. */
export function Waits({ saga: { waiting } }: { readonly saga: Saga }) {
  if (waiting === null) return null;
  const { kind, signal, child, since } = waiting;
  const names = {
    person: t("onPerson"),
    signal: t("onSignal", { name: signal ?? "" }),
    child: t("onChild"),
    retry: t("onRetry"),
    sleep: t("onSleep"),
    answer: t("onAnswer"),
  };
  return (
    <>
      {child === undefined ? (
        names[kind]
      ) : (
        <>
          <a href={`/sagas/${child.sagaId}`}>{names.child}</a> <Status status={child.status} />
        </>
      )}{" "}
      <span class="soft">
        · <Ago time={since} />
      </span>
    </>
  );
}
