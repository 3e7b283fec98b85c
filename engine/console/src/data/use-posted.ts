import { useEffect, useRef, useState } from "preact/hooks";

import { call, Problem } from "./call.ts";
import type { Called } from "./use-call.ts";

/** Somebody who types is not asked about at each letter. */
const PAUSE_MS = 250;
/** An engine that did not answer is asked again. */
const AWAY_MS = 2_000;

/** The answer to a POST that changes nothing; asked again when what is asked changes. `fresh`: it is about what is asked now. */
export function usePosted<T>(path: string, body: unknown, media?: string): Called<T> & { readonly fresh: boolean } {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const [answer, setAnswer] = useState<{ readonly of: string; readonly data?: T; readonly problem?: Problem }>();
  const [round, again] = useState(0);
  const last = useRef<T | undefined>(undefined);
  useEffect(() => {
    if (text === undefined) return;
    const ending = new AbortController();
    const ask = async () => {
      try {
        const data = await call<T>(path, { method: "POST", body, signal: ending.signal, ...(media && { media }) });
        last.current = data;
        setAnswer({ of: `${path} ${text}`, data });
      } catch (error) {
        if (ending.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, { detail: String(error) });
        setAnswer({ of: `${path} ${text}`, problem });
        if (problem.code === "console.unreachable") timer = setTimeout(() => void ask(), AWAY_MS);
      }
    };
    let timer = setTimeout(() => void ask(), answer === undefined ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [path, text, media, round]);
  const fresh = text !== undefined && answer?.of === `${path} ${text}`;
  // What was read stays in sight while somebody goes on writing.
  const data = answer?.problem === undefined ? (answer?.data ?? last.current) : undefined;
  return {
    data: text === undefined ? undefined : data,
    problem: fresh ? answer?.problem : undefined,
    fresh,
    again: () => again((count) => count + 1),
  };
}
