/** A filter that is on or off; its state is told by more than its colour. */
export function Chip({
  on,
  icon,
  text,
  onChange,
}: {
  readonly on: boolean;
  readonly icon?: string;
  readonly text: string;
  readonly onChange: (on: boolean) => void;
}) {
  return (
    <button type="button" class="chip" aria-pressed={on} onClick={() => onChange(!on)}>
      <span aria-hidden="true">{on ? "✓ " : ""}</span>
      {icon === undefined ? null : (
        <span class="icon" aria-hidden="true">
          {icon}
        </span>
      )}
      {text}
    </button>
  );
}

/** A filter that can be taken away. */
export function Taken({
  text,
  onRemove,
  label,
}: {
  readonly text: string;
  readonly onRemove: () => void;
  readonly label: string;
}) {
  return (
    <span class="chip taken">
      {text}
      <button type="button" aria-label={label} onClick={onRemove}>
        ×
      </button>
    </span>
  );
}
