/** More changes within this time are too many: a restart of several processes makes fewer. */
const WITHIN_MS = 60_000;
const CHANGES_MAX = 3;
/** How long a report of health tells of it. */
const TOLD_MS = 5 * 60_000;

/** How often the embedded transport has changed its owner, seen by a process that owns it again and again. */
export class OwnershipChanges {
  readonly #now: () => number;
  #taken: { readonly at: number; readonly epoch: number }[] = [];
  #last: { readonly at: number; readonly changes: number } | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** This process has taken it over; what others did in between shows in the epoch. */
  note(epoch: number): void {
    const at = this.#now();
    this.#taken = [...this.#taken.filter((one) => at - one.at < WITHIN_MS), { at, epoch }];
    const changes = epoch - (this.#taken[0] as { epoch: number }).epoch + 1;
    if (changes > CHANGES_MAX) this.#last = { at, changes };
  }

  /** What is to be said of it; undefined: nothing. */
  warning(): { readonly detail: string; readonly hint: string } | undefined {
    const last = this.#last;
    if (last === undefined || this.#now() - last.at > TOLD_MS) return undefined;
    return {
      detail: `it changed its owner ${last.changes} times within a minute`,
      hint: "Are its processes stopped again and again, or does a handler compute for minutes without an await? Then the next one runs the same message: look for `was held up` in the logs of all engines.",
    };
  }
}
