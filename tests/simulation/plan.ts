import type { Definition } from "../../engine/core/definition.ts";
import type { Bugs } from "./bugs.ts";
import type { Fault } from "./faults.ts";
import type { Character } from "./handlers.ts";

/** One run: what it is made of. */
export interface Plan {
  readonly seed: number;
  /** Name of the saga that is started. */
  readonly root: string;
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly faults: readonly Fault[];
  readonly bugs?: Bugs;
  /** How handlers are, by path (`path#compensate` for a compensation), where the seed is not to say it. */
  readonly characters?: Readonly<Record<string, Character>>;
  /** Tell what happens, for a person to read. */
  readonly tells?: boolean;
}
