import { describe, expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import { FaultSpecError, faultPoints, formatFaultSpec, parseFaultSpec } from './fault-spec.ts';
import { createFaults } from './faults.ts';

describe('the text of a fault mix', () => {
  const documented =
    'drop-after:0.02,server-busy:0.01@GetItem,slow:0.1~200ms,forbidden:1@mailbox=anna@source.test,http-503:1 x3';

  test('the documented example', () => {
    expect(parseFaultSpec(documented)).toEqual([
      { point: 'drop-after', chance: 0.02 },
      { point: 'server-busy', chance: 0.01, operations: ['GetItem'] },
      { point: 'slow', chance: 0.1, ms: 200 },
      { point: 'forbidden', chance: 1, where: ['anna@source.test'] },
      { point: 'http-503', chance: 1, limit: 3 },
    ]);
  });

  test('white space does not matter, and every scope kind can be combined', () => {
    expect(
      parseFaultSpec(
        ' drop-before : .5 @ CreateItem | UpdateItem|org=target | mailbox=b@target.test ~ 10 ms x 2 , slow:1',
      ),
    ).toEqual([
      {
        point: 'drop-before',
        chance: 0.5,
        operations: ['CreateItem', 'UpdateItem'],
        where: ['target', 'b@target.test'],
        ms: 10,
        limit: 2,
      },
      { point: 'slow', chance: 1 },
    ]);
    expect(parseFaultSpec('  ')).toEqual([]);
  });

  test('formatting and parsing are inverse', () => {
    for (const text of [documented, 'drop-before:0.5@CreateItem|org=target~10ms x2']) {
      expect(formatFaultSpec(parseFaultSpec(text))).toBe(text);
    }
  });

  test.each([
    ['drop-afer:0.1', 0, /there is no fault drop-afer/],
    ['slow:0.1~200', 9, /a number and ms/],
    ['slow', 4, /":" and a chance/],
    ['slow:2', 5, /at most 1/],
    ['slow:0.1,', 9, /expected a fault, found the end/],
    ['slow:0.1@getitem', 9, /named like GetItem/],
    ['forbidden:1@mailbox=anna', 12, /by its address/],
    ['slow:0.1;http-503:1', 8, /expected "," or the end/],
    ['slow:x', 5, /chance from 0 to 1/],
  ])('%s is refused at its place', (text, offset, message) => {
    let thrown: unknown;
    try {
      parseFaultSpec(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FaultSpecError);
    expect((thrown as FaultSpecError).offset).toBe(offset);
    expect((thrown as FaultSpecError).message).toMatch(message);
  });
});

describe('seeded faults', () => {
  const make = (text: string) => createFaults((point) => seededRandom(`7 ${point}`), parseFaultSpec(text));
  const anna = { organization: 'source', mailbox: 'anna@source.test', operation: 'GetItem' };

  test('strike as often as their chance says, the same way for the same seed', () => {
    const run = () => {
      const faults = make('drop-after:0.2');
      return Array.from({ length: 2000 }, () => (faults.strike('drop-after', anna) ? 'x' : '.')).join('');
    };
    const first = run();
    expect(run()).toBe(first);
    expect(first.replaceAll('.', '').length).toBeGreaterThan(340);
    expect(first.replaceAll('.', '').length).toBeLessThan(460);
  });

  test('are not shifted by traffic at another point', () => {
    const alone = make('drop-after:0.5');
    const mixed = make('drop-after:0.5,slow:0.5');
    const strikes = (faults: ReturnType<typeof make>, noise: boolean) =>
      Array.from({ length: 200 }, () => {
        if (noise) faults.strike('slow', anna);
        return faults.strike('drop-after', anna) !== null;
      });
    expect(strikes(mixed, true)).toEqual(strikes(alone, false));
  });

  test('keep to their operations, mailboxes and organizations, whatever the case, and to their limit', () => {
    const faults = make('forbidden:1@mailbox=Anna@Source.test,slow:1@GetItem|org=source x2');
    expect(faults.strike('forbidden', anna)?.point).toBe('forbidden');
    expect(faults.strike('forbidden', { ...anna, mailbox: 'ben@source.test' })).toBeNull();
    expect(faults.strike('slow', { ...anna, operation: 'FindItem' })).toBeNull();
    expect(faults.strike('slow', { ...anna, organization: 'target' })).toBeNull();
    expect(faults.strike('slow', anna)).not.toBeNull();
    expect(faults.strike('slow', anna)).not.toBeNull();
    expect(faults.strike('slow', anna)).toBeNull();
    expect(faults.counts).toMatchObject({ forbidden: 1, slow: 2, 'drop-after': 0 });
    faults.set([]);
    expect(faultPoints.map((point) => faults.strike(point, anna)).every((hit) => hit === null)).toBe(true);
  });
});
