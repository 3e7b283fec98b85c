import { t } from "./text.ts";

interface Look {
  readonly icon: string;
  readonly tone: "calm" | "busy" | "good" | "bad" | "stop" | "back";
}

/** Icon and tone of a saga's or a step's status. The word stands beside them: nothing is said by colour alone. */
const LOOKS = {
  running: { icon: "▶", tone: "busy" },
  compensating: { icon: "⟲", tone: "back" },
  parked: { icon: "‖", tone: "stop" },
  completed: { icon: "✓", tone: "good" },
  failed: { icon: "✕", tone: "bad" },
  cancelled: { icon: "⊘", tone: "calm" },
  terminated: { icon: "■", tone: "calm" },
  retrying: { icon: "↻", tone: "stop" },
  waiting: { icon: "◷", tone: "busy" },
  succeeded: { icon: "✓", tone: "good" },
  rejected: { icon: "✕", tone: "bad" },
  skipped: { icon: "–", tone: "calm" },
  compensated: { icon: "⟲", tone: "back" },
  kept: { icon: "–", tone: "stop" },
} satisfies Readonly<Record<string, Look>>;

type Known = keyof typeof LOOKS;

/** How a status looks; one that is not known looks calm. */
export function lookOf(status: string): Look {
  return status in LOOKS ? LOOKS[status as Known] : { icon: "·", tone: "calm" };
}

/** The word for a status. */
export function statusText(status: string): string {
  return status in LOOKS ? t(status as Known) : status;
}

/** A status with its icon and word. */
export function Status({ status, detail }: { readonly status: string; readonly detail?: string }) {
  const { icon, tone } = lookOf(status);
  return (
    <span class={`status tone-${tone}`}>
      <span class="icon" aria-hidden="true">
        {icon}
      </span>
      {statusText(status)}
      {detail === undefined ? null : <span class="detail">{detail}</span>}
    </span>
  );
}
