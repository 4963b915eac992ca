import { connectorSuite } from '#test/suites/connector-suite.ts';
import { openGraphLab } from './graph-lab.fixture.ts';

const requestBytesMax = 4 << 20;

connectorSuite({
  name: "Graph against the lab's Exchange Online",
  itemMaxBytes: requestBytesMax,
  open: () => openGraphLab(requestBytesMax),
  deviations: [],
});
