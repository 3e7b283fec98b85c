import { Auditor } from "../recovery/auditor.ts";
import { Duty } from "../recovery/duty.ts";
import { expectedGroups } from "../recovery/expected-groups.ts";
import { carryOnRepublish, openRepublishRuns } from "../recovery/republish.ts";
import { removeExpired } from "../timeline/idempotency.ts";
import type { Parts } from "./parts.ts";

/** How often it is looked whether a republishing was asked for, or left behind by a process that is gone. */
const REPUBLISH_EVERY_MS = 2_000;
/** How often it is looked whether a request is late. On an idle engine that is one small statement. */
const AUDIT_EVERY_MS = 3_000;
/** How often Idempotency-Keys that are remembered no more are removed, and how many in one statement. */
const KEYS_EVERY_MS = 600_000;
const KEYS_MAX = 1_000;

/** What the role `dispatcher` does besides: it carries on what was asked for, audits, and removes keys that are forgotten. */
export function startRecovering({ sql, transport, known, log, closing }: Parts, audits: () => boolean): void {
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
  const keys = new Duty(
    "expired Idempotency-Keys could not be removed, which is tried again",
    KEYS_EVERY_MS,
    async (goOn) => {
      while (goOn() && (await removeExpired(sql, KEYS_MAX)) === KEYS_MAX);
    },
    (what, error) => log.error(what, { error }),
  );
  keys.start();
  closing.add(() => keys.stop());
  // Of a domain that is gone commands are missed; what a projection of it would have read nobody waits for.
  const gone = known.gone.map((domain) => ({ ...domain, projections: [], projectionEvents: {} }));
  const expected = () => expectedGroups([...known.domains, ...gone]);
  const auditor = new Auditor({ sql, transport, expected, log });
  const audit = new Duty(
    "it could not be audited whether requests are consumed",
    AUDIT_EVERY_MS,
    // One process: the one that has the timeline's first partition. Others would only look twice.
    async (goOn) => (audits() ? auditor.look(goOn) : undefined),
    (what, error) => log.error(what, { error }),
  );
  audit.start();
  closing.add(() => audit.stop());
}
