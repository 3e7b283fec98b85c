import { useEffect, useId, useState } from "preact/hooks";

import type { Problem } from "../../data/call.ts";
import type { Revision, Saga } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { quoted } from "../../parts/copy.tsx";
import { type Act, ActDialog, Dialog } from "../../parts/dialog.tsx";
import { jsonOf } from "../../parts/json-text.ts";
import { Loaded } from "../../parts/states.tsx";
import { t as word } from "../../parts/text.ts";
import { JsonField } from "./json-field.tsx";
import { numberless } from "./places.ts";
import { isJson, jsonOfWritten, payloadOf, type SignalField, type Written, writtenOf } from "./signal-values.ts";
import { t } from "./text.ts";

type Waiting = NonNullable<Saga["waitingFor"]>[number];

interface SignalDialogProps {
  readonly saga: Saga;
  readonly waiting: Waiting;
  readonly onClose: () => void;
  readonly onDone: (act: Act, answer: unknown) => void;
}

/** Sends a signal: by the fields that the waiting step declares, or as JSON. */
export function SignalDialog(props: SignalDialogProps) {
  const { saga, waiting, onClose } = props;
  const revision = useCall<Revision>(`/v1/definitions/${saga.definition}/revisions/${saga.revision}`);
  if (revision.data === undefined && revision.problem === undefined) {
    return (
      <Dialog title={t("signal", { name: waiting.signal })} onClose={onClose}>
        <Loaded called={revision}>{() => null}</Loaded>
      </Dialog>
    );
  }
  // Whoever may not read the definition writes JSON.
  const path = numberless(waiting.path);
  const fields = revision.data?.waits.find((wait) => wait.path === path)?.fields ?? [];
  return <Sending {...props} fields={fields} />;
}

function Sending({ saga, waiting, fields, onClose, onDone }: SignalDialogProps & { readonly fields: Fields }) {
  const [written, setWritten] = useState<Written>({});
  const [text, setText] = useState<string | undefined>(fields.length === 0 ? "{}" : undefined);
  const { payload, faults } = payloadOf(fields, written);
  const { value, fault } = text === undefined ? { value: payload, fault: undefined } : jsonOf(text);
  const act = actOf(saga, waiting, value);
  const back = writtenOf(fields, value);
  return (
    <ActDialog
      act={act}
      fault={fault}
      held={text === undefined && faults.size > 0}
      onClose={onClose}
      onDone={(answer) => onDone(act, answer)}
    >
      {(problem) => (
        <>
          {text === undefined ? (
            <FieldList fields={fields} written={written} faults={faults} problem={problem} onWrite={setWritten} />
          ) : (
            <JsonField label={t("payloadField")} text={text} onWrite={setText} />
          )}
          {fields.length === 0 ? null : text === undefined ? (
            <button type="button" class="link" onClick={() => setText(jsonOfWritten(fields, written))}>
              {t("asJson")}
            </button>
          ) : (
            <button
              type="button"
              class="link"
              disabled={back === undefined}
              onClick={() => {
                setWritten(back ?? {});
                setText(undefined);
              }}
            >
              {t(back === undefined ? "notAsFields" : "asFields")}
            </button>
          )}
        </>
      )}
    </ActDialog>
  );
}

function actOf({ sagaId }: Saga, { signal, path }: Waiting, payload: unknown): Act {
  return {
    title: t("signal", { name: signal }),
    text: t("signalText", { step: path }),
    path: `/v1/sagas/${sagaId}/signals/${signal}`,
    body: () => payload,
    cli: () => `bun run ekiden signal ${sagaId} ${signal} --payload ${quoted(JSON.stringify(payload))}`,
    withoutReason: true,
  };
}

type Fields = readonly SignalField[];

interface FieldListProps {
  readonly fields: Fields;
  readonly written: Written;
  /** Why a field is no JSON yet. */
  readonly faults: ReadonlyMap<string, string>;
  /** Why it was refused. */
  readonly problem: Problem | undefined;
  readonly onWrite: (written: Written) => void;
}

function FieldList({ fields, written, faults, problem, onWrite }: FieldListProps) {
  const [refused, setRefused] = useState<Written>({});
  useEffect(() => setRefused(written), [problem]);
  return (
    <>
      {fields.map((field) => {
        const { name } = field;
        const unread = faults.get(name);
        // What has been written anew since was not refused.
        const stands = written[name] === refused[name];
        return (
          <Field
            key={name}
            field={field}
            text={written[name] ?? ""}
            fault={
              unread === undefined ? (stands ? refusalOf(name, problem) : undefined) : word("badJson", { why: unread })
            }
            onWrite={(text) => onWrite({ ...written, [name]: text })}
          />
        );
      })}
    </>
  );
}

/** What the engine says of a field. */
function refusalOf(name: string, problem: Problem | undefined): string | undefined {
  const own = problem?.faults.filter(({ place }) => place === `/${name}` || place.startsWith(`/${name}/`)) ?? [];
  if (own.length === 0) return undefined;
  return own.map(({ place, detail }) => `${place.slice(name.length + 2)} ${detail}`.trim()).join("; ");
}

interface FieldProps {
  readonly field: SignalField;
  readonly text: string;
  readonly fault: string | undefined;
  readonly onWrite: (text: string) => void;
}

function Field({ field, text, fault, onWrite }: FieldProps) {
  const { name, shape, kind, required, values } = field;
  const id = useId();
  const common = {
    id,
    value: text,
    "aria-invalid": fault !== undefined,
    "aria-describedby": fault === undefined ? undefined : `${id}-fault`,
  };
  const choices = kind === "boolean" ? ["true", "false"] : values;
  return (
    <div class="field">
      <label for={id}>
        {name}{" "}
        <small>
          <code>{shape}</code>
          {required ? ` · ${word("required")}` : ""}
        </small>
      </label>
      {choices.length > 0 ? (
        <select {...common} onChange={(event) => onWrite(event.currentTarget.value)}>
          {["", ...choices].map((choice) => (
            <option key={choice} value={choice}>
              {choice === "" ? "–" : choice}
            </option>
          ))}
        </select>
      ) : isJson(field) ? (
        <textarea
          {...common}
          class="mono"
          rows={3}
          spellcheck={false}
          placeholder="JSON"
          onInput={(event) => onWrite(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          autocomplete="off"
          inputMode={kind === "number" || kind === "integer" ? "decimal" : undefined}
          placeholder={kind === "date" ? "2027-01-31" : undefined}
          onInput={(event) => onWrite(event.currentTarget.value)}
        />
      )}
      {fault === undefined ? null : (
        <span class="fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </div>
  );
}
