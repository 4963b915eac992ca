import { connectorSuite } from '#test/suites/connector-suite.ts';
import { openWebdavLab } from './webdav-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

connectorSuite({
  name: 'WebDAV against the lab’s 2003',
  itemMaxBytes,
  open: () => openWebdavLab(itemMaxBytes),
  deviations: [
    {
      test: 'what was created twice has two heads under its stamp',
      because:
        'an item is created under a name made of its stamp, so that whoever creates it twice finds the first one',
    },
    {
      test: 'one message that is too large leaves its neighbours alone',
      because: 'Exchange 2003 limits the size of what is sent, not of what is put into a folder',
    },
  ],
});
