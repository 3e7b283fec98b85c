import { Scroll } from "../../parts/scroll.tsx";
import { t as word } from "../../parts/text.ts";
import { lookOfPair } from "./pairs.ts";
import type { Undoable } from "./places.ts";
import { t } from "./text.ts";

/** Pairs that are listed; the picture has the others. */
const SHOWN = 100;

interface CompensationProps {
  /** undefined: what can be undone is not known yet. */
  readonly undoables: readonly Undoable[] | undefined;
  /** How many there can be: they have their room from the beginning. */
  readonly room: number;
  /** There are more steps than these. */
  readonly cut: boolean;
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
}

/** Each step that can be undone beside how far that is, from the last back to the first. */
export function Compensation({ undoables, room, cut, selected, onSelect }: CompensationProps) {
  return (
    <section class="sheet compensation" aria-label={t("compensation")} style={{ "--rows": room }}>
      <h2>{t("compensation")}</h2>
      {undoables === undefined ? <p class="soft">{word("loading")}</p> : <Verdict undoables={undoables} />}
      {cut ? <p class="note">{t("moreSteps")}</p> : null}
      <Scroll class="pairs-list" label={t("pairs")}>
        <ol class="pairs">
          {(undoables ?? [])
            .toReversed()
            .slice(0, SHOWN)
            .map(({ step: { path }, pair }) => {
              const { icon, tone, text } = lookOfPair(pair);
              return (
                <li key={path} class={path === selected ? "selected" : undefined}>
                  <button type="button" class="link" aria-pressed={path === selected} onClick={() => onSelect(path)}>
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
      {undoables !== undefined && undoables.length > SHOWN ? (
        <p class="note">{t("morePairs", { count: undoables.length - SHOWN })}</p>
      ) : null}
    </section>
  );
}

function Verdict({ undoables }: { readonly undoables: readonly Undoable[] }) {
  const toUndo = undoables.filter(({ pair }) => pair !== "nothing");
  const done = toUndo.filter(({ pair }) => pair === "compensated").length;
  const failed = toUndo.filter(({ pair }) => pair === "failed").length;
  return (
    <p class={failed > 0 ? "fault" : "soft"}>
      {t("compensated", { done, all: toUndo.length })}
      {failed > 0 ? `; ${t("needsPerson", { count: failed })}` : ""}
    </p>
  );
}
