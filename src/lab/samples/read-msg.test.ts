import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { seededRandom } from '#kit/random.ts';
import { isMaster } from '../world/appointment.ts';
import { readMsg } from './read-msg.ts';

const owner = { name: 'Ana', address: 'ana@source.test', guid: 'g', nowMs: 0 };
const folder = reference('peers/samples/msg/msgreader');

describe.skipIf(folder === null)('a message file', () => {
  const file = (name: string): Buffer => readFileSync(`${folder}/${name}`);

  test('has the appointment with its changed occurrences, each with what is its own', () => {
    const [content, ...more] = readMsg(file('Lanch_time__every_friday__in_2023_chgs1.msg'), owner);
    expect(more).toEqual([]);
    expect(content !== undefined && isMaster(content)).toBe(true);
    expect(content?.calendar?.exceptions.length).toBeGreaterThan(0);
    // As it stands in the file: Outlook knew nobody.
    expect(content?.from?.address).toBe('Unknown');
  });

  test('that is a mail holds nothing for a calendar; neither does what is no such file', () => {
    expect(readMsg(file('A_memo.msg'), owner)).toEqual([]);
    expect(readMsg(Buffer.from('no file at all'), owner)).toEqual([]);
    expect(readMsg(Buffer.alloc(0), owner)).toEqual([]);
  });

  test('that is cut off or spoilt is read as far as it makes sense, in time, and breaks nothing', () => {
    const whole = file('Friday_Lunch.msg');
    const random = seededRandom('spoilt files');
    const began = performance.now();
    for (let n = 0; n < 400; n++) {
      const bytes = Buffer.from(whole.subarray(0, n % 4 === 0 ? random.int(whole.length) : whole.length));
      // Of the header and the first sectors most: there chains and trees begin.
      for (let spoilt = 0; spoilt < 12; spoilt++) {
        const at = random.int(n % 2 === 0 ? 512 : bytes.length || 1);
        if (at < bytes.length) bytes[at] = random.int(256);
      }
      expect(readMsg(bytes, owner).length).toBeLessThanOrEqual(1);
    }
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
