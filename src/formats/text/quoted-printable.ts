const hexDigits = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) hexDigits[0x30 + i] = i;
for (let i = 0; i < 6; i++) {
  hexDigits[0x41 + i] = 10 + i;
  hexDigits[0x61 + i] = 10 + i;
}

/** RFC 2045 §6.7, tolerant: a `=` that begins nothing stays; white space before a line end is dropped, as transport may have added it. */
export function decodeQuotedPrintable(text: Buffer): Buffer {
  const out = Buffer.allocUnsafe(text.length);
  let o = 0;
  let i = 0;
  // Output up to here is not white space that a line end would remove.
  let solid = 0;
  while (i < text.length) {
    const byte = text[i] as number;
    if (byte === 0x3d) {
      const high = hexDigits[text[i + 1] ?? 0] as number;
      const low = hexDigits[text[i + 2] ?? 0] as number;
      if (high >= 0 && low >= 0) {
        out[o++] = high * 16 + low;
        solid = o;
        i += 3;
        continue;
      }
      let end = i + 1;
      while (text[end] === 0x20 || text[end] === 0x09) end++;
      if (end >= text.length) break;
      if (text[end] === 0x0d && text[end + 1] === 0x0a) end += 2;
      else if (text[end] === 0x0a || text[end] === 0x0d) end++;
      else {
        out[o++] = byte;
        solid = o;
        i++;
        continue;
      }
      solid = o;
      i = end;
      continue;
    }
    if (byte === 0x0a || (byte === 0x0d && text[i + 1] === 0x0a)) {
      o = solid;
      if (byte === 0x0d) {
        out[o++] = byte;
        i++;
      }
      out[o++] = 0x0a;
      solid = o;
      i++;
      continue;
    }
    out[o++] = byte;
    if (byte !== 0x20 && byte !== 0x09) solid = o;
    i++;
  }
  return out.subarray(0, o);
}

/** The Q encoding of RFC 2047 §4.2. */
export function decodeQ(text: string): Buffer {
  return decodeQuotedPrintable(Buffer.from(text.replace(/_/g, '=20').replace(/ /g, '=20'), 'latin1'));
}
