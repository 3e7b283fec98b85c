import type { ParkedSaga } from "../../data/shapes.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog } from "../../parts/dialog.tsx";
import { notice } from "../../parts/notice.tsx";
import { t } from "./text.ts";

interface StepDialogProps {
  readonly verb: "retry" | "skip";
  readonly saga: ParkedSaga;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Retries or skips the step that one saga is parked at. */
export function StepDialog({ verb, saga: { sagaId, step }, onClose, onDone }: StepDialogProps) {
  const place = step ?? "";
  const act = {
    title: t(verb),
    text: t(verb === "retry" ? "retryText" : "skipText", { step: place }),
    path: `/v1/sagas/${sagaId}/${verb}`,
    body: (reason: string) => ({ step: place, reason }),
    cli: (reason: string) => `bun run ekiden ${verb} ${sagaId} --step ${quoted(place)} --reason ${quoted(reason)}`,
  };
  return (
    <ActDialog
      act={act}
      onClose={onClose}
      onDone={() => {
        notice(t("done", { what: t(verb) }));
        onDone();
      }}
    />
  );
}
