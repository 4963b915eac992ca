import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FolderId } from '#model/ids.ts';
import { ewsClient } from './client.ts';
import { answer, context, failure, success } from './ews.fixture.ts';
import type { EwsHttp } from './ews-http.ts';
import { ewsGlance, marksIn } from './folder-marks.ts';
import { getFolder } from './operations/get-folder.ts';

/** A folder of the server: seconds of its last commit, what was removed from it and is in it; null: it is gone. */
type Shown = { readonly committed: number; readonly deleted: number; readonly count: number } | null;

/** What the server is like when it is asked. */
interface Moment {
  readonly folders: readonly Shown[];
  /** Seconds of its clock. */
  readonly now: number;
  /** How much of nothing it writes into its answer. */
  readonly padding?: number;
}

const start = Date.UTC(2026, 10, 22, 12);
const ids = ['a', 'b'] as unknown as readonly FolderId[];
const extended = (tag: string, type: string, value: string | number) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="${tag}" PropertyType="${type}"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;
const message = (folder: Shown, n: number) =>
  folder === null
    ? failure('GetFolder', 'ErrorItemNotFound')
    : success(
        'GetFolder',
        `<m:Folders><t:Folder><t:FolderId Id="${ids[n]}" ChangeKey="K"/><t:TotalCount>${folder.count}</t:TotalCount>${extended('0x670a', 'SystemTime', new Date(start + folder.committed * 1000).toISOString())}${extended('0x670b', 'Integer', folder.deleted)}</t:Folder></m:Folders>`,
      );

function server() {
  let moment: Moment = { folders: [], now: 0 };
  const http: EwsHttp = {
    async post() {
      const { folders, now, padding = 0 } = moment;
      const bytes = Buffer.from(answer('GetFolder', ' '.repeat(padding) + folders.map(message).join('')));
      async function* body() {
        // Answers come in pieces of any size.
        for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
      }
      return { status: 200, headers: { date: new Date(start + now * 1000).toUTCString() }, body: body() };
    },
  };
  const client = ewsClient({ http, impersonate: true, spoolDir: '/nowhere', version: 'Exchange2016' });
  return {
    glance: (before: string | null, asked = ids) => ewsGlance(client, 'anna@example.test', asked, before, context),
    marks: async () =>
      marksIn(ids, await client.call(getFolder, { folders: ids, properties: 'marks' }, 'anna@example.test', context)),
    become(next: Moment) {
      moment = next;
    },
  };
}
const quiet: Shown = { committed: -60, deleted: 1, count: 5 };

describe('a glance', () => {
  test('shows the marks, and then that they are the same', async () => {
    const { become, glance, marks } = server();
    become({ folders: [quiet, null], now: 0 });
    const first = await glance(null);
    if (first === 'same') throw new Error('nothing was seen before');
    expect(first.marks).toEqual(await marks());
    expect([...first.marks.keys()]).toEqual(['a']);
    become({ folders: [quiet, null], now: 30 });
    expect(await glance(first.digest)).toBe('same');
    become({ folders: [quiet, quiet], now: 60 });
    expect(await glance(first.digest)).toMatchObject({ marks: await marks() });
  });

  test('at other folders is another question', async () => {
    const { become, glance } = server();
    become({ folders: [quiet, quiet], now: 0 });
    const first = await glance(null);
    if (first === 'same') throw new Error('nothing was seen before');
    expect(await glance(first.digest, [...ids].reverse())).not.toBe('same');
  });

  test('of an answer that is too large to be held is read every time', async () => {
    const { become, glance, marks } = server();
    become({ folders: [quiet, quiet], now: 0, padding: 70_000 });
    expect(await glance(null)).toEqual({ marks: await marks(), digest: null });
  });

  test('throws what `marks` throws', async () => {
    const client = ewsClient({
      http: {
        post: async () => ({
          status: 200,
          headers: {},
          body: (async function* () {
            yield Buffer.from(answer('GetFolder', failure('GetFolder', 'ErrorAccessDenied').repeat(2)));
          })(),
        }),
      },
      impersonate: true,
      spoolDir: '/nowhere',
    });
    await expect(ewsGlance(client, 'anna@example.test', ids, null, context)).rejects.toMatchObject({
      fault: { kind: 'fatal', code: 'access-denied' },
    });
  });
});

test('what a glance calls the same, reading calls the same, and settled when it was read', async () => {
  const folder = fc.option(
    fc.record({ committed: fc.integer({ min: 0, max: 4 }), deleted: fc.nat(1), count: fc.nat(1) }),
  );
  const moments = fc.array(
    fc.record({ folders: fc.tuple(folder, folder), now: fc.nat(2), padding: fc.constantFrom(0, 0, 0, 1, 70_000) }),
    { minLength: 2, maxLength: 12 },
  );
  let same = 0;
  await fc.assert(
    fc.asyncProperty(moments, async (all) => {
      const { become, glance, marks } = server();
      let known: { readonly digest: string; readonly marks: unknown } | null = null;
      let now = 0;
      // Each moment comes twice, as most do.
      for (const moment of all.flatMap((one) => [one, one])) {
        now += moment.now;
        become({ ...moment, now });
        const shown = await glance(known?.digest ?? null);
        const read = await marks();
        if (shown === 'same') {
          same++;
          expect(read).toEqual(known?.marks);
        } else {
          expect(shown.marks).toEqual(read);
          const isSettling = [...read.values()].some(({ settling }) => settling === true);
          if (isSettling) expect(shown.digest).toBeNull();
          known = shown.digest === null ? null : { digest: shown.digest, marks: read };
        }
      }
    }),
    { numRuns: 200 },
  );
  expect(same).toBeGreaterThan(100);
});
