const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The id of a child saga: a ULID of the transition's time and of the step's key, so that the same transition decides the same. */
export function childId(now: string, seed: string): string {
  let time = Date.parse(now);
  let id = "";
  for (let digit = 0; digit < 10; digit += 1) {
    id = ALPHABET.charAt(time % 32) + id;
    time = Math.floor(time / 32);
  }
  // 80 bits in four parts of 20.
  for (let part = 0; part < 4; part += 1) {
    const bits = hash(`${part}/${seed}`);
    for (let shift = 15; shift >= 0; shift -= 5) id += ALPHABET.charAt((bits >>> (shift + 7)) & 31);
  }
  return id;
}

/** FNV-1a with a final mix, so that texts that differ in their last letter differ in every bit. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
