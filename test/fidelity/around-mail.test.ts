/**
 * Random mail goes from Exchange 2003 (WebDAV) to Exchange Online (Graph), to 2016 (EWS) and back to 2003, as a pass carries it; half of
 * it begins at another of the three. Whatever arrives is the same by what `verify` compares, or left out on purpose, as published.
 * `CAUSEWAY_FIDELITY_RUNS=300 CAUSEWAY_FIDELITY_SEED=1` for more of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareContents } from '#jobs/verify/compare-contents.ts';
import { compareProperties } from '#jobs/verify/compare-properties.ts';
import { must } from '#kit/assert.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { MailContent } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import { root } from '../code/source-files.ts';
import { anyMail } from './arbitrary-mail.ts';
import { type MailStation, mailArrived, openMailStation } from './stations.fixture.ts';

const runs = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 24);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_103);
const ring = ['2003', 'online', '2016'] as const;

/** Everything that `verify` would find, but for what the connector leaves out on purpose and the document says of it. */
async function differences(before: MailContent, after: MailContent, { it }: MailStation): Promise<readonly string[]> {
  const published = readFileSync(join(root, 'docs/carried.md'), 'utf8');
  const withheld = Object.entries(it.connector.abilities.withheld ?? {}).filter(([, why]) => published.includes(why));
  const onPurpose = new Set(withheld.map(([field]) => field));
  const side = async ({ mime, bcc }: MailContent) => ({ mime: await payloadBytes(mime), bcc });
  return [
    ...compareProperties(before.head, after.head)
      .filter(({ property, right }) => !(onPurpose.has(property) && right === 'false'))
      .map(({ property, left, right }) => `${property}: ${left} became ${right}`),
    ...compareContents(await side(before), await side(after)).map(
      ({ path, left, right }) => `${path}: ${left} became ${right}`,
    ),
  ];
}

let made = 0;

test('mail', async () => {
  const stations: MailStation[] = [];
  try {
    for (const version of ring) stations.push(await openMailStation(version));
    await fc.assert(
      fc.asyncProperty(anyMail, fc.constantFrom(0, 0, 1, 2), async (make, first) => {
        let handed = await make();
        for (let n = 0; n <= ring.length; n++) {
          const station = must(stations[(first + n) % ring.length], 'a station');
          const stamp = `cw1;source;guid;;${++made};print;1;${made}` as StampText;
          const content = await mailArrived(station, { content: handed, stamp, ofClass: [] });
          expect(await differences(handed, content, station), `on ${n + 1}. ${station.version}`).toEqual([]);
          expect(content.head.stamp).toBe(stamp);
          expect(station.it.people.sent()).toEqual([]);
          await handed.mime.dispose();
          handed = content;
        }
        await handed.mime.dispose();
      }),
      { numRuns: runs, seed, endOnFailure: runs > 100 },
    );
  } finally {
    for (const { it } of stations) await it.close();
  }
}, 3_600_000);
