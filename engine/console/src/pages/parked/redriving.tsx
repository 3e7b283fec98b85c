import { useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import { may } from "../../data/session.ts";
import type { ParkedGroup, ParkedSagaList, Redrive, RedrivePreview } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { quoted } from "../../parts/copy.tsx";
import { type Act, ActDialog } from "../../parts/dialog.tsx";
import { notice, noticeFailure } from "../../parts/notice.tsx";
import { useQuery } from "../../shell/place.ts";
import { t } from "./text.ts";

/** Messages that one redrive may name. */
const NAMED_MAX = 1_000;
const NAMED = NAMED_MAX.toLocaleString("en");
const RATE = 10;

interface RedrivingProps {
  readonly group: ParkedGroup | undefined;
  readonly onDone: () => void;
}

/** What a redrive would send: frozen when the dialog opens. */
export interface Frozen {
  readonly messageIds: readonly string[];
  readonly preview: RedrivePreview | undefined;
  /** How many there are in all, where these are only the first of them. */
  readonly cutOf: number | undefined;
}

/** Retries all sagas of a group through one redrive, and shows how it goes. */
export function Redriving({ group, onDone }: RedrivingProps) {
  const [frozen, setFrozen] = useState<Frozen>();
  const [query, change] = useQuery();
  const running = query.get("redrive");
  return (
    <div class="stack">
      {running === null ? null : <Progress redriveId={running} onDone={onDone} />}
      {group === undefined || !may("operator") ? null : (
        <div class="buttons">
          <button
            type="button"
            class="button"
            onClick={() => {
              freeze(group).then(setFrozen, noticeFailure);
            }}
          >
            {group.sagas > NAMED_MAX
              ? t("redriveFirst", { count: NAMED, all: group.sagas.toLocaleString("en") })
              : t("redrive", { count: group.sagas })}
          </button>
        </div>
      )}
      {frozen === undefined ? null : (
        <RedriveDialog
          frozen={frozen}
          onClose={() => setFrozen(undefined)}
          onDone={(redriveId) => {
            setFrozen(undefined);
            change({ redrive: redriveId }, { replace: true });
            onDone();
          }}
        />
      )}
    </div>
  );
}

/** The messages of the group that are in error now, and what sending them again would come to. */
async function freeze({ groupId, sagas }: ParkedGroup): Promise<Frozen> {
  const messageIds: string[] = [];
  let cursor: string | null = null;
  do {
    const where: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: ParkedSagaList = await call<ParkedSagaList>(`/v1/parked/${groupId}?limit=200${where}`);
    for (const { messageId, inError } of page.items) if (inError && messageId !== null) messageIds.push(messageId);
    cursor = page.nextCursor;
  } while (cursor !== null && messageIds.length < NAMED_MAX);
  const frozen = await frozenOf(messageIds);
  // Counted when the group was read: more may be parked since.
  return cursor === null ? frozen : { ...frozen, cutOf: Math.max(sagas, messageIds.length) };
}

/** Some messages, and what sending them again would come to. */
export async function frozenOf(messageIds: readonly string[]): Promise<Frozen> {
  const named = messageIds.slice(0, NAMED_MAX);
  const body = { messageIds: named, preview: true };
  const preview = named.length === 0 ? undefined : await call<RedrivePreview>("/v1/redrives", { method: "POST", body });
  return { messageIds: named, preview, cutOf: messageIds.length > NAMED_MAX ? messageIds.length : undefined };
}

interface RedriveDialogProps {
  readonly frozen: Frozen;
  readonly onClose: () => void;
  readonly onDone: (redriveId: string) => void;
}

/** Asks for the reason of a redrive, after saying what it would send. */
export function RedriveDialog({ frozen: { messageIds, preview, cutOf }, onClose, onDone }: RedriveDialogProps) {
  const total = preview?.total ?? 0;
  const body = (reason: string) => ({ messageIds, reason, ratePerSecond: RATE, stopAfterErrors: 3 });
  const act: Act = {
    title: t("redriveTitle", { count: total }),
    text: t("redriveText", { rate: RATE }),
    path: "/v1/redrives",
    body,
    cli: (reason) => messageIds.map((id) => `bun run ekiden redrive ${id} --reason ${quoted(reason)}`).join("\n"),
  };
  return (
    <ActDialog
      act={act}
      fault={total === 0 ? t("redriveNone") : undefined}
      onClose={onClose}
      onDone={(answer) => {
        const { redriveId } = answer as Redrive;
        notice(t("redriven", { id: redriveId }));
        onDone(redriveId);
      }}
    >
      {preview === undefined || preview.sample.length === 0 ? null : (
        <div>
          <h3>{t("sample")}</h3>
          <ul>
            {preview.sample.slice(0, 5).map(({ messageId, group, errorCode }) => (
              <li key={messageId}>
                <code>{messageId}</code> <span class="soft">{group}</span> <span class="fault">{errorCode}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {preview !== undefined && preview.settled > 0 ? (
        <p class="note">{t("settled", { count: preview.settled })}</p>
      ) : null}
      {cutOf === undefined ? null : (
        <p class="note">{t("redriveCut", { count: NAMED, all: cutOf.toLocaleString("en") })}</p>
      )}
    </ActDialog>
  );
}

/** How a redrive goes; it can be stopped, and goes on when somebody says so. */
export function Progress({ redriveId, onDone }: { readonly redriveId: string; readonly onDone: () => void }) {
  const redrive = useCall<Redrive>(`/v1/redrives/${redriveId}`, { concerns: () => true, everyMs: 1_000 });
  const [act, setAct] = useState<Act>();
  const { data } = redrive;
  if (data === undefined) return null;
  const { status, problem, done, failed, sent, waiting, total, finishedAt } = data;
  const title = t("progress", { id: redriveId, status: t(`redrive_${status}`) });
  const verb = (name: "goOn" | "stop", path: "continue" | "stop"): Act => ({
    title: t(name),
    text: t(name === "goOn" ? "goOnText" : "stopText"),
    path: `/v1/redrives/${redriveId}/${path}`,
    body: (reason) => ({ reason }),
    cli: (reason) => `bun run ekiden redrives ${path} ${redriveId} --reason ${quoted(reason)}`,
  });
  return (
    <section class="sheet stack" role="status">
      <p>
        <b>{title}</b> {t("progressText", { done, failed, sent, waiting, total })}
      </p>
      <progress max={total} value={done + failed} aria-label={title} />
      {problem === null ? null : <p class="fault">{t("stopped", { why: problem })}</p>}
      {finishedAt !== null || !may("operator") ? null : (
        <div class="buttons">
          {status === "waiting" ? (
            <button type="button" class="button" onClick={() => setAct(verb("goOn", "continue"))}>
              {t("goOn")}
            </button>
          ) : null}
          <button type="button" class="button" onClick={() => setAct(verb("stop", "stop"))}>
            {t("stop")}
          </button>
        </div>
      )}
      {act === undefined ? null : (
        <ActDialog
          act={act}
          onClose={() => setAct(undefined)}
          onDone={() => {
            setAct(undefined);
            redrive.again();
            onDone();
          }}
        />
      )}
    </section>
  );
}
