import { Dialog } from "../parts/dialog.tsx";
import { t as word } from "../parts/text.ts";
import { navigation } from "./pages.ts";
import { t } from "./text.ts";

/** Which keys do what. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const rows: readonly (readonly [string, string])[] = [
    ["/", t("keySearch")],
    ...navigation().map(({ key, text }) => [`g ${key}`, t("keyGo", { page: text() })] as const),
    ["j k", t("keyRows")],
    ["Enter", t("keyOpen")],
    ["x X", t("keySelect")],
    ["r", t("keyRetry")],
    ["[ ]", t("keyNext")],
    ["?", t("keyHelp")],
  ];
  return (
    <Dialog title={t("keys")} onClose={onClose}>
      <dl class="keys">
        {rows.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <span class="space" />
        <button type="button" class="button" onClick={onClose}>
          {word("close")}
        </button>
      </div>
    </Dialog>
  );
}
