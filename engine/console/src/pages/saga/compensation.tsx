import { Scroll } from "../../parts/scroll.tsx";
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

/** Pairs that are listed; the picture has the others. */
const SHOWN = 100;

interface CompensationProps {
  readonly undoables: readonly Undoable[];
  /** There are more steps than these. */
  readonly cut: boolean;
  readonly onSelect: (path: string) => void;
}

/** Each step that can be undone beside how far that is, from the last back to the first. */
export function Compensation({ undoables, cut, onSelect }: CompensationProps) {
  const toUndo = undoables.filter(({ pair }) => pair !== "nothing");
  const done = toUndo.filter(({ pair }) => pair === "compensated").length;
  const failed = toUndo.filter(({ pair }) => pair === "failed").length;
  return (
    <section class="sheet compensation" aria-label={t("compensation")}>
      <h2>{t("compensation")}</h2>
      <p class={failed > 0 ? "fault" : "soft"}>
        {t("compensated", { done, all: toUndo.length })}
        {failed > 0 ? `; ${t("needsPerson", { count: failed })}` : ""}
      </p>
      {cut ? <p class="note">{t("moreSteps")}</p> : null}
      <Scroll class="pairs-list" label={t("pairs")}>
        <ol class="pairs">
          {undoables
            .toReversed()
            .slice(0, SHOWN)
            .map(({ step: { path }, pair }) => {
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
      </Scroll>
      {undoables.length > SHOWN ? <p class="note">{t("morePairs", { count: undoables.length - SHOWN })}</p> : null}
    </section>
  );
}
