import { useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import type { MessageList, Saga } from "../../data/shapes.ts";
import { noticeFailure } from "../../parts/notice.tsx";
import { useKeys } from "../../shell/keys.ts";
import { useQuery } from "../../shell/place.ts";
import { type Frozen, frozenOf, RedriveDialog } from "../parked/redriving.tsx";
import { BulkRetry } from "./bulk-retry.tsx";
import type { Selection } from "./selection.tsx";
import { t } from "./text.ts";

interface BulkProps {
  readonly selection: Selection;
  readonly onDone: () => void;
}

/** What can be done to all chosen sagas at once. Both ways are for parked ones; the others are left as they are. */
export function BulkBar({ selection, onDone }: BulkProps) {
  const [retrying, setRetrying] = useState<readonly Saga[]>();
  const [frozen, setFrozen] = useState<Frozen>();
  const [, change] = useQuery();
  const { chosen, clear } = selection;
  const parked = chosen.filter(({ status }) => status === "parked");
  const retry = () => (parked.length === 0 ? undefined : setRetrying(chosen));
  useKeys({ r: retry });
  const done = () => {
    setRetrying(undefined);
    setFrozen(undefined);
    clear();
    onDone();
  };
  return (
    <>
      {chosen.length === 0 ? null : (
        <section class="bulk" aria-label={t("bulk")}>
          <b role="status">{t("chosen", { count: chosen.length, parked: parked.length })}</b>
          <button type="button" class="button primary" disabled={parked.length === 0} onClick={retry}>
            {t("retryMany", { count: parked.length })}
          </button>
          <button
            type="button"
            class="button"
            disabled={parked.length === 0}
            onClick={() => {
              freeze(parked).then(setFrozen, noticeFailure);
            }}
          >
            {t("redriveMany", { count: parked.length })}
          </button>
          <span class="space" />
          <button type="button" class="button quiet" onClick={clear}>
            {t("choseNone")} <kbd>Esc</kbd>
          </button>
        </section>
      )}
      {retrying === undefined ? null : (
        <BulkRetry sagas={retrying} onClose={() => setRetrying(undefined)} onDone={done} />
      )}
      {frozen === undefined ? null : (
        <RedriveDialog
          frozen={frozen}
          onClose={() => setFrozen(undefined)}
          onDone={(redriveId) => {
            change({ redrive: redriveId }, { replace: true });
            done();
          }}
        />
      )}
    </>
  );
}

/** Messages of these sagas that are in error now, and what sending them again would come to. */
async function freeze(sagas: readonly Saga[]): Promise<Frozen> {
  const messageIds: string[] = [];
  for (const { sagaId } of sagas) {
    const { items } = await call<MessageList>(`/v1/messages?error=true&saga=${sagaId}&limit=200`);
    messageIds.push(...items.map(({ messageId }) => messageId));
  }
  return frozenOf(messageIds);
}
