// CRC-32 (IEEE, as zlib's) over sorted "key:version" lines: does the page hold what the server holds?

const TABLE = new Uint32Array(256).map((_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// The server sorts by code points; JavaScript's own order is that of UTF-16 units, which differs beyond U+FFFF.
function byCodePoint(a, b) {
  const left = Array.from(a, (c) => c.codePointAt(0));
  const right = Array.from(b, (c) => c.codePointAt(0));
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}

/** @param {Iterable<[string, string]>} pairs key and version; the lines are sorted, not the keys */
export function crcOf(pairs) {
  const lines = Array.from(pairs, ([key, version]) => `${key}:${version}\n`);
  lines.sort(lines.some((line) => /[\ud800-\udfff]/.test(line)) ? byCodePoint : undefined);
  return crc32(new TextEncoder().encode(lines.join("")));
}
