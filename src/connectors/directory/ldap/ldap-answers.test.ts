import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfGuid, guidOfBytes } from './guids.ts';
import { frameLength, MalformedAnswer, readAnswer } from './ldap-answers.ts';

const element = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  const length =
    body.length < 128 ? Buffer.from([body.length]) : Buffer.from([0x82, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
};
const text = (value: string) => element(0x04, Buffer.from(value));
const attribute = (name: string, ...values: readonly Buffer[]) =>
  element(0x30, text(name), element(0x31, ...values.map((value) => element(0x04, value))));
const entry = element(
  0x30,
  element(0x02, Buffer.from([7])),
  element(
    0x64,
    text('CN=a'),
    element(0x30, attribute('cn', Buffer.from('a')), attribute('photo', Buffer.from([255, 0]))),
  ),
);

describe('answers of an LDAP server', () => {
  test('an entry keeps its values as bytes', () => {
    const answer = readAnswer(entry);
    expect(answer).toMatchObject({ kind: 'entry', id: 7, entry: { dn: 'CN=a' } });
    expect(answer.kind === 'entry' && answer.entry.values.get('photo')).toEqual([Buffer.from([255, 0])]);
  });

  test('a result with a control', () => {
    const control = element(0x30, text('1.2.3'), element(0x01, Buffer.from([255])), text('cookie'));
    const body = element(0x65, element(0x0a, Buffer.from([0])), text(''), text(''));
    const answer = readAnswer(element(0x30, element(0x02, Buffer.from([1, 0])), body, element(0xa0, control)));
    expect(answer).toEqual({
      kind: 'done',
      id: 256,
      result: { code: 0, matchedDn: '', message: '', controls: new Map([['1.2.3', Buffer.from('cookie')]]) },
    });
  });

  test('what is damaged is refused, and never hangs or runs over its frame', () => {
    fc.assert(
      fc.property(fc.nat(entry.length - 1), fc.nat(255), fc.nat(entry.length), (at, byte, end) => {
        const damaged = Buffer.from(entry.subarray(0, end));
        if (at < damaged.length) damaged[at] = byte;
        try {
          const length = frameLength(damaged, 1000);
          if (length !== null) readAnswer(damaged.subarray(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedAnswer);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a message is waited for until it is whole, and one over the limit is refused at its head', () => {
    for (let end = 0; end < entry.length; end++) expect(frameLength(entry.subarray(0, end), 1000)).toBeNull();
    expect(frameLength(Buffer.concat([entry, Buffer.from('more')]), 1000)).toBe(entry.length);
    expect(() => frameLength(Buffer.from('308410000000', 'hex'), 1000)).toThrow(MalformedAnswer);
    expect(() => frameLength(Buffer.from('3080', 'hex'), 1000)).toThrow(MalformedAnswer);
  });
});

test('GUIDs go to bytes and back', () => {
  expect(bytesOfGuid('6b29fc40-ca47-1067-b31d-00dd010662da')?.toString('hex')).toBe('40fc296b47ca6710b31d00dd010662da');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (array) => {
      expect(bytesOfGuid(guidOfBytes(Buffer.from(array)) ?? '')).toEqual(Buffer.from(array));
    }),
  );
  expect(bytesOfGuid('no guid')).toBeNull();
  expect(guidOfBytes(Buffer.alloc(15))).toBeNull();
});
