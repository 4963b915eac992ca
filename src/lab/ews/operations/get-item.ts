import { batch } from '../answer.ts';
import { prepareShape, readItemShape, writeItem } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { child, kids } from '../request.ts';

/** EWS doc: getitem-operation. */
export const getItem: Operation = {
  request: 'GetItem',
  name: 'GetItem',
  since: 'Exchange2007',
  run(request, context) {
    const element = child(request, 'ItemShape');
    return batch(
      context,
      'GetItem',
      kids(child(request, 'ItemIds')),
      async (id) => {
        const prepared = prepareShape(readItemShape(element), false);
        return ['<m:Items>', await writeItem(context, context.item(id).item, prepared), '</m:Items>'];
      },
      '<m:Items/>',
    );
  },
};
