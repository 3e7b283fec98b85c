/** What Kafka says to a member that it has put out of its group. */
const PUT_OUT: ReadonlySet<unknown> = new Set(["UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"]);
/** Longer than the others of a group are waited for (15 s): a member that is joining again is not disturbed. */
const BORNE_MS = 20_000;

/**
 * Notices a member that its group has put out and that does not join again. kafkajs can stay so: it fetches on, which
 * looks alive, and what it was given is nobody's, since its commits are refused.
 */
export class LostMembership {
  readonly #now: () => number;
  #since: number | undefined;

  /** `now`: milliseconds of a clock that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A commit was refused. True: the membership is lost, and a new client is to be built. */
  refused(error: unknown): boolean {
    if (!isPutOut(error)) return false;
    this.#since ??= this.#now();
    return this.#now() - this.#since > BORNE_MS;
  }

  /** A commit was taken, or the group was joined anew. */
  held(): void {
    this.#since = undefined;
  }
}

function isPutOut(error: unknown): boolean {
  return typeof error === "object" && error !== null && "type" in error && PUT_OUT.has(error.type);
}
