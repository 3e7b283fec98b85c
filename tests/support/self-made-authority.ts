import { join } from "node:path";

/** Files of a certificate authority that was made a moment ago, and of a server that it vouches for. */
export interface SelfMadeAuthority {
  readonly ca: string;
  readonly cert: string;
  /** PKCS #8. */
  readonly key: string;
  /** An authority that has vouched for nobody. */
  readonly stranger: string;
}

/** Makes them in a folder with openssl. `names`: as whom the server is vouched for, for example `IP:127.0.0.1`. */
export async function selfMadeAuthority(folder: string, names: string): Promise<SelfMadeAuthority> {
  const at = (name: string) => join(folder, name);
  const pair = (name: string) => [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    at(`${name}.key`),
  ];
  const authority = (name: string) =>
    openssl("req", "-x509", ...pair(name), "-out", at(`${name}.pem`), "-subj", `/CN=${name}`, "-days", "2");
  await Promise.all([authority("ca"), authority("stranger")]);
  await openssl("req", ...pair("server"), "-out", at("server.csr"), "-subj", "/CN=server");
  await Bun.write(at("names.conf"), `subjectAltName=${names}\n`);
  const signer = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("names.conf")];
  await openssl("x509", "-req", "-in", at("server.csr"), ...signer, "-out", at("server.pem"), "-days", "2");
  return { ca: at("ca.pem"), cert: at("server.pem"), key: at("server.key"), stranger: at("stranger.pem") };
}

async function openssl(...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(["openssl", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const [code, text] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${text}`);
}
