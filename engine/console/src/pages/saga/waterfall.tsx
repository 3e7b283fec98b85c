import type { Message } from "../../data/shapes.ts";
import { duration } from "../../parts/format.ts";
import { useGradually } from "../../parts/gradual.ts";
import { memo } from "../../parts/memo.tsx";
import { Scroll } from "../../parts/scroll.tsx";
import { useSecond } from "../../parts/time.tsx";
import { barOf, HOPS, isPending, type Scale, scaleOf } from "./scale.ts";
import { ownerOf, stepOf } from "./ledger-row.ts";
import { t } from "./text.ts";

/** More than its box has room for. */
const FIRST = 16;

interface WaterfallProps {
  readonly messages: readonly Message[];
  /** Path of the selected step: its bars are marked. */
  readonly step: string | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (message: Message) => void;
}

/** Every message as a bar, split into where its time went. Idle time over two seconds is folded. */
export const Waterfall = memo(({ messages, step, selected, onSelect }: WaterfallProps) => {
  useSecond(messages.some(isPending));
  const now = Date.now();
  const bars = messages.map((message) => barOf(message, now));
  const scale = scaleOf(bars);
  const drawn = useGradually(bars.length, FIRST, selected !== undefined || step !== undefined);
  return (
    <>
      <p class="legend">
        {HOPS.map((hop) => (
          <span key={hop}>
            <i class={`hop ${hop}`} /> {t(hop)}
          </span>
        ))}
      </p>
      <Scroll class="waterfall" label={t("waterfall")}>
        <table>
          <thead class="hidden">
            <tr>
              <th scope="col">{t("message")}</th>
              <th scope="col">{t("waterfall")}</th>
              <th scope="col">{t("time")}</th>
            </tr>
          </thead>
          <tbody>
            {bars.slice(0, drawn).map((bar) => (
              <tr
                key={bar.message.messageId}
                id={`bar-${bar.message.messageId}`}
                class={classOf(bar.message, step, selected)}
                onClick={() => onSelect(bar.message)}
              >
                <th scope="row" title={bar.message.type ?? ""}>
                  <button type="button" onClick={() => onSelect(bar.message)}>
                    <span class="soft">{bar.message.type}</span> {stepOf(bar.message)}
                  </button>
                </th>
                <td class="bars">
                  {bar.hops.map(({ hop, from, to }) => (
                    <i
                      key={hop}
                      class={`hop ${hop}`}
                      title={`${t(hop)}: ${duration(to - from)}`}
                      style={placed(scale, from, to)}
                    />
                  ))}
                  {scale.folds.map(({ at, ms }) => (
                    <i
                      key={at}
                      class="fold"
                      title={t("folded", { time: duration(ms) })}
                      style={{ left: `${at * 100}%` }}
                    />
                  ))}
                </td>
                <td class="number">{duration(bar.to - bar.from)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {scale.folds.length === 0 ? null : (
        <p class="note">⋮ {t("folded", { time: scale.folds.map(({ ms }) => duration(ms)).join(", ") })}</p>
      )}
    </>
  );
});

function classOf(message: Message, step: string | undefined, selected: string | undefined): string | undefined {
  if (message.messageId === selected) return "selected";
  return step !== undefined && ownerOf(message) === step ? "of-step" : undefined;
}

function placed(scale: Scale, from: number, to: number) {
  const left = scale.at(from);
  return { left: `${left * 100}%`, width: `max(2px, ${(scale.at(to) - left) * 100}%)` };
}
