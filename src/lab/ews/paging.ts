import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { attribute } from './request.ts';

export interface Page<T> {
  readonly entries: readonly T[];
  /** Attributes of `m:RootFolder`. */
  readonly attributes: string;
}

/**
 * Cuts a page out of a list, as the view of the request says, within the limit of the throttling policy: an old client is
 * refused over it, a new one gets less than it asked for. (EWS doc: ews-throttling-in-exchange)
 */
export function cutPage<T>(context: Context, view: XmlElement | null, all: readonly T[], restricted: boolean): Page<T> {
  const { findCountLimit, findCountLimitRestricted } = context.organization.facts;
  const limit = (restricted ? findCountLimitRestricted : null) ?? findCountLimit;
  const max = view === null ? null : attribute(view, 'MaxEntriesReturned');
  if (max !== null && Number(max) < 1) throw new EwsError('ErrorInvalidPagingMaxRows');
  let offset = 0;
  let end = all.length;
  if (view?.name.startsWith('Indexed')) {
    const from = Number(attribute(view, 'Offset') ?? 0);
    if (from < 0)
      throw new EwsError('ErrorInvalidIndexedPagingParameters', 'The offset of the page must not be negative.');
    if (attribute(view, 'BasePoint') === 'End') {
      end = Math.max(0, all.length - from);
      offset = max === null ? 0 : Math.max(0, end - Number(max));
    } else offset = Math.min(from, all.length);
  } else if (view?.name.startsWith('Fractional')) {
    const numerator = Number(attribute(view, 'Numerator'));
    const denominator = Number(attribute(view, 'Denominator'));
    if (denominator < 1 || numerator < 0 || numerator > denominator)
      throw new EwsError('ErrorInvalidFractionalPagingParameters', 'The fraction of the page is invalid.');
    offset = Math.floor((all.length * numerator) / denominator);
  }
  let stop = max === null ? end : Math.min(end, offset + Number(max));
  if (limit !== null && stop - offset > limit) {
    if (context.version === '2007' || context.version === '2010')
      throw new EwsError('ErrorExceededFindCountLimit', undefined, { PolicyLimit: String(limit) });
    stop = offset + limit;
  }
  const fromEnd = view !== null && attribute(view, 'BasePoint') === 'End';
  const last = fromEnd ? offset === 0 : stop >= all.length;
  const next = fromEnd ? all.length - offset : stop;
  const paging =
    view === null
      ? ''
      : view.name.startsWith('Fractional')
        ? ` NumeratorOffset="${stop}" AbsoluteDenominator="${all.length}"`
        : ` IndexedPagingOffset="${next}"`;
  return {
    entries: all.slice(offset, stop),
    attributes: `${paging} TotalItemsInView="${all.length}" IncludesLastItemInRange="${last}"`,
  };
}
