import { useRef, useState } from "preact/hooks";

import { call, Problem } from "../data/call.ts";
import type { Message, Saga, SagaList } from "../data/shapes.ts";
import { go } from "./place.ts";
import { t } from "./text.ts";

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
export const SEARCH = "console-search";

/** Opens the saga of a ULID (its own, or one of its messages) or of a business key. */
export function Search() {
  const [said, setSaid] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const search = async () => {
    const text = input.current?.value.trim() ?? "";
    if (text === "") return;
    const found = await pathOf(text).catch((error: unknown) => error as Error);
    if (found === undefined || found instanceof Error) {
      // That it could not be asked is not that there is nothing.
      setSaid(found === undefined ? t("searchNothing", { text }) : found.message);
      return;
    }
    setSaid("");
    if (input.current !== null) input.current.value = "";
    input.current?.blur();
    go(found);
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
          onInput={() => setSaid("")}
        />
      </form>
      <p class="nothing" role="status">
        {said}
      </p>
    </search>
  );
}

/** Where a text leads; undefined: nowhere. Several sagas of one key are listed. */
async function pathOf(text: string): Promise<string | undefined> {
  if (ULID.test(text)) {
    const id = text.toUpperCase();
    const saga = await found<Saga>(`/v1/sagas/${id}`);
    if (saga !== undefined) return `/sagas/${saga.sagaId}`;
    const message = await found<Message>(`/v1/messages/${id}`);
    if (message?.sagaId !== undefined && message.sagaId !== null) return `/sagas/${message.sagaId}?message=${id}`;
  }
  const { items } = await call<SagaList>(`/v1/sagas?key=${encodeURIComponent(text)}&limit=2`);
  const [only, second] = items;
  if (only === undefined) return undefined;
  return second === undefined ? `/sagas/${only.sagaId}` : `/sagas?key=${encodeURIComponent(text)}`;
}

async function found<T>(path: string): Promise<T | undefined> {
  try {
    return await call<T>(path);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}
