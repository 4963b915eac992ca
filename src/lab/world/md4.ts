/** MD4 (RFC 1320): what NTLM makes of a password. Node's own is switched off in OpenSSL 3. Never for anything else. */
export function md4(message: Uint8Array): Buffer {
  const length = message.length;
  const blocks = new Uint32Array((((length + 8) >> 6) + 1) * 16);
  for (let i = 0; i < length; i++) blocks[i >> 2] = (blocks[i >> 2] ?? 0) | ((message[i] ?? 0) << ((i & 3) * 8));
  blocks[length >> 2] = (blocks[length >> 2] ?? 0) | (0x80 << ((length & 3) * 8));
  blocks[blocks.length - 2] = length * 8;
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const order = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
  ];
  const turns = [
    [3, 7, 11, 19],
    [3, 5, 9, 13],
    [3, 9, 11, 15],
  ];
  const constants = [0, 0x5a827999, 0x6ed9eba1];
  for (let block = 0; block < blocks.length; block += 16) {
    let [a = 0, b = 0, c = 0, d = 0] = state;
    for (let round = 0; round < 3; round++) {
      for (let step = 0; step < 16; step++) {
        const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        const word = blocks[block + (order[round]?.[step] ?? 0)] ?? 0;
        const sum = (a + mixed + word + (constants[round] ?? 0)) >>> 0;
        const turn = turns[round]?.[step & 3] ?? 0;
        a = d;
        d = c;
        c = b;
        b = ((sum << turn) | (sum >>> (32 - turn))) >>> 0;
      }
    }
    state[0] = (state[0] ?? 0) + a;
    state[1] = (state[1] ?? 0) + b;
    state[2] = (state[2] ?? 0) + c;
    state[3] = (state[3] ?? 0) + d;
  }
  const digest = Buffer.alloc(16);
  for (let i = 0; i < 4; i++) digest.writeUInt32LE(state[i] ?? 0, i * 4);
  return digest;
}
