import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Accepted, Saga } from "../../data/shapes.ts";
import { quoted } from "../../parts/copy.tsx";
import { type Act, ActDialog } from "../../parts/dialog.tsx";
import { jsonOf } from "../../parts/json-text.ts";
import { notice } from "../../parts/notice.tsx";
import { useKeys } from "../../shell/keys.ts";
import { parkedSteps } from "./places.ts";
import { t } from "./text.ts";

/** An action with what has to be filled in besides the reason. */
interface Offer {
  readonly name: string;
  readonly text: string;
  /** What the JSON field is for; undefined: there is none. */
  readonly field?: string;
  readonly act: (json: unknown) => Act;
  readonly primary?: boolean;
  readonly danger?: boolean;
}

/** What may be done to a saga now, by whoever is signed in. */
export function Actions({ saga, onDone }: { readonly saga: Saga; readonly onDone: () => void }) {
  const [open, setOpen] = useState<Offer>();
  const offers = offersOf(saga);
  const retry = offers.find(({ name }) => name.startsWith("retry"));
  useKeys({ r: () => setOpen(retry) });
  if (offers.length === 0) return null;
  return (
    <section class="buttons" aria-label={t("actions")}>
      {offers.map((offer) => (
        <button
          key={offer.name}
          type="button"
          class={`button${offer.primary === true ? " primary" : ""}`}
          onClick={() => setOpen(offer)}
        >
          {offer.text}
        </button>
      ))}
      {open === undefined ? null : (
        <OfferDialog
          offer={open}
          onClose={() => setOpen(undefined)}
          onDone={() => {
            setOpen(undefined);
            onDone();
          }}
        />
      )}
    </section>
  );
}

function OfferDialog({
  offer,
  onClose,
  onDone,
}: {
  readonly offer: Offer;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const [text, setText] = useState(offer.field === undefined ? "null" : "{}");
  const { value, fault } = jsonOf(text);
  const act = offer.act(value);
  const done = (answer: unknown) => {
    notice(t((answer as Accepted).applied ? "done" : "recorded", { what: act.title }));
    onDone();
  };
  return (
    <ActDialog act={act} fault={fault} onClose={onClose} onDone={done}>
      {offer.field === undefined ? null : (
        <div class="field">
          <label for="act-json">{offer.field}</label>
          <textarea
            id="act-json"
            class="mono"
            rows={5}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
      )}
    </ActDialog>
  );
}

function offersOf(saga: Saga): readonly Offer[] {
  if (saga.finishedAt !== null) return [];
  return [
    ...(may("starter") ? signals(saga) : []),
    ...(may("operator") ? [...parkedSteps(saga).flatMap((step) => parkedOffers(saga, step)), ...endings(saga)] : []),
  ];
}

function signals({ sagaId, waitingFor }: Saga): readonly Offer[] {
  return (waitingFor ?? []).map(({ signal, path }) => ({
    name: `signal ${signal}`,
    text: t("signal", { name: signal }),
    field: t("payloadField"),
    primary: true,
    act: (json) => ({
      title: t("signal", { name: signal }),
      text: t("signalText", { step: path }),
      path: `/v1/sagas/${sagaId}/signals/${signal}`,
      body: () => json,
      cli: () => `bun run ekiden signal ${sagaId} ${signal} --payload ${quoted(JSON.stringify(json))}`,
      withoutReason: true,
    }),
  }));
}

function parkedOffers({ sagaId }: Saga, step: string): readonly Offer[] {
  const command = (verb: string, reason: string, more = "") =>
    `bun run ekiden ${verb} ${sagaId} --step ${quoted(step)}${more} --reason ${quoted(reason)}`;
  const reasoned = (verb: "retry" | "skip", text: string) => ({
    title: t(verb),
    text,
    path: `/v1/sagas/${sagaId}/${verb}`,
    body: (reason: string) => ({ step, reason }),
    cli: (reason: string) => command(verb, reason),
  });
  return [
    { name: `retry ${step}`, text: t("retry"), primary: true, act: () => reasoned("retry", t("retryText", { step })) },
    { name: `skip ${step}`, text: t("skip"), act: () => reasoned("skip", t("skipText", { step })) },
    {
      name: `resolve ${step}`,
      text: t("resolve"),
      field: t("result"),
      act: (result) => ({
        title: t("resolve"),
        text: t("resolveText", { step }),
        path: `/v1/sagas/${sagaId}/resolve`,
        body: (reason) => ({ step, result, reason }),
        cli: (reason) => command("resolve", reason, ` --result ${quoted(JSON.stringify(result))}`),
      }),
    },
  ];
}

function endings({ sagaId }: Saga): readonly Offer[] {
  return (["cancel", "terminate"] as const).map((verb) => ({
    name: verb,
    text: t(verb),
    act: () => ({
      title: t(verb),
      text: t(verb === "cancel" ? "cancelText" : "terminateText"),
      path: `/v1/sagas/${sagaId}/${verb}`,
      body: (reason) => ({ reason }),
      cli: (reason) => `bun run ekiden ${verb} ${sagaId} --reason ${quoted(reason)}`,
      danger: verb === "terminate",
    }),
  }));
}
