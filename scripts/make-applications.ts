/**
 * Makes the input of the example saga from real data: `bun scripts/make-applications.ts` reads
 * domains/data/german-credit.csv and writes domains/data/applications.ndjson, one onboarding input a line.
 * The credit and the circumstances are the data's; numbers, names and e-mail addresses are made up.
 */
import { join } from "node:path";
import { parseCsv } from "./parse-csv.ts";

/** What `POST /v1/sagas/onboarding` takes. */
export interface ApplicationInput {
  readonly applicationNo: string;
  readonly applicant: {
    readonly name: string;
    readonly email: string;
    readonly age: number;
    readonly housing: "own" | "rent" | "free";
    readonly job: string;
    readonly checking: string;
    readonly savings: string;
  };
  readonly credit: { readonly amount: number; readonly months: number; readonly purpose: string };
}

const FAMILY_NAMES = (
  "Sato Suzuki Takahashi Tanaka Ito Watanabe Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki " +
  "Matsumoto Inoue Kimura Hayashi Shimizu Mori Abe Ikeda Hashimoto Ogawa Ishikawa Maeda"
).split(" ");
const GIVEN_NAMES = (
  "Haruto Yui Sota Hina Yuto Sakura Ren Aoi Riku Mei Minato Rin Kaito Honoka Itsuki Akari Daichi Misaki " +
  "Kenta Nanami Takumi Ayaka Hiroshi Emi Naoki Yoko Makoto Keiko Akira Noriko Shin Chihiro Jun Kaori Osamu " +
  "Mariko Satoru Tomoko Ryo Fumiko"
).split(" ");

/** Makes one input a row of the CSV, in its order. Throws when a row is not what the data's description says. */
export function applicationsFrom(csv: string): ApplicationInput[] {
  return parseCsv(csv).map(applicationOf);
}

/** The inputs as newline-delimited JSON. */
export function toNdjson(applications: readonly ApplicationInput[]): string {
  return applications.map((application) => `${JSON.stringify(application)}\n`).join("");
}

function applicationOf(row: Readonly<Record<string, string>>, index: number): ApplicationInput {
  const no = String(index + 1).padStart(4, "0");
  const family = pick(FAMILY_NAMES, index);
  // The lists' lengths multiply to 1,000 and the second advances once a round of the first: no name comes twice.
  const given = pick(GIVEN_NAMES, Math.floor(index / FAMILY_NAMES.length));
  return {
    applicationNo: `A-${no}`,
    applicant: {
      name: `${given} ${family}`,
      email: `${given}.${family}.${no}@example.jp`.toLowerCase(),
      age: integer(row, "age_in_years"),
      housing: housingOf(field(row, "housing")),
      job: field(row, "job"),
      checking: field(row, "status_of_existing_checking_account"),
      savings: field(row, "savings_account_and_bonds"),
    },
    credit: {
      amount: integer(row, "credit_amount"),
      months: integer(row, "duration_in_month"),
      purpose: field(row, "purpose"),
    },
  };
}

function pick(names: readonly string[], index: number): string {
  return names[index % names.length] ?? "";
}

function housingOf(text: string): "own" | "rent" | "free" {
  if (text === "for free") return "free";
  if (text === "own" || text === "rent") return text;
  throw new Error(`unknown housing "${text}"`);
}

function field(row: Readonly<Record<string, string>>, name: string): string {
  const value = row[name];
  if (!value) throw new Error(`a row has no ${name}`);
  return value;
}

function integer(row: Readonly<Record<string, string>>, name: string): number {
  const text = field(row, name);
  if (!/^\d+$/.test(text)) throw new Error(`${name} is "${text}", expected a whole number`);
  return Number(text);
}

if (import.meta.main) {
  const folder = join(import.meta.dir, "../domains/data");
  const csv = await Bun.file(join(folder, "german-credit.csv")).text();
  const applications = applicationsFrom(csv);
  const target = join(folder, "applications.ndjson");
  const bytes = await Bun.write(target, toNdjson(applications));
  console.log(`${applications.length} applications, ${bytes} bytes: domains/data/applications.ndjson`);
}
