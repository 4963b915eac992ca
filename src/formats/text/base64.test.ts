import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Base64Checker,
  base64Length,
  canonicalBase64,
  decodeBase64,
  decodeBase64Leniently,
  encodeBase64,
} from './base64.ts';

// Long enough for the path that checks many lines at once.
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.nat(3000).map((length) => Uint8Array.from({ length }, (_, i) => i * 7)),
);
const cutAt = (content: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const places = [0, ...cuts.map((cut) => cut % (content.length + 1)).sort((a, b) => a - b), content.length];
  return places.slice(1).map((to, i) => content.subarray(places[i], to));
};
const collect = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};

describe('streams', () => {
  test('encode and decode over any chunk borders', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(600), { maxLength: 8 }), async (content, cuts) => {
        const expected = Buffer.from(content).toString('base64');
        const pieces: Buffer[] = [];
        for await (const piece of encodeBase64(cutAt(content, cuts))) pieces.push(piece);
        expect(pieces.every((piece) => piece.length % 4 === 0)).toBe(true);
        expect(Buffer.concat(pieces).toString('latin1')).toBe(expected);
        expect(expected.length).toBe(base64Length(content.length));
        expect(await collect(decodeBase64(cutAt(Buffer.from(expected), cuts)))).toEqual(Buffer.from(content));
      }),
    );
  });
});

describe('checking', () => {
  test('canonical text comes out of any legal rendering, in any pieces', () => {
    fc.assert(
      fc.property(
        bytes,
        fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(76)),
        fc.constantFrom('\r\n', '\n', ' ', '\t\r\n', '\r', '\r\n\r\n'),
        fc.array(fc.nat(900), { maxLength: 8 }),
        (content, width, gap, cuts) => {
          const text = Buffer.from(content).toString('base64');
          const broken = Buffer.from((text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(gap) + gap);
          expect(canonicalBase64(broken).toString()).toBe(text);
          const checker = new Base64Checker();
          const out = Buffer.alloc(broken.length + 4);
          let at = 0;
          for (const piece of cutAt(broken, cuts)) at += checker.push(Buffer.from(piece), 0, piece.length, out, at);
          expect([checker.finish(), out.toString('latin1', 0, at), checker.decodedLength, checker.length]).toEqual([
            null,
            text,
            content.length,
            text.length,
          ]);
        },
      ),
      { numRuns: 600 },
    );
  });
  test('one foreign character anywhere is found', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 3, maxLength: 300 }),
        fc.nat(),
        fc.constantFrom(0, 0x2d, 0x5f, 0x2a, 0x80, 0xff, 0x26),
        (content, at, byte) => {
          const text = Buffer.from(Buffer.from(content).toString('base64').replace(/.{76}/g, '$&\r\n'));
          text[at % text.length] = byte;
          expect(['alphabet', 'padding']).toContain(canonicalBase64(text));
        },
      ),
    );
  });
  test.each([
    ['QQ', 'length'],
    ['QUJDR', 'length'],
    ['Q===', 'padding'],
    ['QQ==QQ==', 'padding'],
    ['QQ=A', 'padding'],
    ['====', 'padding'],
    ['QUJD=', 'padding'],
    ['Q-JD', 'alphabet'],
  ])('%s: %s', (text, problem) => expect(canonicalBase64(text)).toBe(problem));
  test('unused bits are cleared', () => {
    expect(canonicalBase64('QR==').toString()).toBe('QQ==');
    expect(canonicalBase64('QUJ=').toString()).toBe('QUI=');
  });
});

test('the lenient decoder reads on over what is wrong', () => {
  expect(decodeBase64Leniently(Buffer.from('QU*JD\r\nREVG=')).toString()).toBe('ABCDEF');
  expect(decodeBase64Leniently(Buffer.from('QQ==QkI=')).toString()).toBe('ABB');
  fc.assert(
    fc.property(bytes, (content) => {
      expect(decodeBase64Leniently(Buffer.from(Buffer.from(content).toString('base64')))).toEqual(Buffer.from(content));
    }),
  );
});
