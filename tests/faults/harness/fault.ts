import type { Random } from "../../simulation/random.ts";
import type { Load } from "./load.ts";
import type { Mode, World } from "./world.ts";

/** What a fault gets when it strikes. */
export interface Scene {
  readonly world: World;
  readonly load: Load;
  readonly random: Random;
  /** The longest that it may last. */
  readonly longestMs: number;
  /** Tells the checker that a group was put back. */
  rewound(): void;
}

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  readonly modes: readonly Mode[];
  /** Whether it can be had here; `always` by default. */
  readonly isPossible?: (world: World) => boolean;
  /** Strikes and takes itself back. Returns what it did. @throws NotFired */
  strike(scene: Scene): Promise<string>;
}

/** A fault that found nothing to break: a run of which it is one has proved less than it says. */
export class NotFired extends Error {}

/** A time within what the scene allows. */
export function lasting({ random, longestMs }: Scene, leastMs: number): number {
  return Math.round(leastMs + random.next() * Math.max(0, longestMs - leastMs));
}

export const EVERYWHERE: readonly Mode[] = ["single", "standby", "kafka"];
export const ON_KAFKA: readonly Mode[] = ["kafka"];
