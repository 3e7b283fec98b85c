import { useEffect, useRef } from "preact/hooks";

import { DEFINITIONS } from "../../data/definitions-path.ts";
import type { DefinitionList, Diagnostics, Language } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { usePosted } from "../../data/use-posted.ts";
import { Copy } from "../../parts/copy.tsx";
import { download } from "../../parts/json.tsx";
import { Trouble } from "../../parts/states.tsx";
import { useQuery } from "../../shell/place.ts";
import type { Words } from "./completion.ts";
import { useDraft } from "./draft.ts";
import { Editor, goTo } from "./editor.tsx";
import { FindingList } from "./finding-list.tsx";
import { t } from "./text.ts";

interface SourceViewProps {
  readonly name: string;
  /** What it is downloaded as; undefined: by its name. */
  readonly file?: string;
  /** As it is stored. */
  readonly source: string;
}

/** The YAML, to be read, edited and checked; nothing is written. */
export function SourceView({ name, file = `${name}.saga.yaml`, source }: SourceViewProps) {
  const [draft, setDraft] = useDraft(name);
  const area = useRef<HTMLTextAreaElement>(null);
  const text = draft ?? source;
  const checked = usePosted<Diagnostics>("/v1/definitions/validate", text === "" ? " " : text, "text/yaml");
  const findings = checked.data ?? [];
  const [query] = useQuery();
  const place = query.get("line");
  // Where somebody wants to look; what is edited since does not move it.
  useEffect(() => {
    if (place !== null) goTo(area.current, placeOf(place));
  }, [place]);
  return (
    <section class="stack" aria-label={t("source")}>
      <p class="soft">
        {t("editorText")} {t("offersText")}
      </p>
      <div class="buttons">
        <Copy label={t("copySource")} text={() => text} />
        <button type="button" class="button quiet" onClick={() => download(file, text, "text/yaml")}>
          ↓ {t("download")}
        </button>
        {draft === undefined ? null : (
          <button type="button" class="button" onClick={() => setDraft(undefined)}>
            {t("revert")}
          </button>
        )}
      </div>
      <Editor
        label={t("editor", { name })}
        text={text}
        findings={findings}
        area={area}
        words={useWords()}
        onChange={(next) => setDraft(next === source ? undefined : next)}
      />
      <section class="stack" aria-label={t("findings")}>
        <p role="status">{checked.fresh ? verdict(findings) : t("checking")}</p>
        {checked.problem === undefined ? null : <Trouble problem={checked.problem} again={checked.again} />}
        <FindingList findings={findings} onGo={(finding) => goTo(area.current, finding)} />
      </section>
    </section>
  );
}

/** `12:5`, or `12` alone. */
function placeOf(text: string): { readonly line: number; readonly column: number } {
  const [line = 1, column = 1] = text.split(":").map((part) => Math.max(1, Number.parseInt(part, 10) || 1));
  return { line, column };
}

function useWords(): Words | undefined {
  const language = useCall<Language>("/v1/language").data;
  const definitions = useCall<DefinitionList>(DEFINITIONS).data;
  return language && { ...language, definitions: definitions?.items.map(({ name }) => name) ?? [] };
}

function verdict(findings: Diagnostics): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return `✓ ${t("sound")}`;
  const parts = [
    ...(errors === 0 ? [] : [`✕ ${t(errors === 1 ? "error" : "errors", { count: errors })}`]),
    ...(warnings === 0 ? [] : [`! ${t(warnings === 1 ? "warning" : "warnings", { count: warnings })}`]),
  ];
  return parts.join(" · ");
}
