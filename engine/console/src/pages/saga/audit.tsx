import { me } from "../../data/session.ts";
import type { AuditEntry, AuditList, Saga, StreamEvent } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Loaded } from "../../parts/states.tsx";
import { Table } from "../../parts/table.tsx";
import { Ago } from "../../parts/time.tsx";
import { t } from "./text.ts";

/** Entries that are shown; the whole audit has the others. */
const SHOWN = 50;

/** Types of the messages by which people move a saga. */
const ASKED = /^(?:cancel|retry|skip|resolve|terminate|edit)\.requested$/;

interface AuditProps {
  readonly saga: Saga;
  /** What matters more has been read. */
  readonly listed: boolean;
}

/** What people did to the saga and its messages, and why. The audit is for keys that are for all definitions. */
export function Audit({ saga, listed }: AuditProps) {
  if (me.value?.definitions !== null) return null;
  return <Entries saga={saga} listed={listed} />;
}

function Entries({ saga: { sagaId, startedAt }, listed }: AuditProps) {
  const concerns = (event: StreamEvent) => event.sagaId === sagaId && ASKED.test(event.type ?? "");
  // Nothing was done to it before it was there: the audit is read by its time.
  const path = `/v1/audit?saga=${sagaId}&since=${startedAt}&limit=${SHOWN}`;
  const audit = useCall<AuditList>(listed ? path : undefined, { concerns });
  return (
    <div class="sheet">
      <h2>{t("audit")}</h2>
      <Loaded called={audit}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="soft">{t("noAudit")}</p>
          ) : (
            <Table label={t("audit")} columns={COLUMNS()} rows={items} keyOf={({ id }) => id} />
          )
        }
      </Loaded>
    </div>
  );
}

const COLUMNS = () => [
  { head: t("when"), cell: ({ at }: AuditEntry) => <Ago time={at} /> },
  { head: t("who"), cell: ({ actor }: AuditEntry) => actor },
  { head: t("what"), cell: ({ action }: AuditEntry) => <code>{action}</code> },
  { head: t("why"), cell: ({ reason }: AuditEntry) => <span class="wrap">{reason}</span> },
];
