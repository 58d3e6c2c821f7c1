// Parity: whether the hook points agree with those of a reference.

import {paragraph, table} from '../elements.js';
import {plural} from '../format.js';
import {registerSection} from '../registry.js';

function parityNodes(parity) {
  const bad = parity.points.filter((point) => point.outside > 0);
  const {absolute, relative} = parity.options;
  const point = (row) => row.point;
  const shape = (row) => row.shape.join(' × ');
  const verdict = bad.length === 0 ? 'none differs' :
    `${bad.length} outside the limits, the first of them ${bad[0].point}`;
  return [
    paragraph(`${plural(parity.points.length, 'hook point')} compared, within ${absolute} + ` +
      `${relative} × |reference|: ${verdict}. Error: the largest difference divided by ` +
      'its limit. Rows are in the order of the forward pass.'),
    table([
      {title: 'Hook point', left: true, code: true, value: point, text: point},
      {title: 'Shape', left: true, value: (row) => row.shape[0], text: shape},
      {title: 'Error', value: (row) => row.error ?? Infinity},
      {title: 'Largest difference', value: (row) => row.largest_difference ?? Infinity},
      {title: 'Scale', value: (row) => row.scale},
      {title: 'Values outside', value: (row) => row.outside},
    ], parity.points),
  ];
}

registerSection({
  key: 'parity',
  order: 140,
  chapter: 'Parity with the reference',
  nodes: parityNodes,
  definitionName: 'Parity',
});
