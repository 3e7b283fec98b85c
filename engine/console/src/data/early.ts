import { callText } from "./call.ts";
import { apiKey } from "./session.ts";
import { countTellings } from "./stream.ts";

interface Begun {
  readonly text: Promise<string>;
  /** The key that it was asked with. */
  readonly key: string | undefined;
  readonly at: number;
  readonly tellings: number;
}

/** What nobody has taken by then, nobody will: whoever asks later wants a later answer. */
const TAKEN_WITHIN_MS = 5_000;

const begun = new Map<string, Begun>();

/** Begins a GET whose answer is about to be asked for, while the code that shows it is still on its way. */
export function begin(path: string): void {
  if (fresh(begun.get(path))) return;
  const text = callText(path);
  // Whoever takes it hears of it; somebody who has to sign in first takes nothing.
  text.catch(() => undefined);
  begun.set(path, { text, key: apiKey.value, at: performance.now(), tellings: countTellings() });
}

/** An answer that was begun; it is given once. */
interface Taken {
  readonly text: Promise<string>;
  /** Something has happened since, and nobody was there to be told: what it says may be old. */
  readonly missed: boolean;
}

/** What was begun for a path; undefined: nothing. */
export function takeBegun(path: string): Taken | undefined {
  const found = begun.get(path);
  begun.delete(path);
  return fresh(found) ? { text: found.text, missed: found.tellings !== countTellings() } : undefined;
}

function fresh(found: Begun | undefined): found is Begun {
  return found !== undefined && found.key === apiKey.value && performance.now() - found.at < TAKEN_WITHIN_MS;
}
