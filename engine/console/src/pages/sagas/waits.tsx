import { toGroup } from "../../data/session.ts";
import type { Saga } from "../../data/shapes.ts";
import { Status } from "../../parts/status.tsx";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** What a saga waits for, and since when; of a child how it stands, of an answer which group cannot give it now, with links. */
export function Waits({ saga: { waiting } }: { readonly saga: Saga }) {
  if (waiting === null) return null;
  const { kind, signal, child, pausedGroup, since } = waiting;
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
      {pausedGroup === undefined ? null : (
        <span class="tone-stop" title={pausedGroup.reason ?? undefined}>
          <span aria-hidden="true">‖ </span>
          <a {...toGroup(pausedGroup.group)}>{pausedGroup.group}</a> {t("isPaused")}{" "}
        </span>
      )}
      <span class="soft">
        · <Ago time={since} />
      </span>
    </>
  );
}
