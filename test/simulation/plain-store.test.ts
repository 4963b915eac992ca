import { storeSuite } from '#test/suites/store-suite.ts';
import { plainStore } from './plain-store.ts';

storeSuite({
  name: 'plain store',
  open: async (clock) => plainStore(clock),
  lacks: ['directory', 'switches', 'budgets'],
  propertyRuns: 60,
});
