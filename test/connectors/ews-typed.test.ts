import { ewsVersions } from '#lab/seams.ts';
import { typedKinds } from '#model/typed-item.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';
import { openEwsLab } from './ews-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

for (const version of ewsVersions) {
  typedSuite({
    name: `typed items over EWS against the lab's ${version}`,
    itemMaxBytes,
    kinds: typedKinds,
    open: () => openEwsLab(version, itemMaxBytes),
    deviations: [],
  });
}
