import { labVersions } from '#lab/seams.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';
import { openEwsLab } from './ews-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

for (const version of labVersions) {
  typedSuite({
    name: `events over EWS against the lab's ${version}`,
    itemMaxBytes,
    kinds: ['calendar', 'contacts'],
    open: () => openEwsLab(version, itemMaxBytes),
    deviations: [],
  });
}
