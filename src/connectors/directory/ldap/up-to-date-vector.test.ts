import { expect, test } from 'vitest';
import { parseUpToDateVector } from './up-to-date-vector.ts';

const one = '11223344556677889900aabbccddeeff';
const two = 'ffeeddccbbaa00998877665544332211';
const time = '0000000000000000';

test.each([
  ['of version 2', `02000000 00000000 02000000 00000000 ${one}0100000000000000${time}${two}ffffff7f01000000${time}`],
  ['of version 1', `01000000 00000000 02000000 00000000 ${one}0100000000000000${two}ffffff7f01000000`],
])('a vector %s', (_, hex) => {
  expect(parseUpToDateVector(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toEqual(
    new Map([
      ['44332211-6655-8877-9900-aabbccddeeff', 1n],
      ['ccddeeff-aabb-9900-8877-665544332211', 0x17fffffffn],
    ]),
  );
});

test.each([
  ['nothing', ''],
  ['a version that nobody knows', '03000000000000000000000000000000'],
  ['more cursors than there are bytes', `0200000000000000ffffff0000000000${one}0100000000000000${time}`],
])('%s is no vector', (_, hex) => {
  expect(parseUpToDateVector(Buffer.from(hex, 'hex'))).toBeNull();
});
