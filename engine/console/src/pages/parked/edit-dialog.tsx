import { useState } from "preact/hooks";

import type { Message, ParkedSaga } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog, Dialog } from "../../parts/dialog.tsx";
import { jsonOf } from "../../parts/json-text.ts";
import { notice } from "../../parts/notice.tsx";
import { Loaded } from "../../parts/states.tsx";
import { DiffView } from "./diff.tsx";
import { t } from "./text.ts";

interface EditDialogProps {
  readonly saga: ParkedSaga;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Replaces the command that a saga is parked at by one with another body. The engine checks it by the handler's schema. */
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
  const act = {
    title: t("edit"),
    text: t("editText"),
    path: `/v1/messages/${message.messageId}/redrive`,
    body: (reason: string) => ({ body: value, reason }),
    cli: (reason: string) =>
      `bun run ekiden redrive ${message.messageId} --body ${quoted(JSON.stringify(value))} --reason ${quoted(reason)}`,
  };
  return (
    <ActDialog
      act={act}
      fault={fault ?? (text === before ? t("same") : undefined)}
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
    </ActDialog>
  );
}

/** Only the input of a command can be edited; what it compensates cannot. */
function editable(body: unknown): unknown {
  return typeof body === "object" && body !== null && "input" in body ? { input: body.input } : body;
}
