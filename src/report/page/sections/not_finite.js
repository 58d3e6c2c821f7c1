// Where values that are not finite first occur.

import {number} from '../format.js';
import {registerSection} from '../registry.js';

function describeFirstPoint({points}) {
  if (points.length === 0) return '';
  const [{point, sequence, index, infinite, nan}] = points;
  const where = sequence === null ? '' : `, [${index.join(', ')}] of sequence ${sequence}`;
  return `The first hook point with values that are not finite is ${point}${where}: ` +
    `${number(infinite)} infinite, ${number(nan)} NaN.`;
}

registerSection({
  key: 'not_finite',
  order: 14,
  warning: describeFirstPoint,
  definitionName: 'Values that are not finite',
});
