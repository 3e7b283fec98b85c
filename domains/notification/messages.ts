import * as v from "valibot";

/** The mails that can be sent. */
export const Template = v.picklist(["welcome"]);
export type Template = v.InferOutput<typeof Template>;

/** Input of `notification.mail`. `to` is any string: whether a mail can go there is for the handler to say. */
export const Mail = v.strictObject({
  to: v.string(),
  template: Template,
  contractId: v.string(),
});
export type Mail = v.InferOutput<typeof Mail>;

/** Output of `notification.mail`. */
export const Mailed = v.strictObject({ mailId: v.string() });
export type Mailed = v.InferOutput<typeof Mailed>;
