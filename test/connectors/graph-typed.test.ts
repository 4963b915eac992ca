import { typedKinds } from '#model/typed-item.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';
import { openGraphLab } from './graph-lab.fixture.ts';

const requestBytesMax = 4 << 20;

typedSuite({
  name: "typed items over Graph against the lab's Exchange Online",
  itemMaxBytes: requestBytesMax,
  kinds: typedKinds,
  open: () => openGraphLab(requestBytesMax),
  deviations: [],
});
