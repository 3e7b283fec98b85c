import type { RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { type Completion, completionAt, type Words } from "./completion.ts";
import { t } from "./text.ts";

/** As in the style sheet: lines of the editor, and the room around its text. */
const LINE = 19;
const TOP = 8;
const LEFT = 12;

interface Shown extends Completion {
  readonly chosen: number;
}

/** What is offered while somebody writes: shown below the caret, chosen by arrows, taken by Enter or Tab. */
export function useCompleting(area: RefObject<HTMLTextAreaElement | null>, words: Words | undefined) {
  const [shown, show] = useState<Shown>();
  const id = useId();
  const close = () => show(undefined);
  const look = (asked: boolean) => {
    const field = area.current;
    if (field === null || words === undefined || field.selectionStart !== field.selectionEnd) return close();
    const completion = completionAt(field.value, field.selectionStart, words, asked);
    show(completion === undefined ? undefined : { ...completion, chosen: 0 });
  };
  const take = ({ from, options }: Shown, index: number) => {
    const field = area.current;
    const option = options[index];
    if (field === null || option === undefined) return;
    close();
    field.focus();
    field.setSelectionRange(from, field.selectionStart);
    // As if it was typed: the browser's own undo knows it, and the field tells of it.
    document.execCommand("insertText", false, option.text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      look(true);
      return;
    }
    if (shown === undefined) return;
    const { length } = shown.options;
    const act = {
      ArrowDown: () => show({ ...shown, chosen: (shown.chosen + 1) % length }),
      ArrowUp: () => show({ ...shown, chosen: (shown.chosen + length - 1) % length }),
      Enter: () => take(shown, shown.chosen),
      Tab: () => take(shown, shown.chosen),
      Escape: close,
    }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return {
    look,
    field: {
      onKeyDown,
      onBlur: close,
      onClick: close,
      "aria-autocomplete": "list",
      "aria-controls": shown === undefined ? undefined : id,
      "aria-activedescendant": shown === undefined ? undefined : `${id}-${shown.chosen}`,
    } as const,
    list:
      shown === undefined ? null : (
        <Offers id={id} shown={shown} text={area.current?.value ?? ""} onTake={(index) => take(shown, index)} />
      ),
  };
}

interface OffersProps {
  readonly id: string;
  readonly shown: Shown;
  readonly text: string;
  readonly onTake: (index: number) => void;
}

function Offers({ id, shown: { from, options, chosen }, text, onTake }: OffersProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.scrollIntoView({ block: "nearest" }), [from]);
  const before = text.slice(0, from).split("\n");
  const column = before.at(-1)?.length ?? 0;
  return (
    <div
      ref={list}
      id={id}
      class="offers"
      role="listbox"
      tabIndex={-1}
      aria-label={t("offers")}
      style={{ top: `${TOP + before.length * LINE}px`, left: `calc(${LEFT}px + ${column}ch)` }}
    >
      {options.map(({ text: offered, about }, index) => (
        <div
          key={offered}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          // Before the field loses the focus.
          onMouseDown={(event) => {
            event.preventDefault();
            onTake(index);
          }}
        >
          <b>{offered.trim()}</b> {about === "" ? null : <span>{about}</span>}
        </div>
      ))}
    </div>
  );
}
