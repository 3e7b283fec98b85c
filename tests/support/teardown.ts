/** Something that the whole run shares and that ends with it. */
export interface SharedPart {
  stop(): Promise<void>;
  /** Ends the processes without waiting, for an exit that leaves no time. */
  killNow(): void;
}

const parts: SharedPart[] = [];

/** Registers a part that `stopSharedParts` ends, or, if the run never gets there, the exit of the process. */
export function endsWithTheRun(part: SharedPart): void {
  parts.push(part);
}

/** Ends all parts, the youngest first. Throws the first failure after all have been tried. */
export async function stopSharedParts(): Promise<void> {
  const failures: unknown[] = [];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    await part.stop().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

process.on("exit", () => {
  for (const part of parts) {
    try {
      part.killNow();
    } catch {
      // It has ended already; the others still have to.
    }
  }
});
