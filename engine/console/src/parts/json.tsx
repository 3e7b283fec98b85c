import { Copy } from "./copy.tsx";
import { bytes } from "./format.ts";
import { Scroll } from "./scroll.tsx";
import { t } from "./text.ts";

/** Longer texts are cut; all of it can be downloaded. */
const SHOWN_MAX = 64 * 1024;

/** JSON, laid out and coloured. Over 64 KiB it is cut, with a download. */
export function JsonView({ value, name }: { readonly value: unknown; readonly name: string }) {
  const text = JSON.stringify(value, null, 2) ?? "null";
  const cut = text.length > SHOWN_MAX;
  return (
    <div class="json">
      <div class="tools">
        <Copy text={() => text} />
        {cut ? (
          <button type="button" class="button quiet" onClick={() => download(`${name}.json`, text)}>
            {t("download")}
          </button>
        ) : null}
      </div>
      <Scroll label={name}>
        <pre>
          <code>{cut ? text.slice(0, SHOWN_MAX) : coloured(text)}</code>
        </pre>
      </Scroll>
      {cut ? <p class="note">{t("cut", { size: bytes(text.length) })}</p> : null}
    </div>
  );
}

/** Keys, texts, numbers and words, each in a span. */
function coloured(text: string) {
  const parts = text.split(/("(?:[^"\\]|\\.)*"(?=:)|"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b|-?\b\d[\d.eE+-]*\b)/);
  return parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const after = parts[index + 1] ?? "";
    const kind = part.startsWith('"')
      ? after.startsWith(":")
        ? "key"
        : "text"
      : /^[tfn]/.test(part)
        ? "word"
        : "number";
    // The place in the text is what tells one part from another.
    return (
      <span key={`${index} ${part}`} class={`json-${kind}`}>
        {part}
      </span>
    );
  });
}

/** Hands a text over as a file. */
export function download(name: string, text: string, media = "application/json"): void {
  const url = URL.createObjectURL(new Blob([text], { type: media }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
