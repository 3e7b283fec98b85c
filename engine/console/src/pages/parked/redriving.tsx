import { useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import { mayForAll } from "../../data/session.ts";
import type { ParkedGroup, ParkedSaga, ParkedSagaList, Redrive, RedrivePreview } from "../../data/shapes.ts";
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
const STOP_AFTER = 3;

interface RedriveButtonProps {
  readonly group: ParkedGroup;
  readonly onDone: () => void;
}

/** What a redrive would send: frozen when the dialog opens. */
export interface Frozen {
  readonly messageIds: readonly string[];
  readonly preview: RedrivePreview | undefined;
  /** How many there are in all, where these are only the first of them. */
  readonly cutOf: number | undefined;
  /** Options of the command line that find these messages and no others. */
  readonly options?: string | undefined;
}

/** How the redrive of the address goes. */
export function Redriven({ onDone }: Pick<RedriveButtonProps, "onDone">) {
  const [query] = useQuery();
  const running = query.get("redrive");
  return running === null ? null : <Progress redriveId={running} onDone={onDone} />;
}

/** Retries all sagas of a group through one redrive. */
export function RedriveButton({ group, onDone }: RedriveButtonProps) {
  const [frozen, setFrozen] = useState<Frozen>();
  const [, change] = useQuery();
  if (!mayForAll("operator")) return null;
  return (
    <>
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
    </>
  );
}

/** The messages of the group that are in error now, and what sending them again would come to. */
async function freeze(group: ParkedGroup): Promise<Frozen> {
  const { groupId, sagas } = group;
  const messageIds: string[] = [];
  const found: ParkedSaga[] = [];
  let cursor: string | null = null;
  do {
    const where: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: ParkedSagaList = await call<ParkedSagaList>(`/v1/parked/${groupId}?limit=200${where}`);
    found.push(...page.items.filter(({ inError }) => inError));
    for (const { messageId, inError } of page.items) if (inError && messageId !== null) messageIds.push(messageId);
    cursor = page.nextCursor;
  } while (cursor !== null && messageIds.length < NAMED_MAX);
  const frozen = await frozenOf(messageIds);
  // Counted when the group was read: more may be parked since.
  if (cursor !== null) return { ...frozen, cutOf: Math.max(sagas, messageIds.length) };
  return { ...frozen, options: await optionsOf(group, found, frozen.preview?.total) };
}

/** A filter that finds as many as are named. Another group may have failed alike with other words: then there is none. */
async function optionsOf(
  { definition, error }: ParkedGroup,
  found: readonly ParkedSaga[],
  total: number | undefined,
): Promise<string | undefined> {
  const [first] = found;
  if (first === undefined || first.consumerGroup === null || first.action === null || error === null) return undefined;
  const { consumerGroup, action } = first;
  if (found.some((saga) => saga.consumerGroup !== consumerGroup || saga.action !== action)) return undefined;
  const filter = { group: consumerGroup, definition, errorCode: error.code, action };
  const body = { filter, preview: true };
  const preview = await call<RedrivePreview>("/v1/redrives", { method: "POST", body });
  if (preview.total !== total) return undefined;
  return [
    ["--group", consumerGroup],
    ["--definition", definition],
    ["--error-code", error.code],
    ["--action", action],
  ]
    .map(([option, value]) => `${option} ${quoted(value ?? "")}`)
    .join(" ");
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
export function RedriveDialog({
  frozen: { messageIds, preview, cutOf, options },
  onClose,
  onDone,
}: RedriveDialogProps) {
  const total = preview?.total ?? 0;
  const body = (reason: string) => ({ messageIds, reason, ratePerSecond: RATE, stopAfterErrors: STOP_AFTER });
  const act: Act = {
    title: t("redriveTitle", { count: total }),
    text: t("redriveText", { rate: RATE }),
    path: "/v1/redrives",
    body,
    cli: (reason) => {
      const pace = messageIds.length > 1 ? `--rate ${RATE} --stop-after ${STOP_AFTER} ` : "";
      return `bun run ekiden redrive ${options ?? messageIds.join(" ")} ${pace}--reason ${quoted(reason)}`;
    },
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
      {finishedAt !== null || !mayForAll("operator") ? null : (
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
