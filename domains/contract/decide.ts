/** One monthly payment; `number` counts from 1, `amount` is in currency units. */
export interface Instalment {
  readonly number: number;
  readonly amount: number;
}

/** The plan, or why there can be none. With one month, `regular` is the whole units of `last`, which alone is paid. */
export type Plan =
  | {
      readonly type: "plan";
      readonly regular: number;
      readonly last: number;
      readonly instalments: readonly Instalment[];
    }
  | {
      readonly type: "refused";
      readonly code: "amount_not_payable" | "instalment_too_small";
      readonly message: string;
    };

/**
 * Splits an amount into one instalment a month: whole currency units, the remainder on the last one, and the sum is
 * the amount exactly. Interest is not part of it.
 */
export function planInstalments(amount: number, months: number): Plan {
  // In cents, where sums of doubles are exact; 0.1 + 0.2 would leave the customer owing a fraction for ever.
  const cents = Math.round(amount * 100);
  if (!Number.isSafeInteger(cents) || cents / 100 !== amount) {
    return refuse("amount_not_payable", `an amount of ${amount} cannot be paid in cents`);
  }
  const regular = Math.floor(amount / months);
  if (regular < 1) return refuse("instalment_too_small", `${amount} over ${months} months is less than 1 a month`);
  const last = (cents - regular * 100 * (months - 1)) / 100;
  return { type: "plan", regular, last, instalments: instalments(months, regular, last) };
}

function instalments(months: number, regular: number, last: number): Instalment[] {
  return Array.from({ length: months }, (_, index) => {
    const number = index + 1;
    return { number, amount: number === months ? last : regular };
  });
}

function refuse(code: "amount_not_payable" | "instalment_too_small", message: string): Plan {
  return { type: "refused", code, message };
}
