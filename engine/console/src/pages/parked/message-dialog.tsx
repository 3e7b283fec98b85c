import type { Message } from "../../data/shapes.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { t as word } from "../../parts/text.ts";
import { MessageView } from "./message-view.tsx";
import { t } from "./text.ts";

interface MessageDialogProps {
  readonly message: Message;
  readonly onClose: () => void;
}

/** A message that belongs to no saga: no page has it. */
export function MessageDialog({ message, onClose }: MessageDialogProps) {
  return (
    <Dialog title={message.type ?? message.topic} onClose={onClose}>
      <div class="stack">
        <p>{t("noSaga")}</p>
        {message.consumptions
          .filter(({ error }) => error)
          .map(({ group, errorCode, errorMessage }) => (
            <p key={group} class="why tone-bad">
              <span aria-hidden="true">✕ </span>
              <b>{errorCode}</b> {errorMessage}
            </p>
          ))}
        <MessageView message={message} />
        <div class="buttons">
          <button type="button" class="button" onClick={onClose}>
            {word("close")}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
