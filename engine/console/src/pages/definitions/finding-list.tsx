import type { Diagnostic } from "../../data/shapes.ts";
import { t } from "./text.ts";

interface FindingListProps {
  readonly findings: readonly Diagnostic[];
  /** Goes to the place. */
  readonly onGo?: (finding: Diagnostic) => void;
}

/** What is wrong in a text, where, and how to mend it. */
export function FindingList({ findings, onGo }: FindingListProps) {
  return (
    <ul class="findings">
      {findings.map((finding) => {
        const { severity, code, message, line, column, hint } = finding;
        return (
          <li key={`${line}:${column} ${code} ${message}`} class={`why tone-${severity === "error" ? "bad" : "stop"}`}>
            {onGo === undefined ? (
              <b>{`${line}:${column}`}</b>
            ) : (
              <button type="button" class="link mono" onClick={() => onGo(finding)}>
                <span aria-hidden="true">{severity === "error" ? "✕" : "!"} </span>
                {`${line}:${column}`}
              </button>
            )}
            <span>{message}</span>
            <span>
              {t("fix")}: {hint}
            </span>
            <code>{code}</code>
          </li>
        );
      })}
    </ul>
  );
}
