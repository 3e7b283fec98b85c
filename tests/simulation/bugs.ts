import type { decide } from "../../engine/core/decide.ts";

/** Faults planted on purpose, to see that the simulator finds them. */
export interface Bugs {
  /** Transitions take no lock of their saga. */
  readonly unlocked?: true;
  /** A timer that has fired, or was taken back, stays and fires again. */
  readonly timerStays?: true;
  /** Participants know messages only, not steps: the guard is not asked. */
  readonly byMessageOnly?: true;
  /** A transition that gives a step up leaves its guard open. */
  readonly neverCloses?: true;
  /** A process believes what it remembers of a saga, whoever has written it since. */
  readonly believesMemory?: true;
  /** A changed `decide`. */
  readonly decide?: typeof decide;
}
