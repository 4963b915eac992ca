import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ModelOptions, places, RoutingModel } from './routing-model.fixture.ts';
import { nextStep, type StepName, type StepRecord, stepNames } from './steps.ts';

const place = fc.constantFrom(...places);
const small = fc.nat({ max: 7 });

/** What may happen to a switch, in any order. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('advance' as const) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('mail' as const), at: place, way: small }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('replicate' as const), at: place, controller: small }) },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant('refresh' as const), at: place, server: small, controller: small }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('pass' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('kill' as const) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer H> ? H : never;

/** @param backAt before which of the happenings the operator wants to go back; past the last one: never. */
function live(happenings: readonly Happening[], backAt: number, options: Partial<ModelOptions>): readonly string[] {
  const model = new RoutingModel(options);
  happenings.forEach((one, at) => {
    if (at === backAt) model.wantBack();
    if (one.what === 'advance') model.advance();
    else if (one.what === 'mail') model.mail(at, one.at, (count) => one.way % count);
    else if (one.what === 'replicate') model.replicate(one.at, one.controller);
    else if (one.what === 'refresh') model.refresh(one.at, one.server, one.controller);
    else if (one.what === 'pass') model.pass();
    else model.kill();
  });
  return model.settle();
}

const lives = fc.tuple(fc.array(happening, { minLength: 10, maxLength: 150 }), fc.nat({ max: 200 }));
const holds = (options: Partial<ModelOptions>) =>
  fc.check(
    fc.property(lives, ([happenings, backAt]) => live(happenings, backAt, options).length === 0),
    { numRuns: 3000, seed: 1 },
  );

const swapped = (one: StepName, two: StepName): readonly StepName[] =>
  stepNames.map((name) => (name === one ? two : name === two ? one : name));

describe('the order of the steps', () => {
  test('brings every mail to exactly one mailbox that the person will see, wherever it is killed or taken back', () => {
    fc.assert(
      fc.property(lives, ([happenings, backAt]) => {
        expect(live(happenings, backAt, {})).toEqual([]);
      }),
      { numRuns: 5000 },
    );
  });

  test('every prefix, killed after each thing done, and taken back or gone on with', () => {
    for (let done = 0; done <= 60; done++) {
      for (const back of [false, true]) {
        const model = new RoutingModel();
        let mails = 0;
        const load = () => {
          for (const at of places) for (let way = 0; way < 5; way++) model.mail(mails++, at, (count) => way % count);
        };
        for (let n = 0; n < done; n++) {
          model.advance();
          model.replicate('source', n % 3);
          model.replicate('target', n % 3);
          model.refresh('source', n % 2, n % 3);
          model.refresh('target', n % 2, n % 3);
          load();
        }
        model.kill();
        load();
        if (back) model.wantBack();
        expect(model.settle(), `killed after ${done}${back ? ', taken back' : ''}`).toEqual([]);
      }
    }
  });

  test('would lead in circles the other way round', () => {
    expect(holds({ order: swapped('open-target', 'redirect-source') }).failed).toBe(true);
  });

  test('would lead in circles without waiting for replication', () => {
    expect(holds({ waits: false }).failed).toBe(true);
  });

  test('would lose what arrived meanwhile without carrying it back', () => {
    expect(holds({ carriesBack: false }).failed).toBe(true);
  });
});

describe('nextStep', () => {
  const record = fc.record({
    step: fc.constantFrom(...stepNames),
    direction: fc.constantFrom('forward' as const, 'undo' as const),
    state: fc.constantFrom('begun' as const, 'done' as const, 'failed' as const, 'skipped' as const),
  });
  const records = fc.uniqueArray(record, { selector: (one: StepRecord) => `${one.step} ${one.direction}` });

  test('takes back only what was begun, and nothing twice', () => {
    fc.assert(
      fc.property(records, (all) => {
        const next = nextStep(all, 'undo');
        if (next === null) return;
        const of = (way: string) => all.find(({ step, direction }) => step === next.name && direction === way);
        expect(of('forward')?.state).toMatch(/begun|done|failed/);
        expect(of('undo')?.state ?? 'begun').toMatch(/begun|failed/);
      }),
    );
  });

  test('goes on with the first step that is not over', () => {
    const done = (step: StepName): StepRecord => ({ step, direction: 'forward', state: 'done' });
    expect(nextStep([], 'forward')).toEqual({ name: 'catch-up', resumed: false });
    expect(nextStep([done('catch-up'), { ...done('prepare-target'), state: 'failed' }], 'forward')).toEqual({
      name: 'prepare-target',
      resumed: true,
    });
    expect(nextStep(stepNames.map(done), 'forward')).toBeNull();
  });
});
