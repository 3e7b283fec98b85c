import { Component, type RefObject } from "preact";
import { useId } from "preact/hooks";

import type { Diagnostic } from "../../data/shapes.ts";
import { useCompleting } from "./completing.tsx";
import type { Words } from "./completion.ts";
import { marked, piecesOf } from "./yaml-line.ts";

interface EditorProps {
  readonly label: string;
  readonly text: string;
  readonly findings: readonly Diagnostic[];
  readonly area: RefObject<HTMLTextAreaElement | null>;
  /** What is completed with, once it is there. */
  readonly words: Words | undefined;
  readonly onChange: (text: string) => void;
}

/**
 * A text field over the same text in colours: what is wrong is marked at its very place, and said at the end of its line.
 * The browser's own field, so that everything that helps people write works in it.
 */
export function Editor({ label, text, findings, area, words, onChange }: EditorProps) {
  const id = useId();
  const lines = text.split("\n");
  const completing = useCompleting(area, words);
  const byLine = Map.groupBy(findings, ({ line }) => line);
  return (
    <div class="editor">
      <div class="gutter" aria-hidden="true">
        {lines.map((_, index) => (
          <LineNumber key={index} number={index + 1} tone={toneOf(byLine.get(index + 1))} />
        ))}
      </div>
      <div class="paper">
        <pre aria-hidden="true">
          {lines.map((line, index) => (
            <Line key={index} line={line} findings={byLine.get(index + 1)} />
          ))}
        </pre>
        <textarea
          id={id}
          ref={area}
          aria-label={label}
          aria-invalid={findings.some(({ severity }) => severity === "error")}
          spellcheck={false}
          autocapitalize="off"
          wrap="off"
          value={text}
          {...completing.field}
          onInput={(event) => {
            onChange(event.currentTarget.value);
            completing.look(false);
          }}
        />
        {completing.list}
      </div>
    </div>
  );
}

/** Puts the caret at a place, and brings it into sight. */
export function goTo(area: HTMLTextAreaElement | null, { line, column }: Pick<Diagnostic, "line" | "column">): void {
  if (area === null) return;
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  const length = /^[^\s,\]}]+/.exec(area.value.slice(start))?.[0].length ?? 0;
  area.focus();
  area.setSelectionRange(start, start + length);
  const scroller = area.closest(".editor");
  if (scroller !== null)
    scroller.scrollTop = (area.offsetHeight / lines.length) * (line - 1) - scroller.clientHeight / 2;
}

function toneOf(findings: readonly Diagnostic[] | undefined): string | undefined {
  if (findings === undefined) return undefined;
  return findings.some(({ severity }) => severity === "error") ? "bad" : "stop";
}

function LineNumber({ number, tone }: { readonly number: number; readonly tone: string | undefined }) {
  return <div class={tone === undefined ? undefined : `tone-${tone}`}>{number}</div>;
}

interface LineProps {
  readonly line: string;
  readonly findings: readonly Diagnostic[] | undefined;
}

/** Drawn again only when it is another: a text has thousands of them. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate({ line, findings }: LineProps): boolean {
    return line !== this.props.line || JSON.stringify(findings) !== JSON.stringify(this.props.findings);
  }

  override render() {
    const { line, findings = [] } = this.props;
    const [worst] = findings.toSorted((a, b) => a.severity.localeCompare(b.severity));
    const plain = piecesOf(line);
    const pieces = worst === undefined ? plain : marked(plain, worst.column, worst.severity);
    return (
      <div>
        {pieces.map(({ text, kind }, index) =>
          kind === "plain" ? (
            text
          ) : (
            // Where it stands in the line is what tells it from another.
            <span key={`${index} ${kind}`} class={`yaml-${kind}`}>
              {text}
            </span>
          ),
        )}
        {line === "" ? "\n" : null}
        {worst === undefined ? null : (
          <span class={`lens ${worst.severity}`}>
            {"  "}
            {worst.severity === "error" ? "✕" : "!"} {worst.message}
          </span>
        )}
      </div>
    );
  }
}
