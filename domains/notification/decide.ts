import * as v from "valibot";
import type { Template } from "./messages.ts";

// 254 is the longest address that a mail server accepts (RFC 5321).
const Address = v.pipe(v.string(), v.maxLength(254), v.email());

/** Can a mail be sent to this address at all? Says nothing about who reads it. */
export function isUsable(address: string): boolean {
  return v.is(Address, address);
}

/** A mail as it will be read. */
export interface Letter {
  readonly subject: string;
  readonly text: string;
}

/** Writes the letter of a template. */
export function write(template: Template, contractId: string): Letter {
  switch (template) {
    case "welcome":
      return { subject: "Welcome", text: `Your credit is granted. Your contract: ${contractId}.` };
  }
}
