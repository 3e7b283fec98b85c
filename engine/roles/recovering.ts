import { Duty } from "../recovery/duty.ts";
import { carryOnRepublish, openRepublishRuns } from "../recovery/republish.ts";
import type { Parts } from "./parts.ts";

/** How often it is looked whether a republishing was asked for, or left behind by a process that is gone. */
const REPUBLISH_EVERY_MS = 2_000;

/** What the role `dispatcher` does for recovery besides: it carries on what is recorded as asked for. */
export function startRecovering({ sql, log, closing }: Parts): void {
  const duty = new Duty(
    "a republishing could not be carried on and is tried again",
    REPUBLISH_EVERY_MS,
    async (goOn) => {
      for (const id of await openRepublishRuns(sql)) await carryOnRepublish(sql, id, goOn);
    },
    (what, error) => log.error(what, { error }),
  );
  duty.start();
  closing.add(() => duty.stop());
}
