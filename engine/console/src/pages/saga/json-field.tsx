interface JsonFieldProps {
  readonly label: string;
  readonly text: string;
  readonly onWrite: (text: string) => void;
}

/** A field that is written as JSON. */
export function JsonField({ label, text, onWrite }: JsonFieldProps) {
  return (
    <div class="field">
      <label for="act-json">{label}</label>
      <textarea
        id="act-json"
        class="mono"
        rows={5}
        spellcheck={false}
        value={text}
        onInput={(event) => onWrite(event.currentTarget.value)}
      />
    </div>
  );
}
