import { useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import { may, mayForAll } from "../../data/session.ts";
import type { MessageList, Saga } from "../../data/shapes.ts";
import { noticeFailure } from "../../parts/notice.tsx";
import { focusedRow, useKeys } from "../../shell/keys.ts";
import { useQuery } from "../../shell/place.ts";
import { type Frozen, frozenOf, RedriveDialog } from "../parked/redriving.tsx";
import { BulkRetry } from "./bulk-retry.tsx";
import type { Selection } from "./selection.tsx";
import { t } from "./text.ts";

interface BulkProps {
  readonly selection: Selection;
  /** All that are shown. */
  readonly rows: readonly Saga[];
  readonly onDone: () => void;
}

/** What can be done to all chosen sagas at once. Both ways are for parked ones; the others are left as they are. */
export function BulkBar({ selection, rows, onDone }: BulkProps) {
  const [retrying, setRetrying] = useState<readonly Saga[]>();
  const [frozen, setFrozen] = useState<Frozen>();
  const [, change] = useQuery();
  const { chosen, clear } = selection;
  const parked = chosen.filter(isParked);
  const retry = (sagas: readonly Saga[]) => (sagas.some(isParked) ? setRetrying(sagas) : undefined);
  const retryMeant = () => {
    const id = focusedRow();
    if (may("operator")) retry(chosen.length > 0 ? chosen : rows.filter(({ sagaId }) => sagaId === id));
  };
  useKeys({ r: retryMeant });
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
          <button type="button" class="button primary" disabled={parked.length === 0} onClick={() => retry(chosen)}>
            {t("retryMany", { count: parked.length })}
          </button>
          {mayForAll("operator") ? (
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
          ) : null}
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

function isParked({ status }: Saga): boolean {
  return status === "parked";
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
