import type { ConsumerGroup, ConsumerGroupList } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { count, duration } from "../../parts/format.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { useQuery, withQuery } from "../../shell/place.ts";
import { useOpened } from "../../shell/title.ts";
import { GroupPart } from "./group.tsx";
import { t } from "./text.ts";

const EVERY_MS = 3_000;

/** Consumer groups: where they stand, and moving them. The chosen one stands in the address. */
export function Consumers() {
  const [query] = useQuery();
  const called = useCall<ConsumerGroupList>("/v1/consumer-groups", { everyMs: EVERY_MS });
  const asked = query.get("group") ?? undefined;
  useOpened(asked);
  return (
    <div class="stack">
      <div class="page-head flat">
        <h1>{t("title")}</h1>
      </div>
      <Loaded called={called}>
        {({ items }) => {
          // Of a group that is gone nobody is shown another, with buttons that would move it.
          const chosen = asked === undefined ? items[0] : items.find(({ group }) => group === asked);
          return (
            <>
              {items.length === 0 ? <Empty title={t("none")}>{t("noneText")}</Empty> : null}
              {items.filter(isAlone).map(({ group, lag }) => (
                <Empty key={group} title={t("alone", { group, count: count(lag) })}>
                  {t("aloneText")}
                </Empty>
              ))}
              {items.length === 0 ? null : (
                <Table
                  label={t("title")}
                  columns={columns()}
                  rows={items}
                  keyOf={({ group }) => group}
                  selected={chosen?.group}
                />
              )}
              {chosen !== undefined || asked === undefined ? null : <Empty title={t("unknown", { group: asked })} />}
              {chosen === undefined ? null : <GroupPart key={chosen.group} group={chosen} onDone={called.again} />}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function columns(): readonly Column<ConsumerGroup>[] {
  return [
    { head: t("group"), cell: ({ group }) => <a href={withQuery({ group })}>{group}</a> },
    { head: t("state"), cell: (group) => <GroupState group={group} /> },
    { head: t("lag"), cell: ({ lag }) => count(lag), number: true },
    {
      head: t("oldest"),
      cell: ({ lagSeconds }) => (lagSeconds === null ? "–" : duration(lagSeconds * 1_000)),
      number: true,
    },
    { head: t("owner"), cell: (group) => ownersOf(group).join(", ") || "–", wide: true },
    {
      head: t("here"),
      cell: ({ members }) =>
        members.map(({ state, inHand }) => `${stateText(state)} · ${inHand} ${t("inHand")}`).join("; "),
      wide: true,
    },
  ];
}

const STATES = ["running", "paused", "standby", "rebuilding", "stopped"] as const;

/** The word for the state of a member; one that is not known stays as it is. */
function stateText(state: string): string {
  const known = STATES.find((one) => one === state);
  return known === undefined ? state : t(known);
}

function GroupState({ group }: { readonly group: ConsumerGroup }) {
  const [tone, icon, text] = stateOf(group);
  return (
    <span class={`status tone-${tone}`} title={group.pausedReason ?? undefined}>
      <span class="icon" aria-hidden="true">
        {icon}
      </span>
      {text}
    </span>
  );
}

function stateOf(group: ConsumerGroup) {
  const { paused, members } = group;
  if (paused) return ["stop", "‖", t("paused")] as const;
  if (members.some(({ problem }) => problem !== null)) return ["bad", "✕", t("unwell")] as const;
  if (ownersOf(group).length === 0) return ["calm", "–", t("absent")] as const;
  return ["good", "▶", t("running")] as const;
}

/** The processes that consume it, wherever they run. */
function ownersOf({ partitions }: ConsumerGroup): readonly string[] {
  return [...new Set(partitions.flatMap(({ owner }) => owner ?? []))];
}

function isAlone(group: ConsumerGroup): boolean {
  return group.lag > 0 && !group.paused && ownersOf(group).length === 0;
}
