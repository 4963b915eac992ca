import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapiValue } from '../mapi/mapi-message.ts';
import { messageOfOutlookFile } from '../mapi-items/outlook-file.fixture.ts';
import { reference } from '../text/reference.fixture.ts';
import { bodyOfRtf } from './body-of-rtf.ts';
import { decompressRtf } from './decompress-rtf.ts';

describe('compressed RTF', () => {
  test.each([
    // The examples of [MS-OXRTFCP] 4.1.1 and 4.1.2.
    [
      '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
      '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
    ],
    ['1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}'],
  ])('%s', (hex, text) => {
    expect(decompressRtf(Buffer.from(hex, 'hex'))?.toString('latin1')).toBe(text);
  });

  test('what is not compressed comes as it is', () => {
    const text = Buffer.from('{\\rtf1 x}', 'latin1');
    const head = Buffer.alloc(16);
    head.writeUInt32LE(text.length + 12, 0);
    head.writeUInt32LE(text.length, 4);
    head.write('MELA', 8);
    expect(decompressRtf(Buffer.concat([head, text]))).toEqual(text);
  });

  test('damaged bytes are none, and never read past their end', () => {
    const whole = Buffer.from('1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', 'hex');
    fc.assert(
      fc.property(fc.nat({ max: 29 }), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 30 }), (at, by, length) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ by;
        const read = decompressRtf(bytes.subarray(0, length));
        if (read !== null) expect(read.length).toBeLessThanOrEqual(28);
      }),
      { numRuns: 500 },
    );
  });
});

const read = (rtf: string) => bodyOfRtf(Buffer.from(rtf, 'latin1'));

describe('the body that RTF stands for', () => {
  test('HTML as it was, without what is for readers of RTF', () => {
    // After the example of [MS-OXRTFEX] 4.1.
    const rtf = String.raw`{\rtf1\ANSI\ansicpg1251\fromhtml1 \deff0
{\fonttbl {\f0\fmodern Courier New;}{\f1\fswiss Arial;}{\f2\fswiss\fcharset0 Arial;}}
{\colortbl\red0\green0\blue0;\red0\green0\blue255;}
{\*\htmltag64}
\uc1\pard\plain\deftab360 \f0\fs24
{\*\htmltag <HTML><head>\par
<style>\par
<!--\par
 /* Style Definitions */\par
 p.MsoNormal, li.MsoNormal \{font-family:Arial;\}\par
-->\par
</style>\par
	\tab }
{\*\htmltag <body>}
{\*\htmltag64}\htmlrtf {\htmlrtf0 Note the line break inside a P tag. {\*\htmltag <b>}{\htmlrtf \b \htmlrtf0 This is {\*\htmltag <i>}bold\'20text{\*\htmltag </i>}\htmlrtf }\htmlrtf0 {\*\htmltag </b>}
{\*\mhtmltag <img src="other">}\u1041?\~{\*\htmltag </body>}}}`;
    expect(read(rtf)).toEqual({
      isWhole: true,
      body: {
        type: 'html',
        text: '<HTML><head>\r\n<style>\r\n<!--\r\n /* Style Definitions */\r\n p.MsoNormal, li.MsoNormal {font-family:Arial;}\r\n-->\r\n</style>\r\n\t\t<body>Note the line break inside a P tag. <b>This is <i>bold text</i></b>\u0411&nbsp;</body>',
      },
    });
  });

  test('text as it was', () => {
    expect(
      read(
        String.raw`{\rtf1\ansi\ansicpg1252\fromtext \fbidi \deff0{\fonttbl{\f0 X;}}\pard\plain a\'e9\par b\tab c\line }`,
      ),
    ).toEqual({
      isWhole: true,
      body: { type: 'text', text: 'aé\r\nb\tc\r\n' },
    });
  });

  test('otherwise its text, each font in its code page, without what is no text', () => {
    const rtf = String.raw`{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}{\info{\author Ana}}{\*\generator X;}
\pard\f1 \'93\'fa\'96\'7b\f0  \ldblquote x\rdblquote  \u8364?\uc2\u-3913??y\cell z\row{\pict 00ff}\par}`;
    // A zero behind the end is what servers leave there.
    expect(read(`${rtf}\0`)).toEqual({
      isWhole: false,
      body: { type: 'text', text: '日本 \u201cx\u201d €\uf0b7y\tz\r\n\r\n' },
    });
  });

  test('bytes of pictures are no text, and what is no RTF is none', () => {
    expect(read('{\\rtf1 a\\bin4 }}{{b}')?.body.text).toBe('ab');
    expect(read('hello')).toBeNull();
  });

  test('any bytes are read to their end', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '\\',
      '\\*',
      '\\u',
      "\\'",
      '\\htmlrtf',
      '\\bin',
      '1',
      '-',
      ' ',
      'x',
      '\\fonttbl',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const body = read(`{\\rtf1${pieces.join('')}`);
        expect(typeof body?.body.text).toBe('string');
      }),
      { numRuns: 500 },
    );
    expect(read(`{\\rtf1 ${'{'.repeat(200_000)}x`)?.body.text).toBe('');
  });
});

const folder = reference('peers/samples/msg');
/** Its HTML was tidied after the RTF had been made of it. */
const tidied: ReadonlySet<string> = new Set(['bug66335.msg']);
/** Its text is in a code page that the file does not name. */
const misread: ReadonlySet<string> = new Set(['chinese-traditional.msg']);
const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

describe.skipIf(folder === null)('what Outlook saved', () => {
  const samples = ['msgreader', 'poi'].flatMap((part) =>
    readdirSync(join(folder ?? '', part)).flatMap((name) => {
      if (!name.endsWith('.msg') || name.startsWith('clusterfuzz')) return [];
      const { properties } = messageOfOutlookFile(readFileSync(join(folder ?? '', part, name)));
      const [rtf, html, text] = [0x1009, 0x1013, 0x1000].map((tag) => mapiValue(properties, { tag, type: 'binary' }));
      return Buffer.isBuffer(rtf) ? [{ name, rtf, html, text }] : [];
    }),
  );
  test('there are some', () => expect(samples.length).toBeGreaterThan(50));

  test.each(samples)('$name', ({ rtf, html, text, name }) => {
    const source = decompressRtf(rtf);
    const read = source === null ? null : bodyOfRtf(source);
    expect(read).not.toBeNull();
    if (read === null) return;
    if (Buffer.isBuffer(html) && read.body.type === 'html' && !tidied.has(name)) {
      // The server names the character set in the one, and writes some tags in another case.
      const bare = (some: string) =>
        some
          .toLowerCase()
          .replace(/<meta[^>]*charset[^>]*>/, '')
          .replace(/[^\x20-\x7e]|&\w+;|&#\d+;|\s/g, '');
      expect(bare(read.body.text)).toBe(bare(html.toString('latin1')));
    } else if (typeof text === 'string' && read.body.type === 'text' && !misread.has(name)) {
      expect(words(read.body.text)).toBe(words(text));
    } else if (typeof text === 'string' && read.body.type === 'html') {
      const said = words(text)
        .split(' ')
        .filter((word) => /^[A-Za-z]{3,}$/.test(word));
      expect(said.filter((word) => !read.body.text.includes(word))).toEqual([]);
    }
  });
});
