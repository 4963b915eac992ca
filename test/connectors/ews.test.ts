import type { EwsVersion } from '#lab/seams.ts';
import { ewsVersions } from '#lab/seams.ts';
import { type ConnectorSuite, connectorSuite } from '#test/suites/connector-suite.ts';
import { openEwsLab } from './ews-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

const flags = '2007 takes PidTagMessageFlags and behaves as if it were 0 (FACTS)';
const readFlag = `${flags}; IsRead cannot be set in the same request, so the engine sets it afterwards (readFlagAtCreate)`;

const deviations: Readonly<Record<EwsVersion, ConnectorSuite['deviations']>> = {
  '2007': [
    { test: 'a create carries isRead', because: readFlag },
    { test: 'a create carries messageFlags', because: flags },
    { test: 'a draft is created as a draft', because: flags },
  ],
  '2010': [],
  '2013': [],
  '2016': [],
  se: [],
};

for (const version of ewsVersions) {
  connectorSuite({
    name: `EWS against the lab's ${version}`,
    itemMaxBytes,
    open: () => openEwsLab(version, itemMaxBytes),
    deviations: deviations[version],
  });
}
