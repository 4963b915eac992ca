/** Messages that a server renders anew are the same messages: no alarm. And a difference is found in another rendering, too. */
import { describe, expect, test } from 'vitest';
import { compareContents } from '#jobs/verify/compare-contents.ts';
import { rebuildMime } from '#lab/world/rebuild-mime.ts';
import { hash128 } from '#model/stamp.ts';
import { contentKinds } from './planted-content.ts';
import { readByOthers, rebuilt } from './rebuilt.fixture.ts';
import { ownMessages, samples } from './samples.fixture.ts';

const messages = [...samples, ...ownMessages];
const side = (mime: Buffer) => ({ mime, bcc: [] });
const alarms = (before: Buffer, after: Buffer) => compareContents(side(before), side(after)).map((one) => one.path);

/** What the libraries lose, and how that shows without any code of ours. */
const losses = {
  signature: {
    why: 'what is signed is written anew, so that the signature does not fit any more',
    shows: (before: Buffer) => /content-type:\s*multipart\/signed/i.test(before.toString('latin1')),
  },
  digest: {
    why: 'parts of a digest are messages (RFC 2046 5.1.5); the library takes those without a type for text',
    shows: (before: Buffer) => /multipart\/digest/i.test(before.toString('latin1')),
  },
  'no parts': {
    why: 'a multipart without its delimiters is shown as the text it is; the library drops that text',
    shows: (before: Buffer, after: Buffer) =>
      textLength(after) < textLength(before) || !/^--/m.test(before.toString('latin1')),
  },
  'odd delimiters': {
    why: 'delimiters that begin like each other, that are used twice, or that are unlike their declaration: the library takes the parts apart in another way',
    shows: (before: Buffer) => /^--/m.test(before.toString('latin1')),
  },
} as const;
type Loss = keyof typeof losses;

const textLength = (mime: Buffer): number =>
  mime
    .toString('latin1')
    .replace(/^[\s\S]*?\r?\n\r?\n/, '')
    .replace(/\s+/g, '').length;

/** Closed: every other sample has to be the same after it was rendered anew. */
const lossy: Readonly<Record<string, Loss>> = {
  'cpython/msg_02.eml': 'digest',
  'cpython/msg_15.eml': 'odd delimiters',
  'cpython/msg_17.eml': 'no parts',
  'cpython/msg_19.eml': 'no parts',
  'cpython/msg_25.eml': 'no parts',
  'cpython/msg_30.eml': 'digest',
  'cpython/msg_31.eml': 'no parts',
  'cpython/msg_33.eml': 'signature',
  'cpython/msg_34.eml': 'digest',
  'cpython/msg_38.eml': 'odd delimiters',
  'cpython/msg_39.eml': 'odd delimiters',
  'cpython/msg_40.eml': 'odd delimiters',
  'cpython/msg_41.eml': 'no parts',
  'cpython/msg_45.eml': 'signature',
  'mail-parser/malformed_002.eml': 'no parts',
  'mail-parser/malformed_004.eml': 'no parts',
  'mail-parser/malformed_005.eml': 'odd delimiters',
  'mail-parser/malformed_007.eml': 'odd delimiters',
  'mail-parser/malformed_015.eml': 'signature',
  'mail-parser/malformed_017.eml': 'no parts',
  'mail-parser/malformed_019.eml': 'odd delimiters',
  'mail-parser/rfc_004.eml': 'digest',
  'mail-parser/thirdparty_006.eml': 'signature',
  'mail-parser/thirdparty_007.eml': 'digest',
  'mailparser/spam.eml': 'no parts',
  'own 4': 'signature',
  'own 10': 'signature',
};

describe('rendered by other libraries', () => {
  test('part by part: no alarm but for the closed list of what those libraries lose', async () => {
    const alarmed: string[] = [];
    for (const { name, mime } of messages) {
      const after = await rebuilt(mime);
      const paths = alarms(mime, after);
      if (paths.length === 0) continue;
      alarmed.push(name);
      const loss = lossy[name];
      expect(loss, `${name}: ${paths}`).toBeDefined();
      if (loss) expect(losses[loss].shows(mime, after), `${name}: ${loss}`).toBe(true);
    }
    if (samples.length > 0) expect(alarmed.sort()).toEqual(Object.keys(lossy).sort());
  });

  test('by the lab: what it makes of its own rendering says the same, for every message', async () => {
    for (const { name, mime } of messages) {
      const once = await rebuildMime(mime);
      expect(alarms(once, await rebuildMime(once)), name).toEqual([]);
    }
  });

  test('by the lab: where it alarms, another reader sees the loss as well', async () => {
    let same = 0;
    for (const { name, mime } of messages) {
      const after = await rebuildMime(mime);
      // The lab keeps blind copies as properties and leaves them out of the MIME, as servers do.
      const paths = alarms(mime, after).filter((path) => !path.startsWith('bcc'));
      if (paths.length === 0) same++;
      else if (lossy[name] === undefined && !rewritten.test(mime.toString('latin1')))
        expect(await readByOthers(after), `${name}: ${paths}`).not.toEqual(await readByOthers(mime));
    }
    expect(same).toBeGreaterThan(samples.length / 2);
  });
});

/** UTF-7, which the library does not know and writes as if it were the text; lines that flow (RFC 3676), which it joins for good. */
const rewritten = /charset="?utf-7|format="?flowed/i;

describe('a difference in a message that was rendered anew', () => {
  test.each(contentKinds.map((kind) => [kind.name, kind] as const))('%s', async (name, { edit, seenAs }) => {
    let planted = 0;
    const chosen = messages.filter((message) => lossy[message.name] === undefined);
    for (const message of chosen) {
      // Every message has some kinds, and every kind some messages: all of them are planted without a new rendering in `planted.test.ts`.
      if (
        planted > 0 &&
        !message.name.startsWith('own') &&
        Number.parseInt(hash128(name + message.name).slice(0, 4), 16) % 12 !== 0
      )
        continue;
      const mime = edit(message.mime);
      if (mime === null || mime.equals(message.mime)) continue;
      planted++;
      const paths = alarms(message.mime, await rebuilt(mime));
      expect(
        paths.some((path) => seenAs.test(path)),
        `${message.name}: ${paths}`,
      ).toBe(true);
    }
    if (!signedOnly.has(name)) expect(planted).toBeGreaterThan(0);
  });
});

/** Kinds for signed messages alone: every new rendering of those is a difference. */
const signedOnly: ReadonlySet<string> = new Set([
  'byte of what is signed changed',
  'white space of what is signed changed',
  'signature lost',
]);
