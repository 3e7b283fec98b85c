import type { Comparison, DefinitionDetail } from "../../data/shapes.ts";
import { usePosted } from "../../data/use-posted.ts";
import { Empty, Loaded, Trouble } from "../../parts/states.tsx";
import { useQuery } from "../../shell/place.ts";
import { DiffView } from "../parked/diff.tsx";
import { useDraft } from "./draft.ts";
import { nameOf, useSource } from "./revision.ts";
import { t } from "./text.ts";

const DRAFT = "edited";

/** Two revisions, or one and the edited text: what is different in words, and line by line. */
export function CompareView({ detail }: { readonly detail: DefinitionDetail }) {
  const [query, change] = useQuery();
  const [draft] = useDraft(detail.name);
  const { revision, revisions } = detail;
  const asked = query.get("after");
  const after = asked === DRAFT && draft === undefined ? revision : (asked ?? (draft === undefined ? revision : DRAFT));
  const earlier = revisions.find((one) => one.revision !== after)?.revision ?? revision;
  const before = query.get("before") ?? (after === DRAFT ? revision : earlier);
  const from = useSource(detail, before);
  const to = useSource(detail, after === DRAFT ? revision : after);
  const texts = revisions.map((one) => [one.revision, nameOf(one)] as const);
  if (revisions.length === 1 && draft === undefined) return <Empty title={t("onlyOne")} />;
  return (
    <>
      <div class="row-fields">
        <Choice label={t("before")} value={before} options={texts} onChange={(to) => change({ before: to })} />
        <Choice
          label={t("after")}
          value={after}
          options={draft === undefined ? texts : [[DRAFT, `✎ ${t("edited")}`], ...texts]}
          onChange={(to) => change({ after: to })}
        />
      </div>
      <Loaded called={from}>
        {(old) => (
          <Loaded called={to}>
            {(stored) => <Differences before={old} after={after === DRAFT ? (draft ?? stored) : stored} />}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([hash, text]) => (
          <option key={hash} value={hash}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Differences({ before, after }: { readonly before: string; readonly after: string }) {
  const compared = usePosted<Comparison>("/v1/definitions/compare", { before, after });
  return (
    <>
      <section class="sheet stack" aria-label={t("changes")}>
        <h2>{t("changes")}</h2>
        {compared.problem === undefined ? null : <Trouble problem={compared.problem} />}
        {compared.data === undefined ? null : <Changes changes={compared.data.changes} />}
      </section>
      <section class="sheet stack lines" aria-label={t("lines")}>
        <h2>{t("lines")}</h2>
        {before === after ? <p class="soft">{t("sameText")}</p> : <DiffView before={before} after={after} />}
      </section>
    </>
  );
}

type Change = Comparison["changes"][number];

function Changes({ changes }: { readonly changes: readonly Change[] }) {
  if (changes.length === 0) return <p class="soft">{t("sameMeaning")}</p>;
  const of = (kind: Change["change"]) => changes.filter(({ change }) => change === kind).length;
  return (
    <>
      <p>{t("summary", { added: of("added"), removed: of("removed"), moved: of("moved"), changed: of("changed") })}</p>
      <ul class="changes">
        {changes.map((change) => (
          <li key={`${change.subject} ${change.change} ${change.name}`}>
            <span aria-hidden="true">{SIGNS[change.change]} </span>
            {sentence(change)}
            {change.what === "" ? null : <span class="soft"> · {change.what}</span>}
            <Details change={change} />
          </li>
        ))}
      </ul>
    </>
  );
}

const SIGNS = { added: "+", removed: "−", moved: "↕", changed: "~" } as const;

function sentence({ subject, change, name }: Change): string {
  const said =
    change === "added" ? "Added" : change === "removed" ? "Removed" : change === "moved" ? "Moved" : "Changed";
  // Only steps move.
  if (subject === "step" || said === "Moved") return t(`step${said}`, { name });
  return t(`${subject}${said}`, { name });
}

function Details({ change: { details } }: { readonly change: Change }) {
  if (details.length === 0) return null;
  return (
    <ul>
      {details.map(({ name, before, after }) => (
        <li key={name}>
          {name === "" ? null : <b>{name} </b>}
          <code class="gone">{before ?? t("nothing")}</code> → <code class="come">{after ?? t("nothing")}</code>
        </li>
      ))}
    </ul>
  );
}
