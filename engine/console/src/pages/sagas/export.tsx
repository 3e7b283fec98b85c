import { useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import type { Saga, SagaList } from "../../data/shapes.ts";
import { download } from "../../parts/json.tsx";
import { notice, noticeFailure } from "../../parts/notice.tsx";
import { csvOf } from "./csv.ts";
import { t } from "./text.ts";

/** Rows of one file. What has more is narrowed by time, or read through the API. */
const EXPORTED_MAX = 10_000;
const PAGE = 200;
/** Without it Excel reads a file of Japanese as something else. */
const BYTE_ORDER = "\uFEFF";

type Format = "json" | "csv";

/** Hands over all that the filters find, not only the page that is shown, as a file. */
export function Export({ asked }: { readonly asked: URLSearchParams }) {
  const [read, setRead] = useState<{ readonly format: Format; readonly rows: number }>();
  const run = async (format: Format) => {
    setRead({ format, rows: 0 });
    try {
      const { sagas, cut } = await readAll(asked, (rows) => setRead({ format, rows }));
      if (format === "json") download("sagas.json", JSON.stringify(sagas, null, 2));
      else download("sagas.csv", `${BYTE_ORDER}${csvOf(sagas)}`, "text/csv");
      const rows = sagas.length.toLocaleString("en");
      notice(t(cut ? "exportedCut" : "exported", { count: rows }));
    } catch (error) {
      noticeFailure(error);
    }
    setRead(undefined);
  };
  return (["json", "csv"] as const).map((format) => (
    <button
      key={format}
      type="button"
      class="button quiet"
      title={t("exportHint", { max: EXPORTED_MAX.toLocaleString("en") })}
      disabled={read !== undefined}
      onClick={() => void run(format)}
    >
      ↓ {t(format)}
      {read?.format === format && read.rows > 0 ? ` ${read.rows.toLocaleString("en")} …` : ""}
    </button>
  ));
}

/** From the newest on, whatever page is shown. `cut`: there are more. */
async function readAll(asked: URLSearchParams, onRows: (count: number) => void) {
  const query = new URLSearchParams(asked);
  query.delete("cursor");
  query.set("limit", String(PAGE));
  const sagas: Saga[] = [];
  for (;;) {
    const { items, nextCursor } = await call<SagaList>(`/v1/sagas?${query}`);
    sagas.push(...items);
    onRows(sagas.length);
    if (nextCursor === null || sagas.length >= EXPORTED_MAX) return { sagas, cut: nextCursor !== null };
    query.set("cursor", nextCursor);
  }
}
