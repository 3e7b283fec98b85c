import type { ParkedGroup } from "../../data/shapes.ts";
import { count } from "../../parts/format.ts";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** So many groups are shown; the pages that they lead to have all. */
const SHOWN = 6;

interface ErrorsProps {
  readonly groups: readonly ParkedGroup[];
  /** Said when there are none. */
  readonly none: string;
  /** Where its sagas are listed. */
  readonly hrefOf: (group: ParkedGroup) => string;
}

/** The most frequent reasons, each a link to its sagas. */
export function Errors({ groups, none, hrefOf }: ErrorsProps) {
  if (groups.length === 0) return <p class="soft">✓ {none}</p>;
  return (
    <ul class="reasons">
      {groups.slice(0, SHOWN).map((group) => (
        <li key={group.groupId}>
          <a href={hrefOf(group)}>
            <b class="number">{count(group.sagas)}</b> {group.definition} · {group.step}
          </a>
          <span class="soft clip" title={group.error?.message}>
            {group.error?.code}: {group.pattern ?? group.error?.message}
          </span>
          <span class="soft">
            {group.consumerGroup === null ? null : <>{group.consumerGroup} · </>}
            {t("firstSeen")} <Ago time={group.firstAt} /> · {t("lastSeen")} <Ago time={group.lastAt} />
          </span>
        </li>
      ))}
    </ul>
  );
}
