import type { Undoable } from "./places.ts";
import { t } from "./text.ts";

const PAIRS = {
  done: { icon: "✓", tone: "good", text: () => t("pairDone") },
  compensated: { icon: "⟲", tone: "back", text: () => t("pairCompensated") },
  busy: { icon: "⟲", tone: "busy", text: () => t("pairBusy") },
  failed: { icon: "✕", tone: "bad", text: () => t("pairFailed") },
  nothing: { icon: "–", tone: "calm", text: () => t("pairNothing") },
  kept: { icon: "–", tone: "stop", text: () => t("pairKept") },
} as const;

interface CompensationProps {
  readonly undoables: readonly Undoable[];
  readonly onSelect: (path: string) => void;
}

/** Each step that can be undone beside how far that is, from the last back to the first. */
export function Compensation({ undoables, onSelect }: CompensationProps) {
  const toUndo = undoables.filter(({ pair }) => pair !== "nothing");
  const done = toUndo.filter(({ pair }) => pair === "compensated").length;
  const failed = toUndo.filter(({ pair }) => pair === "failed").length;
  return (
    <section class="sheet" aria-label={t("compensation")}>
      <h2>{t("compensation")}</h2>
      <p class={failed > 0 ? "fault" : "soft"}>
        {t("compensated", { done, all: toUndo.length })}
        {failed > 0 ? `; ${t("needsPerson", { count: failed })}` : ""}
      </p>
      <ol class="pairs">
        {undoables.toReversed().map(({ step: { path }, pair }) => {
          const { icon, tone, text } = PAIRS[pair];
          return (
            <li key={path}>
              <button type="button" class="link" onClick={() => onSelect(path)}>
                {path}
              </button>
              <span class="back" aria-hidden="true" />
              <span class={`status tone-${tone}`}>
                <span aria-hidden="true">{icon}</span>
                {text()}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
