import { useId, useState } from "preact/hooks";

import type { ConsumerGroup, RewindReport } from "../../data/shapes.ts";
import { usePosted } from "../../data/use-posted.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog } from "../../parts/dialog.tsx";
import { Trouble } from "../../parts/states.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { NO_WISH, optionsOf, targetOf, WAYS, type Wish } from "./target.ts";
import { t } from "./text.ts";

interface RewindProps {
  readonly group: ConsumerGroup;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Where to, what it does (from SQL, before anything moves), and why. */
export function RewindDialog({ group, onClose, onDone }: RewindProps) {
  const [wish, setWish] = useState<Wish>(NO_WISH);
  const target = targetOf(wish);
  const path = `/v1/consumer-groups/${encodeURIComponent(group.group)}/rewind`;
  const chosen = typeof target === "string" ? undefined : target;
  const preview = usePosted<RewindReport>(`${path}?preview=true`, chosen);
  const seen = preview.fresh && preview.problem === undefined;
  // The person has read how many there are.
  const leaves = seen && expiredOf(preview.data?.parts ?? []) > 0;
  const asked = chosen === undefined || !leaves ? chosen : { ...chosen, leaveExpired: true };
  const act = {
    title: t("rewind"),
    text: t("rewindText"),
    path,
    body: (reason: string) => ({ ...asked, reason }),
    cli: (reason: string) =>
      `bun run ekiden rewind ${quoted(group.group)} ${optionsOf(asked ?? {})} --reason ${quoted(reason)}`,
    danger: wish.way === "offset" && wish.skip,
  };
  return (
    <ActDialog
      act={act}
      fault={typeof target === "string" ? target : seen ? undefined : t("notSeen")}
      onClose={onClose}
      onDone={onDone}
    >
      <WishFields group={group} wish={wish} onChange={(change) => setWish({ ...wish, ...change })} />
      <div class="stack preview" aria-live="polite" aria-busy={!seen}>
        <h3>{t("preview")}</h3>
        {chosen === undefined ? (
          <p class="soft">{t("choose")}</p>
        ) : preview.problem !== undefined ? (
          <Trouble problem={preview.problem} />
        ) : preview.data === undefined || !preview.fresh ? (
          <p class="soft">{t("looking")}</p>
        ) : (
          <Effect report={preview.data} />
        )}
      </div>
    </ActDialog>
  );
}

interface FieldsProps {
  readonly group: ConsumerGroup;
  readonly wish: Wish;
  readonly onChange: (change: Partial<Wish>) => void;
}

function WishFields({ group, wish, onChange }: FieldsProps) {
  const id = useId();
  return (
    <>
      <fieldset class="ways">
        <legend>{t("to")}</legend>
        {WAYS.map((way) => (
          <label key={way}>
            <input type="radio" name={id} checked={wish.way === way} onChange={() => onChange({ way })} /> {t(way)}
          </label>
        ))}
      </fieldset>
      {wish.way === "time" ? (
        <div class="field">
          <label for={`${id}time`}>{t("timeField")}</label>
          <input
            id={`${id}time`}
            type="datetime-local"
            step="1"
            value={wish.time}
            onInput={(event) => onChange({ time: event.currentTarget.value })}
          />
        </div>
      ) : null}
      {wish.way === "message" ? (
        <div class="field">
          <label for={`${id}message`}>{t("messageField")}</label>
          <input
            id={`${id}message`}
            class="mono"
            value={wish.message}
            onInput={(event) => onChange({ message: event.currentTarget.value })}
          />
        </div>
      ) : null}
      <PlaceFields group={group} wish={wish} onChange={onChange} />
    </>
  );
}

function PlaceFields({ group, wish, onChange }: FieldsProps) {
  const id = useId();
  // What another program reads is rewound in that one's group.
  const own = group.partitions.filter(({ reader }) => reader === null);
  const topics = [...new Set(own.map(({ topic }) => topic))];
  const partitions = own.filter(({ topic }) => topic === wish.topic);
  return (
    <div class="row-fields">
      <div class="field">
        <label for={`${id}topic`}>{t("only")}</label>
        <select
          id={`${id}topic`}
          value={wish.topic}
          onChange={(event) => onChange({ topic: event.currentTarget.value, partition: "" })}
        >
          <option value="">{wish.way === "offset" ? "–" : t("allTopics")}</option>
          {topics.map((topic) => (
            <option key={topic} value={topic}>
              {topic}
            </option>
          ))}
        </select>
      </div>
      {wish.topic === "" ? null : (
        <div class="field">
          <label for={`${id}partition`}>{t("partition")}</label>
          <select
            id={`${id}partition`}
            value={wish.partition}
            onChange={(event) => onChange({ partition: event.currentTarget.value })}
          >
            <option value="">{wish.way === "offset" ? "–" : t("allPartitions")}</option>
            {partitions.map(({ partition }) => (
              <option key={partition} value={partition}>
                {partition}
              </option>
            ))}
          </select>
        </div>
      )}
      {wish.way === "offset" ? (
        <div class="field">
          <label for={`${id}offset`}>{t("offsetField")}</label>
          <input
            id={`${id}offset`}
            inputMode="numeric"
            value={wish.offset}
            onInput={(event) => onChange({ offset: event.currentTarget.value })}
          />
        </div>
      ) : null}
      {wish.way === "offset" ? (
        <label class="check">
          <input
            type="checkbox"
            checked={wish.skip}
            onChange={(event) => onChange({ skip: event.currentTarget.checked })}
          />{" "}
          {t("skip")}
        </label>
      ) : null}
    </div>
  );
}

function expiredOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { expired }) => sum + expired, 0);
}

const COUNTED = ["done", "run", "parked", "closed", "waiting", "expired"] as const;
type Part = RewindReport["parts"][number];

function Effect({ report: { parts } }: { readonly report: RewindReport }) {
  const sums = Object.fromEntries(COUNTED.map((of) => [of, parts.reduce((sum, part) => sum + part[of], 0)]));
  const columns: readonly Column<Part>[] = [
    { head: t("topic"), cell: ({ topic, partition }) => <code>{`${topic}/${partition}`}</code> },
    { head: t("from"), cell: ({ from }) => from ?? t("start"), number: true, wide: true },
    { head: t("moves"), cell: ({ to }) => to, number: true },
    ...COUNTED.map((of) => ({
      head: t(of),
      cell: (part: Part) => part[of],
      number: true,
      wide: of === "waiting" || of === "expired",
    })),
  ];
  return (
    <>
      <p>
        {t("sum", sums)}
        {sums["run"] === 0 ? ` ${t("nothing")}` : ""}
      </p>
      {expiredOf(parts) === 0 ? null : (
        <p class="why tone-stop">
          <span aria-hidden="true">! </span>
          {t("expiredText", { count: expiredOf(parts) })} <code>bun run ekiden republish --missing-only</code>
        </p>
      )}
      <Table
        label={t("preview")}
        columns={columns}
        rows={parts}
        keyOf={({ topic, partition }) => `${topic}/${partition}`}
      />
    </>
  );
}
