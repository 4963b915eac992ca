import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import { blockBytes, SpoolMemory } from './spool-memory.ts';
import { parseXmlSpooled, payloadOf, removeAbandonedSpools } from './spool-scan.ts';
import { descendants, parseXmlBytes, XmlFault } from './xml-read.ts';

const base = mkdtempSync(join(tmpdir(), 'spool-test-'));
afterAll(() => rmSync(base, { recursive: true }));
const directory = join(base, 'private');
const ns = 'urn:types';
const options = { ns, names: ['MimeContent', 'Content'], directory, thresholdBytes: 1024 };
const files = (): readonly string[] => (existsSync(directory) ? readdirSync(directory) : []);

async function* cutEvery(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const answer = (inner: string): Buffer =>
  Buffer.from(`<e xmlns:t="${ns}" xmlns:o="urn:other" xmlns="${ns}">${inner}</e>`);

describe('texts are diverted', () => {
  test('any prefix, any size, any chunks; everything else is read as without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.constantFrom('t:MimeContent', 'Content', 'o:Content', 't:Subject'),
            fc.integer({ min: 0, max: 3000 }),
            fc.constantFrom(0, 7, 76),
          ),
          { maxLength: 6 },
        ),
        fc.integer({ min: 1, max: 5000 }),
        async (items, chunk) => {
          const contents = items.map(([, size], n) =>
            Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + n * 7) & 0xff)),
          );
          const text = (n: number): string => {
            const encoded = contents[n]?.toString('base64') ?? '';
            const width = items[n]?.[2] ?? 0;
            return width === 0
              ? encoded
              : encoded.replace(new RegExp(`.{${width}}`, 'g'), width === 7 ? '$&&#13;\n' : '$&\r\n');
          };
          const document = answer(
            items
              .map(([tag], n) => `<t:Item><${tag} a="${n}">${text(n)}</${tag}><t:After>${n}</t:After></t:Item>`)
              .join(''),
          );
          const read = await parseXmlSpooled(cutEvery(document, chunk), options);
          try {
            const plain = parseXmlBytes(document);
            expect(read.root.children.length).toBe(plain.root.children.length);
            for (const [n, [tag]] of items.entries()) {
              const [element, after] = read.root.children[n]?.children ?? [];
              expect(after?.text).toBe(String(n));
              expect(element?.attributes.get('a')).toBe(String(n));
              const found = element === undefined ? null : payloadOf(read, element);
              if (tag === 'o:Content' || tag === 't:Subject') {
                expect(found).toBeNull();
                expect(element?.text).toBe(plain.root.children[n]?.children[0]?.text);
                continue;
              }
              expect(element?.text).toBe('');
              if (found?.payload == null) throw new Error(`no payload: ${found?.problem}`);
              expect(found.payload.sizeBytes).toBe(contents[n]?.length);
              const length = contents[n]?.toString('base64').length ?? 0;
              // Between the threshold and a line more it may be either.
              if (length <= 1024 || length > 1200) expect(found.payload.inMemoryBase64 !== null).toBe(length <= 1024);
              for (let twice = 0; twice < 2; twice++) expect(await payloadBytes(found.payload)).toEqual(contents[n]);
              const encoded: Uint8Array[] = [];
              for await (const piece of found.payload.base64()) encoded.push(piece);
              expect(encoded.every((piece) => piece.length % 4 === 0)).toBe(true);
              expect(Buffer.concat(encoded).toString()).toBe(contents[n]?.toString('base64'));
            }
          } finally {
            await read.dispose();
          }
          expect(files()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('texts over the threshold stay in memory while there is room, whole and separate', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 * blockBytes }), { minLength: 1, maxLength: 5 }),
        fc.nat(8),
        fc.integer({ min: 30_000, max: 200_000 }),
        fc.boolean(),
        async (sizes, blocks, chunk, lines) => {
          const memory = new SpoolMemory(blocks * blockBytes);
          const contents = sizes.map((size, n) => Buffer.alloc(size, `content number ${n}, again and again; `));
          const encoded = contents.map((content) => content.toString('base64'));
          const document = answer(
            encoded
              .map((text) => `<Content>${lines ? text.replace(/.{76}/g, '$&\r\n') : text}</Content>`)
              .join('<Other/>'),
          );
          const read = await parseXmlSpooled(cutEvery(document, chunk), { ...options, memory });
          const payloads = read.payloads.map(({ payload }) => payload);
          const inFiles = payloads.filter((payload) => payload?.inMemoryBase64 === null).length;
          expect(files().length).toBe(inFiles);
          expect(memory.taken).toBeLessThanOrEqual(blocks);
          const needed = encoded
            .filter((text) => text.length > 1024)
            .map((text) => Math.ceil(text.length / blockBytes));
          if (needed.reduce((sum, count) => sum + count, 0) <= blocks) expect(inFiles).toBe(0);
          for (const [n, payload] of payloads.entries()) {
            if (payload === null) throw new Error('no payload');
            const pieces: Uint8Array[] = [];
            for await (const piece of payload.base64()) pieces.push(piece);
            expect(pieces.every((piece) => piece.length % 4 === 0)).toBe(true);
            expect(Buffer.concat(pieces).toString('latin1') === encoded[n]).toBe(true);
            expect((await payloadBytes(payload)).equals(contents[n] ?? Buffer.alloc(0))).toBe(true);
          }
          for (const payload of payloads) await payload?.dispose();
          await read.dispose();
          expect(memory.taken).toBe(0);
          expect(files()).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('memory comes back from broken texts, broken documents and broken connections', async () => {
    const memory = new SpoolMemory(8 * blockBytes);
    const long = 'QUJD'.repeat(blockBytes / 4);
    const broken = await parseXmlSpooled(answer(`<Content>${long}</Content><Content>${long}*</Content>`), {
      ...options,
      memory,
    });
    expect(broken.payloads.map(({ problem }) => problem)).toEqual([null, 'alphabet']);
    expect(memory.taken).toBe(1);
    await broken.dispose();
    expect(memory.taken).toBe(0);
    const cut = answer(`<Content>${long}</Content><Content>${long}</Content>`).subarray(0, 1.5 * blockBytes);
    await expect(parseXmlSpooled(cut, { ...options, memory })).rejects.toThrow(XmlFault);
    expect(memory.taken).toBe(0);
    async function* reset() {
      yield cut;
      throw new Error('reset');
    }
    await expect(parseXmlSpooled(reset(), { ...options, memory })).rejects.toThrow('reset');
    expect(memory.taken).toBe(0);
  });

  test('memory that was given back is not read as if it were still ours', async () => {
    const memory = new SpoolMemory(8 * blockBytes);
    const document = answer(`<Content>${'QUJD'.repeat(blockBytes / 2)}</Content>`);
    const first = (await parseXmlSpooled(document, { ...options, memory })).payloads[0]?.payload;
    if (!first) throw new Error('no payload');
    const reading = first.base64()[Symbol.asyncIterator]();
    await reading.next();
    await first.dispose();
    await expect(reading.next()).rejects.toThrow('disposed');
    await expect(payloadBytes(first)).rejects.toThrow('disposed');
    expect(() => first.inMemoryBase64).toThrow('disposed');
  });

  test('spool files are private and go with their payload', async () => {
    const read = await parseXmlSpooled(answer(`<Content>${'QUJD'.repeat(2000)}</Content>`), options);
    const [name] = files();
    expect(statSync(join(directory, name ?? '')).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    await read.payloads[0]?.payload?.dispose();
    await read.payloads[0]?.payload?.dispose();
    expect(files()).toEqual([]);
  });

  test.each([
    ['QUJ*', 'alphabet'],
    ['QUI', 'length'],
    ['QQ==QQ==', 'padding'],
    ['QU<b>JD</b>JD', 'has-elements'],
    ['&#x1;QUJD', 'alphabet'],
  ])('%s is a fault of its element alone: %s', async (text, problem) => {
    const document = answer(
      `<Content>${text}</Content><Content>QUJD</Content><Content>${'QUJD'.repeat(1000)}${text}</Content>`,
    );
    const read = await parseXmlSpooled(document, options);
    expect(read.payloads.map((one) => one.problem)).toEqual([problem, null, problem]);
    expect(files()).toEqual([]);
  });

  test('a text over the greatest length is a fault of its element', async () => {
    const read = await parseXmlSpooled(
      cutEvery(answer(`<Content>${'QUJD'.repeat(5000)}</Content><Content>QUJD</Content>`), 500),
      { ...options, payloadBytesMax: 10_000 },
    );
    expect(read.payloads.map((one) => one.problem)).toEqual(['too-large', null]);
    expect(files()).toEqual([]);
  });

  test('CDATA and comments inside', async () => {
    const read = await parseXmlSpooled(
      cutEvery(answer('<Content>QU<!-- x --><![CDATA[JDQU]]>J&#x44;</Content>'), 3),
      options,
    );
    expect(read.payloads[0]?.payload?.inMemoryBase64?.join('')).toBe('QUJDQUJD');
  });

  test('nothing is left behind by a broken document or a broken connection', async () => {
    const document = answer(`<Content>${'QUJD'.repeat(1_000_000)}</Content>`);
    await expect(parseXmlSpooled(cutEvery(document.subarray(0, 3_900_000), 65_536), options)).rejects.toThrow(XmlFault);
    await expect(
      parseXmlSpooled(cutEvery(Buffer.concat([document.subarray(0, 3_900_000), Buffer.from('<')]), 65_536), options),
    ).rejects.toThrow(XmlFault);
    async function* broken() {
      yield document.subarray(0, 3_000_000);
      expect(files().length).toBe(1);
      throw new Error('reset');
    }
    await expect(parseXmlSpooled(broken(), options)).rejects.toThrow('reset');
    expect(files()).toEqual([]);
  });

  test('a spooled text does not count against the limit of the document', async () => {
    const read = await parseXmlSpooled(
      cutEvery(answer(`<Content>${'QUJD'.repeat(100_000)}</Content>`), 65_536),
      options,
      { bytesMax: 70_000 },
    );
    expect(read.payloads[0]?.payload?.sizeBytes).toBe(300_000);
    await read.dispose();
  });

  test('files of dead processes are removed, others stay', async () => {
    const name = (pid: number) => join(directory, `${pid}-00000000-0000-4000-8000-000000000000.spool`);
    writeFileSync(name(999_999_999), '');
    writeFileSync(name(process.pid), '');
    expect(await removeAbandonedSpools(directory)).toBe(1);
    expect(files().length).toBe(1);
    rmSync(name(process.pid));
    expect(await removeAbandonedSpools(join(base, 'nowhere'))).toBe(0);
  });

  test('descendants still find the element', async () => {
    const read = await parseXmlSpooled(
      answer('<Item><MimeContent CharacterSet="UTF-8">QUJD</MimeContent></Item>'),
      options,
    );
    const [element] = [...descendants(read.root, ns, 'MimeContent')];
    expect(element?.payload).toBe(0);
  });
});
