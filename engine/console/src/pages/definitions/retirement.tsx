import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { DefinitionDetail } from "../../data/shapes.ts";
import { quoted } from "../../parts/copy.tsx";
import { type Act, ActDialog } from "../../parts/dialog.tsx";
import { notice } from "../../parts/notice.tsx";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** In lists and beside the name: it starts no saga. */
export function RetiredMark() {
  return (
    <span class="status tone-stop">
      <span aria-hidden="true">⊘</span> {t("retired")}
    </span>
  );
}

/** Since when, by whom and why it starts no saga; nothing when it does. */
export function RetiredWhy({ retired }: Pick<DefinitionDetail, "retired">) {
  if (retired === null) return null;
  return (
    <p class="why tone-stop">
      {t("retiredBecause", { by: retired.by, reason: retired.reason })} · <Ago time={retired.since} />
      <br />
      {t("retiredText")}
    </p>
  );
}

interface RetirementProps {
  readonly detail: Pick<DefinitionDetail, "name" | "retired">;
  readonly onDone: () => void;
}

/** Retires it, or restores it, for whoever may. */
export function Retirement({ detail: { name, retired }, onDone }: RetirementProps) {
  const [act, setAct] = useState<Act>();
  if (!may("operator")) return null;
  const verb = retired === null ? "retire" : "restore";
  return (
    <div class="buttons">
      <button type="button" class="button" onClick={() => setAct(actOf(verb, name))}>
        {t(verb)}
      </button>
      {act === undefined ? null : (
        <ActDialog
          act={act}
          onClose={() => setAct(undefined)}
          onDone={() => {
            notice(t(verb === "retire" ? "retiredNow" : "restoredNow", { name }));
            setAct(undefined);
            onDone();
          }}
        />
      )}
    </div>
  );
}

function actOf(verb: "retire" | "restore", name: string): Act {
  return {
    title: t(verb),
    text: t(verb === "retire" ? "retireText" : "restoreText"),
    path: `/v1/definitions/${encodeURIComponent(name)}/${verb}`,
    body: (reason) => ({ reason }),
    cli: (reason) => `bun run ekiden definitions ${verb} ${quoted(name)} --reason ${quoted(reason)}`,
  };
}
