import { useState } from "preact/hooks";

import type { Problem } from "../../data/call.ts";
import type { EditPreview, Message, ParkedSaga } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { usePosted } from "../../data/use-posted.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog, Dialog } from "../../parts/dialog.tsx";
import { jsonOf } from "../../parts/json-text.ts";
import { notice } from "../../parts/notice.tsx";
import { Loaded, Trouble } from "../../parts/states.tsx";
import { DiffView } from "./diff.tsx";
import { t } from "./text.ts";

interface EditDialogProps {
  readonly saga: ParkedSaga;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/**
 * Replaces the command that a saga is parked at by one with another body, which the engine checks by the handler's schema
 * while it is written.
 */
export function EditDialog({ saga, onClose, onDone }: EditDialogProps) {
  const message = useCall<Message>(`/v1/messages/${saga.messageId}`);
  if (message.data === undefined) {
    return (
      <Dialog title={t("edit")} onClose={onClose}>
        <Loaded called={message}>{() => null}</Loaded>
      </Dialog>
    );
  }
  return <Editor message={message.data} onClose={onClose} onDone={onDone} />;
}

function Editor({ message, onClose, onDone }: { readonly message: Message } & Omit<EditDialogProps, "saga">) {
  const [before] = useState(() => JSON.stringify(editable(message.body), null, 2));
  const [text, setText] = useState(before);
  const { value, fault } = jsonOf(text);
  const path = `/v1/messages/${message.messageId}/redrive`;
  const unsent = fault ?? (text === before ? t("same") : undefined);
  const checked = usePosted<EditPreview>(path, unsent === undefined ? { body: value, preview: true } : undefined);
  const act = {
    title: t("edit"),
    text: t("editText"),
    path,
    body: (reason: string) => ({ body: value, reason }),
    cli: (reason: string) =>
      `bun run ekiden redrive ${message.messageId} --body ${quoted(JSON.stringify(value))} --reason ${quoted(reason)}`,
  };
  return (
    <ActDialog
      act={act}
      fault={unsent}
      held={unsent === undefined && (!checked.fresh || isRefused(checked.problem))}
      onClose={onClose}
      onDone={() => {
        notice(t("done", { what: act.title }));
        onDone();
      }}
    >
      <div class="field">
        <label for="edit-body">{t("body")}</label>
        <textarea
          id="edit-body"
          class="mono"
          rows={Math.min(14, before.split("\n").length + 1)}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <DiffView before={before} after={text} />
      {unsent === undefined ? <Verdict {...checked} /> : null}
    </ActDialog>
  );
}

/** Whether the engine would take the body, before it is sent. */
function Verdict({ data, problem, fresh }: ReturnType<typeof usePosted<EditPreview>>) {
  if (problem !== undefined) return <Trouble problem={problem} />;
  if (!fresh || data === undefined) return <p class="soft">{t("checking")}</p>;
  const { action, schemaKnown } = data;
  return (
    <p role="status" class={schemaKnown ? "good" : "soft"}>
      {schemaKnown ? "✓ " : ""}
      {t(schemaKnown ? "fits" : "fitsUnknown", { action })}
    </p>
  );
}

/** Not a lost connection: sending says the same again, and may go through. */
function isRefused(problem: Problem | undefined): boolean {
  // Asked too often says nothing of the body.
  return problem !== undefined && problem.status >= 400 && problem.status < 500 && problem.status !== 429;
}

/** Only the input of a command can be edited; what it compensates cannot. */
function editable(body: unknown): unknown {
  return typeof body === "object" && body !== null && "input" in body ? { input: body.input } : body;
}
