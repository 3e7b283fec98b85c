import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { ConsumerGroup } from "../../data/shapes.ts";
import { quoted } from "../../parts/copy.tsx";
import { ActDialog } from "../../parts/dialog.tsx";
import { count } from "../../parts/format.ts";
import { notice } from "../../parts/notice.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { RewindDialog } from "./rewind.tsx";
import { t } from "./text.ts";

interface GroupPartProps {
  readonly group: ConsumerGroup;
  readonly onDone: () => void;
}

/** One group: its partitions, why it does not run, and what may be done to it. */
export function GroupPart({ group, onDone }: GroupPartProps) {
  const { pausedReason, members, partitions } = group;
  const name = t("partitions", { group: group.group });
  return (
    <section class="sheet stack" aria-label={group.group}>
      <div class="page-head flat">
        <h2>{name}</h2>
        <span class="space" />
        {may("operator") ? <Actions group={group} onDone={onDone} /> : null}
      </div>
      {pausedReason === null ? null : <p class="why tone-stop">{t("pausedBecause", { reason: pausedReason })}</p>}
      {members.map(({ problem }, index) =>
        problem === null ? null : (
          // Members have no name of their own.
          <p key={`${index} ${problem}`} class="why tone-bad">
            {problem}
          </p>
        ),
      )}
      {partitions.length === 0 ? (
        <p class="soft">{t("noPartition")}</p>
      ) : (
        <Table
          label={name}
          columns={columns()}
          rows={partitions}
          keyOf={({ topic, partition }) => `${topic}/${partition}`}
        />
      )}
    </section>
  );
}

function columns(): readonly Column<ConsumerGroup["partitions"][number]>[] {
  return [
    { head: t("partition"), cell: ({ topic, partition }) => <code>{`${topic}/${partition}`}</code> },
    { head: t("earliest"), cell: ({ earliest }) => earliest, number: true, wide: true },
    { head: t("committed"), cell: ({ committed }) => committed ?? t("start"), number: true },
    { head: t("end"), cell: ({ end }) => end, number: true, wide: true },
    { head: t("lag"), cell: ({ lag }) => count(lag), number: true },
    { head: t("owner"), cell: ({ owner }) => owner ?? t("nobody") },
  ];
}

type Verb = "pause" | "resume" | "rewind";

function Actions({ group, onDone }: GroupPartProps) {
  const [open, setOpen] = useState<Verb>();
  const close = () => setOpen(undefined);
  const done = (text: string) => {
    notice(text);
    close();
    onDone();
  };
  const verbs: readonly Verb[] = [group.paused ? "resume" : "pause", "rewind"];
  return (
    <div class="buttons">
      {verbs.map((verb) => (
        <button key={verb} type="button" class="button" onClick={() => setOpen(verb)}>
          {t(verb)}
        </button>
      ))}
      {open === "rewind" ? (
        <RewindDialog group={group} onClose={close} onDone={() => done(t("rewound", { group: group.group }))} />
      ) : open === undefined ? null : (
        <ActDialog
          act={actOf(open, group.group)}
          onClose={close}
          onDone={() => done(t(open === "pause" ? "pausedNow" : "resumedNow", { group: group.group }))}
        />
      )}
    </div>
  );
}

function actOf(verb: "pause" | "resume", group: string) {
  return {
    title: t(verb),
    text: t(verb === "pause" ? "pauseText" : "resumeText"),
    path: `/v1/consumer-groups/${encodeURIComponent(group)}/${verb}`,
    body: (reason: string) => ({ reason }),
    cli: (reason: string) => `bun run ekiden ${verb} ${quoted(group)} --reason ${quoted(reason)}`,
  };
}
