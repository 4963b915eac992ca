import { expect, test } from 'vitest';
import type { EventIdentity } from './appointment.ts';
import { loneOccurrence } from './lone-occurrence.ts';

/** [MS-OXOCAL] 4.1.2: an exception, moved from 25 to 26 March 2008. */
const exception =
  '040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B';
const series =
  '040000008200E00074C5B7101A82E008000000005025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B';

test('an occurrence names its series and its day, a whole event neither', () => {
  expect(loneOccurrence(exception as EventIdentity)).toEqual({ series, day: '2008-03-25' });
  expect(loneOccurrence(series as EventIdentity)).toBeNull();
  expect(loneOccurrence('AB' as EventIdentity)).toBeNull();
  expect(loneOccurrence(exception.replace('07D80319', '07D81319') as EventIdentity)).toBeNull();
});
