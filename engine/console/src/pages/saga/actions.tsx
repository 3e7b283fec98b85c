import { useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Accepted, Saga } from "../../data/shapes.ts";
import { quoted } from "../../parts/copy.tsx";
import { type Act, ActDialog } from "../../parts/dialog.tsx";
import { jsonOf } from "../../parts/json-text.ts";
import { notice } from "../../parts/notice.tsx";
import { useKeys } from "../../shell/keys.ts";
import { JsonField } from "./json-field.tsx";
import { parkedSteps } from "./places.ts";
import { SignalDialog } from "./signal-dialog.tsx";
import { t } from "./text.ts";

interface Button {
  readonly name: string;
  readonly text: string;
  readonly primary?: boolean;
}

/** An action with what has to be filled in besides the reason. */
interface WrittenOffer extends Button {
  /** What the JSON field is for; undefined: there is none. */
  readonly field?: string;
  readonly act: (json: unknown) => Act;
}

/** A signal, which its own dialog sends. */
interface SignalOffer extends Button {
  readonly waiting: NonNullable<Saga["waitingFor"]>[number];
}

type Offer = WrittenOffer | SignalOffer;

/** What may be done to a saga now, by whoever is signed in. */
export function Actions({ saga, onDone }: { readonly saga: Saga; readonly onDone: () => void }) {
  const [open, setOpen] = useState<Offer>();
  const offers = offersOf(saga);
  const retry = offers.find(({ name }) => name.startsWith("retry"));
  useKeys({ r: () => setOpen(retry) });
  const done = (act: Act, answer: unknown) => {
    notice(t((answer as Accepted).applied ? "done" : "recorded", { what: act.title }));
    setOpen(undefined);
    onDone();
  };
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
      {open === undefined ? null : "waiting" in open ? (
        <SignalDialog saga={saga} waiting={open.waiting} onClose={() => setOpen(undefined)} onDone={done} />
      ) : (
        <OfferDialog offer={open} onClose={() => setOpen(undefined)} onDone={done} />
      )}
    </section>
  );
}

function OfferDialog({
  offer,
  onClose,
  onDone,
}: {
  readonly offer: WrittenOffer;
  readonly onClose: () => void;
  readonly onDone: (act: Act, answer: unknown) => void;
}) {
  const [text, setText] = useState(offer.field === undefined ? "null" : "{}");
  const { value, fault } = jsonOf(text);
  const act = offer.act(value);
  return (
    <ActDialog act={act} fault={fault} onClose={onClose} onDone={(answer) => onDone(act, answer)}>
      {offer.field === undefined ? null : <JsonField label={offer.field} text={text} onWrite={setText} />}
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

function signals({ waitingFor }: Saga): readonly SignalOffer[] {
  return (waitingFor ?? []).map((waiting) => ({
    name: `signal ${waiting.signal}`,
    text: t("signal", { name: waiting.signal }),
    primary: true,
    waiting,
  }));
}

function parkedOffers({ sagaId }: Saga, step: string): readonly WrittenOffer[] {
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

function endings({ sagaId }: Saga): readonly WrittenOffer[] {
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
