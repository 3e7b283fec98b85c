import type { Pipeline } from "../../data/shapes.ts";
import { count } from "../../parts/format.ts";
import { Table } from "../../parts/table.tsx";
import { t } from "./text.ts";

/** Every topic that requests have named, in how many partitions it lies, and who reads it. */
export function Topics({ pipeline: { topics } }: { readonly pipeline: Pipeline }) {
  type Row = Pipeline["topics"][number];
  const columns = [
    { head: t("topic"), cell: ({ topic }: Row) => <code>{topic}</code> },
    {
      head: t("partitions"),
      cell: ({ partitions }: Row) => (partitions === null ? "–" : count(partitions)),
      number: true,
    },
    {
      head: t("readBy"),
      cell: ({ groups }: Row) =>
        groups.length === 0 ? (
          <span class="soft">{t("noReader")}</span>
        ) : (
          groups.map((group, index) => (
            <span key={group}>
              {index === 0 ? "" : ", "}
              <a href={`/consumers?group=${encodeURIComponent(group)}`}>{group}</a>
            </span>
          ))
        ),
    },
  ];
  return (
    <div class="stack">
      <h2>{t("topics")}</h2>
      <Table label={t("topics")} columns={columns} rows={topics} keyOf={({ topic }) => topic} />
    </div>
  );
}
