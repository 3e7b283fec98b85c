/** What one check found. `warn`: somebody should look when there is time; `red`: something does not work. */
export interface Finding {
  /** What was looked at, like `slot`. */
  readonly check: string;
  readonly level: "ok" | "warn" | "red";
  /** What is there, in a sentence. */
  readonly detail: string;
  /** Since when; null: not known, or nothing is wrong. */
  readonly since: string | null;
  /** What to do, a command to copy where there is one. */
  readonly fix: string | null;
}

/** Nothing is wrong. */
export function fine(check: string, detail: string): Finding {
  return { check, level: "ok", detail, since: null, fix: null };
}

/** Something is not as it should be. */
export function fault(
  level: "warn" | "red",
  check: string,
  detail: string,
  fix: string,
  since: Date | null = null,
): Finding {
  return { check, level, detail, since: since?.toISOString() ?? null, fix };
}

/** Runs checks one after another; one that cannot be made is a finding of its own. */
export async function checked(
  check: string,
  fix: string,
  make: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await make();
  } catch (error) {
    return [fault("red", check, error instanceof Error ? error.message : String(error), hintOf(error) ?? fix)];
  }
}

function hintOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "hint" in error ? String(error.hint) : undefined;
}
