import { typedKinds } from '#model/typed-item.ts';
import { typedSuite } from '#test/suites/typed-suite.ts';
import { openWebdavLab } from './webdav-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

typedSuite({
  name: 'typed items over WebDAV against the lab’s 2003',
  itemMaxBytes,
  kinds: typedKinds,
  open: () => openWebdavLab(itemMaxBytes),
  deviations: [],
});
