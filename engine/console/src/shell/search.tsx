import { useRef, useState } from "preact/hooks";

import type { Shown } from "./found-by.ts";
import { go } from "./place.ts";
import { t } from "./text.ts";

export const SEARCH = "console-search";

const looking = () => import("./found-by.ts");

/** Opens the saga of a ULID (its own, or one of its messages) or of a business key; a message without one by itself. */
export function Search() {
  const [said, setSaid] = useState("");
  const [shown, setShown] = useState<Shown>();
  const input = useRef<HTMLInputElement>(null);
  const search = async () => {
    const text = input.current?.value.trim() ?? "";
    if (text === "") return;
    // Its code is fetched when somebody first searches; where it cannot be, the list of sagas waits for the engine.
    const code = await looking().catch(() => undefined);
    if (code === undefined) return go(`/sagas?key=${encodeURIComponent(text)}`);
    const found = await code.foundBy(text).catch((error: unknown) => error as Error);
    if (found === undefined || found instanceof Error) {
      // That it could not be asked is not that there is nothing.
      setSaid(found === undefined ? t("searchNothing", { text }) : found.message);
      return;
    }
    setSaid("");
    if (input.current !== null) input.current.value = "";
    input.current?.blur();
    if (typeof found === "string") go(found);
    else setShown(found);
  };
  return (
    <search>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void search();
        }}
      >
        <input
          id={SEARCH}
          ref={input}
          type="search"
          autocomplete="off"
          spellcheck={false}
          aria-label={t("search")}
          placeholder={`${t("searchHint")}  /`}
          onFocus={() => void looking().catch(() => undefined)}
          onInput={() => setSaid("")}
        />
      </form>
      <p class="nothing" role="status">
        {said}
      </p>
      {shown === undefined ? null : <shown.View message={shown.message} onClose={() => setShown(undefined)} />}
    </search>
  );
}
