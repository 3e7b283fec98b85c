import { useEffect } from "preact/hooks";

import type { ParkedGroup, ParkedGroupList } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { count } from "../../parts/format.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { useQuery } from "../../shell/place.ts";
import { useOpened } from "../../shell/title.ts";
import { Group } from "./group.tsx";
import { t } from "./text.ts";

/** Groups that the API names. */
const GROUPS_MAX = 200;

/** What waits for a person: groups by why, the sagas of the chosen one below. */
export function Parked() {
  const groups = useCall<ParkedGroupList>("/v1/parked", { concerns: ({ status }) => status !== null });
  const [query, change] = useQuery();
  const chosen = query.get("group") ?? undefined;
  const [first] = groups.data?.items ?? [];
  useEffect(() => {
    if (chosen === undefined && first !== undefined) change({ group: first.groupId }, { replace: true });
  }, [chosen, first?.groupId]);
  const group = groups.data?.items.find(({ groupId }) => groupId === chosen);
  useOpened(group?.error?.code);
  return (
    <div class="stack">
      <div class="page-head">
        <h1>{t("title")}</h1>
        <span class="soft">{t("intro")}</span>
      </div>
      <Loaded called={groups}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t("none")}>
              <p>{t("noneText")}</p>
            </Empty>
          ) : (
            <div class="groups">
              <GroupTable
                groups={items}
                chosen={chosen}
                onChoose={({ groupId }) => change({ group: groupId, saga: null })}
              />
              {items.length < GROUPS_MAX ? null : <p class="note">{t("moreGroups", { count: GROUPS_MAX })}</p>}
            </div>
          )
        }
      </Loaded>
      {chosen === undefined ? null : <Group key={chosen} groupId={chosen} group={group} onDone={groups.again} />}
    </div>
  );
}

interface GroupTableProps {
  readonly groups: readonly ParkedGroup[];
  readonly chosen: string | undefined;
  readonly onChoose: (group: ParkedGroup) => void;
}

function GroupTable({ groups, chosen, onChoose }: GroupTableProps) {
  // The list scrolls by itself, and a link may lead to a group far down in it.
  useEffect(() => document.querySelector(".groups .selected")?.scrollIntoView({ block: "nearest" }), [chosen]);
  const columns = [
    { head: t("sagas"), cell: (group: ParkedGroup) => count(group.sagas), number: true },
    {
      head: t("why"),
      cell: (group: ParkedGroup) => (
        <button type="button" class="link" onClick={() => onChoose(group)}>
          <b>{group.error?.code}</b> {group.pattern ?? group.error?.message}
        </button>
      ),
    },
    { head: t("definition"), cell: ({ definition }: ParkedGroup) => definition },
    { head: t("step"), cell: ({ step }: ParkedGroup) => <code>{step}</code> },
    { head: t("group"), cell: ({ consumerGroup }: ParkedGroup) => consumerGroup ?? "–", wide: true },
    { head: t("first"), cell: ({ firstAt }: ParkedGroup) => <Ago time={firstAt} />, wide: true },
    { head: t("last"), cell: ({ lastAt }: ParkedGroup) => <Ago time={lastAt} />, wide: true },
  ];
  return (
    <Table
      label={t("title")}
      columns={columns}
      rows={groups}
      keyOf={({ groupId }) => groupId}
      selected={chosen}
      onSelect={onChoose}
    />
  );
}
