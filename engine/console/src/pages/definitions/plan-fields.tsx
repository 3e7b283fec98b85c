import type { Simulation } from "../../data/shapes.ts";
import { useQuery } from "../../shell/place.ts";
import { t } from "./text.ts";
import { isWish, NEVER } from "./wish.ts";

interface PlanFieldsProps {
  readonly steps: Simulation["steps"];
  readonly faults: ReadonlyMap<string, string>;
  /** The input that is made up. */
  readonly sample: unknown;
}

const ANSWERED = new Set(["command", "notify", "saga"]);

/** How each step and compensation ends, and what comes from outside. All of it stands in the address. */
export function PlanFields({ steps, faults, sample }: PlanFieldsProps) {
  const [query, change] = useQuery();
  const chosen = [...query.keys()].filter(isWish);
  const ends = [
    ["", t("succeeds")],
    ["rejected", t("rejected")],
    ["failed", t("failed")],
    ["failed*2", t("failedTwice")],
    ["fatal", t("fatal")],
    ["unknown", t("unknown")],
    ["silent", t("silent")],
  ] as const;
  const signals = [...new Set(steps.flatMap(({ signal }) => (signal === null ? [] : [signal])))];
  return (
    <section class="sheet stack" aria-label={t("plan")}>
      <div class="page-head flat">
        <h2>{t("plan")}</h2>
        <span class="space" />
        {chosen.length === 0 ? null : (
          <button
            type="button"
            class="button quiet"
            onClick={() => change(Object.fromEntries(chosen.map((name) => [name, null])))}
          >
            {t("reset")}
          </button>
        )}
      </div>
      <p class="soft">{t("planText")}</p>
      <ul class="plan">
        {steps
          .filter(({ kind }) => ANSWERED.has(kind))
          .map(({ step, undone }) => (
            <li key={step}>
              <code>{step}</code>
              <Choice
                name={`end.${step}`}
                label={t("outcome", { step })}
                choices={ends}
                other={{ option: t("other"), label: t("otherText", { step }), fault: faults.get(`end.${step}`) }}
              />
              {undone ? (
                <Choice
                  name={`end.undo ${step}`}
                  label={t("undoOutcome", { step })}
                  prefix={`⟲ ${t("undo")}: `}
                  choices={ends.filter(([value]) => value !== "unknown")}
                />
              ) : null}
            </li>
          ))}
        {signals.map((signal) => (
          <li key={signal}>
            <span>{t("signal", { signal })}</span>
            <Choice
              name={`signal.${signal}`}
              label={t("signal", { signal })}
              choices={[
                ["", t("comes")],
                [NEVER, t("never")],
              ]}
              other={{
                option: t("payload"),
                label: t("payloadText", { signal }),
                fault: faults.get(`signal.${signal}`),
              }}
            />
          </li>
        ))}
      </ul>
      <label class="field">
        <span>{t("input")}</span>
        <textarea
          class="mono"
          rows={4}
          spellcheck={false}
          placeholder={sample === undefined ? "" : JSON.stringify(sample, null, 1)}
          value={query.get("input") ?? ""}
          onInput={(event) => change({ input: event.currentTarget.value }, { replace: true })}
        />
        {faults.has("input") ? <span class="fault">{faults.get("input")}</span> : null}
      </label>
      <label class="field">
        <span>{t("cancelAt")}</span>
        <input
          placeholder={t("cancelHint")}
          value={query.get("cancelAt") ?? ""}
          onInput={(event) => change({ cancelAt: event.currentTarget.value }, { replace: true })}
        />
      </label>
    </section>
  );
}

interface ChoiceProps {
  /** Its parameter of the address. */
  readonly name: string;
  readonly label: string;
  readonly prefix?: string;
  readonly choices: readonly (readonly [string, string])[];
  /** A choice that is written out. */
  readonly other?: { readonly option: string; readonly label: string; readonly fault: string | undefined };
}

const OTHER = "other";

function Choice({ name, label, prefix = "", choices, other }: ChoiceProps) {
  const [query, change] = useQuery();
  const text = query.get(name) ?? "";
  const known = choices.some(([value]) => value === text);
  const choose = (value: string) => change({ [name]: value === OTHER ? "{}" : value }, { replace: true });
  return (
    <>
      <select aria-label={label} value={known ? text : OTHER} onChange={(event) => choose(event.currentTarget.value)}>
        {choices.map(([value, said]) => (
          <option key={value} value={value}>
            {prefix}
            {said}
          </option>
        ))}
        {other === undefined && known ? null : <option value={OTHER}>{other?.option ?? text}</option>}
      </select>
      {known || other === undefined ? null : (
        <span class="written">
          <input
            class="mono"
            aria-label={other.label}
            value={text}
            onInput={(event) => change({ [name]: event.currentTarget.value }, { replace: true })}
          />
          {other.fault === undefined ? null : <span class="fault">{other.fault}</span>}
        </span>
      )}
    </>
  );
}
