import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { repairNames } from './repair-names.ts';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function repaired(text: string, sizes: readonly number[] = [1 << 20]) {
  let count = 0;
  const chunks: Uint8Array[] = [];
  for await (const chunk of repairNames(inPieces(Buffer.from(text), sizes), () => count++))
    chunks.push(Buffer.from(chunk));
  return { text: Buffer.concat(chunks).toString(), count };
}

test('digits in front of a name are written as XML needs them, in start, end and empty tags', async () => {
  const raw = '<a:p xmlns:a="u"><a:0x8570 b="1">1</a:0x8570><9x/><a:32900/></a:p>';
  const { text, count } = await repaired(raw);
  expect(text).toBe('<a:p xmlns:a="u"><a:_x0030_x8570 b="1">1</a:_x0030_x8570><_x0039_x/><a:_x0033_2900/></a:p>');
  expect(count).toBe(3);
  expect(parseXmlBytes(text).root.children.map(({ name }) => name)).toEqual([
    '_x0030_x8570',
    '_x0039_x',
    '_x0033_2900',
  ]);
});

test('what only looks like a tag stays as it is', async () => {
  for (const text of [
    '<a><![CDATA[<d:0x1>]]></a>',
    '<a><!-- <d:0x1> --></a>',
    '<?xml version="1.0"?><a b=":0">x:0 1:0</a>',
    '<a>&lt;d:0x1&gt;</a>',
    '<a',
    '',
  ])
    expect(await repaired(text)).toEqual({ text, count: 0 });
});

test('it does not matter where the bytes are cut', async () => {
  const piece = fc.constantFrom(
    '<a:0x8570>',
    '</a:0x8570>',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<b>',
    '</b>',
    'x:0',
    '<',
    '<é:1>',
    '<?',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      async (all, sizes) => {
        const text = all.join('');
        expect(await repaired(text, sizes)).toEqual(await repaired(text));
      },
    ),
  );
});
