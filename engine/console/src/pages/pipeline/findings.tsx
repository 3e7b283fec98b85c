import type { DoctorFinding, DoctorReport } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Copy } from "../../parts/copy.tsx";
import { Loaded } from "../../parts/states.tsx";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** It asks PostgreSQL, Kafka and Kafka Connect a few dozen things. */
const EVERY_MS = 20_000;
const DOCTOR = "bun run ekiden doctor";
/** What can be typed as it stands; other fixes are sentences, in which a command stands between backticks. */
const COMMAND = /^(?:bun|alter|select|create|rollback|kafka-|curl)\S*\s/;
/** Where the console shows what a check is about, and what can be done. */
const PLACES: Readonly<Record<string, string>> = {
  sagas: "/parked",
  groups: "/consumers",
  lag: "/consumers",
  definitions: "/definitions",
  retired: "/definitions",
};
const SIGNS = {
  red: { tone: "bad", icon: "✕" },
  warn: { tone: "stop", icon: "!" },
  ok: { tone: "good", icon: "✓" },
} as const;

/** Every check of the doctor: how it stands, since when, what to do. */
export function Findings() {
  const called = useCall<DoctorReport>("/v1/doctor", { everyMs: EVERY_MS });
  return (
    <section class="sheet stack" aria-label={t("why")}>
      <div class="page-head flat">
        <h2>{t("why")}</h2>
        <span class="space" />
        <button type="button" class="button" onClick={called.again}>
          {t("lookAgain")}
        </button>
      </div>
      <Loaded called={called}>{({ findings }) => <Sorted findings={findings} />}</Loaded>
      <p class="soft">
        {t("more")} <code>{DOCTOR}</code> <Copy text={() => DOCTOR} />
      </p>
    </section>
  );
}

function Sorted({ findings }: Pick<DoctorReport, "findings">) {
  const at = (level: DoctorFinding["level"]) => findings.filter((finding) => finding.level === level);
  const unwell = [...at("red"), ...at("warn")];
  const well = at("ok");
  return (
    <>
      {at("red").length > 0 ? null : (
        <p class="good">
          <span aria-hidden="true">✓ </span>
          {t("well")}
        </p>
      )}
      {unwell.length === 0 ? null : (
        <ul class="findings">
          {unwell.map((finding) => (
            <Unwell key={`${finding.check} ${finding.detail}`} finding={finding} />
          ))}
        </ul>
      )}
      <details class="checks">
        <summary>{t("checked", { count: well.length })}</summary>
        <dl class="facts">
          {well.map(({ check, detail }) => (
            <div key={`${check} ${detail}`}>
              <dt>
                <span class="good" aria-hidden="true">
                  ✓{" "}
                </span>
                {check}
              </dt>
              <dd>{detail}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}

function Unwell({ finding: { check, level, detail, since, fix } }: { readonly finding: DoctorFinding }) {
  const { tone, icon } = SIGNS[level];
  const place = PLACES[check];
  return (
    <li class={`why tone-${tone}`}>
      <b>
        <span aria-hidden="true">{icon} </span>
        {place === undefined ? check : <a href={place}>{check}</a>}
      </b>
      <span class="soft">{t(level)}</span>
      <span class="said">{detail}</span>
      {since === null ? null : (
        <span class="soft">
          {t("since")} <Ago time={since} />
        </span>
      )}
      {fix === null || fix === "" ? null : (
        <span class="fix">
          → {piecesOf(fix).map(({ text, isCommand }) => (isCommand ? <code key={text}>{text}</code> : text))}{" "}
          <Copy text={() => commandOf(fix)} />
        </span>
      )}
    </li>
  );
}

function piecesOf(fix: string): readonly { readonly text: string; readonly isCommand: boolean }[] {
  if (COMMAND.test(fix)) return [{ text: fix, isCommand: true }];
  return fix.split("`").map((text, index) => ({ text, isCommand: index % 2 === 1 }));
}

/** The command of a fix; of a sentence without one, or with several, the sentence. */
function commandOf(fix: string): string {
  const commands = piecesOf(fix).filter(({ isCommand }) => isCommand);
  return commands.length === 1 ? (commands[0]?.text ?? fix) : fix;
}
